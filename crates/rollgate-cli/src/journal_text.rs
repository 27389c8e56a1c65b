//! Journal records as lines for people.

use std::fmt::Write as _;

use rollgate::core::time::Span;
use serde_json::Value;

/// One record in one or two lines; `None` for those that only machines need.
pub(crate) fn line_of(record: &Value) -> Option<String> {
    let record = Record(record);
    let what = record
        .course()
        .or_else(|| record.rollback())
        .or_else(|| record.people())
        .or_else(|| record.told())
        .or_else(|| record.machine())?;
    Some(format!("{}  {what}", calendar(record.text("at"))))
}

/// A record, whose kind says what is read of it.
struct Record<'a>(&'a Value);

impl Record<'_> {
    fn text(&self, field: &str) -> &str {
        self.0.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, field: &str) -> u64 {
        self.0.get(field).and_then(Value::as_u64).unwrap_or_default()
    }

    fn list(&self, field: &str) -> String {
        list(self.0, field)
    }

    /// Whether a field says exactly this; one that is missing says nothing.
    fn says(&self, field: &str, value: bool) -> bool {
        self.0.get(field) == Some(&Value::Bool(value))
    }

    /// From phase to phase.
    fn course(&self) -> Option<String> {
        let text = |field| self.text(field);
        Some(match text("kind") {
            "started" => format!("started by {}", text("by")),
            "phase_started" => format!("▶ {}", text("title")),
            "step_applied" => format!("step {}", self.number("step")),
            "shares_changed" => format!("  {}", shares(self.0)),
            "gates_passed" => "gates: all pass".into(),
            kind @ ("gates_failed" | "gates_inconclusive") => {
                format!("{}{}", kind.replace('_', ": "), open_gates(self.0))
            }
            "awaiting_decision" => format!("awaiting the decision of {}", self.list("roles")),
            "phase_passed" => "✔ phase passed".into(),
            "completed" => "✔ completed".into(),
            "extended" => format!("extended until {}", calendar(text("until"))),
            "held" => {
                let until = match text("until") {
                    "" => "the plan is changed".to_owned(),
                    until => calendar(until),
                };
                format!("the next {} waits until {until}: {}", text("what"), text("reason"))
            }
            "removable" if self.list("flags").is_empty() => "no flag may be taken out any more".into(),
            "removable" => format!("may be taken out of the code: {}", self.list("flags")),
            _ => return None,
        })
    }

    /// From a trigger to the retry.
    fn rollback(&self) -> Option<String> {
        let text = |field| self.text(field);
        let trigger = text("trigger");
        Some(match text("kind") {
            // The proposal says the same.
            "trigger_fired" if text("mode") == "manual" && self.0.pointer("/finding/dry_run").is_none() => {
                return None;
            }
            "trigger_fired" => format!("✖ trigger {trigger} fired: {}", sentence(self.0)),
            "proposal" => format!("? trigger {trigger} proposes a rollback: {}", sentence(self.0)),
            "proposal_lapsed" => format!("the proposal of {trigger} lapsed"),
            "proposal_dismissed" => format!("the proposal of {trigger} was dismissed"),
            "approved" => format!("the proposal of {trigger} was approved by {}", text("role")),
            "rolled_back" if text("to") == "set" => "✖ ROLLED BACK, these flags only:".into(),
            "rolled_back" => format!("✖ ROLLED BACK to {}", text("to")),
            "rollback_ineffective" => format!("! the rollback did not help: {}", sentence(self.0)),
            "retry_refused" => format!("retry refused; missing: {}", self.list("missing")),
            "retried" => format!("retry by {}, again from {}", text("by"), text("from_phase")),
            "alert_opened" => format!("alert ({}): {}", text("severity"), text("id")),
            "alert_closed" => format!("alert closed ({}): {}", text("severity"), text("id")),
            _ => return None,
        })
    }

    /// What people said and did.
    fn people(&self) -> Option<String> {
        let text = |field| self.text(field);
        let by = text("by");
        Some(match text("kind") {
            "decided" => {
                let choice = text("choice").to_uppercase().replace('_', "-");
                let overruled = match text("override") {
                    "" => String::new(),
                    why => format!(" (override: {why})"),
                };
                format!("{choice} by {}: {}{overruled}", text("role"), text("rationale"))
            }
            "decision_refused" | "command_refused" => format!("refused ({by}): {}", text("why")),
            "go_voided" => format!("the go of {by} counts no more: {}", text("why")),
            "override" => format!("shares set by {by}: {}", text("reason")),
            "released" => format!("released: {}", self.list("flags")),
            kind @ ("paused" | "resumed" | "stopped") => format!("{kind} by {by}: {}", text("reason")),
            "checked" => format!("checked by {by}: {}", text("item")),
            "attested" if self.says("value", false) => format!("revoked by {by}: {}", text("item")),
            "attested" => format!("attested by {by}: {}", text("item")),
            "acknowledged" => format!("acknowledged by {by}: {}", text("item")),
            "annotated" if text("metric").is_empty() => format!("note by {by}: {}", text("text")),
            "annotated" => format!("note by {by} on {}: {}", text("metric"), text("text")),
            "follow_up_added" => {
                format!("to do: {} ({}, due {})", text("title"), text("owner"), calendar(text("due")))
            }
            _ => return None,
        })
    }

    /// What people were told.
    fn told(&self) -> Option<String> {
        let text = |field| self.text(field);
        let channels = self.list("channels");
        Some(match text("kind") {
            "notice" if self.says("delivered", true) => format!("✉ {channels}: {}", title(self.0)),
            "notice" if self.number("attempts") == 0 => {
                format!("✉ {channels} ({}): {}", text("error"), title(self.0))
            }
            "notice" => format!("! ✉ not delivered to {channels}: {}", text("error")),
            "reminder" if self.says("missed", true) => {
                format!("! missed, due {}: {}", calendar(text("due")), text("what"))
            }
            "reminder" if self.number("skipped") > 0 => {
                format!("reminder: {} ({} before it were skipped)", text("what"), self.number("skipped"))
            }
            "reminder" => format!("reminder: {}", text("what")),
            _ => return None,
        })
    }

    /// What the engine and its actions did.
    fn machine(&self) -> Option<String> {
        let text = |field| self.text(field);
        Some(match text("kind") {
            "baseline_captured" => {
                let value = self.0.get("value").and_then(Value::as_f64).unwrap_or_default();
                format!("baseline of {}: {value}", text("metric"))
            }
            "action_started" => format!("action {} is due (run {})", text("action"), self.number("run")),
            "action_finished" if self.says("ok", true) => {
                format!("✔ action {} ({})", text("action"), Span(self.number("took_ms")))
            }
            "action_finished" => format!("✖ action {} failed: {}", text("action"), text("why")),
            "dropped" => format!("! {} samples of {} were dropped", self.number("count"), text("metric")),
            "clock_jump" => {
                let by = self.0.get("by_ms").and_then(Value::as_i64).unwrap_or_default();
                let way = if by < 0 { "back" } else { "forward" };
                format!("! the wall clock jumped {way} by {}", Span(by.unsigned_abs()))
            }
            "restarted" => format!("restarted after {}", Span(self.number("down_ms"))),
            "read_back" if self.says("ok", false) => "! READ-BACK DOES NOT AGREE".into(),
            _ => return None,
        })
    }
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
