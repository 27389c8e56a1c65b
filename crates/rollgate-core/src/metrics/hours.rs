//! Windows by hour of the day, and what else only reports ask for.

use super::histogram::{Bucket, Dense, nearest_rank};
use super::measure::View;
use super::slot::Sums;
use super::watch::covered_ms;
use super::{Clip, Windows};
use crate::id::MetricId;
use crate::snapshot::{MetricKind, Severity, Stat, Window};
use crate::time::{Span, Timestamp};

/// One hour of the day, over all days of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hour {
    /// The statistic; `None` without samples. A rate is by the watched and fed part of the hours.
    pub value: Option<f64>,
    /// Samples, outcomes or events.
    pub n: u64,
    /// Watched and fed time in these hours.
    pub covered: Span,
}

/// What was recorded in one hour of the day.
#[derive(Clone, Debug)]
struct Cell {
    sums: Sums,
    values: Dense,
}

impl Windows {
    /// A metric's statistic over the last `over`, by hour of the day; `hour_of` says which hour (0 ..= 23) a point of
    /// observed time lies in. Slots are of an hour at most, so that an hour of the day is told from its neighbours.
    pub fn by_hour(
        &self,
        metric: MetricId,
        stat: Stat,
        over: Span,
        now: Timestamp,
        hour_of: impl Fn(Timestamp) -> usize,
    ) -> [Hour; 24] {
        let mut hours = [Hour::default(); 24];
        let Some(series) = self.series.get(metric.index()) else { return hours };
        let mut cells = vec![Cell { sums: Sums::NONE, values: Dense::default() }; 24];
        let clip = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
        let view = View::new(series, Window::Over(over), over, clip, now);
        for slot in series.tiers.visit(view.edge) {
            let cell = &mut cells[hour_of(slot.start) % 24];
            cell.sums.add(&slot.sums);
            cell.values.add_packed(&slot.values);
        }
        let cell = &mut cells[hour_of(series.live_from()) % 24];
        cell.sums.add(&series.live_at(now));
        cell.values.add_dense(&series.live_values);
        let mut at = view.edge.from;
        while at < now {
            let next = at.next(Span::hours(1)).min(now);
            let gap = series.feed.open_gap(now);
            let covered = covered_ms(at, next, &self.unwatched, &series.feed.gaps, gap);
            let hour = &mut hours[hour_of(at) % 24];
            hour.covered = hour.covered + Span(covered);
            at = next;
        }
        for (hour, cell) in hours.iter_mut().zip(&cells) {
            hour.n = cell.sums.samples();
            hour.value = value_of(series.kind, stat, cell, hour.covered);
        }
        hours
    }

    /// Alerts of this severity that are open.
    pub fn alerts_open(&self, severity: Severity) -> u64 {
        self.alerts.open_now(severity)
    }

    /// Rollbacks since the windows were opened.
    pub fn rollbacks(&self) -> u64 {
        self.rollbacks.n()
    }
}

fn value_of(kind: MetricKind, stat: Stat, cell: &Cell, covered: Span) -> Option<f64> {
    let sums = &cell.sums;
    let rate = |unit: Span| (covered.0 > 0).then(|| sums.n as f64 * unit.0 as f64 / covered.0 as f64);
    match (kind, stat) {
        (MetricKind::Event, Stat::Count) => (covered.0 > 0 || sums.n > 0).then_some(sums.n as f64),
        (MetricKind::Event | MetricKind::Distribution, stat) if stat.per().is_some() => rate(stat.per()?),
        (MetricKind::Gauge, Stat::Mean) if sums.held_ms > 0 => Some(sums.sum / sums.held_ms as f64),
        (MetricKind::Gauge, Stat::Max) if sums.n > 0 => Some(sums.max),
        (MetricKind::Gauge, Stat::Min) if sums.n > 0 => Some(sums.min),
        (MetricKind::Gauge, Stat::Last) => sums.last.map(|last| last.1),
        (MetricKind::Score, Stat::Nps) => {
            let ratings = || 100.0 * (sums.trues as f64 - sums.falses as f64) / sums.n as f64;
            sums.last.map(|last| last.1).or_else(|| (sums.n > 0).then(ratings))
        }
        (_, _) if sums.n == 0 => None,
        (MetricKind::Distribution, Stat::Mean) => Some(sums.sum / sums.n as f64),
        (MetricKind::Distribution, Stat::Quantile(q)) => {
            cell.values.rank(nearest_rank(q, cell.values.n())).map(Bucket::middle)
        }
        (MetricKind::Distribution, Stat::Max) => cell.values.rank(cell.values.n()).map(Bucket::middle),
        (MetricKind::Distribution, Stat::Min) => cell.values.rank(1).map(Bucket::middle),
        (MetricKind::Ratio, Stat::Fraction) => Some(sums.trues as f64 / sums.n as f64),
        (_, Stat::Count) => Some(sums.n as f64),
        _ => None,
    }
}
