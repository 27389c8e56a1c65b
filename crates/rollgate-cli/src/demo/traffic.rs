//! Simulated traffic, the same on every run and every machine: only additions, products and quotients of doubles.

use rollgate::core::error::Error;
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::{Engine, Metric};
use rollgate::flag::Flag;

/// The seed of everything that is random here.
pub(super) const SEED: u64 = 42;
/// Requests a second in the busiest hour.
pub(super) const RATE: u64 = 20;
/// Subjects with requests in one batch; each has about twenty, of one latency. A service would record each request as
/// it happens.
const SESSIONS: u64 = 30;
/// All subjects.
const USERS: u64 = 4_000;
/// Values of one batch of a metric without subjects.
const STRATA: u64 = 6;

/// Latencies are skewed: quantiles, and what they are of the median.
const SKEW: [(f64, f64); 9] = [
    (0.0, 0.45),
    (0.1, 0.64),
    (0.25, 0.8),
    (0.5, 1.0),
    (0.75, 1.27),
    (0.9, 1.58),
    (0.95, 1.82),
    (0.99, 2.4),
    (1.0, 4.0),
];

/// A small deterministic generator (splitmix64, Steele, Lea and Flood 2014).
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

    /// How many of `n` happen with this probability: the whole part always, the rest at random.
    fn count(&mut self, n: u64, probability: f64) -> u64 {
        let mean = n as f64 * probability;
        mean as u64 + u64::from(self.unit() < mean.fract())
    }

    /// A latency with this median, from the given part of `parts` equal parts of its distribution.
    fn latency(&mut self, median: f64, part: u64, parts: u64) -> f64 {
        let at = (part as f64 + self.unit()) / parts as f64;
        let above = SKEW.iter().position(|(quantile, _)| at < *quantile).unwrap_or(SKEW.len() - 1);
        let (high, low) = (SKEW[above], SKEW[above.saturating_sub(1)]);
        median * (low.1 + (high.1 - low.1) * (at - low.0) / (high.0 - low.0))
    }
}

/// One subject, and how fast its own requests are.
struct User {
    key: String,
    pace: f64,
}

/// The metrics that the traffic is recorded in.
pub(super) struct Traffic {
    random: Random,
    users: Vec<User>,
    from: Timestamp,
    enhanced: Flag,
    sharing: Flag,
    injection: Metric,
    request: Metric,
    errors: Metric,
    db: Metric,
    rag: Metric,
    cache: Metric,
    sessions: Metric,
    tasks: Metric,
    heap: Metric,
    size: Metric,
    vectors: Metric,
    retention: Metric,
    nps: Metric,
    shared: Metric,
    tickets: Metric,
    overflows: Metric,
    captures: Metric,
    injections: Metric,
    /// Event metrics in which nothing happens: opened, so that nothing is evidence.
    _quiet: Vec<Metric>,
}

impl Traffic {
    pub(super) fn open(engine: &Engine, from: Timestamp) -> Result<Self, Error> {
        let quiet = [
            "sharing_errors",
            "db_connection_failures",
            "data_corruption",
            "critical_incidents",
            "user_complaints",
        ];
        let metric = |key| engine.metric(key);
        engine.alerts();
        let mut random = Random(SEED);
        let user = |number| User { key: format!("user-{number}"), pace: 0.95 + 0.1 * random.unit() };
        let users = (0..USERS).map(user).collect();
        Ok(Self {
            random,
            users,
            from,
            enhanced: engine.flag("USE_ENHANCED_INJECTION"),
            sharing: engine.flag("USE_CROSS_AGENT_SHARING"),
            injection: metric("injection_latency")?,
            request: metric("request_latency")?,
            errors: metric("request_errors")?,
            db: metric("db_query_latency")?,
            rag: metric("rag_search_latency")?,
            cache: metric("cache_hits")?,
            sessions: metric("session_success")?,
            tasks: metric("agent_task_success")?,
            heap: metric("heap_used")?,
            size: metric("database_size")?,
            vectors: metric("vector_entries")?,
            retention: metric("user_retention")?,
            nps: metric("nps")?,
            shared: metric("sharing_events")?,
            tickets: metric("support_tickets")?,
            overflows: metric("context_overflows")?,
            captures: metric("captures")?,
            injections: metric("injections")?,
            _quiet: quiet.into_iter().map(metric).collect::<Result<_, _>>()?,
        })
    }

