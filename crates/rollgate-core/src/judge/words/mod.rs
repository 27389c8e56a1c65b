//! Findings in words: made on demand from a judgement, without measuring again.

mod compose;
mod leaf;
mod measured;
mod target;

pub use compose::{check_finding, gate_finding, member_findings, target_words, trigger_finding};
