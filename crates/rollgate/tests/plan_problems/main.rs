//! The problems that a plan can have: each is found, where it is, with its code.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

mod contradictions;
mod fleet;
mod hostile;
mod meaning;
mod requirements;
mod tables;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use regex::Regex;
use rollgate::core::compile::{Level, Problems, compile};
use rollgate::core::config::{Node, Scalar, Value};
use rollgate::read::{Format, ruleset, tree};

use tables::{PLAN, WARNED, broken};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_warning_is_given_where_it_belongs() {
    for (right, written, code, path) in WARNED {
        assert!(PLAN.contains(right), "{right}");
        let text = PLAN.replacen(right, written, 1);
        let warnings = match ruleset(&text, Format::Yaml) {
            Ok(compiled) => compiled.warnings,
            Err(problems) => panic!("`{written}` does not compile:\n{problems}"),
        };
        let found = warnings.iter().find(|problem| problem.code == *code && problem.path == *path);
        let Some(found) = found else {
            panic!("`{written}` gives\n{}\nand not {code} at {path}", Problems(warnings))
        };
        assert!(found.level == Level::Warning && found.line > 0 && found.help.is_some(), "{found}");
    }
}

#[test]
fn what_a_file_without_phases_does_not_read_is_named() {
    let text = "version: 1\nname: n\nflags: { A: {} }\nnotices: []\n";
    let warnings = ruleset(text, Format::Yaml).unwrap().warnings;
    assert_eq!((warnings[0].code, warnings[0].line, warnings[0].column), ("no-effect", 4, 1));
}

/// Between two neighbouring whole numbers lies nothing.
#[test]
fn counts_that_touch_leave_no_band() {
    for (at_most, at_least, code) in
        [(0, 1, None), (0, 2, Some("band-without-action")), (1, 1, Some("limits-overlap"))]
    {
        let text = PLAN.replacen("at_most: 0 }", &format!("at_most: {at_most} }}"), 1).replacen(
            "at_least: 1 }",
            &format!("at_least: {at_least} }}"),
            1,
        );
        let warnings = ruleset(&text, Format::Yaml).unwrap().warnings;
        let found = warnings.iter().find(|problem| problem.path == "phases[1].gates.crashes");
        assert_eq!(found.map(|problem| problem.code), code, "{at_most} {at_least}");
    }
}

/// Codes are a contract: each stands in a table, and none is in a table that the sources do not have.
#[test]
fn every_code_has_a_case() {
    let pattern = r#"(?s)(?:error|error_help|warn|refuse|unknown)\(\s*(?:reader,\s*)?"([a-z0-9-]+)""#;
    let pattern = Regex::new(pattern).unwrap();
    let mut sources = BTreeSet::new();
    for folder in ["crates/rollgate-core/src/compile", "crates/rollgate/src/read"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            sources.extend(pattern.captures_iter(text).map(|found| found[1].to_owned()));
        }
    }
    let cases: BTreeSet<String> = broken()
        .chain(WARNED)
        .map(|(_, _, code, _)| (*code).to_owned())
        // The second is of builds without a feature, which have a test of their own.
        .chain(["no-effect", "no-foreign-hash"].map(str::to_owned))
        .chain(hostile::CODES.iter().map(|code| (*code).to_owned()))
        .collect();
    assert!(sources.len() > 50, "{sources:?}");
    assert_eq!(sources.difference(&cases).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a case");
    assert_eq!(cases.difference(&sources).collect::<Vec<_>>(), Vec::<&String>::new(), "cases without a code");
}

/// How many named things the plan has that decide or are shown.
fn named(node: &Node) -> usize {
    let count = |node: Option<&Node>| match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries.len(),
        Some(Value::List(items)) => items.len(),
        _ => 0,
    };
    let phases = match node.field("phases").map(|node| &node.value) {
        Some(Value::List(phases)) => &phases[..],
        _ => &[],
    };
    let inside = phases.iter().map(|phase| {
        let of = |key| count(phase.field(key));
        1 + of("gates")
            + of("triggers")
            + of("steps")
            + of("checklist")
            + usize::from(phase.field("decision").is_some())
    });
    ["flags", "metrics", "baseline", "roles", "targets", "risks", "notices"]
        .iter()
        .map(|key| count(node.field(key)))
        .sum::<usize>()
        + inside.sum::<usize>()
}

fn compiled_named(compiled: &rollgate::core::snapshot::Ruleset) -> usize {
    let plan = compiled.plan.as_ref().unwrap();
    let inside = plan.phases.iter().map(|phase| {
        1 + phase.gates.len()
            + phase.triggers.len()
            + phase.steps.len()
            + phase.checklist.len()
            + usize::from(phase.decision.is_some())
    });
    compiled.flags.len()
        + compiled.metrics.len()
        + compiled.baselines.len()
        + compiled.roles.len()
        + plan.targets.len()
        + plan.risks.len()
        + plan.notices.len()
        + inside.sum::<usize>()
}

