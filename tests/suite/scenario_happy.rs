//! The rollout that goes well: five phases, every share, every wait.

use std::collections::HashSet;

use rollgate::core::decide::{Action, Status};
use rollgate::core::id::Key;
use rollgate::core::report::{Form, RowStatus, Section};
use rollgate::core::time::Span;
use rollgate_tests::{CTO, EM, PM, Record, Scenario};

const CHECKLIST: [&str; 9] = [
    "readiness_checklist",
    "migration_tested",
    "dashboards",
    "alerting",
    "rollback_tested",
    "training",
    "window",
    "stakeholders",
    "baselines",
];

/// Flags of 2 000 users: who had one keeps it, and nobody has the inner one without its parent.
#[derive(Default)]
struct Cohorts([HashSet<u32>; 3]);

impl Cohorts {
    fn grow(&mut self, s: &Scenario) {
        let flags = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];
        let now = flags.map(|flag| {
            (0..2_000).filter(|user| s.engine.is_on(flag, &format!("user-{user}"))).collect::<HashSet<u32>>()
        });
        for (before, now) in self.0.iter().zip(&now) {
            assert!(before.is_subset(now));
        }
        assert!(now[2].is_subset(&now[1]));
        self.0 = now;
    }
}

/// Two people say go; gives what the second one brought about.
#[track_caller]
fn both_go(s: &mut Scenario, kinds: &[&str]) -> Vec<Record> {
    s.go(EM).unwrap();
    s.expect(&["decided"]);
    s.go(PM).unwrap();
    s.expect(kinds)
}

#[track_caller]
fn step(records: &[Record], phase: &str, step: u64, shares: [f64; 3], at: Span) {
    let applied = records.iter().find(|record| record.kind() == "step_applied").unwrap();
    assert_eq!((applied.text("phase"), applied.0["step"].as_u64()), (phase, Some(step)));
    assert_eq!(applied.all_shares("shares"), shares);
    assert_eq!(applied.at(), at);
    let changed = records.iter().find(|record| record.kind() == "shares_changed").unwrap();
    assert_eq!(changed.0["cause"], serde_json::json!({ "kind": "step", "name": step.to_string() }));
    assert_eq!(changed.at(), at);
    let proof = records.iter().find(|record| record.kind() == "read_back").unwrap();
    assert_eq!(proof.0["ok"], true);
}

