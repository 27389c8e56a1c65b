//! `rollgate stale`: flags that may be taken out of the code, and every place that names them.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressDrawTarget};
use rollgate::core::error::Error;
use rollgate::core::snapshot::Ruleset;
use serde::Serialize;
use serde_json::Value;

use crate::args::{StaleArgs, TableFormat};
use crate::input;
use crate::table::{Style, Table};

/// Folders that hold other people's text, or what tools made of ours.
const SKIPPED: [&str; 3] = [".git", "target", "node_modules"];
/// Longer files are written by programs.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// A zero byte so early makes a file binary, as tools for text have it.
const PROBE: usize = 8_192;
/// Folders inside each other.
const DEPTH_MAX: usize = 64;

/// A flag with the places that name it.
#[derive(Debug, Serialize)]
struct Flag {
    flag: String,
    #[serde(rename = "final")]
    is_final: bool,
    /// `None`: there was no journal to say so.
    removable: Option<bool>,
    places: Vec<Place>,
}

/// Where a file names a flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
}

/// Prints the list.
pub(crate) fn run(asked: &StaleArgs) -> ExitCode {
    let ruleset = match input::plan(&asked.plan) {
        Ok(ruleset) => ruleset,
        Err(error) => return input::refuse_plan(&asked.plan, &error),
    };
    let records = match asked.journal.as_deref().map(|path| input::journal(path, &ruleset)).transpose() {
        Ok(records) => records,
        Err(error) => return input::refuse(&error),
    };
    let mut flags = flags(&ruleset, records.as_deref());
    // The plan names every flag, and is no call site.
    let mut walk = Walk { plan: fs::canonicalize(&asked.plan).ok(), ..Walk::default() };
    if asked.source.is_file() {
        let name = asked.source.display();
        return input::refuse(&format_args!("{name} is a file; --source takes the folder to look through"));
    }
    if let Err(error) = walk.folder(&asked.source, 0, &mut flags) {
        return input::refuse(&error);
    }
    walk.bar.finish_and_clear();
    tell(&walk, records.is_some(), &flags);
    let mut out = io::stdout().lock();
    input::written(match asked.format {
        TableFormat::Json => {
            serde_json::to_writer(&mut out, &flags).map_err(io::Error::from).and_then(|()| writeln!(out))
        }
        TableFormat::Table => write!(out, "{}", table(&flags).draw(Style::Text)),
        TableFormat::Markdown => write!(out, "{}", table(&flags).draw(Style::Markdown)),
    })
}

fn tell(walk: &Walk, has_journal: bool, flags: &[Flag]) {
    if !has_journal {
        eprintln!(
            "note: whether a flag may be taken out is not known without --journal; every flag is listed"
        );
    } else if flags.is_empty() {
        eprintln!("note: the journal calls no flag removable");
    }
    if walk.skipped > 0 {
        let (files, were) = if walk.skipped == 1 { ("file is", "was") } else { ("files are", "were") };
        eprintln!("note: {} {files} binary or too long, and {were} not looked at", walk.skipped);
    }
    for error in &walk.unread {
        eprintln!("warning: {error}");
    }
}

/// The flags that are looked for. What may go is what the journal said last.
fn flags(ruleset: &Ruleset, records: Option<&[Value]>) -> Vec<Flag> {
    let is_removable = |key: &str| {
        let records = records?;
        let last = records
            .iter()
            .rev()
            .find(|record| record.get("kind").and_then(Value::as_str) == Some("removable"));
        let listed = last.and_then(|record| record.get("flags")?.as_array()).map_or(&[][..], Vec::as_slice);
        Some(listed.iter().any(|flag| flag.as_str() == Some(key)))
    };
    let flag = |flag: &rollgate::core::snapshot::Flag| Flag {
        flag: flag.key.to_string(),
        is_final: flag.is_final,
        removable: if flag.is_final { Some(true) } else { is_removable(flag.key.as_str()) },
        places: Vec::new(),
    };
    ruleset.flags.iter().map(flag).filter(|flag| flag.removable != Some(false)).collect()
}

