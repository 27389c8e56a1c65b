//! The example plan in its three forms, its exact warnings, and the problems that a plan can have.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rollgate::core::compile::{Compiled, Level, Problem};
use rollgate::read::{Format, plan_file, ruleset};

/// The workspace, from this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn compiled(path: &Path) -> Compiled {
    match plan_file(path) {
        Ok(compiled) => compiled,
        Err(error) => panic!("{error}"),
    }
}

fn listed(problems: &[Problem]) -> String {
    let mut text = String::new();
    for problem in problems {
        writeln!(text, "{} {} | {}", problem.code, problem.path, problem.message).unwrap();
    }
    text
}

#[test]
fn yaml_toml_and_json_compile_to_one_ruleset() {
    let plans = root().join("examples/plans");
    let yaml = compiled(&plans.join("memory-system.yaml")).ruleset;
    assert_eq!(yaml, compiled(&plans.join("memory-system.toml")).ruleset);
    assert_eq!(yaml, compiled(&plans.join("memory-system.json")).ruleset);
    assert_eq!(yaml.hash.as_str().len(), 32);
}

#[test]
fn the_plan_as_its_authors_hold_it_compiles_to_the_same_ruleset() {
    let theirs = root().join("../shared/plans/memory-system.yaml");
    if !theirs.exists() {
        println!("note: {} is not here; the project's own copy is tested", theirs.display());
        return;
    }
    assert_eq!(
        compiled(&theirs).ruleset,
        compiled(&root().join("examples/plans/memory-system.yaml")).ruleset
    );
}

#[test]
fn the_warnings_of_the_memory_system_plan_are_these() {
    let compiled = compiled(&root().join("examples/plans/memory-system.yaml"));
    assert!(compiled.warnings.iter().all(|problem| problem.level == Level::Warning && problem.line > 0));
    assert_eq!(listed(&compiled.warnings), include_str!("../../../tests/spec/memory-system.warnings.txt"));
}

/// A small plan that is right; each case changes one thing.
const PLAN: &str = "\
version: 1
name: small
timezone: UTC
flags:
  A: { bucketing: { salt: s } }
  B: { bucketing: { salt: s }, within: A, share_of: total }
metrics:
  latency: { kind: distribution, unit: ms, arms: [A] }
  errors: { kind: ratio, good: down }
  crashes: { kind: event, good: down }
  heap: { kind: gauge, unit: MB }
roles: { lead: {}, ops: {} }
phases:
  - id: first
    duration: 1d
    steps: [ { set: { A: 10%, B: 5% } } ]
    gates:
      latency: { metric: latency, stat: p95, over: 1h, below: 200ms }
    triggers:
      slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }, rollback: { to: zero } }
    decision: { roles: [lead] }
  - id: second
    duration: 1d
    steps: [ { set: { A: 50% } } ]
    gates:
      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }
    triggers:
      crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }
