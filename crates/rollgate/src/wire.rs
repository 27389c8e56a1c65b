//! JSON as the other languages pass it in and take it out: contexts, commands, answers, status.
//!
//! One reader and one writer for C, Node, Python and HTTP, so that they cannot differ.

use std::borrow::Cow;

use rollgate_core::decide::Command;
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::evaluate::{Attribute, Context, Served, Value};
use serde_json::{Map, Value as Json};

use crate::engine::{Engine, RolloutStatus};
use crate::trace::parse_command;

/// The name that OpenFeature gives the targeting key inside a context.
const TARGETING_KEY: &str = "targetingKey";

/// Reads a command as a [trace](crate::trace) writes it, without its `at`: `{"command":"pause","by":"on_call"}`.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] with the path of what is wrong and what was expected.
pub fn command(json: &str) -> Result<Command, Error> {
    parse_command(json)
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, format_args!("command: {error}")))
}

/// A context that owns its attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedContext {
    key: Option<String>,
    attributes: Vec<(String, OwnedAttribute)>,
}

/// An attribute that owns its value.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnedAttribute {
    /// Text.
    Text(String),
    /// A finite number.
    Number(f64),
    /// A yes or no.
    Bool(bool),
    /// Texts.
    List(Vec<String>),
}

impl OwnedContext {
    /// Reads a JSON object of attributes; `targetingKey` in it is the subject's key.
    ///
    /// Texts, numbers, truth values and lists of them are attributes. `null` is no attribute, as if it were not there;
    /// nor are objects, which no condition can name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidContext`] where it is not one JSON object, or its `targetingKey` is no text.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        match serde_json::from_str(json) {
            Ok(Json::Object(fields)) => Self::from_fields(&fields),
            Ok(other) => {
                Err(invalid(format_args!("expected a JSON object of attributes, found {}", kind(&other))))
            }
            Err(error) => Err(invalid(format_args!("{error}; expected a JSON object of attributes"))),
        }
    }

    /// As [`from_json`](Self::from_json), of an object that has been read already.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidContext`] where its `targetingKey` is no text.
    pub fn from_fields(fields: &Map<String, Json>) -> Result<Self, Error> {
        let mut context = Self::default();
        for (name, value) in fields {
            if name == TARGETING_KEY {
                context.key = match value {
                    Json::String(key) => Some(key.clone()),
                    Json::Null => None,
                    other => {
                        return Err(invalid(format_args!(
                            "{TARGETING_KEY}: expected a text, found {}",
                            kind(other)
                        )));
                    }
                };
            } else if let Some(value) = OwnedAttribute::from_json(value) {
                context.push(name, value);
            }
        }
        Ok(context)
    }

    /// Adds an attribute; the first of a name counts.
    pub fn push(&mut self, name: impl Into<String>, value: OwnedAttribute) {
        self.attributes.push((name.into(), value));
    }

    /// The subject's key, where the context has one.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Calls `ask` with the context, borrowed; `key` comes before the context's own.
    pub fn with<T>(&self, key: Option<&[u8]>, ask: impl FnOnce(&Context<'_>) -> T) -> T {
        let lists: Vec<Vec<&str>> = self.attributes.iter().map(|(_, value)| value.texts()).collect();
        let attributes: Vec<(&str, Attribute<'_>)> = self
            .attributes
            .iter()
            .zip(&lists)
            .map(|((name, value), list)| (name.as_str(), value.borrowed(list)))
            .collect();
        let targeting_key = key.or(self.key.as_deref().map(str::as_bytes));
        ask(&Context { targeting_key, attributes: &attributes })
    }
}

impl OwnedAttribute {
    fn from_json(value: &Json) -> Option<Self> {
        match value {
            Json::String(text) => Some(Self::Text(text.clone())),
            Json::Number(number) => number.as_f64().map(Self::Number),
            Json::Bool(value) => Some(Self::Bool(*value)),
            Json::Array(items) => Some(Self::List(items.iter().filter_map(item).collect())),
            Json::Null | Json::Object(_) => None,
        }
    }

    fn texts(&self) -> Vec<&str> {
        match self {
            Self::List(items) => items.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }

    fn borrowed<'a>(&'a self, list: &'a [&'a str]) -> Attribute<'a> {
        match self {
            Self::Text(text) => Attribute::Text(text),
            Self::Number(number) => Attribute::Number(*number),
            Self::Bool(value) => Attribute::Bool(*value),
            Self::List(_) => Attribute::List(list),
        }
    }
}

