//! Metrics and baselines: a fixed registry from the plan.

use serde::{Deserialize, Serialize};

use crate::id::{FlagId, Key, MetricId};
use crate::snapshot::{MetricSource, Scope, Stat};
use crate::time::Span;
use crate::units::Unit;

/// The five kinds of metric (SEMANTICS 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A log-linear histogram of values.
    Distribution,
    /// True outcomes over outcomes.
    Ratio,
    /// A level that stays until it is set again.
    Gauge,
    /// Things that happen, counted, with exact times.
    Event,
    /// Ratings 0..10, or measured points.
    Score,
}

impl MetricKind {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Distribution => "distribution",
            Self::Ratio => "ratio",
            Self::Gauge => "gauge",
            Self::Event => "event",
            Self::Score => "score",
        }
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// One compiled metric.
///
/// Values of a ratio are fractions inside (`0.005` is 0.5 %); those of every other kind are in `unit`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its key.
    pub key: Key,
    /// What it measures.
    pub description: String,
    /// Its kind.
    pub kind: MetricKind,
    /// Its unit; `%` for ratios.
    pub unit: Unit,
    /// Which way is better, where it is known.
    pub good: Option<Direction>,
    /// Flags whose arm its samples carry.
    pub arms: Vec<FlagId>,
    /// Silent after this long without a sample.
    pub max_gap: Span,
    /// Whether lowering a flag can cure it; a level such as a size cannot be cured.
    pub is_curable: bool,
    /// The one view that shows it; `None`: those of its kind.
    pub view: Option<MetricView>,
    /// Whose samples are judged together.
    pub scope: Scope,
    /// The query that it comes from; `None`: the program records it.
    pub source: Option<MetricSource>,
}

/// A view of the dashboards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricView {
    /// The last minutes.
    Realtime,
    /// Hours and days.
    Performance,
    /// Levels, their growth and their limits.
    Capacity,
}

impl Metric {
    /// A value as this metric stores it, as a number of its `unit` for people: fractions become percent.
    pub fn shown(&self, stored: f64) -> f64 {
        if self.kind == MetricKind::Ratio { stored * 100.0 } else { stored }
    }
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Somebody should know.
    Info,
    /// Somebody should look.
    Warning,
    /// Somebody should get up.
    Critical,
}

impl Severity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
    /// The severity of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }
}

/// Where a baseline's value comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BaselineSource {
    /// Written in the plan, as the metric stores values.
    Given(f64),
    /// Measured over this long before the first exposure.
    Captured(Span),
}

/// A frozen measurement from before the rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Whose.
    pub metric: MetricId,
    /// Which statistic of it.
    pub stat: Stat,
    /// Where its value comes from.
    pub source: BaselineSource,
}
