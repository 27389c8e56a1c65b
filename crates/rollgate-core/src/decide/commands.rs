//! Commands: each one is carried out whole, or refused with a record that says why.

use super::decision::{approve, decide, no_role, roles_of};
use super::evaluation::{apply_step, enter, entry_step, record_captures};
use super::operator;
use super::record::{Body, CauseKind, CauseOf};
use super::transition::Turn;
use super::{Action, Command, Said, Status, actions, after, calendar, schedule, texts};
use crate::id::{Key, PhaseId};
use crate::judge::Attestation;
use crate::limits::ATTESTATIONS_MAX;
use crate::snapshot::{ConditionKind, Phase, Plan};
use crate::units::Share;

/// What is wrong with who gives a command. Nobody is asked who wants to lower something.
fn unsigned(turn: &Turn<'_>, command: &Command) -> Option<String> {
    if command.by.as_str().trim().is_empty() {
        return Some("a command needs the name of who gives it".into());
    }
    let named = command.role.as_ref()?;
    turn.ruleset.role_of(named.as_str()).is_none().then(|| no_role(turn, named))
}

/// Carries out a command, or journals its refusal.
pub(super) fn obey(turn: &mut Turn<'_>, command: &Command) {
    let short;
    let command = match texts::too_long(command) {
        None => command,
        Some(why) => {
            let Some(lowering) = texts::lowering(turn.ruleset, &turn.state, command) else {
                return refuse(turn, &texts::signed(command), why);
            };
            short = lowering;
            &short
        }
    };
    // Decisions say themselves why they are refused; what lowers is not held up by a misspelt name.
    let is_free = matches!(command.action, Action::Decide { .. } | Action::Stop { .. } | Action::Set { .. });
    if !is_free && let Some(why) = unsigned(turn, command) {
        return refuse(turn, command, why);
    }
    let outcome = match &command.action {
        Action::Decide { choice, rationale } => {
            decide(turn, command, choice, rationale);
            Ok(())
        }
        Action::Retry => {
            retry(turn, command);
            Ok(())
        }
        Action::Start => start(turn, command),
        Action::Check { item } => check(turn, command, item),
        Action::Acknowledge { item } => schedule::acknowledge(turn, command, item),
        Action::Attest { item, is_true, passed } => attest(turn, command, item, *is_true, *passed),
        Action::Approve { proposal, rationale } => approve(turn, command, proposal, rationale),
        Action::Dismiss { proposal, reason } => dismiss(turn, command, proposal, reason),
        Action::Set { shares, reason } => operator::set(turn, command, shares, reason),
        Action::Release { flags } => operator::release(turn, command, flags),
        Action::Pause { reason } => pause(turn, command, reason),
        Action::Resume { reason } => resume(turn, command, reason),
        Action::Stop { reason } => stop(turn, command, reason),
        Action::CaptureBaseline => capture(turn),
        Action::Report(result) => actions::report(turn, command, result),
        Action::Annotate { text, metric } => after::annotate(turn, command, text, metric.as_ref()),
        Action::FollowUp { item, title, owner, due } => {
            after::add_task(turn, command, item, title, owner, due)
        }
    };
    if let Err(why) = outcome {
        refuse(turn, command, why);
    }
}

fn refuse(turn: &mut Turn<'_>, command: &Command, why: String) {
    turn.refused = Some(why.clone());
    let by = command.by.clone();
    turn.record(match &command.action {
        Action::Decide { choice, .. } => Body::DecisionRefused { choice: choice.name(), by, why },
        action => Body::CommandRefused { command: action.name(), by, why },
    });
}

fn start(turn: &mut Turn<'_>, command: &Command) -> Result<(), String> {
    if turn.plan().is_none() {
        return Err("this setup has flags only; there is no plan to start".into());
    }
    if turn.state.status != Status::Pending {
        return Err(format!("the rollout has already been started; it is {}", turn.state.status.name()));
    }
    if let Some(why) = calendar::entry_refusal(turn, PhaseId(0)) {
        return Err(why);
    }
    turn.set_status(Status::Running);
    turn.record(Body::Started { by: command.by.clone() });
    enter(turn, PhaseId(0));
    Ok(())
}

