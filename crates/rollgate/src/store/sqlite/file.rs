//! One open file: its connection, and what is remembered of it between two calls.

use std::path::Path;

use rollgate_core::error::Error;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::checked::{away, meaning};
use crate::store::{Durability, Head};

/// An open file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) connection: Connection,
    /// What the connection was opened on.
    identity: Option<(u64, u64)>,
    /// How durable the next transaction would be.
    level: Durability,
    /// The head, and SQLite's number of the data that it was read of. That number tells of others' writes only.
    pub(super) head: Option<(i64, Head)>,
}

/// A transaction that no other process writes beside.
pub(super) fn begin(connection: &Connection) -> rusqlite::Result<Transaction<'_>> {
    Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
}

impl File {
    /// A connection that has been looked through, and whose next transaction is on the disk before it returns.
    pub(super) fn new(connection: Connection, path: &Path) -> Self {
        Self { connection, identity: identity(path), level: Durability::Decision, head: None }
    }

    /// Whether the file is still where it was: whoever writes to one that has been moved away or deleted loses it all.
    pub(super) fn still_there(&self, path: &Path) -> Result<(), Error> {
        if self.identity == identity(path) {
            return Ok(());
        }
        Err(away(
            path,
            "the file was deleted, moved or replaced while it was open; put it back, or start anew",
        ))
    }

    /// A transaction that reads, and sees one moment.
    pub(super) fn read(&self, path: &Path) -> Result<Transaction<'_>, Error> {
        Transaction::new_unchecked(&self.connection, TransactionBehavior::Deferred).map_err(meaning(path))
    }

    /// A transaction that writes.
    ///
    /// In WAL mode a transaction survives the end of the process whatever the level is; `FULL` puts it on the disk
    /// before the commit returns, with all those before it.
    pub(super) fn write(&mut self, path: &Path, level: Durability) -> Result<Transaction<'_>, Error> {
        self.head = None;
        // Before anything is read: a file of an older schema may lack what is asked for next.
        if self.connection.is_readonly("main").map_err(meaning(path))? {
            return Err(away(path, "it was opened to look at, or is read-only"));
        }
        if self.level != level {
            let pragma = match level {
                Durability::Decision => "PRAGMA synchronous = FULL",
                Durability::Progress => "PRAGMA synchronous = NORMAL",
            };
            self.connection.execute_batch(pragma).map_err(meaning(path))?;
            self.level = level;
        }
        begin(&self.connection).map_err(meaning(path))
    }
}

/// Moves the log into the file, as far as others let it.
///
/// What does not fit its sum in a log is taken for the torn end of a crash, with all that follows. In the file it would be
/// detected; so that is where decisions are, from the moment after they are made. Where it fails, they are as safe from
/// crashes as before, and the next one tries again.
pub(super) fn empty_log(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
}

/// Which file a path names now.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Elsewhere an open file cannot be moved or deleted.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|_| (0, 0))
}
