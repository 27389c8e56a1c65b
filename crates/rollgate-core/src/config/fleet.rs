//! Several engines on one store, and what is measured elsewhere, as they are written.

use serde::{Deserialize, Serialize};

use super::WrittenSpan;

/// Engines that share a store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FleetConfig {
    /// How many nodes must report, and serve the shares that apply, for time to count as watched: 1 unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minimum" = 1, "maximum" = 1000)))]
    pub quorum: Option<u32>,
    /// Whose alerts count together: those of the `fleet` unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<ScopeConfig>,
}

/// Whose samples are judged together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ScopeConfig {
    /// Those of all nodes on one store.
    Fleet,
    /// Each node judges its own, and hears of no other's. They are those since its process began.
    Instance,
}

/// Where a metric's values come from, where the program does not record them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// A query to the plan's Prometheus server that gives one value, in the metric's unit.
    pub promql: String,
    /// How often it is asked, at most `max_gap` apart: 30s unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<WrittenSpan>,
}

/// The Prometheus server that metrics with a `source` come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Its address, without user and password; what the program says unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^https?://[^\s@?#]+$")))]
    pub url: Option<String>,
    /// How long one answer may take: 5s unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<WrittenSpan>,
    /// The user, where it asks for one; the secret is then the password, and a bearer token without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Where the password or token is found, never itself: `env:NAME` of a variable, or `file:PATH`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = r"^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$")))]
    pub secret: Option<String>,
}
