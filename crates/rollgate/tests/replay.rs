//! The trace contract (INTERFACES 2): what each line does, in which order, and what stops a replay.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;

use rollgate::core::error::ErrorKind;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::Timestamp;
use rollgate::read::{Format, plan_file, ruleset};
use rollgate::replay::{Feed, Replay, journal_of};
use serde_json::Value;

const PLAN: &str = "
version: 1
name: lines
evaluate_every: 10s
flags: { F: {} }
metrics:
  latency: { kind: distribution, unit: ms, arms: [F] }
  errors:  { kind: ratio, good: down, arms: [F] }
  heap:    { kind: gauge, unit: MB, good: down }
  crashes: { kind: event, good: down }
  nps:     { kind: score, good: up }
phases:
  - id: one
    duration: 1m
    steps: [ { set: { F: 50% } } ]
    gates: { crashes: { metric: crashes, stat: count, over: phase, at_most: 0 } }
    triggers:
      errors:  { when: { metric: errors, over: 1m, above: 5%, min_samples: 1 }, rollback: { to: zero } }
      crashes: { when: { metric: crashes, stat: count, over: 1m, at_least: 3 }, rollback: { to: zero } }
";

fn plan() -> Arc<Ruleset> {
    Arc::new(ruleset(PLAN, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset)
}

/// A line at so many seconds after 10:00.
fn line(seconds: u64, rest: &str) -> String {
    format!(r#"{{"at":"2026-01-19T10:{:02}:{:02}Z",{rest}}}"#, seconds / 60, seconds % 60)
}

const START: &str = r#""command":"start","by":"ann""#;
const LIVE: &str = r#""live":"all""#;

/// A replay that has read these lines.
#[track_caller]
fn fed(lines: &[(u64, &str)]) -> Replay {
    let mut replay = Replay::new(plan());
    for (at, rest) in lines {
        assert_eq!(replay.feed(&line(*at, rest)).unwrap(), Feed::More, "{rest}");
    }
    replay
}

fn kinds(replay: &mut Replay) -> Vec<(String, String)> {
    let record = |line: &String| {
        let record: Value = serde_json::from_str(line).unwrap();
        (record["at"].as_str().unwrap()[14..19].to_owned(), record["kind"].as_str().unwrap().to_owned())
    };
    replay.journal().iter().map(record).collect()
}

/// How many samples a metric has, and how many were invalid.
#[track_caller]
fn recorded(rest: &str, metric: &str) -> (u64, u64) {
    let replay = fed(&[(1, rest)]);
    let totals = replay.engine().unwrap().totals(metric).unwrap();
    (totals.recorded, totals.invalid)
}

#[test]
fn each_kind_of_sample_is_counted_as_it_says() {
    assert_eq!(recorded(r#""metric":"latency","value":123.4"#, "latency"), (1, 0));
    assert_eq!(
        recorded(r#""metric":"latency","values":[120,130,1],"flag":"F","arm":"on""#, "latency"),
        (3, 0)
    );
    assert_eq!(recorded(r#""metric":"latency","value":123.4,"count":500"#, "latency"), (500, 0));
    assert_eq!(recorded(r#""metric":"latency","value":123.4,"key":"user-17""#, "latency"), (1, 0));
    assert_eq!(recorded(r#""metric":"errors","true":3,"total":1000"#, "errors"), (1000, 0));
    assert_eq!(recorded(r#""metric":"errors","true":3,"total":10,"key":"a""#, "errors"), (10, 0));
    assert_eq!(
        recorded(r#""metric":"errors","true":3,"total":10,"flag":"F","arm":"off""#, "errors"),
        (10, 0)
    );
    assert_eq!(recorded(r#""metric":"heap","value":412"#, "heap"), (1, 0));
    assert_eq!(recorded(r#""metric":"crashes","count":7"#, "crashes"), (7, 0));
    assert_eq!(recorded(r#""metric":"nps","points":34"#, "nps").1, 0, "points are no ratings, and valid");
    assert_eq!(recorded(r#""metric":"nps","rating":9"#, "nps"), (1, 0));
    assert_eq!(recorded(r#""metric":"nps","rating":11"#, "nps"), (0, 1));
    assert_eq!(recorded(r#""metric":"latency","value":-1"#, "latency"), (0, 1), "a latency is not negative");
}

#[test]
fn a_flag_that_a_metric_does_not_list_is_no_arm_of_it() {
    // The heap lists no arms; the sample counts all the same.
    let two = PLAN.replace("flags: { F: {} }", "flags: { F: {}, G: {} }");
    let mut replay = Replay::new(Arc::new(ruleset(&two, Format::Yaml).unwrap().ruleset));
    replay.feed(&line(1, r#""metric":"latency","value":5,"flag":"G","arm":"on""#)).unwrap();
    assert_eq!(replay.engine().unwrap().totals("latency").unwrap().recorded, 1);
}

#[test]
fn at_may_be_milliseconds_since_the_epoch() {
    let mut replay = Replay::new(plan());
    replay.feed(r#"{"at":1768816800000,"command":"start","by":"ann"}"#).unwrap();
    let first: Value = serde_json::from_str(&replay.journal()[0]).unwrap();
    assert_eq!(first["at"], "2026-01-19T10:00:00.000Z");
}

#[test]
fn at_one_instant_the_evaluation_comes_first_and_sees_what_came_before() {
    let errors = r#""metric":"errors","true":9,"total":10"#;
    let mut before = fed(&[(0, START), (9, errors), (10, r#""tick":true"#)]);
    assert_eq!(
        kinds(&mut before)[5..7],
        [("00:10".into(), "trigger_fired".into()), ("00:10".into(), "rolled_back".into())]
    );
    let mut at = fed(&[(0, START), (10, errors), (20, r#""tick":true"#)]);
    assert_eq!(
        kinds(&mut at)[5],
        ("00:20".into(), "trigger_fired".into()),
        "a sample of 10 s is not in the evaluation of 10 s"
    );
}

#[test]
fn lines_of_one_instant_are_taken_in_their_order() {
    let stop = r#""command":"stop","by":"ann","reason":"x""#;
    let mut replay = fed(&[(5, stop), (5, START), (5, stop)]);
    let kinds: Vec<String> = kinds(&mut replay).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds[..2], ["stopped", "command_refused"]);
}

#[test]
fn events_fire_in_the_recording_call_and_not_at_the_next_evaluation() {
    let mut replay = fed(&[(0, LIVE), (0, START), (13, r#""metric":"crashes","count":3"#)]);
    assert_eq!(kinds(&mut replay)[5], ("00:13".into(), "trigger_fired".into()));
}

#[test]
fn evaluations_between_lines_happen_at_their_own_instants() {
    // Nothing comes between the start and 10:05, and the phase passes at its own time.
    let quiet = [(0, LIVE), (0, START), (300, r#""tick":true"#)];
    let journal = kinds(&mut fed(&quiet));
    assert!(journal.contains(&("01:00".into(), "gates_passed".into())), "{journal:?}");
    assert!(journal.contains(&("01:00".into(), "completed".into())), "{journal:?}");
}

#[test]
fn zero_events_are_evidence_only_where_somebody_watched() {
    let gates = |live: &str| {
        let mut replay = fed(&[(0, live), (0, START), (120, r#""tick":true"#)]);
        kinds(&mut replay).into_iter().map(|(_, kind)| kind).find(|kind| kind.starts_with("gates"))
    };
    assert_eq!(gates(LIVE).as_deref(), Some("gates_passed"));
    assert_eq!(gates(r#""live":["crashes"]"#).as_deref(), Some("gates_passed"));
    assert_eq!(gates(r#""live":["alerts"]"#).as_deref(), Some("gates_inconclusive"));
    assert_eq!(gates(r#""tick":true"#).as_deref(), Some("gates_inconclusive"));
}

#[test]
fn a_restart_ends_what_was_live_and_credits_nothing() {
    let restart = r#""restart":true,"down_since":"2026-01-19T10:00:30Z""#;
    let mut replay = fed(&[(0, LIVE), (0, START), (90, restart), (119, r#""tick":true"#)]);
    let journal = kinds(&mut replay);
    assert!(journal.contains(&("01:30".into(), "restarted".into())), "{journal:?}");
    assert!(!journal.iter().any(|(_, kind)| kind.starts_with("gates")), "{journal:?}");
    replay.feed(&line(130, r#""tick":true"#)).unwrap();
    assert_eq!(
        kinds(&mut replay),
        [("02:00".into(), "gates_inconclusive".into())],
        "30 s more, and not live"
    );
}

#[test]
fn until_cuts_a_longer_trace_and_continues_a_shorter_one() {
    let until = |seconds: u64| {
        Timestamp::parse("2026-01-19T10:00:00Z").unwrap() + rollgate::core::time::Span::seconds(seconds)
    };
    let lines = [line(0, LIVE), line(0, START), line(300, r#""command":"stop","by":"ann""#)];
    let mut cut = Replay::new(plan()).with_until(until(299));
    let fed: Vec<Feed> = lines.iter().map(|line| cut.feed(line).unwrap()).collect();
    assert_eq!(fed, [Feed::More, Feed::More, Feed::Enough]);
    let cut = kinds(&mut cut);
    assert_eq!(cut.last().unwrap().1, "completed", "{cut:?}");
    let mut inside = Replay::new(plan()).with_until(until(300));
    lines.iter().for_each(|line| assert_eq!(inside.feed(line).unwrap(), Feed::More));
    let mut continued = Replay::new(plan()).with_until(until(299));
    lines[..2].iter().for_each(|line| assert_eq!(continued.feed(line).unwrap(), Feed::More));
    continued.finish();
    assert_eq!(kinds(&mut continued), cut);
}

#[test]
fn a_metric_that_the_plan_does_not_have_is_a_counted_drop() {
    let mut replay = fed(&[
        (0, r#""metric":"latencies","values":[1,2]"#),
        (1, r#""metric":"latencies","value":1,"count":40"#),
        (12, r#""metric":"latencies","count":2"#),
    ]);
    replay.finish();
    let journal = replay.journal();
    let drops = journal.iter().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["kind"], "dropped");
        let at = record["at"].as_str().unwrap()[17..19].to_owned();
        (at, record["metric"].as_str().unwrap().to_owned(), record["count"].as_u64().unwrap())
    });
    let expected = [("10".into(), "latencies".into(), 42), ("12".into(), "latencies".into(), 2)];
    assert_eq!(drops.collect::<Vec<_>>(), expected, "at the next evaluation, and at the end");
}

/// Feeds a line that must be refused, and shows that nothing of it happened.
#[track_caller]
fn refuses(at: u64, rest: &str, why: &str) {
    let mut replay = fed(&[(0, LIVE), (5, START)]);
    let before = (replay.journal().len(), replay.engine().unwrap().status());
    let error = replay.feed(&line(at, rest)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidTrace);
    assert_eq!(error.to_string(), format!("line 3: {why}"));
    assert!(replay.journal().is_empty(), "{rest}");
    assert_eq!(replay.engine().unwrap().status(), before.1, "{rest}");
    for metric in ["latency", "errors", "heap", "crashes", "nps"] {
        assert_eq!(replay.engine().unwrap().totals(metric).unwrap(), Default::default(), "{rest}");
    }
}

#[test]
fn a_line_that_does_not_fit_the_plan_or_the_order_is_refused_whole() {
    refuses(
        4,
        r#""tick":true"#,
        "at: 2026-01-19T10:00:04.000Z is before 2026-01-19T10:00:05.000Z; lines are ordered by time",
    );
    refuses(
        90,
        r#""metric":"latency","true":1,"total":2"#,
        "metric: `latency` is a distribution; `true` with `total` is for a ratio",
    );
    refuses(
        90,
        r#""metric":"crashes","value":1"#,
        "metric: `crashes` is an event; `value` is for a distribution or a gauge",
    );
    refuses(90, r#""metric":"heap","count":1"#, "metric: `heap` is a gauge; `count` is for an event");
    refuses(90, r#""metric":"heap","points":1"#, "metric: `heap` is a gauge; `points` is for a score");
    refuses(90, r#""metric":"heap","rating":1"#, "metric: `heap` is a gauge; `rating` is for a score");
    refuses(90, r#""metric":"latency","value":1,"flag":"G","arm":"on""#, "flag: the plan has no flag `G`");
    refuses(90, r#""live":["crashes","crash"]"#, "live: the plan has no metric `crash`");
    refuses(
        90,
        r#""restart":true,"down_since":"2026-01-19T10:01:31Z""#,
        "down_since: 2026-01-19T10:01:31.000Z is after 2026-01-19T10:01:30.000Z",
    );
    refuses(90, r#""metric":"latency","value":"x""#, r#"value: expected a number, found "x""#);
    refuses(90, r#""tick":true,"tick":true"#, "tick: there twice; expected every field once");
    refuses(
        90,
        r#""command":"attest","by":"ann","item":"x""#,
        "value: missing; expected true or false, or passed with of",
    );
}

#[test]
fn times_in_seconds_are_noticed_before_decades_of_evaluations() {
    let mut replay = Replay::new(plan());
    replay.feed(r#"{"at":1768816800,"live":"all"}"#).unwrap();
    let error = replay.feed(&line(0, START)).unwrap_err().to_string();
    let expected = "line 2: at: 2026-01-19T10:00:00.000Z is more than ten years after 1970-01-21T11:20:16.800Z; whole \
                    numbers are milliseconds since the Unix epoch";
    assert_eq!(error, expected);
    assert!(replay.journal().is_empty());
}

#[test]
fn nothing_after_a_line_that_cannot_be_read_is_processed() {
    let trace = [line(0, LIVE), line(1, START), String::new(), line(2, "oops"), line(3, START)].join("\n");
    let error = journal_of(plan(), &trace).unwrap_err();
    assert!(error.to_string().starts_with("line 4: not JSON: "), "{error}");
    let mut replay = Replay::new(plan());
    let mut told = Vec::new();
    let ended =
        rollgate::replay::run(&mut replay, &mut trace.as_bytes(), &mut |line| told.push(line.to_owned()));
    assert!(ended.is_err());
    assert_eq!(told.len(), 5, "what came before it stands");
}

#[test]
fn the_same_trace_gives_the_same_journal_byte_for_byte() {
    let spec = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/spec/journal");
    let plan = Arc::new(plan_file(&spec.join("plan.yaml")).unwrap().ruleset);
    let trace = std::fs::read_to_string(spec.join("trace.jsonl")).unwrap();
    let once = journal_of(plan.clone(), &trace).unwrap();
    assert!(once.len() > 100);
    assert_eq!(once, journal_of(plan.clone(), &trace).unwrap());
    let mut replay = Replay::new(plan);
    let mut in_parts = Vec::new();
    for line in trace.lines() {
        replay.feed(line).unwrap();
        in_parts.extend(replay.journal());
    }
    replay.finish();
    in_parts.extend(replay.journal());
    assert_eq!(once, in_parts, "reading the journal on the way changes nothing");
}
