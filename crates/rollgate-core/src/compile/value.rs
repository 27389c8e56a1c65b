//! Scalars: texts, numbers, spans, shares, quantities with units.

use super::reader::{Item, Reader};
use crate::config::{Scalar, Value};
use crate::limits::TEXT_BYTES_MAX;
use crate::time::Span;
use crate::units::{Share, Unit};

/// How a length of time is written.
const LENGTH: &str = "write a length of time with its unit, for example 30m, 7d, 1h30m";

/// Whether a text is a word where a number is asked for (R104): sustained, reasonable, soon.
fn is_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(|c| c.is_ascii_digit())
}

/// What a word in the place of a number leaves open.
fn no_number(word: &str) -> String {
    format!("`{word}` says no number, and everybody would read another one into it")
}

impl Reader {
    /// Any scalar as it is written.
    pub(super) fn raw<'a>(&mut self, item: &Item<'a>, what: &str) -> Option<&'a str> {
        match &item.node.value {
            Value::Scalar(Scalar::Text(text) | Scalar::Number(text)) if text.len() <= TEXT_BYTES_MAX => {
                Some(text)
            }
            Value::Scalar(Scalar::Bool(true)) => Some("true"),
            Value::Scalar(Scalar::Bool(false)) => Some("false"),
            _ => {
                self.expected(item, what);
                None
            }
        }
    }

    /// A text.
    pub(super) fn text(&mut self, item: &Item<'_>) -> Option<String> {
        self.raw(item, "a text").map(str::to_owned)
    }

    /// A text that may be left out.
    pub(super) fn opt_text(&mut self, item: Option<Item<'_>>) -> String {
        item.and_then(|item| self.text(&item)).unwrap_or_default()
    }

    /// A yes or no.
    pub(super) fn flag(&mut self, item: &Item<'_>) -> Option<bool> {
        match &item.node.value {
            Value::Scalar(Scalar::Bool(value)) => Some(*value),
            _ => {
                self.expected(item, "true or false");
                None
            }
        }
    }

    /// One of several words.
    pub(super) fn word<T: Copy>(&mut self, item: &Item<'_>, words: &[(&'static str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let what = names.join(", ");
        let text = self.raw(item, &format!("one of {what}"))?;
        let found = words.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let message = format!("`{text}` is none of {what}");
            match super::problem::nearest(text, names) {
                Some(near) => self.error_help(
                    "wrong-value",
                    &item.path,
                    item.at(),
                    message,
                    format_args!("did you mean `{near}`?"),
                ),
                None => self.error_help(
                    "wrong-value",
                    &item.path,
                    item.at(),
                    message,
                    format_args!("write one of {what}"),
                ),
            }
        }
        found
    }

    /// A length of time above zero, or of zero where `least` allows it.
    pub(super) fn span(&mut self, item: &Item<'_>, least: Span) -> Option<Span> {
        let text = self.raw(item, "a length of time such as 30m or 7d")?;
        match Span::parse(text) {
            Ok(span) if span >= least => Some(span),
            Ok(_) => {
                self.error_help(
                    "out-of-range",
                    &item.path,
                    item.at(),
                    format_args!("`{text}` is too short"),
                    format_args!("at least {least} is needed"),
                );
                None
            }
            Err(error) => {
                let error = error.to_string();
                let (message, help) = error.split_once("; ").unwrap_or((&error, LENGTH));
                match is_word(text) {
                    true => self.error_help("wrong-duration", &item.path, item.at(), no_number(text), LENGTH),
                    false => self.error_help("wrong-duration", &item.path, item.at(), message, help),
                }
                None
            }
        }
    }

    /// A share.
    pub(super) fn share(&mut self, item: &Item<'_>) -> Option<Share> {
        let text = self.raw(item, "a share such as 10% or 0.1")?;
        match Share::parse(text) {
            Ok(share) => Some(share),
            Err(error) => {
                let help = "write a percentage such as 10%, or a fraction such as 0.1";
                self.error_help("wrong-share", &item.path, item.at(), error, help);
                None
            }
        }
    }

    /// A whole number, not below `least`.
    pub(super) fn whole(&mut self, item: &Item<'_>, least: u64) -> Option<u64> {
        let text = self.raw(item, "a whole number")?;
        match text.parse::<u64>() {
            Ok(number) if number >= least => Some(number),
            _ => {
                let message = format!("`{text}` is not a whole number from {least} up");
                let message = if is_word(text) { no_number(text) } else { message };
                let help = format!("write a whole number, {least} or more");
                self.error_help("wrong-number", &item.path, item.at(), message, help);
                None
            }
        }
    }

    /// A part of one: `10%` or `0.1`; below or at one.
    pub(super) fn part(&mut self, item: &Item<'_>) -> Option<f64> {
        let text = self.raw(item, "a percentage such as 10%")?;
        let number = match text.strip_suffix('%') {
            Some(digits) => digits.trim_end().parse::<f64>().map(|percent| percent / 100.0),
            None => text.parse::<f64>(),
        };
        match number {
            // `1` may mean 1 % or 100 %, as with shares.
            Ok(_) if text == "1" => {
                self.error_help(
                    "wrong-number",
                    &item.path,
                    item.at(),
                    "`1` is not a part: it may be all, or one hundredth",
                    "did you mean `100%` or `1%`?",
                );
                None
            }
            Ok(part) if (0.0..=1.0).contains(&part) => Some(part),
            _ => {
                self.error_help(
                    "wrong-number",
                    &item.path,
                    item.at(),
                    if is_word(text) { no_number(text) } else { format!("`{text}` is not a part") },
                    "write a percentage from 0% to 100%",
                );
                None
            }
        }
    }

    /// A number and its unit, where one is written.
    pub(super) fn quantity(&mut self, item: &Item<'_>) -> Option<(f64, Option<Unit>)> {
        let text = self.raw(item, "a number with its unit")?.trim();
        let end =
            text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
        let (digits, symbol) = text.split_at(end);
        let Some(number) = digits.parse::<f64>().ok().filter(|number| number.is_finite()) else {
            self.error_help(
                "wrong-number",
                &item.path,
                item.at(),
                if is_word(text) { no_number(text) } else { format!("`{text}` is not a number with a unit") },
                "write for example 200ms, 0.5%, 1GB, 5",
            );
            return None;
        };
        let symbol = symbol.trim();
        if symbol.is_empty() {
            return Some((number, None));
        }
        match Unit::of_symbol(symbol) {
            Some(unit) => Some((number, Some(unit))),
            None => {
                let units: Vec<&str> = Unit::ALL.iter().map(|unit| unit.symbol()).collect();
                self.error_help(
                    "unknown-unit",
                    &item.path,
                    item.at(),
                    format_args!("`{symbol}` is no unit"),
                    format_args!("units are {}", units.join(", ")),
                );
                None
            }
        }
    }
}
