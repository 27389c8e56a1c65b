//! Triggers on levels and events: they fire inside the recording call, at their limit and not before it.

use rollgate::core::decide::Status;
use rollgate::core::time::{Span, Timestamp};
use rollgate_tests::{Record, Scenario};

const PHASES: [&str; 4] = ["ten_percent", "fifty_percent", "hundred_percent", "stabilization"];

/// The records of one automatic rollback, and nothing beside them.
#[track_caller]
fn fell(s: &mut Scenario, trigger: &str, to: &str, shares: [f64; 3]) -> Vec<Record> {
    let at = s.elapsed();
    let before = s.engine.status();
    let records = s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!((records[0].text("trigger"), records[0].text("mode")), (trigger, "automatic"));
    assert_eq!(records[1].text("to"), to);
    assert_eq!(records[1].texts("triggers"), [trigger]);
    assert_eq!(records[1].all_shares("shares"), shares);
    let cause = serde_json::json!({ "kind": "trigger", "name": trigger });
    assert_eq!((&records[1].0["cause"], &records[2].0["cause"]), (&cause, &cause));
    assert_eq!(records[3].0["ok"], true);
    assert!(records.iter().all(|record| record.at() == at), "{records:#?}");
    assert_eq!(before.status, Status::RolledBack);
    s.assert_shares(shares);
    records
}

#[test]
fn r090_a_heap_above_a_gigabyte_rolls_everything_back_at_once() {
    for phase in PHASES {
        let mut s = Scenario::in_phase(phase);
        let before = s.shares();
        s.pass(Span(3_001));
        s.record("heap_used", 999.0);
        s.record("heap_used", 1_000.0);
        s.assert_nothing();
        s.traffic.heap_mb = 1_000.0;
        s.advance(Span::minutes(5));
        s.assert_nothing();
        assert_eq!(s.shares(), before, "{phase}");
        s.pass(Span(2_003));
        s.record("heap_used", 1_000.5);
        let records = fell(&mut s, "heap_exhausted", "zero", [0.0; 3]);
        assert_eq!(records[0].text("phase"), phase);
        let finding = &records[0].0["finding"];
        assert_eq!(finding["evidence"][0]["value"], 1_000.5);
        assert!(finding["sentence"].as_str().unwrap().starts_with("last(heap_used) is "), "{finding}");
    }
}

#[test]
fn a_heap_that_goes_on_growing_fires_once() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.traffic.heap_mb = 1_200.0;
    s.advance(Span::minutes(4));
    let records = s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(records[0].at(), Span::minutes(65) + Span::seconds(5));
    // Nothing is exposed any more, and still somebody looks whether it helped: it did not.
    s.advance(Span::minutes(2));
    let records = s.expect(&["rollback_ineffective"]);
    assert_eq!(records[0].text("trigger"), "heap_exhausted");
    assert_eq!(records[0].at(), Span::minutes(70) + Span::seconds(10));
    s.advance(Span::hours(2));
    s.assert_nothing();
    s.assert_stands(Status::RolledBack, "hundred_percent", [0.0; 3]);
}

#[test]
fn a_level_that_was_cured_is_not_called_ineffective() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.pass(Span::seconds(2));
    s.record("heap_used", 1_200.0);
    fell(&mut s, "heap_exhausted", "zero", [0.0; 3]);
    s.advance(Span::minutes(20));
    s.assert_nothing();
}

#[test]
fn the_sample_that_rolled_back_is_no_evidence_that_it_did_not_help() {
    // It was measured before the rollback. The service says nothing more: nothing can be said of it.
    let mut s = Scenario::in_phase("hundred_percent");
    s.pass(Span::seconds(2));
    s.record("heap_used", 1_200.0);
    fell(&mut s, "heap_exhausted", "zero", [0.0; 3]);
    s.traffic.is_silent = true;
    s.advance(Span::minutes(30));
    s.assert_nothing();
    // At the first evaluation with data it is judged.
    s.record("heap_used", 1_300.0);
    s.advance(Span::seconds(10));
    s.expect(&["rollback_ineffective"]);
}

#[test]
fn r091_one_lost_database_connection_rolls_phase_one_back() {
    let mut s = Scenario::in_phase("ten_percent");
    s.pass(Span(7_777));
    s.count("db_connection_failures", 0);
    s.assert_nothing();
    s.count("db_connection_failures", 1);
    fell(&mut s, "db_connections", "zero", [0.0; 3]);
    // Later phases do not have the trigger.
    let mut s = Scenario::in_phase("fifty_percent");
    s.count("db_connection_failures", 100);
    s.advance(Span::minutes(2));
    s.assert_nothing();
}

