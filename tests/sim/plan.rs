//! Random plans, in parts that a shrinker can take out one by one.

use std::fmt::Write as _;
use std::sync::Arc;

use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::Timestamp;
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};

use super::almanac::{Almanac, Freeze, Hours, ZONES};
use super::dice::Dice;
use super::sinks::{CHANNELS, Mood, SinkPlan};
use super::world::START;

/// The people of every plan, what they may act as, and who is nobody.
pub(super) const PEOPLE: [&str; 7] = ["ada", "bob", "cy", "ops", "owner", "qa", "eve"];
pub(super) const ROLES: [&str; 5] = ["lead", "ops", "owner", "qa", "ghost"];

/// One phase; conditions are kept as they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct PhasePlan {
    id: String,
    duration: Option<u64>,
    pub(super) steps: Vec<String>,
    /// What must succeed before each step.
    pub(super) actions: Vec<Option<String>>,
    /// Its own deployment window.
    pub(super) hours: Option<Hours>,
    gates: Vec<String>,
    triggers: Vec<String>,
    has_checklist: bool,
    contingency: Option<String>,
    decision: Option<String>,
}

/// When nothing may rise.
#[derive(Clone, Debug)]
pub(super) struct CalendarPlan {
    /// Which of the zones.
    pub(super) zone: usize,
    pub(super) freezes: Vec<Freeze>,
    pub(super) hours: Option<Hours>,
}

/// A plan.
#[derive(Clone, Debug)]
pub(super) struct PlanText {
    /// Seconds between evaluations.
    pub(super) every: u64,
    flags: Vec<String>,
    baseline: Option<String>,
    pub(super) phases: Vec<PhasePlan>,
    /// When its story begins.
    pub(super) starts: Timestamp,
    pub(super) calendar: Option<CalendarPlan>,
    pub(super) notices: Vec<String>,
    pub(super) schedule: Vec<String>,
    /// Who listens to its notices.
    pub(super) sinks: [SinkPlan; CHANNELS.len()],
}

/// A plan under way of being thrown.
struct Thrower<'a> {
    dice: &'a mut Dice,
    every: u64,
    /// Shares of the flags now, in tenths of a percent.
    shares: Vec<u64>,
    /// Shares at the end of each phase.
    ends: Vec<Vec<u64>>,
    flags: usize,
}

impl PlanText {
    pub(super) fn throw(dice: &mut Dice) -> Self {
        let every = *dice.of(&[10, 10, 20, 30, 60, 60, 120, 300, 600]);
        let flags = dice.between(1, 4) as usize;
        let mut written = vec!["F0: { bucketing: { salt: s } }".to_owned()];
        for index in 1..flags {
            written.push(match (index, dice.roll(4)) {
                (1, 0 | 1) => "F1: { bucketing: { salt: s }, within: F0, share_of: total }".to_owned(),
                (1, 2) => "F1: { within: F0, share_of: parent }".to_owned(),
                (2, 0) => "F2: { within: F0, share_of: parent }".to_owned(),
                (3, 0) => "F3: { within: F1, share_of: parent }".to_owned(),
                (3, 1) => "F3: { bucketing: { salt: s } }".to_owned(),
                _ => format!("F{index}: {{}}"),
            });
        }
        let baseline = match dice.roll(3) {
            0 => Some(
                "baseline: { lat: { stat: p95, capture_over: 10m }, nps: { value: 30 points } }".to_owned(),
            ),
            1 => Some("baseline: { lat: { stat: p95, value: 100ms } }".to_owned()),
            _ => None,
        };
        let count = dice.between(1, 4) as usize;
        let has_open = dice.once_in(3);
        let mut thrower = Thrower { dice, every, shares: vec![0; flags], ends: Vec::new(), flags };
        let mut phases = Vec::new();
        for index in 0..count {
            let is_open = has_open && index + 1 == count;
            phases.push(thrower.phase(index, is_open));
        }
        Self {
            every,
            flags: written,
            baseline,
            phases,
            starts: START,
            calendar: None,
            notices: Vec::new(),
            schedule: Vec::new(),
            sinks: CHANNELS.map(|_| SinkPlan { mood: Mood::Gone, is_steady: true }),
        }
    }

    /// Whether any step waits for actions.
    pub(super) fn has_actions(&self) -> bool {
        self.phases.iter().any(|phase| phase.actions.iter().any(Option::is_some))
    }

    /// Whether anybody listens to its notices, now or later.
    pub(super) fn has_sinks(&self) -> bool {
        let is_heard = |sink: &SinkPlan| sink.mood != Mood::Gone || !sink.is_steady;
        !self.notices.is_empty() && self.sinks.iter().any(is_heard)
    }

