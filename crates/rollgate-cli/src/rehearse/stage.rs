//! A rollout on a fake clock: the real engine, made-up samples, and people who do their part.

use std::sync::Arc;

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Command, Status};
use rollgate::core::error::Error;
use rollgate::core::id::{Key, MetricId, RoleId};
use rollgate::core::metrics::Arm;
use rollgate::core::snapshot::{MetricKind, Phase, Ruleset};
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::{Alerts, DueAction, Engine, Metric};
use serde_json::Value;

use super::fault::{Fault, arm_of};
use super::levels::{Level, Levels};

/// When every rehearsal begins: a Monday, 09:00 UTC.
const START: Timestamp = Timestamp(1_767_603_600_000);
/// Samples, and outcomes, of one tick where the plan does not care how many.
const SAMPLES: f64 = 1_000.0;
const OUTCOMES: f64 = 100_000.0;
/// Who does what nobody in the plan is named for.
const ANYBODY: &str = "rehearsal";

/// One rollout under way.
pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) levels: Levels,
    clock: ManualClock,
    metrics: Vec<Metric>,
    alerts: Alerts,
    /// Parts of things that have not been recorded yet, by metric.
    rest: Vec<f64>,
    /// When levels began to rise.
    rising: Timestamp,
    told: u64,
    opened: u64,
}

impl Stage {
    /// A rollout that has not been started.
    pub(super) fn open(
        ruleset: &Arc<Ruleset>,
        actor: impl Fn(&DueAction) -> Result<String, String> + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let clock = ManualClock::at(START);
        let builder =
            Engine::builder().ruleset(ruleset.clone()).clock(clock.clone()).offline().on_action(actor);
        let engine = builder.build()?;
        let metrics = ruleset.metrics.iter().map(|metric| engine.metric(metric.key.as_str()));
        Ok(Self {
            metrics: metrics.collect::<Result<_, _>>()?,
            alerts: engine.alerts(),
            engine,
            ruleset: ruleset.clone(),
            levels: Levels::healthy(ruleset),
            clock,
            rest: vec![0.0; ruleset.metrics.len()],
            rising: START,
            told: 0,
            opened: 0,
        })
    }

    pub(super) fn now(&self) -> Timestamp {
        rollgate::clock::Clock::wall(&self.clock)
    }

    /// How far an evaluation is away, or a minute where a wait is long.
    pub(super) fn tick_of(&self, wait: Span) -> Span {
        let every = self.ruleset.evaluate_every;
        if wait > Span::hours(2) { every.max(Span::minutes(1)) } else { every }
    }

    /// Time passes to the next evaluation, with a batch of samples on the way.
    pub(super) fn tick(&mut self, length: Span) {
        let until = self.engine.until_wakeup();
        let length = if length <= self.ruleset.evaluate_every { until.max(Span(1)) } else { length };
        let half = Span(length.0 / 2);
        self.clock.advance(half);
        self.feed(length);
        self.clock.advance(length - half);
        self.engine.tick();
    }

    fn feed(&mut self, length: Span) {
        for index in 0..self.metrics.len() {
            let id = MetricId(index as u16);
            let level = self.levels.of(id);
            let seconds = length.0 as f64 / 1_000.0;
            let usual = if self.ruleset.metric(id).kind == MetricKind::Event { 0.0 } else { SAMPLES };
            let exact = level.rate.map_or(usual, |rate| rate * seconds) + self.rest[index];
            self.rest[index] = exact.fract();
            self.record(id, level, exact as u64);
        }
    }

