//! Samples that come after a mark and were recorded before it.

use super::{Dense, Scratch, Slot, Sums, Tier, Tiers};
use crate::time::Timestamp;

/// Samples of one metric that belong before a mark.
#[derive(Clone, Debug)]
pub(in crate::metrics) struct Late {
    pub(in crate::metrics) sums: Sums,
    pub(in crate::metrics) values: Dense,
}

impl Late {
    pub(in crate::metrics) fn new() -> Self {
        Self { sums: Sums::NONE, values: Dense::default() }
    }
}

impl Slot {
    fn add(&mut self, late: &Late, scratch: &mut Scratch) {
        self.sums.add(&late.sums);
        if !late.values.is_empty() {
            scratch.values.clear();
            scratch.values.add_packed(&self.values);
            scratch.values.add_dense(&late.values);
            self.values = scratch.values.packed_by(&mut scratch.words);
        }
    }
}

impl Tier {
    /// Adds to the slot that ends at the mark. Where none does, because nothing was recorded just before, a slot of no
    /// length is made there: windows that begin at the mark do not have it, and those that began before do.
    fn add_late(&mut self, mark: Timestamp, late: &Late, settled: usize, scratch: &mut Scratch) {
        let after = self.slots.partition_point(|slot| slot.end <= mark).min(settled);
        let ends_there = after > 0 && self.slots.get(after - 1).is_some_and(|slot| slot.end == mark);
        // Two slots that became one may lie across the mark.
        let is_across = after < settled && self.slots.get(after).is_some_and(|slot| slot.start < mark);
        let place = if ends_there { after - 1 } else { after };
        let stored = self.slots.len() - self.unsaved.min(self.slots.len());
        if !ends_there && !is_across {
            self.slots.insert(place, Slot::empty(mark));
        }
        if let Some(slot) = self.slots.get_mut(place) {
            slot.add(late, scratch);
        }
        self.unsaved = self.slots.len() - stored.min(place);
    }
}

impl Tiers {
    /// Adds samples to what lies before a mark, in every tier that still reaches there.
    pub(in crate::metrics) fn add_late(&mut self, mark: Timestamp, late: &Late, scratch: &mut Scratch) {
        let (end, last) = (self.open(0), self.tiers.len() - 1);
        for (index, tier) in self.tiers.iter_mut().enumerate() {
            let is_reached = mark > end - tier.reach.horizon - tier.reach.slot;
            // The mark closed every tier, so that what is not rolled up yet is of later.
            let settled = if index == last { tier.slots.len() } else { tier.slots.len() - tier.fresh };
            if is_reached {
                tier.add_late(mark, late, settled, scratch);
            } else if index == last {
                self.expired = self.expired.saturating_add(late.sums.samples());
            }
        }
    }
}
