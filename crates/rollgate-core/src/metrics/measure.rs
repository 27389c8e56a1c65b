//! Windows into measurements.

use std::borrow::Cow;

use super::histogram::{Bucket, Dense, nearest_rank};
use super::series::Series;
use super::slot::{Slot, pool};
use super::watch::{Feed, covered_ms};
use super::{Arm, ArmPair, Clip, Clusters, Gap, Measurement, Measures, Part, Tail, Windows};
use crate::id::{FlagId, MetricId};
use crate::snapshot::{Comparison, MetricKind, Query, Severity, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

/// Parts that a growth rate is fitted through: enough for a week of days and nights, few enough for all pairs.
const GROWTH_PARTS: usize = 96;

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
}

impl Windows {
    fn series_of(&self, subject: Subject) -> Option<&Series> {
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

    fn slots<'a>(series: &'a Series, from: Timestamp, clip: Timestamp, now: Timestamp) -> Vec<Cow<'a, Slot>> {
        let mut slots = Vec::new();
        series.tiers.visit(from, clip, now, &mut |slot| slots.push(Cow::Borrowed(slot)));
        let live = series.live_at(now);
        if !live.is_blank() {
            slots.push(Cow::Owned(live));
        }
        slots
    }

    /// The values of a short window, where their sum is kept.
    fn kept(series: &Series, over: Span, clip: Clip, now: Timestamp) -> Option<&Dense> {
        let running = series.running.iter().find(|running| running.span == over)?;
        let is_now = running.to == now && running.from >= clip.from && series.live_values.is_empty();
        is_now.then_some(&running.values)
    }

    fn over_window(
        &self,
        query: &Query,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Option<(Measurement, Result<Value, Gap>)> {
        let series = self.series_of(query.subject)?;
        let from = (now - over).max(clip.from);
        let covered = self.covered(&series.feed, over, clip, now);
        let coverage = if over.0 == 0 { 1.0 } else { (covered as f64 / over.0 as f64).min(1.0) };
        let edge = series.tiers.edge(from, now).max(clip.from);
        let mut measurement = Measurement {
            value: Err(Gap::Empty),
            low: 0.0,
            high: 0.0,
            is_exact: true,
            n: 0,
            from: edge,
            to: now,
            written: over,
            coverage,
            drops: 0,
            pooled: None,
        };
        let mut sum = series.live_at(now);
        series.tiers.visit(from, clip.from, now, &mut |slot| sum.add(slot));
        measurement.n = sum.n;
        measurement.drops = sum.drops;
        let value = match series.kind {
            MetricKind::Event => {
                if series.times_from <= from {
                    let recent = series.times.iter().rev().take_while(|time| time.0 >= from);
                    sum.n = recent.map(|time| time.1).sum();
                    measurement.from = from;
                    measurement.n = sum.n;
                }
                if series.feed.is_live() { count_of(query.stat, sum.n, covered) } else { Err(Gap::NotLive) }
            }
            MetricKind::Distribution if sum.n == 0 => Err(Gap::Empty),
            MetricKind::Distribution => match query.stat {
                Stat::Mean => Ok(Value::exact(sum.sum / sum.n as f64)),
                stat @ (Stat::Quantile(_) | Stat::Min | Stat::Max) => {
                    let values = match Self::kept(series, over, clip, now) {
                        Some(kept) => Cow::Borrowed(kept),
                        None => {
                            let mut slots: Vec<&Slot> = Vec::new();
                            series.tiers.visit(from, clip.from, now, &mut |slot| slots.push(slot));
                            Cow::Owned(pool(slots.into_iter(), &series.live_values))
                        }
                    };
                    value_of(stat, &values)
                }
                stat => count_of(stat, sum.n, covered),
            },
            MetricKind::Ratio if sum.n == 0 => Err(Gap::Empty),
            MetricKind::Ratio => match query.stat {
                Stat::Fraction => Ok(Value::exact(sum.trues as f64 / sum.n as f64)),
                stat => count_of(stat, sum.n, covered),
            },
            MetricKind::Gauge => {
                if sum.n == 0 && sum.held_ms > 0 {
                    measurement.n = 1;
                }
                self.level(series, query, &sum, over, clip, now)
            }
            MetricKind::Score => {
                let points = series.points.iter().rev().find(|point| point.0 >= from);
                let counted = series.points.iter().filter(|point| point.0 >= from).count() as u64;
                match (query.stat, points) {
                    (Stat::Count, _) if sum.n + counted > 0 => {
                        measurement.n = sum.n + counted;
                        Ok(Value::exact(measurement.n as f64))
                    }
                    (_, Some((_, points))) => {
                        measurement.n = counted;
                        Ok(Value::exact(*points))
                    }
                    _ if sum.n > 0 => {
                        Ok(Value::exact(100.0 * (sum.trues as f64 - sum.falses as f64) / sum.n as f64))
                    }
                    _ => Err(Gap::Empty),
                }
            }
        };
        Some((measurement, value))
    }

    fn level(
        &self,
        series: &Series,
        query: &Query,
        sum: &Slot,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Result<Value, Gap> {
        let from = (now - over).max(clip.from);
        match query.stat {
            Stat::Last => match series.level {
                Some((set, value)) if set >= from => Ok(Value::exact(value)),
                Some(_) => Err(Gap::Stale),
                None => Err(Gap::Empty),
            },
            _ if sum.n == 0 && sum.held_ms == 0 => Err(Gap::Empty),
            Stat::Min => Ok(Value::exact(sum.min)),
            Stat::Max => Ok(Value::exact(sum.max)),
            Stat::Mean if sum.held_ms > 0 => Ok(Value::exact(sum.sum / sum.held_ms as f64)),
            // Set at this very instant only: its mean by time is its value.
            Stat::Mean => Ok(Value::exact(sum.last.map_or(sum.max, |last| last.1))),
            Stat::GrowthPerDay => {
                let Subject::Metric(metric) = query.subject else { return Err(Gap::Empty) };
                let parts = self.parts(metric, Window::Over(over), GROWTH_PARTS, clip, now);
                let points: Vec<(f64, f64)> = parts.iter().map(|part| (part.at_ms, part.mean)).collect();
                slope(&points).map(|per_ms| Value::exact(per_ms * 86_400_000.0)).ok_or(Gap::Empty)
            }
            stat => count_of(stat, sum.n, self.covered(&series.feed, over, clip, now)),
        }
    }

    /// The mean of the statistic over sub-windows that have data, counted from the phase's start.
    fn averaged(
        &self,
        query: &Query,
        by: Span,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Option<(f64, f64, f64, bool)> {
        let series = self.series_of(query.subject)?;
        let from = (now - over).max(clip.from);
        let slots = Self::slots(series, from, clip.from, now);
        let place = |slot: &Slot| slot.start.since(clip.phase).0 / by.0.max(1);
        let (mut count, mut shown, mut low, mut high, mut is_exact) = (0.0, 0.0, 0.0, 0.0, true);
        for group in slots.chunk_by(|one, two| place(one) == place(two)) {
            let Some(value) = group_value(series, query.stat, group) else { continue };
            count += 1.0;
            shown += value.shown;
            low += value.low;
            high += value.high;
            is_exact &= value.is_exact;
        }
        (count > 0.0).then(|| (shown / count, low / count, high / count, is_exact))
    }

    fn over_of(query: &Query, clip: Clip, now: Timestamp) -> Span {
        match query.window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => now.since(clip.phase),
        }
    }
}

fn group_value(series: &Series, stat: Stat, group: &[Cow<'_, Slot>]) -> Option<Value> {
    let mut sum = Slot::empty(group.first()?.start);
    group.iter().for_each(|slot| sum.add(slot));
    match (series.kind, stat) {
        (MetricKind::Distribution, _) if sum.n == 0 => None,
        (MetricKind::Distribution, Stat::Mean) => Some(Value::exact(sum.sum / sum.n as f64)),
        (MetricKind::Distribution, Stat::Quantile(_) | Stat::Min | Stat::Max) => {
            // The live slot's values are kept beside it.
            let has_live = group.last().is_some_and(|slot| matches!(slot, Cow::Owned(_)));
            let none = Dense::default();
            let live = if has_live { &series.live_values } else { &none };
            value_of(stat, &pool(group.iter().map(Cow::as_ref), live)).ok()
        }
        (MetricKind::Ratio, Stat::Fraction) if sum.n > 0 => {
            Some(Value::exact(sum.trues as f64 / sum.n as f64))
        }
        (MetricKind::Gauge, Stat::Mean) if sum.held_ms > 0 => {
            Some(Value::exact(sum.sum / sum.held_ms as f64))
        }
        (MetricKind::Gauge, Stat::Min) if sum.min.is_finite() => Some(Value::exact(sum.min)),
        (MetricKind::Gauge, Stat::Max) if sum.max.is_finite() => Some(Value::exact(sum.max)),
        (MetricKind::Gauge, Stat::Last) => sum.last.map(|last| Value::exact(last.1)),
        (MetricKind::Score, Stat::Nps) if sum.n > 0 => {
            Some(Value::exact(100.0 * (sum.trues as f64 - sum.falses as f64) / sum.n as f64))
        }
        (_, Stat::Count) => Some(Value::exact(sum.n as f64)),
        _ => None,
    }
}

fn value_of(stat: Stat, values: &Dense) -> Result<Value, Gap> {
    let rank = match stat {
        Stat::Quantile(q) => nearest_rank(q, values.n()),
        Stat::Min => 1,
        _ => values.n(),
    };
    values.rank(rank).map(Value::of).ok_or(Gap::Empty)
}

/// A count, or a rate over the covered part of the window, by no less than the rate's own unit.
fn count_of(stat: Stat, n: u64, covered_ms: u64) -> Result<Value, Gap> {
    Ok(Value::exact(match stat.per() {
        Some(unit) => n as f64 * unit.0 as f64 / covered_ms.max(unit.0) as f64,
        None => n as f64,
    }))
}

/// Theil-Sen: the median of the slopes between all pairs (Sen 1968).
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (index, one) in points.iter().enumerate() {
        for two in points.iter().skip(index + 1) {
            if two.0 > one.0 {
                slopes.push((two.1 - one.1) / (two.0 - one.0));
            }
        }
    }
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    Some(if slopes.len() % 2 == 1 {
        slopes[middle]
    } else {
        f64::midpoint(slopes[middle - 1], slopes[middle])
    })
}

impl Measures for Windows {
    fn measure(&self, query: &Query, clip: Clip, now: Timestamp) -> Measurement {
        self.measure_over(query, Self::over_of(query, clip, now), clip, now)
    }

    fn measure_over(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Measurement {
        let Some((mut measurement, value)) = self.over_window(query, over, clip, now) else {
            return Measurement {
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
        };
        match value {
            Ok(value) => {
                measurement.value = Ok(value.shown);
                measurement.low = value.low;
                measurement.high = value.high;
                measurement.is_exact = value.is_exact;
                if let Some(by) = query.averaged_by
                    && let Some((shown, low, high, is_exact)) = self.averaged(query, by, over, clip, now)
                {
                    measurement.pooled = Some(value.shown);
                    measurement.value = Ok(shown);
                    measurement.low = low;
                    measurement.high = high;
                    measurement.is_exact = is_exact;
                }
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
        let slots = Self::slots(series, now - longest, clip.from, now);
        let mut n = 0;
        for slot in slots.iter().rev() {
            n += slot.n;
            if n >= min_samples {
                let over = now.since(slot.start).max(shortest).min(longest);
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
        let mut sum = series.live_at(now);
        let mut slots: Vec<&Slot> = Vec::new();
        series.tiers.visit((now - over).max(clip.from), clip.from, now, &mut |slot| slots.push(slot));
        slots.iter().for_each(|slot| sum.add(slot));
        let beyond = match series.kind {
            MetricKind::Ratio if comparison.is_upper_limit() => sum.n - sum.trues.min(sum.n),
            MetricKind::Ratio => sum.trues,
            MetricKind::Distribution => {
                let is_beyond = |bucket: Bucket| match comparison {
                    Comparison::Above => bucket.low() > limit,
                    Comparison::AtLeast => bucket.low() >= limit,
                    Comparison::Below | Comparison::AtMost => bucket.high() <= limit,
                };
                let values = pool(slots.into_iter(), &series.live_values);
                values.iter().filter(|(bucket, _)| is_beyond(*bucket)).map(|(_, count)| count).sum()
            }
            MetricKind::Gauge | MetricKind::Event | MetricKind::Score => 0,
        };
        Tail { beyond, n: sum.n }
    }

    fn parts(&self, metric: MetricId, window: Window, parts: usize, clip: Clip, now: Timestamp) -> Vec<Part> {
        let Some(series) = self.series.get(metric.index()) else { return Vec::new() };
        let over = match window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => now.since(clip.phase),
        };
        let from = now - over;
        let length = (over.0 / parts.max(1) as u64).max(1);
        let slots = Self::slots(series, from, clip.from, now);
        // A slot that straddles two parts belongs to the one that holds its middle.
        let place = |slot: &Slot| {
            let middle = slot.start + Span(slot.end.since(slot.start).0 / 2);
            (middle.since(from).0 / length).min(parts.saturating_sub(1) as u64)
        };
        let mut found = Vec::new();
        for group in slots.chunk_by(|one, two| place(one) == place(two)) {
            let Some(first) = group.first() else { continue };
            let mut sum = Slot::empty(first.start);
            group.iter().for_each(|slot| sum.add(slot));
            if series.kind == MetricKind::Distribution {
                for values in group.iter().map(|slot| &slot.values) {
                    sum.min =
                        values.iter().next().map_or(sum.min, |(bucket, _)| sum.min.min(bucket.middle()));
                    sum.max =
                        values.iter().next_back().map_or(sum.max, |(bucket, _)| sum.max.max(bucket.middle()));
                }
            }
            let has_data = sum.min.is_finite() && sum.max.is_finite();
            if !has_data {
                continue;
            }
            let mean = match series.kind {
                MetricKind::Distribution => sum.sum / sum.n.max(1) as f64,
                _ if sum.held_ms > 0 => sum.sum / sum.held_ms as f64,
                _ => sum.max,
            };
            let at_ms = (place(first) as f64 + 0.5) * length as f64;
            found.push(Part { at_ms, min: sum.min, max: sum.max, mean });
        }
        found
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
