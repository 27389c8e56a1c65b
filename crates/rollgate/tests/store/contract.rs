//! One suite for every store: what the engine relies on.

use std::collections::BTreeSet;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::metrics::Saved;
use rollgate::core::time::Timestamp;
use rollgate::store::{Checkpoint, Head, SharedStore, Store};

use crate::given::{claim, commit, lines, oldest, report, slot, state, watched, whole};

/// Opens the store again: another handle on the same content each time.
pub(crate) type Open<'a> = &'a dyn Fn() -> Box<dyn Store>;

type Case = (&'static str, fn(Open<'_>));

/// What every store does.
const EVERY: [Case; 4] = [
    ("an empty store has nothing", empty),
    ("a commit is found again", found_again),
    ("the slower writer is refused", slower_writer),
    ("lines that do not follow are refused", lines_follow),
];

/// What a store does that engines share.
const SHARED: [Case; 12] = [
    ("two handles see one content", two_handles),
    ("the lease goes to one of many", one_of_many),
    ("a lease is taken as it was seen", as_seen),
    ("a lower epoch writes nothing", lower_epoch),
    ("a lease that was given back waits for nobody", given_back),
    ("a beat is a sign of life", signs_of_life),
    ("what was watched belongs to its revision", watched_of_its_revision),
    ("reports come in order", reports_in_order),
    ("reports are forgotten from the front", reports_forgotten),
    ("windows are saved whole and in parts", whole_and_parts),
    ("a part needs its whole", part_needs_whole),
    ("many writers at once lose nothing", many_writers),
];

/// Runs every case on a fresh store of its own: `fresh` gives a way to open it.
pub(crate) fn each<F: Fn() -> Box<dyn Store>>(fresh: impl Fn() -> F, is_shared: bool) {
    let shared = if is_shared { &SHARED[..] } else { &[] };
    for (name, case) in EVERY.iter().chain(shared) {
        eprintln!("{name}");
        let open = fresh();
        case(&open);
    }
}

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

fn shared(store: &dyn Store) -> &dyn SharedStore {
    store.shared().unwrap()
}

fn empty(open: Open<'_>) {
    let store = open();
    assert_eq!(store.load(0).unwrap(), None);
    assert_eq!(store.load(9).unwrap(), None);
    if let Some(shared) = store.shared() {
        assert_eq!(shared.head().unwrap(), Head::default());
        assert_eq!(shared.reports(0).unwrap(), []);
        assert_eq!(shared.restore().unwrap(), None);
    }
}

fn found_again(open: Open<'_>) {
    let store = open();
    assert_eq!(commit(&*store, 0, 0, 1, 1, 3).unwrap(), 1);
    assert_eq!(commit(&*store, 0, 1, 2, 4, 3).unwrap(), 2, "a commit without lines");
    assert_eq!(commit(&*store, 0, 2, 3, 4, 6).unwrap(), 3);
    let again = open();
    for store in [&store, &again] {
        let stored = store.load(0).unwrap().unwrap();
        assert_eq!((stored.revision, &stored.state, stored.watched), (3, &state(3), None));
        assert_eq!(stored.journal, lines(6));
        for after in [0_u64, 1, 5, 6, 7, u64::MAX] {
            let journal = store.load(after).unwrap().unwrap().journal;
            assert_eq!(journal, lines(6)[(after as usize).min(6)..], "after {after}");
        }
    }
}

fn slower_writer(open: Open<'_>) {
    let store = open();
    assert_eq!(kind(commit(&*store, 0, 1, 1, 1, 1)), ErrorKind::StoreConflict, "of nothing");
    assert_eq!(store.load(0).unwrap(), None);
    commit(&*store, 0, 0, 1, 1, 2).unwrap();
    commit(&*store, 0, 1, 2, 3, 3).unwrap();
    let before = store.load(0).unwrap();
    for expected in [0, 1, 3, u64::MAX] {
        assert_eq!(kind(commit(&*store, 0, expected, 9, 4, 4)), ErrorKind::StoreConflict, "{expected}");
    }
    assert_eq!(store.load(0).unwrap(), before);
}

fn lines_follow(open: Open<'_>) {
    let store = open();
    assert_eq!(kind(commit(&*store, 0, 0, 1, 2, 2)), ErrorKind::StoreConflict);
    assert_eq!(store.load(0).unwrap(), None);
    commit(&*store, 0, 0, 1, 1, 2).unwrap();
    for first in [1, 2, 4] {
        assert_eq!(kind(commit(&*store, 0, 1, 2, first, 4)), ErrorKind::StoreConflict, "{first}");
    }
    assert_eq!(store.load(0).unwrap().unwrap().revision, 1);
    commit(&*store, 0, 1, 2, 3, 4).unwrap();
    assert_eq!(store.load(0).unwrap().unwrap().journal, lines(4));
}

