//! One evaluation instant: triggers, then what a rollback did, then one step or one advance.

use super::docket::{due_step, is_due};
use super::record::{Body, CauseKind, CauseOf, ShareMap};
use super::rollback::{Watch, by_trigger, can_lower, latch, roll_back};
use super::transition::Turn;
use super::{
    Capture, Proposal, RolloutState, Status, TriggerJudgement, TriggerRef, actions, after, calendar, schedule,
};
use crate::id::{Key, PhaseId};
use crate::judge::{SetVerdict, Verdict};
use crate::snapshot::{ConditionKind, Ruleset, Trigger, TriggerMode, TriggerSeverity, Window};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// What made time pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passing {
    /// An evaluation at this instant.
    Evaluation,
    /// A command between two evaluations.
    Command,
    /// Something between two evaluations of another node: that one counts what was watched, on its own clock.
    Elsewhere,
    /// An evaluation at this instant that heard too few of the nodes: the time before it counts as unwatched.
    Unheard,
}

/// Time has passed: counts what was watched. A longer gap between evaluations than the watched one credits nothing,
/// and takes back what commands in between were credited.
///
/// Gives the unwatched interval, where there is one.
pub fn observe(
    ruleset: &Ruleset,
    state: &mut RolloutState,
    to: Timestamp,
    passing: Passing,
) -> Option<(Timestamp, Timestamp)> {
    state.observed = state.observed.max(to);
    if passing == Passing::Elsewhere {
        return None;
    }
    let Some(from) = state.evaluated else {
        state.evaluated = Some(to);
        return None;
    };
    let gap = to.since(from);
    let (watched, clock) = state.credited;
    let is_watched = gap <= ruleset.watched_gap() && passing != Passing::Unheard;
    if is_watched {
        let more = gap - watched;
        state.watched = state.watched + more;
        state.credited.0 = watched + more;
        if state.status != Status::Paused {
            state.clock = state.clock + more;
            state.credited.1 = clock + more;
        }
    } else if passing != Passing::Command {
        state.watched = state.watched - watched;
        state.clock = state.clock - clock;
    }
    if passing == Passing::Command {
        return None;
    }
    state.evaluated = Some(to);
    state.credited = (Span::ZERO, Span::ZERO);
    (!is_watched).then_some((from, to))
}

/// The evaluation itself, in the order of precedence of SEMANTICS 6.2.
pub(super) fn evaluate(turn: &mut Turn<'_>, advance: Advance) {
    reopen_latches(turn);
    settle(turn);
    lapse(turn);
    go_on(turn, advance);
    schedule::remind(turn);
}

/// Whether an evaluation may apply a step or enter a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advance {
    /// Where steps and gates allow it.
    Allowed,
    /// Not now: it could not be written down.
    Held,
}

/// Goes back where a trigger says so; else one step or one phase on, where the calendar is open.
fn go_on(turn: &mut Turn<'_>, advance: Advance) {
    if fire(turn) {
        return;
    }
    after::note_removable(turn);
    actions::expire(turn);
    // Actions are asked last: nobody makes a backup for a step that other things still hold back.
    if let Some(index) = ready_step(turn) {
        if !calendar::lets_step(turn) {
            // What was done for this step is of yesterday when the calendar opens.
            actions::forget_done(&mut turn.state);
        } else if actions::ready(turn, index) {
            if advance == Advance::Allowed {
                apply_step(turn, index);
            }
            return;
        }
    }
    gates(turn, advance);
}

