//! Salt and key to bucket: hash version 1, frozen (SEMANTICS 1.2, 1.3).
//!
//! The same salt, key and share give the same answer for ever, in every language. Nothing here may change.

#[cfg(feature = "foreign-hash")]
pub mod foreign;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::id::Key;
use crate::units::Share;

/// Domain of rollout splits.
pub const ROLLOUT: &str = "rollout";
/// Domain of variants.
pub const VARIANT: &str = "variant";
/// Domain of holdouts.
pub const HOLDOUT: &str = "holdout";

/// `XXH3_64(domain ++ 0x00 ++ salt)`: computed once a flag, when it is compiled.
pub fn seed(domain: &str, salt: &str) -> u64 {
    let mut bytes = Vec::with_capacity(domain.len() + 1 + salt.len());
    bytes.extend_from_slice(domain.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(salt.as_bytes());
    xxh3_64(&bytes)
}

/// The bucket of a key: the upper 32 bits of `XXH3_64_with_seed(key, seed)`. The key is hashed as its bytes.
#[inline]
pub fn bucket(seed: u64, key: &[u8]) -> u32 {
    // One function either way; but that of short keys is small enough to be compiled into its callers.
    if key.len() <= 16 { (xxh3_64_with_seed(key, seed) >> 32) as u32 } else { bucket_of_long(seed, key) }
}

#[inline(never)]
fn bucket_of_long(seed: u64, key: &[u8]) -> u32 {
    (xxh3_64_with_seed(key, seed) >> 32) as u32
}

/// A seed made ready for keys of 9 to 16 bytes, which most identifiers are: what XXH3 adds to each half of such a key lies
/// there computed, and takes no instructions in a reader that has few to spare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeded {
    low: u64,
    high: u64,
}

impl Seeded {
    // The bit flips of XXH3_len_9to16_64b, which are words 3 to 6 of its default secret, each two as one.
    const LOW: u64 = 0x6782_737b_ea42_39b9;
    const HIGH: u64 = 0xaf56_bc3b_0996_523a;

    /// A seed.
    pub const fn new(seed: u64) -> Self {
        Self { low: Self::LOW.wrapping_add(seed), high: Self::HIGH.wrapping_sub(seed) }
    }

    /// The seed that it was made from.
    pub const fn seed(self) -> u64 {
        self.low.wrapping_sub(Self::LOW)
    }

    /// As two words, for a reader that keeps them.
    pub const fn to_words(self) -> [u64; 2] {
        [self.low, self.high]
    }

    /// From the words of [`to_words`](Self::to_words). Of other words it is a seed of nobody, and hashes all the same.
    pub const fn from_words([low, high]: [u64; 2]) -> Self {
        Self { low, high }
    }

    /// The [`bucket`] of a key.
    #[inline]
    pub fn bucket(self, key: &[u8]) -> u32 {
        self.bucket_of_usual(key).unwrap_or_else(|| bucket(self.seed(), key))
    }

    /// The [`bucket`] of a key of 9 to 16 bytes; `None` for one of another length.
    #[inline(always)]
    pub fn bucket_of_usual(self, key: &[u8]) -> Option<u32> {
        if !(9..=16).contains(&key.len()) {
            return None;
        }
        let low = u64::from_le_bytes(*key.first_chunk()?) ^ self.low;
        let high = u64::from_le_bytes(*key.last_chunk()?) ^ self.high;
        let product = u128::from(low) * u128::from(high);
        let folded = product as u64 ^ (product >> 64) as u64;
        let sum = (key.len() as u64).wrapping_add(low.swap_bytes()).wrapping_add(high).wrapping_add(folded);
        let mixed = (sum ^ sum >> 37).wrapping_mul(0x1656_6791_9e37_79f9);
        // XXH3 folds the upper half once more into the lower one, which a bucket has no part of.
        Some((mixed >> 32) as u32)
    }
}

