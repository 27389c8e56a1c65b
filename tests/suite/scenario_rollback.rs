//! Rollbacks in every status, and what they leave behind: they lower, together, and never raise.

use rollgate::core::decide::{Action, Status};
use rollgate::core::report::Form;
use rollgate::core::time::Span;
use rollgate_tests::{EM, PM, Scenario};

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
fn r155_triggers_are_live_in_stabilisation_and_after_completion() {
    let mut s = Scenario::in_phase("stabilization");
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
fn r111_r021_a_rollback_lowers_all_flags_in_one_snapshot() {
    let s = Scenario::in_phase("hundred_percent");
    let pinned = s.engine.snapshot();
    let before = pinned.version();
    s.record("heap_used", 1_001.0);
    // Who pinned a snapshot goes on reading it; who did not, reads the next one, and there is no third.
    assert!(pinned.is_on("USE_CROSS_AGENT_SHARING", "user-1"));
    let after = s.engine.snapshot();
    assert_eq!(after.version(), before + 1);
    s.assert_shares([0.0; 3]);
}

#[test]
fn r005_after_a_rollback_every_thread_reads_the_new_shares() {
    let s = Scenario::in_phase("hundred_percent");
    let engine = s.engine.clone();
    s.record("heap_used", 1_001.0);
    let reader = std::thread::spawn(move || {
        let flags = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];
        (0..200).any(|user| flags.iter().any(|flag| engine.is_on(flag, &format!("user-{user}"))))
    });
    assert!(!reader.join().unwrap());
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
