//! Freezes and deployment windows: what rises waits, what lowers does not.

use rollgate::core::decide::{Choice, Status};
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate_tests::Rollout;

const HEAD: &str = "version: 1
name: calendar
timezone: Europe/Berlin
evaluate_every: 10m
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, max_gap: 3d }, disk: { kind: gauge, unit: MB, good: down, max_gap: 3d } }
roles: { lead: {}, ops: {} }
";

const WINDOW: &str =
    "deployment_window: { days: [mon, tue, wed, thu, fri], from: \"09:00\", to: \"12:00\" }\n";

/// A phase without steps that people end, and one with steps that ends by itself.
const PHASES: &str = "phases:
  - id: prepare
    duration: 1h
    gates: { heap: { metric: heap, stat: last, below: 500MB } }
    decision: { roles: [lead, ops], no_go: { extend: 5d } }
  - id: ten
    duration: 4d
    steps: [ { set: { A: 10% }, hold: 2h }, { set: { A: 20% }, hold: 2h }, { set: { A: 30% } } ]
    gates: { time: { phase_for: 1h } }
    triggers:
      heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      disk: { mode: manual, when: { metric: disk, stat: last, above: 1GB }, rollback: { to: zero } }
    contingency: { to: zero }
  - id: all
    duration: 1d
    steps: [ { set: { A: 100% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

fn plan(calendar: &str) -> String {
    format!("{HEAD}{calendar}{PHASES}")
}

/// The same without the phase that has no steps.
fn steps_first(calendar: &str) -> String {
    let text = plan(calendar);
    let (head, rest) = text.split_once("  - id: prepare").unwrap();
    format!("{head}  - id: ten{}", rest.split_once("  - id: ten").unwrap().1)
}

/// At the decision of `prepare` on a Friday at 13:10, with both votes missing.
fn friday(calendar: &str) -> Rollout {
    let mut rollout = Rollout::start(&plan(calendar), "2026-03-06T11:00:00Z");
    rollout.heap(100.0);
    rollout.until("2026-03-06T12:10:00Z");
    assert_eq!(rollout.status(), Status::AwaitingDecision);
    rollout.fresh();
    rollout
}

/// The same with both votes given.
fn queued() -> Rollout {
    let mut rollout = friday(WINDOW);
    rollout.go("lead").unwrap();
    rollout.go("ops").unwrap();
    let records = rollout.expect(&["decided", "decided", "held"]);
    assert_eq!((records[2].text("what"), records[2].text("until")), ("phase", "2026-03-09T08:00:00.000Z"));
    rollout
}

#[test]
fn r041_a_step_outside_the_window_waits_and_is_applied_as_it_opens() {
    let mut rollout = Rollout::start(&steps_first(WINDOW), "2026-03-02T08:30:00Z");
    rollout.until("2026-03-02T12:20:00Z");
    assert_eq!(rollout.share(), 20.0);
    assert_eq!(rollout.calendar().waiting, None);
    rollout.fresh();
    // Its hold has passed at 13:30 in Berlin, and the window closed at 12:00.
    rollout.until("2026-03-02T12:30:00Z");
    let held = rollout.expect(&["held"]);
    assert_eq!((held[0].text("what"), held[0].text("until")), ("step", "2026-03-03T08:00:00.000Z"));
    assert!(held[0].text("reason").contains("mon, tue, wed, thu, fri 09:00-12:00 Europe/Berlin"));
    let waiting = rollout.calendar().waiting.unwrap();
    assert_eq!((waiting.phase.as_str(), waiting.go_by), ("ten", None));
    let card = rollout.engine.scorecard(rollgate::core::report::Form::Phase);
    assert!(card.notes.iter().any(|note| note.starts_with("The next step waits until 2026-03-03 09:00")));
    // Said once, however long it takes.
    rollout.until("2026-03-03T07:59:00Z");
    rollout.expect(&[]);
    rollout.until("2026-03-03T08:00:00Z");
    rollout.expect(&["step_applied", "shares_changed", "read_back"]);
    assert_eq!((rollout.share(), rollout.calendar().waiting), (30.0, None));
}

#[test]
fn r041_what_lowers_is_never_held_up() {
    let mut rollout = Rollout::start(&steps_first(WINDOW), "2026-03-02T08:30:00Z");
    rollout.until("2026-03-02T20:00:00Z");
    assert_eq!(rollout.share(), 20.0);
    rollout.set(15.0, "").unwrap();
    assert_eq!(rollout.share(), 15.0);
    rollout.heap(2_000.0);
    assert_eq!((rollout.status(), rollout.share()), (Status::RolledBack, 0.0));
    assert_eq!(rollout.calendar().waiting, None);
}

#[test]
fn r041_a_start_outside_the_window_is_refused_and_says_when_it_opens() {
    let rollout = Rollout::open(&steps_first(WINDOW), "2026-03-07T10:00:00Z");
    let error = rollout.engine.start("lead").unwrap_err().to_string();
    assert!(error.contains("it opens 2026-03-09 09:00 Europe/Berlin"), "{error}");
    assert_eq!(rollout.records(&["command_refused"]).len(), 1);
    assert_eq!(rollout.status(), Status::Pending);
    // A phase without steps raises nothing.
    assert_eq!(Rollout::start(&plan(WINDOW), "2026-03-07T10:00:00Z").phase(), "prepare");
}

#[test]
fn r041_raising_by_hand_needs_a_reason_while_the_calendar_is_closed() {
    let mut rollout = Rollout::start(&steps_first(WINDOW), "2026-03-02T08:30:00Z");
    rollout.set(5.0, "").unwrap();
    rollout.until("2026-03-02T11:30:00Z");
    assert_eq!(rollout.share(), 5.0);
    let error = rollout.engine.release("lead", &["A"]).unwrap_err().to_string();
    assert!(error.contains("it opens 2026-03-03 09:00 Europe/Berlin"), "{error}");
    let error = rollout.set(8.0, "").unwrap_err().to_string();
    assert!(error.contains("it opens 2026-03-03 09:00 Europe/Berlin"), "{error}");
    assert_eq!(rollout.share(), 5.0);
    rollout.set(8.0, "a customer waits for it").unwrap();
    assert_eq!(rollout.share(), 8.0);
    rollout.set(3.0, "").unwrap();
    rollout.until("2026-03-03T08:00:00Z");
    rollout.engine.release("lead", &["A"]).unwrap();
    assert!(rollout.share() > 8.0);
}

#[test]
fn r041_a_retry_outside_the_window_is_refused() {
    let mut rollout = Rollout::start(&steps_first(WINDOW), "2026-03-02T08:30:00Z");
    rollout.heap(2_000.0);
    rollout.until("2026-03-02T20:00:00Z");
    rollout.fresh();
    let error = rollout.engine.retry("lead").unwrap_err().to_string();
    assert!(error.contains("it opens 2026-03-03 09:00 Europe/Berlin"), "{error}");
    let refused = rollout.expect(&["retry_refused"]);
    assert!(refused[0].texts("missing")[0].contains("2026-03-03 09:00"));
    assert_eq!((rollout.status(), rollout.share()), (Status::RolledBack, 0.0));
    rollout.until("2026-03-03T08:00:00Z");
    rollout.engine.retry("lead").unwrap();
    assert_eq!((rollout.status(), rollout.share()), (Status::Running, 10.0));
}

#[test]
fn r041_the_last_go_in_a_closed_calendar_waits_for_it() {
    let mut rollout = queued();
    assert_eq!((rollout.status(), rollout.phase().as_str()), (Status::AwaitingDecision, "prepare"));
    let waiting = rollout.calendar().waiting.unwrap();
    assert_eq!((waiting.phase.as_str(), waiting.go_by), ("ten", Some(Key::new("ops"))));
    let error = rollout.go("lead").unwrap_err().to_string();
    assert!(error.contains("2026-03-09 09:00 Europe/Berlin"), "{error}");
    rollout.expect(&["decision_refused"]);
    rollout.until("2026-03-09T07:50:00Z");
    rollout.expect(&[]);
    rollout.until("2026-03-09T08:00:00Z");
    // It says the verdicts that it goes on with, which are those of now.
    rollout.expect(&[
        "gates_passed",
        "phase_passed",
        "phase_started",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
    assert_eq!((rollout.phase().as_str(), rollout.share()), ("ten", 10.0));
}

#[test]
fn a_queued_go_outlives_a_restart() {
    let mut rollout = queued();
    rollout.reopen(&plan(WINDOW), "2026-03-08T12:00:00Z");
    rollout.heap(100.0);
    assert_eq!(rollout.calendar().waiting.unwrap().go_by, Some(Key::new("ops")));
    rollout.until("2026-03-09T08:00:00Z");
    assert_eq!((rollout.phase().as_str(), rollout.share()), ("ten", 10.0));
}

#[test]
fn a_queued_go_is_void_where_the_gates_do_not_pass_as_the_calendar_opens() {
    let mut rollout = queued();
    rollout.until("2026-03-09T07:00:00Z");
    rollout.heap(700.0);
    rollout.until("2026-03-09T07:50:00Z");
    rollout.expect(&["gates_failed"]);
    rollout.until("2026-03-09T08:00:00Z");
    let voided = rollout.expect(&["go_voided"]);
    assert_eq!((voided[0].text("by"), voided[0].text("why")), ("ops", "the gates fail now"));
    assert_eq!((rollout.status(), rollout.share()), (Status::AwaitingDecision, 0.0));
    // People say it again, and are heard at once.
    rollout.heap(100.0);
    rollout.go("lead").unwrap();
    rollout.go("ops").unwrap();
    assert_eq!(rollout.phase(), "ten");
}

#[test]
fn a_queued_go_is_void_where_somebody_says_otherwise() {
    type Say = fn(&Rollout);
    let others: [(Say, &str, Status); 4] = [
        (|r| r.engine.decide("lead", Choice::NoGo, "not yet").unwrap(), "running now", Status::Running),
        (|r| r.engine.stop("lead", "fire").unwrap(), "stopped now", Status::Stopped),
        (|r| r.engine.pause("lead", "lunch").unwrap(), "paused now", Status::Paused),
        (
            |r| {
                r.set(1.0, "one tester").unwrap();
                r.engine.decide("lead", Choice::Rollback { to: Some(Key::new("zero")) }, "bad").unwrap()
            },
            "rolled back now",
            Status::RolledBack,
        ),
    ];
    for (say, why, status) in others {
        let mut rollout = queued();
        say(&rollout);
        let voided = rollout.records(&["go_voided"]);
        assert_eq!(voided.len(), 1);
        assert!(voided[0].text("why").contains(why), "{voided:?}");
        rollout.until("2026-03-09T09:00:00Z");
        assert_eq!((rollout.status(), rollout.share()), (status, 0.0));
    }
}

#[test]
fn a_queued_go_is_void_where_the_plan_is_changed() {
    let mut rollout = queued();
    rollout.reopen(&plan(WINDOW).replace("below: 500MB", "below: 400MB"), "2026-03-08T12:00:00Z");
    rollout.heap(100.0);
    rollout.until("2026-03-09T09:00:00Z");
    let voided = rollout.records(&["go_voided"]);
    assert_eq!(voided[0].text("why"), "the plan was changed after it");
    assert_eq!((rollout.status(), rollout.phase().as_str()), (Status::AwaitingDecision, "prepare"));
}

#[test]
fn a_queued_go_is_void_where_a_proposal_is_pending_as_the_calendar_opens() {
    let text = format!(
        "{}  - id: more\n    duration: 1d\n    steps: [ {{ set: {{ A: 100% }} }} ]\n    gates: {{ time: {{ phase_for: 1h }} }}\n    triggers: {{ heap: {{ when: {{ metric: heap, stat: last, above: 1GB }}, rollback: {{ to: zero }} }} }}\n",
        steps_first(WINDOW)
            .split_once("  - id: all")
            .unwrap()
            .0
            .replace("    contingency: { to: zero }\n", "    decision: { roles: [lead] }\n")
    );
    let mut rollout = Rollout::start(&text, "2026-03-02T08:00:00Z");
    rollout.until("2026-03-06T13:00:00Z");
    assert_eq!(rollout.status(), Status::AwaitingDecision);
    rollout.go("lead").unwrap();
    rollout.fresh();
    rollout.engine.metric("disk").unwrap().record(2_000.0);
    rollout.until("2026-03-09T08:00:00Z");
    let records = rollout.expect(&["trigger_fired", "proposal", "go_voided"]);
    assert!(records[2].text("why").contains("`disk` is pending"), "{records:?}");
    assert_eq!(rollout.phase(), "ten");
}

#[test]
fn an_override_covers_the_calendar_before_and_after_the_last_go() {
    let mut rollout = friday(WINDOW);
    rollout.go("lead").unwrap();
    rollout.go_anyway("ops").unwrap();
    let records = rollout.expect(&[
        "decided",
        "decided",
        "phase_passed",
        "phase_started",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
    assert_eq!(records[1].text("override"), "the fix cannot wait");
    assert_eq!(rollout.share(), 10.0);
    // It covers what it lets in, and no step after it.
    rollout.until("2026-03-06T16:00:00Z");
    rollout.expect(&["held"]);
    let mut rollout = queued();
    rollout.go_anyway("lead").unwrap();
    rollout.expect(&[
        "decided",
        "phase_passed",
        "phase_started",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
}

#[test]
fn a_phase_that_advances_by_itself_waits_and_one_without_steps_does_not() {
    let text = plan(WINDOW).replace("    decision: { roles: [lead, ops], no_go: { extend: 5d } }\n", "");
    let mut rollout = Rollout::start(&text, "2026-03-06T14:00:00Z");
    rollout.heap(100.0);
    rollout.until("2026-03-09T07:59:00Z");
    assert_eq!((rollout.phase().as_str(), rollout.records(&["held"]).len()), ("prepare", 1));
    rollout.until("2026-03-09T08:00:00Z");
    assert_eq!((rollout.phase().as_str(), rollout.share()), ("ten", 10.0));
    let calm = text.replace(
        "steps: [ { set: { A: 10% }, hold: 2h }, { set: { A: 20% }, hold: 2h }, { set: { A: 30% } } ]",
        "objectives: [wait]",
    );
    let mut rollout = Rollout::start(&calm, "2026-03-06T14:00:00Z");
    rollout.heap(100.0);
    rollout.until("2026-03-06T16:00:00Z");
    assert_eq!(rollout.phase(), "ten");
}

#[test]
fn a_phase_may_have_its_own_window() {
    let own =
        "duration: 4d\n    deployment_window: { days: [sat], from: \"22:00\", to: \"02:00\" }\n    steps";
    let text = steps_first(WINDOW).replace("duration: 4d\n    steps", own);
    let rollout = Rollout::open(&text, "2026-03-02T08:30:00Z");
    let error = rollout.engine.start("lead").unwrap_err().to_string();
    assert!(error.contains("sat 22:00-02:00") && error.contains("it opens 2026-03-07 22:00"), "{error}");
    // Over midnight it is open, though Sunday is none of its days.
    for (time, is_open) in [
        ("2026-03-07T20:59:00Z", false),
        ("2026-03-07T21:00:00Z", true),
        ("2026-03-08T00:59:00Z", true),
        ("2026-03-08T01:00:00Z", false),
        ("2026-03-08T21:30:00Z", false),
    ] {
        let rollout = Rollout::open(&text, time);
        assert_eq!(rollout.engine.start("lead").is_ok(), is_open, "{time}");
    }
}

#[test]
fn r162_a_window_follows_the_zone_over_every_change_of_the_clocks() {
    for (zone, opens) in [
        ("Europe/Berlin", ["2026-03-27T08", "2026-03-30T07", "2026-10-23T07", "2026-10-26T08"]),
        ("America/New_York", ["2026-03-06T14", "2026-03-09T13", "2026-10-30T13", "2026-11-02T14"]),
    ] {
        let text = steps_first(WINDOW).replace("Europe/Berlin", zone);
        for hour in opens {
            let opens = Timestamp::parse(&format!("{hour}:00:00Z")).unwrap();
            for (at, is_open) in [
                (opens - Span::minutes(1), false),
                (opens, true),
                (opens + Span::minutes(179), true),
                (opens + Span::hours(3), false),
            ] {
                let rollout = Rollout::open(&text, &at.to_string());
                assert_eq!(rollout.engine.start("lead").is_ok(), is_open, "{zone} {at}");
            }
        }
    }
}

#[test]
fn r162_a_window_in_the_hour_that_is_left_out_or_comes_twice() {
    let text = |zone: &str| {
        let window = "deployment_window: { days: [sun], from: \"02:15\", to: \"02:45\" }\n";
        steps_first(window).replace("Europe/Berlin", zone)
    };
    let opens = |zone: &str, at: &str| {
        let error = Rollout::open(&text(zone), at).engine.start("lead").unwrap_err().to_string();
        error.split_once("it opens ").unwrap().1.to_owned()
    };
    // On the day without a quarter past two it does not open at all.
    assert!(opens("Europe/Berlin", "2026-03-28T12:00:00Z").starts_with("2026-04-05 02:15"));
    assert!(opens("America/New_York", "2026-03-07T12:00:00Z").starts_with("2026-03-15 02:15"));
    // On the day with two of them it opens at the first, and once.
    assert!(opens("Europe/Berlin", "2026-10-24T12:00:00Z").starts_with("2026-10-25 02:15"));
    Rollout::start(&text("Europe/Berlin"), "2026-10-25T00:20:00Z");
    assert!(opens("Europe/Berlin", "2026-10-25T01:20:00Z").starts_with("2026-11-01 02:15"));
}

#[test]
fn freezes_may_overlap_and_the_calendar_opens_after_the_last_of_them() {
    let freezes = "freezes:
  - { from: 2026-03-02, to: 2026-03-03, reason: the fair }
  - { from: \"2026-03-03T12:00\", to: \"2026-03-05T10:30\", reason: the audit }
  - { from: 2026-03-04, to: 2026-03-04 }
";
    let opens = |calendar: &str, at: &str| {
        Rollout::open(&steps_first(calendar), at).engine.start("lead").map_err(|error| error.to_string())
    };
    let error = opens(freezes, "2026-03-01T23:00:00Z").unwrap_err();
    assert!(
        error.contains("a freeze: the fair") && error.ends_with("it opens 2026-03-05 10:30 Europe/Berlin"),
        "{error}"
    );
    assert!(opens(freezes, "2026-03-01T22:59:59Z").is_ok());
    assert!(opens(freezes, "2026-03-05T09:30:00Z").is_ok());
    // With a window: the first opening of it behind them.
    let both =
        format!("{freezes}deployment_window: {{ days: [mon, fri], from: \"09:00\", to: \"12:00\" }}\n");
    assert!(
        opens(&both, "2026-03-02T09:00:00Z")
            .unwrap_err()
            .ends_with("it opens 2026-03-06 09:00 Europe/Berlin")
    );
    let endless = "freezes: [ { from: 2026-03-02, reason: no more this year } ]\n";
    assert!(opens(endless, "2026-05-02T09:00:00Z").unwrap_err().ends_with("only once the plan is changed"));
}

#[test]
fn a_clock_that_is_set_opens_a_calendar_and_shortens_no_hold() {
    let freeze = "freezes: [ { from: 2026-03-03, to: 2026-03-20, reason: the fair } ]\n";
    let mut rollout = Rollout::start(&steps_first(freeze), "2026-03-02T22:00:00Z");
    rollout.until("2026-03-03T02:00:00Z");
    assert_eq!((rollout.share(), rollout.records(&["held"]).len()), (10.0, 1));
    // Two hours have been watched, so that the step waits for nothing but the calendar.
    rollout.clock.jump_wall(30 * 86_400_000);
    rollout.pass(Span::minutes(10));
    assert_eq!(rollout.share(), 20.0);
    // The next one waits for two hours of watching, whatever the calendar says.
    rollout.clock.jump_wall(86_400_000);
    rollout.pass(Span::minutes(110));
    assert_eq!(rollout.share(), 20.0);
    rollout.pass(Span::minutes(20));
    assert_eq!(rollout.share(), 30.0);
}