/// The question that a key is hashed for. Answers to different questions are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Domain {
    /// Whether a subject is on.
    Rollout,
    /// Which variant it gets.
    Variant,
    /// Whether it is held back.
    Holdout,
}

impl Domain {
    /// As it is hashed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rollout => ROLLOUT,
            Self::Variant => VARIANT,
            Self::Holdout => HOLDOUT,
        }
    }
}

/// A bucketing function. Each is frozen under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// Hash version 1 of SEMANTICS 1.2.
    Rollgate1,
    /// Unleash's: MurmurHash3 of `salt:key`, modulo the parts (100, and 1,000 for variants, unless the data chooses).
    #[cfg(feature = "foreign-hash")]
    Unleash,
    /// LaunchDarkly's: SHA-1 of `salt.key`, in single precision.
    #[cfg(feature = "foreign-hash")]
    LaunchDarkly,
    /// GrowthBook's first: FNV-1a of key and salt, in 1,000 parts.
    #[cfg(feature = "foreign-hash")]
    GrowthBook1,
    /// GrowthBook's second: FNV-1a of salt and key, twice, in 10,000 parts.
    #[cfg(feature = "foreign-hash")]
    GrowthBook2,
    /// flagd's: MurmurHash3 of salt and key, scaled to the parts.
    #[cfg(feature = "foreign-hash")]
    Flagd,
}

impl Hash {
    /// All that this build has, by the names that a plan writes.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("rollgate-1", Self::Rollgate1),
        #[cfg(feature = "foreign-hash")]
        ("unleash", Self::Unleash),
        #[cfg(feature = "foreign-hash")]
        ("launchdarkly", Self::LaunchDarkly),
        #[cfg(feature = "foreign-hash")]
        ("growthbook-1", Self::GrowthBook1),
        #[cfg(feature = "foreign-hash")]
        ("growthbook-2", Self::GrowthBook2),
        #[cfg(feature = "foreign-hash")]
        ("flagd", Self::Flagd),
    ];

    /// Those of other systems; they are there with the feature `foreign-hash`.
    pub const FOREIGN: [&'static str; 5] =
        ["unleash", "launchdarkly", "growthbook-1", "growthbook-2", "flagd"];

    /// As a plan writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rollgate1 => "rollgate-1",
            #[cfg(feature = "foreign-hash")]
            Self::Unleash => "unleash",
            #[cfg(feature = "foreign-hash")]
            Self::LaunchDarkly => "launchdarkly",
            #[cfg(feature = "foreign-hash")]
            Self::GrowthBook1 => "growthbook-1",
            #[cfg(feature = "foreign-hash")]
            Self::GrowthBook2 => "growthbook-2",
            #[cfg(feature = "foreign-hash")]
            Self::Flagd => "flagd",
        }
    }

    /// The thresholds after each of some shares in a row: where one ends, the next begins.
    pub fn cuts(self, shares: &[Share]) -> Vec<u64> {
        let sums = shares.iter().scan(0_u32, |sum, share| {
            *sum = sum.saturating_add(share.ppm()).min(1_000_000);
            Some(*sum)
        });
        match self {
            // Its sums are of single precision, which is not where the shares themselves end.
            #[cfg(feature = "foreign-hash")]
            Self::LaunchDarkly => foreign::launchdarkly_cuts(shares.iter().map(|share| share.ppm())),
            _ => sums.map(|sum| Share::from_ppm(sum).map_or(0, Share::threshold)).collect(),
        }
    }
}

/// A salted bucketing function: the same for all keys of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucketer {
    /// The function.
    pub hash: Hash,
    /// The question.
    pub domain: Domain,
    /// What sets one question apart from the others of its domain.
    pub salt: Key,
    /// `XXH3_64(domain ++ 0x00 ++ salt)`, computed once; only [`Hash::Rollgate1`] reads it.
    pub seed: u64,
    /// How many parts the function knows, where the data chooses.
    pub parts: u32,
}

