//! One slot of time with what was recorded in it, and the tiers that slots roll up through.

mod late;
mod stored;

use std::collections::VecDeque;

pub(super) use late::Late;
#[cfg(test)]
pub(super) use stored::owner;

use super::histogram::{Dense, Packed};
use crate::limits::SLOTS_BESIDE_MAX;
use crate::time::{Span, Timestamp};

/// The plain numbers of a slot. The kinds of metric share the fields; each uses its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sums {
    /// Samples, outcomes, events, sets of a gauge, ratings.
    pub(super) n: u64,
    /// True outcomes; promoters.
    pub(super) trues: u64,
    /// Detractors.
    pub(super) falses: u64,
    /// Measured points of a score.
    pub(super) points: u64,
    /// Sum of a distribution's values; a gauge's value times milliseconds.
    pub(super) sum: f64,
    /// Milliseconds that a gauge held a fresh value.
    pub(super) held_ms: u64,
    /// Smallest level of a gauge.
    pub(super) min: f64,
    /// Largest level of a gauge.
    pub(super) max: f64,
    /// A gauge's last set value, or a score's last points, and when; `None` where there were none.
    pub(super) last: Option<(Timestamp, f64)>,
    /// Dropped and invalid samples.
    pub(super) drops: u64,
}

impl Sums {
    pub(super) const NONE: Self = Self {
        n: 0,
        trues: 0,
        falses: 0,
        points: 0,
        sum: 0.0,
        held_ms: 0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        last: None,
        drops: 0,
    };

    /// How often something was recorded.
    pub(super) const fn samples(&self) -> u64 {
        self.n + self.points
    }

    pub(super) const fn is_blank(&self) -> bool {
        self.n == 0 && self.points == 0 && self.held_ms == 0 && self.drops == 0
    }

    /// Adds the sums of a later slot.
    pub(super) fn add(&mut self, later: &Self) {
        self.n += later.n;
        self.trues += later.trues;
        self.falses += later.falses;
        self.points += later.points;
        self.sum += later.sum;
        self.held_ms += later.held_ms;
        self.min = self.min.min(later.min);
        self.max = self.max.max(later.max);
        self.last = later.last.or(self.last);
        self.drops = self.drops.saturating_add(later.drops);
    }

    /// Counts a level that was held for so long.
    pub(super) fn hold(&mut self, value: f64, held_ms: u64) {
        if held_ms > 0 {
            self.held_ms += held_ms;
            self.sum += value * held_ms as f64;
            self.min = self.min.min(value);
            self.max = self.max.max(value);
        }
    }
}

/// What was recorded in [start, end).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slot {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) sums: Sums,
    /// A distribution's values.
    pub(super) values: Packed,
}

impl Slot {
    pub(super) fn empty(start: Timestamp) -> Self {
        Self { start, end: start, sums: Sums::NONE, values: Packed::default() }
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
    /// How many of the newest are not in the next coarser tier yet. Times alone cannot tell: a slot between two cuts at
    /// one instant has no length.
    fresh: usize,
    /// Where the tier's open slot began.
    open: Timestamp,
    /// How many of the newest are not stored as they are now.
    unsaved: usize,
    /// Slots that ended here or before have left since the last time that slots were stored.
    gone_to: Option<Timestamp>,
}

impl Tier {
    fn take(&mut self, slot: Option<Slot>, end: Timestamp) {
        self.open = end;
        if let Some(slot) = slot {
            self.slots.push_back(slot);
            self.fresh += 1;
            self.unsaved += 1;
        }
    }

    /// Slots that the grid alone can make; marks add to them.
    fn slots_max(&self, every: Span) -> usize {
        let each = self.reach.slot.0.min(every.0.max(1));
        (self.reach.horizon.0 / each) as usize + SLOTS_BESIDE_MAX
    }
}

/// Where a window begins: its tier, and its first instant there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// The tier, from the finest.
    pub(super) tier: usize,
    /// The window's start, rounded outward to the tier's slot.
    pub(super) from: Timestamp,
    /// Slots that begin before this do not count.
    pub(super) clip: Timestamp,
}

