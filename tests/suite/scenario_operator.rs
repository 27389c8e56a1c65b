//! Shares that an operator sets while a plan runs.

use std::collections::HashSet;

use rollgate::core::decide::{Action, Choice, Status};
use rollgate::core::id::Key;
use rollgate::core::limits::TEXT_BYTES_MAX;
use rollgate::core::time::Span;
use rollgate::core::units::Share;
use rollgate_tests::{EM, Scenario};

const INJECTION: &str = "USE_ENHANCED_INJECTION";
const TIERS: &str = "USE_HIERARCHICAL_TIERS";
const SHARING: &str = "USE_CROSS_AGENT_SHARING";

fn release(s: &mut Scenario, flags: &[&str]) -> Result<(), rollgate::core::error::Error> {
    let flags = flags.iter().map(|flag| Key::new(*flag)).collect();
    s.say("on_call", Action::Release { flags })
}

#[track_caller]
fn refused(s: &mut Scenario, shares: &[(&str, f64)], reason: &str, why: &str) {
    let before = s.shares();
    let error = s.set(shares, reason).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    let records = s.expect(&["command_refused"]);
    assert_eq!((records[0].text("command"), records[0].text("by")), ("set", "on_call"));
    assert_eq!(s.shares(), before);
}

#[test]
fn r022_lowering_is_always_allowed_and_changes_the_named_flags_only() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.set(&[(INJECTION, 5.0)], "").unwrap();
    let records = s.expect(&["override", "shares_changed", "read_back"]);
    assert_eq!(records[0].shares("flags"), [(INJECTION, 5.0)]);
    assert_eq!(
        (records[1].shares("from"), records[1].shares("to")),
        (vec![(INJECTION, 50.0)], vec![(INJECTION, 5.0)])
    );
    assert_eq!(records[1].0["cause"], serde_json::json!({ "kind": "operator", "name": "on_call" }));
    s.assert_stands(Status::Running, "fifty_percent", [5.0, 50.0, 10.0]);
    // To the same share again: nothing changes, and what was asked is written down.
    s.set(&[(INJECTION, 5.0)], "").unwrap();
    s.expect(&["override"]);
}

#[test]
fn the_plan_does_not_raise_what_an_operator_lowered_until_it_is_released() {
    let mut s = Scenario::entering("fifty_percent");
    s.set(&[(INJECTION, 5.0), (SHARING, 0.0)], "").unwrap();
    s.look_away();
    s.advance(Span::minutes(30));
    let records = s.expect(&["step_applied", "shares_changed", "read_back"]);
    // The step is applied, as far as it may be.
    assert_eq!(records[0].all_shares("shares"), [50.0, 50.0, 10.0]);
    assert_eq!(records[1].shares("to"), [(TIERS, 50.0)]);
    s.assert_shares([5.0, 50.0, 0.0]);
    release(&mut s, &[INJECTION]).unwrap();
    let records = s.expect(&["released", "shares_changed", "read_back"]);
    assert_eq!(records[0].texts("flags"), [INJECTION]);
    assert_eq!(records[1].shares("to"), [(INJECTION, 50.0)]);
    s.assert_shares([50.0, 50.0, 0.0]);
    release(&mut s, &[]).unwrap();
    s.assert_shares([50.0, 50.0, 10.0]);
    assert!(release(&mut s, &[]).is_err());
    assert!(release(&mut s, &[TIERS]).is_err());
}

#[test]
fn raising_above_the_step_needs_a_reason() {
    let mut s = Scenario::in_phase("ten_percent");
    for reason in ["", "  "] {
        refused(&mut s, &[(INJECTION, 11.0)], reason, "needs a reason");
    }
    s.set(&[(INJECTION, 60.0)], "the sales team wants to see it").unwrap();
    let records = s.expect(&["override", "shares_changed", "read_back"]);
    assert_eq!(records[0].text("reason"), "the sales team wants to see it");
    s.assert_shares([60.0, 10.0, 0.0]);
    // Up to what the step allows it needs none.
    s.set(&[(INJECTION, 2.0)], "").unwrap();
    s.set(&[(INJECTION, 10.0)], "").unwrap();
    s.assert_shares([10.0, 10.0, 0.0]);
}

