//! The host runs actions: from ticks, outside of the lock; and whatever results come, no step is applied too early.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;
use rollgate::clock::ManualClock;
use rollgate::core::decide::Status;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::MemoryStore;
use rollgate::{Engine, EngineBuilder};
use rollgate_tests::Record;

const SMALL: &str = "
version: 1
name: small
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 1h
    steps:
      - { set: { NEW: 10% }, hold: 1m, actions: { one: {}, two: { expect: fine, timeout: 5m } } }
      - { set: { NEW: 100% }, actions: { three: {} } }
    gates: { time: { phase_for: 1h } }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      full: { when: { metric: heap, stat: last, above: 900MB }, rollback: { set: { NEW: 5% } } }
";

fn builder(clock: &ManualClock, store: &MemoryStore) -> EngineBuilder {
    let builder = Engine::builder().plan_text(SMALL, Format::Yaml).unwrap();
    builder.clock(clock.clone()).store(store.clone())
}

fn share(engine: &Engine) -> u32 {
    engine.shares()[0].1.ppm()
}

fn ticks(engine: &Engine, clock: &ManualClock, span: Span) {
    for _ in 0..span.0 / 10_000 {
        clock.advance(Span::seconds(10));
        engine.tick();
    }
}

#[test]
fn r042_a_callback_runs_each_action_from_a_tick_and_never_under_the_lock() {
    let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
    let log = Arc::new(Mutex::new(Vec::new()));
    let engine: Arc<Mutex<Option<Engine>>> = Arc::default();
    let (seen, inside) = (log.clone(), engine.clone());
    let opened = builder(&clock, &store).on_action(move |action| {
        // Under the engine's lock this would never return.
        let engine = inside.lock().clone().unwrap();
        let status = engine.status();
        engine.tick();
        assert_eq!(status.action.as_ref(), Some(action));
        seen.lock().push(format!("{} {} at {}", action.step, action.action, share(&engine)));
        Ok(if action.action.as_str() == "two" { "fine\n".into() } else { String::new() })
    });
    let opened = opened.build().unwrap();
    *engine.lock() = Some(opened.clone());
    opened.start("on_call").unwrap();
    // Neither a command nor a recording call runs anything.
    opened.metric("heap").unwrap().record(10.0);
    assert!(log.lock().is_empty());
    opened.tick();
    assert_eq!(*log.lock(), ["1 one at 0", "1 two at 0"]);
    ticks(&opened, &clock, Span::seconds(10));
    assert_eq!(share(&opened), 100_000);
    ticks(&opened, &clock, Span::seconds(50));
    assert_eq!(log.lock().len(), 2);
    ticks(&opened, &clock, Span::seconds(20));
    assert_eq!(log.lock().last().map(String::as_str), Some("2 three at 100000"));
    assert_eq!(share(&opened), 1_000_000);
    *engine.lock() = None;
}

#[test]
fn r042_a_panic_in_a_callback_is_a_failure_and_the_engine_lives() {
    let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let engine = builder(&clock, &store).on_action(move |_| {
        assert!(counted.fetch_add(1, Ordering::Relaxed) > 0, "no such file");
        Ok("fine".into())
    });
    let engine = engine.build().unwrap();
    engine.start("on_call").unwrap();
    engine.tick();
    assert_eq!((engine.status().status, share(&engine)), (Status::Paused, 0));
    let last = engine.journal_after(0).pop().unwrap();
    assert!(last.contains("action `one` failed: it panicked: no such file"), "{last}");
    ticks(&engine, &clock, Span::minutes(1));
    assert_eq!(calls.load(Ordering::Relaxed), 1, "nobody has resumed it");
    engine.resume("on_call", "the file is there now").unwrap();
    ticks(&engine, &clock, Span::seconds(20));
    assert_eq!((engine.status().status, share(&engine)), (Status::Running, 100_000));
}

#[test]
fn a_callback_that_takes_too_long_has_failed_whatever_it_says() {
    let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
    let slow = clock.clone();
    let engine = builder(&clock, &store).on_action(move |_| {
        slow.advance(Span::minutes(11));
        Ok("fine".into())
    });
    let engine = engine.build().unwrap();
    engine.start("on_call").unwrap();
    engine.tick();
    assert_eq!((engine.status().status, share(&engine)), (Status::Paused, 0));
}

