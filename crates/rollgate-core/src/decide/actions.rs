//! Actions before a step: a backup, a migration, a verification, each of which must succeed before any share rises.
//!
//! Deciding only says which action is due and what its result means; the host runs it. An action is due like a step is:
//! once the hold before it has passed and the step's `only_if` passes. Its start is written down before the host hears
//! of it, and a restart in the middle of it starts it again: it runs at least once.
//!
//! The host hears of an action at its next tick, so that is where a timeout begins, and not at the start: a timeout that is
//! shorter than the wait for a tick would end the action before anybody was asked. See [`ask`].
//!
//! A failure holds the rollout where it is. It lowers nothing, for what is exposed is healthy: a backup that cannot be
//! made is a reason not to go on, and none to take a working version away from people.

use serde::{Deserialize, Serialize};

use super::docket::due_step;
use super::record::Body;
use super::texts::tail;
use super::transition::Turn;
use super::{Command, RolloutState, Status};
use crate::id::{Key, PhaseId};
use crate::limits::ACTION_OUTPUT_BYTES_MAX;
use crate::snapshot::{Plan, Ruleset, StepAction};
use crate::time::Timestamp;

/// How far the actions of the next step have come in this attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Actions that have succeeded.
    pub done: usize,
    /// The one under way.
    pub running: Option<Run>,
    /// How many have ever been started: the number of the latest.
    pub runs: u64,
    /// Phase, step and place of the latest that was started.
    #[serde(default)]
    pub latest: Option<(PhaseId, usize, usize)>,
}

/// One run of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number: a result of another run is stale.
    pub number: u64,
    /// Observed time at which it was started.
    pub since: Timestamp,
    /// Observed time from which its timeout counts; `None`: the host has not been asked yet.
    #[serde(default)]
    pub asked: Option<Timestamp>,
    /// The same action was started before: a result without a number may be that one's.
    #[serde(default)]
    pub is_again: bool,
}

/// What is known of a run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionResult {
    /// Which action.
    pub action: Key,
    /// Which run of it; `None`: the one under way.
    pub run: Option<u64>,
    /// Whether it says that it succeeded.
    pub is_ok: bool,
    /// What it wrote, or why it failed.
    pub output: String,
}

/// The action under way: the host runs it, or somebody reports its result.
pub fn running_action<'a>(plan: &'a Plan, state: &RolloutState) -> Option<(&'a StepAction, Run)> {
    let run = state.actions.running?;
    let phase = plan.phases.get(state.phase?.index())?;
    Some((phase.steps.get(state.step)?.actions.get(state.actions.done)?, run))
}

/// The host is being asked for the action under way: its timeout counts from here, to the next instant of the evaluations.
///
/// Evaluations fall on the same instants in every run of a story, and what lies between them does not: a replay, which
/// has no host and ticks at those instants only, so counts from the same one. Of a run the first call counts.
pub fn ask(ruleset: &Ruleset, state: &mut RolloutState, now: Timestamp) {
    let Some(run) = &mut state.actions.running else { return };
    // The instant itself is one, unless the run was started at it: then it may have been started after its tick.
    let before = Timestamp(now.0.saturating_sub(1)).max(run.since);
    run.asked.get_or_insert(before.next(ruleset.evaluate_every));
}

impl Run {
    /// Whether its timeout is over.
    fn is_late(&self, action: &StepAction, now: Timestamp) -> bool {
        self.asked.is_some_and(|asked| now.since(asked) > action.timeout)
    }
}

/// Whether every action of a step has succeeded in this attempt; starts the next one where none is under way.
pub(super) fn ready(turn: &mut Turn<'_>, index: usize) -> bool {
    let Some(step) = turn.phase().and_then(|phase| phase.steps.get(index)) else { return false };
    let Some(phase) = turn.state.phase else { return false };
    let attempt = &mut turn.state.actions;
    let Some(action) = step.actions.get(attempt.done) else { return true };
    if attempt.running.is_some() {
        return false;
    }
    attempt.runs += 1;
    let run = attempt.runs;
    let place = (phase, index, attempt.done);
    let is_again = attempt.latest.is_some_and(|latest| latest >= place);
    attempt.latest = Some(attempt.latest.map_or(place, |latest| latest.max(place)));
    attempt.running = Some(Run { number: run, since: turn.now.observed, asked: None, is_again });
    turn.record(Body::ActionStarted { step: index + 1, action: action.key.clone(), run });
    false
}

/// What was learned of the next step's actions was learned for an attempt that has ended.
pub(super) fn forget(state: &mut RolloutState) {
    state.actions.done = 0;
    state.actions.running = None;
}

