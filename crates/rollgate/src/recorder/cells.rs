//! The counters of one metric in one shard. One thread writes, one reads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rollgate_core::limits::{ARMS_MAX, CLUSTERS, SAMPLES_AT_ONCE_MAX};
use rollgate_core::metrics::{Arm, Arms, Bucket, Lane, OCTAVE, OCTAVES};

use super::shard::Subject;
use crate::threads::add;

/// Adds to a sum that this thread alone writes; kept as the bits of a double.
#[inline]
fn add_sum(sum: &AtomicU64, value: f64) {
    let before = f64::from_bits(sum.load(Ordering::Relaxed));
    sum.store((before + value).to_bits(), Ordering::Release);
}

/// The counts of one octave; on lines of its own, since what lies beside it on the heap may be another thread's.
#[repr(align(64))]
pub(super) struct Octave {
    /// Their sum, so that a collector passes by where nothing has changed.
    pub(super) n: AtomicU64,
    pub(super) counts: [AtomicU64; OCTAVE],
}

/// The counts of one lane of a distribution; octaves appear when they are first touched, and stay.
#[repr(align(64))]
pub(super) struct Counts {
    pub(super) zero: AtomicU64,
    pub(super) octaves: [OnceLock<Box<Octave>>; OCTAVES],
}

impl Counts {
    fn new() -> Self {
        Self { zero: AtomicU64::new(0), octaves: [const { OnceLock::new() }; OCTAVES] }
    }

    #[inline]
    fn add(&self, bucket: Bucket, count: u64) {
        let Some((octave, place)) = bucket.place() else { return add(&self.zero, count) };
        // No bucket lies beyond the last octave.
        let Some(slot) = self.octaves.get(octave) else { return };
        let octave = match slot.get() {
            Some(octave) => octave,
            None => first_touch(slot),
        };
        add(&octave.counts[place], count);
        // Last: whoever sees this count finds the buckets at least as full.
        add(&octave.n, count);
    }
}

#[cold]
fn first_touch(slot: &OnceLock<Box<Octave>>) -> &Octave {
    slot.get_or_init(|| {
        Box::new(Octave { n: AtomicU64::new(0), counts: [const { AtomicU64::new(0) }; OCTAVE] })
    })
}

/// The counts of one lane of a ratio.
///
/// One outcome is one store. A batch of both outcomes is two, and must not be torn into two slots, of which one would say
/// that everything failed: `batches` is odd while one is being written.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Outcomes {
    trues: AtomicU64,
    falses: AtomicU64,
    batches: AtomicU64,
}

/// How often a collector looks at a lane that is being written before it leaves it for the next time.
const LOOKS: usize = 16;

impl Outcomes {
    #[inline]
    fn add(&self, trues: u64, total: u64) {
        let falses = total.saturating_sub(trues);
        if falses == 0 {
            add(&self.trues, trues);
        } else if trues == 0 {
            add(&self.falses, falses);
        } else {
            // The stores of the counts release, so that whoever sees one of them sees the odd number before it.
            add(&self.batches, 1);
            add(&self.trues, trues);
            add(&self.falses, falses);
            add(&self.batches, 1);
        }
    }

    /// True and false outcomes so far, whole batches only; `None` while one is being written.
    pub(super) fn read(&self) -> Option<(u64, u64)> {
        for _ in 0..LOOKS {
            let before = self.batches.load(Ordering::Acquire);
            let (trues, falses) = (self.trues.load(Ordering::Acquire), self.falses.load(Ordering::Acquire));
            if before.is_multiple_of(2) && self.batches.load(Ordering::Acquire) == before {
                return Some((trues, falses));
            }
            std::hint::spin_loop();
        }
        None
    }
}

/// Sums of one distribution in one thread.
///
/// One sum is a chain: each addition waits for the one before it, longer than all else that recording does. Values of
/// neighbouring buckets go to different ones.
const SUMS: usize = 4;

/// One thread's cells of a distribution.
pub(super) struct Values {
    pub(super) lanes: Lanes<Counts>,
    sums: [AtomicU64; SUMS],
    pub(super) invalid: AtomicU64,
}

/// One thread's cells of a ratio.
pub(super) struct Ratios {
    pub(super) lanes: Lanes<Outcomes>,
    pub(super) invalid: AtomicU64,
}

/// The total, and the arms' lanes as they are first touched.
pub(super) struct Lanes<T> {
    pub(super) total: T,
    pub(super) arms: Box<[OnceLock<Box<T>>]>,
}

