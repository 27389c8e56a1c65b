//! Samples into windows, windows into measurements.

mod alerts;
mod arms;
mod histogram;
mod measure;
mod measurement;
mod sample;
mod series;
mod slot;
mod watch;
mod windows;

pub use alerts::Opened;
pub use arms::Lane;
pub use histogram::{Bucket, Dense, OCTAVE, OCTAVES, Packed, nearest_rank};
pub use measure::slope;
pub use measurement::{ArmPair, ArmTotals, Clip, Clusters, Gap, Measurement, Measures, Part, Tail};
pub use sample::{Arm, Arms, EventSource, NamedArm};
pub use windows::{Totals, Windows};