/// Fires what is due to fire; whether it rolled back.
pub(super) fn fire(turn: &mut Turn<'_>) -> bool {
    let Some(plan) = turn.plan() else { return false };
    let findings = turn.findings;
    let mut fired: Vec<(TriggerRef, &Trigger)> = Vec::new();
    for judged in &findings.triggers {
        let (Some(rule), Some(finding)) = (judged.trigger.of(plan), &judged.finding) else { continue };
        let is_closed =
            turn.state.latches.iter().any(|latch| latch.trigger == judged.trigger && latch.is_closed);
        if !judged.verdict.is_passing() || is_closed || !can_lower(turn, &rule.rollback.target) {
            continue;
        }
        let mode = match rule.mode {
            TriggerMode::Automatic => "automatic",
            TriggerMode::Manual => "manual",
        };
        let (trigger, severity) = (&rule.key, rule.severity.map(TriggerSeverity::name));
        let finding = finding.clone();
        turn.record(Body::TriggerFired {
            trigger: trigger.clone(),
            mode,
            severity,
            finding: finding.clone(),
        });
        after::fired(turn, judged.trigger);
        if rule.is_dry_run {
            latch(turn, judged.trigger, Watch::Nothing);
        } else if rule.mode == TriggerMode::Automatic {
            fired.push((judged.trigger, rule));
        } else {
            latch(turn, judged.trigger, Watch::Nothing);
            turn.state.proposals.push(Proposal { trigger: judged.trigger, clear_since: None });
            turn.record(Body::Proposal { trigger: trigger.clone(), severity, finding });
        }
    }
    let Some((_, first)) = fired.first() else { return false };
    let cause = by_trigger(&first.key);
    let targets: Vec<_> = fired.iter().map(|(_, rule)| &rule.rollback).collect();
    let triggers: Vec<_> = fired.iter().map(|(trigger, _)| *trigger).collect();
    roll_back(turn, &targets, &triggers, cause);
    true
}

/// A latch opens once its condition has been false, on a window that lies wholly after the rollback.
fn reopen_latches(turn: &mut Turn<'_>) {
    let Some(plan) = turn.plan() else { return };
    let now = turn.now.observed;
    let pending: Vec<TriggerRef> = turn.state.proposals.iter().map(|proposal| proposal.trigger).collect();
    for judged in turn.findings.triggers.iter().filter(|judged| judged.is_clear) {
        let Some(rule) = judged.trigger.of(plan) else { continue };
        let since = turn.state.rollback_from.unwrap_or(Timestamp::MIN);
        for latch in turn.state.latches.iter_mut().filter(|latch| latch.trigger == judged.trigger) {
            let from = if latch.settle.is_some() { since.max(latch.fired) } else { since };
            let is_whole = from == Timestamp::MIN || now.since(from) >= window_of(rule);
            // A pending proposal keeps its latch: it lapses in its own time.
            if is_whole && !pending.contains(&judged.trigger) {
                latch.is_closed = false;
            }
        }
    }
    turn.state.latches.retain(|latch| latch.is_closed || latch.settle.is_some());
}

/// The longest window that a trigger's condition looks at.
fn window_of(rule: &Trigger) -> Span {
    let mut longest = Span::ZERO;
    rule.when.walk(&mut |condition| {
        let own = match &condition.kind {
            // Not the `for`: a breach that begins before it has passed would find its latch closed for good.
            ConditionKind::Measure(measure) => match measure.query.window {
                Window::Over(span) => span,
                // A gauge's latest value is of the moment it was set; a phase-long window has no whole length.
                Window::Latest(_) | Window::Phase => Span::ZERO,
            },
            ConditionKind::Alerts(_, rule) => match *rule {
                crate::snapshot::AlertRule::Count { within, .. } => within,
                crate::snapshot::AlertRule::QuietFor(span) | crate::snapshot::AlertRule::OpenFor(span) => {
                    span
                }
            },
            ConditionKind::Trend(trend) => match trend.window {
                Window::Over(span) => span,
                Window::Latest(_) | Window::Phase => Span::ZERO,
            },
            _ => Span::ZERO,
        };
        longest = longest.max(own);
    });
    longest
}

/// Says once where a rollback did not cure what it was for.
fn settle(turn: &mut Turn<'_>) {
    let Some(plan) = turn.plan() else { return };
    let findings = turn.findings;
    for judged in &findings.settled {
        let (Some(rule), false) =
            (judged.trigger.of(plan), matches!(judged.verdict, Verdict::Inconclusive(_)))
        else {
            continue;
        };
        for latch in turn.state.latches.iter_mut().filter(|latch| latch.trigger == judged.trigger) {
            latch.settle = None;
        }
        if let (true, Some(finding)) = (judged.verdict.is_passing(), &judged.finding) {
            turn.record(Body::RollbackIneffective { trigger: rule.key.clone(), finding: finding.clone() });
        }
    }
}

