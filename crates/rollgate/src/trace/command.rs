//! Commands as a trace writes them.

use std::borrow::Cow;

use rollgate_core::decide::{Action, ActionResult, Choice, Command};
use rollgate_core::id::Key;
use rollgate_core::units::Share;

use super::TraceError;
use super::fields::{Fields, Raw, refuse_repeats};
use super::parse::names;

const COMMANDS: &str = "start, check, acknowledge, attest, decide, approve, dismiss, set, release, pause, resume, stop, retry, \
                        capture_baseline, action, annotate or follow_up";

/// Reads a command. What the rollout itself refuses, such as an empty rationale, is left to it: a refusal is a record in
/// the journal, not a line that cannot be read.
pub(super) fn command(mut fields: Fields<'_>) -> Result<Command, TraceError> {
    let name = fields.text("command", COMMANDS)?;
    let by = fields.text("by", "a person or a role")?;
    let role = match fields.has("role") {
        true => Some(fields.text("role", "the role that the person acts in")?),
        false => None,
    };
    let (action, expected) = action(name, &mut fields)?;
    fields.finish(action.name(), expected)?;
    Ok(Command { by: key(&by), role: role.as_deref().map(Key::from), action })
}

fn key(text: &str) -> Key {
    Key::new(text)
}

/// The action, and the fields that its line may have.
fn action(name: Cow<'_, str>, fields: &mut Fields<'_>) -> Result<(Action, &'static str), TraceError> {
    const REASONED: &str = "command, by, role, reason";
    Ok(match &*name {
        "start" => (Action::Start, "command, by, role"),
        "check" => (Action::Check { item: item(fields)? }, "command, item, by, role"),
        "acknowledge" => (Action::Acknowledge { item: item(fields)? }, "command, item, by, role"),
        "attest" => (attest(fields)?, "command, item, by, role, and value or passed with of"),
        "decide" => {
            (decide(fields)?, "command, choice, by, role, rationale, override on a go, to on a rollback")
        }
        "approve" => {
            let proposal = key(&fields.text("proposal", "the trigger that proposed it")?);
            (
                Action::Approve { proposal, rationale: rationale(fields)? },
                "command, proposal, by, role, rationale",
            )
        }
        "dismiss" => {
            let proposal = key(&fields.text("proposal", "the trigger that proposed it")?);
            (Action::Dismiss { proposal, reason: reason(fields)? }, "command, proposal, by, role, reason")
        }
        "set" => (
            Action::Set { shares: shares(fields)?, reason: reason(fields)? },
            "command, shares, by, role, reason",
        ),
        "release" => {
            // Taken and not kept: the journal's record of a release has no place for a reason.
            reason(fields)?;
            (Action::Release { flags: flags(fields)? }, "command, flags, by, role, reason")
        }
        "pause" => (Action::Pause { reason: reason(fields)? }, REASONED),
        "resume" => (Action::Resume { reason: reason(fields)? }, REASONED),
        "stop" => (Action::Stop { reason: reason(fields)? }, REASONED),
        "retry" => {
            reason(fields)?;
            (Action::Retry, REASONED)
        }
        "capture_baseline" => {
            reason(fields)?;
            (Action::CaptureBaseline, REASONED)
        }
        "action" => (report(fields)?, "command, action, ok, output, run, by, role"),
        "annotate" => {
            let text = fields.text("text", "what is to be remembered")?.into_owned();
            let metric = fields.optional_text("metric", "a metric's name")?;
            (
                Action::Annotate { text, metric: metric.as_deref().map(Key::from) },
                "command, text, metric, by, role",
            )
        }
        "follow_up" => (follow_up(fields)?, "command, item, title, owner, due, by, role"),
        _ => return Err(Raw::Text(name).mismatch("command", COMMANDS)),
    })
}

fn item(fields: &mut Fields<'_>) -> Result<Key, TraceError> {
    fields.text("item", "an item's name").map(|item| key(&item))
}

fn reason(fields: &mut Fields<'_>) -> Result<String, TraceError> {
    Ok(fields.optional_text("reason", "a reason as text")?.unwrap_or_default().into_owned())
}

