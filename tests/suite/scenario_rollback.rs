//! Rollbacks in every status, and what they leave behind: they lower, together, and never raise.

use std::sync::Barrier;

use rollgate::core::decide::{Action, Status};
use rollgate::core::evaluate::Context;
use rollgate::core::report::Form;
use rollgate::core::time::Span;
use rollgate_tests::{EM, PM, Scenario};

const FLAGS: [&str; 3] = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];

#[test]
fn r087_a_trigger_fires_while_a_decision_is_awaited_and_voids_its_votes() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(7));
    s.go(EM).unwrap();
    s.look_away();
    s.record("heap_used", 1_001.0);
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
    assert!(s.go(PM).is_err());
    s.expect(&["decision_refused"]);
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
}

#[test]
fn r087_a_sustained_trigger_counts_on_through_the_moment_that_a_decision_is_awaited() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(7) - Span::minutes(5));
    s.look_away();
    let from = s.elapsed();
    s.traffic.errors = 6_000;
    s.advance(Span::minutes(5));
    assert_eq!(s.status(), Status::AwaitingDecision);
    s.look_away();
    s.advance(Span::seconds(10));
    let records = s.fresh();
    let fired = records.iter().find(|record| record.kind() == "trigger_fired").unwrap();
    assert_eq!(fired.at(), from + Span::minutes(5) + Span::seconds(10));
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
}

#[test]
fn r155_gates_and_triggers_are_live_in_stabilisation_and_triggers_after_completion() {
    let mut s = Scenario::in_phase("stabilization");
    // Its gates are judged all the time.
    let status = |s: &Scenario, gate: &str| {
        let rows = s.engine.scorecard(Form::Phase).rows;
        rows.iter().find(|row| row.metric == gate).unwrap().status.name()
    };
    s.count("critical_incidents", 1);
    assert_eq!((status(&s, "no_incidents"), status(&s, "incidents_rate")), ("FAIL", "NOT YET"));
    s.count("critical_incidents", 1);
    assert_eq!(status(&s, "incidents_rate"), "FAIL");
    let choice = rollgate::core::decide::Choice::Go { override_reason: Some("the test ends here".into()) };
    s.decide(EM, choice, "done").unwrap();
    s.assert_stands(Status::Completed, "stabilization", [100.0; 3]);
    s.advance(Span::minutes(5));
    s.look_away();
    s.traffic.latency_ms = 900.0;
    s.advance(Span::minutes(5) + Span::seconds(10));
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "stabilization", [50.0, 50.0, 10.0]);
    s.record("heap_used", 1_001.0);
    s.assert_stands(Status::RolledBack, "stabilization", [0.0; 3]);
}

#[test]
fn r111_r021_a_rollback_takes_every_flag_to_the_target_phase_in_one_snapshot() {
    for (phase, to, shares) in [
        ("fifty_percent", "ten_percent", [10.0, 10.0, 0.0]),
        ("hundred_percent", "fifty_percent", [50.0, 50.0, 10.0]),
        ("hundred_percent", "ten_percent", [10.0, 10.0, 0.0]),
        ("hundred_percent", "zero", [0.0; 3]),
        ("stabilization", "fifty_percent", [50.0, 50.0, 10.0]),
    ] {
        let mut s = Scenario::in_phase(phase);
        let pinned = s.engine.snapshot();
        let before = s.shares();
        s.roll_back(EM, to).unwrap();
        // Who pinned a snapshot goes on reading it; who did not, reads the next one, and there is no third between.
        let after = s.engine.snapshot();
        assert_eq!(after.version(), pinned.version() + 1, "{phase} to {to}");
        let of = |view: &rollgate::flag::View| {
            FLAGS.map(|flag| f64::from(view.evaluate(flag, &Context::new("user-1")).share.ppm()) / 10_000.0)
        };
        assert_eq!((of(&pinned).to_vec(), of(&after)), (before, shares), "{phase} to {to}");
        s.assert_stands(Status::RolledBack, phase, shares);
    }
}

/// Who has each flag, of 400 users, by handles that a thread has had for long.
fn counts(flags: &[rollgate::flag::Flag; 3]) -> [usize; 3] {
    flags.each_ref().map(|flag| (0..400).filter(|user| flag.is_on(&format!("user-{user}"))).count())
}

