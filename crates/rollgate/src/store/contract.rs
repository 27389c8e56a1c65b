//! What a store must do.

use std::sync::Arc;

use rollgate_core::decide::{RolloutState, Watched};
use rollgate_core::error::Error;
use rollgate_core::metrics::Saved;
use rollgate_core::time::Timestamp;

use super::MemoryStore;
use crate::read::Format;

/// What a store holds of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Grows by one with every commit.
    pub revision: u64,
    /// The state after the last commit.
    pub state: RolloutState,
    /// What has been watched since that commit; `None` where nothing has been said of it.
    pub watched: Option<Watched>,
    /// The journal lines that were asked for, oldest first.
    pub journal: Vec<String>,
}

/// One transaction: a state, and the journal lines that tell how it came about.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The epoch that the writer acts under: the latest one that it has read. 0 where a store has no leases.
    pub epoch: u64,
    /// The revision that the state was made of; 0 for the first commit of all.
    pub expected: u64,
    /// The whole state.
    pub state: &'a RolloutState,
    /// The lines that are new, oldest first.
    pub journal: &'a [String],
    /// The number of the first of them, which is the number of lines that are stored, and one.
    pub first: u64,
    /// What must have happened before the call returns.
    pub durability: Durability,
}

/// What a crash may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: it is on the disk before the call returns. For decisions.
    Decision,
    /// Nothing where the process is killed; the last moments where the machine loses its power. For what was watched.
    Progress,
}

/// The text of a plan, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanText {
    /// How it is written.
    pub format: Format,
    /// What was written.
    pub text: String,
}

/// Keeps the state and the journal of a rollout; one commit is one transaction.
///
/// A store may be away for a while. The engine goes on serving; it raises nothing until the store is back, and what it
/// lowers meanwhile is written later.
pub trait Store: Send + Sync {
    /// What is stored, with the journal lines after number `after`; `None` where nothing is.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be read;
    /// [`StoreDamaged`](rollgate_core::error::ErrorKind::StoreDamaged) where what is read does not fit its own sums.
    fn load(&self, after: u64) -> Result<Option<Stored>, Error>;

    /// Writes the state and the new journal lines, all or nothing. Gives the new revision.
    ///
    /// # Errors
    /// [`StoreConflict`](rollgate_core::error::ErrorKind::StoreConflict) where the stored revision is not the expected
    /// one, or the lines do not follow the stored ones;
    /// [`LeaseLost`](rollgate_core::error::ErrorKind::LeaseLost) where the store knows a later epoch; nothing is written
    /// then.
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written: it may have been, all of it
    /// or nothing, and the writer reads again to know.
    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error>;

    /// The text of the plan, as the engine that led last was given it: so that tools need nothing but the store. `None`
    /// where none is kept.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    fn plan(&self) -> Result<Option<PlanText>, Error> {
        Ok(None)
    }

    /// Keeps the text of the plan in place of the one before. A store that has no place for it does nothing.
    ///
    /// # Errors
    /// [`LeaseLost`](rollgate_core::error::ErrorKind::LeaseLost) where the store knows a later epoch;
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn keep_plan(&self, _epoch: u64, _plan: &PlanText) -> Result<(), Error> {
        Ok(())
    }

    /// What engines that share this store need beside; `None` for a store that serves one engine only.
    fn shared(&self) -> Option<&dyn SharedStore> {
        None
    }

    /// What the child of a [fork](crate::process) uses in place of this store, which is its parent's; `last` is where the
    /// rollout stood. It must take no lock of this store: a thread that is not in the child may have it.
    ///
    /// The child goes on in its own memory where a store says nothing else: two processes that wrote one store would
    /// disagree over its revision.
    fn forked(&self, last: Option<Stored>) -> Arc<dyn Store> {
        Arc::new(MemoryStore::holding(last))
    }
}

