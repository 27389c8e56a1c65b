//! Windows at rest: a head, and sealed slots one by one.
//!
//! A slot is sealed once and then stays as it is, so that a store takes the new ones and forgets the oldest; all that
//! changes from one evaluation to the next is in the head. What is restored is what was saved, to the bit: no later
//! measurement and no later operation can tell the two apart.

use std::sync::Arc;

use super::codec::{Damage, Out, Reader};
use super::series::Series;
use super::watch::Gaps;
use super::windows::Windows;
use crate::id::Key;
use crate::limits::UNKNOWN_NAMES_MAX;
use crate::snapshot::Ruleset;
use crate::time::Timestamp;

/// The series of `rollgate.rollbacks`.
const ROLLBACKS: u16 = u16::MAX;

/// What a store keeps of one sealed slot.
///
/// Guarantees: `(series, tier, start, end)` is unique among the slots of one [`Saved`] and among those that a store has
/// after it has applied them. Slots between several cuts at one instant, which have no length, are together in one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SavedSlot {
    /// Index of the metric in its ruleset; `u16::MAX` for `rollgate.rollbacks`.
    pub series: u16,
    /// 0 for the finest slots, 3 for the coarsest.
    pub tier: u8,
    /// Its first instant.
    pub start: Timestamp,
    /// Its end, exclusive.
    pub end: Timestamp,
    /// What was recorded, with a check that holds for the four fields above too.
    pub bytes: Vec<u8>,
}

/// Slots that have left the windows: those of this series and tier that end at or before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Oldest {
    /// As in [`SavedSlot`].
    pub series: u16,
    /// As in [`SavedSlot`].
    pub tier: u8,
    /// The end of the newest that has left.
    pub end: Timestamp,
}

/// What a store has to write, in one transaction: it is one state, and [`Windows::restore`] refuses any mixture of two.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Everything that is not a sealed slot. It replaces the one before.
    pub head: Vec<u8>,
    /// Slots that the store does not have, or has otherwise: a slot with the same `(series, tier, start, end)` is
    /// replaced. In the order of series, tier and time.
    pub slots: Vec<SavedSlot>,
    /// Slots to delete. None of `slots` is among them, so that the order of the two does not matter.
    pub oldest: Vec<Oldest>,
    /// `slots` are all that there are: every other stored slot is to be deleted.
    pub is_whole: bool,
}

impl Windows {
    /// The head, and what has changed since slots were last saved.
    ///
    /// Guarantees: the store that has applied every `Saved` in turn has exactly the slots of the last head. The first
    /// one is whole; so is the first one after slots have become others, which only marks by the hundred do.
    ///
    /// What is given counts as stored: after a failure to write it, [`save_whole`](Self::save_whole) is next.
    pub fn save(&mut self) -> Saved {
        let is_rewritten =
            self.series.iter().chain([&self.rollbacks]).any(|series| series.tiers.is_rewritten());
        let mut saved = Saved { is_whole: !self.is_saved || is_rewritten, ..Saved::default() };
        for (index, series) in self.series.iter_mut().zip(0..).map(|(series, index)| (index, series)) {
            saved.add(index, series);
        }
        saved.add(ROLLBACKS, &mut self.rollbacks);
        saved.head = self.head();
        self.is_saved = true;
        saved
    }

    /// The head and all slots, whatever was saved before.
    pub fn save_whole(&mut self) -> Saved {
        self.is_saved = false;
        self.save()
    }

    /// Exactly the windows that were saved, from the last head and the slots that the store has, in any order.
    ///
    /// The next [`save`](Self::save) gives what has changed since that head. The [log](Self::log) is off.
    ///
    /// # Errors
    /// [`Damage`] where the bytes are not those that were saved, where slots are missing or are not those of this head,
    /// where a newer version wrote them, and where they are of a plan with other metrics, arms or lengths of windows.
    /// The [cause](super::Cause) tells the three apart.
    pub fn restore(ruleset: Arc<Ruleset>, head: &[u8], slots: &[SavedSlot]) -> Result<Self, Damage> {
        let mut windows = Self::new(ruleset, Timestamp::default());
        let mut reader = Reader::sealed(head, 0)?;
        windows.check_shape(&mut reader)?;
        let mut sorted: Vec<&SavedSlot> = slots.iter().collect();
        sorted.sort_by_key(|slot| (slot.series, slot.tier, slot.start, slot.end));
        let of = |series: u16| {
            let first = sorted.partition_point(|slot| slot.series < series);
            let end = sorted.partition_point(|slot| slot.series <= series);
            sorted.get(first..end).unwrap_or_default()
        };
        let mut taken = 0;
        for (series, index) in windows.series.iter_mut().zip(0..) {
            series.read(&mut reader, of(index))?;
            taken += of(index).len();
        }
        windows.rollbacks.read(&mut reader, of(ROLLBACKS))?;
        taken += of(ROLLBACKS).len();
        reader.require(taken == slots.len(), "slots of a metric that is not there")?;
        windows.read_rest(&mut reader)?;
        reader.end()?;
        windows.is_saved = true;
        Ok(windows)
    }

