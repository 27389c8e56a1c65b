//! Rules, variants, prerequisites, holdbacks and exclusive flags: the book `spec/evaluation.toml`, and what they promise.

use std::collections::HashMap;

use proptest::prelude::*;
use rollgate::Engine;
use rollgate::core::evaluate::{
    Attribute, Context, FlagRef, Served, Trail, Value, evaluate, evaluate_with, served,
};
use rollgate::core::snapshot::{FlagState, Snapshot};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};
use toml_edit::DocumentMut;

const BOOK: &str = include_str!("../spec/evaluation.toml");

fn engine(plan: &str) -> Engine {
    match Engine::builder().plan_text(plan, Format::Yaml) {
        Ok(builder) => builder.build().unwrap(),
        Err(error) => panic!("{error}"),
    }
}

fn json(value: Option<Value<'_>>) -> Option<String> {
    value.map(|value| match value {
        Value::Boolean(value) => value.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Number(number) => number.to_string(),
        Value::Json(text) => text.to_owned(),
    })
}

fn attribute(value: &toml_edit::Value) -> Attribute<'_> {
    match value {
        toml_edit::Value::String(text) => Attribute::Text(text.value()),
        toml_edit::Value::Integer(number) => Attribute::Number(*number.value() as f64),
        toml_edit::Value::Boolean(value) => Attribute::Bool(*value.value()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_case_of_the_book_gives_what_it_says() {
    let book: DocumentMut = BOOK.parse().unwrap();
    let mut cases = 0;
    for plan in book["plan"].as_array_of_tables().unwrap() {
        let engine = engine(plan["text"].as_str().unwrap());
        for case in plan["case"].as_array().unwrap() {
            let case = case.as_inline_table().unwrap();
            let text = |key: &str| case.get(key).and_then(|value| value.as_str());
            let flag = text("flag").unwrap();
            let attributes: Vec<(&str, Attribute<'_>)> = case
                .get("attributes")
                .map(|table| {
                    table
                        .as_inline_table()
                        .unwrap()
                        .iter()
                        .map(|(key, value)| (key, attribute(value)))
                        .collect()
                })
                .unwrap_or_default();
            let context = text("key").map_or(Context::empty(), Context::new).with_attributes(&attributes);
            let served = engine.serve(flag, &context);
            let evaluation = served.evaluation;
            let on = case["on"].as_bool();
            assert_eq!(evaluation.variant.map(|_| evaluation.is_on()), on, "{case:?}: {evaluation:?}");
            // The calls without a reason take another way.
            assert_eq!(engine.is_on_for(flag, &context), evaluation.is_on(), "{case:?}: {evaluation:?}");
            let reason = evaluation.error.map_or(evaluation.reason.name(), |code| code.name());
            assert_eq!(Some(reason), text("reason"), "{case:?}");
            assert_eq!(
                served.variant.map(|variant| variant.key.as_str()),
                text("variant"),
                "{case:?}: {served:?}"
            );
            if served.variant.is_some() || text("value").is_some() {
                assert_eq!(json(served.value()).as_deref(), text("value"), "{case:?}");
            }
            // One answer by every way that there is.
            assert_eq!(engine.flag(flag).serve(&context), served);
            assert_eq!(engine.snapshot().serve(flag, &context), served);
            if attributes.is_empty() {
                let key = text("key").unwrap_or_default();
                assert_eq!(engine.is_on(flag, key), on == Some(true), "{case:?}");
                assert_eq!(engine.flag(flag).is_on(key), on == Some(true), "{case:?}");
            }
            cases += 1;
        }
    }
    assert!(cases > 50, "{cases} cases");
}

#[test]
fn no_value_is_turned_into_one_of_another_type() {
    let engine = engine(
        "{ version: 1, name: n, flags: {
            S: { share: 100%, variants: { a: { value: \"1\" } } }, N: { share: 100%, variants: { a: { value: 1 } } },
            B: { share: 100% }, J: { share: 100%, type: json, variants: { a: { value: 1 } } }, OFF: { enabled: false } } }",
    );
    let asked = |flag: &str| {
        let served: Served<'_> = engine.serve(flag, &Context::new("u"));
        [
            served.boolean().map(|value| value.is_some()),
            served.string().map(|value| value.is_some()),
            served.number().map(|value| value.is_some()),
            served.json().map(|value| value.is_some()),
        ]
        .map(|outcome| outcome.map_err(|code| code.name()))
    };
    let wrong = Err("TYPE_MISMATCH");
    assert_eq!(asked("B"), [Ok(true), wrong, wrong, wrong]);
    assert_eq!(asked("S"), [wrong, Ok(true), wrong, wrong]);
    assert_eq!(asked("N"), [wrong, wrong, Ok(true), wrong]);
    assert_eq!(asked("J"), [wrong, wrong, wrong, Ok(true)]);
    assert_eq!(asked("OFF"), [Ok(false), wrong, wrong, wrong]);
    assert_eq!(asked("NONE"), [Err("FLAG_NOT_FOUND"); 4]);
}

#[test]
fn a_kill_and_an_operators_share_come_before_rules() {
    let plan = "{ version: 1, name: n, flags: {
        F: { share: 0%, default: b, variants: { a: { share: 100% }, b: {} }, rules: [ { serve: true } ] } } }";
    let first = Snapshot::initial(std::sync::Arc::new(ruleset(plan, Format::Yaml).unwrap().ruleset));
    let asked = |share: Share, is_killed: bool, is_overridden: bool| {
        let states = vec![FlagState { share, is_killed, is_overridden }].into();
        let snapshot = Snapshot { states, ..first.clone() };
        let evaluation = evaluate(&snapshot, FlagRef::Name("F"), &Context::new("user-1"));
        let variant = served(&snapshot.ruleset, snapshot.ruleset.flag_of("F"), evaluation).variant;
        (evaluation.is_on(), variant.map(|variant| variant.key.to_string()).unwrap_or_default())
    };
    let (on, off) = ((true, "a".to_owned()), (false, "b".to_owned()));
    assert_eq!(asked(Share::ZERO, false, false), on, "a share of 0 lets rules serve");
    assert_eq!(asked(Share::ZERO, false, true), off, "an operator's share decides before rules");
    assert_eq!(asked(Share::FULL, false, true), on);
    assert_eq!(asked(Share::FULL, true, false), off, "off serves the default variant");
    assert_eq!(asked(Share::FULL, true, true), off);
}

#[test]
fn of_exclusive_flags_a_subject_gets_at_most_one() {
    let engine = engine(
        "{ version: 1, name: n, exclusive: { tests: { A: 30%, B: 30%, C: 40% } },
            flags: { A: { share: 30% }, B: { share: 10% }, C: { share: 40%, rules: [ { when: { attribute: all, equals: true }, serve: true } ], always_on: [user-1, user-2, user-3, user-4] } } }",
    );
    let mut counts = HashMap::new();
    for user in 0..20_000 {
        let key = format!("user-{user}");
        let attributes = [("all", Attribute::Bool(true))];
        let context = Context::new(&key).with_attributes(&attributes);
        let on: Vec<&str> =
            ["A", "B", "C"].into_iter().filter(|flag| engine.evaluate(flag, &context).is_on()).collect();
        assert!(on.len() <= 1, "{key} gets {on:?}");
        *counts.entry(on.first().copied().unwrap_or("none")).or_insert(0_u32) += 1;
    }
    // 4.9 sigma of 20,000 subjects.
    for (flag, share) in [("A", 0.3), ("B", 0.1), ("C", 0.4), ("none", 0.2)] {
        let (found, expected) = (f64::from(counts[flag]), 20_000.0 * share);
        assert!(
            (found - expected).abs() < 4.9 * (expected * (1.0 - share)).sqrt(),
            "{flag}: {found} of {expected}"
        );
    }
    // Raising B within its range takes nobody from A or C, and takes nobody away from B.
    let b = |engine: &Engine| {
        (0..5_000).filter(|user| engine.is_on("B", &format!("user-{user}"))).collect::<Vec<_>>()
    };
    let before = b(&engine);
    engine.set_shares("on_call", &[("B", Share::from_ppm(900_000).unwrap())], "a test").unwrap();
    let after = b(&engine);
    assert!(before.iter().all(|user| after.contains(user)) && after.len() > before.len());
    assert!(
        !after.iter().any(|user| engine.is_on("A", &format!("user-{user}"))),
        "no share reaches beyond the range"
    );
}

#[test]
fn the_held_back_get_none_of_the_flags_and_are_one_set() {
    let engine = engine(
        "{ version: 1, name: n, holdbacks: { h: { share: 10% } },
            flags: { A: { share: 100%, holdback: h }, B: { share: 100%, holdback: h, bucketing: { salt: other } }, C: { share: 100% } } }",
    );
    let off = |flag: &str| {
        (0..10_000).filter(|user| !engine.is_on(flag, &format!("user-{user}"))).collect::<Vec<_>>()
    };
    assert_eq!(off("A"), off("B"));
    assert!((853..1_147).contains(&off("A").len()), "{} of 1,000", off("A").len());
    assert!(off("C").is_empty());
}