/// One action with a timeout that is shorter than the wait between two evaluations.
const HASTY: &str = "
version: 1
name: hasty
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 10% }, actions: { one: { timeout: 5s }, two: { timeout: 5s } } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

fn hasty(clock: &ManualClock) -> EngineBuilder {
    Engine::builder().plan_text(HASTY, Format::Yaml).unwrap().clock(clock.clone())
}

#[test]
fn r042_a_timeout_begins_when_the_host_is_asked_and_not_before() {
    // How long after the start the first tick comes: at once, between evaluations, at the next one, and much later.
    for wait in [0, 3, 10, 60, 3_600] {
        let clock = ManualClock::at(Timestamp(3_000));
        let engine = hasty(&clock).on_action(|_| Ok(String::new())).build().unwrap();
        engine.start("on_call").unwrap();
        for _ in 0..wait {
            clock.advance(Span::seconds(1));
            // Others may ask, and so evaluate: that asks no host.
            engine.status();
        }
        engine.tick();
        let late = engine.journal_after(0).into_iter().find(|line| line.contains("timeout"));
        assert_eq!(late, None, "after {wait} s");
        ticks(&engine, &clock, Span::seconds(20));
        assert_eq!((engine.status().status, share(&engine)), (Status::Running, 100_000), "after {wait} s");
    }
}

#[test]
fn r042_whoever_was_asked_and_says_nothing_has_failed() {
    let clock = ManualClock::at(Timestamp(3_000));
    let engine = hasty(&clock).build().unwrap();
    engine.start("on_call").unwrap();
    ticks(&engine, &clock, Span::seconds(10));
    assert_eq!(engine.status().status, Status::Running, "asked at 13 s, so its timeout counts from 20 s");
    ticks(&engine, &clock, Span::seconds(10));
    assert_eq!(engine.status().status, Status::Running, "at 23 s nothing was evaluated since 20 s");
    ticks(&engine, &clock, Span::seconds(10));
    assert_eq!(engine.status().status, Status::Paused);
    let failed = engine.journal_after(0).into_iter().find(|line| line.contains("action_finished")).unwrap();
    assert_eq!(Record::of(&failed).text("why"), "no result within its 5s");
}

#[test]
fn r042_a_replay_counts_timeouts_as_the_process_did_whenever_that_ticked() {
    let ruleset = rollgate::read::ruleset(HASTY, Format::Yaml).unwrap().ruleset;
    let ruleset = Arc::new(ruleset);
    let line =
        |at: i64, rest: &str| format!("{{\"at\":\"{}\",{rest},\"by\":\"ci\"}}\n", Timestamp(at * 1_000));
    let mut outcomes = std::collections::BTreeSet::new();
    // The process ticks every second, a replay at evaluations only; results come at all distances from both.
    for (start, first) in
        [(0, 1), (0, 9), (0, 10), (3, 8), (3, 12), (3, 15), (3, 16), (3, 21), (9, 11), (10, 26)]
    {
        for second in [first, first + 2, first + 9, first + 17] {
            let clock = ManualClock::at(Timestamp(0));
            let live = Engine::builder().ruleset(ruleset.clone()).clock(clock.clone()).build().unwrap();
            for at in 0..60 {
                clock.set(Timestamp(at * 1_000));
                live.tick();
                if at == start {
                    live.start("ci").unwrap();
                }
                for (when, action) in [(first, "one"), (second, "two")] {
                    if at == when {
                        let _ = live.report_action("ci", action, None, Ok(""));
                    }
                }
                live.tick();
            }
            let report = |action: &str| format!("\"command\":\"action\",\"action\":\"{action}\",\"ok\":true");
            let trace = [
                format!("{{\"at\":\"{}\",\"tick\":true}}\n", Timestamp(0)),
                line(start, "\"command\":\"start\""),
                line(first, &report("one")),
                line(second, &report("two")),
                format!("{{\"at\":\"{}\",\"tick\":true}}\n", Timestamp(59_000)),
            ];
            let replayed = rollgate::replay::journal_of(ruleset.clone(), &trace.concat()).unwrap();
            assert_eq!(live.journal_after(0), replayed, "start {start}, results {first} and {second}");
            outcomes.insert(live.status().status.name());
        }
    }
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), ["paused", "running"], "the rows reach both ends");
}

