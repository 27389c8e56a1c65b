//! What the rollout document asks of the checker, by the numbers of its requirements.

use rollgate::Engine;
use rollgate::core::compile::Problem;
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};

use crate::tables::PLAN;

/// The problems of the small plan with this in the place of that; warnings too.
fn problems(right: &str, wrong: &str) -> Vec<Problem> {
    assert!(PLAN.contains(right), "{right}");
    match ruleset(&PLAN.replacen(right, wrong, 1), Format::Yaml) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems.0,
    }
}

fn codes(right: &str, wrong: &str) -> Vec<(&'static str, String)> {
    problems(right, wrong).into_iter().map(|problem| (problem.code, problem.path)).collect()
}

#[test]
fn r006_a_phase_goes_without_triggers_only_where_every_flag_is_at_zero() {
    let triggers = "    triggers:\n      slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }, rollback: { to: zero } }\n";
    let has = |codes: &[(&str, String)], code: &str, path: &str| {
        codes.iter().any(|(found, at)| *found == code && at == path)
    };
    // Nobody is exposed: nothing to roll back.
    let zero = PLAN.replace(triggers, "").replace("{ A: 10%, B: 5% }", "{ A: 0%, B: 0% }");
    let compiled = ruleset(&zero, Format::Yaml);
    // The phase behind it went back to it; with nothing lower there, that is the one problem left.
    let rest = compiled.map_or_else(|problems| problems.0, |compiled| compiled.warnings);
    assert!(!rest.iter().any(|problem| problem.path == "phases[0]"), "{rest:?}");
    // One flag at any share is enough.
    let one = codes(triggers, "");
    assert!(has(&one, "no-automatic-trigger", "phases[0]"), "{one:?}");
    // A phase that raises nothing keeps those who are exposed.
    let kept = "  - id: third\n    duration: open\n    gates: { time: { phase_for: 1d } }\nnotices:";
    assert!(has(&codes("notices:", kept), "no-trigger", "phases[2]"));
    let manual = kept.replace(
        "    gates",
        "    triggers: { crash: { mode: manual, when: { alerts: critical, within: 1h, at_least: 1 }, rollback: { to: zero } } }\n    gates",
    );
    let manual = codes("notices:", &manual);
    assert!(has(&manual, "only-manual-triggers", "phases[2]") && !has(&manual, "no-trigger", "phases[2]"));
    let automatic = kept.replace(
        "    gates",
        "    triggers: { crash: { when: { alerts: critical, within: 1h, at_least: 1 }, rollback: { to: zero } } }\n    gates",
    );
    assert!(!codes("notices:", &automatic).iter().any(|(_, path)| path == "phases[2]"));
}

/// 10 % within 50 % may be a tenth of all or a tenth of the half: 10 % or 5 % of everybody.
#[test]
fn r015_a_nested_share_says_what_it_is_a_share_of() {
    let refused = codes(", share_of: total }", " }");
    assert!(refused.contains(&("nested-without-share-of", "flags.B".to_owned())), "{refused:?}");
    let share = |share_of: &str| {
        let text = format!(
            "version: 1\nname: n\nflags:\n  A: {{ bucketing: {{ salt: s }}, share: 50% }}\n  B: {{ bucketing: {{ salt: {} }}, within: A, share_of: {share_of}, share: 10% }}\n",
            if share_of == "total" { "s" } else { "t" }
        );
        let engine = Engine::builder().plan_text(&text, Format::Yaml).unwrap().build().unwrap();
        let keys: Vec<String> = (0..20_000).map(|index| format!("user-{index}")).collect();
        assert!(keys.iter().all(|key| engine.is_on("A", key) || !engine.is_on("B", key)));
        keys.iter().filter(|key| engine.is_on("B", key)).count() as f64 / keys.len() as f64
    };
    let (total, parent) = (share("total"), share("parent"));
    // Four standard deviations of 20,000 draws.
    assert!((total - 0.10).abs() < 0.0085, "{total}");
    assert!((parent - 0.05).abs() < 0.0062, "{parent}");
    // A child of all subjects cannot be more than its parent is.
    let above = codes("{ A: 10%, B: 5% }", "{ A: 10%, B: 50% }");
    assert!(above.contains(&("child-above-parent", "phases[0].steps[0].set".to_owned())), "{above:?}");
}

#[test]
fn r017_zero_is_nobody_and_all_is_everybody_in_every_way_to_write_it() {
    let engine = |share: &str| {
        let text = format!("version: 1\nname: n\nflags: {{ A: {{ share: {share} }} }}\n");
        Engine::builder().plan_text(&text, Format::Yaml).unwrap().build().unwrap()
    };
    let on = |engine: &Engine| {
        let key = |index: u32| format!("{index}");
        (0..200_000).filter(|index| engine.is_on("A", &key(*index))).count()
    };
    for nobody in ["0%", "0", "0.0", "0.00", "0.000000", "'0.00%'"] {
        assert_eq!(on(&engine(nobody)), 0, "{nobody}");
    }
    for everybody in ["100%", "1.0", "1.00", "'100.0000%'"] {
        assert_eq!(on(&engine(everybody)), 200_000, "{everybody}");
    }
    // The smallest share there is lies between: it reaches somebody, and not everybody loses it at all but one step.
    assert_eq!(engine("0.0001%").shares()[0].1, Share::parse("0.000001").unwrap());
    assert!(on(&engine("99.9999%")) > 199_980);
    assert!(on(&engine("0.0001%")) < 20);
    // Whatever else is written is refused: a share between two of them would leak one way or the other.
    for wrong in ["1", "0.0000001", "100.0001%", "-0.0001%", "1e-1", "NaN", "nobody", "0,5"] {
        let text = format!("version: 1\nname: n\nflags: {{ A: {{ share: \"{wrong}\" }} }}\n");
        let problems = ruleset(&text, Format::Yaml).unwrap_err();
        assert_eq!(
            (problems.0[0].code, problems.0[0].path.as_str()),
            ("wrong-share", "flags.A.share"),
            "{wrong}"
        );
    }
}

