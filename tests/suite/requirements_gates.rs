//! Gates as a whole, groups inside them, and triggers that last for hours (R72, R73, R79, R83, R84, R98-R100, R103, R105).

use rollgate::core::judge::{Cause, Finding, SetVerdict, Verdict, fold_set};
use rollgate::core::time::Span;
use rollgate::core::units::Share;
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
fn r080_errors_of_sharing_are_asked_for_only_where_sharing_is_on() {
    let gate = |share: &str, errors: u64| {
        let mut bench = Bench::of("fifty_percent");
        bench.share = Share::parse(share).unwrap();
        bench.pass(Span::hours(2), |bench| bench.record("sharing_errors", 1.0, errors));
        bench.gate("sharing_errors").verdict
    };
    // Skipped whatever was counted: neither passed nor failed.
    assert_eq!((gate("0%", 0), gate("0%", 50)), (Verdict::Skipped, Verdict::Skipped));
    assert_eq!((gate("0.0001%", 2), gate("0.0001%", 3)), (Verdict::Pass, Verdict::Fail));
    assert_eq!((gate("10%", 2), gate("10%", 3)), (Verdict::Pass, Verdict::Fail));
    // Of a set, it counts neither way, and a set of nothing else has not passed.
    assert_eq!(fold_set([Verdict::Skipped, Verdict::Pass].into_iter()), SetVerdict::Passed);
    assert_ne!(fold_set([Verdict::Skipped].into_iter()), SetVerdict::Passed);
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

/// A week of phase 3: levels at its end, what they grow by a day until the last minute, and what is cleaned up then.
#[derive(Clone, Copy)]
struct Capacity {
    database: f64,
    database_day: f64,
    cleaned_up: f64,
    vectors: f64,
    vectors_day: f64,
    heap: f64,
}

/// What the capacity gate says of each of its parts, and what the gate on the heap says.
fn headroom(week: Capacity) -> ([Verdict; 4], Verdict) {
    let mut bench = Bench::of("hundred_percent");
    let mut minutes_left = WEEK.as_days() * 1_440.0;
    bench.pass(WEEK, |bench| {
        minutes_left -= 1.0;
        let days_left = minutes_left / 1_440.0;
        let uncleaned = if minutes_left > 0.0 { week.cleaned_up } else { 0.0 };
        bench.record("database_size", week.database + uncleaned - week.database_day * days_left, 1);
        bench.record("vector_entries", week.vectors - week.vectors_day * days_left, 1);
        bench.record("heap_used", week.heap, 1);
    });
    let gate = bench.gate("capacity");
    let parts: Vec<Verdict> = gate.evidence.iter().map(|leaf| leaf.verdict).collect();
    let is_any_bad = parts.contains(&Verdict::Fail);
    assert_eq!(gate.verdict, if is_any_bad { Verdict::Fail } else { Verdict::Pass }, "{}", gate.sentence);
    (parts.try_into().unwrap(), bench.gate("heap").verdict)
}

#[test]
fn r084_capacity_has_headroom_in_database_vectors_and_heap_and_any_one_without_it_fails() {
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);
    let fine = Capacity {
        database: 499.0,
        database_day: 10.0,
        cleaned_up: 0.0,
        vectors: 49_999.0,
        vectors_day: 400.0,
        heap: 499.0,
    };
    assert_eq!(headroom(fine), ([pass; 4], pass));
    // Each level at its limit, while the others have room and nothing grows too fast.
    assert_eq!(headroom(Capacity { database: 500.0, ..fine }), ([fail, pass, pass, pass], pass));
    assert_eq!(headroom(Capacity { vectors: 50_000.0, ..fine }), ([pass, fail, pass, pass], pass));
    assert_eq!(headroom(Capacity { heap: 500.0, ..fine }), ([pass; 4], fail));
    // Levels that have room, and grow by more than a day may bring: cleaned up a minute ago, so that it does not show.
    let full = Capacity { database: 100.0, cleaned_up: 600.0, ..fine };
    assert_eq!(headroom(Capacity { database_day: 99.0, ..full }), ([pass; 4], pass));
    assert_eq!(headroom(Capacity { database_day: 101.0, ..full }), ([pass, pass, fail, pass], pass));
    assert_eq!(headroom(Capacity { vectors_day: 4_999.0, ..fine }), ([pass; 4], pass));
    assert_eq!(headroom(Capacity { vectors_day: 5_001.0, ..fine }), ([pass, pass, pass, fail], pass));
}

