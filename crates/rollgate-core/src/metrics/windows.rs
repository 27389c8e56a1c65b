//! Everything that was recorded, in slots of time.

use std::sync::Arc;

use super::alerts::{Alerts, Opened};
use super::arms::Lane;
use super::histogram::{Bucket, OCTAVE};
use super::series::Series;
use super::slot::{Cut, Scratch};
use super::tape::{Op, Tape};
use super::watch::Gaps;
use super::{Arms, EventSource};
use crate::id::{Key, MetricId};
use crate::limits::{KEY_BYTES_MAX, LEVEL_MAX, SAMPLES_AT_ONCE_MAX, UNKNOWN_NAMES_MAX, WINDOW_MAX_MS};
use crate::snapshot::{AlertRule, BaselineSource, Condition, ConditionKind, Ruleset, Severity, Window};
use crate::time::{Span, Timestamp};

/// The shortest reach of the last tier: a week, and two slots beside it (SEMANTICS 3.5).
const LONGEST_MIN: Span = Span::hours(7 * 24 + 2);

/// The windows of all metrics of a plan. All times are observed ones, and never decrease.
#[derive(Clone, Debug)]
pub struct Windows {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) series: Vec<Series>,
    pub(super) rollbacks: Series,
    pub(super) alerts: Alerts,
    pub(super) unwatched: Gaps,
    longest: Span,
    /// Samples for metrics that the plan does not have, by name; the others together, without one.
    pub(super) unknown: Vec<(Option<Key>, u64)>,
    /// Dropped alerts.
    pub(super) alerts_dropped: u64,
    /// Where slots are merged.
    pub(super) scratch: Scratch,
    /// The last mark.
    pub(super) marked: Option<Timestamp>,
    /// Whether the store has the slots as they were when they were last saved.
    pub(super) is_saved: bool,
    /// What happens from here on is written down too.
    pub(super) tape: Option<Box<Tape>>,
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
        each_condition(&ruleset, &mut |condition| {
            longest = longest.max(reach_of(condition) + Span::hours(2));
        });
        for phase in ruleset.plan.iter().flat_map(|plan| &plan.phases) {
            // `over: phase` reaches back as far as a phase and one extension of it last.
            let extend = phase.decision.as_ref().and_then(|rule| rule.extend).unwrap_or_default();
            longest = longest.max(phase.duration.unwrap_or_default() + extend + Span::hours(2));
        }
        for baseline in &ruleset.baselines {
            if let BaselineSource::Captured(over) = baseline.source {
                longest = longest.max(over + Span::hours(2));
            }
        }
        let longest = longest.min(Span(WINDOW_MAX_MS) + Span::hours(2));
        let every = ruleset.evaluate_every;
        let series = ruleset.metrics.iter().map(|metric| Series::new(metric, opened, longest, every));
        Self {
            series: series.collect(),
            rollbacks: Series::rollbacks(opened, longest, every),
            alerts: Alerts::new(opened),
            unwatched: Gaps::default(),
            longest,
            unknown: Vec::new(),
            alerts_dropped: 0,
            scratch: Scratch::default(),
            marked: None,
            is_saved: false,
            tape: None,
            ruleset,
        }
    }

    /// Adds samples of a distribution that a recorder counted since the last time.
    pub fn add_values(&mut self, metric: MetricId, lane: Lane, bucket: Bucket, count: u64, at: Timestamp) {
        self.note(|| Op::AddValues { metric, lane, bucket, count, at });
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

    /// Adds samples of all buckets of one octave to a distribution's total; `n` is the sum of the counts.
    pub fn add_octave(
        &mut self,
        metric: MetricId,
        octave: usize,
        counts: &[u64; OCTAVE],
        n: u64,
        at: Timestamp,
    ) {
        if let Some(tape) = &mut self.tape {
            tape.add_octave(metric, octave, counts, n, at);
        }
        if let Some(series) = self.series.get_mut(metric.index()) {
            series.add_octave(octave, counts, n, at);
        }
    }

    /// Adds to the exact sum of a distribution's values.
    pub fn add_sum(&mut self, metric: MetricId, sum: f64) {
        self.note(|| Op::AddSum { metric, sum });
        if let Some(series) = self.series.get_mut(metric.index())
            && sum.is_finite()
        {
            series.add_sum(sum);
        }
    }

    /// Adds outcomes of a ratio that a recorder counted since the last time.
    pub fn add_outcomes(&mut self, metric: MetricId, lane: Lane, trues: u64, total: u64, at: Timestamp) {
        self.note(|| Op::AddOutcomes { metric, lane, trues, total, at });
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

    /// Writes down what happens, where that is asked for.
    #[inline]
    fn note(&mut self, op: impl FnOnce() -> Op) {
        if let Some(tape) = &mut self.tape {
            tape.push(&op());
        }
    }

    /// The series of a metric, where `count` samples at once can be; else they are counted as invalid.
    fn sampled(&mut self, metric: MetricId, is_possible: bool, count: u64) -> Option<&mut Series> {
        let series = self.series.get_mut(metric.index())?;
        if is_possible && count <= SAMPLES_AT_ONCE_MAX {
            return Some(series);
        }
        series.add_invalid(count);
        None
    }

    /// Counts events.
    pub fn record_events(&mut self, metric: MetricId, count: u64, at: Timestamp) {
        self.note(|| Op::RecordEvents { metric, count, at });
        if let Some(series) = self.sampled(metric, true, count)
            && count > 0
        {
            series.add_events(count, at);
        }
    }

    /// Sets a gauge.
    pub fn record_gauge(&mut self, metric: MetricId, value: f64, at: Timestamp) {
        self.note(|| Op::RecordGauge { metric, value, at });
        let is_possible = value.abs() < LEVEL_MAX;
        if let Some(series) = self.sampled(metric, is_possible, 1) {
            series.set_level(value, at);
        }
    }

    /// Takes `count` ratings of one value, 0 ..= 10.
    pub fn record_ratings(&mut self, metric: MetricId, rating: f64, count: u64, at: Timestamp) {
        self.note(|| Op::RecordRatings { metric, rating, count, at });
        self.take_ratings(metric, rating, count, at);
    }

    fn take_ratings(&mut self, metric: MetricId, rating: f64, count: u64, at: Timestamp) {
        if let Some(series) = self.sampled(metric, (0.0..=10.0).contains(&rating), count)
            && count > 0
        {
            series.add_ratings(rating, count, at);
        }
    }

    /// As [`record_ratings`](Self::record_ratings), in these arms too; `cluster` is the subject's.
    pub fn record_ratings_in(
        &mut self,
        metric: MetricId,
        rating: f64,
        count: u64,
        (arms, cluster): (Arms, Option<u8>),
        at: Timestamp,
    ) {
        self.note(|| Op::RecordRatingsIn { metric, rating, count, arms, cluster, at });
        self.take_ratings(metric, rating, count, at);
        let is_possible = (0.0..=10.0).contains(&rating) && count <= SAMPLES_AT_ONCE_MAX;
        if let Some(series) = self.series.get_mut(metric.index())
            && is_possible
        {
            series.add_ratings_in(rating, count, (arms, cluster));
        }
    }

    /// Takes one rating, 0 ..= 10.
    pub fn record_rating(&mut self, metric: MetricId, rating: f64, at: Timestamp) {
        self.record_ratings(metric, rating, 1, at);
    }

    /// Takes measured points of a score, -100 ..= 100.
    pub fn record_points(&mut self, metric: MetricId, points: f64, at: Timestamp) {
        self.note(|| Op::RecordPoints { metric, points, at });
        if let Some(series) = self.sampled(metric, (-100.0..=100.0).contains(&points), 1) {
            series.add_points(points, at);
        }
    }

    /// Counts a rollback in `rollgate.rollbacks`.
    pub fn record_rollback(&mut self, at: Timestamp) {
        self.note(|| Op::RecordRollback { at });
        self.rollbacks.add_events(1, at);
    }

    /// Opens an alert.
    pub fn open_alert(&mut self, severity: Severity, id: &str, at: Timestamp) -> Opened {
        self.note(|| Op::OpenAlert { severity, id: id.into(), at });
        let opened = self.alerts.open(severity, id, at);
        if opened == Opened::Dropped {
            self.alerts_dropped = self.alerts_dropped.saturating_add(1);
        }
        opened
    }

    /// Closes an alert; gives its severity where it was open.
    pub fn close_alert(&mut self, id: &str, at: Timestamp) -> Option<Severity> {
        self.note(|| Op::CloseAlert { id: id.into(), at });
        self.alerts.close(id, at)
    }

    /// The source is live: from here on, nothing from it is evidence.
    pub fn open_source(&mut self, source: EventSource, at: Timestamp) {
        self.note(|| Op::OpenSource { source, at });
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
    pub fn count_invalid(&mut self, metric: MetricId, count: u64, at: Timestamp) {
        self.note(|| Op::CountInvalid { metric, count, at });
        if let Some(series) = self.series.get_mut(metric.index()) {
            series.add_invalid(count);
        }
    }

    /// Counts samples that were dropped; `None`: for a metric that the plan does not have.
    pub fn count_dropped(&mut self, metric: Option<MetricId>, count: u64, at: Timestamp) {
        self.note(|| Op::CountDropped { metric, count, at });
        match metric.and_then(|metric| self.series.get_mut(metric.index())) {
            Some(series) => series.add_dropped(count),
            None => self.add_unknown(None, count),
        }
    }

    /// Counts samples for a metric of this name, which the plan does not have.
    pub fn count_unknown(&mut self, name: &str, count: u64) {
        self.note(|| Op::CountUnknown { name: name.into(), count });
        let is_known =
            self.unknown.iter().any(|(known, _)| known.as_ref().is_some_and(|known| *known == *name));
        let is_kept = is_known || (self.unknown.len() < UNKNOWN_NAMES_MAX && name.len() <= KEY_BYTES_MAX);
        self.add_unknown(is_kept.then_some(name), count);
    }

    fn add_unknown(&mut self, name: Option<&str>, count: u64) {
        let is_it = |known: &Option<Key>| known.as_ref().map(Key::as_str) == name;
        match self.unknown.iter_mut().find(|(known, _)| is_it(known)) {
            Some((_, n)) => *n = n.saturating_add(count),
            None => self.unknown.push((name.map(Key::new), count)),
        }
    }

    /// Samples for metrics that the plan does not have.
    pub fn unknown(&self) -> u64 {
        self.unknown.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Everything that was dropped or could not be, since the windows were opened, by name: what is not there was not
    /// dropped. Samples of unknown metrics without a name of their own stand under `None`.
    pub fn drops(&self) -> impl Iterator<Item = (Option<Key>, u64)> + '_ {
        let known = self.ruleset.metrics.iter().zip(&self.series).map(|(metric, series)| {
            let drops = series.invalid.saturating_add(series.dropped);
            (drops > 0).then(|| (Some(metric.key.clone()), drops))
        });
        let alerts = (self.alerts_dropped > 0).then(|| (Some(Key::new("alerts")), self.alerts_dropped));
        known.flatten().chain(alerts).chain(self.unknown.iter().cloned())
    }

    /// Whether [`drops`](Self::drops) has grown to more than this many in all; the cheap question.
    pub fn drops_in_all(&self) -> u64 {
        let known = self.series.iter().map(|series| series.invalid.saturating_add(series.dropped));
        known.fold(self.unknown().saturating_add(self.alerts_dropped), u64::saturating_add)
    }

    /// An evaluation at `to`: what was recorded so far lies before it, what comes lies after.
    pub fn advance(&mut self, to: Timestamp) {
        // Slots that ran backwards would be in no order. What is decided anew carries the time of its first decision.
        let to = to.max(self.rollbacks.live_from());
        self.note(|| Op::Advance { to });
        for series in self.series.iter_mut().chain([&mut self.rollbacks]) {
            series.seal(to, Cut::Grid, &mut self.scratch);
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
        self.note(|| Op::Unwatched { from, to });
        self.unwatched.push(from, to);
    }

    /// The process ended and came back: sources must be opened again.
    pub fn restart(&mut self, at: Timestamp) {
        self.note(|| Op::Restart { at });
        self.series.iter_mut().for_each(|series| series.feed.restart(at));
        self.alerts.feed.restart(at);
    }

    /// Cuts every slot here, so that a window can begin here exactly, and begins ON and OFF anew. What was recorded so
    /// far lies before it, also what was recorded at this very instant.
    pub fn mark(&mut self, at: Timestamp) {
        let at = at.max(self.rollbacks.live_from());
        self.note(|| Op::Mark { at });
        for series in self.series.iter_mut().chain([&mut self.rollbacks]) {
            series.mark(at, &mut self.scratch);
        }
        self.alerts.mark(at);
        self.marked = self.marked.max(Some(at));
    }

    /// Up to where they have been evaluated, or cut: no time before this may be given to them any more.
    pub fn latest(&self) -> Timestamp {
        self.rollbacks.live_from()
    }

    /// The plan whose windows they are.
    pub const fn ruleset(&self) -> &Arc<Ruleset> {
        &self.ruleset
    }

    /// How far back windows reach.
    pub const fn longest(&self) -> Span {
        self.longest
    }

    /// What a metric has recorded.
    pub fn totals(&self, metric: MetricId) -> Totals {
        let totals = |series: &Series| Totals {
            recorded: series.n(),
            invalid: series.invalid,
            dropped: series.dropped,
        };
        self.series.get(metric.index()).map_or_else(Totals::default, totals)
    }

    /// Bytes on the heap.
    pub fn memory_bytes(&self) -> usize {
        let series: usize = self.series.iter().chain([&self.rollbacks]).map(Series::bytes).sum();
        series + self.alerts.bytes() + self.scratch.bytes() + self.log_bytes()
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
        phase.daily.iter().chain(&phase.targets).for_each(|check| check.condition.walk(visit));
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