/// The slots of one metric: fine ones for the near past, coarse ones for the far one (SEMANTICS 3.5).
#[derive(Clone, Debug)]
pub(super) struct Tiers {
    tiers: [Tier; 4],
    /// How long a slot of the finest tier is, at most.
    every: Span,
    /// Samples in slots that have left the last tier.
    pub(super) expired: u64,
    /// Stored slots have become others since the last time that slots were stored.
    is_rewritten: bool,
}

impl Tiers {
    pub(super) fn new(opened: Timestamp, longest: Span, every: Span) -> Self {
        let tier = |slot, horizon| Tier {
            reach: Reach { slot, horizon },
            slots: VecDeque::new(),
            fresh: 0,
            open: opened,
            unsaved: 0,
            gone_to: None,
        };
        Self {
            tiers: [
                tier(Span::seconds(10), Span::minutes(11)),
                tier(Span::minutes(1), Span::minutes(66)),
                tier(Span::minutes(10), Span::hours(9)),
                tier(Span::hours(1), longest),
            ],
            every,
            expired: 0,
            is_rewritten: false,
        }
    }

    /// Takes a sealed slot and rolls up what is complete; `cut` closes every tier here.
    pub(super) fn push(&mut self, slot: Slot, cut: Cut, scratch: &mut Scratch) -> Pushed {
        let end = slot.end;
        self.tiers[0].take(Some(slot).filter(|slot| !slot.sums.is_blank()), end);
        for index in 1..self.tiers.len() {
            let (fine, coarse) = self.tiers.split_at_mut(index);
            let (fine, coarse) = (&mut fine[index - 1], &mut coarse[0]);
            if cut == Cut::Grid && end < coarse.open.next(coarse.reach.slot) {
                // Nothing coarser can be complete either.
                break;
            }
            let from = fine.slots.len().saturating_sub(fine.fresh);
            coarse.take(merged(fine.slots.range(from..), coarse.open, end, scratch), end);
            fine.fresh = 0;
        }
        self.forget(end, scratch)
    }

    /// Drops what no window reaches, and joins the oldest where marks have made too many.
    fn forget(&mut self, end: Timestamp, scratch: &mut Scratch) -> Pushed {
        let every = self.every;
        let mut pushed = Pushed::Plainly;
        for (index, tier) in self.tiers.iter_mut().enumerate() {
            let oldest = end - tier.reach.horizon - tier.reach.slot;
            while tier.slots.front().is_some_and(|slot| slot.end <= oldest) {
                let Some(slot) = tier.slots.pop_front() else { break };
                tier.gone_to = tier.gone_to.max(Some(slot.end));
                if index == 3 {
                    self.expired = self.expired.saturating_add(slot.sums.samples());
                }
            }
            if tier.slots.len() > tier.slots_max(every) {
                pushed = Pushed::Joined;
                self.is_rewritten = true;
                tier.fresh = tier.fresh.min(tier.slots.len() - 2);
                let (first, second) = (tier.slots.pop_front(), tier.slots.pop_front());
                if let (Some(first), Some(second)) = (first, second)
                    && let Some(both) =
                        merged([&first, &second].into_iter(), first.start, second.end, scratch)
                {
                    tier.slots.push_front(both);
                }
            }
        }
        pushed
    }

    /// Where the window that begins at `from` begins, rounded outward to the slots that reach so far back.
    pub(super) fn edge(&self, from: Timestamp, clip: Timestamp, now: Timestamp) -> Edge {
        let from = from.max(clip);
        let span = now.since(from);
        let reaches = |tier: &Tier| tier.reach.horizon >= span;
        let tier = self.tiers.iter().position(reaches).unwrap_or(self.tiers.len() - 1);
        Edge { tier, from: from.floor(self.tiers[tier].reach.slot), clip }
    }

