//! `cargo xtask bench --bindings`: C, Python and Node, each beside a call of its own that does nothing, and beside its peers.
//!
//! Each language has a runner under `benches/bindings` that prints a line of JSON for each call. Its rows join those of
//! `cargo xtask bench` in `target/bench/summary.json`; what a call costs over one that does nothing stands there as
//! `over_floor`.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::super::{c, python, run as shown};
use super::summary::{self, SUMMARY};

/// What a run must give, and the peers of each language. A peer that could not be measured is named by its runner.
const LANGUAGES: [(&str, &[&str]); 3] = [
    ("c", &[]),
    (
        "python",
        &["eppo-server-sdk", "statsig-python-core", "growthbook", "UnleashClient", "launchdarkly-server-sdk"],
    ),
    (
        "node",
        &[
            "unleash-client",
            "@growthbook/growthbook",
            "@statsig/statsig-node-core",
            "@launchdarkly/node-server-sdk",
        ],
    ),
];
const CALLS: [&str; 4] = ["noop", "handle", "by_name", "batch"];

/// What a call may cost.
enum Of {
    /// So many calls that do nothing.
    Noops(f64),
    /// So many nanoseconds.
    Nanoseconds(f64),
    /// So many nanoseconds over the floor of `cargo xtask bench`.
    OverFloor(f64),
    /// At most this part of what the peer takes.
    Peer(&'static str, f64),
}

const BUDGETS: [(&str, Of); 14] = [
    ("c/handle", Of::OverFloor(1.5)),
    ("c/handle", Of::Noops(3.0)),
    ("c/by_name", Of::Noops(8.0)),
    ("c/batch", Of::Noops(2.5)),
    ("python/handle", Of::Noops(1.3)),
    ("python/by_name", Of::Noops(2.0)),
    ("python/batch", Of::Nanoseconds(25.0)),
    ("python/handle", Of::Peer("eppo-server-sdk", 7.0)),
    ("python/by_name", Of::Peer("eppo-server-sdk", 7.0)),
    ("node/handle", Of::Noops(1.5)),
    ("node/by_name", Of::Noops(2.3)),
    ("node/batch", Of::Nanoseconds(4.0)),
    ("node/handle", Of::Peer("unleash-client", 8.0)),
    ("node/by_name", Of::Peer("unleash-client", 8.0)),
];

/// One line of a runner.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    least: f64,
    median: f64,
    allocs: Option<f64>,
}

pub(super) fn run() -> Result<(), String> {
    fs::create_dir_all("target/bench").map_err(|error| format!("target/bench: {error}"))?;
    let (program, library) = c::bench()?;
    let mut rows = measured(Command::new(program).arg(&library))?;
    let interpreter = python::bench()?;
    rows.extend(measured(Command::new(interpreter).arg("benches/bindings/python/bench.py"))?);
    let npm =
        ["install", "--prefix", "benches/bindings/node", "--no-package-lock", "--no-audit", "--no-fund"];
    shown("npm", &npm)?;
    rows.extend(measured(Command::new("node").args(["benches/bindings/node/bench.js", &library]))?);
    let before = fs::read_to_string(SUMMARY).ok();
    let merged = merge(before.as_deref(), &rows)?;
    fs::write(SUMMARY, &merged).map_err(|error| format!("{SUMMARY}: {error}"))?;
    print(&rows);
    let floor = summary::parse(&merged)?.into_iter().find(|row| row.name == "floor/xxh3").map(|row| row.ns);
    BUDGETS.iter().for_each(|(name, of)| println!("{}", line(&rows, floor, name, of)));
    let missing = missing(&rows);
    if missing.is_empty() { Ok(()) } else { Err(format!("not measured: {}", missing.join(", "))) }
}

/// Runs a runner; what it says on standard error is shown.
fn measured(command: &mut Command) -> Result<Vec<Row>, String> {
    eprintln!("$ {command:?}");
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|error| format!("{command:?}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{command:?}: {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| read(line).ok_or_else(|| format!("{command:?}: cannot read {line}"))).collect()
}

fn read(line: &str) -> Option<Row> {
    let value: Value = serde_json::from_str(line).ok()?;
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    let least = number("ns_min").filter(|ns| ns.is_finite() && *ns > 0.0)?;
    let name = value.get("name")?.as_str()?.to_owned();
    Some(Row { name, least, median: number("ns_median")?, allocs: number("allocs") })
}

fn find<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.name == name)
}

/// The language of a row of rollgate's own, and the peers of that language.
fn language_of(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    let language = name.split_once('/')?.0;
    LANGUAGES.iter().copied().find(|(own, _)| *own == language)
}

/// The summary with these rows in place of those that it had of them.
fn merge(before: Option<&str>, rows: &[Row]) -> Result<String, String> {
    let kept: Vec<Value> = match before {
        Some(text) => serde_json::from_str(text).map_err(|error| format!("{SUMMARY}: {error}"))?,
        None => Vec::new(),
    };
    let is_new = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str).unwrap_or_default();
        find(rows, name).is_some() || language_of(name).is_some()
    };
    let kept = kept.into_iter().filter(|value| !is_new(value));
    let all: Vec<Value> = kept.chain(rows.iter().map(|row| written(rows, row))).collect();
    serde_json::to_string_pretty(&all).map_err(|error| error.to_string())
}

fn written(rows: &[Row], row: &Row) -> Value {
    let language = language_of(&row.name);
    let noop = language.and_then(|(language, _)| find(rows, &format!("{language}/noop")));
    let peers = language.filter(|_| !row.name.ends_with("/noop")).map_or(&[][..], |(_, peers)| peers);
    let versus: serde_json::Map<String, Value> = peers
        .iter()
        .filter_map(|peer| {
            let of_peer = find(rows, &format!("peer/{peer}"))?;
            Some(((*peer).to_owned(), (of_peer.least / row.least).into()))
        })
        .collect();
    json!({
        "name": row.name, "ns_min": row.least, "ns_median": row.median, "allocs": row.allocs,
        "over_floor": noop.map(|noop| row.least / noop.least), "versus": versus,
    })
}

