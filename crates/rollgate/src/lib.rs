//! rollgate: progressive delivery inside the process that uses it.
#![forbid(unsafe_code)]

pub mod cell;
pub mod clock;
pub mod engine;
pub mod flag;
pub mod journal;
pub mod read;
pub mod recorder;
pub mod replay;
pub mod store;
pub mod trace;

pub use rollgate_core as core;
