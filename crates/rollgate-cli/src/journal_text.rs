//! Journal records as lines for people.

use std::fmt::Write as _;

use rollgate::core::time::Span;
use serde_json::Value;

/// One record in one or two lines; `None` for those that only machines need.
pub(crate) fn line_of(record: &Value) -> Option<String> {
    let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default();
    let kind = text("kind");
    let number = |field: &str| record.get(field).and_then(Value::as_u64).unwrap_or_default();
    let what = match kind {
        "started" => format!("started by {}", text("by")),
        "phase_started" => format!("▶ {}", text("title")),
        "step_applied" => format!("step {}", number("step")),
        "shares_changed" => format!("  {}", shares(record)),
        "gates_passed" => "gates: all pass".into(),
        "gates_failed" | "gates_inconclusive" => format!("{}{}", kind.replace('_', ": "), open_gates(record)),
        "awaiting_decision" => format!("awaiting the decision of {}", list(record, "roles")),
        "decided" => format!(
            "{} by {}: {}{}",
            text("choice").to_uppercase().replace('_', "-"),
            text("role"),
            text("rationale"),
            if text("override").is_empty() {
                String::new()
            } else {
                format!(" (override: {})", text("override"))
            }
        ),
        "decision_refused" | "command_refused" => format!("refused ({}): {}", text("by"), text("why")),
        "retry_refused" => format!("retry refused; missing: {}", list(record, "missing")),
        "phase_passed" => "✔ phase passed".into(),
        "completed" => "✔ completed".into(),
        "extended" => format!("extended until {}", calendar(text("until"))),
        // The proposal says the same.
        "trigger_fired" if text("mode") == "manual" && record.pointer("/finding/dry_run").is_none() => {
            return None;
        }
        "trigger_fired" => format!("✖ trigger {} fired: {}", text("trigger"), sentence(record)),
        "proposal" => format!("? trigger {} proposes a rollback: {}", text("trigger"), sentence(record)),
        "proposal_lapsed" => format!("the proposal of {} lapsed", text("trigger")),
        "proposal_dismissed" => format!("the proposal of {} was dismissed", text("trigger")),
        "approved" => format!("the proposal of {} was approved by {}", text("trigger"), text("role")),
        "rolled_back" if text("to") == "set" => "✖ ROLLED BACK, these flags only:".into(),
        "rolled_back" => format!("✖ ROLLED BACK to {}", text("to")),
        "rollback_ineffective" => format!("! the rollback did not help: {}", sentence(record)),
        "retried" => format!("retry by {}, again from {}", text("by"), text("from_phase")),
        "override" => format!("shares set by {}: {}", text("by"), text("reason")),
        "released" => format!("released: {}", list(record, "flags")),
        "paused" | "resumed" | "stopped" => format!("{kind} by {}: {}", text("by"), text("reason")),
        "checked" => format!("checked by {}: {}", text("by"), text("item")),
        "attested" if record.get("value") == Some(&Value::Bool(false)) => {
            format!("revoked by {}: {}", text("by"), text("item"))
        }
        "attested" => format!("attested by {}: {}", text("by"), text("item")),
        "baseline_captured" => format!(
            "baseline of {}: {}",
            text("metric"),
            record.get("value").and_then(Value::as_f64).unwrap_or_default()
        ),
        "action_started" => format!("action {} is due (run {})", text("action"), number("run")),
        "action_finished" if record.get("ok") == Some(&Value::Bool(true)) => {
            format!("✔ action {} ({})", text("action"), Span(number("took_ms")))
        }
        "action_finished" => format!("✖ action {} failed: {}", text("action"), text("why")),
        "annotated" if text("metric").is_empty() => format!("note by {}: {}", text("by"), text("text")),
        "annotated" => format!("note by {} on {}: {}", text("by"), text("metric"), text("text")),
        "follow_up_added" => {
            format!("to do: {} ({}, due {})", text("title"), text("owner"), calendar(text("due")))
        }
        "removable" if list(record, "flags").is_empty() => "no flag may be taken out any more".into(),
        "removable" => format!("may be taken out of the code: {}", list(record, "flags")),
        "alert_opened" => format!("alert ({}): {}", text("severity"), text("id")),
        "alert_closed" => format!("alert closed ({}): {}", text("severity"), text("id")),
        "notice" if record.get("delivered") == Some(&Value::Bool(true)) => {
            format!("✉ {}: {}", list(record, "channels"), title(record))
        }
        "notice" if number("attempts") == 0 => {
            format!("✉ {} ({}): {}", list(record, "channels"), text("error"), title(record))
        }
        "notice" => format!("! ✉ not delivered to {}: {}", list(record, "channels"), text("error")),
        "dropped" => format!("! {} samples of {} were dropped", number("count"), text("metric")),
        "clock_jump" => {
            let by = record.get("by_ms").and_then(Value::as_i64).unwrap_or_default();
            let way = if by < 0 { "back" } else { "forward" };
            format!("! the wall clock jumped {way} by {}", Span(by.unsigned_abs()))
        }
        "held" => {
            let until = match text("until") {
                "" => "the plan is changed".to_owned(),
                until => calendar(until),
            };
            format!("the next {} waits until {until}: {}", text("what"), text("reason"))
        }
        "go_voided" => format!("the go of {} counts no more: {}", text("by"), text("why")),
        "reminder" if record.get("missed") == Some(&Value::Bool(true)) => {
            format!("! missed, due {}: {}", calendar(text("due")), text("what"))
        }
        "reminder" if number("skipped") > 0 => {
            format!("reminder: {} ({} before it were skipped)", text("what"), number("skipped"))
        }
        "reminder" => format!("reminder: {}", text("what")),
        "acknowledged" => format!("acknowledged by {}: {}", text("by"), text("item")),
        "restarted" => format!("restarted after {}", Span(number("down_ms"))),
        "read_back" if record.get("ok") == Some(&Value::Bool(false)) => "! READ-BACK DOES NOT AGREE".into(),
        _ => return None,
    };
    Some(format!("{}  {what}", calendar(text("at"))))
}

