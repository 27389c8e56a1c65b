//! Messages on transitions: when, to whom, and what fills their placeholders.

use super::condition::missing;
use super::plan::is_empty;
use super::reader::{Item, Reader};
use crate::config::Value;
use crate::limits::CONDITIONS_MAX;
use crate::snapshot::{Notice, NoticeWhen};
use crate::time::{Span, Timestamp};

/// Compiles `notices`.
pub(super) fn notices(reader: &mut Reader, item: Option<Item<'_>>, date: Option<Timestamp>) -> Vec<Notice> {
    let Some(item) = item else { return Vec::new() };
    let mut notices = Vec::new();
    for item in reader.list(&item, "a list of notices", CONDITIONS_MAX) {
        let Some(mut map) = reader.map(&item, "a map with when, channels and message") else { continue };
        let when = map
            .take("when")
            .or_else(|| missing(reader, &item, "when", "a transition such as phase_started"))
            .and_then(|item| notice_when(reader, &item));
        let is_urgent = map.take("urgent").and_then(|item| reader.flag(&item)).unwrap_or(false);
        let audience = reader.opt_text(map.take("audience"));
        let mut channels = Vec::new();
        let channels_item = map.take("channels");
        if channels_item.as_ref().is_none_or(|item| is_empty(item.node)) {
            let _ = missing(reader, &item, "channels", "at least one channel");
        } else if let Some(item) = channels_item {
            channels.extend(
                reader.list(&item, "a list of channels", 64).iter().filter_map(|item| reader.text(item)),
            );
        }
        let message =
            map.take("message").or_else(|| missing(reader, &item, "message", "the text")).and_then(|item| {
                let text = reader.text(&item)?;
                if let Some(when) = when {
                    placeholders(reader, &item, &text, when, date);
                }
                Some(text)
            });
        if date.is_none() && matches!(when, Some(NoticeWhen::BeforeStart(_))) {
            reader.warn(
                "notice-never-sent",
                &item.path,
                item.key_at(),
                "the notice counts back from the first day, and the plan has none",
                "add `date:` to the plan",
            );
        }
        reader.close(map);
        if let (Some(when), Some(message)) = (when, message) {
            notices.push(Notice { when, is_urgent, audience, channels, message });
        }
    }
    notices
}

fn notice_when(reader: &mut Reader, item: &Item<'_>) -> Option<NoticeWhen> {
    if matches!(item.node.value, Value::Map(_)) {
        let mut map = reader.map(item, "a transition")?;
        let span = map
            .take("before_start")
            .or_else(|| missing(reader, item, "before_start", "a length of time"))
            .and_then(|item| reader.span(&item, Span::ZERO));
        reader.close(map);
        return span.map(NoticeWhen::BeforeStart);
    }
    reader.word(
        item,
        &[
            ("phase_started", NoticeWhen::PhaseStarted),
            ("phase_passed", NoticeWhen::PhasePassed),
            ("completed", NoticeWhen::Completed),
            ("rolled_back", NoticeWhen::RolledBack),
        ],
    )
}

/// Refuses placeholders that nobody can fill on this transition.
fn placeholders(reader: &mut Reader, item: &Item<'_>, text: &str, when: NoticeWhen, date: Option<Timestamp>) {
    let mut known = vec!["title", "name"];
    match when {
        NoticeWhen::BeforeStart(_) => known.extend(date.map(|_| "date")),
        NoticeWhen::PhaseStarted => known.extend(["phase.title", "phase.id"]),
        NoticeWhen::PhasePassed => known.extend(["phase.title", "phase.id", "next.title", "next.id"]),
        NoticeWhen::Completed => {}
        NoticeWhen::RolledBack => known.extend(["phase.title", "phase.id", "to"]),
    }
    for part in text.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        if !part.contains('}') || !known.contains(&name) {
            let listed: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
            reader.error_help(
                "unknown-placeholder",
                &item.path,
                item.at(),
                format_args!("nothing fills `{{{name}}}` here"),
                format_args!("there are {}", listed.join(", ")),
            );
        }
    }
}
