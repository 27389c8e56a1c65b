//! Flags as a program reads them: by handle, by name, or through a pinned view.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rollgate_core::evaluate::{Context, Evaluation, FlagRef, Served, Variant, evaluate, is_on_alone, served};
use rollgate_core::id::{FlagId, Key};
use rollgate_core::snapshot::{Ruleset, Snapshot};

use crate::batch::Batch;
use crate::cell::{Published, SnapshotCell};
use crate::exposures::Counters;
pub use crate::exposures::Exposures;
use crate::mirror::{FlagMirror, Mirrors, Tag};
use crate::names::Names;
use crate::word::{EVERYBODY, alone, is_below, word_of};

/// What one flag's handles share.
struct FlagCell {
    key: Key,
    id: Option<FlagId>,
    /// Immutable: a flag's salt does not change while it lives.
    seed: u64,
    /// A threshold of 0 ..= 2^32, or one of the words above that. Read without a lock by every evaluation by handle.
    word: AtomicU64,
    /// Somebody asked while it was on for everybody: a call site that a removal would have to find. Written once, so that
    /// reading threads share the line.
    is_asked: AtomicBool,
}

impl FlagCell {
    fn new(key: Key, id: Option<FlagId>, seed: u64, word: u64) -> Self {
        Self { key, id, seed, word: AtomicU64::new(word), is_asked: AtomicBool::new(false) }
    }

    #[inline]
    fn asked(&self) {
        if !self.is_asked.load(Ordering::Relaxed) {
            self.is_asked.store(true, Ordering::Relaxed);
        }
    }
}

struct Shared {
    /// What all snapshots are of: names and values of variants are borrowed from it.
    ruleset: Arc<Ruleset>,
    snapshots: SnapshotCell,
    cells: Vec<Arc<FlagCell>>,
    /// Which cell a key has; every read by name asks.
    names: Names,
    batch: Batch,
    counters: Counters,
    mirrors: Mirrors,
}

impl Shared {
    #[inline]
    fn cell(&self, key: &str) -> Option<&Arc<FlagCell>> {
        self.names.find(key, |place| self.cells.get(place).map(|cell| (cell, cell.key.as_str())))
    }
}

/// The flags of one engine. Clones are cheap and share everything.
#[derive(Clone)]
pub struct Flags {
    shared: Arc<Shared>,
}

/// One flag's handle: the fast path. Clones are cheap.
///
/// Two flags that must be of one version are read through [`Flags::view`]; handles change one after the other.
#[derive(Clone)]
pub struct Flag {
    cell: Arc<FlagCell>,
    flags: Flags,
}

/// One pinned snapshot: every flag read through it is of one version.
#[derive(Clone)]
pub struct View {
    snapshot: Arc<Snapshot>,
    flags: Flags,
}

impl Flags {
    /// The flags of a ruleset, each at its initial share.
    pub fn new(ruleset: Arc<Ruleset>) -> Self {
        let first = Snapshot::initial(ruleset.clone());
        let cells = ruleset.flags.iter().enumerate().map(|(index, flag)| {
            let id = FlagId(index as u16);
            Arc::new(FlagCell::new(flag.key.clone(), Some(id), flag.bucketer.seed, word_of(&first, id)))
        });
        let cells: Vec<_> = cells.collect();
        let names = Names::new(ruleset.flags.iter().map(|flag| flag.key.as_str()));
        let batch = Batch::new(
            cells.iter().map(|cell| (cell.seed, cell.word.load(Ordering::Relaxed))),
            first.version,
        );
        let counters = Counters::new(cells.len());
        let snapshots = SnapshotCell::new(first);
        let mirrors = Mirrors::default();
        Self { shared: Arc::new(Shared { ruleset, snapshots, cells, names, batch, counters, mirrors }) }
    }

    /// Publishes a snapshot of the same ruleset: whole, and never an older one.
    pub fn publish(&self, snapshot: Snapshot) -> Published {
        self.shared.snapshots.publish(snapshot, |snapshot| {
            for cell in &self.shared.cells {
                if let Some(id) = cell.id {
                    cell.word.store(word_of(snapshot, id), Ordering::Release);
                }
            }
            let word = |place: usize| self.shared.cells[place].word.load(Ordering::Relaxed);
            self.shared.batch.publish(snapshot.version, word);
            self.shared.mirrors.publish(word);
        })
    }

