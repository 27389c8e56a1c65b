//! Planned dates, checklists, roles, and what a plan's calendar may say.

use rollgate::core::compile::Level;
use rollgate::core::decide::{Action, Command, Status};
use rollgate::core::id::Key;
use rollgate::core::report::Form;
use rollgate::core::time::Span;
use rollgate::read::{Format, ruleset};
use rollgate_tests::{EM, PM, Rollout, Scenario, memory_system};

const HEAD: &str = "version: 1
name: plan
date: 2026-03-02
timezone: Europe/Berlin
evaluate_every: 10m
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down, curable: true } }
roles: { lead: { members: [Ada, Grace] }, ops: { members: [Olga] }, anybody: {} }
";

const PHASES: &str = "phases:
  - id: prepare
    duration: 7d
    checklist:
      training: { title: Team trained, owner: lead, due: 2026-03-04 }
      staging:  { title: Staging is stable, owner: ops, due: 2d, command: \"npm run test:integration\", expect: 15 of 15 passed }
      window:   { title: Window scheduled }
    gates: { ready: { checklist: complete } }
    decision: { roles: [lead, ops] }
  - id: ten
    duration: 7d
    steps: [ { set: { A: 10% }, hold: 2h }, { set: { A: 20% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
  - id: keep
    duration: open
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

fn plan() -> String {
    format!("{HEAD}{PHASES}")
}

fn act(rollout: &Rollout, by: &str, role: Option<&str>, action: Action) -> Result<(), String> {
    let command = Command { by: Key::new(by), role: role.map(Key::new), action };
    rollout.engine.command(&command).map_err(|error| error.to_string())
}

#[test]
fn r001_five_phases_in_their_order_have_name_shares_duration_criteria_and_triggers() {
    let ruleset = memory_system();
    let phases = &ruleset.plan.as_ref().unwrap().phases;
    let week = Some(Span::days(7));
    let found: Vec<_> = phases
        .iter()
        .map(|phase| {
            let shares = phase.last_shares.iter().map(|share| share.ppm() / 10_000).collect::<Vec<_>>();
            (&*phase.title, shares, phase.duration, phase.gates.len(), phase.triggers.len())
        })
        .collect();
    assert_eq!(
        found,
        [
            ("Phase 0: Pre-Deployment", vec![0, 0, 0], week, 6, 0),
            ("Phase 1: 10% Rollout", vec![10, 10, 0], week, 9, 9),
            ("Phase 2: 50% Rollout", vec![50, 50, 10], week, 11, 10),
            ("Phase 3: 100% Rollout", vec![100, 100, 100], Some(Span::days(14)), 13, 11),
            ("Phase 4: Stabilization", vec![100, 100, 100], None, 4, 4),
        ]
    );
}

#[test]
fn r003_the_plan_takes_five_weeks_and_every_phase_has_its_planned_dates() {
    let ruleset = memory_system();
    let plan = ruleset.plan.as_ref().unwrap();
    assert_eq!(plan.planned_total(), Span::days(35));
    let planned: Vec<_> = plan.planned().iter().map(|phase| (phase.starts, phase.ends)).collect();
    let day = |day: u64| Some(plan.date.unwrap() + Span::days(day));
    // The plan's date is that of its first phase.
    assert_eq!(
        planned,
        [(day(0), day(7)), (day(7), day(14)), (day(14), day(21)), (day(21), day(35)), (day(35), None)]
    );
}

#[test]
fn r003_the_end_is_projected_from_where_the_rollout_stands() {
    let mut rollout = Rollout::start(&plan(), "2026-03-02T12:00:00Z");
    let calendar = rollout.calendar();
    assert_eq!(calendar.planned_end.unwrap().to_string(), "2026-03-15T23:00:00.000Z");
    assert_eq!(calendar.projected_end.unwrap().to_string(), "2026-03-16T12:00:00.000Z");
    assert_eq!(calendar.phases[0].projected_end.unwrap().to_string(), "2026-03-09T12:00:00.000Z");
    assert_eq!((calendar.phases[2].planned_end, calendar.phases[2].projected_end), (None, None));
    // Nobody decides for a day: everything ends a day later.
    for item in ["training", "staging", "window"] {
        rollout.engine.check("Ada", item).unwrap();
    }
    rollout.until("2026-03-10T12:00:00Z");
    assert_eq!(rollout.calendar().projected_end.unwrap().to_string(), "2026-03-17T12:00:00.000Z");
    for by in ["Ada", "Olga"] {
        rollout.go(by).unwrap();
    }
    rollout.until("2026-03-12T12:00:00Z");
    assert_eq!(rollout.calendar().projected_end.unwrap().to_string(), "2026-03-17T12:00:00.000Z");
    assert_eq!(rollout.calendar().phases[0].projected_end, None);
    let card = rollout.engine.scorecard(Form::Phase);
    assert_eq!(
        card.notes.last().unwrap(),
        "Planned end 2026-03-16 00:00 Europe/Berlin; projected end 2026-03-17 13:00 Europe/Berlin."
    );
    // After a rollback nobody can say.
    rollout.heap(2_000.0);
    assert_eq!(rollout.calendar().projected_end, None);
}

#[test]
fn r034_a_task_has_title_owner_deadline_and_status_and_overdue_ones_are_listed() {
    let mut rollout = Rollout::start(&plan(), "2026-03-02T12:00:00Z");
    let [training, staging, window] = &rollout.calendar().checklist[..] else { panic!() };
    assert_eq!(
        (training.title.as_str(), training.owner.as_ref().unwrap().as_str()),
        ("Team trained", "lead")
    );
    // A day is a day to its end, in the plan's zone; a span is counted back from the phase's end.
    assert_eq!(training.due.unwrap().to_string(), "2026-03-04T23:00:00.000Z");
    assert_eq!(staging.due.unwrap().to_string(), "2026-03-07T12:00:00.000Z");
    assert_eq!((window.due, window.is_checked, window.is_overdue), (None, false, false));

    rollout.engine.check("Ada", "window").unwrap();
    rollout.until("2026-03-04T22:59:00Z");
    let is_overdue = |rollout: &Rollout| rollout.calendar().checklist.iter().any(|task| task.is_overdue);
    assert!(!is_overdue(&rollout));
    rollout.until("2026-03-04T23:00:00Z");
    assert!(is_overdue(&rollout));
    let reminders = rollout.records(&["reminder"]);
    assert_eq!((reminders[0].text("item"), reminders[0].text("owner")), ("training", "lead"));
    assert_eq!(
        (reminders[0].text("what"), &reminders[0].0["overdue"]),
        ("overdue: Team trained", &true.into())
    );
    let card = rollout.engine.scorecard(Form::Daily);
    assert_eq!(card.notes[0], "Overdue since 2026-03-05 00:00 Europe/Berlin: Team trained (lead).");

    // Said once, also after a restart; a checked one is overdue no more.
    rollout.reopen(&plan(), "2026-03-05T10:00:00Z");
    rollout.until("2026-03-06T10:00:00Z");
    assert_eq!(rollout.records(&["reminder"]).len(), 1);
    rollout.engine.check("Ada", "training").unwrap();
    assert!(!is_overdue(&rollout) && rollout.calendar().checklist[0].is_checked);
    // Downtime is not watched: the phase's end moved by half a day, and with it what is counted back from it.
    rollout.until("2026-03-07T22:50:00Z");
    assert_eq!(rollout.records(&["reminder"]).len(), 1);
    rollout.until("2026-03-07T23:10:00Z");
    let reminders = rollout.records(&["reminder"]);
    assert_eq!((reminders.len(), reminders[1].text("item")), (2, "staging"));
}

#[test]
fn r045_a_verification_step_shows_its_command_and_what_to_expect() {
    let rollout = Rollout::start(&plan(), "2026-03-02T12:00:00Z");
    let task = &rollout.calendar().checklist[1];
    assert_eq!(task.command.as_deref(), Some("npm run test:integration"));
    assert_eq!(task.expect.as_deref(), Some("15 of 15 passed"));
    let json = serde_json::to_value(rollout.engine.status()).unwrap();
    assert_eq!(json["calendar"]["checklist"][1]["expect"], "15 of 15 passed");
}

#[test]
fn r043_that_all_flags_were_off_at_a_time_can_be_checked_then_and_later() {
    let plan = plan().replace("ready: { checklist: complete }", "off: { shares: all_zero }");
    let mut rollout = Rollout::start(&plan, "2026-03-02T12:00:00Z");
    rollout.until("2026-03-09T12:00:00Z");
    // Deployed, and nobody exposed: the gate says so at the moment of the decision.
    let passed = rollout.records(&["gates_passed"]);
    assert_eq!(passed[0].verdict("off"), "PASS");
    assert!((0..200).all(|user| !rollout.engine.is_on("A", &format!("user-{user}"))));
    let deployed = rollout.records(&["awaiting_decision"])[0].0["seq"].as_u64().unwrap() as usize;
    rollout.go("Ada").unwrap();
    rollout.go("Olga").unwrap();
    rollout.until("2026-03-10T12:00:00Z");
    // And the journal says so of that moment afterwards.
    let lines = rollout.engine.journal_after(0);
    let share = |until: usize| {
        let recalled = rollgate::journal::recall(lines[..until].iter().map(String::as_str)).unwrap();
        recalled.shares.get("A").copied().unwrap_or(0.0)
    };
    assert_eq!((share(deployed), share(lines.len())), (0.0, 0.2));
    // With a flag raised by hand the gate fails.
    let mut other = Rollout::start(&plan, "2026-03-02T12:00:00Z");
    let share = rollgate::core::units::Share::from_fraction(0.01).unwrap();
    other.engine.set_shares("Ada", &[("A", share)], "one tester").unwrap();
    other.until("2026-03-09T12:00:00Z");
    assert_eq!(other.records(&["gates_failed"])[0].verdict("off"), "FAIL");
}

#[test]
fn r044_phase_0_ends_with_an_explicit_go_only() {
    let mut s = Scenario::open();
    s.start();
    s.check_all();
    s.coast(Span::days(7));
    assert_eq!((s.status(), s.phase().as_str()), (Status::AwaitingDecision, "pre_deployment"));
    s.look_away();
    // Everything is green, and nothing happens until both have said go.
    s.coast(Span::days(3));
    s.go(EM).unwrap();
    s.coast(Span::days(1));
    s.assert_stands(Status::AwaitingDecision, "pre_deployment", [0.0, 0.0, 0.0]);
    s.go(PM).unwrap();
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
}

#[test]
fn r123_the_next_phase_is_not_entered_without_a_documented_decision() {
    let go = || rollgate::core::decide::Choice::Go { override_reason: None };
    let mut s = Scenario::entering("ten_percent");
    s.attest(EM, "team_confident");
    s.coast(Span::days(7));
    let kinds: Vec<String> = s.fresh().iter().map(|record| record.kind().to_owned()).collect();
    assert_eq!(kinds, ["attested", "gates_passed", "awaiting_decision"]);
    // Every gate is green, and however long that lasts, nothing follows of it.
    s.coast(Span::days(3));
    s.assert_nothing();
    let stays = |s: &Scenario, injection: f64| {
        s.assert_stands(Status::AwaitingDecision, "ten_percent", [injection, 10.0, 0.0]);
    };
    stays(&s, 10.0);
    // Neither by starting or retrying again, nor with an empty rationale, nor by one of the two.
    assert!(s.engine.start("on_call").is_err());
    assert!(s.engine.retry("on_call").is_err());
    assert!(s.decide(EM, go(), "  ").is_err());
    s.expect(&["command_refused", "command_refused", "decision_refused"]);
    stays(&s, 10.0);
    s.decide(EM, go(), "a quiet week").unwrap();
    s.coast(Span::days(1));
    stays(&s, 10.0);
    // A flag that somebody raises to the next phase's share is an override of this phase, and no entry into that one.
    s.set(&[("USE_ENHANCED_INJECTION", 25.0)], "a demonstration").unwrap();
    s.coast(Span::days(1));
    stays(&s, 25.0);
    assert!(!s.fresh().iter().any(|record| record.kind() == "phase_started"));
    s.decide(PM, go(), "nobody complains").unwrap();
    s.assert_stands(Status::Running, "fifty_percent", [25.0, 25.0, 0.0]);
    // Each phase but the first one was entered on two people's words of its own, which stand before it.
    let journal = s.journal();
    let mut documents: Vec<(&str, &str)> = Vec::new();
    let mut entered = Vec::new();
    for record in &journal {
        match record.kind() {
            "decided" => documents.push((record.text("role"), record.text("rationale"))),
            "phase_started" => entered.push((record.text("phase"), std::mem::take(&mut documents))),
            _ => {}
        }
    }
    assert_eq!(entered[0], ("pre_deployment", vec![]));
    assert_eq!(entered[1], ("ten_percent", vec![(EM, "as agreed"), (PM, "as agreed")]));
    assert_eq!(entered[2], ("fifty_percent", vec![(EM, "a quiet week"), (PM, "nobody complains")]));
    assert_eq!(entered.len(), 3);
}

#[test]
fn r137_roles_map_to_people() {
    let mut rollout = Rollout::start(&plan(), "2026-03-02T12:00:00Z");
    let roles = rollout.calendar().roles;
    assert_eq!((roles[0].role.as_str(), roles[0].members.len()), ("lead", 2));
    assert!(roles[2].members.is_empty(), "a role without people is anybody's who says so");
    for item in ["training", "staging", "window"] {
        rollout.engine.check("Ada", item).unwrap();
    }
    rollout.until("2026-03-09T12:00:00Z");
    let go = || Action::Decide {
        choice: rollgate::core::decide::Choice::Go { override_reason: None },
        rationale: "green".into(),
    };
    // A person acts in the role they hold; nobody in one they do not, and nobody as a role that has people.
    assert!(act(&rollout, "Eve", None, go()).unwrap_err().contains("Eve has no vote"));
    assert!(act(&rollout, "Olga", Some("lead"), go()).unwrap_err().contains("not listed as lead"));
    assert!(act(&rollout, "lead", None, go()).is_err());
    act(&rollout, "Grace", None, go()).unwrap();
    act(&rollout, "Olga", Some("ops"), go()).unwrap();
    let decided = rollout.records(&["decided"]);
    let told: Vec<_> = decided.iter().map(|record| (record.text("by"), record.text("role"))).collect();
    assert_eq!(told, [("Grace", "lead"), ("Olga", "ops")]);
    assert_eq!(rollout.phase(), "ten");
}

#[test]
fn r163_every_change_of_a_flag_says_who_when_from_what_to_what_why_and_by_what() {
    let mut rollout = Rollout::start(&plan(), "2026-03-02T12:00:00Z");
    for item in ["training", "staging", "window"] {
        rollout.engine.check("Ada", item).unwrap();
    }
    rollout.until("2026-03-09T12:00:00Z");
    rollout.go("Ada").unwrap();
    rollout.go("Olga").unwrap();
    rollout.until("2026-03-09T14:00:00Z");
    let share = |percent: f64| rollgate::core::units::Share::from_fraction(percent / 100.0).unwrap();
    rollout.engine.set_shares("Grace", &[("A", share(5.0))], "a customer complains").unwrap();
    rollout.engine.release("Grace", &["A"]).unwrap();
    rollout.heap(2_000.0);
    rollout.engine.retry("Ada").unwrap();
    rollout.engine.stop("Olga", "the power fails").unwrap();
    let mut journal = Vec::new();
    for line in rollout.engine.journal_after(0) {
        journal.push(rollgate_tests::Record::of(&line));
    }
    let changes: Vec<_> =
        journal.iter().enumerate().filter(|(_, record)| record.kind() == "shares_changed").collect();
    let told: Vec<(f64, f64, &str, &str)> = changes
        .iter()
        .map(|(_, record)| {
            let cause = &record.0["cause"];
            let name = cause["name"].as_str().unwrap();
            (record.shares("from")[0].1, record.shares("to")[0].1, cause["kind"].as_str().unwrap(), name)
        })
        .collect();
    assert_eq!(
        told,
        [
            (0.0, 10.0, "step", "1"),
            (10.0, 20.0, "step", "2"),
            (20.0, 5.0, "operator", "Grace"),
            (5.0, 20.0, "operator", "Grace"),
            (20.0, 0.0, "trigger", "heap"),
            (0.0, 10.0, "retry", "Ada"),
            (10.0, 0.0, "stop", "Olga"),
        ]
    );
    // Each has its time, and a record before it in the same instant that gives its reason.
    for (index, record) in &changes {
        assert!(!record.text("at").is_empty());
        let reason = &journal[..*index];
        let reason = reason.iter().rev().find(|other| {
            ["step_applied", "override", "released", "rolled_back", "stopped"].contains(&other.kind())
        });
        assert_eq!(reason.unwrap().text("at"), record.text("at"));
    }
    let reasons: Vec<&str> =
        journal.iter().map(|record| record.text("reason")).filter(|text| !text.is_empty()).collect();
    assert_eq!(reasons, ["a customer complains", "the power fails"]);
}

/// Code and path of the problems of the plan with one line more at its top.
fn problems(line: &str) -> Vec<(Level, &'static str, String)> {
    let text = plan().replacen("evaluate_every", &format!("{line}\nevaluate_every"), 1);
    let list = match ruleset(&text, Format::Yaml) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems.0,
    };
    list.into_iter().map(|problem| (problem.level, problem.code, problem.path)).collect()
}

#[test]
fn a_calendar_that_makes_no_sense_is_refused_where_it_is_written() {
    for (line, code, path) in [
        ("freezes: [ { from: 2026-12-24, to: 2026-12-23 } ]", "empty-freeze", "freezes[0].to"),
        (
            "freezes: [ { from: \"2026-12-24T10:00\", to: \"2026-12-24T10:00\" } ]",
            "empty-freeze",
            "freezes[0].to",
        ),
        ("freezes: [ { to: 2026-12-23 } ]", "missing-key", "freezes[0]"),
        ("freezes: [ { from: Christmas } ]", "wrong-date", "freezes[0].from"),
        ("freezes: [ { from: \"2026-12-24T10:00Z\" } ]", "wrong-date", "freezes[0].from"),
        ("freezes: [ { from: 2026-12-24, until: 2026-12-27 } ]", "unknown-key", "freezes[0].until"),
        ("freezes: { from: 2026-12-24 }", "wrong-type", "freezes"),
        (
            "deployment_window: { days: [monday], from: \"09:00\", to: \"12:00\" }",
            "wrong-value",
            "deployment_window.days[0]",
        ),
        (
            "deployment_window: { days: [], from: \"09:00\", to: \"12:00\" }",
            "empty-window",
            "deployment_window.days",
        ),
        ("deployment_window: { from: \"09:00\", to: \"09:00\" }", "empty-window", "deployment_window"),
        ("deployment_window: { from: \"09:00\", to: \"24:00\" }", "wrong-time", "deployment_window.to"),
        ("deployment_window: { from: \"09:00\" }", "missing-key", "deployment_window"),
        ("schedule: { a: { title: x } }", "wrong-schedule", "schedule.a"),
        ("schedule: { a: { daily: \"09:00\", every: 1h } }", "wrong-schedule", "schedule.a"),
        ("schedule: { a: { day: 1 } }", "missing-key", "schedule.a"),
        ("schedule: { a: { day: 0, at: \"09:00\" } }", "wrong-number", "schedule.a.day"),
        ("schedule: { a: { daily: \"09:00\", until: \"08:00\" } }", "wrong-time", "schedule.a.until"),
        ("schedule: { a: { daily: \"09:00\", for: 1d } }", "wrong-schedule", "schedule.a.for"),
        ("schedule: { a: { every: 1s } }", "out-of-range", "schedule.a.every"),
        ("schedule: { a: { every: 1h, then_every: 2h } }", "wrong-schedule", "schedule.a.then_every"),
        ("schedule: { a: { weekly: mo, at: \"09:00\" } }", "wrong-value", "schedule.a.weekly"),
        ("schedule: { a: { daily: \"09:00\", owner: boss } }", "unknown-role", "schedule.a.owner"),
        (
            "schedule: { a: { daily: \"09:00\", title: \"{phase.name}\" } }",
            "unknown-placeholder",
            "schedule.a.title",
        ),
    ] {
        let found = problems(line);
        let error = found.iter().find(|(level, _, _)| *level == Level::Error);
        assert_eq!(
            error.map(|(_, code, path)| (*code, path.as_str())),
            Some((code, path)),
            "{line}: {found:?}"
        );
    }
    assert!(problems("schedule: { a: { daily: \"09:00\" } }").is_empty());
}

#[test]
fn a_phase_that_is_planned_for_a_closed_day_is_a_warning() {
    let warned = |line: &str| {
        let found = problems(line);
        assert!(
            found.iter().all(|(level, code, _)| (*level, *code) == (Level::Warning, "planned-while-closed")),
            "{found:?}"
        );
        found.into_iter().map(|(_, _, path)| path).collect::<Vec<_>>()
    };
    // The first exposure is planned for Monday the ninth.
    assert_eq!(warned("freezes: [ { from: 2026-03-08, to: 2026-03-09, reason: the fair } ]"), ["phases[1]"]);
    assert_eq!(warned("freezes: [ { from: 2026-03-01 } ]"), ["phases[1]"]);
    assert_eq!(
        warned("deployment_window: { days: [tue, wed], from: \"09:00\", to: \"12:00\" }"),
        ["phases[1]"]
    );
    // A day on which it opens at some time, and a freeze before or after, are fine.
    for fine in [
        "freezes: [ { from: 2026-03-08, to: \"2026-03-09T18:00\" } ]",
        "freezes: [ { from: 2026-03-02, to: 2026-03-08 }, { from: 2026-03-10 } ]",
        "deployment_window: { days: [mon], from: \"09:00\", to: \"12:00\" }",
    ] {
        assert!(warned(fine).is_empty(), "{fine}");
    }
}

#[test]
fn what_can_never_come_due_is_a_warning() {
    let warnings = |from: &str, to: &str| {
        let text = plan().replacen(from, to, 1);
        assert_ne!(text, plan());
        let compiled = ruleset(&text, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}"));
        compiled.warnings.into_iter().map(|problem| (problem.code, problem.path)).collect::<Vec<_>>()
    };
    let never = |path: &str| vec![("never-due", path.to_owned())];
    let keep = "duration: open\n    ";
    let with = |more: &str| format!("{keep}{more}\n    ");
    assert_eq!(warnings(keep, &with("checklist: { a: { due: 2d } }")), never("phases[2].checklist.a.due"));
    assert_eq!(warnings(keep, &with("schedule: { a: { before_end: 2d } }")), never("phases[2].schedule.a"));
    assert_eq!(warnings(keep, &with("schedule: { a: { within: 2h } }")), never("phases[2].schedule.a"));
    assert_eq!(
        warnings("steps: [", "schedule: { a: { day: 9, at: \"09:00\" } }\n    steps: ["),
        never("phases[1].schedule.a")
    );
    assert_eq!(warnings("steps: [", "schedule: { a: { day: 8, at: \"09:00\" } }\n    steps: ["), []);
}

#[test]
fn a_state_from_before_there_was_a_calendar_is_read() {
    let compiled = ruleset(&plan(), Format::Yaml).unwrap_or_else(|problems| panic!("{problems}"));
    let state = rollgate::core::decide::RolloutState::new(&compiled.ruleset, Scenario::START);
    let mut json = serde_json::to_value(&state).unwrap();
    assert!(json.as_object_mut().unwrap().remove("agenda").is_some());
    assert_eq!(serde_json::from_value::<rollgate::core::decide::RolloutState>(json).unwrap(), state);
}
