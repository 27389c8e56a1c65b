//! `rollgate matrix`, `evaluate` and `replay` as scripts call them: what is on which stream, and the exit codes.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/memory-system.yaml");

fn spawn(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_rollgate"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Gives it this on its standard input, and waits for its end.
fn feed(mut child: Child, input: &[u8]) -> Output {
    // A command that refuses its arguments may end before it reads anything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Runs the command with this on its standard input.
fn rollgate(arguments: &[&str], input: &[u8]) -> Output {
    feed(spawn(arguments), input)
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
    let steps: Vec<_> =
        answer["explain"].as_array().unwrap().iter().map(|step| step.as_str().unwrap()).collect();
    let expected = [
        "flag USE_CROSS_AGENT_SHARING (salt memory-system)",
        "asks USE_HIERARCHICAL_TIERS (salt memory-system)",
        "bucket 1672438058 (38.9395% of the way) is below threshold 2147483648 (50%): on",
        "inside USE_HIERARCHICAL_TIERS: on, go on",
        "share 100%: on for everybody",
    ];
    assert_eq!(steps, expected);
}

#[test]
fn attributes_are_typed_and_variants_shown() {
    let plan = scratch(
        "rules.yaml",
        "version: 1
name: r
flags:
  F:
    default: small
    variants: { small: { value: 10, share: 100% }, large: { value: 20.5 }, }
    rules:
      - { name: staff, when: { attribute: mail, ends_with: \"@example.com\" }, serve: large }
      - { when: { all: [ { attribute: age, at_least: 18 }, { attribute: beta, equals: true }, { attribute: tags, equals: x } ] }, serve: true }
      - { when: { attribute: plan, equals: \"3\" }, serve: large }
",
    );
    let ask = |attributes: &[&str]| {
        let mut arguments = vec!["evaluate", &*plan, "--flag", "F", "--key", "u", "--explain"];
        attributes.iter().for_each(|attribute| arguments.extend(["--attribute", attribute]));
        answers(&arguments, b"").remove(0)
    };
    let variant = |answer: &Value| {
        (answer["on"].as_bool().unwrap(), answer["variant"].clone(), answer["value"].clone())
    };
    let staff = ask(&["mail=a@example.com"]);
    assert_eq!(variant(&staff), (true, "large".into(), 20.5.into()));
    let steps = staff["explain"].to_string();
    assert!(steps.contains("rule 1 (staff) matches") && steps.contains("mail ends with"), "{steps}");
    let typed = ask(&["age=18", "beta=true", "tags=[\"y\",\"x\"]"]);
    assert_eq!(variant(&typed), (true, "small".into(), 10.into()));
    assert_eq!(variant(&ask(&["age=18", "beta=\"true\"", "tags=x"])), (false, "small".into(), 10.into()));
    assert_eq!(variant(&ask(&["plan=\"3\""])), (true, "large".into(), 20.5.into()));
    assert!(!variant(&ask(&["plan=3"])).0);
    let wrong = rollgate(&["evaluate", &*plan, "--flag", "F", "--key", "u", "--attribute", "age"], b"");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("NAME=VALUE"));
}

#[test]
fn recut_writes_ranges_that_the_plan_takes_and_that_move_least() {
    let plan = |name: &str, shares: [&str; 3], ranges: [&str; 3]| {
        let variants = ["a", "b", "c"].into_iter().zip(shares).zip(ranges);
        let variants = variants.map(|((key, share), ranges)| format!("{key}: {{ share: {share}{ranges} }}"));
        let variants = variants.collect::<Vec<_>>().join(", ");
        scratch(
            name,
            &format!(
                "{{ version: 1, name: r, flags: {{ F: {{ share: 100%, variants: {{ {variants} }} }}, G: {{}} }} }}"
            ),
        )
    };
    let old = plan("old.yaml", ["50%", "30%", "20%"], [""; 3]);
    let new = plan("new.yaml", ["40%", "30%", "30%"], [""; 3]);
    let output = rollgate(&["recut", &new, "--from", &old, "--format", "json"], b"");
    let cut: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ranges = &cut["F"]["ranges"];
    assert_eq!(ranges["a"], serde_json::json!(["0%-40%"]));
    assert_eq!(ranges["b"], serde_json::json!(["50%-80%"]));
    assert_eq!(ranges["c"], serde_json::json!(["40%-50%", "80%-100%"]));
    assert_eq!((&cut["F"]["moved"], &cut["F"]["moved_without"]), (&0.1.into(), &0.2.into()));
    let written = ["a", "b", "c"].map(|key| format!(", ranges: {}", ranges[key]));
    let kept = plan("kept.yaml", ["40%", "30%", "30%"], [&written[0], &written[1], &written[2]]);
    let variant_of = |plan: &str, key: &str| {
        answers(&["evaluate", plan, "--flag", "F", "--share", "100%", "--key", key], b"").remove(0)["variant"]
            .clone()
    };
    for user in 0..8 {
        let key = format!("user-{user}");
        let (was, is) = (variant_of(&old, &key), variant_of(&kept, &key));
        assert!(was == is || is == "c", "{key}: {was} to {is}");
    }
    let nothing = rollgate(&["recut", PLAN, "--from", PLAN], b"");
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("nothing to carry over"));
}

#[test]
fn lists_are_explained() {
    let plan =
        scratch("lists.yaml", "version: 1\nname: l\nflags: { F: { always_on: [ann], always_off: [bob] } }\n");
    let steps = |key: &str| {
        let arguments = ["evaluate", &*plan, "--flag", "F", "--share", "50%", "--key", key, "--explain"];
        let answer = answers(&arguments, b"").remove(0);
        (answer["on"].as_bool().unwrap(), answer["reason"].clone(), answer["explain"][1].clone())
    };
    assert_eq!(steps("ann"), (true, "TARGETING_MATCH".into(), "the key is in always_on".into()));
    assert_eq!(steps("bob"), (false, "TARGETING_MATCH".into(), "the key is in always_off".into()));
    assert_eq!(steps("eve").2, "the key is on no list");
}

#[test]
fn answers_come_as_a_table_where_a_person_asks() {
    let flag = ["evaluate", PLAN, "--flag", "USE_ENHANCED_INJECTION", "--share", "50%", "--keys", "-"];
    let table = |format| text(&[&flag[..], &["--format", format]].concat(), b"user-42\nuser-43\n");
    let markdown = table("markdown");
    let first = "| user-42 | on | on      | SPLIT  | 1672438058 | 50%   |";
    assert_eq!(markdown.lines().nth(2), Some(first), "{markdown}");
    assert_eq!(markdown.lines().count(), 4);
    assert!(
        table("table").lines().any(|line| line.starts_with("user-42  on  on       SPLIT ")),
        "{}",
        table("table")
    );
}

#[test]
fn r003_the_matrix_says_every_share_after_every_step_and_when_it_is_planned() {
    let rows: Vec<Value> = serde_json::from_str(&text(&["matrix", PLAN, "--format", "json"], b"")).unwrap();
    assert_eq!(rows.len(), 8, "two phases without steps, and one, two and three steps");
    assert_eq!(rows[0]["step"], Value::Null);
    let last = serde_json::json!({
        "phase": "hundred_percent", "step": 3,
        "shares": { "USE_ENHANCED_INJECTION": 1.0, "USE_HIERARCHICAL_TIERS": 1.0, "USE_CROSS_AGENT_SHARING": 1.0 },
        "planned_start": "2026-02-03T00:00:00.000Z", "planned_end": "2026-02-17T00:00:00.000Z"
    });
    assert_eq!(rows[6], last);
    let markdown = text(&["matrix", PLAN, "--format", "markdown"], b"");
    assert!(markdown.starts_with("| Phase ") && markdown.lines().count() == 10, "{markdown}");
    let table = text(&["matrix", PLAN], b"");
    assert!(table.lines().any(|line| line.contains("fifty_percent") && line.contains("25%")), "{table}");
    assert!(table.lines().any(|line| line.contains("ten_percent") && line.contains("2026-01-20")), "{table}");
    assert!(table.lines().all(|line| line.chars().count() <= 110), "{table}");
    let output = rollgate(&["matrix", PLAN], b"");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "planned: 35d, until 2026-02-17 00:00 UTC\n");
}

#[test]
fn a_plan_with_problems_exits_with_1_and_says_them_all() {
    let plan = scratch("broken.yaml", "version: 2\nname: b\nflags: { F: { share: 1 } }\n");
    for arguments in [
        &["matrix", &*plan][..],
        &["evaluate", &plan, "--flag", "F", "--key", "a"],
        &["replay", &plan, "--trace", "-"],
    ] {
        let output = rollgate(arguments, b"");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{error}");
        assert!(
            error.contains("1:10") && error.contains("3:22") && error.contains("`100%` or `1%`"),
            "{error}"
        );
        assert!(error.ends_with(&format!("`rollgate check {plan}` shows each in its line\n")), "{error}");
    }
    refuses(&["matrix", "no-such.yaml"], b"", "no-such.yaml");
    refuses(&["matrix", "plan.txt"], b"", "a plan file ends in .yaml, .yml, .toml or .json");
}

/// Runs it with a reader that goes away at once.
fn headless(arguments: &[&str], input: &[u8]) -> (Option<i32>, String) {
    let mut child = spawn(arguments);
    drop(child.stdout.take());
    let output = feed(child, input);
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let keys = "user-1\n".repeat(20_000);
    let evaluate = ["evaluate", PLAN, "--flag", "USE_ENHANCED_INJECTION", "--share", "50%", "--keys", "-"];
    let table = [&evaluate[..], &["--format", "table"]].concat();
    let commands: [&[&str]; 5] = [
        &["matrix", PLAN],
        &["matrix", PLAN, "--format", "json"],
        &evaluate,
        &table,
        &["replay", PLAN, "--trace", "-"],
    ];
    for arguments in commands {
        let input = if arguments[0] == "replay" { TRACE.as_bytes() } else { keys.as_bytes() };
        let (code, error) = headless(arguments, input);
        assert_eq!(
            (code, error.contains("panic"), error.contains("error")),
            (Some(0), false, false),
            "{error}"
        );
    }
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

/// Standard output of a run that must succeed.
#[track_caller]
fn text(arguments: &[&str], input: &[u8]) -> String {
    let output = rollgate(arguments, input);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A file that only this run of the tests has.
fn scratch(name: &str, content: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
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
    assert_eq!(kinds, ["started", "phase_started", "notice", "alert_opened", "stopped"]);
    let until = ["replay", PLAN, "--trace", "-", "--until", "2026-01-13T09:01:30Z"];
    assert_eq!(answers(&until, TRACE.as_bytes()).len(), 4);
}

#[test]
fn a_scorecard_follows_the_journal() {
    let lines = answers(&["replay", PLAN, "--trace", "-", "--scorecard", "json"], TRACE.as_bytes());
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[5]["overall"], "NOT YET");
    let row = &lines[5]["rows"][0];
    let fields: Vec<_> = row.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["section", "metric", "target", "actual", "status", "due", "sentence", "evidence"]);
    assert_eq!((&row["metric"], &row["actual"]), (&"checklist_complete".into(), &"0/9".into()));
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
    let journal = refuses(
        &["replay", PLAN, "--trace", "-"],
        bad.as_bytes(),
        "standard input: line 3: id: expected the alert's id",
    );
    assert_eq!(journal.lines().count(), 3, "nothing after the bad line is processed: {journal}");
}

#[test]
fn a_trace_from_a_file_is_read_as_from_standard_input() {
    let file = scratch("trace.jsonl", TRACE);
    let from_file = text(&["replay", PLAN, "--trace", &file], b"");
    assert_eq!(from_file, text(&["replay", PLAN, "--trace", "-"], TRACE.as_bytes()));
    refuses(&["replay", PLAN, "--trace", "no-such.jsonl"], b"", "no-such.jsonl cannot be read");
    refuses(&["replay", PLAN, "--trace", "-", "--stoer", "x.db"], b"", "unexpected argument '--stoer'");
    refuses(&["replay", PLAN, "--trace", "-", "--until", "soon"], b"", "RFC 3339");
}

#[test]
fn input_that_holds_nothing_is_said_to_hold_nothing() {
    let keys = ["evaluate", PLAN, "--flag", "USE_ENHANCED_INJECTION", "--keys", "-"];
    let trace = ["replay", PLAN, "--trace", "-", "--scorecard", "json"];
    for (arguments, note) in
        [(&keys[..], "standard input has no keys"), (&trace, "standard input has no lines")]
    {
        let output = rollgate(arguments, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{said}");
        assert!(said.starts_with(&format!("note: {note}")), "{said}");
    }
    let output = rollgate(&["replay", PLAN, "--trace", env!("CARGO_TARGET_TMPDIR")], b"");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains(env!("CARGO_TARGET_TMPDIR")), "{said}");
}

/// The README's rollout in a store: one process runs it, the others ask and tell.
fn readme_on_a_store(root: &str, commands: &[&str]) {
    let store = format!("{}/readme-rollout.db", env!("CARGO_TARGET_TMPDIR"));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{store}{end}"));
    }
    let begin = |command: &str| {
        let words = command.replace("rollout.db", &store);
        let mut process = Command::new(env!("CARGO_BIN_EXE_rollgate"));
        process.args(words.split(' ')).current_dir(root).stdout(Stdio::piped()).stderr(Stdio::piped());
        process.spawn().unwrap()
    };
    let first_line = |from: &mut dyn Read| {
        let mut line = String::new();
        BufReader::new(from).read_line(&mut line).unwrap();
        line
    };
    let [run, asked @ .., follow] = commands else { unreachable!("{commands:?}") };
    let mut running = begin(run);
    // It says that it has begun, and so the store is there.
    assert_ne!(first_line(running.stderr.as_mut().unwrap()), "");
    for command in asked {
        let output = begin(command).wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && !output.stdout.is_empty(), "{command}: {said}");
    }
    let mut following = begin(follow);
    // The notices come before it.
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("started by ann")));
    for process in [&mut following, &mut running] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