impl Bucketer {
    /// Hash version 1 with this salt.
    pub fn new(domain: Domain, salt: impl Into<Key>) -> Self {
        let salt = salt.into();
        Self { hash: Hash::Rollgate1, domain, seed: seed(domain.name(), salt.as_str()), salt, parts: 0 }
    }

    /// The bucket of a key.
    #[inline]
    pub fn bucket(&self, key: &[u8]) -> u32 {
        match self.hash {
            Hash::Rollgate1 => bucket(self.seed, key),
            #[cfg(feature = "foreign-hash")]
            hash => self.foreign(hash, key),
        }
    }

    #[cfg(feature = "foreign-hash")]
    fn foreign(&self, hash: Hash, key: &[u8]) -> u32 {
        let salt = self.salt.as_str().as_bytes();
        match (hash, self.domain) {
            (Hash::Rollgate1, _) => bucket(self.seed, key),
            (Hash::Unleash, Domain::Variant) => {
                let parts = if self.parts == 0 { 1_000 } else { self.parts };
                foreign::unleash(foreign::UNLEASH_VARIANT_SEED, salt, key, parts)
            }
            (Hash::Unleash, _) => {
                foreign::unleash(0, salt, key, if self.parts == 0 { 100 } else { self.parts })
            }
            (Hash::LaunchDarkly, _) => foreign::launchdarkly(salt, key),
            (Hash::GrowthBook1, _) => foreign::growthbook_1(salt, key),
            (Hash::GrowthBook2, _) => foreign::growthbook_2(salt, key),
            (Hash::Flagd, _) => foreign::flagd(salt, key, self.parts),
        }
    }
}

/// Whether a bucket lies below a threshold of 0 ..= 2^32.
#[inline]
pub const fn is_in(bucket: u32, threshold: u64) -> bool {
    (bucket as u64) < threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Share;

    #[test]
    fn nobody_and_everybody_need_no_luck() {
        for bucket in [0, 1, u32::MAX] {
            assert!(!is_in(bucket, Share::ZERO.threshold()));
            assert!(is_in(bucket, Share::FULL.threshold()));
        }
    }

    #[test]
    fn a_seed_made_ready_gives_the_same_buckets() {
        let text: Vec<u8> = (0..40_u8).map(|at| at.wrapping_mul(167) ^ 0x5a).collect();
        for index in 0..2_000_u64 {
            let seed = match index {
                0 => 0,
                1 => u64::MAX,
                _ => xxh3_64(&index.to_le_bytes()),
            };
            let ready = Seeded::new(seed);
            assert_eq!((ready.seed(), Seeded::from_words(ready.to_words())), (seed, ready));
            for len in 0..text.len() {
                let key: Vec<u8> = text[..len].iter().map(|byte| byte.wrapping_add(index as u8)).collect();
                assert_eq!(ready.bucket(&key), bucket(seed, &key), "{seed} {len}");
                assert_eq!(ready.bucket_of_usual(&key).is_some(), (9..=16).contains(&len), "{len}");
            }
        }
    }

    #[test]
    fn buckets_are_uniform_and_salts_independent() {
        // 4.9 sigma of a binomial with n = 100 000, p = 0.1 (and 0.01 for both).
        let (one, two) = (seed(ROLLOUT, "one"), seed(ROLLOUT, "two"));
        let threshold = Share::from_ppm(100_000).unwrap().threshold();
        let (mut first, mut both) = (0_i32, 0_i32);
        for index in 0..100_000 {
            let key = format!("user-{index}");
            let in_one = is_in(bucket(one, key.as_bytes()), threshold);
            first += i32::from(in_one);
            both += i32::from(in_one && is_in(bucket(two, key.as_bytes()), threshold));
        }
        assert!((first - 10_000).abs() < 465, "{first}");
        assert!((both - 1_000).abs() < 155, "{both}");
    }
}