#[test]
fn r063_every_metric_has_a_unit_and_a_limit_in_another_unit_does_not_compile() {
    let gate = "latency: { metric: latency, stat: p95, over: 1h, below: 200ms }";
    let with = |condition: &str| codes(gate, &format!("latency: {{ {condition} }}"));
    let limit = |what: &str| format!("phases[0].gates.latency.{what}");
    // In its own unit, or in another of its dimension.
    for right in [
        "metric: latency, stat: p95, over: 1h, below: 0.2s",
        "metric: errors, over: 1h, below: 0.5%",
        "metric: heap, stat: last, below: 1GB",
        "metric: heap, stat: last, below: 900MiB",
        "metric: heap, stat: growth_per_day, over: 12h, below: 100MB",
        "metric: crashes, stat: count, over: 1h, below: 3",
        "metric: crashes, stat: per_minute, over: 1h, below: 3/min",
        "metric: crashes, stat: per_hour, over: 1h, below: 3/h",
        "metric: nps, over: 1h, above: 30 points",
    ] {
        let found = problems(gate, &format!("latency: {{ {right} }}"));
        assert!(
            found.iter().all(|problem| problem.code != "wrong-unit" && problem.code != "missing-unit"),
            "{right}: {found:?}"
        );
        assert!(
            ruleset(&PLAN.replacen(gate, &format!("latency: {{ {right} }}"), 1), Format::Yaml).is_ok(),
            "{right}"
        );
    }
    for wrong in [
        "metric: latency, stat: p95, over: 1h, below: 200MB",
        "metric: latency, stat: p95, over: 1h, below: 200%",
        "metric: latency, stat: count, over: 1h, below: 200ms",
        "metric: errors, over: 1h, below: 5ms",
        "metric: errors, over: 1h, below: 5/min",
        "metric: heap, stat: last, below: 5s",
        "metric: heap, stat: growth_per_day, over: 12h, below: 5%",
        "metric: crashes, stat: count, over: 1h, below: 3%",
        "metric: crashes, stat: per_minute, over: 1h, below: 3MB",
        "metric: nps, over: 1h, below: 30%",
    ] {
        assert!(with(wrong).contains(&("wrong-unit", limit("below"))), "{wrong}: {:?}", with(wrong));
    }
    // What could be read in several units has to name one.
    for bare in [
        "metric: latency, stat: p95, over: 1h, below: 200",
        "metric: errors, over: 1h, below: 0.005",
        "metric: heap, stat: last, below: 500",
    ] {
        assert!(with(bare).contains(&("missing-unit", limit("below"))), "{bare}: {:?}", with(bare));
    }
    // And a metric whose unit does not follow from its kind has to be given one.
    for (kind, is_needed) in
        [("distribution", true), ("gauge", true), ("ratio", false), ("event", false), ("score", false)]
    {
        let found = codes("roles: {", &format!("  more: {{ kind: {kind} }}\nroles: {{"));
        assert_eq!(
            found.contains(&("missing-key", "metrics.more".to_owned())),
            is_needed,
            "{kind}: {found:?}"
        );
    }
}

#[test]
fn r104_words_without_numbers_do_not_compile_and_the_place_and_a_number_are_named() {
    let places = [
        ("for: 5m", "for", "phases[0].triggers.slow.when.for"),
        ("over: 1h", "over", "phases[0].gates.latency.over"),
        ("below: 200ms", "below", "phases[0].gates.latency.below"),
        ("above: 500ms", "above", "phases[0].triggers.slow.when.above"),
        ("quiet_for: 4h", "quiet_for", "phases[0].gates.quiet.quiet_for"),
        ("at_most: 0", "at_most", "phases[1].gates.crashes.at_most"),
        ("duration: 1d", "duration", "phases[0].duration"),
    ];
    for word in ["sustained", "persistent", "excessive", "reasonable", "instability", "\"a while\"", "soon"] {
        for (right, key, path) in places {
            let found = problems(right, &format!("{key}: {word}"));
            let Some(problem) = found.iter().find(|problem| problem.path == path) else {
                panic!("`{key}: {word}` passes: {found:?}")
            };
            let bare = word.trim_matches('"');
            assert!(problem.message.contains(&format!("`{bare}` says no number")), "{problem}");
            let help = problem.help.as_deref().unwrap_or_default();
            assert!(help.chars().any(|c| c.is_ascii_digit()), "no number is shown: {problem}");
        }
    }
    // Nor is there a number that stands for "sustained" where none is written: without `for` it acts at once.
    let compiled = ruleset(&PLAN.replacen(", for: 5m", "", 1), Format::Yaml).unwrap();
    let when = &compiled.ruleset.plan.as_ref().unwrap().phases[0].triggers[0].when;
    let rollgate::core::snapshot::ConditionKind::Measure(measure) = &when.kind else { panic!("{when:?}") };
    assert_eq!(measure.sustained, None);
}
