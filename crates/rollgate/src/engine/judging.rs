//! Asks the judge what the docket says, and renders only what will be read.

use rollgate_core::compile::default_samples;
use rollgate_core::decide::{
    Action, Capture, Command, Docket, Findings, GateFindings, Status, TriggerJudgement, TriggerRef, facts,
    is_due, live_phase,
};
use rollgate_core::id::{BaselineId, Key, PhaseId};
use rollgate_core::judge::{self, Cause, Facts, Streaking, Streaks, Verdict, fold_set};
use rollgate_core::metrics::{Clip, Measures};
use rollgate_core::snapshot::{BaselineSource, Condition, ConditionKind, Query, Subject, Trigger, Window};
use rollgate_core::time::{Now, Timestamp};

use super::aftermath;
use super::control::Control;
use crate::recorder::Depth;

/// Which of a phase's triggers are judged.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// All of them.
    All,
    /// Those that are judged inside recording calls.
    AtOnce,
}

/// How much of the samples this evaluation will read: those by subject only where something that is judged compares.
pub(super) fn depth(control: &Control) -> Depth {
    let (Some(plan), state) = (&control.ruleset.plan, &control.state) else { return Depth::Totals };
    let live = live_phase(state).and_then(|phase| plan.phases.get(phase.index()));
    let here = state.phase.and_then(|phase| plan.phases.get(phase.index()));
    let triggers = live.into_iter().flat_map(|phase| &phase.triggers).map(|trigger| &trigger.when);
    let steps = here.into_iter().flat_map(|phase| &phase.steps).filter_map(|step| step.only_if.as_ref());
    let gates = here.filter(|_| is_due(plan, state)).into_iter().flat_map(|phase| &phase.gates);
    let mut conditions = triggers.chain(steps).chain(gates.map(|gate| &gate.condition));
    if !state.latches.is_empty() || conditions.any(compares) { Depth::Subjects } else { Depth::Totals }
}

/// Whether a condition sets the arms of a flag side by side.
fn compares(condition: &Condition) -> bool {
    let mut compares = false;
    condition.walk(&mut |inner| compares |= matches!(inner.kind, ConditionKind::Compare(_)));
    compares
}

/// What an evaluation decides on.
pub(super) fn evaluation(control: &mut Control, now: Now) -> Findings {
    let mut findings = Findings::default();
    let docket = Docket::of(&control.ruleset, &control.state, now);
    judge_triggers(control, &mut findings, Which::All, Streaking::Advance, now);
    settled(control, &docket.settling, &mut findings, now);
    sustained(control, &docket, now);
    if let Some(step) = docket.step {
        only_if(control, step, &mut findings, now);
    }
    // A step may follow now, or the first one of the next phase; baselines are of before the first exposure.
    if !control.state.has_been_exposed && (docket.step.is_some() || docket.gates) {
        captures(control, &mut findings, Asked::ByThePlan, now);
    }
    if docket.gates {
        // What was held by the calendar says what it goes on with when it opens.
        let agenda = &control.state.agenda;
        let is_held = agenda.held.is_some() || agenda.queued.is_some();
        let render = if is_held { Render::Always } else { Render::Changes };
        gates(control, &mut findings, Streaking::Advance, render, now);
    }
    if docket.daily {
        daily(control, &mut findings, now);
    }
    if docket.removal {
        findings.removal = Some(aftermath::disturbances(control, now).is_empty());
    }
    findings
}

/// The rows of the daily scorecard; streaks stand still.
fn daily(control: &mut Control, findings: &mut Findings, now: Now) {
    let (Some(plan), Some(phase)) = (&control.ruleset.plan, control.state.phase) else { return };
    if plan.phase(phase).daily.iter().any(|check| compares(&check.condition)) {
        control.collect(Depth::Subjects, now);
    }
    let (Some(plan), streaks) = (&control.ruleset.plan, &mut control.streaks) else { return };
    let checked = if control.state.checked.is_empty() { Vec::new() } else { control.state.checked_in(phase) };
    let facts = facts(&control.ruleset, &control.state, phase, &control.state.shares, &checked, now);
    for check in &plan.phase(phase).daily {
        let judged =
            judge::judge_condition(&check.condition, &facts, &control.windows, streaks, Streaking::Read);
        findings.daily.push(judge::check_finding(check, &judged, &facts));
    }
}

