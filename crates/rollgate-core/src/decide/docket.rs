//! What is to be judged now: the questions that deciding will ask.

use super::after::is_removal_due;
use super::{RolloutState, Status, TriggerRef};
use crate::id::{Key, PhaseId};
use crate::judge::Facts;
use crate::snapshot::{Phase, Plan, Ruleset};
use crate::time::{Now, Span, Timestamp};
use crate::units::Share;

/// The questions of one evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docket {
    /// The phase whose triggers are live.
    pub live: Option<PhaseId>,
    /// Fired triggers that are to be judged again, to see whether their rollback cured them.
    pub settling: Vec<TriggerRef>,
    /// Whether the gate set is due.
    pub gates: bool,
    /// The step whose `only_if` is to be judged.
    pub step: Option<usize>,
    /// Whether the daily scorecard is due.
    pub daily: bool,
    /// Whether flags have all that their removal asks for but the word of the windows.
    pub removal: bool,
}

impl Docket {
    /// What to judge at an evaluation at `now`.
    pub fn of(ruleset: &Ruleset, state: &RolloutState, now: Now) -> Self {
        let Some(plan) = &ruleset.plan else {
            return Self {
                live: None,
                settling: Vec::new(),
                gates: false,
                step: None,
                daily: false,
                removal: false,
            };
        };
        let settling = state
            .latches
            .iter()
            .filter(|latch| latch.settle.is_some_and(|due| due <= now.observed))
            .map(|latch| latch.trigger)
            .collect();
        Self {
            live: live_phase(state),
            settling,
            gates: is_due(plan, state),
            step: due_step(plan, state),
            daily: super::daily_due(ruleset, state, now.wall).is_some(),
            removal: is_removal_due(ruleset, state, now.observed),
        }
    }
}

/// The phase whose triggers are live: the one whose shares apply, where anybody is exposed (SEMANTICS 5.2, 6.5).
pub fn live_phase(state: &RolloutState) -> Option<PhaseId> {
    if !state.has_exposure() {
        return None;
    }
    match state.status {
        Status::RolledBack => state.applied.or(state.phase),
        _ => state.phase,
    }
}

fn phase_of<'a>(plan: &'a Plan, state: &RolloutState) -> Option<&'a Phase> {
    plan.phases.get(state.phase?.index())
}

/// The step (counted from 0) that only its `only_if` still holds back.
pub fn due_step(plan: &Plan, state: &RolloutState) -> Option<usize> {
    if state.status != Status::Running || !state.proposals.is_empty() {
        return None;
    }
    let steps = &phase_of(plan, state)?.steps;
    let next = steps.get(state.step).map(|_| state.step)?;
    let waited = match (next.checked_sub(1).and_then(|last| steps.get(last)), state.last_step_clock) {
        (Some(last), Some(applied)) => state.clock - applied >= last.hold,
        _ => true,
    };
    waited.then_some(next)
}

/// Whether the phase's gate set is no longer NotYet (SEMANTICS 5.1).
pub fn is_due(plan: &Plan, state: &RolloutState) -> bool {
    if !matches!(state.status, Status::Running | Status::AwaitingDecision | Status::Paused) {
        return false;
    }
    remaining(plan, state).is_some_and(|wait| wait == Span::ZERO)
}

/// Watched time until the gate set is due, as far as time alone decides; `None` while steps are missing.
pub fn remaining(plan: &Plan, state: &RolloutState) -> Option<Span> {
    let phase = phase_of(plan, state)?;
    if state.step < phase.steps.len() {
        return None;
    }
    let mut due = state.extended_clock.unwrap_or_default();
    if let Some(duration) = phase.duration {
        due = due.max(state.first_step_clock.unwrap_or(state.phase_clock) + duration);
    }
    if let (Some(last), Some(applied)) = (phase.steps.last(), state.last_step_clock) {
        due = due.max(applied + last.soak);
    }
    Some(due - state.clock)
}

/// What judging reads for conditions of `phase`.
pub fn facts<'a>(
    ruleset: &'a Ruleset,
    state: &'a RolloutState,
    phase: PhaseId,
    shares: &'a [Share],
    checked: &'a [Key],
    now: Now,
) -> Facts<'a> {
    Facts {
        ruleset,
        phase,
        shares,
        attestations: &state.attestations,
        checked,
        baselines: &state.baselines,
        phase_from: state.phase_from,
        phase_watched: state.clock - state.phase_clock,
        rollback_from: state.rollback_from,
        shares_from: state.shares_from,
        now,
    }
}

/// The next instant at which something may change by itself: the next multiple of `evaluate_every`.
pub fn next_wakeup(ruleset: &Ruleset, now: Timestamp) -> Timestamp {
    now.next(ruleset.evaluate_every)
}
