//! What people are reminded of: once each, acknowledged or missed, and no storm after a night away.

use rollgate::core::decide::Status;
use rollgate::core::time::Span;
use rollgate_tests::{Record, Rollout};

const HEAD: &str = "version: 1
name: schedule
timezone: Europe/Berlin
evaluate_every: 10m
flags: { A: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
roles: { lead: {}, ops: { members: [Olga, Oleg] } }
";

const PHASES: &str = "phases:
  - id: ten
    title: Ten percent
    duration: 7d
    steps: [ { set: { A: 10% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    SCHEDULE
  - id: all
    title: Everybody
    duration: 7d
    steps: [ { set: { A: 100% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
";

fn plan(top: &str, own: &str) -> String {
    format!("{HEAD}{top}{}", PHASES.replace("SCHEDULE", own))
}

fn own(items: &str) -> String {
    plan("", &format!("schedule: {{ {items} }}"))
}

/// `item at`, with ` missed` and ` +skipped` where they are so.
fn told(records: &[Record]) -> Vec<String> {
    let one = |record: &Record| {
        let missed = if record.0["missed"] == true { " missed" } else { "" };
        let skipped = record.0["skipped"].as_u64().map_or_else(String::new, |skipped| format!(" +{skipped}"));
        format!(
            "{} {}{missed}{skipped}",
            record.text("item"),
            record.text("due").trim_end_matches(":00.000Z")
        )
    };
    records.iter().filter(|record| record.kind() == "reminder").map(one).collect()
}

#[test]
fn r127_a_day_plan_reminds_at_its_times_and_misses_what_nobody_did() {
    let items = "verify: { title: Verify, owner: ops, day: 1, at: \"09:00\", until: \"09:30\" }, \
                 deploy: { day: 1, at: \"10:00\", until: \"10:30\" }, second: { day: 2, at: \"09:00\" }";
    let mut rollout = Rollout::start(&own(items), "2026-03-02T06:00:00Z");
    rollout.fresh();
    rollout.until("2026-03-02T07:50:00Z");
    rollout.expect(&[]);
    rollout.until("2026-03-02T08:00:00Z");
    let records = rollout.expect(&["reminder"]);
    assert_eq!((records[0].text("what"), records[0].text("owner")), ("Verify", "ops"));
    assert_eq!(records[0].text("until"), "2026-03-02T08:30:00.000Z");
    assert_eq!(rollout.calendar().reminders[0].item.as_str(), "verify");
    rollout.engine.acknowledge("Olga", "verify").unwrap();
    let records = rollout.expect(&["acknowledged"]);
    assert_eq!((records[0].text("item"), records[0].text("by")), ("verify", "Olga"));
    assert!(rollout.calendar().reminders.is_empty());
    rollout.until("2026-03-03T12:00:00Z");
    assert_eq!(
        told(&rollout.fresh()),
        ["deploy 2026-03-02T09:00", "deploy 2026-03-02T09:00 missed", "second 2026-03-03T08:00"]
    );
}

#[test]
fn only_what_waits_can_be_acknowledged() {
    let rollout = Rollout::start(&own("a: { daily: \"09:00\" }, b: { within: 2h }"), "2026-03-02T08:10:00Z");
    let error = rollout.engine.acknowledge("Olga", "a").unwrap_err().to_string();
    assert!(error.contains("`a`"), "{error}");
    rollout.clock.advance(Span::minutes(10));
    rollout.engine.tick();
    let error = rollout.engine.acknowledge("Olga", "c").unwrap_err().to_string();
    assert!(error.ends_with("of these one does: b"), "{error}");
    rollout.engine.acknowledge("Olga", "b").unwrap();
    assert!(rollout.engine.acknowledge("Olga", "b").is_err(), "once is enough");
    assert!(rollout.engine.acknowledge(" ", "b").is_err(), "somebody has done it");
}

#[test]
fn r128_the_dashboard_is_looked_at_every_half_hour_on_the_first_day_and_hourly_then() {
    let items = "dashboard: { every: 30m, for: 1d, then_every: 1h }";
    let mut rollout = Rollout::start(&own(items), "2026-03-02T08:10:00Z");
    rollout.until("2026-03-02T08:39:00Z");
    assert!(told(&rollout.fresh()).is_empty());
    rollout.until("2026-03-02T08:40:00Z");
    assert_eq!(told(&rollout.fresh()), ["dashboard 2026-03-02T08:40"]);
    rollout.engine.acknowledge("lead", "dashboard").unwrap();
    rollout.until("2026-03-02T09:40:00Z");
    // The one at 9:10 is missed as the next one comes; the one before it was not.
    assert_eq!(
        told(&rollout.fresh()),
        ["dashboard 2026-03-02T09:10", "dashboard 2026-03-02T09:10 missed", "dashboard 2026-03-02T09:40"]
    );
    rollout.until("2026-03-04T08:10:00Z");
    let all = rollout.records(&["reminder"]);
    let came = all.iter().filter(|record| record.0["missed"] != true).count();
    assert_eq!(came, 48 + 24);
}

#[test]
fn r129_the_daily_checklist_has_its_four_groups() {
    let items = "morning: { title: Daily checklist, owner: ops, daily: \"09:00\", groups: { morning_review: [Overnight alerts, Error logs], \
                 metrics: [Latency, Errors, Heap, Cache], feedback: [Support tickets], team_sync: [Share the summary] } }";
    let mut rollout = Rollout::start(&own(items), "2026-03-02T12:00:00Z");
    rollout.until("2026-03-05T08:00:00Z");
    let records = rollout.records(&["reminder"]);
    let came: Vec<_> = records.iter().filter(|record| record.0["missed"] != true).collect();
    assert_eq!(came.len(), 3);
    assert_eq!(came[0].texts("groups"), ["morning_review", "metrics", "feedback", "team_sync"]);
    let open = rollout.calendar().reminders;
    assert_eq!(open[0].groups[1].1, ["Latency", "Errors", "Heap", "Cache"]);
    assert_eq!(open[0].owner.as_ref().unwrap().as_str(), "ops");
}

#[test]
fn r132_a_template_is_made_out_for_every_phase() {
    let top = "schedule:
  pre:   { title: \"Brief the team on {next.title}\", before_end: 1d }
  day:   { title: \"Deployment day of phase {phase.number}\", day: 1, at: \"14:00\" }
  daily: { title: \"Morning review of {phase.title}\", daily: \"09:00\" }
  end:   { title: \"Debrief {phase.id}\", before_end: 2h }
";
    let text = plan(top, "schedule: { daily: { title: Our own review, daily: \"08:00\" } }");
    let mut rollout = Rollout::start(&text, "2026-03-02T12:00:00Z");
    rollout.until("2026-03-16T12:00:00Z");
    let records = rollout.records(&["reminder"]);
    let mut told: Vec<(&str, &str)> = records
        .iter()
        .filter(|record| record.0["missed"] != true)
        .map(|record| (record.text("phase"), record.text("what")))
        .collect();
    told.dedup();
    assert_eq!(
        told,
        [
            ("ten", "Deployment day of phase 0"),
            ("ten", "Our own review"),
            ("ten", "Brief the team on Everybody"),
            ("ten", "Our own review"),
            ("ten", "Debrief ten"),
            ("all", "Deployment day of phase 1"),
            ("all", "Morning review of Everybody"),
            ("all", "Debrief all"),
        ]
    );
    // The last phase has no next one to brief anybody on, and a day of its own.
    let first_of_all = records.iter().find(|record| record.text("phase") == "all").unwrap();
    assert_eq!(first_of_all.text("due"), "2026-03-09T13:00:00.000Z");
}

#[test]
fn r133_the_first_hours_are_watched_from_the_first_step_on() {
    let mut rollout =
        Rollout::start(&own("watch: { title: Initial monitoring, within: 2h }"), "2026-03-02T08:10:00Z");
    rollout.until("2026-03-02T08:20:00Z");
    let records = rollout.records(&["reminder"]);
    assert_eq!(records[0].text("due"), "2026-03-02T08:10:00.000Z");
    assert_eq!(records[0].text("until"), "2026-03-02T10:10:00.000Z");
    rollout.until("2026-03-02T10:00:00Z");
    assert_eq!(rollout.records(&["reminder"]).len(), 1);
    rollout.until("2026-03-02T10:10:00Z");
    assert_eq!(told(&rollout.records(&["reminder"]))[1], "watch 2026-03-02T08:10 missed");
}

#[test]
fn r134_weekly_activities_come_on_their_day() {
    let text = own("weekly: { title: Weekly review, weekly: mon, at: \"10:00\", until: \"11:00\" }").replace(
        "duration: 7d\n    steps: [ { set: { A: 10% } } ]",
        "duration: 28d\n    steps: [ { set: { A: 10% } } ]",
    );
    let mut rollout = Rollout::start(&text, "2026-03-17T12:00:00Z");
    rollout.until("2026-04-01T12:00:00Z");
    // On both sides of the change of the clocks it is ten in the morning.
    assert_eq!(
        told(&rollout.records(&["reminder"])),
        [
            "weekly 2026-03-23T09:00",
            "weekly 2026-03-23T09:00 missed",
            "weekly 2026-03-30T08:00",
            "weekly 2026-03-30T08:00 missed",
        ]
    );
}

#[test]
fn after_a_night_away_only_the_latest_reminder_comes_and_says_how_many_did_not() {
    let text = own("hourly: { every: 1h }, morning: { daily: \"09:00\" }");
    let mut rollout = Rollout::start(&text, "2026-03-02T08:10:00Z");
    rollout.until("2026-03-02T09:20:00Z");
    rollout.fresh();
    rollout.reopen(&text, "2026-03-05T09:25:00Z");
    rollout.pass(Span::minutes(10));
    assert_eq!(
        told(&rollout.fresh()),
        ["hourly 2026-03-02T09:10 missed", "hourly 2026-03-05T09:10 +71", "morning 2026-03-05T08:00 +2"]
    );
    // Neither a restart nor a quiet minute says it again.
    rollout.reopen(&text, "2026-03-05T09:40:00Z");
    rollout.pass(Span::minutes(20));
    assert!(told(&rollout.fresh()).is_empty());
}

#[test]
fn a_clock_that_leaps_and_is_set_back_repeats_nothing_and_hides_nothing() {
    let mut rollout = Rollout::start(&own("morning: { daily: \"09:00\" }"), "2026-03-02T09:00:00Z");
    rollout.until("2026-03-03T09:00:00Z");
    assert_eq!(told(&rollout.fresh()), ["morning 2026-03-03T08:00"]);
    rollout.clock.jump_wall(3 * 86_400_000);
    rollout.pass(Span::minutes(10));
    assert_eq!(told(&rollout.fresh()), ["morning 2026-03-03T08:00 missed", "morning 2026-03-06T08:00 +2"]);
    rollout.clock.jump_wall(-3 * 86_400_000);
    rollout.pass(Span::minutes(10));
    assert!(told(&rollout.fresh()).is_empty());
    rollout.engine.acknowledge("lead", "morning").unwrap();
    rollout.until("2026-03-04T09:00:00Z");
    assert_eq!(told(&rollout.fresh()), ["morning 2026-03-04T08:00"]);
    rollout.until("2026-03-08T09:00:00Z");
    let came: Vec<String> =
        told(&rollout.fresh()).into_iter().filter(|told| !told.ends_with("missed")).collect();
    // The sixth has come before.
    assert_eq!(came, ["morning 2026-03-05T08:00", "morning 2026-03-07T08:00", "morning 2026-03-08T08:00"]);
}

#[test]
fn r162_a_daily_reminder_comes_once_on_the_days_of_23_and_of_25_hours() {
    for (zone, from, to) in [
        ("Europe/Berlin", "2026-03-27T12:00:00Z", "2026-03-31T12:00:00Z"),
        ("Europe/Berlin", "2026-10-23T12:00:00Z", "2026-10-27T12:00:00Z"),
        ("America/New_York", "2026-03-06T12:00:00Z", "2026-03-10T16:00:00Z"),
        ("America/New_York", "2026-10-30T12:00:00Z", "2026-11-03T16:00:00Z"),
    ] {
        let text =
            own("nine: { daily: \"09:00\" }, night: { daily: \"02:30\" }").replace("Europe/Berlin", zone);
        let mut rollout = Rollout::start(&text, from);
        rollout.until(to);
        for item in ["nine", "night"] {
            let told = told(&rollout.records(&["reminder"]));
            let came = told.iter().filter(|told| told.starts_with(item) && !told.ends_with("missed"));
            let hour_of_start = usize::from(zone == "America/New_York" && item == "nine");
            assert_eq!(came.count(), 4 + hour_of_start, "{zone} {item}: {told:#?}");
            assert!(told.iter().all(|told| !told.contains('+')), "{told:#?}");
        }
    }
}

#[test]
fn what_nobody_acknowledged_is_missed_as_the_phase_ends_and_nothing_comes_while_rolled_back() {
    let mut rollout = Rollout::start(
        &own("open: { day: 1, at: \"09:00\" }, hourly: { every: 1h }"),
        "2026-03-02T07:00:00Z",
    );
    rollout.until("2026-03-02T08:30:00Z");
    rollout.heap(2_000.0);
    rollout.fresh();
    rollout.until("2026-03-03T08:00:00Z");
    assert_eq!((rollout.status(), rollout.calendar().reminders.len()), (Status::RolledBack, 0));
    assert!(told(&rollout.fresh()).is_empty());
    rollout.engine.retry("lead").unwrap();
    let told = told(&rollout.fresh());
    assert_eq!(told, ["open 2026-03-02T08:00 missed", "hourly 2026-03-02T08:00 missed"]);
}

#[test]
fn r162_the_daily_scorecard_is_due_once_a_day_at_nine_in_the_zone_of_the_plan() {
    for (zone, from, days) in [
        ("Europe/Berlin", "2026-03-27T12:00:00Z", ["2026-03-28T08", "2026-03-29T07", "2026-03-30T07"]),
        ("Europe/Berlin", "2026-10-23T12:00:00Z", ["2026-10-24T07", "2026-10-25T08", "2026-10-26T08"]),
        ("America/New_York", "2026-03-06T18:00:00Z", ["2026-03-07T14", "2026-03-08T13", "2026-03-09T13"]),
    ] {
        let daily =
            "daily: { at: \"09:00\", checks: { heap: { metric: heap, stat: last, below: 500MB } } }\n";
        let text = plan(daily, "objectives: [wait]").replace("Europe/Berlin", zone);
        let mut rollout = Rollout::start(&text, from);
        rollout.pass(Span::hours(30));
        rollout.heap(100.0);
        // A restart in between neither repeats one nor loses one.
        let soon = (rollout.wall() + Span::minutes(5)).to_string();
        rollout.reopen(&text, &soon);
        rollout.pass(Span::hours(42));
        let records = rollout.records(&["daily_scorecard"]);
        let told: Vec<&str> = records.iter().map(|record| &record.text("at")[..13]).collect();
        assert_eq!(told, days, "{zone}");
        assert!(records.iter().all(|record| record.text("at").starts_with(record.text("day"))));
        assert_eq!(records[0].0["findings"][0]["key"], "heap");
    }
}

#[test]
fn a_daily_scorecard_leaps_over_days_that_nobody_watched_and_is_not_fooled_by_a_clock() {
    let text = plan("daily: { at: \"09:00\" }\n", "objectives: [wait]");
    let mut rollout = Rollout::start(&text, "2026-03-02T12:00:00Z");
    let days = |rollout: &Rollout| -> Vec<String> {
        rollout.records(&["daily_scorecard"]).iter().map(|record| record.text("day").to_owned()).collect()
    };
    rollout.until("2026-03-03T12:00:00Z");
    rollout.clock.jump_wall(3 * 86_400_000);
    rollout.pass(Span::hours(1));
    rollout.clock.jump_wall(-3 * 86_400_000);
    rollout.until("2026-03-04T12:00:00Z");
    assert_eq!(days(&rollout), ["2026-03-03", "2026-03-06", "2026-03-04"]);
    rollout.until("2026-03-07T12:00:00Z");
    assert_eq!(days(&rollout)[3..], ["2026-03-05", "2026-03-07"]);
}

#[test]
fn a_trace_acknowledges_reminders() {
    let plan = rollgate::read::ruleset(&own("watch: { within: 2h }"), rollgate::read::Format::Yaml).unwrap();
    let trace = r#"{"at":"2026-03-02T08:10:00Z","command":"start","by":"lead"}
{"at":"2026-03-02T08:20:00Z","command":"acknowledge","item":"watch","by":"Olga","role":"ops"}
{"at":"2026-03-02T08:30:00Z","command":"acknowledge","item":"watch","by":"Olga"}
{"at":"2026-03-02T12:00:00Z","tick":true}"#;
    let journal = rollgate::replay::journal_of(plan.ruleset.into(), trace).unwrap();
    let records: Vec<Record> = journal.iter().map(|line| Record::of(line)).collect();
    let kinds = ["reminder", "acknowledged", "command_refused"];
    let told: Vec<&str> = records.iter().map(Record::kind).filter(|kind| kinds.contains(kind)).collect();
    assert_eq!(told, kinds, "acknowledged in time, it is not missed");
}