fn pre_deployment(s: &mut Scenario) {
    s.assert_stands(Status::Pending, "", [0.0; 3]);
    s.traffic.nps = 20.0;
    s.start();
    s.expect(&["started", "phase_started"]);
    s.assert_stands(Status::Running, "pre_deployment", [0.0; 3]);
    for item in &CHECKLIST[..8] {
        s.say("on_call", Action::Check { item: Key::new(*item) }).unwrap();
    }
    s.expect(&["checked"; 8]);
    for (item, of) in
        [("unit_tests_passed", 44), ("integration_tests_passed", 15), ("performance_tests_passed", 6)]
    {
        let passed = Some((of, of));
        s.say(EM, Action::Attest { item: Key::new(item), is_true: true, passed }).unwrap();
    }
    s.attest(EM, "runbooks_accurate");
    s.expect(&["attested"; 4]);
    // Nobody is asked a moment before the week is over, and then at once, whatever the gates say.
    let records = s.wait_exactly(Span::days(7));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert!(["gates_failed", "gates_inconclusive"].contains(&kinds[0]), "{kinds:?}");
    assert_eq!(kinds[1..], ["awaiting_decision"]);
    assert_eq!(records[0].open_gates(), ["checklist_complete"]);
    assert_eq!(records[1].texts("roles"), [EM, PM]);
    assert_eq!(records[1].at(), Span::days(7));
    // Eight of nine are not enough.
    s.go(EM).unwrap();
    assert!(s.go(PM).unwrap_err().to_string().contains("8/9"));
    s.expect(&["decided", "decision_refused"]);
    s.say("sre", Action::Check { item: Key::new(CHECKLIST[8]) }).unwrap();
    s.go(PM).unwrap();
    let records = s.expect(&[
        "checked",
        "decided",
        "phase_passed",
        "phase_started",
        "baseline_captured",
        "baseline_captured",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
    let nps = records.iter().find(|record| record.text("metric") == "nps").unwrap();
    assert_eq!(nps.0["value"], 20.0);
    assert!(nps.0["n"].as_u64() > Some(1_000), "{}", nps.0);
    step(&records, "ten_percent", 1, [10.0, 10.0, 0.0], Span::days(7));
    let changed = &records[7];
    assert_eq!(
        (changed.shares("from"), changed.shares("to")),
        (
            vec![("USE_ENHANCED_INJECTION", 0.0), ("USE_HIERARCHICAL_TIERS", 0.0)],
            vec![("USE_ENHANCED_INJECTION", 10.0), ("USE_HIERARCHICAL_TIERS", 10.0)]
        )
    );
}

fn ten_percent(s: &mut Scenario) {
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    let records = s.wait_exactly(Span::days(7));
    assert_eq!(records[0].open_gates(), ["team_confident"]);
    assert_eq!(records[0].kind(), "gates_inconclusive");
    assert_eq!(records[1].kind(), "awaiting_decision");
    assert_eq!(records.len(), 2);
    s.assert_stands(Status::AwaitingDecision, "ten_percent", [10.0, 10.0, 0.0]);
    s.attest(EM, "team_confident");
    s.expect(&["attested"]);
    s.advance(Span::seconds(10));
    s.expect(&["gates_passed"]);
    let records = both_go(
        s,
        &["decided", "phase_passed", "phase_started", "step_applied", "shares_changed", "read_back"],
    );
    step(&records, "fifty_percent", 1, [25.0, 25.0, 0.0], s.elapsed());
}

fn fifty_percent(s: &mut Scenario, cohorts: &mut Cohorts) {
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    let records = s.wait_exactly(Span::minutes(30));
    step(&records, "fifty_percent", 2, [50.0, 50.0, 10.0], s.elapsed());
    s.assert_stands(Status::Running, "fifty_percent", [50.0, 50.0, 10.0]);
    cohorts.grow(s);
    // The duration runs from the first step.
    let records = s.wait_exactly(Span::days(7) - Span::minutes(30));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
    let records = both_go(
        s,
        &["decided", "phase_passed", "phase_started", "step_applied", "shares_changed", "read_back"],
    );
    step(&records, "hundred_percent", 1, [75.0, 75.0, 25.0], s.elapsed());
}

fn hundred_percent(s: &mut Scenario, cohorts: &mut Cohorts) {
    s.assert_stands(Status::Running, "hundred_percent", [75.0, 75.0, 25.0]);
    cohorts.grow(s);
    let records = s.wait_exactly(Span::minutes(30));
    step(&records, "hundred_percent", 2, [100.0, 100.0, 50.0], s.elapsed());
    s.assert_stands(Status::Running, "hundred_percent", [100.0, 100.0, 50.0]);
    cohorts.grow(s);
    let records = s.wait_exactly(Span::minutes(30));
    step(&records, "hundred_percent", 3, [100.0; 3], s.elapsed());
    assert_eq!(records[1].shares("to"), [("USE_CROSS_AGENT_SHARING", 100.0)]);
    s.assert_stands(Status::Running, "hundred_percent", [100.0; 3]);
    cohorts.grow(s);
    s.attest(EM, "team_confident");
    s.expect(&["attested"]);
    let records = s.wait_exactly(Span::days(14) - Span::hours(1));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
    // The CTO is recorded and not needed.
    s.go(CTO).unwrap();
    assert_eq!(s.expect(&["decided"])[0].text("role"), CTO);
    let records = both_go(s, &["decided", "phase_passed", "completed", "phase_started"]);
    assert!(records[1..].iter().all(|record| record.text("status") == "running"), "{records:#?}");
}

fn stabilization(s: &mut Scenario) {
    let from = s.elapsed();
    s.assert_stands(Status::Running, "stabilization", [100.0; 3]);
    s.advance(Span::seconds(10));
    let records = s.fresh();
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_ne!(records[0].kind(), "gates_passed");
    s.attest(EM, "remove_legacy_consensus");
    s.expect(&["attested"]);
    s.advance(Span::seconds(50));
    let records = s.wait_exactly(Span::days(14) - Span::minutes(1));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "awaiting_decision"], "{records:#?}");
    assert_eq!(records[1].at(), from + Span::days(14));
    s.go(EM).unwrap();
    let records = s.expect(&["decided", "phase_passed"]);
    assert_eq!(records[1].text("status"), "completed");
    s.assert_stands(Status::Completed, "stabilization", [100.0; 3]);
}