    /// Lends mirrors under a tag, which from now on say what the flags say, each at its place in the plan's order. Mirrors
    /// beyond the flags are left alone; those lent before are written to no more.
    pub fn lend_mirrors(&self, mirrors: &'static [FlagMirror], tag: Tag) {
        let shared = &*self.shared;
        let mirrors = &mirrors[..mirrors.len().min(shared.cells.len())];
        let of = |place: usize| (shared.cells[place].seed, shared.cells[place].word.load(Ordering::Acquire));
        shared.mirrors.lend(mirrors, tag, of);
    }

    /// Takes the mirrors back: when this returns, nothing writes to them any more.
    pub fn take_mirrors_back(&self) {
        self.shared.mirrors.take_back();
    }

    /// A flag's handle. An unknown key gives one that is always off.
    pub fn flag(&self, key: &str) -> Flag {
        let known = self.shared.cell(key);
        let unknown = || FlagCell::new(Key::new(key), None, 0, 0);
        Flag { cell: known.cloned().unwrap_or_else(|| Arc::new(unknown())), flags: self.clone() }
    }

    /// Whether a flag is on for a subject; off where it is unknown, disabled, or the key is missing.
    pub fn is_on(&self, flag: &str, key: &str) -> bool {
        match self.shared.cell(flag) {
            Some(cell) => self.read(cell, key.as_bytes()),
            None => false,
        }
    }

    /// Whether a flag is on for a subject with its attributes; the caller's default counts as off.
    ///
    /// It is [`evaluate`](Self::evaluate) without the reason, and takes a third of its time where a flag has rules.
    ///
    /// # Panics
    /// Never. No lock, no allocation, no shared write.
    pub fn is_on_for(&self, flag: &str, context: &Context<'_>) -> bool {
        self.shared.cell(flag).is_some_and(|cell| self.read_for(cell, context))
    }

    /// As [`is_on`](Self::is_on), and counts the answer; see [`Flag::is_on_counted`].
    pub fn is_on_counted(&self, flag: &str, key: &str) -> bool {
        self.shared.cell(flag).is_some_and(|cell| self.read_counted(cell, key.as_bytes()))
    }

    /// What the counting calls have counted, for each flag, in the plan's order.
    pub fn exposures(&self) -> Vec<(Key, Exposures)> {
        let cells = self.shared.cells.iter().enumerate();
        cells.map(|(place, cell)| (cell.key.clone(), self.shared.counters.of(place))).collect()
    }

    /// How many flags there are.
    pub fn count(&self) -> usize {
        self.shared.cells.len()
    }

    /// Which flags are on for a subject: the bit of each flag at its place in the plan's order, 64 to a word, the lowest
    /// first. All answers are of one version, and are those of [`is_on`](Self::is_on).
    ///
    /// `bits` needs one word for every 64 flags of [`count`](Self::count); flags beyond it are left out, words beyond the
    /// flags are zero. Every flag counts as asked for.
    ///
    /// # Panics
    /// Never. No lock, no allocation, no shared write; where another version comes in between, a pinned view answers.
    pub fn all_on(&self, key: &str, bits: &mut [u64]) {
        self.all_on_bytes(key.as_bytes(), bits);
    }

    /// As [`all_on`](Self::all_on), for a key of raw bytes.
    pub fn all_on_bytes(&self, key: &[u8], bits: &mut [u64]) {
        let shared = &*self.shared;
        let above = |place: usize, word: u64, version: u64| {
            let cell = &shared.cells[place];
            cell.asked();
            let context = Context::of_bytes(key);
            if let Some(is_on) = self.without_snapshot(cell, word, &context) {
                return Some(is_on);
            }
            let answer = self.walk(cell, &context);
            (answer.version == version).then(|| answer.is_on())
        };
        bits.fill(0);
        if !key.is_empty() && shared.batch.read(key, bits, above).is_some() {
            return;
        }
        bits.fill(0);
        let view = self.view();
        for (place, cell) in shared.cells.iter().enumerate() {
            let flag = FlagRef::Id(FlagId(place as u16));
            let is_on = evaluate(&view.snapshot, flag, &Context::of_bytes(key)).is_on();
            if is_on && cell.word.load(Ordering::Relaxed) >= EVERYBODY {
                cell.asked();
            }
            if let Some(word) = bits.get_mut(place / 64) {
                *word |= u64::from(is_on) << (place % 64);
            }
        }
    }

    /// The answer for one flag, and why.
    pub fn evaluate(&self, flag: &str, context: &Context<'_>) -> Evaluation {
        let flag = self.ask(flag);
        self.shared.snapshots.read(|snapshot| evaluate(snapshot, flag, context))
    }

