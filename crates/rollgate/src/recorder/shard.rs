//! What the threads write into, by metric.

use std::sync::Arc;

use rollgate_core::id::MetricId;
use rollgate_core::metrics::Arms;
use rollgate_core::snapshot::{MetricKind, Ruleset};
use xxhash_rust::xxh3::xxh3_64;

use super::cells::{Ratios, Values};
use super::collect::Seen;
use crate::process::PerProcess;
use crate::threads::PerThread;

/// The subject of a sample, as far as statistics need it: one of 64 clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject(u8);

impl Subject {
    /// The subject of a targeting key.
    #[inline]
    pub fn of(key: &[u8]) -> Self {
        Self((xxh3_64(key) >> 58) as u8)
    }

    /// 0 ..= 63.
    pub const fn cluster(self) -> u8 {
        self.0
    }
}

/// One metric's cells, those of all threads.
pub(super) enum Shards {
    /// A distribution.
    Values(PerThread<Box<Values>>),
    /// A ratio.
    Outcomes(PerThread<Box<Ratios>>),
    /// Kinds that are not recorded here.
    Other,
}

/// One metric.
pub(super) struct Recorded {
    /// How many flags it tells apart.
    arms: usize,
    pub(super) shards: Shards,
}

/// Records samples of one metric. Clones are cheap and are one recorder.
#[derive(Clone)]
pub struct MetricRecorder(pub(super) Arc<Recorded>);

impl MetricRecorder {
    /// Counts samples of one value of a distribution, in its total and in the arms they belong to; a metric that is none
    /// ignores it.
    ///
    /// Wait-free; allocates when an octave, an arm or a thread is seen for the first time. What cannot be measured
    /// (negative, NaN, infinite) is counted as invalid.
    #[inline]
    pub fn record(&self, value: f64, count: u64, arms: Arms, subject: Option<Subject>) {
        if let Shards::Values(threads) = &self.0.shards {
            match threads.own() {
                Some(cells) => cells.record(value, count, arms, subject),
                None => self.record_first(threads, (value, count), arms, subject),
            }
        }
    }

    /// Counts outcomes of a ratio, in its total and in the arms they belong to; a metric that is none ignores it.
    #[inline]
    pub fn record_outcomes(&self, trues: u64, total: u64, arms: Arms, subject: Option<Subject>) {
        if let Shards::Outcomes(threads) = &self.0.shards {
            match threads.own() {
                Some(cells) => cells.record(trues, total, arms, subject),
                None => {
                    let new = || Ratios::new(self.0.arms);
                    threads.find(new, |cells| cells.record(trues, total, arms, subject));
                }
            }
        }
    }

    #[cold]
    fn record_first(
        &self,
        threads: &PerThread<Box<Values>>,
        (value, count): (f64, u64),
        arms: Arms,
        subject: Option<Subject>,
    ) {
        threads.find(|| Values::new(self.0.arms), |cells| cells.record(value, count, arms, subject));
    }
}

/// All metrics, and what has been handed on of them.
pub(super) struct Core {
    pub(super) metrics: Box<[MetricRecorder]>,
    pub(super) seen: PerProcess<Seen>,
}

/// The recorders of one engine's distributions and ratios. Clones are cheap and are one recorder.
#[derive(Clone)]
pub struct Recorder {
    pub(super) core: Arc<Core>,
}

impl Recorder {
    /// Recorders of a plan's metrics.
    pub fn new(ruleset: &Ruleset) -> Self {
        let metrics = ruleset.metrics.iter().map(|metric| {
            let shards = match metric.kind {
                MetricKind::Distribution => Shards::Values(PerThread::new()),
                MetricKind::Ratio => Shards::Outcomes(PerThread::new()),
                MetricKind::Gauge | MetricKind::Event | MetricKind::Score => Shards::Other,
            };
            MetricRecorder(Arc::new(Recorded { arms: metric.arms.len(), shards }))
        });
        let core = Core { metrics: metrics.collect(), seen: PerProcess::new(Seen::default()) };
        Self { core: Arc::new(core) }
    }

    /// The recorder of one metric, for keeping.
    ///
    /// # Panics
    /// Where the id is of another ruleset.
    pub fn metric(&self, metric: MetricId) -> MetricRecorder {
        self.core.metrics[metric.index()].clone()
    }
}
