//! Goes through a plan trigger by trigger and action by action, and prints what came of each.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};
use rollgate::core::id::Key;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::Span;
use rollgate::engine::DueAction;
use serde::Serialize;
use serde_json::json;

use super::drill::{Drill, drill};
use super::stage::Stage;
use crate::args::{RehearseArgs, TableFormat};
use crate::input;
use crate::shell::{self, Earnest};
use crate::table::{Style, Table};

/// An action before a step, and what came of it.
#[derive(Clone, Debug, Serialize)]
struct Acted {
    phase: Key,
    step: usize,
    action: Key,
    run: Option<String>,
    /// `None`: it was not run.
    ok: Option<bool>,
    said: String,
}

/// Rehearses a plan.
pub(crate) fn run(asked: &RehearseArgs) -> ExitCode {
    let ruleset = match input::plan(&asked.plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(&asked.plan, &error),
    };
    if ruleset.plan.is_none() {
        return input::refuse(&"the plan has no phases, so that there is nothing to roll back");
    }
    let (actions, stuck) =
        if asked.run_actions { acted(&ruleset, &asked.plan) } else { (listed(&ruleset), None) };
    let drills = drills(&ruleset);
    let found = found(&drills);
    let written = write(asked.format, &drills, &found, &actions);
    say(asked.format, &found, drills.len());
    if let Some(why) = &stuck {
        eprintln!("error: the actions: {why}");
    }
    let is_fine = stuck.is_none() && found.is_empty();
    match input::written(written) {
        done if is_fine || done != ExitCode::SUCCESS => done,
        _ => ExitCode::from(1),
    }
}

/// One thing that is not as it should be, and the drills that it stood in the way of: a phase that is never reached is
/// the same for each of its triggers.
struct Found<'a> {
    why: &'a str,
    drills: Vec<&'a Drill>,
}

impl Found<'_> {
    /// `latency, crashes in phase ten; latency in phase fifty`.
    fn triggers(&self) -> String {
        let in_phase = |drills: &[&Drill]| {
            let triggers: Vec<&str> = drills.iter().map(|drill| drill.trigger.as_str()).collect();
            let phase = drills.first().map_or("", |drill| drill.phase.as_str());
            format!("{} in phase {phase}", triggers.join(", "))
        };
        let by_phase = self.drills.chunk_by(|one, other| one.phase == other.phase);
        by_phase.map(in_phase).collect::<Vec<_>>().join("; ")
    }
}

/// Tells people of problems: one by one where the data is for programs, else how many, for the tables say the rest.
fn say(format: TableFormat, found: &[Found<'_>], drills: usize) {
    let failed: usize = found.iter().map(|problem| problem.drills.len()).sum();
    match format {
        TableFormat::Json => {
            for problem in found {
                eprintln!("error: {}: {}", problem.triggers(), problem.why);
            }
        }
        _ if failed > 0 => eprintln!("error: {failed} of {drills} triggers are not as they should be"),
        _ => {}
    }
}

/// The problems of all drills, each once.
fn found(drills: &[Drill]) -> Vec<Found<'_>> {
    let mut found: Vec<Found<'_>> = Vec::new();
    for drill in drills {
        let Some(why) = drill.problem.as_deref() else { continue };
        match found.iter_mut().find(|other| other.why == why) {
            Some(same) => same.drills.push(drill),
            None => found.push(Found { why, drills: vec![drill] }),
        }
    }
    found
}

