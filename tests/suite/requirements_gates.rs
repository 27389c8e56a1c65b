//! Gates as a whole, groups inside them, and triggers that last for hours (R72, R73, R79, R83, R84, R98-R100, R103, R105).

use rollgate::core::judge::{Cause, Finding, SetVerdict, Verdict, fold_set};
use rollgate::core::time::Span;
use rollgate_tests::{Bench, EM, Scenario};

const DAY: Span = Span::days(1);
const WEEK: Span = Span::days(7);

/// One minute of phase 1 as it should be.
fn good(bench: &mut Bench) {
    bench.record("injection_latency", 100.0, 100);
    bench.outcomes("request_errors", 0, 100);
    bench.outcomes("cache_hits", 80, 100);
    bench.record("heap_used", 200.0, 1);
}

fn set_of(findings: &[Finding]) -> SetVerdict {
    fold_set(findings.iter().map(|finding| finding.verdict))
}

fn bad(findings: &[Finding]) -> Vec<&str> {
    findings
        .iter()
        .filter(|finding| !finding.verdict.is_passing())
        .map(|finding| finding.key.as_str())
        .collect()
}

#[test]
fn r072_all_criteria_must_pass_and_any_one_keeps_the_set_from_passing() {
    let week = |spoil: &dyn Fn(&mut Bench), is_attested: bool| {
        let mut bench = Bench::of("ten_percent");
        if is_attested {
            bench.attest(EM, "team_confident");
        }
        bench.pass(WEEK - Span::hours(2), good);
        spoil(&mut bench);
        bench.pass(Span::hours(2), good);
        bench.gates()
    };
    let all = week(&|_| {}, true);
    assert_eq!((all.len(), set_of(&all)), (9, SetVerdict::Passed), "{all:#?}");
    let unattested = week(&|_| {}, false);
    assert_eq!((bad(&unattested), set_of(&unattested)), (vec!["team_confident"], SetVerdict::Inconclusive));
    type Spoil<'a> = (&'a str, &'a dyn Fn(&mut Bench));
    let spoils: [Spoil<'_>; 8] = [
        ("critical_incidents", &|bench| bench.record("critical_incidents", 1.0, 1)),
        ("quiet", &|bench| bench.alert("a")),
        ("latency", &|bench| bench.record("injection_latency", 9_000.0, 1_000_000)),
        ("errors", &|bench| bench.outcomes("request_errors", 100_000, 100_000)),
        ("cache", &|bench| bench.outcomes("cache_hits", 0, 1_000_000)),
        ("heap", &|bench| bench.record("heap_used", 600.0, 1)),
        ("no_rollbacks", &Bench::count_rollback),
        ("no_complaints", &|bench| bench.record("user_complaints", 1.0, 1)),
    ];
    for (gate, spoil) in spoils {
        let found = week(spoil, true);
        assert_eq!((bad(&found), set_of(&found)), (vec![gate], SetVerdict::Failed), "{gate}");
    }
}

#[test]
fn r073_a_criterion_says_its_verdict_actual_target_window_count_and_reason() {
    let mut bench = Bench::of("ten_percent");
    bench.pass(WEEK, good);
    let finding = bench.gate("errors");
    let evidence = &finding.evidence[0];
    assert_eq!(finding.verdict, Verdict::Pass);
    assert_eq!((finding.target.as_str(), finding.actual.as_str()), ("< 0.5% (7d)", "0%"));
    assert_eq!((evidence.window, evidence.n), (Some(WEEK), 7 * 1_440 * 100));
    assert_eq!((evidence.value, evidence.threshold), (Some(0.0), Some(0.5)));
    bench.outcomes("request_errors", 100_000, 100_000);
    bench.pass(Span::minutes(1), good);
    let finding = bench.gate("errors");
    assert_eq!(finding.verdict, Verdict::Fail);
    for part in ["request_errors", "over 7d", "9.0", "0.5%", "n=110"] {
        assert!(finding.sentence.contains(part), "{part} is not in {}", finding.sentence);
    }
    // Nothing was recorded: the reason stands where the number would.
    let finding = Bench::of("ten_percent").gate("cache");
    assert_eq!((finding.verdict, finding.cause), (Verdict::Inconclusive(Cause::NoData), Some(Cause::NoData)));
    assert!(finding.sentence.contains("no data") && finding.evidence[0].n == 0, "{}", finding.sentence);
}

