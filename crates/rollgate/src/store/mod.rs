//! Where a rollout's state and journal are kept.

mod contract;
mod fence;
mod memory;
mod node;
#[cfg(feature = "redis")]
mod redis;
mod shared_memory;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use contract::{
    Checkpoint, Claim, Commit, Durability, Head, Lease, PlanText, Report, Reported, Restored, SharedStore,
    Store, Stored,
};
pub use memory::MemoryStore;
pub use node::{has_ended, node_name};
pub use shared_memory::SharedMemoryStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
