//! The truth table: written conditions on recorded histories, through compiling, windows and judging.
//!
//! The rows stand in `tests/spec/verdicts.toml` and `tests/spec/folds.toml`; a person can check them by hand.
//!
//! # Mutants
//!
//! Of the mutants that cargo-mutants makes of `judge/` (its texts left out), these are caught neither here nor by the
//! judge's own tests. None of them changes a verdict.
//!
//! - `alert.rs is_short < to <=`, `compare.rs Worse::say > to >=`, `trend.rs < to <=` and `> to >=`, `measure.rs
//!   low_traffic < to <=`: two computed numbers would have to be equal to the last bit.
//! - `trend.rs trended > to >=`: the sign is 1 or -1.
//! - `court.rs judge && to ||`, `has_sustained to true`: streaks that nobody keeps are judged once more.
//! - `court.rs is_watched > to >=`: no window that is empty by itself gets there, for a phase's reaches back `max_gap`.
//! - `fold.rs at_least_of += to -=`: of the failed ones only whether there are any is asked.
//! - `measure.rs sustained > to >=` and `&& to ||`: the longer window is the shorter one, or is empty as well.
//! - `measure.rs has_lasted + to *`: a millisecond of rounding.
//! - `statistics.rs binomial_tail`, where the tail is cut off, and below the mean, where its edges meet: the sum is the
//!   same to 1e-17, or the tail is near one, which is far from the 0.1 % that is asked of it.
//! - `statistics.rs quantile_ranks + to - or *`: the middle itself is never rejected.
//! - `statistics.rs BetaBinomial::shape`: a floor that no confidence of a plan reaches.
//! - `statistics.rs clustered < to <=`: a comparison asks for 32 clusters.
//! - `statistics.rs mann_kendall` and `theil_sen`, `at + 1` to `at * 1`: a pair of one part with itself counts nothing.
//! - `compare.rs arm_value`, `has_clusters`, `verdict.rs Cause::words`: what is shown, not what is judged.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod folds;
mod properties;
mod stage;
mod table;

use rollgate_core::judge::{Cause, Verdict};
use stage::play;
use table::{Row, rows};

const TABLE: &str = include_str!("../../../../tests/spec/verdicts.toml");

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::NoData => "no_data",
        Cause::TooFewSamples => "too_few_samples",
        Cause::Coverage => "coverage",
        Cause::NoBaseline => "no_baseline",
        Cause::Drops => "drops",
        Cause::Undecided => "undecided",
        Cause::Unattested => "unattested",
        Cause::NotYet => "not_yet",
    }
}

fn as_gate(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Inconclusive(why) => cause(why),
        Verdict::Pass => "pass",
        Verdict::Warn => "warn",
        Verdict::Fail => "fail",
        Verdict::Skipped => "skipped",
    }
}

fn as_trigger(verdict: Verdict) -> &'static str {
    match verdict {
        // A trigger fires or does not: what warns as a gate is no verdict of its own here.
        Verdict::Pass => "fires",
        Verdict::Fail => "clear",
        other => as_gate(other),
    }
}

/// What is wrong with a row, and how many verdicts it was asked for.
fn check(table: &rollgate_core::config::Node, row: &Row, wrong: &mut Vec<String>) -> usize {
    let judged = play(table, row);
    let is_judged = (row.gate.is_none() || judged.gate.is_some())
        && (row.trigger.is_none() || judged.trigger.is_some())
        && (row.since.is_none() || judged.since.is_some());
    assert!(is_judged, "{} was not judged", row.name);
    let gate = row.gate.as_deref().zip(judged.gate.map(as_gate));
    let trigger = row.trigger.as_deref().zip(judged.trigger.map(as_trigger));
    let since = row.since.as_deref().zip(judged.since.map(as_trigger));
    let all = [("gate", gate), ("trigger", trigger), ("trigger that fired", since)];
    for (what, (expected, found)) in all.into_iter().filter_map(|(what, of)| Some((what, of?))) {
        if expected != found {
            wrong.push(format!("{}: as a {what} {found}, not {expected}", row.name));
        }
    }
    all.iter().filter(|(_, of)| of.is_some()).count()
}

/// Whether a condition asks only what was recorded, so that an empty feed is no evidence at all.
fn is_of_records(when: &rollgate_core::config::Node) -> bool {
    let mut text = format!("{when:?}");
    text.retain(|c| c != ' ');
    // Facts of the rollout, and the self-metric that is live by nature.
    !["\"shares\"", "\"share_above\"", "\"phase_for\"", "rollgate.rollbacks"]
        .iter()
        .any(|key| text.contains(key))
}

/// No row without any evidence passes, and what the table expects of one is never a pass.
#[test]
fn no_row_without_evidence_passes() {
    let table = table::read(TABLE);
    let (mut marked, mut empty) = (0, 0);
    for row in rows(&table) {
        let is_empty = row.feed.is_empty() && row.given.is_empty() && is_of_records(&row.when);
        if !(row.is_without_evidence || is_empty) {
            continue;
        }
        marked += usize::from(row.is_without_evidence);
        empty += usize::from(is_empty);
        let judged = play(&table, &row);
        assert!(!judged.gate.is_some_and(Verdict::is_passing), "{} passes on nothing", row.name);
        // Silence fires only where the plan says so.
        let is_told = format!("{:?}", row.when).contains("\"fire\"");
        assert!(is_told || !judged.trigger.is_some_and(Verdict::is_passing), "{} fires on nothing", row.name);
    }
    assert!(marked >= 80 && empty >= 50, "{marked} rows are marked, {empty} are empty");
}

#[test]
fn every_row_of_the_truth_table_has_its_verdict() {
    let table = table::read(TABLE);
    let rows = rows(&table);
    let mut wrong = Vec::new();
    let verdicts: usize = rows.iter().map(|row| check(&table, row, &mut wrong)).sum();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 300, "only {} rows", rows.len());
    assert!(verdicts >= 500, "only {verdicts} verdicts");
}