#[test]
fn a_process_that_comes_back_runs_the_action_again() {
    let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
    let engine = builder(&clock, &store).build().unwrap();
    engine.start("on_call").unwrap();
    drop(engine);
    let calls = Arc::new(AtomicU64::new(0));
    let counted = calls.clone();
    let engine = builder(&clock, &store).on_action(move |action| {
        counted.fetch_add(action.number, Ordering::Relaxed);
        Ok("fine".into())
    });
    let engine = engine.build().unwrap();
    engine.tick();
    // Run 2 of `one`, and then `two`.
    assert_eq!(calls.load(Ordering::Relaxed), 2 + 3);
}

// ---- whatever happens

/// One thing that may happen.
#[derive(Clone, Copy, Debug)]
enum Happens {
    Result(&'static str, bool, &'static str),
    Time(u64),
    Heap(f64),
    Pause,
    Resume,
    Stop,
    Retry,
    Restart,
}

fn anything() -> impl Strategy<Value = Happens> {
    let name = prop::sample::select(vec!["one", "two", "three"]);
    let output = prop::sample::select(vec!["fine", "fine\n", "", "bad"]);
    prop_oneof![
        8 => (name, any::<bool>(), output).prop_map(|(name, ok, output)| Happens::Result(name, ok, output)),
        6 => (1_u64..40).prop_map(Happens::Time),
        2 => prop::sample::select(vec![100.0, 950.0, 1_200.0]).prop_map(Happens::Heap),
        1 => Just(Happens::Pause),
        3 => Just(Happens::Resume),
        1 => Just(Happens::Stop),
        3 => Just(Happens::Retry),
        1 => Just(Happens::Restart),
    ]
}

/// Every applied step has had all its actions succeed, in order, since what ended the attempt before.
fn assert_earned(journal: &[String]) -> usize {
    let wanted: [&[&str]; 2] = [&["one", "two"], &["three"]];
    let (mut done, mut applied): (Vec<String>, usize) = (Vec::new(), 0);
    for record in journal.iter().map(|line| Record::of(line)) {
        match record.kind() {
            "rolled_back" | "stopped" | "retried" | "phase_started" => done.clear(),
            "action_finished" if record.0["ok"] == true => done.push(record.text("action").to_owned()),
            "step_applied" => {
                let step = record.0["step"].as_u64().unwrap() as usize;
                assert_eq!(done, wanted[step - 1], "step {step}: {journal:#?}");
                done.clear();
                applied += 1;
            }
            _ => {}
        }
    }
    applied
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn r042_no_step_is_applied_before_all_its_actions_have_succeeded(events in prop::collection::vec(anything(), 1..80)) {
        let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
        let mut engine = builder(&clock, &store).build().unwrap();
        engine.start("on_call").unwrap();
        for event in events {
            // Refusals are part of it.
            let _ = match event {
                Happens::Result(name, true, output) => engine.report_action("ci", name, run(&engine), Ok(output)),
                Happens::Result(name, false, output) => engine.report_action("ci", name, run(&engine), Err(output)),
                Happens::Time(tens) => {
                    ticks(&engine, &clock, Span::seconds(10 * tens));
                    Ok(())
                }
                Happens::Heap(mb) => {
                    engine.metric("heap").unwrap().record(mb);
                    Ok(())
                }
                Happens::Pause => engine.pause("ops", ""),
                Happens::Resume => engine.resume("ops", ""),
                Happens::Stop => engine.stop("ops", ""),
                Happens::Retry => engine.retry("ops"),
                Happens::Restart => {
                    clock.advance(Span::minutes(3));
                    engine = builder(&clock, &store).build().unwrap();
                    Ok(())
                }
            };
        }
        assert_earned(&engine.journal_after(0));
    }
}

#[test]
fn the_property_above_reaches_both_steps() {
    let (clock, store) = (ManualClock::at(Timestamp(0)), MemoryStore::new());
    let engine = builder(&clock, &store).build().unwrap();
    engine.start("on_call").unwrap();
    for (action, output) in [("one", ""), ("two", "fine"), ("three", "")] {
        engine.report_action("ci", action, run(&engine), Ok(output)).unwrap();
        ticks(&engine, &clock, Span::minutes(2));
    }
    assert_eq!(assert_earned(&engine.journal_after(0)), 2);
}

/// The run under way, as the host is told it.
fn run(engine: &Engine) -> Option<u64> {
    engine.status().action.map(|due| due.number)
}
