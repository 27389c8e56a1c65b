//! One trigger, made to fire: what falls, how fast, and what a retry needs.

use std::sync::Arc;

use rollgate::core::decide::{Action, Status};
use rollgate::core::id::Key;
use rollgate::core::snapshot::{Phase, RollbackTarget, Ruleset, Trigger, TriggerMode};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use serde::Serialize;
use serde_json::Value;

use super::fault::{Fault, faults, reach};
use super::stage::Stage;

/// What one drill came to.
#[derive(Debug, Serialize)]
pub(super) struct Drill {
    pub(super) phase: Key,
    pub(super) trigger: Key,
    pub(super) mode: &'static str,
    pub(super) target: Key,
    /// Flags with their shares before and after; all of them.
    pub(super) shares: Vec<Moved>,
    /// From the first bad sample to the rollback.
    pub(super) took_ms: Option<u64>,
    /// What a retry needs.
    pub(super) retry_needs: Vec<String>,
    /// Why it is not as it should be; none: it is.
    pub(super) problem: Option<String>,
}

/// One flag's share before and after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Moved {
    pub(super) flag: Key,
    pub(super) before: Share,
    pub(super) after: Share,
}

/// Plays one trigger of one phase from the start.
pub(super) fn drill(ruleset: &Arc<Ruleset>, index: usize, phase: &Phase, rule: &Trigger) -> Drill {
    let mode = match rule.mode {
        _ if rule.is_dry_run => "dry run",
        TriggerMode::Automatic => "automatic",
        TriggerMode::Manual => "manual",
    };
    let mut drill = Drill {
        phase: phase.key.clone(),
        trigger: rule.key.clone(),
        mode,
        target: rule.rollback.name.clone(),
        shares: Vec::new(),
        took_ms: None,
        retry_needs: Vec::new(),
        problem: None,
    };
    drill.problem = play(ruleset, index, phase, rule, &mut drill).err();
    drill
}

fn play(
    ruleset: &Arc<Ruleset>,
    index: usize,
    phase: &Phase,
    rule: &Trigger,
    drill: &mut Drill,
) -> Result<(), String> {
    // Whether actions can be run is another question; here each does what is expected of it.
    let actor = |action: &rollgate::engine::DueAction| Ok(action.expect.clone().unwrap_or_default());
    let mut stage = Stage::open(ruleset, actor).map_err(|error| error.to_string())?;
    stage.reach(index).map_err(|why| format!("the phase was not reached: {why}"))?;
    let every = ruleset.evaluate_every;
    for _ in 0..6 {
        stage.tick(every);
    }
    if stage.engine.status().status != Status::Running {
        return Err("something fired while everything was healthy".into());
    }
    let found = faults(ruleset, &stage.levels, &rule.when, true)?;
    let before = stage.engine.shares();
    stage.fresh();
    // What is recorded at once is bad now; a level is bad from the next batch on, half a tick away.
    let is_at_once = found.iter().any(|fault| !matches!(fault, Fault::Level(..)));
    let wait = reach(&rule.when);
    let tick = stage.tick_of(wait);
    let first = if is_at_once { stage.now() } else { stage.now() + Span(tick.0 / 2) };
    for fault in &found {
        stage.suffer(fault).map_err(|error| error.to_string())?;
    }
    let end = stage.now() + Span(wait.0 + wait.0 / 2) + Span::minutes(15) + every;
    let at = loop {
        if let Some(at) = look(&mut stage, phase, rule)? {
            break at;
        }
        if stage.now() > end {
            return Err(format!("it did not fire within {}", end.since(first)));
        }
        stage.tick(tick);
    };
    drill.took_ms = Some(at.since(first).0);
    let after = stage.engine.shares();
    let moved =
        before.into_iter().zip(after).map(|((flag, before), (_, after))| Moved { flag, before, after });
    drill.shares = moved.collect();
    if rule.is_dry_run {
        return expect(ruleset, drill, |_, before| before);
    }
    let target = |flag: usize, before: Share| match &rule.rollback.target {
        RollbackTarget::Zero => Share::ZERO,
        RollbackTarget::Phase(to) => {
            let last = ruleset
                .plan
                .as_ref()
                .and_then(|plan| plan.phases.get(to.index())?.last_shares.get(flag).copied());
            last.map_or(before, |last| last.min(before))
        }
        RollbackTarget::Set(set) => {
            let own = set.iter().find(|(id, _)| id.index() == flag);
            own.map_or(before, |(_, share)| (*share).min(before))
        }
    };
    drill.retry_needs = needs(&mut stage, phase);
    expect(ruleset, drill, target)
}

/// Whether every flag is where the plan says; told apart from how the engine finds it.
fn expect(ruleset: &Ruleset, drill: &Drill, target: impl Fn(usize, Share) -> Share) -> Result<(), String> {
    for (index, moved) in drill.shares.iter().enumerate() {
        let is_final = ruleset.flags.get(index).is_some_and(|flag| flag.is_final);
        let wanted = if is_final { Share::FULL } else { target(index, moved.before) };
        if moved.after != wanted {
            return Err(format!("`{}` is at {} and should be at {wanted}", moved.flag, moved.after));
        }
    }
    Ok(())
}

/// Looks for the rollback, and approves it where it is proposed; when it happened.
fn look(stage: &mut Stage, phase: &Phase, rule: &Trigger) -> Result<Option<Timestamp>, String> {
    let records = stage.fresh();
    let text = |record: &Value, field: &str| record.get(field).and_then(Value::as_str).map(str::to_owned);
    for record in &records {
        let is_own = text(record, "trigger").as_deref() == Some(rule.key.as_str())
            && text(record, "phase").as_deref() == Some(phase.key.as_str());
        let at = text(record, "at").and_then(|at| Timestamp::parse(&at).ok());
        match text(record, "kind").as_deref() {
            Some("trigger_fired") if is_own && rule.is_dry_run => return Ok(at),
            Some("proposal") if is_own => {
                let action = Action::Approve { proposal: rule.key.clone(), rationale: "rehearsal".into() };
                stage.say(&rule.approve_by, action).map_err(|error| error.to_string())?;
            }
            Some("rolled_back") => {
                let fired = record.get("triggers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let fired: Vec<&str> = fired.iter().filter_map(Value::as_str).collect();
                if fired.contains(&rule.key.as_str()) {
                    return Ok(at);
                }
                return Err(format!("`{}` fires first", fired.join("`, `")));
            }
            _ => {}
        }
    }
    // The records of an approval.
    if records.iter().any(|record| text(record, "kind").as_deref() == Some("proposal")) {
        return look(stage, phase, rule);
    }
    Ok(None)
}

/// What a retry is refused for, as the engine says it.
fn needs(stage: &mut Stage, phase: &Phase) -> Vec<String> {
    if stage.engine.retry("rehearsal").is_ok() {
        return Vec::new();
    }
    let records = stage.fresh();
    let refused = records.iter().rev().find_map(|record| record.get("missing")?.as_array().cloned());
    let hold = phase.contingency.as_ref().map_or(Span::ZERO, |contingency| contingency.hold);
    let missing = refused.unwrap_or_default();
    let named = missing.iter().filter_map(Value::as_str);
    named.map(|what| if what == "hold" { format!("hold of {hold}") } else { what.to_owned() }).collect()
}
