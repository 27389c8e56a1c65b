//! Shares in parts per million, and the units that thresholds and metrics carry.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{Error, ErrorKind};

/// The part of all subjects that get `on`, in parts per million: 0 ..= 1 000 000.
///
/// Serialized as a fraction (`0.1`), shown as a percentage (`10%`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Share(u32);

impl Share {
    /// Nobody.
    pub const ZERO: Self = Self(0);
    /// Everybody.
    pub const FULL: Self = Self(1_000_000);

    /// A share of `ppm` parts per million; `None` above 1 000 000.
    pub const fn from_ppm(ppm: u32) -> Option<Self> {
        if ppm <= 1_000_000 { Some(Self(ppm)) } else { None }
    }

    /// Parts per million.
    pub const fn ppm(self) -> u32 {
        self.0
    }

    /// A part of one: 0.0 ..= 1.0.
    pub fn fraction(self) -> f64 {
        f64::from(self.0) / 1e6
    }

    /// What a bucket must be below: 0 for nobody, 2^32 for everybody (SEMANTICS 1.3).
    pub const fn threshold(self) -> u64 {
        ((self.0 as u64) << 32) / 1_000_000
    }

    /// A share from a number as programs send it: `0.1`, where `1` is everybody.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for NaN, infinite, below 0, above 1, or finer than one part per million.
    pub fn from_fraction(fraction: f64) -> Result<Self, Error> {
        let refuse = |why: &str| {
            Err(Error::new(
                ErrorKind::InvalidArgument,
                format_args!(
                    "{fraction} is not a share: {why}; expected a number from 0 to 1, for example 0.1"
                ),
            ))
        };
        if !fraction.is_finite() {
            return refuse("it is not finite");
        }
        if !(0.0..=1.0).contains(&fraction) {
            return refuse("it is outside 0 ..= 1");
        }
        let ppm = fraction * 1e6;
        let whole = ppm.round();
        // One part per million in a double is exact to 1e-10; a thousandth of it is far above the noise.
        if (ppm - whole).abs() > 1e-3 {
            return refuse("it is finer than 0.0001 %");
        }
        Ok(Self(whole as u32))
    }

    /// A share as a person writes it: `10%`, `0.25%`, `0.10`, `0`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] with a hint; the bare integer `1` is refused, since it may mean 1 % or 100 %.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |why: fmt::Arguments<'_>| {
            Err(Error::new(ErrorKind::InvalidArgument, format_args!("`{text}` is not a share: {why}")))
        };
        let trimmed = text.trim();
        let (digits, scale) = match trimmed.strip_suffix('%') {
            Some(digits) => (digits.trim_end(), 10_000.0),
            None => (trimmed, 1_000_000.0),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let Some(number) = digits.parse::<f64>().ok().filter(|_| plain) else {
            return refuse(format_args!("expected a percentage like 10% or a fraction like 0.10"));
        };
        let percent = scale == 10_000.0;
        if !percent && digits.bytes().all(|b| b.is_ascii_digit()) && number != 0.0 {
            let written = digits.trim_start_matches('0');
            return if number == 1.0 {
                refuse(format_args!("did you mean `100%` or `1%`?"))
            } else {
                refuse(format_args!("did you mean `{written}%`?"))
            };
        }
        let ppm = number * scale;
        if ppm > 1_000_000.0 {
            return refuse(format_args!("it is above 100%"));
        }
        let whole = ppm.round();
        if (ppm - whole).abs() > 1e-3 {
            return refuse(format_args!("it is finer than 0.0001%"));
        }
        Ok(Self(whole as u32))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", f64::from(self.0) / 1e4))
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.fraction())
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_fraction(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// What a unit measures; two units of one dimension convert into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Time: `us ms s`.
    Time,
    /// A part of a whole: `%`, and `pp` for differences of it.
    Part,
    /// Size: `B KB MB GB KiB MiB GiB`.
    Size,
    /// A bare number of things.
    Count,
    /// A rating or a score.
    Points,
    /// Things by time: `/min /h /day`.
    Rate,
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "a time (us, ms, s)",
            Self::Part => "a percentage (%)",
            Self::Size => "a size (B, KB, MB, GB, KiB, MiB, GiB)",
            Self::Count => "a count",
            Self::Points => "points",
            Self::Rate => "a rate (/min, /h, /day)",
        })
    }
}

/// The unit of a metric or a threshold (SEMANTICS 3.2). MB is 10^6 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the units.
pub enum Unit {
    Us,
    Ms,
    S,
    Percent,
    Pp,
    B,
    KB,
    MB,
    GB,
    KiB,
    MiB,
    GiB,
    Count,
    Points,
    PerMinute,
    PerHour,
    PerDay,
}

impl Unit {
    /// Every unit, in the order of the documentation.
    pub const ALL: [Self; 17] = [
        Self::Us,
        Self::Ms,
        Self::S,
        Self::Percent,
        Self::Pp,
        Self::B,
        Self::KB,
        Self::MB,
        Self::GB,
        Self::KiB,
        Self::MiB,
        Self::GiB,
        Self::Count,
        Self::Points,
        Self::PerMinute,
        Self::PerHour,
        Self::PerDay,
    ];

