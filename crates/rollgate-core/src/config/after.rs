//! What follows a rollout as it is written: the removal of flags, and work for later.

use serde::{Deserialize, Serialize};

use super::{WrittenHorizon, WrittenSpan};

/// When a flag may be taken out of the code.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RemovalConfig {
    /// Watched time at 100 %, without a critical alert in it: 14d unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stable_for: Option<WrittenSpan>,
    /// Event metrics of which nothing was counted in that time either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Vec<String>>,
    /// Items that somebody must have attested in the last phase, and nobody objects to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<String>>,
    /// Roles that must each attest `removal`; without any, the decision that ends the last phase is the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve_by: Option<Vec<String>>,
}

/// Work that is left for after the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FollowUpConfig {
    /// What is to be done; the key unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The role that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when: so long after completion, or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<WrittenHorizon>,
}
