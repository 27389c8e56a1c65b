//! Wait-free recording of distributions and ratios.
//!
//! Every thread writes into a metric's cells of its own: a load and a store of a word that no other thread writes, so
//! recording takes no lock, reads no clock and shares no cache line. A counter only ever grows, and is never reset. The
//! collector remembers what it has seen of each thread's cells and hands on the difference, so that taking a slot can
//! neither lose nor double a sample. The cells of a thread that has ended are taken over by the next new one.

mod cells;
mod collect;
mod shard;
#[cfg(test)]
mod tests;

pub use collect::Depth;
pub use shard::{MetricRecorder, Recorder, Subject};
