//! A rollout whose notices go to sinks that a test can break, slow down and read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate::notify::{Delivery, SendError};
use rollgate::read::Format;
use rollgate::store::MemoryStore;
use rollgate_tests::{Record, Scenario};
use std::sync::Mutex;

/// A small rollout that tells of everything. Its first exposure is planned for 2026-01-22, midnight in Berlin.
pub(super) const PLAN: &str = r##"
version: 1
name: told
title: The new search
date: 2026-01-20
timezone: Europe/Berlin
flags: { A: {}, B: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, max_gap: 1h } }
roles: { lead: {} }
phases:
  - id: prepare
    title: "Phase 0: Preparation"
    duration: 2d
    gates: { time: { phase_for: 2d } }
    decision: { roles: [lead] }
  - id: ten
    title: "Phase 1: 10%"
    duration: 1h
    steps: [ { set: { A: 10%, B: 5% } } ]
    gates: { heap: { metric: heap, stat: max, over: phase, below: 500MB, coverage: 0% } }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      b:    { when: { metric: heap, stat: last, above: 900MB }, rollback: { set: { B: 0% } } }
      asks: { mode: manual, when: { metric: heap, stat: last, above: 800MB }, rollback: { to: zero } }
  - id: all
    title: "Phase 2: 100%"
    duration: 1h
    steps: [ { set: { A: 100%, B: 100% } } ]
    gates: { heap: { metric: heap, stat: max, over: phase, below: 500MB, coverage: 0% } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: ten } } }
    decision: { roles: [lead] }
  - id: keep
    title: Stabilization
    duration: open
    gates: { time: { phase_for: 14d } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: ten } } }
    decision: { roles: [lead] }
daily: { at: "09:00" }
notices:
  - { when: { before_start: 48h }, audience: everybody, channels: [mail], message: "{title} comes on {start}." }
  - { when: phase_started, audience: internal teams, channels: ["slack:#eng", "slack:#product"], message: "{phase.title} started. Monitoring closely." }
  - { when: phase_passed, audience: everybody, channels: [mail], message: "{phase.title} successful. Proceeding to {next.title}." }
  - { when: completed, audience: everybody, channels: [mail, blog], message: "{title} fully deployed." }
  - { when: rolled_back, urgent: true, audience: everybody, channels: [mail, status_page], message: "{title} rolled back to {to} ({to.title}) by {cause}." }
  - { when: stopped, urgent: true, channels: [status_page], message: "Stopped by {cause}." }
  - { when: proposal, channels: ["slack:#eng"], message: "{trigger} proposes {to}: {evidence}" }
  - { when: rollback_ineffective, channels: ["slack:#eng"], message: "{trigger} still: {evidence}" }
  - { when: awaiting_decision, channels: ["slack:#eng"], message: "{phase.id} awaits {roles}." }
  - { when: gates_failed, channels: ["slack:#eng"], message: "{phase.id} does not pass: {evidence}" }
  - { when: daily, channels: [standup], message: "{status}: {shares}" }
  - { when: weekly, channels: [leadership], message: "{phase.title}: {status}" }
"##;

/// How a sink behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    Dead,
    Refusing,
    Panicking,
    /// Each call takes two seconds of the clock.
    Slow,
}

/// What sinks have taken, and how they behave.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) taken: Arc<Mutex<Vec<Delivery>>>,
    pub(super) calls: Arc<AtomicUsize>,
    mood: Arc<Mutex<Mood>>,
    clock: ManualClock,
}

impl Post {
    fn new(clock: ManualClock) -> Self {
        Self { taken: Arc::default(), calls: Arc::default(), mood: Arc::new(Mutex::new(Mood::Well)), clock }
    }

    pub(super) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn take(&self, notice: &Delivery) -> Result<(), SendError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Dead => return Err("connection refused".into()),
            Mood::Refusing => return Err(SendError::Never("no such address".into())),
            Mood::Panicking => panic!("a bug in the sink"),
            Mood::Slow => self.clock.advance(Span::seconds(2)),
            Mood::Well => {}
        }
        self.taken.lock().unwrap().push(notice.clone());
        Ok(())
    }
}

/// A rollout of [`PLAN`], opened an hour before its announcement is due.
pub(super) struct Desk {
    pub(super) engine: Engine,
    pub(super) clock: ManualClock,
    pub(super) store: MemoryStore,
    pub(super) post: Post,
    plan: String,
    seen: usize,
}

/// Whether the rollout has sinks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sinks {
    None,
    One,
}

