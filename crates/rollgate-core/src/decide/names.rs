//! A state goes on under a plan that was edited: its numbers must mean the same things there.

use serde::{Deserialize, Serialize};

use super::{RolloutState, TriggerRef};
use crate::id::{Key, PhaseId};
use crate::snapshot::{BaselineSource, Ruleset};

/// The names behind the numbers in a state, each list in one text: a state is cloned with every decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Flags, and phases with their steps: what shares and waits are counted by.
    pub shape: Key,
    /// `phase/trigger`, one a line.
    triggers: Key,
    /// `metric/statistic`, one a line.
    baselines: Key,
}

impl Names {
    /// The names of a ruleset.
    pub fn of(ruleset: &Ruleset) -> Self {
        let flags: Vec<&str> = ruleset.flags.iter().map(|flag| flag.key.as_str()).collect();
        let phases = || ruleset.plan.iter().flat_map(|plan| &plan.phases);
        let steps: Vec<String> =
            phases().map(|phase| format!("{} of {} steps", phase.key, phase.steps.len())).collect();
        let triggers: Vec<String> = phases()
            .flat_map(|phase| phase.triggers.iter().map(|rule| format!("{}/{}", phase.key, rule.key)))
            .collect();
        let baselines: Vec<String> = ruleset
            .baselines
            .iter()
            .map(|baseline| format!("{}/{}", ruleset.metric(baseline.metric).key, baseline.stat))
            .collect();
        Self {
            shape: Key::new(format!("flags {}; phases {}", flags.join(", "), steps.join(", "))),
            triggers: Key::new(triggers.join("\n")),
            baselines: Key::new(baselines.join("\n")),
        }
    }
}

/// All references to triggers, in the order of their names.
fn triggers(ruleset: &Ruleset) -> Vec<TriggerRef> {
    let phases = ruleset.plan.iter().flat_map(|plan| plan.phases.iter().enumerate());
    phases
        .flat_map(|(phase, rule)| {
            (0..rule.triggers.len())
                .map(move |index| TriggerRef { phase: PhaseId(phase as u16), index: index as u16 })
        })
        .collect()
}

impl RolloutState {
    /// Takes the state over for a ruleset that may have been edited since; false where its shares and waits would mean
    /// something else there.
    ///
    /// Votes are void under another plan (SEMANTICS 6.4). What is known of triggers and captured baselines follows their
    /// names.
    #[must_use]
    pub fn adopt(&mut self, ruleset: &Ruleset) -> bool {
        let names = Names::of(ruleset);
        if self.plan != ruleset.name || self.names.shape != names.shape {
            return false;
        }
        if self.hash == ruleset.hash {
            return true;
        }
        self.votes.clear();
        self.gates = None;
        // They may have been edited: what succeeded may not be what is asked for now.
        super::actions::forget(self);
        self.adopt_triggers(ruleset, &names);
        self.adopt_baselines(ruleset, &names);
        self.hash = ruleset.hash.clone();
        self.names = names;
        true
    }

    fn adopt_triggers(&mut self, ruleset: &Ruleset, names: &Names) {
        let places = triggers(ruleset);
        let old: Vec<&str> = self.names.triggers.as_str().lines().collect();
        // References are in the order of the names, phase by phase.
        let phases: Vec<&str> =
            ruleset.plan.iter().flat_map(|plan| &plan.phases).map(|p| p.key.as_str()).collect();
        let moved = |of: TriggerRef| {
            let phase = phases.get(of.phase.index())?;
            let mut inside =
                old.iter().filter(|name| name.split_once('/').is_some_and(|(of, _)| of == *phase));
            let name = inside.nth(usize::from(of.index))?;
            let place = names.triggers.as_str().lines().position(|other| other == *name)?;
            places.get(place).copied()
        };
        self.latches.retain_mut(|latch| moved(latch.trigger).map(|to| latch.trigger = to).is_some());
        self.proposals.retain_mut(|asked| moved(asked.trigger).map(|to| asked.trigger = to).is_some());
    }

    fn adopt_baselines(&mut self, ruleset: &Ruleset, names: &Names) {
        let old: Vec<&str> = self.names.baselines.as_str().lines().collect();
        let kept = |name: &str| {
            old.iter().position(|other| *other == name).and_then(|at| *self.baselines.get(at)?)
        };
        let fresh = ruleset.baselines.iter().zip(names.baselines.as_str().lines());
        self.baselines = fresh
            .map(|(baseline, name)| match baseline.source {
                BaselineSource::Given(value) => Some(value),
                BaselineSource::Captured(_) => kept(name),
            })
            .collect();
    }
}