/// One call lowers all flags, while three threads read; what they read before it, and at once after it.
fn lowered_in(s: &mut Scenario, lower: impl FnOnce(&mut Scenario)) -> ([usize; 3], [usize; 3]) {
    let (is_ready, is_done) = (Barrier::new(4), Barrier::new(4));
    let engine = s.engine.clone();
    let read = || {
        let flags = FLAGS.map(|flag| engine.flag(flag));
        let before = counts(&flags);
        is_ready.wait();
        is_done.wait();
        (before, counts(&flags))
    };
    let seen = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(read)).collect();
        is_ready.wait();
        lower(s);
        is_done.wait();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(seen.iter().all(|read| *read == seen[0]), "threads differ: {seen:?}");
    seen[0]
}

#[test]
fn r005_at_any_moment_one_call_lowers_every_flag_and_every_threads_next_evaluation_has_it() {
    type Moment = fn() -> Scenario;
    let moments: [(&str, Moment); 6] = [
        ("ten_percent", || Scenario::in_phase("ten_percent")),
        ("fifty_percent, in a hold", || Scenario::entering("fifty_percent")),
        ("hundred_percent", || Scenario::in_phase("hundred_percent")),
        ("stabilization", || Scenario::in_phase("stabilization")),
        ("paused", || {
            let mut s = Scenario::in_phase("hundred_percent");
            s.say("on_call", Action::Pause { reason: "lunch".into() }).unwrap();
            s
        }),
        ("rolled back", || {
            let mut s = Scenario::in_phase("hundred_percent");
            s.roll_back(EM, "fifty_percent").unwrap();
            s
        }),
    ];
    for (moment, at) in moments {
        let mut s = at();
        let shares = [5.0, 4.0, 0.0];
        let (before, after) = lowered_in(&mut s, |s| {
            s.set(&[(FLAGS[0], shares[0]), (FLAGS[1], shares[1]), (FLAGS[2], shares[2])], "").unwrap();
        });
        s.assert_shares(shares);
        assert_eq!(after, counts(&FLAGS.map(|flag| s.engine.flag(flag))), "{moment}");
        assert!(
            before[0] > after[0] && before[1] > after[1] && after[0] > 0,
            "{moment}: {before:?} {after:?}"
        );
        // And to nobody at all, the same way and by a stop.
        let mut s = at();
        let zero = [(FLAGS[0], 0.0), (FLAGS[1], 0.0), (FLAGS[2], 0.0)];
        assert_eq!(lowered_in(&mut s, |s| s.set(&zero, "").unwrap()).1, [0; 3], "{moment}");
        let mut s = at();
        let stop = |s: &mut Scenario| s.engine.stop("on_call", "fire").unwrap();
        assert_eq!(lowered_in(&mut s, stop).1, [0; 3], "{moment}");
    }
}

#[test]
fn r114_a_rollback_fails_the_gate_that_asks_for_none() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.advance(Span::minutes(1));
    s.roll_back(EM, "partial").unwrap();
    s.advance(Span::minutes(1));
    let card = s.engine.scorecard(Form::Phase);
    let row = card.rows.iter().find(|row| row.metric == "no_rollbacks").unwrap();
    assert_eq!(row.status.name(), "FAIL");
}

#[test]
fn a_rollback_while_rolled_back_goes_lower_and_never_higher() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.roll_back(EM, "ten_percent").unwrap();
    s.look_away();
    // The triggers of the phase whose shares apply are live: five alerts, not two, and to zero.
    for index in 0..4 {
        s.brief_alert(&format!("a{index}"));
    }
    s.assert_shares([10.0, 10.0, 0.0]);
    s.brief_alert("a4");
    s.assert_stands(Status::RolledBack, "hundred_percent", [0.0; 3]);
    let records = s.fresh();
    let back = records.iter().find(|record| record.kind() == "rolled_back").unwrap();
    assert_eq!((back.text("to"), back.text("phase")), ("zero", "hundred_percent"));
}

