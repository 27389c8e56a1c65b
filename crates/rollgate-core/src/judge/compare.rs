//! ON against OFF: non-inferiority that may be looked at at every evaluation (SEMANTICS 4.6, STATISTICS F5, F6, F6b).
//!
//! Every estimate is set against a confidence sequence at the plan's `confidence`, two-sided: Pass where all of it is
//! within the margin, Fail where all of it is beyond. So neither is wrong more often than 1 - confidence, however often
//! it is looked at.

use super::alert::is_short;
use super::court::{Court, Proof};
use super::judgement::{Basis, Judgement};
use super::statistics::{Clustered, TUNED_AT, clustered, mixture_width, normal_radius, quantile_ranks};
use super::verdict::{Cause, Verdict};
use crate::limits::WITHIN_DEPTH_MAX;
use crate::metrics::{Arm, ArmPair, Clip, Clusters, Measures, nearest_rank};
use crate::snapshot::{Compare, Condition, Direction, Margin, MetricKind, Query, Stat, Subject, Window};
use crate::units::Share;

/// A standard error of fewer subject buckets than this is itself too uncertain.
pub(super) const CLUSTERS_MIN: usize = 32;
/// A bucket is at most this much wider than its lower edge, so a value times this lies in a later one.
const NEXT_BUCKET: f64 = 1.0081;

/// What the verdict of a comparison rests on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Compared {
    /// The statistic of ON, as the metric stores values.
    pub(super) on: Option<f64>,
    /// The statistic of OFF.
    pub(super) off: Option<f64>,
    /// Samples of ON.
    pub(super) n_on: u64,
    /// Samples of OFF.
    pub(super) n_off: u64,
    /// Drops since the counting began.
    pub(super) drops: u64,
    /// The part of that time that was watched and fed.
    pub(super) coverage: f64,
    /// The sums of both arms, and when they begin.
    pub(super) pair: Option<ArmPair>,
    /// Subject buckets with samples in the smaller arm, where they are too few.
    pub(super) clusters: Option<usize>,
    /// The arm that there is not.
    pub(super) missing: Option<Arm>,
}

/// What one method says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Say {
    Within,
    Beyond,
    Open,
}

impl Say {
    /// What both say.
    fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Open }
    }
}

/// "Worse by" as a number: `sign` (ON - OFF) - `part` OFF - `margin`; negative is within the margin.
#[derive(Clone, Copy)]
struct Worse {
    sign: f64,
    part: f64,
    margin: f64,
    alpha: f64,
}

impl Worse {
    fn of(compare: &Compare) -> Self {
        let sign = match compare.good {
            Direction::Down => 1.0,
            Direction::Up => -1.0,
        };
        let (part, margin) = match compare.margin {
            Margin::Relative(part) => (part, 0.0),
            Margin::Absolute(margin) => (0.0, margin),
        };
        Self { sign, part, margin, alpha: 1.0 - compare.confidence }
    }

    /// What OFF's value is multiplied by.
    fn factor(self) -> f64 {
        self.sign.mul_add(self.part, 1.0)
    }

    /// The value that ON may just have where OFF has `off`.
    fn allowed(self, off: f64) -> f64 {
        off * self.factor() + self.sign * self.margin
    }

    /// A normal estimate of "worse by", with its error, after `n` samples of both arms.
    fn say(self, estimate: f64, error: f64, n: f64) -> Say {
        let radius = normal_radius(n / TUNED_AT * mixture_width(self.alpha), self.alpha) * error;
        if !(radius.is_finite() && error > 0.0) {
            Say::Open
        } else if estimate + radius <= 0.0 {
            Say::Within
        } else if estimate - radius > 0.0 {
            Say::Beyond
        } else {
            Say::Open
        }
    }
}

