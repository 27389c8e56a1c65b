//! One slot of time with what was recorded in it, and the tiers that slots roll up through.

use std::collections::VecDeque;

use super::histogram::{Dense, Packed};
use crate::time::{Span, Timestamp};

/// What was recorded in [start, end). The kinds of metric share the fields; each uses its own.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// Samples, outcomes, events, sets of a gauge, ratings.
    pub(super) n: u64,
    /// True outcomes; promoters.
    pub(super) trues: u64,
    /// Detractors.
    pub(super) falses: u64,
    /// Sum of a distribution's values; a gauge's value times milliseconds.
    pub(super) sum: f64,
    /// Milliseconds that a gauge held a fresh value.
    pub(super) held_ms: u64,
    /// Smallest level of a gauge.
    pub(super) min: f64,
    /// Largest level of a gauge.
    pub(super) max: f64,
    /// A gauge's last set value and when; `None` where it was not set here.
    pub(super) last: Option<(Timestamp, f64)>,
    /// Dropped and invalid samples.
    pub(super) drops: u64,
    /// A distribution's values.
    pub(super) values: Packed,
}

impl Slot {
    pub(super) fn empty(start: Timestamp) -> Self {
        Self {
            start,
            end: start,
            n: 0,
            trues: 0,
            falses: 0,
            sum: 0.0,
            held_ms: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            last: None,
            drops: 0,
            values: Packed::default(),
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.n == 0 && self.held_ms == 0 && self.drops == 0
    }

    /// Adds the plain numbers of another slot; values are merged apart.
    pub(super) fn add(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.trues = self.trues.saturating_add(other.trues);
        self.falses = self.falses.saturating_add(other.falses);
        self.sum += other.sum;
        self.held_ms += other.held_ms;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.last = other.last.or(self.last);
        self.drops = self.drops.saturating_add(other.drops);
    }
}

/// How long a tier's slots are, and how far it reaches back.
#[derive(Clone, Copy, Debug)]
struct Reach {
    slot: Span,
    horizon: Span,
}

/// One tier of slots, oldest first; blank ones are left out.
#[derive(Clone, Debug)]
struct Tier {
    reach: Reach,
    slots: VecDeque<Slot>,
    /// Where the tier's open slot began.
    open: Timestamp,
}

/// The slots of one metric: fine ones for the near past, coarse ones for the far one (SEMANTICS 3.5).
#[derive(Clone, Debug)]
pub(super) struct Tiers {
    tiers: [Tier; 4],
    /// Samples in slots that have left the last tier.
    pub(super) expired: u64,
}

impl Tiers {
    pub(super) fn new(opened: Timestamp, longest: Span) -> Self {
        let tier =
            |slot, horizon| Tier { reach: Reach { slot, horizon }, slots: VecDeque::new(), open: opened };
        Self {
            tiers: [
                tier(Span::seconds(10), Span::minutes(11)),
                tier(Span::minutes(1), Span::minutes(66)),
                tier(Span::minutes(10), Span::hours(9)),
                tier(Span::hours(1), longest),
            ],
            expired: 0,
        }
    }

    /// Takes a sealed slot and rolls up what is complete; `cut` closes every tier here.
    pub(super) fn push(&mut self, slot: Slot, cut: Cut) {
        let end = slot.end;
        if !slot.is_blank() {
            self.tiers[0].slots.push_back(slot);
        }
        self.tiers[0].open = end;
        for index in 1..self.tiers.len() {
            let (fine, coarse) = self.tiers.split_at_mut(index);
            let (fine, coarse) = (&fine[index - 1], &mut coarse[0]);
            if cut == Cut::Grid && end < coarse.open.next(coarse.reach.slot) {
                // Nothing coarser can be complete either.
                break;
            }
            let open = coarse.open;
            let from = fine.slots.partition_point(|slot| slot.start < open);
            let parts = fine.slots.range(from..);
            let mut merged = Slot { end, ..Slot::empty(open) };
            parts.clone().for_each(|part| merged.add(part));
            merged.values = Packed::merged(parts.map(|part| &part.values));
            if !merged.is_blank() {
                coarse.slots.push_back(merged);
            }
            coarse.open = end;
        }
        for (index, tier) in self.tiers.iter_mut().enumerate() {
            let oldest = end - tier.reach.horizon - tier.reach.slot;
            while tier.slots.front().is_some_and(|slot| slot.end <= oldest) {
                if let (Some(slot), 3) = (tier.slots.pop_front(), index) {
                    self.expired = self.expired.saturating_add(slot.n);
                }
            }
        }
    }

    /// The first instant of the window that begins at `from`, rounded outward to the slots that reach so far back.
    pub(super) fn edge(&self, from: Timestamp, now: Timestamp) -> Timestamp {
        from.floor(self.tiers[self.tier_of(from, now)].reach.slot)
    }

    fn tier_of(&self, from: Timestamp, now: Timestamp) -> usize {
        let span = now.since(from);
        self.tiers.iter().position(|tier| tier.reach.horizon >= span).unwrap_or(self.tiers.len() - 1)
    }

    /// Visits the sealed slots of [from, now), not reaching before `clip`: coarse ones first, then finer and finer ones.
    /// Every instant is in one of them only.
    pub(super) fn visit<'a>(
        &'a self,
        from: Timestamp,
        clip: Timestamp,
        now: Timestamp,
        visit: &mut dyn FnMut(&'a Slot),
    ) {
        let coarsest = self.tier_of(from.max(clip), now);
        let mut from = self.edge(from.max(clip), now);
        for tier in self.tiers[..=coarsest].iter().rev() {
            let first = tier.slots.partition_point(|slot| slot.end <= from);
            // A slot that began before the clip holds samples of another exposure.
            tier.slots.range(first..).filter(|slot| slot.start >= clip).for_each(&mut *visit);
            from = from.max(tier.open);
        }
    }

    /// The slots of the finest tier that begin at or after `from`, newest last.
    pub(super) fn fine(&self) -> &VecDeque<Slot> {
        &self.tiers[0].slots
    }

    /// Samples in the slots, each counted once.
    pub(super) fn n(&self) -> u64 {
        let mut n = 0;
        self.visit_all(&mut |slot| n += slot.n);
        n
    }

    fn visit_all(&self, visit: &mut dyn FnMut(&Slot)) {
        let mut from = Timestamp::MIN;
        for tier in self.tiers.iter().rev() {
            let first = tier.slots.partition_point(|slot| slot.start < from);
            tier.slots.range(first..).for_each(&mut *visit);
            from = tier.open;
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let slots = self.tiers.iter().flat_map(|tier| &tier.slots);
        let values: usize = slots.map(|slot| slot.values.bytes()).sum();
        let own: usize = self.tiers.iter().map(|tier| tier.slots.capacity() * size_of::<Slot>()).sum();
        values + own
    }
}

/// Why a slot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// An evaluation: the coarser slots go on to their grid.
    Grid,
    /// A mark: every slot of every tier ends here, so that a window can begin here exactly.
    Mark,
}

/// The values of a window, pooled.
pub(super) fn pool<'a>(slots: impl Iterator<Item = &'a Slot>, live: &Dense) -> Dense {
    let mut pooled = live.clone();
    slots.for_each(|slot| pooled.add_packed(&slot.values));
    pooled
}
