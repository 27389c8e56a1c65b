//! When phases end: as planned, and as it looks from where the rollout stands.

use super::{RolloutState, Status};
use crate::id::PhaseId;
use crate::snapshot::{Phase, Plan};
use crate::time::{Span, Timestamp};

/// Watched time until the phase may end, with the steps that are still to come; `None` for an open one.
pub fn left(plan: &Plan, state: &RolloutState) -> Option<Span> {
    let phase = plan.phases.get(state.phase?.index())?;
    let duration = phase.duration?;
    let began = state.first_step_clock.unwrap_or(state.phase_clock);
    let first = if phase.steps.is_empty() { began } else { state.first_step_clock.unwrap_or(state.clock) };
    let due = (first + duration).max(state.extended_clock.unwrap_or_default());
    Some((due - state.clock).max(steps_left(phase, state)))
}

/// Watched time that the steps of the phase still take: their holds, and the soak of the last.
fn steps_left(phase: &Phase, state: &RolloutState) -> Span {
    let Some(last) = phase.steps.len().checked_sub(1) else { return Span::ZERO };
    let wait = |index: usize| {
        phase.steps.get(index).map_or(Span::ZERO, |step| if index == last { step.soak } else { step.hold })
    };
    let since = state.last_step_clock.map_or(Span::ZERO, |applied| state.clock - applied);
    let running = state.step.checked_sub(1).map_or(Span::ZERO, |applied| wait(applied) - since);
    (state.step..=last).fold(running, |sum, index| sum + wait(index))
}

/// When each phase would end if everything goes well from now on and people decide at once; `None` for phases that
/// are over and for an open one. Nothing where the rollout does not go on by itself.
pub fn projected(plan: &Plan, state: &RolloutState, wall: Timestamp) -> Vec<Option<Timestamp>> {
    let mut ends = vec![None; plan.phases.len()];
    if !matches!(state.status, Status::Running | Status::AwaitingDecision | Status::Paused) {
        return ends;
    }
    let Some(current) = state.phase else { return ends };
    let mut at = wall;
    for (index, (phase, end)) in plan.phases.iter().zip(&mut ends).enumerate().skip(current.index()) {
        let is_current = index == current.index();
        let length = if is_current { left(plan, state) } else { phase.length() };
        let Some(length) = length else { break };
        let waits = !is_current && !phase.steps.is_empty();
        if let Some(closed) = plan.closed(PhaseId(index as u16), at).filter(|_| waits) {
            let Some(opens) = closed.until else { break };
            at = opens;
        }
        at = at + length;
        *end = Some(at);
    }
    ends
}
