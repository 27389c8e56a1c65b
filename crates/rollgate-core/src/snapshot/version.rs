//! Versions as SemVer 2.0.0 orders them.
//!
//! Evaluation reads a version where it stands and allocates nothing; the `semver` crate's identifiers live on the heap.
//! Numbers are compared as digits, so none is too large.

use std::cmp::Ordering;

/// A version of a context, where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionRef<'a> {
    core: [&'a str; 3],
    pre: &'a str,
}

/// A version of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(Box<str>);

impl Version {
    /// A version, where the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        VersionRef::parse(text).map(|_| Self(text.into()))
    }
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// How another version compares with this one.
    pub fn order_of(&self, other: VersionRef<'_>) -> Ordering {
        VersionRef::parse(&self.0).map_or(Ordering::Equal, |own| other.order(own))
    }
}

/// Digits without a leading zero.
fn is_number(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text.len() == 1 || !text.starts_with('0'))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Numbers by their value: without leading zeros the longer one is the larger one.
fn numbers(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

impl<'a> VersionRef<'a> {
    /// Strictly by SemVer 2.0.0: three numbers without leading zeros, then `-` and identifiers, then `+` and what was built.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (rest, build) = match text.split_once('+') {
            Some((rest, build)) => (rest, Some(build)),
            None => (text, None),
        };
        let (core, pre) = match rest.split_once('-') {
            Some((core, pre)) => (core, Some(pre)),
            None => (rest, None),
        };
        let mut parts = core.split('.');
        let core = [parts.next()?, parts.next()?, parts.next()?];
        if parts.next().is_some() || !core.iter().all(|part| is_number(part)) {
            return None;
        }
        let is_pre = |text: &str| {
            let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
            if is_digits { is_number(text) } else { is_identifier(text) }
        };
        let is_fine = pre.is_none_or(|pre| pre.split('.').all(is_pre))
            && build.is_none_or(|build| build.split('.').all(is_identifier));
        is_fine.then_some(Self { core, pre: pre.unwrap_or_default() })
    }

    /// By SemVer 2.0.0, section 11: what was built does not count, and a version before a release is below it.
    pub fn order(self, other: Self) -> Ordering {
        let core = self.core.into_iter().zip(other.core).map(|(a, b)| numbers(a, b));
        core.fold(Ordering::Equal, Ordering::then).then_with(|| match (self.pre, other.pre) {
            ("", "") => Ordering::Equal,
            ("", _) => Ordering::Greater,
            (_, "") => Ordering::Less,
            (a, b) => before_release(a, b),
        })
    }
}

/// Identifiers from the left: numbers below words, words by their bytes, and of equal beginnings the longer is above.
fn before_release(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (is_number(a), is_number(b)) {
                (true, true) => numbers(a, b),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                (false, false) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}
