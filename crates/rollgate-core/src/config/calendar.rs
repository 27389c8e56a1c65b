//! The calendar of a rollout as it is written: freezes, deployment windows, what people are reminded of.

use serde::{Deserialize, Serialize};

use super::{Named, WrittenMoment, WrittenSpan, WrittenTime};

/// A span of the calendar in which nothing rises. What lowers is never held up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FreezeConfig {
    /// Its first day, or its first moment, in the plan's zone.
    pub from: WrittenMoment,
    /// Its last day, or the moment it ends; without one it lasts until the plan is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<WrittenMoment>,
    /// Why; shown where something waits for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The days and hours outside which nothing rises, in the plan's zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeploymentWindowConfig {
    /// The days on which it opens; every day, unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub days: Option<Vec<WeekdayConfig>>,
    /// When it opens.
    pub from: WrittenTime,
    /// When it closes; a time before `from` is on the next day.
    pub to: WrittenTime,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // Everybody knows them.
pub enum WeekdayConfig {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// What people are reminded of, and when. Each reminder is journalled once, and missed where nobody acknowledges it in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [
    { "required": ["day", "at"] }, { "required": ["daily"] }, { "required": ["weekly", "at"] },
    { "required": ["every"] }, { "required": ["within"] }, { "required": ["before_end"] },
])))]
#[serde(deny_unknown_fields)]
pub struct ScheduleItemConfig {
    /// What is to be done; the item's name unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The role that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its parts: names, and what belongs to each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Named<Vec<String>>>,
    /// On one day of the phase: 1 is the day on which it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<u16>,
    /// The time of a `day` or `weekly`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<WrittenTime>,
    /// By when it must have been acknowledged: until the next one, unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<WrittenTime>,
    /// Every day of the phase, at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<WrittenTime>,
    /// On this day of every week of the phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<WeekdayConfig>,
    /// So often, counted from the phase's first step; from its start, where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<WrittenSpan>,
    /// How long `every` lasts: until the phase ends, unless written.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<WrittenSpan>,
    /// How often after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then_every: Option<WrittenSpan>,
    /// At the phase's first step, to be acknowledged so long after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<WrittenSpan>,
    /// So long before the phase may end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_end: Option<WrittenSpan>,
}
