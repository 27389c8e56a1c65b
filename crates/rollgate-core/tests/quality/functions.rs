//! Functions that deal buckets: ours, and some that are known to be wrong.

use rollgate_core::bucket::{ROLLOUT, bucket, is_in, seed};
use rollgate_core::units::Share;

use crate::keys::mix;

/// All buckets: a place is a number below it.
pub(crate) const PLACES: u64 = 1 << 32;

/// A function from domain, salt and key to a place, and from place and share to an answer.
pub(crate) trait Bucketing {
    /// What a flag keeps of its domain and salt.
    type Seed;

    fn seed(domain: &str, salt: &str) -> Self::Seed;

    /// The place of a key; a right function stays below [`PLACES`].
    fn place(seed: &Self::Seed, key: &[u8]) -> u64;

    /// Whether a place is on at a share.
    fn is_on(place: u64, share: Share) -> bool {
        place < share.threshold()
    }
}

/// Hash version 1 (SEMANTICS 1.2, 1.3).
pub(crate) struct Ours;

impl Bucketing for Ours {
    type Seed = u64;

    fn seed(domain: &str, salt: &str) -> u64 {
        seed(domain, salt)
    }
    fn place(seed: &u64, key: &[u8]) -> u64 {
        bucket(*seed, key).into()
    }
    fn is_on(place: u64, share: Share) -> bool {
        is_in(place as u32, share.threshold())
    }
}

/// The first hash of GrowthBook: `fnv32a(key + seed) % 1000`. FNV barely mixes the bytes that come last, so flags whose
/// names end alike have nearly one cohort. It was replaced for that.
pub(crate) struct GrowthBookV1;

impl Bucketing for GrowthBookV1 {
    type Seed = String;

    fn seed(domain: &str, salt: &str) -> String {
        format!("{domain}-{salt}")
    }
    fn place(seed: &String, key: &[u8]) -> u64 {
        let hash = fnv32a(fnv32a(0x811c_9dc5, key), seed.as_bytes());
        // The middle of its thousandth.
        (u64::from(hash % 1_000) * PLACES + PLACES / 2) / 1_000
    }
}

/// FNV-1a of 32 bits, from where it stood.
fn fnv32a(from: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(from, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// One seed whatever the domain: who is in a rollout decides who has which variant.
pub(crate) struct OneSeedForAllDomains;

impl Bucketing for OneSeedForAllDomains {
    type Seed = u64;

    fn seed(_domain: &str, salt: &str) -> u64 {
        seed(ROLLOUT, salt)
    }
    fn place(seed: &u64, key: &[u8]) -> u64 {
        bucket(*seed, key).into()
    }
}

/// `hash % 101 < percent`: an off-by-one that gives every share 1 % less of itself, and 100 % not everybody.
pub(crate) struct Modulo101;

impl Bucketing for Modulo101 {
    type Seed = u64;

    fn seed(domain: &str, salt: &str) -> u64 {
        seed(domain, salt)
    }
    fn place(seed: &u64, key: &[u8]) -> u64 {
        let percent = u64::from(bucket(*seed, key)) % 101;
        (percent * PLACES + PLACES / 2) / 100
    }
}

/// The share goes into the hash: even at every share, and another set of subjects at each.
pub(crate) struct RedealtAtEachShare;

impl Bucketing for RedealtAtEachShare {
    type Seed = u64;

    fn seed(domain: &str, salt: &str) -> u64 {
        seed(domain, salt)
    }
    fn place(seed: &u64, key: &[u8]) -> u64 {
        bucket(*seed, key).into()
    }
    fn is_on(place: u64, share: Share) -> bool {
        // Nobody and everybody are as they should be; only what lies between is dealt anew.
        mix(place ^ (u64::from(share.ppm()) << 32)) >> 32 < share.threshold()
    }
}

/// Every key that ends in a number takes the next place of a low-discrepancy sequence, and the others are hashed: the
/// counts of the bins are more alike than chance lets them be. Flags then differ by a turn of the circle only.
pub(crate) struct ByTurns;

impl Bucketing for ByTurns {
    type Seed = u64;

    fn seed(domain: &str, salt: &str) -> u64 {
        seed(domain, salt)
    }
    fn place(seed: &u64, key: &[u8]) -> u64 {
        match std::str::from_utf8(key).ok().and_then(|text| text.parse::<u64>().ok()) {
            // The golden ratio's multiples; an odd factor of the seed's keeps salts apart.
            Some(number) if key.len() < 12 => {
                (number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(*seed)) >> 32
            }
            _ => bucket(*seed, key).into(),
        }
    }
}
