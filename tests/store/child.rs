//! Writes into a store until it is stopped, and says on its standard output what has been acknowledged:
//! `store-child script PATH` writes a fixed script, `store-child load PATH` as much as three threads can;
//! `store-child serve PATH` is one engine of several on the file.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // It is part of a test, and may fail loudly.

mod script;
mod serving;

use std::io::Write;
use std::path::{Path, PathBuf};

use rollgate::core::error::{Error, ErrorKind};
use rollgate::store::{SqliteStore, Store};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mode, path) = (arguments.next().unwrap(), PathBuf::from(arguments.next().unwrap()));
    match mode.as_str() {
        "script" => script(&path),
        "load" => load(&path),
        "serve" => serving::serve(&path),
        other => panic!("there is no mode `{other}`"),
    }
}

/// Tells the parent; a write to a pipe of so few bytes is whole or not at all.
fn tell(what: &str, number: u64) {
    let line = format!("{what} {number}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Does something; where it went wrong once, again. A fault strikes once, and what follows must work.
fn twice<T>(mut what: impl FnMut() -> Result<T, Error>) -> T {
    match what() {
        Ok(done) => done,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
            what().unwrap_or_else(|error| panic!("again: {error}"))
        }
    }
}

/// Commits, as an engine does: where the answer is no, what is stored says whether it was written.
fn commit(store: &dyn Store, all: &[String], expected: u64, epoch: u64) {
    if script::commit(store, all, expected, epoch).is_err() {
        let stored = twice(|| store.load(u64::MAX));
        if stored.map_or(0, |stored| stored.revision) == expected {
            script::commit(store, all, expected, epoch).unwrap();
        }
    }
    tell("revision", expected + 1);
}

/// Every kind of write, on two handles, the second one opened anew in the middle: so the log goes into the file too.
fn script(path: &Path) {
    let all = script::lines(20);
    let store = twice(|| SqliteStore::open(path));
    for expected in 0..4 {
        commit(&store, &all, expected, 0);
    }
    let shared = store.shared().unwrap();
    if !matches!(shared.take(None, &script::claim("me")), Ok(Some(1))) {
        let seen = twice(|| shared.head()).lease;
        assert!(seen.is_some() || matches!(shared.take(None, &script::claim("me")), Ok(Some(1))));
    }
    for n in 1..=3 {
        let reports = n - 1;
        if script::report(&store, "me").is_err() && twice(|| shared.head()).reports == reports {
            script::report(&store, "me").unwrap();
        }
        tell("report", n);
        twice(|| script::beat(&store, "me", 3 + n));
        twice(|| script::checkpoint(&store, n));
        tell("checkpoint", n);
        commit(&store, &all, 3 + n, 1);
    }
    drop(store);
    let store = twice(|| SqliteStore::open(path));
    for expected in 7..11 {
        commit(&store, &all, expected, 1);
        twice(|| script::beat(&store, "me", expected + 1));
    }
    twice(|| script::checkpoint(&store, 4));
    tell("checkpoint", 4);
}

/// Three threads, each on a handle of its own, until somebody kills them.
fn load(path: &Path) {
    let stored = SqliteStore::open(path).unwrap().load(0).unwrap();
    let revision = stored.map_or(0, |stored| stored.revision);
    let all = script::lines(revision + 1_000);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let all = &all;
            scope.spawn(move || {
                let store = SqliteStore::open(path).unwrap();
                for round in 0.. {
                    let Ok(head) = store.shared().unwrap().head() else { continue };
                    if (head.revision + 1) * script::LINES > all.len() as u64 {
                        return;
                    }
                    if let Ok(revision) = script::commit(&store, all, head.revision, 0) {
                        tell("revision", revision);
                    }
                    if (round + thread) % 2 == 0
                        && let Ok(seq) = script::report(&store, "me")
                    {
                        tell("report", seq);
                    }
                }
            });
        }
    });
}
