//! `rollgate journal`: what happened, as it grows, and whether the chain is whole.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use rollgate::core::error::ErrorKind;
use rollgate::store::{SharedStore, SqliteStore, Store};
use serde_json::{Value, json};

use super::args::{AnswerFormat, JournalArgs, JournalWhat, Place};
use super::place::{Trouble, Way};
use crate::args::JournalFormat;
use crate::{input, journal_text};

/// How often a journal that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Prints the journal, or checks it.
pub(crate) fn run(asked: &JournalArgs) -> Result<ExitCode, Trouble> {
    if let Some(JournalWhat::Verify { place, format }) = &asked.what {
        return verify(place, *format);
    }
    let store = asked.place.open(Way::Look)?;
    let mut reader = Reader { asked, last: asked.after, kinds: BTreeSet::new() };
    let mut seen = None;
    loop {
        let revision = SharedStore::head(&store)?.revision;
        if seen != Some(revision) {
            seen = Some(revision);
            if let Err(error) = reader.print(&store)? {
                return Ok(input::written(Err(error)));
            }
        }
        if !asked.follow {
            break;
        }
        // Nobody unparks this thread: it is a wait, and one that may end early does no harm.
        std::thread::park_timeout(LOOK_EVERY);
    }
    reader.note_unknown_kinds();
    Ok(ExitCode::SUCCESS)
}

struct Reader<'a> {
    asked: &'a JournalArgs,
    /// The number of the last record that was read.
    last: u64,
    /// The kinds that were read.
    kinds: BTreeSet<String>,
}

impl Reader<'_> {
    /// Prints what is new.
    fn print(&mut self, store: &SqliteStore) -> Result<io::Result<()>, Trouble> {
        let Some(stored) = store.load(self.last)? else { return Ok(Ok(())) };
        self.last += stored.journal.len() as u64;
        Ok(self.write(&stored.journal))
    }

    fn write(&mut self, lines: &[String]) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        for line in lines {
            let record: Value = serde_json::from_str(line)?;
            let kind = record.get("kind").and_then(Value::as_str).unwrap_or_default();
            let is_wanted = self.asked.kind.is_empty() || self.asked.kind.iter().any(|wanted| wanted == kind);
            self.kinds.insert(kind.to_owned());
            if !is_wanted {
                continue;
            }
            match self.asked.format {
                JournalFormat::Jsonl => writeln!(out, "{line}")?,
                JournalFormat::Text => {
                    if let Some(text) = journal_text::line_of(&record) {
                        writeln!(out, "{text}")?;
                    }
                }
            }
        }
        out.flush()
    }

    /// A kind that no record has may be a slip of the pen.
    fn note_unknown_kinds(&self) {
        for kind in self.asked.kind.iter().filter(|kind| !self.kinds.contains(*kind)) {
            let known: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
            let known = if known.is_empty() { "no records".to_owned() } else { known.join(", ") };
            eprintln!("note: no record is of kind `{kind}`; there are {known}");
        }
    }
}

/// Opening looks at every page, row and link; what it finds is the answer here.
fn verify(place: &Place, format: AnswerFormat) -> Result<ExitCode, Trouble> {
    let journal = match place.open(Way::Look) {
        Ok(store) => store.load(0)?.map(|stored| stored.journal).unwrap_or_default(),
        Err(trouble) if trouble.kind() == Some(ErrorKind::StoreDamaged) => {
            if format == AnswerFormat::Json {
                let answer = json!({ "whole": false, "why": trouble.why() });
                // What is wrong is said all the same.
                let _ = writeln!(io::stdout().lock(), "{answer}");
            }
            return Ok(trouble.found());
        }
        Err(trouble) => return Err(trouble),
    };
    rollgate::journal::verify(journal.iter().map(String::as_str))?;
    let hash = journal.last().and_then(|line| serde_json::from_str::<Value>(line).ok());
    let hash = hash.as_ref().and_then(|record| record.get("hash")?.as_str());
    let mut out = io::stdout().lock();
    let written = match (format, hash) {
        (AnswerFormat::Json, hash) => {
            writeln!(out, "{}", json!({ "whole": true, "records": journal.len(), "last_hash": hash }))
        }
        (AnswerFormat::Text, Some(hash)) => {
            writeln!(out, "{} records, every number and hash fits; the last hash is {hash}", journal.len())
        }
        (AnswerFormat::Text, None) => writeln!(out, "no records yet"),
    };
    Ok(input::written(written))
}