/// The phase that checks and attestations are given in.
fn current<'a>(turn: &Turn<'a>) -> Result<(&'a Plan, &'a Phase, PhaseId), String> {
    match (turn.plan(), turn.phase(), turn.state.phase) {
        (Some(plan), Some(phase), Some(id)) => Ok((plan, phase, id)),
        _ => Err("the rollout has not started; checks and attestations count in the phase they are given in"
            .into()),
    }
}

fn check(turn: &mut Turn<'_>, command: &Command, item: &Key) -> Result<(), String> {
    let (_, phase, id) = current(turn)?;
    if !phase.checklist.iter().any(|listed| listed.key == *item) {
        if after::check_task(turn, command, item) {
            return Ok(());
        }
        let listed: Vec<&str> = phase.checklist.iter().map(|listed| listed.key.as_str()).collect();
        let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
        return Err(format!("phase `{}` has no checklist item `{item}`; it has {listed}", phase.key));
    }
    let entry = (id, item.clone());
    if !turn.state.checked.contains(&entry) {
        turn.state.checked.push(entry);
    }
    turn.record(Body::Checked { item: item.clone(), by: command.by.clone(), value: true });
    Ok(())
}

/// Whether anything in the phase asks for this item: a gate, or the contingency of a failed phase.
fn is_asked(plan: &Plan, phase: &Phase, failed: Option<PhaseId>, item: &Key) -> bool {
    let mut is_asked = false;
    let conditions = phase
        .gates
        .iter()
        .map(|gate| &gate.condition)
        .chain(phase.triggers.iter().map(|trigger| &trigger.when))
        .chain(phase.steps.iter().filter_map(|step| step.only_if.as_ref()));
    for condition in conditions {
        condition.walk(&mut |inner| {
            is_asked |= matches!(&inner.kind, ConditionKind::Attest(attest) if attest.item == *item);
        });
    }
    let contingency = failed.and_then(|failed| plan.phases.get(failed.index())?.contingency.as_ref());
    is_asked
        || after::is_asked(plan, item)
        || contingency.is_some_and(|rule| rule.requires.contains(item) || rule.if_zero.contains(item))
}

fn attest(
    turn: &mut Turn<'_>,
    command: &Command,
    item: &Key,
    is_true: bool,
    passed: Option<(u64, u64)>,
) -> Result<(), String> {
    let (plan, phase, id) = current(turn)?;
    if !is_asked(plan, phase, turn.state.failed, item) {
        return Err(format!("nothing in phase `{}` asks for `{item}`", phase.key));
    }
    if passed.is_some_and(|(passed, of)| passed > of) {
        return Err("more passed than there are".into());
    }
    let roles = roles_of(turn, command)?;
    let roles: Vec<Key> =
        roles.iter().filter_map(|role| Some(turn.ruleset.roles.get(role.index())?.key.clone())).collect();
    let state = &mut turn.state;
    // The latest statement of a person on an item is the one that counts; nobody takes back another's.
    // The removal of flags is asked for in every phase, so that a statement of an earlier one is taken back here too.
    let is_of_removal = after::is_asked(plan, item);
    let is_own = |given: &Attestation| {
        given.item == *item && given.by == command.by && (given.phase == id || is_of_removal)
    };
    if state.attestations.len() >= ATTESTATIONS_MAX && !state.attestations.iter().any(is_own) {
        return Err(format!("more than {ATTESTATIONS_MAX} attestations are kept by no rollout"));
    }
    if matches!(state.status, Status::RolledBack | Status::Stopped) {
        let is_whole = passed.is_none_or(|(passed, of)| passed == of);
        let is_own = |said: &Said| said.item == *item && said.by == command.by;
        let is_revoked = !is_true && state.contingency.iter().any(|said| is_own(said) && said.is_true);
        state.contingency.retain(|said| !is_own(said));
        if !is_revoked {
            let (item, by) = (item.clone(), command.by.clone());
            state.contingency.push(Said { item, by, is_true: is_true && is_whole });
        }
    }
    // To take back one's own statement is no objection to another's; to say no without one in this phase is.
    let is_this = |given: &Attestation| is_own(given) && given.phase == id && given.is_true;
    let is_revoked = !is_true && state.attestations.iter().any(is_this);
    state.attestations.retain(|given| !is_own(given));
    if !is_revoked {
        state.attestations.push(Attestation {
            item: item.clone(),
            phase: id,
            by: command.by.clone(),
            roles,
            is_true,
            passed,
            at: turn.now.wall,
        });
    }
    turn.record(Body::Attested {
        item: item.clone(),
        by: command.by.clone(),
        value: is_true,
        passed: passed.map(|(passed, _)| passed),
        of: passed.map(|(_, of)| of),
    });
    Ok(())
}

