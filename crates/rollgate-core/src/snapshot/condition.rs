//! Conditions as judging reads them (SEMANTICS 4).

use crate::id::{BaselineId, FlagId, Key, MetricId, RoleId, StreakId};
use crate::snapshot::Severity;
use crate::time::Span;
use crate::units::{Share, Unit};

/// What a measurement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A metric of the plan.
    Metric(MetricId),
    /// The self-metric `rollgate.rollbacks`.
    Rollbacks,
}

/// A statistic of a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stat {
    /// The nearest-rank quantile, 0 < q < 1 (`p95` is 0.95).
    Quantile(f64),
    /// Arithmetic mean; of a gauge, the mean by time.
    Mean,
    /// Smallest.
    Min,
    /// Largest.
    Max,
    /// How many.
    Count,
    /// True over total; the value of a ratio.
    Fraction,
    /// The last set value of a gauge.
    Last,
    /// Theil-Sen slope of a gauge, by day.
    GrowthPerDay,
    /// How many a minute.
    PerMinute,
    /// How many an hour.
    PerHour,
    /// How many a day.
    PerDay,
    /// Measured points, or else promoters minus detractors.
    Nps,
}

impl Stat {
    /// The span that a rate divides by, for rates.
    pub const fn per(self) -> Option<Span> {
        match self {
            Self::PerMinute => Some(Span::minutes(1)),
            Self::PerHour => Some(Span::hours(1)),
            Self::PerDay => Some(Span::days(1)),
            _ => None,
        }
    }
}

/// As it is written: `p95`, `per_minute`, `growth_per_day`.
impl std::fmt::Display for Stat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            // 0.999 * 100 is 99.9 only after rounding; four decimals are more than any name carries.
            Self::Quantile(q) => write!(f, "p{}", (q * 1e6).round() / 1e4),
            Self::Mean => f.write_str("mean"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Count => f.write_str("count"),
            Self::Fraction => f.write_str("ratio"),
            Self::Last => f.write_str("last"),
            Self::GrowthPerDay => f.write_str("growth_per_day"),
            Self::PerMinute => f.write_str("per_minute"),
            Self::PerHour => f.write_str("per_hour"),
            Self::PerDay => f.write_str("per_day"),
            Self::Nps => f.write_str("nps"),
        }
    }
}

/// How far a measurement looks back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Window {
    /// `over: 7d`.
    Over(Span),
    /// `over: phase`: since the phase began or was last extended.
    Phase,
    /// `last` without `over`: the latest value, at most this old.
    Latest(Span),
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    /// Of what.
    pub subject: Subject,
    /// Which statistic.
    pub stat: Stat,
    /// Over how long.
    pub window: Window,
    /// The mean of the statistic over sub-windows of this length (SEMANTICS 3.6).
    pub averaged_by: Option<Span>,
}

/// The side of the limit that satisfies a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Below,
    /// `>`
    Above,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// As it is written: `below`, `at_most`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Above => "above",
            Self::AtMost => "at_most",
            Self::AtLeast => "at_least",
        }
    }
    /// As a sign: `<`, `≤`.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::Above => ">",
            Self::AtMost => "≤",
            Self::AtLeast => "≥",
        }
    }
    /// Whether `value` satisfies it.
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::Above => value > limit,
            Self::AtMost => value <= limit,
            Self::AtLeast => value >= limit,
        }
    }
    /// Whether small values satisfy it.
    pub const fn is_upper_limit(self) -> bool {
        matches!(self, Self::Below | Self::AtMost)
    }
}

/// `for: 10m` and the streak that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sustained {
    /// Which streak.
    pub streak: StreakId,
    /// How long it must last.
    pub span: Span,
}

/// How many samples a measurement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinSamples {
    /// Fewer is inconclusive.
    pub count: u64,
    /// Written in the plan; where it is not, low traffic is judged by the exact binomial tail (SEMANTICS 4.3).
    pub is_given: bool,
}

/// How a measurement is set against its baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Current minus baseline.
    Difference,
    /// Current minus baseline, over the baseline.
    Relative,
}

/// `versus: baseline`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versus {
    /// Which baseline; `None` where the plan has none for this metric and statistic (then inconclusive).
    pub baseline: Option<BaselineId>,
    /// How.
    pub change: Change,
}