/// Actions that succeeded count no more; one that is under way goes on, and its result begins the attempt anew.
pub(super) fn forget_done(state: &mut RolloutState) {
    if state.actions.running.is_none() {
        state.actions.done = 0;
    }
}

/// The process came back in the middle of an action: nobody will report it, so it begins anew.
pub(super) fn restarted(turn: &mut Turn<'_>) {
    if turn.state.actions.running.take().is_none() {
        return;
    }
    go_on(turn);
}

/// Starts the next action at once where nothing but actions can hold the step back; else the next evaluation asks.
fn go_on(turn: &mut Turn<'_>) {
    let (Some(plan), Some(phase)) = (turn.plan(), turn.state.phase) else { return };
    let Some(index) = due_step(plan, &turn.state) else { return };
    let has_condition = plan
        .phases
        .get(phase.index())
        .and_then(|rule| rule.steps.get(index))
        .is_none_or(|step| step.only_if.is_some());
    if !has_condition && plan.closed(phase, turn.now.wall).is_none() {
        ready(turn, index);
    }
}

/// An action whose result is not there in time has failed.
pub(super) fn expire(turn: &mut Turn<'_>) {
    let Some((action, run)) = turn.plan().and_then(|plan| running_action(plan, &turn.state)) else { return };
    if run.is_late(action, turn.now.observed) {
        let why = format!("no result within its {}", action.timeout);
        finish(turn, action, run, &Key::new("rollgate"), "", Some(why));
    }
}

/// Takes the result of the action under way.
pub(super) fn report(turn: &mut Turn<'_>, command: &Command, result: &ActionResult) -> Result<(), String> {
    let key = &result.action;
    let Some((action, run)) = turn.plan().and_then(|plan| running_action(plan, &turn.state)) else {
        return Err(format!("no action is under way, so there is no result of `{key}` to take"));
    };
    if action.key != *key {
        return Err(format!("action `{key}` is not under way; `{}` is", action.key));
    }
    if let Some(number) = result.run.filter(|number| *number != run.number) {
        return Err(format!(
            "this is the result of run {number} of `{key}`; run {} is under way",
            run.number
        ));
    }
    if result.run.is_none() && run.is_again {
        return Err(format!(
            "`{key}` has been started more than once: name the run under way, `run: {}`, so that a late result of \
             another one does not count",
            run.number
        ));
    }
    let why = failure(action, run, result, turn.now.observed);
    finish(turn, action, run, &command.by, &result.output, why);
    Ok(())
}

/// Why a result is a failure; `None`: it is none.
fn failure(action: &StepAction, run: Run, result: &ActionResult, now: Timestamp) -> Option<String> {
    let said = result.output.trim();
    if !result.is_ok {
        return Some(if said.is_empty() { "it gave no reason".into() } else { tail(said, 256) });
    }
    if run.is_late(action, now) {
        return Some(format!("it took {}, and its timeout is {}", now.since(run.since), action.timeout));
    }
    let expected = action.expect.as_ref().filter(|expected| expected.as_str() != said)?;
    Some(format!("it gave `{}` where `{expected}` was expected", tail(said, 256)))
}

/// Writes the end of a run down, and goes on to the next action or holds the rollout.
fn finish(turn: &mut Turn<'_>, action: &StepAction, run: Run, by: &Key, output: &str, why: Option<String>) {
    let index = turn.state.step;
    turn.state.actions.running = None;
    turn.record(Body::ActionFinished {
        step: index + 1,
        action: action.key.clone(),
        run: run.number,
        ok: why.is_none(),
        output: tail(output.trim(), ACTION_OUTPUT_BYTES_MAX),
        took_ms: turn.now.observed.since(run.since).0,
        by: by.clone(),
        why: why.clone(),
    });
    match why {
        None => {
            turn.state.actions.done += 1;
            // The step itself follows at an evaluation, where its `only_if` is asked again.
            go_on(turn);
        }
        Some(why) => hold(turn, format!("action `{}` failed: {why}; a resume runs it again", action.key)),
    }
}

/// Pauses: nothing rises, and the triggers stay live. One that is paused already stays so.
fn hold(turn: &mut Turn<'_>, reason: String) {
    let status = turn.state.status;
    if matches!(status, Status::Running | Status::AwaitingDecision) {
        turn.state.paused_from = Some(status);
        turn.set_status(Status::Paused);
        turn.record(Body::Paused { by: Key::new("rollgate"), reason });
    }
}
