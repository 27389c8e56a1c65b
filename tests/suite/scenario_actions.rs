//! Actions before a step: in order, each with its result, and nothing rises before all of them have succeeded.

use rollgate::core::decide::{Action, ActionResult, Status};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::time::Span;
use rollgate_tests::{EM, PM, Record, Scenario};

/// The plan of the house, with a backup and a migration before its first exposure, and a check before its second step.
pub(crate) fn plan() -> String {
    let text = include_str!("../../examples/plans/memory-system.yaml");
    let first = "      - set: { USE_ENHANCED_INJECTION: 10%, USE_HIERARCHICAL_TIERS: 10%, USE_CROSS_AGENT_SHARING: 0% }\n";
    let last = "      - set: { USE_ENHANCED_INJECTION: 50%, USE_HIERARCHICAL_TIERS: 50%, USE_CROSS_AGENT_SHARING: 10% }\n";
    assert!(text.contains(first) && text.contains(last), "the plan has changed");
    let with = |step: &str, actions: &str| format!("{step}        actions: {{ {actions} }}\n");
    text.replace(
        first,
        &with(
            first,
            "backup: { title: Back the database up, run: ./backup.sh, expect: ok, owner: dba, timeout: 10m }, \
             migrate: { run: ./migrate.sh }",
        ),
    )
    .replace(last, &with(last, "verify: { run: ./verify.sh, expect: \"44/44\" }"))
}

/// At the door of phase 1: its first action is under way.
fn at_the_backup() -> Scenario {
    let mut s = Scenario::of_text(&plan());
    s.start();
    for by in [EM, PM] {
        let choice =
            rollgate::core::decide::Choice::Go { override_reason: Some("the test begins here".into()) };
        s.decide(by, choice, "as agreed").unwrap();
    }
    s
}

fn report(s: &mut Scenario, action: &str, result: Result<&str, &str>) -> Result<(), Error> {
    let run = s.engine.status().action.map(|due| due.number);
    s.engine.report_action("devops", action, run, result)
}

#[track_caller]
fn refused(s: &mut Scenario, action: &str, why: &str) {
    let error = report(s, action, Ok("ok")).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
    let records = s.expect(&["command_refused"]);
    assert_eq!((records[0].text("command"), records[0].text("by")), ("action", "devops"));
}

#[test]
fn r042_actions_run_in_order_and_the_step_follows_them() {
    let mut s = at_the_backup();
    let records = s.fresh();
    let last = records.last().unwrap();
    assert_eq!((last.kind(), last.text("action")), ("action_started", "backup"));
    assert_eq!((&last.0["step"], &last.0["run"]), (&1.into(), &1.into()));
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
    let due = s.engine.status().action.unwrap();
    assert_eq!((due.title.as_str(), due.run.as_deref()), ("Back the database up", Some("./backup.sh")));
    assert_eq!(due.owner.as_ref().map(Key::as_str), Some("dba"));

    // Nothing is applied while it runs, and a later action is not due yet.
    s.advance(Span::minutes(2));
    s.assert_nothing();
    refused(&mut s, "migrate", "`backup` is");
    report(&mut s, "backup", Ok("  ok\n")).unwrap();
    let records = s.expect(&["action_finished", "action_started"]);
    assert_eq!(records[0].0["took_ms"], 120_000);
    assert_eq!((records[0].text("output"), &records[0].0["ok"]), ("ok", &true.into()));
    assert_eq!((records[1].text("action"), &records[1].0["run"]), ("migrate", &2.into()));
    s.advance(Span::minutes(1));
    s.assert_nothing();
    s.assert_shares([0.0; 3]);

    report(&mut s, "migrate", Ok("12 tables")).unwrap();
    s.expect(&["action_finished"]);
    s.advance(Span::seconds(10));
    let applied = s.fresh();
    let applied: Vec<&str> =
        applied.iter().map(Record::kind).filter(|kind| *kind != "baseline_captured").collect();
    assert_eq!(applied, ["step_applied", "shares_changed", "read_back"]);
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    assert_eq!(s.engine.status().action, None);
    refused(&mut s, "migrate", "no action is under way");
}

