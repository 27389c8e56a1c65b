//! The engine over its store: what is written when, what happens while the store is away, what a new process finds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

use std::sync::mpsc;
use std::time::Duration;

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Command};
use rollgate::core::error::ErrorKind;
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal;
use rollgate::read::Format;
use rollgate::store::{MemoryStore, Store};
use serde_json::Value;

const PLAN: &str = "
version: 1
name: stored
evaluate_every: 1s
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: some
    duration: 1h
    steps:
      - set: { NEW: 40% }
      - set: { NEW: 60% }
    gates: { time: { phase_for: 1m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    contingency: { to: zero, requires: [cause] }
";

const START: Timestamp = Timestamp(1_768_298_400_000);

struct House {
    engine: Engine,
    clock: ManualClock,
    store: MemoryStore,
}

fn open(store: &MemoryStore, clock: &ManualClock) -> Engine {
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
    builder.store(store.clone()).clock(clock.clone()).build().unwrap()
}

fn house() -> House {
    house_of(PLAN)
}

fn house_of(plan: &str) -> House {
    let (store, clock) = (MemoryStore::new(), ManualClock::at(START));
    let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap();
    let engine = builder.store(store.clone()).clock(clock.clone()).build().unwrap();
    House { engine, clock, store }
}

impl House {
    fn share(&self) -> u32 {
        self.engine.shares()[0].1.ppm() / 10_000
    }
    fn tick(&self) {
        self.clock.advance(Span::seconds(1));
        self.engine.tick();
    }
    fn kinds(&self) -> Vec<String> {
        kinds(&self.engine.journal_after(0))
    }
    fn stored(&self) -> Vec<String> {
        self.store.load(0).unwrap().map_or_else(Vec::new, |stored| stored.journal)
    }
}

fn kinds(lines: &[String]) -> Vec<String> {
    let kind = |line: &String| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["kind"].as_str().unwrap().to_owned()
    };
    lines.iter().map(kind).collect()
}

#[test]
fn what_cannot_be_written_down_is_not_raised() {
    let house = house();
    house.store.go_away();
    let error = house.engine.start("ann").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreAway);
    assert_eq!((house.share(), house.engine.status().status.name()), (0, "pending"));
    assert!(!house.engine.is_on("NEW", "anybody") && house.kinds().is_empty());
    house.store.come_back();
    house.engine.start("ann").unwrap();
    assert_eq!(house.share(), 40);
    assert_eq!(house.stored(), house.engine.journal_after(0));
}

#[test]
fn a_step_waits_for_a_store_that_is_away_and_is_not_lost() {
    let house = house();
    house.engine.start("ann").unwrap();
    house.store.go_away();
    house.tick();
    assert_eq!(house.share(), 40);
    house.store.come_back();
    house.tick();
    assert_eq!(house.share(), 60);
    assert_eq!(house.kinds().iter().filter(|kind| *kind == "step_applied").count(), 2);
    journal::verify(house.stored().iter().map(String::as_str)).unwrap();
}

#[test]
fn a_retry_that_cannot_be_written_ends_no_streak() {
    let plan = "version: 1\nname: streak\nflags: { A: {}, B: {} }\nmetrics: { err: { kind: ratio, good: down }, crash: { kind: event, good: down } }\nphases:\n  - id: all\n    duration: 1h\n    steps: [ { set: { A: 50%, B: 50% } } ]\n    gates: { time: { phase_for: 1h } }\n    triggers:\n      crash: { when: { metric: crash, stat: count, over: 1m, at_least: 1 }, rollback: { set: { A: 0% } } }\n      err: { when: { metric: err, over: 1m, above: 10%, for: 3m }, rollback: { to: zero } }\n";
    let (clock, store) = (ManualClock::at(Timestamp(1_768_816_800_000)), MemoryStore::new());
    let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap().clock(clock.clone());
    let engine = builder.store(store.clone()).build().unwrap();
    engine.start("ann").unwrap();
    engine.metric("crash").unwrap().count(1);
    store.go_away();
    for evaluation in 1..=19 {
        engine.metric("err").unwrap().record_outcomes(50, 100);
        clock.advance(Span::seconds(10));
        engine.tick();
        if evaluation == 10 {
            assert_eq!(engine.retry("ann").unwrap_err().kind(), ErrorKind::StoreAway);
        }
    }
    assert!(
        engine.shares().iter().all(|(_, share)| share.ppm() == 0),
        "it lasted three minutes, store or not"
    );
}

