//! Where a rollout stands, as people and programs ask.

use rollgate_core::decide::{FollowUpStatus, Status, follow_ups, remaining};
use rollgate_core::id::Key;
use rollgate_core::time::{Now, Span};
use rollgate_core::units::Share;
use serde::Serialize;

use super::actions::DueAction;
use super::aftermath;
use super::calendar::CalendarStatus;
use super::control::Control;
use super::sight::StoreStatus;
use super::sources::SourceStatus;

/// Where a rollout stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolloutStatus {
    /// The plan's name.
    pub plan: Key,
    /// The status.
    pub status: Status,
    /// The phase; while rolled back, the one that failed.
    pub phase: Option<Key>,
    /// Its title.
    pub title: Option<String>,
    /// Steps of the phase that have been applied, and how many it has.
    pub step: (usize, usize),
    /// The shares that apply, by flag.
    pub shares: Vec<(Key, Share)>,
    /// Watched time until the gates are due; `None` while steps are missing or nothing runs.
    pub due_in: Option<Span>,
    /// Triggers whose proposals wait for an answer.
    pub proposals: Vec<Key>,
    /// Roles that have said go.
    pub votes: Vec<Key>,
    /// What waits, what is overdue, who is to be reminded, and when it ends.
    pub calendar: CalendarStatus,
    /// The action that the next step waits for.
    pub action: Option<DueAction>,
    /// Flags that may be taken out of the code.
    pub removable: Vec<Key>,
    /// Flags that are final or may be taken out, and that somebody still asks for: since the latest change of shares, or
    /// since this process began.
    pub lingering: Vec<Key>,
    /// What is left to do after the rollout, done or not.
    pub follow_ups: Vec<FollowUpStatus>,
    /// The store and the nodes on it; `None` where the store is this engine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreStatus>,
    /// Metrics that come from a Prometheus server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceStatus>,
}

impl RolloutStatus {
    pub(super) fn of(control: &Control, now: Now) -> Self {
        let (ruleset, state) = (&control.ruleset, &control.state);
        let plan = ruleset.plan.as_ref();
        let phase = plan.zip(state.phase).and_then(|(plan, id)| plan.phases.get(id.index()));
        let is_running = matches!(state.status, Status::Running | Status::AwaitingDecision | Status::Paused);
        Self {
            plan: ruleset.name.clone(),
            status: state.status,
            phase: phase.map(|phase| phase.key.clone()),
            title: phase.map(|phase| phase.title.clone()),
            step: (state.step, phase.map_or(0, |phase| phase.steps.len())),
            shares: ruleset
                .flags
                .iter()
                .map(|flag| flag.key.clone())
                .zip(ruleset.flags.iter().zip(&state.shares).map(|(flag, share)| flag.shown(*share)))
                .collect(),
            due_in: plan.filter(|_| is_running).and_then(|plan| remaining(plan, state)),
            proposals: plan.map_or_else(Vec::new, |plan| {
                state
                    .proposals
                    .iter()
                    .filter_map(|proposal| Some(proposal.trigger.of(plan)?.key.clone()))
                    .collect()
            }),
            votes: state
                .votes
                .iter()
                .filter_map(|vote| Some(ruleset.roles.get(vote.role.index())?.key.clone()))
                .collect(),
            calendar: CalendarStatus::of(control, now),
            action: DueAction::of(control),
            removable: state.after.removable.clone(),
            lingering: aftermath::lingering(control),
            follow_ups: follow_ups(ruleset, state, now.wall),
            store: StoreStatus::of(control, now),
            sources: SourceStatus::all(control, now),
        }
    }
}
