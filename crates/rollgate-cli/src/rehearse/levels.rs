//! What is recorded in a rehearsal: one level a metric, made up so that gates pass and triggers do not fire.

use rollgate::core::id::{FlagId, MetricId};
use rollgate::core::snapshot::{
    BaselineSource, Change, Condition, ConditionKind, Direction, Measure, MetricKind, Ruleset, Stat, Subject,
    Window,
};
use rollgate::core::time::Span;

/// What a measurement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A value: a quantile, a part, a level, a score.
    Value,
    /// How many things there are.
    Rate,
    /// How fast a level grows.
    Slope,
}

/// The class of a statistic.
pub(super) const fn class(stat: Stat) -> Class {
    match stat {
        Stat::Count | Stat::PerMinute | Stat::PerHour | Stat::PerDay => Class::Rate,
        Stat::GrowthPerDay => Class::Slope,
        _ => Class::Value,
    }
}

/// The span that a limit on a number of things is of.
pub(super) fn counted_over(measure: &Measure) -> Span {
    match measure.query.window {
        Window::Over(span) | Window::Latest(span) => span,
        Window::Phase => Span::hours(1),
    }
}

/// The level of one metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    /// Each value, part, level or score, as the metric stores it.
    pub(super) value: f64,
    /// Things a second; `None`: as many as anybody may want of samples, and no events.
    pub(super) rate: Option<f64>,
    /// How much a gauge grows in a day.
    pub(super) slope: f64,
    /// The values of the ON arm of a flag, where they differ.
    pub(super) on: Option<(FlagId, f64)>,
}

/// The levels of all metrics.
#[derive(Clone, Debug)]
pub(super) struct Levels(pub(super) Vec<Level>);

/// Where a level must lie: above one limit, below the other.
#[derive(Clone, Copy, Debug)]
struct Band {
    low: f64,
    high: f64,
}

impl Band {
    const OPEN: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    fn keep(&mut self, side: Side, limit: f64) {
        match side {
            Side::Below => self.high = self.high.min(limit),
            Side::Above => self.low = self.low.max(limit),
        }
    }
}

/// The side of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Less than it.
    Below,
    /// More than it.
    Above,
}

/// The side that a measurement must lie on, so that its condition holds or does not.
pub(super) const fn side(measure: &Measure, holds: bool) -> Side {
    if measure.comparison.is_upper_limit() == holds { Side::Below } else { Side::Above }
}

/// The measurements that decide whether a condition holds, each with what it must be.
fn wanted<'a>(condition: &'a Condition, holds: bool, out: &mut Vec<(&'a Measure, bool)>) {
    match &condition.kind {
        ConditionKind::Measure(measure) => out.push((measure, holds)),
        ConditionKind::All(inner) if holds => inner.iter().for_each(|one| wanted(one, true, out)),
        ConditionKind::All(inner) => inner.iter().take(1).for_each(|one| wanted(one, false, out)),
        ConditionKind::Any(inner) if holds => inner.iter().take(1).for_each(|one| wanted(one, true, out)),
        ConditionKind::Any(inner) => inner.iter().for_each(|one| wanted(one, false, out)),
        ConditionKind::AtLeastOf(n, inner) if holds => {
            inner.iter().take(*n).for_each(|one| wanted(one, true, out));
        }
        ConditionKind::AtLeastOf(_, inner) => inner.iter().for_each(|one| wanted(one, false, out)),
        ConditionKind::Not(inner) => wanted(inner, !holds, out),
        _ => {}
    }
}

impl Levels {
    /// Levels at which every gate and step passes and no trigger fires, as far as limits say it.
    pub(super) fn healthy(ruleset: &Ruleset) -> Self {
        let mut wants = Vec::new();
        for phase in ruleset.plan.iter().flat_map(|plan| &plan.phases) {
            let steps = phase.steps.iter().filter_map(|step| step.only_if.as_ref());
            let passing = phase.gates.iter().map(|gate| &gate.condition).chain(steps);
            passing.for_each(|condition| wanted(condition, true, &mut wants));
            phase.triggers.iter().for_each(|rule| wanted(&rule.when, false, &mut wants));
        }
        let level = |index: usize| {
            let id = MetricId(index as u16);
            let (mut values, mut rates) = (Band::OPEN, Band::OPEN);
            for (measure, holds) in &wants {
                let Some(limit) = absolute(ruleset, measure, None) else { continue };
                if measure.query.subject != Subject::Metric(id) {
                    continue;
                }
                let side = side(measure, *holds);
                match class(measure.query.stat) {
                    Class::Value => values.keep(side, limit),
                    Class::Rate => {
                        let per = measure.query.stat.per().unwrap_or_else(|| counted_over(measure));
                        rates.keep(side, limit / (per.0 as f64 / 1_000.0));
                    }
                    Class::Slope => {}
                }
            }
            let metric = ruleset.metric(id);
            // Nothing is the healthy number of events, unless the plan wants some; samples come by the thousand.
            let rate = (rates.low > 0.0).then(|| {
                if rates.high.is_finite() { f64::midpoint(rates.low, rates.high) } else { rates.low * 1.5 }
            });
            Level { value: inside(values, metric.kind, metric.good), rate, slope: 0.0, on: None }
        };
        Self((0..ruleset.metrics.len()).map(level).collect())
    }

    /// The level of a metric.
    pub(super) fn of(&self, id: MetricId) -> Level {
        self.0.get(id.index()).copied().unwrap_or(Level { value: 0.0, rate: None, slope: 0.0, on: None })
    }
}

/// A limit without its baseline; `None` where that is not known yet.
pub(super) fn absolute(ruleset: &Ruleset, measure: &Measure, captured: Option<f64>) -> Option<f64> {
    let Some(versus) = measure.versus else { return Some(measure.limit) };
    let base = match ruleset.baselines.get(versus.baseline?.index())?.source {
        BaselineSource::Given(value) => value,
        BaselineSource::Captured(_) => captured?,
    };
    Some(match versus.change {
        Change::Difference => base + measure.limit,
        Change::Relative => base * (1.0 + measure.limit),
    })
}

/// A value well inside a band.
fn inside(band: Band, kind: MetricKind, good: Option<Direction>) -> f64 {
    let Band { low, high } = band;
    let is_part = kind == MetricKind::Ratio;
    match (low.is_finite(), high.is_finite()) {
        (true, true) => f64::midpoint(low, high),
        (false, true) => {
            if high > 0.0 {
                high / 2.0
            } else {
                high - 1.0
            }
        }
        (true, false) if is_part => f64::midpoint(low, 1.0),
        (true, false) => low + (low.abs() * 0.05).max(1.0),
        (false, false) if is_part => {
            if good == Some(Direction::Up) {
                1.0
            } else {
                0.0
            }
        }
        (false, false) => 1.0,
    }
}
