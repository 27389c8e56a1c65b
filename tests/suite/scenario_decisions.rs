//! What people decide: who, when, on what, and what is refused.

use rollgate::core::decide::{Action, Choice, Status};
use rollgate::core::id::Key;
use rollgate::core::time::Span;
use rollgate_tests::{CTO, EM, PM, Scenario};

fn go() -> Choice {
    Choice::Go { override_reason: None }
}

fn go_although(reason: &str) -> Choice {
    Choice::Go { override_reason: Some(reason.into()) }
}

fn decide(choice: Choice) -> Action {
    Action::Decide { choice, rationale: "all green".into() }
}

/// Phase 0 with passing gates, at its decision: nobody is exposed yet, so that a week of it takes no time.
fn awaiting() -> Scenario {
    let mut s = Scenario::open();
    s.start();
    s.check_all();
    s.traffic.is_silent = true;
    s.coast(Span::days(7));
    s.assert_stands(Status::AwaitingDecision, "pre_deployment", [0.0; 3]);
    s.look_away();
    s
}

/// The decision is refused for this reason, and nothing else happens.
#[track_caller]
fn refused(s: &mut Scenario, outcome: Result<(), rollgate::core::error::Error>, why: &str) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    let records = s.expect(&["decision_refused"]);
    assert!(records[0].text("why").contains(why), "{}", records[0].0);
}