#[test]
fn a_rollback_happens_at_once_and_is_written_when_the_store_is_back() {
    let house = house();
    house.engine.start("ann").unwrap();
    let written = house.stored().len();
    let heap = house.engine.metric("heap").unwrap();
    house.store.go_away();
    heap.record(1_001.0);
    // Inside the recording call: no tick has come between.
    assert_eq!((house.share(), house.engine.status().status.name()), (0, "rolled_back"));
    assert!((0..100).all(|user| !house.engine.is_on("NEW", &format!("user-{user}"))));
    house.store.come_back();
    assert_eq!(house.stored().len(), written);
    house.tick();
    assert_eq!(house.stored(), house.engine.journal_after(0));
    let kinds = house.kinds();
    let after = &kinds[written..];
    assert_eq!(after, ["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
}

#[test]
fn a_new_process_goes_on_where_the_old_one_was() {
    let house = house();
    house.engine.start("ann").unwrap();
    house.tick();
    let heap = house.engine.metric("heap").unwrap();
    heap.record(1_001.0);
    let before = house.engine.status();
    house.clock.advance(Span::hours(3));
    let reopened = open(&house.store, &house.clock);
    let after = reopened.status();
    assert_eq!((after.status, &after.phase, &after.shares), (before.status, &before.phase, &before.shares));
    assert!(!reopened.is_on("NEW", "anybody"), "what was killed stays killed");
    let lines = reopened.journal_after(0);
    journal::verify(lines.iter().map(String::as_str)).unwrap();
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!((last["kind"].as_str(), last["down_ms"].as_u64()), (Some("restarted"), Some(3 * 3_600_000)));
}

#[test]
fn a_store_of_another_plan_is_refused_with_its_name() {
    let house = house();
    house.engine.start("ann").unwrap();
    let other = PLAN.replace("name: stored", "name: other");
    let builder = Engine::builder().plan_text(&other, Format::Yaml).unwrap();
    let error = builder.store(house.store.clone()).clock(house.clock.clone()).build().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(error.to_string().contains("`stored`"), "{error}");
}

#[test]
fn r161_a_plan_that_was_edited_goes_on_only_where_its_shares_mean_the_same() {
    let reopen = |house: &House, plan: &str| {
        let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap();
        builder.store(house.store.clone()).clock(house.clock.clone()).build()
    };
    let two = PLAN
        .replace("{ NEW: {} }", "{ NEW: {}, OLD: {} }")
        .replace("triggers: {", "triggers: { hot: { mode: manual, when: { metric: heap, stat: last, above: 500MB }, rollback: { to: zero } },");
    let house = house_of(&two);
    house.engine.start("ann").unwrap();
    house.engine.metric("heap").unwrap().record(600.0);
    assert_eq!(house.kinds().last().unwrap(), "proposal");
    // The shares of one flag must not become those of another.
    let swapped = two.replace("NEW: {}, OLD: {}", "OLD: {}, NEW: {}");
    assert_eq!(reopen(&house, &swapped).err().unwrap().kind(), ErrorKind::InvalidConfig);
    let shorter = two.replace("      - set: { NEW: 60% }\n", "");
    assert_eq!(reopen(&house, &shorter).err().unwrap().kind(), ErrorKind::InvalidConfig);
    // What is known of a trigger follows its name.
    let more = two.replace(
        "triggers: {",
        "triggers: { early: { when: { metric: heap, stat: last, above: 2GB }, rollback: { to: zero } },",
    );
    let engine = reopen(&house, &more).unwrap();
    let action = Action::Approve { proposal: "hot".into(), rationale: "it is hot".into() };
    engine.command(&Command { by: "ann".into(), role: None, action }).unwrap();
    let kinds = kinds(&engine.journal_after(0));
    assert!(kinds.ends_with(&["approved", "rolled_back", "shares_changed", "read_back"].map(str::to_owned)));
}

#[test]
fn listeners_hear_every_record_in_order_and_never_inside_a_recording_call() {
    let (send, heard) = mpsc::channel();
    let clock = ManualClock::at(START);
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().clock(clock.clone());
    let engine = builder.on_record(move |line| send.send(line.to_owned()).unwrap()).build().unwrap();
    engine.start("ann").unwrap();
    let lines: Vec<String> = heard.try_iter().collect();
    assert_eq!(lines, engine.journal_after(0));
    engine.metric("heap").unwrap().record(1_001.0);
    assert!(heard.try_recv().is_err(), "a recording call runs nobody's code");
    clock.advance(Span::seconds(1));
    engine.tick();
    let more: Vec<String> = heard.try_iter().collect();
    assert_eq!(kinds(&more)[..2], ["trigger_fired", "rolled_back"]);
    assert_eq!([lines, more].concat(), engine.journal_after(0));
}

#[test]
fn the_ticker_ticks_until_it_is_dropped() {
    let (send, heard) = mpsc::channel();
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
    let engine = builder.on_record(move |line| send.send(line.to_owned()).unwrap()).build().unwrap();
    engine.start("ann").unwrap();
    let ticker = engine.spawn_ticker().unwrap();
    // Nobody ticks but the thread; the second step comes with the next evaluation.
    let is_second = |line: &String| line.contains("\"kind\":\"step_applied\"") && line.contains("\"step\":2");
    let limit = Duration::from_secs(60);
    let mut lines = std::iter::from_fn(|| heard.recv_timeout(limit).ok());
    assert!(lines.any(|line| is_second(&line)));
    drop(ticker);
}

#[test]
fn an_engine_is_shared_between_threads() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<Engine>();
    is_shared::<rollgate::Metric>();
    is_shared::<rollgate::Alerts>();
    is_shared::<rollgate::flag::Flag>();
}

const ASKED: &str = "
version: 1
name: asked
flags: { NEW: {} }
metrics: { crashes: { kind: event, good: down } }
roles: { lead: {} }
phases:
  - id: some
    duration: 1h
    checklist: { ready: { title: Ready } }
    steps: [ { set: { NEW: 40% } } ]
    gates: { time: { phase_for: 1m } }
    triggers:
      burning: { when: { metric: crashes, stat: count, over: 1m, at_least: 9 }, rollback: { to: zero } }
      smoke: { mode: manual, when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: zero } }
    decision: { roles: [lead] }
