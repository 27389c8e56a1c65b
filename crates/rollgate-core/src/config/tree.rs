//! A plan file as a tree of located scalars, before anything is known about its meaning.
//!
//! YAML, TOML and JSON are read into this one form, so that every problem has its exact line and column,
//! whatever the format, and so that all problems are found in one pass.

/// Where something stands in a file; lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Line, 0 where there is no file.
    pub line: u32,
    /// Column, 0 where there is no file.
    pub column: u32,
}

/// A scalar as it was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Nothing (`null`, `~`, or an empty value).
    Null,
    /// YAML 1.2 booleans only.
    Bool(bool),
    /// An unquoted number, with its text: `0.10`, `1e3`, `44`.
    Number(String),
    /// Any other text, or quoted text.
    Text(String),
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A scalar.
    Scalar(Scalar),
    /// A list.
    List(Vec<Node>),
    /// A map in written order; keys are unique (the reader refuses repeats).
    Map(Vec<(String, Location, Node)>),
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What.
    pub value: Value,
    /// Where.
    pub at: Location,
}

impl Node {
    /// The value of a key, where this is a map that has it.
    pub fn field(&self, key: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(name, _, _)| name == key).map(|(_, _, node)| node),
            _ => None,
        }
    }

    /// In words, for "expected a map, found …".
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Scalar(Scalar::Null) => "nothing".into(),
            Value::Scalar(Scalar::Bool(value)) => format!("`{value}`"),
            Value::Scalar(Scalar::Number(text) | Scalar::Text(text)) => format!("`{text}`"),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a map".into(),
        }
    }
}
