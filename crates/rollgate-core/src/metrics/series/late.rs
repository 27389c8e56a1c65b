//! Samples of other processes.

use super::{Late, Level, Series};
use crate::metrics::Arms;
use crate::metrics::histogram::{Bucket, OCTAVE};
use crate::metrics::slot::Scratch;
use crate::time::{Span, Timestamp};

/// Levels of other processes that come within this are of one instant: the largest of them is the level.
const INSTANT: Span = Span::seconds(10);

impl Series {
    /// Sets a gauge as another process found it.
    pub(in crate::metrics) fn merge_level(&mut self, value: f64, at: Timestamp) {
        let is_same = |level: &Level| level.is_held && at.since(level.at) < INSTANT && level.value > value;
        let Some(larger) = self.level.filter(is_same) else { return self.set_level(value, at) };
        if self.has_room(1) {
            self.hold_level(at);
            self.live.n += 1;
            self.live.min = self.live.min.min(value);
            self.live.max = self.live.max.max(value);
            self.live.last = Some((at, larger.value));
            self.feed.sample(at, at);
        }
    }

    /// A rating in its arms.
    pub(in crate::metrics) fn add_ratings_in(
        &mut self,
        rating: f64,
        count: u64,
        (arms, cluster): (Arms, Option<u8>),
    ) {
        for (position, sides) in self.sides.iter_mut().enumerate() {
            if let Some(arm) = arms.of(position) {
                sides.add_ratings(arm, cluster, rating, count);
            }
        }
    }

    /// Whether samples from before a mark can be held; then the metric was fed up to there.
    fn has_room_before(&mut self, mark: Timestamp, count: u64) -> bool {
        let has_room = count > 0 && self.has_room(count);
        if has_room {
            self.feed.sample(mark, mark);
        }
        has_room
    }

    pub(in crate::metrics) fn late_values(
        &mut self,
        late: &mut Late,
        bucket: Bucket,
        count: u64,
        mark: Timestamp,
    ) {
        if self.has_room_before(mark, count) {
            late.values.add(bucket, count);
            late.sums.n += count;
        }
    }

    pub(in crate::metrics) fn late_octave(
        &mut self,
        late: &mut Late,
        octave: usize,
        counts: &[u64; OCTAVE],
        mark: Timestamp,
    ) {
        let n = counts.iter().sum();
        if self.has_room_before(mark, n) {
            late.values.add_octave(octave, counts);
            late.sums.n += n;
        }
    }

    pub(in crate::metrics) fn late_outcomes(
        &mut self,
        late: &mut Late,
        trues: u64,
        total: u64,
        mark: Timestamp,
    ) {
        if self.has_room_before(mark, total) {
            late.sums.n += total;
            late.sums.trues += trues.min(total);
        }
    }

    pub(in crate::metrics) fn late_events(&mut self, late: &mut Late, count: u64, mark: Timestamp) {
        if self.has_room_before(mark, count) {
            late.sums.n += count;
            self.times.add_before(count, mark);
        }
    }

    pub(in crate::metrics) fn late_ratings(
        &mut self,
        late: &mut Late,
        rating: f64,
        count: u64,
        mark: Timestamp,
    ) {
        if self.has_room_before(mark, count) {
            late.sums.n += count;
            late.sums.trues += if rating >= 9.0 { count } else { 0 };
            late.sums.falses += if rating <= 6.0 { count } else { 0 };
        }
    }

    pub(in crate::metrics) fn late_points(&mut self, late: &mut Late, points: f64, mark: Timestamp) {
        if self.has_room_before(mark, 1) {
            late.sums.points += 1;
            late.sums.last = Some((mark, points));
            self.level_before(points, mark);
        }
    }

    pub(in crate::metrics) fn late_level(&mut self, late: &mut Late, value: f64, mark: Timestamp) {
        if self.has_room_before(mark, 1) {
            late.sums.n += 1;
            late.sums.min = late.sums.min.min(value);
            late.sums.max = late.sums.max.max(value);
            let largest = late.sums.last.map_or(value, |last| last.1.max(value));
            late.sums.last = Some((mark, largest));
            self.level_before(largest, mark);
        }
    }

    /// The level as it was at a mark, where none was set since.
    fn level_before(&mut self, value: f64, mark: Timestamp) {
        let is_later = |level: &Level| level.at > mark || (level.at == mark && !level.is_marked);
        if !self.level.as_ref().is_some_and(is_later) {
            self.level = Some(Level { at: mark, value, is_marked: true, is_held: false });
        }
    }

    /// Puts the samples from before a mark into their slots.
    pub(in crate::metrics) fn add_late(&mut self, late: &Late, mark: Timestamp, scratch: &mut Scratch) {
        if !late.sums.is_blank() {
            self.tiers.add_late(mark, late, scratch);
            self.kept.get_mut().clear();
        }
    }

    /// Counts drops from before a mark: the windows that have them are those of that time.
    pub(in crate::metrics) fn late_drops(&mut self, late: &mut Late, invalid: u64, dropped: u64) {
        self.invalid = self.invalid.saturating_add(invalid);
        self.dropped = self.dropped.saturating_add(dropped);
        late.sums.drops = late.sums.drops.saturating_add(invalid.saturating_add(dropped));
    }
}
