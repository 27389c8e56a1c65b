//! Who asks, and for which flag.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::id::{FlagId, is_same};

/// A flag by its index or by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagRef<'a> {
    /// By index: no lookup.
    Id(FlagId),
    /// By key.
    Name(&'a str),
}

/// A value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attribute<'a> {
    /// Text; also a version, a time by RFC 3339, an address, or a number, where a condition asks for one.
    Text(&'a str),
    /// A number; for a condition on time, milliseconds since the Unix epoch.
    Number(f64),
    /// A yes or no.
    Bool(bool),
    /// A time.
    Time(Timestamp),
    /// An address.
    Address(IpAddr),
    /// Texts, of which any may pass a condition.
    List(&'a [&'a str]),
}

/// The subject of one evaluation: its targeting key and its attributes, borrowed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Context<'a> {
    /// The stable bytes that a subject is bucketed by; hashed as they are.
    pub targeting_key: Option<&'a [u8]>,
    /// Attributes by name; the first of a name counts.
    pub attributes: &'a [(&'a str, Attribute<'a>)],
}

impl<'a> Context<'a> {
    /// A subject with a key and no attributes.
    pub const fn new(key: &'a str) -> Self {
        Self { targeting_key: Some(key.as_bytes()), attributes: &[] }
    }
    /// A subject with a key of raw bytes.
    pub const fn of_bytes(key: &'a [u8]) -> Self {
        Self { targeting_key: Some(key), attributes: &[] }
    }
    /// A context without a subject.
    pub const fn empty() -> Self {
        Self { targeting_key: None, attributes: &[] }
    }
    /// The same subject with these attributes.
    #[must_use]
    pub const fn with_attributes(self, attributes: &'a [(&'a str, Attribute<'a>)]) -> Self {
        Self { attributes, ..self }
    }
    /// The text of an attribute, where there is one that is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.attribute(name)? {
            Attribute::Text(text) => Some(text),
            _ => None,
        }
    }
    /// An attribute.
    #[inline]
    pub fn attribute(&self, name: &str) -> Option<Attribute<'a>> {
        self.find(name).copied()
    }
    /// An attribute where it lies: a copy of one costs more than most questions about it.
    #[inline(always)]
    pub(super) fn find(&self, name: &str) -> Option<&'a Attribute<'a>> {
        self.attributes.iter().find(|(listed, _)| is_same(listed, name)).map(|(_, value)| value)
    }
}
