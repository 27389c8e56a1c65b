//! Time: pauses, late ticks, downtime, clocks that are set. None of it shortens a wait.

use rollgate::core::decide::{Action, Status};
use rollgate::core::time::{Span, Timestamp};
use rollgate::replay::journal_of;
use rollgate_tests::{EM, PM, Record, Scenario, memory_system};

const MONTH_MS: i64 = 30 * 86_400_000;

fn pause(s: &mut Scenario) {
    s.say("on_call", Action::Pause { reason: "a freeze".into() }).unwrap();
}

fn resume(s: &mut Scenario) {
    s.say("on_call", Action::Resume { reason: "it is over".into() }).unwrap();
}

#[test]
fn r166_a_clock_that_is_set_by_a_month_shortens_no_hold() {
    for by_ms in [MONTH_MS, -MONTH_MS] {
        let mut s = Scenario::entering("fifty_percent");
        s.advance(Span::minutes(10));
        s.clock.jump_wall(by_ms);
        s.advance(Span::seconds(10));
        // A scorecard of the morning that was leapt over may follow.
        let lines = s.engine.journal_after(0);
        let jump = s.fresh().pop().unwrap();
        assert_eq!((jump.kind(), jump.0["by_ms"].as_i64()), ("clock_jump", Some(by_ms)));
        s.advance(Span::minutes(19) + Span::seconds(40));
        s.assert_shares([25.0, 25.0, 0.0]);
        s.advance(Span::seconds(10));
        s.assert_shares([50.0, 50.0, 10.0]);
        // Records are labelled by the calendar, waits are not counted on it.
        let lines = s.engine.journal_after(lines.len() as u64);
        let step = Record::of(&lines[0]);
        assert_eq!(step.kind(), "step_applied");
        let at = Timestamp::parse(step.text("at")).unwrap();
        assert_eq!(at.0, Scenario::START.0 + by_ms + 30 * 60_000);
    }
}

#[test]
fn r166_a_clock_that_is_set_by_a_month_shortens_no_phase_and_passes_no_gate() {
    for by_ms in [MONTH_MS, -MONTH_MS] {
        let mut s = Scenario::entering("ten_percent");
        s.coast(Span::days(1));
        s.clock.jump_wall(by_ms);
        s.coast(Span::days(6) - Span::minutes(1));
        assert_eq!(s.status(), Status::Running);
        let lines = s.engine.journal_after(0);
        assert!(!lines.iter().any(|line| line.contains("\"kind\":\"gates_")), "{lines:#?}");
        s.coast(Span::minutes(1));
        assert_eq!(s.status(), Status::AwaitingDecision);
    }
}

#[test]
fn r166_a_clock_that_is_set_by_a_month_shortens_no_contingency() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.roll_back(EM, "ten_percent").unwrap();
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.clock.jump_wall(MONTH_MS);
    assert!(s.engine.retry("on_call").unwrap_err().to_string().contains("hold"));
    s.coast(Span::days(3));
    s.clock.jump_wall(-2 * MONTH_MS);
    s.coast(Span::days(4) - Span::minutes(1));
    assert!(s.engine.retry("on_call").is_err());
    s.coast(Span::minutes(1));
    s.engine.retry("on_call").unwrap();
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
}

#[test]
fn r166_a_clock_that_is_set_fires_nothing_and_delays_no_trigger() {
    for by_ms in [MONTH_MS, -MONTH_MS] {
        let mut s = Scenario::in_phase("fifty_percent");
        s.traffic.latency_ms = 900.0;
        s.advance(Span::minutes(2));
        s.clock.jump_wall(by_ms);
        s.advance(Span::minutes(3));
        s.assert_shares([50.0, 50.0, 10.0]);
        s.advance(Span::seconds(10));
        s.assert_shares([10.0, 10.0, 0.0]);
    }
}

#[test]
fn r166_a_month_without_a_tick_credits_nothing_and_skips_no_step() {
    let mut s = Scenario::entering("hundred_percent");
    s.advance(Span::minutes(10));
    s.pass(Span::days(30));
    s.engine.tick();
    s.assert_nothing();
    s.assert_stands(Status::Running, "hundred_percent", [75.0, 75.0, 25.0]);
    // What the sharing step asks for must be watched anew; the hold goes on where it was.
    let records = s.wait_exactly(Span::minutes(20));
    assert_eq!(records[0].0["step"], 2);
    let records = s.wait_exactly(Span::minutes(30));
    assert_eq!(records[0].0["step"], 3);
}

