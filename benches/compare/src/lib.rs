//! rollgate beside what bounds it from below and beside its peers, in one process and one run.
//!
//! The binary `time` measures, `allocs` counts allocations of the same calls. `cargo xtask bench` runs both.
#![forbid(unsafe_code)]

pub mod clock;
pub mod own;
pub mod peers;
pub mod publish;
pub mod row;
