//! One metric at rest: everything but its sealed slots, which are stored one by one.

use super::{Level, Series};
use crate::limits::SAMPLES_MAX;
use crate::metrics::arms::Sides;
use crate::metrics::codec::{Damage, Out, Reader};
use crate::metrics::histogram::Dense;
use crate::metrics::saved::SavedSlot;
use crate::metrics::slot::Sums;
use crate::metrics::times::Times;

impl Level {
    fn write(level: Option<&Self>, out: &mut Out) {
        let Some(level) = level else { return out.byte(0) };
        out.byte(1 | u8::from(level.is_marked) << 1 | u8::from(level.is_held) << 2);
        out.time(level.at);
        out.double(level.value);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, Damage> {
        let bits = reader.byte()?;
        if bits == 0 {
            return Ok(None);
        }
        reader.require(bits & 1 == 1 && bits < 8, "a level that cannot be")?;
        let (at, value) = (reader.time()?, reader.double()?);
        Ok(Some(Self { at, value, is_marked: bits & 2 > 0, is_held: bits & 4 > 0 }))
    }
}

impl Series {
    pub(in crate::metrics) fn write(&self, out: &mut Out) {
        out.time(self.start);
        self.tiers.write(out);
        self.live.write(out);
        self.live_values.write(out);
        self.feed.write(out);
        self.times.write(out);
        Level::write(self.level.as_ref(), out);
        out.time(self.level_to);
        out.whole(self.recorded);
        out.whole(self.invalid);
        out.whole(self.dropped);
        self.sides.iter().for_each(|sides| sides.write(out));
    }

    /// Reads into a new series of the same metric; `slots` in the order of tiers and times.
    pub(in crate::metrics) fn read(
        &mut self,
        reader: &mut Reader<'_>,
        slots: &[&SavedSlot],
    ) -> Result<(), Damage> {
        self.start = reader.time()?;
        self.tiers.read(reader, slots)?;
        self.live = Sums::read(reader)?;
        self.live_values = Dense::read(reader, self.live.n)?;
        self.feed.read(reader)?;
        self.times = Times::read(reader)?;
        self.level = Level::read(reader)?;
        self.level_to = reader.time()?;
        self.recorded = reader.whole_up_to(SAMPLES_MAX)?;
        self.invalid = reader.whole()?;
        self.dropped = reader.whole()?;
        for sides in &mut self.sides {
            *sides = Sides::read(reader)?;
        }
        reader.require(self.tiers.is_possible(&self.live), "more samples than there can be")?;
        reader.require(self.n() == self.recorded, "samples are missing, or there are more than were recorded")
    }
}