#[test]
fn r166_a_month_without_a_tick_is_no_data_for_the_gates() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(1));
    s.pass(Span::days(30));
    s.engine.tick();
    assert_eq!(s.status(), Status::Running);
    s.coast(Span::days(6) - Span::minutes(1));
    assert_eq!(s.status(), Status::Running);
    s.look_away();
    s.coast(Span::minutes(1));
    // The last seven days lie across the gap: a day of them was not watched, which is more than a tenth.
    let records = s.fresh();
    assert_eq!((records[0].kind(), records[1].kind()), ("gates_inconclusive", "awaiting_decision"));
    // A day later the week is whole. What is asked of the whole phase has not been watched for a month of it.
    s.coast(Span::days(1));
    s.assert_nothing();
    let error = s.go(EM).and_then(|()| s.go(PM)).unwrap_err().to_string();
    assert!(error.contains("critical_incidents is INCONCLUSIVE"), "{error}");
    assert!(!error.contains("latency"), "{error}");
}

#[test]
fn a_late_tick_gets_one_evaluation_and_one_step() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(29) + Span::seconds(50));
    s.pass(Span::seconds(47));
    s.engine.tick();
    // Within the watched gap the time counts, and the step comes with the tick.
    let records = s.expect(&["step_applied", "shares_changed", "read_back"]);
    assert_eq!(records[0].at(), Span::minutes(30) + Span::seconds(37));
    s.engine.tick();
    s.assert_nothing();
    assert_eq!(s.engine.until_wakeup(), Span::seconds(3));
}

#[test]
fn a_gap_of_a_minute_counts_and_a_longer_one_does_not() {
    for (gap, counts) in [(Span::seconds(60), true), (Span::seconds(61), false)] {
        let mut s = Scenario::entering("fifty_percent");
        s.advance(Span::minutes(29));
        s.pass(gap);
        s.engine.tick();
        assert_eq!(s.shares() == [50.0, 50.0, 10.0], counts, "{gap}");
    }
}

#[test]
fn commands_in_a_gap_do_not_make_it_watched() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(29));
    // Recording and reading shares evaluate nothing.
    for _ in 0..20 {
        s.pass(Span::seconds(30));
        s.count("captures", 1);
        s.engine.shares();
    }
    s.engine.tick();
    s.assert_shares([25.0, 25.0, 0.0]);
}

#[test]
fn a_pause_holds_the_clock_of_a_hold() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(10));
    pause(&mut s);
    let records = s.expect(&["paused"]);
    assert_eq!((records[0].text("status"), records[0].text("reason")), ("paused", "a freeze"));
    s.advance(Span::hours(2));
    s.assert_nothing();
    s.assert_stands(Status::Paused, "fifty_percent", [25.0, 25.0, 0.0]);
    assert!(s.go(EM).is_err());
    assert!(s.say("on_call", Action::Pause { reason: "again".into() }).is_err());
    s.look_away();
    resume(&mut s);
    s.expect(&["resumed"]);
    let records = s.wait_exactly(Span::minutes(20));
    assert_eq!(records[0].kind(), "step_applied");
}

#[test]
fn a_pause_between_two_evaluations_is_counted_to_the_millisecond() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(10));
    s.pass(Span(3_000));
    pause(&mut s);
    s.advance(Span::minutes(5));
    s.pass(Span(4_000));
    resume(&mut s);
    s.look_away();
    // 10m03s have counted; 19m57s are missing, and the pause ended 7 s after an evaluation.
    s.advance(Span::seconds(3) + Span::minutes(19) + Span::seconds(50));
    s.assert_nothing();
    s.advance(Span::seconds(10));
    s.expect(&["step_applied", "shares_changed", "read_back"]);
}

#[test]
fn a_pause_holds_the_duration_and_a_decision() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(3));
    pause(&mut s);
    s.coast(Span::days(5));
    s.look_away();
    resume(&mut s);
    s.look_away();
    let records = s.wait_exactly(Span::days(4));
    assert_eq!(records.last().unwrap().kind(), "awaiting_decision");
    pause(&mut s);
    assert!(s.go(EM).unwrap_err().to_string().contains("paused"));
    resume(&mut s);
    assert_eq!(s.status(), Status::AwaitingDecision);
    s.go(EM).unwrap();
    s.go(PM).unwrap();
    assert_eq!(s.phase(), "fifty_percent");
}

