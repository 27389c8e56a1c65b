//! The risk register: what may happen, which triggers watch for it, and whether it has.

use serde::Serialize;

use crate::decide::Fired;
use crate::id::Key;
use crate::snapshot::{RollbackTarget, Ruleset, Trigger, TriggerMode};
use crate::time::Timestamp;

/// All risks of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RiskRegister {
    /// The plan's title.
    pub plan: String,
    /// In the plan's order.
    pub risks: Vec<RiskRow>,
}

/// One risk.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RiskRow {
    /// Its key.
    pub risk: Key,
    /// What may happen.
    pub title: String,
    /// How likely, in the plan's words.
    pub probability: String,
    /// How bad, in the plan's words.
    pub impact: String,
    /// What is done against it.
    pub mitigation: String,
    /// What watches for it; none: only people do.
    pub triggers: Vec<RiskTrigger>,
    /// Whether any of them has ever fired.
    pub has_fired: bool,
}

/// A trigger that watches for a risk, in one phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RiskTrigger {
    /// The phase.
    pub phase: Key,
    /// Its key.
    pub trigger: Key,
    /// `automatic`, `manual` or `dry run`.
    pub mode: &'static str,
    /// What it does: `to zero`, `to ten_percent`, or the flags and shares that it lowers.
    pub lowers: String,
    /// How often it has fired.
    pub fired: u64,
    /// When it did last, by the calendar.
    pub last: Option<Timestamp>,
}

impl RiskRegister {
    /// The register of a plan, with what is known of its triggers.
    pub fn of(ruleset: &Ruleset, fired: &[Fired]) -> Self {
        let row = |risk: &crate::snapshot::Risk| {
            let phases = ruleset.plan.iter().flat_map(|plan| &plan.phases);
            let watching = phases.flat_map(|phase| phase.triggers.iter().map(move |rule| (phase, rule)));
            let triggers: Vec<RiskTrigger> = watching
                .filter(|(_, rule)| risk.triggers.contains(&rule.key))
                .map(|(phase, rule)| trigger(ruleset, &phase.key, rule, fired))
                .collect();
            RiskRow {
                risk: risk.key.clone(),
                title: risk.title.clone(),
                probability: risk.probability.clone(),
                impact: risk.impact.clone(),
                mitigation: risk.mitigation.clone(),
                has_fired: triggers.iter().any(|trigger| trigger.fired > 0),
                triggers,
            }
        };
        let risks = ruleset.plan.iter().flat_map(|plan| &plan.risks).map(row).collect();
        Self { plan: ruleset.title.clone(), risks }
    }

    /// Cells of a table: risk, probability, impact, mitigation, triggers, fired.
    pub fn cells(&self) -> Vec<[String; 6]> {
        let cell = |row: &RiskRow| {
            let watching: Vec<String> = row
                .triggers
                .iter()
                .map(|one| format!("{}/{} ({}, {})", one.phase, one.trigger, one.mode, one.lowers))
                .collect();
            let watching = if watching.is_empty() { "none: people only".into() } else { watching.join("\n") };
            let times: Vec<String> = row
                .triggers
                .iter()
                .map(|one| match one.last {
                    Some(last) => format!("{} x, last {last}", one.fired),
                    None => "never".into(),
                })
                .collect();
            let [title, probability, impact, mitigation] =
                [&row.title, &row.probability, &row.impact, &row.mitigation].map(Clone::clone);
            let title = if title.is_empty() { row.risk.to_string() } else { title };
            [title, probability, impact, mitigation, watching, times.join("\n")]
        };
        self.risks.iter().map(cell).collect()
    }
}

fn trigger(ruleset: &Ruleset, phase: &Key, rule: &Trigger, fired: &[Fired]) -> RiskTrigger {
    let name = format!("{phase}/{}", rule.key);
    let known = fired.iter().find(|fired| fired.trigger == *name.as_str());
    let lowers = match &rule.rollback.target {
        RollbackTarget::Set(set) => {
            let flags: Vec<String> =
                set.iter().map(|(flag, share)| format!("{} to {share}", ruleset.flag(*flag).key)).collect();
            flags.join(", ")
        }
        _ => format!("to {}", rule.rollback.name),
    };
    RiskTrigger {
        phase: phase.clone(),
        trigger: rule.key.clone(),
        mode: match rule.mode {
            _ if rule.is_dry_run => "dry run",
            TriggerMode::Automatic => "automatic",
            TriggerMode::Manual => "manual",
        },
        lowers,
        fired: known.map_or(0, |fired| fired.times),
        last: known.map(|fired| fired.last),
    }
}