/// Who may advance the rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Grows by one whenever the lease changes hands. Whoever acts under a lower one has lost it.
    pub epoch: u64,
    /// The node that has it; empty where it was given back.
    pub holder: String,
    /// Grows by one with every sign of life. Whoever sees it stand still for longer than a lease lasts, on its own clock,
    /// may take the lease: so no two clocks are ever compared.
    pub beat: u64,
    /// Observed time of the holder at its last sign of life. The other nodes set theirs by it.
    pub observed: Timestamp,
    /// The holder's calendar then.
    pub wall: Timestamp,
}

/// What has moved, in one cheap look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The revision of the state; 0 where nothing is stored.
    pub revision: u64,
    /// The number of the last report; 0 where there is none.
    pub reports: u64,
    /// The lease; `None` where nobody ever took it.
    pub lease: Option<Lease>,
}

/// What one node has recorded since its last report.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Which node. A process that starts anew is another one.
    pub node: &'a str,
    /// The revision whose shares it serves.
    pub revision: u64,
    /// Its observed time.
    pub observed: Timestamp,
    /// What it recorded and did to its windows, as [`Windows`](rollgate_core::metrics::Windows) logs it; may be empty.
    pub tape: &'a [u8],
}

/// A report as the store has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reported {
    /// Its number: from 1, in the order of arrival.
    pub seq: u64,
    /// Which node.
    pub node: String,
    /// The revision whose shares the node served.
    pub revision: u64,
    /// The node's observed time.
    pub observed: Timestamp,
    /// What it recorded.
    pub tape: Vec<u8>,
}

/// The windows up to a report, so that earlier reports need not be kept.
#[derive(Clone, Copy, Debug)]
pub struct Checkpoint<'a> {
    /// The writer's epoch.
    pub epoch: u64,
    /// The last report that is in them.
    pub position: u64,
    /// The windows, or what has changed of them since the last checkpoint of the same epoch.
    pub saved: &'a Saved,
    /// Reports up to `position` that were observed before this may be forgotten: slower nodes have had time to read them.
    pub forget: Timestamp,
}

/// The windows as they were saved last: whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The last report that is in them.
    pub position: u64,
    /// The windows.
    pub saved: Saved,
}

/// What engines that share a store tell each other through it: who advances, and what was recorded.
pub trait SharedStore: Send + Sync {
    /// What has moved. It is asked several times a second, by every node.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be read.
    fn head(&self) -> Result<Head, Error>;

    /// Takes the lease for `claim.holder`, if it is still as it was `seen` (epoch and beat). Gives the new epoch, or
    /// `None` where somebody was faster.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error>;

    /// A sign of life of the lease's holder, and what it has watched.
    ///
    /// # Errors
    /// [`LeaseLost`](rollgate_core::error::ErrorKind::LeaseLost) where the lease is somebody else's now;
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn beat(&self, epoch: u64, claim: &Claim<'_>, watched: &Watched) -> Result<(), Error>;

    /// Gives the lease back, where it is still that of this epoch and holder: the next node need not wait.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error>;

    /// Adds a report. Gives its number.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn report(&self, report: &Report<'_>) -> Result<u64, Error>;

    /// The reports after number `after`, in order; those before the first one given may have been forgotten.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be read.
    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error>;

    /// Saves the windows, all or nothing.
    ///
    /// # Errors
    /// [`LeaseLost`](rollgate_core::error::ErrorKind::LeaseLost) where the store knows a later epoch;
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be written.
    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error>;

    /// The windows of the last checkpoint; `None` where there is none.
    ///
    /// # Errors
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where it cannot be read;
    /// [`StoreDamaged`](rollgate_core::error::ErrorKind::StoreDamaged) where it does not fit its own sums.
    fn restore(&self) -> Result<Option<Restored>, Error>;

    /// Whether the holder of a lease is known to have ended: then nobody waits for it.
    fn has_ended(&self, _holder: &str) -> bool {
        false
    }
}

/// Who takes a lease or holds it, and when.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The node.
    pub holder: &'a str,
    /// Its observed time.
    pub observed: Timestamp,
    /// Its calendar.
    pub wall: Timestamp,
}
