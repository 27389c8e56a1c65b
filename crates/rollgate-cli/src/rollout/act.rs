//! What people ask of a rollout, and what came of it.

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use rollgate::core::decide::{Action, ActionResult, Choice, Command, Status};
use rollgate::core::error::ErrorKind;
use rollgate::core::id::Key;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::units::Share;
use rollgate::{RolloutStatus, wire};
use serde_json::{Value, json};

use super::args::{Act, AnswerFormat, Asked, ChoiceName};
use super::look;
use super::place::{Leader, Trouble, Visit, Way};
use crate::input;
use crate::paint::{Paint, Tone};

/// The variables that say who asks, the first of them first.
const BY_VARIABLES: [&str; 2] = ["ROLLGATE_BY", "USER"];

/// Carries out one command.
pub(crate) fn run(act: &Act) -> Result<ExitCode, Trouble> {
    let (asked, action) = action(act)?;
    let (by, whence) = who(asked, matches!(act, Act::Stop(_)))?;
    let Visit { engine, leader, path } = asked.planned.visit(Way::Command)?;
    let role = asked.role.as_deref().map(Key::new);
    let command = Command { by: Key::new(by.as_str()), role, action };
    let before = engine.status();
    let seq = engine.journal().len() as u64;
    let outcome = engine.command(&command);
    let after = engine.status();
    let said = Said { asked, by: &by, whence, command: &command, before: &before, after: &after };
    let records = engine.journal_after(seq);
    match outcome {
        Ok(()) => {
            let written = said.done(&records);
            if leader == Leader::Nobody && !matches!(after.status, Status::Pending | Status::Stopped) {
                eprintln!("note: {leader}; `rollgate run --store {}` is one", path.display());
            }
            Ok(input::written(written))
        }
        Err(error) if error.kind() == ErrorKind::Refused => {
            let why = error.to_string();
            input::written(said.refused(&why, &records));
            eprintln!("error: refused: {why}{}", hint(&command, &before, &why, engine.ruleset()));
            Ok(ExitCode::from(1))
        }
        // What was lowered in this process alone ends with it.
        Err(error) if error.kind() == ErrorKind::StoreAway => Err(Trouble::from(error).with(
            "whether it was written, `rollgate status` says once the store is back; programs that run the plan can be told \
             directly",
        )),
        Err(error) => Err(error.into()),
    }
}

/// Who asks, and what said so.
fn who(asked: &Asked, is_stop: bool) -> Result<(String, &'static str), Trouble> {
    if let Some(by) = &asked.by {
        return Ok((by.clone(), "--by"));
    }
    let said = |name: &'static str| {
        let by = env::var(name).ok().filter(|by| !by.trim().is_empty())?;
        Some((by, name))
    };
    if let Some(said) = BY_VARIABLES.into_iter().find_map(said) {
        return Ok(said);
    }
    // What turns everything off waits for no name.
    if is_stop {
        return Ok(("unknown".to_owned(), "nobody was named"));
    }
    Err(Trouble::usage("nobody was named: --by NAME says who asks, or the environment variable ROLLGATE_BY"))
}

/// What is asked, as the engine takes it.
fn action(act: &Act) -> Result<(&Asked, Action), Trouble> {
    Ok(match act {
        Act::Start(asked) => (asked, Action::Start),
        Act::Retry(asked) => (asked, Action::Retry),
        Act::CaptureBaseline(asked) => (asked, Action::CaptureBaseline),
        Act::Pause(said) => (&said.asked, Action::Pause { reason: said.reason.clone() }),
        Act::Resume(said) => (&said.asked, Action::Resume { reason: said.reason.clone() }),
        Act::Stop(said) => (&said.asked, Action::Stop { reason: said.reason.clone() }),
        Act::Decide { choice, rationale, to, over, asked } => {
            let choice = decision(*choice, to.as_deref(), over.as_deref())?;
            (asked, Action::Decide { choice, rationale: rationale.clone() })
        }
        Act::Approve { trigger, rationale, asked } => {
            (asked, Action::Approve { proposal: Key::new(trigger.as_str()), rationale: rationale.clone() })
        }
        Act::Dismiss { trigger, reason, asked } => {
            (asked, Action::Dismiss { proposal: Key::new(trigger.as_str()), reason: reason.clone() })
        }
        Act::Attest { item, value, passed, of, asked } => {
            let action =
                Action::Attest { item: Key::new(item.as_str()), is_true: *value, passed: passed.zip(*of) };
            (asked, action)
        }
        Act::CheckItem { item, asked } => (asked, Action::Check { item: Key::new(item.as_str()) }),
        Act::Acknowledge { item, asked } => (asked, Action::Acknowledge { item: Key::new(item.as_str()) }),
        Act::Set { shares, reason, asked } => {
            (asked, Action::Set { shares: distinct(shares)?, reason: reason.clone() })
        }
        Act::Release { flags, asked } => {
            (asked, Action::Release { flags: flags.iter().map(|flag| Key::new(flag.as_str())).collect() })
        }
        Act::Annotate { text, metric, asked } => {
            (asked, Action::Annotate { text: text.clone(), metric: metric.as_deref().map(Key::new) })
        }
        Act::FollowUp { item, title, owner, due, asked } => {
            let (item, owner) = (Key::new(item.as_str()), Key::new(owner.as_str()));
            (asked, Action::FollowUp { item, title: title.clone(), owner, due: due.clone() })
        }
        Act::ReportAction { action, result, output, run, asked } => {
            let (action, is_ok) = (Key::new(action.as_str()), result.ok);
            (asked, Action::Report(ActionResult { action, run: *run, is_ok, output: output.clone() }))
        }
    })
}

