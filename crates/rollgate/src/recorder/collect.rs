//! Differences between what the shards say now and what they said last time.

use std::sync::atomic::{AtomicU64, Ordering};

use rollgate_core::id::MetricId;
use rollgate_core::limits::OCTAVE_MIN;
use rollgate_core::metrics::{Bucket, Lane, OCTAVE, Windows};
use rollgate_core::time::Timestamp;

use super::cells::{Counts, Lanes, Outcomes, Ratios, SIDE, Values};
use super::shard::{Recorder, Shards};

/// How much is handed on. Nothing is lost by handing it on later: counters only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Totals, and the arms of samples without a subject.
    Totals,
    /// The arms by subject too. There are many of them, and only comparisons read them.
    Subjects,
}

/// What has been handed on, by metric and by the number of the thread.
#[derive(Default)]
pub(super) struct Seen {
    metrics: Vec<Vec<SeenShard>>,
}

#[derive(Clone, Default)]
struct SeenShard {
    invalid: u64,
    sum: f64,
    /// The total first, then the arms' lanes by their place.
    values: Vec<SeenCounts>,
    outcomes: Vec<(u64, u64)>,
}

#[derive(Clone, Default)]
struct SeenCounts {
    zero: u64,
    /// Those that have been touched, upwards.
    octaves: Vec<SeenOctave>,
}

#[derive(Clone)]
struct SeenOctave {
    key: usize,
    /// What has been handed on.
    n: u64,
    counts: Box<[u64; OCTAVE]>,
}

impl SeenCounts {
    fn octave(&mut self, key: usize) -> &mut SeenOctave {
        let at = match self.octaves.binary_search_by_key(&key, |octave| octave.key) {
            Ok(at) => at,
            Err(at) => {
                self.octaves.insert(at, SeenOctave { key, n: 0, counts: Box::new([0; OCTAVE]) });
                at
            }
        };
        &mut self.octaves[at]
    }

    /// Visits what every octave has grown by: the octave, its counts, and their sum.
    ///
    /// Only what the buckets say is handed on; the number of samples is remembered as their sum, so that a sample whose
    /// bucket is seen before its count is not handed on twice, and one seen after is found the next time.
    fn grow(&mut self, counts: &Counts, mut visit: impl FnMut(usize, &[u64; OCTAVE], u64)) {
        for (key, slot) in counts.octaves.iter().enumerate() {
            let Some(octave) = slot.get() else { continue };
            let seen = self.octave(key);
            if octave.n.load(Ordering::Acquire) == seen.n {
                continue;
            }
            let mut more = [0_u64; OCTAVE];
            let mut n = 0_u64;
            for ((counter, seen), more) in octave.counts.iter().zip(seen.counts.iter_mut()).zip(&mut more) {
                *more = grown(counter, seen);
                n = n.wrapping_add(*more);
            }
            seen.n = seen.n.wrapping_add(n);
            if n > 0 {
                visit(key, &more, n);
            }
        }
    }
}

/// The growth of a counter since last time.
fn grown(counter: &AtomicU64, seen: &mut u64) -> u64 {
    let now = counter.load(Ordering::Acquire);
    now.wrapping_sub(std::mem::replace(seen, now))
}

impl Recorder {
    /// Hands on what was recorded since the last time, as of `at`. One collector at a time.
    pub fn collect(&self, windows: &mut Windows, at: Timestamp, depth: Depth) {
        let mut seen = self.core.seen.lock();
        seen.metrics.resize_with(self.core.metrics.len(), Vec::new);
        for (index, (metric, seen)) in self.core.metrics.iter().zip(&mut seen.metrics).enumerate() {
            let mut to = To { windows, id: MetricId(index as u16), at, depth };
            match &metric.0.shards {
                Shards::Values(threads) => {
                    threads.iter().for_each(|(number, cells)| to.values(cells, seen_of(seen, number)));
                }
                Shards::Outcomes(threads) => {
                    threads.iter().for_each(|(number, cells)| to.outcomes(cells, seen_of(seen, number)));
                }
                Shards::Other => {}
            }
        }
    }
}

fn seen_of(seen: &mut Vec<SeenShard>, number: usize) -> &mut SeenShard {
    if seen.len() <= number {
        seen.resize(number + 1, SeenShard::default());
    }
    &mut seen[number]
}

/// Where one metric's samples are handed on to.
struct To<'a> {
    windows: &'a mut Windows,
    id: MetricId,
    at: Timestamp,
    depth: Depth,
}