#[test]
fn r092_the_eleventh_sharing_error_in_a_minute_switches_sharing_off_alone() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.pass(Span(4_321));
    s.count("sharing_errors", 10);
    s.assert_nothing();
    s.count("sharing_errors", 1);
    let records = fell(&mut s, "sharing_errors", "set", [50.0, 50.0, 0.0]);
    assert_eq!(records[2].shares("from"), [("USE_CROSS_AGENT_SHARING", 10.0)]);
    assert_eq!(records[2].shares("to"), [("USE_CROSS_AGENT_SHARING", 0.0)]);
    s.assert_stands(Status::RolledBack, "fifty_percent", [50.0, 50.0, 0.0]);
    // A switch to nobody is no kill: the others go on as they were.
    s.advance(Span::hours(8));
    s.assert_nothing();
}

#[test]
fn r092_sharing_errors_of_a_minute_ago_count_and_a_millisecond_older_do_not() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.count("sharing_errors", 10);
    s.advance(Span::minutes(1));
    s.assert_nothing();
    s.count("sharing_errors", 1);
    s.assert_shares([50.0, 50.0, 0.0]);

    let mut s = Scenario::in_phase("fifty_percent");
    s.count("sharing_errors", 10);
    s.advance(Span::minutes(1));
    s.pass(Span(1));
    s.count("sharing_errors", 1);
    s.assert_nothing();
    s.count("sharing_errors", 9);
    s.assert_nothing();
    s.count("sharing_errors", 1);
    s.assert_shares([50.0, 50.0, 0.0]);
}

#[test]
fn a_trigger_that_can_lower_no_flag_waits_until_it_can() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(30) - Span::seconds(20));
    // Sharing is still at 0 %.
    s.count("sharing_errors", 30);
    s.advance(Span::seconds(10));
    s.assert_nothing();
    // The step raises it, and the next evaluation sees the minute before: a raise does not clip a trigger's window.
    s.advance(Span::seconds(10));
    s.expect(&["step_applied", "shares_changed", "read_back"]);
    s.traffic.is_silent = true;
    s.advance(Span::seconds(10));
    fell(&mut s, "sharing_errors", "set", [50.0, 50.0, 0.0]);
}

#[test]
fn r093_s10_a_database_that_flags_cannot_shrink_rolls_back_once_and_says_so_once() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.traffic.database_mb = 500.0;
    s.advance(Span::minutes(10));
    s.assert_nothing();
    s.pass(Span(1_234));
    s.record("database_size", 500.1);
    let at = s.elapsed();
    fell(&mut s, "database_size", "fifty_percent", [50.0, 50.0, 10.0]);
    s.traffic.database_mb = 510.0;
    s.advance(Span::minutes(5));
    s.assert_nothing();
    s.advance(Span::seconds(9));
    let records = s.expect(&["rollback_ineffective"]);
    assert_eq!(records[0].text("trigger"), "database_size");
    assert_eq!(records[0].at(), at + Span::minutes(5) + Span(8_766));
    assert!(records[0].0["finding"]["sentence"].as_str().unwrap().contains("510 MB"));
    s.coast(Span::minutes(1));
    s.coast(Span::days(2));
    s.assert_nothing();
    s.assert_stands(Status::RolledBack, "hundred_percent", [50.0, 50.0, 10.0]);
}

#[test]
fn r095_two_triggers_at_one_instant_are_both_journalled_and_the_lowest_wins() {
    let mut s = Scenario::in_phase("hundred_percent");
    // Latency takes five minutes, errors three: both are due at one evaluation.
    let from = s.elapsed();
    s.traffic.latency_ms = 600.0;
    s.advance(Span::minutes(2));
    s.traffic.errors = 5_000;
    s.advance(Span::minutes(3));
    s.assert_nothing();
    s.advance(Span::seconds(10));
    let records = s.expect(&["trigger_fired", "trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!((records[0].text("trigger"), records[1].text("trigger")), ("latency", "errors"));
    // Each says when its own breach began: latency with its first bad batch, errors two minutes later.
    let since = |record: &Record| {
        let since = record.0["finding"]["evidence"][0]["since"].as_str().unwrap();
        Timestamp::parse(since).unwrap().since(Scenario::START)
    };
    let first = from + Span::seconds(10);
    assert_eq!((since(&records[0]), since(&records[1])), (first, first + Span::minutes(2)));
    assert_eq!(records[2].text("to"), "ten_percent");
    assert_eq!(records[2].texts("triggers"), ["latency", "errors"]);
    s.assert_stands(Status::RolledBack, "hundred_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r094_phase_zero_has_no_triggers_because_nobody_is_exposed() {
    let mut s = Scenario::open();
    s.start();
    s.look_away();
    s.traffic.heap_mb = 2_000.0;
    s.traffic.latency_ms = 2_000.0;
    s.count("db_connection_failures", 5);
    s.advance(Span::minutes(20));
    s.assert_nothing();
}
