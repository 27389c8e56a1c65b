//! Where a rollout stands, as reports look at it: nothing moves, streaks are only read.

use crate::decide::{RolloutState, Status, facts};
use crate::id::{Key, MetricId, PhaseId};
use crate::judge::{self, Cause, Facts, Judgement, Streaking, Streaks, Verdict};
use crate::metrics::{Clip, Measurement, Measures, Windows};
use crate::snapshot::{
    Condition, ConditionKind, Measure, Metric, MetricKind, Phase, Query, Ruleset, Stat, Subject, Window,
};
use crate::time::{Now, Span, Timestamp};
use crate::units::{Quantity, Unit};

/// What a report is made of.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The plan.
    pub ruleset: &'a Ruleset,
    /// The rollout.
    pub state: &'a RolloutState,
    /// What was measured.
    pub windows: &'a Windows,
    /// What lasts.
    pub streaks: &'a Streaks,
    /// Now.
    pub now: Now,
    checked: Vec<Key>,
}

impl<'a> Standing<'a> {
    /// A look at a rollout.
    pub fn new(
        ruleset: &'a Ruleset,
        state: &'a RolloutState,
        windows: &'a Windows,
        streaks: &'a Streaks,
        now: Now,
    ) -> Self {
        let checked = state.phase.map(|phase| state.checked_in(phase)).unwrap_or_default();
        Self { ruleset, state, windows, streaks, now, checked }
    }

    /// The phase that it is in.
    pub fn phase(&self) -> Option<&'a Phase> {
        self.ruleset.plan.as_ref().zip(self.state.phase).and_then(|(plan, id)| plan.phases.get(id.index()))
    }

    /// The phases of the plan.
    pub(super) fn phases(&self) -> &'a [Phase] {
        self.ruleset.plan.as_ref().map_or(&[], |plan| &plan.phases)
    }

    /// What conditions of the current phase are judged on; before the start, of the first one.
    pub(super) fn facts(&self) -> Facts<'_> {
        let phase = self.state.phase.unwrap_or(PhaseId(0));
        facts(self.ruleset, self.state, phase, &self.state.shares, &self.checked, self.now)
    }

    /// A condition judged by a gate's rules.
    pub(super) fn judge(&self, condition: &Condition) -> Judgement {
        let mut streaks = self.streaks.clone();
        judge::judge_condition(condition, &self.facts(), self.windows, &mut streaks, Streaking::Read)
    }

    /// The status of a measured condition: what only waits for its window to fill is not told yet.
    pub(super) fn status(&self, leaf: &Leaf<'_>, verdict: Verdict) -> super::RowStatus {
        let waits = matches!(verdict, Verdict::Inconclusive(Cause::Coverage | Cause::TooFewSamples));
        let runs = matches!(self.state.status, Status::Running | Status::AwaitingDecision);
        match leaf.measure.query.window {
            Window::Over(over) if waits && runs && self.now.observed.since(self.state.phase_from) < over => {
                super::RowStatus::NotYet
            }
            _ => verdict.into(),
        }
    }

    /// A point of the calendar, as people read it in the plan's zone.
    pub(super) fn calendar(&self, at: Timestamp) -> String {
        super::local::calendar(self.ruleset.timezone.as_str(), at)
    }

    /// One statistic of the last `over`, whatever phase it is of.
    pub(super) fn measure(&self, metric: MetricId, stat: Stat, over: Span) -> Measurement {
        let query =
            Query { subject: Subject::Metric(metric), stat, window: Window::Over(over), averaged_by: None };
        let clip = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
        self.windows.measure(&query, clip, self.now.observed)
    }

    /// The same for people; "no data" where there is none.
    pub fn cell(&self, metric: MetricId, stat: Stat, over: Span) -> super::Cell {
        let found = self.ruleset.metrics.get(metric.index());
        match (found, self.measure(metric, stat, over).value) {
            (Some(found), Ok(value)) => number(found, stat, value),
            _ => super::Cell::text("no data"),
        }
    }

    /// One statistic of the last `over` as the metric stores it; `None` without data.
    pub fn value(&self, metric: MetricId, stat: Stat, over: Span) -> Option<f64> {
        self.measure(metric, stat, over).value.ok()
    }

    /// The metrics with their ids.
    pub(super) fn metrics(&self) -> impl Iterator<Item = (MetricId, &'a Metric)> {
        self.ruleset.metrics.iter().enumerate().map(|(index, metric)| (MetricId(index as u16), metric))
    }
}

/// A number of a metric with its unit; a slope says what it is by.
pub(super) fn number(metric: &Metric, stat: Stat, stored: f64) -> super::Cell {
    let cell = super::Cell::of(shown(metric, stat, stored));
    if stat == Stat::GrowthPerDay {
        let text = format!("{}/day", cell.text);
        return cell.shown(text);
    }
    cell
}

/// A value as a metric stores it, for people.
pub(super) fn shown(metric: &Metric, stat: Stat, stored: f64) -> Quantity {
    let unit = match stat {
        Stat::Count => Unit::Count,
        Stat::PerMinute => Unit::PerMinute,
        Stat::PerHour => Unit::PerHour,
        Stat::PerDay => Unit::PerDay,
        _ => return Quantity { value: metric.shown(stored), unit: metric.unit },
    };
    Quantity { value: stored, unit }
}

/// A difference of two values of a metric: of percentages it is in points of them.
pub(super) fn difference(metric: &Metric, stat: Stat, stored: f64) -> Quantity {
    let shown = shown(metric, stat, stored);
    let unit = if shown.unit == Unit::Percent { Unit::Pp } else { shown.unit };
    Quantity { unit, ..shown }
}

/// With its sign.
pub(super) fn signed(quantity: Quantity) -> String {
    if quantity.value > 0.0 { format!("+{quantity}") } else { quantity.to_string() }
}

/// `p95(latency)`; the metric's own name where its statistic says no more.
pub(super) fn name_of(metric: &str, stat: Stat) -> String {
    if matches!(stat, Stat::Fraction | Stat::Nps) { metric.to_owned() } else { format!("{stat}({metric})") }
}

/// The statistic that a person looks at first.
pub(super) const fn natural(kind: MetricKind) -> Stat {
    match kind {
        MetricKind::Distribution => Stat::Quantile(0.95),
        MetricKind::Ratio => Stat::Fraction,
        MetricKind::Gauge => Stat::Last,
        MetricKind::Event => Stat::PerHour,
        MetricKind::Score => Stat::Nps,
    }
}

/// A measured leaf of a condition, with the condition that it is.
#[derive(Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub(super) condition: &'a Condition,
    pub(super) measure: &'a Measure,
}

/// The measurements that a condition asks for, without those that only say whether it is asked.
pub(super) fn leaves(condition: &Condition) -> Vec<Leaf<'_>> {
    let mut found = Vec::new();
    collect(condition, &mut found);
    found
}

fn collect<'a>(condition: &'a Condition, found: &mut Vec<Leaf<'a>>) {
    match &condition.kind {
        ConditionKind::Measure(measure) => found.push(Leaf { condition, measure }),
        ConditionKind::All(inner) | ConditionKind::Any(inner) | ConditionKind::AtLeastOf(_, inner) => {
            inner.iter().for_each(|condition| collect(condition, found));
        }
        _ => {}
    }
}
