//! Where a rollout stands, its flags and its scorecard.

use std::io::{self, Write};
use std::process::ExitCode;

use rollgate::core::decide::{Status, TaskState};
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate::{Engine, RolloutStatus, wire};
use serde_json::{Value, json};

use super::args::{AnswerFormat, CardArgs, LookArgs};
use super::place::{Leader, Trouble, Visit, Way};
use crate::args::CardFormat;
use crate::input;
use crate::reports::{self, Wanted};
use crate::table::{Style, Table};

/// `running in phase canary (Canary), step 1 of 2`.
pub(crate) fn standing(status: &RolloutStatus) -> String {
    let name = status.status.name().replace('_', " ");
    let Some(phase) = &status.phase else { return name };
    let title = match &status.title {
        Some(title) if !title.is_empty() && title != phase.as_str() => format!(" ({title})"),
        _ => String::new(),
    };
    let (step, steps) = status.step;
    let step = if steps == 0 { String::new() } else { format!(", step {step} of {steps}") };
    let failed = if status.status == Status::RolledBack { "after" } else { "in" };
    format!("{name} {failed} phase {phase}{title}{step}")
}

/// What changed, and else what is not zero.
pub(crate) fn shares(before: &RolloutStatus, after: &RolloutStatus) -> String {
    let changed: Vec<String> = before
        .shares
        .iter()
        .zip(&after.shares)
        .filter(|(before, after)| before.1 != after.1)
        .map(|(before, after)| format!("{} {} → {}", after.0, before.1, after.1))
        .collect();
    if !changed.is_empty() {
        return format!("shares: {}", changed.join(", "));
    }
    let exposed: Vec<String> = after
        .shares
        .iter()
        .filter(|(_, share)| share.ppm() > 0)
        .map(|(flag, share)| format!("{flag} {share}"))
        .collect();
    match &exposed[..] {
        [] => "shares: unchanged, every flag at 0%".to_owned(),
        _ => format!("shares: unchanged, {}", exposed.join(", ")),
    }
}

/// Names with commas.
pub(crate) fn list(keys: &[Key]) -> String {
    keys.iter().map(Key::as_str).collect::<Vec<_>>().join(", ")
}

/// `rollgate status`.
pub(crate) fn status(asked: &LookArgs) -> Result<ExitCode, Trouble> {
    let visit = asked.planned.visit(Way::Look)?;
    let status = visit.engine.status();
    let mut out = io::stdout().lock();
    let written = match asked.format {
        AnswerFormat::Json => writeln!(out, "{}", status_json(&visit, &status)?),
        AnswerFormat::Text => write!(out, "{}", status_text(&visit, &status)),
    };
    Ok(input::written(written))
}

fn status_json(visit: &Visit, status: &RolloutStatus) -> Result<Value, Trouble> {
    let text = wire::status(status)?;
    let mut value: Value = serde_json::from_str(&text).map_err(Trouble::usage)?;
    let leader = match &visit.leader {
        Leader::Nobody => Value::Null,
        Leader::Node { node, seen } => json!({ "node": node, "seen": seen }),
    };
    if let Value::Object(fields) = &mut value {
        fields.insert("leader".into(), leader);
        fields.insert("journal_lines".into(), visit.engine.journal().len().into());
    }
    Ok(value)
}

/// What a person at three in the morning needs, the most important first.
fn status_text(visit: &Visit, status: &RolloutStatus) -> String {
    let mut table = Table::new([status.plan.to_string(), standing(status)]);
    let mut add = |what: &str, text: String| table.add([what.to_owned(), text]);
    match status.due_in {
        Some(due) if due.0 > 0 => add("gates", format!("due in {}", rounded(due))),
        Some(_) => add("gates", "due: `rollgate scorecard` shows them".into()),
        None => {}
    }
    if status.status == Status::AwaitingDecision || !status.votes.is_empty() {
        let votes = if status.votes.is_empty() { "nobody yet".into() } else { list(&status.votes) };
        add("said go", votes);
    }
    if !status.proposals.is_empty() {
        add("proposals", format!("{}: `rollgate approve` or `dismiss`", list(&status.proposals)));
    }
    if let Some(action) = &status.action {
        let run = action.run.as_deref().unwrap_or("by a person");
        add("action", format!("step {} waits for {}: {run}", action.step, action.action));
    }
    for (what, text) in calendar(status) {
        add(what, text);
    }
    let exposed: Vec<String> = status
        .shares
        .iter()
        .filter(|(_, share)| share.ppm() > 0)
        .map(|(flag, share)| format!("{flag} {share}"))
        .collect();
    add("shares", if exposed.is_empty() { "every flag at 0%".into() } else { exposed.join("\n") });
    if !status.removable.is_empty() {
        add("removable", list(&status.removable));
    }
    let lines = visit.engine.journal().len();
    let records = if lines == 1 { "record" } else { "records" };
    add("store", format!("{}, {lines} {records}", visit.path.display()));
    add("leader", leader(&visit.leader));
    table.draw(Style::Text)
}

