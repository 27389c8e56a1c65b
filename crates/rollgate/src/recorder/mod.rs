//! Wait-free recording of distributions and ratios.
//!
//! Every thread writes into a shard of its own: a load and a store of a word that no other thread writes, so recording
//! takes no lock, reads no clock and shares no cache line. A shard only ever grows, and is never reset. The collector
//! remembers what it has seen of each shard and hands on the difference, so that taking a slot can neither lose nor
//! double a sample. The shard of a thread that has ended is taken over by the next new one.

mod cells;
mod collect;
mod shard;
#[cfg(test)]
mod tests;

pub use collect::Depth;
pub use shard::{Recorder, Subject};
