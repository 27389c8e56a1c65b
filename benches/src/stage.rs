//! The memory-system plan on a clock that the bench moves, under the traffic of the budgets: 100 samples a second of every
//! metric, latencies lognormal with sigma 0.5.
#![allow(clippy::panic, reason = "a bench may fail loudly")]

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::decide::{Choice, Status};
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::Metric;
use rollgate::read::Format;

const PLAN: &str = include_str!("../../examples/plans/memory-system.yaml");

/// 2026-01-13T10:00:00Z.
const START: Timestamp = Timestamp(1_768_298_400_000);

/// How long one evaluation lasts.
pub const EVERY: Span = Span::seconds(10);

/// Samples of one metric between two evaluations.
pub const SAMPLES: usize = 1_000;

/// Numbers that look random and are the same in every run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958).
    fn normal(&mut self) -> f64 {
        let (radius, angle) = (self.next().max(1e-300), self.next());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }
}

/// An engine under traffic.
pub struct Stage {
    /// The engine itself.
    pub engine: Engine,
    clock: ManualClock,
    latencies: Vec<(Metric, f64)>,
    keyed: Metric,
    ratios: Vec<(Metric, u64)>,
    gauges: Vec<(Metric, f64)>,
    events: Vec<Metric>,
    nps: Metric,
    /// Lognormal factors and subjects, dealt out in turn.
    factors: Vec<f64>,
    keys: Vec<String>,
    at: usize,
}

/// How the samples of the metric with arms come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// With the subject's key.
    Given,
    /// Without.
    Without,
}

impl Stage {
    /// An engine in which the phase of this place has just begun.
    pub fn in_phase(phase: usize) -> Self {
        let clock = ManualClock::at(START);
        let engine = Engine::builder()
            .plan_text(PLAN, Format::Yaml)
            .and_then(|builder| builder.clock(clock.clone()).build());
        let engine = ok(engine);
        let metric = |key: &str| ok(engine.metric(key));
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let events = [
            "context_overflows",
            "sharing_events",
            "sharing_errors",
            "db_connection_failures",
            "data_corruption",
            "critical_incidents",
            "user_complaints",
            "support_tickets",
            "captures",
            "injections",
        ];
        let stage = Self {
            latencies: vec![
                (metric("injection_latency"), 80.0),
                (metric("db_query_latency"), 12.0),
                (metric("rag_search_latency"), 300.0),
            ],
            keyed: metric("request_latency"),
            ratios: vec![
                (metric("request_errors"), 2_000),
                (metric("cache_hits"), 1),
                (metric("session_success"), 1),
                (metric("agent_task_success"), 1),
            ],
            gauges: vec![
                (metric("heap_used"), 300.0),
                (metric("database_size"), 200.0),
                (metric("vector_entries"), 20_000.0),
                (metric("user_retention"), 95.0),
            ],
            events: events.iter().map(|key| metric(key)).collect(),
            nps: metric("nps"),
            factors: (0..1 << 16).map(|_| (0.5 * dice.normal()).exp()).collect(),
            keys: (0..10_007).map(|index| format!("user-{index:011}")).collect(),
            at: 0,
            engine,
            clock,
        };
        drop(stage.engine.alerts());
        ok(stage.engine.start("on_call"));
        for _ in 0..phase {
            stage.pass();
        }
        stage
    }

    /// Goes on to the next phase, whatever the gates say.
    fn pass(&self) {
        let reason = Some("the bench is in a hurry".to_owned());
        for role in ["engineering_manager", "product_manager"] {
            let choice = Choice::Go { override_reason: reason.clone() };
            ok(self.engine.decide(role, choice, "bench"));
        }
    }

    /// Time passes until the next evaluation, and 100 samples a second are recorded.
    pub fn record(&mut self, keys: Keys) {
        self.clock.advance(EVERY);
        self.at = (self.at + 7_919) % self.factors.len();
        let turn = self.at;
        for sample in 0..SAMPLES {
            let factor = self.factors[(turn + sample * 13) % self.factors.len()];
            self.latencies.iter().for_each(|(metric, scale)| metric.record(scale * factor));
            let request = 900.0 * factor;
            match keys {
                Keys::Given => {
                    self.keyed.record_for(&self.keys[(turn + sample * 31) % self.keys.len()], request)
                }
                Keys::Without => self.keyed.record(request),
            }
        }
        for (metric, one_in) in &self.ratios {
            let some = SAMPLES as u64 / one_in;
            metric.record_outcomes(
                some.saturating_sub(some / 5).max(u64::from(turn.is_multiple_of(3))),
                SAMPLES as u64,
            );
        }
        for (metric, level) in &self.gauges {
            metric.record(level * (1.0 + (turn % 100) as f64 / 1e4));
        }
        if turn.is_multiple_of(8) {
            self.events[1].count(1);
            self.events[8].count(1);
            self.events[9].count(1);
        }
        if turn.is_multiple_of(800) {
            self.nps.record_points(34.0);
        }
    }

    /// Days of traffic, each instant evaluated. Keys come in the last six hours: what they leave does not grow after.
    pub fn run(&mut self, span: Span) {
        let instants = span.0 / EVERY.0;
        for instant in 0..instants {
            let is_late = instants - instant <= 6 * 360;
            self.record(if is_late { Keys::Given } else { Keys::Without });
            self.engine.tick();
        }
    }

    /// Where the clock stands.
    pub fn now(&self) -> Timestamp {
        use rollgate::clock::Clock as _;
        self.clock.wall()
    }

    /// What the rollout is doing.
    pub fn status(&self) -> Status {
        self.engine.status().status
    }
}

/// The value, or the end of the bench.
///
/// # Panics
/// Where it is none: a bench without its stage measures nothing.
pub fn ok<T, E: std::fmt::Display>(outcome: Result<T, E>) -> T {
    match outcome {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
