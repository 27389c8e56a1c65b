//! After a rollback: what a retry needs, when, and where it goes on.

use rollgate::core::decide::{Action, Status};
use rollgate::core::id::Key;
use rollgate::core::time::Span;
use rollgate_tests::{EM, PM, Record, Scenario};

const WEEK: Span = Span::days(7);

/// The heap is exhausted.
fn heap(s: &mut Scenario) {
    s.record("heap_used", 1_500.0);
    s.look_away();
}

/// The first batch after the rollback: the heap is free again.
fn recover(s: &mut Scenario) {
    s.advance(Span::seconds(10));
    s.assert_nothing();
}

/// The latency trigger of phases 2 and 3 has fired.
fn slow(s: &mut Scenario) {
    s.traffic.latency_ms = 900.0;
    s.advance(Span::minutes(5) + Span::seconds(10));
    s.traffic.latency_ms = 120.0;
    assert_eq!(s.status(), Status::RolledBack);
    // Healthy again before the triggers of the phase below see five minutes of it, and cured.
    s.advance(Span::minutes(10));
    s.look_away();
}

#[track_caller]
fn refused(s: &mut Scenario, missing: &[&str]) {
    assert!(s.engine.retry("on_call").is_err());
    let records = s.expect(&["retry_refused"]);
    assert_eq!(records[0].texts("missing"), missing);
    assert_eq!(records[0].text("by"), "on_call");
}

/// The retry goes on in this phase, with its first step.
#[track_caller]
fn retried(s: &mut Scenario, phase: &str, shares: [f64; 3]) -> Vec<Record> {
    s.engine.retry("on_call").unwrap();
    let records = s.expect(&["retried", "phase_started", "step_applied", "shares_changed", "read_back"]);
    assert_eq!((records[0].text("from_phase"), records[0].text("by")), (phase, "on_call"));
    assert_eq!(records[2].all_shares("shares"), shares);
    assert_eq!(records[3].0["cause"], serde_json::json!({ "kind": "retry", "name": "on_call" }));
    s.assert_stands(Status::Running, phase, shares);
    records
}

/// Phase 1 after a retry: a whole week, and then its gates pass.
#[track_caller]
fn passes_in_full(s: &mut Scenario) {
    s.attest(EM, "team_confident");
    s.look_away();
    let records = s.wait_exactly(WEEK);
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
}

#[test]
fn r110_from_phase_one_a_retry_needs_the_cause_and_the_fix() {
    let mut s = Scenario::in_phase("ten_percent");
    heap(&mut s);
    recover(&mut s);
    refused(&mut s, &["root_cause", "fix_validated"]);
    s.attest(EM, "root_cause");
    s.expect(&["attested"]);
    refused(&mut s, &["fix_validated"]);
    s.attest(EM, "fix_validated");
    s.expect(&["attested"]);
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
    // With a full duration.
    passes_in_full(&mut s);
}

