//! Which place a flag's name has, in memory that a stale handle may still read.
//!
//! A block holds a table of words first (a hash of 32 bits and where the name lies, probed in a row) and then the names:
//! a word with place and length, and the name's bytes. Everything is an atomic word and every index is checked, so that a
//! reader whose block has gone to another engine finds nothing or nonsense, and then sees that its handle is stale.

use std::sync::atomic::{AtomicU64, Ordering};

use rollgate::core::bucket::bucket;

use super::block::Pool;

/// Four words: what [`Link`](super::block::Link) needs for its alignment.
#[repr(align(32))]
#[derive(Default)]
pub(super) struct Line([AtomicU64; 4]);

/// Any number: names are hashed for this table only.
const SEED: u64 = 0x726f_6c6c_6761_7465;

#[inline(always)]
fn word(lines: &[Line], at: usize) -> Option<&AtomicU64> {
    Some(&lines.get(at / 4)?.0[at % 4])
}

/// A table of names, each at its place in their order, in a block of the pool; and the mask of its hashes.
pub(super) fn build(pool: &mut Pool<Line>, names: &[&str]) -> (&'static [Line], usize) {
    let size = (2 * names.len()).next_power_of_two().max(2);
    let text: usize = names.iter().map(|name| 1 + packed(name.as_bytes()).count()).sum();
    let lines = pool.take((size + text).div_ceil(4));
    let set = |at: usize, value: u64| {
        if let Some(word) = word(lines, at) {
            word.store(value, Ordering::Relaxed);
        }
    };
    let is_empty = |at: usize| word(lines, at).is_some_and(|word| word.load(Ordering::Relaxed) == 0);
    (0..size).for_each(|at| set(at, 0));
    let mut end = size;
    for (place, name) in names.iter().enumerate() {
        let hash = bucket(SEED, name.as_bytes());
        let mut at = hash as usize & (size - 1);
        while !is_empty(at) {
            at = (at + 1) & (size - 1);
        }
        set(at, u64::from(hash) << 32 | end as u64);
        set(end, (place as u64) << 32 | name.len() as u64);
        end += 1;
        for part in packed(name.as_bytes()) {
            set(end, part);
            end += 1;
        }
    }
    (lines, size - 1)
}

/// The place of a name.
#[inline(always)]
pub(super) fn find(lines: &[Line], mask: usize, name: &[u8]) -> Option<usize> {
    let hash = bucket(SEED, name);
    let mut at = hash as usize & mask;
    // In a block that has gone to another engine there may be no empty word.
    for _ in 0..=mask {
        let found = word(lines, at)?.load(Ordering::Relaxed);
        if found == 0 {
            return None;
        }
        if (found >> 32) as u32 == hash {
            let entry = found as u32 as usize;
            let head = word(lines, entry)?.load(Ordering::Relaxed);
            if head as u32 as usize == name.len() && is_same(lines, entry + 1, name) {
                return Some((head >> 32) as usize);
            }
        }
        at = (at + 1) & mask;
    }
    None
}

/// A name as words. Its length is known, so what fills the last word tells no two names apart.
fn packed(name: &[u8]) -> impl Iterator<Item = u64> {
    let overlapping = halves(name).into_iter().flatten();
    let chunks = if halves(name).is_some() { &[] } else { name };
    overlapping.chain(chunks.chunks(8).map(padded))
}

/// The first and the last eight bytes of a name that they cover: most names, compared without a loop.
#[inline(always)]
fn halves(name: &[u8]) -> Option<[u64; 2]> {
    let (first, last) = (name.first_chunk()?, name.last_chunk()?);
    (name.len() <= 16).then(|| [u64::from_ne_bytes(*first), u64::from_ne_bytes(*last)])
}

fn padded(chunk: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..chunk.len()].copy_from_slice(chunk);
    u64::from_ne_bytes(bytes)
}

#[inline(always)]
fn is_same(lines: &[Line], at: usize, name: &[u8]) -> bool {
    let is = |at: usize, part: u64| word(lines, at).is_some_and(|word| word.load(Ordering::Relaxed) == part);
    match halves(name) {
        Some([first, last]) => is(at, first) && is(at + 1, last),
        None => name.chunks(8).enumerate().all(|(place, chunk)| is(at + place, padded(chunk))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_and_no_other() {
        let mut pool = Pool::new();
        let names: Vec<String> = (0..1_000)
            .map(|place: usize| format!("{}{place}", "N".repeat(place % 23)))
            .chain(["", "12345678", "123456789abcdef0", "123456789abcdef01"].map(str::to_owned))
            .collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        for _ in 0..2 {
            let (lines, mask) = build(&mut pool, &all);
            for (place, name) in all.iter().enumerate() {
                assert_eq!(find(lines, mask, name.as_bytes()), Some(place), "{name}");
            }
            for other in [
                "x",
                "N",
                "1234567",
                "123456789abcdef",
                "123456789abcdef0\0",
                "\0",
                "NNNNNNNNNNNNNNNNNNNNNNNN",
            ] {
                assert_eq!(find(lines, mask, other.as_bytes()), None, "{other}");
            }
            pool.give(lines);
        }
    }

    #[test]
    fn block_of_others_is_read_without_harm() {
        let mut pool: Pool<Line> = Pool::new();
        let lines = pool.take(8);
        // Every word leads nowhere, and none is empty.
        for at in 0..32 {
            word(lines, at)
                .unwrap()
                .store(u64::from(bucket(SEED, b"NAME")) << 32 | (20 + at as u64), Ordering::Relaxed);
        }
        for mask in [0, 31, 8_191] {
            assert_eq!(find(lines, mask, b"NAME"), None);
        }
        assert_eq!(find(&[], 0, b"NAME"), None);
    }

    #[test]
    fn no_flags_have_no_names() {
        let (lines, mask) = build(&mut Pool::new(), &[]);
        assert_eq!(find(lines, mask, b""), None);
    }
}
