//! Manual triggers: they ask, wait for an answer, and do nothing by themselves.

use rollgate::core::decide::{Action, Status};
use rollgate::core::time::Span;
use rollgate_tests::{CTO, EM, PM, Record, Scenario};

/// What manual triggers fired since the test last looked.
fn proposed(s: &mut Scenario) -> Vec<String> {
    let records = s.fresh();
    records
        .iter()
        .filter(|record| record.kind() == "proposal")
        .map(|record| record.text("trigger").into())
        .collect()
}

/// Phase 1 with a proposal of the complaints trigger.
fn complained() -> Scenario {
    let mut s = Scenario::in_phase("ten_percent");
    s.pass(Span(1_500));
    s.count("user_complaints", 6);
    s
}

#[test]
fn r096_a_manual_trigger_asks_once_with_its_evidence_and_does_nothing() {
    let mut s = complained();
    let at = s.elapsed();
    let records = s.expect(&["trigger_fired", "proposal"]);
    assert_eq!((records[0].text("trigger"), records[0].text("mode")), ("complaints", "manual"));
    assert_eq!(records[1].0["finding"]["evidence"][0]["value"], 6.0);
    assert_eq!(records[1].at(), at);
    s.count("user_complaints", 6);
    s.coast(Span::hours(20));
    s.assert_nothing();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    assert_eq!(s.engine.status().proposals.len(), 1);
}

#[test]
fn r096_r115_an_approved_proposal_rolls_back() {
    let mut s = complained();
    s.advance(Span::minutes(3));
    s.look_away();
    // Not by everybody, not without words, not another one.
    for by in ["on_call", CTO, "mallory"] {
        assert!(s.approve(by, "complaints").is_err());
    }
    assert!(s.approve(EM, "cache_cold").unwrap_err().to_string().contains("no proposal"));
    let silent = Action::Approve { proposal: "complaints".into(), rationale: " ".into() };
    assert!(s.say(EM, silent).unwrap_err().to_string().contains("rationale"));
    s.expect(&["command_refused"; 5]);
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    s.approve(EM, "complaints").unwrap();
    let records = s.expect(&["approved", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!((records[0].text("by"), records[0].text("role")), (EM, EM));
    assert_eq!(records[0].text("rationale"), "it is real");
    assert_eq!((records[1].text("to"), records[1].texts("triggers")), ("zero", vec!["complaints"]));
    assert_eq!(records[2].0["cause"], serde_json::json!({ "kind": "trigger", "name": "complaints" }));
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
    assert!(s.engine.status().proposals.is_empty());
}

#[test]
fn r096_a_dismissed_proposal_comes_back_only_after_its_condition_was_false() {
    let mut s = Scenario::in_phase("ten_percent");
    s.traffic.hits = 40;
    s.advance(Span::minutes(40));
    assert_eq!(proposed(&mut s), ["cache_cold"]);
    s.dismiss(EM, "cache_cold").unwrap();
    let records = s.expect(&["proposal_dismissed"]);
    assert_eq!((records[0].text("trigger"), records[0].text("by")), ("cache_cold", EM));
    assert!(s.dismiss(EM, "cache_cold").is_err());
    s.expect(&["command_refused"]);
    s.advance(Span::hours(2));
    s.assert_nothing();
    s.traffic.hits = 80;
    s.advance(Span::minutes(15));
    s.assert_nothing();
    s.traffic.hits = 40;
    s.advance(Span::minutes(40));
    assert_eq!(proposed(&mut s), ["cache_cold"]);
    s.assert_shares([10.0, 10.0, 0.0]);
}

#[test]
fn a_proposal_lapses_when_its_condition_was_clear_for_its_window() {
    let mut s = complained();
    let fired = s.elapsed();
    s.look_away();
    s.advance(Span(8_500));
    // Complaints are counted over a day: clear at the first evaluation that no longer sees them, lapsed a day later.
    let clear = Span::days(1);
    s.coast(clear - Span::minutes(2));
    s.advance(Span::minutes(3));
    s.coast(Span::days(1) - Span::minutes(2));
    s.assert_nothing();
    s.advance(Span::minutes(2));
    let records = s.expect(&["proposal_lapsed"]);
    assert_eq!(records[0].text("trigger"), "complaints");
    assert_eq!(records[0].at(), fired + Span(8_500) + Span::days(2));
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    // It may fire again.
    s.count("user_complaints", 6);
    s.expect(&["trigger_fired", "proposal"]);
}

#[test]
fn a_sustained_proposal_lapses_when_it_was_clear_for_as_long_as_it_took() {
    let mut s = Scenario::in_phase("ten_percent");
    let from = s.elapsed();
    s.traffic.latency_ms = 250.0;
    s.advance(Span::hours(1) + Span::minutes(1));
    let records = s.expect(&["trigger_fired", "proposal"]);
    // Two bad batches of thirty are more than 5 %.
    assert_eq!(records[0].at(), from + Span::seconds(20) + Span::hours(1));
    let healthy = s.elapsed();
    s.traffic.latency_ms = 120.0;
    s.advance(Span::hours(1) + Span::minutes(10));
    let records = s.expect(&["proposal_lapsed"]);
    // 29 of 30 batches are healthy after 4m50s; the streak ends when that lasted longer than the window of 5m.
    assert_eq!(records[0].at(), healthy + Span::seconds(290) + Span::seconds(300) + Span::hours(1));
}

#[test]
fn a_pending_proposal_blocks_the_next_step() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(5));
    s.count("user_complaints", 11);
    s.expect(&["trigger_fired", "proposal"]);
    s.advance(Span::hours(2));
    s.assert_nothing();
    s.assert_shares([25.0, 25.0, 0.0]);
    s.dismiss(PM, "complaints").unwrap();
    s.expect(&["proposal_dismissed"]);
    s.advance(Span::seconds(9));
    s.assert_nothing();
    s.advance(Span::seconds(1));
    s.expect(&["step_applied", "shares_changed", "read_back"]);
    s.assert_shares([50.0, 50.0, 10.0]);
}

