//! Servers that do not answer.

use std::time::{Duration, Instant};

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::time::Timestamp;
use rollgate::store::{Checkpoint, RedisStore, Store};

use super::proxy::{Proxy, Way};
use super::server::{Server, patient, server};
use crate::given::{claim, commit, lines, report, watched, whole};

/// Longer than a connect and two answers on a machine that does other things beside.
const LONG: Duration = Duration::from_secs(5);

/// Asks everything that a store can be asked; each must say that it is away, and soon.
fn all_are_away(store: &dyn Store, revision: u64) {
    let shared = store.shared().unwrap();
    let saved = whole(b"h", vec![]);
    let checkpoint = Checkpoint { epoch: 1, position: 0, saved: &saved, forget: Timestamp::MIN };
    let seen = None;
    type Call<'a> = (&'a str, &'a dyn Fn() -> Result<(), Error>);
    let calls: [Call<'_>; 10] = [
        ("load", &|| store.load(0).map(drop)),
        ("commit", &|| commit(store, 1, revision, 2, 2, 2).map(drop)),
        ("head", &|| shared.head().map(drop)),
        ("take", &|| shared.take(seen, &claim("b", 1)).map(drop)),
        ("beat", &|| shared.beat(1, &claim("a", 1), &watched(1, 1))),
        ("leave", &|| shared.leave(9, "nobody")),
        ("report", &|| shared.report(&report("n", 1, b"")).map(drop)),
        ("reports", &|| shared.reports(0).map(drop)),
        ("save", &|| shared.save(&checkpoint)),
        ("restore", &|| shared.restore().map(drop)),
    ];
    for (what, call) in calls {
        let begin = Instant::now();
        let error = call().expect_err(what);
        assert_eq!(error.kind(), ErrorKind::StoreAway, "{what}: {error}");
        assert!(begin.elapsed() < LONG, "{what} took {:?}", begin.elapsed());
    }
}

/// A store that waits no longer than any does, on what a patient one has written.
fn filled(server: &Server, url: &str) -> RedisStore {
    let store = server.store("away");
    store.shared().unwrap().take(None, &claim("a", 1)).unwrap();
    commit(&store, 1, 0, 1, 1, 1).unwrap();
    back(|| RedisStore::open(url, "away"))
}

/// Asks until the server answers, as an engine does: on a busy machine it may take longer than a store waits.
fn back<T>(mut ask: impl FnMut() -> Result<T, Error>) -> T {
    for _ in 0..100 {
        match ask() {
            Ok(answer) => return answer,
            Err(error) => assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}"),
        }
    }
    panic!("it does not come back")
}

#[test]
fn a_server_that_is_stopped_or_killed_is_away_and_comes_back() {
    let Some(mut server) = server() else { return };
    let store = filled(&server, &server.url());
    server.pause();
    all_are_away(&store, 1);
    // The connect succeeds, because the system takes it for the server.
    let error = RedisStore::open(&server.url(), "away").map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
    server.go_on();
    // What was asked meanwhile may have happened, all of it or nothing.
    let stored = back(|| store.load(0)).unwrap();
    assert!(stored.revision <= 2 && stored.journal == lines(stored.revision));
    server.kill();
    all_are_away(&store, stored.revision);
    let error = store.load(0).unwrap_err();
    assert!(error.to_string().contains("nobody listens there"), "{error}");
    let child = store.forked(None);
    assert_eq!(child.load(0).unwrap_err().kind(), ErrorKind::StoreAway);
}

#[test]
fn a_network_that_is_cut_or_held_up_is_away_and_comes_back() {
    let Some(server) = server() else { return };
    let proxy = Proxy::to(server.port);
    let store = filled(&server, &proxy.url());
    for way in [Way::Cut, Way::HeldUp] {
        proxy.set(way);
        all_are_away(&store, 1);
        if way == Way::Cut {
            assert_eq!(server.store("away").load(0).unwrap().unwrap().revision, 1, "nothing got through");
        }
        proxy.set(Way::Open);
        back(|| store.load(0)).unwrap();
    }
}

#[test]
fn an_answer_that_is_lost_leaves_a_commit_that_is_read_again() {
    let Some(server) = server() else { return };
    let proxy = Proxy::to(server.port);
    let store = filled(&server, &proxy.url());
    proxy.set(Way::Deaf);
    assert_eq!(commit(&store, 1, 1, 2, 2, 2).unwrap_err().kind(), ErrorKind::StoreAway);
    proxy.set(Way::Open);
    let stored = back(|| store.load(1)).unwrap();
    assert_eq!((stored.revision, stored.journal), (2, lines(2)[1..].to_vec()));
    let again = commit(&server.store("away"), 1, 1, 2, 2, 2);
    assert_eq!(again.unwrap_err().kind(), ErrorKind::StoreConflict);
    commit(&server.store("away"), 1, 2, 3, 3, 3).unwrap();
}

#[test]
fn a_connection_that_was_closed_while_idle_is_opened_again_and_nobody_notices() {
    let Some(server) = server() else { return };
    drop(filled(&server, &server.url()));
    let store = server.store("away");
    let shared = store.shared().unwrap();
    let mut raw = server.raw();
    let mut close = || {
        redis::cmd("CLIENT").arg("KILL").arg("SKIPME").arg("yes").exec(&mut raw).unwrap();
        // A server that was started anew has no scripts either.
        redis::cmd("SCRIPT").arg("FLUSH").exec(&mut raw).unwrap();
    };
    for n in 2..=5 {
        close();
        assert_eq!(commit(&store, 1, n - 1, n, n, n).unwrap(), n);
        close();
        assert_eq!(shared.head().unwrap().revision, n);
        close();
        shared.beat(1, &claim("a", 2), &watched(n, 1)).unwrap();
    }
}

/// The server does what was asked and the connection breaks before the answer: what is asked again is done once.
#[test]
fn a_commit_that_breaks_off_after_it_was_done_is_done_once() {
    let Some(server) = server() else { return };
    let proxy = Proxy::to(server.port);
    drop(filled(&server, &server.url()));
    let store = patient(&proxy.url(), "away");
    proxy.set(Way::Deaf);
    let revision = std::thread::scope(|scope| {
        let commit = scope.spawn(|| commit(&store, 1, 1, 2, 2, 2));
        let beside = server.store("away");
        while beside.shared().unwrap().head().unwrap().revision < 2 {
            std::thread::yield_now();
        }
        // The connection goes, and the way is open for the next one.
        proxy.break_off();
        commit.join().unwrap()
    });
    assert_eq!(revision.unwrap(), 2);
    let stored = store.load(0).unwrap().unwrap();
    assert_eq!((stored.revision, stored.journal), (2, lines(2)));
}
