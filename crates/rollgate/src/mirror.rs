//! Copies of the words that decide flags, in memory that outlives the engine: for doors to other languages.
//!
//! A handle that C holds may be stale at any moment, so what it reads must never be freed. A door owns [`FlagMirror`]s
//! that live for ever, lends them to an engine while it is open, and takes them back before it closes it. What a mirror
//! says is the engine's answer; a door adds nothing of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::process::PerProcess;
use crate::word::{EVERYBODY, is_below};

/// What decides one flag, as a copy that never moves. 32 bytes, so that two of them share a cache line and none spans two.
#[repr(align(32))]
#[derive(Debug, Default)]
pub struct FlagMirror {
    seed: AtomicU64,
    word: AtomicU64,
    is_asked: AtomicBool,
}

/// What a mirror said when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    seed: u64,
    word: u64,
}

impl FlagMirror {
    /// A mirror of no flag: off for everybody.
    pub const fn new() -> Self {
        Self { seed: AtomicU64::new(0), word: AtomicU64::new(0), is_asked: AtomicBool::new(false) }
    }

    /// What decides the flag now. Two loads; the reader has to know that the mirror was one flag's meanwhile.
    #[inline(always)]
    pub fn terms(&self) -> Terms {
        Terms { word: self.word.load(Ordering::Acquire), seed: self.seed.load(Ordering::Relaxed) }
    }

    /// Remembers that somebody asked for a flag that is on for everybody: a call site that a removal would have to find.
    /// Written once, so that reading threads share the line.
    #[inline]
    pub fn ask(&self) {
        if !self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(true, Ordering::Relaxed);
        }
    }

    /// Belongs to no flag again, and is off for everybody.
    pub fn clear(&self) {
        self.seed.store(0, Ordering::Relaxed);
        self.word.store(0, Ordering::Relaxed);
        self.is_asked.store(false, Ordering::Relaxed);
    }
}

impl Terms {
    /// The answer for a key, as of [`Flag::is_on_bytes`](crate::flag::Flag::is_on_bytes); `None`: only the flag itself can
    /// tell, and the caller asks it.
    #[inline(always)]
    pub fn is_on(self, key: &[u8]) -> Option<bool> {
        if self.word < EVERYBODY {
            return Some(is_below(self.seed, key, self.word));
        }
        (self.word == EVERYBODY).then_some(true)
    }

    /// Whether it is on for everybody or for nobody to tell from a key: [`FlagMirror::ask`] is due.
    #[inline(always)]
    pub fn is_above(self) -> bool {
        self.word >= EVERYBODY
    }
}

/// The mirrors of one engine's flags, in the plan's order; none at first.
///
/// The lock orders lending against publication. A publication that stores its words before it takes the lock is seen by
/// whoever lends; one that takes it later writes to the mirrors itself. Either way the last words written are the latest.
/// A child of a fork has none: they say what they said, until it opens an engine of its own.
pub(crate) struct Mirrors(PerProcess<&'static [FlagMirror]>);

impl Default for Mirrors {
    fn default() -> Self {
        Self(PerProcess::new(&[]))
    }
}

impl Mirrors {
    /// Lends mirrors; `of` gives seed and word of the flag at a place.
    pub(crate) fn lend(&self, mirrors: &'static [FlagMirror], of: impl Fn(usize) -> (u64, u64)) {
        let mut lent = self.0.lock();
        for (place, mirror) in mirrors.iter().enumerate() {
            let (seed, word) = of(place);
            mirror.seed.store(seed, Ordering::Relaxed);
            mirror.word.store(word, Ordering::Release);
        }
        *lent = mirrors;
    }

    /// Takes them back: nobody writes to them any more.
    pub(crate) fn take_back(&self) {
        *self.0.lock() = &[];
    }

    pub(crate) fn publish(&self, word: impl Fn(usize) -> u64) {
        for (place, mirror) in self.0.lock().iter().enumerate() {
            mirror.word.store(word(place), Ordering::Release);
        }
    }

    pub(crate) fn is_asked(&self, place: usize) -> bool {
        self.0.lock().get(place).is_some_and(|mirror| mirror.is_asked.load(Ordering::Relaxed))
    }

    pub(crate) fn forget_asked(&self) {
        self.0.lock().iter().for_each(|mirror| mirror.is_asked.store(false, Ordering::Relaxed));
    }
}
