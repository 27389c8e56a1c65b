//! Flags as they are written.

use serde::{Deserialize, Serialize};

use super::rule::{FlagTypeConfig, RuleConfig, ServeConfig, VariantConfig};
use super::{Named, OneOrMany, WrittenShare};

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
    /// The type of the variants' values; that of the first one's value unless written.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub value_type: Option<FlagTypeConfig>,
    /// What those who are on are served, with shares that are 100% together; without them the flag is on or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    pub variants: Option<Named<VariantConfig>>,
    /// The variant that is served where the flag is off; the caller's default unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What other flags must serve for the same subject, before this one is asked: `true`, `false`, or a variant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prerequisites: Option<Named<OneOrMany<ServeConfig>>>,
    /// The holdback of the plan whose subjects never get this flag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdback: Option<String>,
    /// What the choice of a variant hashes; as `bucketing` unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_bucketing: Option<BucketingConfig>,
    /// Rules on attributes, in order: the first that matches decides, before the share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<RuleConfig>>,
    /// Why the flag could not be read, written by an importer: it gives an error and the caller's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub malformed: Option<String>,
}

/// What subjects are hashed by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BucketingConfig {
    /// The salt; the flag's key unless written. It survives renames.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// `targeting_key` (the default), or the context attribute to bucket on; of several, the first that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OneOrMany>,
    /// The bucketing function: `rollgate-1` (the default), or the frozen one of another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<HashConfig>,
    /// How many parts that function knows, where the data chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minimum" = 1)))]
    pub parts: Option<u32>,
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

/// A bucketing function: frozen, so that every subject stays on its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum HashConfig {
    /// This library's own.
    #[serde(rename = "rollgate-1")]
    Rollgate1,
    /// Unleash: MurmurHash3 of `salt:key` in `parts` parts.
    #[serde(rename = "unleash")]
    Unleash,
    /// LaunchDarkly: SHA-1 of `salt.key`.
    #[serde(rename = "launchdarkly")]
    LaunchDarkly,
    /// GrowthBook, first version: FNV-1a in 1,000 parts.
    #[serde(rename = "growthbook-1")]
    GrowthBook1,
    /// GrowthBook, second version: FNV-1a twice, in 10,000 parts.
    #[serde(rename = "growthbook-2")]
    GrowthBook2,
    /// flagd's `fractional`: MurmurHash3 of the salt and the key.
    #[serde(rename = "flagd")]
    Flagd,
}