impl Desk {
    pub(super) fn open() -> Self {
        Self::of(PLAN, Sinks::One)
    }

    pub(super) fn of(plan: &str, sinks: Sinks) -> Self {
        // 48 h before the planned exposure, less an hour.
        let start = Timestamp::parse("2026-01-19T22:00:00Z").unwrap();
        Self::at(plan, sinks, start)
    }

    pub(super) fn at(plan: &str, sinks: Sinks, start: Timestamp) -> Self {
        let (clock, store) = (ManualClock::at(start), MemoryStore::new());
        let post = Post::new(clock.clone());
        let engine = build(plan, sinks, &clock, &store, &post);
        Self { engine, clock, store, post, plan: plan.to_owned(), seen: 0 }
    }

    /// The process ends without another word, and comes back.
    pub(super) fn reopen(&mut self, down: Span) {
        self.reopen_with(Sinks::One, down);
    }

    pub(super) fn reopen_with(&mut self, sinks: Sinks, down: Span) {
        self.clock.advance(down);
        self.engine = build(&self.plan, sinks, &self.clock, &self.store, &self.post);
    }

    pub(super) fn tick_after(&self, span: Span) {
        self.clock.advance(span);
        self.engine.tick();
    }

    /// Evaluations by the minute.
    pub(super) fn coast(&self, span: Span) {
        for _ in 0..span.0 / 60_000 {
            self.tick_after(Span::minutes(1));
        }
    }

    pub(super) fn go(&self) {
        let choice = Choice::Go { override_reason: Some("as the test wants it".into()) };
        let action = Action::Decide { choice, rationale: "all green".into() };
        self.engine.command(&Command { by: Key::new("lead"), role: None, action }).unwrap();
    }

    /// Started, and in the phase that exposes 10 %, with everything told.
    pub(super) fn exposed() -> Self {
        let mut desk = Self::open();
        desk.engine.start("lead").unwrap();
        desk.go();
        desk.engine.metric("heap").unwrap().record(100.0);
        desk.tick_after(Span::seconds(10));
        desk.fresh();
        desk
    }

    pub(super) fn heap(&self, megabytes: f64) {
        self.engine.metric("heap").unwrap().record(megabytes);
    }

    /// `channel: message` of what sinks have taken since the last look.
    pub(super) fn fresh(&mut self) -> Vec<String> {
        let taken = self.post.taken.lock().unwrap();
        let fresh = taken[self.seen..].iter().map(|notice| format!("{}: {}", notice.channel, notice.message));
        let fresh = fresh.collect();
        self.seen = taken.len();
        fresh
    }

    pub(super) fn records(&self, kind: &str) -> Vec<Record> {
        let lines = self.engine.journal_after(0);
        rollgate::journal::verify(lines.iter().map(String::as_str)).unwrap();
        lines.iter().map(|line| Record::of(line)).filter(|record| record.kind() == kind).collect()
    }

    /// Kind, time and shares of everything but notices, in its order.
    pub(super) fn decided(&self) -> Vec<String> {
        let lines = self.engine.journal_after(0);
        let records = lines.iter().map(|line| Record::of(line)).filter(|record| record.kind() != "notice");
        records.map(|record| format!("{} {} {}", record.text("at"), record.kind(), record.0["to"])).collect()
    }
}

fn build(plan: &str, sinks: Sinks, clock: &ManualClock, store: &MemoryStore, post: &Post) -> Engine {
    let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap();
    let builder = builder.clock(clock.clone()).store(store.clone());
    let post = post.clone();
    match sinks {
        Sinks::None => builder.build().unwrap(),
        Sinks::One => builder.on_notice(move |notice| post.take(notice)).build().unwrap(),
    }
}

/// Scenarios of the memory system have no sinks: their notices are written down at once.
#[test]
fn without_a_sink_a_notice_is_journalled_as_not_delivered_and_never_tried() {
    let mut s = Scenario::in_phase("ten_percent");
    s.record("heap_used", 1_001.0);
    let records = s.fresh_with_notices();
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["trigger_fired", "rolled_back", "shares_changed", "read_back", "notice"]);
    let notice = &records[4];
    assert_eq!(notice.texts("channels"), ["email", "slack", "status_page"]);
    assert_eq!((&notice.0["delivered"], &notice.0["attempts"]), (&false.into(), &0.into()));
    assert_eq!(notice.text("error"), "no sink for this channel");
    assert_eq!(
        notice.text("message"),
        "Phases 2-4 Memory System rolled back to zero. Service stable. Investigating root cause."
    );
}
