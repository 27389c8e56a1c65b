//! A rollout in a store, by the command alone: run, killed, run again; looked at; replayed in halves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "stage/folder.rs"]
mod stage;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command};

use serde_json::Value;
use stage::{Folder, said, tick, trace};
use unicode_width::UnicodeWidthStr;

/// `rollgate run` under way.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    err: BufReader<ChildStderr>,
}

impl Running {
    fn begin(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = folder.command(arguments).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// The next line on standard error.
    fn note(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        line
    }

    /// Reads records until one has these words.
    fn until(&mut self, words: &str) {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(self.out.read_line(&mut line).unwrap() > 0, "it ended before it said {words}");
        }
    }

    /// Ends it as a service manager does; its exit code and what it said last.
    #[cfg(unix)]
    fn end(mut self) -> (Option<i32>, String) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        let mut rest = String::new();
        while self.err.read_line(&mut rest).unwrap() > 0 {}
        (self.child.wait().unwrap().code(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[cfg(unix)]
#[test]
fn r161_a_run_that_is_killed_goes_on_where_it_was() {
    let folder = Folder::new();
    let run = ["run", "canary.yaml", "--store", "x.db"];
    let mut running = Running::begin(&folder, &run);
    let note = running.note();
    assert!(note.contains("canary on") && note.contains("pending; this process leads it"), "{note}");
    // From another shell; the plan is in the store.
    let told = folder.told(&["start", "--store", "x.db", "--by", "ann"]);
    assert!(told.contains("done: start by ann: pending → running in phase few"), "{told}");
    running.until("started by ann");
    // The leader applies the step by itself.
    running.until("step 1");
    let told =
        folder.told(&["set", "NEW=5%", "OLD=0%", "--store", "x.db", "--by", "bob", "--reason", "careful"]);
    assert!(told.contains("→ 5%"), "{told}");
    running.until("shares set by bob: careful");
    let status = folder.told(&["status", "--store", "x.db"]);
    assert!(status.contains(&format!("led by process {}", running.child.id())), "{status}");
    assert!(folder.told(&["journal", "verify", "--store", "x.db"]).contains("every number and hash fits"));
    // kill -9.
    running.child.kill().unwrap();
    running.child.wait().unwrap();
    let status = folder.told(&["status", "--store", "x.db"]);
    assert!(status.contains("running in phase few") && status.contains("NEW 5%"), "{status}");
    assert!(status.contains("nobody leads it now"), "{status}");
    // The plan need not be named again.
    let mut running = Running::begin(&folder, &["run", "--store", "x.db", "--format", "jsonl"]);
    let note = running.note();
    assert!(note.contains("running in phase few") && note.contains("this process leads it"), "{note}");
    let mut second = Running::begin(&folder, &run);
    let note = second.note();
    assert!(note.contains("takes over when that one ends"), "{note}");
    let told = folder.told(&["stop", "--store", "x.db"]);
    assert!(told.contains("stop by unknown (nobody was named)") && told.contains("NEW 5% → 0%"), "{told}");
    running.until("\"kind\":\"stopped\"");
    for running in [second, running] {
        let (code, rest) = running.end();
        assert!(code == Some(0) && rest.contains("ended: canary is stopped"), "{code:?}: {rest}");
    }
    let journal = folder.told(&["journal", "--store", "x.db", "--format", "jsonl"]);
    let count = |kind: &str| journal.matches(&format!("\"kind\":\"{kind}\"")).count();
    assert_eq!((count("started"), count("override"), count("stopped")), (1, 1, 1), "{journal}");
    assert!(count("restarted") >= 1);
    assert_eq!(json(&folder.told(&["status", "--store", "x.db", "--format", "json"]))["leader"], Value::Null);
    assert!(folder.told(&["journal", "verify", "--store", "x.db"]).contains("every number and hash fits"));
}

#[cfg(unix)]
#[test]
fn a_journal_is_followed_while_others_write() {
    let folder = Folder::new();
    folder.store("x.db", &trace(0, 41, 100));
    let arguments =
        ["journal", "--follow", "--store", "x.db", "--kind", "annotated", "--kind", "paused", "--after", "3"];
    let mut following = Running::begin(&folder, &arguments);
    folder.told(&["annotate", "a deploy", "--metric", "heap", "--store", "x.db", "--by", "ann"]);
    following.until("note by ann on heap: a deploy");
    folder.told(&["pause", "--store", "x.db", "--by", "bob", "--reason", "lunch"]);
    following.until("paused by bob: lunch");
}

/// Records without their numbers and hashes.
fn records(text: &str) -> Vec<Value> {
    let lines = text.lines().map(json).map(|mut record| {
        let fields = record.as_object_mut().unwrap();
        fields.remove("seq");
        fields.remove("hash");
        record
    });
    lines.collect()
}

#[test]
fn r126_two_halves_of_a_trace_on_one_store_are_the_whole_but_for_the_restart() {
    for (cut, bad) in [(41, 170), (70, 170), (81, 170), (120, 170), (171, 170), (41, 60), (62, 60)] {
        let folder = Folder::new();
        folder.write("whole.jsonl", &trace(0, 200, bad));
        folder.write("first.jsonl", &trace(0, cut, bad));
        // The second process begins at the very instant at which the first one ended: nothing goes unwatched.
        folder.write("second.jsonl", &format!("{}{}", tick(cut - 1), trace(cut, 200, bad)));
        let replay = |name: &str, more: &[&str]| {
            let mut arguments = vec!["replay", "canary.yaml", "--trace", name];
            arguments.extend(more);
            records(&folder.told(&arguments))
        };
        let whole = replay("whole.jsonl", &[]);
        let mut halves = replay("first.jsonl", &["--store", "x.db"]);
        halves.extend(replay("second.jsonl", &["--store", "x.db"]));
        let restarted: Vec<Value> =
            halves.iter().filter(|record| record["kind"] == "restarted").cloned().collect();
        assert_eq!(restarted.len(), 1);
        assert_eq!(restarted[0]["down_ms"], 0);
        halves.retain(|record| record["kind"] != "restarted");
        assert!(whole.len() > 10);
        assert_eq!(halves, whole, "cut at {cut}");
        assert_eq!(
            folder.told(&["journal", "--store", "x.db", "--format", "jsonl"]).lines().count(),
            whole.len() + 1
        );
        assert!(
            folder.told(&["journal", "verify", "--store", "x.db"]).contains("every number and hash fits")
        );
    }
}

#[test]
fn looking_changes_nothing_and_needs_nothing_but_the_store() {
    let folder = Folder::new();
    let store = folder.store("x.db", &trace(0, 41, 100));
    let before = fs::read(&store).unwrap();
    for arguments in [
        &["status"][..],
        &["status", "--format", "json"],
        &["flags"],
        &["flags", "--format", "json"],
        &["scorecard"],
        &["scorecard", "--format", "json", "--form", "daily"],
        &["scorecard", "--format", "md", "--report", "plan"],
        &["journal"],
        &["journal", "--kind", "step_applied"],
        &["journal", "verify"],
        &["journal", "verify", "--format", "json"],
    ] {
        let output = folder.command(arguments).env("ROLLGATE_STORE", &store).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        assert!(!output.stdout.is_empty(), "{arguments:?}");
        assert!(fs::read(&store).unwrap() == before, "{arguments:?} wrote to the store");
    }
    let flags = json(&folder.told(&["flags", "--store", "x.db", "--format", "json"]));
    assert_eq!((&flags["flags"][0]["flag"], &flags["flags"][0]["share"]), (&"NEW".into(), &0.2.into()));
    let whole = json(&folder.told(&["journal", "verify", "--store", "x.db", "--format", "json"]));
    let journal = folder.told(&["journal", "--store", "x.db", "--format", "jsonl"]);
    let last = json(journal.lines().last().unwrap());
    assert_eq!((&whole["records"], &whole["last_hash"]), (&last["seq"], &last["hash"]));
}

#[test]
fn an_answer_says_who_and_what_and_is_data_on_request() {
    let folder = Folder::new();
    folder.store("x.db", &trace(0, 41, 100));
    let set = ["set", "NEW=15%", "--store", "x.db", "--format", "json"];
    let output = folder.command(&set).env("USER", "carol").output().unwrap();
    let answer = json(&String::from_utf8(output.stdout).unwrap());
    let said_by = (&answer["done"], &answer["by"], &answer["by_from"]);
    assert_eq!(said_by, (&true.into(), &"carol".into(), &"USER".into()));
    assert_eq!(answer["status"]["shares"][0], serde_json::json!(["NEW", 0.15]));
    assert!(answer["records"].as_array().unwrap().iter().any(|record| record["kind"] == "override"));
    let output = folder.command(&set[..4]).env("USER", "carol").env("ROLLGATE_BY", "dan").output().unwrap();
    assert!(said(&output).contains("done: set by dan (ROLLGATE_BY)"), "{}", said(&output));
    let refused = ["start", "--store", "x.db", "--by", "ann", "--role", "lead", "--format", "json"];
    let output = folder.run(&refused);
    assert_eq!(output.status.code(), Some(1));
    let answer = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!((&answer["done"], &answer["role"]), (&false.into(), &"lead".into()));
    assert!(answer["why"].as_str().unwrap().contains("already been started"));
    assert_eq!(answer["records"][0]["kind"], "command_refused");
}

#[test]
fn every_command_of_people_reaches_the_journal() {
    let folder = Folder::new();
    folder.store("x.db", &trace(0, 41, 100));
    for (line, kind) in [
        ("check-item backup", "checked"),
        ("annotate hello", "annotated"),
        ("follow-up tidy --title Tidy --owner on_call --due 2w", "follow_up_added"),
        ("check-item tidy", "checked"),
        ("set NEW=5%", "override"),
        ("release NEW", "released"),
        ("pause --reason lunch", "paused"),
        ("resume", "resumed"),
        ("decide rollback --to zero --rationale slow", "rolled_back"),
        ("attest root_cause", "attested"),
        ("attest root_cause --value false", "attested"),
        ("stop", "stopped"),
    ] {
        let mut arguments: Vec<&str> = line.split(' ').collect();
        arguments.extend(["--store", "x.db", "--by", "ann", "--format", "json"]);
        let answer = json(&folder.told(&arguments));
        let records = answer["records"].as_array().unwrap();
        assert!(records.iter().any(|record| record["kind"] == kind), "{line}: {answer}");
    }
    assert!(folder.told(&["journal", "verify", "--store", "x.db"]).contains("every number and hash fits"));
}

#[test]
fn tables_fit_the_terminal_and_a_pipe() {
    let folder = Folder::new();
    folder.store("x.db", &trace(0, 41, 100));
    for (columns, widest) in [("60", 60), ("80", 80), ("120", 120), ("", 100)] {
        for command in ["status", "flags", "scorecard"] {
            let mut command = folder.command(&[command, "--store", "x.db"]);
            if !columns.is_empty() {
                command.env("COLUMNS", columns);
            }
            let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
            assert!(text.lines().count() > 3, "{text}");
            // A path is not broken, but for where it is longer than the line.
            let too_wide: Vec<&str> =
                text.lines().filter(|line| line.width() > widest && !line.contains("x.db")).collect();
            assert!(too_wide.is_empty(), "{columns}: {too_wide:#?}\n{text}");
        }
    }
}