/// The last block of commands in the README, word for word, from the top of the checkout.
#[test]
fn the_commands_of_the_readme_do_what_it_says() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    let commands: Vec<&str> = readme.lines().filter_map(|line| line.strip_prefix("rollgate ")).collect();
    let commands: Vec<&str> = commands.into_iter().filter(|command| *command != "demo").collect();
    let (on_a_store, commands): (Vec<&str>, Vec<&str>) =
        commands.into_iter().partition(|command| command.contains("--store"));
    assert_eq!((commands.len(), on_a_store.len()), (10, 5), "{commands:?} {on_a_store:?}");
    readme_on_a_store(root, &on_a_store);
    for command in commands {
        let output = Command::new(env!("CARGO_BIN_EXE_rollgate"))
            .args(command.split(' '))
            .current_dir(root)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}: {error}");
        assert!(!output.stdout.is_empty() || error.contains("no errors"), "{command} says nothing");
    }
}

#[test]
fn people_read_what_was_decided_and_why() {
    let trace =
        TRACE.replace(r#""command":"stop","by":"on_call""#, r#""command":"decide","choice":"go","by":"cto""#);
    let trace = trace.replace(r#""reason":"enough""#, r#""rationale":"now""#);
    let journal = text(&["replay", PLAN, "--trace", "-", "--format", "text"], trace.as_bytes());
    let last = journal.lines().last().unwrap();
    assert!(last.starts_with("2026-01-13 09:02:00  refused (cto): cto has no vote here"), "{journal}");
    let card = text(&["replay", PLAN, "--trace", "-", "--scorecard", "text"], TRACE.as_bytes());
    assert!(card.contains("\nScorecard of Phase 0: Pre-Deployment\n"), "{card}");
    assert!(
        card.contains("\nOverall: NOT YET\nThe rollout is stopped; nothing is decided until a retry.\n"),
        "{card}"
    );
}

#[test]
fn r010_the_matrix_of_flags_and_phases_is_that_of_the_document() {
    let table = text(&["matrix", PLAN], b"");
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    // The dates are another requirement's.
    let is_date = |word: &&str| word.starts_with("2026-") || *word == "00:00" || *word == "UTC";
    let shares: Vec<Vec<&str>> =
        rows.iter().map(|row| row.iter().copied().filter(|word| !is_date(word)).collect()).collect();
    let flags = ["USE_ENHANCED_INJECTION", "USE_HIERARCHICAL_TIERS", "USE_CROSS_AGENT_SHARING"];
    assert_eq!(rows[0], [&["Phase", "From", "Step"][..], &flags].concat());
    for row in [
        &["pre_deployment", "0%", "0%", "0%"][..],
        &["ten_percent", "1", "10%", "10%", "0%"],
        &["fifty_percent", "1", "25%", "25%", "0%"],
        &["fifty_percent", "2", "50%", "50%", "10%"],
        &["hundred_percent", "1", "75%", "75%", "25%"],
        &["hundred_percent", "2", "100%", "100%", "50%"],
        &["hundred_percent", "3", "100%", "100%", "100%"],
        &["stabilization", "100%", "100%", "100%"],
    ] {
        assert!(shares.iter().any(|found| found == row), "{row:?} in\n{table}");
    }
}

#[test]
fn r142_the_form_of_a_scorecard_and_any_report_can_be_asked_for() {
    let replay = ["replay", PLAN, "--trace", "-"];
    let last = |more: &[&str]| {
        let lines = answers(&[&replay[..], more].concat(), TRACE.as_bytes());
        lines.last().unwrap().clone()
    };
    for form in ["daily", "weekly", "phase", "final"] {
        assert_eq!(last(&["--scorecard", "json", "--form", form])["form"], form);
    }
    for report in ["plan", "summary", "overnight", "arms", "baseline", "targets", "realtime", "performance"] {
        assert_eq!(last(&["--report", report, "--report-format", "json"])["report"], report);
    }
    let metrics = text(&[&replay[..], &["--scorecard", "prometheus"]].concat(), TRACE.as_bytes());
    assert!(metrics.contains("# TYPE rollgate_flag_share_ratio gauge\n"), "{metrics}");
    let report =
        text(&[&replay[..], &["--report", "targets", "--report-format", "md"]].concat(), TRACE.as_bytes());
    assert!(report.contains("| request\\_errors |"), "{report}");
    assert!(!report.contains('\u{1b}'));
}

/// A flag that is a constant, and one that is rolled out.
const FINAL: &str = "
version: 1
name: two-flags
flags: { OLD: { final: true }, NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: half
    duration: 1h
    steps: [ { set: { NEW: 50% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

#[test]
fn r025_a_final_flag_is_shown_at_100_percent_wherever_shares_are() {
    let path = std::env::temp_dir().join(format!("rollgate-final-{}.yaml", std::process::id()));
    std::fs::write(&path, FINAL).unwrap();
    let path_text = path.to_str().unwrap();
    let table = text(&["matrix", path_text], b"");
    let rows: Value = serde_json::from_str(&text(&["matrix", path_text, "--format", "json"], b"")).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(table.lines().any(|line| line.contains("half") && line.contains("100%")), "{table}");
    assert_eq!(rows[0]["shares"], serde_json::json!({ "OLD": 1.0, "NEW": 0.5 }));
    let builder = rollgate::Engine::builder().plan_text(FINAL, rollgate::read::Format::Yaml).unwrap();
    let engine = builder.build().unwrap();
    engine.start("on_call").unwrap();
    let plan = engine.report(rollgate::Report::Plan).to_text();
    assert!(plan.contains("OLD 100%") && plan.contains("NEW 50%"), "{plan}");
    let summary = engine.summary();
    assert!(summary.contains("OLD 100%") && summary.contains("NEW 50%"), "{summary}");
    let exposition = engine.prometheus();
    assert!(exposition.contains("rollgate_flag_share_ratio{flag=\"OLD\"} 1\n"), "{exposition}");
}

/// What somebody gets wrong on the first day is answered with what was wrong, where, and what helps.
#[test]
fn a_newcomers_mistakes_are_answered() {
    let empty = scratch("no-lines.jsonl", "");
    let journal = scratch("no-journal.jsonl", TRACE);
    let later = scratch("later.jsonl", TRACE);
    let toml = scratch("toml.yaml", "version = 1\nname = \"n\"\n[flags.A]\n");
    let plain = scratch("plain.yaml", "version = 1\nname = \"n\"\n");
    let prose = scratch("prose.yaml", "Dear all,\nhere is the plan.\n");
    let yaml = scratch("yaml.json", "version: 1\nname: n\n");
    let json = scratch("json.toml", "{\"version\": 1}\n");
    let other = scratch("other-version.yaml", "version: 2\nname: n\nflags: { A: {} }\n");
    let bare = scratch("bare.yaml", FINAL);
    let place = env!("CARGO_TARGET_TMPDIR");
    let rows: [(&[&str], i32, &[&str]); 23] = [
        (&[], 2, &["check", "Exit codes: 0 done", "Begin with `rollgate demo`"]),
        (&["help", "check"], 0, &[]),
        (&["chek", PLAN], 2, &["'chek'", "'check'"]),
        (&["check", "--stric", PLAN], 2, &["'--stric'", "'--strict'"]),
        (&["check", "no-such.yaml"], 2, &["no-such.yaml", "it was looked for in /"]),
        (&["check", place], 2, &["is a folder; name the plan file in it"]),
        (&["check", "README.md"], 2, &["the name says no format", ".yaml, .yml, .toml or .json"]),
        (&["check", &toml], 1, &["the name of such a file ends in .toml"]),
        (&["check", &plain], 1, &["the name of such a file ends in .toml"]),
        (&["check", &prose], 1, &["expected keys with their values", "a plan begins with `version: 1`"]),
        (&["check", &yaml], 1, &["a plan in JSON begins with `{`", "YAML ends in .yaml"]),
        (&["check", &json], 1, &["the name of such a file ends in .json"]),
        (&["check", &other], 1, &["version `2` is not known", "write `version: 1`"]),
        (
            &["risks", PLAN, "--journal", &journal],
            2,
            &["record 1 is broken", "what `rollgate replay` writes"],
        ),
        (&["risks", PLAN, "--journal", &empty], 0, &["no-lines.jsonl has no records"]),
        (&["risks", PLAN, "--journal", "no-such"], 2, &["no-such cannot be read", "it was looked for in /"]),
        (&["risks", &bare], 0, &["the plan has no risks; `risks:` lists them"]),
        (&["notices", &bare], 0, &["the plan has no notices; `notices:` says"]),
        (&["notify", &bare], 2, &["the plan has no notices; `notices:` says"]),
        (&["notify", PLAN, "--channel", "nope"], 2, &["no such notice goes to `nope`; they go to blog, "]),
        (&["stale", PLAN, "--source", &journal], 2, &["is a file; --source takes the folder"]),
        (
            &["replay", PLAN, "--trace", &later, "--until", "2026-01-01T00:00:00Z"],
            0,
            &["later.jsonl has no lines up to 2026-01-01", "so nothing happened"],
        ),
        (&["demo", "now"], 2, &["unexpected argument 'now'"]),
    ];
    for (arguments, code, parts) in rows {
        let output = rollgate(arguments, b"");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?} does not say `{part}`:\n{said}");
        }
    }
}

/// A misspelt metric changes nothing, and its record is one of thousands.
#[test]
fn samples_of_a_metric_that_the_plan_has_not_are_told_apart() {
    let trace = r#"{"at":"2026-01-13T09:00:00Z","metric":"latncy","value":1}
{"at":"2026-01-13T09:00:01Z","metric":"latncy","value":2}
"#;
    let output = rollgate(&["replay", PLAN, "--trace", "-"], trace.as_bytes());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(
        said,
        "warning: the plan has no metric `latncy`; what was recorded under such a name was dropped\n"
    );
    let output = rollgate(&["replay", PLAN, "--trace", "-"], TRACE.as_bytes());
    assert!(output.stderr.is_empty());
}
