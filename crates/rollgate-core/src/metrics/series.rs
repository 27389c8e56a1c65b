//! One metric's slots, its live slot, and what its kind keeps beside.

use std::collections::VecDeque;

use super::arms::{Sides, Spread};
use super::histogram::{Bucket, Dense};
use super::slot::{Cut, Slot, Tiers};
use super::watch::Feed;
use crate::limits::{EVENT_TIMES_MAX, SCORE_POINTS_MAX};
use crate::snapshot::{Metric, MetricKind};
use crate::time::{Span, Timestamp};

/// A short window over a distribution that some trigger asks for at every evaluation: its sum is kept, not made.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) span: Span,
    pub(super) values: Dense,
    /// The slots in it begin at or after this.
    pub(super) from: Timestamp,
    /// Its end: the last evaluation.
    pub(super) to: Timestamp,
}

/// One metric.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) kind: MetricKind,
    max_gap: Span,
    pub(super) tiers: Tiers,
    pub(super) live: Slot,
    pub(super) live_values: Dense,
    pub(super) feed: Feed,
    /// Exact times of the latest events, with how many; whatever is older is in the slots only.
    pub(super) times: VecDeque<(Timestamp, u64)>,
    /// All events since this are in `times`.
    pub(super) times_from: Timestamp,
    /// A gauge's value and when it was set.
    pub(super) level: Option<(Timestamp, f64)>,
    /// Up to where the gauge's level has been counted.
    level_to: Timestamp,
    /// Measured points of a score.
    pub(super) points: VecDeque<(Timestamp, f64)>,
    pub(super) sides: Vec<Sides>,
    pub(super) running: Vec<Running>,
    pub(super) invalid: u64,
    pub(super) dropped: u64,
}

impl Series {
    pub(super) fn new(metric: &Metric, opened: Timestamp, longest: Span, short: &[Span]) -> Self {
        let feed = match metric.kind {
            MetricKind::Event => Feed::new(opened, None),
            _ => Feed::new(opened, Some(metric.max_gap)),
        };
        let running = short
            .iter()
            .map(|span| Running {
                span: *span,
                values: Dense::default(),
                from: Timestamp::MIN,
                to: Timestamp::MIN,
            })
            .collect();
        Self {
            kind: metric.kind,
            max_gap: metric.max_gap,
            tiers: Tiers::new(opened, longest),
            live: Slot::empty(opened),
            live_values: Dense::default(),
            feed,
            times: VecDeque::new(),
            times_from: Timestamp::MIN,
            level: None,
            level_to: opened,
            points: VecDeque::new(),
            sides: metric.arms.iter().map(|_| Sides::new(opened)).collect(),
            running,
            invalid: 0,
            dropped: 0,
        }
    }

    /// The self-metric: events whose source is always live.
    pub(super) fn rollbacks(opened: Timestamp, longest: Span) -> Self {
        let metric = Metric {
            key: "rollgate.rollbacks".into(),
            description: String::new(),
            kind: MetricKind::Event,
            unit: crate::units::Unit::Count,
            good: None,
            arms: Vec::new(),
            max_gap: Span::ZERO,
            is_curable: true,
        };
        Self { feed: Feed::always(opened), ..Self::new(&metric, opened, longest, &[]) }
    }

    pub(super) fn add_values(&mut self, bucket: Bucket, count: u64, at: Timestamp) {
        self.live_values.add(bucket, count);
        self.live.n = self.live.n.saturating_add(count);
        self.feed.sample(at);
    }

    pub(super) fn add_outcomes(&mut self, trues: u64, total: u64, at: Timestamp) {
        self.live.n = self.live.n.saturating_add(total);
        self.live.trues = self.live.trues.saturating_add(trues);
        self.feed.sample(at);
    }

    pub(super) fn add_events(&mut self, count: u64, at: Timestamp) {
        self.live.n = self.live.n.saturating_add(count);
        match self.times.back_mut() {
            Some(last) if last.0 == at => last.1 = last.1.saturating_add(count),
            _ => self.times.push_back((at, count)),
        }
        if self.times.len() > EVENT_TIMES_MAX
            && let Some((oldest, _)) = self.times.pop_front()
        {
            self.times_from = Timestamp(oldest.0.saturating_add(1));
        }
    }

    pub(super) fn set_level(&mut self, value: f64, at: Timestamp) {
        self.hold_level(at);
        self.level = Some((at, value));
        self.live.n += 1;
        self.live.min = self.live.min.min(value);
        self.live.max = self.live.max.max(value);
        self.live.last = Some((at, value));
        self.feed.sample(at);
    }