/// Proposals whose condition has been clear for long enough lapse.
fn lapse(turn: &mut Turn<'_>) {
    let Some(plan) = turn.plan() else { return };
    let now = turn.now.observed;
    let mut lapsed: Vec<TriggerRef> = Vec::new();
    for proposal in &mut turn.state.proposals {
        let Some(rule) = proposal.trigger.of(plan) else { continue };
        let judged: Option<&TriggerJudgement> =
            turn.findings.triggers.iter().find(|judged| judged.trigger == proposal.trigger);
        match judged {
            Some(judged) if judged.is_clear => {
                let since = *proposal.clear_since.get_or_insert(now);
                if now.since(since) >= rule.lapse {
                    lapsed.push(proposal.trigger);
                }
            }
            // No data neither clears a proposal nor starts its clock again.
            Some(judged) if matches!(judged.verdict, Verdict::Inconclusive(_)) => {}
            _ => proposal.clear_since = None,
        }
    }
    turn.state.proposals.retain(|proposal| !lapsed.contains(&proposal.trigger));
    turn.state.latches.retain(|latch| !lapsed.contains(&latch.trigger) || latch.settle.is_some());
    for trigger in lapsed {
        if let Some(rule) = trigger.of(plan) {
            turn.record(Body::ProposalLapsed { trigger: rule.key.clone() });
        }
    }
}

/// The next step, where it is due and its `only_if` passes.
fn ready_step(turn: &Turn<'_>) -> Option<usize> {
    let (Some(plan), Some(phase)) = (turn.plan(), turn.phase()) else { return None };
    let index = due_step(plan, &turn.state)?;
    let step = phase.steps.get(index)?;
    let holds = match (&step.only_if, turn.findings.step) {
        (None, _) => true,
        (Some(_), Some(verdict)) => verdict.is_passing() || verdict == Verdict::Skipped,
        (Some(_), None) => false,
    };
    holds.then_some(index)
}

/// The step that an entry begins with. Who let the phase be entered has looked at the calendar, or an override covers it.
pub(super) fn entry_step(turn: &mut Turn<'_>) {
    if let Some(index) = ready_step(turn)
        && actions::ready(turn, index)
    {
        apply_step(turn, index);
    }
}

/// Moves to the shares of a step of the current phase.
pub(super) fn apply_step(turn: &mut Turn<'_>, index: usize) {
    let Some(step) = turn.phase().and_then(|phase| phase.steps.get(index)) else { return };
    let cause = match &turn.retried_by {
        Some(by) => CauseOf { kind: CauseKind::Retry, name: by.clone() },
        None => CauseOf { kind: CauseKind::Step, name: Key::new((index + 1).to_string()) },
    };
    capture_baselines(turn, &step.shares);
    let state = &mut turn.state;
    actions::forget(state);
    state.planned = step.shares.to_vec();
    state.step = index + 1;
    state.first_step_clock.get_or_insert(state.clock);
    state.last_step_clock = Some(state.clock);
    state.agenda.first_step_wall.get_or_insert(turn.now.wall);
    let shares = overridden(&state.planned, &state.overrides);
    let map = ShareMap::all(turn.ruleset, &step.shares);
    turn.record(Body::StepApplied { step: index + 1, shares: map });
    turn.change_shares(shares, cause);
}

/// What the plan allows, with operators' shares in their places: the plan does not raise those.
pub(super) fn overridden(planned: &[Share], overrides: &[Option<Share>]) -> Vec<Share> {
    planned
        .iter()
        .zip(overrides)
        .map(|(planned, set)| set.map_or(*planned, |set| set.min(*planned)))
        .collect()
}

