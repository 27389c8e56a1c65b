//! Flags as evaluation reads them.

use std::sync::Arc;

use super::{Prerequisite, Rule, Ruleset, Variants};
use crate::bucket::{Bucketer, Domain, Hash};
use crate::id::{FlagId, HoldbackId, Key};
use crate::units::Share;

/// What a subject is bucketed by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bucketing {
    /// The targeting key of the context.
    TargetingKey,
    /// A named attribute of the context; it must be a string.
    Attribute(Key),
    /// Of several, the first that is there.
    FirstOf(Box<[Bucketing]>),
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

/// A range of one salt's buckets: a subject lies in at most one of a group, so the group's flags exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExclusiveSlot {
    /// The group; its name is the salt.
    pub group: Key,
    /// Its first bucket.
    pub start: u32,
    /// The first bucket behind it.
    pub end: u64,
    /// Its part of all buckets, and the most that the flag's share may be.
    pub share: Share,
}

/// One compiled flag. Its share is not here but in the [`Snapshot`]: a share changes, a flag does not.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Its key.
    pub key: Key,
    /// What it is for.
    pub description: String,
    /// The function with its salt, which is explicit in the compiled form; it defaults to the key and survives renames.
    pub bucketer: Bucketer,
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
    /// Its range of its salt's buckets, where it and others exclude each other.
    pub slot: Option<ExclusiveSlot>,
    /// What it serves beyond on and off.
    pub variants: Option<Box<Variants>>,
    /// What other flags must serve first.
    pub prerequisites: Box<[Prerequisite]>,
    /// The part of all subjects that never gets it.
    pub holdback: Option<HoldbackId>,
    /// In order: the first that matches decides.
    pub rules: Box<[Rule]>,
    /// Why it cannot be read; every evaluation is then an error.
    pub malformed: Option<Box<str>>,
    /// The share it starts with: zero under a plan, the written one in a flags-only setup.
    pub initial: Share,
}

impl Flag {
    /// A flag with this key and this salt, and nothing else: off for everybody.
    pub fn new(key: impl Into<Key>, salt: impl Into<Key>) -> Self {
        Self {
            key: key.into(),
            description: String::new(),
            bucketer: Bucketer::new(Domain::Rollout, salt),
            by: Bucketing::TargetingKey,
            is_enabled: true,
            is_final: false,
            parent: None,
            always_on: KeyList::default(),
            always_off: KeyList::default(),
            slot: None,
            variants: None,
            prerequisites: Box::default(),
            holdback: None,
            rules: Box::default(),
            malformed: None,
            initial: Share::ZERO,
        }
    }

    /// Whether two flags ask the same bucket of a subject.
    pub fn has_bucket_of(&self, other: &Self) -> bool {
        self.bucketer == other.bucketer && self.by == other.by && self.slot == other.slot
    }

    /// The first bucket that its share takes.
    pub fn start(&self) -> u32 {
        self.slot.as_ref().map_or(0, |slot| slot.start)
    }

    /// Whether hash version 1 of the targeting key, from bucket 0 up, is all that its share asks.
    pub fn is_plain_split(&self) -> bool {
        self.bucketer.hash == Hash::Rollgate1 && self.by == Bucketing::TargetingKey && self.slot.is_none()
    }

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
