//! Copies of the words that decide flags, in memory that outlives the engine: for doors to other languages.
//!
//! A handle that C holds may be stale at any moment, so what it reads must never be freed. A door owns [`FlagMirror`]s
//! that live for ever, lends them to an engine while it is open, and takes them back before it closes it. What a mirror
//! says is the engine's answer; a door adds nothing of its own.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};

use rollgate_core::bucket::Seeded;

use crate::process::PerProcess;
use crate::word::{EVERYBODY, is_below};

/// Whose a mirror is, as long as it is lent: a number that its door gives once.
///
/// It lies beside what decides the flag, in the same word. So a reader that finds it in there has both of one moment, and
/// one comparison tells a handle that is stale from one that is not. The two lowest bits are the word's own, and zero here;
/// the highest is set, so that no tag is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tag(u32);

/// In the word of a mirror, above the number that decides: beside the tag of its flag's engine, what that number is.
const STATE: u32 = 3;
/// A threshold below everybody.
const IS_SPLIT: u32 = 0;
/// No number: on for everybody.
const IS_EVERYBODY: u32 = 1;
/// No number: only the flag itself can tell.
const IS_ASKED_FOR: u32 = 2;

impl Tag {
    /// The last generation that there is a tag for.
    pub const LAST: u32 = (1 << 29) - 1;

    /// The tag of a generation of 1 ..= [`LAST`](Self::LAST).
    pub const fn new(generation: u32) -> Option<Self> {
        if generation == 0 || generation > Self::LAST { None } else { Some(Self(1 << 31 | generation << 2)) }
    }

    /// The tag of a number; `None` where no tag has it.
    pub const fn of(number: u32) -> Option<Self> {
        if number >> 31 == 1 && number & STATE == IS_SPLIT { Some(Self(number)) } else { None }
    }

    /// As a number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// What a mirror's word is where the flag's is `word`.
    const fn with(self, word: u64) -> u64 {
        let (state, number) = if word < EVERYBODY {
            (IS_SPLIT, word)
        } else if word == EVERYBODY {
            (IS_EVERYBODY, 0)
        } else {
            (IS_ASKED_FOR, 0)
        };
        ((self.0 | state) as u64) << 32 | number
    }
}

/// What decides one flag, as a copy that never moves. 32 bytes, so that two of them share a cache line and none spans two.
///
/// Its words are read without a lock while others write. A reader first reads the seed and then the word with the tag:
/// whoever lends a mirror anew has cleared the word of the lending before, so whoever sees anything of a new seed sees
/// that its own tag is gone. (It cannot see an older seed than its own: it was given its tag after that was written.)
#[repr(align(32))]
#[derive(Debug, Default)]
pub struct FlagMirror {
    seed: [AtomicU64; 2],
    /// Tag and state above, a threshold below. Zero: lent to nobody.
    word: AtomicU64,
    is_asked: AtomicBool,
}

/// What a mirror said when it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    seed: Seeded,
    word: u64,
}

/// What a mirror has to say of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// On or off.
    Is(bool),
    /// Only the flag itself can tell.
    AskFlag,
    /// The mirror is not lent under this tag any more.
    Stale,
}

impl FlagMirror {
    /// A mirror of no flag: off for everybody.
    pub const fn new() -> Self {
        Self {
            seed: [const { AtomicU64::new(0) }; 2],
            word: AtomicU64::new(0),
            is_asked: AtomicBool::new(false),
        }
    }

    /// What decides the flag now; `None` where the mirror is not lent under this tag any more.
    #[inline(always)]
    pub fn terms(&self, tag: Tag) -> Option<Terms> {
        let (seed, word) = self.read();
        let (number, threshold) = ((word >> 32) as u32, word & u64::from(u32::MAX));
        let word = match number & STATE {
            IS_SPLIT => threshold,
            IS_EVERYBODY => EVERYBODY,
            _ => EVERYBODY + 1,
        };
        (number & !STATE == tag.0).then_some(Terms { seed, word })
    }

    /// The answer for a key of 9 to 16 bytes, where a threshold of at least `least` decides; otherwise `None`, and the
    /// caller asks for the [terms](Self::terms). The number is that of a tag; of any other the answer is off or none.
    ///
    /// A threshold above zero is an answer. Zero also stands for the caller's default, which counts as off.
    #[inline(always)]
    pub fn is_on_usual(&self, number: u32, least: u32, key: &[u8]) -> Option<bool> {
        let (seed, word) = self.read();
        // One comparison for three questions: words of another tag, and those that are no threshold, differ from it here.
        if (word >> 32) as u32 != number || (word as u32) < least {
            return None;
        }
        Some(seed.bucket_of_usual(key)? < word as u32)
    }

