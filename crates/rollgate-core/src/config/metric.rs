//! Metrics, baselines and roles as they are written.

use serde::{Deserialize, Serialize};

use super::{ScopeConfig, SourceConfig, WrittenLimit, WrittenSpan, WrittenStat, WrittenUnit};

/// A named signal; its kind says what is recorded and which statistics there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("if" = { "properties": { "kind": { "enum": ["distribution", "gauge"] } } }, "then" = { "required": ["unit"] })))]
#[serde(deny_unknown_fields)]
pub struct MetricConfig {
    /// What is recorded.
    pub kind: KindConfig,
    /// The unit of its values; `%` for ratios, `count` for events and `points` for scores unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<WrittenUnit>,
    /// Which way is better; `down` for distributions unless written, required where a comparison needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<GoodConfig>,
    /// What it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Flags whose arm (on or off) its samples carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arms: Option<Vec<String>>,
    /// Silent after this long without a sample: 10m, for scores 48h, unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<WrittenSpan>,
    /// Whether lowering a flag can bring it down again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curable: Option<bool>,
    /// The one view that shows it: what happens now, how well it goes, or how much is used; by its kind unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<ViewConfig>,
    /// Whose samples are judged together where engines share a store: those of the `fleet` unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<ScopeConfig>,
    /// Where a gauge's level, or the points of a score, come from; the program records them unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceConfig>,
}

/// A view of the dashboards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ViewConfig {
    /// The last minutes.
    Realtime,
    /// Hours and days.
    Performance,
    /// Levels, their growth and their limits.
    Capacity,
}

/// What a metric records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KindConfig {
    /// Values in a histogram.
    Distribution,
    /// True outcomes over outcomes.
    Ratio,
    /// A level that stays until it is set again.
    Gauge,
    /// Things that happen, counted.
    Event,
    /// Ratings 0..10, or measured points.
    Score,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GoodConfig {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// A frozen measurement from before the rollout: written, or captured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [{ "required": ["value"] }, { "required": ["capture_over"] }])))]
#[serde(deny_unknown_fields)]
pub struct BaselineConfig {
    /// The statistic; the value of ratios and scores unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stat: Option<WrittenStat>,
    /// The value, with its unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<WrittenLimit>,
    /// Measured over this long before the first exposure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_over: Option<WrittenSpan>,
}

/// A role that decides, approves or attests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoleConfig {
    /// People by name who hold it; anybody who says so where none are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<String>>,
}
