//! `rollgate risks`: the risk register, and what of it has happened.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate::core::decide::Fired;
use rollgate::core::id::Key;
use rollgate::core::report::RiskRegister;
use rollgate::core::time::Timestamp;
use serde_json::Value;

use crate::args::TableFormat;
use crate::input;
use crate::table::{Style, Table};

const HEADINGS: [&str; 6] = ["Risk", "Probability", "Impact", "Mitigation", "Triggers", "Fired"];

/// Prints the register.
pub(crate) fn run(plan: &Path, journal: Option<&Path>, format: TableFormat) -> ExitCode {
    let ruleset = match input::plan(plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(plan, &error),
    };
    let records = match journal.map(|path| input::journal(path, &ruleset)).transpose() {
        Ok(records) => records,
        Err(error) => return input::refuse(&error),
    };
    if ruleset.plan.as_ref().is_none_or(|plan| plan.risks.is_empty()) {
        eprintln!("note: the plan has no risks; `risks:` lists them with the triggers that watch for them");
    } else if records.is_none() {
        eprintln!("note: without --journal nothing is known to have fired");
    }
    let register = RiskRegister::of(&ruleset, &fired(records.as_deref().unwrap_or_default()));
    let mut out = io::stdout().lock();
    input::written(match format {
        TableFormat::Json => {
            serde_json::to_writer(&mut out, &register).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
        TableFormat::Table => write!(out, "{}", table(&register, Style::Text).draw(Style::Text)),
        TableFormat::Markdown => write!(out, "{}", table(&register, Style::Markdown).draw(Style::Markdown)),
    })
}

/// The register as a table. For a terminal each trigger has a row of its own: where a name is broken, the number of times
/// that it fired still stands beside it.
fn table(register: &RiskRegister, style: Style) -> Table {
    let mut table = Table::new(HEADINGS.map(str::to_owned));
    for cells in register.cells() {
        if style == Style::Markdown {
            table.add(cells);
            continue;
        }
        let [title, probability, impact, mitigation, triggers, fired] = cells;
        let mut fired = fired.lines();
        let mut of_risk = [title, probability, impact, mitigation];
        for trigger in triggers.lines() {
            let beside = [trigger, fired.next().unwrap_or_default()].map(str::to_owned);
            table.add(std::mem::take(&mut of_risk).into_iter().chain(beside));
        }
    }
    table
}

/// How often each trigger has fired, told by a journal.
fn fired(records: &[Value]) -> Vec<Fired> {
    let mut known: Vec<Fired> = Vec::new();
    for record in records.iter().filter(|record| text(record, "kind") == "trigger_fired") {
        let trigger = Key::new(format!("{}/{}", text(record, "phase"), text(record, "trigger")));
        let Ok(last) = Timestamp::parse(text(record, "at")) else { continue };
        match known.iter_mut().find(|fired| fired.trigger == trigger) {
            Some(fired) => *fired = Fired { times: fired.times + 1, last, trigger },
            None => known.push(Fired { trigger, times: 1, last }),
        }
    }
    known
}

fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record.get(field).and_then(Value::as_str).unwrap_or_default()
}