fn shares(parts: &[u32]) -> Vec<u32> {
    let total: u64 = parts.iter().map(|part| u64::from(*part)).sum::<u64>().max(1);
    let mut shares: Vec<u32> =
        parts.iter().map(|part| (u64::from(*part) * 1_000_000 / total) as u32).collect();
    let rest = 1_000_000 - shares.iter().sum::<u32>();
    shares[0] += rest;
    shares
}

fn plan_of(shares: &[u32]) -> String {
    let variants = shares
        .iter()
        .enumerate()
        .map(|(index, ppm)| format!("v{index}: {{ share: {} }}", Share::from_ppm(*ppm).unwrap()));
    format!(
        "{{ version: 1, name: n, flags: {{ F: {{ variants: {{ {} }} }} }} }}",
        variants.collect::<Vec<_>>().join(", ")
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// SEMANTICS 1.7: exactly half the sum of all differences moves, however often shares change.
    #[test]
    fn a_change_of_variants_moves_half_of_the_differences_and_nobody_else(
        ladder in prop::collection::vec(prop::collection::vec(0_u32..100, 4), 2..6),
    ) {
        let ladder: Vec<Vec<u32>> = ladder.iter().map(|parts| shares(parts)).collect();
        let of = |shares: &[u32]| {
            let compiled = ruleset(&plan_of(shares), Format::Yaml).unwrap().ruleset;
            compiled.flags[0].variants.clone().unwrap()
        };
        let mut before = of(&ladder[0]);
        for step in &ladder[1..] {
            let mut after = of(step);
            let split = after.recut_from(&before).unwrap();
            // The places where either has a border cut all buckets into pieces of one owner each.
            let old = before.split.as_ref().unwrap();
            let mut borders: Vec<u32> = old.ranges().iter().chain(split.ranges()).map(|range| range.end_ppm).collect();
            borders.sort_unstable();
            borders.dedup();
            let owner = |split: &rollgate::core::snapshot::VariantSplit, at: u32| {
                split.ranges().iter().find(|range| at < range.end_ppm).unwrap().variant
            };
            let (mut moved, mut from, mut had) = (0_u64, 0, HashMap::new());
            for to in borders {
                if owner(old, from) != owner(&split, from) {
                    moved += u64::from(to - from);
                }
                *had.entry(owner(&split, from).index()).or_insert(0) += to - from;
                from = to;
            }
            let differences = before.list.iter().zip(&after.list).map(|(a, b)| u64::from(a.share.ppm().abs_diff(b.share.ppm())));
            prop_assert_eq!(2 * moved, differences.sum::<u64>());
            for (index, share) in step.iter().enumerate() {
                prop_assert_eq!(had.get(&index).copied().unwrap_or(0), *share);
            }
            // And what the ranges say is what buckets get.
            for range in split.ranges() {
                let last = u32::try_from(range.end - 1).unwrap();
                prop_assert_eq!(split.pick(last), Some(range.variant));
            }
            after.split = Some(split);
            before = after;
        }
    }
}

#[test]
fn an_explanation_names_the_rule_the_condition_and_the_bucket() {
    let plan = "
version: 1
name: n
conditions: { eu: { attribute: country, in: [DE, AT] } }
holdbacks: { winter: { share: 5% } }
flags:
  BASE: { share: 100% }
  F:
    share: 0%
    prerequisites: { BASE: true }
    holdback: winter
    variants: { small: { value: 1, share: 50% }, large: { value: 2, share: 50% } }
    rules:
      - { name: staff, when: { attribute: email, ends_with: \"@example.com\" }, serve: large }
      - { when: { all: [ { condition: eu }, { attribute: app, version_at_least: 2.1.0 } ] }, share: 50% }
";
    let snapshot = Snapshot::initial(std::sync::Arc::new(ruleset(plan, Format::Yaml).unwrap().ruleset));
    let attributes = [("country", Attribute::Text("DE")), ("app", Attribute::Text("2.3.0"))];
    let context = Context::new("user-1").with_attributes(&attributes);
    let mut trail = Trail::default();
    evaluate_with(&snapshot, FlagRef::Name("F"), &context, &mut trail);
    let expected = include_str!("../spec/explain.txt");
    assert_eq!(trail.0.join("\n").trim_end(), expected.trim_end());
}
