//! Where a rollout's state and journal are kept.

mod contract;
mod memory;

pub use contract::{Store, Stored};
pub use memory::MemoryStore;
