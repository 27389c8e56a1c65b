//! The bucketing functions of other systems, frozen: a subject that came over stays on its side.
//!
//! Each of them says where a key lies: at position `p` of `n` parts. Here that is the bucket `ceil(p * 2^32 / n)`, and
//! `bucket < threshold(share)` is then exactly `p < k` for every share of `k` of `n` parts, also where the share had to be
//! rounded down to a whole part per million (for `n` up to 400,000; the tests go through all of them for the moduli in use).
//! The digests themselves come from crates. Nothing here allocates, and nothing here may change.

use std::hash::Hasher as _;
use std::io::Read as _;

use hash32::Hasher as _;
use sha1::{Digest as _, Sha1};

/// What Unleash seeds its choice of a variant with; a rollout is seeded with 0.
pub const UNLEASH_VARIANT_SEED: u32 = 86_028_157;

/// The bucket of a position of `parts`.
const fn at(position: u32, parts: u32) -> u32 {
    if parts == 0 {
        return 0;
    }
    // A position is below `parts`, so that this is at most 2^32 less 2^32 / `parts`, and fits.
    ((position as u64) << 32).div_ceil(parts as u64) as u32
}

/// MurmurHash3, x86, 32 bits.
fn murmur(seed: u32, parts: [&[u8]; 3]) -> u32 {
    let [one, two, three] = parts;
    // Reading from memory does not fail.
    murmur3::murmur3_32(&mut one.chain(two).chain(three), seed).unwrap_or_default()
}

/// Unleash: MurmurHash3 of `salt:key`, modulo `parts`. Its position counts from 1, and a percentage includes its end.
pub fn unleash(seed: u32, salt: &[u8], key: &[u8], parts: u32) -> u32 {
    let hash = murmur(seed, [salt, b":", key]);
    at(hash.checked_rem(parts).unwrap_or_default(), parts)
}

/// flagd's `fractional`: MurmurHash3 of salt and key, scaled to `parts`; 0 parts are the hash itself.
pub fn flagd(salt: &[u8], key: &[u8], parts: u32) -> u32 {
    let hash = murmur(0, [salt, key, b""]);
    match parts {
        0 => hash,
        _ => at(((u64::from(hash) * u64::from(parts)) >> 32) as u32, parts),
    }
}

/// FNV-1a, 32 bits.
fn fnv(parts: [&[u8]; 2]) -> u32 {
    let mut hasher = hash32::FnvHasher::default();
    parts.iter().for_each(|part| hasher.write(part));
    hasher.finish32()
}

/// GrowthBook, hash version 1: FNV-1a of key and seed, in 1,000 parts.
pub fn growthbook_1(salt: &[u8], key: &[u8]) -> u32 {
    at(fnv([key, salt]) % 1_000, 1_000)
}

/// GrowthBook, hash version 2: FNV-1a of seed and key, then of its decimal digits, in 10,000 parts.
pub fn growthbook_2(salt: &[u8], key: &[u8]) -> u32 {
    let mut digits = [b'0'; 10];
    let mut rest = fnv([salt, key]);
    let mut first = digits.len();
    for (place, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (rest % 10) as u8;
        first = place;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    let written = digits.get(first..).unwrap_or_default();
    at(fnv([written, b""]) % 10_000, 10_000)
}

/// LaunchDarkly: the first 60 bits of the SHA-1 of `salt.key`, as a part of one in single precision.
///
/// Its salt is the flag's key, a point, and the flag's salt; or the seed of an experiment.
pub fn launchdarkly(salt: &[u8], key: &[u8]) -> u32 {
    let digest = Sha1::new().chain_update(salt).chain_update(b".").chain_update(key).finalize();
    let high = digest.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes)) >> 4;
    launchdarkly_bucket(part_of_60_bits(high))
}

/// As LaunchDarkly's servers' libraries have it: both sides of the division are single precision, 2^60 exactly the lower.
fn part_of_60_bits(high: u64) -> f32 {
    high as f32 / 1_152_921_504_606_846_976.0
}

/// The cut that LaunchDarkly makes for a weight of so many of 100,000.
fn weight(of_100_000: f32) -> f32 {
    of_100_000 / 100_000.0
}

/// The bucket of a part of one in single precision.
///
/// A cut in single precision lies beside the one that it is meant to be, so each of the 100,000 stretches between two cuts
/// is mapped on the buckets between the two thresholds. Above 2^-8 (0.4 %) there are more buckets than single precision has
/// numbers, so two numbers never get one bucket, and cuts between, which sums of weights give, are kept apart too.
fn launchdarkly_bucket(part: f32) -> u32 {
    if part >= 1.0 {
        return u32::MAX;
    }
    // Never above the stretch, as doubles are finer; but a weight that was rounded down may begin before its stretch does.
    let mut index = (f64::from(part) * 100_000.0) as u32;
    while weight((index + 1) as f32) <= part {
        index += 1;
    }
    let threshold = |index: u32| (u64::from(index) << 32) / 100_000;
    let (low, high) = (f64::from(weight(index as f32)), f64::from(weight((index + 1) as f32)));
    let (from, to) = (threshold(index), threshold(index + 1));
    let inside = (f64::from(part) - low) / (high - low) * (to - from) as f64;
    // `part` is below `high` by one of 2^25 at least, so that this is below `to`.
    (from + inside as u64) as u32
}

/// LaunchDarkly's own thresholds after each weight of a list: its sums are of single precision, and whoever is beyond all of
/// them has the last.
pub fn launchdarkly_cuts(ppm: impl IntoIterator<Item = u32>) -> Vec<u64> {
    let mut sum = 0.0_f32;
    let mut whole = 0_u32;
    let cuts = ppm.into_iter().map(|ppm| {
        sum += weight(ppm as f32 / 10.0);
        whole = whole.saturating_add(ppm);
        match whole >= 1_000_000 || sum >= 1.0 {
            true => 1 << 32,
            false => u64::from(launchdarkly_bucket(sum)),
        }
    });
    cuts.collect()
}

#[cfg(test)]
mod tests;