#[test]
fn what_an_operator_raised_holds_until_a_step_that_allows_less() {
    let mut s = Scenario::entering("fifty_percent");
    s.set(&[(INJECTION, 80.0)], "a demonstration").unwrap();
    s.look_away();
    s.advance(Span::minutes(30) - Span::seconds(10));
    s.assert_nothing();
    s.assert_shares([80.0, 25.0, 0.0]);
    s.advance(Span::seconds(10));
    s.expect(&["step_applied", "shares_changed", "read_back"]);
    s.assert_shares([50.0, 50.0, 10.0]);
}

#[test]
fn a_rollback_lowers_what_an_operator_raised_and_a_retry_does_not_bring_it_back() {
    let mut s = Scenario::in_phase("ten_percent");
    s.set(&[(INJECTION, 80.0)], "a demonstration").unwrap();
    s.record("heap_used", 1_001.0);
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.engine.retry("on_call").unwrap();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn while_rolled_back_or_stopped_nothing_is_raised_whatever_the_reason() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.roll_back(EM, "ten_percent").unwrap();
    s.look_away();
    refused(&mut s, &[(INJECTION, 11.0)], "please", "rolled_back");
    s.set(&[(INJECTION, 4.0)], "").unwrap();
    s.expect(&["override", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "fifty_percent", [4.0, 10.0, 0.0]);
    refused(&mut s, &[(INJECTION, 5.0)], "please", "nothing is raised");
    // Given back, it stays where it is: the plan raises it with the retry.
    release(&mut s, &[INJECTION]).unwrap();
    s.expect(&["released"]);
    s.assert_stands(Status::RolledBack, "fifty_percent", [4.0, 10.0, 0.0]);
    s.engine.stop("on_call", "fire").unwrap();
    s.look_away();
    refused(&mut s, &[(INJECTION, 1.0)], "please", "stopped");
    s.assert_stands(Status::Stopped, "fifty_percent", [0.0; 3]);
}

#[test]
fn r018_a_bad_request_changes_nothing_at_all() {
    let mut s = Scenario::in_phase("fifty_percent");
    refused(&mut s, &[(INJECTION, 5.0), ("USE_NOTHING", 5.0)], "", "no flag `USE_NOTHING`");
    refused(&mut s, &[(INJECTION, 5.0), (SHARING, 90.0)], "", "needs a reason");
    refused(&mut s, &[], "", "no shares");
    for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        assert!(rollgate::core::units::Share::from_fraction(fraction).is_err());
    }
}

/// How many of 2 000 users have the inner flag, and how many its parent; whoever has the first has the second.
#[track_caller]
fn inside(s: &Scenario) -> (usize, usize) {
    let on = |flag: &str| {
        (0..2_000).filter(|user| s.engine.is_on(flag, &format!("user-{user}"))).collect::<HashSet<u32>>()
    };
    let (inner, outer) = (on(SHARING), on(TIERS));
    assert!(inner.is_subset(&outer), "{:?}", inner.difference(&outer));
    (inner.len(), outer.len())
}

#[test]
fn r014_the_inner_flag_stays_inside_its_parent_at_every_step_and_whatever_is_set() {
    for phase in ["ten_percent", "fifty_percent", "hundred_percent"] {
        let mut s = Scenario::entering(phase);
        for _ in 0..3 {
            let (inner, outer) = inside(&s);
            let [_, tiers, sharing] = s.shares()[..] else { panic!() };
            // 4.9 sigma of 2 000 are at most 110; nobody and everybody are exact.
            for (on, share) in [(inner, sharing), (outer, tiers)] {
                let slack = if share == 0.0 || share == 100.0 { 0.0 } else { 110.0 };
                assert!((on as f64 - share * 20.0).abs() <= slack, "{on} at {share} % in {phase}");
            }
            s.advance(Span::minutes(30));
        }
    }
    // By hand, and back again: a parent that is smaller than its child takes it along.
    let mut s = Scenario::in_phase("hundred_percent");
    s.set(&[(TIERS, 20.0)], "").unwrap();
    let (inner, outer) = inside(&s);
    assert_eq!(inner, outer);
    s.set(&[(SHARING, 5.0)], "").unwrap();
    assert!(inside(&s).0 < outer);
    s.roll_back(EM, "fifty_percent").unwrap();
    inside(&s);
    s.set(&[(TIERS, 0.0)], "").unwrap();
    assert_eq!(inside(&s), (0, 0));
}

