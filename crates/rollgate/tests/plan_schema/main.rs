//! The JSON Schema of the plan file: current, true to the compiler, and of use.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

mod generate;
mod places;
mod reference;
mod validate;

use std::path::{Path, PathBuf};

use rollgate::core::config::{Node, Scalar, Value as Tree};
use rollgate::read::{Format, tree};
use serde_json::Value;

use generate::schema;
use validate::Validator;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A tree as JSON, as an editor would see it.
fn json(node: &Node) -> Value {
    match &node.value {
        Tree::Scalar(Scalar::Null) => Value::Null,
        Tree::Scalar(Scalar::Bool(value)) => Value::Bool(*value),
        Tree::Scalar(Scalar::Number(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.clone().into())
        }
        Tree::Scalar(Scalar::Text(text)) => text.clone().into(),
        Tree::List(items) => items.iter().map(json).collect(),
        Tree::Map(entries) => {
            Value::Object(entries.iter().map(|(key, _, inner)| (key.clone(), json(inner))).collect())
        }
    }
}

fn plan(name: &str, format: Format) -> Node {
    tree(&std::fs::read_to_string(root().join("examples/plans").join(name)).unwrap(), format).unwrap()
}

/// Compares a committed file with what it should be, or writes it where that is asked.
fn check_committed(path: &str, current: &str) {
    let path = root().join(path);
    if std::env::var_os("ROLLGATE_WRITE_SCHEMA").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "{} is not current; run `cargo xtask schema`", path.display());
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let current = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    check_committed("schema/rollgate-plan.v1.json", &current);
}

#[test]
fn the_committed_reference_is_that_of_the_schema() {
    let examples = plan("every-key.yaml", Format::Yaml);
    check_committed(
        "crates/rollgate/src/docs/plan_reference.md",
        &reference::reference(&schema(), &examples),
    );
}

#[test]
fn the_schema_accepts_the_plans_in_all_their_forms() {
    let schema = schema();
    for (name, format) in [
        ("memory-system.yaml", Format::Yaml),
        ("memory-system.toml", Format::Toml),
        ("memory-system.json", Format::Json),
        ("every-key.yaml", Format::Yaml),
    ] {
        let problems = Validator::new(&schema).problems(&json(&plan(name, format)));
        assert!(problems.is_empty(), "{name}:\n{}", problems.join("\n"));
    }
}

const SMALL: &str = "\
version: 1
name: small
evaluate_every: 10s
flags: { A: {}, B: { within: A, share_of: total } }
metrics: { m: { kind: gauge, unit: MB } }
phases:
  - id: one
    duration: 1d
    steps: [ { set: { A: 10% } } ]
    gates: { g: { metric: m, stat: last, below: 5MB } }
    triggers: { t: { when: { metric: m, stat: last, above: 5MB }, rollback: { to: zero } } }
    decision: { roles: [r] }
notices: [ { when: completed, channels: [c], message: m } ]
";

#[test]
fn the_schema_refuses_broken_plans() {
    let schema = schema();
    let problems = |text: &str| Validator::new(&schema).problems(&json(&tree(text, Format::Yaml).unwrap()));
    assert_eq!(problems(SMALL), [""; 0]);
    for (right, wrong) in [
        ("version: 1", "version: 2"),
        ("version: 1\n", ""),
        ("name: small", "nane: small"),
        ("evaluate_every: 10s", "evaluate_every: 10"),
        ("evaluate_every: 10s", "evaluate_every: -10s"),
        ("duration: 1d", "duration: 1mo"),
        ("duration: 1d", "duration: soon"),
        ("A: {}", "A: { shared: 1% }"),
        ("A: {}", "A: { share: 2 }"),
        ("A: {}", "A: { share: 1 percent }"),
        ("A: {}", "A: { enabled: yes }"),
        (", share_of: total", ""),
        ("kind: gauge", "kind: gage"),
        ("kind: gauge, unit: MB", "kind: gauge"),
        ("unit: MB", "unit: apples"),
        ("set: { A: 10% }", "set: {}"),
        ("set: { A: 10% }", "hold: 1h"),
        ("stat: last, below: 5MB", "stat: latest, below: 5MB"),
        ("stat: last, below: 5MB", "stat: last"),
        ("stat: last, below: 5MB", "stat: last, below: 5MB, above: 1MB"),
        ("stat: last, below: 5MB", "stat: last, below: 5 apples"),
        ("metric: m, stat: last, below: 5MB", "shares: all_zero, phase_for: 1d"),
        ("metric: m, stat: last, below: 5MB", "alerts: critical, at_most: 1"),
        ("metric: m, stat: last, below: 5MB", "not: { shares: all_zero, stat: last }"),
        ("metric: m, stat: last, below: 5MB", "all: []"),
        ("above: 5MB }", "above: 5MB, dry_run: true }"),
        ("rollback: { to: zero }", "rollback: { to: zero, set: { A: 0% } }"),
        ("rollback: { to: zero }", "rollback: {}"),
        ("roles: [r]", "roles: []"),
        ("when: completed", "when: finished"),
        ("when: completed", "when: { before_end: 1h }"),
        ("channels: [c], ", ""),
    ] {
        assert!(SMALL.contains(right), "{right}");
        assert_ne!(problems(&SMALL.replacen(right, wrong, 1)), [""; 0], "`{wrong}` is accepted");
    }
}

/// Every key that is in the schema stands in the plan that claims to have every key.
#[test]
fn the_every_key_plan_has_every_key() {
    let schema = schema();
    let seen = places::walk(&schema, &plan("every-key.yaml", Format::Yaml));
    let mut missing = Vec::new();
    for (name, keys) in places::structs(&schema) {
        for key in keys {
            // A gate is a condition with one key more.
            let is_seen = |name: &str| seen.keys.contains(&(name.to_owned(), key.clone()));
            let is_condition = matches!(name.as_str(), "ConditionConfig" | "GateConfig");
            if !is_seen(&name) && !(is_condition && (is_seen("ConditionConfig") || is_seen("GateConfig"))) {
                missing.push(format!("{name}.{key}"));
            }
        }
    }
    // A share of its own is for files without phases.
    assert_eq!(missing, ["FlagConfig.share"]);
    assert_eq!(seen.forms.len(), 15, "each form of a condition stands in it: {:?}", seen.forms);
}

/// At every place: the schema and the compiler know the same keys, and both refuse any other.
#[test]
fn the_schema_and_the_compiler_know_the_same_keys_at_every_place() {
    let schema = schema();
    let plan = plan("every-key.yaml", Format::Yaml);
    let seen = places::walk(&schema, &plan);
    assert!(seen.maps.len() > 80, "{} maps", seen.maps.len());
    for map in &seen.maps {
        places::check(&schema, &plan, map);
    }
}
