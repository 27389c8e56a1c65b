//! Simulated traffic: the same on every run.

use rollgate::core::error::Error;
use rollgate::core::metrics::Arm;
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::{Engine, Metric};

/// Requests a second.
const RATE: u64 = 20;
/// Traffic is recorded in batches of this length; a fast service would record each request.
const BATCH: Span = Span::seconds(30);
/// Values recorded of each batch of a distribution, one out of each equal part of it.
const STRATA: u64 = 8;
/// The flag whose arms are compared.
const FLAG: &str = "USE_ENHANCED_INJECTION";

/// A small deterministic generator (splitmix64, Steele, Lea and Flood 2014): the demo looks the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0.0 .. 1.0.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How many of `n` happen with this probability: exact where it is rare, rounded at random where it is not.
    fn count(&mut self, n: f64, probability: f64) -> u64 {
        let mean = n * probability;
        mean as u64 + u64::from(self.unit() < mean.fract())
    }
}

/// The metrics that the traffic is recorded in.
pub(super) struct Traffic {
    engine: Engine,
    random: Random,
    next: Timestamp,
    from: Option<Timestamp>,
    injection: Metric,
    request: Metric,
    db: Metric,
    rag: Metric,
    errors: Metric,
    cache: Metric,
    sessions: Metric,
    tasks: Metric,
    heap: Metric,
    size: Metric,
    vectors: Metric,
    retention: Metric,
    nps: Metric,
    sharing: Metric,
    tickets: Metric,
    overflows: Metric,
    captures: Metric,
    injections: Metric,
    /// Event metrics in which nothing happens: opened, so that nothing is evidence.
    _quiet: Vec<Metric>,
}

impl Traffic {
    pub(super) fn open(engine: &Engine) -> Result<Self, Error> {
        let quiet = [
            "sharing_errors",
            "db_connection_failures",
            "data_corruption",
            "critical_incidents",
            "user_complaints",
        ];
        let metric = |key| engine.metric(key);
        engine.alerts();
        Ok(Self {
            random: Random(42),
            next: Timestamp::MIN,
            from: None,
            injection: metric("injection_latency")?,
            request: metric("request_latency")?,
            db: metric("db_query_latency")?,
            rag: metric("rag_search_latency")?,
            errors: metric("request_errors")?,
            cache: metric("cache_hits")?,
            sessions: metric("session_success")?,
            tasks: metric("agent_task_success")?,
            heap: metric("heap_used")?,
            size: metric("database_size")?,
            vectors: metric("vector_entries")?,
            retention: metric("user_retention")?,
            nps: metric("nps")?,
            sharing: metric("sharing_events")?,
            tickets: metric("support_tickets")?,
            overflows: metric("context_overflows")?,
            captures: metric("captures")?,
            injections: metric("injections")?,
            _quiet: quiet.into_iter().map(metric).collect::<Result<_, _>>()?,
            engine: engine.clone(),
        })
    }

    /// Values of a skewed distribution with this median: log-logistic, so that p95 is 19^shape times the median.
    fn values(random: &mut Random, n: u64, median: f64, shape: f64, mut record: impl FnMut(f64, u64)) {
        for stratum in 0..STRATA {
            let count = n * (stratum + 1) / STRATA - n * stratum / STRATA;
            if count > 0 {
                let u = ((stratum as f64 + random.unit()) / STRATA as f64).clamp(1e-6, 1.0 - 1e-6);
                record(median * (u / (1.0 - u)).powf(shape), count);
            }
        }
    }

    /// Records what happened since the last batch; `slower` multiplies the latency of injections.
    pub(super) fn feed(&mut self, now: Timestamp, slower: f64) {
        if now < self.next {
            return;
        }
        self.next = now + BATCH;
        let from = *self.from.get_or_insert(now);
        let day = now.since(from).as_days();
        // Nights are quiet.
        let busy = 0.6 + 0.4 * (std::f64::consts::TAU * (day - 0.25)).sin();
        let requests = ((RATE * BATCH.0 / 1_000) as f64 * busy) as u64;
        let shares = self.engine.shares();
        let share = |index: usize| shares.get(index).map_or(0.0, |(_, share)| share.fraction());
        let on = (requests as f64 * share(0)) as u64;
        let random = &mut self.random;

        Self::values(random, on, 82.0 * slower, 0.2, |value, count| self.injection.record_many(value, count));
        for (arm, count, factor) in [(Arm::On, on, slower.sqrt()), (Arm::Off, requests - on, 1.0)] {
            let arms = self.request.arms(FLAG, arm);
            Self::values(random, count, 310.0 * factor, 0.18, |value, count| {
                self.request.record_in(arms, value, count);
            });
            let arms = self.errors.arms(FLAG, arm);
            self.errors.record_outcomes_in(arms, random.count(count as f64, 0.000_4), count);
        }
        Self::values(random, requests, 11.0, 0.25, |value, count| self.db.record_many(value, count));
        Self::values(random, requests / 4, 260.0, 0.2, |value, count| self.rag.record_many(value, count));
        let lookups = requests * 3;
        self.cache.record_outcomes(random.count(lookups as f64, 0.78), lookups);
        self.sessions.record_outcomes(random.count(requests as f64, 0.999_2), requests);
        self.tasks.record_outcomes(random.count(requests as f64, 0.995), requests);
        self.captures.count(requests / 2);
        self.injections.count(on);

        // Levels: the heap is a saw, the database grows by a few megabytes a day.
        self.heap
            .record(300.0 + 60.0 * (now.0.rem_euclid(3_600_000) as f64 / 3_600_000.0) + 20.0 * random.unit());
        self.size.record(120.0 + 4.0 * day);
        self.vectors.record((9_000.0 + 400.0 * day).floor());
        if now.0.rem_euclid(21_600_000) < BATCH.0 as i64 {
            self.nps.record_points((31.5 + 6.0 * share(0) + 2.0 * random.unit()).round());
            self.retention.record(92.0 + random.unit());
            self.tickets.count(1 + u64::from(random.unit() < 0.3));
        }
        let sharing = random.count(requests as f64, 0.1 * share(2));
        self.sharing.count(sharing);
        self.overflows.count(random.count(1.0, 0.03));
    }
}
