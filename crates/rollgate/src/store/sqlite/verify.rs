//! Looks through a whole file: every page, every row, every link of the journal.

use std::path::Path;

use rollgate_core::error::Error;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::checked::{damaged, meaning};
use super::{plan, schema, shared, store};
use crate::journal;

/// The pages: SQLite's own look at them.
pub(super) fn pages(connection: &Connection, path: &Path) -> Result<(), Error> {
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0)).map_err(meaning(path))?;
    if found == "ok" { Ok(()) } else { Err(damaged(path, found.trim())) }
}

/// The schema of a version, every row's sum and the journal's chain, as of one moment.
pub(super) fn content(connection: &Connection, path: &Path, version: i32) -> Result<(), Error> {
    let read =
        Transaction::new_unchecked(connection, TransactionBehavior::Deferred).map_err(meaning(path))?;
    parts(&read, path, version)?;
    let stored = store::load(&read, path, 0)?;
    let lines = stored.iter().flat_map(|stored| &stored.journal);
    journal::verify(lines.map(String::as_str)).map_err(|error| damaged(path, error))?;
    shared::head(&read, path)?;
    shared::reports(&read, path, 0)?;
    shared::restore(&read, path)?;
    plan::read(&read, path)?;
    Ok(())
}

/// The schema: all that the steps make is there as they made it. What somebody added is theirs.
fn parts(connection: &Connection, path: &Path, version: i32) -> Result<(), Error> {
    let failed = meaning(path);
    let model = Connection::open_in_memory().map_err(&failed)?;
    schema::migrate(&model, version, |model| model.unchecked_transaction()).map_err(&failed)?;
    let found = schema::parts(connection).map_err(&failed)?;
    for part in schema::parts(&model).map_err(&failed)? {
        if !found.contains(&part) {
            return Err(damaged(path, format_args!("{} `{}` is not as it was made", part.0, part.1)));
        }
    }
    Ok(())
}
