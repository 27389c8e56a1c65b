//! Four processes with eight threads each on one file, while shares change.
//!
//! The suite changes shares for three seconds; `ROLLGATE_SECONDS=60` gives a thousand changes in a minute.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rollgate::Engine;
use rollgate::core::error::ErrorKind;
use rollgate::core::units::Share;
use rollgate::journal;
use rollgate::read::Format;
use rollgate::store::{SqliteStore, Store};

use crate::serving::{PLAN, wall_ns};
use crate::{CHILD, folder};

const PROCESSES: usize = 4;
/// Changes a second: a thousand in a minute.
const EACH: Duration = Duration::from_millis(60);

/// What one process told.
#[derive(Debug, Default)]
struct Told {
    /// When each revision was first there.
    seen: BTreeMap<u64, u64>,
    /// Of one evaluation in nanoseconds: the median and the 99.9th percentile, without writers and with them.
    quiet: [u64; 2],
    busy: [u64; 2],
    backwards: u64,
    lines: u64,
}

fn hear(child: &mut Child) -> Told {
    let mut told = Told::default();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().unwrap();
        match words[0] {
            "seen" => _ = told.seen.insert(number(1), number(2)),
            "quiet" => told.quiet = [number(1), number(2)],
            "busy" => told.busy = [number(1), number(2)],
            "backwards" => told.backwards = number(1),
            "lines" => told.lines = number(1),
            "ready" => {}
            other => panic!("a process said {other}"),
        }
    }
    assert!(child.wait().unwrap().success());
    told
}

#[test]
fn four_processes_serve_what_any_of_them_decides() {
    let seconds: u64 = std::env::var("ROLLGATE_SECONDS").ok().map_or(3, |seconds| seconds.parse().unwrap());
    let place = folder("processes");
    let path = place.join("rollgate.db");
    let children: Vec<Child> = (0..PROCESSES)
        .map(|_| {
            let mut command = Command::new(CHILD);
            command.arg("serve").arg(&path).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    let mut pipes = Vec::new();
    let listeners: Vec<_> = children
        .into_iter()
        .map(|mut child| {
            pipes.push(child.stdin.take().unwrap());
            std::thread::spawn(move || hear(&mut child))
        })
        .collect();
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
    let engine = builder.store_file(&path).unwrap().build().unwrap();
    // First nobody writes, so that there is something to compare with.
    std::thread::park_timeout(Duration::from_secs(seconds.div_ceil(3)));
    pipes.iter_mut().for_each(|pipe| pipe.write_all(b"writers\n").unwrap());
    let (mut written, mut decided) = (BTreeMap::new(), Vec::new());
    let (from, mut changes, mut refused) = (Instant::now(), 0_u32, 0_u32);
    while from.elapsed() < Duration::from_secs(seconds) {
        changes += 1;
        let share = Share::from_ppm(1_000 * (1 + changes % 900)).unwrap();
        let before = Instant::now();
        if let Err(error) = engine.set_shares("ann", &[("A", share)], "another one") {
            // On a machine that is busy enough a writer gives up after a quarter of a second: what it raised has not
            // happened, and what it lowered is written soon.
            assert_eq!(error.kind(), ErrorKind::StoreAway, "{error}");
            refused += 1;
            settle(&engine);
            continue;
        }
        decided.push(before.elapsed());
        written.insert(engine.status().store.unwrap().revision, wall_ns());
        std::thread::park_timeout(EACH.saturating_sub(before.elapsed()));
    }
    std::thread::park_timeout(Duration::from_millis(500));
    // What comes later is of the nodes that take over from those that end first.
    let known = engine.journal().len() as u64;
    drop(pipes);
    let told: Vec<Told> = listeners.into_iter().map(|listener| listener.join().unwrap()).collect();
    report(&told, &written, decided);
    let stored = SqliteStore::open(&path).unwrap().load(0).unwrap().unwrap();
    journal::verify(stored.journal.iter().map(String::as_str)).unwrap();
    for told in &told {
        assert_eq!(told.backwards, 0, "a version ran backwards");
        assert!(told.lines >= known, "a process lacks records: {} of {known}", told.lines);
    }
    let sets = stored.journal.iter().filter(|line| line.contains("\"kind\":\"override\"")).count();
    let sets = sets as u32;
    assert!((changes - refused..=changes).contains(&sets), "{sets} of {changes}, {refused} refused");
    drop(engine);
    fs::remove_dir_all(place).unwrap();
}

/// Waits until the store answers again, and has everything.
fn settle(engine: &Engine) {
    for _ in 0..200 {
        engine.tick();
        let store = engine.status().store.unwrap();
        if store.away_for.is_none() && store.unsaved == 0 {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("the store never came back");
}

fn report(told: &[Told], written: &BTreeMap<u64, u64>, mut decided: Vec<Duration>) {
    let mut delays: Vec<u64> = Vec::new();
    for told in told {
        for (revision, at) in written {
            // A node that looks ten times a second may see two changes at once.
            let seen = told.seen.range(revision..).next().map(|(_, seen)| *seen);
            let seen = seen.unwrap_or_else(|| panic!("revision {revision} never came to a process"));
            delays.push(seen.saturating_sub(*at));
        }
    }
    delays.sort_unstable();
    decided.sort_unstable();
    let ms = |at: usize| delays[at.min(delays.len() - 1)] as f64 / 1e6;
    println!(
        "{} changes, {} arrivals: p50 {:.0} ms, p99 {:.0} ms, most {:.0} ms; one decision: p50 {:.1} ms, p99 {:.1} ms",
        written.len(),
        delays.len(),
        ms(delays.len() / 2),
        ms(delays.len() * 99 / 100),
        ms(delays.len()),
        decided[decided.len() / 2].as_secs_f64() * 1e3,
        decided[decided.len() * 99 / 100].as_secs_f64() * 1e3,
    );
    for (process, told) in told.iter().enumerate() {
        let [[q50, q999], [b50, b999]] = [told.quiet, told.busy];
        println!(
            "process {process}: one evaluation by name p50 {q50} ns, p99.9 {q999} ns; with writers {b50} and {b999}"
        );
    }
}
