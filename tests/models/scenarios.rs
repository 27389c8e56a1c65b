//! What has to hold of a snapshot cell, whoever decides the order of its steps.

use std::sync::Arc;

use rollgate::read::{Format, ruleset};
use rollgate_core::snapshot::Snapshot;

/// A snapshot cell.
pub(crate) trait Cell: Send + Sync + 'static {
    fn new(first: Snapshot) -> Self;
    /// Whether it is current now; it is not where a later one was there.
    fn publish(&self, snapshot: Snapshot, also: impl FnOnce(&Snapshot)) -> bool;
    /// The version of a pinned view.
    fn load(&self) -> u64;
    /// The version that a read through the thread's copy finds.
    fn read(&self) -> u64;
}

/// Threads and words whose steps are decided by a scheduler.
pub(crate) trait World: 'static {
    type Task;
    type Word: Word;
    fn spawn(task: impl FnOnce() + Send + 'static) -> Self::Task;
    fn join(task: Self::Task);
}

/// A number that one thread releases and another acquires: a flag's word, or a message between threads.
pub(crate) trait Word: Send + Sync + 'static {
    fn new(value: u64) -> Self;
    fn load(&self) -> u64;
    fn store(&self, value: u64);
}

/// Two cells' versions never meet: one more in the millions is another cell.
const OF_THE_OTHER: u64 = 1_000_000;

/// One engine's cell, and the word that its publications store behind the swap.
pub(crate) struct Engine<C, W: World> {
    first: Snapshot,
    cell: C,
    word: W::Word,
}

impl<C: Cell, W: World> Engine<C, W> {
    fn new(first: &Snapshot, version: u64) -> Arc<Self> {
        let first = Snapshot { version, ..first.clone() };
        Arc::new(Self { cell: C::new(first.clone()), first, word: W::Word::new(version) })
    }

    /// Publishes, and finds it there: its own, or the later one that made it stale.
    fn publish(&self, version: u64) -> bool {
        let snapshot = Snapshot { version, ..self.first.clone() };
        let is_current = self.cell.publish(snapshot, |snapshot| self.word.store(snapshot.version));
        let seen = self.cell.read();
        assert!(seen >= version, "went back: its publisher reads {seen} after {version}");
        is_current
    }
}

/// What one thread has seen of one cell, however it came by it.
pub(crate) struct Witness<C, W: World> {
    engine: Arc<Engine<C, W>>,
    last: u64,
    handle: u64,
}

impl<C: Cell, W: World> Witness<C, W> {
    fn new(engine: &Arc<Engine<C, W>>) -> Self {
        Self { engine: engine.clone(), last: engine.first.version, handle: engine.first.version }
    }

    fn sees(&mut self, how: &str, version: u64) {
        let own = self.engine.first.version / OF_THE_OTHER;
        assert_eq!(version / OF_THE_OTHER, own, "took another: {how} gives a snapshot of another cell");
        assert!(version >= self.last, "went back: {how} gives {version} after {}", self.last);
        self.last = version;
    }

    fn reads(&mut self) {
        self.sees("a read", self.engine.cell.read());
    }

    fn loads(&mut self) {
        self.sees("a view", self.engine.cell.load());
    }

    /// A handle changes behind the snapshot, so it may be older than what was read; what is read next may not be older
    /// than it.
    fn asks_a_handle(&mut self) {
        let word = self.engine.word.load();
        assert!(word >= self.handle, "went back: a handle gives {word} after {}", self.handle);
        self.handle = word;
        self.last = self.last.max(word);
    }

    /// When all is done the cell and its handles say the same.
    fn finds_all_done(&mut self, version: u64) {
        self.reads();
        self.loads();
        self.asks_a_handle();
        assert_eq!((self.last, self.handle), (version, version), "went back: the last one is gone");
    }
}

/// The snapshot of a small ruleset; made once, because compiling is no step of the model.
pub(crate) fn first() -> Snapshot {
    let compiled = ruleset("version: 1\nname: model\nflags: { A: {} }\n", Format::Yaml).unwrap();
    Snapshot::initial(Arc::new(compiled.ruleset))
}

/// A thread reads in every way while two versions are published.
pub(crate) fn a_reader_sees_versions_grow<C: Cell, W: World>(first: &Snapshot) {
    let engine = Engine::<C, W>::new(first, 1);
    let mut witness = Witness::new(&engine);
    // It has its copy.
    witness.reads();
    let publisher = {
        let engine = engine.clone();
        W::spawn(move || {
            assert!(engine.publish(2));
            assert!(engine.publish(3));
        })
    };
    witness.loads();
    witness.reads();
    witness.reads();
    W::join(publisher);
    witness.finds_all_done(3);
}

