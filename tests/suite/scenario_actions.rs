//! Actions before a step: in order, each with its result, and nothing rises before all of them have succeeded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use proptest::prelude::*;
use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, ActionResult, Status};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::MemoryStore;
use rollgate::{Engine, EngineBuilder};
use rollgate_tests::{EM, PM, Record, Scenario};

/// The plan of the house, with a backup and a migration before its first exposure, and a check before its second step.
pub(crate) fn plan() -> String {
    let text = include_str!("../../examples/plans/memory-system.yaml");
    let first = "      - set: { USE_ENHANCED_INJECTION: 10%, USE_HIERARCHICAL_TIERS: 10%, USE_CROSS_AGENT_SHARING: 0% }\n";
    let last = "      - set: { USE_ENHANCED_INJECTION: 50%, USE_HIERARCHICAL_TIERS: 50%, USE_CROSS_AGENT_SHARING: 10% }\n";
    assert!(text.contains(first) && text.contains(last), "the plan has changed");
    let with = |step: &str, actions: &str| format!("{step}        actions: {{ {actions} }}\n");
    text.replace(
        first,
        &with(
            first,
            "backup: { title: Back the database up, run: ./backup.sh, expect: ok, owner: dba, timeout: 10m }, \
             migrate: { run: ./migrate.sh }",
        ),
    )
    .replace(last, &with(last, "verify: { run: ./verify.sh, expect: \"44/44\" }"))
}

/// At the door of phase 1: its first action is under way.
fn at_the_backup() -> Scenario {
    let mut s = Scenario::of_text(&plan());
    s.start();
    for by in [EM, PM] {
        let choice = rollgate::core::decide::Choice::Go { override_reason: Some("the test begins here".into()) };
        s.decide(by, choice, "as agreed").unwrap();
    }
    s
}

fn report(s: &mut Scenario, action: &str, result: Result<&str, &str>) -> Result<(), Error> {
    s.engine.report_action("devops", action, result)
}

#[track_caller]
fn refused(s: &mut Scenario, action: &str, why: &str) {
    let error = report(s, action, Ok("ok")).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    let records = s.expect(&["command_refused"]);
    assert_eq!((records[0].text("command"), records[0].text("by")), ("action", "devops"));
}

#[test]
fn r042_actions_run_in_order_and_the_step_follows_them() {
    let mut s = at_the_backup();
    let records = s.fresh();
    let last = records.last().unwrap();
    assert_eq!((last.kind(), last.text("action")), ("action_started", "backup"));
    assert_eq!((&last.0["step"], &last.0["run"]), (&1.into(), &1.into()));
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
    let due = s.engine.status().action.unwrap();
    assert_eq!((due.title.as_str(), due.run.as_deref()), ("Back the database up", Some("./backup.sh")));
    assert_eq!(due.owner.as_ref().map(Key::as_str), Some("dba"));

    // Nothing is applied while it runs, and a later action is not due yet.
    s.advance(Span::minutes(2));
    s.assert_nothing();
    refused(&mut s, "migrate", "`backup` is");
    report(&mut s, "backup", Ok("  ok\n")).unwrap();
    let records = s.expect(&["action_finished", "action_started"]);
    assert_eq!(records[0].0["took_ms"], 120_000);
    assert_eq!((records[0].text("output"), &records[0].0["ok"]), ("ok", &true.into()));
    assert_eq!((records[1].text("action"), &records[1].0["run"]), ("migrate", &2.into()));
    s.advance(Span::minutes(1));
    s.assert_nothing();
    s.assert_shares([0.0; 3]);

    report(&mut s, "migrate", Ok("12 tables")).unwrap();
    s.expect(&["action_finished"]);
    s.advance(Span::seconds(10));
    s.expect(&["step_applied", "shares_changed", "read_back"]);
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    assert_eq!(s.engine.status().action, None);
    refused(&mut s, "migrate", "no action is under way");
}

