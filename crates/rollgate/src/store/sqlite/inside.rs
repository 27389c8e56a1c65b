//! Counts the threads that are inside SQLite, so that the child of a fork knows whether it may use it.
//!
//! SQLite has locks that all of a process' connections share. A thread that held one of them at a fork is not in the
//! child, and nobody there would ever free it. SQLite has no way to ask; but whoever finds that nobody was inside at the
//! fork knows that all of its locks are free and that no transaction was open.

use std::sync::atomic::{AtomicU64, Ordering};

use rollgate_core::error::{Error, ErrorKind};

use crate::process::forks;

/// Which process this word belongs to (upper half), whether it may never go inside, and how many of its threads are.
static INSIDE: AtomicU64 = AtomicU64::new(0);

/// Set where a thread of the parent was inside at the fork.
const BARRED: u64 = 1 << 31;
/// The threads inside.
const COUNT: u64 = BARRED - 1;

/// A thread that is inside; it has left when this is dropped.
pub(super) struct Inside;

/// This process, in 32 bits: its id, and how many forks made it where somebody told.
///
/// The id alone shows a fork that nobody told of; the number of forks shows one into a new namespace of ids.
pub(super) fn process() -> u64 {
    (((forks() as u64) << 22) ^ u64::from(std::process::id())) & 0xffff_ffff
}

/// Goes inside.
///
/// # Errors
/// [`ErrorKind::StoreAway`] in a child whose parent had a thread inside as it forked: for ever, and at once.
pub(super) fn enter() -> Result<Inside, Error> {
    let own = process() << 32;
    let mut word = INSIDE.load(Ordering::Acquire);
    loop {
        let next = match word {
            // The first call in this process. What was counted before is the parent's, as it stood at the fork.
            _ if word & !(BARRED | COUNT) != own => {
                if word & (BARRED | COUNT) == 0 {
                    own | 1
                } else {
                    own | BARRED
                }
            }
            _ if word & BARRED != 0 => return Err(barred()),
            _ => word + 1,
        };
        match INSIDE.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) if next & BARRED != 0 => return Err(barred()),
            Ok(_) => return Ok(Inside),
            Err(found) => word = found,
        }
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // A thread that forked while it was inside has left the parent's count to the parent.
        if INSIDE.load(Ordering::Acquire) >> 32 == process() {
            INSIDE.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn barred() -> Error {
    Error::new(
        ErrorKind::StoreAway,
        "this process was forked while another thread of its parent was inside SQLite, whose locks are held for ever \
         here; this process goes on without its store: start it anew, or fork before the engine is opened",
    )
}