/// Before the first exposure, measures what the plan compares with (SEMANTICS 4.1, `versus`). After it, also where
/// everything has been rolled back, only a person can say what is a baseline.
fn capture_baselines(turn: &mut Turn<'_>, shares: &[Share]) {
    if turn.state.has_been_exposed || shares.iter().all(|share| *share == Share::ZERO) {
        return;
    }
    record_captures(turn);
}

/// Takes over measured baselines that have no value yet; how many.
pub(super) fn record_captures(turn: &mut Turn<'_>) -> usize {
    let mut captured = 0;
    for capture in &turn.findings.captures {
        let index = capture.baseline.index();
        let (Some(baseline), Some(slot)) =
            (turn.ruleset.baselines.get(index), turn.state.baselines.get_mut(index))
        else {
            continue;
        };
        if slot.is_some() {
            continue;
        }
        *slot = Some(capture.value);
        captured += 1;
        let metric = turn.ruleset.metric(baseline.metric).key.clone();
        let Capture { value, n, window, coverage, .. } = *capture;
        turn.record(Body::BaselineCaptured { metric, value, n, window, coverage });
    }
    captured
}

/// Journals the gate set's verdict where it changed, and waits for people or advances.
fn gates(turn: &mut Turn<'_>, advance: Advance) {
    let (Some(plan), Some(phase)) = (turn.plan(), turn.phase()) else { return };
    if !is_due(plan, &turn.state) || turn.state.status == Status::Paused {
        return;
    }
    let verdict = turn.findings.gates.as_ref().map(|gates| gates.verdict);
    let is_told = record_gates(turn);
    let has_passed = verdict == Some(SetVerdict::Passed);
    if has_passed && !is_told && calendar::opens(turn) {
        // The verdicts that a held phase passes on are those of now, not those it began to wait with.
        let findings = turn.findings.gates.as_ref().map(|gates| gates.findings.clone()).unwrap_or_default();
        turn.record(Body::GatesPassed { findings });
    }
    if turn.state.agenda.queued.is_some() {
        if advance == Advance::Allowed {
            calendar::dequeue(turn);
        }
        return;
    }
    if turn.state.status != Status::Running {
        return;
    }
    match &phase.decision {
        Some(rule) if has_passed || phase.duration.is_some() => {
            turn.set_status(Status::AwaitingDecision);
            let roles =
                rule.roles.iter().filter_map(|role| Some(turn.ruleset.roles.get(role.index())?.key.clone()));
            turn.record(Body::AwaitingDecision { roles: roles.collect() });
        }
        // An open phase ends by somebody's word only.
        None if has_passed
            && phase.duration.is_some()
            && turn.state.proposals.is_empty()
            && advance == Advance::Allowed =>
        {
            calendar::pass(turn);
        }
        _ => {}
    }
}

/// One record for each change of the set's verdict; whether there was one.
pub(super) fn record_gates(turn: &mut Turn<'_>) -> bool {
    let Some(gates) = &turn.findings.gates else { return false };
    if turn.state.gates == Some(gates.verdict) {
        return false;
    }
    turn.state.gates = Some(gates.verdict);
    let findings = gates.findings.clone();
    turn.record(match gates.verdict {
        SetVerdict::Passed => Body::GatesPassed { findings },
        SetVerdict::Failed => Body::GatesFailed { findings },
        SetVerdict::Inconclusive => Body::GatesInconclusive { findings },
    });
    true
}

/// Enters a phase and applies its first step in the same instant.
pub(super) fn enter(turn: &mut Turn<'_>, phase: PhaseId) {
    let Some(rule) = turn.plan().and_then(|plan| plan.phases.get(phase.index())) else { return };
    schedule::enter(turn);
    let state = &mut turn.state;
    actions::forget(state);
    state.phase = Some(phase);
    state.step = 0;
    state.phase_clock = state.clock;
    state.first_step_clock = None;
    state.last_step_clock = None;
    state.extended_clock = None;
    state.phase_from = turn.now.observed;
    state.gates = None;
    state.votes.clear();
    turn.set_status(Status::Running);
    turn.mark();
    turn.reset_streaks();
    turn.record(Body::PhaseStarted { title: rule.title.clone() });
    entry_step(turn);
}
