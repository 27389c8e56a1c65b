//! Which instants of a notice of the calendar have come: each counts once, wherever the clock is set.

use serde::{Deserialize, Serialize};

use crate::id::Key;
use crate::limits::CALENDAR_RUNS_MAX;
use crate::time::{Span, Timestamp};

/// The instants of one notice that have come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// Which notice.
    pub(super) notice: Key,
    /// Where the calendar stands.
    latest: Timestamp,
    /// Instants that came one after the other: the first and the last of each run, oldest run first. A clock that leaps,
    /// or is set back, begins another one.
    runs: Vec<(Timestamp, Timestamp)>,
}

/// What an instant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instant {
    /// It has come before.
    Known,
    /// It comes for the first time, after one that came before.
    Next,
    /// It comes for the first time, and a clock that had been later was set back to it.
    SetBack,
}

impl Told {
    /// A notice whose first instant is this one.
    pub(super) fn new(notice: Key, first: Timestamp) -> Self {
        Self { notice, latest: first, runs: vec![(first, first)] }
    }

    /// The calendar stands at `due`; instants of the notice are at most `period` and an hour of a clock change apart.
    pub(super) fn come(&mut self, due: Timestamp, period: Span) -> Instant {
        let before = std::mem::replace(&mut self.latest, due);
        if self.runs.iter().any(|(first, last)| (*first..=*last).contains(&due)) {
            return Instant::Known;
        }
        let follows = |last: Timestamp| due > last && due.since(last) <= period + Span::hours(1);
        match self.runs.iter_mut().find(|(_, last)| follows(*last)) {
            Some((_, last)) => *last = due,
            None => self.runs.push((due, due)),
        }
        if self.runs.len() > CALENDAR_RUNS_MAX {
            self.runs.remove(0);
        }
        if due > before { Instant::Next } else { Instant::SetBack }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_comes_once_wherever_the_clock_is_set() {
        let day = |day: u64| Timestamp(1_768_816_800_000) + Span::days(day);
        let mut told = Told::new(Key::new("daily"), day(1));
        let steps = [
            (1, Instant::Known),
            (2, Instant::Next),
            // A leap, and back behind it.
            (9, Instant::Next),
            (5, Instant::SetBack),
            (6, Instant::Next),
            (9, Instant::Known),
            (10, Instant::Next),
            // Into what was before, and through the gap.
            (2, Instant::Known),
            (3, Instant::Next),
            (4, Instant::Next),
            (5, Instant::Known),
            (6, Instant::Known),
            (7, Instant::Next),
            (10, Instant::Known),
            (11, Instant::Next),
        ];
        for (step, (at, expected)) in steps.into_iter().enumerate() {
            assert_eq!(told.come(day(at), Span::days(1)), expected, "step {step}, day {at}");
        }
    }

    #[test]
    fn its_memory_is_bounded_and_forgets_the_oldest_run() {
        let day = |day: usize| Timestamp(1_768_816_800_000) + Span::days(day as u64);
        let mut told = Told::new(Key::new("daily"), day(0));
        for leap in 1..=CALENDAR_RUNS_MAX {
            told.come(day(leap * 10), Span::days(1));
        }
        assert_eq!(told.runs.len(), CALENDAR_RUNS_MAX);
        assert_eq!(told.come(day(10), Span::days(1)), Instant::Known);
        assert_eq!(told.come(day(0), Span::days(1)), Instant::SetBack);
    }
}
