//! The times of a schedule's items: when each comes, by when it must be acknowledged, how many there were.

use crate::snapshot::When;
use crate::time::{Day, Span, Timestamp, Zone};

/// What the times of a phase are counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor<'a> {
    pub(super) zone: &'a Zone,
    /// When the phase began.
    pub(super) phase: Timestamp,
    /// When its first step was applied; where it has no steps, when it began.
    pub(super) first_step: Option<Timestamp>,
}

/// One time of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) due: Timestamp,
    /// When it is missed, if its next one does not come before.
    pub(super) until: Option<Timestamp>,
    /// How many have come up to and with it.
    pub(super) number: u64,
}

/// The latest time of an item at or before `at`.
pub(super) fn latest(when: When, anchor: Anchor<'_>, at: Timestamp) -> Option<Occurrence> {
    let zone = anchor.zone;
    let first_day = zone.day_of(anchor.phase);
    match when {
        When::Day { day, at: minute, until } => {
            let occurrence = on(anchor, first_day.plus(i32::from(day) - 1), minute, until, 1);
            (occurrence.due <= at && is_of_phase(anchor, &occurrence)).then_some(occurrence)
        }
        When::Daily { at: minute, until } => repeated(anchor, at, first_day, 1, minute, until),
        When::Weekly { weekday, at: minute, until } => {
            let ahead = (7 + i32::from(weekday) - first_day.weekday() as i32) % 7;
            repeated(anchor, at, first_day.plus(ahead), 7, minute, until)
        }
        When::Every { every, lasts, then_every } => {
            let first = anchor.first_step.filter(|first| *first <= at)?;
            let (number, after) = rhythm(at.since(first), every, lasts, then_every)?;
            Some(Occurrence { due: first + after, until: None, number })
        }
        When::Within(span) => {
            let due = anchor.first_step.filter(|first| *first <= at)?;
            Some(Occurrence { due, until: Some(due + span), number: 1 })
        }
        // Counted in watched time, not by the calendar.
        When::BeforeEnd(_) => None,
    }
}

fn on(anchor: Anchor<'_>, day: Day, minute: u16, until: Option<u16>, number: u64) -> Occurrence {
    let instant = |minute| anchor.zone.instant(day, minute);
    Occurrence { due: instant(minute), until: until.map(instant), number }
}

/// What was over before the phase began is not of it; what was under way is.
fn is_of_phase(anchor: Anchor<'_>, occurrence: &Occurrence) -> bool {
    occurrence.due >= anchor.phase || occurrence.until.is_some_and(|until| until > anchor.phase)
}

/// The latest of the times that come every so many days from `first` on.
fn repeated(
    anchor: Anchor<'_>,
    at: Timestamp,
    first: Day,
    every: i32,
    minute: u16,
    until: Option<u16>,
) -> Option<Occurrence> {
    let is_late = !is_of_phase(anchor, &on(anchor, first, minute, until, 1));
    let first = if is_late { first.plus(every) } else { first };
    let turns = anchor.zone.latest(minute, at).0.checked_sub(first.0)?.div_euclid(every);
    let number = u64::try_from(turns).ok()? + 1;
    Some(on(anchor, first.plus(turns * every), minute, until, number))
}

/// How many times a rhythm has come in `passed`, and how long after its beginning the latest came.
fn rhythm(passed: Span, every: Span, lasts: Option<Span>, then_every: Option<Span>) -> Option<(u64, Span)> {
    let (every, most) = (every.0.max(1), lasts.map_or(u64::MAX, |lasts| lasts.0));
    let number = passed.0.min(most) / every;
    let first = (number > 0).then_some((number, Span(number * every)));
    let Some(then) = then_every.map(|then| then.0.max(1)).filter(|_| passed.0 > most) else { return first };
    let more = (passed.0 - most) / then;
    if more == 0 { first } else { Some((number + more, Span(most + more * then))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r128_a_rhythm_is_quick_on_the_first_day_and_slower_after_it() {
        let (every, lasts, then) = (Span::minutes(30), Some(Span::days(1)), Some(Span::hours(1)));
        let at = |passed: Span| rhythm(passed, every, lasts, then);
        assert_eq!(at(Span::minutes(29)), None);
        assert_eq!(at(Span::minutes(30)), Some((1, Span::minutes(30))));
        assert_eq!(at(Span::days(1)), Some((48, Span::days(1))));
        assert_eq!(at(Span::days(1) + Span::minutes(59)), Some((48, Span::days(1))));
        assert_eq!(at(Span::hours(25)), Some((49, Span::hours(25))));
        assert_eq!(at(Span::hours(27) + Span::minutes(1)), Some((51, Span::hours(27))));
        assert_eq!(rhythm(Span::days(9), every, lasts, None), Some((48, Span::days(1))));
        assert_eq!(rhythm(Span::hours(2), every, None, None), Some((4, Span::hours(2))));
    }
}