#[test]
fn r119_one_role_of_two_decides_nothing_however_long_it_waits() {
    let mut s = awaiting();
    s.go(EM).unwrap();
    let records = s.expect(&["decided"]);
    assert_eq!((records[0].text("choice"), records[0].text("by"), records[0].text("role")), ("go", EM, EM));
    assert_eq!(records[0].text("rationale"), "all green");
    s.coast(Span::days(3));
    s.assert_nothing();
    s.assert_stands(Status::AwaitingDecision, "pre_deployment", [0.0; 3]);
    let outcome = s.go(EM);
    refused(&mut s, outcome, "already said go");
    s.go(PM).unwrap();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r119_one_person_does_not_fill_two_roles() {
    let mut s = awaiting();
    s.say_as("alice", EM, decide(go())).unwrap();
    assert_eq!(s.expect(&["decided"])[0].text("role"), EM);
    let outcome = s.say_as("alice", PM, decide(go()));
    refused(&mut s, outcome, "distinct people");
    // Nor do two people fill one role twice.
    let outcome = s.say_as("bob", EM, decide(go()));
    refused(&mut s, outcome, "already said go");
    s.say_as("bob", PM, decide(go())).unwrap();
    assert_eq!(s.phase(), "ten_percent");
}

#[test]
fn r119_r137_who_has_no_vote_is_refused() {
    let mut s = awaiting();
    for by in ["sre", "on_call", CTO, "mallory"] {
        let outcome = s.go(by);
        refused(&mut s, outcome, "no vote");
    }
    let outcome = s.say_as("mallory", "king", decide(go()));
    refused(&mut s, outcome, "no role `king`");
    s.go(EM).unwrap();
    s.go(PM).unwrap();
}

#[test]
fn r118_a_decision_needs_a_rationale() {
    let mut s = awaiting();
    for rationale in ["", "  ", "\n\t"] {
        for choice in [go(), Choice::NoGo, Choice::Rollback { to: Some(Key::new("zero")) }] {
            let outcome = s.decide(EM, choice, rationale);
            refused(&mut s, outcome, "rationale");
        }
    }
    s.assert_stands(Status::AwaitingDecision, "pre_deployment", [0.0; 3]);
}

#[test]
fn r085_r123_before_it_is_awaited_a_go_is_refused_and_not_counted() {
    let mut s = Scenario::open();
    s.start();
    s.check_all();
    s.traffic.is_silent = true;
    s.coast(Span::days(7) - Span::minutes(1));
    s.look_away();
    let outcome = s.go(EM);
    refused(&mut s, outcome, "not awaited");
    s.coast(Span::minutes(1));
    s.look_away();
    // It was not counted: the other one is the first.
    s.go(PM).unwrap();
    s.expect(&["decided"]);
    assert_eq!(s.phase(), "pre_deployment");
    s.go(EM).unwrap();
    assert_eq!(s.phase(), "ten_percent");
}

#[test]
fn r124_a_go_on_failing_gates_is_refused_and_says_which() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(1));
    s.count("critical_incidents", 1);
    s.coast(Span::days(6));
    let records = s.fresh();
    let failed = records.iter().find(|record| record.kind() == "gates_failed").unwrap();
    assert_eq!(failed.open_gates(), ["critical_incidents"]);
    s.go(EM).unwrap();
    s.expect(&["decided"]);
    let outcome = s.go(PM);
    refused(&mut s, outcome, "critical_incidents is FAIL");
    s.assert_stands(Status::AwaitingDecision, "ten_percent", [10.0, 10.0, 0.0]);
    // With an override of the last one, and its reason.
    let outcome = s.decide(PM, go_although(" "), "as discussed");
    refused(&mut s, outcome, "needs its reason");
    s.decide(PM, go_although("the incident was another team's"), "as discussed").unwrap();
    let records = s.expect(&[
        "decided",
        "phase_passed",
        "phase_started",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
    assert_eq!(records[0].text("override"), "the incident was another team's");
    assert_eq!(records[0].verdict("critical_incidents"), "FAIL");
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
}

#[test]
fn r118_a_decision_records_when_who_as_what_which_choice_why_and_the_verdicts_it_was_given_on() {
    let back = Choice::Rollback { to: Some(Key::new("zero")) };
    for (choice, name) in [(go(), "go"), (Choice::NoGo, "no_go"), (back, "rollback")] {
        let mut s = Scenario::entering("ten_percent");
        s.coast(Span::days(7));
        s.look_away();
        s.pass(Span(1_234));
        s.decide(PM, choice, "we have talked about it").unwrap();
        let decided = s.fresh().remove(0);
        assert_eq!((decided.kind(), decided.text("choice"), decided.at()), ("decided", name, s.elapsed()));
        assert_eq!((decided.text("by"), decided.text("role")), (PM, PM));
        assert_eq!(decided.text("rationale"), "we have talked about it");
        // Of all nine, with their numbers.
        let findings = decided.0["findings"].as_array().unwrap();
        assert_eq!((findings.len(), decided.open_gates()), (9, vec!["team_confident"]), "{name}");
        assert_eq!((decided.verdict("latency"), &findings[3]["actual"]), ("PASS", &"0.01%".into()));
    }
}

#[test]
fn r118_every_go_records_the_verdicts_it_was_given_on() {
    let mut s = awaiting();
    s.go(EM).unwrap();
    s.go(PM).unwrap();
    let records = s.fresh();
    let decided: Vec<_> = records.iter().filter(|record| record.kind() == "decided").collect();
    assert_eq!(decided.len(), 2);
    for decided in decided {
        assert_eq!(decided.verdict("checklist_complete"), "PASS", "{}", decided.0);
        assert_eq!(decided.open_gates(), [""; 0]);
    }
}

#[test]
fn r120_the_cto_is_recorded_and_neither_needed_nor_enough() {
    for with_cto in [true, false] {
        let mut s = Scenario::in_phase("hundred_percent");
        let say = |s: &mut Scenario, by| s.decide(by, go_although("a short test"), "as agreed").unwrap();
        say(&mut s, EM);
        if with_cto {
            say(&mut s, CTO);
        }
        // The CTO does not stand in for the one who is missing.
        assert_eq!((s.status(), s.phase().as_str()), (Status::Running, "hundred_percent"));
        say(&mut s, PM);
        assert_eq!(s.phase(), "stabilization");
        let records = s.fresh();
        let decided = records.iter().filter(|record| record.kind() == "decided");
        let roles: Vec<&str> = decided.map(|record| record.text("role")).collect();
        assert_eq!(roles, if with_cto { vec![EM, CTO, PM] } else { vec![EM, PM] });
    }
}

#[test]
fn r004_r023_an_early_step_into_the_next_phase_needs_an_override_of_everybody() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(10));
    s.assert_nothing();
    s.decide(EM, go_although("the board said so"), "hurry").unwrap();
    s.expect(&["decided"]);
    let outcome = s.go(PM);
    refused(&mut s, outcome, "not awaited");
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    s.decide(PM, go_although("the board said so"), "hurry").unwrap();
    s.assert_stands(Status::Running, "hundred_percent", [75.0, 75.0, 25.0]);
}

#[test]
fn a_vote_outlives_changed_verdicts_and_the_last_one_is_judged_anew() {
    let mut s = awaiting();
    s.go(EM).unwrap();
    s.look_away();
    let revoke = Action::Attest { item: "runbooks_accurate".into(), is_true: false, passed: None };
    s.say(PM, revoke).unwrap();
    let error = s.go(PM).unwrap_err().to_string();
    assert!(error.contains("runbooks is "), "{error}");
    let records = s.expect(&["attested", "gates_failed", "decision_refused"]);
    assert_eq!(records[1].open_gates(), ["runbooks"]);
    s.coast(Span::days(1));
    s.assert_nothing();
    // Nobody passes over an objection; only who made it takes it back.
    s.attest(EM, "runbooks_accurate");
    assert!(s.go(PM).is_err());
    // Signed again: the vote of before is still there.
    s.attest(PM, "runbooks_accurate");
    s.go(PM).unwrap();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn a_changed_status_voids_votes() {
    let mut s = awaiting();
    s.go(EM).unwrap();
    s.say("on_call", Action::Pause { reason: "holidays".into() }).unwrap();
    s.say("on_call", Action::Resume { reason: "back".into() }).unwrap();
    s.expect(&["decided", "paused", "resumed"]);
    s.go(PM).unwrap();
    s.expect(&["decided"]);
    s.assert_stands(Status::AwaitingDecision, "pre_deployment", [0.0; 3]);
    s.go(EM).unwrap();
    assert_eq!(s.phase(), "ten_percent");
}

#[test]
fn r122_a_no_go_extends_by_a_week_and_gate_windows_begin_there() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(6));
    s.count("critical_incidents", 1);
    s.count("user_complaints", 1);
    s.coast(Span::days(1));
    s.look_away();
    s.decide(PM, Choice::NoGo, "let us look into the incident").unwrap();
    let records = s.expect(&["decided", "extended"]);
    assert_eq!((records[0].text("choice"), records[0].text("role")), ("no_go", PM));
    let until = rollgate::core::time::Timestamp::parse(records[1].text("until")).unwrap();
    assert_eq!(until.since(Scenario::START), Span::days(14));
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    let outcome = s.go(EM);
    refused(&mut s, outcome, "not awaited");
    // A week later, to the evaluation; what was before the extension no longer counts, what was attested does.
    let records = s.wait_exactly(Span::days(7));
    let kinds: Vec<&str> = records.iter().map(|record| record.kind()).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
    s.go(EM).unwrap();
    s.go(PM).unwrap();
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
}