#[test]
fn r001_r004_r020_r072_from_start_to_stabilisation_every_share_and_every_wait_is_exact() {
    let mut s = Scenario::open();
    let mut cohorts = Cohorts::default();
    pre_deployment(&mut s);
    cohorts.grow(&s);
    s.traffic.nps = 35.0;
    ten_percent(&mut s);
    cohorts.grow(&s);
    fifty_percent(&mut s, &mut cohorts);
    hundred_percent(&mut s, &mut cohorts);
    stabilization(&mut s);
    s.advance(Span::minutes(10));
    // Two quiet weeks, and the decision: the flags may go, and nothing else happens.
    assert_eq!(s.expect(&["removable"])[0].texts("flags").len(), 3);
    // The record of it all is whole, and nobody was ever exposed by anything but a step.
    let records = s.journal();
    let changes = records.iter().filter(|record| record.kind() == "shares_changed");
    assert!(changes.clone().all(|record| record.0["cause"]["kind"] == "step"));
    assert_eq!(changes.count(), 6);
    assert!(records.iter().filter(|record| record.kind() == "read_back").all(|proof| proof.0["ok"] == true));
    assert!(s.engine.scorecard(Form::Final).to_text().contains("Phase 4"));
}

#[test]
fn r002_an_open_phase_never_ends_by_itself() {
    let mut s = Scenario::in_phase("stabilization");
    s.coast(Span::days(15));
    s.assert_nothing();
    let card = s.engine.scorecard(Form::Phase);
    let open = card.rows.iter().filter(|row| row.section == Section::Gate && row.status != RowStatus::Pass);
    assert_eq!(open.map(|row| row.metric.as_str()).collect::<Vec<_>>(), ["team_consensus"]);
    s.assert_stands(Status::Running, "stabilization", [100.0; 3]);
    assert!(s.go(EM).is_err());
}

#[test]
fn r024_the_last_step_waits_until_it_is_stable() {
    let mut s = Scenario::entering("hundred_percent");
    s.coast(Span::minutes(59));
    s.look_away();
    // 90 errors in half an hour are 3 a minute, which is not below 3.
    s.count("sharing_errors", 90);
    s.coast(Span::minutes(29));
    s.assert_nothing();
    s.assert_stands(Status::Running, "hundred_percent", [100.0, 100.0, 50.0]);
    s.advance(Span::minutes(3));
    let records = s.expect(&["step_applied", "shares_changed", "read_back"]);
    assert!(records[0].at() > Span::minutes(89), "{}", records[0].at());
    assert!(records[0].at() <= Span::minutes(90), "{}", records[0].at());
    s.assert_stands(Status::Running, "hundred_percent", [100.0; 3]);
}

#[test]
fn r016_the_sharing_flag_lags_behind() {
    let s = Scenario::in_phase("ten_percent");
    s.assert_shares([10.0, 10.0, 0.0]);
    let mut s = Scenario::entering("fifty_percent");
    s.assert_shares([25.0, 25.0, 0.0]);
    s.advance(Span::minutes(30));
    s.assert_shares([50.0, 50.0, 10.0]);
    let mut s = Scenario::entering("hundred_percent");
    s.assert_shares([75.0, 75.0, 25.0]);
    s.advance(Span::minutes(30));
    s.assert_shares([100.0, 100.0, 50.0]);
    s.advance(Span::minutes(30));
    s.assert_shares([100.0; 3]);
}

#[test]
fn a_rollout_starts_once() {
    let mut s = Scenario::open();
    s.start();
    s.look_away();
    assert!(s.engine.start("on_call").unwrap_err().to_string().contains("already"));
    let records = s.expect(&["command_refused"]);
    assert_eq!((records[0].text("command"), records[0].text("by")), ("start", "on_call"));
}
