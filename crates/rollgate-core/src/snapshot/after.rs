//! What follows a rollout, compiled.

use crate::id::{Key, RoleId};
use crate::snapshot::Check;
use crate::time::{Span, Timestamp};

/// When a flag may be taken out of the code (R156).
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// Watched time at 100 %.
    pub stable_for: Span,
    /// What must have held for all of it: no critical alert, no event of the metrics that the plan names.
    pub conditions: Vec<Check>,
    /// Items that are attested, and that nobody objects to.
    pub requires: Vec<Key>,
    /// Roles that each attest `removal`; none: the rollout must have been completed by its last decision.
    pub approve_by: Vec<RoleId>,
}

/// By when something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// So long after completion.
    AfterCompletion(Span),
    /// By this time of the calendar: the end of the day that is written.
    At(Timestamp),
}

/// Work that is left for after the rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUp {
    /// Its key.
    pub key: Key,
    /// What is to be done.
    pub title: String,
    /// Who does it.
    pub owner: Option<RoleId>,
    /// By when.
    pub due: Option<Horizon>,
}