    fn head(&self) -> Vec<u8> {
        let mut out = Out::new();
        self.write_shape(&mut out);
        self.series.iter().chain([&self.rollbacks]).for_each(|series| series.write(&mut out));
        self.alerts.write(&mut out);
        self.unwatched.write(&mut out);
        out.time_or_none(self.marked);
        out.whole(self.alerts_dropped);
        out.size(self.unknown.len());
        for (name, count) in &self.unknown {
            out.byte(u8::from(name.is_some()));
            out.text(name.as_ref().map_or("", Key::as_str));
            out.whole(*count);
        }
        out.sealed(0)
    }

    fn read_rest(&mut self, reader: &mut Reader<'_>) -> Result<(), Damage> {
        self.alerts.read(reader)?;
        self.unwatched = Gaps::read(reader)?;
        self.marked = reader.time_or_none()?;
        self.alerts_dropped = reader.whole()?;
        // Beside the names, what has none.
        for _ in 0..reader.size(UNKNOWN_NAMES_MAX + 1)? {
            let (is_named, name) = (reader.flag()?, reader.text()?);
            self.unknown.push((is_named.then(|| Key::new(name)), reader.whole()?));
        }
        Ok(())
    }

    /// What a plan must have in common with the one that windows were saved under.
    pub(super) fn write_shape(&self, out: &mut Out) {
        out.size(self.ruleset.metrics.len());
        for metric in &self.ruleset.metrics {
            out.text(metric.key.as_str());
            out.text(metric.kind.name());
            out.text(metric.unit.symbol());
            out.size(metric.arms.len());
            for flag in &metric.arms {
                // Flags of tests may have no key.
                out.whole(u64::from(flag.0));
                out.text(self.ruleset.flags.get(flag.index()).map_or("", |flag| flag.key.as_str()));
            }
        }
        self.rollbacks.tiers.write_layout(out);
    }

    /// Reads what [`write_shape`](Self::write_shape) wrote, and compares it with the plan of these windows.
    fn check_shape(&self, reader: &mut Reader<'_>) -> Result<(), Damage> {
        let is_same = |is_same: bool, what| if is_same { Ok(()) } else { Err(Damage::other_plan(what)) };
        let metrics = &self.ruleset.metrics;
        is_same(reader.whole()? == metrics.len() as u64, "it has another number of metrics")?;
        for metric in metrics {
            is_same(reader.text()? == metric.key.as_str(), "its metrics are others")?;
            is_same(reader.text()? == metric.kind.name(), "a metric is of another kind")?;
            is_same(reader.text()? == metric.unit.symbol(), "a metric has another unit")?;
            is_same(reader.whole()? == metric.arms.len() as u64, "a metric has other arms")?;
            for flag in &metric.arms {
                let key = self.ruleset.flags.get(flag.index()).map_or("", |flag| flag.key.as_str());
                let (id, name) = (reader.whole()?, reader.text()?);
                is_same(id == u64::from(flag.0) && name == key, "a metric has other arms")?;
            }
        }
        let mut layout = Out::default();
        self.rollbacks.tiers.write_layout(&mut layout);
        let found = reader.take(layout.bytes.len())?;
        is_same(found == layout.bytes, "its windows are longer or shorter, or it evaluates at other times")
    }
}

impl Saved {
    fn add(&mut self, index: u16, series: &mut Series) {
        if self.is_whole {
            series.tiers.save_whole(index, &mut self.slots);
        } else {
            series.tiers.save_changes(index, &mut self.slots, &mut self.oldest);
        }
        series.tiers.saved();
    }
}
