//! JSON objects that are read key by key: what nobody took is noted.

use serde_json::{Map, Value};

use super::NoteKind;
use super::draft::Draft;

/// Why a part of a file cannot be read, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Bad {
    pub(super) path: String,
    pub(super) why: String,
}

impl Bad {
    pub(super) fn new(path: &str, why: impl Into<String>) -> Self {
        Self { path: path.to_owned(), why: why.into() }
    }
}

/// The place of a key below a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What a value is, for a message.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An object, and which of its keys have been read.
pub(super) struct Fields<'a> {
    map: &'a Map<String, Value>,
    pub(super) path: String,
    read: Vec<&'static str>,
    is_spent: bool,
}

impl<'a> Fields<'a> {
    /// Reads an object.
    pub(super) fn of(value: &'a Value, path: &str) -> Result<Self, Bad> {
        match value.as_object() {
            Some(map) => Ok(Self { map, path: path.to_owned(), read: Vec::new(), is_spent: false }),
            None => Err(Bad::new(path, format!("expected an object, found {}", kind(value)))),
        }
    }

    /// The place of one of its keys.
    pub(super) fn at(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The value of a key; null is as if it were not there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.read.push(key);
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Whether a key is there, null or not; it counts as read.
    pub(super) fn has(&mut self, key: &'static str) -> bool {
        self.read.push(key);
        self.map.contains_key(key)
    }

    fn typed<T>(
        &mut self,
        key: &'static str,
        what: &str,
        of: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Bad> {
        let Some(value) = self.take(key) else { return Ok(None) };
        let wrong = || Bad::new(&self.at(key), format!("expected {what}, found {}", kind(value)));
        of(value).map(Some).ok_or_else(wrong)
    }

    /// A text.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, Bad> {
        self.typed(key, "a text", Value::as_str)
    }

    /// A text that must be there.
    pub(super) fn must(&mut self, key: &'static str) -> Result<&'a str, Bad> {
        self.text(key)?.ok_or_else(|| Bad::new(&self.at(key), "it is missing"))
    }

    /// Yes or no; no unless written.
    pub(super) fn is(&mut self, key: &'static str) -> Result<bool, Bad> {
        Ok(self.typed(key, "true or false", Value::as_bool)?.unwrap_or(false))
    }

    /// A number.
    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<f64>, Bad> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A whole number that is not below zero.
    pub(super) fn whole(&mut self, key: &'static str) -> Result<Option<u64>, Bad> {
        self.typed(key, "a whole number that is not negative", |value| match value.as_f64() {
            Some(number) if number >= 0.0 && number.fract() == 0.0 && number <= 9e15 => Some(number as u64),
            _ => None,
        })
    }

    /// A list; empty unless written.
    pub(super) fn list(&mut self, key: &'static str) -> Result<&'a [Value], Bad> {
        Ok(self.typed(key, "a list", Value::as_array)?.map_or(&[], Vec::as_slice))
    }

    /// A list of texts; empty unless written.
    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<String>, Bad> {
        let at = self.at(key);
        let texts = self.list(key)?.iter().map(|value| match value {
            Value::String(text) => Ok(text.clone()),
            other => Err(Bad::new(&at, format!("expected texts, found {}", kind(other)))),
        });
        texts.collect()
    }

    /// All its keys.
    pub(super) fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// The same object with every key counted as read.
    pub(super) fn spent(mut self) -> Self {
        self.is_spent = true;
        self
    }

    /// Reads keys that no evaluation needs, and says which of them have something in them.
    pub(super) fn leave(&mut self, keys: &[&'static str]) -> Vec<&'static str> {
        let is_said = |key: &&&'static str| match self.map.get(**key) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(Value::Object(entries)) => !entries.is_empty(),
            Some(_) => true,
        };
        let found = keys.iter().filter(is_said).copied().collect();
        self.read.extend(keys);
        found
    }

    /// Notes what was left, and every key that nobody knows.
    pub(super) fn close(self, draft: &mut Draft, left: &[&'static str]) {
        if !left.is_empty() {
            let what = format!("{}: a plan has no place for it, and no evaluation reads it", left.join(", "));
            draft.note(NoteKind::LeftOut, &self.path, what);
        }
        for (key, value) in self.map {
            if !self.is_spent && !self.read.contains(&key.as_str()) && !value.is_null() {
                let what = "this key is not known here; whatever it does is not done";
                draft.note(NoteKind::NotExpressed, &self.at(key), what);
            }
        }
    }
}
