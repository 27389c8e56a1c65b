//! Counts allocations of every call: `allocs FILE`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use rollgate_compare::row::keys;
use rollgate_compare::{own, peers};

const CALLS: usize = 2_048;

fn main() -> ExitCode {
    let Some(file) = std::env::args().nth(1) else {
        eprintln!("usage: allocs FILE");
        return ExitCode::FAILURE;
    };
    let keys = keys();
    let mut counted: BTreeMap<String, f64> = BTreeMap::new();
    let own = [own::floors(), own::reads(), own::rules(), own::records()];
    let peers = peers::list::PEERS.iter().map(|(_, make)| make());
    for row in own.into_iter().chain(peers).flatten().flatten().filter(|row| row.threads == 1) {
        // What a thread or a bucket needs once is not what a call needs.
        (row.run)(&keys, CALLS);
        let counts = allocation_counter::measure(|| (row.run)(&keys, CALLS));
        counted.insert(row.name, counts.count_total as f64 / CALLS as f64);
    }
    let text = serde_json::to_string(&counted).unwrap_or_default();
    match std::fs::write(&file, text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{file}: {error}");
            ExitCode::FAILURE
        }
    }
}