/// `2026-01-19 10:00:00`, of RFC 3339.
fn calendar(at: &str) -> String {
    at.split('.').next().unwrap_or_default().replace('T', " ")
}

/// What a notice says, in one line.
fn title(record: &Value) -> &str {
    let text = |field: &str| record.get(field).and_then(Value::as_str);
    text("subject").or_else(|| text("message")?.lines().next()).unwrap_or_default()
}

fn sentence(record: &Value) -> &str {
    record.pointer("/finding/sentence").and_then(Value::as_str).unwrap_or_default()
}

fn list(record: &Value, field: &str) -> String {
    let items = record.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn percent(share: Option<&Value>) -> f64 {
    // A share has at most six decimals: what is behind them is the double's own.
    (share.and_then(Value::as_f64).unwrap_or_default() * 1e6).round() / 1e4
}

fn shares(record: &Value) -> String {
    let (Some(from), Some(to)) = (record.get("from").and_then(Value::as_object), record.get("to")) else {
        return String::new();
    };
    let mut text = String::new();
    for (flag, before) in from {
        let after = percent(to.get(flag));
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{flag} {}% → {after}%", percent(Some(before)));
    }
    text
}

fn open_gates(record: &Value) -> String {
    let findings = record.get("findings").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut text = String::new();
    for finding in findings {
        let verdict = finding.get("verdict").and_then(Value::as_str).unwrap_or_default();
        if matches!(verdict, "FAIL" | "INCONCLUSIVE") {
            let sentence = finding.get("sentence").and_then(Value::as_str).unwrap_or_default();
            let key = finding.get("key").and_then(Value::as_str).unwrap_or_default();
            let _ = write!(text, "\n                       {verdict} {key}: {sentence}");
        }
    }
    text
}
