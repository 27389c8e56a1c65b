//! Samples into windows, windows into measurements.

mod measurement;
mod sample;

pub use measurement::{ArmPair, ArmTotals, Clip, Clusters, Gap, Measurement, Measures, Part, Tail};
pub use sample::{Arm, Arms, EventSource, NamedArm};