fn table(flags: &[Flag]) -> Table {
    let mut table = Table::new(["Flag", "Removable", "Place"].map(str::to_owned));
    for flag in flags {
        let removable = match flag.removable {
            _ if flag.is_final => "final",
            Some(true) => "yes",
            Some(false) => "no",
            None => "not known",
        };
        let places: Vec<String> = flag
            .places
            .iter()
            .map(|place| format!("{}:{}:{}", place.file, place.line, place.column))
            .collect();
        let places = if places.is_empty() { "(nothing names it)".into() } else { places.join("\n") };
        table.add([flag.flag.clone(), removable.to_owned(), places]);
    }
    table
}

/// A walk through a folder, its entries in the order of their names.
struct Walk {
    plan: Option<PathBuf>,
    bar: ProgressBar,
    skipped: u64,
    unread: Vec<Error>,
}

impl Default for Walk {
    fn default() -> Self {
        // It draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        Self { plan: None, bar, skipped: 0, unread: Vec::new() }
    }
}

impl Walk {
    /// Looks through a folder; only the first one must be readable.
    fn folder(&mut self, folder: &Path, depth: usize, flags: &mut [Flag]) -> Result<(), Error> {
        let listed = fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = listed.map_err(|error| input::cannot_read(folder, &error))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let Ok(kind) = entry.file_type() else { continue };
            // A link leads to what is found elsewhere, or in a circle.
            if kind.is_symlink() {
                continue;
            }
            if kind.is_dir() {
                let is_skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
                if !is_skipped
                    && depth < DEPTH_MAX
                    && let Err(error) = self.folder(&path, depth + 1, flags)
                {
                    self.unread.push(error);
                }
            } else if kind.is_file() {
                self.bar.inc(1);
                self.file(&path, flags);
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, flags: &mut [Flag]) {
        if self.plan.is_some() && fs::canonicalize(path).ok() == self.plan {
            return;
        }
        match text_of(path) {
            Ok(Some(text)) => {
                for flag in flags {
                    flag.places.extend(places(&text, flag.flag.as_bytes(), path));
                }
            }
            Ok(None) => self.skipped += 1,
            Err(error) => self.unread.push(input::cannot_read(path, &error)),
        }
    }
}

/// The bytes of a file of text; `None` where it is none, or too long.
fn text_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = fs::File::open(path)?;
    let mut text = Vec::new();
    // A file may grow while it is read.
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    let is_binary = text.iter().take(PROBE).any(|byte| *byte == 0);
    Ok((!is_binary && text.len() as u64 <= FILE_BYTES_MAX).then_some(text))
}

/// Where a text names a flag; as a whole word, since `USE_X` is not `USE_XY`.
fn places(text: &[u8], flag: &[u8], path: &Path) -> Vec<Place> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut found = Vec::new();
    for (line, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| find(rest, flag)).map(|at| at + from) {
            let end = at + flag.len();
            from = end;
            let is_whole =
                at.checked_sub(1).and_then(|before| bytes.get(before)).is_none_or(|byte| !is_word(byte))
                    && bytes.get(end).is_none_or(|byte| !is_word(byte));
            if is_whole {
                let before = String::from_utf8_lossy(&bytes[..at]).chars().count();
                found.push(Place { file: path.display().to_string(), line: line + 1, column: before + 1 });
            }
        }
    }
    found
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r157_a_place_is_a_whole_word_with_its_line_and_column() {
        let text = "if (isOn(\"USE_X\")) {}\nUSE_XY MY_USE_X\n// é USE_X, USE_X";
        let found = places(text.as_bytes(), b"USE_X", Path::new("a.js"));
        let at: Vec<(usize, usize)> = found.iter().map(|place| (place.line, place.column)).collect();
        assert_eq!(at, [(1, 11), (3, 6), (3, 13)]);
        assert!(places(b"", b"USE_X", Path::new("a")).is_empty());
    }
}
