//! Texts that people and programs give with a command: how long they may be, whichever door they come in by.
//!
//! Some are kept in the state, which is copied at every decision; all are kept in the journal.

use super::{Action, Choice, Command, RolloutState};
use crate::id::Key;
use crate::limits::TEXT_BYTES_MAX;
use crate::snapshot::Ruleset;

/// What is wrong with the first text of a command that is too long.
pub(super) fn too_long(command: &Command) -> Option<String> {
    let (what, text) = texts(command).into_iter().find(|(_, text)| text.len() > TEXT_BYTES_MAX)?;
    Some(format!("{what} has {} bytes, and at most {TEXT_BYTES_MAX} are kept; shorten it", text.len()))
}

/// Every text of a command that is kept. The output of an action is none: its end is kept, however long it is.
fn texts(command: &Command) -> Vec<(&'static str, &str)> {
    let mut texts = vec![("the name of who gives it", command.by.as_str())];
    texts.extend(command.role.as_ref().map(|role| ("the role", role.as_str())));
    match &command.action {
        Action::Start | Action::Retry | Action::CaptureBaseline => {}
        Action::Check { item } | Action::Acknowledge { item } | Action::Attest { item, .. } => {
            texts.push(("the item", item.as_str()));
        }
        Action::Decide { choice, rationale } => {
            texts.push(("the rationale", rationale));
            match choice {
                Choice::Go { override_reason } => {
                    texts.extend(override_reason.as_deref().map(|why| ("the override's reason", why)));
                }
                Choice::NoGo => {}
                Choice::Rollback { to } => texts.extend(to.as_ref().map(|to| ("the target", to.as_str()))),
            }
        }
        Action::Approve { proposal, rationale } => {
            texts.extend([("the proposal", proposal.as_str()), ("the rationale", rationale)]);
        }
        Action::Dismiss { proposal, reason } => {
            texts.extend([("the proposal", proposal.as_str()), ("the reason", reason)]);
        }
        Action::Set { shares, reason } => {
            texts.push(("the reason", reason));
            texts.extend(shares.iter().map(|(flag, _)| ("the flag", flag.as_str())));
        }
        Action::Release { flags } => texts.extend(flags.iter().map(|flag| ("the flag", flag.as_str()))),
        Action::Pause { reason } | Action::Resume { reason } | Action::Stop { reason } => {
            texts.push(("the reason", reason));
        }
        Action::Report(result) => texts.push(("the action", result.action.as_str())),
        Action::Annotate { text, metric } => {
            texts.push(("the text", text));
            texts.extend(metric.as_ref().map(|metric| ("the metric", metric.as_str())));
        }
        Action::FollowUp { item, title, owner, due } => {
            let (item, owner) = (item.as_str(), owner.as_str());
            texts.extend([("the item", item), ("the title", title), ("the owner", owner), ("the date", due)]);
        }
    }
    texts
}

/// A command that needs no reason and lowers, with as much of its texts as is kept: it is not held up by words.
pub(super) fn lowering(ruleset: &Ruleset, state: &RolloutState, command: &Command) -> Option<Command> {
    let action = match &command.action {
        Action::Stop { reason } => Action::Stop { reason: head(reason, TEXT_BYTES_MAX) },
        Action::Set { shares, reason } => {
            let raises = shares.iter().any(|(flag, share)| {
                let now = ruleset.flag_of(flag.as_str()).and_then(|flag| state.shares.get(flag.index()));
                now.is_none_or(|now| share > now)
            });
            if raises {
                return None;
            }
            Action::Set { shares: shares.clone(), reason: head(reason, TEXT_BYTES_MAX) }
        }
        _ => return None,
    };
    Some(Command { action, ..signed(command) })
}

/// The same command with as much of its author's name as is kept.
pub(super) fn signed(command: &Command) -> Command {
    Command { by: Key::new(head(command.by.as_str(), TEXT_BYTES_MAX)), ..command.clone() }
}

/// The first bytes of a text, up to a whole character.
pub(super) fn head(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut to = bytes;
    while !text.is_char_boundary(to) {
        to -= 1;
    }
    format!("{}…", &text[..to])
}

/// The last bytes of a text, from a whole character on.
pub(super) fn tail(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut from = text.len() - bytes;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    format!("…{}", &text[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_its_beginning_or_its_end_in_whole_characters() {
        assert_eq!((tail("abc", 3), tail("xabc", 3)), ("abc".into(), "…abc".into()));
        assert_eq!((head("abc", 3), head("abcx", 3)), ("abc".into(), "abc…".into()));
        // An `é` has two bytes, and half of one is none.
        assert_eq!((tail("éab", 3), head("abé", 3)), ("…ab".into(), "ab…".into()));
    }
}
