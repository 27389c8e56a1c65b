//! Conditions on a subject's attributes, compiled.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::{Pattern, Version};
use crate::id::{FlagId, Key, VariantId};

/// What a flag serves: a side, or a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// On, whatever the variant.
    On,
    /// Off.
    Off,
    /// This variant.
    Variant(VariantId),
}

/// One condition.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// An attribute passes a test.
    Attribute {
        /// Its name.
        name: AttributeName,
        /// What it is asked.
        test: Test,
        /// The opposite is asked; it then holds for a missing attribute too.
        is_negated: bool,
    },
    /// All of them.
    All(Box<[Target]>),
    /// Any of them.
    Any(Box<[Target]>),
    /// The opposite.
    Not(Box<Target>),
    /// One that has a name.
    Named(Key, Arc<Target>),
    /// Another flag serves one of these to the same context.
    Flag(FlagId, Box<[Serve]>),
}

/// An attribute as a rule names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeName {
    /// The targeting key.
    TargetingKey,
    /// Any other.
    Named(Key),
}

impl AttributeName {
    /// As a plan writes it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::TargetingKey => "targeting_key",
            Self::Named(name) => name.as_str(),
        }
    }
}

/// Which end, or any place, of a text is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Its beginning.
    Start,
    /// Its end.
    End,
    /// Anywhere.
    Anywhere,
}

/// Whether `A` is `a`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// It is not.
    Exact,
    /// It is: texts are compared in lower case, letter by letter.
    Ignored,
}

/// How a value lies to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The same.
    Equal,
    /// Below it, before it.
    Below,
    /// Above it, after it.
    Above,
    /// At it or below it.
    AtMost,
    /// At it or above it.
    AtLeast,
}

impl Order {
    /// Whether an ordering of value to limit is such a one.
    pub const fn has(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Below => ordering.is_lt(),
            Self::Above => ordering.is_gt(),
            Self::AtMost => ordering.is_le(),
            Self::AtLeast => ordering.is_ge(),
        }
    }
}

/// Values that an attribute may equal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Texts, sorted; in lower case where case is ignored.
    pub texts: Box<[Box<str>]>,
    /// The same texts as numbers, where they are few and all of them are short; else none.
    pub short: Box<[u64]>,
    /// Numbers.
    pub numbers: Box<[f64]>,
    /// Truth values.
    pub bools: Box<[bool]>,
}

impl Values {
    /// Above so many texts a binary search beats looking at each.
    pub const FEW: usize = 8;

    /// Of texts, numbers and truth values; order and repeats do not matter.
    pub fn new(mut texts: Vec<Box<str>>, numbers: Vec<f64>, bools: Vec<bool>) -> Self {
        texts.sort_unstable();
        texts.dedup();
        let short: Option<Box<[u64]>> = texts.iter().map(|text| short_text(text)).collect();
        let short = short.filter(|short| short.len() <= Self::FEW).unwrap_or_default();
        Self { texts: texts.into(), short, numbers: numbers.into(), bools: bools.into() }
    }
}

/// A text of at most seven bytes as one number: its bytes, and its length above them. Country codes, plans and rings are
/// compared without a call.
#[inline(always)]
pub fn short_text(text: &str) -> Option<u64> {
    // Both ends, shifted to where they stand: in the middle they overlap. A jump by length would be guessed wrong.
    let bytes = text.as_bytes();
    let length = bytes.len();
    let word = match length {
        4..=7 => {
            let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
            u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (length - 4))
        }
        2..=3 => {
            let (first, last) = (bytes.first_chunk()?, bytes.last_chunk()?);
            u64::from(u16::from_le_bytes(*first)) | u64::from(u16::from_le_bytes(*last)) << (8 * (length - 2))
        }
        0..=1 => bytes.first().map_or(0, |byte| u64::from(*byte)),
        _ => return None,
    };
    Some(word | (length as u64) << 56)
}

/// A network of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address in it.
    pub address: IpAddr,
    /// How many leading bits all of them share.
    pub prefix: u8,
}

impl Network {
    /// `10.0.0.0/8`, or one address.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // `parse` takes a sign.
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => prefix.parse().ok()?,
            Some(_) => return None,
            None => bits,
        };
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// Whether an address lies in it. An IPv4 address is also found where it is written as an IPv6 one.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(32 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), _) => {
                let other = match address {
                    IpAddr::V4(other) => other.to_ipv6_mapped(),
                    IpAddr::V6(other) => other,
                };
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - u32::from(self.prefix)).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// What an attribute is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// It equals one of these.
    Equals(Values, Case),
    /// One of these texts stands at a place of it.
    Texts(Place, Box<[Box<str>]>, Case),
    /// A pattern matches.
    Matches(Pattern),
    /// A number.
    Number(Order, f64),
    /// A time.
    Time(Order, Timestamp),
    /// A version.
    Version(Order, Version),
    /// An address.
    Network(Box<[Network]>),
    /// It is there.
    Present,
}

/// A time; a date begins at 00:00 UTC.
pub fn time_of_text(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    // A date that has something behind it is a time without its offset: whose noon is meant nobody knows.
    let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == "2026-01-01".len())?;
    jiff::tz::Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
}

/// Lower case, letter by letter, as tests compare it.
pub fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}
