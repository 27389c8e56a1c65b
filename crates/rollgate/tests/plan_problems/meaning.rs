//! What is not written follows from what is.

use rollgate::core::snapshot::{Condition, ConditionKind};
use rollgate::read::{Format, ruleset};

use crate::tables::PLAN;

/// The first gate of the small plan, with this in place of its condition.
fn gate_of(condition: &str) -> Condition {
    let plan = PLAN.replacen("{ metric: latency, stat: p95, over: 1h, below: 200ms }", condition, 1);
    let compiled = ruleset(&plan, Format::Yaml).unwrap_or_else(|problems| panic!("{condition}: {problems}"));
    compiled.ruleset.plan.as_ref().unwrap().phases[0].gates[0].condition.clone()
}

/// The leaves, `only_if` left out.
fn leaves(condition: &Condition) -> Vec<&Condition> {
    match &condition.kind {
        ConditionKind::All(inner) | ConditionKind::Any(inner) | ConditionKind::AtLeastOf(_, inner) => {
            inner.iter().flat_map(leaves).collect()
        }
        ConditionKind::Not(inner) => leaves(inner),
        _ => vec![condition],
    }
}

#[test]
fn gates_over_an_hour_ask_for_coverage_and_what_a_group_says_goes_for_its_members() {
    let asked = |condition: &str| -> Vec<Option<f64>> {
        leaves(&gate_of(condition)).into_iter().map(|leaf| leaf.coverage).collect()
    };
    let latency = "metric: latency, stat: p95, below: 200ms";
    for (keys, expected) in [
        ("over: 1h", None),
        ("over: 3601s", Some(0.9)),
        ("over: phase", Some(0.9)),
        ("over: 1m, for: 1h", None),
        // What passes is all of the four hours.
        ("over: 1m, for: 4h", Some(0.9)),
        ("over: 7d, coverage: 50%", Some(0.5)),
        ("over: 1h, coverage: 50%", Some(0.5)),
    ] {
        assert_eq!(asked(&format!("{{ {latency}, {keys} }}")), [expected], "{keys}");
    }
    assert_eq!(asked("{ metric: heap, stat: last, below: 1GB }"), [None]);
    assert_eq!(asked("{ alerts: critical, within: 1h, at_most: 0 }"), [None]);
    assert_eq!(asked("{ alerts: critical, within: 2h, at_most: 0 }"), [Some(0.9)]);
    assert_eq!(asked("{ alerts: critical, quiet_for: 4h }"), [Some(0.9)]);
    assert_eq!(asked("{ metric: heap, trend: not_rising, over: 7d, tolerance: 5% }"), [Some(0.9)]);
    let group = format!(
        "{{ coverage: 99%, warn_within: 10%, all: [ {{ {latency}, over: 1h }}, {{ not: {{ {latency}, over: 7d }} }}, \
         {{ {latency}, over: 7d, coverage: 40%, warn_within: 20% }} ] }}"
    );
    assert_eq!(asked(&group), [Some(0.99), Some(0.99), Some(0.4)]);
    let warned: Vec<_> = leaves(&gate_of(&group)).into_iter().map(|leaf| leaf.warn_within).collect();
    assert_eq!(warned, [Some(0.1), Some(0.1), Some(0.2)]);
    // What is asked of the whole is not asked of its `only_if`, which has its own default.
    let only = format!("{{ coverage: 99%, only_if: {{ {latency}, over: 7d }}, {latency}, over: 7d }}");
    assert_eq!(gate_of(&only).only_if.unwrap().coverage, Some(0.9));
}

#[test]
fn samples_that_are_needed_follow_from_the_statistic() {
    let needed = |keys: &str| {
        let condition = gate_of(&format!("{{ {keys} }}"));
        let ConditionKind::Measure(measure) = condition.kind else { panic!("{keys}") };
        (measure.min_samples.count, measure.min_samples.is_given)
    };
    for (keys, count) in [
        ("metric: latency, stat: p50, over: 1h, below: 200ms", 20),
        ("metric: latency, stat: p90, over: 1h, below: 200ms", 100),
        ("metric: latency, stat: p95, over: 1h, below: 200ms", 200),
        ("metric: latency, stat: p99, over: 1h, below: 200ms", 1_000),
        ("metric: latency, stat: p99.9, over: 1h, below: 200ms", 10_000),
        ("metric: latency, stat: mean, over: 1h, below: 200ms", 10),
        ("metric: latency, stat: max, over: 1h, below: 200ms", 10),
        ("metric: latency, stat: count, over: 1h, at_least: 5", 1),
        ("metric: latency, stat: per_minute, over: 1h, at_least: 5", 1),
        ("metric: errors, over: 1h, below: 5%", 10),
        ("metric: errors, stat: count, over: 1h, at_least: 5", 1),
        ("metric: heap, stat: mean, over: 1h, below: 1GB", 1),
        ("metric: crashes, stat: count, over: 1h, at_most: 0", 0),
        ("metric: crashes, stat: per_hour, over: 1h, below: 3", 0),
    ] {
        assert_eq!(needed(keys), (count, false), "{keys}");
    }
    assert_eq!(needed("metric: errors, over: 1h, below: 5%, min_samples: 0"), (0, true));
}

