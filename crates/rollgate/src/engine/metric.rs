//! Handles of metrics and alerts: what a program records through.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rollgate_core::decide::Body;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::evaluate::{Context, Variant};
use rollgate_core::id::{Key, MetricId};
use rollgate_core::limits::ALERT_ID_BYTES_MAX;
use rollgate_core::metrics::{Arm, Arms, EventSource, Opened};
use rollgate_core::snapshot::{MetricKind, Ruleset, Severity};
use rollgate_core::units::Unit;

use super::handle::Shared;
use crate::flag::Flag;
use crate::recorder::{MetricRecorder, Subject};

/// One metric of the plan. Clones are cheap.
///
/// Recording to a distribution or a ratio is wait-free and reads no clock. Events, gauges and scores read the clock and
/// take one short lock; a trigger on them fires inside the call. A value that cannot be (NaN, infinite, of the wrong
/// kind) is counted as invalid and never enters a window.
#[derive(Clone)]
pub struct Metric {
    shared: Arc<Shared>,
    id: MetricId,
    kind: MetricKind,
    /// Takes the samples of distributions and ratios.
    recorder: MetricRecorder,
    /// The flags that it tells apart and that are enabled, each with its place among the arms.
    arms: Arc<[(usize, Flag)]>,
    /// Milliseconds times this is a value in the metric's unit; `None` where it does not measure time.
    per_ms: Option<f64>,
}

impl Metric {
    pub(super) fn open(shared: Arc<Shared>, id: MetricId) -> Self {
        let metric = Self::open_quietly(shared, id);
        if metric.kind == MetricKind::Event {
            metric.shared.open_source(EventSource::Metric(id));
        }
        metric
    }

    /// A handle that does not make its source live.
    pub(super) fn open_quietly(shared: Arc<Shared>, id: MetricId) -> Self {
        let metric = shared.ruleset.metric(id);
        let (kind, per_ms) = (metric.kind, Unit::Ms.convert(1.0, metric.unit));
        let recorder = shared.recorder.metric(id);
        let arms = metric.arms.iter().map(|flag| shared.ruleset.flag(*flag)).enumerate();
        let arms = arms.filter(|(_, flag)| flag.is_enabled);
        let arms = arms.map(|(position, flag)| (position, shared.flags.flag(flag.key.as_str()))).collect();
        Self { shared, id, kind, recorder, arms, per_ms }
    }

    /// Its key.
    pub fn key(&self) -> &Key {
        &self.shared.ruleset.metric(self.id).key
    }

    /// Its kind.
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Records one value, in the metric's unit: a sample of a distribution, a gauge's new level, a rating.
    #[inline]
    pub fn record(&self, value: f64) {
        self.sample(value, 1, Arms::NONE, None);
    }

    /// Records `count` samples of one value.
    #[inline]
    pub fn record_many(&self, value: f64, count: u64) {
        self.sample(value, count, Arms::NONE, None);
    }

    /// Records one value of a subject: it counts in the arms that the flags give the subject now.
    ///
    /// Where a listed flag has rules on attributes, use [`record_with`](Self::record_with): a key has none.
    #[inline]
    pub fn record_for(&self, key: &str, value: f64) {
        self.record_many_for(key, value, 1);
    }

    /// Records `count` samples of one value of a subject.
    #[inline]
    pub fn record_many_for(&self, key: &str, value: f64, count: u64) {
        self.sample(value, count, self.arms_of(key), Some(Subject::of(key.as_bytes())));
    }

    /// As [`record_many_for`](Self::record_many_for), for a key of raw bytes.
    #[inline]
    pub fn record_many_for_bytes(&self, key: &[u8], value: f64, count: u64) {
        self.sample(value, count, self.arms_of_bytes(key), Some(Subject::of(key)));
    }

    /// Records `count` samples of one value with arms that the caller knows from an evaluation.
    #[inline]
    pub fn record_in(&self, arms: Arms, value: f64, count: u64) {
        self.sample(value, count, arms, None);
    }

    /// The arms of one listed flag, for [`record_in`](Self::record_in); none where the metric does not list it.
    pub fn arms(&self, flag: &str, arm: Arm) -> Arms {
        let ruleset = &self.shared.ruleset;
        let listed = &ruleset.metric(self.id).arms;
        let position = ruleset.flag_of(flag).and_then(|flag| listed.iter().position(|id| *id == flag));
        position.map_or(Arms::NONE, |position| Arms::NONE.with(position, arm))
    }