    /// The answer for one flag with what it serves: a variant with its value, or on or off.
    ///
    /// # Panics
    /// Never. It takes no lock and allocates nothing.
    pub fn serve(&self, flag: &str, context: &Context<'_>) -> Served<'_> {
        let evaluation = self.evaluate(flag, context);
        served(&self.shared.ruleset, self.shared.cell(flag).and_then(|cell| cell.id), evaluation)
    }

    /// Pins the current snapshot.
    pub fn view(&self) -> View {
        View { snapshot: self.shared.snapshots.load(), flags: self.clone() }
    }

    /// The version that was published last.
    pub(crate) fn version(&self) -> u64 {
        self.shared.snapshots.version()
    }

    /// Counts exposures from zero again.
    pub(crate) fn restart_exposures(&self) {
        self.shared.counters.restart();
    }

    /// Whether a flag that is on for everybody has been asked for since [`forget_asked`](Self::forget_asked).
    pub(crate) fn is_asked(&self, flag: &str) -> bool {
        self.shared.cell(flag).is_some_and(|cell| {
            let is_mirrored = || cell.id.is_some_and(|id| self.shared.mirrors.is_asked(id.index()));
            cell.is_asked.load(Ordering::Relaxed) || is_mirrored()
        })
    }

    /// Forgets who has asked: what comes now is asked of the shares that apply now.
    pub(crate) fn forget_asked(&self) {
        self.shared.cells.iter().for_each(|cell| cell.is_asked.store(false, Ordering::Relaxed));
        self.shared.mirrors.forget_asked();
    }

    /// Finds a flag by its name, and remembers that somebody asked.
    fn ask<'a>(&self, flag: &'a str) -> FlagRef<'a> {
        let Some(cell) = self.shared.cell(flag) else { return FlagRef::Name(flag) };
        cell.asked();
        cell.id.map_or(FlagRef::Name(flag), FlagRef::Id)
    }

    // A call would cost half of what it does.
    #[inline(always)]
    fn read(&self, cell: &FlagCell, key: &[u8]) -> bool {
        let word = cell.word.load(Ordering::Acquire);
        if word < EVERYBODY {
            return is_below(cell.seed, key, word);
        }
        self.read_above(cell, word, &Context::of_bytes(key))
    }

    #[inline]
    fn read_for(&self, cell: &FlagCell, context: &Context<'_>) -> bool {
        let word = cell.word.load(Ordering::Acquire);
        if word < EVERYBODY {
            return context.targeting_key.is_some_and(|key| is_below(cell.seed, key, word));
        }
        cell.asked();
        self.is_on_above(cell, word, context)
    }

    /// By itself, so that the reads above need no stack for a whole evaluation.
    #[inline(never)]
    fn read_above(&self, cell: &FlagCell, word: u64, context: &Context<'_>) -> bool {
        cell.asked();
        self.is_on_above(cell, word, context)
    }

    #[inline]
    fn read_counted(&self, cell: &FlagCell, key: &[u8]) -> bool {
        let is_on = self.read(cell, key);
        if let Some(id) = cell.id {
            self.shared.counters.count(id.index(), is_on);
        }
        is_on
    }

    /// The answer of a word that is no threshold inside everybody.
    #[inline]
    fn is_on_above(&self, cell: &FlagCell, word: u64, context: &Context<'_>) -> bool {
        self.without_snapshot(cell, word, context).unwrap_or_else(|| self.walk(cell, context).is_on())
    }

    /// The answer of such a word where it and the flag are all that decides.
    #[inline]
    fn without_snapshot(&self, cell: &FlagCell, word: u64, context: &Context<'_>) -> Option<bool> {
        match alone(word) {
            Some(threshold) => Some(self.is_on_alone(cell, threshold, context)),
            None => (word == EVERYBODY).then_some(true),
        }
    }

    /// By itself, for the sake of the callers' stacks.
    #[inline(never)]
    fn is_on_alone(&self, cell: &FlagCell, threshold: u64, context: &Context<'_>) -> bool {
        let flag = cell.id.and_then(|id| self.shared.ruleset.flags.get(id.index()));
        flag.is_some_and(|flag| is_on_alone(flag, threshold, context))
    }

    #[cold]
    fn walk(&self, cell: &FlagCell, context: &Context<'_>) -> Evaluation {
        let flag = cell.id.map_or(FlagRef::Name(cell.key.as_str()), FlagRef::Id);
        self.shared.snapshots.read(|snapshot| evaluate(snapshot, flag, context))
    }
}

