//! Formulas of the judge (STATISTICS F5, F6, F6b), each with its source; known answers are in the tests.

use libm::{erfc, lgamma};

/// P(X >= k) for X ~ Binomial(n, p): exact to rounding, summed from the largest term down.
///
/// Cost: at most n - k terms, and a few dozen in practice.
pub(super) fn binomial_tail(k: u64, n: u64, p: f64) -> f64 {
    if k == 0 {
        return 1.0;
    }
    if k > n || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (total, odds) = (n as f64, p / (1.0 - p));
    if (k as f64) < total * p {
        // Below the mean the terms still grow, and the tail is far from anything that is asked of it.
        return 1.0 - below(k, n, p);
    }
    let mut term = term(k, n, p);
    let mut sum = term;
    for at in k..n {
        term *= odds * (total - at as f64) / (at as f64 + 1.0);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum.min(1.0)
}

/// P(X < k) below the mean, where the terms fall towards zero.
fn below(k: u64, n: u64, p: f64) -> f64 {
    let (total, odds) = (n as f64, (1.0 - p) / p);
    let mut term = term(k - 1, n, p);
    let mut sum = term;
    for at in (1..k).rev() {
        term *= odds * at as f64 / (total - at as f64 + 1.0);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum.min(1.0)
}

fn term(k: u64, n: u64, p: f64) -> f64 {
    let (k, n) = (k as f64, n as f64);
    let choose = lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0);
    (choose + k * p.ln() + (n - k) * (-p).ln_1p()).exp()
}

/// ln E of F6, two-sided: z standard errors off, at x = V / rho.
#[cfg(test)]
pub(super) fn mixture_log_e(z: f64, x: f64) -> f64 {
    0.5 * (z * z * x / (1.0 + x) - x.ln_1p())
}

/// Samples at which the mixtures are tightest.
pub(super) const TUNED_AT: f64 = 1_000.0;

/// The closed form x* = -2 ln alpha + ln(1 - 2 ln alpha): how wide a mixture is, relative to the variance it is
/// tightest at (Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas).
pub(super) fn mixture_width(alpha: f64) -> f64 {
    let twice = -2.0 * alpha.ln();
    twice + twice.ln_1p()
}

/// How many standard errors an estimate may be off, at every look at once, two-sided (F6); `x` is V / rho.
pub(super) fn normal_radius(x: f64, alpha: f64) -> f64 {
    ((1.0 + x) / x * (x.ln_1p() - 2.0 * alpha.ln())).sqrt()
}

/// The ranks at which F5's beta-binomial mixture rejects a quantile: at most the first, at least the second.
///
/// Of `n` samples `s` lie at or below the quantile `p`. The first is `None` where no count is small enough, the second is
/// n + 1 where none is large enough (Howard & Ramdas 2022).
pub(super) fn quantile_ranks(n: u64, p: f64, alpha: f64) -> (Option<u64>, u64) {
    let mixture = BetaBinomial::new(p, alpha);
    let bar = -alpha.ln();
    let is_rejected = |s: u64| mixture.log_e(s, n) >= bar;
    let middle = ((n as f64 * p) as u64).min(n);
    // The mixture falls up to the middle and rises after it.
    let kept = partition(0, middle + 1, is_rejected);
    let above = partition(middle, n + 1, |s| !is_rejected(s));
    (kept.checked_sub(1), above)
}

/// The first in [from, to) that `is_before` does not hold for; it holds for a prefix.
fn partition(mut from: u64, mut to: u64, is_before: impl Fn(u64) -> bool) -> u64 {
    while from < to {
        let middle = from + (to - from) / 2;
        if is_before(middle) { from = middle + 1 } else { to = middle }
    }
    from
}

/// a and b of F5's mixture.
#[cfg(test)]
pub(super) fn quantile_shape(p: f64, alpha: f64) -> (f64, f64) {
    BetaBinomial::shape(p, alpha)
}

/// ln M of F5.
#[cfg(test)]
pub(super) fn quantile_log_e(s: u64, n: u64, p: f64, alpha: f64) -> f64 {
    BetaBinomial::new(p, alpha).log_e(s, n)
}

struct BetaBinomial {
    a: f64,
    b: f64,
    p: f64,
    log_beta: f64,
}

impl BetaBinomial {
    fn new(p: f64, alpha: f64) -> Self {
        let (a, b) = Self::shape(p, alpha);
        Self { a, b, p, log_beta: log_beta(a, b) }
    }

    fn shape(p: f64, alpha: f64) -> (f64, f64) {
        let variance = p * (1.0 - p);
        let rho = TUNED_AT * variance / mixture_width(alpha);
        let c = (rho - variance).max(0.001 * variance);
        (c / (1.0 - p), c / p)
    }

    fn log_e(&self, s: u64, n: u64) -> f64 {
        let (s, rest) = (s as f64, (n - s) as f64);
        log_beta(self.a + s, self.b + rest) - self.log_beta - s * self.p.ln() - rest * (-self.p).ln_1p()
    }
}

fn log_beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}