#[test]
fn a_rollback_takes_the_smaller_share_of_each_flag() {
    // An operator has put sharing below what the phase before had.
    let mut s = Scenario::in_phase("hundred_percent");
    s.set(&[("USE_CROSS_AGENT_SHARING", 3.0), ("USE_HIERARCHICAL_TIERS", 40.0)], "").unwrap();
    s.look_away();
    s.roll_back(PM, "fifty_percent").unwrap();
    let records = s.expect(&["decided", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(records[2].shares("to"), [("USE_ENHANCED_INJECTION", 50.0)]);
    s.assert_shares([50.0, 40.0, 3.0]);
}

#[test]
fn r026_r106_a_stop_is_everything_off_in_one_call_from_any_status() {
    for phase in ["ten_percent", "fifty_percent", "hundred_percent", "stabilization"] {
        let mut s = Scenario::in_phase(phase);
        s.engine.stop("on_call", "the building is on fire").unwrap();
        let records = s.expect(&["stopped", "shares_changed", "read_back"]);
        assert_eq!(records[0].text("reason"), "the building is on fire");
        assert_eq!(records[1].0["cause"], serde_json::json!({ "kind": "stop", "name": "on_call" }));
        s.assert_stands(Status::Stopped, phase, [0.0; 3]);
        assert!(s.engine.stop("on_call", "again").is_err());
        s.expect(&["command_refused"]);
        s.coast(Span::days(1));
        s.assert_nothing();
        s.assert_stands(Status::Stopped, phase, [0.0; 3]);
    }
}

#[test]
fn a_stop_without_a_failure_needs_nothing_but_a_retry() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.engine.stop("on_call", "a drill").unwrap();
    s.look_away();
    s.engine.retry("on_call").unwrap();
    let records = s.expect(&["retried", "phase_started", "step_applied", "shares_changed", "read_back"]);
    assert_eq!(records[0].text("from_phase"), "ten_percent");
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);

    let mut s = Scenario::open();
    s.start();
    s.engine.stop("on_call", "a drill").unwrap();
    s.engine.retry("on_call").unwrap();
    s.assert_stands(Status::Running, "pre_deployment", [0.0; 3]);
}

#[test]
fn a_stop_lifts_nothing_that_a_rollback_requires() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.roll_back(EM, "ten_percent").unwrap();
    s.attest(EM, "root_cause");
    s.engine.stop("on_call", "to be safe").unwrap();
    s.look_away();
    assert!(s.engine.retry("on_call").is_err());
    let records = s.expect(&["retry_refused"]);
    assert_eq!(records[0].texts("missing"), ["hold", "fix_validated", "postmortem"]);
    for item in ["fix_validated", "postmortem"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7));
    s.engine.retry("on_call").unwrap();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn a_stop_while_awaiting_or_paused_is_the_same_stop() {
    let mut s = Scenario::in_phase("ten_percent");
    s.say("on_call", Action::Pause { reason: "lunch".into() }).unwrap();
    s.engine.stop("on_call", "fire").unwrap();
    s.assert_stands(Status::Stopped, "ten_percent", [0.0; 3]);
    assert!(s.say("on_call", Action::Resume { reason: "back".into() }).is_err());
    s.assert_stands(Status::Stopped, "ten_percent", [0.0; 3]);
}

#[test]
fn r126_r163_the_journal_is_a_chain_and_names_a_cause_for_every_change() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.set(&[("USE_CROSS_AGENT_SHARING", 3.0)], "").unwrap();
    s.roll_back(PM, "fifty_percent").unwrap();
    s.record("heap_used", 1_001.0);
    let records = s.journal();
    let changes: Vec<_> = records.iter().filter(|record| record.kind() == "shares_changed").collect();
    assert!(changes.len() >= 8, "{changes:#?}");
    for change in changes {
        let cause = &change.0["cause"];
        assert!(cause["kind"].is_string() && cause["name"].is_string(), "{}", change.0);
        assert_eq!(change.shares("from").len(), change.shares("to").len());
        for ((flag, from), (same, to)) in change.shares("from").iter().zip(change.shares("to")) {
            assert_eq!(*flag, same);
            assert!((from - to).abs() > 0.0, "only flags that change are named: {}", change.0);
        }
    }
}