#[test]
fn r042_a_failure_stops_the_plan_and_a_resume_runs_it_again() {
    let mut s = at_the_backup();
    report(&mut s, "backup", Ok("ok")).unwrap();
    s.look_away();
    report(&mut s, "migrate", Err("table users is locked")).unwrap();
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!((&records[0].0["ok"], records[0].text("why")), (&false.into(), "table users is locked"));
    assert!(records[1].text("reason").contains("action `migrate` failed: table users is locked"));
    s.assert_stands(Status::Paused, "ten_percent", [0.0; 3]);
    s.coast(Span::days(2));
    s.assert_nothing();
    // The backup is still good: only what failed runs again.
    s.engine.resume("devops", "the lock is gone").unwrap();
    s.advance(Span::seconds(10));
    let records = s.expect(&["resumed", "action_started"]);
    assert_eq!((records[1].text("action"), &records[1].0["run"]), ("migrate", &3.into()));
    report(&mut s, "migrate", Ok("")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r042_another_output_than_expected_is_a_failure() {
    let mut s = at_the_backup();
    s.look_away();
    report(&mut s, "backup", Ok("error: disk full")).unwrap();
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!(records[0].text("why"), "it gave `error: disk full` where `ok` was expected");
    assert_eq!(s.status(), Status::Paused);
}

#[test]
fn r042_no_result_in_time_is_a_failure() {
    let mut s = at_the_backup();
    s.look_away();
    s.advance(Span::minutes(10));
    s.assert_nothing();
    s.advance(Span::seconds(10));
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!(records[0].text("why"), "no result within its 10m");
    // What comes now comes too late.
    refused(&mut s, "backup", "no action is under way");
    s.assert_stands(Status::Paused, "ten_percent", [0.0; 3]);
}

/// Phase 2 at 25 %, with the check before 50 % under way.
fn at_the_check() -> Scenario {
    let mut s = at_the_backup();
    for action in ["backup", "migrate"] {
        report(&mut s, action, Ok("ok")).unwrap();
    }
    s.advance(Span::seconds(10));
    for by in [EM, PM] {
        let choice = rollgate::core::decide::Choice::Go { override_reason: Some("the test goes on".into()) };
        s.decide(by, choice, "as agreed").unwrap();
    }
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    s.look_away();
    // The hold comes first.
    s.advance(Span::minutes(29));
    s.assert_nothing();
    s.advance(Span::minutes(1));
    let records = s.expect(&["action_started"]);
    assert_eq!((records[0].text("action"), &records[0].0["step"]), ("verify", &2.into()));
    s
}

#[test]
fn r042_a_failed_action_leaves_healthy_exposure_alone_and_triggers_live() {
    let mut s = at_the_check();
    report(&mut s, "verify", Ok("43/44")).unwrap();
    s.assert_stands(Status::Paused, "fifty_percent", [25.0, 25.0, 0.0]);
    s.coast(Span::hours(3));
    s.assert_stands(Status::Paused, "fifty_percent", [25.0, 25.0, 0.0]);
    s.record("heap_used", 1_500.0);
    s.assert_stands(Status::RolledBack, "fifty_percent", [0.0; 3]);
}

#[test]
fn a_rollback_forgets_results_and_a_late_one_is_refused() {
    let mut s = at_the_check();
    s.record("heap_used", 1_500.0);
    s.look_away();
    refused(&mut s, "verify", "no action is under way");
    s.assert_shares([0.0; 3]);
    for item in ["root_cause", "fix_validated", "postmortem"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7) + Span::minutes(1));
    s.engine.retry("on_call").unwrap();
    // From the first action on, although both had succeeded before.
    s.advance(Span::seconds(10));
    assert_eq!(s.engine.status().action.unwrap().action.as_str(), "backup");
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
}

#[test]
fn a_retry_at_a_step_runs_its_actions_again() {
    let mut s = at_the_check();
    report(&mut s, "verify", Ok("44/44")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_shares([50.0, 50.0, 10.0]);
    // A rollback that lowers one flag only; a retry goes on at the same step.
    for _ in 0..12 {
        s.count("sharing_errors", 20);
        s.advance(Span::seconds(10));
    }
    s.assert_stands(Status::RolledBack, "fifty_percent", [50.0, 50.0, 0.0]);
    for item in ["root_cause", "fix_validated"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7) + Span::minutes(1));
    s.look_away();
    s.engine.retry("on_call").unwrap();
    let records = s.fresh();
    assert_eq!(records.last().map(|record| record.text("action").to_owned()).as_deref(), Some("verify"));
    s.assert_shares([50.0, 50.0, 0.0]);
    report(&mut s, "verify", Ok("44/44")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_stands(Status::Running, "fifty_percent", [50.0, 50.0, 10.0]);
}

#[test]
fn a_restart_in_the_middle_of_an_action_runs_it_again() {
    let mut s = at_the_backup();
    s.look_away();
    s.reopen(Span::hours(2));
    let records = s.fresh();
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["restarted", "action_started"], "{records:#?}");
    assert_eq!(records[1].0["run"], 2);
    // The result of the run that ended with the process is stale.
    let stale = ActionResult { action: Key::new("backup"), run: Some(1), is_ok: true, output: "ok".into() };
    let error = s.say("host", Action::Report(stale)).unwrap_err().to_string();
    assert!(error.contains("run 1") && error.contains("run 2"), "{error}");
    s.advance(Span::minutes(9));
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
    report(&mut s, "backup", Ok("ok")).unwrap();
    assert_eq!(s.engine.status().action.unwrap().action.as_str(), "migrate");
}

#[test]
fn r042_a_step_waits_for_its_only_if_before_its_actions() {
    let text = plan().replace(
        "        only_if: { metric: sharing_errors, stat: per_minute, over: 30m, below: 3 }\n",
        "        only_if: { metric: sharing_errors, stat: per_minute, over: 30m, below: 3 }\n        actions: { look: { timeout: 2h } }\n",
    );
    let mut s = Scenario::of_text(&text);
    s.start();
    let go = || rollgate::core::decide::Choice::Go { override_reason: Some("the test begins here".into()) };
    while s.phase() != "hundred_percent" {
        for by in [EM, PM] {
            if s.phase() != "hundred_percent" {
                s.decide(by, go(), "as agreed").unwrap();
            }
        }
    }
    s.advance(Span::minutes(31));
    for _ in 0..180 {
        s.count("sharing_errors", 1);
        s.advance(Span::seconds(10));
    }
    s.look_away();
    // Six errors a minute: the condition does not hold, and the action is not asked for.
    s.count("sharing_errors", 20);
    s.advance(Span::minutes(10));
    s.assert_nothing();
    s.advance(Span::minutes(25));
    let records = s.expect(&["action_started"]);
    assert_eq!(records[0].text("action"), "look");
}

// ---- the host's callback

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
                Happens::Result(name, true, output) => engine.report_action("ci", name, Ok(output)),
                Happens::Result(name, false, output) => engine.report_action("ci", name, Err(output)),
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
        engine.report_action("ci", action, Ok(output)).unwrap();
        ticks(&engine, &clock, Span::minutes(2));
    }
    assert_eq!(assert_earned(&engine.journal_after(0)), 2);
}