fn decision(choice: ChoiceName, to: Option<&str>, over: Option<&str>) -> Result<Choice, Trouble> {
    if to.is_some() && choice != ChoiceName::Rollback {
        return Err(Trouble::usage("--to is for a rollback: `rollgate decide rollback --to zero`"));
    }
    if over.is_some() && choice != ChoiceName::Go {
        return Err(Trouble::usage("--override is for a go: `rollgate decide go --override REASON`"));
    }
    Ok(match choice {
        ChoiceName::Go => Choice::Go { override_reason: over.map(str::to_owned) },
        ChoiceName::NoGo => Choice::NoGo,
        ChoiceName::Rollback => Choice::Rollback { to: to.map(Key::new) },
    })
}

/// Each flag once: which of two shares would count nobody should have to know.
fn distinct(shares: &[(String, Share)]) -> Result<Vec<(Key, Share)>, Trouble> {
    let twice = shares
        .iter()
        .enumerate()
        .find(|(index, (flag, _))| shares.iter().take(*index).any(|(before, _)| before == flag));
    if let Some((_, (flag, _))) = twice {
        return Err(Trouble::usage(format_args!("{flag} stands there twice; give it one share")));
    }
    Ok(shares.iter().map(|(flag, share)| (Key::new(flag.as_str()), *share)).collect())
}

/// A command and its answer.
struct Said<'a> {
    asked: &'a Asked,
    by: &'a str,
    whence: &'static str,
    command: &'a Command,
    before: &'a RolloutStatus,
    after: &'a RolloutStatus,
}

impl Said<'_> {
    fn name(&self) -> String {
        match &self.command.action {
            Action::Decide { choice, .. } => format!("decide {}", choice.name()),
            action => action.name().to_owned(),
        }
    }

    /// `ann`, `ann as lead`, `ann (USER)`.
    fn author(&self) -> String {
        let role = self.asked.role.as_ref().map_or_else(String::new, |role| format!(" as {role}"));
        let whence = if self.whence == "--by" { String::new() } else { format!(" ({})", self.whence) };
        format!("{}{role}{whence}", self.by)
    }

    /// Two lines: what happened and where the rollout stands, and the shares.
    fn done(&self, records: &[String]) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.asked.format == AnswerFormat::Json {
            return writeln!(out, "{}", self.json(None, records));
        }
        let done = Paint::of_stdout().tone(Tone::Good, "done");
        let moved = if self.before.status == self.after.status {
            String::new()
        } else {
            format!("{} → ", self.before.status.name())
        };
        writeln!(out, "{done}: {} by {}: {moved}{}", self.name(), self.author(), look::standing(self.after))?;
        writeln!(out, "{}", look::shares(self.before, self.after))
    }

    /// A refusal is data for programs only; people read it on standard error.
    fn refused(&self, why: &str, records: &[String]) -> io::Result<()> {
        match self.asked.format {
            AnswerFormat::Text => Ok(()),
            AnswerFormat::Json => writeln!(io::stdout().lock(), "{}", self.json(Some(why), records)),
        }
    }

    fn json(&self, why: Option<&str>, records: &[String]) -> Value {
        let records: Vec<Value> = records.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let status = wire::status(self.after).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        json!({
            "command": self.command.action.name(),
            "by": self.by,
            "by_from": self.whence,
            "role": self.asked.role,
            "done": why.is_none(),
            "why": why,
            "status": status,
            "records": records,
        })
    }
}

/// How a refusal is mended.
fn hint(command: &Command, status: &RolloutStatus, why: &str, ruleset: &Ruleset) -> String {
    let text = match &command.action {
        Action::Decide { rationale, .. } if rationale.trim().is_empty() => "--rationale TEXT says why".into(),
        // Who has no vote has none later either.
        Action::Decide { choice: Choice::Go { .. }, .. }
            if status.status == Status::Running && why.contains("not awaited") =>
        {
            let due = match status.due_in {
                Some(due) if due.0 > 0 => format!("its gates are due in {}: wait", look::rounded(due)),
                _ => "wait for its steps and gates (`rollgate scorecard`)".to_owned(),
            };
            format!("{due}, or add --override REASON")
        }
        Action::Decide { .. } => {
            "`rollgate status` shows whose decision is awaited; act with --by NAME and --role ROLE".into()
        }
        Action::Set { reason, .. } if reason.trim().is_empty() => {
            "`rollgate flags` shows the shares; --reason TEXT gives a reason".into()
        }
        Action::Set { .. } => "`rollgate flags` shows the shares".into(),
        Action::Retry if matches!(status.status, Status::RolledBack | Status::Stopped) => {
            "`rollgate attest ITEM` signs each item; a `hold` passes by itself while a program runs the plan"
                .into()
        }
        Action::Approve { .. } | Action::Dismiss { .. } => match &status.proposals[..] {
            [] => "no proposal is pending".into(),
            pending => format!("pending: {}", look::list(pending)),
        },
        Action::Annotate { metric: Some(_), .. } => {
            let metrics: Vec<Key> = ruleset.metrics.iter().map(|metric| metric.key.clone()).collect();
            format!("it has {}", look::list(&metrics))
        }
        _ => "`rollgate status` shows where it stands".into(),
    };
    format!("; {text}")
}
