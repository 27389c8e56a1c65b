//! ON and OFF since the last mark: totals, batches, and subjects in 64 clusters.

mod stored;

use super::histogram::{Bucket, Dense};
use super::{Arm, ArmPair, ArmTotals, Clusters};
use crate::limits::{CLUSTERS, SAMPLES_MAX};
use crate::time::Timestamp;

/// Where a sample is counted beside the total of its metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// The metric's total.
    Total,
    /// One arm of the flag at this place of the metric's `arms`.
    Arm {
        /// The flag's place in the metric's list.
        position: u8,
        /// The side.
        arm: Arm,
        /// The subject's cluster; `None` for a sample without a subject key.
        cluster: Option<u8>,
    },
}

/// One side.
#[derive(Clone, Debug)]
struct Side {
    totals: ArmTotals,
    values: Dense,
    /// By cluster: samples (outcomes), their sum (true ones), and for distributions their values.
    n: Vec<f64>,
    sum: Vec<f64>,
    by_cluster: Vec<Dense>,
    /// The batch that is open: samples, sum, sum of squares.
    batch: (f64, f64, f64),
}

impl Side {
    fn new() -> Self {
        Self {
            totals: ArmTotals::default(),
            values: Dense::default(),
            n: vec![0.0; CLUSTERS],
            sum: vec![0.0; CLUSTERS],
            by_cluster: vec![Dense::default(); CLUSTERS],
            batch: (0.0, 0.0, 0.0),
        }
    }

    fn add(&mut self, cluster: Option<u8>, n: u64, sum: f64, squares: f64) -> Option<usize> {
        self.totals.n += n;
        self.totals.sum += sum;
        let Some(cluster) = cluster.map(usize::from).filter(|cluster| *cluster < CLUSTERS) else {
            // Batches are of keyless samples: those with a key are judged by their subjects.
            self.totals.unkeyed += n;
            self.batch.0 += n as f64;
            self.batch.1 += sum;
            self.batch.2 += squares;
            return None;
        };
        self.n[cluster] += n as f64;
        self.sum[cluster] += sum;
        Some(cluster)
    }

    fn bytes(&self) -> usize {
        self.values.bytes()
            + self.by_cluster.iter().map(|dense| dense.bytes() + size_of::<Dense>()).sum::<usize>()
            + CLUSTERS * 16
    }
}

/// Both sides of one flag in one metric.
#[derive(Clone, Debug)]
pub(super) struct Sides {
    on: Side,
    off: Side,
    pair: ArmPair,
}

impl Sides {
    pub(super) fn new(since: Timestamp) -> Self {
        Self { on: Side::new(), off: Side::new(), pair: ArmPair { since, ..ArmPair::default() } }
    }

    fn side(&mut self, arm: Arm) -> &mut Side {
        match arm {
            Arm::On => &mut self.on,
            Arm::Off => &mut self.off,
        }
    }

    fn of(&self, arm: Arm) -> &Side {
        match arm {
            Arm::On => &self.on,
            Arm::Off => &self.off,
        }
    }

    /// Whether an arm can hold so many more samples; else they are dropped.
    fn has_room(&mut self, arm: Arm, count: u64) -> bool {
        let n = self.of(arm).totals.n.checked_add(count);
        let has_room = n.is_some_and(|n| n <= SAMPLES_MAX);
        if !has_room {
            self.add_drops(count);
        }
        has_room
    }

    pub(super) fn add_values(&mut self, arm: Arm, cluster: Option<u8>, bucket: Bucket, count: u64) {
        if !self.has_room(arm, count) {
            return;
        }
        let (value, n) = (bucket.middle(), count as f64);
        let side = self.side(arm);
        let cluster = side.add(cluster, count, value * n, value * value * n);
        side.values.add(bucket, count);
        if let Some(cluster) = cluster {
            side.by_cluster[cluster].add(bucket, count);
        }
    }

    pub(super) fn add_outcomes(&mut self, arm: Arm, cluster: Option<u8>, trues: u64, total: u64) {
        if !self.has_room(arm, total) {
            return;
        }
        let _ = self.side(arm).add(cluster, total, trues as f64, trues as f64);
    }

    /// A promoter is worth 100 points, a detractor -100: the mean is the score.
    pub(super) fn add_ratings(&mut self, arm: Arm, cluster: Option<u8>, rating: f64, count: u64) {
        if count == 0 || !self.has_room(arm, count) {
            return;
        }
        let points = if rating >= 9.0 {
            100.0
        } else if rating <= 6.0 {
            -100.0
        } else {
            0.0
        };
        let n = count as f64;
        let _ = self.side(arm).add(cluster, count, points * n, points * points * n);
    }

    pub(super) fn add_drops(&mut self, count: u64) {
        self.pair.drops = self.pair.drops.saturating_add(count);
    }

    /// Closes a batch (F6): both arms must have samples; else it goes on.
    pub(super) fn close_batch(&mut self, spread: Spread) {
        let ((n1, sum1, squares1), (n0, sum0, squares0)) = (self.on.batch, self.off.batch);
        if n1 < 1.0 || n0 < 1.0 {
            return;
        }
        let variance = |n: f64, sum: f64, squares: f64| match spread {
            // Two arms without one error still have a variance (SEMANTICS 4.6).
            Spread::Ratio => {
                let p = (sum + 0.5) / (n + 1.0);
                p * (1.0 - p)
            }
            Spread::Values if n > 1.0 => ((squares - sum * sum / n) / (n - 1.0)).max(0.0),
            Spread::Values => 0.0,
        };
        // A batch of single values tells nothing of their spread: wait for more.
        if spread == Spread::Values && (n1 < 2.0 || n0 < 2.0) {
            return;
        }
        let (mean1, mean0) = (sum1 / n1, sum0 / n0);
        let h = n1 * n0 / (n1 + n0);
        let (part1, part0) = (variance(n1, sum1, squares1) / n1, variance(n0, sum0, squares0) / n0);
        let pair = &mut self.pair;
        pair.s += h * (mean1 - mean0);
        pair.v += h * h * (part1 + part0);
        pair.h += h;
        pair.s_on += h * mean1;
        pair.s_off += h * mean0;
        pair.v_on += h * h * part1;
        pair.v_off += h * h * part0;
        pair.batched = pair.batched.saturating_add((n1 + n0) as u64);
        self.on.batch = (0.0, 0.0, 0.0);
        self.off.batch = (0.0, 0.0, 0.0);
    }

    pub(super) fn pair(&self) -> ArmPair {
        ArmPair { on: self.on.totals, off: self.off.totals, ..self.pair }
    }

    pub(super) fn rank(&self, arm: Arm, rank: u64) -> Option<(f64, f64)> {
        self.of(arm).values.rank(rank).map(|bucket| (bucket.low(), bucket.high()))
    }

    pub(super) fn clusters(&self, arm: Arm) -> Clusters {
        let side = self.of(arm);
        Clusters { n: side.n.clone(), sum: side.sum.clone() }
    }

    pub(super) fn clusters_above(&self, arm: Arm, value: f64) -> Clusters {
        let side = self.of(arm);
        let above = |dense: &Dense| match Bucket::of(value) {
            Some(bucket) => dense.count_from(bucket) as f64,
            // Everything lies above a negative value, and nothing above what cannot be measured.
            None if value < 0.0 => dense.n() as f64,
            None => 0.0,
        };
        Clusters { n: side.n.clone(), sum: side.by_cluster.iter().map(above).collect() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.on.bytes() + self.off.bytes()
    }
}

/// How the variance of a batch is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// From the values.
    Values,
    /// From the rate.
    Ratio,
}