#[test]
fn a_pending_proposal_blocks_the_last_go_also_with_an_override() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(7));
    s.look_away();
    for index in 0..3 {
        s.brief_alert(&format!("a{index}"));
    }
    s.look_away();
    s.go(EM).unwrap();
    assert!(s.go(PM).unwrap_err().to_string().contains("alerts_persisting"));
    let choice = rollgate::core::decide::Choice::Go { override_reason: Some("never mind".into()) };
    assert!(s.decide(PM, choice, "go on").unwrap_err().to_string().contains("alerts_persisting"));
    s.expect(&["decided", "decision_refused", "decision_refused"]);
    s.dismiss(EM, "alerts_persisting").unwrap();
    s.coast(Span::hours(4));
    s.go(PM).unwrap();
    assert_eq!(s.phase(), "fifty_percent");
}

#[test]
fn a_rollback_lapses_what_else_was_proposed() {
    let mut s = complained();
    s.look_away();
    for index in 0..3 {
        s.brief_alert(&format!("a{index}"));
    }
    s.look_away();
    s.approve(PM, "alerts_persisting").unwrap();
    let records = s.expect(&["approved", "proposal_lapsed", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(records[1].text("trigger"), "complaints");
}

/// Just too little for a manual trigger, and just enough.
struct Asks {
    phase: &'static str,
    trigger: &'static str,
    short: fn(&mut Scenario),
    more: fn(&mut Scenario),
}

fn alerts(s: &Scenario, n: usize) {
    (0..n).for_each(|index| s.brief_alert(&format!("{}-{index}", s.elapsed())));
}

/// Hits of 100 for 40 minutes.
fn cache(s: &mut Scenario, hits: u64) {
    s.traffic.hits = hits;
    s.advance(Span::minutes(40));
}

const ASKS: [Asks; 11] = [
    Asks {
        phase: "ten_percent",
        trigger: "alerts_persisting",
        short: |s| alerts(s, 2),
        more: |s| alerts(s, 1),
    },
    Asks {
        phase: "fifty_percent",
        trigger: "alerts_persisting",
        short: |s| alerts(s, 1),
        more: |s| alerts(s, 1),
    },
    Asks { phase: "ten_percent", trigger: "cache_cold", short: |s| cache(s, 50), more: |s| cache(s, 49) },
    Asks { phase: "fifty_percent", trigger: "cache_cold", short: |s| cache(s, 60), more: |s| cache(s, 59) },
    Asks {
        phase: "ten_percent",
        trigger: "complaints",
        short: |s| s.count("user_complaints", 5),
        more: |s| s.count("user_complaints", 1),
    },
    Asks {
        phase: "fifty_percent",
        trigger: "complaints",
        short: |s| s.count("user_complaints", 10),
        more: |s| s.count("user_complaints", 1),
    },
    Asks {
        phase: "hundred_percent",
        trigger: "complaints",
        short: |s| s.count("user_complaints", 20),
        more: |s| s.count("user_complaints", 1),
    },
    Asks {
        phase: "hundred_percent",
        trigger: "incidents",
        short: |s| s.count("critical_incidents", 2),
        more: |s| s.count("critical_incidents", 1),
    },
    Asks {
        phase: "hundred_percent",
        trigger: "corruption",
        short: |_| {},
        more: |s| s.count("data_corruption", 1),
    },
    Asks {
        phase: "hundred_percent",
        trigger: "long_alert",
        short: |s| {
            s.alert("long");
            s.advance(Span::hours(1) - Span::seconds(10));
        },
        more: |s| s.advance(Span::seconds(10)),
    },
    Asks {
        phase: "hundred_percent",
        trigger: "latency_degraded",
        short: |s| {
            // A day at 250 ms, from the second bad batch on.
            s.traffic.latency_ms = 250.0;
            s.coast(Span::days(1));
            s.advance(Span::seconds(10));
        },
        more: |s| s.advance(Span::minutes(2)),
    },
];

#[test]
fn r097_r098_r099_r100_r101_r103_every_manual_trigger_asks_at_its_limit_and_not_before() {
    for asks in &ASKS {
        let mut s = Scenario::in_phase(asks.phase);
        let before = s.shares();
        (asks.short)(&mut s);
        assert_eq!(proposed(&mut s), [""; 0], "{} in {}", asks.trigger, asks.phase);
        (asks.more)(&mut s);
        assert_eq!(proposed(&mut s), [asks.trigger], "in {}", asks.phase);
        s.advance(Span::minutes(1));
        assert_eq!(s.shares(), before);
        s.approve(EM, asks.trigger).unwrap();
        assert_eq!(s.status(), Status::RolledBack);
        assert_ne!(s.shares(), before);
    }
}

#[test]
fn r097_an_alert_of_four_hours_ago_counts_and_one_a_millisecond_older_does_not() {
    for (phase, limit) in [("ten_percent", 3), ("fifty_percent", 2)] {
        for (later, is_of_four_hours) in [(Span::ZERO, true), (Span(1), false)] {
            let mut s = Scenario::in_phase(phase);
            let before = s.shares();
            alerts(&s, 1);
            s.coast(Span::hours(4));
            s.pass(later);
            alerts(&s, limit - 1);
            if !is_of_four_hours {
                assert_eq!(proposed(&mut s), [""; 0], "{phase}");
                s.pass(Span(1));
                alerts(&s, 1);
            }
            assert_eq!(proposed(&mut s), ["alerts_persisting"], "{phase}");
            assert_eq!(s.shares(), before);
        }
    }
}

#[test]
fn r102_a_drop_of_the_promoters_against_the_baseline_asks() {
    for (phase, drop) in [("fifty_percent", 10.0), ("hundred_percent", 20.0)] {
        // Without a baseline nothing can be said.
        let mut s = Scenario::in_phase(phase);
        s.record_points(-100.0);
        s.traffic.nps = -100.0;
        s.advance(Span::minutes(5));
        assert_eq!(proposed(&mut s), [""; 0]);

        let mut s = Scenario::in_phase(phase);
        s.say("sre", Action::CaptureBaseline).unwrap();
        let captured: Vec<Record> = s.fresh();
        let nps = captured.iter().find(|record| record.text("metric") == "nps").unwrap();
        assert_eq!(nps.0["value"], 35.0);
        s.traffic.nps = 35.0 - drop;
        s.advance(Span::minutes(5));
        assert_eq!(proposed(&mut s), [""; 0], "{phase}");
        s.traffic.nps = 34.9 - drop;
        s.advance(Span::seconds(10));
        assert_eq!(proposed(&mut s), ["nps_drop"], "{phase}");
    }
}
