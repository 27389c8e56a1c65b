//! `rollgate import` as scripts and people call it.
#![allow(clippy::unwrap_used)] // A test may fail loudly.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn rollgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollgate")).args(arguments).env("COLUMNS", "200").output().unwrap()
}

fn file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

const UNLEASH: &str = r#"{ "version": 2, "features": [
  { "name": "search", "enabled": true, "description": "New: search", "strategies": [
    { "name": "flexibleRollout", "parameters": { "rollout": "50", "stickiness": "userId", "groupId": "AB12A" } } ] },
  { "name": "banner", "enabled": true, "impressionData": true, "strategies": [
    { "name": "default", "constraints": [ { "contextName": "country", "operator": "IN", "values": ["NO", "1.10", "yes"] } ] },
    { "name": "lunar", "parameters": { "phase": "full" } } ],
    "variants": [ { "name": "on", "weight": 1, "payload": { "type": "json", "value": "{\"a\": [\"1\", null]}" } },
                  { "name": "0x10", "weight": 1, "payload": { "type": "string", "value": "0x10" } } ] } ] }"#;

/// What comes out is a plan that `check` takes, in both forms, and `evaluate` answers by the functions of Unleash.
#[test]
fn an_imported_plan_is_checked_and_evaluated() {
    let source = file("import-unleash.json", UNLEASH);
    let mut answers = Vec::new();
    for (format, name) in [("yaml", "imported.yaml"), ("json", "imported.json")] {
        let output = rollgate(&["import", "unleash", &source, "--name", "from-unleash", "--format", format]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let plan = file(name, &output.stdout);
        let check = rollgate(&["check", &plan]);
        let said = text(&check.stderr);
        assert_eq!(check.status.code(), Some(0), "{said}\n{}", text(&output.stdout));
        assert!(said.contains("`strategy lunar` is no operator that rollgate knows"), "{said}");
        let keys = file("import-keys.txt", "122\n155\n");
        let output = rollgate(&["evaluate", &plan, "--flag", "search", "--share", "50%", "--keys", &keys]);
        let answer = text(&output.stdout).to_owned();
        // The cases of Unleash's own specification: 122 is in, 155 is not.
        assert!(
            answer.contains(r#"{"key":"122","on":true"#) && answer.contains(r#"{"key":"155","on":false"#),
            "{answer}"
        );
        answers.push((answer, fs::read_to_string(&plan).unwrap()));
    }
    assert_eq!(answers[0].0, answers[1].0);
    // What YAML could take for numbers and truth values is a text in both.
    let yaml = rollgate::read::config(&answers[0].1, rollgate::read::Format::Yaml).unwrap();
    let json = rollgate::read::config(&answers[1].1, rollgate::read::Format::Json).unwrap();
    assert_eq!(yaml, json);
    assert!(
        answers[0].1.starts_with("version: 1\nname: from-unleash\nflags:\n  search:\n"),
        "{}",
        answers[0].1
    );
}

/// What did not come over is a table on standard error, and an exit code for scripts that ask for it.
#[test]
fn what_did_not_come_over_is_listed() {
    let source = file("import-notes.json", UNLEASH);
    let output = rollgate(&["import", "unleash", &source]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("features[1].strategies[1].name") && said.contains("unknown operator"), "{said}");
    assert!(
        said.ends_with("2 flags; 1 not expressed, 1 changed, 1 unknown operator, 1 left out\n"),
        "{said}"
    );
    assert_eq!(rollgate(&["import", "unleash", &source, "--strict"]).status.code(), Some(1));
    let whole =
        r#"{ "flags": { "f": { "state": "ENABLED", "variants": { "a": 1 }, "defaultVariant": "a" } } }"#;
    let output = rollgate(&["import", "flagd", &file("import-whole.json", whole), "--strict"]);
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(0), "1 flag; everything came over as it was\n")
    );
}

/// JSON lets U+007F stand as it is, a plan file does not (found by fuzzing).
#[test]
fn both_formats_are_plans_whatever_characters_a_value_has() {
    let source = file(
        "delete.json",
        r#"{"flags":{"a":{"state":"ENABLED","variants":{"x":"de\u007flete\u0085\u2028\u0001"},"defaultVariant":"x"}}}"#,
    );
    for format in ["yaml", "json"] {
        let imported = rollgate(&["import", "flagd", &source, "--format", format]);
        let plan = file(&format!("delete-plan.{format}"), &imported.stdout);
        let checked = rollgate(&["check", &plan]);
        assert!(checked.status.success(), "{format}: {}", text(&checked.stderr));
    }
}

#[test]
fn a_file_can_come_from_standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollgate"))
        .args(["import", "launchdarkly", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{ "flagValues": { "f": true } }"#).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "version: 1\nname: launchdarkly\nflags:\n  f:\n    share: 100%\n");
}

/// Input that cannot be read exits with 2, and says what was expected.
#[test]
fn a_wrong_file_exits_with_2() {
    let flagd = file("import-wrong.json", r#"{ "flags": { "f": {} } }"#);
    for (arguments, expected) in [
        (
            ["import", "unleash", &flagd],
            "this has no list of features; expected what Unleash's client API gives",
        ),
        (["import", "growthbook", "no-such-file.json"], "no-such-file.json cannot be read"),
        (
            ["import", "flagd", "Cargo.toml"],
            "Cargo.toml: this is not JSON: expected value at line 1 column 2",
        ),
    ] {
        let output = rollgate(&arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(output.stdout.is_empty() && said.starts_with("error: ") && said.contains(expected), "{said}");
    }
}