#[test]
fn r023_triggers_are_live_in_a_pause() {
    let mut s = Scenario::in_phase("hundred_percent");
    pause(&mut s);
    s.look_away();
    s.traffic.errors = 6_000;
    s.advance(Span::minutes(3) + Span::seconds(10));
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    s.assert_stands(Status::RolledBack, "hundred_percent", [10.0, 10.0, 0.0]);
    assert!(s.say("on_call", Action::Resume { reason: "back".into() }).is_err());
    s.assert_stands(Status::RolledBack, "hundred_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r161_after_a_restart_everything_goes_on_where_it_was() {
    let mut s = Scenario::entering("fifty_percent");
    s.advance(Span::minutes(10));
    s.reopen(Span::hours(5));
    let records = s.expect(&["restarted"]);
    assert_eq!(records[0].0["down_ms"], 5 * 3_600_000);
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    let records = s.wait_exactly(Span::minutes(20));
    assert_eq!(records[0].kind(), "step_applied");
    // Votes and rollbacks survive too.
    s.roll_back(EM, "ten_percent").unwrap();
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(Span::days(3));
    s.reopen(Span::days(30));
    s.assert_stands(Status::RolledBack, "fifty_percent", [10.0, 10.0, 0.0]);
    s.coast(Span::days(4) - Span::minutes(1));
    assert!(s.engine.retry("on_call").is_err());
    s.coast(Span::minutes(1));
    s.engine.retry("on_call").unwrap();
    s.journal();
}

#[test]
fn r161_votes_statements_overrides_proposals_and_pauses_outlive_the_process() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.set(&[("USE_ENHANCED_INJECTION", 4.0)], "").unwrap();
    s.coast(Span::days(7));
    s.go(EM).unwrap();
    s.reopen(Span::seconds(20));
    s.advance(Span::seconds(10));
    s.assert_stands(Status::AwaitingDecision, "ten_percent", [4.0, 10.0, 0.0]);
    // The first vote is still there, and is no second one.
    assert!(s.go(EM).unwrap_err().to_string().contains("already said go"));
    s.count("user_complaints", 6);
    s.look_away();
    s.reopen(Span::seconds(20));
    s.advance(Span::seconds(10));
    let asked: Vec<String> = s.engine.status().proposals.iter().map(ToString::to_string).collect();
    assert_eq!(asked, ["complaints"]);
    assert!(s.go(PM).unwrap_err().to_string().contains("complaints"));
    s.dismiss(PM, "complaints").unwrap();
    let choice = rollgate::core::decide::Choice::Go { override_reason: Some("known users".into()) };
    s.decide(PM, choice, "as agreed").unwrap();
    // The step raises what nobody holds down.
    s.assert_stands(Status::Running, "fifty_percent", [4.0, 25.0, 0.0]);
    pause(&mut s);
    s.reopen(Span::seconds(20));
    s.coast(Span::hours(2));
    s.assert_stands(Status::Paused, "fifty_percent", [4.0, 25.0, 0.0]);
    resume(&mut s);
    s.coast(Span::minutes(31));
    s.assert_shares([4.0, 50.0, 10.0]);
}

#[test]
fn r166_a_restart_on_a_calendar_that_was_set_back_blinds_no_trigger_and_shortens_no_wait() {
    let mut s = Scenario::in_phase("hundred_percent");
    s.roll_back(EM, "partial").unwrap();
    s.attest(EM, "root_cause");
    s.attest(EM, "fix_validated");
    s.coast(Span::days(2));
    s.look_away();
    s.clock.jump_wall(-MONTH_MS);
    s.reopen(Span::seconds(10));
    let records = s.expect(&["clock_jump", "restarted"]);
    assert_eq!(records[0].0["by_ms"].as_i64().map(|by| by < -MONTH_MS + 3 * 86_400_000), Some(true));
    assert!(s.engine.retry("on_call").is_err());
    s.coast(Span::days(5) - Span::minutes(1));
    assert!(s.engine.retry("on_call").is_err());
    // Five minutes of errors are seen as at any other time.
    s.traffic.errors = 6_000;
    s.advance(Span::minutes(3));
    s.assert_shares([50.0, 50.0, 10.0]);
    s.advance(Span::seconds(10));
    s.assert_shares([10.0, 10.0, 0.0]);
    s.record("heap_used", 1_200.0);
    s.assert_shares([0.0; 3]);
}

#[test]
fn r166_a_restart_on_a_calendar_that_was_set_forward_is_a_long_absence() {
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(3));
    s.clock.jump_wall(MONTH_MS);
    s.reopen(Span::seconds(10));
    s.coast(Span::days(4) - Span::minutes(1));
    assert_eq!(s.status(), Status::Running);
    s.coast(Span::minutes(1));
    assert_eq!(s.status(), Status::AwaitingDecision);
    assert!(s.go(EM).and_then(|()| s.go(PM)).is_err());
}

