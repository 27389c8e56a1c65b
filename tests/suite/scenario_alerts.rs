//! Triggers on alerts: how many, within how long, and which ones count.

use rollgate::core::snapshot::Severity;
use rollgate::core::time::Span;
use rollgate_tests::{EM, PM, Record, Scenario};

/// Phase, alerts within an hour, where to, and the shares there.
const STORMS: [(&str, usize, &str, [f64; 3]); 4] = [
    ("ten_percent", 5, "zero", [0.0, 0.0, 0.0]),
    ("fifty_percent", 3, "ten_percent", [10.0, 10.0, 0.0]),
    ("hundred_percent", 2, "fifty_percent", [50.0, 50.0, 10.0]),
    ("stabilization", 2, "fifty_percent", [50.0, 50.0, 10.0]),
];

fn storm_of(records: &[Record]) -> Option<&Record> {
    records.iter().find(|record| record.kind() == "trigger_fired" && record.text("trigger") == "alert_storm")
}

/// `n` alerts, each closed at once.
fn alerts(s: &Scenario, name: &str, n: usize) {
    (0..n).for_each(|index| s.brief_alert(&format!("{name}-{index}")));
}

#[test]
fn r088_r094_one_alert_fewer_is_no_storm_and_one_more_rolls_back_inside_the_call() {
    for (phase, limit, to, shares) in STORMS {
        let mut s = Scenario::in_phase(phase);
        let before = s.shares();
        alerts(&s, "a", limit - 1);
        s.advance(Span::minutes(20));
        let records = s.fresh();
        assert!(storm_of(&records).is_none(), "{phase}: {records:#?}");
        assert_eq!(s.shares(), before, "{phase}");
        // Off the grid of evaluations: the call itself lowers.
        s.pass(Span(3_123));
        let at = s.elapsed();
        s.alert("last");
        s.assert_shares(shares);
        let records = s.fresh();
        let kinds: Vec<&str> =
            records.iter().map(Record::kind).filter(|kind| *kind != "proposal_lapsed").collect();
        assert_eq!(
            kinds,
            ["alert_opened", "trigger_fired", "rolled_back", "shares_changed", "read_back"],
            "{phase}: {records:#?}"
        );
        assert!(records.iter().all(|record| record.at() == at), "{phase}: {records:#?}");
        let back = records.iter().find(|record| record.kind() == "rolled_back").unwrap();
        assert_eq!(back.text("to"), to, "{phase}");
        assert_eq!(back.texts("triggers"), ["alert_storm"], "{phase}");
        assert_eq!(back.all_shares("shares"), shares, "{phase}");
        assert_eq!(back.text("status"), "rolled_back", "{phase}");
    }
}

#[test]
fn r088_an_alert_of_an_hour_ago_counts_and_one_a_millisecond_older_does_not() {
    for (phase, limit, _, shares) in STORMS {
        let mut s = Scenario::in_phase(phase);
        alerts(&s, "old", 1);
        s.advance(Span::hours(1));
        alerts(&s, "new", limit - 1);
        s.assert_shares(shares);

        let mut s = Scenario::in_phase(phase);
        let before = s.shares();
        alerts(&s, "old", 1);
        s.advance(Span::hours(1));
        s.pass(Span(1));
        alerts(&s, "new", limit - 1);
        assert_eq!(s.shares(), before, "{phase}");
        assert!(storm_of(&s.fresh()).is_none());
        alerts(&s, "newer", 1);
        s.assert_shares(shares);
    }
}

#[test]
fn r054_an_open_alert_counts_once_and_other_severities_do_not_count() {
    let mut s = Scenario::in_phase("hundred_percent");
    (0..10).for_each(|_| s.alert("disk"));
    (0..10).for_each(|index| {
        s.engine.alerts().open_alert(Severity::Warning, &format!("w{index}")).unwrap();
    });
    s.advance(Span::minutes(5));
    assert!(storm_of(&s.fresh()).is_none());
    s.assert_shares([100.0; 3]);
    // Closed and opened again it is a new one.
    s.engine.alerts().close_alert("disk");
    s.alert("disk");
    s.assert_shares([50.0, 50.0, 10.0]);
}

#[test]
fn r054_an_alert_has_its_severity_and_the_times_at_which_it_opened_and_closed() {
    let mut s = Scenario::in_phase("hundred_percent");
    let alerts = s.engine.alerts();
    for (severity, name) in
        [(Severity::Critical, "critical"), (Severity::Warning, "warning"), (Severity::Info, "info")]
    {
        s.pass(Span(1_234));
        let opened = s.elapsed();
        alerts.open_alert(severity, name).unwrap();
        s.advance(Span::minutes(7));
        // Open already: neither a second one nor a later beginning.
        alerts.open_alert(severity, name).unwrap();
        s.pass(Span(321));
        let closed = s.elapsed();
        alerts.close_alert(name);
        alerts.close_alert(name);
        let records = s.expect(&["alert_opened", "alert_closed"]);
        for (record, at) in records.iter().zip([opened, closed]) {
            assert_eq!((record.text("severity"), record.text("id"), record.at()), (name, name, at));
        }
    }
}

#[test]
fn alerts_before_a_rollback_do_not_count_against_the_phase_it_fell_back_to() {
    // At 100 % two alerts roll back to 50 %, where three are needed. The two are of another exposure, although they
    // and what follows carry one time stamp.
    let mut s = Scenario::in_phase("hundred_percent");
    alerts(&s, "a", 2);
    s.assert_shares([50.0, 50.0, 10.0]);
    alerts(&s, "b", 2);
    s.advance(Span::minutes(2));
    s.assert_shares([50.0, 50.0, 10.0]);
    let records = s.fresh();
    assert_eq!(records.iter().filter(|record| record.kind() == "rolled_back").count(), 1, "{records:#?}");
    // The third one after the rollback is.
    alerts(&s, "c", 1);
    s.assert_shares([10.0, 10.0, 0.0]);
}

#[test]
fn r075_an_alert_in_the_quiet_time_keeps_the_gate_shut_for_exactly_so_long() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.look_away();
    s.coast(Span::days(7) - Span::hours(2));
    s.brief_alert("late");
    s.expect(&["alert_opened", "alert_closed"]);
    let records = s.wait_exactly(Span::hours(2));
    assert_eq!(records[0].kind(), "gates_failed");
    assert_eq!(records[0].open_gates(), ["quiet"]);
    assert_eq!(records[1].kind(), "awaiting_decision");
    // Four hours after it was closed, and not an evaluation before.
    let records = s.wait_exactly(Span::hours(2));
    assert_eq!(records.len(), 1, "{records:#?}");
    assert_eq!(records[0].kind(), "gates_passed");
    s.go(EM).unwrap();
    s.go(PM).unwrap();
    assert_eq!(s.phase(), "fifty_percent");
}