#[test]
fn r079_either_a_score_or_its_change_is_enough() {
    // NPS > 0, or no worse than before.
    let fifty = |points: f64, before: Option<f64>| {
        let mut bench = Bench::of("fifty_percent");
        before.into_iter().for_each(|before| bench.baseline("nps", before));
        for _ in 0..7 {
            bench.record("nps", points, 1);
            bench.pass(DAY, |_| {});
        }
        bench.gate("nps").verdict
    };
    assert_eq!(fifty(1.0, None), Verdict::Pass);
    assert_eq!(fifty(1.0, Some(50.0)), Verdict::Pass);
    assert_eq!(fifty(-5.0, Some(-5.0)), Verdict::Pass);
    assert_eq!(fifty(-5.0, Some(-4.0)), Verdict::Fail);
    assert_eq!(fifty(0.0, None), Verdict::Inconclusive(Cause::NoBaseline));
    // NPS > 30, or ten points more than before.
    let hundred = |points: f64, before: f64| {
        let mut bench = Bench::of("hundred_percent");
        bench.baseline("nps", before);
        for _ in 0..7 {
            bench.record("nps", points, 1);
            bench.pass(DAY, |_| {});
        }
        bench.gate("satisfaction").verdict
    };
    assert_eq!(hundred(31.0, 31.0), Verdict::Pass);
    assert_eq!(hundred(30.0, 20.0), Verdict::Pass);
    assert_eq!(hundred(30.0, 21.0), Verdict::Fail);
}

#[test]
fn r083_groups_nest() {
    let gate = |latency: f64, errors: u64, heap: f64| {
        let mut bench = Bench::of_text(
            "
version: 1
name: nested
flags: { NEW: {} }
metrics:
  latency: { kind: distribution, unit: ms }
  errors: { kind: ratio, good: down }
  heap: { kind: gauge, unit: MB, good: down }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 50% } } ]
    gates:
      nested:
        all:
          - any:
              - { metric: latency, stat: p95, over: 10m, below: 200ms }
              - all:
                  - { metric: latency, stat: p95, over: 10m, below: 400ms }
                  - { not: { metric: errors, over: 10m, above: 0.1% } }
          - { metric: heap, stat: max, over: 10m, below: 500MB }
    triggers: { storm: { when: { alerts: critical, within: 1h, at_least: 3 }, rollback: { to: zero } } }
",
        );
        bench.pass(Span::minutes(10), |bench| {
            bench.record("latency", latency, 100);
            bench.outcomes("errors", errors, 100);
            bench.record("heap", heap, 1);
        });
        let finding = bench.gate("nested");
        assert_eq!(finding.evidence.len(), 4, "{}", finding.sentence);
        finding.verdict
    };
    assert_eq!(gate(100.0, 5, 300.0), Verdict::Pass);
    assert_eq!(gate(300.0, 0, 300.0), Verdict::Pass);
    assert_eq!(gate(300.0, 5, 300.0), Verdict::Fail);
    assert_eq!(gate(500.0, 0, 300.0), Verdict::Fail);
    assert_eq!(gate(100.0, 0, 600.0), Verdict::Fail);
}

#[test]
fn r084_capacity_is_what_there_is_and_how_fast_it_grows() {
    let gate = |size: f64, size_day: f64, entries: f64, entries_day: f64| {
        let mut bench = Bench::of("hundred_percent");
        let mut minutes = 0.0;
        bench.pass(WEEK, |bench| {
            let days = minutes / 1_440.0;
            minutes += 1.0;
            bench.record("database_size", size + size_day * days, 1);
            bench.record("vector_entries", entries + entries_day * days, 1);
        });
        bench.gate("capacity")
    };
    let fine = gate(100.0, 10.0, 1_000.0, 400.0);
    assert_eq!((fine.verdict, fine.evidence.len()), (Verdict::Pass, 4), "{}", fine.sentence);
    assert_eq!(gate(500.0, 0.0, 1_000.0, 0.0).verdict, Verdict::Fail);
    assert_eq!(gate(100.0, 0.0, 50_000.0, 0.0).verdict, Verdict::Fail);
    // Small still, and growing too fast.
    assert_eq!(gate(-400.0 + 450.0, 100.1 - 50.0, 1_000.0, 0.0).verdict, Verdict::Pass);
    let growing = gate(0.0, 71.0, 1_000.0, 5_001.0);
    assert_eq!(growing.verdict, Verdict::Fail, "{}", growing.sentence);
    let failed: Vec<bool> = growing.evidence.iter().map(|leaf| leaf.verdict == Verdict::Fail).collect();
    assert_eq!(failed, [false, false, false, true], "{}", growing.sentence);
}

#[test]
fn r098_one_alert_that_is_open_for_an_hour_proposes_a_rollback() {
    let mut bench = Bench::of("hundred_percent");
    bench.pass(Span::hours(2), |_| {});
    bench.alert("a");
    assert_eq!(bench.watch("long_alert", Span::minutes(59), |_| {}), None);
    bench.close("a");
    bench.alert("b");
    assert_eq!(bench.watch("long_alert", Span::hours(2), |_| {}), Some(Span::hours(1)));
    // It asks; it does not act.
    let mut scenario = Scenario::in_phase("hundred_percent");
    scenario.alert("c");
    scenario.advance(Span::minutes(61));
    let kinds: Vec<String> = scenario.fresh().iter().map(|record| record.kind().to_owned()).collect();
    assert!(
        kinds.contains(&"proposal".to_owned()) && !kinds.contains(&"rolled_back".to_owned()),
        "{kinds:?}"
    );
}

