//! Conditions against windows: verdicts, and findings that a person can read.

mod facts;
mod finding;
mod streak;
mod verdict;

pub use facts::{Attestation, Facts};
pub use finding::{Evidence, Finding, SetVerdict};
pub use streak::{Streak, Streaks};
pub use verdict::{Cause, Verdict};