";

#[test]
fn what_people_ask_is_in_the_journal_with_who_asked() {
    let opened = || {
        let builder = Engine::builder().plan_text(ASKED, Format::Yaml).unwrap();
        let engine = builder.clock(ManualClock::at(START)).build().unwrap();
        engine.start("ann").unwrap();
        engine.metric("crashes").unwrap().count(1);
        engine
    };
    let asked = |engine: &Engine| -> Vec<String> {
        let records =
            engine.journal_after(0).into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let by = records.filter(|record| record["by"].is_string());
        by.map(|record| format!("{} {}", record["kind"].as_str().unwrap(), record["by"].as_str().unwrap()))
            .collect()
    };
    let engine = opened();
    engine.check("bob", "ready").unwrap();
    engine.pause("eve", "lunch").unwrap();
    engine.resume("eve", "back").unwrap();
    engine.dismiss("lead", "smoke", "a false alarm").unwrap();
    assert!(engine.approve("lead", "smoke", "too late").is_err(), "it is not pending any more");
    let share = |percent: &str| rollgate::core::units::Share::parse(percent).unwrap();
    engine.set_shares("bob", &[("NEW", share("10%"))], "careful").unwrap();
    engine.release("bob", &[]).unwrap();
    let expected = [
        "started ann",
        "checked bob",
        "paused eve",
        "resumed eve",
        "proposal_dismissed lead",
        "command_refused lead",
        "override bob",
        "released bob",
    ];
    assert_eq!(asked(&engine), expected);
    let engine = opened();
    engine.approve("lead", "smoke", "it is real").unwrap();
    assert_eq!(asked(&engine), ["started ann", "approved lead"]);
    assert_eq!(engine.shares()[0].1, share("0%"));
}

const COMPARED: &str = "
version: 1
name: compared
evaluate_every: 1s
flags: { NEW: {} }
metrics: { lat: { kind: distribution, unit: ms, good: down, arms: [NEW] } }
phases:
  - id: some
    duration: 10s
    steps: [{ set: { NEW: 50% } }]
    gates: { same: { compare: lat, stat: p95, flag: NEW, not_worse_by: 6% } }
    triggers: { slow: { when: { metric: lat, stat: p95, over: 10s, above: 10s }, rollback: { to: zero } } }
