//! What the journal says of a span of the calendar: alerts, and what was done.
//!
//! A journal is long, and reading it takes its time: what does so is handed out as a [`Later`], which is called once the
//! engine's lock is free again. A trigger in a recording call must not wait for somebody's report.

use rollgate_core::report::{Cell, Table, local};
use rollgate_core::snapshot::Severity;
use rollgate_core::time::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::journal::Journal;

/// What is left to be done without the engine's lock.
pub(super) type Later<T> = Box<dyn FnOnce() -> T>;

/// One alert, from its opening to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertSpan {
    /// How bad.
    pub severity: Severity,
    /// Its id.
    pub id: String,
    /// When it was opened, by the calendar.
    pub opened: Timestamp,
    /// When it was closed; `None` while it is open.
    pub closed: Option<Timestamp>,
}

/// Alerts that were opened, or open, between two times. Both ends are of the calendar; the later one does not belong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertsBetween {
    /// From when on.
    pub from: Timestamp,
    /// Before when.
    pub to: Timestamp,
    /// Every alert that was open at some instant in between, the oldest first.
    pub alerts: Vec<AlertSpan>,
    /// Alerts that were counted and not kept, because too many were open at once.
    pub dropped: u64,
}

impl AlertsBetween {
    /// How many of a severity were opened in between.
    pub fn opened(&self, severity: Severity) -> usize {
        let is_in = |alert: &&AlertSpan| alert.severity == severity && alert.opened >= self.from;
        self.alerts.iter().filter(is_in).count()
    }

    /// How many of a severity were open at some instant in between.
    pub fn open(&self, severity: Severity) -> usize {
        self.alerts.iter().filter(|alert| alert.severity == severity).count()
    }

    /// As a table.
    pub fn table(&self, zone: &str) -> Table {
        let title =
            format!("Alerts from {} to {}", local::calendar(zone, self.from), local::calendar(zone, self.to));
        let mut table = Table::new("alerts", title, &["Severity", "Alert", "Opened", "Closed"]);
        for alert in &self.alerts {
            let closed = alert.closed.map_or_else(|| "still open".to_owned(), |at| local::calendar(zone, at));
            table.add([
                Cell::text(alert.severity.name()),
                Cell::text(alert.id.as_str()),
                Cell::text(local::calendar(zone, alert.opened)),
                Cell::text(closed),
            ]);
        }
        table.notes.push(self.words());
        table
    }

    /// `1 critical alert opened, 1 was open before; no warning, no info.`
    pub fn words(&self) -> String {
        let mut said = Vec::new();
        for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
            let (opened, open) = (self.opened(severity), self.open(severity));
            if open == 0 {
                continue;
            }
            let name = severity.name();
            said.push(match (opened, open - opened) {
                (opened, 0) => format!("{opened} {name} opened"),
                (0, before) => format!("{before} {name} open from before"),
                (opened, before) => format!("{opened} {name} opened and {before} open from before"),
            });
        }
        let dropped = match self.dropped {
            0 => String::new(),
            n => format!("; {n} more were counted and not kept"),
        };
        match said.is_empty() {
            true => format!("No alerts{dropped}."),
            false => format!("Alerts: {}{dropped}.", said.join(", ")),
        }
    }
}

/// The alerts of a span, from the journal: exact, whatever windows still hold, and across restarts.
pub(super) fn alerts_between(journal: &Journal, from: Timestamp, to: Timestamp) -> AlertsBetween {
    let mut alerts: Vec<AlertSpan> = Vec::new();
    let mut dropped = 0;
    for record in records(journal, &["alert_opened", "alert_closed", "dropped"]) {
        if record.at >= to && record.kind != "alert_closed" {
            continue;
        }
        let id = record.text("id");
        match record.kind.as_str() {
            "alert_opened" => {
                let Some(severity) = Severity::of_name(record.text("severity")) else { continue };
                // One that got worse is another alert from here on.
                close(&mut alerts, id, record.at);
                alerts.push(AlertSpan { severity, id: id.to_owned(), opened: record.at, closed: None });
            }
            "alert_closed" => close(&mut alerts, id, record.at),
            _ if record.at >= from && record.text("metric") == "alerts" => {
                dropped += record.value.get("count").and_then(Value::as_u64).unwrap_or(0);
            }
            _ => {}
        }
    }
    alerts.retain(|alert| alert.closed.is_none_or(|closed| closed > from));
    AlertsBetween { from, to, alerts, dropped }
}

fn close(alerts: &mut [AlertSpan], id: &str, at: Timestamp) {
    if let Some(open) = alerts.iter_mut().rfind(|alert| alert.id == id && alert.closed.is_none()) {
        open.closed = Some(at);
    }
}

/// A journal record that is read back.
pub(super) struct Logged {
    pub(super) at: Timestamp,
    pub(super) kind: String,
    pub(super) value: Value,
}

impl Logged {
    pub(super) fn text(&self, field: &str) -> &str {
        self.value.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn list(&self, field: &str) -> String {
        let items = self.value.get(field).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }

    /// `USE_X 10%, USE_Y 0%`.
    pub(super) fn shares(&self, field: &str) -> String {
        let entries = self.value.get(field).and_then(Value::as_object).into_iter().flatten();
        let share = |(flag, share): (&String, &Value)| {
            let share = rollgate_core::units::Share::from_fraction(share.as_f64()?).ok()?;
            Some(format!("{flag} {share}"))
        };
        entries.filter_map(share).collect::<Vec<_>>().join(", ")
    }
}

/// The records of these kinds, oldest first; no others are parsed.
pub(super) fn records<'a>(journal: &'a Journal, kinds: &'a [&str]) -> impl Iterator<Item = Logged> + 'a {
    #[cfg(test)]
    READ.set(READ.get() + 1);
    let wanted: Vec<String> = kinds.iter().map(|kind| format!("\"kind\":\"{kind}\"")).collect();
    let lines = journal.after(0);
    lines.filter(move |line| wanted.iter().any(|kind| line.contains(kind.as_str()))).filter_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        let at = Timestamp::parse(value.get("at")?.as_str()?).ok()?;
        let kind = value.get("kind")?.as_str()?.to_owned();
        Some(Logged { at, kind, value })
    })
}

#[cfg(test)]
thread_local! {
    /// How often this thread has read a journal.
    pub(super) static READ: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}