/// What the gate on the heap of phase 1 says of its level and of its trend, after a week of this level by the day.
fn heap_of(level: impl Fn(f64) -> f64) -> [Verdict; 2] {
    let mut bench = Bench::of("ten_percent");
    let mut minutes = 0.0;
    bench.pass(WEEK, |bench| {
        bench.record("heap_used", level(minutes / 1_440.0), 1);
        minutes += 1.0;
    });
    let gate = bench.gate("heap");
    let parts: Vec<Verdict> = gate.evidence.iter().map(|leaf| leaf.verdict).collect();
    assert_eq!(
        gate.verdict == Verdict::Pass,
        parts.iter().all(|part| *part == Verdict::Pass),
        "{}",
        gate.sentence
    );
    parts.try_into().unwrap()
}

#[test]
fn r066_r067_a_heap_that_grows_by_more_than_its_tolerance_fails_and_one_that_swings_does_not() {
    let (pass, fail) = (Verdict::Pass, Verdict::Fail);
    let swing = |days: f64| 50.0 * (days * std::f64::consts::TAU).sin();
    assert_eq!(heap_of(|_| 200.0), [pass, pass]);
    assert_eq!(heap_of(|days| 200.0 + swing(days)), [pass, pass]);
    assert_eq!(heap_of(|days| 400.0 - 20.0 * days), [pass, pass]);
    // 5 % of the median may be: 8 MB are 3.9 % of 204, 12 MB are 5.8 % of 206.
    assert_eq!(heap_of(|days| 200.0 + 8.0 / 7.0 * days), [pass, pass]);
    assert_eq!(heap_of(|days| 200.0 + 12.0 / 7.0 * days), [pass, fail]);
    // A growth beneath the swings of the day is one all the same: its maxima rise.
    assert_eq!(heap_of(|days| 200.0 + swing(days) + 10.0 * days), [pass, fail]);
    // The level is asked beside it.
    assert_eq!(heap_of(|_| 499.0), [pass, pass]);
    assert_eq!(heap_of(|_| 500.0), [fail, pass]);
}

#[test]
fn r074_r077_each_phases_limits_are_kept_just_inside_and_not_at_them() {
    // Failed requests of 1 000, hits of 100.
    for (phase, errors, hits) in
        [("ten_percent", 5, 60), ("fifty_percent", 3, 70), ("hundred_percent", 1, 70)]
    {
        let week = |errors: u64, hits: u64, ms: [f64; 3], heap: f64| {
            let mut bench = Bench::of(phase);
            bench.pass(WEEK, |bench| {
                bench.outcomes("request_errors", errors, 100_000);
                bench.outcomes("cache_hits", hits, 1_000);
                for (metric, ms) in
                    ["injection_latency", "db_query_latency", "rag_search_latency"].iter().zip(ms)
                {
                    bench.record(metric, ms, 10);
                }
                bench.record("heap_used", heap, 1);
            });
            let mut gates = vec!["latency", "errors", "cache", "heap"];
            if phase == "hundred_percent" {
                gates.extend(["db_latency", "rag_latency"]);
            }
            gates.into_iter().map(|gate| bench.gate(gate).verdict).collect::<Vec<_>>()
        };
        let inside = week(errors * 100 - 1, hits * 10 + 1, [199.0, 49.0, 990.0], 499.0);
        assert!(inside.iter().all(|verdict| *verdict == Verdict::Pass), "{phase}: {inside:?}");
        let at = week(errors * 100, hits * 10, [200.0, 50.0, 1_000.0], 500.0);
        assert!(at.iter().all(|verdict| *verdict == Verdict::Fail), "{phase}: {at:?}");
    }
}

