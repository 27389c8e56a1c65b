//! The snapshot cell on real threads: versions grow, two engines on one thread keep apart, and an address that comes back
//! is another cell.
//!
//! Its protocol is explored step by step in `tests/models`. This file is for what real threads, real memory and the real
//! `arc-swap` add to that, so it is the one to run under Miri, where each seed is another schedule, and another choice of
//! what a weak load sees and of whether an address comes back (`cargo xtask model --miri 16`):
//!
//! ```text
//! rustup toolchain install nightly --component miri,rust-src
//! MIRIFLAGS="-Zmiri-permissive-provenance -Zmiri-many-seeds=0..16" cargo +nightly miri test -p rollgate --test cell
//! ```
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier, LazyLock};

use rollgate::cell::{Published, SnapshotCell};
use rollgate::core::snapshot::Snapshot;
use rollgate::read::{Format, ruleset};

/// How often, and how often where every step is interpreted.
const fn times(often: u64, under_miri: u64) -> u64 {
    if cfg!(miri) { under_miri } else { often }
}

fn snapshot(version: u64) -> Snapshot {
    // Compiled once: Miri takes seconds for it.
    static FIRST: LazyLock<Snapshot> = LazyLock::new(|| {
        let compiled = ruleset("version: 1\nname: cell\nflags: { A: {}, B: {} }\n", Format::Yaml).unwrap();
        Snapshot::initial(Arc::new(compiled.ruleset))
    });
    Snapshot { version, ..FIRST.clone() }
}

/// A version of a cell's own: no two cells of these tests ever publish the same.
const fn version(cell: u64, number: u64) -> u64 {
    cell * 1_000_000 + number
}

#[test]
fn versions_never_go_back() {
    let cell = SnapshotCell::new(snapshot(5));
    let refused = |_: &Snapshot| panic!("a stale snapshot was told of");
    assert_eq!(cell.publish(snapshot(4), refused), Published::Stale);
    assert_eq!(cell.publish(snapshot(5), refused), Published::Stale);
    assert_eq!(cell.publish(snapshot(6), |_| ()), Published::Current);
    assert_eq!(cell.read(|snapshot| snapshot.version), 6);
    assert_eq!(cell.load().version, 6);
}

#[test]
fn a_reader_inside_a_reader_is_served() {
    let cell = SnapshotCell::new(snapshot(1));
    let other = SnapshotCell::new(snapshot(7));
    let seen = cell
        .read(|outer| (outer.version, cell.read(|inner| inner.version), other.read(|inner| inner.version)));
    assert_eq!(seen, (1, 1, 7));
    assert_eq!((cell.read(|snapshot| snapshot.version), other.read(|snapshot| snapshot.version)), (1, 7));
}

/// The destructor of another thread-local reads when the thread's copy may be gone already.
#[test]
fn a_thread_that_is_ending_is_served() {
    struct AtTheEnd(Arc<SnapshotCell>, Arc<AtomicU64>);
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            self.1.store(self.0.read(|snapshot| snapshot.version), Ordering::Relaxed);
        }
    }
    thread_local! {
        static LATE: std::cell::RefCell<Option<AtTheEnd>> = const { std::cell::RefCell::new(None) };
    }
    for reads_first in [false, true] {
        let (cell, seen) = (Arc::new(SnapshotCell::new(snapshot(3))), Arc::new(AtomicU64::new(0)));
        let at_the_end = AtTheEnd(cell.clone(), seen.clone());
        std::thread::spawn(move || {
            if reads_first {
                cell.read(|_| ());
            }
            LATE.set(Some(at_the_end));
            cell.read(|_| ());
        })
        .join()
        .unwrap();
        assert_eq!(seen.load(Ordering::Relaxed), 3);
    }
}

/// What a reader holds against a cell: the last version it has seen of it, however it came by it.
#[derive(Default)]
struct Witness(HashMap<u64, u64>);

impl Witness {
    fn sees(&mut self, cell: u64, version: u64) {
        assert_eq!(version / 1_000_000, cell, "a snapshot of another cell");
        let last = self.0.entry(cell).or_default();
        assert!(version >= *last, "{version} after {last}");
        *last = version;
    }
}

