//! Triggers with `for`: how bad, for how long, and the exact evaluation at which they fire.

use rollgate::core::decide::Status;
use rollgate::core::time::Span;
use rollgate_tests::{Record, Scenario};

/// A batch of traffic lies in the middle between two evaluations, so what begins at an evaluation is first seen at the
/// next one.
const NEXT: Span = Span::seconds(10);

struct Case {
    phase: &'static str,
    /// Its `for`.
    lasts: Span,
    to: &'static str,
    shares: [f64; 3],
}

const fn case(phase: &'static str, minutes: u64, to: &'static str, shares: [f64; 3]) -> Case {
    Case { phase, lasts: Span::minutes(minutes), to, shares }
}

const ZERO: [f64; 3] = [0.0, 0.0, 0.0];
const TEN: [f64; 3] = [10.0, 10.0, 0.0];
const FIFTY: [f64; 3] = [50.0, 50.0, 10.0];

const LATENCY: [Case; 4] = [
    case("ten_percent", 10, "zero", ZERO),
    case("fifty_percent", 5, "ten_percent", TEN),
    case("hundred_percent", 5, "fifty_percent", FIFTY),
    case("stabilization", 5, "fifty_percent", FIFTY),
];

/// With the limit in failed requests of 10 000.
const ERRORS: [(u64, Case); 4] = [
    (500, case("ten_percent", 5, "zero", ZERO)),
    (300, case("fifty_percent", 3, "ten_percent", TEN)),
    (200, case("hundred_percent", 3, "ten_percent", TEN)),
    (200, case("stabilization", 3, "fifty_percent", FIFTY)),
];

/// The rollback comes at exactly this time, and nothing before it.
#[track_caller]
fn falls_at(s: &mut Scenario, at: Span, trigger: &str, case: &Case) -> Vec<Record> {
    s.advance(at - s.elapsed() - NEXT);
    s.assert_nothing();
    s.advance(NEXT);
    let records = s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!((records[0].text("trigger"), records[0].text("mode")), (trigger, "automatic"));
    assert_eq!(records[0].at(), at);
    assert_eq!((records[1].text("to"), records[1].all_shares("shares")), (case.to, case.shares.to_vec()));
    s.assert_stands(Status::RolledBack, case.phase, case.shares);
    records
}

#[test]
fn r089_latency_at_its_limit_for_an_age_does_not_fire() {
    for case in &LATENCY {
        let mut s = Scenario::in_phase(case.phase);
        s.traffic.latency_ms = 500.0;
        s.advance(Span::minutes(25));
        s.assert_nothing();
    }
}

#[test]
fn r089_latency_just_above_its_limit_fires_when_it_has_lasted_and_not_an_evaluation_before() {
    for case in &LATENCY {
        let mut s = Scenario::in_phase(case.phase);
        let from = s.elapsed();
        s.traffic.latency_ms = 505.0;
        let records = falls_at(&mut s, from + NEXT + case.lasts, "latency", case);
        let sentence = records[0].0["finding"]["sentence"].as_str().unwrap();
        assert!(sentence.contains("p95(injection_latency)") && sentence.contains("500 ms"), "{sentence}");
    }
}

#[test]
fn r089_latency_that_ends_a_batch_too_soon_does_not_fire() {
    for case in &LATENCY {
        // A minute's window sees a bad batch for a minute: the last one that counts lies in the last minute.
        for (bad, fires) in [(case.lasts - Span::seconds(50), false), (case.lasts - Span::seconds(40), true)]
        {
            let mut s = Scenario::in_phase(case.phase);
            let from = s.elapsed();
            s.traffic.latency_ms = 900.0;
            s.advance(bad);
            s.traffic.latency_ms = 120.0;
            if fires {
                falls_at(&mut s, from + NEXT + case.lasts, "latency", case);
            } else {
                s.advance(Span::minutes(20));
                s.assert_nothing();
            }
        }
    }
}

#[test]
fn r089_a_healthy_minute_in_between_does_not_end_a_streak_and_more_does() {
    let case = &LATENCY[1];
    for (healthy, fires) in [(Span::seconds(110), true), (Span::seconds(120), false)] {
        let mut s = Scenario::in_phase(case.phase);
        let from = s.elapsed();
        s.traffic.latency_ms = 900.0;
        s.advance(Span::minutes(1));
        // The minute's window stays bad for a minute; healthy evaluations of at most a minute carry the streak.
        s.traffic.latency_ms = 120.0;
        s.advance(healthy);
        s.traffic.latency_ms = 900.0;
        s.advance(from + NEXT + case.lasts - s.elapsed());
        let fired = s.fresh().iter().any(|record| record.kind() == "trigger_fired");
        assert_eq!(fired, fires, "{healthy}");
    }
}

