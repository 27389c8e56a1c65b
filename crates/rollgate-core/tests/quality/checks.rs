//! What has to hold of a function that deals buckets.

use rollgate_core::bucket::{HOLDOUT, ROLLOUT, VARIANT};
use rollgate_core::units::Share;

use crate::functions::{Bucketing, PLACES};
use crate::keys::{Random, Shape};
use crate::statistics::{chi_square_z, evenness_z, not_normal};

/// One thing that has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// Places are uniform, for keys of every shape under every salt, and no more alike than chance.
    Even,
    /// So many of a million keys are on as the share says.
    Shares,
    /// Flags with different salts have unrelated cohorts.
    Pairs,
    /// The domains of one salt are unrelated.
    Domains,
    /// Who is on at a share is on at every larger one, and at the same one again.
    Ladders,
}

impl Check {
    pub(crate) const ALL: [Self; 5] = [Self::Even, Self::Shares, Self::Pairs, Self::Domains, Self::Ladders];

    /// Everything that does not hold.
    pub(crate) fn faults<B: Bucketing>(self) -> Vec<String> {
        match self {
            Self::Even => even::<B>(),
            Self::Shares => shares::<B>(),
            Self::Pairs => pairs::<B>(),
            Self::Domains => domains::<B>(),
            Self::Ladders => ladders::<B>(),
        }
    }
}

/// A deviate beyond this comes by chance twice in 10^9 (both sides): among 400, once in a million runs.
const SIGMA: f64 = 6.0;

/// Chi-square over 1,000 bins of 50,000 keys, for 8 shapes and 50 salts; then the 400 deviates together.
fn even<B: Bucketing>() -> Vec<String> {
    const BINS: u64 = 1_000;
    let (mut faults, mut deviates) = (Vec::new(), Vec::new());
    for shape in Shape::ALL {
        let keys = shape.keys(50_000);
        for salt in 0..50 {
            let seed = B::seed(ROLLOUT, &format!("FLAG_{salt}"));
            let mut counts = vec![0_u32; BINS as usize];
            for key in keys.iter() {
                let bin = B::place(&seed, key) * BINS / PLACES;
                counts[bin.min(BINS - 1) as usize] += 1;
            }
            let z = evenness_z(&counts);
            if z.abs() > SIGMA {
                let how = if z > 0.0 { "uneven" } else { "too even" };
                faults.push(format!("{shape:?} under salt {salt}: {how}, {z:.1} sigma"));
            }
            deviates.push(z);
        }
    }
    faults.extend(not_normal(&deviates));
    faults
}

/// Twelve shares of 1,000,000 keys of each shape: within 4.9 sigma (once in a million; once in 12,000 for all of them);
/// nobody and everybody exactly.
fn shares<B: Bucketing>() -> Vec<String> {
    const KEYS: u32 = 1_000_000;
    const PPM: [u32; 12] =
        [0, 1_000, 5_000, 10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 900_000, 990_000, 1_000_000];
    let shares = PPM.map(|ppm| Share::from_ppm(ppm).unwrap());
    let mut faults = Vec::new();
    for shape in Shape::ALL {
        let seed = B::seed(ROLLOUT, "USE_NEW_SEARCH");
        let mut on = [0_u32; PPM.len()];
        for key in shape.keys(KEYS).iter() {
            let place = B::place(&seed, key);
            for (count, share) in on.iter_mut().zip(shares) {
                *count += u32::from(B::is_on(place, share));
            }
        }
        for (count, share) in on.into_iter().zip(shares) {
            let (n, p) = (f64::from(KEYS), share.fraction());
            let off = f64::from(count) - n * p;
            if off.abs() > 4.9 * (n * p * (1.0 - p)).sqrt() {
                faults.push(format!("{shape:?} at {} %: {count} of {KEYS}", p * 100.0));
            }
        }
    }
    faults
}

