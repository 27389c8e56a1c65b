//! ON beside OFF, as it is shown and kept: both values, their difference, and the interval that it lies in.
//!
//! The interval is a confidence sequence, as those that `compare` decides on (STATISTICS F5, F6, F6b): it may be looked
//! at every day. It is of the samples since the last change of shares; those before it are of another exposure.

use serde::{Deserialize, Serialize};

use super::compare::CLUSTERS_MIN;
use super::statistics::{Clustered, TUNED_AT, clustered, mixture_width, normal_radius, quantile_ranks};
use crate::id::{FlagId, Key, MetricId};
use crate::metrics::{Arm, ArmPair, ArmTotals, Clusters, Measures, nearest_rank};
use crate::snapshot::{MetricKind, Ruleset, Stat};
use crate::time::Timestamp;

/// What all intervals are right with, however often they are looked at: 95 %.
pub const CONTRAST_CONFIDENCE: f64 = 0.95;
const ALPHA: f64 = 0.05;

/// One arm's statistic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ArmValue {
    /// As the metric stores values; `None` without samples, which is no zero.
    pub value: Option<f64>,
    /// Samples (outcomes, ratings).
    pub n: u64,
}

/// One metric's statistic where a flag is on, beside where it is off. Values are as the metric stores them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contrast {
    /// The metric.
    pub metric: Key,
    /// The flag.
    pub flag: Key,
    /// The statistic, as it is written: `p95`, `mean`, `ratio`, `nps`.
    pub stat: String,
    /// Subjects that the flag is on for.
    pub on: ArmValue,
    /// The others.
    pub off: ArmValue,
    /// ON minus OFF; `None` where an arm has no samples.
    pub difference: Option<f64>,
    /// Where the difference lies, at every look at once; `None` where too little is known to say.
    pub interval: Option<(f64, f64)>,
    /// Since when, observed: the last change of shares.
    pub since: Timestamp,
    /// When it was looked at, by the calendar.
    pub at: Timestamp,
}

/// Every metric with arms, flag by flag: the 95th percentile and the mean of values, the value of a ratio or a score.
pub fn contrasts(ruleset: &Ruleset, windows: &impl Measures, at: Timestamp) -> Vec<Contrast> {
    let mut rows = Vec::new();
    for (index, metric) in ruleset.metrics.iter().enumerate() {
        let stats: &[Stat] = match metric.kind {
            MetricKind::Distribution => &[Stat::Quantile(0.95), Stat::Mean],
            MetricKind::Ratio => &[Stat::Fraction],
            MetricKind::Score => &[Stat::Nps],
            MetricKind::Gauge | MetricKind::Event => &[],
        };
        for flag in &metric.arms {
            for stat in stats {
                let of = Of { windows, metric: MetricId(index as u16), flag: *flag, stat: *stat };
                let Some(flag) = ruleset.flags.get(flag.index()) else { continue };
                rows.extend(of.contrast(metric.key.clone(), flag.key.clone(), metric.kind, at));
            }
        }
    }
    rows
}

/// What is contrasted.
struct Of<'a, M> {
    windows: &'a M,
    metric: MetricId,
    flag: FlagId,
    stat: Stat,
}

