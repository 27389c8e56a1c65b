//! The rollout document's contradictions (S1 to S13), each in a small plan, and what is said about it.
//!
//! The plans lie in `tests/spec/contradictions`, and beside each the problems that it must give, word for word. S9
//! (calls without a token) is no matter of a plan file: the admin API refuses them. What S12 says of a missing document
//! has no form in a plan; the nearest is a procedure that is named and defined nowhere.

use std::path::Path;

use rollgate::core::compile::Problems;
use rollgate::read::{ReadError, plan_file};

use crate::root;

/// Set it to write the texts anew; then read what changed before it is committed.
const BLESS: &str = "ROLLGATE_BLESS";

fn problems(path: &Path) -> Problems {
    match plan_file(path) {
        Ok(compiled) => Problems(compiled.warnings),
        Err(ReadError::Refused(refused)) => refused.problems,
        Err(error) => panic!("{error}"),
    }
}

/// The plan gives exactly the problems beside it, among them these codes.
#[track_caller]
fn says(name: &str, codes: &[&str]) {
    let path = root().join("tests/spec/contradictions").join(name).with_extension("yaml");
    let found = problems(&path);
    let text: String = found.0.iter().map(|problem| format!("{problem}\n")).collect();
    let beside = path.with_extension("txt");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&beside, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&beside).unwrap_or_default();
    assert_eq!(text, expected, "{}; {BLESS}=1 writes it anew", beside.display());
    let given: Vec<&str> = found.0.iter().map(|problem| problem.code).collect();
    assert_eq!(given, codes, "{text}");
    for problem in &found.0 {
        assert!(problem.help.is_some() && problem.line > 0 && !problem.path.is_empty(), "{problem}");
    }
}

#[test]
fn s01_more_than_five_and_five_or_more_disagree_about_five() {
    says("s01", &["limits-disagree"]);
    says("s01-window", &["missing-key"]);
}

#[test]
fn s02_of_two_limits_on_one_thing_the_looser_never_decides() {
    says("s02", &["trigger-never-first"]);
}

#[test]
fn s03_exactly_two_incidents_neither_pass_nor_act() {
    says("s03", &["band-without-action"]);
}

#[test]
fn s04_a_total_that_the_phases_do_not_take_is_refused() {
    says("s04", &["total-differs"]);
}

#[test]
fn s05_a_title_that_begins_higher_than_the_steps() {
    says("s05", &["title-differs"]);
}

#[test]
fn s06_targets_that_the_baseline_misses_or_no_gate_asks_for() {
    says("s06", &["baseline-misses", "target-without-gate", "target-without-gate"]);
}

#[test]
fn s07_no_alerts_for_four_hours_can_be_read_in_two_ways() {
    says("s07", &["ambiguous-alerts", "ambiguous-alerts"]);
}

#[test]
fn s08_words_without_numbers_are_refused_each_where_it_stands() {
    says(
        "s08",
        &["wrong-duration", "wrong-number", "wrong-number", "wrong-number", "wrong-duration", "wrong-number"],
    );
}

#[test]
fn s10_a_trigger_that_no_rollback_cures() {
    says("s10", &["incurable", "incurable"]);
}

#[test]
fn s11_a_band_in_which_nobody_acts() {
    says("s11", &["band-without-action", "band-without-action"]);
}

#[test]
fn s12_a_procedure_that_is_named_and_defined_nowhere() {
    says("s12", &["unknown-phase", "unknown-phase", "unknown-phase"]);
}

#[test]
fn s13_at_exactly_the_limit_neither_passes_nor_fires() {
    says("s13", &["limits-both-strict", "band-without-action"]);
}

/// The plan that the document became has every pair that the document has, and no other kind of warning.
#[test]
fn the_plan_of_the_document_gives_the_contradictions_that_are_left_in_it() {
    let found = problems(&root().join("examples/plans/memory-system.yaml"));
    let mut codes: Vec<&str> = found.0.iter().map(|problem| problem.code).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes, ["band-without-action", "hold-shorter-than-window", "incurable", "limits-both-strict"]);
}
