//! Scalars as people write them: text of a form. Compiling reads them; nothing is checked here.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::time::Span;
use crate::units::{Share, Unit};

/// A length of time: the words that [`Span::parse`] knows, and ISO 8601 without months and years.
#[cfg(feature = "schema")]
macro_rules! span {
    () => {
        r"(?:[0-9]+(?:\.[0-9]+)? ?(?:weeks?|wks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|millis|msecs?|ms)[ ,]*)+|[Pp](?:[0-9]+[Ww])?(?:[0-9]+[Dd])?(?:[Tt](?:[0-9]+[Hh])?(?:[0-9]+[Mm])?(?:[0-9.]+[Ss])?)?"
    };
}

#[cfg(any(feature = "schema", test))]
macro_rules! units {
    () => {
        "us|ms|s|%|pp|B|KB|MB|GB|KiB|MiB|GiB|count|points|/min|/h|/day"
    };
}

macro_rules! written {
    ($($(#[doc = $doc:literal])* $name:ident: $number:tt, $pattern:expr;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        pub struct $name(String);

        impl $name {
            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Scalar).map(Self)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_start_matches("Written").into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let text = schemars::json_schema!({ "type": "string", "pattern": $pattern });
                let description = concat!($($doc),*).trim();
                written!(@schema $number, text, description)
            }
        }
    )*};
    (@schema text, $text:ident, $description:ident) => {{
        let mut text = $text;
        text.insert("description".into(), $description.into());
        text
    }};
    (@schema $number:tt, $text:ident, $description:ident) => {
        schemars::json_schema!({
            "description": $description,
            "anyOf": [$text, written!(@number $number)],
        })
    };
    (@number number) => { schemars::json_schema!({ "type": "number" }) };
    (@number part) => { schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 1 }) };
}

written! {
    /// A length of time with its unit: `30m`, `7d`, `1h30m`, `PT30M`. Days have 24 hours; months and years have no fixed length.
    WrittenSpan: text, concat!("^(?:", span!(), ")$");
    /// A length of time, or `open`: until its gates pass and somebody decides.
    WrittenDuration: text, concat!("^(?:open|", span!(), ")$");
    /// How far a measurement looks back: a length of time, or `phase`: since the phase began or was last extended.
    WrittenWindow: text, concat!("^(?:phase|", span!(), ")$");
    /// A date, or a time before the phase ends.
    WrittenDue: text, concat!("^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|", span!(), ")$");
    /// A date, or a length of time after completion: `2026-04-01`, `4w`.
    WrittenHorizon: text, concat!("^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|", span!(), ")$");
    /// The part of all subjects: `10%`, `0.25%`, `0.10`. A bare `1` is refused: write `100%` or `1%`.
    WrittenShare: part, r"^(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *%|[01]?\.[0-9]+|0)$";
    /// A range of buckets, its beginning with and its end left out: `50%-75%`.
    WrittenRange: text, r"^[0-9]+(?:\.[0-9]*)? *% *- *[0-9]+(?:\.[0-9]*)? *%$";
    /// A part of a whole: `10%` or `0.1`.
    WrittenPart: part, r"^(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *%?$";
    /// A number with its unit: `200ms`, `0.5%`, `0.1pp`, `1GB`, `-10 points`. Bare for counts, points and rates of events.
    WrittenLimit: number, concat!(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *(?:", units!(), ")?$");
    /// Requests by time: `20/s`, `5/min`, `100/h`, `3/day`.
    WrittenRate: text, r"^[0-9]+(?:\.[0-9]+)? */ *(?:s|min|h|day)$";
    /// A statistic. Distributions have `p50` .. `p99.9`, `mean`, `min`, `max`, `count`, `per_minute`; ratios `ratio`, `count`; gauges `last`, `mean`, `min`, `max`, `growth_per_day`; events `count`, `per_minute`, `per_hour`, `per_day`; scores `nps`, `count`.
    WrittenStat: text, r"^(?:p[0-9]{1,2}(?:\.[0-9]+)?|mean|min|max|count|ratio|last|growth_per_day|per_minute|per_hour|per_day|nps)$";
    /// The unit that values are recorded in.
    WrittenUnit: text, concat!("^(?:", units!(), ")$");
    /// A day: `2026-01-13`.
    WrittenDate: text, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$";
    /// A day, or a time of one in the plan's zone: `2026-12-20`, `2026-12-20T18:00`.
    WrittenMoment: text, r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?$";
    /// A time of day in the plan's zone: `09:00`.
    WrittenTime: text, r"^(?:[01]?[0-9]|2[0-3]):[0-5][0-9]$";
}

impl WrittenSpan {
    /// A compiled span, as it is written.
    pub fn of(span: Span) -> Self {
        Self(span.to_string())
    }
}

impl WrittenShare {
    /// A compiled share, as it is written.
    pub fn of(share: Share) -> Self {
        Self(share.to_string())
    }
}

impl WrittenUnit {
    /// A unit, as it is written.
    pub fn of(unit: Unit) -> Self {
        Self(unit.symbol().to_owned())
    }
}

/// A number as a plan file would have it: a whole double keeps its `.0`, since the share `1.0` is not the share `1`.
pub(super) fn float(value: f64) -> String {
    if value.is_finite() && value.fract() == 0.0 { format!("{value:.1}") } else { value.to_string() }
}

/// Text, or a number as text.
struct Scalar;

impl Visitor<'_> for Scalar {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }
    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<String, E> {
        Ok(float(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_they_would_be_written() {
        let read = |json: &str| serde_json::from_str::<WrittenShare>(json).unwrap().to_string();
        assert_eq!(read("\"10%\""), "10%");
        assert_eq!(
            (read("0.1"), read("1.0"), read("1"), read("-2")),
            ("0.1".into(), "1.0".into(), "1".into(), "-2".into())
        );
        assert!(serde_json::from_str::<WrittenShare>("true").is_err());
    }

    #[test]
    fn compiled_values_are_written_so_that_they_are_read_back() {
        let share = Share::from_ppm(1).unwrap();
        assert_eq!(Share::parse(WrittenShare::of(share).as_str()).unwrap(), share);
        assert_eq!(Span::parse(WrittenSpan::of(Span::minutes(90)).as_str()).unwrap(), Span::minutes(90));
        for unit in Unit::ALL {
            assert_eq!(Unit::of_symbol(WrittenUnit::of(unit).as_str()), Some(unit));
            assert!(
                concat!("|", units!(), "|").contains(&format!("|{}|", unit.symbol())),
                "{}",
                unit.symbol()
            );
        }
    }
}