    /// The arms that the flags give a subject now; none where a flag gives the caller's default.
    pub fn arms_of(&self, key: &str) -> Arms {
        self.arms_of_bytes(key.as_bytes())
    }

    /// As [`arms_of`](Self::arms_of), for a key of raw bytes.
    pub fn arms_of_bytes(&self, key: &[u8]) -> Arms {
        if key.is_empty() {
            return Arms::NONE;
        }
        self.arms.iter().fold(Arms::NONE, |arms, (position, flag)| {
            arms.with(*position, if flag.is_on_quietly(key) { Arm::On } else { Arm::Off })
        })
    }

    /// The arms that the flags give a subject with its attributes now: where a listed flag has rules on attributes, the key
    /// alone does not say on which side its subject is. None where a flag gives the caller's default.
    ///
    /// ```
    /// use rollgate::{Engine, core::evaluate::{Attribute, Context}, core::metrics::Arm, read::Format};
    ///
    /// let plan = "
    /// version: 1
    /// name: rules
    /// flags: { NEW: { share: 0%, rules: [ { when: { attribute: country, in: [DE] }, share: 100% } ] } }
    /// metrics: { latency: { kind: distribution, unit: ms, arms: [NEW] } }
    /// ";
    /// let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
    /// let latency = engine.metric("latency")?;
    /// let german = [("country", Attribute::Text("DE"))];
    /// let context = Context::new("user-42").with_attributes(&german);
    /// assert_eq!(latency.arms_for(&context), latency.arms("NEW", Arm::On));
    /// assert_eq!(latency.arms_of("user-42"), latency.arms("NEW", Arm::Off));
    /// latency.record_with(&context, 12.3);
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    pub fn arms_for(&self, context: &Context<'_>) -> Arms {
        self.arms.iter().fold(Arms::NONE, |arms, (position, flag)| match flag.variant_quietly(context) {
            Some(Variant::On) => arms.with(*position, Arm::On),
            Some(Variant::Off) => arms.with(*position, Arm::Off),
            None => arms,
        })
    }

    /// Records one value of a subject with its attributes, in the [arms](Self::arms_for) that these give it.
    pub fn record_with(&self, context: &Context<'_>, value: f64) {
        self.sample(value, 1, self.arms_for(context), context.targeting_key.map(Subject::of));
    }

    #[inline]
    fn sample(&self, value: f64, count: u64, arms: Arms, subject: Option<Subject>) {
        if self.kind == MetricKind::Distribution {
            self.recorder.record(value, count, arms, subject);
        } else {
            self.sample_otherwise(value, count, arms, subject);
        }
    }

    #[cold]
    fn sample_otherwise(&self, value: f64, count: u64, arms: Arms, subject: Option<Subject>) {
        match self.kind {
            MetricKind::Gauge => self.locked(|windows, at| windows.record_gauge(self.id, value, at)),
            MetricKind::Score => {
                let of = (arms, subject.map(Subject::cluster));
                self.locked(|windows, at| windows.record_ratings_in(self.id, value, count, of, at));
            }
            MetricKind::Distribution | MetricKind::Ratio | MetricKind::Event => self.invalid(count),
        }
    }

    /// Records one outcome of a ratio.
    #[inline]
    pub fn record_outcome(&self, outcome: Outcome) {
        self.record_outcomes(u64::from(outcome == Outcome::True), 1);
    }

    /// Records outcomes of a ratio: how many were true, of how many.
    #[inline]
    pub fn record_outcomes(&self, true_count: u64, total: u64) {
        self.outcomes(true_count, total, Arms::NONE, None);
    }

    /// Records outcomes of a subject.
    #[inline]
    pub fn record_outcomes_for(&self, key: &str, true_count: u64, total: u64) {
        self.outcomes(true_count, total, self.arms_of(key), Some(Subject::of(key.as_bytes())));
    }

    /// As [`record_outcomes_for`](Self::record_outcomes_for), for a key of raw bytes.
    #[inline]
    pub fn record_outcomes_for_bytes(&self, key: &[u8], true_count: u64, total: u64) {
        self.outcomes(true_count, total, self.arms_of_bytes(key), Some(Subject::of(key)));
    }

    /// Records outcomes with arms that the caller knows from an evaluation.
    #[inline]
    pub fn record_outcomes_in(&self, arms: Arms, true_count: u64, total: u64) {
        self.outcomes(true_count, total, arms, None);
    }

