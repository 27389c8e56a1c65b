//! What goes with a rollout and follows it: remarks, risks, fallbacks, postmortems, things to do.

use rollgate::clock::ManualClock;
use rollgate::core::decide::{RolloutState, Status, TaskState};
use rollgate::core::report::Form;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::{Format, ruleset};
use rollgate::{Engine, replay};
use rollgate_tests::{EM, PM, Record, Scenario, memory_system};

use super::scenario_removal::{ALL, at_the_end, overridden, with_end};

// ---- remarks

#[test]
fn r062_a_remark_is_journalled_and_shown_beside_the_numbers() {
    let mut s = Scenario::in_phase("ten_percent");
    s.engine.annotate(PM, "users like the new answers", Some("nps")).unwrap();
    s.engine.annotate("sre", "the cache was flushed at noon", None).unwrap();
    let records = s.expect(&["annotated", "annotated"]);
    assert_eq!((records[0].text("by"), records[0].text("metric")), (PM, "nps"));
    assert_eq!(records[1].text("text"), "the cache was flushed at noon");
    assert!(records[1].0.get("metric").is_none());
    let card = s.engine.scorecard(Form::Phase);
    assert!(
        card.notes.iter().any(|note| note.starts_with("nps: users like the new answers (product_manager, "))
    );
    // A morning's card shows the remarks of its day.
    s.coast(Span::days(2));
    let notes = s.engine.scorecard(Form::Daily).notes;
    assert!(notes.iter().all(|note| !note.contains("new answers") && !note.contains("flushed")), "{notes:?}");
    assert!(s.engine.annotate(PM, "  ", None).is_err());
    let error = s.engine.annotate(PM, "x", Some("npz")).unwrap_err().to_string();
    assert!(error.contains("no metric `npz`"), "{error}");
}

#[test]
fn r062_a_trace_can_remark_report_and_hand_out_work() {
    let ruleset = ruleset(include_str!("../../examples/plans/memory-system.yaml"), Format::Yaml).unwrap();
    let trace = r#"
{"at":"2026-01-19T10:00:00Z","command":"start","by":"on_call"}
{"at":"2026-01-19T10:00:01Z","command":"annotate","text":"a quiet day","metric":"nps","by":"product_manager"}
{"at":"2026-01-19T10:00:02Z","command":"follow_up","item":"tidy","title":"Tidy up","owner":"devops","due":"2w","by":"sre"}
{"at":"2026-01-19T10:00:03Z","command":"check","item":"tidy","by":"devops"}
{"at":"2026-01-19T10:00:04Z","command":"action","action":"backup","ok":true,"output":"ok","by":"devops"}
"#;
    let journal = replay::journal_of(ruleset.ruleset.into(), trace).unwrap();
    let mut records: Vec<Record> = journal.iter().map(|line| Record::of(line)).collect();
    records.retain(|record| record.kind() != "notice");
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    let expected = ["started", "phase_started", "annotated", "follow_up_added", "checked", "command_refused"];
    assert_eq!(kinds, expected);
    assert_eq!(records[3].text("due"), "2026-02-02T10:00:02.000Z");
    assert!(records[5].text("why").contains("no action is under way"));
}

// ---- rollbacks

