//! The contract, and what is stored under the keys.

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::{Checkpoint, RedisStore, Store};

use super::server::{patient, server, server_with_log};
use crate::contract::each;
use crate::given::{claim, commit, lines, report, slot, state, watched, whole};

fn kind<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorKind {
    result.unwrap_err().kind()
}

#[test]
fn the_redis_store_keeps_the_contract() {
    let Some(server) = server() else { return };
    let numbers = std::cell::Cell::new(0);
    each(
        || {
            let n = numbers.replace(numbers.get() + 1);
            let url = server.url();
            move || Box::new(patient(&url, &format!("contract-{n}"))) as Box<dyn Store>
        },
        true,
    );
}

#[test]
fn two_plans_on_one_server_know_nothing_of_each_other() {
    let Some(server) = server() else { return };
    let (one, two) = (server.store("one"), server.store("two"));
    commit(&one, 0, 0, 1, 1, 3).unwrap();
    assert_eq!(two.load(0).unwrap(), None);
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.raw()).unwrap();
    assert!(keys.iter().all(|key| key.starts_with("rollgate:{one}:")), "{keys:?}");
}

#[test]
fn a_raw_writer_of_a_lower_epoch_is_refused_by_the_server_itself() {
    let Some(server) = server() else { return };
    let (old, new) = (server.store("fenced"), server.store("fenced"));
    let shared = old.shared().unwrap();
    assert_eq!(shared.take(None, &claim("old", 1)).unwrap(), Some(1));
    commit(&old, 1, 0, 1, 1, 1).unwrap();
    let seen = shared.head().unwrap().lease;
    assert_eq!(new.shared().unwrap().take(seen.as_ref(), &claim("new", 1)).unwrap(), Some(2));
    // It has not heard of it, and everything else about its commit is right.
    assert_eq!(kind(commit(&old, 1, 1, 2, 2, 2)), ErrorKind::LeaseLost);
    let saved = whole(b"h", vec![]);
    let save = |epoch| shared.save(&Checkpoint { epoch, position: 0, saved: &saved, forget: Timestamp::MIN });
    assert_eq!(kind(save(1)), ErrorKind::LeaseLost);
    assert_eq!(kind(shared.beat(1, &claim("old", 2), &watched(1, 1))), ErrorKind::LeaseLost);
    // Another program takes the lease by hand: what counts is what the server has, not what a store remembers.
    let mut raw = server.raw();
    redis::cmd("HSET").arg("rollgate:{fenced}:lease").arg(&["epoch", "7"]).exec(&mut raw).unwrap();
    let mut held = || -> Vec<Vec<String>> {
        let keys = ["state", "lease", "windows", "watched"].map(|of| format!("rollgate:{{fenced}}:{of}"));
        keys.iter().map(|key| redis::cmd("HVALS").arg(key).query(&mut raw).unwrap()).collect()
    };
    let before = held();
    for store in [&old, &new, &server.store("fenced")] {
        for epoch in [0, 2, 6] {
            assert_eq!(kind(commit(store, epoch, 1, 2, 2, 2)), ErrorKind::LeaseLost, "{epoch}");
            let checkpoint = Checkpoint { epoch, position: 0, saved: &saved, forget: Timestamp::MIN };
            assert_eq!(kind(store.shared().unwrap().save(&checkpoint)), ErrorKind::LeaseLost, "{epoch}");
        }
    }
    assert_eq!(held(), before);
    commit(&new, 7, 1, 2, 2, 2).unwrap();
}

#[test]
fn windows_too_large_for_one_call_become_valid_at_once() {
    let Some(server) = server() else { return };
    let store = server.store("large");
    let shared = store.shared().unwrap();
    shared.take(None, &claim("a", 1)).unwrap();
    let slots =
        |from: i64, to: i64, byte: u8| (from..to).map(|n| slot(3, 1, n * 10, &[byte; 40_000])).collect();
    let save = |epoch, position, saved: &_| {
        shared.save(&Checkpoint { epoch, position, saved, forget: Timestamp::MIN })
    };
    let first = whole(b"first", slots(0, 100, 1));
    save(1, 5, &first).unwrap();
    assert_eq!(shared.restore().unwrap().unwrap().saved, first);
    // What has changed of them, as large.
    let mut part = whole(b"second", slots(50, 150, 2));
    part.is_whole = false;
    part.oldest = vec![crate::given::oldest(3, 1, 100)];
    save(1, 6, &part).unwrap();
    let restored = shared.restore().unwrap().unwrap();
    assert_eq!((restored.position, restored.saved.head.as_slice()), (6, b"second".as_slice()));
    let expected = [slots(10, 50, 1), slots(50, 150, 2)] as [Vec<_>; 2];
    assert_eq!(restored.saved.slots, expected.concat());
    // Refused, all of it stays as it was; and what was sent before goes by itself.
    let seen = shared.head().unwrap().lease;
    shared.take(seen.as_ref(), &claim("b", 1)).unwrap();
    assert_eq!(kind(save(1, 7, &first)), ErrorKind::LeaseLost);
    assert_eq!(kind(save(2, 7, &part)), ErrorKind::StoreConflict);
    assert_eq!(shared.restore().unwrap().unwrap(), restored);
    let mut raw = server.raw();
    let staged: Vec<String> = redis::cmd("KEYS").arg("*:staged:*").query(&mut raw).unwrap();
    assert_eq!(staged.len(), 2);
    for key in staged {
        let left: i64 = redis::cmd("PTTL").arg(key).query(&mut raw).unwrap();
        assert!((1..=600_000).contains(&left), "{left}");
    }
}

