//! `rollgate rehearse`, `risks` and `stale` as scripts call them.
#![allow(clippy::unwrap_used)] // A test may fail loudly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const PLAN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/memory-system.yaml");

fn rollgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rollgate")).args(arguments).output().unwrap()
}

/// The JSON of a run with this exit code, and what was said beside it.
#[track_caller]
fn told(arguments: &[&str], code: i32) -> (Value, String) {
    let output = rollgate(arguments);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{error}");
    (serde_json::from_slice(&output.stdout).unwrap(), error)
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path, text: impl AsRef<[u8]>) -> String {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn r117_every_trigger_of_the_plan_fires_and_lowers_what_it_should() {
    let (told, _) = told(&["rehearse", PLAN, "--format", "json"], 0);
    let drills = told["rollbacks"].as_array().unwrap();
    assert_eq!(drills.len(), 9 + 10 + 11 + 4);
    assert!(drills.iter().all(|drill| drill["problem"].is_null()));
    let of = |phase: &str, trigger: &str| {
        drills.iter().find(|drill| drill["phase"] == phase && drill["trigger"] == trigger).unwrap()
    };
    let shares = |drill: &Value, which: &str| -> Vec<f64> {
        drill["shares"].as_array().unwrap().iter().map(|moved| moved[which].as_f64().unwrap()).collect()
    };
    // Five minutes over the limit, and the evaluation after the first sample.
    let latency = of("fifty_percent", "latency");
    assert_eq!((&latency["mode"], &latency["target"]), (&json!("automatic"), &json!("ten_percent")));
    assert_eq!(latency["took_ms"], 305_000);
    assert_eq!(
        (shares(latency, "before"), shares(latency, "after")),
        (vec![0.5, 0.5, 0.1], vec![0.1, 0.1, 0.0])
    );
    assert_eq!(latency["retry_needs"], json!(["hold of 7d", "root_cause", "fix_validated"]));
    // At once, in the recording call, and to zero: a postmortem more.
    let heap = of("hundred_percent", "heap_exhausted");
    assert_eq!((heap["took_ms"].as_u64(), shares(heap, "before")), (Some(0), vec![1.0; 3]));
    assert!(heap["retry_needs"].as_array().unwrap().contains(&json!("postmortem")));
    // One flag falls, the others stay.
    let sharing = of("fifty_percent", "sharing_errors");
    assert_eq!(shares(sharing, "after"), [0.5, 0.5, 0.0]);
    // Somebody approves what only asks.
    let cold = of("stabilization", "latency");
    assert_eq!(shares(cold, "before"), [1.0; 3]);
    assert_eq!(of("hundred_percent", "corruption")["mode"], "manual");
    assert!(of("hundred_percent", "latency_degraded")["took_ms"].as_u64().unwrap() >= 86_400_000);
    assert!(told["actions"].as_array().unwrap().is_empty());
}

const SMALL: &str = "
version: 1
name: small
flags: { USE_NEW: {}, USE_OLD: { final: true } }
metrics:
  latency: { kind: distribution, unit: ms, good: down }
  crashes: { kind: event, good: down }
roles: { lead: {} }
phases:
  - id: all
    duration: 1h
    steps:
      - { set: { USE_NEW: 50% }, hold: 10m, actions: ACTIONS }
      - { set: { USE_NEW: 100% }, actions: { verify: { run: cat verified, expect: 44/44 } } }
    gates: { time: { phase_for: 1h } }
    triggers:
      crashes: { when: { metric: crashes, stat: count, over: 1h, at_least: 2 }, rollback: { to: zero } }
      MORE
    decision: { roles: [lead] }
risks:
  crash: { title: It crashes, probability: low, impact: high, mitigation: roll back, triggers: [crashes] }
removal: { stable_for: 1h }
";

fn small(actions: &str, more: &str) -> String {
    SMALL.replace("ACTIONS", actions).replace("MORE", more)
}

#[test]
fn r117_what_cannot_fire_or_comes_too_late_is_a_problem() {
    let more = "again:   { when: { metric: rollgate.rollbacks, stat: count, over: 1h, at_least: 1 }, rollback: { to: zero } }
      slower:  { when: { metric: latency, stat: p95, over: 1m, above: 900ms, for: 30m }, rollback: { to: zero } }
      slow:    { when: { metric: latency, stat: p95, over: 1m, above: 500ms }, rollback: { to: zero } }
      dry:     { when: { metric: latency, stat: p95, over: 1m, above: 100ms }, rollback: { to: zero }, dry_run: true }";
    let plan = write(&folder("cannot-fire").join("plan.yaml"), small("{}", more));
    let (told, error) = told(&["rehearse", &plan, "--format", "json"], 1);
    let drills = told["rollbacks"].as_array().unwrap();
    let problem = |at: usize| drills[at]["problem"].as_str().unwrap_or("none");
    assert_eq!(problem(0), "none");
    assert!(problem(1).contains("nobody can record those"), "{}", problem(1));
    assert_eq!(problem(2), "`slow` fires first");
    assert_eq!(problem(3), "none");
    // A dry run fires and lowers nothing, as it should.
    assert_eq!((problem(4), &drills[4]["mode"]), ("none", &json!("dry run")));
    assert!(drills[4]["shares"].as_array().unwrap().iter().all(|moved| moved["before"] == moved["after"]));
    assert!(error.contains("slower in phase all: `slow` fires first"), "{error}");
}

#[test]
fn r042_actions_are_run_in_the_plans_folder_only_when_asked() {
    let place = folder("actions");
    let actions = "{ backup: { run: \"echo made > backup && echo ok\", expect: ok }, sign: {} }";
    let plan = write(&place.join("plan.yaml"), small(actions, ""));
    write(&place.join("verified"), "44/44\n");
    let results = |told: &Value| -> Vec<(String, Value)> {
        let actions = told["actions"].as_array().unwrap().iter();
        actions.map(|acted| (acted["said"].as_str().unwrap().to_owned(), acted["ok"].clone())).collect()
    };
    let (listed, _) = told(&["rehearse", &plan, "--format", "json"], 0);
    assert_eq!(results(&listed), vec![("not run".to_owned(), Value::Null); 3]);
    assert!(!place.join("backup").exists());

    let (ran, _) = told(&["rehearse", &plan, "--run-actions", "--format", "json"], 0);
    let expected = [
        ("ok: ok".to_owned(), json!(true)),
        ("nothing to run: people do it".to_owned(), Value::Null),
        ("ok: 44/44".to_owned(), json!(true)),
    ];
    assert_eq!(results(&ran), expected);
    assert_eq!(fs::read_to_string(place.join("backup")).unwrap(), "made\n");
}

#[test]
fn r042_a_failed_action_ends_the_rehearsal_of_actions() {
    let place = folder("actions-fail");
    let actions = "{ backup: { run: \"echo disk full >&2; exit 1\" }, migrate: { run: touch migrated } }";
    let plan = write(&place.join("plan.yaml"), small(actions, ""));
    let (told, error) = told(&["rehearse", &plan, "--run-actions", "--format", "json"], 1);
    let actions = told["actions"].as_array().unwrap();
    assert!(actions[0]["said"].as_str().unwrap().ends_with("disk full"), "{}", actions[0]);
    assert_eq!((&actions[1]["said"], &actions[2]["said"]), (&json!("not run"), &json!("not run")));
    assert!(!place.join("migrated").exists());
    assert!(error.contains("action `backup` failed"), "{error}");
}

/// A journal of the small plan: completed, and two quiet hours at 100 %, or two crashes.
fn journal(place: &Path, plan: &str, crashes: u32) -> String {
    let mut trace = String::from(
        r#"{"at":"2026-01-19T10:00:00Z","command":"start","by":"lead"}
{"at":"2026-01-19T10:00:00Z","live":"all"}
{"at":"2026-01-19T10:00:01Z","command":"action","action":"verify","ok":true,"output":"44/44","by":"ci"}
{"at":"2026-01-19T10:10:10Z","command":"action","action":"verify","ok":true,"output":"44/44","by":"ci"}
"#,
    );
    if crashes > 0 {
        trace += &format!("{{\"at\":\"2026-01-19T10:30:00Z\",\"metric\":\"crashes\",\"count\":{crashes}}}\n");
    }
    trace += r#"{"at":"2026-01-19T11:30:00Z","tick":true}
{"at":"2026-01-20T11:30:00Z","command":"decide","choice":"go","by":"lead","rationale":"fine"}
{"at":"2026-01-20T13:30:00Z","tick":true}
"#;
    let trace = write(&place.join("trace.jsonl"), trace);
    let output = rollgate(&["replay", plan, "--trace", &trace]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    write(&place.join("journal.jsonl"), output.stdout)
}

#[test]
fn r157_flags_to_take_out_are_listed_with_their_call_sites() {
    let place = folder("stale");
    let plan = write(&place.join("plan.yaml"), small("{}", ""));
    let source = place.join("src");
    let main = write(
        &source.join("main.js"),
        "start();\nif (isOn(\"USE_NEW\", user)) {\n  a(USE_NEW, USE_NEWER);\n}\n",
    );
    let old = write(&source.join("lib/old.rs"), "// é\nif engine.is_on(\"USE_OLD\", key) {}\n");
    for skipped in [".git/config", "target/a.rs", "node_modules/b/c.js"] {
        write(&source.join(skipped), "USE_NEW USE_OLD");
    }
    write(&source.join("image.bin"), b"\0USE_NEW");
    write(&source.join("long.txt"), "USE_NEW ".repeat(600_000));
    let arguments = |more: &[&str]| -> Vec<String> {
        let fixed = ["stale", &plan, "--source", source.to_str().unwrap(), "--format", "json"];
        fixed.iter().chain(more).map(|text| (*text).to_owned()).collect()
    };
    let run = |more: &[&str]| {
        let arguments = arguments(more);
        told(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 0)
    };
    let new = json!([
        { "file": main, "line": 2, "column": 11 }, { "file": main, "line": 3, "column": 5 },
    ]);
    let (all, error) = run(&[]);
    assert_eq!((&all[0]["removable"], &all[0]["places"]), (&Value::Null, &new));
    assert_eq!(all[1]["places"], json!([{ "file": old, "line": 2, "column": 18 }]));
    assert!(error.contains("not known without --journal"), "{error}");
    assert!(error.contains("2 files are binary or too long"), "{error}");

    let (quiet, _) = run(&["--journal", &journal(&place, &plan, 0)]);
    let flags: Vec<_> =
        quiet.as_array().unwrap().iter().map(|flag| (&flag["flag"], &flag["final"])).collect();
    assert_eq!(flags, [(&json!("USE_NEW"), &json!(false)), (&json!("USE_OLD"), &json!(true))]);
    assert_eq!(quiet[0]["places"], new);
    // After a rollback only what is final anyway may go.
    let (fallen, _) = run(&["--journal", &journal(&place, &plan, 2)]);
    assert_eq!(fallen.as_array().unwrap().len(), 1);
    assert_eq!(fallen[0]["flag"], "USE_OLD");
}

#[test]
fn r151_the_register_of_a_journal_says_what_fired() {
    let place = folder("risks");
    let plan = write(&place.join("plan.yaml"), small("{}", ""));
    let (none, error) = told(&["risks", &plan, "--format", "json"], 0);
    assert_eq!(
        (&none["risks"][0]["has_fired"], &none["risks"][0]["triggers"][0]["fired"]),
        (&json!(false), &json!(0))
    );
    assert!(error.contains("without --journal"), "{error}");
    let (register, _) =
        told(&["risks", &plan, "--format", "json", "--journal", &journal(&place, &plan, 2)], 0);
    let trigger = &register["risks"][0]["triggers"][0];
    assert_eq!((&trigger["fired"], &trigger["last"]), (&json!(1), &json!("2026-01-19T10:30:00.000Z")));
    assert_eq!((&trigger["mode"], &trigger["lowers"]), (&json!("automatic"), &json!("to zero")));
    let table = String::from_utf8(rollgate(&["risks", PLAN, "--format", "markdown"]).stdout).unwrap();
    assert!(table.contains("| RAG service overload"), "{table}");
}

#[test]
fn journals_of_others_and_broken_ones_are_refused() {
    let place = folder("refused");
    let plan = write(&place.join("plan.yaml"), small("{}", ""));
    let good = journal(&place, &plan, 2);
    for command in
        [&["risks", PLAN, "--journal", &good][..], &["stale", PLAN, "--source", ".", "--journal", &good]]
    {
        let output = rollgate(command);
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("the journal of plan `small`, not of `memory-system`"), "{error}");
    }
    let text = fs::read_to_string(&good).unwrap().replace("\"crashes\"", "\"crushes\"");
    let broken = write(&place.join("broken.jsonl"), text);
    let output = rollgate(&["risks", &plan, "--journal", &broken]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("broken"));
    let output = rollgate(&["stale", &plan, "--source", "no/such/folder"]);
    assert_eq!(output.status.code(), Some(2));
    let flags_only = write(&place.join("flags.yaml"), "version: 1\nname: f\nflags: { A: { share: 10% } }\n");
    assert_eq!(rollgate(&["rehearse", &flags_only]).status.code(), Some(2));
}

/// The same for one reader: as wide as `COLUMNS` says.
fn table(arguments: &[&str], columns: &str) -> (String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollgate"));
    let output = command.args(arguments).env("COLUMNS", columns).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn tables_are_as_wide_as_the_terminal() {
    let source = folder("wide");
    let stale = ["stale", PLAN, "--source", source.to_str().unwrap()];
    let communication = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/plans/communication.yaml");
    let longest = |arguments: &[&str], columns: &str| {
        let (text, _) = table(arguments, columns);
        assert!(!text.is_empty(), "{arguments:?}");
        text.lines().map(|line| line.chars().count()).max().unwrap()
    };
    for arguments in [&["notices", communication][..], &["risks", PLAN], &stale] {
        let [usual, wide, unsaid] = ["100", "150", "wide"].map(|columns| longest(arguments, columns));
        assert!(usual <= 100 && wide <= 150, "{arguments:?}: {usual}, {wide}");
        // Nobody says how wide it is: as wide as a scorecard.
        assert_eq!(unsaid, usual, "{arguments:?}");
    }
    assert!(longest(&["notices", communication], "150") > 100, "there is more to say than fits");
    assert!(longest(&["rehearse", PLAN], "100") <= 100);
}

/// Why a phase is not reached is the same for each of its triggers.
#[test]
fn r117_one_problem_of_several_triggers_is_said_once() {
    let more = "again:   { when: { metric: rollgate.rollbacks, stat: count, over: 1h, at_least: 1 }, rollback: { to: zero } }
      once_more: { when: { metric: rollgate.rollbacks, stat: count, over: 1d, at_least: 2 }, rollback: { to: zero } }
      slower:  { when: { metric: latency, stat: p95, over: 1m, above: 900ms, for: 30m }, rollback: { to: zero } }
      slow:    { when: { metric: latency, stat: p95, over: 1m, above: 500ms }, rollback: { to: zero } }";
    let plan = write(&folder("said-once").join("plan.yaml"), small("{}", more));
    let (text, said) = table(&["rehearse", &plan], "100");
    let why = "it looks at the rollbacks themselves";
    assert_eq!((text.matches(why).count(), said.matches(why).count()), (1, 0), "{text}\n{said}");
    assert_eq!(text.matches("PROBLEM 1").count(), 2, "{text}");
    let row = text.lines().find(|line| line.starts_with("1 ")).unwrap();
    assert!(row.contains("again, once_more in phase all"), "{text}");
    assert!(text.lines().any(|line| line.starts_with("2 ") && line.contains("`slow` fires first")), "{text}");
    assert_eq!(said, "error: 3 of 5 triggers are not as they should be\n");
    // Programs get it with each trigger, and people with the list.
    let (_, said) = told(&["rehearse", &plan, "--format", "json"], 1);
    assert!(said.contains("error: again, once_more in phase all: it looks at"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}