    /// The answer for any key, in one reading; `fallback` is the caller's default. Remembers that it was
    /// [asked](Self::ask). The number is that of a tag; for any other nothing is on.
    ///
    /// What is on for everybody is on whatever the caller's default, and a threshold above zero is an answer for every key
    /// but the empty one. Zero also stands for that default: where it is on, the flag itself has to tell which it is.
    #[inline]
    pub fn answer(&self, number: u32, fallback: bool, key: &[u8]) -> Answer {
        let (seed, word) = self.read();
        let (lent, threshold) = ((word >> 32) as u32, word as u32);
        if lent == number {
            if threshold < fallback.into() || key.is_empty() {
                return if fallback { Answer::AskFlag } else { Answer::Is(false) };
            }
            return Answer::Is(seed.bucket(key) < threshold);
        }
        // Not by their difference: a number that is no tag may have bits of the state itself.
        if lent == number | IS_EVERYBODY {
            self.ask();
            return Answer::Is(true);
        }
        if lent == number | IS_ASKED_FOR { Answer::AskFlag } else { Answer::Stale }
    }

    /// Whether the mirror is still lent under a tag of this number; what was read before is read before that.
    #[inline]
    pub fn is_lent(&self, number: u32) -> bool {
        fence(Ordering::Acquire);
        (self.word.load(Ordering::Acquire) >> 32) as u32 & !STATE == number
    }

    /// The order matters; see above.
    #[inline(always)]
    fn read(&self) -> (Seeded, u64) {
        let seed = [self.seed[0].load(Ordering::Acquire), self.seed[1].load(Ordering::Acquire)];
        (Seeded::from_words(seed), self.word.load(Ordering::Acquire))
    }

    /// Says what a flag says, under a tag. The word is zero before the first time.
    fn begin(&self, tag: Tag, seed: u64, word: u64) {
        let [low, high] = Seeded::new(seed).to_words();
        self.seed[0].store(low, Ordering::Release);
        self.seed[1].store(high, Ordering::Release);
        self.word.store(tag.with(word), Ordering::Release);
    }

    /// Remembers that somebody asked for a flag that is on for everybody: a call site that a removal would have to find.
    /// Written once, so that reading threads share the line.
    #[inline]
    pub fn ask(&self) {
        if !self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(true, Ordering::Relaxed);
        }
    }

    /// Belongs to no flag again: its tag is gone. To be done once nobody writes to it, and before it is lent again.
    pub fn clear(&self) {
        self.word.store(0, Ordering::Release);
        self.is_asked.store(false, Ordering::Relaxed);
    }
}

impl Terms {
    /// The answer for a key, as of [`Flag::is_on_bytes`](crate::flag::Flag::is_on_bytes); `None`: only the flag itself can
    /// tell, and the caller asks it.
    #[inline(always)]
    pub fn is_on(self, key: &[u8]) -> Option<bool> {
        if self.word < EVERYBODY {
            let usual = self.seed.bucket_of_usual(key).map(|bucket| u64::from(bucket) < self.word);
            return Some(usual.unwrap_or_else(|| is_below(self.seed.seed(), key, self.word)));
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
pub(crate) struct Mirrors(PerProcess<Lent>);

#[derive(Clone, Copy, Default)]
struct Lent {
    mirrors: &'static [FlagMirror],
    tag: Tag,
}

impl Default for Mirrors {
    fn default() -> Self {
        Self(PerProcess::new(Lent::default()))
    }
}

impl Mirrors {
    /// Lends mirrors; `of` gives seed and word of the flag at a place.
    pub(crate) fn lend(&self, mirrors: &'static [FlagMirror], tag: Tag, of: impl Fn(usize) -> (u64, u64)) {
        let mut lent = self.0.lock();
        for (place, mirror) in mirrors.iter().enumerate() {
            let (seed, word) = of(place);
            mirror.begin(tag, seed, word);
        }
        *lent = Lent { mirrors, tag };
    }

    /// Takes them back: nobody writes to them any more.
    pub(crate) fn take_back(&self) {
        *self.0.lock() = Lent::default();
    }

    pub(crate) fn publish(&self, word: impl Fn(usize) -> u64) {
        let lent = self.0.lock();
        for (place, mirror) in lent.mirrors.iter().enumerate() {
            mirror.word.store(lent.tag.with(word(place)), Ordering::Release);
        }
    }

    pub(crate) fn is_asked(&self, place: usize) -> bool {
        self.0.lock().mirrors.get(place).is_some_and(|mirror| mirror.is_asked.load(Ordering::Relaxed))
    }

    pub(crate) fn forget_asked(&self) {
        self.0.lock().mirrors.iter().for_each(|mirror| mirror.is_asked.store(false, Ordering::Relaxed));
    }
}