#[test]
fn r116_from_zero_a_later_phase_also_needs_a_postmortem() {
    let mut s = Scenario::in_phase("fifty_percent");
    heap(&mut s);
    refused(&mut s, &["hold", "root_cause", "fix_validated", "postmortem"]);
    for item in ["root_cause", "fix_validated", "postmortem"] {
        s.attest(PM, item);
    }
    s.look_away();
    refused(&mut s, &["hold"]);
    s.coast(WEEK);
    s.look_away();
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r109_the_hold_is_a_week_to_the_millisecond() {
    let mut s = Scenario::in_phase("fifty_percent");
    // Between two evaluations: the wait begins at the rollback, not at the evaluation before.
    s.pass(Span(7_001));
    heap(&mut s);
    for item in ["root_cause", "fix_validated", "postmortem"] {
        s.attest(PM, item);
    }
    s.look_away();
    s.coast(WEEK - Span::minutes(1));
    s.advance(Span::minutes(1) - Span(1));
    s.look_away();
    refused(&mut s, &["hold"]);
    s.pass(Span(1));
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r108_phase_two_goes_back_to_ten_percent_and_again_from_its_first_step() {
    let mut s = Scenario::in_phase("fifty_percent");
    slow(&mut s);
    s.assert_stands(Status::RolledBack, "fifty_percent", [10.0, 10.0, 0.0]);
    // Exposure did not fall to zero: no postmortem.
    refused(&mut s, &["hold", "root_cause", "fix_validated"]);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.look_away();
    s.coast(WEEK - Span::minutes(11));
    refused(&mut s, &["hold"]);
    s.coast(Span::minutes(1));
    retried(&mut s, "fifty_percent", [25.0, 25.0, 0.0]);
    // The phase begins anew: a hold, a full week.
    let records = s.wait_exactly(Span::minutes(30));
    assert_eq!(records[0].kind(), "step_applied");
    let records = s.wait_exactly(WEEK - Span::minutes(30));
    assert_eq!(records.last().unwrap().kind(), "awaiting_decision");
}

#[test]
fn r108_phase_three_goes_back_to_fifty_percent_and_on_from_there() {
    let mut s = Scenario::in_phase("hundred_percent");
    slow(&mut s);
    s.assert_stands(Status::RolledBack, "hundred_percent", [50.0, 50.0, 10.0]);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(WEEK);
    s.look_away();
    retried(&mut s, "hundred_percent", [75.0, 75.0, 25.0]);
    s.advance(Span::hours(1));
    s.assert_shares([100.0; 3]);
}

#[test]
fn a_retry_enters_the_phase_after_the_one_whose_shares_apply() {
    // Errors of phase 3 go back to 10 %: the next phase is the second.
    let mut s = Scenario::in_phase("hundred_percent");
    s.roll_back(EM, "ten_percent").unwrap();
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(WEEK);
    s.look_away();
    retried(&mut s, "fifty_percent", [25.0, 25.0, 0.0]);
    // And from stabilisation, back to 50 %, it is the third.
    let mut s = Scenario::in_phase("stabilization");
    slow(&mut s);
    s.assert_stands(Status::RolledBack, "stabilization", [50.0, 50.0, 10.0]);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(WEEK);
    s.look_away();
    retried(&mut s, "hundred_percent", [75.0, 75.0, 25.0]);
}

#[test]
fn after_a_set_rollback_the_phase_goes_on_at_its_last_step_with_a_full_duration() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.count("sharing_errors", 11);
    s.look_away();
    s.assert_shares([50.0, 50.0, 0.0]);
    refused(&mut s, &["hold", "root_cause", "fix_validated"]);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(WEEK);
    s.look_away();
    let records = retried(&mut s, "fifty_percent", [50.0, 50.0, 10.0]);
    assert_eq!(records[2].0["step"], 2);
    assert_eq!(records[3].shares("to"), [("USE_CROSS_AGENT_SHARING", 10.0)]);
    let records = s.wait_exactly(WEEK);
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
}

#[test]
fn what_was_attested_before_a_rollback_does_not_count_after_it() {
    let mut s = Scenario::in_phase("hundred_percent");
    // Nothing has failed: nobody asks for a cause.
    let early = Action::Attest { item: Key::new("root_cause"), is_true: true, passed: None };
    assert!(s.say(EM, early).unwrap_err().to_string().contains("asks for `root_cause`"));
    s.expect(&["command_refused"]);
    s.roll_back(EM, "partial").unwrap();
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(Span::days(6));
    s.look_away();
    refused(&mut s, &["hold"]);
    // A second rollback: the week and the statements begin anew.
    heap(&mut s);
    s.coast(Span::days(2));
    refused(&mut s, &["hold", "root_cause", "fix_validated", "postmortem"]);
}

#[test]
fn r110_a_revoked_statement_is_missing_again_and_an_objection_stands() {
    let mut s = Scenario::in_phase("ten_percent");
    heap(&mut s);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    let revoke = Action::Attest { item: Key::new("root_cause"), is_true: false, passed: None };
    s.say(EM, revoke).unwrap();
    assert_eq!(s.fresh().last().unwrap().0["value"], false);
    refused(&mut s, &["root_cause"]);
    // Who has not said so and says no objects: what another says then does not count.
    s.say("on_call", Action::Attest { item: Key::new("root_cause"), is_true: false, passed: None }).unwrap();
    s.attest(PM, "root_cause");
    s.look_away();
    refused(&mut s, &["root_cause"]);
    s.attest("on_call", "root_cause");
    s.look_away();
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn a_retry_voids_the_statements_of_the_phases_that_it_runs_again() {
    let mut s = Scenario::in_phase("ten_percent");
    s.attest(EM, "team_confident");
    heap(&mut s);
    recover(&mut s);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.look_away();
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
    let records = s.wait_exactly(WEEK);
    assert_eq!(records[0].open_gates(), ["team_confident"]);
}

#[test]
fn what_was_measured_in_the_moment_before_a_retry_is_not_of_the_new_phase() {
    let mut s = Scenario::in_phase("ten_percent");
    heap(&mut s);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.look_away();
    // One time stamp for the 1 500 MB, the rollback and the retry; the order is what counts.
    retried(&mut s, "ten_percent", [10.0, 10.0, 0.0]);
    passes_in_full(&mut s);
}

#[test]
fn r121_a_rollback_in_part_is_decided_while_a_decision_is_awaited_and_by_one() {
    let mut s = Scenario::entering("hundred_percent");
    s.coast(Span::days(14));
    assert_eq!(s.status(), Status::AwaitingDecision);
    s.go(EM).unwrap();
    s.look_away();
    s.roll_back(PM, "partial").unwrap();
    s.expect(&["decided", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "hundred_percent", [50.0, 50.0, 10.0]);
    refused(&mut s, &["hold", "root_cause", "fix_validated"]);
}

#[test]
fn r112_a_rollback_stays_until_somebody_retries() {
    let mut s = Scenario::in_phase("fifty_percent");
    slow(&mut s);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.look_away();
    s.coast(Span::days(9));
    s.assert_nothing();
    s.assert_stands(Status::RolledBack, "fifty_percent", [10.0, 10.0, 0.0]);
    assert!(s.go(EM).is_err());
    assert!(s.decide(EM, rollgate::core::decide::Choice::NoGo, "wait").is_err());
    s.expect(&["decision_refused", "decision_refused"]);
}

#[test]
fn a_retry_is_refused_where_nothing_has_failed() {
    let mut s = Scenario::in_phase("ten_percent");
    assert!(s.engine.retry("on_call").is_err());
    assert_eq!(s.expect(&["command_refused"])[0].text("command"), "retry");
}

#[test]
fn after_a_retry_a_trigger_may_fire_again() {
    let mut s = Scenario::in_phase("ten_percent");
    heap(&mut s);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.engine.retry("on_call").unwrap();
    s.look_away();
    s.record("heap_used", 1_500.0);
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
    // What was attested was used up.
    refused(&mut s, &["root_cause", "fix_validated"]);
}
