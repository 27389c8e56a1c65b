//! Samples of other processes, from their tapes.

use std::collections::BTreeMap;

use super::{Op, Ops};
use crate::id::MetricId;
use crate::limits::{LEVEL_MAX, SAMPLES_AT_ONCE_MAX};
use crate::metrics::alerts::Opened;
use crate::metrics::codec::Damage;
use crate::metrics::series::Series;
use crate::metrics::slot::Late;
use crate::metrics::windows::Windows;
use crate::metrics::{EventSource, Lane};
use crate::snapshot::{MetricKind, Ruleset, Scope};
use crate::time::Timestamp;

/// Under which shares samples were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Under those that apply since the last mark.
    Current,
    /// Under those that applied before it.
    Before,
}

impl Windows {
    /// Counts the samples on another process's tape with these, as recorded at `at`, an observed time of this process.
    ///
    /// Of the tape count values, outcomes, events, levels, ratings, points, alerts, sources that were opened, and what
    /// was dropped or could not be. Its evaluations, marks, gaps, restarts, rollbacks and merges are its own. All is
    /// read before anything is done: on an error nothing has changed. Nothing is [logged](Self::log): a leader's log
    /// is replayed beside the tapes that it merged, in the same order; [`merge_and_log`](Self::merge_and_log) does
    /// without them.
    ///
    /// [`Exposure::Before`]: samples go to the slots that end at the last mark, so that windows that begin at the mark
    /// do not have them, and longer ones do; arms are left out, for ON and OFF began anew at the mark. Without a mark
    /// it is as `Current`.
    ///
    /// What is of a metric of scope `instance`, or of alerts of that scope, is left out: each process judges its own.
    ///
    /// A gauge's level is the one that came last, and the largest of those that are merged within 10 s; one that this
    /// process records itself replaces it.
    ///
    /// # Errors
    /// [`Damage`] where the bytes are not whole, or are of a plan with other metrics, arms or lengths of windows.
    pub fn merge(&mut self, bytes: &[u8], at: Timestamp, side: Exposure) -> Result<(), Damage> {
        self.check_samples(bytes)?;
        let log = self.tape.take();
        self.merge_checked(bytes, at, side);
        self.tape = log;
        Ok(())
    }

    pub(super) fn check_samples(&self, bytes: &[u8]) -> Result<(), Damage> {
        for op in Ops::new(bytes, Some(self.shape())) {
            if let Some((metric, kind)) = op?.metric() {
                let found = self.ruleset.metrics.get(metric.index());
                let fits = found.is_some_and(|metric| kind.is_none_or(|kind| metric.kind == kind));
                if !fits {
                    return Err(Damage::other_plan("its metrics are others"));
                }
            }
        }
        Ok(())
    }

    /// What a tape of another process says to this one, without what each judges by itself.
    pub(super) fn ops_of_fleet<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = Op> + use<'a> {
        let ruleset = self.ruleset.clone();
        let ops = Ops::new(bytes, Some(self.shape())).map_while(Result::ok);
        ops.filter(move |op| op.scope(&ruleset) == Scope::Fleet)
    }

    /// Merges what was checked, while the log is off.
    pub(super) fn merge_checked(&mut self, bytes: &[u8], at: Timestamp, side: Exposure) {
        let ops = self.ops_of_fleet(bytes);
        match self.marked.filter(|_| side == Exposure::Before) {
            None => ops.for_each(|op| self.merge_op(op, at)),
            Some(mark) => {
                let mut late = BTreeMap::new();
                ops.for_each(|op| self.merge_before(op, mark, at, &mut late));
                for (metric, late) in late {
                    if let Some(series) = self.series.get_mut(metric) {
                        series.add_late(&late, mark, &mut self.scratch);
                    }
                }
            }
        }
    }

    pub(super) fn merge_op(&mut self, op: Op, at: Timestamp) {
        match op {
            Op::AddValues { metric, lane, bucket, count, .. } => {
                self.add_values(metric, lane, bucket, count, at);
            }
            Op::AddOctave { metric, octave, counts, .. } => {
                self.add_octave(metric, usize::from(octave), &counts, counts.iter().sum(), at);
            }
            Op::AddSum { metric, sum } => self.add_sum(metric, sum),
            Op::AddOutcomes { metric, lane, trues, total, .. } => {
                self.add_outcomes(metric, lane, trues, total, at);
            }
            Op::RecordEvents { metric, count, .. } => self.record_events(metric, count, at),
            Op::RecordGauge { metric, value, .. } => {
                match self.series.get_mut(metric.index()).filter(|_| value.abs() < LEVEL_MAX) {
                    Some(series) => series.merge_level(value, at),
                    None => self.count_invalid(metric, 1, at),
                }
            }
            Op::RecordRatings { metric, rating, count, .. } => self.record_ratings(metric, rating, count, at),
            Op::RecordRatingsIn { metric, rating, count, arms, cluster, .. } => {
                self.record_ratings_in(metric, rating, count, (arms, cluster), at);
            }
            Op::RecordPoints { metric, points, .. } => self.record_points(metric, points, at),
            Op::OpenAlert { severity, id, .. } => {
                self.open_alert(severity, &id, at);
            }
            Op::CloseAlert { id, .. } => {
                self.close_alert(&id, at);
            }
            Op::OpenSource { source, .. } => self.open_source(source, at),
            Op::CountInvalid { metric, count, .. } => self.count_invalid(metric, count, at),
            Op::CountDropped { metric, count, .. } => self.count_dropped(metric, count, at),
            Op::CountUnknown { name, count } => self.count_unknown(&name, count),
            Op::RecordRollback { .. }
            | Op::Advance { .. }
            | Op::Unwatched { .. }
            | Op::Restart { .. }
            | Op::Mark { .. }
            | Op::Merge { .. } => {}
        }
    }

    /// What belongs before the mark; what has no place in a slot is done `at` once.
    fn merge_before(&mut self, op: Op, mark: Timestamp, at: Timestamp, late: &mut BTreeMap<usize, Late>) {
        match op {
            Op::OpenAlert { severity, id, .. } => {
                if self.alerts.open_before(severity, &id, mark) == Opened::Dropped {
                    self.alerts_dropped = self.alerts_dropped.saturating_add(1);
                }
            }
            Op::CloseAlert { id, .. } => {
                self.alerts.close(&id, mark);
            }
            Op::OpenSource { .. } | Op::CountUnknown { .. } | Op::CountDropped { metric: None, .. } => {
                self.merge_op(op, at);
            }
            op => {
                if let Some((metric, _)) = op.metric()
                    && let Some(series) = self.series.get_mut(metric.index())
                {
                    series.merge_before(op, mark, late.entry(metric.index()).or_insert_with(Late::new));
                }
            }
        }
    }
}