fn dismiss(turn: &mut Turn<'_>, command: &Command, key: &Key, reason: &str) -> Result<(), String> {
    let plan = turn.plan().ok_or("there is no plan")?;
    let is_it = |trigger: super::TriggerRef| trigger.of(plan).is_some_and(|rule| rule.key == *key);
    let before = turn.state.proposals.len();
    turn.state.proposals.retain(|proposal| !is_it(proposal.trigger));
    if turn.state.proposals.len() == before {
        return Err(format!("no proposal of trigger `{key}` is pending"));
    }
    turn.record(Body::ProposalDismissed {
        trigger: key.clone(),
        by: command.by.clone(),
        reason: reason.into(),
    });
    Ok(())
}

fn pause(turn: &mut Turn<'_>, command: &Command, reason: &str) -> Result<(), String> {
    let status = turn.state.status;
    if !matches!(status, Status::Running | Status::AwaitingDecision) {
        return Err(format!("only a running rollout can be paused; it is {}", status.name()));
    }
    turn.state.paused_from = Some(status);
    turn.set_status(Status::Paused);
    turn.record(Body::Paused { by: command.by.clone(), reason: reason.into() });
    Ok(())
}

fn resume(turn: &mut Turn<'_>, command: &Command, reason: &str) -> Result<(), String> {
    if turn.state.status != Status::Paused {
        return Err(format!("the rollout is not paused; it is {}", turn.state.status.name()));
    }
    let status = turn.state.paused_from.take().unwrap_or(Status::Running);
    turn.set_status(status);
    turn.record(Body::Resumed { by: command.by.clone(), reason: reason.into() });
    Ok(())
}

fn stop(turn: &mut Turn<'_>, command: &Command, reason: &str) -> Result<(), String> {
    if turn.plan().is_none() {
        return Err("this setup has flags only; set their shares to zero".into());
    }
    if turn.state.status == Status::Stopped {
        return Err("the rollout is already stopped".into());
    }
    let cause = CauseOf { kind: CauseKind::Stop, name: command.by.clone() };
    let flags = turn.state.shares.len();
    turn.state.is_killed = true;
    turn.state.paused_from = None;
    // A stop lifts nothing that an earlier rollback requires, and exposure has now fallen to zero.
    turn.state.has_fallen_to_zero |= turn.state.failed.is_some();
    turn.state.applied = None;
    turn.state.is_set_rollback = false;
    turn.state.planned = vec![Share::ZERO; flags];
    // What was measured until now was of another exposure, as after a rollback: no trigger reads it after a retry.
    turn.state.rollback_from = Some(turn.now.observed);
    actions::forget(&mut turn.state);
    turn.set_status(Status::Stopped);
    turn.record(Body::Stopped { by: command.by.clone(), reason: reason.into() });
    super::rollback::lapse_proposals(turn, &[]);
    turn.reset_streaks();
    turn.change_shares(vec![Share::ZERO; flags], cause);
    Ok(())
}

/// What a retry still lacks, as people can supply it.
fn missing(turn: &Turn<'_>, plan: &Plan) -> Vec<String> {
    let state = &turn.state;
    let mut missing: Vec<String> = Vec::new();
    for proposal in &state.proposals {
        if let Some(rule) = proposal.trigger.of(plan) {
            missing.push(format!("an answer to the proposal of {}", rule.key));
        }
    }
    let failed = state.failed.and_then(|failed| plan.phases.get(failed.index()));
    let Some(contingency) = failed.and_then(|phase| phase.contingency.as_ref()) else { return missing };
    if state.watched - state.rollback_watched < contingency.hold {
        missing.push("hold".into());
    }
    let if_zero = if state.has_fallen_to_zero { &contingency.if_zero[..] } else { &[] };
    let items = contingency.requires.iter().chain(if_zero);
    // Somebody has attested it since the rollback, and nobody objects.
    let is_attested = |item: &Key| {
        let mut said = state.contingency.iter().filter(|said| said.item == *item).peekable();
        said.peek().is_some() && said.all(|said| said.is_true)
    };
    missing.extend(items.filter(|item| !is_attested(item)).map(ToString::to_string));
    missing
}

