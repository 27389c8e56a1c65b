//! Dense indices of compiled things, and the keys that people write.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a person calls a flag, a metric, a phase, a gate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(Arc<str>);

impl Key {
    /// A key of this text.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl std::borrow::Borrow<str> for Key {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Key {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($of:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $of);
        impl $name {
            /// As an index.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

ids! {
    /// Index of a flag in its [ruleset](crate::snapshot::Ruleset).
    FlagId(u16);
    /// Index of a metric in its ruleset.
    MetricId(u16);
    /// Index of a phase in its plan.
    PhaseId(u16);
    /// Index of a role in its ruleset.
    RoleId(u16);
    /// Index of a baseline in its ruleset.
    BaselineId(u16);
    /// Index of a variant of its flag.
    VariantId(u16);
    /// Index of a holdback in its ruleset.
    HoldbackId(u16);
    /// Index of a streak (`for: 10m`) in its ruleset. Groups in groups can hold more than 65,536 of them.
    StreakId(u32);
}

/// Whether two texts are the same; those of 4 to 16 bytes without a call.
#[inline(always)]
pub fn is_same(one: &str, two: &str) -> bool {
    #[inline(always)]
    fn of_eight(bytes: &[u8]) -> Option<(u64, u64)> {
        Some((u64::from_ne_bytes(*bytes.first_chunk()?), u64::from_ne_bytes(*bytes.last_chunk()?)))
    }
    #[inline(always)]
    fn of_four(bytes: &[u8]) -> Option<(u32, u32)> {
        Some((u32::from_ne_bytes(*bytes.first_chunk()?), u32::from_ne_bytes(*bytes.last_chunk()?)))
    }
    let (one, two) = (one.as_bytes(), two.as_bytes());
    match one.len() {
        length if length != two.len() => false,
        // Both ends; in the middle they overlap.
        8..=16 => of_eight(one) == of_eight(two),
        4..=7 => of_four(one) == of_four(two),
        _ => one == two,
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_the_same_where_their_bytes_are(one in "[ab]{0,18}", two in "[ab]{0,18}", at in 0_usize..18) {
            prop_assert_eq!(is_same(&one, &two), one == two);
            prop_assert!(is_same(&one, &one.clone()));
            if let Some(other) = one.as_bytes().get(at) {
                let mut changed = one.clone().into_bytes();
                changed[at] = other ^ 1;
                prop_assert!(!is_same(&one, std::str::from_utf8(&changed)?));
            }
        }
    }
}