notices:
  - { when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\" }
";

/// What is replaced, by what; the code and the path of the problem that follows.
const BROKEN: &[(&str, &str, &str, &str)] = &[
    ("version: 1", "version: 2", "wrong-version", "version"),
    ("name: small", "nane: small", "unknown-key", "nane"),
    ("name: small\n", "", "missing-key", ""),
    ("timezone: UTC", "timezone: Mars/Olympus", "unknown-zone", "timezone"),
    (
        "A: { bucketing: { salt: s } }",
        "A: { bucketing: { salt: s }, share: 10% }",
        "share-in-plan",
        "flags.A.share",
    ),
    (", share_of: total }", " }", "nested-without-share-of", "flags.B"),
    ("within: A, share_of: total", "share_of: total", "share-of-without-within", "flags.B"),
    ("within: A,", "within: X,", "unknown-flag", "flags.B.within"),
    ("within: A,", "within: B,", "within-cycle", "flags.B"),
    ("B: { bucketing: { salt: s }", "B: { bucketing: { salt: t }", "salts-differ", "flags.B.within"),
    ("kind: distribution, unit: ms", "kind: distributoin, unit: ms", "wrong-value", "metrics.latency.kind"),
    ("kind: distribution, unit: ms", "kind: distribution", "missing-key", "metrics.latency"),
    (
        "kind: distribution, unit: ms",
        "kind: distribution, unit: apples",
        "unknown-unit",
        "metrics.latency.unit",
    ),
    ("errors: { kind: ratio,", "errors: { kind: ratio, unit: ms,", "wrong-unit", "metrics.errors"),
    ("arms: [A]", "arms: [Z]", "unknown-flag", "metrics.latency.arms[0]"),
    ("id: second", "id: first", "duplicate-id", "phases[1].id"),
    ("id: second\n    duration: 1d", "id: second\n    duration: 1mo", "wrong-duration", "phases[1].duration"),
    ("id: first\n    duration: 1d", "id: first\n    duration: open", "unreachable-phase", "phases[1]"),
    ("set: { A: 50% }", "set: { A: 5% }", "share-falls", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: {}", "empty-set", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: { A: 1 }", "wrong-share", "phases[1].steps[0].set.A"),
    ("set: { A: 50% }", "set: { B: 60%, A: 50% }", "child-above-parent", "phases[1].steps[0].set"),
    ("set: { A: 50% }", "set: { Q: 50% }", "unknown-flag", "phases[1].steps[0].set.Q"),
    ("below: 200ms }", "below: 200MB }", "wrong-unit", "phases[0].gates.latency.below"),
    ("below: 200ms }", "below: 200 }", "missing-unit", "phases[0].gates.latency.below"),
    ("below: 200ms }", "below: 200ms, above: 1ms }", "two-comparisons", "phases[0].gates.latency"),
    (", below: 200ms }", " }", "no-comparison", "phases[0].gates.latency"),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latncy, stat: p95, over: 1h,",
        "unknown-metric",
        "phases[0].gates.latency.metric",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, over: 1h,",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, stat: last, over: 1h,",
        "wrong-stat",
        "phases[0].gates.latency.stat",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "metric: latency, stat: p95,",
        "missing-key",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95, over: 1h,",
        "stat: p95, over: 1h,",
        "no-subject",
        "phases[0].gates.latency",
    ),
    (
        "metric: latency, stat: p95,",
        "metric: latency, shares: all_zero,",
        "two-subjects",
        "phases[0].gates.latency",
    ),
    (
        "rollback: { to: first }",
        "rollback: { to: second }",
        "target-not-lower",
        "phases[1].triggers.crash.rollback.to",
    ),
    (
        "rollback: { to: first }",
        "rollback: { to: third }",
        "unknown-phase",
        "phases[1].triggers.crash.rollback.to",
    ),
    (
        "rollback: { to: first }",
        "rollback: { set: { A: 60% } }",
        "target-not-lower",
        "phases[1].triggers.crash.rollback.set",
    ),
    ("rollback: { to: first }", "rollback: {}", "missing-key", "phases[1].triggers.crash.rollback"),
    ("crash: { when:", "crash: { mode: manual, when:", "no-automatic-trigger", "phases[1]"),
    ("crash: { when:", "crash: { dry_run: true, when:", "no-automatic-trigger", "phases[1]"),
    (
        "decision: { roles: [lead] }",
        "decision: { roles: [boss] }",
        "unknown-role",
        "phases[0].decision.roles[0]",
    ),
    ("{next.title} follows", "{next.name} follows", "unknown-placeholder", "notices[0].message"),
    ("when: phase_passed", "when: completed", "unknown-placeholder", "notices[0].message"),
    ("name: small\n", "name: small\nname: again\n", "duplicate-key", "name"),
    ("name: small\n", "name: &anchor small\n", "unsupported", ""),
    ("  - id: second", "  - id: [second", "syntax", ""),
];

#[test]
fn the_small_plan_is_right() {
    if let Err(problems) = ruleset(PLAN, Format::Yaml) {
        panic!("{problems}");
    }
}