/// Lanes of one side: one for samples without a subject, one for each cluster.
pub(super) const SIDE: usize = 1 + CLUSTERS;

impl<T> Lanes<T> {
    fn new(total: T, arms: usize) -> Self {
        Self { total, arms: (0..arms.min(ARMS_MAX) * 2 * SIDE).map(|_| OnceLock::new()).collect() }
    }

    #[inline]
    fn lane(&self, lane: Lane, new: impl FnOnce() -> T) -> Option<&T> {
        let Lane::Arm { position, arm, cluster } = lane else { return Some(&self.total) };
        let side = usize::from(position) * 2 + usize::from(arm == Arm::On);
        let slot = self.arms.get(side * SIDE + cluster.map_or(0, |cluster| 1 + usize::from(cluster)))?;
        Some(slot.get_or_init(|| Box::new(new())))
    }

    /// The lane at a place of `arms`.
    pub(super) fn lane_at(place: usize) -> Lane {
        let (side, cluster) = (place / SIDE, place % SIDE);
        let arm = if side % 2 == 1 { Arm::On } else { Arm::Off };
        Lane::Arm {
            position: (side / 2) as u8,
            arm,
            cluster: cluster.checked_sub(1).map(|cluster| cluster as u8),
        }
    }
}

impl Values {
    pub(super) fn new(arms: usize) -> Box<Self> {
        let sums = [const { AtomicU64::new(0.0_f64.to_bits()) }; SUMS];
        Box::new(Self { lanes: Lanes::new(Counts::new(), arms), sums, invalid: AtomicU64::new(0) })
    }

    /// The sum of all values; exact while nobody records.
    pub(super) fn sum(&self) -> f64 {
        self.sums.iter().map(|sum| f64::from_bits(sum.load(Ordering::Acquire))).sum()
    }

    #[inline]
    pub(super) fn record(&self, value: f64, count: u64, arms: Arms, subject: Option<Subject>) {
        let Some(bucket) = Bucket::of(value).filter(|_| count <= SAMPLES_AT_ONCE_MAX) else {
            return add(&self.invalid, count);
        };
        // The sum first: a mean may be a sample ahead for a moment, never a sample short of its values.
        let place = bucket.place().map_or(0, |(_, place)| place);
        add_sum(&self.sums[place % SUMS], value * count as f64);
        self.lanes.total.add(bucket, count);
        if arms != Arms::NONE {
            self.record_arms(bucket, count, arms, subject);
        }
    }

    /// By itself, so that a sample without arms needs no stack.
    #[inline(never)]
    fn record_arms(&self, bucket: Bucket, count: u64, arms: Arms, subject: Option<Subject>) {
        each_lane(arms, subject, |lane| {
            if let Some(counts) = self.lanes.lane(lane, Counts::new) {
                counts.add(bucket, count);
            }
        });
    }
}

impl Ratios {
    pub(super) fn new(arms: usize) -> Box<Self> {
        Box::new(Self { lanes: Lanes::new(Outcomes::default(), arms), invalid: AtomicU64::new(0) })
    }

    #[inline]
    pub(super) fn record(&self, trues: u64, total: u64, arms: Arms, subject: Option<Subject>) {
        if trues > total || total > SAMPLES_AT_ONCE_MAX {
            return add(&self.invalid, total.max(1));
        }
        self.lanes.total.add(trues, total);
        if arms != Arms::NONE {
            self.record_arms(trues, total, arms, subject);
        }
    }

    #[inline(never)]
    fn record_arms(&self, trues: u64, total: u64, arms: Arms, subject: Option<Subject>) {
        each_lane(arms, subject, |lane| {
            if let Some(outcomes) = self.lanes.lane(lane, Outcomes::default) {
                outcomes.add(trues, total);
            }
        });
    }
}

/// The arms' lanes of a sample.
#[inline]
fn each_lane(arms: Arms, subject: Option<Subject>, mut visit: impl FnMut(Lane)) {
    let cluster = subject.map(Subject::cluster);
    let mut position = 0_u8;
    // Two bits an arm: nothing is left where all that are known have been visited.
    while position < 8 && arms.0 >> (2 * position) != 0 {
        if let Some(arm) = arms.of(usize::from(position)) {
            visit(Lane::Arm { position, arm, cluster });
        }
        position += 1;
    }
}
