//! What people do in the demo: check, attest, decide on a scorecard, find the cause, try again.

use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::report::{Form, RowStatus};
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::Engine;

use super::play::Cards;
use super::story::Event;

/// In the first attempt at phase 1, injections get slow after this long.
const SPIKE_AFTER: Span = Span::minutes(49 * 60 + 35);
/// How much slower injections get.
const SPIKE: f64 = 6.0;

/// Who decides, and what each says where every gate passes.
const WHY: [(&str, &str); 2] = [
    ("engineering_manager", "every gate passes, no open incident"),
    ("product_manager", "the numbers hold, users are content"),
];
/// After this long without an end the team agrees that the old code may go.
const STABLE: Span = Span::days(14);

/// What is going to be done.
enum Act {
    Check(Key, Key),
    Attest(&'static str, &'static str, Option<u64>),
    /// Looks at the scorecard, and says go where it passes.
    Decide(&'static str, &'static str),
    Retry,
    SlowDown,
}

/// The people of the demo, and the fault that they will have to deal with.
pub(super) struct People {
    plans: Vec<(Timestamp, Act)>,
    slow_from: Option<Timestamp>,
    has_been_slow: bool,
    pub(super) cards: Cards,
}

impl People {
    pub(super) fn new() -> Self {
        Self { plans: Vec::new(), slow_from: None, has_been_slow: false, cards: Vec::new() }
    }

    /// How much slower injections are now.
    pub(super) fn latency_factor(&self, now: Timestamp) -> f64 {
        if self.slow_from.is_some_and(|from| now >= from) { SPIKE } else { 1.0 }
    }

    /// Does what is due; gives what of it the engine cannot know.
    pub(super) fn act(&mut self, now: Timestamp, engine: &Engine) -> Result<Option<String>, Error> {
        let mut news = None;
        while let Some(at) = self.plans.iter().position(|(at, _)| *at <= now) {
            match self.plans.remove(at).1 {
                Act::Check(by, item) => engine.check(by.as_str(), item.as_str())?,
                Act::Attest(by, item, tests) => {
                    let passed = tests.map(|tests| (tests, tests));
                    let action = Action::Attest { item: Key::new(item), is_true: true, passed };
                    engine.command(&Command { by: Key::new(by), role: None, action })?;
                }
                Act::Decide(by, rationale) => self.decide(engine, by, rationale)?,
                Act::Retry => engine.retry("on_call")?,
                Act::SlowDown => {
                    self.slow_from = Some(now);
                    self.has_been_slow = true;
                    news = Some(format!("injections get {SPIKE} times slower"));
                }
            }
        }
        Ok(news)
    }

    fn decide(&mut self, engine: &Engine, by: &str, rationale: &str) -> Result<(), Error> {
        let status = engine.status();
        let plan = engine.ruleset().plan.as_ref();
        let phases = plan.map_or(&[][..], |plan| &plan.phases);
        let place = phases.iter().position(|phase| Some(&phase.key) == status.phase.as_ref()).unwrap_or(0);
        // The last phase with an end is the one whose decision ends the rollout.
        let is_last = phases.get(place + 1).is_none_or(|next| next.duration.is_none());
        let card = engine.scorecard(if is_last { Form::Final } else { Form::Phase });
        if card.overall != RowStatus::Pass {
            return Ok(());
        }
        if status.votes.is_empty() {
            self.cards.push(card);
        }
        engine.decide(by, Choice::Go { override_reason: None }, rationale)
    }

    fn plan(&mut self, at: Timestamp, act: Act) {
        let place = self.plans.partition_point(|(other, _)| *other <= at);
        self.plans.insert(place, (at, act));
    }

    /// Hears of a record, and plans what to do about it.
    pub(super) fn hear(&mut self, event: &Event, engine: &Engine) {
        let at = event.at;
        match event.kind() {
            "phase_started" => self.prepare(event, engine),
            "awaiting_decision" => {
                let asked = event.list("roles");
                for (index, (role, why)) in
                    WHY.into_iter().filter(|(role, _)| asked.contains(role)).enumerate()
                {
                    let later = Span::minutes(30 + 15 * index as u64);
                    self.plan(at + later, Act::Decide(role, why));
                }
            }
            "rolled_back" => {
                // What was planned was planned for a phase that has ended.
                self.plans.clear();
                self.slow_from = None;
                self.plan(at + Span::hours(3), Act::Attest("engineering_manager", "root_cause", None));
                self.plan(at + Span::hours(20), Act::Attest("engineering_manager", "fix_validated", None));
                self.plan(at + Span::hours(21), Act::Retry);
            }
            _ => {}
        }
    }

    /// What a phase asks of people before it ends.
    fn prepare(&mut self, event: &Event, engine: &Engine) {
        let at = event.at;
        let Some(plan) = &engine.ruleset().plan else { return };
        let Some(phase) = plan.phases.iter().find(|phase| phase.key.as_str() == event.phase()) else {
            return;
        };
        let end = at + phase.duration.unwrap_or_default();
        for (index, item) in phase.checklist.iter().enumerate() {
            let owner = item.owner.and_then(|role| engine.ruleset().roles.get(role.index()));
            let by = owner.map_or_else(|| Key::new("on_call"), |role| role.key.clone());
            let day = Span::hours(14 * index as u64 + 2);
            self.plan(at + day, Act::Check(by, item.key.clone()));
        }
        match phase.key.as_str() {
            "pre_deployment" => {
                let tests = [
                    ("unit_tests_passed", Some(44)),
                    ("integration_tests_passed", Some(15)),
                    ("performance_tests_passed", Some(6)),
                    ("runbooks_accurate", None),
                ];
                for (index, (item, count)) in tests.into_iter().enumerate() {
                    let before = Span::minutes(30 * (tests.len() - index) as u64);
                    self.plan(end - before, Act::Attest("engineering_manager", item, count));
                }
            }
            "ten_percent" | "hundred_percent" => {
                let act = Act::Attest("engineering_manager", "team_confident", None);
                self.plan(end - Span::minutes(30), act);
                if !self.has_been_slow {
                    self.plan(at + SPIKE_AFTER, Act::SlowDown);
                }
            }
            "stabilization" => {
                let act = Act::Attest("engineering_manager", "remove_legacy_consensus", None);
                self.plan(at + STABLE - Span::minutes(30), act);
            }
            _ => {}
        }
    }
}
