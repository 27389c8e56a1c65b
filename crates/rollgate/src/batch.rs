//! All flags for one key: the words that decide them side by side, in an order that hashes once where a salt is shared.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use rollgate_core::bucket;

use crate::word::EVERYBODY;

/// One flag.
struct Entry {
    seed: u64,
    word: AtomicU64,
    /// Its place among the flags.
    place: usize,
}

/// What decides all flags of one version.
pub(crate) struct Batch {
    /// Flags of one seed lie together, in the order in which the seeds first come.
    entries: Box<[Entry]>,
    /// Whether the entries lie in the order of the flags, as they do where salts are not mixed.
    is_in_order: bool,
    /// Twice the version that the words are of; one less while they are being written (Lamport 1977).
    sequence: AtomicU64,
}

impl Batch {
    /// A batch of flags in their order, each with its seed and its word.
    pub(crate) fn new(flags: impl Iterator<Item = (u64, u64)>, version: u64) -> Self {
        let entry = |(place, (seed, word))| Entry { seed, word: AtomicU64::new(word), place };
        let mut entries: Vec<Entry> = flags.enumerate().map(entry).collect();
        let mut firsts: HashMap<u64, usize> = HashMap::new();
        entries.iter().for_each(|entry| _ = *firsts.entry(entry.seed).or_insert(entry.place));
        entries.sort_by_key(|entry| (firsts[&entry.seed], entry.place));
        let is_in_order = entries.is_sorted_by_key(|entry| entry.place);
        Self { entries: entries.into(), is_in_order, sequence: AtomicU64::new(2 * version) }
    }

    /// Writes the words of a version. One caller at a time.
    pub(crate) fn publish(&self, version: u64, word: impl Fn(usize) -> u64) {
        self.sequence.store((2 * version).wrapping_sub(1), Ordering::Relaxed);
        // Whoever sees one of the words sees that they are being written.
        fence(Ordering::Release);
        for entry in &self.entries {
            entry.word.store(word(entry.place), Ordering::Relaxed);
        }
        self.sequence.store(2 * version, Ordering::Release);
    }

    /// Sets the bit of every flag that is on for a key. `above` answers for words that are no threshold below everybody,
    /// from their version; `None` where it cannot.
    ///
    /// Gives up where another version comes in between: then the bits are not of one version.
    pub(crate) fn read(
        &self,
        key: &[u8],
        bits: &mut [u64],
        above: impl Fn(usize, u64, u64) -> Option<bool>,
    ) -> Option<()> {
        let sequence = self.sequence.load(Ordering::Acquire);
        let above = |place, word| above(place, word, sequence / 2);
        // The hash looks at the length first. Where it is known the loop is free of that.
        match (self.is_in_order, key.len()) {
            (true, 9..=16) => self.fill_in_order(key, bits, above)?,
            (true, _) => self.fill_in_order(key, bits, above)?,
            (false, _) => self.fill(key, bits, above)?,
        }
        // The words were read before the sequence is read again.
        fence(Ordering::Acquire);
        let is_one_version = sequence.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == sequence;
        is_one_version.then_some(())
    }

    /// Bits are collected in a register: bits of one word that are set one after the other wait for each other.
    #[inline(always)]
    fn fill_in_order(
        &self,
        key: &[u8],
        bits: &mut [u64],
        above: impl Fn(usize, u64) -> Option<bool>,
    ) -> Option<()> {
        let mut seed = !self.entries.first()?.seed;
        let mut bucket = 0;
        for (entries, bits) in self.entries.chunks(64).zip(bits) {
            let mut collected = 0;
            for entry in entries {
                if entry.seed != seed {
                    seed = entry.seed;
                    bucket = bucket::bucket(seed, key);
                }
                let word = entry.word.load(Ordering::Relaxed);
                let mut is_on = bucket::is_in(bucket, word);
                if word >= EVERYBODY {
                    is_on = above(entry.place, word)?;
                }
                collected = collected >> 1 | u64::from(is_on) << 63;
            }
            *bits = collected >> (64 - entries.len());
        }
        Some(())
    }

    fn fill(&self, key: &[u8], bits: &mut [u64], above: impl Fn(usize, u64) -> Option<bool>) -> Option<()> {
        let mut seed = !self.entries.first()?.seed;
        let mut bucket = 0;
        let (mut at, mut collected) = (0, 0);
        for entry in &self.entries {
            if entry.seed != seed {
                seed = entry.seed;
                bucket = bucket::bucket(seed, key);
            }
            let word = entry.word.load(Ordering::Relaxed);
            let is_on =
                if word < EVERYBODY { bucket::is_in(bucket, word) } else { above(entry.place, word)? };
            if entry.place / 64 != at {
                set(bits, at, collected);
                (at, collected) = (entry.place / 64, 0);
            }
            collected |= u64::from(is_on) << (entry.place % 64);
        }
        set(bits, at, collected);
        Some(())
    }
}

#[inline]
fn set(bits: &mut [u64], at: usize, collected: u64) {
    if let Some(word) = bits.get_mut(at) {
        *word |= collected;
    }
}