impl<M: Measures> Court<'_, M> {
    pub(super) fn compared(&self, condition: &Condition, compare: &Compare) -> Judgement {
        let counted = self.windows.arms(compare.metric, compare.flag);
        // Samples from before the last change of shares, or before the phase, are of another exposure.
        let from = self.facts.shares_from.max(self.facts.phase_from);
        let Some(pair) = counted.filter(|pair| pair.since >= from) else {
            return Judgement::new(
                Verdict::Inconclusive(Cause::NoData),
                Basis::Compared(Compared::default()),
            );
        };
        let mut seen = Compared {
            on: self.arm_value(compare, Arm::On, &pair),
            off: self.arm_value(compare, Arm::Off, &pair),
            n_on: pair.on.n,
            n_off: pair.off.n,
            drops: pair.drops,
            coverage: self.arms_coverage(compare, &pair),
            pair: Some(pair),
            clusters: None,
            missing: self.missing_arm(compare, &pair),
        };
        let verdict = if seen.missing.is_some() {
            self.absent(self.now().since(pair.since))
        } else {
            let holds = match self.say(compare, &pair, &mut seen) {
                Say::Within => Some(true),
                Say::Beyond => Some(false),
                Say::Open => None,
            };
            match holds {
                _ if is_short(condition.coverage, seen.coverage) => Verdict::Inconclusive(Cause::Coverage),
                Some(holds) if self.is_marred(pair.drops, holds, Proof::Open) => {
                    Verdict::Inconclusive(Cause::Drops)
                }
                Some(true) => Verdict::Pass,
                Some(false) => Verdict::Fail,
                None => Verdict::Inconclusive(Cause::Undecided),
            }
        };
        Judgement::new(verdict, Basis::Compared(seen))
    }

    /// The arm without samples, or that nobody is in: what still trickles in of it after the last change of shares is of
    /// another exposure, and the slowest of it at that.
    fn missing_arm(&self, compare: &Compare, pair: &ArmPair) -> Option<Arm> {
        let (mut is_none, mut is_all) = (false, true);
        let mut above = Some(compare.flag);
        for _ in 0..=WITHIN_DEPTH_MAX {
            let Some(flag) = above else { break };
            let share = self.facts.share_of(flag);
            is_none |= share == Share::ZERO;
            is_all &= share == Share::FULL;
            above = self.facts.ruleset.flags.get(flag.index()).and_then(|flag| Some(flag.parent?.flag));
        }
        if pair.on.n == 0 || is_none {
            Some(Arm::On)
        } else if pair.off.n == 0 || is_all {
            Some(Arm::Off)
        } else {
            None
        }
    }

    fn arms_coverage(&self, compare: &Compare, pair: &ArmPair) -> f64 {
        let over = self.now().since(pair.since);
        let subject = Subject::Metric(compare.metric);
        // A count, since it is the cheapest to measure.
        let query = Query { subject, stat: Stat::Count, window: Window::Over(over), averaged_by: None };
        self.windows.measure(&query, Clip { from: pair.since, phase: self.clip.phase }, self.now()).coverage
    }

    fn arm_value(&self, compare: &Compare, arm: Arm, pair: &ArmPair) -> Option<f64> {
        let totals = if arm == Arm::On { pair.on } else { pair.off };
        match compare.stat {
            _ if totals.n == 0 => None,
            Stat::Quantile(q) => {
                let (low, high) = self.arm_quantile(compare, arm, q, totals.n)?;
                Some(f64::midpoint(low, high))
            }
            _ => Some(totals.sum / totals.n as f64),
        }
    }

    fn arm_quantile(&self, compare: &Compare, arm: Arm, q: f64, n: u64) -> Option<(f64, f64)> {
        self.windows.arm_rank(compare.metric, compare.flag, arm, nearest_rank(q, n))
    }

    /// Keyed samples are clustered by subject, keyless ones are taken as independent; of a mixture both must agree, since
    /// neither has seen all of it. With keys in one arm only neither is right of both: it stays open.
    fn say(&self, compare: &Compare, pair: &ArmPair, seen: &mut Compared) -> Say {
        let unkeyed = pair.on.unkeyed.saturating_add(pair.off.unkeyed);
        let (is_on_keyed, is_off_keyed) = (pair.on.unkeyed < pair.on.n, pair.off.unkeyed < pair.off.n);
        if is_on_keyed != is_off_keyed {
            return Say::Open;
        }
        let keyed = is_on_keyed.then(|| self.keyed(compare, pair, seen));
        let keyless = (unkeyed > 0).then(|| match compare.stat {
            Stat::Quantile(q) => self.keyless_quantile(compare, pair, q),
            _ => keyless_mean(Worse::of(compare), pair),
        });
        match (keyed, keyless) {
            (Some(keyed), Some(keyless)) => keyed.and(keyless),
            (Some(say), None) | (None, Some(say)) => say,
            (None, None) => Say::Open,
        }
    }

    /// F6b.
    fn keyed(&self, compare: &Compare, pair: &ArmPair, seen: &mut Compared) -> Say {
        if let Stat::Quantile(q) = compare.stat {
            return self.keyed_quantile(compare, pair, q, seen);
        }
        let worse = Worse::of(compare);
        let of = |arm| {
            let clusters = self.windows.arm_clusters(compare.metric, compare.flag, arm)?;
            clustered(pairs(&clusters))
        };
        let (Some(on), Some(off)) = (of(Arm::On), of(Arm::Off)) else { return Say::Open };
        if !has_clusters(&[on, off], seen) {
            return Say::Open;
        }
        let is_ratio =
            self.facts.ruleset.metrics.get(compare.metric.index()).map(|m| m.kind) == Some(MetricKind::Ratio);
        let error = |arm: Clustered| if is_ratio { arm.error.max(smoothed_error(arm)) } else { arm.error };
        let estimate = worse.sign * (on.ratio - off.ratio) - worse.part * off.ratio - worse.margin;
        worse.say(estimate, error(on).hypot(worse.factor() * error(off)), on.n + off.n)
    }

    /// F6b on the indicator "worse than OFF's quantile with its margin", against the part that OFF itself has there.
    ///
    /// OFF's quantile is itself an estimate: its error is that of the part of OFF beyond it, and it is added.
    fn keyed_quantile(&self, compare: &Compare, pair: &ArmPair, q: f64, seen: &mut Compared) -> Say {
        let worse = Worse::of(compare);
        let Some((low, high)) = self.arm_quantile(compare, Arm::Off, q, pair.off.n) else { return Say::Open };
        let is_down = compare.good == Direction::Down;
        let beyond = |arm, value| {
            let above = self.windows.arm_clusters_above(compare.metric, compare.flag, arm, value)?;
            let turned = move |(y, n): (f64, f64)| if is_down { (y, n) } else { (n - y, n) };
            clustered(pairs(&above).map(turned))
        };
        let part = if is_down { 1.0 - q } else { q };
        let Some(off) = beyond(Arm::Off, if is_down { low } else { high * NEXT_BUCKET }) else {
            return Say::Open;
        };
        let say_at = |value: f64, seen: &mut Compared| {
            let Some(on) = beyond(Arm::On, value) else { return Say::Open };
            if !has_clusters(&[on, off], seen) {
                return Say::Open;
            }
            // Under the margin just reached the parts have this variance, however few were seen beyond.
            let floor = |arm: Clustered| arm.error.max((part * (1.0 - part) / arm.n).sqrt());
            worse.say(on.ratio - part, floor(on).hypot(floor(off)), on.n + off.n)
        };
        let (near, far) = (worse.allowed(low), worse.allowed(high));
        // Each claim takes the edge that is unfavourable to it; a bucket counts as above.
        let (strict, lenient) = if is_down { (near, far * NEXT_BUCKET) } else { (far * NEXT_BUCKET, near) };
        if say_at(strict, seen) == Say::Within {
            Say::Within
        } else if near > 0.0 && say_at(lenient, seen) == Say::Beyond {
            Say::Beyond
        } else {
            Say::Open
        }
    }

    /// F5: an interval for each arm's quantile, each at half of alpha.
    fn keyless_quantile(&self, compare: &Compare, pair: &ArmPair, q: f64) -> Say {
        let worse = Worse::of(compare);
        let edges = |arm, n: u64| {
            let (below, above) = quantile_ranks(n, q, worse.alpha / 2.0);
            let rank = |rank| self.windows.arm_rank(compare.metric, compare.flag, arm, rank);
            let low = below.and_then(|below| rank(below + 1)).map(|edges| edges.0);
            let high = if above <= n { rank(above).map(|edges| edges.1) } else { None };
            (low, high)
        };
        let (on, off) = (edges(Arm::On, pair.on.n), edges(Arm::Off, pair.off.n));
        // (worst of ON, best of OFF), (best of ON, worst of OFF): towards worse is up where small is good.
        let (within, beyond) = match compare.good {
            Direction::Down => ((on.1, off.0), (on.0, off.1)),
            Direction::Up => ((on.0, off.1), (on.1, off.0)),
        };
        let worse_by = |(on, off): (Option<f64>, Option<f64>)| {
            on.zip(off).map(|(on, off)| worse.sign * (on - worse.allowed(off)))
        };
        if worse_by(within).is_some_and(|by| by <= 0.0) {
            Say::Within
        } else if worse_by(beyond).is_some_and(|by| by > 0.0) {
            Say::Beyond
        } else {
            Say::Open
        }
    }
}