#[test]
fn r106_a_rollback_moves_flags_and_asks_for_nothing_else() {
    // Option A: the old code is still there, and the flags alone bring it back: no command is run, no process restarts.
    let mut s = Scenario::of_text(&super::scenario_actions::plan());
    s.start();
    for by in [EM, PM] {
        s.decide(by, overridden(), "as agreed").unwrap();
    }
    for action in ["backup", "migrate"] {
        s.engine.report_action("devops", action, None, Ok("ok")).unwrap();
    }
    s.advance(Span::minutes(1));
    let flag = s.engine.flag(ALL[0]);
    let on = (0..1_000).filter(|user| flag.is_on(&format!("user-{user}"))).count();
    assert!((50..160).contains(&on), "{on}");
    s.look_away();
    s.record("heap_used", 1_500.0);
    // The handles that the host already has answer from the next call on.
    assert_eq!((0..1_000).filter(|user| flag.is_on(&format!("user-{user}"))).count(), 0);
    s.expect(&["trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(s.engine.status().action, None);
}

#[test]
fn r115_a_manual_rollback_waits_for_the_engineering_manager() {
    let text = include_str!("../../examples/plans/memory-system.yaml").replace(
        "within: 4h, at_least: 3 }, rollback: { to: zero } }",
        "within: 4h, at_least: 3 }, rollback: { to: zero }, approve_by: [engineering_manager] }",
    );
    let mut s = Scenario::of_text(&text);
    s.start();
    for by in [EM, PM] {
        s.decide(by, overridden(), "as agreed").unwrap();
    }
    for id in ["a", "b", "c"] {
        s.brief_alert(id);
        s.advance(Span::hours(1));
    }
    s.assert_stands(Status::Running, "ten_percent", [10.0, 10.0, 0.0]);
    for by in [PM, "on_call", "sre", "cto"] {
        let error = s.approve(by, "alerts_persisting").unwrap_err().to_string();
        assert!(error.contains("engineering_manager may"), "{error}");
        s.assert_shares([10.0, 10.0, 0.0]);
    }
    s.look_away();
    s.approve(EM, "alerts_persisting").unwrap();
    let records = s.fresh();
    assert_eq!((records[0].kind(), records[0].text("role")), ("approved", EM));
    s.assert_stands(Status::RolledBack, "ten_percent", [0.0; 3]);
}

#[test]
fn r151_the_register_shows_each_risk_with_its_triggers_and_what_fired() {
    let mut s = Scenario::in_phase("fifty_percent");
    let risks = s.engine.risks().risks;
    assert_eq!(risks.len(), 6);
    assert!(risks.iter().all(|risk| !risk.has_fired));
    let spike = &risks[0];
    assert_eq!(
        (spike.title.as_str(), spike.probability.as_str(), spike.impact.as_str()),
        ("Latency spike at 50%", "medium", "high")
    );
    let watching: Vec<String> =
        spike.triggers.iter().map(|one| format!("{}/{} {}", one.phase, one.trigger, one.mode)).collect();
    assert_eq!(watching[..2], ["ten_percent/latency automatic", "ten_percent/latency_degraded manual"]);
    assert_eq!(watching.len(), 7);
    // What nothing watches for says so.
    let overload = risks.iter().find(|risk| risk.risk == *"rag_overload").unwrap();
    assert!(overload.triggers.is_empty() && overload.mitigation == "fall back to non-RAG search");

    s.traffic.latency_ms = 900.0;
    s.advance(Span::minutes(5) + Span::seconds(10));
    assert_eq!(s.status(), Status::RolledBack);
    s.reopen(Span::minutes(5));
    let register = s.engine.risks();
    let fired: Vec<&str> =
        register.risks.iter().filter(|risk| risk.has_fired).map(|risk| risk.risk.as_str()).collect();
    assert_eq!(fired, ["latency_spike"]);
    let times: Vec<u64> = register.risks[0].triggers.iter().map(|one| one.fired).collect();
    assert_eq!(times, [0, 0, 1, 0, 0, 0, 0]);
    let cells = register.cells();
    assert!(cells[0][5].contains("1 x, last 2026-01-19"), "{cells:?}");
    assert_eq!(cells[3][4], "none: people only");
}

#[test]
fn r152_a_trigger_degrades_one_flag_and_the_others_stay() {
    let text = include_str!("../../examples/plans/degrade.yaml");
    let clock = ManualClock::at(Timestamp(0));
    let builder = Engine::builder().plan_text(text, Format::Yaml).unwrap();
    let engine = builder.clock(clock.clone()).build().unwrap();
    // How a host reads it: the search falls back, the ranking stays new.
    let search = |user: &str| {
        let view = engine.snapshot();
        let found = if view.is_on("USE_RAG_SEARCH", user) { "rag" } else { "keyword" };
        let ranked = if view.is_on("USE_NEW_RANKING", user) { "new" } else { "old" };
        (found, ranked)
    };
    let rag = engine.metric("rag_latency").unwrap();
    let run = |span: Span, ms: f64| {
        for _ in 0..span.0 / 10_000 {
            clock.advance(Span::seconds(5));
            rag.record_many(ms, 100);
            clock.advance(Span::seconds(5));
            engine.tick();
        }
    };
    engine.start("on_call").unwrap();
    run(Span::minutes(10), 300.0);
    assert_eq!(search("user-1"), ("rag", "new"));
    run(Span::minutes(4), 1_500.0);
    let percent = |engine: &Engine| -> Vec<String> {
        engine.shares().iter().map(|(_, share)| share.to_string()).collect()
    };
    assert_eq!(percent(&engine), ["0%", "100%"]);
    assert_eq!(search("user-1"), ("keyword", "new"));
    // Degraded, not dead: a later rollback of everything is still possible, and a retry brings it back.
    assert_eq!(engine.status().status, Status::RolledBack);
    run(Span::minutes(70), 300.0);
    engine.attest("sre", "rag_recovered").unwrap();
    engine.retry("on_call").unwrap();
    assert_eq!(search("user-1"), ("rag", "new"));
    // The register says what the trigger lowers.
    assert_eq!(engine.risks().risks[0].triggers[0].lowers, "USE_RAG_SEARCH to 0%");
}

#[test]
fn r158_a_postmortem_is_required_and_its_actions_have_owners_and_dates() {
    let mut s = Scenario::in_phase("fifty_percent");
    s.record("heap_used", 1_500.0);
    for item in ["root_cause", "fix_validated"] {
        s.attest(EM, item);
    }
    s.coast(Span::days(7) + Span::minutes(1));
    s.look_away();
    assert!(s.engine.retry("on_call").is_err());
    assert_eq!(s.expect(&["retry_refused"])[0].texts("missing"), ["postmortem"]);
    // Its outcome: work with an owner and a date.
    s.engine.follow_up(EM, "heap_alert", "Alert at 80 % of the heap", "sre", "2w").unwrap();
    s.engine.follow_up(EM, "heap_flags", "Set the heap's flags", "devops", "2026-02-10").unwrap();
    s.attest(EM, "postmortem");
    let records = s.expect(&["follow_up_added", "follow_up_added", "attested"]);
    assert_eq!((records[0].text("owner"), records[0].text("by")), ("sre", EM));
    assert_eq!(records[1].text("due"), "2026-02-10T23:59:59.999Z");
    for (owner, due) in [("", "2w"), ("sre", "soon"), ("sre", "1 month")] {
        assert!(s.engine.follow_up(EM, "more", "More", owner, due).is_err(), "{owner} {due}");
    }
    assert!(s.engine.follow_up(EM, "heap_alert", "Again", "sre", "2w").is_err());
    s.engine.retry("on_call").unwrap();
    s.look_away();
    s.engine.check("sre", "heap_alert").unwrap();
    s.expect(&["checked"]);
    s.coast(Span::days(16));
    let left: Vec<(String, TaskState)> =
        s.engine.status().follow_ups.iter().map(|task| (task.key.to_string(), task.state)).collect();
    assert_eq!(left, [("heap_alert".into(), TaskState::Done), ("heap_flags".into(), TaskState::Overdue)]);
    let card = s.engine.scorecard(Form::Weekly);
    assert!(
        card.notes
            .iter()
            .any(|note| note.starts_with("Overdue: Set the heap's flags (devops, due 2026-02-10"))
    );
}

const FOLLOW_UPS: &str = "
follow_ups:
  review:    { title: Review with the team, owner: engineering_manager, due: 4w }
  archive:   { title: Archive the old code, owner: devops, due: 30d }
  roadmap:   { title: Plan the next half year, owner: product_manager, due: 180d }
  blog:      { due: 2026-03-31 }
";

#[test]
fn r159_work_for_later_is_listed_by_its_horizon_and_checked_off() {
    let mut s = with_end(FOLLOW_UPS);
    let list = |s: &Scenario| -> Vec<(String, Option<String>, TaskState)> {
        let tasks = s.engine.status().follow_ups;
        tasks
            .iter()
            .map(|task| (task.key.to_string(), task.due.map(|due| due.to_string()), task.state))
            .collect()
    };
    // A horizon begins at completion; a date is a date.
    assert_eq!(list(&s)[0], ("review".into(), None, TaskState::Open));
    assert_eq!(list(&s)[3].1.as_deref(), Some("2026-03-31T23:59:59.999Z"));
    at_the_end(&mut s);
    let completed = Scenario::START + s.elapsed();
    let due = |days: u64| Some((completed + Span::days(days)).to_string());
    let dates: Vec<Option<String>> = list(&s).into_iter().map(|(_, due, _)| due).collect();
    assert_eq!(dates[..3], [due(28), due(30), due(180)]);
    s.coast(Span::days(28) - Span::minutes(1));
    assert!(list(&s).iter().all(|(_, _, state)| *state == TaskState::Open));
    s.coast(Span::minutes(2));
    let states = |s: &Scenario| -> Vec<TaskState> { list(s).iter().map(|(_, _, state)| *state).collect() };
    assert_eq!(states(&s), [TaskState::Overdue, TaskState::Open, TaskState::Open, TaskState::Open]);
    s.engine.check(EM, "review").unwrap();
    assert_eq!(states(&s)[0], TaskState::Done);
    // What was done stays done, also in another process.
    s.reopen(Span::days(3));
    assert_eq!(states(&s), [TaskState::Done, TaskState::Overdue, TaskState::Open, TaskState::Open]);
    assert!(s.engine.check(EM, "nothing").is_err());
}

#[test]
fn r159_months_are_no_length_of_time() {
    let text = format!(
        "{}\nfollow_ups: {{ later: {{ due: 2 months }} }}\n",
        include_str!("../../examples/plans/memory-system.yaml")
    );
    let problems = ruleset(&text, Format::Yaml).unwrap_err().to_string();
    assert!(problems.contains("follow_ups.later.due") && problems.contains("months"), "{problems}");
}

#[test]
fn a_follow_up_and_an_item_of_a_checklist_have_different_names() {
    let text = format!(
        "{}\nfollow_ups: {{ training: {{ due: 4w }} }}\n",
        include_str!("../../examples/plans/memory-system.yaml")
    );
    let problems = ruleset(&text, Format::Yaml).unwrap_err().to_string();
    assert!(problems.contains("`training` is an item of a checklist already"), "{problems}");
}

#[test]
fn a_state_from_before_actions_and_follow_ups_loads() {
    let state = RolloutState::new(&memory_system(), Scenario::START);
    let mut old = serde_json::to_value(&state).unwrap();
    let fields = old.as_object_mut().unwrap();
    assert!(fields.remove("actions").is_some() && fields.remove("after").is_some());
    let read: RolloutState = serde_json::from_value(old).unwrap();
    assert_eq!(read, state);
}

#[test]
fn what_is_kept_in_the_state_has_a_bound() {
    let s = Scenario::in_phase("ten_percent");
    let long = "x".repeat(20_000);
    let error = s.engine.annotate(PM, &long, None).unwrap_err().to_string();
    assert!(error.contains("20000 bytes") && error.contains("shorten it"), "{error}");
    let error = s.engine.follow_up(EM, "tidy", &long, "devops", "2w").unwrap_err().to_string();
    assert!(error.contains("the title has 20000 bytes"), "{error}");
    assert!(s.engine.status().follow_ups.iter().all(|task| task.key != *"tidy"));
}
