//! Points and spans of time, as data. Nothing here asks what time it is.

use std::fmt;
use std::ops::{Add, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

mod zone;

pub use zone::{Day, Moment, Zone, minute_of_day};

/// Milliseconds since the Unix epoch, UTC.
///
/// Serialized as RFC 3339 with milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// A length of time in milliseconds; never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

/// The two times of one instant.
///
/// `wall` is what a calendar says; it labels records. `observed` runs at the same speed but never jumps:
/// windows and waits are counted on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The calendar's time.
    pub wall: Timestamp,
    /// The time that does not jump.
    pub observed: Timestamp,
}

impl Now {
    /// Both times the same, as on a clock that was never set.
    pub const fn same(at: Timestamp) -> Self {
        Self { wall: at, observed: at }
    }

    /// A label of the calendar for a point of observed time, as seen from now.
    pub const fn wall_of(&self, observed: Timestamp) -> Timestamp {
        Timestamp(observed.0.saturating_add(self.wall.0.saturating_sub(self.observed.0)))
    }
}

impl Timestamp {
    /// The smallest one, before everything.
    pub const MIN: Self = Self(i64::MIN);

    /// The span from `earlier` to here; zero where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        let ms = self.0.saturating_sub(earlier.0);
        Span(if ms < 0 { 0 } else { ms as u64 })
    }

    /// The start of the slot of length `slot` on the epoch grid that holds this point.
    pub const fn floor(self, slot: Span) -> Self {
        Self(self.0.saturating_sub(self.0.rem_euclid(slot.0 as i64)))
    }

    /// The first grid point after this one.
    pub const fn next(self, slot: Span) -> Self {
        Self(self.floor(slot).0.saturating_add(slot.0 as i64))
    }

    /// Reads RFC 3339 with an offset or `Z`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the text is not RFC 3339.
    pub fn parse(text: &str) -> Result<Self, Error> {
        text.parse::<jiff::Timestamp>().map(|at| Self(at.as_millisecond())).map_err(|_| {
            Error::new(
                ErrorKind::InvalidArgument,
                format_args!("`{text}` is not a time; write RFC 3339, for example 2026-01-19T10:00:00Z"),
            )
        })
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-01-19T10:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add_unsigned(span.0))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub_unsigned(span.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// `n` seconds.
    pub const fn seconds(n: u64) -> Self {
        Self(n.saturating_mul(1_000))
    }
    /// `n` minutes.
    pub const fn minutes(n: u64) -> Self {
        Self::seconds(n.saturating_mul(60))
    }
    /// `n` hours.
    pub const fn hours(n: u64) -> Self {
        Self::minutes(n.saturating_mul(60))
    }
    /// `n` days of 24 hours.
    pub const fn days(n: u64) -> Self {
        Self::hours(n.saturating_mul(24))
    }

    /// The length in days, with its fraction.
    pub fn as_days(self) -> f64 {
        self.0 as f64 / 86_400_000.0
    }

    /// Reads `30m`, `7d`, `1h30m`, `PT30M`; a unit is required, days have 24 hours.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for a bare number, a negative length, months and years (they have no
    /// fixed length), or anything longer than [`crate::limits::SPAN_MAX_MS`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Err(Error::new(
                ErrorKind::InvalidArgument,
                format_args!(
                    "`{text}` {why}; write a length of time with its unit, for example 30m, 7d, 1h30m"
                ),
            ))
        };
        let trimmed = text.trim();
        if !trimmed.is_empty() && trimmed.chars().all(|c| c.is_ascii_digit() || c == '.') {
            return refuse("has no unit");
        }
        let Ok(span) = trimmed.parse::<jiff::Span>() else { return refuse("is not a length of time") };
        if span.get_years() != 0 || span.get_months() != 0 {
            return refuse("has months or years, which have no fixed length");
        }
        let Ok(exact) = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()) else {
            return refuse("is not a length of time");
        };
        if exact.is_negative() {
            return refuse("is negative");
        }
        match u64::try_from(exact.as_millis()) {
            Ok(ms) if ms <= crate::limits::SPAN_MAX_MS => Ok(Self(ms)),
            _ => refuse("is longer than ten years"),
        }
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// As a person writes it: `10m10s`, `7d`, `1h30m`, `250ms`, `0s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= ms {
                write!(f, "{}{unit}", rest / ms)?;
                rest %= ms;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_what_they_write() {
        for text in ["10m10s", "7d", "1h30m", "250ms", "48h"] {
            let span = Span::parse(text).unwrap();
            assert_eq!(Span::parse(&span.to_string()).unwrap(), span, "{text}");
        }
        assert_eq!(Span::parse("PT30M").unwrap(), Span::minutes(30));
        assert_eq!(Span::parse("1w").unwrap(), Span::days(7));
    }

    #[test]
    fn spans_without_a_fixed_length_are_refused() {
        for text in ["30", "", "-5m", "1mo", "1y", "P1M", "soon", "9999999d"] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps_print_milliseconds() {
        let at = Timestamp::parse("2026-01-19T10:00:00Z").unwrap();
        assert_eq!(at.to_string(), "2026-01-19T10:00:00.000Z");
        assert_eq!(at.floor(Span::hours(1)), at);
        assert_eq!(Timestamp(-1).floor(Span(10)), Timestamp(-10));
    }
}