/// What waits, what is overdue, and when it ends.
fn calendar(status: &RolloutStatus) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    let calendar = &status.calendar;
    if let Some(waiting) = &calendar.waiting {
        let until = waiting.until.map_or_else(|| "the plan is changed".to_owned(), minute);
        rows.push(("waits", format!("until {until}: {}", waiting.reason)));
    }
    let open: Vec<String> = calendar
        .checklist
        .iter()
        .filter(|task| !task.is_checked)
        .map(|task| format!("{}{}", task.item, if task.is_overdue { " (overdue)" } else { "" }))
        .collect();
    if !open.is_empty() {
        rows.push(("to check", open.join(", ")));
    }
    if !calendar.reminders.is_empty() {
        let items: Vec<&str> = calendar.reminders.iter().map(|reminder| reminder.item.as_str()).collect();
        rows.push(("reminders", items.join(", ")));
    }
    let left: Vec<String> = status
        .follow_ups
        .iter()
        .filter(|task| status.status == Status::Completed && task.state != TaskState::Done)
        .map(|task| {
            format!("{}{}", task.key, if task.state == TaskState::Overdue { " (overdue)" } else { "" })
        })
        .collect();
    if !left.is_empty() {
        rows.push(("to do", left.join(", ")));
    }
    if let Some(end) = calendar.projected_end {
        rows.push(("ends", format!("{} from where it stands", minute(end))));
    }
    rows
}

fn leader(leader: &Leader) -> String {
    match leader {
        Leader::Nobody => leader.to_string(),
        Leader::Node { seen, .. } => format!("{leader}, last seen {}", second(*seen)),
    }
}

/// A span as people wait it: to the second, and from an hour on to the minute.
pub(crate) fn rounded(span: Span) -> Span {
    let unit = if span < Span::hours(1) { 1_000 } else { 60_000 };
    Span(span.0.div_ceil(unit) * unit)
}

/// `2026-01-19 10:00 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

/// `2026-01-19 10:00:00 UTC`.
fn second(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..19).unwrap_or(&text).replace('T', " "))
}

/// `rollgate flags`.
pub(crate) fn flags(asked: &LookArgs) -> Result<ExitCode, Trouble> {
    let visit = asked.planned.visit(Way::Look)?;
    let status = visit.engine.status();
    let mut out = io::stdout().lock();
    let written = match asked.format {
        AnswerFormat::Json => writeln!(out, "{}", flags_json(&visit.engine, &status)),
        AnswerFormat::Text => write!(out, "{}", flags_text(&visit.engine, &status)),
    };
    Ok(input::written(written))
}

fn flags_json(engine: &Engine, status: &RolloutStatus) -> Value {
    let flags = engine.ruleset().flags.iter().zip(&status.shares).map(|(rule, (flag, share))| {
        json!({
            "flag": flag,
            "share": share,
            "final": rule.is_final,
            "removable": status.removable.contains(flag),
        })
    });
    json!({ "plan": status.plan, "status": status.status.name(), "flags": flags.collect::<Vec<_>>() })
}

fn flags_text(engine: &Engine, status: &RolloutStatus) -> String {
    let mut table = Table::new(["Flag", "Share", "Note"].map(str::to_owned));
    for (rule, (flag, share)) in engine.ruleset().flags.iter().zip(&status.shares) {
        let mut notes = Vec::new();
        if status.status == Status::Stopped {
            notes.push("off for everybody until a retry");
        }
        if rule.is_final {
            notes.push("final");
        }
        if status.removable.contains(flag) {
            notes.push("may be taken out of the code");
        }
        table.add([flag.to_string(), share.to_string(), notes.join(", ")]);
    }
    table.draw(Style::Text)
}

/// `rollgate scorecard`.
pub(crate) fn scorecard(asked: &CardArgs) -> Result<ExitCode, Trouble> {
    let visit = asked.planned.visit(Way::Look)?;
    let wanted = Wanted {
        scorecard: Some(asked.format),
        form: asked.form,
        reports: &asked.report,
        report_format: asked.report_format,
    };
    let mut text = Vec::new();
    let written = reports::write(&wanted, &visit.engine, &mut text);
    // After a journal an empty line sets it apart; here it is alone.
    let text = text.strip_prefix(b"\n").unwrap_or(&text);
    let written = written.and_then(|()| io::stdout().lock().write_all(text));
    if visit.leader == Leader::Nobody && asked.format != CardFormat::Json {
        eprintln!("note: {}", visit.leader);
    }
    Ok(input::written(written))
}
