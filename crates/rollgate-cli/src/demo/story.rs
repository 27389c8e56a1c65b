//! What people do in the demo: check, attest, decide, find the cause, try again.

use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::report::Form;
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::Engine;
use serde_json::Value;

use crate::journal_text;

/// The first attempt at phase 1 gets a latency spike after this long.
const SPIKE_AFTER: Span = Span::hours(50);
/// How much slower injections get.
const SPIKE: f64 = 4.5;

/// What is going to be done, and when.
enum Act {
    Decide(&'static str, &'static str),
    Attest(&'static str, &'static str),
    Retry,
}

/// The people of the demo.
pub(super) struct Story {
    from: Timestamp,
    plans: Vec<(Timestamp, Act)>,
    spike_from: Option<Timestamp>,
    has_spiked: bool,
    phase: String,
    standing: String,
    cards: Vec<String>,
    is_over: bool,
}

impl Story {
    pub(super) fn new(from: Timestamp) -> Self {
        Self {
            from,
            plans: Vec::new(),
            spike_from: None,
            has_spiked: false,
            phase: String::new(),
            standing: String::new(),
            cards: Vec::new(),
            is_over: false,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn where_it_stands(&self) -> String {
        self.standing.clone()
    }

    pub(super) fn scorecards(&self) -> &[String] {
        &self.cards
    }

    /// How much slower injections are now.
    pub(super) fn latency_factor(&self, now: Timestamp) -> f64 {
        if self.spike_from.is_some_and(|from| now >= from) { SPIKE } else { 1.0 }
    }

    /// Starts the plan and does the homework of phase 0.
    pub(super) fn begin(&mut self, engine: &Engine) -> Result<(), Error> {
        engine.start("on_call")?;
        let Some(plan) = &engine.ruleset().plan else { return Ok(()) };
        for item in plan.phases.iter().flat_map(|phase| &phase.checklist) {
            let owner = item.owner.and_then(|role| engine.ruleset().roles.get(role.index()));
            let by = owner.map_or_else(|| Key::new("on_call"), |role| role.key.clone());
            engine.command(&Command { by, role: None, action: Action::Check { item: item.key.clone() } })?;
        }
        for (item, tests) in
            [("unit_tests_passed", 44), ("integration_tests_passed", 15), ("performance_tests_passed", 6)]
        {
            let action = Action::Attest { item: Key::new(item), is_true: true, passed: Some((tests, tests)) };
            engine.command(&Command { by: Key::new("engineering_manager"), role: None, action })?;
        }
        engine.attest("engineering_manager", "runbooks_accurate")
    }

    /// Does what is due.
    pub(super) fn act(&mut self, now: Timestamp, engine: &Engine) -> Result<(), Error> {
        while let Some(at) = self.plans.iter().position(|(at, _)| *at <= now) {
            match self.plans.remove(at).1 {
                Act::Decide(by, rationale) => {
                    engine.decide(by, Choice::Go { override_reason: None }, rationale)?;
                }
                Act::Attest(by, item) => engine.attest(by, item)?,
                Act::Retry => engine.retry("on_call")?,
            }
        }
        Ok(())
    }

    fn plan(&mut self, at: Timestamp, act: Act) {
        let place = self.plans.partition_point(|(other, _)| *other <= at);
        self.plans.insert(place, (at, act));
    }

    /// Hears of a record: shows it, and plans what people do about it.
    pub(super) fn hear(
        &mut self,
        line: &str,
        engine: &Engine,
        mut show: impl FnMut(&str),
    ) -> Result<(), Error> {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return Ok(()) };
        if let Some(text) = journal_text::line_of(&record) {
            show(&text);
        }
        let text = |field: &str| record.get(field).and_then(Value::as_str).unwrap_or_default();
        let at = Timestamp::parse(text("at"))?;
        let day = at.since(self.from).as_days();
        self.standing = format!("day {day:.0}  {}  {}", text("phase"), text("status"));
        match text("kind") {
            "phase_started" => {
                self.phase = text("phase").to_owned();
                match self.phase.as_str() {
                    "ten_percent" if !self.has_spiked => self.spike_from = Some(at + SPIKE_AFTER),
                    "stabilization" => {
                        self.cards.push(engine.scorecard(Form::Final).to_text());
                        self.is_over = true;
                    }
                    _ => {}
                }
            }
            "awaiting_decision" => {
                if matches!(self.phase.as_str(), "ten_percent" | "hundred_percent") {
                    self.plan(at + Span::minutes(10), Act::Attest("engineering_manager", "team_confident"));
                }
                self.plan(
                    at + Span::minutes(30),
                    Act::Decide("engineering_manager", "no open issue, the team is ready"),
                );
                self.plan(at + Span::minutes(45), Act::Decide("product_manager", "the numbers are good"));
            }
            "decided" if text("role") == "engineering_manager" => {
                self.cards.push(engine.scorecard(Form::Phase).to_text());
            }
            "rolled_back" => {
                show("    (people look for the cause: a cold index; the fix is validated in staging)");
                self.has_spiked = true;
                self.spike_from = None;
                self.plan(at + Span::hours(3), Act::Attest("engineering_manager", "root_cause"));
                self.plan(at + Span::hours(20), Act::Attest("engineering_manager", "fix_validated"));
                self.plan(at + Span::hours(21), Act::Retry);
            }
            _ => {}
        }
        Ok(())
    }
}