/// F6 over the batches. With a relative margin it is `mean1 - (1 + m) mean0` that is summed.
fn keyless_mean(worse: Worse, pair: &ArmPair) -> Say {
    if pair.h <= 0.0 {
        return Say::Open;
    }
    let s = worse.sign * pair.s - worse.part * pair.s_off - worse.margin * pair.h;
    let v = (worse.factor().powi(2) - 1.0).mul_add(pair.v_off, pair.v);
    worse.say(s, v.max(0.0).sqrt(), pair.batched as f64)
}

fn pairs(clusters: &Clusters) -> impl Iterator<Item = (f64, f64)> + Clone {
    clusters.sum.iter().copied().zip(clusters.n.iter().copied())
}

/// Two arms without one error still decide: the standard error of a ratio is at least that of (e + 1/2) / (n + 1).
fn smoothed_error(arm: Clustered) -> f64 {
    let part = (arm.ratio.mul_add(arm.n, 0.5)) / (arm.n + 1.0);
    (part * (1.0 - part) / arm.n).sqrt()
}

fn has_clusters(arms: &[Clustered; 2], seen: &mut Compared) -> bool {
    let fewest = arms[0].clusters.min(arms[1].clusters);
    let is_enough = fewest >= CLUSTERS_MIN;
    seen.clusters = (!is_enough).then_some(fewest);
    is_enough
}
