//! When each notice is due.

use rollgate::core::time::{Span, Timestamp};

use super::desk::{Desk, PLAN, Sinks};

#[test]
fn r144_the_announcement_goes_out_48_h_before_the_planned_first_exposure() {
    let mut desk = Desk::open();
    desk.coast(Span::minutes(59));
    assert!(desk.fresh().is_empty());
    desk.tick_after(Span::minutes(1));
    assert_eq!(desk.fresh(), ["mail: The new search comes on 2026-01-22 00:00 CET."]);
    let record = &desk.records("notice")[0];
    assert_eq!((record.text("at"), &record.0["late"]), ("2026-01-19T23:00:00.000Z", &false.into()));
    // Once: not at the next evaluations, not after a restart, and not on a calendar that comes to the hour again.
    desk.coast(Span::minutes(5));
    desk.reopen(Span::minutes(1));
    desk.engine.tick();
    desk.clock.jump_wall(-3_600_000);
    desk.coast(Span::hours(2));
    assert!(desk.fresh().is_empty());
}

#[test]
fn r144_who_opens_after_its_time_and_before_the_exposure_sends_it_late() {
    let at = Timestamp::parse("2026-01-21T12:00:00Z").unwrap();
    let mut desk = Desk::at(PLAN, Sinks::One, at);
    desk.engine.tick();
    assert_eq!(desk.fresh(), ["mail: The new search comes on 2026-01-22 00:00 CET."]);
    assert_eq!(desk.records("notice")[0].0["late"], true);
}

#[test]
fn r144_after_the_exposure_nothing_is_announced() {
    let desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.go();
    // Exposed, an hour before the announcement's own time.
    desk.coast(Span::hours(3));
    let told = desk.records("notice");
    assert!(told.iter().all(|record| record.text("when") != "before_start"), "{told:#?}");
    assert!(told.iter().any(|record| record.text("when") == "phase_started"));
}

#[test]
fn r144_a_plan_that_is_put_off_is_announced_again() {
    let mut desk = Desk::open();
    desk.coast(Span::hours(1));
    assert_eq!(desk.fresh().len(), 1);
    let later = PLAN.replace("date: 2026-01-20", "date: 2026-01-27");
    let mut moved = Desk::at(&later, Sinks::One, Timestamp::parse("2026-01-26T22:30:00Z").unwrap());
    moved.store = desk.store.clone();
    moved.reopen(Span::ZERO);
    moved.coast(Span::minutes(29));
    assert!(moved.fresh().is_empty());
    moved.coast(Span::minutes(1));
    assert_eq!(moved.fresh(), ["mail: The new search comes on 2026-01-29 00:00 CET."]);
}

#[test]
fn r145_a_phase_that_starts_is_told_at_once_and_one_that_passes_after_its_go() {
    let mut desk = Desk::open();
    desk.engine.start("lead").unwrap();
    assert!(desk.fresh().is_empty(), "sinks run from tick only");
    desk.engine.tick();
    assert_eq!(
        desk.fresh(),
        [
            "slack:#eng: Phase 0: Preparation started. Monitoring closely.",
            "slack:#product: Phase 0: Preparation started. Monitoring closely."
        ]
    );
    desk.go();
    desk.engine.tick();
    assert_eq!(
        desk.fresh(),
        [
            "mail: Phase 0: Preparation successful. Proceeding to Phase 1: 10%.\nPassed by override of lead: as the test wants it",
            "slack:#eng: Phase 1: 10% started. Monitoring closely.",
            "slack:#product: Phase 1: 10% started. Monitoring closely."
        ]
    );
}

#[test]
fn r145_before_the_open_phase_completed_is_told_and_passed_is_not() {
    let mut desk = Desk::exposed();
    desk.coast(Span::minutes(61));
    desk.fresh();
    desk.go();
    desk.engine.tick();
    let told = desk.fresh();
    // The test goes on by override, and so it says.
    let by = "\nPassed by override of lead: as the test wants it";
    let deployed = |channel: &str| format!("{channel}: The new search fully deployed.{by}");
    assert_eq!(told[..2], [deployed("mail"), deployed("blog")]);
    assert!(told.iter().all(|text| !text.contains("successful")), "{told:?}");
    // The last phase has no next one: its go ends the rollout, which was told already.
    desk.go();
    desk.engine.tick();
    assert!(desk.fresh().is_empty());
}

