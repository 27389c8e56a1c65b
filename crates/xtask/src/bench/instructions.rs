//! `cargo xtask bench --instructions`: instructions of one call, counted by callgrind: steadier than nanoseconds on a
//! machine that others use too.
//!
//! Each call is run a few times and many times; the difference over the calls between is what one costs, less what the
//! empty loop costs.

use std::process::Command;

use super::super::{cargo, run as shown};

const FEW: u64 = 2_000;
const MANY: u64 = 22_000;

/// Calls, each with the instructions that it may take.
const CALLS: [(&str, Option<f64>); 10] = [
    ("handle", Some(75.0)),
    ("by_name", Some(240.0)),
    ("rule_by_name", Some(400.0)),
    ("rule_evaluate", None),
    ("missing", None),
    ("counted", None),
    ("counted_by_name", None),
    ("evaluate", None),
    ("record", None),
    ("record_for_key", None),
];

pub(super) fn run() -> Result<(), String> {
    shown(&cargo(), &["build", "--release", "--package", "rollgate-benches", "--bin", "count"])?;
    let empty = each("empty")?;
    println!("{:<20}{:>14}{:>10}", "call", "instructions", "at most");
    for (call, most) in CALLS {
        match each(call) {
            Ok(found) => {
                let found = found - empty;
                let verdict = if most.is_some_and(|most| found > most) { "  MISSED" } else { "" };
                let most = most.map_or_else(String::new, |most| format!("{most:.0}"));
                println!("{call:<20}{found:>14.1}{most:>10}{verdict}");
            }
            Err(why) => println!("{call:<20}{why:>24}"),
        }
    }
    Ok(())
}

fn each(call: &str) -> Result<f64, String> {
    Ok((counted(call, MANY)? - counted(call, FEW)?) as f64 / (MANY - FEW) as f64)
}

fn counted(call: &str, calls: u64) -> Result<u64, String> {
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            "target/release/count",
            call,
            &calls.to_string(),
        ])
        .output()
        .map_err(|error| format!("valgrind: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let why = text.lines().find(|line| !line.starts_with("==")).unwrap_or("it failed");
        return Err(why.to_owned());
    }
    collected(&text).ok_or_else(|| "callgrind says nothing".to_owned())
}

/// The instructions that callgrind says it has counted.
fn collected(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.split_whitespace().next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_what_callgrind_prints() {
        assert_eq!(collected("==1== Events    : Ir\n==1== Collected : 1234567\n==1==\n"), Some(1_234_567));
        assert_eq!(collected("==1== killed\n"), None);
    }
}