    /// As it is written.
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
            Self::Percent => "%",
            Self::Pp => "pp",
            Self::B => "B",
            Self::KB => "KB",
            Self::MB => "MB",
            Self::GB => "GB",
            Self::KiB => "KiB",
            Self::MiB => "MiB",
            Self::GiB => "GiB",
            Self::Count => "count",
            Self::Points => "points",
            Self::PerMinute => "/min",
            Self::PerHour => "/h",
            Self::PerDay => "/day",
        }
    }

    /// The unit of this symbol.
    pub fn of_symbol(symbol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.symbol() == symbol)
    }

    /// What it measures.
    pub const fn dimension(self) -> Dimension {
        match self {
            Self::Us | Self::Ms | Self::S => Dimension::Time,
            Self::Percent | Self::Pp => Dimension::Part,
            Self::B | Self::KB | Self::MB | Self::GB | Self::KiB | Self::MiB | Self::GiB => Dimension::Size,
            Self::Count => Dimension::Count,
            Self::Points => Dimension::Points,
            Self::PerMinute | Self::PerHour | Self::PerDay => Dimension::Rate,
        }
    }

    /// How many of the smallest unit of its dimension one of it is (microseconds, bytes, things a day).
    pub const fn factor(self) -> f64 {
        match self {
            Self::Us | Self::B | Self::Percent | Self::Pp | Self::Count | Self::Points | Self::PerDay => 1.0,
            Self::Ms | Self::KB => 1e3,
            Self::S | Self::MB => 1e6,
            Self::GB => 1e9,
            Self::KiB => 1_024.0,
            Self::MiB => 1_048_576.0,
            Self::GiB => 1_073_741_824.0,
            Self::PerHour => 24.0,
            Self::PerMinute => 1_440.0,
        }
    }

    /// `value` of this unit, in `other`; `None` where they measure different things.
    pub fn convert(self, value: f64, other: Self) -> Option<f64> {
        (self.dimension() == other.dimension()).then(|| value * self.factor() / other.factor())
    }
}

/// A number with its unit, as people read it: `612 ms`, `0.5%`, `3`, `34 points`, `2.5/min`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantity {
    /// The number, in `unit`.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
}

/// Digits behind the point beyond which two numbers are the same to people.
const DIGITS_MAX: usize = 15;

impl Quantity {
    /// Four significant digits tell a limit from a value; more is noise at 3 a.m.
    fn digits(self) -> usize {
        match self.value {
            value if value == 0.0 || !value.is_finite() => 0,
            value => (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize,
        }
    }

    fn with_digits(self, digits: usize) -> String {
        let mut text = format!("{:.digits$}", self.value);
        if text.contains('.') {
            text.truncate(text.trim_end_matches('0').trim_end_matches('.').len());
        }
        if text == "-0" {
            text = "0".into();
        }
        match self.unit {
            Unit::Count => text,
            Unit::Percent | Unit::PerMinute | Unit::PerHour | Unit::PerDay => text + self.unit.symbol(),
            unit => format!("{text} {}", unit.symbol()),
        }
    }

    /// In words, with as many digits as it takes to tell it from `other`: 1000.5 MB is not above "1000 MB".
    pub fn told_from(self, other: Self) -> String {
        let short = self.to_string();
        if self.value == other.value || short != other.to_string() {
            return short;
        }
        let is_told = |digits: &usize| self.with_digits(*digits) != other.with_digits(*digits);
        (self.digits()..=DIGITS_MAX).find(is_told).map_or(short, |digits| self.with_digits(digits))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.with_digits(self.digits()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        for (text, ppm) in [
            ("10%", 100_000),
            ("0.25%", 2_500),
            ("0.10", 100_000),
            ("0", 0),
            ("100%", 1_000_000),
            ("0.0001%", 1),
            ("1.0", 1_000_000),
        ] {
            assert_eq!(Share::parse(text).unwrap().ppm(), ppm, "{text}");
        }
        for text in ["1", "10", "101%", "1.5", "-1%", "NaN", "inf", "0.00001%", "", "%", "1e-1"] {
            assert!(Share::parse(text).is_err(), "{text}");
        }
        assert!(Share::parse("1").unwrap_err().to_string().contains("`100%` or `1%`"));
    }

    #[test]
    fn thresholds_cover_the_ends() {
        assert_eq!(Share::ZERO.threshold(), 0);
        assert_eq!(Share::FULL.threshold(), 1 << 32);
        assert_eq!(Share::from_fraction(1.0).unwrap(), Share::FULL);
        assert!(Share::from_fraction(1e-7).is_err());
    }

    #[test]
    fn units_convert_exactly_where_people_write_whole_numbers() {
        assert_eq!(Unit::GB.convert(1.0, Unit::MB), Some(1_000.0));
        assert_eq!(Unit::S.convert(1.0, Unit::Ms), Some(1_000.0));
        assert_eq!(Unit::Ms.convert(1.0, Unit::MB), None);
        assert_eq!(Unit::PerHour.convert(60.0, Unit::PerMinute), Some(1.0));
    }

    #[test]
    fn quantities_are_short() {
        let show = |value, unit| Quantity { value, unit }.to_string();
        assert_eq!(show(612.0, Unit::Ms), "612 ms");
        assert_eq!(show(0.5, Unit::Percent), "0.5%");
        assert_eq!(show(3.0, Unit::Count), "3");
        assert_eq!(show(184.234, Unit::Ms), "184.2 ms");
        assert_eq!(show(0.0123456, Unit::Percent), "0.01235%");
    }

    #[test]
    fn a_value_shows_the_digits_that_tell_it_from_its_limit() {
        let told = |value, limit| {
            let of = |value| Quantity { value, unit: Unit::MB };
            of(value).told_from(of(limit))
        };
        assert_eq!(told(1_000.5, 1_000.0), "1000.5 MB");
        assert_eq!(told(999.999_6, 1_000.0), "999.9996 MB");
        assert_eq!(told(1_000.0, 1_000.0), "1000 MB");
        assert_eq!(told(1_234.56, 1_000.0), "1235 MB");
        assert_eq!(told(0.099_999_999, 0.1), "0.099999999 MB");
        assert_eq!(told(0.1, 0.099_999_999), "0.1 MB");
    }
}
