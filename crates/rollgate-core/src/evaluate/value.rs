//! What a flag serves, with its type.

use super::{ErrorCode, Evaluation};
use crate::id::FlagId;
use crate::snapshot::{NamedVariant, Ruleset, ValueType, VariantValue};

/// A value, where the ruleset has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Boolean(bool),
    /// Text.
    String(&'a str),
    /// A number; finite.
    Number(f64),
    /// JSON text, without white space.
    Json(&'a str),
}

/// An answer with what it serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Served<'a> {
    /// The side, and why.
    pub evaluation: Evaluation,
    /// The variant; `None`: on or off is all there is, or the caller's default.
    pub variant: Option<&'a NamedVariant>,
    /// The type of the flag's values; `None` for an unknown flag.
    value_type: Option<ValueType>,
    /// Whether it has no variants: the side is then the value.
    is_of_sides: bool,
}

/// What an evaluation serves.
pub fn served<'a>(ruleset: &'a Ruleset, flag: Option<FlagId>, evaluation: Evaluation) -> Served<'a> {
    let Some(flag) = flag.and_then(|id| ruleset.flags.get(id.index())) else {
        return Served { evaluation, variant: None, value_type: None, is_of_sides: false };
    };
    let Some(variants) = &flag.variants else {
        return Served { evaluation, variant: None, value_type: Some(ValueType::Boolean), is_of_sides: true };
    };
    let variant = evaluation.served.and_then(|id| variants.list.get(id.index()));
    Served { evaluation, variant, value_type: Some(variants.value_type), is_of_sides: false }
}

impl<'a> Served<'a> {
    /// The value; `None`: the caller's default.
    pub fn value(&self) -> Option<Value<'a>> {
        match self.variant.map(|variant| &variant.value) {
            Some(VariantValue::Boolean(value)) => Some(Value::Boolean(*value)),
            Some(VariantValue::String(text)) => Some(Value::String(text)),
            Some(VariantValue::Number(number)) => Some(Value::Number(*number)),
            Some(VariantValue::Json(text)) => Some(Value::Json(text)),
            None if self.is_of_sides => {
                self.evaluation.variant.map(|_| Value::Boolean(self.evaluation.is_on()))
            }
            None => None,
        }
    }

    /// Why there is no value of a type: the evaluation's error, or another type. No value is turned into another one.
    fn why_not(&self, asked: ValueType) -> Option<ErrorCode> {
        match (self.evaluation.error, self.value_type) {
            (Some(error), _) => Some(error),
            (None, Some(is)) if is != asked => Some(ErrorCode::TypeMismatch),
            _ => None,
        }
    }

    /// The truth value; `Ok(None)`: the caller's default.
    ///
    /// # Errors
    /// The evaluation's own, or [`ErrorCode::TypeMismatch`].
    pub fn boolean(&self) -> Result<Option<bool>, ErrorCode> {
        match (self.why_not(ValueType::Boolean), self.value()) {
            (Some(error), _) => Err(error),
            (None, Some(Value::Boolean(value))) => Ok(Some(value)),
            _ => Ok(None),
        }
    }

    /// The text; `Ok(None)`: the caller's default.
    ///
    /// # Errors
    /// As [`boolean`](Self::boolean).
    pub fn string(&self) -> Result<Option<&'a str>, ErrorCode> {
        match (self.why_not(ValueType::String), self.value()) {
            (Some(error), _) => Err(error),
            (None, Some(Value::String(text))) => Ok(Some(text)),
            _ => Ok(None),
        }
    }

    /// The number; `Ok(None)`: the caller's default.
    ///
    /// # Errors
    /// As [`boolean`](Self::boolean).
    pub fn number(&self) -> Result<Option<f64>, ErrorCode> {
        match (self.why_not(ValueType::Number), self.value()) {
            (Some(error), _) => Err(error),
            (None, Some(Value::Number(number))) => Ok(Some(number)),
            _ => Ok(None),
        }
    }

    /// The JSON text; `Ok(None)`: the caller's default.
    ///
    /// # Errors
    /// As [`boolean`](Self::boolean).
    pub fn json(&self) -> Result<Option<&'a str>, ErrorCode> {
        match (self.why_not(ValueType::Json), self.value()) {
            (Some(error), _) => Err(error),
            (None, Some(Value::Json(text))) => Ok(Some(text)),
            _ => Ok(None),
        }
    }
}
