//! The child of a fork, as far as one process can be it: a thread that holds the engine's lock and never comes back, and
//! the number that says that this is another process. Python's tests fork.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

use std::sync::mpsc::{Sender, channel};
use std::thread;

use rollgate::Engine;
use rollgate::clock::{Clock, ManualClock};
use rollgate::core::metrics::Arm;
use rollgate::core::snapshot::Severity;
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal::verify;
use rollgate::process::{self, PerProcess};
use rollgate::read::Format;

const PLAN: &str = "
version: 1
name: forked
flags: { NEW: {} }
metrics: { latency: { kind: distribution, unit: ms, arms: [NEW] }, complaints: { kind: event } }
phases:
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 50% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { loud: { when: { metric: complaints, stat: count, over: 1h, above: 3 }, rollback: { to: zero } } }
";

/// The name of threads that stop under the lock, where an engine asks for the time.
const GONE: &str = "gone";

struct Trap {
    clock: ManualClock,
    held: Sender<()>,
}

impl Clock for Trap {
    fn wall(&self) -> Timestamp {
        if thread::current().name() == Some(GONE) {
            self.held.send(()).unwrap();
            loop {
                thread::park();
            }
        }
        self.clock.wall()
    }
    fn monotonic(&self) -> Span {
        self.clock.monotonic()
    }
}

fn kinds(lines: &[String]) -> Vec<String> {
    let kind = |line: &String| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"].as_str().unwrap().to_owned()
    };
    lines.iter().map(kind).collect()
}

/// One test: the number is the whole process'.
#[test]
fn a_child_goes_on_where_its_parent_was_though_a_lock_is_held_for_ever() {
    let (held, is_held) = channel();
    let clock = ManualClock::at(Timestamp(1_768_816_800_000));
    let trap = Trap { clock: clock.clone(), held };
    let (hear, heard) = channel();
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap().clock(trap);
    let engine = builder.on_record(move |line| hear.send(line.to_owned()).unwrap()).build().unwrap();
    let (flag, latency) = (engine.flag("NEW"), engine.metric("latency").unwrap());
    let complaints = engine.metric("complaints").unwrap();
    engine.start("on_call").unwrap();
    let answers = || (0..100).map(|user| flag.is_on(&format!("user-{user}"))).collect::<Vec<bool>>();
    let (parents, journal) = (answers(), engine.journal_after(0));
    assert!(parents.contains(&true) && flag.is_on_counted("user-1") | true);
    latency.record(10.0);
    let own = PerProcess::new("parent");

    for generation in 1..=20 {
        let stuck = engine.clone();
        thread::Builder::new().name(GONE.into()).spawn(move || stuck.status()).unwrap();
        is_held.recv().unwrap();
        process::forked();
        assert_eq!(process::forks(), generation);
        assert_eq!(*own.lock_or(|| "child"), "child");

        // Reading needs nothing.
        assert_eq!(answers(), parents);
        clock.advance(Span::seconds(10));
        engine.after_fork();
        let lines = engine.journal_after(0);
        verify(lines.iter().map(String::as_str)).unwrap();
        assert_eq!(lines[..journal.len()], journal);
        let more = kinds(&lines[journal.len()..]);
        let restarts = more.iter().filter(|kind| *kind == "restarted").count();
        assert_eq!(
            (restarts, more.len()),
            (generation, 3 * generation - 2),
            "each goes on from the one before"
        );
        // What was recorded before is the parent's.
        assert_eq!(engine.totals("latency").unwrap().recorded, 0);
        latency.record_in(latency.arms("NEW", Arm::On), 5.0, 2);
        assert_eq!(engine.totals("latency").unwrap().recorded, 2);
        assert_eq!(engine.exposures()[0].1.on + engine.exposures()[0].1.off, 0);
        flag.is_on_counted("user-1");
        assert_eq!(flag.exposures().on + flag.exposures().off, 1);
        // Listeners hear what comes from here on, though nobody told them anything before.
        heard.try_iter().for_each(drop);
        engine.alerts().open_alert(Severity::Info, "note").unwrap();
        engine.alerts().close_alert("note");
        engine.tick();
        assert_eq!(kinds(&heard.try_iter().collect::<Vec<_>>()), ["alert_opened", "alert_closed"]);
        assert_eq!(engine.status().shares[0].1.to_string(), "50%");
    }
    // A trigger of the child is the child's alone, and fires at once.
    complaints.count(4);
    assert_eq!(engine.status().status.name(), "rolled_back");
    assert!(!answers().contains(&true));
    process::forked();
    assert!(!answers().contains(&true));
    assert_eq!(engine.status().status.name(), "rolled_back", "what was lowered stays lowered");
    engine.retry("on_call").unwrap();
}
