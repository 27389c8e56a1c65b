//! Windows in parts: trends over equal ones, growth over those of the slots' own grid.

use super::Part;
use super::measure::View;
use super::series::Series;
use super::slot::Sums;
use crate::snapshot::MetricKind;
use crate::time::{Span, Timestamp};

/// Parts that a growth rate is fitted through at most: enough for a week of days and nights, few enough for all pairs.
const GROWTH_PARTS: u64 = 96;

impl Series {
    /// `parts` equal parts of a window, those with data only, oldest first.
    pub(super) fn parts(&self, view: &View, over: Span, parts: usize) -> Vec<Part> {
        let from = view.now - over;
        let length = (over.0 / parts.max(1) as u64).max(1);
        // A slot that straddles two parts belongs to the one that holds its middle.
        let place = |start: Timestamp, end: Timestamp| {
            let middle = start + Span(end.since(start).0 / 2);
            (middle.since(from).0 / length).min(parts.saturating_sub(1) as u64)
        };
        let mut found: Vec<(u64, Sums)> = Vec::with_capacity(parts);
        let mut add = |at: u64, sums: &Sums| match found.last_mut() {
            Some((last, all)) if *last == at => all.add(sums),
            _ => found.push((at, *sums)),
        };
        for slot in self.tiers.visit(view.edge) {
            let mut sums = slot.sums;
            if let (Some((first, _)), Some((last, _))) =
                (slot.values.iter().next(), slot.values.iter().last())
            {
                (sums.min, sums.max) = (first.middle(), last.middle());
            }
            add(place(slot.start, slot.end), &sums);
        }
        let mut live = self.live_at(view.now);
        if let (Some((first, _)), Some((last, _))) =
            (self.live_values.iter().next(), self.live_values.iter().last())
        {
            (live.min, live.max) = (first.middle(), last.middle());
        }
        add(place(self.live_from(), view.now), &live);
        // A level that is only held fills every part, and would be a steady trend of one value.
        let is_set = |sums: &Sums| self.kind != MetricKind::Gauge || sums.n > 0;
        let set = found.iter().filter(|(_, sums)| is_set(sums));
        set.filter_map(|(at, sums)| self.part((*at as f64 + 0.5) * length as f64, sums)).collect()
    }

    fn part(&self, at_ms: f64, sums: &Sums) -> Option<Part> {
        let has_data = sums.min.is_finite() && sums.max.is_finite();
        let mean = match self.kind {
            MetricKind::Distribution => sums.sum / sums.n.max(1) as f64,
            _ if sums.held_ms > 0 => sums.sum / sums.held_ms as f64,
            _ => sums.max,
        };
        has_data.then_some(Part { at_ms, min: sums.min, max: sums.max, mean })
    }

    /// Theil-Sen slope of a gauge by the millisecond, through the means of parts on the grid of the window's slots.
    ///
    /// The slot that is still open is left out: what it says changes with every sample, and all pairs with it.
    pub(super) fn growth(&self, view: &View) -> Option<f64> {
        let kept = self.kept.borrow().growth(&self.tiers, view.edge);
        kept.unwrap_or_else(|| {
            let slope = self.slope(view);
            self.kept.borrow_mut().keep_growth(&self.tiers, view.edge, slope);
            slope
        })
    }

    fn slope(&self, view: &View) -> Option<f64> {
        let slot = self.tiers.slot_of(view.edge.tier).0;
        let mut spans: Vec<(Timestamp, Timestamp, Sums)> = Vec::new();
        let (Some(first), Some(last)) =
            (self.tiers.body(view.edge).next(), self.tiers.body(view.edge).last())
        else {
            return None;
        };
        let whole = last.end.since(first.start).0;
        let cell = Span(whole.div_ceil(GROWTH_PARTS).div_ceil(slot).max(1) * slot);
        for slot in self.tiers.body(view.edge) {
            match spans.last_mut() {
                Some((start, end, all)) if start.floor(cell) == slot.start.floor(cell) => {
                    all.add(&slot.sums);
                    *end = slot.end;
                }
                _ => spans.push((slot.start, slot.end, slot.sums)),
            }
        }
        let points: Vec<(f64, f64)> = spans
            .iter()
            .filter_map(|(start, end, sums)| {
                let middle = start.since(first.start).0 as f64 + end.since(*start).0 as f64 / 2.0;
                self.part(middle, sums).map(|part| (part.at_ms, part.mean))
            })
            .collect();
        theil_sen(&points)
    }
}

/// The median of the slopes between all pairs (Sen 1968).
fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes: Vec<f64> = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (index, one) in points.iter().enumerate() {
        let later = points.iter().skip(index + 1).filter(|two| two.0 > one.0);
        slopes.extend(later.map(|two| (two.1 - one.1) / (two.0 - one.0)));
    }
    let middle = slopes.len() / 2;
    if slopes.is_empty() {
        return None;
    }
    let is_odd = slopes.len() % 2 == 1;
    let (below, upper, _) = slopes.select_nth_unstable_by(middle, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp);
    Some(if is_odd { *upper } else { f64::midpoint(lower.unwrap_or(*upper), *upper) })
}
