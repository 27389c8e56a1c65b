//! `trend: not_rising`: a level that must not creep one way.

use super::alert::is_short;
use super::court::{Court, Proof};
use super::judgement::{Basis, Judgement};
use super::statistics::{median, rise_p, theil_sen};
use super::verdict::{Cause, Verdict};
use crate::metrics::{Measurement, Measures};
use crate::snapshot::{Condition, Query, Stat, Subject, Trend, TrendDirection};

/// Equal parts that a window is cut into: four a day in a week.
pub(super) const PARTS: usize = 28;
/// With fewer parts than this a straight run is no surprise.
pub(super) const PARTS_MIN: usize = 8;
/// One-sided significance of the trend.
const TREND_ALPHA: f64 = 0.05;

/// What a trend's verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Trended {
    /// The window: its samples, coverage and drops.
    pub(super) measurement: Measurement,
    /// Parts with data.
    pub(super) parts: usize,
    /// How far the slope moves in the window, as a part of the median; positive is the wrong way.
    pub(super) moved: Option<f64>,
    /// One-sided p of a trend the wrong way.
    pub(super) p: f64,
}

impl<M: Measures> Court<'_, M> {
    pub(super) fn trended(&self, condition: &Condition, trend: &Trend) -> Judgement {
        let parts = self.windows.parts(trend.metric, trend.window, PARTS, self.clip, self.now());
        let measurement = self.windows.measure(&counted(trend), self.clip, self.now());
        // Upside down a fall is a rise.
        let sign = match trend.direction {
            TrendDirection::NotRising => 1.0,
            TrendDirection::NotFalling => -1.0,
        };
        let points: Vec<(f64, f64)> = parts
            .iter()
            .map(|part| {
                let value = if sign > 0.0 { part.max } else { part.min };
                (part.at_ms, sign * value)
            })
            .collect();
        let mut values: Vec<f64> = points.iter().map(|point| point.1).collect();
        let p = rise_p(&values);
        let window_ms = self.span_of(trend.window).0 as f64;
        let moved = theil_sen(&points).zip(median(&mut values)).map(|(slope, median)| {
            let whole = slope * window_ms;
            // Of a level around zero every move is more than any part of it.
            if whole == 0.0 { 0.0 } else { whole / median.abs() }
        });
        let trended = Trended { measurement, parts: parts.len(), moved, p };
        Judgement::new(self.trend_verdict(condition, trend, &trended), Basis::Trended(trended))
    }

    fn trend_verdict(&self, condition: &Condition, trend: &Trend, seen: &Trended) -> Verdict {
        if seen.parts == 0 {
            return self.absent(self.span_of(trend.window));
        }
        if seen.parts < PARTS_MIN {
            return Verdict::Inconclusive(Cause::TooFewSamples);
        }
        if is_short(condition.coverage, seen.measurement.coverage) {
            return Verdict::Inconclusive(Cause::Coverage);
        }
        let Some(moved) = seen.moved else { return Verdict::Inconclusive(Cause::TooFewSamples) };
        let holds = !(seen.p < TREND_ALPHA && moved > trend.tolerance);
        if self.is_marred(seen.measurement.drops, holds, Proof::Open) {
            return Verdict::Inconclusive(Cause::Drops);
        }
        if holds { Verdict::Pass } else { Verdict::Fail }
    }
}

/// The window's samples, coverage and drops: a count is the cheapest way to them.
const fn counted(trend: &Trend) -> Query {
    let subject = Subject::Metric(trend.metric);
    Query { subject, stat: Stat::Count, window: trend.window, averaged_by: None }
}