#[test]
fn a_restart_between_two_evaluations_keeps_what_was_watched_until_then() {
    let down = format!(r#""restart":true,"down_since":{}"#, Scenario::START.0 + 605_000);
    let records = trace(&[(7_208, &down), (8_420, r#""tick":true"#)]);
    // 10m05s before, 19m55s after, and the first evaluation from there on.
    assert_eq!(times(&records, "step_applied"), [0, 0, 8_410]);
}

/// A trace of phase 2 from its beginning; `after` follows, with seconds since the start.
fn trace(after: &[(i64, &str)]) -> Vec<Record> {
    let start = Scenario::START.0;
    let mut lines = vec![format!(r#"{{"at":{start},"live":"all"}}"#)];
    lines.push(format!(r#"{{"at":{start},"command":"start","by":"on_call"}}"#));
    for by in [EM, PM, EM, PM] {
        lines.push(format!(
            r#"{{"at":{start},"command":"decide","choice":"go","by":"{by}","rationale":"go","override":"a test"}}"#
        ));
    }
    lines.extend(
        after.iter().map(|(seconds, what)| format!(r#"{{"at":{},{what}}}"#, start + seconds * 1_000)),
    );
    let journal = journal_of(memory_system(), &lines.join("\n")).unwrap();
    // Who was told of it is told elsewhere.
    journal.iter().map(|line| Record::of(line)).filter(|record| record.kind() != "notice").collect()
}

#[test]
fn a_restart_judges_the_restored_triggers_before_anything_else() {
    // Slow since the start; the process goes down after 4m50s and is back between two evaluations.
    let slow = r#""metric":"injection_latency","value":900,"count":1000"#;
    let down = format!(r#""restart":true,"down_since":{}"#, Scenario::START.0 + 290_000);
    let mut lines: Vec<(i64, &str)> = (0..29).map(|index| (5 + index * 10, slow)).collect();
    lines.extend([(313, &*down), (320, r#""tick":true"#)]);
    let records = trace(&lines);
    let kinds: Vec<&str> = records.iter().rev().take(5).map(Record::kind).collect();
    assert_eq!(kinds, ["read_back", "shares_changed", "rolled_back", "trigger_fired", "restarted"]);
    assert_eq!(times(&records, "rolled_back"), [313]);
    assert_eq!(records.last().unwrap().text("status"), "rolled_back");
}

#[test]
fn after_a_restart_no_source_is_live_until_it_says_so() {
    // Phase 3 raises sharing to everybody only while its errors are known to be few.
    let go =
        |by| format!(r#""command":"decide","choice":"go","by":"{by}","rationale":"go","override":"a test""#);
    let down = format!(r#""restart":true,"down_since":{}"#, Scenario::START.0 + 2_400_000);
    let (em, pm) = (go(EM), go(PM));
    let silent = [(0, &*em), (0, &*pm), (2_430, &*down), (3 * 3_600, r#""tick":true"#)];
    let records = trace(&silent);
    assert_eq!(times(&records, "step_applied"), [0, 0, 0, 1_800]);
    let mut live = silent.to_vec();
    live.insert(3, (2_440, r#""live":["sharing_errors"]"#));
    let records = trace(&live);
    assert_eq!(times(&records, "step_applied").len(), 5);
}

#[test]
fn after_a_restart_what_is_recorded_fires_although_nobody_said_live() {
    let down = format!(r#""restart":true,"down_since":{}"#, Scenario::START.0 + 2_000_000);
    let alert = |id| format!(r#""alert":"critical","id":"{id}""#);
    let (one, two, three) = (alert("a"), alert("b"), alert("c"));
    let records = trace(&[(2_030, &down), (2_100, &one), (2_101, &two), (2_102, &three)]);
    assert_eq!(times(&records, "rolled_back"), [2_102]);
    let errors = r#""metric":"sharing_errors","count":11"#;
    let records = trace(&[(2_030, &down), (2_100, errors)]);
    assert_eq!(times(&records, "rolled_back"), [2_100]);
}

/// Seconds since the start of every record of a kind.
fn times(records: &[Record], kind: &str) -> Vec<u64> {
    records.iter().filter(|record| record.kind() == kind).map(|record| record.at().0 / 1_000).collect()
}

#[test]
fn r161_in_a_trace_the_time_of_a_restart_is_credited_to_nobody() {
    let down = format!(r#""restart":true,"down_since":{}"#, Scenario::START.0 + 600_000);
    let records = trace(&[(600 + 7_200, &down), (600 + 7_200 + 1_250, r#""tick":true"#)]);
    let restarted = records.iter().find(|record| record.kind() == "restarted").unwrap();
    assert_eq!(restarted.0["down_ms"], 7_200_000);
    // The hold of 30 minutes: ten before, twenty after.
    assert_eq!(times(&records, "step_applied"), [0, 0, 600 + 7_200 + 1_200]);
}

#[test]
fn r161_what_fired_stays_latched_in_the_next_process() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.reopen(Span::minutes(2));
    s.expect(&["restarted"]);
    s.record("heap_used", 1_200.0);
    s.assert_stands(Status::RolledBack, "fifty_percent", [0.0; 3]);
    // What fired is still latched in the next process, and nobody is exposed.
    s.look_away();
    s.reopen(Span::minutes(2));
    s.expect(&["restarted"]);
    s.record("heap_used", 1_200.0);
    s.assert_nothing();
}
