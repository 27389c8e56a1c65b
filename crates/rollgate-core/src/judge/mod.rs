//! Conditions against windows: verdicts, and findings that a person can read.

mod alert;
mod compare;
mod contrast;
mod court;
mod fact;
mod facts;
mod finding;
mod fold;
mod growth;
mod judgement;
mod measure;
mod statistics;
mod streak;
#[cfg(test)]
mod tests;
mod trend;
mod verdict;
mod words;

pub use contrast::{ArmValue, CONTRAST_CONFIDENCE, Contrast, contrasts};
pub use court::{Streaking, judge_condition, judge_gate, judge_settled, judge_since, judge_trigger};
pub use facts::{Attestation, Facts};
pub use finding::{Evidence, Finding, SetVerdict};
pub use fold::fold_set;
pub use growth::{Growth, growth};
pub use judgement::Judgement;
pub use streak::{Streak, Streaks};
pub use verdict::{Cause, Verdict};
pub use words::{check_finding, gate_finding, member_findings, target_words, trigger_finding};
