//! What a store must do.

use std::sync::Arc;

use rollgate_core::decide::RolloutState;
use rollgate_core::error::Error;

use super::MemoryStore;

/// What a store holds of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Grows by one with every commit.
    pub revision: u64,
    /// The state after the last commit.
    pub state: RolloutState,
    /// Every journal line, oldest first.
    pub journal: Vec<String>,
}

/// Keeps the state and the journal of a rollout; one commit is one transaction.
///
/// A store may be away for a while. The engine goes on serving; it raises nothing until the store is back, and what it
/// lowers meanwhile is written later.
pub trait Store: Send + Sync {
    /// What is stored, or `None` where nothing is.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be read.
    fn load(&self) -> Result<Option<Stored>, Error>;

    /// Writes the state and the new journal lines, all or nothing, if the stored revision is still `expected`.
    /// Gives the new revision.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written, or where another writer
    /// was faster.
    fn commit(&self, expected: u64, state: &RolloutState, journal: &[String]) -> Result<u64, Error>;

    /// What the child of a [fork](crate::process) uses in place of this store, which is its parent's; `last` is where the
    /// rollout stood. It must take no lock of this store: a thread that is not in the child may have it.
    ///
    /// The child goes on in its own memory where a store says nothing else: two processes that wrote one store would
    /// disagree over its revision.
    fn forked(&self, last: Option<Stored>) -> Arc<dyn Store> {
        Arc::new(MemoryStore::holding(last))
    }
}
