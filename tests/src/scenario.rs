//! A rollout on a manual clock: time that is stepped, people that say things, a journal that is read.

use std::sync::{Arc, OnceLock};

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Command, Status};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::snapshot::{Ruleset, Severity};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};
use rollgate::store::MemoryStore;
use rollgate::{Engine, journal};

use crate::record::percent;
use crate::{Record, Traffic};

/// The engineering manager, who decides.
pub const EM: &str = "engineering_manager";
/// The product manager, who decides.
pub const PM: &str = "product_manager";
/// The CTO, who is recorded where they vote.
pub const CTO: &str = "cto";

/// The plan that all scenarios are of.
///
/// # Panics
/// Where the plan does not compile.
pub fn memory_system() -> Arc<Ruleset> {
    static PLAN: OnceLock<Arc<Ruleset>> = OnceLock::new();
    let plan = PLAN.get_or_init(|| {
        let text = include_str!("../../examples/plans/memory-system.yaml");
        Arc::new(ruleset(text, Format::Yaml).unwrap().ruleset)
    });
    plan.clone()
}

/// One rollout under way.
pub struct Scenario {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: ManualClock,
    /// What is recorded with every batch.
    pub traffic: Traffic,
    store: MemoryStore,
    /// Records that the test has looked at.
    seen: u64,
    /// Observed time since the start.
    elapsed: Span,
}

/// Half an evaluation: batches lie in the middle of a slot.
const HALF: Span = Span::seconds(5);

impl Scenario {
    /// When every scenario begins: an evaluation instant.
    pub const START: Timestamp = Timestamp(1_768_816_800_000);

    /// The memory-system plan, not started yet, on a healthy service.
    pub fn open() -> Self {
        Self::of(memory_system())
    }

    /// A plan that a test writes. It needs the memory-system plan's metrics.
    ///
    /// # Panics
    /// Where it does not compile.
    pub fn of_text(text: &str) -> Self {
        match ruleset(text, Format::Yaml) {
            Ok(compiled) => Self::of(Arc::new(compiled.ruleset)),
            Err(problems) => panic!("{problems}"),
        }
    }

    fn of(ruleset: Arc<Ruleset>) -> Self {
        let (clock, store) = (ManualClock::at(Self::START), MemoryStore::new());
        let builder = Engine::builder().ruleset(ruleset).clock(clock.clone());
        let engine = builder.store(store.clone()).build().unwrap();
        let traffic = Traffic::healthy(&engine);
        Self { engine, clock, traffic, store, seen: 0, elapsed: Span::ZERO }
    }

    /// The process ends, and comes back after `down`. Its handles are opened anew.
    ///
    /// # Panics
    /// Where the store's journal is broken.
    pub fn reopen(&mut self, down: Span) {
        self.clock.advance(down);
        self.elapsed = self.elapsed + down;
        let builder = Engine::builder().ruleset(self.engine.ruleset().clone()).clock(self.clock.clone());
        self.engine = builder.store(self.store.clone()).build().unwrap();
        let levels = self.traffic.clone();
        self.traffic = levels.onto(Traffic::healthy(&self.engine));
    }

    /// As [`reopen`](Self::reopen), and only distributions and ratios are recorded: nobody opens an event.
    ///
    /// # Panics
    /// Where the store's journal is broken.
    pub fn reopen_deaf(&mut self, down: Span) {
        self.clock.advance(down);
        self.elapsed = self.elapsed + down;
        let builder = Engine::builder().ruleset(self.engine.ruleset().clone()).clock(self.clock.clone());
        self.engine = builder.store(self.store.clone()).build().unwrap();
        let levels = self.traffic.clone();
        self.traffic = levels.onto(Traffic::deaf(&self.engine));
    }

    /// In this phase with its first step applied, by overrides, in no time.
    ///
    /// # Panics
    /// Where the plan has no such phase.
    pub fn entering(phase: &str) -> Self {
        Self::open().entered(phase)
    }

    /// The same of a scenario that is not started yet.
    ///
    /// # Panics
    /// Where its plan has no such phase, or other people decide.
    #[must_use]
    pub fn entered(mut self, phase: &str) -> Self {
        self.start();
        while self.phase() != phase {
            for by in [EM, PM] {
                if self.phase() != phase {
                    self.decide(by, go_with("the test begins here"), "as agreed").unwrap();
                }
            }
        }
        self.look_away();
        self
    }

    /// In this phase with all its steps applied, an hour and five minutes after entering it.
    pub fn in_phase(phase: &str) -> Self {
        let mut scenario = match phase {
            "stabilization" => {
                let mut scenario = Self::in_phase("hundred_percent");
                for by in [EM, PM] {
                    scenario.decide(by, go_with("the test begins here"), "as agreed").unwrap();
                }
                scenario
            }
            _ => Self::entering(phase),
        };
        scenario.coast(Span::minutes(62));
        scenario.advance(Span::minutes(3));
        scenario.look_away();
        scenario
    }

