//! `rollgate evaluate` and `rollgate replay` as scripts call them: what is on which stream, and the exit codes.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/memory-system.yaml");

/// Runs the command with this on its standard input.
fn rollgate(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollgate"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments may end before it reads anything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Standard output as JSON lines, of a run that must succeed.
#[track_caller]
fn answers(arguments: &[&str], input: &[u8]) -> Vec<Value> {
    let output = rollgate(arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Exit code 2, with the reason on standard error only.
#[track_caller]
fn refuses(arguments: &[&str], input: &[u8], reason: &str) -> String {
    let output = rollgate(arguments, input);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains(reason), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_flag_is_at_0_percent_unless_a_share_is_given() {
    let answer = answers(&["evaluate", PLAN, "--flag", "USE_ENHANCED_INJECTION", "--key", "user-42"], b"");
    let expected = serde_json::json!({
        "key": "user-42", "on": false, "variant": "off", "reason": "STATIC", "bucket": 1_672_438_058_u32, "share": 0.0
    });
    assert_eq!(answer, [expected]);
}

#[test]
fn keys_come_from_a_file_one_answer_a_line() {
    let arguments = ["evaluate", PLAN, "--flag", "USE_ENHANCED_INJECTION", "--share", "50%", "--keys", "-"];
    let answers = answers(&arguments, "user-42\r\n\nключ\nlast".as_bytes());
    let keys: Vec<_> = answers.iter().map(|answer| answer["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["user-42", "", "ключ", "last"]);
    assert_eq!((&answers[0]["on"], &answers[0]["reason"]), (&Value::Bool(true), &Value::from("SPLIT")));
    assert_eq!((&answers[1]["variant"], &answers[1]["bucket"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&answers[1]["reason"], &answers[1]["error"]),
        (&"ERROR".into(), &"TARGETING_KEY_MISSING".into())
    );
}

#[test]
fn a_parents_share_is_set_beside_the_flags_own() {
    let child =
        ["evaluate", PLAN, "--flag", "USE_CROSS_AGENT_SHARING", "--share", "100%", "--key", "user-42"];
    let output = rollgate(&child, b"");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--set USE_HIERARCHICAL_TIERS=SHARE"));
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""on":false"#));
    let set = [&child[..], &["--set", "USE_HIERARCHICAL_TIERS=50%", "--explain"]].concat();
    let answer = &answers(&set, b"")[0];
    assert_eq!(answer["on"], Value::Bool(true));
    assert_eq!(answer["explain"][3], "inside USE_HIERARCHICAL_TIERS: on, go on");
}

#[test]
fn input_that_cannot_be_used_exits_with_2() {
    let flag = ["--flag", "USE_ENHANCED_INJECTION"];
    let evaluate = |plan, rest: &[&'static str]| [&["evaluate", plan], rest].concat();
    refuses(&evaluate("no-such.yaml", &[flag[0], flag[1], "--key", "a"]), b"", "no-such.yaml");
    refuses(&evaluate(PLAN, &["--flag", "USE_X", "--key", "a"]), b"", "it has USE_ENHANCED_INJECTION");
    refuses(&evaluate(PLAN, &[flag[0], flag[1], "--keys", "no-such"]), b"", "no-such cannot be read");
    let twice = [flag[0], flag[1], "--key", "a", "--share", "1%", "--set", "USE_ENHANCED_INJECTION=2%"];
    refuses(&evaluate(PLAN, &twice), b"", "two shares");
    let before =
        refuses(&evaluate(PLAN, &[flag[0], flag[1], "--keys", "-"]), b"a\n\xff\n", "standard input, line 2");
    assert_eq!(before.lines().count(), 1, "what stands before the bad line is answered");
}

const TRACE: &str = r#"{"at":"2026-01-13T09:00:00Z","live":"all"}
{"at":"2026-01-13T09:00:00Z","command":"start","by":"on_call"}
{"at":"2026-01-13T09:01:00Z","alert":"critical","id":"a1"}

{"at":"2026-01-13T09:02:00Z","command":"stop","by":"on_call","reason":"enough"}
"#;

#[test]
fn a_replay_writes_the_journal() {
    let records = answers(&["replay", PLAN, "--trace", "-"], TRACE.as_bytes());
    let kinds: Vec<_> = records.iter().map(|record| record["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["started", "phase_started", "alert_opened", "stopped"]);
    let until = ["replay", PLAN, "--trace", "-", "--until", "2026-01-13T09:01:30Z"];
    assert_eq!(answers(&until, TRACE.as_bytes()).len(), 3);
}

#[test]
fn a_scorecard_follows_the_journal() {
    let lines = answers(&["replay", PLAN, "--trace", "-", "--scorecard", "json"], TRACE.as_bytes());
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4]["overall"], "NOT YET");
    let text = rollgate(
        &["replay", PLAN, "--trace", "-", "--format", "text", "--scorecard", "md"],
        TRACE.as_bytes(),
    );
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.starts_with("2026-01-13 09:00:00  started by on_call\n"), "{text}");
    assert!(text.contains("\n| Metric | Target | Actual | Status |\n"), "{text}");
}

#[test]
fn a_bad_line_stops_the_replay_with_its_number_and_path() {
    let bad = TRACE.replace("\"a1\"", "7");
    let journal =
        refuses(&["replay", PLAN, "--trace", "-"], bad.as_bytes(), "line 3: id: expected the alert's id");
    assert_eq!(journal.lines().count(), 2, "nothing after the bad line is processed: {journal}");
}
