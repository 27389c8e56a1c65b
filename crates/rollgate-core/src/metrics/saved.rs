//! Windows as bytes, to be stored.

use crate::time::Timestamp;

/// One sealed slot. Slots of one series and tier are unique by their two ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSlot {
    /// The metric's place in the plan; `u16::MAX` for `rollgate.rollbacks`.
    pub series: u16,
    /// Which tier: 0 is the finest.
    pub tier: u8,
    /// Its first instant.
    pub start: Timestamp,
    /// The instant after its last.
    pub end: Timestamp,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Slots of a tier that end at or before `end` are stored no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Oldest {
    /// The series, as in a [`SavedSlot`].
    pub series: u16,
    /// The tier.
    pub tier: u8,
    /// Slots that end here or earlier have left the windows.
    pub end: Timestamp,
}

/// Windows, or what has changed of them since they were saved last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Everything that is no sealed slot.
    pub head: Vec<u8>,
    /// The sealed slots that are new.
    pub slots: Vec<SavedSlot>,
    /// Slots that have left the windows.
    pub oldest: Vec<Oldest>,
    /// All slots are given: what was stored before is replaced.
    pub is_whole: bool,
}
