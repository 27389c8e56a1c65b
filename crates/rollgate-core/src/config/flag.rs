//! Flags as they are written.

use serde::{Deserialize, Serialize};

use super::WrittenShare;

/// One switch between old and new behaviour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("dependentRequired" = { "within": ["share_of"], "share_of": ["within"] })))]
#[serde(deny_unknown_fields)]
pub struct FlagConfig {
    /// What the flag is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What subjects are hashed by; flags with one salt have nested cohorts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucketing: Option<BucketingConfig>,
    /// `false`: the caller's default is served, whatever the share; `true` unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The share that the flag starts with; only in a file without phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<WrittenShare>,
    /// The parent: this flag is on only where that one is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Whom this flag's share is a share of; required beside `within`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_of: Option<ShareOfConfig>,
    /// `true`: the flag is on for everybody, for good; no phase sets it, nothing turns it off, and only its call sites are left.
    #[serde(default, rename = "final", skip_serializing_if = "Option::is_none")]
    pub is_final: Option<bool>,
    /// Targeting keys that always get `on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always_on: Option<Vec<String>>,
    /// Targeting keys that always get `off`; it wins over `always_on`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always_off: Option<Vec<String>>,
}

/// What subjects are hashed by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BucketingConfig {
    /// The salt; the flag's key unless written. It survives renames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// `targeting_key` (the default), or the context attribute to bucket on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Whom a nested flag's share is a share of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ShareOfConfig {
    /// Of all subjects; parent and child have one salt.
    Total,
    /// Of the parent's subjects.
    Parent,
}