    /// Its calendar.
    pub(super) fn almanac(&self) -> Option<Almanac> {
        let calendar = self.calendar.as_ref()?;
        let hours = self.phases.iter().map(|phase| phase.hours.or(calendar.hours)).collect();
        Some(Almanac { zone: &ZONES[calendar.zone], freezes: calendar.freezes.clone(), hours })
    }

    /// The shares of every flag after each step: what its `set` names, and what the steps before it said of the others.
    pub(super) fn said_shares(&self) -> Vec<Vec<Vec<Share>>> {
        let mut shares = vec![Share::ZERO; self.flags.len()];
        let mut said = |step: &String| {
            let set = step.split_once("set: {").and_then(|(_, rest)| rest.split_once('}'));
            for one in set.map_or("", |(set, _)| set).split(',') {
                let Some((flag, share)) = one.split_once(':') else { continue };
                let flag = flag.trim().trim_start_matches('F').parse::<usize>();
                let tenths = share.trim().trim_end_matches('%').replace('.', "").parse::<u32>();
                if let (Ok(flag), Ok(tenths)) = (flag, tenths)
                    && let Some(slot) = shares.get_mut(flag)
                {
                    *slot = Share::from_ppm(tenths * 1_000).unwrap_or_default();
                }
            }
            shares.clone()
        };
        self.phases.iter().map(|phase| phase.steps.iter().map(&mut said).collect()).collect()
    }

    /// As a file.
    pub(super) fn text(&self) -> String {
        let mut text = format!("version: 1\nname: simulated\nevaluate_every: {}s\nflags:\n", self.every);
        self.flags.iter().for_each(|flag| {
            let _ = writeln!(text, "  {flag}");
        });
        text.push_str(
            "metrics:\n  lat: { kind: distribution, unit: ms, good: down, arms: [F0] }\n  err: { kind: ratio, good: down, arms: [F0] }\n  \
             heap: { kind: gauge, unit: MB, good: down }\n  crash: { kind: event, good: down }\n  nps: { kind: score, good: up }\n\
             roles: { lead: { members: [ada, bob] }, ops: {}, owner: {}, qa: { members: [cy, ada] } }\n",
        );
        if let Some(baseline) = &self.baseline {
            let _ = writeln!(text, "{baseline}");
        }
        self.write_calendar(&mut text);
        if !self.notices.is_empty() {
            let _ = writeln!(text, "notices: [\n  {}\n]", self.notices.join(",\n  "));
        }
        if !self.schedule.is_empty() {
            let _ = writeln!(text, "schedule: {{ {} }}", self.schedule.join(", "));
        }
        text.push_str("phases:\n");
        for phase in &self.phases {
            let duration = phase.duration.map_or_else(|| "open".to_owned(), |seconds| format!("{seconds}s"));
            let _ = write!(text, "  - id: {}\n    duration: {duration}\n", phase.id);
            if phase.has_checklist {
                text.push_str("    checklist: { train: {}, tell: {} }\n");
            }
            if let Some(hours) = &phase.hours {
                let _ = writeln!(text, "    {}", hours.text());
            }
            let steps = phase.steps.iter().zip(&phase.actions).map(|(step, actions)| match actions {
                Some(actions) => format!("{}, {actions} }}", step.strip_suffix(" }").unwrap_or(step)),
                None => step.clone(),
            });
            for (name, lines, sign) in [
                ("steps", &steps.collect(), "- "),
                ("gates", &phase.gates, ""),
                ("triggers", &phase.triggers, ""),
            ] {
                if !lines.is_empty() {
                    let _ = writeln!(text, "    {name}:");
                    lines.iter().for_each(|line| {
                        let _ = writeln!(text, "      {sign}{line}");
                    });
                }
            }
            for line in [&phase.contingency, &phase.decision].into_iter().flatten() {
                let _ = writeln!(text, "    {line}");
            }
        }
        text
    }

    fn write_calendar(&self, text: &mut String) {
        let Some(calendar) = &self.calendar else { return };
        let _ = writeln!(text, "timezone: {}", ZONES[calendar.zone].name);
        if !calendar.freezes.is_empty() {
            let freezes: Vec<String> = calendar.freezes.iter().map(Freeze::text).collect();
            let _ = writeln!(text, "freezes: [ {} ]", freezes.join(", "));
        }
        if let Some(hours) = &calendar.hours {
            let _ = writeln!(text, "{}", hours.text());
        }
    }

