//! What holds, and what has to be found.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rollgate_core::snapshot::Snapshot;

use super::cell;
use super::moved;
use super::sync::Loom;
use crate::has_cell;
use crate::scenarios::{self, first};

has_cell!(cell);

/// Tries every order of a scenario.
fn all_orders(scenario: fn(&Snapshot)) {
    let (first, tried) = (first(), Arc::new(AtomicU64::new(0)));
    let counted = tried.clone();
    let mut model = loom::model::Builder::new();
    model.max_branches = 10_000;
    model.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        scenario(&first);
    });
    println!("{} orders", tried.load(Ordering::Relaxed));
}

#[test]
fn a_reader_sees_versions_grow() {
    all_orders(scenarios::a_reader_sees_versions_grow::<Cell, Loom>);
}

#[test]
fn a_handle_is_never_ahead() {
    all_orders(scenarios::a_handle_is_never_ahead::<Cell, Loom>);
}

#[test]
fn of_two_publishers_the_later_version_stays() {
    all_orders(scenarios::of_two_publishers_the_later_version_stays::<Cell, Loom>);
}

#[test]
fn what_one_thread_has_seen_another_finds() {
    all_orders(scenarios::what_one_thread_has_seen_another_finds::<Cell, Loom>);
}

#[test]
fn two_engines_keep_apart() {
    all_orders(scenarios::two_engines_keep_apart::<Cell, Loom>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_version_stored_after_the_swap_is_found() {
    all_orders(scenarios::a_reader_sees_versions_grow::<moved::version_after_swap::Cell, Loom>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_version_stored_after_the_swap_is_found_between_threads() {
    all_orders(scenarios::what_one_thread_has_seen_another_finds::<moved::version_after_swap::Cell, Loom>);
}

#[test]
#[should_panic(expected = "took another")]
fn a_copy_of_another_cell_is_found() {
    all_orders(scenarios::two_engines_keep_apart::<moved::copy_of_another_cell::Cell, Loom>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_copy_of_any_version_is_found() {
    all_orders(scenarios::a_reader_sees_versions_grow::<moved::copy_of_any_version::Cell, Loom>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_stale_version_asked_of_before_the_lock_is_found() {
    all_orders(
        scenarios::of_two_publishers_the_later_version_stays::<moved::stale_asked_before_the_lock::Cell, Loom>,
    );
}

#[test]
#[should_panic(expected = "went back")]
fn handles_told_behind_the_lock_are_found() {
    all_orders(
        scenarios::of_two_publishers_the_later_version_stays::<moved::told_behind_the_lock::Cell, Loom>,
    );
}

#[test]
#[should_panic(expected = "went back")]
fn handles_told_before_the_swap_are_found() {
    all_orders(scenarios::a_handle_is_never_ahead::<moved::told_before_the_swap::Cell, Loom>);
}