    /// Counts the level that was held up to `to`; a level is held no longer than its metric's `max_gap`.
    fn hold_level(&mut self, to: Timestamp) {
        let from = self.level_to;
        self.level_to = from.max(to);
        let Some((set, value)) = self.level else { return };
        let held = to.min(set + self.max_gap).since(from.max(set)).0;
        if held > 0 {
            self.live.held_ms += held;
            self.live.sum += value * held as f64;
            self.live.min = self.live.min.min(value);
            self.live.max = self.live.max.max(value);
        }
    }

    /// The live slot as it would be sealed at `now`.
    pub(super) fn live_at(&self, now: Timestamp) -> Slot {
        let mut live = self.live.clone();
        live.end = now;
        if let (MetricKind::Gauge, Some((set, value))) = (self.kind, self.level) {
            let held = now.min(set + self.max_gap).since(self.level_to.max(set)).0;
            if held > 0 {
                live.held_ms += held;
                live.sum += value * held as f64;
                live.min = live.min.min(value);
                live.max = live.max.max(value);
            }
        }
        live
    }

    pub(super) fn add_rating(&mut self, rating: f64, at: Timestamp) {
        self.live.n += 1;
        self.live.trues += u64::from(rating >= 9.0);
        self.live.falses += u64::from(rating <= 6.0);
        self.feed.sample(at);
    }

    pub(super) fn add_points(&mut self, points: f64, at: Timestamp) {
        self.points.push_back((at, points));
        if self.points.len() > SCORE_POINTS_MAX {
            self.points.pop_front();
        }
        self.feed.sample(at);
    }

    pub(super) fn add_drops(&mut self, count: u64) {
        self.live.drops = self.live.drops.saturating_add(count);
        self.sides.iter_mut().for_each(|sides| sides.add_drops(count));
    }

    /// Seals the live slot at `to`.
    pub(super) fn seal(&mut self, to: Timestamp, cut: Cut) {
        if self.kind == MetricKind::Gauge {
            self.hold_level(to);
        }
        let mut slot = std::mem::replace(&mut self.live, Slot::empty(to));
        slot.end = to;
        if slot.start == to && slot.is_blank() && cut == Cut::Grid {
            return;
        }
        if !self.live_values.is_empty() {
            slot.values = self.live_values.packed();
            self.live_values.clear();
        }
        self.run(&slot, to);
        self.tiers.push(slot, cut);
        let spread = if self.kind == MetricKind::Ratio { Spread::Ratio } else { Spread::Values };
        self.sides.iter_mut().for_each(|sides| sides.close_batch(spread));
    }

    /// Moves the running windows on: adds the slot that was sealed, takes those away that have left.
    fn run(&mut self, sealed: &Slot, to: Timestamp) {
        for running in &mut self.running {
            running.values.add_packed(&sealed.values);
            let from = (to - running.span).floor(Span::seconds(10));
            let fine = self.tiers.fine();
            let first = fine.partition_point(|slot| slot.end <= running.from);
            for slot in fine.range(first..).take_while(|slot| slot.end <= from) {
                running.values.remove_packed(&slot.values);
            }
            running.from = from;
            running.to = to;
        }
    }

    /// A mark: ON and OFF begin anew.
    pub(super) fn mark(&mut self, at: Timestamp) {
        self.seal(at, Cut::Mark);
        // What was recorded in the millisecond of the mark came before it, and a window that begins there begins after.
        let before = Timestamp(at.0.saturating_sub(1));
        self.times.iter_mut().rev().take_while(|time| time.0 >= at).for_each(|time| time.0 = before);
        self.points.iter_mut().rev().take_while(|point| point.0 >= at).for_each(|point| point.0 = before);
        self.level = self.level.map(|(set, value)| (if set >= at { before } else { set }, value));
        self.sides.iter_mut().for_each(|sides| *sides = Sides::new(at));
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.feed.gaps.forget(before);
        while self.points.front().is_some_and(|point| point.0 < before) {
            self.points.pop_front();
        }
        while self.times.front().is_some_and(|time| time.0 < before) {
            self.times.pop_front();
            self.times_from = self.times_from.max(before);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.tiers.bytes()
            + self.live_values.bytes()
            + (self.times.capacity() + self.points.capacity()) * 16
            + self.sides.iter().map(|sides| sides.bytes() + size_of::<Sides>()).sum::<usize>()
            + self.running.iter().map(|running| running.values.bytes()).sum::<usize>()
    }
}
