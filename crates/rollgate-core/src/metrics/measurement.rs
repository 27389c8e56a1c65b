//! What a window says: one aggregate with its sample count and its coverage.

use super::Arm;
use crate::id::{FlagId, MetricId};
use crate::snapshot::{Comparison, Query, Severity, Window};
use crate::time::{Span, Timestamp};

/// Why there is no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gap {
    /// Nothing was recorded in the window.
    Empty,
    /// The source of the events is not live.
    NotLive,
    /// The latest value is older than it may be.
    Stale,
}

/// How far back a window may reach, whatever it says (SEMANTICS 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clip {
    /// Samples before this do not count, and the time before it is not covered.
    pub from: Timestamp,
    /// The start of the phase (or of its extension): what `over: phase` and `averaged_by` count from.
    pub phase: Timestamp,
}

/// One aggregate of one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The value to show, in the metric's unit (a fraction for ratios); `Err` where there is none.
    pub value: Result<f64, Gap>,
    /// The smallest that the true value can be (a bucket's lower edge, inclusive).
    pub low: f64,
    /// The upper edge of what the true value can be. Where `is_exact`, it equals `low` and `value`; else the true value
    /// is below it.
    pub high: f64,
    /// Whether `low`, `high` and `value` are one number.
    pub is_exact: bool,
    /// Samples (outcomes, events, points in time of a gauge) in the window.
    pub n: u64,
    /// The window's start, after clipping and rounding to slots.
    pub from: Timestamp,
    /// The window's end.
    pub to: Timestamp,
    /// How long the window is as written.
    pub written: Span,
    /// 0.0 ..= 1.0: the part of the window as written that was watched and fed.
    pub coverage: f64,
    /// Samples that were dropped or invalid in the window; a window with drops cannot pass a gate.
    pub drops: u64,
    /// With `averaged_by`: the statistic of the pooled samples, beside.
    pub pooled: Option<f64>,
}

/// One of the equal parts of a window, for trends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Mid-point, in milliseconds from the window's start.
    pub at_ms: f64,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// Mean by time.
    pub mean: f64,
}

/// Sums of one arm's samples in each of the [`crate::limits::CLUSTERS`] subject buckets (STATISTICS F6b).
#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// Number of samples (outcomes) in each.
    pub n: Vec<f64>,
    /// Sum of the values, of the true outcomes, or of an indicator, in each.
    pub sum: Vec<f64>,
}

/// One arm's samples since the last mark.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmTotals {
    /// Samples (outcomes).
    pub n: u64,
    /// Sum of the values (number of true outcomes).
    pub sum: f64,
    /// How many of the samples came without a subject key.
    pub unkeyed: u64,
}

/// Both arms of one flag in one metric, since the last mark (a change of shares, a phase's start or extension).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ArmPair {
    /// Subjects that the flag is on for.
    pub on: ArmTotals,
    /// The others.
    pub off: ArmTotals,
    /// F6: sum of h d over the batches (one batch an evaluation that has samples of both arms).
    pub s: f64,
    /// F6: sum of h^2 (s1^2/n1 + s0^2/n0); a ratio's variance uses (e + 1/2)/(n + 1).
    pub v: f64,
    /// Sum of h.
    pub h: f64,
    /// Sum of h times ON's mean, for relative margins.
    pub s_on: f64,
    /// Sum of h times OFF's mean.
    pub s_off: f64,
    /// ON's part of `v`.
    pub v_on: f64,
    /// OFF's part of `v`.
    pub v_off: f64,
    /// Samples of both arms in those batches.
    pub batched: u64,
    /// When the counting began.
    pub since: Timestamp,
    /// Dropped or invalid samples since then.
    pub drops: u64,
}

/// How many samples lie beyond a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tail {
    /// Surely beyond it: the nearer edge of their bucket is.
    pub beyond: u64,
    /// All samples of the window.
    pub n: u64,
}

/// What judging asks of windows.
///
/// There are two of them: `Windows`, and the naive model in the tests that keeps every sample.
/// `now` is the end of every window (exclusive at an evaluation; inside a recording call everything recorded so far
/// counts). No window reaches back before `clip.from`.
pub trait Measures {
    /// One aggregate of the query's own window.
    fn measure(&self, query: &Query, clip: Clip, now: Timestamp) -> Measurement;
    /// As `measure`, over this window in place of the query's own.
    fn measure_over(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Measurement;
    /// Over the shortest window that is at least `shortest` long and holds `min_samples`, at most `longest` long
    /// (SEMANTICS 4.3). With too few in `longest` it is the measurement over `longest`.
    fn measure_holding(
        &self,
        query: &Query,
        shortest: Span,
        longest: Span,
        min_samples: u64,
        clip: Clip,
        now: Timestamp,
    ) -> Measurement;
    /// How many samples of a distribution lie beyond `limit` on the side that satisfies `comparison`, or outcomes of a
    /// ratio are true (`Above`, `AtLeast`) or false (`Below`, `AtMost`), over `over`.
    fn tail(
        &self,
        query: &Query,
        comparison: Comparison,
        limit: f64,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Tail;
    /// `parts` equal parts of the window, those with data only, oldest first.
    fn parts(&self, metric: MetricId, window: Window, parts: usize, clip: Clip, now: Timestamp) -> Vec<Part>;
    /// Whether the alerts' source is live.
    fn alerts_live(&self) -> bool;
    /// Alerts of this severity opened in [now - within, now], not before `clip.from`; an id that is open counts once.
    fn alerts_opened(&self, severity: Severity, within: Span, clip: Clip, now: Timestamp) -> u64;
    /// When an alert of this severity was last open: `now` while one is.
    fn alerts_last_open(&self, severity: Severity, now: Timestamp) -> Option<Timestamp>;
    /// When the alert of this severity that has been open longest was opened.
    fn alerts_open_since(&self, severity: Severity) -> Option<Timestamp>;
    /// The part of [now - over, now] that was watched while the alerts' source was live, against `over` as written; what
    /// lies before `clip.from` is not covered.
    fn watched(&self, over: Span, clip: Clip, now: Timestamp) -> f64;
    /// Both arms since the last mark; `None` where the metric does not list the flag.
    fn arms(&self, metric: MetricId, flag: FlagId) -> Option<ArmPair>;
    /// Edges [low, high) of the bucket of the `rank`-th smallest sample (from 1) of one arm since the last mark.
    fn arm_rank(&self, metric: MetricId, flag: FlagId, arm: Arm, rank: u64) -> Option<(f64, f64)>;
    /// Values (true outcomes) by subject bucket, of the arm's keyed samples.
    fn arm_clusters(&self, metric: MetricId, flag: FlagId, arm: Arm) -> Option<Clusters>;
    /// Number of keyed samples at or above `value` by subject bucket (a bucket that holds `value` counts as above).
    fn arm_clusters_above(&self, metric: MetricId, flag: FlagId, arm: Arm, value: f64) -> Option<Clusters>;
}
