//! A closed calendar: nothing rises, and what would have risen waits. What lowers never comes here.

use super::Status;
use super::agenda::{Held, HeldWhat, QueuedGo};
use super::decision::pass_phase;
use super::record::Body;
use super::transition::Turn;
use crate::id::{Key, PhaseId, RoleId};
use crate::judge::SetVerdict;
use crate::snapshot::Closed;

/// The phase after the current one, where it raises anything by itself.
fn next_with_steps(turn: &Turn<'_>) -> Option<PhaseId> {
    let next = PhaseId(turn.state.phase?.0 + 1);
    let phase = turn.plan()?.phases.get(next.index())?;
    (!phase.steps.is_empty()).then_some(next)
}

/// Journals once what waits, for how long, and why.
fn hold(turn: &mut Turn<'_>, what: HeldWhat, phase: PhaseId, closed: Closed) {
    let Closed { until, reason } = closed;
    let step = turn.state.step;
    let is_known = turn
        .state
        .agenda
        .held
        .as_ref()
        .is_some_and(|held| (held.what, held.phase, held.step, held.until) == (what, phase, step, until));
    if is_known {
        return;
    }
    turn.state.agenda.held = Some(Held { what, phase, step, until, reason: reason.clone() });
    turn.record(Body::Held { what, until, reason });
}

/// Whether a phase may raise something now; if not, it is journalled once as held.
fn lets(turn: &mut Turn<'_>, what: HeldWhat, phase: PhaseId) -> bool {
    let wall = turn.now.wall;
    match turn.plan().and_then(|plan| plan.closed(phase, wall)) {
        Some(closed) => {
            hold(turn, what, phase, closed);
            false
        }
        None => {
            turn.state.agenda.held = None;
            true
        }
    }
}

/// Whether the next step may be applied now.
pub(super) fn lets_step(turn: &mut Turn<'_>) -> bool {
    turn.state.phase.is_none_or(|phase| lets(turn, HeldWhat::Step, phase))
}

/// Whether the next phase may be entered now: one without steps raises nothing.
fn lets_advance(turn: &mut Turn<'_>) -> bool {
    next_with_steps(turn).is_none_or(|next| lets(turn, HeldWhat::Phase, next))
}

/// Goes on to the next phase by itself, as soon as the calendar lets it.
pub(super) fn pass(turn: &mut Turn<'_>) {
    if lets_advance(turn) {
        pass_phase(turn);
    }
}

/// Whether a phase that has been held may be entered now.
pub(super) fn opens(turn: &Turn<'_>) -> bool {
    let agenda = &turn.state.agenda;
    let is_waiting =
        agenda.queued.is_some() || agenda.held.as_ref().is_some_and(|held| held.what == HeldWhat::Phase);
    let is_closed =
        |next: PhaseId| turn.plan().is_some_and(|plan| plan.closed(next, turn.now.wall).is_some());
    is_waiting && turn.state.proposals.is_empty() && !next_with_steps(turn).is_some_and(is_closed)
}

/// Takes the last `go` where the calendar is closed; whether it did.
pub(super) fn queue(turn: &mut Turn<'_>, by: &Key, role: RoleId) -> bool {
    if lets_advance(turn) {
        return false;
    }
    let hash = turn.state.hash.clone();
    turn.state.agenda.queued = Some(QueuedGo { by: by.clone(), role, hash });
    true
}

/// Goes on with a queued `go` once the calendar opens, on gates that are judged anew; or voids it.
pub(super) fn dequeue(turn: &mut Turn<'_>) {
    let Some(queued) = &turn.state.agenda.queued else { return };
    let is_of_this_plan = queued.hash == turn.state.hash;
    if !is_of_this_plan {
        return void(turn, "the plan was changed after it");
    }
    if !lets_advance(turn) {
        return;
    }
    let asked = turn.state.proposals.first().copied();
    if let Some(proposal) = asked {
        let key = turn.plan().and_then(|plan| proposal.trigger.of(plan)).map(|rule| rule.key.to_string());
        let key = key.unwrap_or_default();
        return void(turn, &format!("the proposal of trigger `{key}` is pending"));
    }
    match turn.findings.gates.as_ref().map(|gates| gates.verdict) {
        Some(SetVerdict::Passed) => pass_phase(turn),
        Some(SetVerdict::Failed) => void(turn, "the gates fail now"),
        _ => void(turn, "the gates are inconclusive now"),
    }
}

/// A queued `go` counts no more, and people have to say it again.
pub(super) fn void(turn: &mut Turn<'_>, why: &str) {
    turn.state.agenda.held = None;
    if let Some(queued) = turn.state.agenda.queued.take() {
        turn.state.votes.clear();
        turn.record(Body::GoVoided { by: queued.by, why: why.into() });
    }
}

/// The status changed: what waited on the old one waits no more.
pub(super) fn status_changed(turn: &mut Turn<'_>, to: Status) {
    void(turn, &format!("the rollout is {} now", to.name().replace('_', " ")));
}

/// Why something that raises shares in a phase is refused now, and until when.
pub(super) fn refusal(turn: &Turn<'_>, phase: PhaseId) -> Option<String> {
    let plan = turn.plan()?;
    let closed = plan.closed(phase, turn.now.wall)?;
    Some(format!("the calendar is closed ({}): {}", closed.reason, plan.calendar.opens(&closed)))
}

/// The same for entering a phase: one without steps raises nothing.
pub(super) fn entry_refusal(turn: &Turn<'_>, phase: PhaseId) -> Option<String> {
    let rule = turn.plan()?.phases.get(phase.index())?;
    if rule.steps.is_empty() { None } else { refusal(turn, phase) }
}
