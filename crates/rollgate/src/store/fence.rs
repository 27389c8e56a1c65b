//! What every store refuses, whatever it is made of.

use rollgate_core::error::{Error, ErrorKind};

use super::{Checkpoint, Commit, Lease};

/// Whether a commit follows what is stored.
pub(super) fn follows(commit: &Commit<'_>, revision: u64, lines: u64) -> Result<(), Error> {
    if commit.expected != revision {
        return Err(Error::new(
            ErrorKind::StoreConflict,
            format_args!(
                "the store is at revision {revision}, not {}: another writer was faster",
                commit.expected
            ),
        ));
    }
    if !commit.journal.is_empty() && commit.first != lines + 1 {
        return Err(Error::new(
            ErrorKind::StoreConflict,
            format_args!("the store has {lines} journal lines; number {} does not follow them", commit.first),
        ));
    }
    Ok(())
}

/// Whether a writer's epoch is the latest that the store knows.
pub(super) fn fenced(own: u64, latest: u64) -> Result<(), Error> {
    if own >= latest {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LeaseLost,
        format_args!("the store is at epoch {latest}, and this was to be written under {own}; read again"),
    ))
}

/// The lease is somebody else's.
pub(super) fn lost(own: u64, now: Option<&Lease>) -> Error {
    match now {
        None => Error::new(ErrorKind::LeaseLost, "nobody has a lease on this store"),
        Some(lease) if lease.holder.is_empty() => Error::new(
            ErrorKind::LeaseLost,
            format_args!("the lease of epoch {} was given back; this was epoch {own}", lease.epoch),
        ),
        Some(lease) => Error::new(
            ErrorKind::LeaseLost,
            format_args!(
                "{} has the lease now, in epoch {}; this was epoch {own}",
                lease.holder, lease.epoch
            ),
        ),
    }
}

/// Whether what has changed of the windows was counted from what is stored; `stored` is the epoch of that.
pub(super) fn increment(checkpoint: &Checkpoint<'_>, stored: Option<u64>) -> Result<(), Error> {
    if checkpoint.saved.is_whole || stored == Some(checkpoint.epoch) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::StoreConflict,
        format_args!(
            "windows that epoch {} saved are not those that were stored last; the first ones of an epoch are whole",
            checkpoint.epoch
        ),
    ))
}