    // ---- time

    /// Observed time since the start.
    pub const fn elapsed(&self) -> Span {
        self.elapsed
    }

    /// Time passes, and nothing else happens.
    pub fn pass(&mut self, span: Span) {
        self.clock.advance(span);
        self.elapsed = self.elapsed + span;
    }

    /// Time passes from evaluation to evaluation, with a batch of traffic in the middle between two.
    pub fn advance(&mut self, span: Span) {
        let end = self.elapsed + span;
        loop {
            let wait = self.engine.until_wakeup();
            let due = self.elapsed + wait;
            if wait > HALF && end >= due - HALF {
                self.pass(wait - HALF);
                self.traffic.feed();
            }
            if due > end {
                break;
            }
            self.pass(due - self.elapsed);
            self.engine.tick();
        }
        self.pass(end - self.elapsed);
    }

    /// Time passes by the minute, the longest gap that counts as watched: a quiet week in no time.
    pub fn coast(&mut self, span: Span) {
        let end = self.elapsed + span;
        // A minute after the last evaluation, not after a moment between two.
        self.advance(Span((10_000 - self.elapsed.0 % 10_000) % 10_000).min(span));
        let mut minute = 0;
        while self.elapsed + Span::minutes(1) <= end {
            self.pass(Span::seconds(30));
            // Every five minutes: no source falls silent before ten.
            if minute % 5 == 0 {
                self.traffic.feed();
            }
            minute += 1;
            self.pass(Span::seconds(30));
            self.engine.tick();
        }
        self.advance(end - self.elapsed);
    }

    /// Up to one evaluation before `span` has passed, where nothing may have happened yet; then that evaluation.
    ///
    /// # Panics
    /// Where anything was journalled before.
    #[track_caller]
    pub fn wait_exactly(&mut self, span: Span) -> Vec<Record> {
        self.assert_nothing();
        self.coast(span - Span::minutes(1));
        self.assert_nothing();
        self.advance(Span::seconds(50));
        self.assert_nothing();
        self.advance(Span::seconds(10));
        self.fresh()
    }

    // ---- recording

    /// Counts events.
    pub fn count(&self, metric: &str, events: u64) {
        self.traffic.metric(metric).count(events);
    }

    /// Records one value.
    pub fn record(&self, metric: &str, value: f64) {
        self.traffic.metric(metric).record(value);
    }

    /// Pushes measured points of the users' score.
    pub fn record_points(&self, points: f64) {
        self.traffic.metric("nps").record_points(points);
    }

    /// Opens a critical alert.
    pub fn alert(&self, id: &str) {
        self.engine.alerts().open_alert(Severity::Critical, id).unwrap();
    }

    /// Opens a critical alert and closes it.
    pub fn brief_alert(&self, id: &str) {
        self.alert(id);
        self.engine.alerts().close_alert(id);
    }

    // ---- people

