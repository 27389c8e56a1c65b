//! `rollgate matrix`: the share of every flag after every step.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::snapshot::{Planned, Ruleset};
use rollgate::core::time::Timestamp;
use rollgate::core::units::Share;
use serde_json::{Map, Value, json};

use crate::args::TableFormat;
use crate::input;
use crate::table::{Style, Table};

/// Prints the table.
pub(crate) fn run(plan: &Path, format: TableFormat) -> ExitCode {
    let ruleset = match input::plan(plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(plan, &error),
    };
    let rows = rows(&ruleset);
    if let Some(total) = total(&ruleset) {
        eprintln!("{total}");
    }
    let mut out = io::stdout().lock();
    input::written(match format {
        TableFormat::Json => writeln!(out, "{}", json(&ruleset, &rows)),
        TableFormat::Table => write!(out, "{}", table(&ruleset, &rows).draw(Style::Text)),
        TableFormat::Markdown => write!(out, "{}", table(&ruleset, &rows).draw(Style::Markdown)),
    })
}

/// One row: a phase, when it is planned, the number of its step (none where it has no steps), and the shares after it.
struct Row<'a> {
    phase: &'a str,
    planned: Planned,
    step: Option<usize>,
    shares: &'a [Share],
}

fn rows(ruleset: &Ruleset) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let phases = ruleset.plan.iter().flat_map(|plan| plan.phases.iter().zip(plan.planned()));
    for (phase, planned) in phases {
        let key = phase.key.as_str();
        if phase.steps.is_empty() {
            rows.push(Row { phase: key, planned, step: None, shares: &phase.last_shares });
        }
        for (index, step) in phase.steps.iter().enumerate() {
            rows.push(Row { phase: key, planned, step: Some(index + 1), shares: &step.shares });
        }
    }
    rows
}

/// The day on which a phase is planned to begin: a table has room for no more. Its end is the next one's beginning.
fn starts(ruleset: &Ruleset, row: &Row<'_>) -> String {
    let zone = ruleset.plan.as_ref().map(|plan| &plan.calendar.zone);
    let day = zone.zip(row.planned.starts).map(|(zone, at)| zone.day_of(at).to_string());
    day.filter(|_| row.step.is_none_or(|step| step == 1)).unwrap_or_default()
}

/// How long the plan takes, and when it ends; nothing for a setup without phases.
fn total(ruleset: &Ruleset) -> Option<String> {
    let plan = ruleset.plan.as_ref()?;
    let end = plan.planned().iter().rev().find_map(|planned| planned.ends);
    let end = end.map_or_else(String::new, |end| format!(", until {}", plan.calendar.zone.show(end)));
    Some(format!("planned: {}{end}", plan.planned_total()))
}

fn table(ruleset: &Ruleset, rows: &[Row<'_>]) -> Table {
    let flags = ruleset.flags.iter().map(|flag| flag.key.to_string());
    let is_dated = rows.iter().any(|row| row.planned.starts.is_some());
    let from = is_dated.then(|| "From".to_owned());
    let columns = ["Phase".to_owned()].into_iter().chain(from).chain(["Step".to_owned()]);
    let mut table = Table::new(columns.chain(flags));
    for row in rows {
        let step = row.step.map_or_else(String::new, |step| step.to_string());
        let shares = ruleset.flags.iter().zip(row.shares).map(|(flag, share)| flag.shown(*share).to_string());
        let from = is_dated.then(|| starts(ruleset, row));
        table.add([row.phase.to_owned()].into_iter().chain(from).chain([step]).chain(shares));
    }
    if rows.is_empty() {
        let shares = ruleset.flags.iter().map(|flag| flag.shown(flag.initial).to_string());
        table.add(["(no phases)".to_owned(), String::new()].into_iter().chain(shares));
    }
    table
}

fn json(ruleset: &Ruleset, rows: &[Row<'_>]) -> Value {
    let row = |row: &Row<'_>| {
        let shares: Map<String, Value> = ruleset
            .flags
            .iter()
            .zip(row.shares)
            .map(|(flag, share)| (flag.key.to_string(), flag.shown(*share).fraction().into()))
            .collect();
        let at = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({
            "phase": row.phase, "step": row.step, "shares": shares,
            "planned_start": at(row.planned.starts), "planned_end": at(row.planned.ends),
        })
    };
    Value::Array(rows.iter().map(row).collect())
}
