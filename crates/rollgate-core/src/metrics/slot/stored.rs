//! Slots at rest.

use super::{Slot, Sums, Tier, Tiers};
use crate::limits::SAMPLES_MAX;
use crate::metrics::codec::{Damage, Out, Reader};
use crate::metrics::histogram::Packed;
use crate::metrics::saved::{Oldest, SavedSlot};
use crate::time::Timestamp;

/// Which numbers of a slot are written: those that are not as in a blank one.
mod is_there {
    pub(super) const N: u64 = 1;
    pub(super) const TRUES: u64 = 1 << 1;
    pub(super) const FALSES: u64 = 1 << 2;
    pub(super) const SUM: u64 = 1 << 3;
    pub(super) const DROPS: u64 = 1 << 4;
    pub(super) const POINTS: u64 = 1 << 5;
    pub(super) const HELD: u64 = 1 << 6;
    pub(super) const MIN: u64 = 1 << 7;
    pub(super) const MAX: u64 = 1 << 8;
    pub(super) const LAST: u64 = 1 << 9;
    pub(super) const ALL: u64 = (1 << 10) - 1;
}

impl Sums {
    pub(in crate::metrics) fn write(&self, out: &mut Out) {
        let none = Self::NONE;
        let is_other = |one: f64, two: f64| one.to_bits() != two.to_bits();
        let fields = [
            (is_there::N, self.n > 0),
            (is_there::TRUES, self.trues > 0),
            (is_there::FALSES, self.falses > 0),
            (is_there::SUM, is_other(self.sum, none.sum)),
            (is_there::DROPS, self.drops > 0),
            (is_there::POINTS, self.points > 0),
            (is_there::HELD, self.held_ms > 0),
            (is_there::MIN, is_other(self.min, none.min)),
            (is_there::MAX, is_other(self.max, none.max)),
            (is_there::LAST, self.last.is_some()),
        ];
        out.whole(fields.iter().filter(|(_, is_there)| *is_there).map(|(bit, _)| bit).sum());
        for (bit, _) in fields.iter().filter(|(_, is_there)| *is_there) {
            match *bit {
                is_there::N => out.whole(self.n),
                is_there::TRUES => out.whole(self.trues),
                is_there::FALSES => out.whole(self.falses),
                is_there::SUM => out.double(self.sum),
                is_there::DROPS => out.whole(self.drops),
                is_there::POINTS => out.whole(self.points),
                is_there::HELD => out.whole(self.held_ms),
                is_there::MIN => out.double(self.min),
                is_there::MAX => out.double(self.max),
                _ => {
                    if let Some((at, value)) = self.last {
                        out.time(at);
                        out.double(value);
                    }
                }
            }
        }
    }

    pub(in crate::metrics) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let there = reader.whole_up_to(is_there::ALL)?;
        let mut sums = Self::NONE;
        for bit in (0..10).map(|place| 1 << place).filter(|bit| there & bit > 0) {
            match bit {
                is_there::N => sums.n = reader.whole_up_to(SAMPLES_MAX)?,
                is_there::TRUES => sums.trues = reader.whole_up_to(sums.n)?,
                is_there::FALSES => sums.falses = reader.whole_up_to(sums.n)?,
                is_there::SUM => sums.sum = reader.double()?,
                is_there::DROPS => sums.drops = reader.whole()?,
                is_there::POINTS => sums.points = reader.whole_up_to(SAMPLES_MAX)?,
                is_there::HELD => sums.held_ms = reader.whole_up_to(SAMPLES_MAX)?,
                is_there::MIN => sums.min = reader.double()?,
                is_there::MAX => sums.max = reader.double()?,
                _ => sums.last = Some((reader.time()?, reader.double()?)),
            }
        }
        Ok(sums)
    }

    /// Adds the sums of a slot that may be of any bytes; whether no more came together than can be.
    fn add_checked(&mut self, more: &Self) -> bool {
        let is_possible = |one: u64, two: u64| one.checked_add(two).is_some_and(|sum| sum <= SAMPLES_MAX);
        let can_be = is_possible(self.samples(), more.samples())
            && is_possible(self.held_ms, more.held_ms)
            && is_possible(self.trues, more.trues)
            && is_possible(self.falses, more.falses);
        if can_be {
            self.add(more);
        }
        can_be
    }
}

/// What the bytes of slots belong to.
pub(in crate::metrics) fn owner(series: u16, tier: u8, start: Timestamp, end: Timestamp) -> u64 {
    let mut key = [0; 19];
    key[..2].copy_from_slice(&series.to_le_bytes());
    key[2] = tier;
    key[3..11].copy_from_slice(&start.0.to_le_bytes());
    key[11..].copy_from_slice(&end.0.to_le_bytes());
    xxhash_rust::xxh3::xxh3_64(&key)
}

impl Slot {
    const fn key(&self) -> (Timestamp, Timestamp) {
        (self.start, self.end)
    }
}

impl Tier {
    /// The slots from this place on. Those between cuts at one instant have the same times, and are stored together.
    fn saved(&self, from: usize, (series, tier): (u16, u8), saved: &mut Vec<SavedSlot>) {
        let slots: Vec<&Slot> = self.slots.range(from..).collect();
        for alike in slots.chunk_by(|one, two| one.key() == two.key()) {
            let Some((start, end)) = alike.first().map(|slot| slot.key()) else { continue };
            let mut out = Out::new();
            out.times_from(start);
            out.size(alike.len());
            for slot in alike {
                slot.sums.write(&mut out);
                slot.values.write(&mut out);
            }
            saved.push(SavedSlot {
                series,
                tier,
                start,
                end,
                bytes: out.sealed(owner(series, tier, start, end)),
            });
        }
    }

