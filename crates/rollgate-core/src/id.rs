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