    /// How long the slots of a tier are.
    pub(super) fn slot_of(&self, tier: usize) -> Span {
        self.tiers[tier].reach.slot
    }

    /// Where the open slot of a tier began.
    pub(super) fn open(&self, tier: usize) -> Timestamp {
        self.tiers[tier].open
    }

    /// How many slots a tier has.
    pub(super) fn len(&self, tier: usize) -> usize {
        self.tiers[tier].slots.len()
    }

    /// The sealed slots of a window in its own tier, oldest first.
    pub(super) fn body(&self, edge: Edge) -> impl Iterator<Item = &Slot> {
        Self::after(&self.tiers[edge.tier], 0, edge)
    }

    /// The sealed slots of a window that its own tier does not have yet, oldest first.
    pub(super) fn rest(&self, edge: Edge) -> impl Iterator<Item = &Slot> {
        let finer = self.tiers[..edge.tier].iter().rev();
        finer.flat_map(move |tier| Self::after(tier, tier.slots.len().saturating_sub(tier.fresh), edge))
    }

    /// The sealed slots of a window: coarse ones first, then finer and finer ones. Every instant is in one of them only.
    pub(super) fn visit(&self, edge: Edge) -> impl Iterator<Item = &Slot> {
        self.body(edge).chain(self.rest(edge))
    }

    fn after(tier: &Tier, least: usize, edge: Edge) -> impl Iterator<Item = &Slot> {
        let first = tier.slots.partition_point(|slot| slot.end <= edge.from).max(least);
        tier.slots.range(first..).filter(move |slot| is_within(slot.start, slot.end, edge.clip))
    }

    /// The slots of a tier that end after `from`, and not after `to`.
    pub(super) fn leaving(&self, edge: Edge, to: Timestamp) -> impl Iterator<Item = &Slot> {
        self.body(edge).take_while(move |slot| slot.end <= to)
    }

    /// Samples in the slots, each counted once.
    pub(super) fn n(&self) -> u64 {
        let edge = Edge { tier: self.tiers.len() - 1, from: Timestamp::MIN, clip: Timestamp::MIN };
        self.visit(edge).map(|slot| slot.sums.samples()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        let slots = self.tiers.iter().flat_map(|tier| &tier.slots);
        let values: usize = slots.map(|slot| slot.values.bytes()).sum();
        let own: usize = self.tiers.iter().map(|tier| tier.slots.capacity() * size_of::<Slot>()).sum();
        values + own
    }
}

/// Where slots are merged and packed; used again and again.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) values: Dense,
    pub(super) words: Vec<u32>,
}

impl Scratch {
    pub(super) fn bytes(&self) -> usize {
        self.values.bytes() + self.words.capacity() * 4
    }
}

/// Whether a slot counts for windows that begin at `clip`: one that began before it, or is of its very instant, holds
/// samples of another exposure.
pub(super) fn is_within(start: Timestamp, end: Timestamp, clip: Timestamp) -> bool {
    start >= clip && end > clip
}

/// The sum of some slots as one; `None` where it would be blank.
fn merged<'a>(
    parts: impl Iterator<Item = &'a Slot>,
    start: Timestamp,
    end: Timestamp,
    scratch: &mut Scratch,
) -> Option<Slot> {
    let mut merged = Slot { end, ..Slot::empty(start) };
    scratch.values.clear();
    for part in parts {
        merged.sums.add(&part.sums);
        scratch.values.add_packed(&part.values);
    }
    if merged.sums.is_blank() {
        return None;
    }
    if !scratch.values.is_empty() {
        merged.values = scratch.values.packed_by(&mut scratch.words);
    }
    Some(merged)
}

/// What pushing a slot did beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// Nothing.
    Plainly,
    /// Two slots became one, so that a window may begin elsewhere than before.
    Joined,
}

/// Why a slot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// An evaluation: the coarser slots go on to their grid.
    Grid,
    /// A mark: every slot of every tier ends here, so that a window can begin here exactly.
    Mark,
}
