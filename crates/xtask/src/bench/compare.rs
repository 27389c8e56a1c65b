//! Builds and runs `benches/compare`, checks that it measured everything, and shows it.

use std::fs;
use std::process::Command;

use serde_json::json;

use super::super::{cargo, run as shown};
use super::summary::{self, ABOUT, READERS, RECORDERS, Row, SUMMARY};
use super::{budgets, readme};

const MANIFEST: &str = "benches/compare/Cargo.toml";
const TARGET: &str = "target/compare";
const ALLOCS: &str = "target/bench/allocs.json";

/// The feature of each peer, in the order of [`READERS`] and [`RECORDERS`].
const FEATURES: [&str; 9] = [
    "unleash",
    "eppo",
    "launchdarkly",
    "growthbook",
    "statsig",
    "flagd",
    "metrics",
    "prometheus",
    "hdrhistogram",
];

/// A peer, and why it is not measured.
type LeftOut = (String, String);

pub(super) fn run() -> Result<(), String> {
    fs::create_dir_all("target/bench").map_err(|error| format!("target/bench: {error}"))?;
    let mut left_out = build()?;
    shown(&format!("{TARGET}/release/allocs"), &[ALLOCS])?;
    left_out.extend(time()?);
    let rows = summary::read()?;
    print(&rows);
    budgets::lines(&rows).iter().for_each(|line| println!("{line}"));
    for (peer, why) in &left_out {
        println!("left out: {peer}: {why}");
    }
    let about = json!({
        "machine": readme::machine(), "date": readme::today(), "left_out": left_out,
    });
    fs::write(ABOUT, about.to_string()).map_err(|error| format!("{ABOUT}: {error}"))?;
    let names: Vec<String> = left_out.into_iter().map(|(peer, _)| peer).collect();
    let missing = summary::missing(&rows, &names);
    if missing.is_empty() { Ok(()) } else { Err(format!("{SUMMARY} lacks {}", missing.join(", "))) }
}

/// Runs the measurement; gives what it left out itself.
fn time() -> Result<Vec<LeftOut>, String> {
    let program = format!("{TARGET}/release/time");
    eprintln!("$ {program} {ALLOCS} {SUMMARY}");
    let output = Command::new(&program).args([ALLOCS, SUMMARY]).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{program}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let left = text.lines().filter_map(|line| line.strip_prefix("left out: ")?.split_once(": "));
    Ok(left.map(|(peer, why)| (peer.to_owned(), why.to_owned())).collect())
}

/// Builds with every peer; where that fails, with those that build by themselves.
fn build() -> Result<Vec<LeftOut>, String> {
    let arguments = |command: &'static str, features: &str| -> Vec<String> {
        // Not `--locked`: the lock file holds the peers still, and follows the library where it takes on a crate.
        let all = [command, "--release", "--manifest-path", MANIFEST, "--target-dir", TARGET];
        let features = ["--no-default-features", "--features", features];
        all.iter().chain(&features).map(|argument| (*argument).to_owned()).collect()
    };
    let build = |features: &str| {
        let arguments = arguments("build", features);
        shown(&cargo(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    if build(&FEATURES.join(",")).is_ok() {
        return Ok(Vec::new());
    }
    let peers = READERS.iter().chain(&RECORDERS);
    let (mut built, mut left_out) = (Vec::new(), Vec::new());
    for (feature, peer) in FEATURES.iter().zip(peers) {
        let output = Command::new(cargo()).args(arguments("check", feature)).output();
        let output = output.map_err(|error| format!("cargo check: {error}"))?;
        if output.status.success() {
            built.push(*feature);
        } else {
            let text = String::from_utf8_lossy(&output.stderr);
            let why = text.lines().find(|line| line.starts_with("error")).unwrap_or("it does not build");
            left_out.push(((*peer).to_owned(), why.to_owned()));
        }
    }
    build(&built.join(","))?;
    Ok(left_out)
}

fn print(rows: &[Row]) {
    println!(
        "{:<46}{:>12}{:>12}{:>9}{:>9}  what it does",
        "call", "ns, least", "ns, median", "allocs", "floors"
    );
    for row in rows {
        let number =
            |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"));
        println!(
            "{:<46}{:>12.2}{:>12.2}{:>9}{:>9}  {}",
            row.name,
            row.ns,
            row.median,
            number(row.allocs),
            number(row.over_floor),
            row.does
        );
        let versus: Vec<String> =
            row.versus.iter().map(|(peer, ratio)| format!("{peer} {ratio:.2}")).collect();
        if !versus.is_empty() {
            println!("{:<46}times as long: {}", "", versus.join(", "));
        }
    }
}
