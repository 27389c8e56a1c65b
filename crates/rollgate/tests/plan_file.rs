//! The example plan in its three forms, and its exact warnings.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rollgate::core::compile::{Compiled, Level, Problem};
use rollgate::read::plan_file;

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
