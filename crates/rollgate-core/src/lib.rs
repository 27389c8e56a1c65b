//! The law of rollgate: what a plan means, who sees a flag, what a window says, and what happens next.
//!
//! Everything here is pure. A value goes in, a value comes out; time is an argument. There is no clock,
//! thread, lock, environment variable, file or socket in this crate, and its `clippy.toml` keeps it so.
//!
//! One pipeline, one verb a station, imports run to the left only:
//!
//! ```text
//! config ──compile──► Ruleset ──evaluate──► Evaluation ──record──► Windows ──measure──► Measurement
//!                                                                     ──judge──► Finding ──decide──► Transition
//! ```
#![forbid(unsafe_code)]

pub mod bucket;
pub mod compile;
pub mod config;
pub mod decide;
pub mod error;
pub mod evaluate;
pub mod id;
pub mod judge;
pub mod limits;
pub mod metrics;
pub mod report;
pub mod snapshot;
pub mod time;
pub mod units;