#[test]
fn triggers_on_events_alerts_and_gauges_are_judged_at_once() {
    let is_at_once = |condition: &str| {
        let right = "{ metric: crashes, stat: count, over: 1m, at_least: 1 }";
        let compiled = ruleset(&PLAN.replacen(right, condition, 1), Format::Yaml);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{condition}: {problems}"));
        compiled.ruleset.plan.as_ref().unwrap().phases[1].triggers[0].is_at_once
    };
    for (condition, expected) in [
        ("{ metric: crashes, stat: count, over: 1m, at_least: 1 }", true),
        ("{ metric: heap, stat: last, above: 1GB }", true),
        ("{ alerts: critical, within: 1h, at_least: 3 }", true),
        ("{ not: { alerts: critical, within: 1h, below: 3 } }", true),
        (
            "{ only_if: { flag: B, share_above: 0% }, metric: crashes, stat: count, over: 1m, at_least: 1 }",
            true,
        ),
        ("{ all: [ { phase_for: 1h }, { metric: crashes, stat: count, over: 1m, at_least: 1 } ] }", true),
        ("{ metric: crashes, stat: count, over: 1m, at_least: 1, for: 5m }", false),
        ("{ metric: latency, stat: p95, over: 1m, above: 500ms }", false),
        (
            "{ any: [ { alerts: critical, within: 1h, at_least: 3 }, { metric: errors, over: 1m, above: 5% } ] }",
            false,
        ),
        ("{ metric: heap, trend: not_rising, over: 7d, tolerance: 5% }", false),
        ("{ phase_for: 1h }", false),
    ] {
        assert_eq!(is_at_once(condition), expected, "{condition}");
    }
}

/// What helps where a name is not known: the nearest, or all there are, and where one more is added.
#[test]
fn an_unknown_name_is_mended_where_names_are_listed() {
    let help = |plan: &str, path: &str| {
        let problems = ruleset(plan, Format::Yaml).unwrap_err();
        let found = problems.0.iter().find(|problem| problem.path == path);
        found.unwrap_or_else(|| panic!("{problems}")).help.clone().unwrap()
    };
    let metric = "phases[0].gates.latency.metric";
    let of = |name: &str| PLAN.replacen("{ metric: latency, stat", &format!("{{ metric: {name}, stat"), 1);
    assert_eq!(help(&of("latncy"), metric), "did you mean `latency`?");
    let all = "there are latency, errors, crashes, heap, nps, unsure; or add `zebra` to `metrics:`";
    assert_eq!(help(&of("zebra"), metric), all);
    // A plan without the section, and one with an empty section.
    let (before, rest) = PLAN.split_once("metrics:\n").unwrap();
    let after = &rest[rest.find("roles:").unwrap()..];
    for section in ["", "metrics:\n", "metrics: {}\n"] {
        let plan = format!("{before}{section}{after}");
        assert_eq!(help(&plan, metric), "add `latency` to `metrics:`", "{section:?}");
    }
    let role = |roles: &str| PLAN.replacen("roles: { lead: {}, ops: {} }", roles, 1);
    assert_eq!(help(&role("roles: {}"), "phases[0].decision.roles[0]"), "add `lead` to `roles:`");
    let one = "there is only `boss`; or add `lead` to `roles:`";
    assert_eq!(help(&role("roles: { boss: {} }"), "phases[0].decision.roles[0]"), one);
}

/// A limit in words is no number whatever its metric is: both are named in one run.
#[test]
fn a_limit_that_is_no_number_is_found_beside_a_metric_that_is_not_known() {
    let plan = PLAN.replacen(
        "{ metric: latency, stat: p95, over: 1h, below: 200ms }",
        "{ metric: zebra, stat: p95, over: 1h, below: degraded }",
        1,
    );
    let problems = ruleset(&plan, Format::Yaml).unwrap_err();
    let found: Vec<(&str, &str)> =
        problems.0.iter().map(|problem| (problem.code, problem.path.as_str())).collect();
    let expected = [
        ("unknown-metric", "phases[0].gates.latency.metric"),
        ("wrong-number", "phases[0].gates.latency.below"),
    ];
    assert_eq!(found, expected, "{problems}");
}
