//! Sums over rows, and what SQLite's errors mean here.

use std::path::Path;

use rollgate_core::error::{Error, ErrorKind};
use rusqlite::ErrorCode;
use xxhash_rust::xxh3::Xxh3;

/// A field of a row, as its sum sees it.
pub(super) enum Field<'a> {
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// XXH3 over the fields of a row, each with its kind and its length.
pub(super) fn sum(fields: &[Field<'_>]) -> i64 {
    let mut hash = Xxh3::new();
    for field in fields {
        let (kind, number, bytes): (u8, i64, &[u8]) = match field {
            Field::Number(number) => (1, *number, &[]),
            Field::Text(text) => (2, text.len() as i64, text.as_bytes()),
            Field::Bytes(bytes) => (3, bytes.len() as i64, bytes),
        };
        hash.update(&[kind]);
        hash.update(&number.to_le_bytes());
        hash.update(bytes);
    }
    hash.digest().cast_signed()
}

/// A number as SQLite keeps it. No revision, epoch or number of lines ever gets near the end of these.
pub(super) fn kept(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number that a row holds; a negative one is as damaged as a wrong sum.
pub(super) fn given(path: &Path, what: &str, number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(|_| damaged(path, format_args!("{what} is {number}")))
}

/// Compares a row's sum with what the row holds.
pub(super) fn fits(path: &Path, what: &str, stored: i64, fields: &[Field<'_>]) -> Result<(), Error> {
    if stored == sum(fields) {
        Ok(())
    } else {
        Err(damaged(path, format_args!("{what} does not fit its sum")))
    }
}

/// What does not fit, and how to go on.
pub(super) fn damaged(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::StoreDamaged,
        format_args!(
            "the store {} is damaged: {what}. Nothing was written to it. Put a copy back in its place, or set the file \
             aside (with its -wal and -shm) and start with an empty store; it stays readable with the sqlite3 shell",
            path.display()
        ),
    )
}

/// The store cannot be used now.
pub(super) fn away(path: &Path, what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::StoreAway, format_args!("the store {} is away: {what}", path.display()))
}

/// What an error of SQLite means: the file is not what it was, or it cannot be reached now.
pub(super) fn meaning(path: &Path) -> impl Fn(rusqlite::Error) -> Error + '_ {
    move |error| match &error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                away(path, "another process has been writing to it for too long")
            }
            ErrorCode::DiskFull => away(path, "the disk is full"),
            ErrorCode::CannotOpen
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OperationAborted
            | ErrorCode::OperationInterrupted
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure => away(path, &error),
            _ => damaged(path, &error),
        },
        _ => damaged(path, &error),
    }
}