/// A measurement against a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// What is measured.
    pub query: Query,
    /// Which side of the limit satisfies.
    pub comparison: Comparison,
    /// As the metric stores values: a fraction for ratios and relative changes, else in the metric's unit (rates: in
    /// things by the statistic's own time).
    pub limit: f64,
    /// The unit that people read `limit` in; for a fraction it is `%`.
    pub unit: Unit,
    /// `for`.
    pub sustained: Option<Sustained>,
    /// `min_samples`.
    pub min_samples: MinSamples,
    /// `versus: baseline`.
    pub versus: Option<Versus>,
}

/// Which way a level must not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrendDirection {
    /// Over the maxima of the parts.
    NotRising,
    /// Over the minima of the parts.
    NotFalling,
}

/// `trend: not_rising` (one-sided Mann-Kendall and Theil-Sen).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// Of which metric.
    pub metric: MetricId,
    /// Which way.
    pub direction: TrendDirection,
    /// Over how long.
    pub window: Window,
    /// What the slope may move in the window, as a part of the median.
    pub tolerance: f64,
}

/// A condition on alerts of one severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertRule {
    /// Opened within a window, against a count.
    Count {
        /// The window.
        within: Span,
        /// Which side satisfies.
        comparison: Comparison,
        /// The count.
        limit: u64,
    },
    /// None opened or open during this long.
    QuietFor(Span),
    /// One open for at least this long.
    OpenFor(Span),
}

/// What ON may be worse by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Margin {
    /// A part of OFF's value: 0.05 is 5 %.
    Relative(f64),
    /// As the metric stores values (a fraction for ratios).
    Absolute(f64),
}

/// ON against OFF (SEMANTICS 4.6).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compare {
    /// Of which metric.
    pub metric: MetricId,
    /// Which statistic: a quantile, the mean or the fraction.
    pub stat: Stat,
    /// Whose arms.
    pub flag: FlagId,
    /// What ON may be worse by.
    pub margin: Margin,
    /// 0.5 < confidence < 1.
    pub confidence: f64,
    /// Whether smaller is better for this metric.
    pub good: super::Direction,
}

/// An attested statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attest {
    /// The item.
    pub item: Key,
    /// Who may attest it; empty for anybody.
    pub roles: Vec<RoleId>,
    /// `all_of: n`: passed must equal total, and total be at least this.
    pub all_of: Option<u64>,
}

/// What no data means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNoData {
    /// Inconclusive.
    #[default]
    Hold,
    /// A gate fails; a trigger fires once its window was watched in full.
    Act,
}

/// One subject with what it is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ConditionKind {
    /// A measurement against a limit.
    Measure(Measure),
    /// A level that must not move one way.
    Trend(Trend),
    /// Alerts of a severity.
    Alerts(Severity, AlertRule),
    /// ON against OFF.
    Compare(Compare),
    /// An attested statement.
    Attest(Attest),
    /// Every item of the phase's checklist is checked.
    ChecklistComplete,
    /// No exposure.
    SharesAllZero,
    /// A flag's share now.
    ShareAbove(FlagId, Share),
    /// The phase has been running, and watched, for this long.
    PhaseFor(Span),
    /// Worst of.
    All(Vec<Condition>),
    /// Best of.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// At least `n` of them pass.
    AtLeastOf(usize, Vec<Condition>),
}

/// A condition with the keys that go with any.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// False: skipped, which counts neither way.
    pub only_if: Option<Box<Condition>>,
    /// A pass within this part of the limit is a warning.
    pub warn_within: Option<f64>,
    /// What no data means.
    pub on_no_data: OnNoData,
    /// The part of the window that must have been watched and fed; `None`: not asked.
    pub coverage: Option<f64>,
    /// The subject and what it is asked.
    pub kind: ConditionKind,
}

impl Condition {
    /// Calls `visit` with this condition and every one inside it, `only_if` included.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Condition)) {
        visit(self);
        if let Some(only_if) = &self.only_if {
            only_if.walk(visit);
        }
        match &self.kind {
            ConditionKind::All(inner) | ConditionKind::Any(inner) | ConditionKind::AtLeastOf(_, inner) => {
                inner.iter().for_each(|condition| condition.walk(visit));
            }
            ConditionKind::Not(inner) => inner.walk(visit),
            _ => {}
        }
    }
}
