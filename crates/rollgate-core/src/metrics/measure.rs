//! Windows into measurements.

use super::histogram::{Bucket, Dense, nearest_rank};
use super::running::{Cells, Groups, Key};
use super::series::Series;
use super::slot::{Edge, Slot, Sums};
use super::watch::{Feed, covered_ms};
use super::{Arm, ArmPair, Clip, Clusters, Gap, Measurement, Measures, Part, Tail, Windows};
use crate::id::{FlagId, MetricId};
use crate::snapshot::{Comparison, MetricKind, Query, Severity, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

/// A statistic with its edges.
#[derive(Clone, Copy, Debug)]
struct Value {
    shown: f64,
    low: f64,
    high: f64,
    is_exact: bool,
}

impl Value {
    const fn exact(value: f64) -> Self {
        Self { shown: value, low: value, high: value, is_exact: true }
    }

    fn of(bucket: Bucket) -> Self {
        if bucket == Bucket::ZERO {
            return Self::exact(0.0);
        }
        Self { shown: bucket.middle(), low: bucket.low(), high: bucket.high(), is_exact: false }
    }

    /// What was counted while nobody may have looked: there can only be more.
    const fn or_more(self) -> Self {
        Self { high: f64::INFINITY, is_exact: false, ..self }
    }
}

/// One window of one series.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Its first instant, exactly.
    pub(super) from: Timestamp,
    pub(super) now: Timestamp,
    /// Its first instant in slots.
    pub(super) edge: Edge,
    /// As it is known from one evaluation to the next.
    over: Option<Span>,
}

impl View {
    pub(super) fn new(series: &Series, window: Window, over: Span, clip: Clip, now: Timestamp) -> Self {
        let is_phase = window == Window::Phase && now.since(clip.phase) == over;
        let clipped = if is_phase { clip.from.max(clip.phase) } else { clip.from };
        let from = (now - over).max(clipped);
        let edge = series.tiers.edge(from, clipped, now);
        Self { from, now, edge, over: (!is_phase).then_some(over) }
    }

    const fn clip(&self) -> Timestamp {
        self.edge.clip
    }

    fn key(&self, cells: Option<Cells>) -> Key {
        Key { over: self.over, clip: self.edge.clip, cells }
    }
}

impl Series {
    /// The numbers of a window.
    fn sums(&self, view: &View) -> Sums {
        let mut sums = self.kept.borrow_mut().sums(&self.tiers, view.edge);
        sums.add(&self.live_at(view.now));
        sums
    }

    /// Calls `read` with the values of a window, by sub-window where it has them.
    fn with_values<T>(&self, view: &View, cells: Option<Cells>, read: impl FnOnce(&Groups) -> T) -> T {
        let mut kept = self.kept.borrow_mut();
        kept.with_values(&self.tiers, view.key(cells), view.now, |groups| {
            if self.live_values.is_empty() {
                return read(groups);
            }
            let mut groups = groups.clone();
            let slot = self.tiers.slot_of(view.edge.tier);
            let cell = cells.map_or(0, |cells| cells.of(self.live_from(), slot));
            match groups.back_mut().filter(|(of, _)| *of == cell) {
                Some((_, last)) => last.add_dense(&self.live_values),
                None => groups.push_back((cell, self.live_values.clone())),
            }
            read(&groups)
        })
    }

    /// The value of one sub-window; `None` where it has no data.
    fn cell_value(&self, stat: Stat, sums: &Sums) -> Option<Value> {
        let value = match (self.kind, stat) {
            (MetricKind::Distribution, Stat::Mean) if sums.n > 0 => sums.sum / sums.n as f64,
            (MetricKind::Ratio, Stat::Fraction) if sums.n > 0 => sums.trues as f64 / sums.n as f64,
            (MetricKind::Gauge, _) if sums.n == 0 => return None,
            (MetricKind::Gauge, Stat::Mean) if sums.held_ms > 0 => sums.sum / sums.held_ms as f64,
            (MetricKind::Gauge, Stat::Min) => sums.min,
            (MetricKind::Gauge, Stat::Max) => sums.max,
            (MetricKind::Gauge, Stat::Last | Stat::Mean) => sums.last?.1,
            (MetricKind::Score, Stat::Nps) => nps(sums, sums.last.map(|last| last.1))?,
            (MetricKind::Score, Stat::Count) if sums.samples() > 0 => sums.samples() as f64,
            (MetricKind::Event, Stat::Count) => sums.n as f64,
            (_, Stat::Count) if sums.n > 0 => sums.n as f64,
            _ => return None,
        };
        Some(Value::exact(value))
    }

