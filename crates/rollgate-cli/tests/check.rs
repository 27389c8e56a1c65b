//! `rollgate check` as scripts and people call it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/memory-system.yaml");
const WARNINGS: &str = include_str!("../../../tests/spec/memory-system.warnings.txt");

fn check(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollgate"))
        .arg("check")
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A plan file of this name with this in it.
fn file(name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path
}

const BROKEN: &str = "\
version: 1
name: broken
flags:
  USE_X: { share: 10%, enabled: yes }
metrics:
  latency: { knd: distribution, unit: ms }
";

#[test]
fn warnings_are_shown_to_people_and_exit_with_0() {
    let output = check(&[PLAN], &[]);
    let shown = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(output.stdout.is_empty(), "there is no data to print");
    let warnings = WARNINGS.lines().count();
    assert_eq!(shown.matches("warning[").count(), warnings);
    assert!(shown.ends_with(&format!("{PLAN}: no errors, {warnings} warnings\n")), "{shown}");
    assert!(!shown.contains('\x1b'), "a pipe is no terminal");
}

#[test]
fn strict_makes_errors_of_warnings() {
    let output = check(&[PLAN, "--strict"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stderr);
    let summary = format!(": {} errors, no warnings\n", WARNINGS.lines().count());
    assert!(shown.contains("error[incurable]") && shown.ends_with(&summary), "{shown}");
    let output = check(&[PLAN, "--strict", "--format", "json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let problems: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(problems.iter().all(|problem| problem["severity"] == "error"));
}

#[test]
fn a_problem_is_shown_with_its_line_a_caret_and_help() {
    let path = file("broken.yaml", BROKEN);
    let output = check(&[path.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1));
    let path = path.display();
    let expected = format!(
        "\
error[wrong-type]: expected true or false, found `yes`
 --> {path}:4:33  (flags.USE_X.enabled)
  |
4 |   USE_X: {{ share: 10%, enabled: yes }}
  |                                 ^^^
  = help: write true or false; yes, no, on and off are plain words here

error[missing-key]: metric `latency` has no kind
 --> {path}:6:3  (metrics.latency)
  |
6 |   latency: {{ knd: distribution, unit: ms }}
  |   ^^^^^^^
  = help: add `kind: distribution`, ratio, gauge, event or score

error[unknown-key]: unknown key `knd`
 --> {path}:6:14  (metrics.latency.knd)
  |
6 |   latency: {{ knd: distribution, unit: ms }}
  |              ^^^
  = help: did you mean `kind`?

{path}: 3 errors, no warnings
"
    );
    assert_eq!(text(&output.stderr), expected);
}

#[test]
fn json_is_one_array_on_standard_output() {
    let path = file("broken-json.yaml", BROKEN);
    let output = check(&[path.to_str().unwrap(), "--format", "json"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    let problems: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(problems.len(), 3);
    let expected = serde_json::json!({
        "code": "unknown-key", "severity": "error", "path": "metrics.latency.knd", "line": 6, "column": 14,
        "message": "unknown key `knd`", "hint": "did you mean `kind`?"
    });
    assert_eq!(problems[2], expected);
    let fine = file("fine.yaml", "version: 1\nname: fine\nflags: { USE_X: { share: 10% } }\n");
    let output = check(&[fine.to_str().unwrap(), "--format", "json"], &[]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), "[]\n"));
}

#[test]
fn colours_are_for_who_wants_them() {
    let path = file("broken-colour.yaml", BROKEN);
    let path = path.to_str().unwrap();
    let coloured = check(&[path], &[("CLICOLOR_FORCE", "1")]);
    assert!(
        text(&coloured.stderr).starts_with("\x1b[1;31merror[wrong-type]\x1b[0m"),
        "{}",
        text(&coloured.stderr)
    );
    let plain = check(&[path], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!text(&plain.stderr).contains('\x1b'));
    let json = check(&[path, "--format", "json"], &[("CLICOLOR_FORCE", "1")]);
    assert!(!text(&json.stdout).contains('\x1b'), "data has no colours");
}

#[test]
fn a_plan_that_cannot_be_read_exits_with_2_and_one_that_is_no_text_with_1() {
    let code = |path: &Path| check(&[path.to_str().unwrap()], &[]).status.code();
    assert_eq!(code(Path::new("no-such-plan.yaml")), Some(2));
    assert_eq!(code(&file("plan.txt", BROKEN)), Some(2));
    let output = check(&["no-such-plan.yaml"], &[]);
    assert!(text(&output.stderr).starts_with("error: no-such-plan.yaml: "), "{}", text(&output.stderr));
    assert_eq!(check(&[], &[]).status.code(), Some(2));
    for (name, content) in [
        ("empty.yaml", &b""[..]),
        ("latin1.toml", b"name = \"caf\xe9\"\n"),
        ("cut.json", b"{ \"version\": 1,"),
    ] {
        let path = file(name, content);
        let output = check(&[path.to_str().unwrap()], &[]);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", text(&output.stderr));
        assert!(text(&output.stderr).ends_with(": 1 error, no warnings\n"), "{}", text(&output.stderr));
    }
}

/// A plan is text from anywhere; what it holds does not reach the terminal as commands.
#[test]
fn control_characters_of_a_plan_are_not_printed() {
    let path = file(
        "escape.json",
        "{\"version\": 1, \"name\": \"n\", \"flags\": {\"A\": {\"enabled\": \"\\u001b[2J\"}}}",
    );
    let output = check(&[path.to_str().unwrap()], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains('\x1b'), "{:?}", text(&output.stderr));
    let path = file("escape.toml", b"version = 1\nname = \"n\"\nflags = { A = { enabled = '\x1b[2J' } }\n");
    assert!(!text(&check(&[path.to_str().unwrap()], &[]).stderr).contains('\x1b'));
}
