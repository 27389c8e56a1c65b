//! Files that are not what they were: each is told from a whole one, and none is written to.

use std::fs;
use std::path::{Path, PathBuf};

use rollgate::core::error::{Error, ErrorKind};
use rollgate::store::{SqliteStore, Store};

use crate::given::{Content, Folder, commit, content, fill, lines, state};

/// The next number of a sequence that looks random (splitmix64).
fn next(seed: &mut u64) -> usize {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as usize
}

/// A name beside a file.
fn beside(path: &Path, ending: &str) -> PathBuf {
    PathBuf::from(format!("{}{ending}", path.display()))
}

/// A store with something of everything, closed: the bytes of its file, and what is in it.
fn filled(folder: &Folder) -> (Vec<u8>, Content) {
    let path = folder.0.join("filled.db");
    let store = SqliteStore::open(&path).unwrap();
    fill(&store);
    let content = content(&store).unwrap();
    drop(store);
    assert!(!beside(&path, "-wal").exists(), "a clean end leaves no log");
    (fs::read(path).unwrap(), content)
}

/// Opens a file and reads all of it. Where it is refused, it stays as it was.
fn read(path: &Path) -> Result<Content, Error> {
    let before = fs::read(path).unwrap();
    let read = SqliteStore::open(path).and_then(|store| content(&store));
    if let Err(error) = &read {
        assert_eq!(fs::read(path).unwrap(), before, "refused and written to: {error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
    read
}

#[test]
fn r161_a_bit_that_flips_is_detected_or_harmless() {
    let folder = Folder::new();
    let (bytes, expected) = filled(&folder);
    let (mut detected, mut harmless, mut seed) = (0, 0, 1);
    for flip in 0..1_000 {
        let path = folder.0.join(format!("{flip}.db"));
        let at = next(&mut seed) % (bytes.len() * 8);
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        fs::write(&path, flipped).unwrap();
        match read(&path) {
            Ok(found) => {
                assert!(found == expected, "bit {at}: it reads as something else");
                harmless += 1;
            }
            Err(error) => {
                let kinds = [ErrorKind::StoreDamaged, ErrorKind::StoreTooNew, ErrorKind::StoreAway];
                assert!(kinds.contains(&error.kind()), "bit {at}: {error}");
                detected += 1;
            }
        }
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, ending));
        }
    }
    println!("1000 bit flips in {} bytes: {detected} detected, {harmless} harmless", bytes.len());
    assert!(detected > 300, "{detected}");
}

/// What a killed process leaves: the file, and a log that is not in it yet. The last commit of 13 is no decision.
fn left_behind(folder: &Folder) -> (Vec<u8>, Vec<u8>) {
    let path = folder.0.join("left.db");
    let store = SqliteStore::open(&path).unwrap();
    for n in 0..13 {
        commit(&store, 0, n, n + 1, 3 * n + 1, 3 * n + 3).unwrap();
    }
    (fs::read(&path).unwrap(), fs::read(beside(&path, "-wal")).unwrap())
}

/// SQLite takes what follows a page that does not fit for the torn end of a crash. So what is no decision may be gone;
/// decisions are not in the log any more.
#[test]
fn a_bit_that_flips_in_the_log_of_a_killed_process_takes_back_no_decision() {
    let folder = Folder::new();
    let (file, log) = left_behind(&folder);
    assert!(log.len() > 4_096, "{}", log.len());
    let (mut whole, mut earlier, mut refused, mut seed) = (0, 0, 0, 2);
    for flip in 0..200 {
        let path = folder.0.join(format!("{flip}.db"));
        let at = next(&mut seed) % (log.len() * 8);
        let mut flipped = log.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        fs::write(&path, &file).unwrap();
        fs::write(beside(&path, "-wal"), flipped).unwrap();
        match read(&path) {
            Ok((stored, ..)) => {
                let stored = stored.expect("twelve revisions are in the file");
                let n = stored.revision;
                assert_eq!((stored.state, stored.journal), (state(n), lines(3 * n)), "bit {at}");
                assert!(n >= 12, "bit {at}: a decision is gone, revision {n}");
                if n == 13 { whole += 1 } else { earlier += 1 }
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::StoreDamaged, "bit {at}: {error}");
                refused += 1;
            }
        }
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(beside(&path, ending));
        }
    }
    println!(
        "200 bit flips in a log of {} bytes: {whole} harmless, {earlier} without what was no decision, {refused} refused",
        log.len()
    );
    assert!(earlier > 0);
}