fn rationale(fields: &mut Fields<'_>) -> Result<String, TraceError> {
    Ok(fields.optional_text("rationale", "a rationale as text")?.unwrap_or_default().into_owned())
}

fn attest(fields: &mut Fields<'_>) -> Result<Action, TraceError> {
    let item = item(fields)?;
    let has_value = fields.has("value");
    if fields.has("passed") || fields.has("of") {
        if has_value {
            return Err(TraceError::new(
                "value",
                "in conflict with passed and of; expected one or the other",
            ));
        }
        let passed = Some((fields.count("passed")?, fields.count("of")?));
        return Ok(Action::Attest { item, is_true: true, passed });
    }
    match fields.take("value") {
        Some(Raw::Bool(is_true)) => Ok(Action::Attest { item, is_true, passed: None }),
        Some(other) => Err(other.mismatch("value", "true or false")),
        None => Err(TraceError::new("value", "missing; expected true or false, or passed with of")),
    }
}

fn report(fields: &mut Fields<'_>) -> Result<Action, TraceError> {
    let action = key(&fields.text("action", "the action's name")?);
    let is_ok = match fields.take("ok") {
        Some(Raw::Bool(is_ok)) => is_ok,
        Some(other) => return Err(other.mismatch("ok", "true or false")),
        None => return Err(TraceError::new("ok", "missing; expected true or false")),
    };
    let output = fields.optional_text("output", "what the action wrote")?.unwrap_or_default().into_owned();
    let run = if fields.has("run") { Some(fields.count("run")?) } else { None };
    Ok(Action::Report(ActionResult { action, run, is_ok, output }))
}

fn follow_up(fields: &mut Fields<'_>) -> Result<Action, TraceError> {
    let item = item(fields)?;
    let title = fields.optional_text("title", "what is to be done")?.unwrap_or_default().into_owned();
    let owner = key(&fields.text("owner", "a role or a person")?);
    let due = fields.text("due", "a date, or a length of time from now")?.into_owned();
    Ok(Action::FollowUp { item, title, owner, due })
}

fn decide(fields: &mut Fields<'_>) -> Result<Action, TraceError> {
    const CHOICES: &str = "go, no_go or rollback";
    let choice = fields.text("choice", CHOICES)?;
    let choice = match &*choice {
        "go" => {
            let reason = fields.optional_text("override", "the reason for going on without the gates")?;
            Choice::Go { override_reason: reason.map(Cow::into_owned) }
        }
        "no_go" => Choice::NoGo,
        "rollback" => {
            let to = fields.optional_text("to", "a phase, partial, full or zero")?;
            Choice::Rollback { to: to.as_deref().map(Key::from) }
        }
        _ => return Err(Raw::Text(choice).mismatch("choice", CHOICES)),
    };
    Ok(Action::Decide { choice, rationale: rationale(fields)? })
}

fn shares(fields: &mut Fields<'_>) -> Result<Vec<(Key, Share)>, TraceError> {
    const EXPECTED: &str = "an object of flags and shares from 0 to 1";
    let Some(raw) = fields.take("shares") else {
        return Err(TraceError::new("shares", format_args!("missing; expected {EXPECTED}")));
    };
    let Raw::Map(shares) = raw else { return Err(raw.mismatch("shares", EXPECTED)) };
    refuse_repeats("shares.", &shares)?;
    let share = |(flag, raw): &(Cow<'_, str>, Raw<'_>)| {
        let path = || format!("shares.{flag}");
        let Some(fraction) = raw.number() else {
            return Err(raw.mismatch(path(), "a number from 0 to 1, for example 0.1"));
        };
        let share = Share::from_fraction(fraction).map_err(|error| TraceError::new(path(), error))?;
        Ok((key(flag), share))
    };
    shares.iter().map(share).collect()
}

fn flags(fields: &mut Fields<'_>) -> Result<Vec<Key>, TraceError> {
    const EXPECTED: &str = "a list of flags";
    match fields.take("flags") {
        None => Err(TraceError::new("flags", format_args!("missing; expected {EXPECTED}"))),
        Some(Raw::List(list)) => {
            Ok(names("flags", list, "a flag's name")?.iter().map(|flag| key(flag)).collect())
        }
        Some(other) => Err(other.mismatch("flags", EXPECTED)),
    }
}