    /// Where what the store does not have begins.
    fn unsaved_from(&self) -> usize {
        let mut from = self.slots.len() - self.unsaved.min(self.slots.len());
        while from > 0 && self.slots.get(from).map(Slot::key) == self.slots.get(from - 1).map(Slot::key) {
            from -= 1;
        }
        from
    }

    fn write(&self, out: &mut Out) {
        out.size(self.slots.len());
        out.whole(self.slots.iter().map(|slot| slot.sums.samples()).sum());
        out.size(self.fresh);
        out.time(self.open);
    }

    /// Reads what [`write`](Self::write) wrote, and takes these slots, in the order of their times.
    fn read(&mut self, reader: &mut Reader<'_>, slots: &[&SavedSlot]) -> Result<(), Damage> {
        let (len, n) = (reader.whole()?, reader.whole()?);
        let fresh = reader.whole()?;
        self.open = reader.time()?;
        for saved in slots {
            self.read_slots(saved)?;
        }
        let found = self.slots.len() as u64;
        reader.require(found == len, "slots are missing, or there are more than there should be")?;
        let samples = self.slots.iter().try_fold(0_u64, |sum, slot| sum.checked_add(slot.sums.samples()));
        reader.require(samples == Some(n), "slots are not those of this head")?;
        self.fresh = usize::try_from(fresh).map_err(|_| reader.damage("a number that is too large"))?;
        self.unsaved = 0;
        Ok(())
    }

    fn read_slots(&mut self, saved: &SavedSlot) -> Result<(), Damage> {
        let of = owner(saved.series, saved.tier, saved.start, saved.end);
        let mut reader = Reader::sealed(&saved.bytes, of)?;
        reader.times_from(saved.start);
        let before = self.slots.back().map_or(Timestamp::MIN, |slot| slot.end);
        let is_next = before <= saved.start && saved.start <= saved.end && saved.end <= self.open;
        reader.require(is_next, "slots that overlap")?;
        let alike = reader.size(usize::MAX)?;
        reader.require(alike == 1 || saved.start == saved.end, "slots that overlap")?;
        for _ in 0..alike {
            let sums = Sums::read(&mut reader)?;
            let values = Packed::read(&mut reader, sums.n)?;
            reader.require(!sums.is_blank(), "a blank slot")?;
            self.slots.push_back(Slot { start: saved.start, end: saved.end, sums, values });
        }
        reader.end()
    }
}

impl Tiers {
    /// How the slots are cut: what must be the same for stored ones to be of use.
    pub(in crate::metrics) fn write_layout(&self, out: &mut Out) {
        out.whole(self.every.0);
        for tier in &self.tiers {
            out.whole(tier.reach.slot.0);
            out.whole(tier.reach.horizon.0);
        }
    }

    pub(in crate::metrics) fn write(&self, out: &mut Out) {
        self.tiers.iter().for_each(|tier| tier.write(out));
        out.whole(self.expired);
    }

    /// Slots of this series, in the order of tiers and times, and `live` beside them.
    pub(in crate::metrics) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        slots: &[&SavedSlot],
    ) -> Result<(), Damage> {
        let last = self.tiers.len() - 1;
        for (index, tier) in self.tiers.iter_mut().enumerate() {
            let first = slots.partition_point(|slot| usize::from(slot.tier) < index);
            let end = slots.partition_point(|slot| usize::from(slot.tier) <= index);
            tier.read(reader, slots.get(first..end).unwrap_or_default())?;
            reader.require(index == last || tier.fresh <= tier.slots.len(), "more new slots than slots")?;
        }
        reader.require(slots.last().is_none_or(|slot| usize::from(slot.tier) <= last), "no such tier")?;
        self.expired = reader.whole_up_to(SAMPLES_MAX)?;
        Ok(())
    }

    /// Whether no window of these slots, with what is live, can have more samples than can be.
    pub(in crate::metrics) fn is_possible(&self, live: &Sums) -> bool {
        (0..self.tiers.len()).all(|tier| {
            let edge = super::Edge { tier, from: Timestamp::MIN, clip: Timestamp::MIN };
            let mut sums = *live;
            self.visit(edge).all(|slot| sums.add_checked(&slot.sums))
        })
    }

    /// Whether slots that are stored have become others.
    pub(in crate::metrics) const fn is_rewritten(&self) -> bool {
        self.is_rewritten
    }

    /// All slots.
    pub(in crate::metrics) fn save_whole(&self, series: u16, saved: &mut Vec<SavedSlot>) {
        for (tier, index) in self.tiers.iter().zip(0..) {
            tier.saved(0, (series, index), saved);
        }
    }

    /// What has changed since the last time.
    pub(in crate::metrics) fn save_changes(
        &self,
        series: u16,
        saved: &mut Vec<SavedSlot>,
        oldest: &mut Vec<Oldest>,
    ) {
        for (tier, index) in self.tiers.iter().zip(0..) {
            tier.saved(tier.unsaved_from(), (series, index), saved);
            oldest.extend(tier.gone_to.map(|end| Oldest { series, tier: index, end }));
        }
    }

    /// Everything is saved.
    pub(in crate::metrics) fn saved(&mut self) {
        self.is_rewritten = false;
        for tier in &mut self.tiers {
            tier.unsaved = 0;
            tier.gone_to = None;
        }
    }
}