/// Two engines on the same threads: each read takes the place of the other's copy. Two publishers each, of which one is
/// often stale, and a word that is stored behind the swap, as the flags' handles have it.
#[test]
fn two_engines_on_the_same_threads_keep_apart() {
    const READERS: usize = 3;
    let last = times(3_000, 5);
    let first = snapshot(0);
    let cells = [1, 2].map(|id| {
        let snapshot = Snapshot { version: version(id, 0), ..first.clone() };
        (id, SnapshotCell::new(snapshot), AtomicU64::new(version(id, 0)))
    });
    let start = Barrier::new(READERS + 4);
    std::thread::scope(|scope| {
        for (id, cell, word) in cells.iter().flat_map(|cell| [cell, cell]) {
            let (first, start) = (&first, &start);
            scope.spawn(move || {
                start.wait();
                for number in 1..=last {
                    let version = version(*id, number);
                    let published = cell.publish(Snapshot { version, ..first.clone() }, |snapshot| {
                        word.store(snapshot.version, Ordering::Release);
                    });
                    // Whoever was first, it is there when either of them comes back.
                    let seen = cell.read(|snapshot| snapshot.version);
                    assert!(seen >= version, "{published:?}: {seen} after {version}");
                }
            });
        }
        for _ in 0..READERS {
            scope.spawn(|| {
                let mut witness = Witness::default();
                let is_last = |witness: &Witness| {
                    [1, 2].iter().all(|id| witness.0.get(id) == Some(&version(*id, last)))
                };
                start.wait();
                while !is_last(&witness) {
                    // Miri changes threads here; a processor needs no such hint.
                    std::thread::yield_now();
                    for (id, cell, word) in &cells {
                        let told = word.load(Ordering::Acquire);
                        let seen = cell.read(|snapshot| snapshot.version);
                        assert!(seen >= told, "{seen}, and a handle said {told} before");
                        witness.sees(*id, seen);
                    }
                    for (id, cell, _) in &cells {
                        witness.sees(*id, cell.load().version);
                        witness.sees(*id, cell.read(|snapshot| snapshot.version));
                    }
                }
            });
        }
    });
    for (id, cell, word) in &cells {
        assert_eq!(cell.load().version, version(*id, last));
        assert_eq!(word.load(Ordering::Relaxed), version(*id, last));
    }
}

/// Cells are dropped and made again at the same addresses, with the same versions and with older ones, while each thread
/// still has its copy of the one before.
#[test]
fn a_cell_at_the_address_of_a_dropped_one_is_another_cell() {
    let rounds = times(20_000, 30);
    let first = snapshot(0);
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            let first = &first;
            scope.spawn(move || {
                let mut addresses: HashMap<usize, u64> = HashMap::new();
                let mut came_back = 0;
                for round in 0..rounds {
                    // What a cell's snapshots are told apart by: the number of their states, not their version.
                    let own = 1 + ((thread * rounds + round) % 50) as usize;
                    let states = vec![Default::default(); own].into();
                    // Every third is older than the one that the thread has its copy of.
                    let version = if round % 3 == 0 { 2 } else { 5 };
                    let cell = Box::new(SnapshotCell::new(Snapshot { version, states, ..first.clone() }));
                    came_back += u64::from(addresses.insert(&raw const *cell as usize, round).is_some());
                    let seen = cell.read(|snapshot| (snapshot.version, snapshot.states.len()));
                    assert_eq!(seen, (version, own), "the copy of a cell that is gone");
                    let states = vec![Default::default(); own].into();
                    let next = Snapshot { version: version + 1, states, ..first.clone() };
                    assert_eq!(cell.publish(next, |_| ()), Published::Current);
                    let seen = cell.read(|snapshot| (snapshot.version, snapshot.states.len()));
                    assert_eq!(seen, (version + 1, own));
                }
                // Or the test has not met what it is for. Miri gives an address again only now and then.
                let at_least = times(rounds / 2, 1);
                assert!(came_back >= at_least, "only {came_back} of {rounds} addresses came back");
            });
        }
    });
}

/// A cell that is shared is dropped by whichever thread had it last, while others make new ones.
#[test]
fn cells_are_dropped_while_their_copies_are_read() {
    let rounds = times(2_000, 3);
    let first = snapshot(1);
    for round in 0..rounds {
        let cell = Arc::new(SnapshotCell::new(Snapshot { version: version(round + 1, 0), ..first.clone() }));
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let (cell, stop) = (cell.clone(), stop.clone());
            std::thread::spawn(move || {
                let (mut witness, mut view) = (Witness::default(), None);
                while !stop.load(Ordering::Acquire) {
                    std::thread::yield_now();
                    witness.sees(round + 1, cell.read(|snapshot| snapshot.version));
                    view = Some(cell.load());
                }
                let last = cell.read(|snapshot| snapshot.version);
                assert_eq!(last, version(round + 1, 3));
                drop(cell);
                // A pinned view outlives its cell.
                assert!(view.is_none_or(|view| view.version / 1_000_000 == round + 1));
            })
        };
        for number in 1..=3 {
            let next = Snapshot { version: version(round + 1, number), ..first.clone() };
            assert_eq!(cell.publish(next, |_| ()), Published::Current);
        }
        drop(cell);
        stop.store(true, Ordering::Release);
        reader.join().unwrap();
    }
}