    fn record(&self, id: MetricId, level: Level, count: u64) {
        let Some(metric) = self.metrics.get(id.index()) else { return };
        let rule = self.ruleset.metric(id);
        let flag = arm_of(&self.ruleset, id, level).map(|flag| self.ruleset.flag(flag).key.as_str());
        let on = level.on.map_or(level.value, |(_, value)| value);
        match rule.kind {
            MetricKind::Event if count == 0 => {}
            MetricKind::Event => metric.count(count),
            MetricKind::Gauge => {
                let days = self.now().since(self.rising).as_days();
                metric.record(level.value + level.slope * days);
            }
            MetricKind::Score => metric.record_points(level.value),
            MetricKind::Distribution | MetricKind::Ratio if count == 0 => {}
            MetricKind::Distribution => match flag {
                Some(flag) => {
                    metric.record_in(metric.arms(flag, Arm::On), on, count);
                    metric.record_in(metric.arms(flag, Arm::Off), level.value, count);
                }
                None => metric.record_many(level.value, count),
            },
            MetricKind::Ratio => {
                let total = if level.rate.is_some() { count as f64 } else { OUTCOMES };
                let part = |value: f64| ((value * total).round() as u64, total as u64);
                match flag {
                    Some(flag) => {
                        let ((some, all), (other, rest)) = (part(on), part(level.value));
                        metric.record_outcomes_in(metric.arms(flag, Arm::On), some, all);
                        metric.record_outcomes_in(metric.arms(flag, Arm::Off), other, rest);
                    }
                    None => {
                        let (some, all) = part(level.value);
                        metric.record_outcomes(some, all);
                    }
                }
            }
        }
    }

    /// Does what a fault says: at once, or from the next batch on.
    pub(super) fn suffer(&mut self, fault: &Fault) -> Result<(), Error> {
        match fault {
            Fault::Level(id, level) => {
                self.rising = self.now();
                if let Some(slot) = self.levels.0.get_mut(id.index()) {
                    *slot = *level;
                }
            }
            Fault::Events(id, count) => {
                if let Some(metric) = self.metrics.get(id.index()) {
                    metric.count(*count);
                }
            }
            Fault::Alerts(severity, count) => {
                for _ in 0..*count {
                    self.opened += 1;
                    let name = format!("rehearsal-{}", self.opened);
                    self.alerts.open_alert(*severity, &name)?;
                    self.alerts.close_alert(&name);
                }
            }
            Fault::OpenAlert(severity) => self.alerts.open_alert(*severity, "rehearsal-open")?,
            Fault::Attest(item, roles, all_of) => self.attest(item, roles, *all_of)?,
        }
        Ok(())
    }

    // ---- people

    /// Somebody who holds a role, and has not been asked yet.
    fn holder(&self, role: RoleId, taken: &[Key]) -> Command {
        let rule = self.ruleset.roles.get(role.index());
        let member = rule.and_then(|rule| rule.members.iter().find(|member| !taken.contains(member)));
        let key = rule.map_or_else(|| Key::new(ANYBODY), |rule| rule.key.clone());
        let action = Action::Start;
        match member {
            Some(member) => Command { by: member.clone(), role: Some(key), action },
            None => Command { by: key, role: None, action },
        }
    }

    /// Somebody of one of these roles says something; of no roles, anybody.
    pub(super) fn say(&self, roles: &[RoleId], action: Action) -> Result<(), Error> {
        let by = Key::new(ANYBODY);
        let who = roles
            .first()
            .map_or(Command { by, role: None, action: Action::Start }, |role| self.holder(*role, &[]));
        self.engine.command(&Command { action, ..who })
    }

    fn attest(&self, item: &Key, roles: &[RoleId], all_of: Option<u64>) -> Result<(), Error> {
        let passed = all_of.map(|of| (of, of));
        self.say(roles, Action::Attest { item: item.clone(), is_true: true, passed })
    }

    /// All who decide say go, whatever the gates say.
    fn decide(&self, roles: &[RoleId]) -> Result<(), Error> {
        let mut taken: Vec<Key> = Vec::new();
        // A rehearsal does not wait for the days that a baseline is measured over; where none is left, that is refused.
        if let Some(role) = roles.first() {
            let _ =
                self.engine.command(&Command { action: Action::CaptureBaseline, ..self.holder(*role, &[]) });
        }
        for role in roles {
            let who = self.holder(*role, &taken);
            taken.push(who.by.clone());
            let choice = Choice::Go { override_reason: Some("a rehearsal of the rollbacks".into()) };
            let action = Action::Decide { choice, rationale: "rehearsal".into() };
            self.engine.command(&Command { action, ..who })?;
        }
        Ok(())
    }