    /// The compiled plan, or what is wrong with it.
    pub(super) fn compiled(&self) -> Result<Arc<Ruleset>, String> {
        ruleset(&self.text(), Format::Yaml)
            .map(|compiled| Arc::new(compiled.ruleset))
            .map_err(|problems| problems.to_string())
    }

    /// Every plan that is this one without one of its parts.
    pub(super) fn smaller(&self) -> Vec<Self> {
        let mut plans = Vec::new();
        let mut with = |change: &dyn Fn(&mut Self)| {
            let mut plan = self.clone();
            change(&mut plan);
            plans.push(plan);
        };
        if self.flags.len() > 1 {
            with(&|plan| drop(plan.flags.pop()));
        }
        with(&|plan| plan.baseline = None);
        with(&|plan| plan.schedule.clear());
        with(&|plan| plan.notices.clear());
        (0..self.notices.len()).for_each(|at| with(&|plan| drop(plan.notices.remove(at))));
        if let Some(calendar) = &self.calendar {
            with(&|plan| {
                plan.calendar = None;
                plan.phases.iter_mut().for_each(|phase| phase.hours = None);
            });
            (0..calendar.freezes.len()).for_each(|at| {
                with(&|plan| {
                    let _ = plan.calendar.as_mut().map(|calendar| calendar.freezes.remove(at));
                });
            });
            with(&|plan| {
                let _ = plan.calendar.as_mut().map(|calendar| calendar.hours.take());
            });
        }
        for index in 0..self.phases.len() {
            if self.phases.len() > 1 {
                with(&|plan| drop(plan.phases.remove(index)));
            }
            let phase = &self.phases[index];
            (0..phase.triggers.len())
                .for_each(|at| with(&|plan| drop(plan.phases[index].triggers.remove(at))));
            (0..phase.gates.len()).for_each(|at| with(&|plan| drop(plan.phases[index].gates.remove(at))));
            (0..phase.steps.len()).for_each(|at| {
                with(&|plan| {
                    plan.phases[index].steps.remove(at);
                    plan.phases[index].actions.remove(at);
                });
                with(&|plan| plan.phases[index].actions[at] = None);
            });
            with(&|plan| plan.phases[index].hours = None);
            if phase.contingency.is_some() {
                with(&|plan| plan.phases[index].contingency = None);
            }
            if phase.decision.is_some() {
                with(&|plan| plan.phases[index].decision = None);
            }
            if phase.has_checklist {
                with(&|plan| plan.phases[index].has_checklist = false);
            }
        }
        plans.retain(|plan| plan.text() != self.text());
        plans
    }
}