fn two_handles(open: Open<'_>) {
    let (one, two) = (open(), open());
    for round in 0..4 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let before = shared(&**reader).head().unwrap();
        assert_eq!(before.revision, round);
        commit(&**writer, 0, round, round, round + 1, round + 1).unwrap();
        assert_eq!(shared(&**reader).head().unwrap().revision, round + 1, "a head is never an old one");
        assert_eq!(shared(&**writer).head().unwrap().revision, round + 1);
        assert_eq!(reader.load(round).unwrap(), writer.load(round).unwrap());
        assert_eq!(kind(commit(&**reader, 0, round, 9, round + 1, round + 1)), ErrorKind::StoreConflict);
        let seq = shared(&**writer).report(&report("n", 1, b"x")).unwrap();
        assert_eq!(shared(&**reader).head().unwrap().reports, seq);
    }
}

fn one_of_many(open: Open<'_>) {
    let seen = shared(&*open()).head().unwrap().lease;
    let names: Vec<String> = (0..8).map(|n| format!("node-{n}")).collect();
    let epochs: Vec<Option<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = names
            .iter()
            .map(|name| (open(), name))
            .map(|(store, name)| {
                let seen = &seen;
                scope.spawn(move || again(|| shared(&*store).take(seen.as_ref(), &claim(name, 5))))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(epochs.iter().flatten().collect::<Vec<_>>(), [&1], "one, and no more: {epochs:?}");
    let winner = epochs.iter().position(Option::is_some).unwrap();
    let lease = shared(&*open()).head().unwrap().lease.unwrap();
    assert_eq!((lease.epoch, lease.holder.as_str()), (1, names[winner].as_str()));
    assert_eq!((lease.observed, lease.wall), (Timestamp(5), Timestamp(12)));
}

fn as_seen(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    assert_eq!(shared.take(None, &claim("a", 1)).unwrap(), Some(1));
    assert_eq!(shared.take(None, &claim("b", 1)).unwrap(), None, "somebody was faster");
    let seen = shared.head().unwrap().lease;
    shared.beat(1, &claim("a", 2), &watched(0, 0)).unwrap();
    assert_eq!(shared.take(seen.as_ref(), &claim("b", 3)).unwrap(), None, "it has given a sign of life");
    let seen = shared.head().unwrap().lease;
    assert_eq!(shared.take(seen.as_ref(), &claim("b", 3)).unwrap(), Some(2));
    assert_eq!(shared.take(seen.as_ref(), &claim("c", 3)).unwrap(), None);
    assert_eq!(kind(shared.beat(1, &claim("a", 4), &watched(0, 0))), ErrorKind::LeaseLost);
    assert_eq!(kind(shared.beat(2, &claim("a", 4), &watched(0, 0))), ErrorKind::LeaseLost);
    assert_eq!(kind(shared.beat(3, &claim("b", 4), &watched(0, 0))), ErrorKind::LeaseLost);
    shared.beat(2, &claim("b", 4), &watched(0, 0)).unwrap();
}

fn lower_epoch(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    commit(&*store, 0, 0, 1, 1, 1).unwrap();
    shared.take(None, &claim("a", 1)).unwrap();
    assert_eq!(kind(commit(&*store, 0, 1, 2, 2, 2)), ErrorKind::LeaseLost);
    commit(&*store, 1, 1, 2, 2, 2).unwrap();
    let seen = shared.head().unwrap().lease;
    shared.take(seen.as_ref(), &claim("b", 2)).unwrap();
    let saved = whole(b"h", vec![slot(0, 0, 0, b"s")]);
    let save = |epoch| shared.save(&Checkpoint { epoch, position: 0, saved: &saved, forget: Timestamp::MIN });
    save(2).unwrap();
    let before = (store.load(0).unwrap(), shared.head().unwrap(), shared.restore().unwrap());
    assert_eq!(kind(commit(&*store, 1, 2, 3, 3, 3)), ErrorKind::LeaseLost);
    assert_eq!(kind(save(1)), ErrorKind::LeaseLost);
    assert_eq!(kind(shared.beat(1, &claim("a", 9), &watched(2, 9))), ErrorKind::LeaseLost);
    shared.leave(1, "a").unwrap();
    let after = (store.load(0).unwrap(), shared.head().unwrap(), shared.restore().unwrap());
    assert_eq!(after, before);
    commit(&*store, 2, 2, 3, 3, 3).unwrap();
}

fn given_back(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    shared.leave(1, "a").unwrap();
    shared.take(None, &claim("a", 1)).unwrap();
    shared.leave(1, "b").unwrap();
    assert_eq!(shared.head().unwrap().lease.unwrap().holder, "a", "it is not b's to give back");
    shared.leave(1, "a").unwrap();
    let seen = shared.head().unwrap().lease.unwrap();
    assert_eq!((seen.epoch, seen.holder.as_str()), (1, ""));
    assert_eq!(kind(shared.beat(1, &claim("a", 2), &watched(0, 0))), ErrorKind::LeaseLost);
    assert_eq!(shared.take(Some(&seen), &claim("b", 3)).unwrap(), Some(2));
    let lease = shared.head().unwrap().lease.unwrap();
    assert_eq!((lease.epoch, lease.holder.as_str()), (2, "b"));
}

fn signs_of_life(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    shared.take(None, &claim("a", 1)).unwrap();
    let mut beats = vec![shared.head().unwrap().lease.unwrap().beat];
    for ms in [10, 20, 20] {
        shared.beat(1, &claim("a", ms), &watched(0, 0)).unwrap();
        let lease = shared.head().unwrap().lease.unwrap();
        assert_eq!((lease.observed, lease.wall, lease.epoch), (Timestamp(ms), Timestamp(ms + 7), 1));
        beats.push(lease.beat);
    }
    assert!(beats.windows(2).all(|pair| pair[1] == pair[0] + 1), "{beats:?}");
}

fn watched_of_its_revision(open: Open<'_>) {
    let (store, other) = (open(), open());
    let shared = shared(&*store);
    let stored = || other.load(0).unwrap().unwrap().watched;
    shared.take(None, &claim("a", 1)).unwrap();
    shared.beat(1, &claim("a", 1), &watched(1, 5)).unwrap();
    commit(&*store, 1, 0, 1, 1, 1).unwrap();
    assert_eq!(stored(), None, "it was said of a revision that was not there yet");
    shared.beat(1, &claim("a", 2), &watched(1, 6)).unwrap();
    assert_eq!(stored(), Some(watched(1, 6)));
    shared.beat(1, &claim("a", 3), &watched(1, 7)).unwrap();
    assert_eq!(stored(), Some(watched(1, 7)));
    // Another process lowers; the holder has not read that yet.
    commit(&*other, 1, 1, 2, 2, 2).unwrap();
    assert_eq!(stored(), None);
    shared.beat(1, &claim("a", 4), &watched(1, 8)).unwrap();
    assert_eq!(stored(), None);
    shared.beat(1, &claim("a", 5), &watched(2, 9)).unwrap();
    assert_eq!(stored(), Some(watched(2, 9)));
}

fn reports_in_order(open: Open<'_>) {
    let (store, other) = (open(), open());
    let shared = shared(&*store);
    for n in 1..=5_u64 {
        let node = format!("node-{}", n % 2);
        let tape = vec![n as u8; n as usize - 1];
        let writer = if n % 2 == 0 { &store } else { &other };
        assert_eq!(writer.shared().unwrap().report(&report(&node, n as i64, &tape)).unwrap(), n);
    }
    for after in [0, 2, 5, 6, u64::MAX] {
        let reports = shared.reports(after).unwrap();
        let numbers: Vec<u64> = reports.iter().map(|report| report.seq).collect();
        assert_eq!(numbers, (after.saturating_add(1)..=5).collect::<Vec<_>>());
        for report in reports {
            assert_eq!(report.tape, vec![report.seq as u8; report.seq as usize - 1]);
            let node = format!("node-{}", report.seq % 2);
            assert_eq!(
                (report.node, report.revision, report.observed),
                (node, 3, Timestamp(report.seq as i64))
            );
        }
    }
    assert_eq!(shared.head().unwrap().reports, 5);
}

fn reports_forgotten(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    shared.take(None, &claim("a", 1)).unwrap();
    // Observed out of order: one node's clock is behind.
    for ms in [10, 20, 15, 40, 50] {
        shared.report(&report("n", ms, b"t")).unwrap();
    }
    let saved = whole(b"", vec![]);
    let first_after = |position, forget| {
        let forget = Timestamp(forget);
        shared.save(&Checkpoint { epoch: 1, position, saved: &saved, forget }).unwrap();
        shared.reports(0).unwrap().first().map(|report| report.seq)
    };
    assert_eq!(first_after(0, 100), Some(1), "none is in the windows");
    assert_eq!(first_after(4, 10), Some(1), "none is old enough");
    assert_eq!(first_after(1, 100), Some(2));
    assert_eq!(first_after(4, 20), Some(2), "report 3 is older than 2, and stays behind it");
    assert_eq!(first_after(4, 21), Some(4));
    // The rest may go or stay; numbers go on.
    let kept = first_after(5, 1_000);
    assert!(kept.is_none_or(|first| first > 4), "{kept:?}");
    assert_eq!(shared.head().unwrap().reports, 5);
    assert_eq!(shared.report(&report("n", 60, b"t")).unwrap(), 6);
    assert_eq!(shared.reports(5).unwrap().len(), 1);
    assert_eq!(shared.head().unwrap().reports, 6);
}

fn whole_and_parts(open: Open<'_>) {
    let (store, other) = (open(), open());
    let shared = shared(&*store);
    shared.take(None, &claim("a", 1)).unwrap();
    let save = |position, saved: &Saved| {
        shared.save(&Checkpoint { epoch: 1, position, saved, forget: Timestamp::MIN }).unwrap();
        let restored = other.shared().unwrap().restore().unwrap().unwrap();
        assert_eq!(restored.position, position);
        assert_eq!(restored.saved.head, saved.head);
        assert!(restored.saved.is_whole && restored.saved.oldest.is_empty());
        let mut slots = restored.saved.slots;
        slots.sort_by_key(|slot| (slot.series, slot.tier, slot.start, slot.end));
        slots
    };
    let first =
        vec![slot(0, 0, 0, b"a"), slot(0, 0, 10, b"b"), slot(0, 1, 0, b"c"), slot(u16::MAX, 0, -20, b"")];
    assert_eq!(save(3, &whole(b"head", first.clone())), first);
    let part = Saved {
        head: b"head 2".to_vec(),
        slots: vec![slot(0, 0, 20, b"d"), slot(0, 1, 0, b"C")],
        oldest: vec![oldest(0, 0, 10), oldest(u16::MAX, 0, -11), oldest(7, 0, 1_000)],
        is_whole: false,
    };
    let second =
        vec![slot(0, 0, 10, b"b"), slot(0, 0, 20, b"d"), slot(0, 1, 0, b"C"), slot(u16::MAX, 0, -20, b"")];
    assert_eq!(save(7, &part), second);
    // A slot that comes and goes in one part.
    let part = Saved {
        head: vec![0, 255],
        slots: vec![slot(1, 0, 0, b"new"), slot(1, 0, 30, b"newer")],
        oldest: vec![oldest(0, 0, 30), oldest(0, 1, 10), oldest(1, 0, 10)],
        is_whole: false,
    };
    assert_eq!(save(8, &part), [slot(1, 0, 30, b"newer"), slot(u16::MAX, 0, -20, b"")]);
    assert_eq!(save(9, &Saved { head: b"x".to_vec(), ..Saved::default() }).len(), 2, "nothing has changed");
    let last = vec![slot(2, 2, 5, b"only")];
    assert_eq!(save(10, &whole(b"", last.clone())), last);
}

fn part_needs_whole(open: Open<'_>) {
    let store = open();
    let shared = shared(&*store);
    let part = Saved { head: b"part".to_vec(), ..Saved::default() };
    let all = whole(b"whole", vec![slot(0, 0, 0, b"a")]);
    let save = |epoch, saved| shared.save(&Checkpoint { epoch, position: 1, saved, forget: Timestamp::MIN });
    shared.take(None, &claim("a", 1)).unwrap();
    assert_eq!(kind(save(1, &part)), ErrorKind::StoreConflict, "a part of nothing");
    assert_eq!(shared.restore().unwrap(), None);
    save(1, &all).unwrap();
    save(1, &part).unwrap();
    let seen = shared.head().unwrap().lease;
    shared.take(seen.as_ref(), &claim("b", 1)).unwrap();
    assert_eq!(kind(save(2, &part)), ErrorKind::StoreConflict, "a part of another node's windows");
    assert_eq!(shared.restore().unwrap().unwrap().saved.head, b"part");
    save(2, &all).unwrap();
}

/// Eight threads, each on a handle of its own, commit and report. Commits that are refused are made anew.
fn many_writers(open: Open<'_>) {
    const EACH: u64 = 10;
    let handles: Vec<Box<dyn Store>> = (0..8).map(|_| open()).collect();
    let numbers: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = handles
            .iter()
            .map(|store| {
                scope.spawn(move || {
                    let mut reports = Vec::new();
                    for _ in 0..EACH {
                        reports.push(again(|| shared(&**store).report(&report("n", 1, b"tape"))));
                        again(|| {
                            let head = shared(&**store).head()?;
                            commit(
                                &**store,
                                0,
                                head.revision,
                                head.revision,
                                head.revision + 1,
                                head.revision + 1,
                            )
                        });
                    }
                    reports
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let distinct: BTreeSet<u64> = numbers.iter().flatten().copied().collect();
    assert_eq!(distinct, (1..=8 * EACH).collect());
    let stored = handles[0].load(0).unwrap().unwrap();
    assert_eq!((stored.revision, stored.journal), (8 * EACH, lines(8 * EACH)));
}

/// Until it is neither refused for another writer's sake nor away for being busy.
fn again<T>(mut what: impl FnMut() -> Result<T, Error>) -> T {
    loop {
        match what() {
            Ok(done) => return done,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::StoreConflict | ErrorKind::StoreAway), "{error}")
            }
        }
    }
}