#[test]
fn a_no_go_is_refused_where_it_is_not_asked_for_or_not_in_the_plan() {
    let mut s = Scenario::entering("ten_percent");
    let outcome = s.decide(EM, Choice::NoGo, "no");
    refused(&mut s, outcome, "not awaited");
    let mut s = Scenario::open();
    s.start();
    s.coast(Span::days(7));
    s.look_away();
    let outcome = s.decide(EM, Choice::NoGo, "no");
    refused(&mut s, outcome, "no no_go");
    // Who is only recorded does not decide alone.
    let mut s = Scenario::in_phase("hundred_percent");
    let outcome = s.roll_back(CTO, "partial");
    refused(&mut s, outcome, "does not decide");
}

#[test]
fn r121_phase_three_rolls_back_in_part_or_in_full() {
    for (to, named, shares) in [
        ("partial", "fifty_percent", [50.0, 50.0, 10.0]),
        ("full", "zero", [0.0; 3]),
        ("ten_percent", "ten_percent", [10.0, 10.0, 0.0]),
    ] {
        let mut s = Scenario::in_phase("hundred_percent");
        s.roll_back(PM, to).unwrap();
        let records = s.expect(&["decided", "rolled_back", "shares_changed", "read_back"]);
        assert_eq!((records[0].text("choice"), records[0].text("to")), ("rollback", to));
        assert_eq!(records[1].text("to"), named);
        let cause = serde_json::json!({ "kind": "decision", "name": PM });
        assert_eq!((&records[1].0["cause"], &records[2].0["cause"]), (&cause, &cause));
        s.assert_stands(Status::RolledBack, "hundred_percent", shares);
    }
}

#[test]
fn r107_a_rollback_goes_down_only_and_to_a_place_that_exists() {
    let mut s = Scenario::in_phase("fifty_percent");
    for (to, why) in
        [("partial", "neither zero"), ("hundred_percent", "not earlier"), ("fifty_percent", "not earlier")]
    {
        let outcome = s.roll_back(EM, to);
        refused(&mut s, outcome, why);
    }
    let outcome = s.decide(EM, Choice::Rollback { to: None }, "back");
    refused(&mut s, outcome, "where to roll back to");
    s.roll_back(EM, "ten_percent").unwrap();
    s.look_away();
    // Rolled back it may go lower, and not to where it is.
    let outcome = s.roll_back(EM, "ten_percent");
    refused(&mut s, outcome, "would lower no flag");
    s.roll_back(EM, "zero").unwrap();
    s.assert_stands(Status::RolledBack, "fifty_percent", [0.0; 3]);
}

#[test]
fn r037_nobody_takes_back_the_statement_of_another() {
    let mut s = awaiting();
    // The on-call is none of the gate's roles in phase 1, and here anybody may attest.
    s.attest(PM, "runbooks_accurate");
    s.look_away();
    let no = || Action::Attest { item: "runbooks_accurate".into(), is_true: false, passed: None };
    // The product manager's own is gone, the other one stands.
    s.say(PM, no()).unwrap();
    s.coast(Span::seconds(10));
    s.expect(&["attested"]);
    s.say(PM, no()).unwrap();
    s.coast(Span::seconds(10));
    s.expect(&["attested", "gates_failed"]);
}

#[test]
fn r110_a_count_with_failures_attests_nothing() {
    let mut s = Scenario::in_phase("ten_percent");
    s.record("heap_used", 1_500.0);
    for item in ["root_cause", "fix_validated"] {
        s.say(EM, Action::Attest { item: item.into(), is_true: true, passed: Some((3, 44)) }).unwrap();
    }
    assert!(s.engine.retry("on_call").unwrap_err().to_string().contains("root_cause, fix_validated"));
}