fn retry(turn: &mut Turn<'_>, command: &Command) {
    let by = command.by.clone();
    let Some(plan) = turn.plan() else { return refuse(turn, command, "there is no plan to retry".into()) };
    if !matches!(turn.state.status, Status::RolledBack | Status::Stopped) {
        let why = format!("there is nothing to retry; the rollout is {}", turn.state.status.name());
        return refuse(turn, command, why);
    }
    let missing = missing(turn, plan);
    if !missing.is_empty() {
        turn.refused = Some(format!("a retry still needs: {}", missing.join(", ")));
        turn.record(Body::RetryRefused { by: command.by.clone(), missing });
        return;
    }
    let state = &turn.state;
    let Some(was) = state.phase else {
        // Stopped before it was started: it waits for its start again.
        turn.state.is_killed = false;
        turn.set_status(Status::Pending);
        let from_phase = plan.phase(PhaseId(0)).key.clone();
        turn.record(Body::Retried { from_phase, by });
        return;
    };
    let first = plan.phases.iter().position(|phase| !phase.steps.is_empty()).unwrap_or(0);
    let is_zero = state.status == Status::Stopped || state.applied.is_none();
    let (phase, again) = match state.applied {
        _ if is_zero => (PhaseId((first as u16).min(was.0)), None),
        Some(applied) if state.is_set_rollback => (applied, state.step.checked_sub(1)),
        Some(applied) => (PhaseId((applied.0 + 1).min(plan.phases.len() as u16 - 1)), None),
        None => (was, None),
    };
    if let Some(why) = calendar::entry_refusal(turn, phase) {
        turn.refused = Some(why.clone());
        turn.record(Body::RetryRefused { by, missing: vec![why] });
        return;
    }
    let state = &mut turn.state;
    state.failed = None;
    state.applied = None;
    state.is_set_rollback = false;
    state.has_fallen_to_zero = false;
    state.is_killed = false;
    state.is_completed = false;
    state.after.completed_at = None;
    state.after.overridden.retain(|passed| passed.phase < phase);
    state.latches.clear();
    state.contingency.clear();
    state.attestations.retain(|given| given.phase < phase);
    state.checked.retain(|(of, _)| *of < phase);
    state.phase = Some(phase);
    turn.set_status(Status::Running);
    turn.reset_streaks();
    let from_phase = plan.phase(phase).key.clone();
    turn.retried_by = Some(command.by.clone());
    turn.record(Body::Retried { from_phase, by: command.by.clone() });
    match again {
        // From a `set` rollback the phase goes on at its last applied step, with a full duration.
        Some(step) => enter_at(turn, phase, step),
        None => enter(turn, phase),
    }
}

/// Enters a phase at a later step, whose predecessors were applied before.
fn enter_at(turn: &mut Turn<'_>, phase: PhaseId, index: usize) {
    schedule::enter(turn);
    let state = &mut turn.state;
    actions::forget(state);
    state.step = index;
    state.phase_clock = state.clock;
    state.first_step_clock = None;
    state.last_step_clock = None;
    state.extended_clock = None;
    state.phase_from = turn.now.observed;
    state.gates = None;
    turn.mark();
    if let Some(rule) = turn.plan().and_then(|plan| plan.phases.get(phase.index())) {
        turn.record(Body::PhaseStarted { title: rule.title.clone() });
    }
    let has_actions =
        turn.phase().and_then(|phase| phase.steps.get(index)).is_some_and(|step| !step.actions.is_empty());
    // Results of the attempt before are forgotten: the step waits for its actions like any other.
    if has_actions {
        entry_step(turn);
    } else {
        apply_step(turn, index);
    }
}

fn capture(turn: &mut Turn<'_>) -> Result<(), String> {
    if record_captures(turn) == 0 {
        return Err("there is no baseline left to capture, or none of them has data".into());
    }
    Ok(())
}