/// What a command decides on: gates and baselines as they are at its own time; streaks stand still.
pub(super) fn command(control: &mut Control, command: &Command, now: Now) -> Findings {
    let asked = match command.action {
        Action::CaptureBaseline => Asked::ByAPerson,
        _ => Asked::ByThePlan,
    };
    let mut findings = Findings::default();
    let due = control.ruleset.plan.as_ref().is_some_and(|plan| is_due(plan, &control.state));
    if due {
        gates(control, &mut findings, Streaking::Read, Render::Always, now);
    }
    captures(control, &mut findings, asked, now);
    findings
}

/// Judges the live triggers without moving the streaks.
pub(super) fn triggers(control: &mut Control, findings: &mut Findings, which: Which, now: Now) {
    judge_triggers(control, findings, which, Streaking::Read, now);
}

/// Judges the live triggers as an evaluation does, on a node that does not lead.
pub(super) fn watched(control: &mut Control, findings: &mut Findings, now: Now) {
    judge_triggers(control, findings, Which::All, Streaking::Advance, now);
}

fn checked(control: &Control, phase: PhaseId) -> Vec<Key> {
    if control.state.checked.is_empty() { Vec::new() } else { control.state.checked_in(phase) }
}

fn judge_triggers(
    control: &mut Control,
    findings: &mut Findings,
    which: Which,
    streaking: Streaking,
    now: Now,
) {
    let Some(phase) = live_phase(&control.state) else { return };
    let Some(plan) = &control.ruleset.plan else { return };
    let Some(rule) = plan.phases.get(phase.index()) else { return };
    let checked = checked(control, phase);
    let facts = facts(&control.ruleset, &control.state, phase, &control.state.shares, &checked, now);
    for (index, trigger) in rule.triggers.iter().enumerate() {
        if which == Which::AtOnce && !trigger.is_at_once {
            continue;
        }
        let judgement =
            judge::judge_trigger(trigger, &facts, &control.windows, &mut control.streaks, streaking);
        let finding =
            judgement.verdict.is_passing().then(|| judge::trigger_finding(trigger, &judgement, &facts));
        let reference = TriggerRef { phase, index: index as u16 };
        let is_false = match judgement.verdict {
            Verdict::Fail => true,
            Verdict::Inconclusive(Cause::TooFewSamples) => {
                is_false_since(control, trigger, reference, &facts)
            }
            _ => false,
        };
        findings.triggers.push(TriggerJudgement {
            trigger: reference,
            verdict: judgement.verdict,
            is_clear: is_false && !has_streak(trigger, &control.streaks),
            finding,
        });
    }
}

/// Whether the samples since a trigger fired (and was latched) show that its condition is false.
fn is_false_since(control: &Control, trigger: &Trigger, reference: TriggerRef, facts: &Facts<'_>) -> bool {
    let latch = control.state.latches.iter().find(|latch| latch.trigger == reference && latch.is_closed);
    latch.is_some_and(|latch| {
        judge::judge_since(trigger, latch.fired, facts, &control.windows).verdict == Verdict::Fail
    })
}

/// Whether any `for` of the trigger has a streak running.
fn has_streak(trigger: &Trigger, streaks: &Streaks) -> bool {
    let mut is_running = false;
    trigger.when.walk(&mut |condition| {
        if let ConditionKind::Measure(measure) = &condition.kind
            && let Some(sustained) = measure.sustained
        {
            let streak = streaks.0.get(sustained.streak.index());
            is_running |= streak.is_some_and(|streak| streak.since.is_some());
        }
    });
    is_running
}

fn settled(control: &Control, due: &[TriggerRef], findings: &mut Findings, now: Now) {
    let Some(plan) = &control.ruleset.plan else { return };
    for reference in due {
        let Some(trigger) = reference.of(plan) else { continue };
        let checked = checked(control, reference.phase);
        let facts =
            facts(&control.ruleset, &control.state, reference.phase, &control.state.shares, &checked, now);
        let judgement = judge::judge_settled(trigger, &facts, &control.windows);
        let finding =
            judgement.verdict.is_passing().then(|| judge::trigger_finding(trigger, &judgement, &facts));
        findings.settled.push(TriggerJudgement {
            trigger: *reference,
            verdict: judgement.verdict,
            is_clear: judgement.verdict == Verdict::Fail,
            finding,
        });
    }
}

