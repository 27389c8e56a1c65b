//! `rollgate matrix`: the share of every flag after every step.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::snapshot::Ruleset;
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
    let mut out = io::stdout().lock();
    input::written(match format {
        TableFormat::Json => writeln!(out, "{}", json(&ruleset, &rows)),
        TableFormat::Table => write!(out, "{}", table(&ruleset, &rows).draw(Style::Text)),
        TableFormat::Markdown => write!(out, "{}", table(&ruleset, &rows).draw(Style::Markdown)),
    })
}

/// One row: a phase, the number of its step (none where it has no steps), and the shares after it.
struct Row<'a> {
    phase: &'a str,
    step: Option<usize>,
    shares: &'a [Share],
}

fn rows(ruleset: &Ruleset) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    for phase in ruleset.plan.iter().flat_map(|plan| &plan.phases) {
        if phase.steps.is_empty() {
            rows.push(Row { phase: phase.key.as_str(), step: None, shares: &phase.last_shares });
        }
        for (index, step) in phase.steps.iter().enumerate() {
            rows.push(Row { phase: phase.key.as_str(), step: Some(index + 1), shares: &step.shares });
        }
    }
    rows
}

fn table(ruleset: &Ruleset, rows: &[Row<'_>]) -> Table {
    let flags = ruleset.flags.iter().map(|flag| flag.key.to_string());
    let mut table = Table::new(["Phase", "Step"].map(str::to_owned).into_iter().chain(flags));
    for row in rows {
        let step = row.step.map_or_else(String::new, |step| step.to_string());
        let shares = row.shares.iter().map(ToString::to_string);
        table.add([row.phase.to_owned(), step].into_iter().chain(shares));
    }
    if rows.is_empty() {
        let shares = ruleset.flags.iter().map(|flag| flag.initial.to_string());
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
            .map(|(flag, share)| (flag.key.to_string(), share.fraction().into()))
            .collect();
        json!({ "phase": row.phase, "step": row.step, "shares": shares })
    };
    Value::Array(rows.iter().map(row).collect())
}
