//! What holds, and what has to be found.

use rollgate_core::snapshot::Snapshot;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use super::cell;
use super::moved;
use super::sync::Shuttle;
use crate::has_cell;
use crate::scenarios::{
    a_crowd, a_handle_is_never_ahead, a_reader_sees_versions_grow, first,
    of_two_publishers_the_later_version_stays, two_engines_keep_apart,
    what_one_thread_has_seen_another_finds,
};

has_cell!(cell);

/// Tries many orders of a scenario: half of them with any thread next, half with few changes of thread, which finds bugs
/// that need one thread to stand still for long (Burckhardt et al. 2010).
fn many_orders(scenario: fn(&Snapshot)) {
    const SEED: u64 = 0x0c31_1000;
    const CHANGES: usize = 3;
    let orders = match std::env::var("ROLLGATE_SCHEDULES") {
        Ok(orders) => orders.parse().expect("ROLLGATE_SCHEDULES is a number"),
        Err(_) => 2_000,
    };
    let half = orders / 2;
    let run = |first: Snapshot| move || scenario(&first);
    let any = RandomScheduler::new_from_seed(SEED, orders - half);
    let few = PctScheduler::new_from_seed(SEED, CHANGES, half);
    let tried =
        Runner::new(any, Config::new()).run(run(first())) + Runner::new(few, Config::new()).run(run(first()));
    println!("{tried} orders");
    assert_eq!(tried, orders);
}

#[test]
fn a_crowd_of_publishers_and_readers() {
    many_orders(a_crowd::<Cell, Shuttle>);
}

#[test]
fn each_scenario() {
    many_orders(a_reader_sees_versions_grow::<Cell, Shuttle>);
    many_orders(a_handle_is_never_ahead::<Cell, Shuttle>);
    many_orders(of_two_publishers_the_later_version_stays::<Cell, Shuttle>);
    many_orders(what_one_thread_has_seen_another_finds::<Cell, Shuttle>);
    many_orders(two_engines_keep_apart::<Cell, Shuttle>);
}

/// The cell once had both: the version before the swap, and a view that says its own. One of them is enough.
#[test]
fn a_version_behind_the_swap_is_no_harm_where_a_view_says_its_own() {
    many_orders(a_crowd::<moved::version_after_swap_but_load_says_it::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_version_stored_after_the_swap_is_found() {
    many_orders(a_crowd::<moved::version_after_swap::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "took another")]
fn a_copy_of_another_cell_is_found() {
    many_orders(a_crowd::<moved::copy_of_another_cell::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_copy_of_any_version_is_found() {
    many_orders(a_crowd::<moved::copy_of_any_version::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "went back")]
fn a_stale_version_asked_of_before_the_lock_is_found() {
    many_orders(a_crowd::<moved::stale_asked_before_the_lock::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "went back")]
fn handles_told_behind_the_lock_are_found() {
    many_orders(a_crowd::<moved::told_behind_the_lock::Cell, Shuttle>);
}

#[test]
#[should_panic(expected = "went back")]
fn handles_told_before_the_swap_are_found() {
    many_orders(a_crowd::<moved::told_before_the_swap::Cell, Shuttle>);
}
