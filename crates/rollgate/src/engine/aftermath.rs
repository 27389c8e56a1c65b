//! What follows a rollout, as people ask for it: flags to take out, things to do, risks.

use rollgate_core::decide::{TaskState, facts, follow_ups, removal_lacks};
use rollgate_core::id::{FlagId, Key, PhaseId};
use rollgate_core::judge::{self, Streaking};
use rollgate_core::report::{Form, RiskRegister};
use rollgate_core::time::{Now, Timestamp};
use rollgate_core::units::Share;
use serde::Serialize;

use super::control::Control;
use super::handle::Engine;

/// Whether a flag may be taken out of the code, and what speaks against it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Removal {
    /// The flag.
    pub flag: Key,
    /// The share that applies.
    pub share: Share,
    /// It is final in the plan: nothing but its call sites is left.
    pub is_final: bool,
    /// Nothing speaks against it.
    pub is_removable: bool,
    /// Somebody has asked for it since the latest change of shares, or since this process began.
    pub is_lingering: bool,
    /// What it lacks, one a line.
    pub lacks: Vec<String>,
}

impl Engine {
    /// For each flag whether it may be taken out of the code, judged now.
    pub fn removals(&self) -> Vec<Removal> {
        self.shared.with_control(removals)
    }

    /// The risk register: each risk with its triggers, what they lower, and whether they have ever fired.
    pub fn risks(&self) -> RiskRegister {
        self.shared.with_control(|control, _| RiskRegister::of(&control.ruleset, &control.state.after.fired))
    }
}

fn removals(control: &mut Control, now: Now) -> Vec<Removal> {
    let disturbances = disturbances(control, now);
    let ruleset = &control.ruleset;
    let removal = |(index, flag): (usize, &rollgate_core::snapshot::Flag)| {
        let share = control.state.shares.get(index).copied().unwrap_or(Share::ZERO);
        let mut lacks = Vec::new();
        if !flag.is_final {
            lacks = removal_lacks(ruleset, &control.state, FlagId(index as u16));
            if share == Share::FULL {
                lacks.extend(disturbances.iter().cloned());
            }
        }
        Removal {
            flag: flag.key.clone(),
            share: flag.shown(share),
            is_final: flag.is_final,
            is_removable: lacks.is_empty(),
            is_lingering: control.is_asked(flag.key.as_str()),
            lacks,
        }
    };
    ruleset.flags.iter().enumerate().map(removal).collect()
}

/// What the windows say against the removal of flags: alerts, events, or that nobody watched.
pub(super) fn disturbances(control: &Control, now: Now) -> Vec<String> {
    let (ruleset, state) = (&control.ruleset, &control.state);
    let Some(plan) = &ruleset.plan else { return Vec::new() };
    let mut facts = facts(ruleset, state, state.phase.unwrap_or(PhaseId(0)), &state.shares, &[], now);
    // The question is of the time at 100 %, however many phases that was.
    facts.phase_from = Timestamp::MIN;
    let mut found = Vec::new();
    for check in &plan.removal.conditions {
        let mut streaks = control.streaks.clone();
        let judgement =
            judge::judge_condition(&check.condition, &facts, &control.windows, &mut streaks, Streaking::Read);
        if !judgement.verdict.is_passing() {
            found.push(judge::check_finding(check, &judgement, &facts).sentence);
        }
    }
    found
}

/// Flags that should no longer be asked for, and are.
pub(super) fn lingering(control: &Control) -> Vec<Key> {
    let state = &control.state;
    let flags = control.ruleset.flags.iter();
    flags
        .filter(|flag| flag.is_final || state.after.removable.contains(&flag.key))
        .filter(|flag| control.is_asked(flag.key.as_str()))
        .map(|flag| flag.key.clone())
        .collect()
}

/// The lines below a scorecard.
pub(super) fn notes(control: &Control, form: Form, now: Now) -> Vec<String> {
    let state = &control.state;
    let mut notes = Vec::new();
    let here = state.after.annotations.iter().filter(|note| note.phase == state.phase);
    let since = |note: &&rollgate_core::decide::Annotation| {
        // A morning's card shows the day's remarks.
        form != Form::Daily || now.wall.since(note.at) <= rollgate_core::time::Span::days(1)
    };
    for note in here.filter(since) {
        let of = note.metric.as_ref().map_or_else(String::new, |metric| format!("{metric}: "));
        notes.push(format!("{of}{} ({}, {})", note.text, note.by, note.at));
    }
    if form == Form::Daily {
        return notes;
    }
    for passed in &state.after.overridden {
        let mut phases = control.ruleset.plan.iter().flat_map(|plan| &plan.phases);
        let title = phases.nth(passed.phase.index()).map_or("", |phase| phase.title.as_str());
        notes.push(format!("{title} was passed by override of {}: {}", passed.by, passed.why));
    }
    if !state.after.removable.is_empty() {
        let flags: Vec<&str> = state.after.removable.iter().map(Key::as_str).collect();
        notes.push(format!("May be taken out of the code: {}.", flags.join(", ")));
    }
    for task in follow_ups(&control.ruleset, state, now.wall) {
        if task.state == TaskState::Overdue {
            let owner = task.owner.as_ref().map_or("nobody", |owner| owner.as_str());
            let due = task.due.unwrap_or(now.wall);
            notes.push(format!("Overdue: {} ({owner}, due {due}).", task.title));
        }
    }
    notes
}