    /// The mean of the statistic over sub-windows that have data, counted from the phase's start.
    fn averaged(&self, stat: Stat, view: &View, cells: Cells) -> Option<Value> {
        let mut values: Vec<Value> = Vec::new();
        if self.kind == MetricKind::Distribution && is_rank(stat) {
            self.with_values(view, Some(cells), |groups| {
                values.extend(groups.iter().filter_map(|(_, group)| rank_of(stat, group).ok()));
            });
        } else {
            let slot = self.tiers.slot_of(view.edge.tier);
            let mut open: Option<(i64, Sums)> = None;
            let live = (self.live_from(), self.live_at(view.now));
            let live = (!live.1.is_blank()).then_some(live);
            let sealed = self.tiers.visit(view.edge).map(|slot| (slot.start, slot.sums));
            for (start, sums) in sealed.chain(live) {
                let cell = cells.of(start, slot);
                match &mut open {
                    Some((of, all)) if *of == cell => all.add(&sums),
                    _ => {
                        let done = open.replace((cell, sums));
                        values.extend(done.and_then(|(_, all)| self.cell_value(stat, &all)));
                    }
                }
            }
            values.extend(open.and_then(|(_, all)| self.cell_value(stat, &all)));
        }
        let n = values.len() as f64;
        let mean = |of: fn(&Value) -> f64| values.iter().map(of).sum::<f64>() / n;
        (n > 0.0).then(|| Value {
            shown: mean(|value| value.shown),
            low: mean(|value| value.low),
            high: mean(|value| value.high),
            is_exact: values.iter().all(|value| value.is_exact),
        })
    }
}

impl Windows {
    pub(super) fn series_of(&self, subject: Subject) -> Option<&Series> {
        match subject {
            Subject::Metric(metric) => self.series.get(metric.index()),
            Subject::Rollbacks => Some(&self.rollbacks),
        }
    }

    /// Milliseconds of the last `over` that were watched and fed, and not before the clip or beyond what is kept.
    fn covered(&self, feed: &Feed, over: Span, clip: Clip, now: Timestamp) -> u64 {
        let from = (now - over).max(clip.from).max(now - self.longest());
        covered_ms(from, now, &self.unwatched, &feed.gaps, feed.open_gap(now))
    }

    fn over_window(
        &self,
        series: &Series,
        query: &Query,
        view: &View,
        sums: &Sums,
        measurement: &mut Measurement,
        covered: u64,
    ) -> Result<Value, Gap> {
        match series.kind {
            MetricKind::Event => {
                if let Some(exact) = series.times.since(view.from, view.clip()) {
                    measurement.from = view.from;
                    measurement.n = exact;
                }
                let value = count_of(query.stat, measurement.n, covered);
                match measurement.n {
                    _ if series.feed.is_live() => Ok(value),
                    // Nothing from a source that nobody watches is no evidence; what came from it did happen.
                    0 => Err(Gap::NotLive),
                    _ => Ok(value.or_more()),
                }
            }
            MetricKind::Distribution if sums.n == 0 => Err(Gap::Empty),
            MetricKind::Distribution => match query.stat {
                Stat::Mean => Ok(Value::exact(sums.sum / sums.n as f64)),
                stat if is_rank(stat) => series.with_values(view, None, |groups| match groups.back() {
                    Some((_, values)) => rank_of(stat, values),
                    None => Err(Gap::Empty),
                }),
                stat => Ok(count_of(stat, sums.n, covered)),
            },
            MetricKind::Ratio if sums.n == 0 => Err(Gap::Empty),
            MetricKind::Ratio => Ok(match query.stat {
                Stat::Fraction => Value::exact(sums.trues as f64 / sums.n as f64),
                stat => count_of(stat, sums.n, covered),
            }),
            MetricKind::Gauge => {
                let value = self.level(series, query, view, sums, covered);
                if query.stat == Stat::Last && value.is_ok() {
                    // It may lie on the very edge, where slots say that it is before.
                    measurement.n = measurement.n.max(1);
                }
                value
            }
            MetricKind::Score => {
                let points = series.level.filter(|level| level.is_since(view.from, view.clip()));
                measurement.n = match (query.stat, points) {
                    (Stat::Count, _) => sums.samples(),
                    (_, Some(_)) => sums.points.max(1),
                    (_, None) => sums.n,
                };
                match query.stat {
                    Stat::Count if sums.samples() == 0 => Err(Gap::Empty),
                    Stat::Count => Ok(Value::exact(sums.samples() as f64)),
                    _ => nps(sums, points.map(|points| points.value)).map(Value::exact).ok_or(Gap::Empty),
                }
            }
        }
    }

