//! ON and OFF as windows would sum them, fed sample by sample and cheap enough to be looked at thousands of times.

use super::fake::*;
use crate::id::{FlagId, MetricId};
use crate::judge::{Judgement, Streaking, Streaks, Verdict, judge_condition};
use crate::metrics::{Arm, ArmPair, ArmTotals, Clip, Clusters, Measurement, Measures, Part, Tail};
use crate::snapshot::{
    Compare, Comparison, Condition, ConditionKind, Direction, Margin, Query, Severity, Stat, Window,
};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// A seeded generator (splitmix64): simulations give the same answer on every machine.
pub(super) struct Seed(pub(super) u64);

impl Seed {
    pub(super) fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.part() * n as f64) as usize % n
    }
    /// Exponential, of mean 1.
    pub(super) fn wait(&mut self) -> f64 {
        -(1.0 - self.part()).ln()
    }
    /// Normal, by Box and Muller.
    pub(super) fn normal(&mut self) -> f64 {
        (2.0 * self.wait()).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }
    pub(super) fn outcome(&mut self, rate: f64) -> f64 {
        f64::from(u8::from(self.part() < rate))
    }
}

/// Buckets of values up to some ten thousands: as wide as those of real windows.
const BUCKETS: usize = 1_408;
const RATIO: f64 = 1.0 + 1.0 / 128.0;
const CLUSTERS: usize = 64;

fn bucket_of(value: f64) -> usize {
    if value < 1.0 { 0 } else { 1 + ((value.ln() / RATIO.ln()) as usize).min(BUCKETS - 2) }
}

fn edges(bucket: usize) -> (f64, f64) {
    if bucket == 0 { (0.0, 0.0) } else { (RATIO.powi(bucket as i32 - 1), RATIO.powi(bucket as i32)) }
}

/// Counts by bucket, as a binary indexed tree (Fenwick 1994): adding and asking both take a dozen steps.
#[derive(Clone)]
struct Counts(Vec<u32>);

impl Counts {
    fn new() -> Self {
        Self(vec![0; BUCKETS + 1])
    }
    fn add(&mut self, bucket: usize) {
        let mut at = bucket + 1;
        while at <= BUCKETS {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }
    /// In the buckets before this one.
    fn before(&self, bucket: usize) -> u64 {
        let (mut at, mut sum) = (bucket, 0);
        while at > 0 {
            sum += u64::from(self.0[at]);
            at &= at - 1;
        }
        sum
    }
}

/// One arm.
struct Side {
    values: Counts,
    by_cluster: Vec<Counts>,
    clusters: Clusters,
    totals: ArmTotals,
    /// Of the open batch: samples, sum, sum of squares.
    batch: (f64, f64, f64),
}

impl Side {
    fn new() -> Self {
        Self {
            values: Counts::new(),
            by_cluster: vec![Counts::new(); CLUSTERS],
            clusters: Clusters { n: vec![0.0; CLUSTERS], sum: vec![0.0; CLUSTERS] },
            totals: ArmTotals::default(),
            batch: (0.0, 0.0, 0.0),
        }
    }

    fn add(&mut self, cluster: Option<usize>, value: f64) {
        let bucket = bucket_of(value);
        self.values.add(bucket);
        self.totals.n += 1;
        self.totals.sum += value;
        self.batch = (self.batch.0 + 1.0, self.batch.1 + value, self.batch.2 + value * value);
        match cluster {
            None => self.totals.unkeyed += 1,
            Some(cluster) => {
                self.by_cluster[cluster].add(bucket);
                self.clusters.n[cluster] += 1.0;
                self.clusters.sum[cluster] += value;
            }
        }
    }

    /// Mean and its variance in the batch, which begins anew.
    fn close(&mut self, is_ratio: bool) -> (f64, f64, f64) {
        let (n, sum, squares) = std::mem::take(&mut self.batch);
        let (mean, rate) = (sum / n, (sum + 0.5) / (n + 1.0));
        let variance = if is_ratio { rate * (1.0 - rate) } else { (squares - sum * mean) / (n - 1.0) };
        (n, mean, variance / n)
    }
}

/// Both arms of [`FLAG`].
pub(super) struct Arms {
    pub(super) fake: Fake,
    pub(super) stand: Stand,
    pub(super) pair: ArmPair,
    sides: [Side; 2],
}

impl Arms {
    pub(super) fn new() -> Self {
        let half = Share::from_ppm(500_000).unwrap();
        Self {
            fake: Fake::new(),
            stand: Stand { shares: vec![half], ..Stand::new() },
            pair: ArmPair { since: START, ..ArmPair::default() },
            sides: [Side::new(), Side::new()],
        }
    }

    fn side(&self, arm: Arm) -> &Side {
        &self.sides[usize::from(arm == Arm::Off)]
    }

