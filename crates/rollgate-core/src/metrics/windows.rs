//! Everything that was recorded, in slots of time.

use std::sync::Arc;

use super::EventSource;
use super::alerts::{Alerts, Opened};
use super::arms::Lane;
use super::histogram::Bucket;
use super::series::Series;
use super::slot::Cut;
use super::watch::Gaps;
use crate::id::MetricId;
use crate::limits::WINDOW_MAX_MS;
use crate::snapshot::{
    AlertRule, BaselineSource, Condition, ConditionKind, MetricKind, Ruleset, Severity, Subject, Window,
};
use crate::time::{Span, Timestamp};

/// The shortest reach of the last tier: a week, and two slots beside it (SEMANTICS 3.5).
const LONGEST_MIN: Span = Span::hours(7 * 24 + 2);
/// Windows no longer than this lie in the finest tier, where running sums are kept.
const RUNNING_MAX: Span = Span::minutes(11);

/// The windows of all metrics of a plan. All times are observed ones, and never decrease.
#[derive(Clone, Debug)]
pub struct Windows {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) series: Vec<Series>,
    pub(super) rollbacks: Series,
    pub(super) alerts: Alerts,
    pub(super) unwatched: Gaps,
    longest: Span,
    unknown: u64,
}

/// What a metric has recorded, for reports and for the proof that nothing is lost or doubled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Samples in sealed slots and in the live one, each once, and those that have left the windows.
    pub recorded: u64,
    /// Samples that could not be.
    pub invalid: u64,
    /// Samples that were dropped.
    pub dropped: u64,
}

impl Windows {
    /// Empty windows, as long as the plan's longest.
    pub fn new(ruleset: Arc<Ruleset>, opened: Timestamp) -> Self {
        let mut longest = LONGEST_MIN;
        let mut short: Vec<Vec<Span>> = vec![Vec::new(); ruleset.metrics.len()];
        each_condition(&ruleset, &mut |condition| {
            longest = longest.max(reach_of(condition) + Span::hours(2));
            if let ConditionKind::Measure(measure) = &condition.kind
                && let (Subject::Metric(id), Window::Over(over)) =
                    (measure.query.subject, measure.query.window)
                && over <= RUNNING_MAX
                && let Some(spans) = short.get_mut(id.index())
                && !spans.contains(&over)
            {
                spans.push(over);
            }
        });
        for phase in ruleset.plan.iter().flat_map(|plan| &plan.phases) {
            // `over: phase` reaches back as far as a phase and one extension of it last.
            let extend = phase.decision.as_ref().and_then(|rule| rule.extend).unwrap_or_default();
            longest = longest.max(phase.duration.unwrap_or_default() + extend + Span::hours(2));
        }
        longest = longest.min(Span(WINDOW_MAX_MS));
        for baseline in &ruleset.baselines {
            if let BaselineSource::Captured(over) = baseline.source {
                longest = longest.max(over + Span::hours(2));
            }
        }
        let series = ruleset.metrics.iter().zip(&short).map(|(metric, short)| {
            let short = if metric.kind == MetricKind::Distribution { &short[..] } else { &[] };
            Series::new(metric, opened, longest, short)
        });
        Self {
            series: series.collect(),
            rollbacks: Series::rollbacks(opened, longest),
            alerts: Alerts::new(opened),
            unwatched: Gaps::default(),
            longest,
            unknown: 0,
            ruleset,
        }
    }

    /// Adds samples of a distribution that a recorder counted since the last time.
    pub fn add_values(&mut self, metric: MetricId, lane: Lane, bucket: Bucket, count: u64, at: Timestamp) {
        let Some(series) = self.series.get_mut(metric.index()) else { return };
        match lane {
            Lane::Total => series.add_values(bucket, count, at),
            Lane::Arm { position, arm, cluster } => {
                if let Some(sides) = series.sides.get_mut(usize::from(position)) {
                    sides.add_values(arm, cluster, bucket, count);
                }
            }
        }
    }

    /// Adds to the exact sum of a distribution's values.
    pub fn add_sum(&mut self, metric: MetricId, sum: f64) {
        if let Some(series) = self.series.get_mut(metric.index())
            && sum.is_finite()
        {
            series.live.sum += sum;
        }
    }

    /// Adds outcomes of a ratio that a recorder counted since the last time.
    pub fn add_outcomes(&mut self, metric: MetricId, lane: Lane, trues: u64, total: u64, at: Timestamp) {
        let Some(series) = self.series.get_mut(metric.index()) else { return };
        match lane {
            Lane::Total => series.add_outcomes(trues, total, at),
            Lane::Arm { position, arm, cluster } => {
                if let Some(sides) = series.sides.get_mut(usize::from(position)) {
                    sides.add_outcomes(arm, cluster, trues, total);
                }
            }
        }
    }

    /// Counts events.
    pub fn record_events(&mut self, metric: MetricId, count: u64, at: Timestamp) {
        if let Some(series) = self.series.get_mut(metric.index())
            && count > 0
        {
            series.add_events(count, at);
        }
    }

    /// Sets a gauge.
    pub fn record_gauge(&mut self, metric: MetricId, value: f64, at: Timestamp) {
        if value.is_finite() {
            if let Some(series) = self.series.get_mut(metric.index()) {
                series.set_level(value, at);
            }
        } else {
            self.count_invalid(metric, 1, at);
        }
    }

    /// Takes one rating, 0 ..= 10.
    pub fn record_rating(&mut self, metric: MetricId, rating: f64, at: Timestamp) {
        if (0.0..=10.0).contains(&rating) {
            if let Some(series) = self.series.get_mut(metric.index()) {
                series.add_rating(rating, at);
            }
        } else {
            self.count_invalid(metric, 1, at);
        }
    }

