//! The zone of a plan's calendar: days and times of day, on the days too that have 23 or 25 hours.

use std::fmt;

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::Timestamp;

const DAY_MINUTES: u16 = 24 * 60;
const DAY_SECONDS: i64 = 86_400;

/// A day of a calendar, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    fn of(date: civil::Date) -> Self {
        let midnight = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
        Self(midnight.map_or(0, |at| at.as_second().div_euclid(DAY_SECONDS) as i32))
    }

    fn date(self) -> Option<civil::Date> {
        let at = jiff::Timestamp::from_second(i64::from(self.0) * DAY_SECONDS).ok()?;
        Some(TimeZone::UTC.to_datetime(at).date())
    }

    /// So many days later.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// 0 is Monday, 6 is Sunday.
    pub const fn weekday(self) -> usize {
        // The first day of 1970 was a Thursday.
        (self.0 as i64 + 3).rem_euclid(7) as usize
    }
}

/// `2026-01-13`.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

/// A day, or a time of one, as people write it in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `2026-01-13`: the whole day.
    Day(Day),
    /// `2026-01-13T09:00`.
    Time(Timestamp),
}

/// An IANA time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// Universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), zone: TimeZone::UTC }
    }

    /// The zone of this name; `None` where there is none.
    pub fn named(name: &str) -> Option<Self> {
        Some(Self { name: name.to_owned(), zone: TimeZone::get(name).ok()? })
    }

    /// The day that the zone's calendar shows.
    pub fn day_of(&self, at: Timestamp) -> Day {
        Day::of(self.zone.to_datetime(point(at)).date())
    }

    /// The first instant at which the zone's clocks show this time of this day or a later one.
    ///
    /// A time that occurs twice is its first; one that is left out is the moment the clocks are put forward.
    /// Minutes are counted from midnight, and may reach into the next day.
    pub fn instant(&self, day: Day, minute: u16) -> Timestamp {
        let day = day.plus(i32::from(minute / DAY_MINUTES));
        let minute = minute % DAY_MINUTES;
        match day.date() {
            Some(date) => self.of_local(date.at((minute / 60) as i8, (minute % 60) as i8, 0, 0)),
            None if day.0 < 0 => Timestamp(jiff::Timestamp::MIN.as_millisecond()),
            None => Timestamp(jiff::Timestamp::MAX.as_millisecond()),
        }
    }

    fn of_local(&self, local: civil::DateTime) -> Timestamp {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let is_left_out = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let Ok(at) = ambiguous.compatible() else {
            return Timestamp(jiff::Timestamp::MAX.as_millisecond());
        };
        if is_left_out && let Ok(after) = at.checked_add(jiff::SignedDuration::from_secs(1)) {
            let change = self.zone.preceding(after).next();
            return Timestamp(change.map_or(at, |change| change.timestamp()).as_millisecond());
        }
        Timestamp(at.as_millisecond())
    }

    /// The latest day on which this time of day has come by `at`.
    pub fn latest(&self, minute: u16, at: Timestamp) -> Day {
        let day = self.day_of(at);
        // Where clocks are put back over midnight, a later day's time may have been shown before.
        let mut days = [1, 0, -1].into_iter().map(|more| day.plus(more));
        days.find(|day| self.instant(*day, minute) <= at).unwrap_or_else(|| day.plus(-2))
    }

    /// Reads `2026-01-13` or `2026-01-13T09:00`; without an offset, for the zone gives it.
    pub fn read(&self, text: &str) -> Option<Moment> {
        let text = text.trim();
        if let Ok(date) = text.parse::<civil::Date>()
            && text.len() == 10
        {
            return Some(Moment::Day(Day::of(date)));
        }
        let rest = text.get(10..)?.strip_prefix(['T', ' '])?;
        let is_plain = rest.chars().all(|c| c.is_ascii_digit() || c == ':');
        let local = text.parse::<civil::DateTime>().ok().filter(|_| is_plain)?;
        Some(Moment::Time(self.of_local(local)))
    }

    /// `2026-01-13 09:00 Europe/Berlin`.
    pub fn show(&self, at: Timestamp) -> String {
        let local = self.zone.to_datetime(point(at));
        format!("{} {:02}:{:02} {}", local.date(), local.hour(), local.minute(), self.name)
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// A point of time that a calendar can show: far beyond it, the last one.
fn point(at: Timestamp) -> jiff::Timestamp {
    let (least, most) = (jiff::Timestamp::MIN.as_millisecond(), jiff::Timestamp::MAX.as_millisecond());
    jiff::Timestamp::from_millisecond(at.0.clamp(least, most)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// Reads `09:00` as minutes after midnight.
pub fn minute_of_day(text: &str) -> Option<u16> {
    let number = |digits: &str, length: std::ops::RangeInclusive<usize>| {
        let is_plain = length.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse::<u16>().ok().filter(|_| is_plain)
    };
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (number(hour, 1..=2)?, number(minute, 2..=2)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn day(text: &str) -> Day {
        match Zone::utc().read(text) {
            Some(Moment::Day(day)) => day,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn days_have_their_weekdays() {
        assert_eq!(day("2026-01-19").weekday(), 0);
        assert_eq!(day("2026-01-18").weekday(), 6);
        assert_eq!(day("1969-12-31").weekday(), 2);
        assert_eq!(day("2026-01-19").to_string(), "2026-01-19");
    }

    #[test]
    fn r162_a_time_of_day_follows_the_zone_over_both_changes_of_the_clocks() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        let new_york = Zone::named("America/New_York").unwrap();
        for (zone, date, utc) in [
            (&berlin, "2026-03-28", "2026-03-28T08:00:00Z"),
            (&berlin, "2026-03-29", "2026-03-29T07:00:00Z"),
            (&berlin, "2026-10-24", "2026-10-24T07:00:00Z"),
            (&berlin, "2026-10-25", "2026-10-25T08:00:00Z"),
            (&new_york, "2026-03-07", "2026-03-07T14:00:00Z"),
            (&new_york, "2026-03-08", "2026-03-08T13:00:00Z"),
            (&new_york, "2026-10-31", "2026-10-31T13:00:00Z"),
            (&new_york, "2026-11-01", "2026-11-01T14:00:00Z"),
        ] {
            assert_eq!(zone.instant(day(date), 9 * 60), at(utc), "{date} {}", zone.name());
            assert_eq!(zone.latest(9 * 60, at(utc)), day(date));
            assert_eq!(zone.latest(9 * 60, at(utc) - Span(1)), day(date).plus(-1));
        }
    }

    #[test]
    fn r162_a_time_that_is_left_out_comes_when_the_clocks_are_put_forward() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for minute in [120, 150, 179, 180] {
            assert_eq!(berlin.instant(day("2026-03-29"), minute), at("2026-03-29T01:00:00Z"), "{minute}");
        }
        assert_eq!(berlin.instant(day("2026-03-29"), 119), at("2026-03-29T00:59:00Z"));
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(new_york.instant(day("2026-03-08"), 150), at("2026-03-08T07:00:00Z"));
    }

    #[test]
    fn r162_a_time_that_occurs_twice_is_its_first() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.instant(day("2026-10-25"), 150), at("2026-10-25T00:30:00Z"));
        // The second time is not a second occurrence.
        assert_eq!(berlin.latest(150, at("2026-10-25T01:30:00Z")), day("2026-10-25"));
        let new_york = Zone::named("America/New_York").unwrap();
        assert_eq!(new_york.instant(day("2026-11-01"), 90), at("2026-11-01T05:30:00Z"));
    }

    #[test]
    fn moments_are_days_or_local_times_and_nothing_with_an_offset() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        assert_eq!(berlin.read("2026-12-20"), Some(Moment::Day(day("2026-12-20"))));
        let evening = Some(Moment::Time(at("2026-12-20T17:00:00Z")));
        assert_eq!(berlin.read("2026-12-20T18:00"), evening);
        assert_eq!(berlin.read("2026-12-20 18:00:00"), evening);
        for text in [
            "2026-12-20T18:00Z",
            "2026-12-20T18:00+01:00",
            "2026-13-01",
            "20.12.2026",
            "soon",
            "",
            "2026-12-20T",
        ] {
            assert_eq!(berlin.read(text), None, "{text}");
        }
        assert_eq!(berlin.show(at("2026-12-20T17:00:00Z")), "2026-12-20 18:00 Europe/Berlin");
    }

    #[test]
    fn points_beyond_the_calendar_do_no_harm() {
        let berlin = Zone::named("Europe/Berlin").unwrap();
        for at in [Timestamp(i64::MIN), Timestamp(i64::MAX)] {
            let day = berlin.day_of(at);
            let _ = (berlin.latest(0, at), berlin.instant(day, 1_439), berlin.show(at));
        }
        let _ = (berlin.instant(Day(i32::MAX), 2_000), berlin.instant(Day(i32::MIN), 0));
        assert!(Zone::named("Mars/Olympus").is_none());
    }
}