/// Names that a run must have and has not.
fn missing(rows: &[Row]) -> Vec<String> {
    let names = LANGUAGES.iter().flat_map(|(language, peers)| {
        let own = CALLS.iter().map(move |call| format!("{language}/{call}"));
        own.chain(peers.iter().map(|peer| format!("peer/{peer}")))
    });
    names.filter(|name| find(rows, name).is_none()).collect()
}

fn print(rows: &[Row]) {
    println!("{:<38}{:>12}{:>12}{:>9}{:>9}", "call", "ns, least", "ns, median", "allocs", "noops");
    for row in rows {
        let value = written(rows, row);
        let noops =
            value["over_floor"].as_f64().map_or_else(|| "-".to_owned(), |noops| format!("{noops:.2}"));
        let allocs = row.allocs.map_or_else(|| "-".to_owned(), |allocs| format!("{allocs:.2}"));
        println!("{:<38}{:>12.2}{:>12.2}{allocs:>9}{noops:>9}", row.name, row.least, row.median);
        let versus = value["versus"].as_object().into_iter().flatten();
        let versus: Vec<String> =
            versus.map(|(peer, ratio)| format!("{peer} {:.1}", ratio.as_f64().unwrap_or(f64::NAN))).collect();
        if !versus.is_empty() {
            println!("{:<38}times as long: {}", "", versus.join(", "));
        }
    }
}

/// One budget: what it allows, what was measured, whether it is kept.
fn line(rows: &[Row], floor: Option<f64>, name: &str, of: &Of) -> String {
    let row = find(rows, name);
    let noop = language_of(name).and_then(|(language, _)| find(rows, &format!("{language}/noop")));
    let (allowed, found, most) = match of {
        Of::Noops(most) => {
            let ratio = row.zip(noop).map(|(row, noop)| row.least / noop.least);
            (format!("at most {most} calls that do nothing"), ratio, Some(*most))
        }
        Of::Nanoseconds(most) => (format!("at most {most} ns"), row.map(|row| row.least), Some(*most)),
        Of::OverFloor(more) => {
            let most = floor.map(|floor| floor + more);
            let shown = most.map_or_else(|| "not measured".to_owned(), |most| format!("{most:.2} ns"));
            (format!("at most {more} ns over the floor: {shown}"), row.map(|row| row.least), most)
        }
        Of::Peer(peer, part) => {
            let of_peer = find(rows, &format!("peer/{peer}"));
            let ratio = row.zip(of_peer).map(|(row, of_peer)| row.least * part / of_peer.least);
            (format!("at most 1/{part} of {peer}, as parts of that"), ratio, Some(1.0))
        }
    };
    let verdict = match found.zip(most) {
        Some((found, most)) if found <= most => "kept",
        Some(_) => "MISSED",
        None => "not measured",
    };
    let found = found.map_or_else(|| "-".to_owned(), |found| format!("{found:.2}"));
    format!("{verdict:<13}{name:<30}{allowed:<52}{found}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    fn rows() -> Vec<Row> {
        missing(&[])
            .into_iter()
            .map(|name| {
                let least = if name.ends_with("noop") {
                    2.0
                } else if name.starts_with("peer/") {
                    40.0
                } else {
                    5.0
                };
                Row { name, least, median: least, allocs: Some(0.0) }
            })
            .collect()
    }

    #[test]
    fn rows_join_those_of_the_other_bench_and_take_the_place_of_older_ones() {
        let before = r#"[{"name":"floor/xxh3","ns_min":3,"ns_median":3,"allocs":0,"over_floor":1,"versus":{}},
            {"name":"c/handle","ns_min":9,"ns_median":9,"allocs":0,"over_floor":1,"versus":{}}]"#;
        let merged = summary::parse(&merge(Some(before), &rows()).unwrap()).unwrap();
        assert_eq!(merged.len(), 1 + rows().len());
        let handle = merged.iter().find(|row| row.name == "node/handle").unwrap();
        assert_eq!((handle.over_floor, handle.over("unleash-client")), (Some(2.5), Some(8.0)));
        assert_eq!(merged.iter().filter(|row| row.name == "c/handle").count(), 1);
    }

    #[test]
    fn a_budget_is_kept_up_to_what_it_allows_and_missed_beyond() {
        let rows = rows();
        let verdict = |name: &str, of: Of| {
            line(&rows, Some(3.5), name, &of).split_whitespace().next().unwrap_or_default().to_owned()
        };
        assert_eq!(verdict("c/handle", Of::Noops(2.5)), "kept");
        assert_eq!(verdict("c/handle", Of::Noops(2.4)), "MISSED");
        assert_eq!(verdict("c/handle", Of::OverFloor(1.5)), "kept");
        assert_eq!(verdict("c/handle", Of::OverFloor(1.4)), "MISSED");
        assert_eq!(verdict("node/handle", Of::Peer("unleash-client", 8.0)), "kept");
        assert_eq!(verdict("node/handle", Of::Peer("unleash-client", 8.1)), "MISSED");
        assert_eq!(verdict("node/none", Of::Nanoseconds(9.0)), "not");
    }

    #[test]
    fn every_name_is_owed() {
        let rows = rows();
        assert_eq!(rows.len(), 3 * CALLS.len() + 9);
        for index in 0..rows.len() {
            let mut some = rows.clone();
            let name = some.remove(index).name;
            assert_eq!(missing(&some), [name]);
        }
    }
}
