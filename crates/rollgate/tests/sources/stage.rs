//! A rollout that looks at a queue, whose length a server says.

use rollgate::clock::{Clock, ManualClock};
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::SourceStatus;
use rollgate::read::Format;
use rollgate::{Engine, EngineBuilder};

use crate::stub::{Reply, Request};

pub(crate) const START: Timestamp = Timestamp(1_768_298_400_000);

pub(crate) const PLAN: &str = "
version: 1
name: queues
evaluate_every: 10s
prometheus: { timeout: 20s }
flags: { NEW: {} }
metrics:
  queue: { kind: gauge, unit: count, good: down, max_gap: 1m, source: { promql: max(queue_length), every: 10s } }
  heap: { kind: gauge, unit: MB, good: down }
roles: { ann: {} }
phases:
  - id: some
    duration: 2m
    steps: [ { set: { NEW: 40% } } ]
    gates: { queue: { metric: queue, stat: last, below: 100 } }
    triggers: { queue: { when: { metric: queue, stat: last, above: 500 }, rollback: { to: zero } } }
  - id: all
    duration: 1h
    steps: [ { set: { NEW: 100% } } ]
    gates: { queue: { metric: queue, stat: max, over: 30m, below: 100 } }
    triggers: { queue: { when: { metric: queue, stat: last, above: 500 }, rollback: { to: zero } } }
";

/// An engine whose clock is set by hand.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
}

impl Stage {
    /// With a rollout that has begun.
    pub(crate) fn open(plan: &str, url: &str, at: Timestamp) -> Self {
        Self::build(plan, at, |builder| builder.prometheus(url))
    }

    pub(crate) fn build(
        plan: &str,
        at: Timestamp,
        with: impl FnOnce(EngineBuilder) -> EngineBuilder,
    ) -> Self {
        let clock = ManualClock::at(at);
        let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap().clock(clock.clone());
        let engine = with(builder).build().unwrap();
        engine.start("ann").unwrap();
        Self { engine, clock }
    }

    /// Ticks every ten seconds.
    pub(crate) fn pass(&self, span: Span) {
        for _ in 0..span.0 / 10_000 {
            self.clock.advance(Span::seconds(10));
            self.engine.tick();
        }
    }

    pub(crate) fn wall(&self) -> Timestamp {
        self.clock.wall()
    }

    pub(crate) fn phase(&self) -> String {
        self.engine.status().phase.unwrap().to_string()
    }

    pub(crate) fn share(&self) -> u32 {
        self.engine.shares()[0].1.ppm() / 10_000
    }

    pub(crate) fn source(&self) -> SourceStatus {
        self.engine.sources().remove(0)
    }

    pub(crate) fn recorded(&self) -> u64 {
        self.engine.totals("queue").unwrap().recorded
    }
}

/// One series with this value, at this time.
pub(crate) fn vector(at: f64, value: &str) -> String {
    format!(
        r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{"job":"a"}},"value":[{at},"{value}"]}}]}}}}"#
    )
}

pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1e3
}

/// Answers as a server does whose samples are so old.
pub(crate) fn aged(
    clock: &ManualClock,
    value: &str,
    age: f64,
) -> impl FnMut(&Request) -> Reply + Send + 'static {
    let (clock, value) = (clock.clone(), value.to_owned());
    move |request| {
        let now = request.form.get("time").map_or(seconds(clock.wall()), |time| time.parse().unwrap());
        let dated = (now - age).to_string();
        let is_dated = request.form["query"].starts_with("timestamp(");
        Reply::ok(vector(now, if is_dated { &dated } else { &value }))
    }
}