/// A ratio of sums over independent clusters: the estimate and its standard error (F6b).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Clustered {
    /// Sum of Y over sum of N.
    pub(super) ratio: f64,
    /// sqrt(B/(B-1) sum (Y_b - R N_b)^2) / sum N.
    pub(super) error: f64,
    /// Sum of N.
    pub(super) n: f64,
    /// Clusters with samples: B.
    pub(super) clusters: usize,
}

/// F6b over clusters of (Y, N); those without samples are left out. `None` with fewer than two.
pub(super) fn clustered(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Option<Clustered> {
    let filled = pairs.filter(|&(_, n)| n > 0.0);
    let (mut sum, mut n, mut clusters) = (0.0, 0.0, 0_usize);
    filled.clone().for_each(|(y, of)| {
        sum += y;
        n += of;
        clusters += 1;
    });
    if clusters < 2 {
        return None;
    }
    let ratio = sum / n;
    let squares: f64 = filled.map(|(y, of)| (y - ratio * of) * (y - ratio * of)).sum();
    let count = clusters as f64;
    Some(Clustered { ratio, error: (count / (count - 1.0) * squares).sqrt() / n, n, clusters })
}

/// Mann-Kendall: S and its variance with ties; the test of a monotone trend (Mann 1945, Kendall 1975).
pub(super) fn mann_kendall(values: &[f64]) -> (f64, f64) {
    let mut s = 0.0;
    for (at, early) in values.iter().enumerate() {
        for late in &values[at + 1..] {
            s += f64::from(i8::from(late > early) - i8::from(late < early));
        }
    }
    let spread = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|tied| spread(tied.len() as f64)).sum();
    (s, (spread(values.len() as f64) - ties) / 18.0)
}

/// One-sided p of a rise, by the normal approximation with its continuity correction; 1 where all values are one.
pub(super) fn rise_p(values: &[f64]) -> f64 {
    let (s, variance) = mann_kendall(values);
    if s <= 0.0 || variance <= 0.0 {
        return 1.0;
    }
    let z = (s - 1.0) / variance.sqrt();
    0.5 * erfc(z / std::f64::consts::SQRT_2)
}

/// Theil-Sen: the median of the slopes of all pairs; `None` with fewer than two points in time.
pub(super) fn theil_sen(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (at, early) in points.iter().enumerate() {
        for late in &points[at + 1..] {
            if late.0 > early.0 {
                slopes.push((late.1 - early.1) / (late.0 - early.0));
            }
        }
    }
    median(&mut slopes)
}

/// The median; of an even number, the mean of the two in the middle.
pub(super) fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    let upper = *values.get(half)?;
    Some(if values.len().is_multiple_of(2) { f64::midpoint(values[half - 1], upper) } else { upper })
}
