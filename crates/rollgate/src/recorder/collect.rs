//! Differences between what the shards say now and what they said last time.

use std::sync::atomic::{AtomicU64, Ordering};

use rollgate_core::id::MetricId;
use rollgate_core::metrics::{Bucket, Lane, OCTAVE, OCTAVES, Windows};
use rollgate_core::time::Timestamp;

use super::cells::{Cells, Counts, Lanes, Outcomes};
use super::shard::{MetricCells, Recorder};

/// What has been handed on of every shard, in the order of the shards.
#[derive(Default)]
pub(super) struct Seen {
    shards: Vec<Vec<SeenMetric>>,
}

#[derive(Clone, Default)]
struct SeenMetric {
    invalid: u64,
    sum: f64,
    /// The total first, then the arms' lanes by their place.
    values: Vec<SeenCounts>,
    outcomes: Vec<(u64, u64)>,
}

#[derive(Clone, Default)]
struct SeenCounts {
    zero: u64,
    n: u64,
    octaves: Vec<Option<Box<[u64; OCTAVE]>>>,
}

/// The growth of a counter since last time.
fn grown(counter: &AtomicU64, seen: &mut u64) -> u64 {
    let now = counter.load(Ordering::Acquire);
    now.wrapping_sub(std::mem::replace(seen, now))
}

impl Recorder {
    /// Hands on what was recorded since the last time, as of `at`. One collector at a time.
    pub fn collect(&self, windows: &mut Windows, at: Timestamp) {
        let mut seen = self.core.seen.lock();
        let shards: Vec<_> = self.core.shards.lock().clone();
        seen.shards.resize_with(shards.len(), Vec::new);
        for (shard, seen) in shards.iter().zip(&mut seen.shards) {
            seen.resize(shard.metrics.len(), SeenMetric::default());
            for (index, (metric, seen)) in shard.metrics.iter().zip(seen).enumerate() {
                collect_metric(metric, seen, MetricId(index as u16), windows, at);
            }
        }
    }
}

fn collect_metric(
    metric: &MetricCells,
    seen: &mut SeenMetric,
    id: MetricId,
    windows: &mut Windows,
    at: Timestamp,
) {
    let invalid = grown(&metric.invalid, &mut seen.invalid);
    if invalid > 0 {
        windows.count_invalid(id, invalid, at);
    }
    match &metric.cells {
        Cells::Values(lanes, sum) => {
            each_lane(lanes, &mut seen.values, |lane, counts, seen| {
                collect_counts(counts, seen, id, lane, windows, at)
            });
            let now = f64::from_bits(sum.load(Ordering::Acquire));
            let grown = now - std::mem::replace(&mut seen.sum, now);
            if grown != 0.0 {
                windows.add_sum(id, grown);
            }
        }
        Cells::Outcomes(lanes) => {
            each_lane(lanes, &mut seen.outcomes, |lane, outcomes: &Outcomes, seen| {
                // Trues before totals: the writer goes the other way round, so trues never exceed totals.
                let trues = grown(&outcomes.trues, &mut seen.0);
                let total = grown(&outcomes.total, &mut seen.1);
                if total > 0 || trues > 0 {
                    windows.add_outcomes(id, lane, trues, total, at);
                }
            });
        }
        Cells::Other => {}
    }
}

fn each_lane<T, S: Clone + Default>(
    lanes: &Lanes<T>,
    seen: &mut Vec<S>,
    mut visit: impl FnMut(Lane, &T, &mut S),
) {
    if seen.is_empty() {
        seen.resize(1 + lanes.arms.len(), S::default());
    }
    let mut seen = seen.iter_mut();
    if let Some(seen) = seen.next() {
        visit(Lane::Total, &lanes.total, seen);
    }
    for (place, (lane, seen)) in lanes.arms.iter().zip(seen).enumerate() {
        if let Some(counts) = lane.get() {
            visit(Lanes::<T>::lane_at(place), counts, seen);
        }
    }
}

fn collect_counts(
    counts: &Counts,
    seen: &mut SeenCounts,
    id: MetricId,
    lane: Lane,
    windows: &mut Windows,
    at: Timestamp,
) {
    if counts.n.load(Ordering::Acquire) == seen.n {
        return;
    }
    // Only what the buckets say is handed on; the number of samples is remembered as their sum, so that a sample whose
    // bucket is seen before its count is not handed on twice, and one seen after is found the next time.
    let mut handed = 0;
    let zero = grown(&counts.zero, &mut seen.zero);
    if zero > 0 {
        windows.add_values(id, lane, Bucket::ZERO, zero, at);
        handed += zero;
    }
    seen.octaves.resize(OCTAVES, None);
    for (octave, (slot, seen)) in counts.octaves.iter().zip(&mut seen.octaves).enumerate() {
        let Some(slots) = slot.get() else { continue };
        let seen = seen.get_or_insert_with(|| Box::new([0; OCTAVE]));
        for (place, (counter, seen)) in slots.iter().zip(seen.iter_mut()).enumerate() {
            let count = grown(counter, seen);
            if count > 0 {
                windows.add_values(id, lane, Bucket::at(octave, place), count, at);
                handed += count;
            }
        }
    }
    seen.n = seen.n.wrapping_add(handed);
}
