//! The SQLite store: the contract, its file, and what is no store.

use std::fs;
use std::path::Path;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::store::{SqliteStore, Store};

use crate::contract::each;
use crate::given::{Folder, commit, lines, state};

#[test]
fn the_sqlite_store_keeps_the_contract() {
    let folder = Folder::new();
    let numbers = std::cell::Cell::new(0);
    each(
        || {
            let n = numbers.replace(numbers.get() + 1);
            let path = folder.0.join(format!("{n}.db"));
            move || Box::new(SqliteStore::open(&path).unwrap()) as Box<dyn Store>
        },
        true,
    );
}

fn refused(path: &Path) -> Error {
    SqliteStore::open(path).map(|_| ()).expect_err("it opened")
}

#[test]
fn places_that_hold_no_file_are_named() {
    let folder = Folder::new();
    let missing = folder.0.join("no/such/rollout.db");
    let below_a_file = folder.file().join("rollout.db");
    fs::write(folder.file(), b"a file").unwrap();
    for (path, says) in [
        (folder.0.as_path(), "it is a directory"),
        (&missing, "there is no directory"),
        (&below_a_file, "is away"),
        (Path::new("/proc/rollgate.db"), "is away"),
    ] {
        let error = refused(path);
        assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
        assert!(
            error.to_string().contains(says) && error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    }
}

#[test]
fn a_store_that_is_moved_away_takes_no_commit() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    commit(&store, 0, 0, 1, 1, 1).unwrap();
    let moved = folder.0.join("moved.db");
    fs::rename(folder.file(), &moved).unwrap();
    assert_eq!(commit(&store, 0, 1, 2, 2, 2).unwrap_err().kind(), ErrorKind::StoreAway);
    fs::write(folder.file(), b"another").unwrap();
    assert_eq!(store.load(0).unwrap_err().kind(), ErrorKind::StoreAway);
    fs::rename(&moved, folder.file()).unwrap();
    commit(&store, 0, 1, 2, 2, 2).unwrap();
    drop(store);
    let stored = SqliteStore::open(folder.file()).unwrap().load(0).unwrap().unwrap();
    assert_eq!((stored.revision, stored.state, stored.journal), (2, state(2), lines(2)));
}