impl<M: Measures> Of<'_, M> {
    fn contrast(&self, metric: Key, flag: Key, kind: MetricKind, at: Timestamp) -> Option<Contrast> {
        let pair = self.windows.arms(self.metric, self.flag)?;
        let value = |arm, totals: ArmTotals| ArmValue { value: self.value(arm, totals), n: totals.n };
        let (on, off) = (value(Arm::On, pair.on), value(Arm::Off, pair.off));
        let difference = on.value.zip(off.value).map(|(on, off)| on - off);
        Some(Contrast {
            metric,
            flag,
            stat: self.stat.to_string(),
            on,
            off,
            difference,
            interval: difference.and_then(|_| self.interval(&pair, kind)),
            since: pair.since,
            at,
        })
    }

    fn value(&self, arm: Arm, totals: ArmTotals) -> Option<f64> {
        match self.stat {
            _ if totals.n == 0 => None,
            Stat::Quantile(q) => {
                let (low, high) = self.rank(arm, nearest_rank(q, totals.n))?;
                Some(if low == 0.0 { 0.0 } else { f64::midpoint(low, high) })
            }
            _ => Some(totals.sum / totals.n as f64),
        }
    }

    fn rank(&self, arm: Arm, rank: u64) -> Option<(f64, f64)> {
        self.windows.arm_rank(self.metric, self.flag, arm, rank)
    }

    /// Of a mixture of samples with keys and without, either method has seen a part: the wider bounds of both.
    fn interval(&self, pair: &ArmPair, kind: MetricKind) -> Option<(f64, f64)> {
        let (is_on_keyed, is_off_keyed) = (pair.on.unkeyed < pair.on.n, pair.off.unkeyed < pair.off.n);
        if is_on_keyed != is_off_keyed {
            return None;
        }
        let is_keyless = pair.on.unkeyed > 0 || pair.off.unkeyed > 0;
        let keyed = || match self.stat {
            Stat::Quantile(q) => between(|arm| self.keyed_quantile(arm, q)),
            _ => self.keyed_mean(kind),
        };
        let keyless = || match self.stat {
            Stat::Quantile(q) => between(|arm| self.keyless_quantile(arm, q, pair)),
            _ => keyless_mean(pair),
        };
        match (is_on_keyed, is_keyless) {
            (true, false) => keyed(),
            (false, _) => keyless(),
            (true, true) => keyed().zip(keyless()).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))),
        }
    }

    /// F6b.
    fn keyed_mean(&self, kind: MetricKind) -> Option<(f64, f64)> {
        let of = |arm| {
            let seen = clustered(pairs(&self.windows.arm_clusters(self.metric, self.flag, arm)?))?;
            let error = if kind == MetricKind::Ratio { seen.error.max(smoothed(seen)) } else { seen.error };
            (seen.clusters >= CLUSTERS_MIN).then_some(Clustered { error, ..seen })
        };
        let (on, off) = (of(Arm::On)?, of(Arm::Off)?);
        around(on.ratio - off.ratio, on.error.hypot(off.error), on.n + off.n, ALPHA)
    }

    /// The values whose part beyond them is not told from the quantile's (F6b on the indicator), at half of alpha.
    fn keyed_quantile(&self, arm: Arm, q: f64) -> Option<(f64, f64)> {
        let n = self.windows.arm_clusters(self.metric, self.flag, arm)?;
        let n = pairs(&n).map(|(_, n)| n).sum::<f64>() as u64;
        let middle = nearest_rank(q, n);
        // Whether the part at or above the value of a rank is told from 1 - q, and which way.
        let told = |rank: u64| -> Option<f64> {
            let (low, _) = self.rank(arm, rank)?;
            let above = self.windows.arm_clusters_above(self.metric, self.flag, arm, low)?;
            let seen = clustered(pairs(&above)).filter(|seen| seen.clusters >= CLUSTERS_MIN)?;
            let error = seen.error.max((q * (1.0 - q) / seen.n).sqrt());
            let (from, to) = around(seen.ratio, error, seen.n, ALPHA / 2.0)?;
            Some(if from > 1.0 - q {
                1.0
            } else if to < 1.0 - q {
                -1.0
            } else {
                0.0
            })
        };
        told(middle)?;
        let lowest = partition(1, middle, |rank| told(rank) == Some(1.0));
        let highest = partition(middle, n + 1, |rank| told(rank) != Some(-1.0));
        // Beyond the last sample nothing bounds it.
        let high = if highest > n { return None } else { self.rank(arm, highest)?.1 };
        // The last value that is told from it: the quantile lies above that value's lower edge.
        let low = if lowest == 1 { return None } else { self.rank(arm, lowest - 1)?.0 };
        Some((low, high))
    }

    /// F5, at half of alpha.
    fn keyless_quantile(&self, arm: Arm, q: f64, pair: &ArmPair) -> Option<(f64, f64)> {
        let n = if arm == Arm::On { pair.on.n } else { pair.off.n };
        let (below, above) = quantile_ranks(n, q, ALPHA / 2.0);
        let low = self.rank(arm, below? + 1)?.0;
        let high = if above <= n { self.rank(arm, above)?.1 } else { return None };
        Some((low, high))
    }
}

/// The difference of two arms' intervals.
fn between(of: impl Fn(Arm) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let (on, off) = (of(Arm::On)?, of(Arm::Off)?);
    Some((on.0 - off.1, on.1 - off.0))
}

/// F6 over the batches.
fn keyless_mean(pair: &ArmPair) -> Option<(f64, f64)> {
    if pair.h <= 0.0 {
        return None;
    }
    around(pair.s / pair.h, pair.v.max(0.0).sqrt() / pair.h, pair.batched as f64, ALPHA)
}

fn around(estimate: f64, error: f64, n: f64, alpha: f64) -> Option<(f64, f64)> {
    let radius = normal_radius(n / TUNED_AT * mixture_width(alpha), alpha) * error;
    (radius.is_finite() && error > 0.0).then_some((estimate - radius, estimate + radius))
}

fn pairs(clusters: &Clusters) -> impl Iterator<Item = (f64, f64)> + Clone {
    clusters.sum.iter().copied().zip(clusters.n.iter().copied())
}

/// The error of (e + 1/2) / (n + 1): an arm without one error still has one.
fn smoothed(arm: Clustered) -> f64 {
    let part = arm.ratio.mul_add(arm.n, 0.5) / (arm.n + 1.0);
    (part * (1.0 - part) / arm.n).sqrt()
}

/// The first in [from, to) that `is_before` does not hold for; it holds for a prefix.
fn partition(mut from: u64, mut to: u64, is_before: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = from + (to - from) / 2;
        if is_before(middle) { from = middle + 1 } else { to = middle }
    }
    from
}