    /// One command; a role acts as itself.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn say(&mut self, by: &str, action: Action) -> Result<(), Error> {
        self.engine.command(&Command { by: Key::new(by), role: None, action })
    }

    /// One command of a person in a role.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn say_as(&mut self, by: &str, role: &str, action: Action) -> Result<(), Error> {
        self.engine.command(&Command { by: Key::new(by), role: Some(Key::new(role)), action })
    }

    /// Starts the rollout.
    pub fn start(&mut self) {
        self.engine.start("on_call").unwrap();
    }

    /// Decides.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn decide(&mut self, by: &str, choice: Choice, rationale: &str) -> Result<(), Error> {
        self.say(by, Action::Decide { choice, rationale: rationale.into() })
    }

    /// Says go.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn go(&mut self, by: &str) -> Result<(), Error> {
        self.decide(by, Choice::Go { override_reason: None }, "all green")
    }

    /// Decides to roll back.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn roll_back(&mut self, by: &str, to: &str) -> Result<(), Error> {
        self.decide(by, Choice::Rollback { to: Some(Key::new(to)) }, "we do not like it")
    }

    /// Signs a statement.
    pub fn attest(&mut self, by: &str, item: &str) {
        self.engine.attest(by, item).unwrap();
    }

    /// Everything that phase 0 asks for is done.
    ///
    /// # Panics
    /// Where the rollout is not in phase 0.
    pub fn check_all(&mut self) {
        let items = self.engine.ruleset().plan.as_ref().map(|plan| plan.phases[0].checklist.clone());
        for item in items.unwrap_or_default() {
            self.say("on_call", Action::Check { item: item.key }).unwrap();
        }
        for (item, of) in
            [("unit_tests_passed", 44), ("integration_tests_passed", 15), ("performance_tests_passed", 6)]
        {
            let passed = Some((of, of));
            self.say(EM, Action::Attest { item: Key::new(item), is_true: true, passed }).unwrap();
        }
        self.attest(EM, "runbooks_accurate");
    }

    /// Approves a proposal.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn approve(&mut self, by: &str, proposal: &str) -> Result<(), Error> {
        self.say(by, Action::Approve { proposal: Key::new(proposal), rationale: "it is real".into() })
    }

    /// Turns a proposal down.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn dismiss(&mut self, by: &str, proposal: &str) -> Result<(), Error> {
        self.say(by, Action::Dismiss { proposal: Key::new(proposal), reason: "a false alarm".into() })
    }

    /// Sets shares by hand, in percent.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn set(&mut self, shares: &[(&str, f64)], reason: &str) -> Result<(), Error> {
        let shares: Vec<_> = shares
            .iter()
            .map(|(flag, share)| (*flag, Share::from_fraction(share / 100.0).unwrap()))
            .collect();
        self.engine.set_shares("on_call", &shares, reason)
    }

    // ---- reading

    /// The phase; empty before the start.
    pub fn phase(&self) -> String {
        self.engine.status().phase.map(|key| key.to_string()).unwrap_or_default()
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.engine.status().status
    }

    /// The shares that apply, in percent, in the plan's order.
    pub fn shares(&self) -> Vec<f64> {
        self.engine.shares().iter().map(|(_, share)| percent(share.fraction())).collect()
    }

    /// Records since the test last looked, without the scorecards of every morning and what people were told: who means
    /// those reads the journal.
    pub fn fresh(&mut self) -> Vec<Record> {
        let mut records = self.fresh_with_notices();
        records.retain(|record| record.kind() != "notice");
        records
    }

    /// Records since the test last looked, with what people were told.
    pub fn fresh_with_notices(&mut self) -> Vec<Record> {
        let lines = self.engine.journal_after(self.seen);
        self.seen += lines.len() as u64;
        let records = lines.iter().map(|line| Record::of(line));
        records.filter(|record| record.kind() != "daily_scorecard").collect()
    }

    /// Looks away from the records so far.
    pub fn look_away(&mut self) {
        self.fresh();
    }

    /// Everything that happened since the test last looked is of these kinds, in this order.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn expect(&mut self, kinds: &[&str]) -> Vec<Record> {
        let records = self.fresh();
        let found: Vec<&str> = records.iter().map(Record::kind).collect();
        assert_eq!(found, kinds, "{records:#?}");
        records
    }

    /// Nothing was journalled since the test last looked.
    ///
    /// # Panics
    /// Where something was.
    #[track_caller]
    pub fn assert_nothing(&mut self) {
        let at = self.elapsed;
        let records = self.fresh();
        assert!(records.is_empty(), "at {at}: {records:#?}");
    }

    /// Where the rollout stands: status, phase, shares in percent; and that readers get those shares.
    ///
    /// # Panics
    /// Where it stands elsewhere.
    #[track_caller]
    pub fn assert_stands(&self, status: Status, phase: &str, shares: [f64; 3]) {
        assert_eq!((self.status(), self.phase().as_str()), (status, phase));
        self.assert_shares(shares);
    }

    /// The shares in percent, and that readers get them.
    ///
    /// # Panics
    /// Where they are others.
    #[track_caller]
    pub fn assert_shares(&self, shares: [f64; 3]) {
        assert_eq!(self.shares(), shares);
        for (index, (flag, _)) in self.engine.shares().iter().enumerate() {
            let on =
                (0..500).filter(|user| self.engine.is_on(flag.as_str(), &format!("user-{user}"))).count();
            let part = on as f64 / 5.0;
            // 4.9 sigma of 500 draws is below 11 points; nobody and everybody are exact.
            let slack = if shares[index] == 0.0 || shares[index] == 100.0 { 0.0 } else { 11.0 };
            assert!(
                (part - shares[index]).abs() <= slack,
                "{flag}: {part} % of users, not {} %",
                shares[index]
            );
        }
    }

    /// Checks the whole journal's numbers and hashes; gives its records.
    ///
    /// # Panics
    /// Where the chain is broken.
    pub fn journal(&self) -> Vec<Record> {
        let lines = self.engine.journal_after(0);
        journal::verify(lines.iter().map(String::as_str)).unwrap();
        lines.iter().map(|line| Record::of(line)).collect()
    }
}

/// A go although the gates do not pass.
fn go_with(reason: &str) -> Choice {
    Choice::Go { override_reason: Some(reason.into()) }
}