#[test]
fn r042_a_failure_stops_the_plan_and_a_resume_runs_it_again() {
    let mut s = at_the_backup();
    report(&mut s, "backup", Ok("ok")).unwrap();
    s.look_away();
    report(&mut s, "migrate", Err("table users is locked")).unwrap();
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!((&records[0].0["ok"], records[0].text("why")), (&false.into(), "table users is locked"));
    assert!(records[1].text("reason").contains("action `migrate` failed: table users is locked"));
    s.assert_stands(Status::Paused, "ten_percent", [0.0; 3]);
    s.coast(Span::days(2));
    s.assert_nothing();
    // The backup is still good: only what failed runs again.
    s.engine.resume("devops", "the lock is gone").unwrap();
    s.advance(Span::seconds(10));
    let records = s.expect(&["resumed", "action_started"]);
    assert_eq!((records[1].text("action"), &records[1].0["run"]), ("migrate", &3.into()));
    report(&mut s, "migrate", Ok("")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r042_another_output_than_expected_is_a_failure() {
    let mut s = at_the_backup();
    s.look_away();
    report(&mut s, "backup", Ok("error: disk full")).unwrap();
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!(records[0].text("why"), "it gave `error: disk full` where `ok` was expected");
    assert_eq!(s.status(), Status::Paused);
}

#[test]
fn r042_no_result_in_time_is_a_failure() {
    let mut s = at_the_backup();
    s.look_away();
    // The timeout counts from the next evaluation: whoever makes the backup hears of it from there on.
    s.advance(Span::minutes(10) + Span::seconds(10));
    s.assert_nothing();
    s.advance(Span::seconds(10));
    let records = s.expect(&["action_finished", "paused"]);
    assert_eq!(records[0].text("why"), "no result within its 10m");
    // What comes now comes too late.
    refused(&mut s, "backup", "no action is under way");
    s.assert_stands(Status::Paused, "ten_percent", [0.0; 3]);
}

/// Phase 2 at 25 %, with the check before 50 % under way.
fn at_the_check() -> Scenario {
    let mut s = at_the_backup();
    for action in ["backup", "migrate"] {
        report(&mut s, action, Ok("ok")).unwrap();
    }
    s.advance(Span::seconds(10));
    for by in [EM, PM] {
        let choice = rollgate::core::decide::Choice::Go { override_reason: Some("the test goes on".into()) };
        s.decide(by, choice, "as agreed").unwrap();
    }
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    s.look_away();
    // The hold comes first.
    s.advance(Span::minutes(29));
    s.assert_nothing();
    s.advance(Span::minutes(1));
    let records = s.expect(&["action_started"]);
    assert_eq!((records[0].text("action"), &records[0].0["step"]), ("verify", &2.into()));
    s
}

#[test]
fn r042_a_failed_action_leaves_healthy_exposure_alone_and_triggers_live() {
    let mut s = at_the_check();
    report(&mut s, "verify", Ok("43/44")).unwrap();
    s.assert_stands(Status::Paused, "fifty_percent", [25.0, 25.0, 0.0]);
    s.coast(Span::hours(3));
    s.assert_stands(Status::Paused, "fifty_percent", [25.0, 25.0, 0.0]);
    s.record("heap_used", 1_500.0);
    s.assert_stands(Status::RolledBack, "fifty_percent", [0.0; 3]);
}

#[test]
fn a_rollback_forgets_results_and_a_late_one_is_refused() {
    let mut s = at_the_check();
    s.record("heap_used", 1_500.0);
    s.look_away();
    refused(&mut s, "verify", "no action is under way");
    s.assert_shares([0.0; 3]);
    for item in ["root_cause", "fix_validated", "postmortem"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7) + Span::minutes(1));
    s.engine.retry("on_call").unwrap();
    // From the first action on, although both had succeeded before.
    s.advance(Span::seconds(10));
    assert_eq!(s.engine.status().action.unwrap().action.as_str(), "backup");
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
}

#[test]
fn a_retry_at_a_step_runs_its_actions_again() {
    let mut s = at_the_check();
    report(&mut s, "verify", Ok("44/44")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_shares([50.0, 50.0, 10.0]);
    // A rollback that lowers one flag only; a retry goes on at the same step.
    for _ in 0..12 {
        s.count("sharing_errors", 20);
        s.advance(Span::seconds(10));
    }
    s.assert_stands(Status::RolledBack, "fifty_percent", [50.0, 50.0, 0.0]);
    for item in ["root_cause", "fix_validated"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7) + Span::minutes(1));
    s.look_away();
    s.engine.retry("on_call").unwrap();
    let records = s.fresh();
    assert_eq!(records.last().map(|record| record.text("action").to_owned()).as_deref(), Some("verify"));
    s.assert_shares([50.0, 50.0, 0.0]);
    report(&mut s, "verify", Ok("44/44")).unwrap();
    s.advance(Span::seconds(10));
    s.assert_stands(Status::Running, "fifty_percent", [50.0, 50.0, 10.0]);
}

#[test]
fn a_restart_in_the_middle_of_an_action_runs_it_again() {
    let mut s = at_the_backup();
    s.look_away();
    s.reopen(Span::hours(2));
    let records = s.fresh();
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["restarted", "action_started"], "{records:#?}");
    assert_eq!(records[1].0["run"], 2);
    // The result of the run that ended with the process is stale.
    let stale = ActionResult { action: Key::new("backup"), run: Some(1), is_ok: true, output: "ok".into() };
    let error = s.say("host", Action::Report(stale)).unwrap_err().to_string();
    assert!(error.contains("run 1") && error.contains("run 2"), "{error}");
    s.advance(Span::minutes(9));
    s.assert_stands(Status::Running, "ten_percent", [0.0; 3]);
    report(&mut s, "backup", Ok("ok")).unwrap();
    assert_eq!(s.engine.status().action.unwrap().action.as_str(), "migrate");
}

#[test]
fn r042_a_step_waits_for_its_only_if_before_its_actions() {
    let text = plan().replace(
        "        only_if: { metric: sharing_errors, stat: per_minute, over: 30m, below: 3 }\n",
        "        only_if: { metric: sharing_errors, stat: per_minute, over: 30m, below: 3 }\n        actions: { look: { timeout: 2h } }\n",
    );
    let mut s = Scenario::of_text(&text);
    s.start();
    let go = || rollgate::core::decide::Choice::Go { override_reason: Some("the test begins here".into()) };
    while s.phase() != "hundred_percent" {
        for by in [EM, PM] {
            if s.phase() != "hundred_percent" {
                s.decide(by, go(), "as agreed").unwrap();
            }
        }
    }
    s.advance(Span::minutes(31));
    for _ in 0..180 {
        s.count("sharing_errors", 1);
        s.advance(Span::seconds(10));
    }
    s.look_away();
    // Six errors a minute: the condition does not hold, and the action is not asked for.
    s.count("sharing_errors", 20);
    s.advance(Span::minutes(10));
    s.assert_nothing();
    s.advance(Span::minutes(25));
    let records = s.expect(&["action_started"]);
    assert_eq!(records[0].text("action"), "look");
}
