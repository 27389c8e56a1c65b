//! Flags as evaluation reads them.

use std::sync::Arc;

use super::Ruleset;
use crate::id::{FlagId, Key};
use crate::units::Share;

/// What a subject is bucketed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// The targeting key of the context.
    TargetingKey,
    /// A named attribute of the context; it must be a string.
    Attribute(Key),
}

/// Whom a child's share is a share of (SEMANTICS 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareOf {
    /// All subjects; parent and child have one salt.
    Total,
    /// The parent's subjects.
    Parent,
}

/// The flag that this one lies inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// On only where this flag is on for the same context.
    pub flag: FlagId,
    /// What the child's share counts.
    pub share_of: ShareOf,
    /// Whether both have one salt and one attribute, so that one bucket decides both.
    pub same_bucket: bool,
}

/// Targeting keys, sorted by their bytes for a binary search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyList(Box<[Box<[u8]>]>);

impl KeyList {
    /// A list of these keys; order and repeats do not matter.
    pub fn new(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut keys: Vec<Box<[u8]>> = keys.into_iter().map(|key| key.as_ref().into()).collect();
        keys.sort_unstable();
        keys.dedup();
        Self(keys.into())
    }
    /// Whether the key is in the list.
    pub fn has(&self, key: &[u8]) -> bool {
        self.0.binary_search_by(|listed| (**listed).cmp(key)).is_ok()
    }
    /// Whether there are no keys at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One compiled flag. Its share is not here but in the [`Snapshot`]: a share changes, a flag does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Its key.
    pub key: Key,
    /// What it is for.
    pub description: String,
    /// Explicit in the compiled form; defaults to the key and survives renames.
    pub salt: Key,
    /// `XXH3_64("rollout" ++ 0x00 ++ salt)`, computed once.
    pub seed: u64,
    /// What a subject is bucketed by.
    pub by: Bucketing,
    /// A disabled flag serves the caller's default.
    pub is_enabled: bool,
    /// On for everybody, for good: it has left the plan, and no share, list, parent or kill reaches it.
    pub is_final: bool,
    /// The flag that this one lies inside.
    pub parent: Option<Parent>,
    /// Keys that always get `on`.
    pub always_on: KeyList,
    /// Keys that always get `off`; it wins over `always_on`.
    pub always_off: KeyList,
    /// The share it starts with: zero under a plan, the written one in a flags-only setup.
    pub initial: Share,
}

impl Flag {
    /// The share as it is shown: a final flag is at 100 %, whatever the plan has for it.
    pub const fn shown(&self, share: Share) -> Share {
        if self.is_final { Share::FULL } else { share }
    }
}

/// What changes about a flag while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagState {
    /// The share that applies now.
    pub share: Share,
    /// Off for everybody, before overrides, lists and rules (SEMANTICS 6.7).
    pub is_killed: bool,
    /// The share was set by an operator; it then decides before lists and rules.
    pub is_overridden: bool,
}

/// The immutable, versioned thing that evaluation reads: whole, or not at all.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows by one with every change; never goes back in a process.
    pub version: u64,
    /// The flags and the plan.
    pub ruleset: Arc<Ruleset>,
    /// One state a flag, by [`FlagId`].
    pub states: Box<[FlagState]>,
}

impl Snapshot {
    /// The first snapshot of a ruleset: every flag at its initial share.
    pub fn initial(ruleset: Arc<Ruleset>) -> Self {
        let states = ruleset
            .flags
            .iter()
            .map(|flag| FlagState { share: flag.initial, ..FlagState::default() })
            .collect();
        Self { version: 1, ruleset, states }
    }
}