fn drills(ruleset: &Arc<Ruleset>) -> Vec<Drill> {
    let phases = ruleset.plan.as_ref().map_or(&[][..], |plan| &plan.phases);
    let count: usize = phases.iter().map(|phase| phase.triggers.len()).sum();
    // It draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(count as u64), ProgressDrawTarget::stderr());
    let mut drills = Vec::new();
    for (index, phase) in phases.iter().enumerate() {
        for rule in &phase.triggers {
            drills.push(drill(ruleset, index, phase, rule));
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    drills
}

/// All actions of the plan, none of them run.
fn listed(ruleset: &Ruleset) -> Vec<Acted> {
    let mut actions = Vec::new();
    for phase in ruleset.plan.iter().flat_map(|plan| &plan.phases) {
        for (index, step) in phase.steps.iter().enumerate() {
            actions.extend(step.actions.iter().map(|action| Acted {
                phase: phase.key.clone(),
                step: index + 1,
                action: action.key.clone(),
                run: action.run.clone(),
                ok: None,
                said: "not run".into(),
            }));
        }
    }
    actions
}

/// Goes through all steps of the plan and runs what stands before each; and why that ended early, where it did.
fn acted(ruleset: &Arc<Ruleset>, plan: &Path) -> (Vec<Acted>, Option<String>) {
    let mut actions = listed(ruleset);
    if actions.is_empty() {
        return (actions, None);
    }
    let folder = plan.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let log = Arc::new(Mutex::new(Vec::<(DueAction, Result<String, String>)>::new()));
    let seen = log.clone();
    let actor = move |action: &DueAction| {
        let result = match &action.run {
            Some(_) => {
                let timeout = Duration::from_millis(action.timeout.0);
                shell::run(action, &folder, timeout, Earnest::Rehearsal)
            }
            // People do it, and say so.
            None => Ok(action.expect.clone().unwrap_or_default()),
        };
        if let Ok(mut seen) = seen.lock() {
            seen.push((action.clone(), result.clone()));
        }
        result
    };
    let last = ruleset.plan.as_ref().map_or(0, |plan| plan.phases.len() - 1);
    let reached = Stage::open(ruleset, actor)
        .map_err(|error| error.to_string())
        .and_then(|mut stage| stage.reach(last));
    let log = log.lock().map(|log| log.clone()).unwrap_or_default();
    for (due, result) in log {
        let of = |acted: &&mut Acted| {
            acted.phase == due.phase && acted.step == due.step && acted.action == due.action
        };
        let Some(acted) = actions.iter_mut().find(of) else { continue };
        let is_expected = |said: &str| due.expect.as_ref().is_none_or(|expected| expected == said.trim());
        (acted.ok, acted.said) = match result {
            Ok(_) if due.run.is_none() => (None, "nothing to run: people do it".into()),
            Ok(said) if is_expected(&said) => (Some(true), format!("ok: {}", shown(&said))),
            Ok(said) => (Some(false), format!("FAILED: `{}` is not as expected", shown(&said))),
            Err(why) => (Some(false), format!("FAILED: {}", shown(&why))),
        };
    }
    (actions, reached.err())
}

/// The last line of an output: enough for a table.
fn shown(said: &str) -> &str {
    said.trim().lines().last().unwrap_or("(no output)")
}

fn write(format: TableFormat, drills: &[Drill], found: &[Found<'_>], actions: &[Acted]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let style = match format {
        TableFormat::Json => return writeln!(out, "{}", json!({ "rollbacks": drills, "actions": actions })),
        TableFormat::Table => Style::Text,
        TableFormat::Markdown => Style::Markdown,
    };
    write!(out, "{}", rollbacks(drills, found).draw(style))?;
    if !found.is_empty() {
        write!(out, "\n{}", problems(found).draw(style))?;
    }
    if actions.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(["Phase", "Step", "Action", "Run", "Result"].map(str::to_owned));
    for acted in actions {
        let run = acted.run.clone().unwrap_or_default();
        table.add([
            acted.phase.to_string(),
            acted.step.to_string(),
            acted.action.to_string(),
            run,
            acted.said.clone(),
        ]);
    }
    write!(out, "\n{}", table.draw(style))
}

/// What the numbers in the table of rollbacks stand for.
fn problems(found: &[Found<'_>]) -> Table {
    let mut table = Table::new(["Problem", "Triggers", "Why"].map(str::to_owned));
    for (index, problem) in found.iter().enumerate() {
        table.add([(index + 1).to_string(), problem.triggers(), problem.why.to_owned()]);
    }
    table
}

fn rollbacks(drills: &[Drill], found: &[Found<'_>]) -> Table {
    const HEADINGS: [&str; 6] = ["Phase", "Trigger", "Rollback", "Shares", "After", "A retry needs"];
    let mut table = Table::new(HEADINGS.map(str::to_owned));
    for drill in drills {
        let moved = drill.shares.iter().filter(|moved| moved.before != moved.after);
        let shares: Vec<String> =
            moved.map(|moved| format!("{} {} → {}", moved.flag, moved.before, moved.after)).collect();
        let problem = drill.problem.as_ref().and_then(|why| found.iter().position(|one| one.why == why));
        let shares = match problem {
            Some(index) => format!("PROBLEM {}", index + 1),
            None if shares.is_empty() => "nothing is lowered".into(),
            None => shares.join("\n"),
        };
        let after = drill.took_ms.map_or_else(|| "-".into(), |ms| Span(ms).to_string());
        let needs =
            if drill.retry_needs.is_empty() { "nothing".into() } else { drill.retry_needs.join(", ") };
        table.add([
            drill.phase.to_string(),
            drill.trigger.to_string(),
            format!("{}, to {}", drill.mode, drill.target),
            shares,
            after,
            needs,
        ]);
    }
    table
}
