//! The store of a process that keeps nothing: state and journal live as long as it.

use std::sync::{Arc, Mutex, MutexGuard};

use rollgate_core::error::{Error, ErrorKind};

use super::contract::{Commit, Store, Stored};
use super::fence::follows;
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

pub(super) fn away() -> Error {
    Error::new(ErrorKind::StoreAway, "the store is away; nothing is raised until it is back")
}

impl Store for MemoryStore {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        let held = self.held();
        if held.is_away {
            return Err(away());
        }
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(held.stored.as_ref().map(|stored| Stored {
            journal: stored.journal.get(after..).unwrap_or_default().to_vec(),
            state: stored.state.clone(),
            ..*stored
        }))
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        let mut held = self.held();
        if held.is_away {
            return Err(away());
        }
        let (revision, lines) =
            held.stored.as_ref().map_or((0, 0), |stored| (stored.revision, stored.journal.len() as u64));
        follows(commit, revision, lines)?;
        let journal = commit.journal;
        match &mut held.stored {
            Some(stored) => {
                stored.revision += 1;
                stored.state.clone_from(commit.state);
                stored.journal.extend_from_slice(journal);
            }
            empty => {
                let (state, journal) = (commit.state.clone(), journal.to_vec());
                *empty = Some(Stored { revision: 1, state, watched: None, journal });
            }
        }
        Ok(revision + 1)
    }
}
