//! The tree as a source of the serde types.
//!
//! Scalars keep their text: `0.10` is read as it is written, and a name that looks like a number is a name.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::json::{ONE_OR_MANY, TYPED};
use super::tree::{Node, Scalar, Value};

/// A value that has no form as a tree, or a tree that has not the form of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TreeError(pub(super) String);

impl de::Error for TreeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl Node {
    /// The text of a scalar, however it is written.
    fn words(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Scalar::Text(text) | Scalar::Number(text)) => Some(text),
            Value::Scalar(Scalar::Bool(true)) => Some("true"),
            Value::Scalar(Scalar::Bool(false)) => Some("false"),
            _ => None,
        }
    }

    fn wrong<T>(&self, what: &str) -> Result<T, TreeError> {
        Err(TreeError(format!("expected {what}, found {}", self.describe())))
    }
}

type Entries<'de> = MapDeserializer<'de, std::vec::IntoIter<(&'de str, &'de Node)>, TreeError>;

fn entries<'de>(entries: &'de [(String, super::Location, Node)]) -> Entries<'de> {
    let pairs: Vec<(&str, &Node)> = entries.iter().map(|(key, _, node)| (key.as_str(), node)).collect();
    MapDeserializer::new(pairs.into_iter())
}

impl<'de> IntoDeserializer<'de, TreeError> for &'de Node {
    type Deserializer = Self;
    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! whole {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
            match self.words().and_then(|text| text.parse::<u64>().ok()) {
                Some(number) => visitor.visit_u64(number),
                None => self.wrong("a whole number"),
            }
        }
    )*};
}

macro_rules! text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
            match self.words() {
                Some(text) => visitor.visit_borrowed_str(text),
                None => self.wrong("a text"),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match &self.value {
            Value::Scalar(Scalar::Null) => visitor.visit_unit(),
            Value::Scalar(Scalar::Bool(value)) => visitor.visit_bool(*value),
            Value::Scalar(Scalar::Number(text) | Scalar::Text(text)) => visitor.visit_borrowed_str(text),
            Value::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Value::Map(inner) => visitor.visit_map(entries(inner)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.value {
            Value::Scalar(Scalar::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    whole! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    text! { deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self.words().and_then(|text| text.parse::<f64>().ok()) {
            Some(number) => visitor.visit_f64(number),
            None => self.wrong("a number"),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match (name, &self.value) {
            (TYPED, _) => visitor.visit_newtype_struct(Typed(self)),
            (ONE_OR_MANY, Value::List(items)) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            (ONE_OR_MANY, _) => visitor.visit_some(self),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match &self.value {
            // `on_call:` with nothing behind it is an empty map to everybody who reads it.
            Value::Scalar(Scalar::Null) => visitor.visit_map(entries(&[])),
            Value::Map(inner) => visitor.visit_map(entries(inner)),
            _ => self.wrong("a map"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match (&self.value, self.words()) {
            (Value::Map(inner), _) => visitor.visit_enum(MapAccessDeserializer::new(entries(inner))),
            (_, Some(text)) => visitor.visit_enum(text.into_deserializer()),
            _ => self.wrong("a word"),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u128 f32 char bytes byte_buf unit unit_struct seq tuple tuple_struct ignored_any
    }
}

/// A node whose numbers are numbers, for values of any type.
struct Typed<'de>(&'de Node);

impl<'de> Deserializer<'de> for Typed<'de> {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        let Value::Scalar(Scalar::Number(text)) = &self.0.value else {
            return self.0.deserialize_any(visitor);
        };
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => visitor.visit_i64(whole),
            (_, Ok(number)) if number.is_finite() => visitor.visit_f64(number),
            _ => self.0.wrong("a number"),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