impl Flag {
    /// Its key.
    pub fn key(&self) -> &str {
        self.cell.key.as_str()
    }

    /// Whether it is on for the subject.
    ///
    /// # Panics
    /// Never. No lock, no allocation, no shared write.
    #[inline]
    pub fn is_on(&self, key: &str) -> bool {
        self.flags.read(&self.cell, key.as_bytes())
    }

    /// As [`is_on`](Self::is_on), for a key of raw bytes.
    #[inline]
    pub fn is_on_bytes(&self, key: &[u8]) -> bool {
        self.flags.read(&self.cell, key)
    }

    /// Whether it is on for a subject with its attributes; the caller's default counts as off.
    ///
    /// # Panics
    /// Never. No lock, no allocation, no shared write.
    #[inline]
    pub fn is_on_for(&self, context: &Context<'_>) -> bool {
        self.flags.read_for(&self.cell, context)
    }

    /// As [`is_on`](Self::is_on), and counts the answer as an exposure, in a counter that this thread alone writes.
    ///
    /// The first call of a thread allocates its counters. An unknown flag counts nothing.
    #[inline]
    pub fn is_on_counted(&self, key: &str) -> bool {
        self.flags.read_counted(&self.cell, key.as_bytes())
    }

    /// As [`is_on_counted`](Self::is_on_counted), for a key of raw bytes.
    #[inline]
    pub fn is_on_counted_bytes(&self, key: &[u8]) -> bool {
        self.flags.read_counted(&self.cell, key)
    }

    /// What the counting calls of all threads have counted; exact for calls that have returned before this one.
    pub fn exposures(&self) -> Exposures {
        self.cell.id.map_or(Exposures::default(), |id| self.flags.shared.counters.of(id.index()))
    }

    /// As [`is_on`](Self::is_on), for the library's own questions: they are nobody's call site.
    #[inline]
    pub(crate) fn is_on_quietly(&self, key: &[u8]) -> bool {
        let cell = &*self.cell;
        let word = cell.word.load(Ordering::Acquire);
        if word < EVERYBODY {
            is_below(cell.seed, key, word)
        } else {
            self.flags.is_on_above(cell, word, &Context::of_bytes(key))
        }
    }

    /// The side of a subject with its attributes, for the library's own questions.
    pub(crate) fn variant_quietly(&self, context: &Context<'_>) -> Option<Variant> {
        self.flags.walk(&self.cell, context).variant
    }

    /// The answer, and why.
    pub fn evaluate(&self, context: &Context<'_>) -> Evaluation {
        self.cell.asked();
        self.flags.walk(&self.cell, context)
    }

    /// The answer with what it serves: a variant with its value, or on or off.
    ///
    /// # Examples
    /// ```
    /// use rollgate::Engine;
    /// use rollgate::core::evaluate::Context;
    /// use rollgate::read::Format;
    ///
    /// let plan = r#"
    /// version: 1
    /// name: sizes
    /// flags:
    ///   BATCH: { share: 100%, variants: { small: { value: 10, share: 100% }, large: { value: 20 } } }
    /// "#;
    /// let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
    /// let batch = engine.flag("BATCH");
    /// let served = batch.serve(&Context::new("user-42"));
    /// assert_eq!(served.number(), Ok(Some(10.0)));
    /// assert!(served.string().is_err(), "a number is no text");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve(&self, context: &Context<'_>) -> Served<'_> {
        served(&self.flags.shared.ruleset, self.cell.id, self.evaluate(context))
    }
}

impl View {
    /// Whether a flag is on for a subject.
    pub fn is_on(&self, flag: &str, key: &str) -> bool {
        self.evaluate(flag, &Context::new(key)).is_on()
    }

    /// The answer for one flag, and why.
    pub fn evaluate(&self, flag: &str, context: &Context<'_>) -> Evaluation {
        evaluate(&self.snapshot, self.flags.ask(flag), context)
    }

    /// The answer for one flag with what it serves.
    pub fn serve(&self, flag: &str, context: &Context<'_>) -> Served<'_> {
        served(&self.snapshot.ruleset, self.snapshot.ruleset.flag_of(flag), self.evaluate(flag, context))
    }

    /// The version of all answers.
    pub fn version(&self) -> u64 {
        self.snapshot.version
    }
}

mod many;
#[cfg(test)]
mod tests;