    fn level(
        &self,
        series: &Series,
        query: &Query,
        view: &View,
        sums: &Sums,
        covered: u64,
    ) -> Result<Value, Gap> {
        match query.stat {
            Stat::Last => match series.level {
                Some(level) if level.is_since(view.from, view.clip()) => Ok(Value::exact(level.value)),
                Some(_) => Err(Gap::Stale),
                None => Err(Gap::Empty),
            },
            // A level that was never set in the window is none of the window (SEMANTICS 3.7).
            _ if sums.n == 0 => Err(Gap::Empty),
            Stat::Min => Ok(Value::exact(sums.min)),
            Stat::Max => Ok(Value::exact(sums.max)),
            Stat::Mean if sums.held_ms > 0 => Ok(Value::exact(sums.sum / sums.held_ms as f64)),
            // Set at this very instant only: its mean by time is its value.
            Stat::Mean => Ok(Value::exact(sums.last.map_or(sums.max, |last| last.1))),
            // From a single value nothing is known to grow, or not to.
            Stat::GrowthPerDay if sums.n < 2 => Err(Gap::Empty),
            Stat::GrowthPerDay => {
                series.growth(view).map(|per_ms| Value::exact(per_ms * 86_400_000.0)).ok_or(Gap::Empty)
            }
            stat => Ok(count_of(stat, sums.n, covered)),
        }
    }

    fn over_of(query: &Query, clip: Clip, now: Timestamp) -> Span {
        match query.window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => now.since(clip.phase),
        }
    }
}

/// The latest measured points, or else promoters minus detractors.
fn nps(sums: &Sums, points: Option<f64>) -> Option<f64> {
    let ratings = || 100.0 * (sums.trues as f64 - sums.falses as f64) / sums.n as f64;
    points.or_else(|| (sums.n > 0).then(ratings))
}

/// Whether a statistic of a distribution is one of its ranks.
const fn is_rank(stat: Stat) -> bool {
    matches!(stat, Stat::Quantile(_) | Stat::Min | Stat::Max)
}

fn rank_of(stat: Stat, values: &Dense) -> Result<Value, Gap> {
    let rank = match stat {
        Stat::Quantile(q) => nearest_rank(q, values.n()),
        Stat::Min => 1,
        _ => values.n(),
    };
    values.rank(rank).map(Value::of).ok_or(Gap::Empty)
}

/// A count, or a rate over the covered part of the window, by no less than the rate's own unit.
fn count_of(stat: Stat, n: u64, covered_ms: u64) -> Value {
    Value::exact(match stat.per() {
        Some(unit) => n as f64 * unit.0 as f64 / covered_ms.max(unit.0) as f64,
        None => n as f64,
    })
}

impl Measures for Windows {
    fn measure(&self, query: &Query, clip: Clip, now: Timestamp) -> Measurement {
        self.measure_over(query, Self::over_of(query, clip, now), clip, now)
    }

