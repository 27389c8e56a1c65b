//! Messages to people, and the channels that they go to.

use serde::{Deserialize, Serialize};

use super::WrittenSpan;

/// A message to channels on a transition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoticeConfig {
    /// The transition.
    pub when: NoticeWhenConfig,
    /// Whether it should wake people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgent: Option<bool>,
    /// For whom, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// Where it goes: names of the channels that the host has.
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub channels: Vec<String>,
    /// One line above the text, for e-mails; it may have placeholders too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text, of one line or many, with placeholders: `{title}`, `{name}`, `{date}`, `{start}`, `{phase.title}`, `{phase.id}`, `{next.title}`, `{next.id}`, `{to}`, `{to.title}`, `{shares}`, `{cause}`, `{trigger}`, `{evidence}`, `{roles}`, `{status}`, `{what}`, those of `values`, and `{recipient.…}` on channels with `per_recipient`. `{{` is a brace.
    pub message: String,
}

/// When a notice is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NoticeWhenConfig {
    /// So long before the planned first exposure: the plan's date and the durations of the phases before it.
    BeforeStart(WrittenSpan),
    /// On entering a phase.
    PhaseStarted,
    /// On passing a phase that has a next one.
    PhasePassed,
    /// On completion.
    Completed,
    /// On a rollback.
    RolledBack,
    /// On a stop.
    Stopped,
    /// A manual trigger proposes a rollback.
    Proposal,
    /// The gates are due, and people must decide.
    AwaitingDecision,
    /// A rollback did not cure what it was for.
    RollbackIneffective,
    /// The gates of a phase are due and fail; once in a phase.
    GatesFailed,
    /// The plan reminds of something.
    Reminder,
    /// Every day at `daily.at` (09:00 unless written), from the start to completion.
    Daily,
    /// Every Monday at `daily.at`, from the start to completion.
    Weekly,
}

/// A channel that messages go to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChannelConfig {
    /// What it is for, in your own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// How often it hears of the rollout; a message that comes at other times is warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frequency: Option<FrequencyConfig>,
    /// Its sink sends one message to each recipient, and fills `{recipient.…}` itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_recipient: Option<bool>,
}

/// How often a channel hears of the rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FrequencyConfig {
    /// Whatever happens, as it happens.
    Continuous,
    /// At most daily: the daily and weekly notices, transitions and incidents.
    Daily,
    /// Phases that begin and end, and incidents.
    Transitions,
    /// The weekly notice only.
    Weekly,
    /// Rollbacks, stops, proposals of rollbacks, and whatever is urgent.
    Incidents,
}