/// Each row spoils one key of a store that holds something everywhere; `redis-cli` could do it.
#[test]
fn what_does_not_fit_its_sum_is_refused_and_left() {
    type Row = (&'static str, &'static [&'static str], fn(&RedisStore) -> Result<(), Error>);
    let load: fn(&RedisStore) -> Result<(), Error> = |store| store.load(0).map(drop);
    let restore: fn(&RedisStore) -> Result<(), Error> = |store| store.shared().unwrap().restore().map(drop);
    let reports: fn(&RedisStore) -> Result<(), Error> = |store| store.shared().unwrap().reports(0).map(drop);
    let rows: [Row; 17] = [
        ("a changed state", &["HSET", "state", "at", "2026-01-01T00:00:00Z"], load),
        ("another revision", &["HSET", "state", "revision", "9"], load),
        ("a lower epoch", &["HSET", "state", "epoch", "0"], load),
        ("half a state", &["HDEL", "state", "json"], load),
        ("no number", &["HSET", "state", "revision", "many"], load),
        ("no state", &["DEL", "state"], load),
        ("a changed line", &["LSET", "journal", "0", "0123456789abcdef {}"], load),
        ("a missing line", &["RPOP", "journal"], load),
        ("a missing first line", &["LPOP", "journal"], load),
        ("no journal", &["DEL", "journal"], load),
        ("another kind of key", &["SET", "journal", "x"], load),
        ("what was watched", &["HSET", "watched", "sum", "0"], load),
        ("a changed report", &["LSET", "reports", "0", "0123456789abcdef 1 1 1 nx"], reports),
        ("no reports", &["DEL", "reports"], reports),
        ("a missing slot", &["HDEL", "slots", "0:0:0:10"], restore),
        ("the windows' head", &["HSET", "windows", "head", "x"], restore),
        ("no slots", &["DEL", "slots"], restore),
    ];
    let Some(server) = server() else { return };
    let mut raw = server.raw();
    for (number, (what, spoil, read)) in rows.into_iter().enumerate() {
        let name = format!("spoilt-{number}");
        let store = server.store(&name);
        let shared = store.shared().unwrap();
        shared.take(None, &claim("a", 1)).unwrap();
        commit(&store, 1, 0, 1, 1, 3).unwrap();
        shared.beat(1, &claim("a", 2), &watched(1, 5)).unwrap();
        shared.report(&report("n", 1, b"tape")).unwrap();
        let saved = whole(b"head", vec![slot(0, 0, 0, b"a"), slot(0, 0, 10, b"b")]);
        shared.save(&Checkpoint { epoch: 1, position: 0, saved: &saved, forget: Timestamp::MIN }).unwrap();
        // Opened before, and looked at after.
        let fresh = server.store(&name);
        read(&fresh).unwrap();
        let mut command = redis::cmd(spoil[0]);
        command.arg(format!("rollgate:{{{name}}}:{}", spoil[1]));
        command.arg(&spoil[2..]).query::<redis::Value>(&mut raw).unwrap();
        for store in [&store, &fresh] {
            let error = read(store).expect_err(what);
            assert_eq!(error.kind(), ErrorKind::StoreDamaged, "{what}: {error}");
        }
    }
}

#[test]
fn a_later_layout_is_refused() {
    let Some(server) = server() else { return };
    let store = server.store("later");
    commit(&store, 0, 0, 1, 1, 1).unwrap();
    redis::cmd("SET").arg("rollgate:{later}:layout").arg(2).exec(&mut server.raw()).unwrap();
    assert_eq!(kind(RedisStore::open(&server.url(), "later").map(drop)), ErrorKind::StoreTooNew);
    assert_eq!(kind(commit(&store, 0, 1, 2, 2, 2)), ErrorKind::StoreTooNew);
    assert_eq!(kind(store.shared().unwrap().head()), ErrorKind::StoreTooNew);
}

#[test]
fn a_server_that_takes_no_writes_is_away_and_nothing_changes() {
    let Some(server) = server() else { return };
    let store = server.store("full");
    commit(&store, 0, 0, 1, 1, 1).unwrap();
    let mut raw = server.raw();
    let mut set = |name: &str, value: &str| {
        redis::cmd("CONFIG").arg("SET").arg(name).arg(value).exec(&mut raw).unwrap();
    };
    set("maxmemory", "1");
    let error = commit(&store, 0, 1, 2, 2, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreAway);
    assert!(error.to_string().contains("OOM"), "{error}");
    let stored = store.load(0).unwrap().unwrap();
    assert_eq!((stored.revision, stored.state, stored.journal), (1, state(1), lines(1)));
    set("maxmemory", "0");
    commit(&store, 0, 1, 2, 2, 2).unwrap();
    // Fewer replicas than were asked for.
    let store = server.store("replicas").acknowledged_by(1);
    assert_eq!(kind(commit(&store, 0, 0, 2, 1, 1)), ErrorKind::StoreAway);
    assert_eq!(store.load(0).unwrap().unwrap().revision, 1, "it has happened, and is read again");
    // A progress waits for none.
    commit(&store, 0, 1, 3, 2, 2).unwrap();
}

#[test]
fn passwords_are_used_and_never_shown() {
    let Some(server) = server() else { return };
    let mut raw = server.raw();
    redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("s3cret").exec(&mut raw).unwrap();
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}/0", server.port);
    let store = patient(&url("s3cret"), "locked");
    commit(&store, 0, 0, 1, 1, 1).unwrap();
    assert!(!format!("{store:?}").contains("s3cret"), "{store:?}");
    for wrong in [server.url(), url("wr0ng")] {
        let error = RedisStore::open(&wrong, "locked").map(drop).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreAway);
        let text = error.to_string();
        assert!(text.contains("password") && !text.contains("wr0ng"), "{text}");
    }
}

