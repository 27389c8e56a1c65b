//! Several engines on one store, each with a clock and a way to the store of its own.

use rollgate::clock::ManualClock;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::{SharedMemoryStore, Store};
use rollgate::{Engine, Role, journal};
use serde_json::Value;

pub(crate) const START: Timestamp = Timestamp(1_768_298_400_000);

pub(crate) const PLAN: &str = "
version: 1
name: fleet
evaluate_every: 10s
flags: { NEW: {} }
metrics:
  latency: { kind: distribution, unit: ms }
  heap: { kind: gauge, unit: MB, good: down }
  complaints: { kind: event, good: down }
roles: { ann: {}, bob: {} }
phases:
  - id: some
    duration: 1h
    steps:
      - { set: { NEW: 40% }, hold: 10m }
      - { set: { NEW: 60% } }
    gates:
      latency: { metric: latency, stat: p95, over: 10m, below: 200ms, min_samples: 100 }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      complaints: { when: { metric: complaints, stat: count, over: 1h, above: 4 }, rollback: { to: zero } }
    contingency: { to: zero, requires: [cause] }
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 100% } } ]
    gates: { time: { phase_for: 1h } }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: some } }
    contingency: { to: zero }
";

/// One node.
pub(crate) struct Node {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    pub(crate) way: SharedMemoryStore,
}

impl Node {
    pub(crate) fn open(store: &SharedMemoryStore, plan: &str, wall: Timestamp) -> Self {
        let (way, clock) = (store.node(), ManualClock::at(wall));
        let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap();
        let engine = builder.store(way.clone()).clock(clock.clone()).build().unwrap();
        Self { engine, clock, way }
    }

    pub(crate) fn role(&self) -> Role {
        self.engine.status().store.unwrap().role
    }

    pub(crate) fn share(&self) -> u32 {
        self.engine.shares()[0].1.ppm() / 10_000
    }

    pub(crate) fn pass(&self, span: Span) {
        self.clock.advance(span);
        self.engine.tick();
    }
}

/// Lets time pass for all of them, in order, in steps of a second; each ticks four times a second.
pub(crate) fn pass(nodes: &[&Node], span: Span) {
    for _ in 0..span.0 / 250 {
        nodes.iter().for_each(|node| node.pass(Span(250)));
    }
}

pub(crate) fn stored(store: &SharedMemoryStore) -> Vec<String> {
    let lines = store.load(0).unwrap().map_or_else(Vec::new, |stored| stored.journal);
    journal::verify(lines.iter().map(String::as_str)).unwrap();
    lines
}

pub(crate) fn kinds(lines: &[String]) -> Vec<String> {
    let kind = |line: &String| {
        let record: Value = serde_json::from_str(line).unwrap();
        record["kind"].as_str().unwrap().to_owned()
    };
    lines.iter().map(kind).collect()
}

pub(crate) fn count(store: &SharedMemoryStore, kind: &str) -> usize {
    kinds(&stored(store)).iter().filter(|found| *found == kind).count()
}
