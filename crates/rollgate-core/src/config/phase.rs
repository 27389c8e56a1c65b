//! Phases as they are written: steps, gates, triggers, contingencies, decisions.

use serde::{Deserialize, Serialize};

use super::{
    ActionConfig, ConditionConfig, DeploymentWindowConfig, GateConfig, Named, ScheduleItemConfig, WrittenDue,
    WrittenDuration, WrittenShare, WrittenSpan,
};

/// A stage of the rollout, with its steps, gates and triggers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PhaseConfig {
    /// A short name; not `zero`, `set`, `partial` or `full`.
    pub id: String,
    /// A title for people; the id unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How long it must be watched; only the last phase may be `open`.
    pub duration: WrittenDuration,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objectives: Option<Vec<String>>,
    /// What people check off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checklist: Option<Named<ChecklistItemConfig>>,
    /// When its steps may be applied, in the place of the plan's window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_window: Option<DeploymentWindowConfig>,
    /// What people are reminded of, in the place of the plan's items of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Named<ScheduleItemConfig>>,
    /// Changes of shares, in their order; shares only rise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepConfig>>,
    /// What must pass to go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Named<GateConfig>>,
    /// What rolls back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub triggers: Option<Named<TriggerConfig>>,
    /// What a retry after a rollback needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contingency: Option<ContingencyConfig>,
    /// Who decides at its end; without one it goes on by itself once its gates pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionConfig>,
    /// Rows of the daily scorecard, in the place of the plan's rows of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<Named<ConditionConfig>>,
    /// Rows shown beside this phase's gates, in the place of the plan's targets of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Named<ConditionConfig>>,
}

/// One item of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChecklistItemConfig {
    /// What is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The role that does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<WrittenDue>,
    /// What a person runs to see that it is done; shown to people, never run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// What they should see then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// One change of shares and the hold after it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct StepConfig {
    /// Flags and their shares from here on; flags that are not named keep theirs.
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    pub set: Named<WrittenShare>,
    /// How long the next step waits after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<WrittenSpan>,
    /// How long the gates wait after the last step: the smaller of 24h and the duration, unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<WrittenSpan>,
    /// It is applied only once this passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_if: Option<ConditionConfig>,
    /// What must succeed first, in this order, each time the step is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actions: Option<Named<ActionConfig>>,
}

/// A condition whose holding calls for rollback.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TriggerConfig {
    /// Whether it asks before it rolls back; `automatic` unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<ModeConfig>,
    /// How bad it is where it fires; shown in its records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<TriggerSeverityConfig>,
    /// What fires it.
    pub when: ConditionConfig,
    /// Where it rolls back to.
    pub rollback: RollbackConfig,
    /// Roles of which one may approve a manual one; the decision's roles unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve_by: Option<Vec<String>>,
    /// When a rollback must have cured it: 5m, or its own `for` if that is longer, unless written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<WrittenSpan>,
    /// Shown and journalled, and changes nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
}

/// Whether a trigger asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ModeConfig {
    /// Rolls back without asking.
    Automatic,
    /// Proposes, and waits for an approval.
    Manual,
}

/// How bad it is that a trigger fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TriggerSeverityConfig {
    /// The service is broken.
    Critical,
    /// It is worse than it should be.
    Degraded,
}

/// Where a rollback goes; it never raises a flag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [{ "required": ["to"] }, { "required": ["set"] }])))]
#[serde(deny_unknown_fields)]
pub struct RollbackConfig {
    /// `zero`, or the id of an earlier phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Flags and the shares they are lowered to; the others stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("minProperties" = 1)))]
    pub set: Option<Named<WrittenShare>>,
}

/// Where a failed phase falls back to, and what a retry needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ContingencyConfig {
    /// `zero` (the default), or the id of an earlier phase; shown to people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Watched time from the rollback to a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<WrittenSpan>,
    /// Items to attest after the rollback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Vec<String>>,
    /// Further items where exposure fell to zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_zero: Option<Vec<String>>,
}

/// Who must sign the end of a phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DecisionConfig {
    /// All of them, filled by distinct people.
    #[cfg_attr(feature = "schema", schemars(extend("minItems" = 1)))]
    pub roles: Vec<String>,
    /// Recorded, not required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional_roles: Option<Vec<String>>,
    /// What a no-go does; without it there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_go: Option<NoGoConfig>,
    /// Names for the rollbacks that may be decided (`partial`, `full`): each `zero`, or an earlier phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollbacks: Option<Named<String>>,
}

/// What a no-go does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NoGoConfig {
    /// How long it extends the phase.
    pub extend: WrittenSpan,
}
