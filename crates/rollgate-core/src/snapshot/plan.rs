//! The compiled plan: phases, steps, gates, triggers, contingencies, decisions.

use crate::id::{FlagId, Key, PhaseId, RoleId};
use crate::snapshot::{
    Calendar, Channel, Condition, DeploymentWindow, Due, FollowUp, Notice, Removal, ScheduleItem, StepAction,
};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// One change of shares and the hold after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The shares of **every** flag of the plan once this step has been applied, by [`FlagId`].
    pub shares: Box<[Share]>,
    /// The flags that the step names.
    pub names: Vec<FlagId>,
    /// How long the next step waits after this one.
    pub hold: Span,
    /// How long the gates wait after the last step: the smaller of 24 h and the duration, unless written.
    pub soak: Span,
    /// It is applied only once this passes.
    pub only_if: Option<Condition>,
    /// What must succeed first, in this order.
    pub actions: Vec<StepAction>,
}

/// A condition that must pass to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Its key in the phase.
    pub key: Key,
    /// What must pass.
    pub condition: Condition,
    /// Shown and journalled, and changes nothing.
    pub is_dry_run: bool,
}

/// Whether a trigger asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerMode {
    /// Rolls back without asking.
    Automatic,
    /// Creates a proposal.
    Manual,
}

/// How bad it is that a trigger fires. It is shown, and decides nothing: the rollback's target does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerSeverity {
    /// The service is broken.
    Critical,
    /// It is worse than it should be.
    Degraded,
}

impl TriggerSeverity {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Degraded => "degraded",
        }
    }
}

/// Where a rollback goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackTarget {
    /// Every flag to nobody, and killed.
    Zero,
    /// The last shares of an earlier phase.
    Phase(PhaseId),
    /// These flags to these shares; the others stay.
    Set(Vec<(FlagId, Share)>),
}

/// A target with its name in records: a phase key, `zero` or `set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackTo {
    /// The name.
    pub name: Key,
    /// The target.
    pub target: RollbackTarget,
}

/// A condition whose holding calls for rollback.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its key in the phase.
    pub key: Key,
    /// Whether it asks.
    pub mode: TriggerMode,
    /// How bad it is, where the plan says.
    pub severity: Option<TriggerSeverity>,
    /// What fires it.
    pub when: Condition,
    /// Where it rolls back to.
    pub rollback: RollbackTo,
    /// Who may approve a manual one; the decision's roles unless written.
    pub approve_by: Vec<RoleId>,
    /// When a rollback must have cured it (default 5 m, or its `for` if longer).
    pub settle: Span,
    /// Shown and journalled, and changes nothing.
    pub is_dry_run: bool,
    /// Judged inside the recording call too: only events, alerts and gauges, without `for`.
    pub is_at_once: bool,
    /// How long its condition must be clear before its proposal lapses: its `for`, else its window.
    pub lapse: Span,
}

/// Where a failed phase falls back to, and what a retry needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Contingency {
    /// Where the plan says it falls back to; shown to people.
    pub to: Key,
    /// Watched time from the rollback to a retry.
    pub hold: Span,
    /// Items to attest after the rollback.
    pub requires: Vec<Key>,
    /// Further items where exposure fell to zero.
    pub if_zero: Vec<Key>,
}

/// Who must sign a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRule {
    /// All of them, filled by distinct people.
    pub roles: Vec<RoleId>,
    /// Recorded, not required.
    pub optional_roles: Vec<RoleId>,
    /// How long a `no_go` extends the phase; `None` where the plan has no `no_go`.
    pub extend: Option<Span>,
    /// Names for rollbacks that the plan gives (`partial`, `full`), each with its target.
    pub rollbacks: Vec<(Key, RollbackTo)>,
}

/// A role and who holds it; no members: anybody who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRule {
    /// Its key.
    pub key: Key,
    /// People by name; empty: not checked.
    pub members: Vec<Key>,
}

/// One item of a phase's checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecklistItem {
    /// Its key.
    pub key: Key,
    /// What is to be done.
    pub title: String,
    /// Who does it.
    pub owner: Option<RoleId>,
    /// By when.
    pub due: Option<Due>,
    /// What a person runs to see that it is done; shown, never run.
    pub command: Option<String>,
    /// What they should see then.
    pub expect: Option<String>,
}

/// A named condition that is shown and never decides (targets, daily rows).
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its key.
    pub key: Key,
    /// What should hold.
    pub condition: Condition,
}

/// The daily scorecard: when, and which rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Daily {
    /// Minutes after midnight in the plan's zone.
    pub at_minute: Option<u16>,
    /// Its rows.
    pub checks: Vec<Check>,
}

/// One phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its key.
    pub key: Key,
    /// Its title; the key where none is written.
    pub title: String,
    /// How long it must be watched; `None` is open.
    pub duration: Option<Span>,
    /// What it is for.
    pub objectives: Vec<String>,
    /// What people check off.
    pub checklist: Vec<ChecklistItem>,
    /// Its changes of shares.
    pub steps: Vec<Step>,
    /// What must pass.
    pub gates: Vec<Gate>,
    /// What rolls back.
    pub triggers: Vec<Trigger>,
    /// What a retry needs.
    pub contingency: Option<Contingency>,
    /// Who decides; `None`: it advances by itself.
    pub decision: Option<DecisionRule>,
    /// When its steps may be applied: its own window, or the plan's; `None`: at any time outside a freeze.
    pub window: Option<DeploymentWindow>,
    /// What people are reminded of: the plan's items with this phase's in their place.
    pub schedule: Vec<ScheduleItem>,
    /// Rows of the daily scorecard in this phase (the plan's, with this phase's in their place).
    pub daily: Vec<Check>,
    /// Rows shown beside its gates (the plan's targets, with this phase's in their place).
    pub targets: Vec<Check>,
    /// The shares of every flag when the phase is complete, by [`FlagId`]; those before it where it has no steps.
    pub last_shares: Box<[Share]>,
}

/// A row of the risk register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Its key.
    pub key: Key,
    /// What may happen.
    pub title: String,
    /// How likely, in the plan's words.
    pub probability: String,
    /// How bad, in the plan's words.
    pub impact: String,
    /// What is done against it.
    pub mitigation: String,
    /// Keys of the triggers that watch for it.
    pub triggers: Vec<Key>,
}

/// The phases and what goes with them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// In the order they are entered; never empty.
    pub phases: Vec<Phase>,
    /// Rows shown beside the gates.
    pub targets: Vec<Check>,
    /// The daily scorecard.
    pub daily: Daily,
    /// Messages.
    pub notices: Vec<Notice>,
    /// Where they go, where the plan has the table.
    pub channels: Vec<Channel>,
    /// The risk register.
    pub risks: Vec<Risk>,
    /// The day on which the first phase is planned to begin.
    pub date: Option<Timestamp>,
    /// When nothing may rise.
    pub calendar: Calendar,
    /// When a flag may be taken out of the code.
    pub removal: Removal,
    /// Work for after the rollout.
    pub follow_ups: Vec<FollowUp>,
}

impl Plan {
    /// The phase of this key.
    pub fn phase_of(&self, key: &str) -> Option<PhaseId> {
        self.phases.iter().position(|phase| phase.key == *key).map(|index| PhaseId(index as u16))
    }
    /// The phase of this id.
    ///
    /// # Panics
    /// Where the id is of another plan.
    pub fn phase(&self, id: PhaseId) -> &Phase {
        &self.phases[id.index()]
    }
}