    /// Records a batch: what happens in this length of time from now; `slower` multiplies the latency of injections.
    pub(super) fn feed(&mut self, now: Timestamp, length: Span, slower: f64) {
        // The busiest hour is 15:00, the quietest 03:00.
        let from_noon = (now.0.rem_euclid(86_400_000) as f64 / 3_600_000.0 - 15.0).abs();
        let busy = 0.3 + 0.7 * (from_noon.min(24.0 - from_noon) / 12.0 - 1.0).abs();
        let requests = ((RATE * length.0 / 1_000) as f64 * busy) as u64;
        let on = self.sessions(requests, slower);
        self.service(requests, length);
        self.levels(now, length, on as f64 / requests as f64);
    }

    /// Requests of some subjects; gives how many had the new injection.
    fn sessions(&mut self, requests: u64, slower: f64) -> u64 {
        let random = &mut self.random;
        let (mut on, mut shared) = (0, 0);
        for session in 0..SESSIONS {
            let count = requests * (session + 1) / SESSIONS - requests * session / SESSIONS;
            let Some(user) = self.users.get((random.next() % USERS) as usize) else { continue };
            let is_on = self.enhanced.is_on(&user.key);
            let slower = if is_on { slower } else { 1.0 };
            if is_on {
                on += count;
                let ms = random.latency(82.0 * user.pace * slower, session, SESSIONS);
                self.injection.record_many_for(&user.key, ms, count);
            }
            if self.sharing.is_on(&user.key) {
                shared += count;
            }
            // Part of a request is the injection: a slow one is felt.
            let part = random.next() % SESSIONS;
            let ms = random.latency(310.0 * user.pace * (0.8 + 0.2 * slower), part, SESSIONS);
            self.request.record_many_for(&user.key, ms, count);
            self.errors.record_outcomes_for(&user.key, random.count(count, 0.000_4), count);
        }
        self.injections.count(on);
        self.shared.count(random.count(shared, 0.05));
        on
    }

    /// What has no subject: queries, lookups, sessions.
    fn service(&mut self, requests: u64, length: Span) {
        let random = &mut self.random;
        for part in 0..STRATA {
            let count = requests / STRATA;
            self.db.record_many(random.latency(11.0, part, STRATA), count);
            self.rag.record_many(random.latency(260.0, part, STRATA), count / 4 + 1);
        }
        let lookups = requests * 3;
        let hit = 0.77 + 0.02 * random.unit();
        self.cache.record_outcomes(random.count(lookups, hit), lookups);
        self.sessions.record_outcomes(random.count(requests, 0.999_2), requests);
        self.tasks.record_outcomes(random.count(requests, 0.995), requests);
        self.captures.count(requests / 2);
        self.overflows.count(random.count(length.0 / 1_000, 0.001));
    }

    /// Levels and scores: the heap is a saw, the database grows by a few megabytes a day; people like what is new.
    fn levels(&mut self, now: Timestamp, length: Span, on: f64) {
        let day = now.since(self.from).as_days();
        let random = &mut self.random;
        let hour = now.0.rem_euclid(3_600_000) as f64 / 3_600_000.0;
        self.heap.record((300.0 + 60.0 * hour + 20.0 * random.unit()).floor());
        self.size.record((120.0 + 4.0 * day).floor());
        self.vectors.record((9_000.0 + 400.0 * day).floor());
        if now.0.rem_euclid(21_600_000) < length.0 as i64 {
            self.nps.record_points((31.5 + 6.0 * on + 2.0 * random.unit()).round());
            self.retention.record((920.0 + 10.0 * random.unit()).round() / 10.0);
            self.tickets.count(1 + u64::from(random.unit() < 0.5 - 0.2 * on));
        }
    }
}
