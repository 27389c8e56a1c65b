//! Exact times of the latest events, as far back as they are kept.

use std::collections::VecDeque;

use super::codec::{Damage, Out, Reader};
use crate::limits::EVENT_TIMES_MAX;
use crate::time::Timestamp;

/// Events of one instant.
#[derive(Clone, Copy, Debug)]
struct Moment {
    at: Timestamp,
    /// Events before these.
    before: u64,
    /// They came before a mark of the same instant: windows that begin at the mark do not have them.
    is_marked: bool,
}

/// A bounded ring of times.
#[derive(Clone, Debug)]
pub(super) struct Times {
    moments: VecDeque<Moment>,
    /// All events so far.
    n: u64,
    /// All events since this are in the ring.
    from: Timestamp,
}

impl Times {
    pub(super) fn new() -> Self {
        Self { moments: VecDeque::new(), n: 0, from: Timestamp::MIN }
    }

    pub(super) fn add(&mut self, count: u64, at: Timestamp) {
        let is_same = self.moments.back().is_some_and(|last| last.at == at && !last.is_marked);
        if !is_same {
            self.moments.push_back(Moment { at, before: self.n, is_marked: false });
        }
        self.n += count;
        self.bound();
    }

    /// A window may begin here, after what was recorded so far.
    pub(super) fn mark(&mut self, at: Timestamp) {
        self.moments.iter_mut().rev().take_while(|moment| moment.at >= at).for_each(|moment| {
            moment.is_marked = true;
        });
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.moments.front().is_some_and(|moment| moment.at < before) {
            self.moments.pop_front();
            self.from = self.from.max(before);
        }
    }

    /// How many events there were since `from`, which is a mark where it equals `clip`; `None` where the ring does not
    /// reach back so far.
    pub(super) fn since(&self, from: Timestamp, clip: Timestamp) -> Option<u64> {
        if self.from > from {
            return None;
        }
        let is_before =
            |moment: &Moment| moment.at < from || (from == clip && moment.at == clip && moment.is_marked);
        let first = self.moments.partition_point(is_before);
        Some(self.moments.get(first).map_or(0, |moment| self.n - moment.before))
    }

    /// Adds events from before a mark, which are heard of after it.
    pub(super) fn add_before(&mut self, count: u64, mark: Timestamp) {
        let is_before = |moment: &Moment| moment.at < mark || (moment.at == mark && moment.is_marked);
        let place = self.moments.partition_point(is_before);
        let is_there = place > 0 && self.moments.get(place - 1).is_some_and(|moment| moment.at == mark);
        let before = self.moments.get(place).map_or(self.n, |moment| moment.before);
        self.moments.range_mut(place..).for_each(|moment| moment.before += count);
        self.n += count;
        // Where the times do not reach back so far, the events only come before all of them.
        if !is_there && self.from <= mark {
            self.moments.insert(place, Moment { at: mark, before, is_marked: true });
            self.bound();
        }
    }

    fn bound(&mut self) {
        if self.moments.len() > EVENT_TIMES_MAX
            && let Some(oldest) = self.moments.pop_front()
        {
            self.from = Timestamp(oldest.at.0.saturating_add(1));
        }
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.whole(self.n);
        out.time(self.from);
        out.size(self.moments.len());
        let mut before = 0;
        for moment in &self.moments {
            out.time(moment.at);
            out.whole((moment.before - before) << 1 | u64::from(moment.is_marked));
            before = moment.before;
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut times = Self { n: reader.whole_up_to(u64::MAX >> 1)?, from: reader.time()?, ..Self::new() };
        let mut before = 0_u64;
        for _ in 0..reader.size(EVENT_TIMES_MAX)? {
            let (at, word) = (reader.time()?, reader.whole()?);
            before = before.saturating_add(word >> 1);
            reader.require(before <= times.n, "more events than were counted")?;
            times.moments.push_back(Moment { at, before, is_marked: word & 1 == 1 });
        }
        Ok(times)
    }

    pub(super) fn bytes(&self) -> usize {
        self.moments.capacity() * size_of::<Moment>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_forgets_the_oldest_times_and_says_so() {
        let mut times = Times::new();
        for second in 0..EVENT_TIMES_MAX as i64 + 10 {
            times.add(2, Timestamp(second));
        }
        assert_eq!(times.since(Timestamp(0), Timestamp::MIN), None);
        assert_eq!(times.since(Timestamp(10), Timestamp::MIN), Some(2 * EVENT_TIMES_MAX as u64));
        assert_eq!(times.since(Timestamp(EVENT_TIMES_MAX as i64 + 9), Timestamp::MIN), Some(2));
        assert!(times.bytes() <= 2 * EVENT_TIMES_MAX * size_of::<Moment>());
    }

    #[test]
    fn events_of_the_instant_of_a_mark_lie_before_it_or_after_it() {
        let mut times = Times::new();
        times.add(1, Timestamp(5));
        times.mark(Timestamp(5));
        times.add(3, Timestamp(5));
        assert_eq!(times.since(Timestamp(5), Timestamp(5)), Some(3));
        assert_eq!(times.since(Timestamp(5), Timestamp(1)), Some(4));
        assert_eq!(times.since(Timestamp(4), Timestamp(5)), Some(4));
    }
}
