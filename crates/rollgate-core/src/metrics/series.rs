//! One metric's slots, its live slot, and what its kind keeps beside.

mod late;
mod stored;

use std::cell::RefCell;

use super::arms::{Sides, Spread};
use super::histogram::{Bucket, Dense, OCTAVE};
use super::running::Kept;
use super::slot::{Cut, Late, Pushed, Scratch, Slot, Sums, Tiers};
use super::times::Times;
use super::watch::Feed;
use crate::limits::SAMPLES_MAX;
use crate::snapshot::{Metric, MetricKind};
use crate::time::{Span, Timestamp};

/// A gauge's value, or a score's points, as they were last set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    at: Timestamp,
    pub(super) value: f64,
    /// It was set before a mark of the same instant: windows that begin at the mark do not have it.
    is_marked: bool,
    /// No mark came after it.
    is_held: bool,
}

impl Level {
    /// Whether it was set in a window since `from`, which is a mark where it equals `clip`.
    pub(super) fn is_since(&self, from: Timestamp, clip: Timestamp) -> bool {
        self.at > from || (self.at == from && !(from == clip && self.is_marked))
    }
}

/// One metric.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) kind: MetricKind,
    max_gap: Span,
    pub(super) tiers: Tiers,
    start: Timestamp,
    live: Sums,
    pub(super) live_values: Dense,
    pub(super) feed: Feed,
    pub(super) times: Times,
    pub(super) level: Option<Level>,
    /// Up to where the gauge's level has been counted.
    level_to: Timestamp,
    pub(super) sides: Vec<Sides>,
    pub(super) kept: RefCell<Kept>,
    recorded: u64,
    pub(super) invalid: u64,
    pub(super) dropped: u64,
}

impl Series {
    pub(super) fn new(metric: &Metric, opened: Timestamp, longest: Span, every: Span) -> Self {
        let feed = match metric.kind {
            MetricKind::Event => Feed::new(opened, None),
            _ => Feed::new(opened, Some(metric.max_gap)),
        };
        Self {
            kind: metric.kind,
            max_gap: metric.max_gap,
            tiers: Tiers::new(opened, longest, every),
            start: opened,
            live: Sums::NONE,
            live_values: Dense::default(),
            feed,
            times: Times::new(),
            level: None,
            level_to: opened,
            sides: metric.arms.iter().map(|_| Sides::new(opened)).collect(),
            kept: RefCell::default(),
            recorded: 0,
            invalid: 0,
            dropped: 0,
        }
    }

    /// The self-metric: events whose source is always live.
    pub(super) fn rollbacks(opened: Timestamp, longest: Span, every: Span) -> Self {
        let metric = Metric {
            key: "rollgate.rollbacks".into(),
            description: String::new(),
            kind: MetricKind::Event,
            unit: crate::units::Unit::Count,
            good: None,
            arms: Vec::new(),
            max_gap: Span::ZERO,
            is_curable: true,
            view: None,
            scope: Default::default(),
            source: None,
        };
        Self { feed: Feed::always(opened), ..Self::new(&metric, opened, longest, every) }
    }

    /// Whether so many more samples can be held; else they are dropped.
    fn has_room(&mut self, count: u64) -> bool {
        match self.recorded.checked_add(count).filter(|recorded| *recorded <= SAMPLES_MAX) {
            Some(recorded) => {
                self.recorded = recorded;
                true
            }
            None => {
                self.add_dropped(count);
                false
            }
        }
    }

    pub(super) fn add_values(&mut self, bucket: Bucket, count: u64, at: Timestamp) {
        if self.has_room(count) {
            self.live_values.add(bucket, count);
            self.live.n += count;
            self.feed.sample(self.start, at);
        }
    }

    pub(super) fn add_octave(&mut self, octave: usize, counts: &[u64; OCTAVE], n: u64, at: Timestamp) {
        if self.has_room(n) {
            self.live_values.add_octave(octave, counts);
            self.live.n += n;
            self.feed.sample(self.start, at);
        }
    }

    pub(super) fn add_sum(&mut self, sum: f64) {
        self.live.sum += sum;
    }

    pub(super) fn add_outcomes(&mut self, trues: u64, total: u64, at: Timestamp) {
        if total > 0 && self.has_room(total) {
            self.live.n += total;
            self.live.trues += trues.min(total);
            self.feed.sample(self.start, at);
        }
    }

    pub(super) fn add_events(&mut self, count: u64, at: Timestamp) {
        if self.has_room(count) {
            self.live.n += count;
            self.times.add(count, at);
        }
    }