#[test]
fn r075_no_critical_alert_for_four_or_eight_hours_or_seven_days_by_phase() {
    for (phase, quiet) in
        [("ten_percent", Span::hours(4)), ("fifty_percent", Span::hours(8)), ("hundred_percent", WEEK)]
    {
        let mut bench = Bench::of(phase);
        let minute = Span::minutes(1);
        bench.pass(WEEK, |_| {});
        assert_eq!(bench.gate("quiet").verdict, Verdict::Pass, "{phase}");
        bench.alert("a");
        bench.pass(quiet + quiet, |_| {});
        assert_eq!(bench.gate("quiet").verdict, Verdict::Fail, "{phase}: open for long is not quiet");
        bench.close("a");
        bench.pass(quiet - minute, |_| {});
        assert_eq!(bench.gate("quiet").verdict, Verdict::Fail, "{phase}");
        bench.pass(minute, |_| {});
        assert_eq!(bench.gate("quiet").verdict, Verdict::Pass, "{phase}");
    }
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
fn r100_a_cache_below_50_or_60_percent_for_half_an_hour_proposes_a_rollback() {
    // In a window of five minutes at 80 %, two of nothing are below 50 %, and 80 s of it below 60 %.
    for (phase, limit, seen) in [("ten_percent", 50, 120), ("fifty_percent", 60, 80)] {
        let cold = |hits| move |bench: &mut Bench| bench.outcomes("cache_hits", hits, 100);
        let mut bench = Bench::of(phase);
        let fired = bench.watch("cache_cold", Span::hours(1), cold(limit - 1)).unwrap();
        assert!((Span::minutes(30)..=Span::minutes(32)).contains(&fired), "{phase}: {fired}");
        assert_eq!(Bench::of(phase).watch("cache_cold", Span::hours(1), cold(limit)), None, "{phase}");
        let mut bench = Bench::of(phase);
        assert_eq!(bench.watch("cache_cold", Span::minutes(25), cold(limit - 1)), None);
        bench.watch("cache_cold", Span::minutes(20), cold(90));
        assert_eq!(bench.watch("cache_cold", Span::minutes(25), cold(limit - 1)), None);
        // It asks, at that time and not an evaluation before, and does not act.
        let mut s = Scenario::in_phase(phase);
        s.advance(Span::minutes(5));
        let before = s.shares();
        let due = s.elapsed() + Span::seconds(seen) + Span::minutes(30);
        s.traffic.hits = 0;
        s.advance(due - s.elapsed() - Span::seconds(10));
        s.assert_nothing();
        s.advance(Span::seconds(10));
        let records = s.expect(&["trigger_fired", "proposal"]);
        assert_eq!((records[0].text("trigger"), records[0].text("mode")), ("cache_cold", "manual"));
        assert_eq!(records[1].at(), due, "{phase}");
        s.advance(Span::hours(2));
        s.assert_nothing();
        assert_eq!(s.shares(), before, "{phase}");
    }
}

#[test]
fn r103_more_than_two_critical_incidents_in_seven_days_propose_a_rollback() {
    // The third one, and which of those before it are still of the week.
    for (later, is_third_of_a_week) in [(Span::ZERO, true), (Span(1), false)] {
        let mut s = Scenario::in_phase("hundred_percent");
        let before = s.shares();
        s.count("critical_incidents", 1);
        s.coast(Span::days(3));
        s.count("critical_incidents", 1);
        s.coast(Span::days(4));
        s.pass(later);
        s.assert_nothing();
        s.count("critical_incidents", 1);
        if !is_third_of_a_week {
            // A millisecond later the first one is of the week before: two are not too many.
            s.assert_nothing();
            s.count("critical_incidents", 1);
        }
        let records = s.expect(&["trigger_fired", "proposal"]);
        assert_eq!((records[0].text("trigger"), records[0].text("mode")), ("incidents", "manual"));
        assert_eq!(records[1].0["finding"]["evidence"][0]["value"], 3.0);
        assert_eq!(s.shares(), before, "it asks, and does not act");
    }
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