    fn measure_over(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Measurement {
        let mut measurement = Measurement {
            value: Err(Gap::Empty),
            low: 0.0,
            high: 0.0,
            is_exact: true,
            n: 0,
            from: now,
            to: now,
            written: over,
            coverage: 0.0,
            drops: 0,
            pooled: None,
        };
        let Some(series) = self.series_of(query.subject) else { return measurement };
        let view = View::new(series, query.window, over, clip, now);
        let covered = self.covered(&series.feed, over, clip, now);
        let sums = series.sums(&view);
        measurement.n = sums.n;
        measurement.drops = sums.drops;
        measurement.from = view.edge.from.max(view.clip());
        measurement.coverage = if over.0 == 0 { 1.0 } else { (covered as f64 / over.0 as f64).min(1.0) };
        match self.over_window(series, query, &view, &sums, &mut measurement, covered) {
            Ok(pooled) => {
                let cells = query.averaged_by.map(|by| Cells { by, phase: clip.phase });
                let averaged = cells.and_then(|cells| series.averaged(query.stat, &view, cells));
                let value = averaged.unwrap_or(pooled);
                measurement.pooled = averaged.map(|_| pooled.shown);
                measurement.value = Ok(value.shown);
                measurement.low = value.low;
                measurement.high = value.high;
                measurement.is_exact = value.is_exact;
            }
            Err(gap) => measurement.value = Err(gap),
        }
        measurement
    }

    fn measure_holding(
        &self,
        query: &Query,
        shortest: Span,
        longest: Span,
        min_samples: u64,
        clip: Clip,
        now: Timestamp,
    ) -> Measurement {
        let first = self.measure_over(query, shortest, clip, now);
        if first.n >= min_samples || shortest >= longest {
            return first;
        }
        let Some(series) = self.series_of(query.subject) else { return first };
        let view = View::new(series, query.window, longest, clip, now);
        let starts: Vec<(Timestamp, u64)> =
            series.tiers.visit(view.edge).map(|slot| (slot.start, slot.sums.samples())).collect();
        let mut n = series.live_at(now).samples();
        for (start, more) in starts.into_iter().rev() {
            n += more;
            if n >= min_samples {
                let over = now.since(start).max(shortest).min(longest);
                return self.measure_over(query, over, clip, now);
            }
        }
        self.measure_over(query, longest, clip, now)
    }

    fn tail(
        &self,
        query: &Query,
        comparison: Comparison,
        limit: f64,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Tail {
        let Some(series) = self.series_of(query.subject) else { return Tail::default() };
        let view = View::new(series, query.window, over, clip, now);
        let sums = series.sums(&view);
        let beyond = match series.kind {
            MetricKind::Ratio if comparison.is_upper_limit() => sums.n - sums.trues.min(sums.n),
            MetricKind::Ratio => sums.trues,
            MetricKind::Distribution => {
                let is_beyond = |bucket: Bucket| match comparison {
                    Comparison::Above => bucket.low() > limit,
                    Comparison::AtLeast => bucket.low() >= limit,
                    // The only value of the bucket of zero is zero; the others lie below their upper edge.
                    Comparison::Below if bucket == Bucket::ZERO => 0.0 < limit,
                    Comparison::Below | Comparison::AtMost => bucket.high() <= limit,
                };
                let sealed = series.tiers.visit(view.edge).flat_map(|slot: &Slot| slot.values.iter());
                let all = sealed.chain(series.live_values.iter());
                all.filter(|(bucket, _)| is_beyond(*bucket)).map(|(_, count)| count).sum()
            }
            MetricKind::Gauge | MetricKind::Event | MetricKind::Score => 0,
        };
        Tail { beyond, n: sums.n }
    }

    fn parts(&self, metric: MetricId, window: Window, parts: usize, clip: Clip, now: Timestamp) -> Vec<Part> {
        let Some(series) = self.series.get(metric.index()) else { return Vec::new() };
        let over = match window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => now.since(clip.phase),
        };
        series.parts(&View::new(series, window, over, clip, now), over, parts)
    }

    fn alerts_live(&self) -> bool {
        self.alerts.feed.is_live()
    }

    fn alerts_opened(&self, severity: Severity, within: Span, clip: Clip, now: Timestamp) -> u64 {
        self.alerts.count(severity, within, clip, now)
    }

    fn alerts_last_open(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        self.alerts.last_open(severity, now)
    }

    fn alerts_open_since(&self, severity: Severity) -> Option<Timestamp> {
        self.alerts.open_since(severity)
    }

    fn watched(&self, over: Span, clip: Clip, now: Timestamp) -> f64 {
        if over.0 == 0 {
            return 1.0;
        }
        self.covered(&self.alerts.feed, over, clip, now) as f64 / over.0 as f64
    }

    fn arms(&self, metric: MetricId, flag: FlagId) -> Option<ArmPair> {
        self.sides(metric, flag).map(super::arms::Sides::pair)
    }

    fn arm_rank(&self, metric: MetricId, flag: FlagId, arm: Arm, rank: u64) -> Option<(f64, f64)> {
        self.sides(metric, flag)?.rank(arm, rank)
    }

    fn arm_clusters(&self, metric: MetricId, flag: FlagId, arm: Arm) -> Option<Clusters> {
        Some(self.sides(metric, flag)?.clusters(arm))
    }

    fn arm_clusters_above(&self, metric: MetricId, flag: FlagId, arm: Arm, value: f64) -> Option<Clusters> {
        Some(self.sides(metric, flag)?.clusters_above(arm, value))
    }
}

impl Windows {
    fn sides(&self, metric: MetricId, flag: FlagId) -> Option<&super::arms::Sides> {
        let position = self.ruleset.metrics.get(metric.index())?.arms.iter().position(|id| *id == flag)?;
        self.series.get(metric.index())?.sides.get(position)
    }
}