#[test]
fn what_is_no_store_is_refused_and_left_alone() {
    let folder = Folder::new();
    let (bytes, expected) = filled(&folder);
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        bytes
    };
    let cut = |len: usize| bytes[..len].to_vec();
    for (name, content, kind, says) in [
        ("text", b"name: a plan\n".repeat(100), ErrorKind::StoreDamaged, "it is not a database"),
        ("short", cut(60), ErrorKind::StoreDamaged, "it is not a database"),
        ("half", cut(bytes.len() / 2 / 4096 * 4096), ErrorKind::StoreDamaged, "damaged"),
        ("last page", cut(bytes.len() - 4096), ErrorKind::StoreDamaged, "damaged"),
        ("newer", with(63, 77), ErrorKind::StoreTooNew, "schema 77"),
        ("version 0", with(63, 0), ErrorKind::StoreDamaged, "version 0"),
        ("another program's", with(71, 1), ErrorKind::StoreDamaged, "another program"),
    ] {
        let path = folder.0.join(name);
        fs::write(&path, &content).unwrap();
        let error = read(&path).expect_err(name);
        assert!(error.kind() == kind && error.to_string().contains(says), "{name}: {error}");
        assert!(!beside(&path, "-wal").exists() || fs::metadata(beside(&path, "-wal")).unwrap().len() == 0);
    }
    let path = folder.0.join("whole");
    fs::write(&path, &bytes).unwrap();
    assert!(read(&path).unwrap() == expected);
}

#[test]
fn a_log_beside_no_file_is_kept() {
    let folder = Folder::new();
    let (file, log) = left_behind(&folder);
    for name in ["missing", "empty"] {
        let path = folder.0.join(name);
        fs::write(beside(&path, "-wal"), &log).unwrap();
        if name == "empty" {
            fs::write(&path, b"").unwrap();
        }
        let error = SqliteStore::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StoreDamaged, "{error}");
        assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), log);
        fs::write(&path, &file).unwrap();
        assert_eq!(SqliteStore::open(&path).unwrap().load(0).unwrap().unwrap().revision, 13);
    }
}

#[test]
fn a_damaged_store_is_set_aside_with_its_log_only_where_somebody_says_so() {
    let folder = Folder::new();
    let (file, log) = left_behind(&folder);
    let path = folder.file();
    fs::write(&path, b"damaged").unwrap();
    fs::write(beside(&path, "-wal"), &log).unwrap();
    for _ in 0..2 {
        assert_eq!(SqliteStore::open(&path).unwrap_err().kind(), ErrorKind::StoreDamaged);
    }
    let aside = SqliteStore::set_aside(&path).unwrap();
    assert!(aside.to_str().unwrap().contains(".db.aside-2"), "{}", aside.display());
    assert!(!path.exists() && !beside(&path, "-wal").exists());
    assert_eq!(
        (fs::read(&aside).unwrap(), fs::read(beside(&aside, "-wal")).unwrap()),
        (b"damaged".to_vec(), log)
    );
    assert_eq!(SqliteStore::open(&path).unwrap().load(0).unwrap(), None);
    fs::write(&aside, file).unwrap();
    assert_eq!(SqliteStore::open(&aside).unwrap().load(0).unwrap().unwrap().revision, 13);
    assert_eq!(SqliteStore::set_aside(folder.0.join("nothing")).unwrap_err().kind(), ErrorKind::StoreAway);
}
