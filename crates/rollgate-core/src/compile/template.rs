//! Texts with placeholders: what fills each, and what nobody fills.

use super::problem::nearest;
use super::reader::{Item, Reader};
use crate::id::Key;
use crate::snapshot::{NoticeWhen, Part, Slot, Template};
use crate::time::Timestamp;

/// A constant of the plan.
pub(super) type Constant = (String, String);

/// What fills placeholders in the texts of one notice.
pub(super) struct Filling<'a> {
    /// What rollgate fills on this transition.
    known: Vec<(&'static str, Slot)>,
    /// What the plan fills.
    values: &'a [Constant],
    /// The first channel that has no recipients one by one; `None`: all have, and the sink fills `{recipient.…}`.
    shared: Option<&'a str>,
}

/// Every placeholder that rollgate fills anywhere.
pub(super) const NAMES: [&str; 17] = [
    "title",
    "name",
    "date",
    "start",
    "phase.title",
    "phase.id",
    "next.title",
    "next.id",
    "to",
    "to.title",
    "shares",
    "cause",
    "trigger",
    "evidence",
    "roles",
    "status",
    "what",
];

const RECIPIENT: &str = "recipient.";

impl<'a> Filling<'a> {
    /// What fills a notice that is sent `when`.
    pub(super) fn of(
        when: NoticeWhen,
        date: Option<Timestamp>,
        values: &'a [Constant],
        shared: Option<&'a str>,
    ) -> Self {
        let mut known = vec![("title", Slot::Title), ("name", Slot::Name)];
        if date.is_some() {
            known.extend([("date", Slot::Date), ("start", Slot::Start)]);
        }
        if !matches!(when, NoticeWhen::BeforeStart(_) | NoticeWhen::Completed) {
            known.extend([("phase.title", Slot::PhaseTitle), ("phase.id", Slot::PhaseId)]);
        }
        known.extend([("shares", Slot::Shares), ("status", Slot::Status)]);
        let own: &[(&'static str, Slot)] = match when {
            NoticeWhen::PhasePassed => &[("next.title", Slot::NextTitle), ("next.id", Slot::NextId)],
            NoticeWhen::RolledBack => {
                &[("to", Slot::To), ("to.title", Slot::ToTitle), ("cause", Slot::Cause)]
            }
            NoticeWhen::Stopped => &[("cause", Slot::Cause)],
            NoticeWhen::Proposal => &[
                ("to", Slot::To),
                ("to.title", Slot::ToTitle),
                ("trigger", Slot::Trigger),
                ("evidence", Slot::Evidence),
            ],
            NoticeWhen::RollbackIneffective => &[("trigger", Slot::Trigger), ("evidence", Slot::Evidence)],
            NoticeWhen::GatesFailed => &[("evidence", Slot::Evidence)],
            NoticeWhen::AwaitingDecision => &[("roles", Slot::Roles)],
            NoticeWhen::Reminder => &[("what", Slot::What)],
            _ => &[],
        };
        known.extend_from_slice(own);
        Self { known, values, shared }
    }

    fn listed(&self) -> String {
        let own = self.known.iter().map(|(name, _)| *name);
        let all = own.chain(self.values.iter().map(|(name, _)| name.as_str()));
        all.map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
    }

    fn part(&self, reader: &mut Reader, item: &Item<'_>, name: &str) -> Option<Part> {
        if let Some((_, slot)) = self.known.iter().find(|(known, _)| *known == name) {
            return Some(Part::Slot(slot.clone()));
        }
        if let Some((_, text)) = self.values.iter().find(|(known, _)| known == name) {
            return Some(Part::Text(text.clone()));
        }
        if let Some(field) = name.strip_prefix(RECIPIENT).filter(|field| is_field(field)) {
            let Some(channel) = self.shared else {
                return Some(Part::Slot(Slot::Recipient(Key::new(field))));
            };
            reader.error_help(
                "no-recipient",
                &item.path,
                item.at(),
                format_args!("`{{{name}}}` has nobody to fill it on channel `{channel}`"),
                format_args!(
                    "give `{channel}` its line in `channels` with `per_recipient: true`, or write to everybody at once"
                ),
            );
            return None;
        }
        let listed = self.listed();
        let names = self.known.iter().map(|(known, _)| *known);
        let near = nearest(name, names.chain(self.values.iter().map(|(known, _)| known.as_str())));
        let help = match (name, near) {
            ("user" | "User", _) => {
                format!(
                    "`{{recipient.name}}` is filled on channels with `per_recipient: true`; there are {listed}"
                )
            }
            (_, Some(near)) => format!("did you mean `{{{near}}}`? There are {listed}"),
            _ => format!("there are {listed}; what stays the same may stand in the plan's `values`"),
        };
        let message = format!("nothing fills `{{{name}}}` here");
        reader.error_help("unknown-placeholder", &item.path, item.at(), message, help);
        None
    }
}

fn is_field(field: &str) -> bool {
    !field.is_empty() && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// Reads a text; every placeholder that nobody fills is a problem.
pub(super) fn template(reader: &mut Reader, item: &Item<'_>, text: &str, filling: &Filling<'_>) -> Template {
    let mut parts: Vec<Part> = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            plain.push_str(&from[..1]);
            rest = after;
            continue;
        }
        if let Some(after) = from.strip_prefix('}') {
            plain.push('}');
            rest = after;
            continue;
        }
        let inside = &from[1..];
        let Some((name, after)) = inside.split_once('}') else {
            let shown: String = inside.chars().take(24).collect();
            reader.error_help(
                "unknown-placeholder",
                &item.path,
                item.at(),
                format_args!("`{{{shown}` opens a placeholder that never ends"),
                "close it with `}`; a brace itself is written `{{`",
            );
            rest = "";
            continue;
        };
        if let Some(part) = filling.part(reader, item, name) {
            match part {
                Part::Text(text) => plain.push_str(&text),
                slot => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(slot);
                }
            }
        }
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    brackets(reader, item, text);
    Template { parts, written: text.to_owned() }
}

/// Looks for placeholders of other people's templates, such as `[User]`: nothing fills them, and they would be sent.
fn brackets(reader: &mut Reader, item: &Item<'_>, text: &str) {
    for (at, _) in text.match_indices('[') {
        let Some((inside, after)) = text[at + 1..].split_once(']') else { continue };
        let is_shout = inside.len() > 1
            && inside.len() <= 40
            && inside.starts_with(|c: char| c.is_ascii_uppercase())
            && inside.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, ' ' | '_' | '/' | '-'));
        // `[Status page](https://…)` is a link.
        if !is_shout || after.starts_with('(') {
            continue;
        }
        let known = match inside {
            "User" | "Name" | "User Name" => {
                Some("`{recipient.name}`, on a channel with `per_recipient: true`")
            }
            "Team" | "Team Name" => Some("`{team}`, with `values: { team: … }` in the plan"),
            "PHASE/VERSION" | "PHASE" | "VERSION" => Some("`{to}` or `{to.title}`"),
            _ => None,
        };
        let message = format!("nothing fills `[{inside}]`: it would be sent as it stands");
        match known {
            Some(known) => reader.error_help(
                "unknown-placeholder",
                &item.path,
                item.at(),
                message,
                format_args!("write {known}"),
            ),
            None => reader.warn(
                "placeholder-like",
                &item.path,
                item.at(),
                message,
                "placeholders stand in braces, as `{title}`; if it is meant to be read so, leave it",
            ),
        }
    }
}
