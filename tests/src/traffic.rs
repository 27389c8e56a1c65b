//! What the service measures: levels that a test sets, recorded batch by batch.

use std::collections::BTreeMap;

use rollgate::core::metrics::Arm;
use rollgate::core::snapshot::MetricKind;
use rollgate::{Engine, Metric};

/// Requests of each arm in a batch: 0.01 % is one of them.
const REQUESTS: u64 = 10_000;
/// The flag whose arms are compared.
const FLAG: &str = "USE_ENHANCED_INJECTION";

/// The levels of all metrics. Each batch records them; zero of an event is evidence, because the handles are open.
#[derive(Clone)]
pub struct Traffic {
    /// p95 of the injections, in ms.
    pub latency_ms: f64,
    /// Failed requests of 10 000.
    pub errors: u64,
    /// Cache hits of 100 lookups.
    pub hits: u64,
    /// The heap, in MB.
    pub heap_mb: f64,
    /// The database, in MB.
    pub database_mb: f64,
    /// Entries of the vector store.
    pub vectors: f64,
    /// What users say, pushed with every batch.
    pub nps: f64,
    /// Nothing is recorded.
    pub is_silent: bool,
    metrics: BTreeMap<String, Metric>,
}

impl Traffic {
    /// A healthy service. Opens every handle, so that every event source is live.
    pub(crate) fn healthy(engine: &Engine) -> Self {
        engine.alerts();
        Self::of(engine, |_| true)
    }

    /// A healthy service that opens no event source.
    pub(crate) fn deaf(engine: &Engine) -> Self {
        Self::of(engine, |kind| kind != MetricKind::Event)
    }

    fn of(engine: &Engine, opens: impl Fn(MetricKind) -> bool) -> Self {
        let metrics = engine.ruleset().metrics.iter();
        let keys = metrics.filter(|metric| opens(metric.kind)).map(|metric| metric.key.to_string());
        Self {
            latency_ms: 120.0,
            errors: 1,
            hits: 80,
            heap_mb: 300.0,
            database_mb: 120.0,
            vectors: 9_000.0,
            nps: 35.0,
            is_silent: false,
            metrics: keys.map(|key| (key.clone(), engine.metric(&key).unwrap())).collect(),
        }
    }

    pub(crate) fn metric(&self, key: &str) -> &Metric {
        self.metrics.get(key).unwrap_or_else(|| panic!("the plan has no metric {key}"))
    }

    /// Records one batch.
    pub(crate) fn feed(&self) {
        if self.is_silent {
            return;
        }
        self.metric("injection_latency").record_many(self.latency_ms, 1_000);
        let (request, errors) = (self.metric("request_latency"), self.metric("request_errors"));
        for arm in [Arm::On, Arm::Off] {
            let arms = request.arms(FLAG, arm);
            for (value, count) in [(200.0, 500), (300.0, 400), (400.0, 100)] {
                request.record_in(arms, value, count);
            }
            errors.record_outcomes_in(errors.arms(FLAG, arm), self.errors, REQUESTS);
        }
        self.metric("db_query_latency").record_many(12.0, 1_000);
        self.metric("rag_search_latency").record_many(260.0, 300);
        self.metric("cache_hits").record_outcomes(self.hits * 10, 1_000);
        self.metric("session_success").record_outcomes(999, 1_000);
        self.metric("agent_task_success").record_outcomes(995, 1_000);
        self.metric("heap_used").record(self.heap_mb);
        self.metric("database_size").record(self.database_mb);
        self.metric("vector_entries").record(self.vectors);
        self.metric("user_retention").record(92.0);
        self.metric("nps").record_points(self.nps);
    }

    /// The same levels on other handles.
    pub(crate) fn onto(self, other: Self) -> Self {
        Self { metrics: other.metrics, ..self }
    }
}
