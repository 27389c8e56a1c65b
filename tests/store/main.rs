//! A process that ends in the middle of writing a store: at every call of the file layer, and by `kill -9`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod processes;
mod script;
#[allow(dead_code)] // The other half is the child's.
mod serving;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use script::{Told, check};

const CHILD: &str = env!("CARGO_BIN_EXE_store-child");

/// A folder of its own for each test, empty.
fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

/// The file layer that fails; `None` where there is no C compiler.
fn faults(folder: &Path) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("store/faults.c");
    let library = folder.join("faults.so");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    match cc.status() {
        Ok(status) => {
            assert!(status.success(), "faults.c does not compile: {status}");
            Some(library)
        }
        Err(error) => {
            eprintln!("SKIPPED: no C compiler (cc: {error}); the file layer that fails needs one");
            None
        }
    }
}

/// Runs the script under the file layer, with its call number `at` going wrong. Gives what was told, whether it came to
/// its end, and the number of calls where it did.
fn run(library: &Path, place: &Path, mode: &str, at: usize) -> (Told, bool, usize) {
    let count = place.join("count");
    let output = Command::new(CHILD)
        .arg("script")
        .arg(place.join("rollout.db"))
        .env("LD_PRELOAD", library)
        .env("FAULTS_NAME", "rollout.db")
        .env("FAULTS_MODE", mode)
        .env("FAULTS_AT", at.to_string())
        .env("FAULTS_COUNT", &count)
        .output()
        .unwrap();
    let mut told = Told::default();
    String::from_utf8(output.stdout).unwrap().lines().for_each(|line| told.hear(line));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_stopped = output.status.code() == Some(137);
    assert!(output.status.success() || is_stopped, "{mode} at call {at}: {}: {error}", output.status);
    let calls = fs::read_to_string(count).map_or(0, |count| count.trim().parse().unwrap());
    (told, !is_stopped, calls)
}

/// One call goes wrong, or is the last one; what is there afterwards is what was acknowledged, or the next of it.
fn point(library: &Path, place: &Path, mode: &str, at: usize) {
    fs::create_dir_all(place).unwrap();
    let (told, has_ended, _) = run(library, place, mode, at);
    assert_eq!(has_ended, mode != "stop", "{mode} at call {at}: the fault did not strike");
    if has_ended {
        assert_eq!((told.revision, told.report, told.checkpoint), (11, 3, 4), "{mode} at call {at}");
    }
    let ahead = u64::from(!has_ended);
    if let Err(why) = check(&place.join("rollout.db"), told, ahead) {
        panic!("{mode} at call {at}: {why}; the files are in {}", place.display());
    }
    fs::remove_dir_all(place).unwrap();
}

#[test]
fn r161_a_fault_at_any_call_of_the_file_layer_loses_and_doubles_nothing() {
    let folder = folder("store-faults");
    let Some(library) = faults(&folder) else { return };
    let whole = folder.join("whole");
    fs::create_dir_all(&whole).unwrap();
    let (told, has_ended, calls) = run(&library, &whole, "fail", 0);
    assert!(has_ended && calls > 125, "the file layer saw {calls} calls: is it there at all?");
    assert_eq!(check(&whole.join("rollout.db"), told, 0), Ok(11));
    let modes = ["fail", "full", "short", "stop"];
    // Each call goes wrong in one way here, and in every way under `cargo xtask store --all`.
    let is_all = std::env::var("ROLLGATE_POINTS").is_ok_and(|points| points == "all");
    let points: Vec<(&str, usize)> = (1..=calls)
        .flat_map(|at| (0..modes.len()).map(move |way| (at, way)))
        .filter(|(at, way)| is_all || (at + way).is_multiple_of(modes.len()))
        .map(|(at, way)| (modes[way], at))
        .collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (folder, library, points, next) = (&folder, &library, &points, &next);
            scope.spawn(move || {
                while let Some((mode, at)) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    point(library, &folder.join(format!("{worker}-{mode}-{at}")), mode, *at);
                }
            });
        }
    });
    println!(
        "{} points of {}: {calls} calls, {} ways to go wrong",
        points.len(),
        calls * modes.len(),
        modes.len()
    );
    assert!(calls * modes.len() >= 500);
}

/// The next number of a sequence that looks random (splitmix64).
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Lets the child write for a while and kills it; gives what it told, and whether it had told anything.
fn kill_after(path: &Path, wait: Duration, mut told: Told) -> Told {
    let mut child = Command::new(CHILD).arg("load").arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = channel();
    let reader = std::thread::spawn(move || {
        output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    // From its first word on: or most would be killed while they open the file.
    if let Ok(line) = lines.recv_timeout(Duration::from_secs(30)) {
        told.hear(&line);
    }
    std::thread::park_timeout(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    lines.iter().for_each(|line| told.hear(&line));
    told
}

#[test]
fn r161_a_process_that_is_killed_under_load_loses_and_doubles_nothing() {
    let kills = std::env::var("ROLLGATE_KILLS").map_or(25, |kills| kills.parse().unwrap());
    let folder = folder("store-kills");
    let mut seed = 6;
    let (mut acknowledged, mut path, mut told) = (0, folder.clone(), Told::default());
    for kill in 0..kills {
        if kill % 5 == 0 {
            (path, told) = (folder.join(format!("{kill}.db")), Told::default());
        }
        let wait = Duration::from_micros(1_000 + next(&mut seed) % 59_000);
        let before = told.revision;
        told = kill_after(&path, wait, told);
        acknowledged += told.revision - before;
        match check(&path, told, 3) {
            Ok(revision) => told.revision = revision + 1,
            Err(why) => panic!("kill {kill} after {wait:?}: {why}; the file is {}", path.display()),
        }
        // Reports that were written and not acknowledged are there from now on.
        told.report = reports(&path);
    }
    println!("{kills} kills: {acknowledged} commits acknowledged, each there once");
    assert!(acknowledged > kills);
    fs::remove_dir_all(folder).unwrap();
}

/// How many reports a store has.
fn reports(path: &Path) -> u64 {
    use rollgate::store::{SqliteStore, Store};
    let store = SqliteStore::open(path).unwrap();
    store.shared().unwrap().head().unwrap().reports
}
