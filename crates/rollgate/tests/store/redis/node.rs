//! One node of a fleet: a process of its own, with an engine, a clock that is told what time it is, and a way to the
//! server.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use rollgate::Engine;
use rollgate::clock::Clock;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::RedisStore;

use super::server::signal;

const URL: &str = "ROLLGATE_NODE_URL";
const STORE: &str = "ROLLGATE_NODE_STORE";
const WALL: &str = "ROLLGATE_NODE_WALL";
const TIME: &str = "ROLLGATE_NODE_TIME";

/// Five steps of half a minute; a lease lasts for 15 s, which is two evaluations and five seconds.
pub(crate) const PLAN: &str = "
version: 1
name: schedules
evaluate_every: 5s
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
roles: { ann: {} }
phases:
  - id: some
    duration: 1h
    steps:
      - { set: { NEW: 10% }, hold: 30s }
      - { set: { NEW: 20% }, hold: 30s }
      - { set: { NEW: 30% }, hold: 30s }
      - { set: { NEW: 40% }, hold: 30s }
      - { set: { NEW: 50% } }
    gates: { time: { phase_for: 1h } }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
    contingency: { to: zero }
";

/// What the process does; started by [`Process::start`].
#[test]
#[ignore = "one node of the fleet: the schedules start it, and tell it what to do"]
fn a_node_of_the_fleet() {
    let variable = |name| std::env::var(name).ok();
    let (Some(url), Some(name), Some(wall)) = (variable(URL), variable(STORE), variable(WALL)) else {
        return;
    };
    let time = File::open(variable(TIME).unwrap()).unwrap();
    let clock = FileClock { time: Arc::new(time), wall: Timestamp(wall.parse().unwrap()) };
    let engine = open(&url, &name, &clock);
    answer(&engine);
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        match line.as_str() {
            "tick" => engine.tick(),
            // The store may be away; then it is told again.
            "start" => drop(engine.start("ann")),
            "record" => {
                engine.metric("heap").unwrap().record(2_000.0);
                engine.tick();
            }
            _ => panic!("{line}"),
        }
        answer(&engine);
    }
}

/// The time that the test has written into a file. It goes on while the process is stopped, as real time does.
#[derive(Clone)]
struct FileClock {
    time: Arc<File>,
    /// The calendar at its beginning.
    wall: Timestamp,
}

impl Clock for FileClock {
    fn wall(&self) -> Timestamp {
        self.wall + self.monotonic()
    }

    fn monotonic(&self) -> Span {
        let mut bytes = [0; 8];
        self.time.read_exact_at(&mut bytes, 0).unwrap();
        Span(u64::from_le_bytes(bytes))
    }
}

/// The file that such clocks read.
pub(crate) struct Time {
    file: File,
    path: PathBuf,
}

impl Time {
    pub(crate) fn new(path: PathBuf) -> Self {
        let time = Self { file: File::create(&path).unwrap(), path };
        time.set(0);
        time
    }

    pub(crate) fn set(&self, ms: u64) {
        self.file.write_all_at(&ms.to_le_bytes(), 0).unwrap();
    }
}

/// A process that starts while the server is away starts again, as its supervisor would do it.
fn open(url: &str, name: &str, clock: &FileClock) -> Engine {
    let mut last = None;
    for _ in 0..100 {
        let built = RedisStore::open(url, name).and_then(|store| {
            let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
            builder.store(store).clock(clock.clone()).build()
        });
        match built {
            Ok(engine) => return engine,
            Err(error) => last = Some(error),
        }
    }
    panic!("{last:?}")
}

/// Behind whatever the test's runner has written on the line.
fn answer(engine: &Engine) {
    let share = engine.shares()[0].1.ppm() / 10_000;
    let role = engine.status().store.unwrap().role.name();
    let mut output = std::io::stdout().lock();
    writeln!(output, "@{share} {role}").unwrap();
    output.flush().unwrap();
}

/// What a node said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) share: u32,
    pub(crate) is_leader: bool,
}

/// The process of a node, as the test has it.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Process {
    /// Starts it; its first answer comes when its engine is open.
    pub(crate) fn start(url: &str, store: &str, wall: Timestamp, time: &Time) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "redis::node::a_node_of_the_fleet", "--ignored", "--nocapture"])
            .env(URL, url)
            .env(STORE, store)
            .env(WALL, wall.0.to_string())
            .env(TIME, &time.path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    /// Tells it something; the answer is to be [heard](Self::hear).
    pub(crate) fn tell(&mut self, what: &str) {
        self.input.write_all(format!("{what}\n").as_bytes()).unwrap();
    }

    pub(crate) fn hear(&mut self) -> Said {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the node has ended");
            let Some((share, role)) = line.split_once('@').and_then(|(_, said)| said.split_once(' ')) else {
                continue;
            };
            return Said { share: share.parse().unwrap(), is_leader: role.trim() == "leader" };
        }
    }

    /// A signal to it, sent by a process that has not ended yet.
    pub(crate) fn signalling(&self, which: &str) -> Child {
        Command::new("kill").args([which, &self.child.id().to_string()]).spawn().unwrap()
    }

    pub(crate) fn signal(&self, which: &str) {
        signal(which, &self.child.id().to_string());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
