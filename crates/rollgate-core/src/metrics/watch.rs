//! What part of a window was watched and fed (SEMANTICS 3.8).

use std::collections::VecDeque;

use super::codec::{Damage, Out, Reader};
use crate::time::{Span, Timestamp};

/// Intervals in order that do not touch; the oldest are forgotten once no window reaches them.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps(VecDeque<(Timestamp, Timestamp)>);

/// Intervals kept; a source that flickers more often than this has its oldest gaps joined, which only lowers coverage.
const GAPS_MAX: usize = 1_024;

impl Gaps {
    /// Adds [from, to), not before the last one.
    pub(super) fn push(&mut self, from: Timestamp, to: Timestamp) {
        if from >= to {
            return;
        }
        match self.0.back_mut() {
            Some(last) if from <= last.1 => *last = (last.0.min(from), last.1.max(to)),
            _ => self.0.push_back((from, to)),
        }
        if self.0.len() > GAPS_MAX
            && let (Some(first), Some(second)) = (self.0.pop_front(), self.0.front_mut())
        {
            second.0 = first.0;
        }
    }

    /// Forgets what ended before.
    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.0.front().is_some_and(|gap| gap.1 <= before) {
            self.0.pop_front();
        }
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.size(self.0.len());
        for (from, to) in &self.0 {
            out.time(*from);
            out.time(*to);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut gaps = Self::default();
        for _ in 0..reader.size(GAPS_MAX)? {
            let (from, to) = (reader.time()?, reader.time()?);
            let is_next = from < to && gaps.0.back().is_none_or(|last| last.1 < from);
            reader.require(is_next, "gaps that overlap")?;
            gaps.0.push_back((from, to));
        }
        Ok(gaps)
    }

    fn within(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
        let first = self.0.partition_point(|gap| gap.1 <= from);
        let inside = self.0.range(first..).take_while(move |gap| gap.0 < to);
        inside.map(move |gap| (gap.0.max(from), gap.1.min(to)))
    }
}

/// Milliseconds of [from, to) that lie in none of the gaps, nor in `open`.
pub(super) fn covered_ms(
    from: Timestamp,
    to: Timestamp,
    one: &Gaps,
    two: &Gaps,
    open: (Timestamp, Timestamp),
) -> u64 {
    let mut missing = 0;
    let mut until = from;
    let mut ones = one.within(from, to).peekable();
    let mut twos = two.within(from, to).chain(Some((open.0.max(from), open.1.min(to)))).peekable();
    loop {
        let next = match (ones.peek(), twos.peek()) {
            (Some(a), Some(b)) if a.0 <= b.0 => ones.next(),
            (_, Some(_)) => twos.next(),
            (Some(_), None) => ones.next(),
            (None, None) => break,
        };
        let Some((start, end)) = next else { break };
        missing += end.since(start.max(until)).0;
        until = until.max(end);
    }
    to.since(from).0.saturating_sub(missing)
}

/// Whether a source feeds its metric, and when it did not.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    /// Silent after this long without a sample; `None` for events, which are fed while their source is live.
    max_gap: Option<Span>,
    /// The last sample, or (for events) nothing.
    last: Option<Timestamp>,
    /// Events: whether the source is live.
    is_live: bool,
    /// Since when it has been unfed, before the first sample or while not live.
    unfed_from: Timestamp,
    pub(super) gaps: Gaps,
}

impl Feed {
    pub(super) fn new(opened: Timestamp, max_gap: Option<Span>) -> Self {
        Self { max_gap, last: None, is_live: false, unfed_from: opened, gaps: Gaps::default() }
    }

    /// A source that is live by nature.
    pub(super) fn always(opened: Timestamp) -> Self {
        Self { is_live: true, ..Self::new(opened, None) }
    }

    pub(super) const fn is_live(&self) -> bool {
        self.is_live
    }

    /// A sample arrived in [from, at]: where only its slot is known, all of the slot was fed.
    pub(super) fn sample(&mut self, from: Timestamp, at: Timestamp) {
        let Some(max_gap) = self.max_gap else { return };
        let silent = self.last.map_or(self.unfed_from, |last| last + max_gap);
        self.gaps.push(silent, from);
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
    }

    /// The events' source was opened.
    pub(super) fn open(&mut self, at: Timestamp) {
        if !self.is_live && self.max_gap.is_none() {
            self.gaps.push(self.unfed_from, at);
            self.is_live = true;
        }
    }

    /// The process went away: an events' source must be opened again.
    pub(super) fn restart(&mut self, at: Timestamp) {
        if self.is_live {
            self.is_live = false;
            self.unfed_from = at;
        }
    }

    pub(super) fn write(&self, out: &mut Out) {
        out.byte(u8::from(self.is_live));
        out.time_or_none(self.last);
        out.time(self.unfed_from);
        self.gaps.write(out);
    }

    /// Reads into a new feed of the same metric.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Damage> {
        self.is_live = reader.flag()?;
        self.last = reader.time_or_none()?;
        self.unfed_from = reader.time()?;
        self.gaps = Gaps::read(reader)?;
        Ok(())
    }

    /// The gap that is still open at `now`.
    pub(super) fn open_gap(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        match (self.max_gap, self.last) {
            (Some(max_gap), Some(last)) => (last + max_gap, now),
            (None, _) if self.is_live => (now, now),
            _ => (self.unfed_from, now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    #[test]
    fn gaps_that_overlap_count_once() {
        let (mut one, mut two) = (Gaps::default(), Gaps::default());
        one.push(at(10), at(20));
        two.push(at(15), at(30));
        let none = (at(0), at(0));
        assert_eq!(covered_ms(at(0), at(100), &one, &two, none), 80_000);
        assert_eq!(covered_ms(at(12), at(18), &one, &two, none), 0);
        assert_eq!(covered_ms(at(0), at(100), &one, &two, (at(90), at(100))), 70_000);
        assert_eq!(covered_ms(at(0), at(100), &one, &two, (at(110), at(100))), 80_000);
    }

    #[test]
    fn a_source_is_silent_after_its_gap() {
        let mut feed = Feed::new(at(0), Some(Span::seconds(60)));
        assert_eq!(feed.open_gap(at(10)), (at(0), at(10)));
        feed.sample(at(10), at(10));
        feed.sample(at(100), at(100));
        let covered = covered_ms(at(0), at(200), &feed.gaps, &Gaps::default(), feed.open_gap(at(200)));
        // Unfed: 0..10 before the first sample, 70..100 after a minute of silence, 160..200 at the end.
        assert_eq!(covered, 120_000);
    }

    #[test]
    fn slots_with_samples_are_fed_however_long_they_are() {
        let mut feed = Feed::new(at(0), Some(Span::minutes(10)));
        for hour in 0..3 {
            feed.sample(at(hour * 3_600), at((hour + 1) * 3_600));
        }
        let open = feed.open_gap(at(10_800));
        assert_eq!(covered_ms(at(0), at(10_800), &feed.gaps, &Gaps::default(), open), 10_800_000);
    }

    #[test]
    fn events_are_fed_while_their_source_is_live() {
        let mut feed = Feed::new(at(0), None);
        feed.open(at(50));
        assert_eq!(covered_ms(at(0), at(100), &feed.gaps, &Gaps::default(), feed.open_gap(at(100))), 50_000);
        feed.restart(at(100));
        assert!(!feed.is_live());
        feed.open(at(120));
        assert_eq!(covered_ms(at(0), at(200), &feed.gaps, &Gaps::default(), feed.open_gap(at(200))), 130_000);
    }
}