    pub(super) fn add(&mut self, arm: Arm, cluster: Option<usize>, value: f64) {
        self.sides[usize::from(arm == Arm::Off)].add(cluster, value);
    }

    /// An evaluation: the batch is summed up.
    pub(super) fn close(&mut self, is_ratio: bool) {
        let [on, off] = &mut self.sides;
        if on.batch.0 >= 2.0 && off.batch.0 >= 2.0 {
            let ((n1, mean1, part1), (n0, mean0, part0)) = (on.close(is_ratio), off.close(is_ratio));
            let h = n1 * n0 / (n1 + n0);
            let pair = &mut self.pair;
            pair.s += h * (mean1 - mean0);
            pair.h += h;
            pair.s_on += h * mean1;
            pair.s_off += h * mean0;
            pair.v_on += h * h * part1;
            pair.v_off += h * h * part0;
            pair.v = pair.v_on + pair.v_off;
            pair.batched += (n1 + n0) as u64;
        }
        (self.pair.on, self.pair.off) = (self.sides[0].totals, self.sides[1].totals);
    }

    pub(super) fn judged(&self, condition: &Condition) -> Judgement {
        let facts = self.stand.facts(&self.fake, at(600));
        judge_condition(condition, &facts, self, &mut Streaks::new(0), Streaking::Read)
    }

    pub(super) fn verdict(&self, condition: &Condition) -> Verdict {
        self.judged(condition).verdict
    }
}

impl Measures for Arms {
    fn measure(&self, query: &Query, clip: Clip, now: Timestamp) -> Measurement {
        self.fake.measure(query, clip, now)
    }
    fn measure_over(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Measurement {
        self.fake.measure_over(query, over, clip, now)
    }
    fn measure_holding(
        &self,
        query: &Query,
        shortest: Span,
        longest: Span,
        min_samples: u64,
        clip: Clip,
        now: Timestamp,
    ) -> Measurement {
        self.fake.measure_holding(query, shortest, longest, min_samples, clip, now)
    }
    fn tail(
        &self,
        query: &Query,
        comparison: Comparison,
        limit: f64,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Tail {
        self.fake.tail(query, comparison, limit, over, clip, now)
    }
    fn parts(&self, metric: MetricId, window: Window, parts: usize, clip: Clip, now: Timestamp) -> Vec<Part> {
        self.fake.parts(metric, window, parts, clip, now)
    }
    fn alerts_live(&self) -> bool {
        self.fake.alerts_live()
    }
    fn alerts_opened(&self, severity: Severity, within: Span, clip: Clip, now: Timestamp) -> u64 {
        self.fake.alerts_opened(severity, within, clip, now)
    }
    fn alerts_last_open(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        self.fake.alerts_last_open(severity, now)
    }
    fn alerts_open_since(&self, severity: Severity) -> Option<Timestamp> {
        self.fake.alerts_open_since(severity)
    }
    fn watched(&self, over: Span, clip: Clip, now: Timestamp) -> f64 {
        self.fake.watched(over, clip, now)
    }
    fn arms(&self, _: MetricId, _: FlagId) -> Option<ArmPair> {
        Some(self.pair)
    }
    fn arm_rank(&self, _: MetricId, _: FlagId, arm: Arm, rank: u64) -> Option<(f64, f64)> {
        let side = self.side(arm);
        if rank == 0 || rank > side.totals.n {
            return None;
        }
        let (mut from, mut to) = (0, BUCKETS);
        while from < to {
            let middle = from.midpoint(to);
            if side.values.before(middle + 1) < rank { from = middle + 1 } else { to = middle }
        }
        Some(edges(from))
    }
    fn arm_clusters(&self, _: MetricId, _: FlagId, arm: Arm) -> Option<Clusters> {
        Some(self.side(arm).clusters.clone())
    }
    fn arm_clusters_above(&self, _: MetricId, _: FlagId, arm: Arm, value: f64) -> Option<Clusters> {
        let mut first = bucket_of(value).saturating_sub(1);
        while first < BUCKETS && edges(first).1 <= value {
            first += 1;
        }
        let side = self.side(arm);
        let counts = side.by_cluster.iter().zip(&side.clusters.n);
        let sum = counts.map(|(counts, n)| n - counts.before(first) as f64).collect();
        Some(Clusters { n: side.clusters.n.clone(), sum })
    }
}

pub(super) fn compare(metric: MetricId, stat: Stat, margin: Margin, good: Direction) -> Condition {
    sure(metric, stat, margin, good, 0.95)
}

pub(super) fn sure(
    metric: MetricId,
    stat: Stat,
    margin: Margin,
    good: Direction,
    confidence: f64,
) -> Condition {
    of(ConditionKind::Compare(Compare { metric, stat, flag: FLAG, margin, confidence, good }))
}
