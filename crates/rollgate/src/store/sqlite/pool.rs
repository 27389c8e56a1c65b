//! The connections of this process, and what becomes of them in the child of a fork.
//!
//! SQLite's locks are those of the operating system, which belong to a process, beside a table in memory of what this
//! process has locked already. A child inherits the table and not the locks. A connection that it opened beside its
//! copies of the parent's would believe the table, lock nothing, and lose what it wrote as soon as the parent closes the
//! file. So the copies go before the child opens its own: all of them, whichever store they are of. Closing a copy takes
//! nothing from the parent, and writes nothing while any other process has the file open; nobody was
//! [inside](super::inside) at the fork, so no copy is in the middle of anything.

use std::sync::{Arc, Mutex};

use super::file::File;
use super::inside;
use crate::process::unpoisoned;

/// One store's connection; `None` before it is opened.
pub(super) type Slot = Arc<Mutex<Option<File>>>;

struct Pool {
    process: u64,
    slots: Vec<Slot>,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { process: 0, slots: Vec::new() });

/// Closes what was inherited, in the first call of a child. To be called inside, and before any slot is locked.
pub(super) fn settle() {
    let mut pool = unpoisoned(POOL.lock());
    let own = inside::process();
    if pool.process != own {
        for slot in &pool.slots {
            drop(unpoisoned(slot.lock()).take());
        }
        pool.process = own;
    }
}

/// A new slot. To be called inside.
pub(super) fn join() -> Slot {
    settle();
    let slot = Slot::default();
    unpoisoned(POOL.lock()).slots.push(slot.clone());
    slot
}

/// Ends a slot. To be called inside: where that is refused, the pool goes on holding what must not be touched.
pub(super) fn leave(slot: &Slot) {
    settle();
    drop(unpoisoned(slot.lock()).take());
    unpoisoned(POOL.lock()).slots.retain(|held| !Arc::ptr_eq(held, slot));
}