#[test]
fn every_broken_plan_is_caught_where_it_is_broken() {
    for (right, wrong, code, path) in BROKEN {
        assert!(PLAN.contains(right), "{right}");
        let broken = PLAN.replacen(right, wrong, 1);
        let Err(problems) = ruleset(&broken, Format::Yaml) else { panic!("`{wrong}` compiles") };
        let found = problems.0.iter().find(|problem| problem.code == *code && problem.path == *path);
        let Some(problem) = found else { panic!("`{wrong}` gives\n{problems}\nand not {code} at `{path}`") };
        assert!(problem.line > 0 && problem.column > 0, "{problem}");
        assert!(problem.line as usize <= broken.lines().count() + 1, "{problem}");
    }
}

#[test]
fn r104_words_without_numbers_do_not_compile() {
    let words = [
        ("for: 5m", "for: sustained"),
        ("below: 200ms }", "below: reasonable }"),
        ("over: 1h", "over: recently"),
    ];
    for (right, wrong) in words {
        assert!(ruleset(&PLAN.replacen(right, wrong, 1), Format::Yaml).is_err(), "{wrong}");
    }
}

#[test]
fn all_problems_are_found_in_one_pass_and_in_order() {
    let broken = PLAN
        .replace("timezone: UTC", "timezone: Mars")
        .replace("arms: [A]", "arms: [Z]")
        .replace("id: second", "id: first");
    let Err(problems) = ruleset(&broken, Format::Yaml) else { panic!("it compiles") };
    let codes: Vec<&str> = problems.0.iter().map(|problem| problem.code).collect();
    assert_eq!(codes[..2], ["unknown-zone", "unknown-flag"]);
    assert!(codes.contains(&"duplicate-id"));
    assert!(problems.0.is_sorted_by_key(|problem| problem.line));
}

#[test]
fn a_place_is_exact_in_every_format() {
    let place = |text: &str, format| match ruleset(text, format) {
        Err(problems) => {
            problems.0.iter().map(|problem| (problem.path.clone(), problem.line, problem.column)).collect()
        }
        Ok(_) => Vec::new(),
    };
    let at = |line, column| vec![("flags.A.enabled".to_owned(), line, column)];
    assert_eq!(place("version: 1\nname: n\nflags: { A: { enabled: maybe } }\n", Format::Yaml), at(3, 24));
    let json = "{\"version\": 1, \"name\": \"n\",\n\"flags\": {\"A\": {\n        \"enabled\":  \"maybe\"}}}";
    assert_eq!(place(json, Format::Json), at(3, 21));
    let toml = "version = 1\nname = \"n\"\n[flags.A]\nenabled = \"maybe\"\n";
    assert_eq!(place(toml, Format::Toml), at(4, 11));
}

#[test]
fn words_of_older_yaml_are_no_booleans() {
    let Err(problems) = ruleset("version: 1\nname: n\nflags: { A: { enabled: yes } }\n", Format::Yaml) else {
        panic!("`yes` is no boolean")
    };
    assert_eq!(problems.0[0].code, "wrong-type");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,200}") {
        for format in [Format::Yaml, Format::Toml, Format::Json] {
            let _ = ruleset(&text, format);
        }
    }

    #[test]
    fn a_damaged_plan_never_panics_and_every_problem_has_a_place(
        from in 0_usize..1_500, length in 0_usize..40, with in "[ a-z0-9:{}%,\\[\\]\n\"-]{0,12}",
    ) {
        let start = PLAN.char_indices().map(|(at, _)| at).nth(from).unwrap_or(PLAN.len());
        let end = PLAN.char_indices().map(|(at, _)| at).nth(from + length).unwrap_or(PLAN.len());
        let damaged = format!("{}{with}{}", &PLAN[..start], &PLAN[end..]);
        if let Err(problems) = ruleset(&damaged, Format::Yaml) {
            prop_assert!(!problems.0.is_empty());
            for problem in &problems.0 {
                prop_assert!(problem.line > 0, "{}", problem);
            }
        }
    }
}