    #[inline]
    fn outcomes(&self, true_count: u64, total: u64, arms: Arms, subject: Option<Subject>) {
        if self.kind == MetricKind::Ratio && true_count <= total {
            self.recorder.record_outcomes(true_count, total, arms, subject);
        } else {
            self.invalid(total.max(1));
        }
    }

    /// Counts events. Triggers on them are judged before the call returns.
    pub fn count(&self, events: u64) {
        if self.kind == MetricKind::Event {
            self.locked(|windows, at| windows.record_events(self.id, events, at));
        } else {
            self.invalid(events);
        }
    }

    /// Records measured points of a score.
    pub fn record_points(&self, points: f64) {
        if self.kind == MetricKind::Score {
            self.locked(|windows, at| windows.record_points(self.id, points, at));
        } else {
            self.invalid(1);
        }
    }

    /// Records the time until the returned timer is dropped, in the metric's unit.
    pub fn time(&self) -> Timer<'_> {
        Timer { metric: self, key: None, from: Instant::now() }
    }

    /// As [`time`](Self::time), for a subject.
    pub fn time_for<'a>(&'a self, key: &'a str) -> Timer<'a> {
        Timer { metric: self, key: Some(key), from: Instant::now() }
    }

    /// Records a time that the caller has measured, in the metric's unit; invalid where it does not measure time.
    pub fn record_elapsed(&self, elapsed: Duration) {
        match self.elapsed(elapsed) {
            Some(value) => self.record(value),
            None => self.invalid(1),
        }
    }

    /// As [`record_elapsed`](Self::record_elapsed), for a subject.
    pub fn record_elapsed_for(&self, key: &str, elapsed: Duration) {
        match self.elapsed(elapsed) {
            Some(value) => self.record_for(key, value),
            None => self.invalid(1),
        }
    }

    fn elapsed(&self, elapsed: Duration) -> Option<f64> {
        self.per_ms.map(|per_ms| elapsed.as_secs_f64() * 1e3 * per_ms)
    }

    #[cold]
    fn invalid(&self, count: u64) {
        self.locked(|windows, at| windows.count_invalid(self.id, count, at));
    }

    fn locked(
        &self,
        record: impl FnOnce(&mut rollgate_core::metrics::Windows, rollgate_core::time::Timestamp),
    ) {
        let (mut control, now) = self.shared.lock();
        record(&mut control.windows, now.observed);
        control.recorded(now);
    }
}

/// What one attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was what the ratio counts.
    True,
    /// It was not.
    False,
}

/// Records the time from its making to its end.
#[must_use = "the time is recorded when the timer is dropped"]
pub struct Timer<'a> {
    metric: &'a Metric,
    key: Option<&'a str>,
    from: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let elapsed = self.from.elapsed();
        match self.key {
            Some(key) => self.metric.record_elapsed_for(key, elapsed),
            None => self.metric.record_elapsed(elapsed),
        }
    }
}

/// The alerts of the program.
#[derive(Clone)]
pub struct Alerts {
    shared: Arc<Shared>,
}

impl Alerts {
    pub(super) fn open(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Opens an alert; an id that is open counts once. Triggers on alerts are judged before the call returns.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for an id that is empty or too long.
    pub fn open_alert(&self, severity: Severity, id: &str) -> Result<(), Error> {
        if id.is_empty() || id.len() > ALERT_ID_BYTES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidArgument,
                format_args!("an alert's id has 1 to {ALERT_ID_BYTES_MAX} bytes"),
            ));
        }
        let (mut control, now) = self.shared.lock();
        match control.windows.open_alert(severity, id, now.observed) {
            Opened::New => control.note(Body::AlertOpened { severity, id: id.into() }, now),
            Opened::AlreadyOpen => return Ok(()),
            // It counts in every window; the next evaluation journals that it was dropped.
            Opened::Dropped => {}
        }
        control.recorded(now);
        Ok(())
    }

    /// Closes an alert; one that is not open is left alone.
    pub fn close_alert(&self, id: &str) {
        let (mut control, now) = self.shared.lock();
        if let Some(severity) = control.windows.close_alert(id, now.observed) {
            control.note(Body::AlertClosed { severity, id: id.into() }, now);
        }
    }
}

/// Names of all metrics, for messages.
pub(super) fn names(ruleset: &Ruleset) -> String {
    let names: Vec<&str> = ruleset.metrics.iter().map(|metric| metric.key.as_str()).collect();
    if names.is_empty() { "none; write it under `metrics`".to_owned() } else { names.join(", ") }
}