    pub(super) fn set_level(&mut self, value: f64, at: Timestamp) {
        if !self.has_room(1) {
            return;
        }
        self.hold_level(at);
        self.level = Some(Level { at, value, is_marked: false, is_held: true });
        self.live.n += 1;
        self.live.min = self.live.min.min(value);
        self.live.max = self.live.max.max(value);
        self.live.last = Some((at, value));
        self.feed.sample(at, at);
    }

    /// How long the gauge's level has been held up to `to`, beyond what was counted; no longer than its metric's
    /// `max_gap`, and not across a mark: it was of another exposure.
    fn held(&self, to: Timestamp) -> Option<(f64, u64)> {
        let level = self.level.filter(|level| self.kind == MetricKind::Gauge && level.is_held)?;
        let until = to.min(level.at + self.max_gap);
        Some((level.value, until.since(self.level_to.max(level.at)).0))
    }

    fn hold_level(&mut self, to: Timestamp) {
        if let Some((value, held_ms)) = self.held(to) {
            self.live.hold(value, held_ms);
        }
        self.level_to = self.level_to.max(to);
    }

    /// The live slot as it would be sealed at `now`.
    pub(super) fn live_at(&self, now: Timestamp) -> Sums {
        let mut live = self.live;
        if let Some((value, held_ms)) = self.held(now) {
            live.hold(value, held_ms);
        }
        live
    }

    /// Where the live slot began.
    pub(super) fn live_from(&self) -> Timestamp {
        self.start
    }

    pub(super) fn add_ratings(&mut self, rating: f64, count: u64, at: Timestamp) {
        if self.has_room(count) {
            self.live.n += count;
            self.live.trues += if rating >= 9.0 { count } else { 0 };
            self.live.falses += if rating <= 6.0 { count } else { 0 };
            self.feed.sample(at, at);
        }
    }

    pub(super) fn add_points(&mut self, points: f64, at: Timestamp) {
        if self.has_room(1) {
            self.level = Some(Level { at, value: points, is_marked: false, is_held: true });
            self.live.points += 1;
            self.live.last = Some((at, points));
            self.feed.sample(at, at);
        }
    }

    pub(super) fn add_invalid(&mut self, count: u64) {
        self.invalid = self.invalid.saturating_add(count);
        self.add_drops(count);
    }

    pub(super) fn add_dropped(&mut self, count: u64) {
        self.dropped = self.dropped.saturating_add(count);
        self.add_drops(count);
    }

    fn add_drops(&mut self, count: u64) {
        self.live.drops = self.live.drops.saturating_add(count);
        self.sides.iter_mut().for_each(|sides| sides.add_drops(count));
    }

    /// Seals the live slot at `to`.
    pub(super) fn seal(&mut self, to: Timestamp, cut: Cut, scratch: &mut Scratch) {
        self.hold_level(to);
        let sums = std::mem::replace(&mut self.live, Sums::NONE);
        let start = std::mem::replace(&mut self.start, to);
        if start == to && sums.is_blank() && cut == Cut::Grid {
            return;
        }
        let kept = self.kept.get_mut();
        kept.seal(&self.tiers, start, &self.live_values, to);
        let mut slot = Slot { start, end: to, sums, ..Slot::empty(start) };
        if !self.live_values.is_empty() {
            slot.values = self.live_values.packed_by(&mut scratch.words);
            self.live_values.clear();
        }
        if self.tiers.push(slot, cut, scratch) == Pushed::Joined {
            kept.clear();
        }
        let spread = if self.kind == MetricKind::Ratio { Spread::Ratio } else { Spread::Values };
        self.sides.iter_mut().for_each(|sides| sides.close_batch(spread));
    }

    /// A mark: a window can begin here, and ON and OFF begin anew.
    pub(super) fn mark(&mut self, at: Timestamp, scratch: &mut Scratch) {
        self.seal(at, Cut::Mark, scratch);
        self.times.mark(at);
        if let Some(level) = &mut self.level {
            level.is_held = false;
            level.is_marked |= level.at >= at;
        }
        self.sides.iter_mut().for_each(|sides| *sides = Sides::new(at));
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.feed.gaps.forget(before);
        self.times.forget(before);
    }

    /// Samples in the slots and in the live one, each once, and those that have left the windows.
    pub(super) fn n(&self) -> u64 {
        self.tiers.n() + self.live.samples() + self.tiers.expired
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.tiers.bytes()
            + self.live_values.bytes()
            + self.times.bytes()
            + self.sides.iter().map(|sides| sides.bytes() + size_of::<Sides>()).sum::<usize>()
            + self.kept.borrow().bytes()
    }
}
