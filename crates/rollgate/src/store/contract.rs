//! What a store must do.

use rollgate_core::decide::RolloutState;
use rollgate_core::error::Error;

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
}