/// After the answer of a handle no older snapshot is read.
pub(crate) fn a_handle_is_never_ahead<C: Cell, W: World>(first: &Snapshot) {
    let engine = Engine::<C, W>::new(first, 1);
    let mut witness = Witness::new(&engine);
    witness.reads();
    let publisher = {
        let engine = engine.clone();
        W::spawn(move || {
            assert!(engine.publish(2));
        })
    };
    witness.asks_a_handle();
    witness.loads();
    witness.reads();
    W::join(publisher);
    witness.finds_all_done(2);
}

/// Two threads publish; the one with the older version may be refused, and nothing of it is left.
pub(crate) fn of_two_publishers_the_later_version_stays<C: Cell, W: World>(first: &Snapshot) {
    let engine = Engine::<C, W>::new(first, 1);
    let mut witness = Witness::new(&engine);
    let publishers = [2, 3].map(|version| {
        let engine = engine.clone();
        W::spawn(move || {
            let is_current = engine.publish(version);
            assert!(is_current || version == 2, "refused: the latest version");
        })
    });
    witness.loads();
    witness.reads();
    publishers.into_iter().for_each(W::join);
    witness.finds_all_done(3);
}

/// One thread tells another which version it has; that one finds it too, though it has an older copy.
pub(crate) fn what_one_thread_has_seen_another_finds<C: Cell, W: World>(first: &Snapshot) {
    let engine = Engine::<C, W>::new(first, 1);
    let told = Arc::new(W::Word::new(1));
    let mut witness = Witness::new(&engine);
    witness.reads();
    let publisher = {
        let engine = engine.clone();
        W::spawn(move || {
            assert!(engine.publish(2));
        })
    };
    let teller = {
        let (engine, told) = (engine.clone(), told.clone());
        W::spawn(move || told.store(engine.cell.load()))
    };
    witness.sees("a message", told.load());
    witness.reads();
    witness.loads();
    W::join(publisher);
    W::join(teller);
}

/// Two engines on one thread: each read takes the place of the other's copy.
pub(crate) fn two_engines_keep_apart<C: Cell, W: World>(first: &Snapshot) {
    let engines = [1, OF_THE_OTHER + 1].map(|version| Engine::<C, W>::new(first, version));
    let publisher = {
        let engines = engines.clone();
        W::spawn(move || {
            for engine in &engines {
                assert!(engine.publish(engine.first.version + 1));
            }
        })
    };
    let mut witnesses = [Witness::new(&engines[0]), Witness::new(&engines[1])];
    for _ in 0..2 {
        witnesses.iter_mut().for_each(Witness::reads);
    }
    W::join(publisher);
    for (witness, engine) in witnesses.iter_mut().zip(&engines) {
        witness.finds_all_done(engine.first.version + 1);
    }
}

/// All of it at once: two engines, two publishers each, three readers that tell each other.
pub(crate) fn a_crowd<C: Cell, W: World>(first: &Snapshot) {
    const LAST: u64 = 4;
    let engines = [1, OF_THE_OTHER + 1].map(|version| Engine::<C, W>::new(first, version));
    let mut tasks = Vec::new();
    for engine in engines.iter().flat_map(|engine| [engine, engine]) {
        let engine = engine.clone();
        tasks.push(W::spawn(move || {
            for number in 1..=LAST {
                engine.publish(engine.first.version + number);
            }
        }));
    }
    let told = [1, OF_THE_OTHER + 1].map(|version| Arc::new(W::Word::new(version)));
    for turn in 0..3 {
        let (engines, told) = (engines.clone(), told.clone());
        tasks.push(W::spawn(move || {
            let mut witnesses = [Witness::new(&engines[0]), Witness::new(&engines[1])];
            for round in 0..4 {
                for (witness, told) in witnesses.iter_mut().zip(&told) {
                    // The copy is the other engine's; from here on it is this one's.
                    witness.reads();
                    match (turn + round) % 4 {
                        0 => witness.reads(),
                        1 => witness.loads(),
                        2 => witness.asks_a_handle(),
                        _ => {
                            // It is below what this one has seen, or what it has to find.
                            let message = told.load();
                            witness.reads();
                            assert!(witness.last >= message, "went back: {} after a message", witness.last);
                        }
                    }
                    witness.reads();
                    if turn == 0 {
                        told.store(witness.last);
                    }
                }
            }
        }));
    }
    tasks.into_iter().for_each(W::join);
    for engine in &engines {
        Witness::new(engine).finds_all_done(engine.first.version + LAST);
    }
}
