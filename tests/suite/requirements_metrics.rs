//! Every metric that the rollout plan names, from samples to the sentence on its row (R46-R58, R64, R65, R69, R70).

use rollgate::core::judge::{Cause, Finding, Verdict};
use rollgate::core::snapshot::MetricKind;
use rollgate::core::time::Span;
use rollgate_tests::{Bench, Scenario};

const DAY: Span = Span::days(1);

#[track_caller]
fn is(finding: &Finding, verdict: Verdict, value: f64, unit: &str) {
    let evidence = &finding.evidence[0];
    assert_eq!((finding.verdict, evidence.unit), (verdict, unit), "{}", finding.sentence);
    let found = evidence.value.unwrap();
    assert!((found - value).abs() <= value.abs() * 0.005 + 1e-9, "{}", finding.sentence);
}

/// A day of this, and what a row of the plan says at its end.
fn day(phase: &str, check: &str, feed: impl FnMut(&mut Bench)) -> Finding {
    let mut bench = Bench::of(phase);
    bench.pass(DAY, feed);
    bench.check(check)
}

#[test]
fn r046_the_p95_of_injection_database_and_search_comes_from_samples() {
    for (check, metric, limit) in [
        ("latency", "injection_latency", 200.0),
        ("db_latency", "db_query_latency", 50.0),
        ("rag_latency", "rag_search_latency", 1_000.0),
    ] {
        // One in ten is slow, so that the p95 is the slow one, and the mean is far from it.
        let of = |slow: f64| {
            day("ten_percent", check, move |bench| {
                bench.record(metric, 1.0, 9);
                bench.record(metric, slow, 1);
            })
        };
        is(&of(limit * 0.8), Verdict::Pass, limit * 0.8, "ms");
        is(&of(limit * 1.1), Verdict::Fail, limit * 1.1, "ms");
    }
}