/// 200 flags whose names differ in a digit, all 19,900 pairs of them, at 50 % and at 10 %: the correlation of two cohorts
/// is below 6.5 sigma (once in 300,000 runs). And not too small either: the squares of all together are as they should be.
fn pairs<B: Bucketing>() -> Vec<String> {
    const FLAGS: usize = 200;
    const KEYS: u32 = 100_000;
    let keys = Shape::Sequential.keys(KEYS);
    let shares = [500_000, 100_000].map(|ppm| Share::from_ppm(ppm).unwrap());
    // A bit a key, for each flag and share.
    let cohorts: Vec<[Vec<u64>; 2]> = (0..FLAGS)
        .map(|flag| {
            let seed = B::seed(ROLLOUT, &format!("FLAG_{flag:03}"));
            let mut bits = shares.map(|_| vec![0_u64; KEYS.div_ceil(64) as usize]);
            for (index, key) in keys.iter().enumerate() {
                let place = B::place(&seed, key);
                for (bits, share) in bits.iter_mut().zip(shares) {
                    bits[index / 64] |= u64::from(B::is_on(place, share)) << (index % 64);
                }
            }
            bits
        })
        .collect();
    let mut faults = Vec::new();
    for (at, share) in shares.into_iter().enumerate() {
        let size = |bits: &[u64]| bits.iter().map(|word| f64::from(word.count_ones())).sum::<f64>();
        let sizes: Vec<f64> = cohorts.iter().map(|bits| size(&bits[at])).collect();
        let (n, mut squares, mut count) = (f64::from(KEYS), 0.0, 0.0);
        for one in 0..FLAGS {
            for two in 0..one {
                let bits = cohorts[one][at].iter().zip(&cohorts[two][at]);
                let both: u32 = bits.map(|(a, b)| (a & b).count_ones()).sum();
                let spread = (sizes[one] * (n - sizes[one]) * sizes[two] * (n - sizes[two])).sqrt();
                // The correlation of the two cohorts, times the root of n.
                let z = (n * f64::from(both) - sizes[one] * sizes[two]) / spread * n.sqrt();
                if z.is_nan() || z.abs() > 6.5 {
                    faults.push(format!(
                        "flags {two} and {one} at {} %: {z:.1} sigma",
                        share.fraction() * 100.0
                    ));
                }
                squares += z * z;
                count += 1.0;
            }
        }
        let z = chi_square_z(squares, count);
        if z.abs() > SIGMA {
            faults.push(format!("the squares of {count} pairs are {z:.1} sigma off"));
        }
    }
    faults
}

/// The places of two domains, 32 by 32 cells of 250,000 keys, for 20 salts and the three pairs of domains.
fn domains<B: Bucketing>() -> Vec<String> {
    const SIDE: u64 = 32;
    const DOMAINS: [&str; 3] = [ROLLOUT, VARIANT, HOLDOUT];
    const PAIRS: [[usize; 2]; 3] = [[0, 1], [0, 2], [1, 2]];
    let keys = Shape::Sequential.keys(250_000);
    let (mut faults, mut deviates) = (Vec::new(), Vec::new());
    for salt in 0..20 {
        let seeds = DOMAINS.map(|domain| B::seed(domain, &format!("FLAG_{salt}")));
        let mut counts = PAIRS.map(|_| vec![0_u32; (SIDE * SIDE) as usize]);
        for key in keys.iter() {
            let sides = [0, 1, 2].map(|at| (B::place(&seeds[at], key) * SIDE / PLACES).min(SIDE - 1));
            for (counts, [one, two]) in counts.iter_mut().zip(PAIRS) {
                counts[(sides[one] * SIDE + sides[two]) as usize] += 1;
            }
        }
        for (counts, [one, two]) in counts.iter().zip(PAIRS) {
            let z = evenness_z(counts);
            if z.abs() > SIGMA {
                faults
                    .push(format!("{} against {} of salt {salt}: {z:.1} sigma", DOMAINS[one], DOMAINS[two]));
            }
            deviates.push(z);
        }
    }
    // The pairs of one salt share their domains, which makes them no less independent.
    faults.extend(not_normal(&deviates));
    faults
}

/// Ladders of shares up and down again over 1,000,000 keys: no subject leaves on the way up or comes on the way down, and
/// the same share gives the same answer on both ways.
fn ladders<B: Bucketing>() -> Vec<String> {
    let mut random = Random(0x1add_e200);
    let drawn: Vec<u32> = (0..8).map(|_| (random.next() % 1_000_001) as u32).collect();
    // As plans are written; the smallest steps there are; and any.
    let ladders: [&[u32]; 3] = [
        &[0, 10_000, 50_000, 100_000, 250_000, 500_000, 750_000, 1_000_000],
        &[0, 1, 2, 3, 499_999, 500_000, 500_001, 999_999, 1_000_000],
        &drawn,
    ];
    let keys = Shape::Sequential.keys(1_000_000);
    let seed = B::seed(ROLLOUT, "USE_NEW_SEARCH");
    let mut faults = Vec::new();
    for ladder in ladders {
        let mut rungs = ladder.to_vec();
        rungs.sort_unstable();
        let rungs: Vec<Share> = rungs.into_iter().map(|ppm| Share::from_ppm(ppm).unwrap()).collect();
        let (mut left, mut differ) = (0_u32, 0_u32);
        for key in keys.iter() {
            let (up, down) = (B::place(&seed, key), B::place(&seed, key));
            let mut was_on = false;
            for share in &rungs {
                let is_on = B::is_on(up, *share);
                left += u32::from(was_on && !is_on);
                differ += u32::from(is_on != B::is_on(down, *share));
                was_on = is_on;
            }
        }
        if left + differ > 0 {
            faults.push(format!("{ladder:?}: {left} left on the way up, {differ} differ on the way down"));
        }
    }
    faults
}