#[test]
fn r089_errors_at_their_limit_for_an_age_do_not_fire() {
    for (limit, case) in &ERRORS {
        let mut s = Scenario::in_phase(case.phase);
        s.traffic.errors = *limit;
        s.advance(Span::minutes(25));
        s.assert_nothing();
    }
}

#[test]
fn r089_errors_just_above_their_limit_fire_a_minute_and_their_time_later() {
    for (limit, case) in &ERRORS {
        let mut s = Scenario::in_phase(case.phase);
        let from = s.elapsed();
        s.traffic.errors = limit + 1;
        // So little above, the minute must be bad as a whole before it is above the limit.
        falls_at(&mut s, from + Span::minutes(1) + case.lasts, "errors", case);
    }
}

#[test]
fn r089_errors_far_above_their_limit_fire_after_their_time() {
    for (_, case) in &ERRORS {
        let mut s = Scenario::in_phase(case.phase);
        let from = s.elapsed();
        s.traffic.errors = 6_000;
        falls_at(&mut s, from + NEXT + case.lasts, "errors", case);
    }
}

#[test]
fn r089_errors_that_end_a_batch_too_soon_do_not_fire() {
    for (limit, case) in &ERRORS {
        let mut s = Scenario::in_phase(case.phase);
        s.traffic.errors = limit + 1;
        s.advance(Span::minutes(1) + case.lasts - NEXT);
        s.traffic.errors = 1;
        s.advance(Span::minutes(20));
        s.assert_nothing();
    }
}

#[test]
fn three_slow_requests_are_a_violation_and_five_of_sixty_are_not() {
    // Far below the 200 samples of a p95: the exact binomial tail decides.
    let mut s = Scenario::in_phase("fifty_percent");
    s.traffic.is_silent = true;
    s.advance(Span::minutes(12));
    s.look_away();
    for _ in 0..70 {
        s.record("injection_latency", 900.0);
        s.advance(NEXT);
    }
    let records = s.fresh();
    let fired: Vec<&str> = records
        .iter()
        .filter(|record| record.kind() == "trigger_fired")
        .map(|record| record.text("trigger"))
        .collect();
    assert_eq!(fired, ["latency"]);

    let mut s = Scenario::in_phase("fifty_percent");
    s.traffic.is_silent = true;
    s.advance(Span::minutes(12));
    s.look_away();
    for index in 0..240 {
        s.record("injection_latency", if index % 12 == 0 { 900.0 } else { 120.0 });
        s.advance(Span::seconds(5));
    }
    assert!(!s.fresh().iter().any(|record| record.kind() == "trigger_fired"));
}

#[test]
fn silence_neither_fires_nor_carries_a_trigger() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.traffic.latency_ms = 900.0;
    s.advance(Span::minutes(2));
    s.traffic.is_silent = true;
    s.advance(Span::minutes(30));
    s.assert_nothing();
    // A new streak begins where there is data again.
    let from = s.elapsed();
    s.traffic.is_silent = false;
    falls_at(&mut s, from + NEXT + LATENCY[2].lasts, "latency", &LATENCY[2]);
}

#[test]
fn r108_a_latency_that_no_rollback_cures_goes_down_phase_by_phase_and_each_says_so() {
    let mut s = Scenario::in_phase("hundred_percent");
    let from = s.elapsed();
    s.traffic.latency_ms = 900.0;
    let first = from + NEXT + Span::minutes(5);
    falls_at(&mut s, first, "latency", &LATENCY[2]);
    // From here on the triggers of phase 2 are live, on windows that begin at the rollback.
    s.advance(Span::minutes(5));
    let records = s.expect(&["rollback_ineffective"]);
    assert_eq!(records[0].at(), first + Span::minutes(5));
    s.advance(NEXT);
    let second = first + NEXT + Span::minutes(5);
    let records = s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!((records[0].at(), records[1].text("to")), (second, "ten_percent"));
    s.assert_stands(Status::RolledBack, "hundred_percent", TEN);
    s.advance(Span::minutes(10));
    assert_eq!(s.expect(&["rollback_ineffective"])[0].at(), second + Span::minutes(5));
    s.advance(NEXT);
    let records = s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(records[0].at(), second + NEXT + Span::minutes(10));
    s.assert_stands(Status::RolledBack, "hundred_percent", ZERO);
    s.advance(Span::minutes(20));
    assert_eq!(s.expect(&["rollback_ineffective"])[0].at(), second + NEXT + Span::minutes(20));
    s.advance(Span::hours(2));
    s.assert_nothing();
}