#[test]
fn r023_triggers_are_live_for_what_an_operator_raised_in_a_hold() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(5));
    s.set(&[(SHARING, 10.0)], "early").unwrap();
    s.look_away();
    s.count("sharing_errors", 11);
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "fifty_percent", [25.0, 25.0, 0.0]);
    // Rolled back, the next step does not come.
    s.advance(Span::hours(1));
    s.assert_nothing();
}

// ---- words

#[test]
fn a_text_that_is_too_long_is_refused_and_changes_nothing() {
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    let key = || Key::new(long.as_str());
    let decide = |choice, rationale: &str| Action::Decide { choice, rationale: rationale.into() };
    let go = |why: &str| Choice::Go { override_reason: Some(why.into()) };
    let zero = || Choice::Rollback { to: Some(Key::new("zero")) };
    let raise = vec![(Key::new(INJECTION), Share::FULL)];
    let rows: Vec<(&str, Action, &str)> = vec![
        (EM, decide(go("we know why"), &long), "the rationale"),
        (EM, decide(go(&long), "all green"), "the override's reason"),
        (EM, decide(Choice::NoGo, &long), "the rationale"),
        (EM, decide(zero(), &long), "the rationale"),
        (EM, decide(Choice::Rollback { to: Some(key()) }, "x"), "the target"),
        (EM, Action::Approve { proposal: Key::new("x"), rationale: long.clone() }, "the rationale"),
        (EM, Action::Dismiss { proposal: Key::new("x"), reason: long.clone() }, "the reason"),
        (EM, Action::Set { shares: raise, reason: long.clone() }, "the reason"),
        (EM, Action::Set { shares: vec![(key(), Share::ZERO)], reason: String::new() }, "the flag"),
        (EM, Action::Release { flags: vec![key()] }, "the flag"),
        (EM, Action::Pause { reason: long.clone() }, "the reason"),
        (EM, Action::Resume { reason: long.clone() }, "the reason"),
        (EM, Action::Check { item: key() }, "the item"),
        (EM, Action::Attest { item: key(), is_true: true, passed: None }, "the item"),
        (&long, Action::Pause { reason: "lunch".into() }, "the name of who gives it"),
        (&long, Action::Retry, "the name of who gives it"),
    ];
    let mut s = Scenario::in_phase("fifty_percent");
    for (by, action, what) in rows {
        let name = action.name();
        let before = s.engine.status();
        let error = s.say(by, action).unwrap_err().to_string();
        let wanted =
            format!("{what} has {} bytes, and at most {TEXT_BYTES_MAX} are kept; shorten it", long.len());
        assert!(error.contains(&wanted), "{name}: {error}");
        assert_eq!(s.engine.status(), before, "{name}");
        let kind = if name == "decide" { "decision_refused" } else { "command_refused" };
        let records = s.expect(&[kind]);
        assert!(records[0].text("by").len() <= TEXT_BYTES_MAX + "…".len(), "{name}");
        assert_eq!(records[0].text("why"), wanted);
    }
}

#[test]
fn nothing_that_lowers_is_held_up_by_too_many_words() {
    let long = "é".repeat(TEXT_BYTES_MAX);
    let mut s = Scenario::in_phase("fifty_percent");
    s.set(&[(INJECTION, 5.0)], &long).unwrap();
    let records = s.expect(&["override", "shares_changed", "read_back"]);
    let kept = format!("{}…", "é".repeat(TEXT_BYTES_MAX / 2));
    assert_eq!(records[0].text("reason"), kept);
    s.say(&long, Action::Stop { reason: long.clone() }).unwrap();
    let records = s.fresh();
    let stopped = records.iter().find(|record| record.kind() == "stopped").unwrap();
    assert_eq!((stopped.text("by"), stopped.text("reason")), (kept.as_str(), kept.as_str()));
    s.assert_stands(Status::Stopped, "fifty_percent", [0.0; 3]);
}
