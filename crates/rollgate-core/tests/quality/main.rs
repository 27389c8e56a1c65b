//! How well buckets are dealt: even, unrelated between flags and domains, and the same on every rung of a ladder.
//!
//! The checks are written once, over any function that deals buckets (`functions.rs`), and see nothing of it but its
//! answers. Ours has to pass all of them; functions that are known to be wrong have to fail, each at the checks that its
//! row names. Keys and salts are fixed, so a run says the same every time: the false alarms that are stated beside each
//! bound are those that a change of keys or salts would risk.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.
#![allow(clippy::disallowed_macros)] // And say which check caught what.

mod checks;
mod functions;
mod keys;
mod statistics;

use checks::Check;
use functions::{
    Bucketing, ByTurns, GrowthBookV1, Modulo101, OneSeedForAllDomains, Ours, RedealtAtEachShare,
};

#[test]
fn keys_of_eight_shapes_fall_evenly_under_fifty_salts() {
    passes(Check::Even);
}

#[test]
fn shares_of_a_million_keys_are_within_4_9_sigma() {
    passes(Check::Shares);
}

#[test]
fn flags_with_adjacent_names_are_independent_pair_by_pair() {
    passes(Check::Pairs);
}

#[test]
fn rollout_variant_and_holdout_of_one_salt_are_independent() {
    passes(Check::Domains);
}

#[test]
fn a_ladder_of_shares_only_adds_subjects_and_takes_them_back() {
    passes(Check::Ladders);
}

fn passes(check: Check) {
    let faults = check.faults::<Ours>();
    assert!(faults.is_empty(), "{check:?}:\n{}", faults.join("\n"));
}

#[test]
fn growthbook_v1_is_called_wrong() {
    fails_at::<GrowthBookV1>(&[Check::Even, Check::Pairs, Check::Domains]);
}

#[test]
fn one_seed_for_rollout_and_variant_is_called_wrong() {
    fails_at::<OneSeedForAllDomains>(&[Check::Domains]);
}

#[test]
fn modulo_101_is_called_wrong() {
    let told = fails_at::<Modulo101>(&[Check::Even, Check::Shares, Check::Domains]);
    // Not only where a percent is too coarse.
    for share in ["at 50 %", "at 100 %"] {
        assert!(told.iter().any(|fault| fault.contains(share)), "{share}");
    }
}

#[test]
fn a_hash_of_key_and_share_is_called_wrong() {
    fails_at::<RedealtAtEachShare>(&[Check::Ladders]);
}

#[test]
fn subjects_taken_by_turns_are_called_wrong() {
    let told = fails_at::<ByTurns>(&[Check::Even, Check::Pairs, Check::Domains]);
    assert!(told[0].contains("too even"), "{told:?}");
}

/// The checks that call a function wrong are these, and no others but for the two slow ones, which are asked only where
/// they are named. Gives all that they say.
fn fails_at<B: Bucketing>(expected: &[Check]) -> Vec<String> {
    let is_slow = |check| matches!(check, Check::Even | Check::Shares);
    let (mut failed, mut told) = (Vec::new(), Vec::new());
    for check in Check::ALL.into_iter().filter(|check| !is_slow(*check) || expected.contains(check)) {
        let faults = check.faults::<B>();
        if let Some(first) = faults.first() {
            println!("{check:?} ({} faults): {first}", faults.len());
            failed.push(check);
        }
        told.extend(faults);
    }
    assert_eq!(failed, expected);
    told
}
