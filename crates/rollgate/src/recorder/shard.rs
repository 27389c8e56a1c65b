//! Shards, and how a thread finds its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;
use rollgate_core::id::MetricId;
use rollgate_core::limits::SAMPLES_AT_ONCE_MAX;
use rollgate_core::metrics::{Arms, Bucket, Lane};
use rollgate_core::snapshot::{MetricKind, Ruleset};
use xxhash_rust::xxh3::xxh3_64;

use super::cells::{Cells, add, add_sum};
use super::collect::Seen;

/// Numbers every recorder of the process, so that a thread-local shard knows whose it is.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// The subject of a sample, as far as statistics need it: one of 64 clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject(u8);

impl Subject {
    /// The subject of a targeting key.
    pub fn of(key: &[u8]) -> Self {
        Self((xxh3_64(key) >> 58) as u8)
    }

    /// 0 ..= 63.
    pub const fn cluster(self) -> u8 {
        self.0
    }
}

/// One metric of one shard.
pub(super) struct MetricCells {
    pub(super) cells: Cells,
    pub(super) invalid: AtomicU64,
}

/// One thread's counters.
pub(super) struct Shard {
    pub(super) metrics: Box<[MetricCells]>,
    /// Whether a living thread writes it.
    is_taken: AtomicBool,
}

/// What the shards are made from, and all of them.
pub(super) struct Core {
    id: u64,
    /// Kind and number of arms, by metric.
    kinds: Box<[(MetricKind, usize)]>,
    pub(super) shards: Mutex<Vec<Arc<Shard>>>,
    pub(super) seen: Mutex<Seen>,
}

/// The recorders of one engine's distributions and ratios. Clones are cheap and are one recorder.
#[derive(Clone)]
pub struct Recorder {
    pub(super) core: Arc<Core>,
}

/// Gives a shard back when its thread ends.
struct Owned {
    id: u64,
    shard: Arc<Shard>,
}

impl Drop for Owned {
    fn drop(&mut self) {
        // Releases the thread's writes to whoever takes the shard over.
        self.shard.is_taken.store(false, Ordering::Release);
    }
}

thread_local! {
    /// The shards of this thread, the one used last in front.
    static OWNED: RefCell<Vec<Owned>> = const { RefCell::new(Vec::new()) };
}

/// Recorders that one thread keeps shards of; beyond it the longest unused one is given back.
const OWNED_MAX: usize = 16;

impl Core {
    fn shard(&self) -> Arc<Shard> {
        let mut shards = self.shards.lock();
        let free = |shard: &&Arc<Shard>| {
            let taken = shard.is_taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed);
            taken.is_ok()
        };
        if let Some(shard) = shards.iter().find(free) {
            return shard.clone();
        }
        let metric = |(kind, arms): &(MetricKind, usize)| {
            let cells = match kind {
                MetricKind::Distribution => Cells::values(*arms),
                MetricKind::Ratio => Cells::outcomes(*arms),
                MetricKind::Gauge | MetricKind::Event | MetricKind::Score => Cells::Other,
            };
            MetricCells { cells, invalid: AtomicU64::new(0) }
        };
        let metrics = self.kinds.iter().map(metric).collect();
        let shard = Arc::new(Shard { metrics, is_taken: AtomicBool::new(true) });
        shards.push(shard.clone());
        shard
    }
}

impl Recorder {
    /// Recorders of a plan's metrics.
    pub fn new(ruleset: &Ruleset) -> Self {
        let kinds = ruleset.metrics.iter().map(|metric| (metric.kind, metric.arms.len())).collect();
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let core = Core { id, kinds, shards: Mutex::new(Vec::new()), seen: Mutex::new(Seen::default()) };
        Self { core: Arc::new(core) }
    }

    /// Runs `write` on the calling thread's cells of a metric.
    #[inline]
    fn with_cells(&self, metric: MetricId, write: impl FnOnce(&MetricCells)) {
        let mut write = Some(write);
        let found = OWNED.try_with(|owned| {
            let Ok(mut owned) = owned.try_borrow_mut() else { return };
            if owned.first().is_none_or(|first| first.id != self.core.id) {
                self.bring_to_front(&mut owned);
            }
            let cells = owned.first().and_then(|first| first.shard.metrics.get(metric.index()));
            if let (Some(cells), Some(write)) = (cells, write.take()) {
                write(cells);
            }
        });
        if found.is_err() {
            // The thread is ending and has no thread-locals: it takes a shard for this one sample.
            let owned = Owned { id: self.core.id, shard: self.core.shard() };
            if let (Some(cells), Some(write)) = (owned.shard.metrics.get(metric.index()), write.take()) {
                write(cells);
            }
        }
    }

    #[cold]
    fn bring_to_front(&self, owned: &mut Vec<Owned>) {
        match owned.iter().position(|one| one.id == self.core.id) {
            Some(at) => owned[..=at].rotate_right(1),
            None => {
                owned.insert(0, Owned { id: self.core.id, shard: self.core.shard() });
                owned.truncate(OWNED_MAX);
            }
        }
    }

    /// Counts samples of one value of a distribution, in its total and in the arms they belong to.
    ///
    /// Wait-free; allocates when an octave, an arm or a thread is seen for the first time. What cannot be measured
    /// (negative, NaN, infinite) is counted as invalid.
    #[inline]
    pub fn record(&self, metric: MetricId, value: f64, count: u64, arms: Arms, subject: Option<Subject>) {
        self.with_cells(metric, |cells| {
            let Some(bucket) = Bucket::of(value).filter(|_| count <= SAMPLES_AT_ONCE_MAX) else {
                return add(&cells.invalid, count);
            };
            if let Cells::Values(_, sum) = &cells.cells {
                // The sum first: a mean may be a sample ahead for a moment, never a sample short of its values.
                add_sum(sum, value * count as f64);
            }
            cells.cells.record(Lane::Total, bucket, count);
            each_lane(arms, subject, |lane| cells.cells.record(lane, bucket, count));
        });
    }

    /// Counts outcomes of a ratio, in its total and in the arms they belong to.
    #[inline]
    pub fn record_outcomes(
        &self,
        metric: MetricId,
        trues: u64,
        total: u64,
        arms: Arms,
        subject: Option<Subject>,
    ) {
        self.with_cells(metric, |cells| {
            if trues > total || total > SAMPLES_AT_ONCE_MAX {
                return add(&cells.invalid, total.max(1));
            }
            cells.cells.record_outcomes(Lane::Total, trues, total);
            each_lane(arms, subject, |lane| cells.cells.record_outcomes(lane, trues, total));
        });
    }
}

/// The arms' lanes of a sample.
#[inline]
fn each_lane(arms: Arms, subject: Option<Subject>, mut visit: impl FnMut(Lane)) {
    if arms == Arms::NONE {
        return;
    }
    let cluster = subject.map(Subject::cluster);
    for position in 0..8 {
        if let Some(arm) = arms.of(usize::from(position)) {
            visit(Lane::Arm { position, arm, cluster });
        }
    }
}
