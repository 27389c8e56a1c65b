//! Calendar time in the plan's zone.

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::time::{Span, Timestamp};

/// The zone of this name; UTC where it is not known.
pub(super) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

fn zoned(name: &str, at: Timestamp) -> Option<jiff::ZonedDateTime> {
    jiff::Timestamp::from_millisecond(at.0).ok().map(|at| at.to_zoned_datetime(zone(name)))
}

/// `Tue 2026-01-27 09:45 UTC`.
pub fn calendar(zone: &str, at: Timestamp) -> String {
    zoned(zone, at).map_or_else(|| at.to_string(), |at| at.strftime("%a %Y-%m-%d %H:%M %Z").to_string())
}

/// The hour of the day, 0 ..= 23.
pub fn hour_of(zone: &str, at: Timestamp) -> usize {
    zoned(zone, at).map_or(0, |at| usize::from(at.hour().unsigned_abs()))
}

/// The latest time of day (minutes after midnight) in a zone that is not after `now`. A time that the clocks skip is the
/// moment after the gap, one that comes twice is the first.
pub fn latest(zone: &str, minute: u16, now: Timestamp) -> Timestamp {
    nearest(zone, minute, now, -1).unwrap_or(Timestamp(now.0.saturating_sub(86_400_000)))
}

/// The first such time after `now`.
pub fn next(zone: &str, minute: u16, now: Timestamp) -> Timestamp {
    nearest(zone, minute, now, 1).unwrap_or(now + Span::days(1))
}

fn nearest(zone: &str, minute: u16, now: Timestamp, step: i64) -> Option<Timestamp> {
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
    let today = zoned(zone, now)?.date();
    // A day is enough but where the clocks have just been set.
    (-1..=2).find_map(|days| {
        let date = today.checked_add(jiff::Span::new().days(step * days)).ok()?;
        let at = self::zone(zone).to_timestamp(date.to_datetime(time)).ok()?;
        let at = Timestamp(at.as_millisecond());
        let fits = if step < 0 { at <= now } else { at > now };
        fits.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_time_of_day_is_found_across_a_change_of_the_clocks() {
        // Berlin leaves winter time at 2026-03-29 02:00 local.
        let now = at("2026-03-29T07:30:00Z");
        assert_eq!(latest("Europe/Berlin", 9 * 60, now), at("2026-03-29T07:00:00Z"));
        assert_eq!(latest("Europe/Berlin", 17 * 60, now), at("2026-03-28T16:00:00Z"));
        assert_eq!(next("Europe/Berlin", 9 * 60, now), at("2026-03-30T07:00:00Z"));
        // 02:30 is skipped on that day.
        assert_eq!(latest("Europe/Berlin", 150, now), at("2026-03-29T01:30:00Z"));
        assert_eq!(latest("UTC", 450, now), now);
        assert_eq!(next("UTC", 450, now), now + Span::days(1));
        assert_eq!(hour_of("Europe/Berlin", now), 9);
    }
}