#[test]
fn r099_a_p95_above_200_ms_must_persist_for_more_than_a_day() {
    let mut bench = Bench::of("hundred_percent");
    let slow = |bench: &mut Bench| bench.record("injection_latency", 250.0, 100);
    let fired = bench.watch("latency_degraded", DAY + Span::hours(1), slow).unwrap();
    assert!((DAY..=DAY + Span::minutes(2)).contains(&fired), "{fired}");
    // Twenty minutes of health in between, and it begins anew.
    let mut bench = Bench::of("hundred_percent");
    assert_eq!(bench.watch("latency_degraded", Span::hours(23), slow), None);
    bench.watch("latency_degraded", Span::minutes(40), |bench| bench.record("injection_latency", 50.0, 100));
    assert_eq!(bench.watch("latency_degraded", Span::hours(23), slow), None);
    // Just 200 ms is not above.
    let mut bench = Bench::of("hundred_percent");
    let just = |bench: &mut Bench| bench.record("injection_latency", 200.0, 100);
    assert_eq!(bench.watch("latency_degraded", DAY + Span::hours(1), just), None);
}

#[test]
fn r100_a_cache_that_stays_cold_is_proposed_after_half_an_hour() {
    for (phase, limit) in [("ten_percent", 50), ("fifty_percent", 60)] {
        let cold = |hits| move |bench: &mut Bench| bench.outcomes("cache_hits", hits, 100);
        let mut bench = Bench::of(phase);
        let fired = bench.watch("cache_cold", Span::hours(1), cold(limit - 1)).unwrap();
        assert!((Span::minutes(30)..=Span::minutes(32)).contains(&fired), "{phase}: {fired}");
        assert_eq!(Bench::of(phase).watch("cache_cold", Span::hours(1), cold(limit)), None, "{phase}");
        let mut bench = Bench::of(phase);
        assert_eq!(bench.watch("cache_cold", Span::minutes(25), cold(limit - 1)), None);
        bench.watch("cache_cold", Span::minutes(20), cold(90));
        assert_eq!(bench.watch("cache_cold", Span::minutes(25), cold(limit - 1)), None);
    }
}

#[test]
fn r103_a_third_critical_incident_in_a_week_proposes_a_rollback() {
    let mut bench = Bench::of("hundred_percent");
    let one = |bench: &mut Bench| bench.record("critical_incidents", 1.0, 1);
    bench.pass(DAY, |_| {});
    for _ in 0..2 {
        one(&mut bench);
        bench.pass(DAY, |_| {});
        assert_eq!(bench.trigger("incidents").verdict, Verdict::Fail);
    }
    // The first two have left the week when the third comes, and then two more make three.
    bench.pass(WEEK, |_| {});
    one(&mut bench);
    assert_eq!(bench.trigger("incidents").verdict, Verdict::Fail);
    one(&mut bench);
    assert_eq!(bench.trigger("incidents").verdict, Verdict::Fail);
    one(&mut bench);
    assert_eq!(bench.trigger("incidents").verdict, Verdict::Pass);
}

#[test]
fn r105_a_trigger_carries_its_severity_into_its_records() {
    let plan = "
version: 1
name: severities
flags: { NEW: {} }
metrics: { crashes: { kind: event, good: down }, slow: { kind: event, good: down } }
roles: { lead: {} }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 50% } } ]
    gates: { time: { phase_for: 1h } }
    decision: { roles: [lead] }
    triggers:
      crash: { severity: critical, when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: zero } }
      slow: { mode: manual, severity: degraded, when: { metric: slow, stat: count, over: 1m, at_least: 1 }, rollback: { to: zero } }
      plain: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: zero } }
";
    let engine =
        rollgate::Engine::builder().plan_text(plan, rollgate::read::Format::Yaml).unwrap().build().unwrap();
    engine.start("on_call").unwrap();
    engine.metric("slow").unwrap().count(1);
    engine.metric("crashes").unwrap().count(1);
    let severity = |kind: &str, trigger: &str| {
        let journal = engine.journal_after(0).into_iter();
        let mut records = journal.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
        let found = records.find(|record| record["kind"] == kind && record["trigger"] == trigger);
        found.unwrap_or_else(|| panic!("no {kind} of {trigger}"))["severity"].clone()
    };
    assert_eq!(severity("trigger_fired", "crash"), "critical");
    assert_eq!(severity("trigger_fired", "slow"), "degraded");
    assert_eq!(severity("proposal", "slow"), "degraded");
    // Where the plan says nothing, neither do the records.
    assert!(severity("trigger_fired", "plain").is_null());
    let wrong = plan.replace("severity: critical", "severity: bad");
    let problems = rollgate::read::ruleset(&wrong, rollgate::read::Format::Yaml).unwrap_err().to_string();
    assert!(problems.contains("critical") && problems.contains("degraded"), "{problems}");
}
