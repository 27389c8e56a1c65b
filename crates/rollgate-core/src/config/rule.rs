//! Rules, variants and conditions on attributes as they are written.

use serde::{Deserialize, Serialize};

use super::{BucketingConfig, Json, Named, OneOrMany, WrittenRange, WrittenShare};

/// The type of what a flag's variants are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FlagTypeConfig {
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// A number.
    Number,
    /// Anything that JSON can say.
    Json,
}

/// One of the values that a flag serves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct VariantConfig {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What is served; its own name unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Json>,
    /// The part of those who are on; the shares of a flag's variants are 100% together. 0% unless written: rules alone serve it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<WrittenShare>,
    /// The ranges of buckets that it has, after a change of shares that moved nobody it need not; all variants of a flag have them, or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<Vec<WrittenRange>>,
}

/// What a rule serves, or a prerequisite must: `true` (on), `false` (off), or a variant by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum ServeConfig {
    /// On or off.
    Side(bool),
    /// A variant.
    Variant(String),
}

/// What happens to a subject that a rule matches and its share leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OtherwiseConfig {
    /// The flag is off for it.
    Default,
    /// The next rule is asked.
    Next,
}

/// Whom a rule is for, and what it serves. The first rule that matches decides.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuleConfig {
    /// A name for people; explanations show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whom it is for; everybody unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<TargetConfig>,
    /// `true` (on), `false` (off), or a variant by its name. Instead of it: `share`, `variants`, or both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve: Option<ServeConfig>,
    /// The part of those it matches that is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<WrittenShare>,
    /// The variants of those who are on, with shares that are 100% together; as the flag has them unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    pub variants: Option<Named<WrittenShare>>,
    /// What its share hashes; the flag's own bucketing unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucketing: Option<BucketingConfig>,
    /// What its variants hash; the flag's own unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant_bucketing: Option<BucketingConfig>,
    /// What becomes of those whom it matches and its share leaves out: `default` (off, unless written) or `next`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<OtherwiseConfig>,
}

/// A condition on a subject's attributes: one subject (`attribute`, `condition`, `flag`, `all`, `any`, `not`), and what it is asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TargetConfig {
    /// Subject: an attribute of the context, or `targeting_key`; with one operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// It is this text, number or truth value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub equals: Option<Json>,
    /// It is not this; also where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_equals: Option<Json>,
    /// It is one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#in: Option<Vec<Json>>,
    /// It is none of these; also where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_in: Option<Vec<Json>>,
    /// It starts with this text, or with one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_with: Option<OneOrMany>,
    /// It ends with this text, or with one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_with: Option<OneOrMany>,
    /// It contains this text, or one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<OneOrMany>,
    /// `true`: texts are compared in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_case: Option<bool>,
    /// A regular expression matches somewhere in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matches: Option<String>,
    /// Less than this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<f64>,
    /// More than this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// This number or less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// This number or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// Before this time (RFC 3339, or a date, which begins at 00:00 UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// After this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At this time or after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// At this time or before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// The same version by SemVer 2.0.0; what is built does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_equals: Option<String>,
    /// An older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_below: Option<String>,
    /// A newer version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_above: Option<String>,
    /// This version or an older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_at_most: Option<String>,
    /// This version or a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_at_least: Option<String>,
    /// An address in this network, or in one of these: `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_network: Option<OneOrMany>,
    /// In none of these networks; also where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_in_network: Option<OneOrMany>,
    /// Whether the context has the attribute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub present: Option<bool>,
    /// Subject: a condition of the plan's `conditions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// Subject: another flag, for the same context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<String>,
    /// What that flag must serve: `true`, `false`, or a variant (or one of several).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<OneOrMany<ServeConfig>>,
    /// Subject: all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Vec<TargetConfig>>,
    /// Subject: any of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<Vec<TargetConfig>>,
    /// Subject: the opposite of this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<TargetConfig>>,
    /// Subject: an operator that an importer did not know. Its rule never matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
}

/// A part of all subjects that gets none of the flags that name it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HoldbackConfig {
    /// How many are held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<WrittenShare>,
    /// The salt; its name unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// `targeting_key` (the default), or the context attribute to hash; of several, the first that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OneOrMany>,
}
