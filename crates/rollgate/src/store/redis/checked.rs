//! Sums over what is stored, as 16 hexadecimal digits.

use rollgate_core::limits::STORE_NUMBER_MAX;
use xxhash_rust::xxh3::Xxh3;

/// The length of a sum.
pub(super) const SUM: usize = 16;

/// XXH3 over parts, each with its length.
pub(super) fn sum(parts: &[&[u8]]) -> u64 {
    let mut hash = Xxh3::new();
    for part in parts {
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.digest()
}

/// A sum as it is stored.
pub(super) fn written(sum: u64) -> String {
    format!("{sum:016x}")
}

/// A number as a script can count it.
pub(super) fn kept(number: u64) -> u64 {
    number.min(STORE_NUMBER_MAX)
}

/// The sum that a stored value begins with, and the rest of it; `None` where it does not begin so.
pub(super) fn split(value: &[u8]) -> Option<(u64, &[u8])> {
    let (digits, rest) = value.split_at_checked(SUM)?;
    let digits = str::from_utf8(digits).ok()?;
    // `from_str_radix` takes a sign, which no sum has.
    let is_hex = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
    let sum = u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
    Some((sum, rest))
}

/// A value behind its sum.
pub(super) fn with_sum(sum: u64, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SUM + value.len());
    bytes.extend(written(sum).as_bytes());
    bytes.extend_from_slice(value);
    bytes
}