/// Every plan with one key or one item less, or with one of these in the place of a value.
fn damaged(node: &Node, with_values: &[Value]) -> Vec<Node> {
    let mut found = Vec::new();
    let with = |value: Value| Node { value, at: node.at };
    match &node.value {
        Value::Map(entries) => {
            for index in 0..entries.len() {
                let mut fewer = entries.clone();
                fewer.remove(index);
                found.push(with(Value::Map(fewer)));
                for inner in damaged(&entries[index].2, with_values) {
                    let mut other = entries.clone();
                    other[index].2 = inner;
                    found.push(with(Value::Map(other)));
                }
            }
        }
        Value::List(items) => {
            for index in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(index);
                found.push(with(Value::List(fewer)));
                for inner in damaged(&items[index], with_values) {
                    let mut other = items.clone();
                    other[index] = inner;
                    found.push(with(Value::List(other)));
                }
            }
        }
        Value::Scalar(_) => {}
    }
    found.extend(with_values.iter().cloned().map(with));
    found
}

/// A gate that is not understood and not there would be a false pass.
#[test]
fn nothing_that_is_not_understood_is_left_out_in_silence() {
    let text = std::fs::read_to_string(root().join("examples/plans/every-key.yaml")).unwrap();
    let plan = tree(&text, Format::Yaml).unwrap();
    let texts = [
        "",
        "zzz",
        "0",
        "1",
        "-1",
        "1.0",
        "NaN",
        "1e400",
        "50%",
        "1ms",
        "99999999999999999999d",
        "open",
        "zero",
        "lead",
    ];
    let mut values: Vec<Value> =
        texts.iter().map(|text| Value::Scalar(Scalar::Text((*text).into()))).collect();
    values.extend([
        Value::Scalar(Scalar::Null),
        Value::Scalar(Scalar::Bool(true)),
        Value::List(Vec::new()),
        Value::Map(Vec::new()),
    ]);
    let (mut refused, mut taken) = (0, 0);
    let is_map = |plan: &Node| matches!(plan.value, Value::Map(_));
    for plan in damaged(&plan, &values).into_iter().filter(is_map) {
        match compile(&plan) {
            Ok(compiled) => {
                taken += 1;
                assert_eq!(compiled_named(&compiled.ruleset), named(&plan), "{plan:?}");
                assert_eq!(compiled.ruleset.hash.as_str().len(), 32);
            }
            Err(problems) => {
                refused += 1;
                assert!(problems.has_error(), "refused without a reason");
                // What the compiler takes, the types take too; else the plan would have no fingerprint.
                let is_whole = |problem: &&rollgate::core::compile::Problem| {
                    problem.path.is_empty() && problem.code == "wrong-type"
                };
                assert_eq!(problems.0.iter().find(is_whole), None, "{plan:?}");
            }
        }
    }
    assert!(refused > 500 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn the_small_plan_is_right() {
    if let Err(problems) = ruleset(PLAN, Format::Yaml) {
        panic!("{problems}");
    }
}

#[test]
fn every_broken_plan_is_caught_where_it_is_broken() {
    for (right, wrong, code, path) in broken() {
        assert!(PLAN.contains(right), "{right}");
        let broken = PLAN.replacen(right, wrong, 1);
        let Err(problems) = ruleset(&broken, Format::Yaml) else { panic!("`{wrong}` compiles") };
        let found = problems.0.iter().find(|problem| problem.code == *code && problem.path == *path);
        let Some(problem) = found else { panic!("`{wrong}` gives\n{problems}\nand not {code} at `{path}`") };
        assert!(problem.line > 0 && problem.column > 0, "{problem}");
        assert!(problem.line as usize <= broken.lines().count() + 1, "{problem}");
        assert!(problem.help.is_some(), "nobody says how to mend it: {problem}");
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

/// What is missing in a value, and what is wrong with a name, stands at the name.
#[test]
fn a_missing_key_is_placed_at_the_name_of_what_lacks_it() {
    let text = "version: 1\nname: n\nflags:\n  A: {}\nmetrics:\n  m:\n\n    unit: ms\n";
    let problems = ruleset(text, Format::Yaml).unwrap_err();
    let problem = &problems.0[0];
    assert_eq!((problem.path.as_str(), problem.line, problem.column), ("metrics.m", 6, 3));
    let text = PLAN.replacen("set: { A: 50% }", "set: { Q: 50% }", 1);
    let (index, line) = text.lines().enumerate().find(|(_, line)| line.contains("Q: 50%")).unwrap();
    let problems = ruleset(&text, Format::Yaml).unwrap_err();
    let problem = problems.0.iter().find(|problem| problem.code == "unknown-flag").unwrap();
    assert_eq!((problem.line as usize, problem.column as usize), (index + 1, line.find("Q:").unwrap() + 1));
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