impl Thrower<'_> {
    /// So many evaluations, as it is written.
    fn span(&mut self, low: u64, high: u64) -> String {
        format!("{}s", self.dice.between(low, high) * self.every)
    }

    fn phase(&mut self, index: usize, is_open: bool) -> PhasePlan {
        let before = self.shares.clone();
        let steps = if index == 0 && self.dice.once_in(3) { 0 } else { self.dice.between(0, 3) };
        let steps: Vec<String> = (0..steps).map(|_| self.step()).collect();
        let raises = self.shares != before;
        let has_checklist = self.dice.once_in(4);
        let gates = if is_open && self.dice.once_in(2) { 1 } else { self.dice.between(1, 3) };
        let mut gates: Vec<String> = (0..gates).map(|at| self.gate(at, has_checklist)).collect();
        if self.dice.once_in(6) {
            gates.push("dry: { metric: lat, stat: p50, over: 5m, below: 1ms, dry_run: true }".to_owned());
        }
        let mut triggers: Vec<String> = Vec::new();
        if raises || self.shares.iter().any(|share| *share > 0) || self.dice.once_in(2) {
            let count = self.dice.between(1, 4);
            for at in 0..count {
                triggers.push(self.trigger(index, at as usize));
            }
        }
        let contingency = (!self.dice.once_in(3)).then(|| {
            let hold = self.span(0, 15);
            let requires = *self.dice.of(&["[]", "[cause]", "[cause, fix]"]);
            let if_zero = *self.dice.of(&["[]", "[postmortem]"]);
            let to = if index > 0 { format!("p{}", self.dice.roll(index as u64)) } else { "zero".to_owned() };
            format!("contingency: {{ to: {to}, hold: {hold}, requires: {requires}, if_zero: {if_zero} }}")
        });
        let decision = (self.dice.roll(5) < 3).then(|| self.decision(index));
        self.ends.push(self.shares.clone());
        let duration = (!is_open).then(|| self.dice.between(2, 60) * self.every);
        PhasePlan {
            id: format!("p{index}"),
            duration,
            actions: vec![None; steps.len()],
            hours: None,
            steps,
            gates,
            triggers,
            has_checklist,
            contingency,
            decision,
        }
    }

    fn decision(&mut self, index: usize) -> String {
        let roles = *self.dice.of(&["[lead]", "[lead, ops]", "[owner]", "[lead, ops, qa]", "[qa, owner]"]);
        let mut text = format!("decision: {{ roles: {roles}");
        if self.dice.once_in(3) {
            let _ = write!(text, ", no_go: {{ extend: {} }}", self.span(1, 20));
        }
        if self.dice.once_in(4) && !roles.contains("owner") {
            text.push_str(", optional_roles: [owner]");
        }
        if let Some(lower) = self.lower_phase(index).filter(|_| self.dice.once_in(2)) {
            let _ = write!(text, ", rollbacks: {{ partial: {lower} }}");
        }
        text.push_str(" }");
        text
    }

    /// An earlier phase with lower shares.
    fn lower_phase(&mut self, index: usize) -> Option<String> {
        let at = self.dice.roll(index.max(1) as u64) as usize;
        let end = self.ends.get(at)?;
        let is_lower = self.shares.iter().zip(end).any(|(now, then)| now > then);
        is_lower.then(|| format!("p{at}"))
    }

    fn step(&mut self) -> String {
        let mut set = Vec::new();
        for flag in 0..self.flags {
            if flag == 0 || self.dice.once_in(2) {
                let more = if self.dice.once_in(5) { 1_000 } else { self.dice.between(1, 350) };
                let most = if flag == 1 { self.shares[0] } else { 1_000 };
                let share = (self.shares[flag] + more).min(most).max(self.shares[flag]);
                self.shares[flag] = share;
                set.push(format!("F{flag}: {}.{}%", share / 10, share % 10));
            }
        }
        let mut step = format!("{{ set: {{ {} }}", set.join(", "));
        if !self.dice.once_in(3) {
            let _ = write!(step, ", hold: {}", self.span(0, 15));
        }
        if !self.dice.once_in(3) {
            let _ = write!(step, ", soak: {}", self.span(0, 30));
        }
        if self.dice.once_in(4) {
            let over = self.span(1, 20);
            let only_if = match self.dice.roll(3) {
                0 => format!("{{ metric: crash, stat: count, over: {over}, at_most: 3 }}"),
                1 => format!("{{ metric: lat, stat: p95, over: {over}, below: 400ms }}"),
                _ => format!("{{ phase_for: {over} }}"),
            };
            let _ = write!(step, ", only_if: {only_if}");
        }
        step.push_str(" }");
        step
    }

    fn gate(&mut self, at: u64, has_checklist: bool) -> String {
        let condition = match self.dice.roll(6) {
            0 if has_checklist => "checklist: complete".to_owned(),
            0 => "attest: sure, roles: [lead]".to_owned(),
            1 => format!("phase_for: {}", self.span(1, 20)),
            2 => {
                let (one, two) = (self.gate_leaf(), self.gate_leaf());
                let group = *self.dice.of(&["all", "any"]);
                format!("{group}: [ {{ {one} }}, {{ {two} }} ]")
            }
            3 if self.dice.once_in(3) => {
                let inner = self.gate_leaf();
                format!("only_if: {{ flag: F0, share_above: 20% }}, {inner}")
            }
            _ => self.gate_leaf(),
        };
        format!("g{at}: {{ {condition} }}")
    }

    fn gate_leaf(&mut self) -> String {
        let over = if self.dice.once_in(4) { "phase".to_owned() } else { self.span(1, 30) };
        let fixed = self.span(1, 30);
        match self.dice.roll(17) {
            0 => format!("metric: lat, stat: p95, over: {over}, below: 400ms"),
            1 => format!(
                "metric: lat, stat: p99, over: {over}, below: 400ms, min_samples: 50, warn_within: 10%"
            ),
            2 => format!("metric: err, over: {over}, below: 10%"),
            3 => format!("metric: crash, stat: count, over: {over}, at_most: 2"),
            4 => "metric: heap, stat: last, below: 1000MB".to_owned(),
            5 => format!("metric: heap, stat: max, over: {fixed}, at_most: 1000MB"),
            6 => format!("metric: nps, over: {over}, above: 0"),
            7 => format!("alerts: critical, quiet_for: {fixed}"),
            8 => format!("metric: rollgate.rollbacks, stat: count, over: {fixed}, at_most: 0"),
            9 => format!("metric: lat, stat: mean, over: {over}, below: 400ms, coverage: 80%"),
            10 => format!("metric: lat, stat: p50, over: {over}, below: 400ms, on_no_data: fail"),
            11 => "flag: F0, share_above: 1%".to_owned(),
            12 => format!("compare: lat, stat: p95, flag: F0, not_worse_by: {}%", self.dice.between(5, 50)),
            13 => format!("metric: heap, trend: not_rising, over: {fixed}, tolerance: 20%"),
            14 => format!(
                "metric: lat, stat: p95, over: {over}, versus: baseline, change: relative, below: 50%"
            ),
            15 => format!("not: {{ metric: crash, stat: count, over: {fixed}, at_least: 3 }}"),
            _ => {
                let held = self.span(1, 10);
                format!("metric: err, over: {fixed}, below: 10%, for: {held}")
            }
        }
    }

    fn trigger(&mut self, phase: usize, at: usize) -> String {
        let when = match self.dice.roll(10) {
            0 => {
                let (one, two) = (self.trigger_leaf(), self.trigger_leaf());
                let group = *self.dice.of(&["all", "any"]);
                format!("{group}: [ {{ {one} }}, {{ {two} }} ]")
            }
            1 => {
                let leaf = self.trigger_leaf();
                format!("only_if: {{ flag: F0, share_above: 10% }}, {leaf}")
            }
            2 if self.dice.once_in(2) => format!("phase_for: {}", self.span(10, 80)),
            _ => self.trigger_leaf(),
        };
        // Every phase that raises has one that acts by itself.
        let mode = if at > 0 && self.dice.once_in(3) { "manual" } else { "automatic" };
        let lower = self.lower_phase(phase);
        let positive = (0..self.flags).find(|flag| self.shares[*flag] > 0);
        let to = match (self.dice.roll(4), lower, positive) {
            (0 | 1, Some(lower), _) => format!("to: {lower}"),
            (2, _, Some(flag)) => {
                format!("set: {{ F{flag}: {}% }}", self.dice.roll(self.shares[flag].div_ceil(10)))
            }
            _ => "to: zero".to_owned(),
        };
        let mut text = format!("t{phase}_{at}: {{ mode: {mode}, when: {{ {when} }}, rollback: {{ {to} }}");
        if self.dice.once_in(4) {
            let _ = write!(text, ", settle: {}", self.span(1, 10));
        }
        if at > 0 && self.dice.once_in(8) {
            text.push_str(", dry_run: true");
        }
        if mode == "manual" && self.dice.once_in(2) {
            text.push_str(", approve_by: [ops, lead]");
        }
        text.push_str(" }");
        text
    }

    fn trigger_leaf(&mut self) -> String {
        let over = self.span(1, 6);
        let held = self.span(2, 15);
        let above = *self.dice.of(&["above", "at_least"]);
        let q = *self.dice.of(&["p50", "p95", "p95", "p99"]);
        match self.dice.roll(22) {
            0..=3 => format!("metric: lat, stat: {q}, over: {over}, {above}: 400ms, for: {held}"),
            4 => format!("metric: lat, stat: {q}, over: {over}, {above}: 400ms"),
            5 => format!("metric: lat, stat: p95, over: {over}, above: 400ms, for: {held}, min_samples: 300"),
            6 | 7 => format!("metric: err, over: {over}, {above}: 10%, for: {held}"),
            8 => format!("metric: err, over: {over}, {above}: 10%"),
            9 | 10 => format!("metric: heap, stat: last, {above}: 1000MB"),
            11 => format!("metric: heap, stat: max, over: {over}, above: 1000MB"),
            12 | 13 => {
                format!("metric: crash, stat: count, over: {over}, at_least: {}", self.dice.between(1, 6))
            }
            14 => format!(
                "metric: crash, stat: per_minute, over: {over}, above: {}/min",
                self.dice.between(1, 5)
            ),
            15 => format!("metric: nps, over: {over}, below: -20"),
            16 => format!("alerts: critical, within: {over}, at_least: {}", self.dice.between(1, 3)),
            17 => format!("alerts: critical, open_for: {over}"),
            18 => {
                format!("metric: lat, stat: {}, over: {over}, above: 400ms", self.dice.of(&["mean", "max"]))
            }
            19 => format!("metric: lat, stat: p95, over: {over}, above: 400ms, on_no_data: fire"),
            20 => format!("metric: heap, stat: growth_per_day, over: {held}, above: 50GB"),
            _ => format!(
                "metric: lat, stat: p95, over: {over}, versus: baseline, change: relative, above: 80%"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_random_plan_compiles() {
        for seed in 0..2_000 {
            let mut plan = PlanText::throw(&mut Dice::new(seed));
            plan.adorn(&mut Dice::of_adornment(seed));
            if let Err(problems) = plan.compiled() {
                panic!("seed {seed}: {problems}\n{}", plan.text());
            }
        }
    }
}