#[test]
fn a_server_that_went_back_is_never_taken_for_the_present() {
    let Some(mut server) = server() else { return };
    let store = server.store("back");
    let shared = store.shared().unwrap();
    shared.take(None, &claim("a", 1)).unwrap();
    commit(&store, 1, 0, 1, 1, 3).unwrap();
    shared.report(&report("n", 1, b"t")).unwrap();
    let child = store.forked(store.load(0).unwrap());
    server.restart();
    // It kept nothing on a disk.
    for store in [&store as &dyn Store, &*child] {
        assert_eq!(kind(store.load(0)), ErrorKind::StoreDamaged);
        assert_eq!(kind(store.shared().unwrap().head()), ErrorKind::StoreDamaged);
        assert_eq!(kind(commit(store, 1, 1, 2, 4, 4)), ErrorKind::StoreDamaged);
    }
    // Another history, longer than the lost one: the journal's line is not the one that was written.
    let other = server.store("back");
    other.shared().unwrap().take(None, &claim("b", 1)).unwrap();
    for n in 1..=4 {
        let journal = [lines(n + 1)[n as usize].clone()];
        let commit = rollgate::store::Commit {
            epoch: 1,
            expected: n - 1,
            state: &state(n),
            journal: &journal,
            first: n,
            durability: rollgate::store::Durability::Decision,
        };
        other.commit(&commit).unwrap();
    }
    let error = store.load(3).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreDamaged);
    assert!(error.to_string().contains("another history"), "{error}");
}

#[test]
fn a_server_with_a_log_keeps_what_it_acknowledged_through_kills() {
    let Some(mut server) = server_with_log() else { return };
    let store = server.store("kept");
    let shared = store.shared().unwrap();
    assert_eq!(shared.take(None, &claim("a", 1)).unwrap(), Some(1));
    for n in 1..=5 {
        commit(&store, 1, n - 1, n, n, n).unwrap();
        let saved = whole(b"head", vec![slot(0, 0, n as i64 * 10, b"a")]);
        shared.save(&Checkpoint { epoch: 1, position: 0, saved: &saved, forget: Timestamp::MIN }).unwrap();
        server.restart();
        // The same handle, through a new connection.
        let stored = store.load(0).unwrap().unwrap();
        assert_eq!((stored.revision, stored.journal), (n, lines(n)));
        assert_eq!(shared.restore().unwrap().unwrap().saved, saved);
        assert_eq!(shared.head().unwrap().lease.unwrap().epoch, 1);
    }
}

/// The engine of a process that has seen more than the server has now.
#[test]
fn r161_a_server_that_went_back_raises_nothing_and_stops_no_rollback() {
    let Some(mut server) = server() else { return };
    let clock = ManualClock::at(Timestamp(1_768_298_400_000));
    let builder = Engine::builder().plan_text(super::node::PLAN, Format::Yaml).unwrap();
    let engine = builder.store(server.store("engine")).clock(clock.clone()).build().unwrap();
    let share = || engine.shares()[0].1.ppm() / 10_000;
    let pass = |seconds: i64| {
        for _ in 0..seconds {
            clock.advance(Span::seconds(1));
            engine.tick();
        }
    };
    engine.start("ann").unwrap();
    pass(10);
    assert_eq!(share(), 10);
    server.restart();
    pass(120);
    assert_eq!(share(), 10, "a step that nobody can write down");
    let store = engine.status().store.unwrap();
    assert!(store.why.as_ref().is_some_and(|why| why.contains("is damaged")), "{store:?}");
    assert_eq!(server.store("engine").load(0).unwrap(), None, "what is there is left");
    engine.metric("heap").unwrap().record(2_000.0);
    pass(6);
    assert_eq!(share(), 0);
}
