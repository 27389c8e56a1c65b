//! What scenario tests are told with: a rollout of the real plan on a manual clock, and its journal.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Nothing but tests is built on it.

mod bench;
pub mod fuzzed;
mod record;
mod rollout;
mod scenario;
#[path = "../sim/mod.rs"]
pub mod sim;
mod traffic;

pub use bench::Bench;
pub use record::Record;
pub use rollout::Rollout;
pub use scenario::{CTO, EM, PM, Scenario, memory_system};
pub use traffic::Traffic;