#[test]
fn r047_the_error_rate_is_errors_over_requests() {
    let of =
        |failed| day("ten_percent", "errors", move |bench| bench.outcomes("request_errors", failed, 1_000));
    is(&of(3), Verdict::Pass, 0.3, "%");
    is(&of(5), Verdict::Fail, 0.5, "%");
    // No request is no error rate.
    let none = day("ten_percent", "errors", |bench| bench.outcomes("request_errors", 0, 0));
    assert_eq!(none.verdict, Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn r048_r052_sharing_events_and_errors_are_counted_by_the_minute() {
    let of = |errors, events| {
        let mut bench = Bench::of("hundred_percent");
        bench.pass(Span::hours(1), |bench| {
            bench.record("sharing_errors", 1.0, errors);
            bench.record("sharing_events", 1.0, events);
        });
        (bench.gate("sharing_errors"), bench.check("sharing_rate"))
    };
    let (errors, events) = of(2, 99);
    is(&errors, Verdict::Pass, 2.0, "/min");
    is(&events, Verdict::Pass, 99.0, "/min");
    let (errors, events) = of(3, 100);
    is(&errors, Verdict::Fail, 3.0, "/min");
    is(&events, Verdict::Fail, 100.0, "/min");
}

#[test]
fn r049_the_cache_hit_rate_is_hits_over_lookups() {
    let of = |hits| day("ten_percent", "cache", move |bench| bench.outcomes("cache_hits", hits, 100));
    is(&of(75), Verdict::Pass, 75.0, "%");
    // Within 5 % of its limit.
    is(&of(61), Verdict::Warn, 61.0, "%");
    is(&of(60), Verdict::Fail, 60.0, "%");
}

/// A plan around some rows: `targets` are judged, and the phase needs nothing.
fn rows(metrics: &str, targets: &str) -> Bench {
    Bench::of_text(&format!(
        "version: 1\nname: rows\nflags: {{ NEW: {{}} }}\nmetrics:\n{metrics}\nphases:\n  - id: all\n    duration: 14d\n    \
         steps: [ {{ set: {{ NEW: 50% }} }} ]\n    triggers: {{ storm: {{ when: {{ alerts: critical, within: 1h, \
         at_least: 3 }}, rollback: {{ to: zero }} }} }}\ntargets:\n{targets}\n"
    ))
}

#[test]
fn r050_the_heap_has_a_last_a_mean_and_a_largest_value() {
    let mut bench = rows(
        "  heap: { kind: gauge, unit: MB, good: down }",
        "  last: { metric: heap, stat: last, below: 500MB }\n  mean: { metric: heap, stat: mean, over: 1h, below: 500MB }\n  \
         max: { metric: heap, stat: max, over: 1h, below: 500MB }",
    );
    // Three quarters of the hour at 200 MB, one at 600 MB, and 300 MB at its end.
    bench.pass(Span::minutes(44), |bench| bench.record("heap", 200.0, 1));
    bench.pass(Span::minutes(15), |bench| bench.record("heap", 600.0, 1));
    bench.pass(Span::minutes(1), |bench| bench.record("heap", 300.0, 1));
    is(&bench.check("last"), Verdict::Pass, 300.0, "MB");
    is(&bench.check("mean"), Verdict::Pass, (44.0 * 200.0 + 15.0 * 600.0 + 300.0) / 60.0, "MB");
    is(&bench.check("max"), Verdict::Fail, 600.0, "MB");
}

#[test]
fn r051_overflows_are_counted_by_the_hour() {
    let of = |events: u64| {
        let mut minute = 0;
        day("ten_percent", "overflows", move |bench| {
            minute += 1;
            if minute % 60 == 0 {
                bench.record("context_overflows", 1.0, events);
            }
        })
    };
    is(&of(9), Verdict::Pass, 9.0, "/h");
    is(&of(10), Verdict::Fail, 10.0, "/h");
}

#[test]
fn r053_sessions_and_agent_tasks_succeed_by_part() {
    for (check, metric, good, bad) in
        [("sessions", "session_success", 998, 995), ("agent_tasks", "agent_task_success", 991, 990)]
    {
        let of = |trues| day("ten_percent", check, move |bench| bench.outcomes(metric, trues, 1_000));
        is(&of(good), Verdict::Pass, good as f64 / 10.0, "%");
        is(&of(bad), Verdict::Fail, bad as f64 / 10.0, "%");
    }
}

#[test]
fn r055_one_critical_incident_fails_its_gate_and_none_passes_it() {
    let mut bench = Bench::of("ten_percent");
    bench.pass(DAY, |_| {});
    is(&bench.gate("critical_incidents"), Verdict::Pass, 0.0, "count");
    bench.record("critical_incidents", 1.0, 1);
    is(&bench.gate("critical_incidents"), Verdict::Fail, 1.0, "count");
}

#[test]
fn r056_r078_a_rollback_counts_itself_and_fails_its_gate() {
    let mut bench = Bench::of("ten_percent");
    bench.pass(Span::days(7), |_| {});
    is(&bench.gate("no_rollbacks"), Verdict::Pass, 0.0, "count");
    bench.count_rollback();
    bench.pass(Span::minutes(10), |_| {});
    is(&bench.gate("no_rollbacks"), Verdict::Fail, 1.0, "count");
    // A week later it lies before the window.
    bench.pass(Span::days(7), |_| {});
    is(&bench.gate("no_rollbacks"), Verdict::Pass, 0.0, "count");
}

#[test]
fn r057_r101_complaints_are_counted_over_a_day_against_five_ten_and_twenty() {
    for (phase, limit) in [("ten_percent", 5), ("fifty_percent", 10), ("hundred_percent", 20)] {
        let mut bench = Bench::of(phase);
        bench.pass(DAY, |_| {});
        bench.record("user_complaints", 1.0, limit);
        is(&bench.trigger("complaints"), Verdict::Fail, limit as f64, "count");
        bench.record("user_complaints", 1.0, 1);
        is(&bench.trigger("complaints"), Verdict::Pass, limit as f64 + 1.0, "count");
        bench.pass(DAY + Span::minutes(1), |_| {});
        is(&bench.trigger("complaints"), Verdict::Fail, 0.0, "count");
    }
}

#[test]
fn r058_points_of_nps_are_pushed_from_outside_every_other_day() {
    let mut bench = Bench::of("fifty_percent");
    for points in [12.0, 25.0, 20.0, 34.0] {
        bench.record("nps", points, 1);
        bench.pass(Span::days(2), |_| {});
    }
    // The latest one counts.
    is(&bench.gate("nps"), Verdict::Pass, 34.0, "points");
    // Nobody pushes any more: 48h after the last it is silent, and soon too little of the week is covered.
    bench.pass(Span::days(2), |_| {});
    assert_eq!(bench.gate("nps").verdict, Verdict::Inconclusive(Cause::Coverage));
    bench.pass(Span::days(6), |_| {});
    assert_eq!(bench.gate("nps").verdict, Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn r064_windows_of_a_minute_and_of_two_weeks_stand_side_by_side_in_bounded_memory() {
    let stats = ["p95", "mean", "max", "count", "per_minute"];
    let targets: Vec<String> = ["1m", "14d"]
        .iter()
        .flat_map(|over| {
            stats.map(|stat| {
                let limit = if stat == "per_minute" {
                    "1000000000/min"
                } else if stat == "count" {
                    "1000000000"
                } else {
                    "1000000000ms"
                };
                format!("  {stat}_{over}: {{ metric: latency, stat: {stat}, over: {over}, below: {limit} }}")
            })
        })
        .chain(["  last: { metric: heap, stat: last, below: 900MB }".to_owned()])
        .collect();
    let metrics =
        "  latency: { kind: distribution, unit: ms }\n  heap: { kind: gauge, unit: MB, good: down }";
    let mut bench = rows(metrics, &targets.join("\n"));
    let feed = |value: f64| {
        move |bench: &mut Bench| {
            bench.record("latency", value, 200);
            bench.record("heap", value, 1);
        }
    };
    bench.pass(Span::days(7), feed(100.0));
    let half = bench.windows.memory_bytes();
    bench.pass(Span::days(7), feed(300.0));
    let whole = bench.windows.memory_bytes();
    let n = 14.0 * 1_440.0 * 200.0;
    for (over, p95, mean, max, count) in [("1m", 300.0, 300.0, 300.0, 200.0), ("14d", 300.0, 200.0, 300.0, n)]
    {
        for (stat, value, unit) in [
            ("p95", p95, "ms"),
            ("mean", mean, "ms"),
            ("max", max, "ms"),
            ("count", count, "count"),
            ("per_minute", 200.0, "/min"),
        ] {
            is(&bench.check(&format!("{stat}_{over}")), Verdict::Pass, value, unit);
        }
    }
    is(&bench.check("last"), Verdict::Pass, 300.0, "MB");
    // Four million samples: the second week needs only its hours.
    assert!(whole < half * 2 && whole < 4_000_000, "{half} bytes, then {whole}");
}

#[test]
fn r065_the_average_of_daily_p95s_is_not_the_p95_of_the_week_and_both_are_shown() {
    let mut bench = Bench::of("ten_percent");
    for day in 0..7 {
        // Six quiet and quick days, and one that is busy and slow.
        let (value, count) = if day == 3 { (600.0, 100) } else { (100.0, 1) };
        bench.pass(DAY, |bench| bench.record("injection_latency", value, count));
    }
    let finding = bench.gate("latency");
    is(&finding, Verdict::Pass, (6.0 * 100.0 + 600.0) / 7.0, "ms");
    let pooled = finding.evidence[0].pooled.unwrap();
    assert!((pooled - 600.0).abs() < 3.0, "{pooled}");
    assert!(finding.sentence.contains("pooled"), "{}", finding.sentence);
    // Without `averaged_by` the pooled one is what counts.
    let mut bench = rows(
        "  latency: { kind: distribution, unit: ms }",
        "  week: { metric: latency, stat: p95, over: 7d, below: 200ms }",
    );
    for day in 0..7 {
        let (value, count) = if day == 3 { (600.0, 100) } else { (100.0, 1) };
        bench.pass(DAY, |bench| bench.record("latency", value, count));
    }
    is(&bench.check("week"), Verdict::Fail, 600.0, "ms");
}

#[test]
fn r069_failed_connections_and_corruptions_are_events_of_which_one_is_enough() {
    for (phase, trigger, metric, kinds) in [
        (
            "ten_percent",
            "db_connections",
            "db_connection_failures",
            &["trigger_fired", "rolled_back", "shares_changed", "read_back"][..],
        ),
        ("hundred_percent", "corruption", "data_corruption", &["trigger_fired", "proposal"]),
    ] {
        // They are counted, one by one.
        let mut bench = Bench::of(phase);
        bench.pass(DAY, |_| {});
        is(&bench.trigger(trigger), Verdict::Fail, 0.0, "count");
        for events in 1..=3 {
            bench.record(metric, 1.0, 1);
            is(&bench.trigger(trigger), Verdict::Pass, f64::from(events), "count");
        }
        // What one of them leads to: a failed connection rolls back, a corruption asks.
        let mut s = Scenario::in_phase(phase);
        let before = s.shares();
        let of = s.engine.ruleset().metric_of(metric).unwrap();
        assert_eq!(s.engine.ruleset().metric(of).kind, MetricKind::Event);
        s.count(metric, 0);
        s.advance(Span::minutes(2));
        s.assert_nothing();
        s.count(metric, 1);
        let records = s.expect(kinds);
        assert_eq!(records[0].text("trigger"), trigger);
        assert_eq!(s.shares() == before, phase == "hundred_percent");
    }
}

#[test]
fn r070_lines_of_a_log_are_counted_like_any_event() {
    let mut bench = rows(
        "  log_warnings: { kind: event, good: down }\n  log_errors: { kind: event, good: down }",
        "  warnings: { metric: log_warnings, stat: per_minute, over: 10m, below: 5 }\n  errors: { metric: log_errors, \
         stat: count, over: 1h, at_most: 3 }",
    );
    let mut minute = 0;
    bench.pass(Span::hours(1), |bench| {
        minute += 1;
        bench.record("log_warnings", 1.0, 4);
        if minute % 20 == 0 {
            bench.record("log_errors", 1.0, 1);
        }
    });
    is(&bench.check("warnings"), Verdict::Pass, 4.0, "/min");
    is(&bench.check("errors"), Verdict::Pass, 3.0, "count");
    bench.record("log_errors", 1.0, 1);
    bench.pass(Span::minutes(10), |bench| bench.record("log_warnings", 1.0, 5));
    is(&bench.check("warnings"), Verdict::Fail, 5.0, "/min");
    is(&bench.check("errors"), Verdict::Fail, 4.0, "count");
}
