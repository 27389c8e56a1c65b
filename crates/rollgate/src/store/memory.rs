//! The store of a process that keeps nothing: state and journal live as long as it.

use std::sync::{Arc, Mutex, MutexGuard};

use rollgate_core::decide::RolloutState;
use rollgate_core::error::{Error, ErrorKind};

use super::{Store, Stored};
use crate::process::unpoisoned;

/// Keeps everything in memory. Clones share one memory, so that an engine can be opened on it again.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    held: Arc<Mutex<Held>>,
}

#[derive(Debug, Default)]
struct Held {
    stored: Option<Stored>,
    is_away: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that holds this already.
    pub fn holding(stored: Option<Stored>) -> Self {
        Self { held: Arc::new(Mutex::new(Held { stored, is_away: false })) }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        unpoisoned(self.held.lock())
    }

    /// Refuses every call until [`come_back`](Self::come_back): for tests of what a lost store does.
    pub fn go_away(&self) {
        self.held().is_away = true;
    }

    /// Ends [`go_away`](Self::go_away).
    pub fn come_back(&self) {
        self.held().is_away = false;
    }
}

fn away() -> Error {
    Error::new(ErrorKind::StoreAway, "the store is away; nothing is raised until it is back")
}

impl Store for MemoryStore {
    fn load(&self) -> Result<Option<Stored>, Error> {
        let held = self.held();
        if held.is_away { Err(away()) } else { Ok(held.stored.clone()) }
    }

    fn commit(&self, expected: u64, state: &RolloutState, journal: &[String]) -> Result<u64, Error> {
        let mut held = self.held();
        if held.is_away {
            return Err(away());
        }
        match &mut held.stored {
            Some(stored) if stored.revision != expected => Err(Error::new(
                ErrorKind::StoreAway,
                format_args!(
                    "the store is at revision {}, not {expected}: another writer was faster",
                    stored.revision
                ),
            )),
            Some(stored) => {
                stored.revision += 1;
                stored.state.clone_from(state);
                stored.journal.extend_from_slice(journal);
                Ok(stored.revision)
            }
            empty => {
                *empty = Some(Stored { revision: 1, state: state.clone(), journal: journal.to_vec() });
                Ok(1)
            }
        }
    }
}
