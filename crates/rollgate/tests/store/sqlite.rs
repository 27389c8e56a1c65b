//! The SQLite store: the contract, its file, and what is no store.

use std::fs;
use std::path::Path;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::store::{Commit, Durability, SqliteStore, Store};

use crate::contract::each;
use crate::given::{Folder, commit, content, fill, lines, state};

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

/// A file that the code of version 1 wrote.
const VERSION_1: &[u8] = include_bytes!("version-1.db");

fn ask(path: &Path, sql: &str) -> Vec<Vec<String>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut rows = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = rows.column_count();
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Null => String::new(),
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Real(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        rusqlite::types::Value::Blob(bytes) => format!("{} bytes", bytes.len()),
    };
    rows.query_map((), |row| (0..columns).map(|column| row.get(column).map(text)).collect())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn change(path: &Path, sql: &str) {
    rusqlite::Connection::open(path)
        .unwrap()
        .execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[test]
fn a_file_of_version_1_is_brought_up_and_holds_what_it_held() {
    let folder = Folder::new();
    fs::write(folder.file(), VERSION_1).unwrap();
    assert_eq!(ask(&folder.file(), "PRAGMA user_version"), [["1"]]);
    let fresh = SqliteStore::open(folder.0.join("fresh.db")).unwrap();
    fill(&fresh);
    let expected = content(&fresh).unwrap();
    for _ in 0..2 {
        let store = SqliteStore::open(folder.file()).unwrap();
        assert!(content(&store).unwrap() == expected, "it held something else");
    }
    let schema = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
    assert_eq!(ask(&folder.file(), "PRAGMA user_version"), ask(fresh.path(), "PRAGMA user_version"));
    assert_eq!(ask(&folder.file(), schema), ask(fresh.path(), schema), "as if it had been made today");
    assert!(!ask(&folder.file(), "SELECT * FROM rollbacks").is_empty());
    commit(&SqliteStore::open(folder.file()).unwrap(), 2, 12, 13, 37, 39).unwrap();
}

#[test]
fn a_newer_schema_that_stands_in_the_log_only_is_refused_too() {
    let folder = Folder::new();
    fs::write(folder.file(), VERSION_1).unwrap();
    let newer = rusqlite::Connection::open(folder.file()).unwrap();
    newer.execute_batch("PRAGMA user_version = 9").unwrap();
    let (copy, wal) = (folder.0.join("copy.db"), folder.0.join("copy.db-wal"));
    fs::copy(folder.file(), &copy).unwrap();
    fs::copy(folder.0.join("rollout.db-wal"), &wal).unwrap();
    let before = (fs::read(&copy).unwrap(), fs::read(&wal).unwrap());
    let error = refused(&copy);
    assert_eq!(error.kind(), ErrorKind::StoreTooNew, "{error}");
    assert!((fs::read(&copy).unwrap(), fs::read(&wal).unwrap()) == before, "it was written to");
}

/// Each with its effect: rows and schema that somebody changed by hand.
#[test]
fn what_was_changed_by_hand_is_found() {
    let folder = Folder::new();
    for (n, (sql, says)) in [
        ("UPDATE state SET revision = revision + 1", "the state does not fit its sum"),
        ("UPDATE state SET json = replace(json, 'pending', 'running')", "the state does not fit its sum"),
        ("UPDATE state SET lines = 35", "the state does not fit its sum"),
        ("DELETE FROM state", "a journal and no state"),
        ("UPDATE journal SET line = replace(line, 'ops', 'me') WHERE seq = 3", "journal line 3"),
        ("DELETE FROM journal WHERE seq = 36", "35"),
        ("DELETE FROM journal WHERE seq = 4", "after journal line 3 comes number 5"),
        ("UPDATE lease SET holder = 'me'", "the lease does not fit its sum"),
        ("UPDATE lease SET epoch = -1", "the epoch of the lease is -1"),
        ("UPDATE watched SET revision = 11", "what was watched"),
        ("UPDATE reports SET tape = x'00' WHERE seq = 9", "report 9"),
        ("DELETE FROM reports WHERE seq = 9", "report 9 is missing"),
        ("UPDATE windows SET position = 13", "the head of the windows"),
        ("UPDATE slots SET bytes = x'00' WHERE series = 1 AND tier = 1", "the slot of metric 1"),
        ("DELETE FROM slots WHERE series = 1 AND tier = 1", "slots of the windows are missing"),
        ("DELETE FROM windows", "slots of the windows are missing"),
        ("DROP VIEW rollbacks", "view `rollbacks`"),
        ("DROP TABLE slots", "table `slots`"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.0.join(format!("{n}.db"));
        fs::write(&path, VERSION_1).unwrap();
        drop(SqliteStore::open(&path).unwrap());
        change(&path, sql);
        let error = refused(&path);
        assert!(
            error.kind() == ErrorKind::StoreDamaged && error.to_string().contains(says),
            "{sql}: {error}"
        );
    }
    // What somebody adds is theirs.
    let path = folder.0.join("added.db");
    fs::write(&path, VERSION_1).unwrap();
    change(&path, "CREATE VIEW mine AS SELECT count(*) FROM journal");
    SqliteStore::open(&path).unwrap();
}

/// A real story in it, of every kind of record.
#[test]
fn every_question_of_the_docs_has_an_answer() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file()).unwrap();
    let told =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/spec/journal/journal.jsonl"));
    let journal: Vec<String> = told.unwrap().lines().map(str::to_owned).collect();
    let count =
        |kind: &str| journal.iter().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count();
    let (durability, state) = (Durability::Decision, &state(1));
    store.commit(&Commit { epoch: 0, expected: 0, state, journal: &journal, first: 1, durability }).unwrap();
    let docs = include_str!("../../src/docs/store.rs").replace("//! ", "").replace("//!", "");
    let queries: Vec<&str> = docs
        .split("```sql")
        .skip(1)
        .flat_map(|rest| rest.split("```").next().unwrap().split(';'))
        .map(str::trim)
        .filter(|query| !query.is_empty())
        .collect();
    assert!(queries.len() >= 10, "{queries:?}");
    for query in &queries {
        ask(&folder.file(), query);
    }
    assert_eq!(ask(&folder.file(), queries[0]).len(), count("rolled_back"));
    for (view, kinds) in [
        ("rollbacks", &["rolled_back"][..]),
        ("decisions", &["decided", "decision_refused", "approved"]),
        ("attestations", &["attested", "checked"]),
        ("baselines", &["baseline_captured"]),
    ] {
        let rows = ask(&folder.file(), &format!("SELECT * FROM {view}"));
        let expected: usize = kinds.iter().map(|kind| count(kind)).sum();
        assert!(rows.len() == expected && expected > 0, "{view}: {} rows of {expected}", rows.len());
    }
    let changes = ask(&folder.file(), "SELECT flag, share_before, share_after FROM share_changes");
    assert!(
        changes.len() >= count("shares_changed") && changes.iter().flatten().all(|cell| !cell.is_empty())
    );
    assert_eq!(ask(&folder.file(), "SELECT status FROM journal WHERE seq = 2"), [["running"]]);
    ask(&folder.file(), "SELECT * FROM latches");
}

/// Prints what a store costs; a figure depends on the machine, so none is asserted.
#[test]
fn figures() {
    let folder = Folder::new();
    let told =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/spec/journal/journal.jsonl"));
    let journal: Vec<String> = told.unwrap().lines().map(str::to_owned).collect();
    let store = SqliteStore::open(folder.file()).unwrap();
    let mut took = Vec::new();
    for (n, line) in (0..).zip(&journal) {
        let (durability, state, from) = (Durability::Decision, &state(n), std::time::Instant::now());
        let journal = std::slice::from_ref(line);
        store.commit(&Commit { epoch: 0, expected: n, state, journal, first: n + 1, durability }).unwrap();
        took.push(from.elapsed());
    }
    took.sort();
    let from = std::time::Instant::now();
    for _ in 0..1_000 {
        store.shared().unwrap().head().unwrap();
    }
    let head = from.elapsed() / 1_000;
    drop(store);
    let bytes: usize = journal.iter().map(|line| line.len() + 1).sum();
    println!(
        "{} lines, {bytes} bytes: a file of {} bytes; one decision: median {:?}, p99 {:?}; one look at the head: {head:?}",
        journal.len(),
        fs::metadata(folder.file()).unwrap().len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100],
    );
}
