//! A verdict with its evidence, and the sentence that a person reads.

use serde::{Deserialize, Serialize, Serializer};

use super::verdict::{Cause, Verdict};
use crate::id::Key;
use crate::time::{Span, Timestamp};

/// The numbers behind one measured (leaf) condition. Values are in `unit` (percent for ratios).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// What was measured, as people name it: `p95(injection_latency)`.
    pub subject: String,
    /// The measured value.
    pub value: Option<f64>,
    /// The limit, signed as the condition says: `< 200 ms`.
    pub target: String,
    /// The limit's number.
    pub threshold: Option<f64>,
    /// Unit of value and threshold.
    pub unit: &'static str,
    /// How far back it looked, as people write it: `7d`.
    #[serde(serialize_with = "as_text")]
    pub window: Option<Span>,
    /// Its start, by the calendar.
    pub from: Option<Timestamp>,
    /// Its end, by the calendar.
    pub to: Option<Timestamp>,
    /// Samples.
    pub n: u64,
    /// 0.0 ..= 1.0.
    pub coverage: f64,
    /// Dropped or invalid samples in the window.
    pub drops: u64,
    /// The first violating evaluation of the streak, by the calendar.
    pub since: Option<Timestamp>,
    /// With `averaged_by`: the pooled statistic.
    pub pooled: Option<f64>,
    /// The verdict of this leaf.
    pub verdict: Verdict,
    /// Why it is inconclusive.
    pub cause: Option<Cause>,
}

fn as_text<S: Serializer>(span: &Option<Span>, serializer: S) -> Result<S::Ok, S::Error> {
    match span {
        Some(span) => serializer.collect_str(span),
        None => serializer.serialize_none(),
    }
}

/// The verdict on one gate, trigger, target or daily row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The gate's, trigger's or check's key.
    pub key: Key,
    /// For a gate: whether it passes. For a trigger: Pass means that the condition holds, so that it fires.
    pub verdict: Verdict,
    /// Why it is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// One sentence that a person can read.
    pub sentence: String,
    /// What the scorecard writes under Target.
    pub target: String,
    /// What the scorecard writes under Actual.
    pub actual: String,
    /// Shown and journalled, and changes nothing.
    #[serde(rename = "dry_run", skip_serializing_if = "std::ops::Not::not")]
    pub is_dry_run: bool,
    /// The leaves.
    pub evidence: Vec<Evidence>,
}

/// The verdict on a phase's gate set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetVerdict {
    /// Every gate is Pass, Warn or Skipped, and at least one is not Skipped.
    Passed,
    /// At least one gate failed.
    Failed,
    /// None failed, and at least one cannot be said (or all are skipped).
    Inconclusive,
}