    // ---- the way

    /// Records since the last call.
    pub(super) fn fresh(&mut self) -> Vec<Value> {
        let lines = self.engine.journal_after(self.told);
        self.told += lines.len() as u64;
        lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn phase(&self) -> Option<usize> {
        let key = self.engine.status().phase?;
        self.ruleset.plan.as_ref()?.phases.iter().position(|phase| phase.key == key)
    }

    fn rule(&self, index: usize) -> Option<&Phase> {
        self.ruleset.plan.as_ref()?.phases.get(index)
    }

    /// Starts the rollout and goes on to a phase, with all steps on the way and its own applied.
    pub(super) fn reach(&mut self, phase: usize) -> Result<(), String> {
        // What is to be compared with is measured before anybody is exposed.
        for _ in 0..6 {
            self.tick(self.ruleset.evaluate_every);
        }
        self.engine.start(ANYBODY).map_err(|error| error.to_string())?;
        for index in 0..=phase {
            if self.phase() != Some(index) {
                return Err(format!("the rollout is {}", self.engine.status().status.name()));
            }
            self.apply_steps(index)?;
            if index < phase {
                self.pass(index)?;
            }
        }
        Ok(())
    }

    fn apply_steps(&mut self, index: usize) -> Result<(), String> {
        let Some(rule) = self.rule(index) else { return Ok(()) };
        let mut limit = Span::hours(1);
        for step in &rule.steps {
            let waits = step.only_if.as_ref().map_or(Span::ZERO, super::fault::reach);
            limit = limit + step.hold + waits + waits + Span::minutes(10);
        }
        let tick = self.tick_of(limit);
        let end = self.now() + limit;
        loop {
            let status = self.engine.status();
            if status.status != Status::Running {
                return Err(self.why_not(status.status));
            }
            if status.step.0 == status.step.1 {
                return Ok(());
            }
            if self.now() > end {
                return Err(format!("step {} was not applied within {limit}", status.step.0 + 1));
            }
            self.tick(tick);
        }
    }

    /// Why it does not run: what the latest record of it says.
    fn why_not(&mut self, status: Status) -> String {
        let records = self.fresh();
        let reason = records.iter().rev().find_map(|record| {
            let sentence = record.pointer("/finding/sentence").or_else(|| record.get("reason"));
            sentence.and_then(Value::as_str).map(str::to_owned)
        });
        format!("the rollout is {}: {}", status.name(), reason.unwrap_or_else(|| "nobody knows why".into()))
    }

    /// On to the next phase: by a decision that overrides the gates, or where nobody decides by passing them.
    fn pass(&mut self, index: usize) -> Result<(), String> {
        let Some(rule) = self.rule(index).cloned() else { return Ok(()) };
        if let Some(decision) = &rule.decision {
            return self.decide(&decision.roles).map_err(|error| error.to_string());
        }
        for item in &rule.checklist {
            self.engine.check(ANYBODY, item.key.as_str()).map_err(|error| error.to_string())?;
        }
        for gate in &rule.gates {
            let found = super::fault::faults(&self.ruleset, &self.levels, &gate.condition, true);
            for fault in found.unwrap_or_default() {
                if let Fault::Attest(item, roles, all_of) = &fault {
                    self.attest(item, roles, *all_of).map_err(|error| error.to_string())?;
                }
            }
        }
        let soak = rule.steps.last().map_or(Span::ZERO, |step| step.soak);
        let limit = rule.duration.unwrap_or_default() + soak + Span::days(1);
        let end = self.now() + limit;
        let tick = self.tick_of(limit);
        while self.phase() == Some(index) {
            let status = self.engine.status().status;
            if self.now() > end || status != Status::Running {
                return Err(format!("phase `{}` does not pass: {}", rule.key, self.why_not(status)));
            }
            self.tick(tick);
        }
        Ok(())
    }
}
