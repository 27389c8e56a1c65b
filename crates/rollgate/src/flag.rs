//! Flags as a program reads them: by handle, by name, or through a pinned view.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rollgate_core::evaluate::{Context, Evaluation, FlagRef, Served, evaluate, reach, served};
use rollgate_core::id::{FlagId, Key};
use rollgate_core::limits::WITHIN_DEPTH_MAX;
use rollgate_core::snapshot::{Bucketing, Ruleset, Snapshot};

use crate::batch::Batch;
use crate::cell::{Published, SnapshotCell};
use crate::exposures::Counters;
pub use crate::exposures::Exposures;
use crate::mirror::{EVERYBODY, FlagMirror, Mirrors, is_below};
use crate::names::Names;

/// The flag needs the whole evaluation: lists, attributes, or a parent with a bucket of its own.
const WALK: u64 = u64::MAX;

/// What one flag's handles share.
struct FlagCell {
    key: Key,
    id: Option<FlagId>,
    /// Immutable: a flag's salt does not change while it lives.
    seed: u64,
    /// A threshold of 0 ..= 2^32, or [`WALK`]. Read without a lock by every evaluation by handle.
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

    /// Lends mirrors, which from now on say what the flags say, each at its place in the plan's order. Mirrors beyond the
    /// flags are left alone; those lent before are written to no more.
    pub fn lend_mirrors(&self, mirrors: &'static [FlagMirror]) {
        let shared = &*self.shared;
        let mirrors = &mirrors[..mirrors.len().min(shared.cells.len())];
        let of = |place: usize| (shared.cells[place].seed, shared.cells[place].word.load(Ordering::Acquire));
        shared.mirrors.lend(mirrors, of);
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
            if word == EVERYBODY {
                return Some(true);
            }
            let answer = self.walk(cell, &Context::of_bytes(key));
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

    #[inline]
    fn read(&self, cell: &FlagCell, key: &[u8]) -> bool {
        let word = cell.word.load(Ordering::Acquire);
        if word < EVERYBODY {
            return is_below(cell.seed, key, word);
        }
        self.read_above(cell, word, key)
    }

    /// By itself, so that the reads above need no stack for a whole evaluation.
    #[inline(never)]
    fn read_above(&self, cell: &FlagCell, word: u64, key: &[u8]) -> bool {
        cell.asked();
        self.is_on_above(cell, word, key)
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
    fn is_on_above(&self, cell: &FlagCell, word: u64, key: &[u8]) -> bool {
        word == EVERYBODY || self.walk(cell, &Context::of_bytes(key)).is_on()
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
            self.flags.is_on_above(cell, word, key)
        }
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

/// One number that decides a flag for everybody, or [`WALK`] where none does.
fn word_of(snapshot: &Snapshot, id: FlagId) -> u64 {
    let mut next = Some(id);
    let mut is_own_bucket = true;
    // A choice among variants needs a key even where everybody is on.
    let mut needs_key = false;
    for _ in 0..=WITHIN_DEPTH_MAX {
        let Some(at) = next else { return word_of_reach(snapshot, id, is_own_bucket, needs_key) };
        let (Some(flag), Some(state)) =
            (snapshot.ruleset.flags.get(at.index()), snapshot.states.get(at.index()))
        else {
            return 0;
        };
        let (chooses, is_by_key) = chooses(flag);
        needs_key |= chooses;
        if flag.is_final {
            // A constant: whatever lies above it, only the flags below it are still asked.
            return match (at == id, needs_key) {
                (true, false) => EVERYBODY,
                (true, true) => WALK,
                (false, _) => word_of_reach(snapshot, id, is_own_bucket, needs_key),
            };
        }
        if state.is_killed || flag.malformed.is_some() || !flag.is_enabled {
            // Off, or the caller's default, which is off for a boolean call.
            return 0;
        }
        let has_own = !flag.always_on.is_empty() || !flag.always_off.is_empty() || !flag.rules.is_empty();
        let asks_more = !flag.prerequisites.is_empty() || flag.holdback.is_some() || !flag.is_plain_split();
        if (has_own && !state.is_overridden) || asks_more || !is_by_key {
            return WALK;
        }
        is_own_bucket &= flag.parent.is_none_or(|parent| parent.same_bucket);
        next = flag.parent.map(|parent| parent.flag);
    }
    WALK
}

fn word_of_reach(snapshot: &Snapshot, id: FlagId, is_own_bucket: bool, needs_key: bool) -> u64 {
    match is_own_bucket {
        true => match reach(snapshot, id, 0) {
            EVERYBODY if needs_key => WALK,
            word => word,
        },
        false => WALK,
    }
}

/// Whether a flag chooses among variants, and whether the targeting key is all that it needs for that.
fn chooses(flag: &rollgate_core::snapshot::Flag) -> (bool, bool) {
    let Some(variants) = &flag.variants else { return (false, true) };
    let is_choice = variants.split.as_ref().is_some_and(|split| split.ranges().len() > 1);
    (is_choice, !is_choice || variants.bucketed.by == Bucketing::TargetingKey)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{Format, ruleset};
    use proptest::prelude::*;
    use rollgate_core::snapshot::FlagState;
    use rollgate_core::units::Share;

    const PLAN: &str = "
version: 1
name: flags
flags:
  PARENT: { bucketing: { salt: s }, share: 50% }
  TOTAL: { bucketing: { salt: s }, within: PARENT, share_of: total, share: 10% }
  PART: { bucketing: { salt: s }, within: PARENT, share_of: parent, share: 10% }
  OWN: { bucketing: { salt: o }, within: PARENT, share_of: parent, share: 50% }
  LISTED: { share: 0%, always_on: [tester], always_off: [banned] }
  OFF: { enabled: false, share: 100% }
";

    fn flags() -> Flags {
        Flags::new(Arc::new(ruleset(PLAN, Format::Yaml).unwrap().ruleset))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn handle_name_and_view_give_one_answer(
            key in ".{0,40}",
            shares in prop::collection::vec(0_u32..=1_000_000, 6),
            killed in any::<bool>(),
            overridden in any::<bool>(),
        ) {
            let flags = flags();
            let states = shares.iter().map(|ppm| FlagState {
                share: Share::from_ppm(*ppm).unwrap(), is_killed: killed, is_overridden: overridden,
            });
            let states = states.collect();
            let ruleset = flags.shared.snapshots.load().ruleset.clone();
            let mirrors: &'static [FlagMirror; 8] = Box::leak(Box::default());
            flags.lend_mirrors(mirrors);
            prop_assert_eq!(flags.publish(Snapshot { version: 2, ruleset, states }), Published::Current);
            let view = flags.view();
            let mut bits = [u64::MAX; 2];
            flags.all_on(&key, &mut bits);
            for (place, mirror) in mirrors.iter().enumerate() {
                let answer = mirror.terms().is_on(key.as_bytes());
                let wanted = flags.shared.cells.get(place).is_some_and(|cell| view.is_on(cell.key.as_str(), &key));
                prop_assert!(answer.is_none_or(|answer| answer == wanted), "{}", place);
            }
            prop_assert_eq!(bits[1], 0);
            for (place, (name, _)) in flags.exposures().into_iter().enumerate() {
                prop_assert_eq!(bits[0] >> place & 1 == 1, flags.is_on(name.as_str(), &key), "{}", name);
            }
            prop_assert_eq!(bits[0] >> flags.count(), 0);
            for name in ["PARENT", "TOTAL", "PART", "OWN", "LISTED", "OFF", "NONE"] {
                let by_view = view.is_on(name, &key);
                prop_assert_eq!(flags.is_on(name, &key), by_view, "{}", name);
                prop_assert_eq!(flags.flag(name).is_on(&key), by_view, "{}", name);
                prop_assert_eq!(flags.evaluate(name, &Context::new(&key)).is_on(), by_view, "{}", name);
            }
            for child in ["TOTAL", "PART", "OWN"] {
                prop_assert!(!view.is_on(child, &key) || view.is_on("PARENT", &key));
            }
        }

        #[test]
        fn raising_a_share_only_adds_subjects(key in ".{1,40}", low in 0_u32..=1_000_000, more in 0_u32..=1_000_000) {
            let flags = flags();
            let high = low.saturating_add(more).min(1_000_000);
            let at = |ppm| {
                let share = Share::from_ppm(ppm).unwrap();
                let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
                let view = Snapshot { version: 1, ruleset: flags.shared.snapshots.load().ruleset.clone(), states };
                ["PARENT", "TOTAL", "PART", "OWN"].map(|name| evaluate(&view, FlagRef::Name(name), &Context::new(&key)).is_on())
            };
            for (was, is) in at(low).into_iter().zip(at(high)) {
                prop_assert!(!was || is);
            }
        }
    }

    #[test]
    fn a_view_is_of_one_version_while_others_are_published() {
        const LAST: u64 = 2_000;
        let flags = flags();
        let names = ["PARENT", "TOTAL", "PART", "OWN"];
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < LAST {
                        let view = flags.view();
                        assert!(view.version() >= last);
                        last = view.version();
                        // Odd versions have every flag at 0 %, even ones at 100 %; the first one is the plan's.
                        for name in names.into_iter().filter(|_| last > 1) {
                            assert_eq!(view.is_on(name, "ann"), last % 2 == 0, "{name} at {last}");
                        }
                        let by_name = flags.evaluate("TOTAL", &Context::new("ann"));
                        assert!(by_name.version >= last);
                        assert!(by_name.version == 1 || by_name.is_on() == by_name.version.is_multiple_of(2));
                    }
                });
            }
            for version in 2..=LAST {
                let share = if version % 2 == 0 { Share::FULL } else { Share::ZERO };
                let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
                let ruleset = flags.shared.snapshots.load().ruleset.clone();
                assert_eq!(flags.publish(Snapshot { version, ruleset, states }), Published::Current);
            }
        });
        // Handles change one after the other behind the snapshot; once it is published they agree with it.
        assert!(names.into_iter().all(|name| flags.flag(name).is_on("ann")));
    }

    #[test]
    fn exposures_of_all_threads_are_counted_exactly() {
        let flags = flags();
        let answers = |from: usize, count: &dyn Fn(&str) -> bool| {
            (from..from + 1_000).filter(|index| count(&format!("user-{index}"))).count() as u64
        };
        let on = std::sync::atomic::AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (flags, on, handle) = (&flags, &on, flags.flag("PARENT"));
                scope.spawn(move || {
                    let by_handle = answers(thread * 1_000, &|key| handle.is_on_counted(key));
                    let by_name = answers(thread * 1_000, &|key| flags.is_on_counted("PARENT", key));
                    assert_eq!(by_handle, by_name);
                    on.fetch_add(by_handle + by_name, Ordering::Relaxed);
                });
            }
        });
        let on = on.into_inner();
        assert!((3_500..4_500).contains(&on));
        assert_eq!(flags.flag("PARENT").exposures(), Exposures { on, off: 8_000 - on });
        // Calls that do not count, unknown flags and flags nobody asked for.
        assert!(!flags.flag("PARENT").is_on("") && !flags.is_on_counted("NONE", "ann"));
        assert!(!flags.flag("NONE").is_on_counted("ann"));
        assert!(!flags.is_on_counted("OFF", "ann"));
        assert_eq!(flags.flag("NONE").exposures(), Exposures::default());
        let counted: Vec<Exposures> = flags.exposures().into_iter().map(|(_, counted)| counted).collect();
        let none = Exposures::default();
        assert_eq!(counted[1..], [none, none, none, none, Exposures { on: 0, off: 1 }]);
    }

    #[test]
    fn a_batch_is_of_one_version_while_others_are_published() {
        const LAST: u64 = 2_000;
        let flags = flags();
        let publish = |version: u64| {
            let share = if version.is_multiple_of(2) { Share::FULL } else { Share::ZERO };
            let states = vec![FlagState { share, ..FlagState::default() }; 6].into();
            let ruleset = flags.shared.snapshots.load().ruleset.clone();
            assert_eq!(flags.publish(Snapshot { version, ruleset, states }), Published::Current);
        };
        publish(2);
        // All but the disabled one; one of them needs the whole evaluation.
        let everybody = 0b01_1111;
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut bits = [0];
                    while flags.view().version() < LAST {
                        flags.all_on("ann", &mut bits);
                        assert!(bits == [0] || bits == [everybody], "{bits:?}");
                    }
                });
            }
            (3..=LAST).for_each(publish);
        });
        let mut bits = [0];
        flags.all_on("ann", &mut bits);
        assert_eq!(bits, [everybody]);
    }

    #[test]
    fn lists_and_errors_say_why() {
        let flags = flags();
        let why = |flag, key: &str| {
            let context = if key.is_empty() { Context::empty() } else { Context::new(key) };
            let answer = flags.evaluate(flag, &context);
            (answer.is_on(), answer.reason.name(), answer.error.map(|code| code.name()))
        };
        assert_eq!(why("LISTED", "tester"), (true, "TARGETING_MATCH", None));
        assert_eq!(why("LISTED", "banned"), (false, "TARGETING_MATCH", None));
        assert_eq!(why("LISTED", "other"), (false, "STATIC", None));
        assert_eq!(why("OFF", "other"), (false, "DISABLED", None));
        assert_eq!(why("NONE", "other"), (false, "ERROR", Some("FLAG_NOT_FOUND")));
        assert_eq!(why("PARENT", ""), (false, "ERROR", Some("TARGETING_KEY_MISSING")));
        assert_eq!(why("PARENT", "user").1, "SPLIT");
    }

    #[test]
    fn mirror_taken_back_stays_as_it_is_and_one_that_was_asked_is_told_of() {
        let flags = flags();
        let mirrors: &'static [FlagMirror; 6] = Box::leak(Box::default());
        let publish = |version, ppm| {
            let ruleset = flags.shared.snapshots.load().ruleset.clone();
            let states = ruleset
                .flags
                .iter()
                .map(|_| FlagState { share: Share::from_ppm(ppm).unwrap(), ..FlagState::default() });
            let states = states.collect();
            flags.publish(Snapshot { version, ruleset, states });
        };
        flags.lend_mirrors(mirrors);
        publish(2, 1_000_000);
        assert_eq!(mirrors[0].terms().is_on(b"x"), Some(true));
        assert!(mirrors[0].terms().is_above() && !flags.is_asked("PARENT"));
        mirrors[0].ask();
        assert!(flags.is_asked("PARENT"));
        flags.forget_asked();
        assert!(!flags.is_asked("PARENT"));
        flags.take_mirrors_back();
        publish(3, 0);
        assert_eq!(mirrors[0].terms().is_on(b"x"), Some(true));
        assert!(!flags.is_on("PARENT", "x"));
        mirrors[0].clear();
        assert_eq!(mirrors[0].terms().is_on(b"x"), Some(false));
    }
}
