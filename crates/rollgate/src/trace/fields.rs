//! The fields of one line, untyped: read in one pass over the text, then taken out one by one by name.
//!
//! Typed serde structs lose the path of what is wrong and cannot tell a repeated key from an unknown one; this keeps
//! both, borrows every name from the line, and costs one allocation a line.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use rollgate_core::limits::TEXT_BYTES_MAX;
use rollgate_core::time::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::TraceError;

/// Fields of the longest line that the format has, a `decide`.
const FIELDS_USUAL: usize = 8;

/// Largest whole number that every JSON writer has exactly; thousands of them still add up within 64 bits.
const WHOLE_MAX: u64 = 1 << 53;

/// A JSON value as it stands in the line.
#[derive(Debug)]
pub(super) enum Raw<'a> {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Real(f64),
    Text(Cow<'a, str>),
    List(Vec<Raw<'a>>),
    Map(Vec<(Cow<'a, str>, Raw<'a>)>),
}

impl Raw<'_> {
    /// In words, for "expected a number, found …".
    fn describe(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => format!("{value}"),
            Self::Signed(value) => format!("{value}"),
            Self::Unsigned(value) => format!("{value}"),
            Self::Real(value) => format!("{value}"),
            Self::Text(text) if text.len() > 40 => "a long text".into(),
            Self::Text(text) => format!("\"{text}\""),
            Self::List(_) => "a list".into(),
            Self::Map(_) => "an object".into(),
        }
    }

    /// "expected this, found that", at a path.
    pub(super) fn mismatch(&self, path: impl Into<String>, expected: &str) -> TraceError {
        TraceError::new(path, format_args!("expected {expected}, found {}", self.describe()))
    }

    /// A number; JSON has neither NaN nor infinity.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Signed(value) => Some(*value as f64),
            Self::Unsigned(value) => Some(*value as f64),
            Self::Real(value) => Some(*value),
            _ => None,
        }
    }

    /// A whole number of things. `500.0` is whole too: some languages know no other numbers.
    fn count(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) if *value <= WHOLE_MAX => Some(*value),
            Self::Real(value) if value.fract() == 0.0 && (0.0..=WHOLE_MAX as f64).contains(value) => {
                Some(*value as u64)
            }
            _ => None,
        }
    }
}

/// The fields that have not been taken yet.
#[derive(Debug)]
pub(super) struct Fields<'a>(Vec<(Cow<'a, str>, Raw<'a>)>);

impl<'a> Fields<'a> {
    /// Reads a line; refuses what is not one JSON object, or says a thing twice.
    pub(super) fn read(text: &'a str) -> Result<Self, TraceError> {
        let raw = serde_json::from_str::<Raw<'a>>(text).map_err(|error| syntax(&error))?;
        let Raw::Map(fields) = raw else { return Err(raw.mismatch("", "one JSON object a line")) };
        refuse_repeats("", &fields)?;
        Ok(Self(fields))
    }