    /// Takes measured points of a score, -100 ..= 100.
    pub fn record_points(&mut self, metric: MetricId, points: f64, at: Timestamp) {
        if (-100.0..=100.0).contains(&points) {
            if let Some(series) = self.series.get_mut(metric.index()) {
                series.add_points(points, at);
            }
        } else {
            self.count_invalid(metric, 1, at);
        }
    }

    /// Counts a rollback in `rollgate.rollbacks`.
    pub fn record_rollback(&mut self, at: Timestamp) {
        self.rollbacks.add_events(1, at);
    }

    /// Opens an alert.
    pub fn open_alert(&mut self, severity: Severity, id: &str, at: Timestamp) -> Opened {
        self.alerts.open(severity, id, at)
    }

    /// Closes an alert; gives its severity where it was open.
    pub fn close_alert(&mut self, id: &str, at: Timestamp) -> Option<Severity> {
        self.alerts.close(id, at)
    }

    /// The source is live: from here on, nothing from it is evidence.
    pub fn open_source(&mut self, source: EventSource, at: Timestamp) {
        match source {
            EventSource::Alerts => self.alerts.feed.open(at),
            EventSource::Metric(metric) => {
                if let Some(series) = self.series.get_mut(metric.index()) {
                    series.feed.open(at);
                }
            }
        }
    }

    /// Counts samples that could not be.
    pub fn count_invalid(&mut self, metric: MetricId, count: u64, _at: Timestamp) {
        if let Some(series) = self.series.get_mut(metric.index()) {
            series.invalid = series.invalid.saturating_add(count);
            series.add_drops(count);
        }
    }

    /// Counts samples that were dropped; `None`: for a metric that the plan does not have.
    pub fn count_dropped(&mut self, metric: Option<MetricId>, count: u64, _at: Timestamp) {
        match metric.and_then(|metric| self.series.get_mut(metric.index())) {
            Some(series) => {
                series.dropped = series.dropped.saturating_add(count);
                series.add_drops(count);
            }
            None => self.unknown = self.unknown.saturating_add(count),
        }
    }

    /// Samples for metrics that the plan does not have.
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// An evaluation at `to`: what was recorded so far lies before it, what comes lies after.
    pub fn advance(&mut self, to: Timestamp) {
        for series in self.series.iter_mut().chain([&mut self.rollbacks]) {
            series.seal(to, Cut::Grid);
        }
        // Once an hour is often enough for what is bounded anyway.
        if to.0.rem_euclid(3_600_000) < self.ruleset.evaluate_every.0 as i64 {
            let before = to - self.longest;
            self.series.iter_mut().for_each(|series| series.forget(before));
            self.rollbacks.forget(before);
            self.alerts.forget(before);
            self.unwatched.forget(before);
        }
    }

    /// Nobody evaluated in [from, to).
    pub fn unwatched(&mut self, from: Timestamp, to: Timestamp) {
        self.unwatched.push(from, to);
    }

    /// The process ended and came back: sources must be opened again.
    pub fn restart(&mut self, at: Timestamp) {
        self.series.iter_mut().for_each(|series| series.feed.restart(at));
        self.alerts.feed.restart(at);
    }

    /// Cuts every slot here, so that a window can begin here exactly, and begins ON and OFF anew.
    pub fn mark(&mut self, at: Timestamp) {
        self.series.iter_mut().for_each(|series| series.mark(at));
        self.rollbacks.mark(at);
        self.alerts.mark(at);
    }

    /// How far back windows reach.
    pub const fn longest(&self) -> Span {
        self.longest
    }

    /// What a metric has recorded.
    pub fn totals(&self, metric: MetricId) -> Totals {
        let totals = |series: &Series| Totals {
            recorded: series.tiers.n() + series.live.n + series.tiers.expired,
            invalid: series.invalid,
            dropped: series.dropped,
        };
        self.series.get(metric.index()).map_or_else(Totals::default, totals)
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        let series: usize = self.series.iter().chain([&self.rollbacks]).map(Series::bytes).sum();
        series + self.alerts.bytes()
    }
}

/// Visits every condition of a ruleset.
fn each_condition(ruleset: &Ruleset, visit: &mut dyn FnMut(&Condition)) {
    let Some(plan) = &ruleset.plan else { return };
    for phase in &plan.phases {
        phase.gates.iter().for_each(|gate| gate.condition.walk(visit));
        phase.triggers.iter().for_each(|trigger| trigger.when.walk(visit));
        phase
            .steps
            .iter()
            .filter_map(|step| step.only_if.as_ref())
            .for_each(|condition| condition.walk(visit));
        phase.daily.iter().for_each(|check| check.condition.walk(visit));
    }
    plan.targets.iter().chain(&plan.daily.checks).for_each(|check| check.condition.walk(visit));
}

/// How far back a condition looks.
fn reach_of(condition: &Condition) -> Span {
    let window = |window: Window| match window {
        Window::Over(span) | Window::Latest(span) => span,
        Window::Phase => Span::ZERO,
    };
    match &condition.kind {
        ConditionKind::Measure(measure) => {
            window(measure.query.window).max(measure.sustained.map_or(Span::ZERO, |sustained| sustained.span))
        }
        ConditionKind::Trend(trend) => window(trend.window),
        ConditionKind::Alerts(_, rule) => match *rule {
            AlertRule::Count { within: span, .. } | AlertRule::QuietFor(span) | AlertRule::OpenFor(span) => {
                span
            }
        },
        _ => Span::ZERO,
    }
}