impl To<'_> {
    fn invalid(&mut self, counter: &AtomicU64, seen: &mut u64) {
        let invalid = grown(counter, seen);
        if invalid > 0 {
            self.windows.count_invalid(self.id, invalid, self.at);
        }
    }

    fn values(&mut self, cells: &Values, seen: &mut SeenShard) {
        self.invalid(&cells.invalid, &mut seen.invalid);
        let (mut bounds, before) = ((0.0, 0.0), seen.sum);
        each_lane(&cells.lanes, &mut seen.values, self.depth, |lane, counts, seen| match lane {
            Lane::Total => bounds = collect_total(counts, seen, before, (self.id, self.at), self.windows),
            lane => collect_arm(counts, seen, lane, (self.id, self.at), self.windows),
        });
        // One huge value would swallow all that is added to it later; the buckets say where the sum must lie. A
        // sample may be in the sum and not in its bucket yet: what is not handed on now is handed on next time.
        if bounds.1 > 0.0 {
            let now = cells.sum();
            let grown = now - before;
            let handed = if grown.is_finite() { grown.clamp(bounds.0, bounds.1) } else { bounds.0 };
            self.windows.add_sum(self.id, handed);
            seen.sum = if handed == grown { now } else { before + handed };
        }
    }

    fn outcomes(&mut self, cells: &Ratios, seen: &mut SeenShard) {
        self.invalid(&cells.invalid, &mut seen.invalid);
        each_lane(&cells.lanes, &mut seen.outcomes, self.depth, |lane, outcomes: &Outcomes, seen| {
            let Some(now) = outcomes.read() else { return };
            let before = std::mem::replace(seen, now);
            let (trues, falses) = (now.0.wrapping_sub(before.0), now.1.wrapping_sub(before.1));
            if trues > 0 || falses > 0 {
                self.windows.add_outcomes(self.id, lane, trues, trues.saturating_add(falses), self.at);
            }
        });
    }
}

fn each_lane<T, S: Clone + Default>(
    lanes: &Lanes<T>,
    seen: &mut Vec<S>,
    depth: Depth,
    mut visit: impl FnMut(Lane, &T, &mut S),
) {
    if seen.is_empty() {
        seen.resize(1 + lanes.arms.len(), S::default());
    }
    let Some((total, arms)) = seen.split_first_mut() else { return };
    visit(Lane::Total, &lanes.total, total);
    let step = if depth == Depth::Subjects { 1 } else { SIDE };
    for (place, (lane, seen)) in lanes.arms.iter().zip(arms).enumerate().step_by(step) {
        if let Some(counts) = lane.get() {
            visit(Lanes::<T>::lane_at(place), counts, seen);
        }
    }
}

/// A double of this size takes in a small value to within so much of it.
const PRECISION: f64 = 1e-4;

/// Hands on a total by octaves; gives the bounds that the sum of its values lies in, closely where the sum so far is so
/// large that it may have swallowed them.
fn collect_total(
    counts: &Counts,
    seen: &mut SeenCounts,
    sum: f64,
    (id, at): (MetricId, Timestamp),
    windows: &mut Windows,
) -> (f64, f64) {
    let (mut low, mut high) = (0.0, 0.0);
    let zero = grown(&counts.zero, &mut seen.zero);
    if zero > 0 {
        windows.add_values(id, Lane::Total, Bucket::ZERO, zero, at);
        high += zero as f64 * f64::from(OCTAVE_MIN).exp2();
    }
    seen.grow(counts, |octave, more, n| {
        windows.add_octave(id, octave, more, n, at);
        let (unit, n) = (Bucket::at(octave, 0).low(), n as f64);
        if sum * f64::EPSILON <= unit * PRECISION {
            low += unit * n;
            high += 2.0 * unit * n;
        } else {
            let places: f64 =
                more.iter().enumerate().map(|(place, count)| place as f64 * *count as f64).sum();
            let least = unit * (n + places / OCTAVE as f64);
            low += least;
            high += least + unit * n / OCTAVE as f64;
        }
    });
    (low, high)
}

fn collect_arm(
    counts: &Counts,
    seen: &mut SeenCounts,
    lane: Lane,
    (id, at): (MetricId, Timestamp),
    windows: &mut Windows,
) {
    let zero = grown(&counts.zero, &mut seen.zero);
    if zero > 0 {
        windows.add_values(id, lane, Bucket::ZERO, zero, at);
    }
    seen.grow(counts, |octave, more, _| {
        for (place, count) in more.iter().enumerate().filter(|(_, count)| **count > 0) {
            windows.add_values(id, lane, Bucket::at(octave, place), *count, at);
        }
    });
}