/// An item of a list, as text: conditions on lists compare texts.
fn item(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// What a flag serves, as JSON: a whole number is written as one, `10` and not `10.0`.
pub fn value(value: Value<'_>) -> Json {
    match value {
        Value::Boolean(value) => value.into(),
        Value::String(text) => text.into(),
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 9e15 => (number as i64).into(),
        Value::Number(number) => number.into(),
        Value::Json(text) => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
    }
}

/// An answer as JSON: `on`, `variant`, `value`, `reason`, `error`, `bucket`, `share`, `version`; `null` where there is none.
pub fn evaluation(flag: &str, served: &Served<'_>) -> Json {
    let evaluation = &served.evaluation;
    let side = evaluation.variant.map(|variant| variant.name());
    let fields = [
        ("flag", Json::from(flag)),
        ("on", evaluation.is_on().into()),
        ("variant", served.variant.map(|variant| variant.key.as_str()).or(side).into()),
        ("value", served.value().map(value).into()),
        ("reason", evaluation.reason.name().into()),
        ("error", evaluation.error.map(|code| code.name()).into()),
        ("bucket", evaluation.bucket.into()),
        ("share", evaluation.share.fraction().into()),
        ("version", evaluation.version.into()),
    ];
    Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A status as JSON text.
///
/// # Errors
/// [`ErrorKind::General`] where it cannot be written, which no status is known to do.
pub fn status(status: &RolloutStatus) -> Result<String, Error> {
    serde_json::to_string(status)
        .map_err(|error| Error::new(ErrorKind::General, format_args!("status: {error}")))
}

impl Engine {
    /// Takes a command as a trace writes it, without its `at`.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where it cannot be read; else as [`command`](Self::command).
    ///
    /// ```
    /// use rollgate::{Engine, read::Format};
    ///
    /// let plan = "{ version: 1, name: quick, flags: { NEW_SEARCH: { share: 25% } } }";
    /// let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
    /// engine.command_json(r#"{"command":"set","shares":{"NEW_SEARCH":1.0},"by":"ann","reason":"all of it"}"#)?;
    /// assert!(engine.is_on("NEW_SEARCH", "user-1"));
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    pub fn command_json(&self, json: &str) -> Result<(), Error> {
        self.command(&command(json)?)
    }
}

fn invalid(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidContext, format_args!("context: {why}"))
}

fn kind(value: &Json) -> Cow<'static, str> {
    match value {
        Json::Null => "null".into(),
        Json::Bool(value) => value.to_string().into(),
        Json::Number(number) => number.to_string().into(),
        Json::String(_) => "a text".into(),
        Json::Array(_) => "a list".into(),
        Json::Object(_) => "an object".into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn context_takes_scalars_and_lists_and_nothing_else() {
        let json = r#"{"targetingKey":"u1","country":"DE","age":41,"beta":true,"teams":["a",7,null],"no":null,"deep":{"a":1}}"#;
        let context = OwnedContext::from_json(json).unwrap();
        context.with(None, |context| {
            assert_eq!(context.targeting_key, Some(&b"u1"[..]));
            assert_eq!(context.attribute("country"), Some(Attribute::Text("DE")));
            assert_eq!(context.attribute("age"), Some(Attribute::Number(41.0)));
            assert_eq!(context.attribute("beta"), Some(Attribute::Bool(true)));
            assert_eq!(context.attribute("teams"), Some(Attribute::List(&["a", "7"])));
            assert_eq!(context.attribute("no"), None);
            assert_eq!(context.attribute("deep"), None);
        });
        context.with(Some(b"u2"), |context| assert_eq!(context.targeting_key, Some(&b"u2"[..])));
    }

    #[test]
    fn what_is_no_context_is_refused_with_what_was_expected() {
        for (json, says) in [
            ("[]", "context: expected a JSON object of attributes, found a list"),
            ("7", "context: expected a JSON object of attributes, found 7"),
            (r#"{"targetingKey":7}"#, "context: targetingKey: expected a text, found 7"),
        ] {
            let error = OwnedContext::from_json(json).unwrap_err();
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::InvalidContext, says));
        }
        assert_eq!(OwnedContext::from_json("{").unwrap_err().kind(), ErrorKind::InvalidContext);
    }

    #[test]
    fn command_needs_no_time_and_says_what_is_missing() {
        assert_eq!(command(r#"{"command":"pause","by":"ann"}"#).unwrap().by.as_str(), "ann");
        let error = command(r#"{"by":"ann"}"#).unwrap_err();
        assert!(error.to_string().starts_with("command: command: missing"), "{error}");
        let error = command(r#"{"at":1,"command":"pause","by":"ann"}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
}
