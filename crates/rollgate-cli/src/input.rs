//! Reading what the command line names, and leaving with what was wrong with it.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use rollgate::core::error::{Error, ErrorKind as Kind};
use rollgate::core::snapshot::Ruleset;
use rollgate::journal;
use rollgate::read::{self, Format, ReadError};
use rollgate::store::PlanText;
use serde_json::Value;

/// The compiled plan of a file.
pub(crate) fn plan(path: &Path) -> Result<Arc<Ruleset>, Error> {
    plan_with_text(path).map(|(ruleset, _)| ruleset)
}

/// The same, with its text.
pub(crate) fn plan_with_text(path: &Path) -> Result<(Arc<Ruleset>, Option<PlanText>), Error> {
    let (compiled, text) = read::plan_file_with_text(path).map_err(|error| match error {
        ReadError::Io(..) => Error::new(Kind::Io, format_args!("{error}{}", looked_in(path))),
        error => error.into_error(),
    })?;
    let text = Format::of_path(path).map(|format| PlanText { format, text });
    Ok((Arc::new(compiled.ruleset), text))
}

/// Where a file was looked for that is not there: most often it is somewhere else.
pub(crate) fn looked_in(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(folder) if path.is_relative() && path.as_os_str() != "-" && !path.exists() => {
            format!("; it was looked for in {}", folder.display())
        }
        _ => String::new(),
    }
}

/// A file to read by lines; `-` is standard input. `seen` may look at the file, and wrap it.
pub(crate) fn lines(
    path: &Path,
    seen: impl FnOnce(File) -> Box<dyn Read>,
) -> Result<Box<dyn BufRead>, Error> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| cannot_read(path, &error))?;
    Ok(Box::new(BufReader::new(seen(file))))
}

/// A journal of a plan, its numbers and hashes checked; `-` is standard input.
pub(crate) fn journal(path: &Path, ruleset: &Ruleset) -> Result<Vec<Value>, Error> {
    let read = lines(path, |file| Box::new(file))?.lines().collect::<io::Result<Vec<String>>>();
    let text = read.map_err(|error| cannot_read(path, &error))?;
    let text: Vec<String> = text.into_iter().filter(|line| !line.trim().is_empty()).collect();
    let named =
        |error: &dyn Display| Error::new(Kind::BrokenJournal, format_args!("{}: {error}", name(path)));
    let whole =
        "a journal is what `rollgate replay` writes as JSON lines, or a program's own, whole and unchanged";
    journal::verify(text.iter().map(String::as_str))
        .map_err(|error| named(&format_args!("{error}; {whole}")))?;
    if text.is_empty() {
        eprintln!("note: {} has no records", name(path));
    }
    let records: Vec<Value> = text.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if let Some(other) =
        records.iter().filter_map(|record| record.get("plan")?.as_str()).find(|plan| ruleset.name != **plan)
    {
        return Err(named(&format_args!("it is the journal of plan `{other}`, not of `{}`", ruleset.name)));
    }
    Ok(records)
}

/// The error of a file that cannot be read.
pub(crate) fn cannot_read(path: &Path, error: &io::Error) -> Error {
    Error::new(Kind::Io, format_args!("{} cannot be read: {error}{}", name(path), looked_in(path)))
}

/// A file as a message names it.
pub(crate) fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".into() } else { path.display().to_string() }
}

/// Input or usage was wrong: says why, exit code 2.
pub(crate) fn refuse(why: &dyn Display) -> ExitCode {
    eprintln!("error: {why}");
    ExitCode::from(2)
}

/// As [`refuse`]; a plan that was read and has problems is exit code 1, as `check` gives it.
pub(crate) fn refuse_plan(plan: &Path, why: &Error) -> ExitCode {
    eprintln!("error: {why}");
    if why.kind() != Kind::InvalidConfig {
        return ExitCode::from(2);
    }
    eprintln!("`rollgate check {}` shows each in its line", plan.display());
    ExitCode::from(1)
}

/// The end of writing to standard output. A reader that has gone away, as `head` does, has what it wanted.
pub(crate) fn written(outcome: io::Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => refuse(&format_args!("standard output cannot be written: {error}")),
    }
}
