//! The whole plan file as it is written.

use serde::{Deserialize, Serialize};

use super::{
    BaselineConfig, ChannelConfig, ConditionConfig, DeploymentWindowConfig, FlagConfig, FleetConfig,
    FollowUpConfig, FreezeConfig, HoldbackConfig, MetricConfig, Named, NoticeConfig, PhaseConfig,
    PrometheusConfig, RemovalConfig, RoleConfig, ScheduleItemConfig, TargetConfig, WrittenDate, WrittenRate,
    WrittenShare, WrittenSpan, WrittenTime,
};

/// A rollgate plan: flags, and the phases that roll them out. Without phases the flags are set by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The version of this format: 1.
    #[cfg_attr(feature = "schema", schemars(extend("const" = 1)))]
    pub version: u32,
    /// A short name.
    pub name: String,
    /// A title for people; the name unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the plan is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version of the plan as a document, in your own words: `1.0.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The day on which the first phase is planned to begin, in the plan's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<WrittenDate>,
    /// Who answers for the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owners: Option<Vec<String>>,
    /// How risky it is, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
    /// When the plan is looked at again, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_review: Option<String>,
    /// IANA name of the zone of calendar items; UTC unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Spans of the calendar in which nothing rises.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezes: Option<Vec<FreezeConfig>>,
    /// The days and hours outside which nothing rises; a phase may have its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_window: Option<DeploymentWindowConfig>,
    /// How long all phases take together, the open one left out: a check against their durations, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<WrittenSpan>,
    /// How often gates and triggers are judged: 10s unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluate_every: Option<WrittenSpan>,
    /// Requests that are expected; a check then says which gates and triggers it cannot feed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_traffic: Option<WrittenRate>,
    /// The engines that share a store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<FleetConfig>,
    /// The server that metrics with a `source` come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusConfig>,
    /// The flags that this plan rolls out.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    pub flags: Named<FlagConfig>,
    /// Conditions on attributes that rules may name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Named<TargetConfig>>,
    /// Parts of all subjects that get none of the flags that name them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdbacks: Option<Named<HoldbackConfig>>,
    /// Groups of flags of which a subject gets at most one: the most that each member's share may reach, in the order of
    /// their ranges. The group's name is the salt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<Named<Named<WrittenShare>>>,
    /// The signals that gates and triggers look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Named<MetricConfig>>,
    /// Measurements from before the rollout, by metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Named<BaselineConfig>>,
    /// Roles that decide, approve and attest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Named<RoleConfig>>,
    /// The phases, in the order they are entered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub phases: Option<Vec<PhaseConfig>>,
    /// Conditions shown beside the gates that never decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Named<ConditionConfig>>,
    /// The daily scorecard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<DailyConfig>,
    /// What people are reminded of in every phase; a phase may have its own item of the same name. Titles may name the phase:
    /// `{phase.title}`, `{phase.id}`, `{phase.number}`, `{next.title}`, `{next.id}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Named<ScheduleItemConfig>>,
    /// The risk register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risks: Option<Named<RiskConfig>>,
    /// What messages may say beside what rollgate fills in: `values: { team: Memory }` fills `{team}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Named<String>>,
    /// Where messages go. With this table, a message to a channel that is not in it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Named<ChannelConfig>>,
    /// Messages on transitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notices: Option<Vec<NoticeConfig>>,
    /// When flags at 100 % may be taken out of the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal: Option<RemovalConfig>,
    /// Work for after the rollout, checked off like a checklist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_ups: Option<Named<FollowUpConfig>>,
}

/// The daily scorecard: when, and which rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DailyConfig {
    /// The time of day, in the plan's zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<WrittenTime>,
    /// Its rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Named<ConditionConfig>>,
}

/// A row of the risk register.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RiskConfig {
    /// What may happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How likely, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<String>,
    /// How bad, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
    /// What is done against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mitigation: Option<String>,
    /// Triggers of any phase that watch for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Vec<String>>,
}