";

#[test]
fn gates_that_fall_due_compare_the_same_samples_whether_or_not_somebody_looked() {
    let gates = |looks: &[Span]| {
        let house = house_of(COMPARED);
        let latency = house.engine.metric("lat").unwrap();
        house.engine.command(&Command { by: "ops".into(), role: None, action: Action::Start }).unwrap();
        for second in 1..=12 {
            (0..10).for_each(|user| latency.record_for(&format!("user-{user}"), 100.0));
            if looks.contains(&Span::seconds(second)) {
                house.engine.status();
            }
            house.tick();
        }
        let lines = house.engine.journal_after(0);
        let gates = lines.iter().find(|line| line.contains("\"gates_inconclusive\""));
        serde_json::from_str::<Value>(gates.expect("a few subjects decide nothing")).unwrap()
    };
    let unseen = gates(&[]);
    let every: Vec<Span> = (1..=12).map(Span::seconds).collect();
    assert_eq!(unseen["findings"], gates(&every)["findings"]);
    // Ten seconds of ten samples each.
    let n = unseen["findings"][0]["evidence"][0]["n"].as_u64().unwrap();
    assert_eq!(n, 100);
}

/// A plan with one phase of two steps, evaluated once a minute.
fn minutes(triggers: &str) -> (ManualClock, MemoryStore, String) {
    let plan = format!(
        "version: 1\nname: minutes\nevaluate_every: 60s\nflags: {{ A: {{}} }}\nmetrics: {{ heap: {{ kind: gauge, unit: MB, good: down }} }}\nphases:\n  - id: all\n    duration: 1h\n    steps: [ {{ set: {{ A: 10% }}, hold: 1m }}, {{ set: {{ A: 20% }} }} ]\n    gates: {{ time: {{ phase_for: 1h }} }}\n    triggers:\n{triggers}"
    );
    (ManualClock::at(Timestamp(1_768_816_800_000)), MemoryStore::new(), plan)
}

fn engine_of(plan: &str, clock: &ManualClock, store: &MemoryStore) -> Engine {
    let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap().clock(clock.clone());
    builder.store(store.clone()).build().unwrap()
}

#[test]
fn what_an_evaluation_decides_beside_a_raise_is_not_lost_with_it() {
    let (clock, store, plan) = minutes(
        "      dry: { dry_run: true, when: { metric: heap, stat: max, over: 2m, above: 1000MB }, rollback: { to: zero } }\n      leak: { when: { metric: heap, stat: max, over: 3m, above: 9GB }, rollback: { to: zero } }\n",
    );
    let engine = engine_of(&plan, &clock, &store);
    let heap = engine.metric("heap").unwrap();
    let fired = || kinds(&engine.journal_after(0)).iter().filter(|kind| *kind == "trigger_fired").count();
    engine.start("ann").unwrap();
    heap.record(1_500.0);
    assert_eq!(fired(), 1);
    store.go_away();
    // The step is due at each of them, and cannot be written; within them the window gets clear again.
    for minute in 0..4 {
        clock.advance(Span::minutes(1));
        engine.tick();
        if minute == 0 {
            heap.record(300.0);
        }
    }
    assert_eq!(engine.shares()[0].1.ppm(), 100_000, "what cannot be written is not raised");
    store.come_back();
    heap.record(1_500.0);
    assert_eq!(fired(), 2, "its condition had been false");
}

#[test]
fn a_new_process_does_not_live_again_through_what_the_old_one_had_seen() {
    let (clock, store, plan) = minutes("      late: { when: { phase_for: 150s }, rollback: { to: zero } }\n");
    let engine = engine_of(&plan, &clock, &store);
    engine.start("ann").unwrap();
    clock.advance(Span::minutes(1));
    engine.tick();
    clock.advance(Span::seconds(50));
    engine.retry("ann").unwrap_err();
    let seen = engine.next_wakeup() - engine.until_wakeup();
    clock.jump_wall(-40_000);
    let reopened = engine_of(&plan, &clock, &store);
    assert!(reopened.next_wakeup() - reopened.until_wakeup() >= seen, "observed time runs on");
    clock.advance(Span::seconds(30));
    reopened.tick();
    assert_eq!(reopened.status().status.name(), "running", "140 seconds have been watched");
}
