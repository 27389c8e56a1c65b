//! A rollout of a plan that a test writes, told by the calendar: it runs until a date, and its journal is read.

use std::sync::Arc;

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Choice, Status};
use rollgate::core::error::Error;
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};
use rollgate::store::MemoryStore;
use rollgate::{CalendarStatus, Engine};

use crate::Record;
use crate::record::percent;

/// One rollout under way, and nothing recorded unless the test does.
pub struct Rollout {
    /// The engine.
    pub engine: Engine,
    /// Its clock.
    pub clock: ManualClock,
    store: MemoryStore,
    seen: u64,
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn opened(plan: &str, clock: &ManualClock, store: &MemoryStore) -> Engine {
    let compiled = match ruleset(plan, Format::Yaml) {
        Ok(compiled) => Arc::new(compiled.ruleset),
        Err(problems) => panic!("{problems}"),
    };
    Engine::builder().ruleset(compiled).clock(clock.clone()).store(store.clone()).build().unwrap()
}

impl Rollout {
    /// A plan, opened at this time and not started.
    ///
    /// # Panics
    /// Where the plan does not compile.
    pub fn open(plan: &str, time: &str) -> Self {
        let (clock, store) = (ManualClock::at(at(time)), MemoryStore::new());
        Self { engine: opened(plan, &clock, &store), clock, store, seen: 0 }
    }

    /// The same, and started.
    ///
    /// # Panics
    /// Where the start is refused.
    pub fn start(plan: &str, time: &str) -> Self {
        let rollout = Self::open(plan, time);
        rollout.engine.start("lead").unwrap();
        rollout
    }

    /// The process ends, and one with this plan comes back at this time.
    ///
    /// # Panics
    /// Where the store does not fit the plan.
    pub fn reopen(&mut self, plan: &str, time: &str) {
        self.clock.set(at(time));
        self.engine = opened(plan, &self.clock, &self.store);
    }

    /// Time passes from evaluation to evaluation, up to and with those at this time.
    pub fn until(&mut self, time: &str) {
        let end = at(time);
        loop {
            let wait = self.engine.until_wakeup();
            if self.wall() + wait > end {
                break;
            }
            self.clock.advance(wait);
            self.engine.tick();
        }
        self.clock.set(end);
    }

    /// So much time passes.
    pub fn pass(&mut self, span: Span) {
        let end = (self.wall() + span).to_string();
        self.until(&end);
    }

    /// What the calendar says.
    pub fn wall(&self) -> Timestamp {
        use rollgate::clock::Clock as _;
        self.clock.wall()
    }

    /// Says go.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn go(&self, by: &str) -> Result<(), Error> {
        self.engine.decide(by, Choice::Go { override_reason: None }, "all green")
    }

    /// Says go whatever stands against it.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn go_anyway(&self, by: &str) -> Result<(), Error> {
        self.engine.decide(by, Choice::Go { override_reason: Some("the fix cannot wait".into()) }, "now")
    }

    /// Sets the share of the flag `A` in percent.
    ///
    /// # Errors
    /// Where it is refused.
    pub fn set(&self, share: f64, reason: &str) -> Result<(), Error> {
        self.engine.set_shares("lead", &[("A", Share::from_fraction(share / 100.0).unwrap())], reason)
    }

    /// Records a level of the gauge `heap`.
    pub fn heap(&self, level: f64) {
        self.engine.metric("heap").unwrap().record(level);
    }

    /// The status.
    pub fn status(&self) -> Status {
        self.engine.status().status
    }

    /// The phase; empty before the start.
    pub fn phase(&self) -> String {
        self.engine.status().phase.map(|key| key.to_string()).unwrap_or_default()
    }

    /// The calendar's part of the status.
    pub fn calendar(&self) -> CalendarStatus {
        self.engine.status().calendar
    }

    /// The share of the first flag, in percent.
    pub fn share(&self) -> f64 {
        percent(self.engine.shares()[0].1.fraction())
    }

    /// All records of these kinds.
    pub fn records(&self, kinds: &[&str]) -> Vec<Record> {
        let records = self.engine.journal_after(0);
        records.iter().map(|line| Record::of(line)).filter(|record| kinds.contains(&record.kind())).collect()
    }

    /// Records since the test last looked.
    pub fn fresh(&mut self) -> Vec<Record> {
        let lines = self.engine.journal_after(self.seen);
        self.seen += lines.len() as u64;
        lines.iter().map(|line| Record::of(line)).collect()
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
}