    /// Whether a field is still there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(listed, _)| listed == name)
    }

    /// Takes a field out.
    pub(super) fn take(&mut self, name: &str) -> Option<Raw<'a>> {
        let at = self.0.iter().position(|(listed, _)| listed == name)?;
        Some(self.0.swap_remove(at).1)
    }

    fn need(&mut self, name: &str, expected: &str) -> Result<Raw<'a>, TraceError> {
        self.take(name).ok_or_else(|| TraceError::new(name, format_args!("missing; expected {expected}")))
    }

    /// A text that need not be there.
    pub(super) fn optional_text(
        &mut self,
        name: &str,
        expected: &str,
    ) -> Result<Option<Cow<'a, str>>, TraceError> {
        match self.take(name) {
            None => Ok(None),
            Some(Raw::Text(text)) if text.len() > TEXT_BYTES_MAX => {
                Err(TraceError::new(name, format_args!("longer than {TEXT_BYTES_MAX} bytes")))
            }
            Some(Raw::Text(text)) => Ok(Some(text)),
            Some(other) => Err(other.mismatch(name, expected)),
        }
    }

    /// A text that must be there, and not empty.
    pub(super) fn text(&mut self, name: &str, expected: &str) -> Result<Cow<'a, str>, TraceError> {
        match self.optional_text(name, expected)? {
            Some(text) if text.trim().is_empty() => {
                Err(TraceError::new(name, format_args!("empty; expected {expected}")))
            }
            Some(text) => Ok(text),
            None => Err(TraceError::new(name, format_args!("missing; expected {expected}"))),
        }
    }

    /// A finite number.
    pub(super) fn number(&mut self, name: &str) -> Result<f64, TraceError> {
        let raw = self.need(name, "a number")?;
        raw.number().ok_or_else(|| raw.mismatch(name, "a number"))
    }

    /// A whole number from 0 to 2^53.
    pub(super) fn count(&mut self, name: &str) -> Result<u64, TraceError> {
        const EXPECTED: &str = "a whole number from 0 to 2^53";
        let raw = self.need(name, EXPECTED)?;
        raw.count().ok_or_else(|| raw.mismatch(name, EXPECTED))
    }

    /// RFC 3339, or whole milliseconds since the Unix epoch.
    pub(super) fn time(&mut self, name: &str) -> Result<Timestamp, TraceError> {
        const EXPECTED: &str =
            "RFC 3339 like \"2026-01-19T10:00:00Z\", or whole milliseconds since the Unix epoch";
        let raw = self.need(name, EXPECTED)?;
        let at = match &raw {
            Raw::Text(text) => Timestamp::parse(text).ok(),
            Raw::Signed(ms) => Some(Timestamp(*ms)),
            other => other.count().and_then(|ms| i64::try_from(ms).ok()).map(Timestamp),
        };
        // A number that no calendar has would come out of the journal as something that is not a time.
        let at = at.filter(|at| jiff::Timestamp::from_millisecond(at.0).is_ok());
        at.ok_or_else(|| raw.mismatch(name, EXPECTED))
    }

    /// A mark that can only be true.
    pub(super) fn mark(&mut self, name: &str) -> Result<(), TraceError> {
        match self.need(name, "true")? {
            Raw::Bool(true) => Ok(()),
            other => Err(other.mismatch(name, "true")),
        }
    }

    /// The line has been read: nothing may be left.
    pub(super) fn finish(self, what: &str, expected: &str) -> Result<(), TraceError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(TraceError::new(
                name.as_ref(),
                format_args!("not a field of a line with {what}; expected at, {expected}"),
            )),
        }
    }
}

/// Refuses a key that stands twice in one object.
pub(super) fn refuse_repeats(path: &str, fields: &[(Cow<'_, str>, Raw<'_>)]) -> Result<(), TraceError> {
    let names = || fields.iter().map(|(name, _)| &**name);
    let repeated = if fields.len() <= 2 * FIELDS_USUAL {
        // Among a few names this is faster than any set.
        names()
            .enumerate()
            .find(|(at, name)| names().take(*at).any(|before| before == *name))
            .map(|(_, name)| name)
    } else {
        let mut seen = HashSet::with_capacity(fields.len());
        names().find(|name| !seen.insert(*name))
    };
    match repeated {
        Some(name) => Err(TraceError::new(format!("{path}{name}"), "there twice; expected every field once")),
        None => Ok(()),
    }
}

fn syntax(error: &serde_json::Error) -> TraceError {
    let text = error.to_string();
    // A line is one line: its number is known to who feeds it, and the reader's own would only confuse.
    let what = text.split(" at line ").next().unwrap_or(&text);
    TraceError::new(
        "",
        format_args!("not JSON: {what} at column {}; expected one JSON object a line", error.column()),
    )
}

/// Text that is borrowed from the line unless it holds escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.into()))
    }
}

impl<'de> Deserialize<'de> for Raw<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Raw<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Raw::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Raw::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Raw::Signed(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Raw::Unsigned(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Raw::Real(value))
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Raw::Text(Cow::Borrowed(text)))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Raw::Text(Cow::Owned(text.into())))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Raw::List(values))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(FIELDS_USUAL);
        while let Some(name) = map.next_key_seed(Name)? {
            fields.push((name, map.next_value()?));
        }
        Ok(Raw::Map(fields))
    }
}
