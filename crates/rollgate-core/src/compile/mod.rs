//! What people write to what everything else reads. Finds every problem in one pass, each with its place.

mod about;
mod actions;
mod after;
mod asking;
mod calendar;
mod compare;
mod condition;
mod contradiction;
mod exclusive;
mod fingerprint;
mod flags;
mod fleet;
mod goals;
mod lint;
mod measure;
mod metrics;
mod notices;
mod phase;
mod plan;
mod problem;
mod reader;
mod rules;
mod schedule;
mod target;
mod template;
mod trigger;
mod value;
mod variants;

pub use after::horizon;
pub use fleet::AddressError;
pub use measure::default_samples;
pub use plan::{Compiled, compile, compile_config};
pub use problem::{Level, Problem, Problems};