impl Series {
    fn merge_before(&mut self, op: Op, mark: Timestamp, late: &mut Late) {
        let can_be = |is_possible: bool, count: u64| is_possible && count <= SAMPLES_AT_ONCE_MAX;
        match op {
            Op::AddValues { lane: Lane::Total, bucket, count, .. } => {
                self.late_values(late, bucket, count, mark);
            }
            Op::AddOctave { octave, counts, .. } => {
                self.late_octave(late, usize::from(octave), &counts, mark);
            }
            Op::AddSum { sum, .. } if sum.is_finite() => late.sums.sum += sum,
            Op::AddOutcomes { lane: Lane::Total, trues, total, .. } => {
                self.late_outcomes(late, trues, total, mark);
            }
            Op::RecordEvents { count, .. } if can_be(true, count) => self.late_events(late, count, mark),
            Op::RecordGauge { value, .. } if value.abs() < LEVEL_MAX => self.late_level(late, value, mark),
            Op::RecordRatings { rating, count, .. } | Op::RecordRatingsIn { rating, count, .. }
                if can_be((0.0..=10.0).contains(&rating), count) =>
            {
                self.late_ratings(late, rating, count, mark);
            }
            Op::RecordPoints { points, .. } if (-100.0..=100.0).contains(&points) => {
                self.late_points(late, points, mark);
            }
            Op::RecordEvents { count, .. }
            | Op::RecordRatings { count, .. }
            | Op::RecordRatingsIn { count, .. }
            | Op::CountInvalid { count, .. } => self.late_drops(late, count, 0),
            Op::RecordGauge { .. } | Op::RecordPoints { .. } => self.late_drops(late, 1, 0),
            Op::CountDropped { count, .. } => self.late_drops(late, 0, count),
            // What belongs to arms, and what is no sample.
            _ => {}
        }
    }
}

impl Op {
    /// Whose what it says is.
    fn scope(&self, ruleset: &Ruleset) -> Scope {
        let is_of_alerts = matches!(
            self,
            Self::OpenAlert { .. }
                | Self::CloseAlert { .. }
                | Self::OpenSource { source: EventSource::Alerts, .. }
        );
        if is_of_alerts {
            return ruleset.alerts;
        }
        let metric = self.metric().and_then(|(metric, _)| ruleset.metrics.get(metric.index()));
        metric.map_or(Scope::Fleet, |metric| metric.scope)
    }

    /// Which metric a sample is of, and of which kind the metric must be.
    fn metric(&self) -> Option<(MetricId, Option<MetricKind>)> {
        let (metric, kind) = match self {
            Self::AddValues { metric, .. } | Self::AddOctave { metric, .. } | Self::AddSum { metric, .. } => {
                (metric, Some(MetricKind::Distribution))
            }
            Self::AddOutcomes { metric, .. } => (metric, Some(MetricKind::Ratio)),
            Self::RecordEvents { metric, .. }
            | Self::OpenSource { source: EventSource::Metric(metric), .. } => {
                (metric, Some(MetricKind::Event))
            }
            Self::RecordGauge { metric, .. } => (metric, Some(MetricKind::Gauge)),
            Self::RecordRatings { metric, .. }
            | Self::RecordRatingsIn { metric, .. }
            | Self::RecordPoints { metric, .. } => (metric, Some(MetricKind::Score)),
            Self::CountInvalid { metric, .. } | Self::CountDropped { metric: Some(metric), .. } => {
                (metric, None)
            }
            _ => return None,
        };
        Some((*metric, kind))
    }
}
