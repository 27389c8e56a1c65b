//! Where a rollout's state and journal are kept.

mod contract;
mod memory;
mod node;

pub use contract::{
    Checkpoint, Claim, Commit, Durability, Head, Lease, Report, Reported, Restored, SharedStore, Store,
    Stored,
};
pub use memory::MemoryStore;
pub(crate) use node::node_name;
