//! What happened in a week, as the input of a decision.

use rollgate_core::report::{self, Cell, Table, local};
use rollgate_core::time::{Now, Span, Timestamp};

use super::control::Control;
use super::log::{self, AlertsBetween, Later, Logged};
use crate::journal::Journal;

const WEEK: Span = Span::days(7);

/// Kinds of records that people want to see in a summary.
const KINDS: [&str; 16] = [
    "trigger_fired",
    "proposal",
    "proposal_lapsed",
    "proposal_dismissed",
    "approved",
    "rolled_back",
    "rollback_ineffective",
    "retried",
    "stopped",
    "paused",
    "resumed",
    "override",
    "released",
    "decided",
    "extended",
    "annotated",
];

/// The week's incidents and alerts, its rollbacks, its overrides and other events, its annotations, the baseline against
/// the week, and ON against OFF day by day.
pub(super) fn tables(control: &Control, now: Now) -> Later<Vec<Table>> {
    let from = now.wall - WEEK;
    let standing = control.standing(now);
    let counted = events_of(&standing);
    let mut baseline = report::baseline(&standing);
    baseline.title = "Baseline, target and now, at the end of the week".into();
    let kept = report::kept(&standing, 7);
    let (journal, zone) = (control.journal.clone(), control.ruleset.timezone.clone());
    Box::new(move || {
        let zone = zone.as_str();
        let alerts = log::alerts_between(&journal, from, Timestamp(now.wall.0.saturating_add(1)));
        let mut tables = vec![counts(&journal, &alerts, counted, from)];
        tables.extend([alerts.table(zone), events(&journal, zone, from), baseline]);
        tables.extend(Some(kept).filter(|kept| !kept.rows.is_empty()));
        tables
    })
}

/// How often what people ask about first.
fn counts(journal: &Journal, alerts: &AlertsBetween, counted: Vec<(String, Cell)>, from: Timestamp) -> Table {
    let mut table = Table::new("week", "The last 7 days", &["Of the week", "Count"]);
    let of = |kinds: &[&str]| log::records(journal, kinds).filter(|record| record.at >= from).count();
    let opened = [
        rollgate_core::snapshot::Severity::Critical,
        rollgate_core::snapshot::Severity::Warning,
        rollgate_core::snapshot::Severity::Info,
    ]
    .map(|severity| alerts.opened(severity));
    let overrides = of(&["override"])
        + log::records(journal, &["decided"])
            .filter(|record| record.at >= from && !record.text("override").is_empty())
            .count();
    let rows = [
        ("critical alerts opened", opened[0]),
        ("other alerts opened", opened[1] + opened[2]),
        ("rollbacks", of(&["rolled_back"])),
        ("proposals to roll back", of(&["proposal"])),
        ("overrides", overrides),
        ("annotations", of(&["annotated"])),
    ];
    for (name, count) in rows {
        table.add([Cell::text(name), number(count)]);
    }
    // Incidents are events of the plan's own: each kind of them that is said to be good downwards.
    for (name, count) in counted {
        table.add([Cell::text(name), count]);
    }
    table
}

fn number(count: usize) -> Cell {
    Cell { text: count.to_string(), value: Some(count as f64), ..Cell::default() }
}

/// Events of the week that are better fewer.
fn events_of(standing: &report::Standing<'_>) -> Vec<(String, Cell)> {
    use rollgate_core::snapshot::{Direction, MetricKind, Stat};
    let metrics = standing.ruleset.metrics.iter().enumerate();
    let bad = metrics
        .filter(|(_, metric)| metric.kind == MetricKind::Event && metric.good == Some(Direction::Down));
    bad.map(|(index, metric)| {
        let id = rollgate_core::id::MetricId(index as u16);
        (metric.key.to_string(), standing.cell(id, Stat::Count, WEEK))
    })
    .collect()
}

/// Rollbacks, overrides, decisions and annotations with their reasons.
fn events(journal: &Journal, zone: &str, from: Timestamp) -> Table {
    let mut table = Table::new("events", "What was done", &["When", "What", "By", "Why"]);
    for record in log::records(journal, &KINDS).filter(|record| record.at >= from) {
        let (what, by, why) = words(&record);
        let at = local::calendar(zone, record.at);
        table.add([Cell::text(at), Cell::text(what), Cell::text(by), Cell::text(why)]);
    }
    table
}

/// What a record says: what, by whom, why.
pub(super) fn words(record: &Logged) -> (String, String, String) {
    let text = |field: &str| record.text(field).to_owned();
    let sentence = || {
        let finding = record.value.get("finding").and_then(|finding| finding.get("sentence"));
        finding.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let cause = || {
        let cause = record.value.get("cause").and_then(|cause| cause.get("name"));
        cause.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    match record.kind.as_str() {
        "trigger_fired" => (format!("trigger {} fired", text("trigger")), "rollgate".into(), sentence()),
        "proposal" => (format!("{} proposes a rollback", text("trigger")), "rollgate".into(), sentence()),
        "proposal_lapsed" => {
            (format!("proposal of {} lapsed", text("trigger")), "rollgate".into(), String::new())
        }
        "proposal_dismissed" => {
            (format!("proposal of {} dismissed", text("trigger")), text("by"), text("reason"))
        }
        "approved" => (format!("rollback by {} approved", text("trigger")), text("by"), text("rationale")),
        "rolled_back" => {
            let triggers = record.list("triggers");
            let why = if triggers.is_empty() { cause() } else { triggers };
            (format!("rolled back to {}: {}", text("to"), record.shares("shares")), "rollgate".into(), why)
        }
        "rollback_ineffective" => {
            (format!("the rollback did not cure {}", text("trigger")), "rollgate".into(), sentence())
        }
        "retried" => (format!("retried from {}", text("from_phase")), text("by"), String::new()),
        "override" => (format!("set by hand: {}", record.shares("flags")), text("by"), text("reason")),
        "released" => {
            (format!("given back to the plan: {}", record.list("flags")), text("by"), String::new())
        }
        "decided" => {
            let over = text("override");
            let note = if over.is_empty() { String::new() } else { format!(" (override: {over})") };
            (format!("decided {}{note}", text("choice")), text("by"), text("rationale"))
        }
        "extended" => (format!("extended until {}", text("until")), String::new(), String::new()),
        "annotated" => {
            let metric = text("metric");
            let of = if metric.is_empty() { String::new() } else { format!(" on {metric}") };
            (format!("annotation{of}"), text("by"), text("text"))
        }
        kind => (kind.replace('_', " "), text("by"), text("reason")),
    }
}
