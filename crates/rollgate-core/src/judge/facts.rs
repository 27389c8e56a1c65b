//! What judging reads beside the windows.

use serde::{Deserialize, Serialize};

use crate::id::{Key, PhaseId};
use crate::snapshot::Ruleset;
use crate::time::{Now, Span, Timestamp};
use crate::units::Share;

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attestation {
    /// The item.
    pub item: Key,
    /// The phase it was given in.
    pub phase: PhaseId,
    /// Who.
    pub by: Key,
    /// The roles that the person acted in.
    pub roles: Vec<Key>,
    /// `value: true`; `false` is an objection, which stands until the same person takes it back.
    pub is_true: bool,
    /// `"passed":44,"of":44`.
    pub passed: Option<(u64, u64)>,
    /// When, by the calendar.
    pub at: Timestamp,
}

/// What judging reads beside the windows: where the rollout stands.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The plan and its metrics.
    pub ruleset: &'a Ruleset,
    /// Whose conditions are judged.
    pub phase: PhaseId,
    /// The shares that apply now, by flag.
    pub shares: &'a [Share],
    /// Attestations of all phases; only those of `phase` count for gates.
    pub attestations: &'a [Attestation],
    /// Items of this phase's checklist that are checked.
    pub checked: &'a [Key],
    /// Captured and given baselines as the metrics store values, by [`BaselineId`](crate::id::BaselineId).
    pub baselines: &'a [Option<f64>],
    /// Observed start of the phase or of its last extension.
    pub phase_from: Timestamp,
    /// How long the phase has been running and watched.
    pub phase_watched: Span,
    /// Observed time of the last rollback.
    pub rollback_from: Option<Timestamp>,
    /// Observed time of the last change of shares.
    pub shares_from: Timestamp,
    /// Now.
    pub now: Now,
}