/// Judges what is not asked yet and has a `for`: it lasts from when it began to hold, not from when it is first asked.
fn sustained(control: &mut Control, docket: &Docket, now: Now) {
    let (Some(plan), Some(phase)) = (&control.ruleset.plan, control.state.phase) else { return };
    if !matches!(control.state.status, Status::Running | Status::AwaitingDecision | Status::Paused) {
        return;
    }
    let rule = plan.phase(phase);
    let step = rule.steps.get(control.state.step).filter(|_| docket.step.is_none());
    let gates = rule.gates.iter().filter(|_| !docket.gates).map(|gate| &gate.condition);
    let waiting = gates.chain(step.and_then(|step| step.only_if.as_ref()));
    let mut waiting = waiting.filter(|condition| has_for(condition)).peekable();
    if waiting.peek().is_none() {
        return;
    }
    let checked = checked(control, phase);
    let facts = facts(&control.ruleset, &control.state, phase, &control.state.shares, &checked, now);
    for condition in waiting {
        let windows = &control.windows;
        judge::judge_condition(condition, &facts, windows, &mut control.streaks, Streaking::Advance);
    }
}

fn has_for(condition: &Condition) -> bool {
    let mut has_for = false;
    condition.walk(&mut |inner| {
        has_for |= matches!(&inner.kind, ConditionKind::Measure(measure) if measure.sustained.is_some());
    });
    has_for
}

fn only_if(control: &mut Control, step: usize, findings: &mut Findings, now: Now) {
    let (Some(plan), Some(phase)) = (&control.ruleset.plan, control.state.phase) else { return };
    let Some(condition) = plan.phase(phase).steps.get(step).and_then(|step| step.only_if.as_ref()) else {
        return;
    };
    let checked = checked(control, phase);
    let facts = facts(&control.ruleset, &control.state, phase, &control.state.shares, &checked, now);
    let (windows, streaks) = (&control.windows, &mut control.streaks);
    findings.step =
        Some(judge::judge_condition(condition, &facts, windows, streaks, Streaking::Advance).verdict);
}

/// When gate findings are put into words.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Render {
    /// Where the set's verdict is not the one last journalled.
    Changes,
    /// Always.
    Always,
}

fn gates(control: &mut Control, findings: &mut Findings, streaking: Streaking, render: Render, now: Now) {
    let (Some(plan), Some(phase)) = (&control.ruleset.plan, control.state.phase) else { return };
    let rule = plan.phase(phase);
    let checked = checked(control, phase);
    let facts = facts(&control.ruleset, &control.state, phase, &control.state.shares, &checked, now);
    let judged: Vec<_> = rule
        .gates
        .iter()
        .map(|gate| judge::judge_gate(gate, &facts, &control.windows, &mut control.streaks, streaking))
        .collect();
    let deciding = rule.gates.iter().zip(&judged).filter(|(gate, _)| !gate.is_dry_run);
    let verdict = fold_set(deciding.map(|(_, judgement)| judgement.verdict));
    let is_new = render == Render::Always || control.state.gates != Some(verdict);
    let words = |facts: &Facts<'_>| {
        rule.gates
            .iter()
            .zip(&judged)
            .map(|(gate, judgement)| judge::gate_finding(gate, judgement, facts))
            .collect()
    };
    findings.gates =
        Some(GateFindings { verdict, findings: if is_new { words(&facts) } else { Vec::new() } });
}

/// The part of its window that a baseline must have been watched for, as gates ask it, unless a person takes it.
const CAPTURE_COVERAGE: f64 = 0.9;

/// Who asks for a baseline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    ByThePlan,
    ByAPerson,
}

/// Measures the baselines that have no value yet, while nobody is exposed or somebody asks.
fn captures(control: &Control, findings: &mut Findings, asked: Asked, now: Now) {
    for (index, baseline) in control.ruleset.baselines.iter().enumerate() {
        let BaselineSource::Captured(over) = baseline.source else { continue };
        if control.state.baselines.get(index).copied().flatten().is_some() {
            continue;
        }
        let query = Query {
            subject: Subject::Metric(baseline.metric),
            stat: baseline.stat,
            window: Window::Over(over),
            averaged_by: None,
        };
        let clip = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
        let measured = control.windows.measure(&query, clip, now.observed);
        // Gates will pass on it: it needs the evidence of one. A window that was hardly watched is no baseline of zero.
        let metric = control.ruleset.metric(baseline.metric);
        let has_samples = measured.n >= default_samples(metric.kind, baseline.stat) && measured.drops == 0;
        let is_watched = match asked {
            Asked::ByThePlan => measured.coverage >= CAPTURE_COVERAGE,
            Asked::ByAPerson => measured.coverage > 0.0,
        };
        if let Ok(value) = measured.value
            && has_samples
            && is_watched
        {
            let (n, coverage) = (measured.n, measured.coverage);
            let baseline = BaselineId(index as u16);
            findings.captures.push(Capture { baseline, value, n, window: over, coverage });
        }
    }
}
