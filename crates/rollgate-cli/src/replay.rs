//! `rollgate replay`: a recorded trace through a plan; the journal comes out.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rollgate::core::error::Error;
use rollgate::core::snapshot::Ruleset;
use rollgate::replay::{self, Replay};
use rollgate::store::{PlanText, SharedStore, SqliteStore, Store};
use serde_json::Value;

use crate::args::{JournalFormat, ReplayArgs};
use crate::reports::{self, Wanted};
use crate::rollout::place;
use crate::{input, journal_text};

/// Replays the trace that was asked for.
pub(crate) fn run(asked: &ReplayArgs) -> ExitCode {
    let (ruleset, text) = match input::plan_with_text(&asked.plan) {
        Ok(read) => read,
        Err(error) => return input::refuse_plan(&asked.plan, &error),
    };
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    let mut trace = match input::lines(&asked.trace, |file| watched(file, &bar)) {
        Ok(trace) => trace,
        Err(error) => return input::refuse(&error),
    };
    let mut replay = Replay::new(ruleset.clone());
    if let Some(path) = &asked.store {
        // A replay may begin a store.
        match SqliteStore::open(path) {
            Ok(store) => replay = replay.with_store(store),
            Err(error) => return place::Trouble::from(error).leave(),
        }
    }
    if let Some(until) = asked.until {
        replay = replay.with_until(until);
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    // A reader that has gone away wants no more records; the trace is still read, because its end is what counts.
    let mut outcome = Ok(());
    let mut unknown = Vec::new();
    let ended = replay::run(&mut replay, &mut trace, &mut |line| {
        unknown.extend(unknown_metric(&ruleset, line).filter(|name| !unknown.contains(name)));
        if outcome.is_ok() {
            outcome = write_record(asked.format, line, &mut out);
        }
    });
    bar.finish_and_clear();
    if let (Some(engine), Ok(())) = (replay.engine(), &outcome)
        && ended.is_ok()
    {
        let wanted = Wanted {
            scorecard: asked.scorecard,
            form: asked.form,
            reports: &asked.report,
            report_format: asked.report_format,
        };
        outcome = reports::write(&wanted, engine, &mut out);
    }
    if let (Some(path), Some(_), Some(text)) = (&asked.store, replay.engine(), text)
        && let Err(error) = keep(path, &text)
    {
        eprintln!("note: the store does not keep the plan's text: {error}");
    }
    let outcome = outcome.and_then(|()| out.flush());
    match ended {
        Ok(()) => {
            if replay.engine().is_none() {
                let until = asked.until.map_or_else(String::new, |until| format!(" up to {until}"));
                eprintln!("note: {} has no lines{until}, so nothing happened", input::name(&asked.trace));
            }
            if !unknown.is_empty() {
                eprintln!(
                    "warning: the plan has no metric {}; what was recorded under such a name was dropped",
                    unknown.join(", ")
                );
            }
            input::written(outcome)
        }
        Err(error) => input::refuse(&format_args!("{}: {error}", input::name(&asked.trace))),
    }
}

/// Keeps the plan's text beside the rollout that was replayed, so that `rollgate status` needs nothing but the store.
fn keep(path: &Path, text: &PlanText) -> Result<(), Error> {
    let store = SqliteStore::open(path)?;
    let epoch = SharedStore::head(&store)?.lease.map_or(0, |lease| lease.epoch);
    store.keep_plan(epoch, text)
}

/// The file, with a bar while a person watches. Where records come to the same terminal they are the progress.
fn watched(file: File, bar: &ProgressBar) -> Box<dyn Read> {
    let length = file.metadata().map(|known| known.len()).unwrap_or_default();
    if length == 0 || io::stdout().is_terminal() {
        return Box::new(file);
    }
    bar.set_length(length);
    if let Ok(style) =
        ProgressStyle::with_template("{bar:30} {percent:>3}%  {binary_bytes_per_sec}, {eta} left")
    {
        bar.set_style(style);
    }
    // It draws nothing where standard error is no terminal.
    bar.set_draw_target(ProgressDrawTarget::stderr());
    Box::new(bar.wrap_read(file))
}

/// The metric of a record of dropped samples, where the plan has none of that name: a slip of the pen that changes
/// nothing, and that nobody would see.
fn unknown_metric(ruleset: &Ruleset, line: &str) -> Option<String> {
    if !line.contains("\"kind\":\"dropped\"") {
        return None;
    }
    let record: Value = serde_json::from_str(line).ok()?;
    let name = record.get("metric")?.as_str()?;
    let is_known = ruleset.metrics.iter().any(|metric| metric.key == *name);
    (!is_known).then(|| format!("`{name}`"))
}

fn write_record(format: JournalFormat, line: &str, out: &mut dyn Write) -> io::Result<()> {
    match format {
        JournalFormat::Jsonl => writeln!(out, "{line}"),
        JournalFormat::Text => match journal_text::line_of(&serde_json::from_str(line)?) {
            Some(text) => writeln!(out, "{text}"),
            None => Ok(()),
        },
    }
}
