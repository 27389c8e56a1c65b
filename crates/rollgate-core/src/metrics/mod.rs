//! Samples into windows, windows into measurements.

mod alerts;
mod arms;
mod codec;
mod histogram;
mod hours;
mod measure;
mod measurement;
mod own;
mod parts;
mod running;
mod sample;
mod saved;
mod series;
mod slot;
mod tape;
#[cfg(test)]
mod tests;
mod times;
mod watch;
mod windows;

pub use alerts::Opened;
pub use arms::Lane;
pub use codec::{Cause, Damage};
pub use histogram::{Bucket, Dense, OCTAVE, OCTAVES, Packed, nearest_rank};
pub use hours::Hour;
pub use measurement::{ArmPair, ArmTotals, Clip, Clusters, Gap, Measurement, Measures, Part, Tail};
pub use sample::{Arm, Arms, EventSource, NamedArm};
pub use saved::{Oldest, Saved, SavedSlot};
pub use tape::{Exposure, Log, Op, Tape, decode};
pub use windows::{Totals, Windows};