#[test]
fn r145_r113_a_rollback_is_told_at_once_as_urgent_with_where_it_went() {
    let mut desk = Desk::exposed();
    desk.heap(1_001.0);
    assert!(desk.fresh().is_empty(), "sinks run from tick only");
    desk.engine.tick();
    let text = "The new search rolled back to zero (0% (everything off)) by triggers heap, b.";
    assert_eq!(desk.fresh()[..2], [format!("mail: {text}"), format!("status_page: {text}")]);
    let taken = desk.post.taken.lock().unwrap().clone();
    let notice = taken.iter().find(|notice| notice.when == *"rolled_back").unwrap();
    assert!(notice.urgent);
    let (back, told) = (&desk.records("rolled_back")[0], desk.records("notice"));
    assert_eq!(notice.at.to_string(), back.text("at"));
    let told = told.iter().find(|record| record.text("when") == "rolled_back").unwrap();
    assert_eq!((told.text("at"), &told.0["urgent"]), (back.text("at"), &true.into()));
}

#[test]
fn r113_a_rollback_of_some_flags_and_one_to_a_phase_say_so() {
    let mut desk = Desk::exposed();
    desk.heap(901.0);
    desk.engine.tick();
    let told = desk.fresh();
    assert!(
        told.contains(&"mail: The new search rolled back to set (B 0%) by trigger b.".to_owned()),
        "{told:?}"
    );

    let mut desk = Desk::exposed();
    desk.coast(Span::minutes(61));
    desk.fresh();
    desk.heap(1_001.0);
    desk.engine.tick();
    let told = desk.fresh();
    assert_eq!(told[0], "mail: The new search rolled back to ten (Phase 1: 10%) by trigger heap.");
}

#[test]
fn proposals_decisions_and_what_did_not_help_are_told() {
    let mut desk = Desk::exposed();
    desk.heap(801.0);
    desk.engine.tick();
    let told = desk.fresh();
    assert!(told[0].starts_with("slack:#eng: asks proposes zero: last(heap)"), "{told:?}");
    desk.engine.stop("on_call", "smoke").unwrap();
    desk.engine.tick();
    assert_eq!(desk.fresh(), ["status_page: Stopped by on_call: smoke."]);

    let mut desk = Desk::exposed();
    desk.heap(901.0);
    desk.tick_after(Span::seconds(10));
    desk.fresh();
    desk.heap(902.0);
    desk.coast(Span::minutes(7));
    let told = desk.fresh();
    let still = told.iter().filter(|text| text.starts_with("slack:#eng: b still: last(heap)"));
    assert_eq!(still.count(), 1, "{told:?}");

    let mut desk = Desk::open();
    desk.engine.start("lead").unwrap();
    desk.coast(Span::days(2));
    assert!(desk.fresh().contains(&"slack:#eng: prepare awaits lead.".to_owned()));
}

#[test]
fn gates_that_fail_where_nobody_decides_are_told_once() {
    let mut desk = Desk::exposed();
    desk.heap(600.0);
    desk.coast(Span::minutes(70));
    let told: Vec<String> = desk.fresh().into_iter().filter(|text| text.contains("does not pass")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("slack:#eng: ten does not pass: heap is FAIL (max(heap)"), "{told:?}");
}

#[test]
fn daily_and_weekly_notices_come_at_the_plans_time_of_day_while_it_runs() {
    // Tuesday, 2026-01-20, 09:00 in Berlin is 08:00 UTC; before the start nothing is told of it.
    let mut desk = Desk::at(PLAN, Sinks::One, Timestamp::parse("2026-01-20T07:00:00Z").unwrap());
    desk.coast(Span::hours(2));
    desk.engine.start("lead").unwrap();
    desk.coast(Span::hours(22));
    let of = |told: Vec<String>, channel: &str| -> Vec<String> {
        told.into_iter().filter(|text| text.starts_with(channel)).collect()
    };
    assert!(of(desk.fresh(), "standup").is_empty());
    desk.coast(Span::hours(1));
    assert_eq!(of(desk.fresh(), "standup"), ["standup: running: A 0%, B 0%"]);
    // Two days away: the latest is told, late; those between are not.
    desk.reopen(Span::days(2) + Span::hours(3));
    desk.engine.tick();
    assert_eq!(of(desk.fresh(), "standup").len(), 1);
    assert_eq!(desk.records("notice").last().unwrap().0["late"], true);
    // Monday.
    desk.reopen(Span::days(3));
    desk.engine.tick();
    let told = desk.fresh();
    assert_eq!(of(told, "leadership"), ["leadership: Phase 0: Preparation: running"]);
}
