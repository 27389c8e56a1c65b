//! A folder with a plan, and stores that hold a rollout of it, each made by the command itself.
#![allow(dead_code, reason = "each test program uses a part")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// One decision, one contingency, and a trigger that lowers everything.
pub(crate) const PLAN: &str = "
version: 1
name: canary
evaluate_every: 10s
flags: { NEW: {}, OLD: {} }
roles: { lead: { members: [ann] }, on_call: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: few
    duration: 10m
    checklist: { backup: { title: Back up, owner: on_call } }
    steps: [ { set: { NEW: 10% } }, { hold: 2m, set: { NEW: 20% } } ]
    gates: { heap: { metric: heap, stat: last, below: 400MB, over: 5m } }
    decision: { roles: [lead] }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    contingency: { hold: 30m, requires: [root_cause] }
  - id: all
    duration: 10m
    steps: [ { set: { NEW: 100% } } ]
    gates: { heap: { metric: heap, stat: last, below: 400MB, over: 5m } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: few } } }
";

/// A Monday, 09:00 UTC.
const START: u64 = 1_767_603_600_000;
/// Milliseconds between two lines of a trace: one evaluation.
const EVERY: u64 = 10_000;

/// Lines of a trace, `from..to` evaluations after its start: a start at 1, a go at 80, too much heap from `bad` on.
pub(crate) fn trace(from: u64, to: u64, bad: u64) -> String {
    let mut text = String::new();
    for k in from..to {
        let at = START + k * EVERY;
        if k == 1 {
            writeln!(text, r#"{{"at":{at},"command":"start","by":"ann"}}"#).unwrap();
        }
        let heap = if k < bad { 300 } else { 2_000 };
        writeln!(text, r#"{{"at":{at},"metric":"heap","value":{heap}}}"#).unwrap();
        if k == 80 {
            writeln!(text, r#"{{"at":{at},"command":"decide","choice":"go","rationale":"fine","by":"ann"}}"#)
                .unwrap();
        }
    }
    text
}

/// A line in which nothing happens but time.
pub(crate) fn tick(k: u64) -> String {
    format!("{{\"at\":{},\"tick\":true}}\n", START + k * EVERY)
}

/// A folder of its own, that is removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let n = MADE.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rollgate-cli-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.write("canary.yaml", PLAN);
        folder
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }

    /// A store with the rollout that a trace leads to.
    pub(crate) fn store(&self, name: &str, trace: &str) -> String {
        self.write("trace.jsonl", trace);
        let output = self.run(&["replay", "canary.yaml", "--trace", "trace.jsonl", "--store", name]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        self.path(name)
    }

    /// The command, in this folder, asked by nobody.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollgate"));
        command.args(arguments).current_dir(&self.0);
        for variable in ["USER", "ROLLGATE_BY", "ROLLGATE_STORE", "COLUMNS"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a run that must succeed.
    #[track_caller]
    pub(crate) fn told(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Both streams, for messages.
pub(crate) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
