//! What is dropped is counted, journalled, and keeps a gate from passing.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::sync::Arc;

use rollgate::core::snapshot::Ruleset;
use rollgate::read::{Format, ruleset};
use rollgate::replay::journal_of;

const PLAN: &str = "
version: 1
name: drops
flags: { A: {} }
roles: { lead: {} }
metrics:
  latency: { kind: distribution, unit: ms }
  heap: { kind: gauge, unit: MB }
  crashes: { kind: event }
phases:
  - id: first
    duration: 10m
    steps: [ { set: { A: 10% }, soak: 1m } ]
    gates:
      fast: { metric: latency, stat: p95, over: 5m, below: 200ms, min_samples: 10 }
    triggers:
      crash: { when: { metric: crashes, stat: count, over: 24h, at_least: 1 }, rollback: { to: zero } }
    decision: { roles: [lead] }
";
/// 2026-01-19T10:00:00Z.
const START: i64 = 1_768_816_800_000;

fn plan() -> Arc<Ruleset> {
    match ruleset(PLAN, Format::Yaml) {
        Ok(compiled) => Arc::new(compiled.ruleset),
        Err(problems) => panic!("{problems}"),
    }
}

fn at(seconds: i64, rest: &str) -> String {
    format!("{{\"at\":{},{rest}}}\n", START + seconds * 1_000)
}

fn records(trace: &str, kind: &str) -> Vec<serde_json::Value> {
    let journal = journal_of(plan(), trace).unwrap();
    let records = journal.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter(|record| record["kind"] == kind).collect()
}

/// Eleven minutes of latencies, with `more` among them.
fn trace(more: &[(i64, &str)]) -> String {
    let mut trace = at(0, "\"live\":\"all\"") + &at(0, "\"command\":\"start\",\"by\":\"lead\"");
    for second in (5..660).step_by(10) {
        trace += &at(second, "\"metric\":\"latency\",\"value\":100,\"count\":20");
        for (_, line) in more.iter().filter(|(when, _)| (second..second + 10).contains(when)) {
            trace += &at(second, line);
        }
    }
    trace + &at(661, "\"tick\":true")
}

#[test]
fn impossible_and_unknown_samples_are_journalled_with_their_names() {
    let trace = trace(&[
        (20, "\"metric\":\"latency\",\"value\":-1,\"count\":3"),
        (40, "\"metric\":\"latencies\",\"value\":5"),
        (50, "\"metric\":\"latencies\",\"values\":[5,6]"),
        (300, "\"metric\":\"heap\",\"value\":1e300"),
    ]);
    let dropped: Vec<(String, u64)> = records(&trace, "dropped")
        .iter()
        .map(|record| (record["metric"].as_str().unwrap().to_owned(), record["count"].as_u64().unwrap()))
        .collect();
    let named = |name: &str, count| (name.to_owned(), count);
    assert_eq!(
        dropped,
        [named("latency", 3), named("latencies", 1), named("latencies", 2), named("heap", 1)]
    );
}

#[test]
fn a_gate_passes_without_drops_in_its_window_and_not_with_them() {
    assert_eq!(records(&trace(&[]), "gates_passed").len(), 1);
    let early = trace(&[(100, "\"metric\":\"latency\",\"value\":-1")]);
    assert_eq!(records(&early, "gates_passed").len(), 1, "a drop that has left the window is over");
    let late = trace(&[(550, "\"metric\":\"latency\",\"value\":-1")]);
    assert_eq!(records(&late, "gates_passed").len(), 0);
    assert_eq!(records(&late, "gates_inconclusive").len(), 1);
}

#[test]
fn a_flood_of_bad_samples_does_not_flood_the_journal_and_is_told_in_full() {
    let mut trace = at(0, "\"live\":\"all\"") + &at(0, "\"command\":\"start\",\"by\":\"lead\"");
    for second in (0..7_200).step_by(5) {
        let _ = write!(trace, "{}", at(second, "\"metric\":\"latency\",\"value\":-1"));
    }
    let dropped = records(&trace, "dropped");
    assert!(dropped.len() <= 20, "{}", dropped.len());
    assert_eq!(dropped.iter().map(|record| record["count"].as_u64().unwrap()).sum::<u64>(), 1_440);
}

#[test]
fn an_event_that_rolled_back_is_not_found_again_after_the_rollback() {
    let trace = trace(&[(100, "\"metric\":\"crashes\",\"count\":1")]);
    assert_eq!(records(&trace, "rolled_back").len(), 1);
    assert_eq!(records(&trace, "rollback_ineffective").len(), 0);
}

#[test]
fn an_event_whose_source_nobody_said_is_live_rolls_back_all_the_same() {
    let trace = at(0, "\"command\":\"start\",\"by\":\"lead\"")
        + &at(30, "\"metric\":\"crashes\",\"count\":1")
        + &at(60, "\"tick\":true");
    assert_eq!(records(&trace, "rolled_back").len(), 1);
}
