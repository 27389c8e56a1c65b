//! Measures every call: `time ALLOCS SUMMARY`. Floors, rollgate and peers take turns, chunk by chunk.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rollgate_compare::clock::thread_ns;
use rollgate_compare::row::{Keys, Row, keys};
use rollgate_compare::{own, peers, publish};
use serde_json::{Map, Value, json};

/// Rounds in which every call has one chunk.
const ROUNDS: usize = 300;
/// What one chunk lasts, and one of two threads, in nanoseconds.
const CHUNK_NS: f64 = 200_000.0;
const CHUNK_2T_NS: f64 = 600_000.0;
/// How often two threads try to run at once in one round.
const TRIES: usize = 4;

/// A row with what was measured.
struct Measured {
    row: Row,
    calls: usize,
    /// Nanoseconds of one call, a chunk.
    times: Vec<f64>,
}

impl Measured {
    fn min(&self) -> f64 {
        self.times.iter().copied().fold(f64::INFINITY, f64::min) / self.row.per as f64
    }

    fn median(&mut self) -> f64 {
        self.times.sort_by(f64::total_cmp);
        self.times.get(self.times.len() / 2).copied().unwrap_or(f64::NAN) / self.row.per as f64
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [allocs, summary] = arguments.as_slice() else {
        eprintln!("usage: time ALLOCS SUMMARY");
        return ExitCode::FAILURE;
    };
    match run(allocs, summary) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(allocs: &str, summary: &str) -> Result<(), String> {
    let allocs = std::fs::read_to_string(allocs).map_err(|error| format!("{allocs}: {error}"))?;
    let allocs: BTreeMap<String, f64> = serde_json::from_str(&allocs).map_err(|error| error.to_string())?;
    let keys = keys();
    let mut rows: Vec<Row> = Vec::new();
    let own = [
        ("floors", own::floors()),
        ("reads", own::reads()),
        ("rules", own::rules()),
        ("records", own::records()),
    ];
    let peers = peers::list::PEERS.iter().map(|(name, make)| (*name, make()));
    for (name, made) in own.into_iter().chain(peers) {
        match made {
            Ok(made) => rows.extend(made),
            Err(why) => println!("left out: {name}: {}", why.lines().next().unwrap_or_default()),
        }
    }
    let mut measured: Vec<Measured> = rows.into_iter().map(|row| prepared(row, &keys)).collect();
    for _ in 0..ROUNDS {
        for one in &mut measured {
            chunk(one, &keys);
        }
    }
    let mut lines = lines(&mut measured, &allocs);
    let (handle, name) = publish::measure(&keys)?;
    for (what, does, tail) in [
        ("", "p99.9 of evaluate by name while 1,000 snapshots of 1,000 flags are published a second", name),
        (
            "_handle",
            "p99.9 of is_on by handle while 1,000 snapshots of 1,000 flags are published a second",
            handle,
        ),
    ] {
        lines.push(json!({
            "name": format!("rollgate/publish_p999{what}"), "ns_min": tail.published, "ns_median": tail.published,
            "allocs": null, "over_floor": null, "versus": { "quiet": tail.published / tail.quiet },
            "does": does, "snapshots_per_second": tail.rate,
        }));
    }
    let text = serde_json::to_string_pretty(&lines).map_err(|error| error.to_string())?;
    std::fs::write(summary, text).map_err(|error| format!("{summary}: {error}"))
}

/// Finds out how many calls make a chunk.
fn prepared(row: Row, keys: &Keys) -> Measured {
    let mut calls = 8;
    let of_chunk = loop {
        let from = thread_ns();
        (row.run)(keys, calls);
        let each = (thread_ns() - from) as f64 / calls as f64;
        if each * calls as f64 > 20_000.0 {
            break if row.threads == 1 { CHUNK_NS / each } else { CHUNK_2T_NS / each };
        }
        calls *= 2;
    };
    row.settle.iter().for_each(|settle| settle());
    Measured { row, calls: (of_chunk as usize).max(8), times: Vec::with_capacity(ROUNDS) }
}

fn chunk(one: &mut Measured, keys: &Keys) {
    let (run, calls) = (&*one.row.run, one.calls);
    let warm = calls / 8 + 1;
    if one.row.threads == 1 {
        run(keys, warm);
        let from = thread_ns();
        run(keys, calls);
        one.times.push((thread_ns() - from) as f64 / calls as f64);
    } else {
        for _ in 0..TRIES {
            if let Some(time) = both(run, keys, calls) {
                one.times.push(time);
                break;
            }
        }
    }
    one.row.settle.iter().for_each(|settle| settle());
}

/// One call of each of two threads; `None` where they were not at it at the same time: on a busy machine one may wait
/// for a core, and the other is alone then.
fn both(run: &(dyn Fn(&Keys, usize) + Send + Sync), keys: &Keys, calls: usize) -> Option<f64> {
    let ready = AtomicUsize::new(0);
    let timed = || {
        run(keys, calls / 8 + 1);
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < 2 {
            std::hint::spin_loop();
        }
        let (begin, from) = (Instant::now(), thread_ns());
        run(keys, calls);
        ((thread_ns() - from) as f64 / calls as f64, begin, Instant::now())
    };
    let (here, there) = std::thread::scope(|scope| {
        let there = scope.spawn(timed);
        (timed(), there.join().ok())
    });
    let there = there?;
    let together = here.2.min(there.2).saturating_duration_since(here.1.max(there.1));
    let in_all = here.2.max(there.2) - here.1.min(there.1);
    (together >= in_all.mul_f64(0.9)).then(|| f64::midpoint(here.0, there.0))
}

/// The peers' rows that a row of rollgate is compared with.
fn rivals(name: &str) -> Option<&'static str> {
    Some(match name {
        "rollgate/record" => "/record",
        "rollgate/record_2t" => "/record_2t",
        "rollgate/rule_by_name" => "/rule",
        "rollgate/handle"
        | "rollgate/by_name_1000"
        | "rollgate/counted"
        | "rollgate/counted_by_name"
        | "rollgate/evaluate"
        | "rollgate/view"
        | "rollgate/missing" => "/plain",
        _ => return None,
    })
}

fn lines(measured: &mut [Measured], allocs: &BTreeMap<String, f64>) -> Vec<Value> {
    let medians: BTreeMap<String, f64> =
        measured.iter_mut().map(|one| (one.row.name.clone(), one.median())).collect();
    let mins: BTreeMap<String, f64> = measured.iter().map(|one| (one.row.name.clone(), one.min())).collect();
    let line = |one: &mut Measured| {
        let (min, median) = (one.min(), one.median());
        let name = &one.row.name;
        let single = name.trim_end_matches("_2t");
        // The least of two threads is a chunk in which they met least; what they cost each other is in the middle.
        let (all, own) = if single == name { (&mins, min) } else { (&medians, median) };
        let floor = all.get("floor/xxh3").copied().unwrap_or(f64::NAN);
        let mut versus = Map::new();
        if let Some(end) = rivals(name) {
            for (peer, ns) in all.iter().filter(|(peer, _)| peer.starts_with("peer/") && peer.ends_with(end))
            {
                let peer = peer.trim_start_matches("peer/").trim_end_matches(end);
                versus.insert(peer.to_owned(), json!(ns / own));
            }
        }
        if single != name {
            versus.insert("one thread".to_owned(), json!(all.get(single).map(|one| own / one)));
        }
        json!({
            "name": name, "ns_min": min, "ns_median": median, "allocs": allocs.get(single),
            "over_floor": own / floor, "versus": versus, "does": one.row.does, "chunks": one.times.len(),
        })
    };
    measured.iter_mut().map(line).collect()
}
