//! Every line of the format, and lines that are not of it.

use super::*;
use rollgate_core::decide::{Action, ActionResult, Choice, Command};
use rollgate_core::id::Key;
use rollgate_core::limits::{ALERT_ID_BYTES_MAX, TEXT_BYTES_MAX};
use rollgate_core::metrics::Arm;
use rollgate_core::snapshot::Severity;
use rollgate_core::time::Timestamp;
use rollgate_core::units::Share;

/// 2026-01-19T10:00:00Z.
const AT: i64 = 1_768_816_800_000;

/// The event of a line whose other fields are given.
fn event(rest: &str) -> String {
    format!(r#"{{"at":"2026-01-19T10:00:00Z",{rest}}}"#)
}

#[track_caller]
fn reads(rest: &str, expected: Event<'_>) {
    let text = event(rest);
    assert_eq!(parse_line(&text), Ok(Line { at: Timestamp(AT), event: expected }), "{text}");
}

#[track_caller]
fn refuses(rest: &str, expected: &str) {
    let text = event(rest);
    assert_eq!(parse_line(&text).map_err(|error| error.to_string()), Err(expected.into()), "{text}");
}

fn sample(metric: &str, value: f64) -> Sample<'_> {
    Sample { metric: metric.into(), count: None, arm: None, key: None, values: line::Values::One(value) }
}

#[test]
fn samples_are_read() {
    reads(r#""metric":"injection_latency","value":123.4"#, Event::Sample(sample("injection_latency", 123.4)));
    reads(r#""metric":"heap_used","value":412"#, Event::Sample(sample("heap_used", 412.0)));
    reads(r#""metric":"drift","value":-1"#, Event::Sample(sample("drift", -1.0)));
    reads(
        r#""metric":"injection_latency","value":123.4,"count":500"#,
        Event::Sample(Sample { count: Some(500), ..sample("injection_latency", 123.4) }),
    );
    reads(
        r#""metric":"injection_latency","value":123.4,"key":"user-17""#,
        Event::Sample(Sample { key: Some("user-17".into()), ..sample("injection_latency", 123.4) }),
    );
    let values = line::Values::Many(vec![120.0, 130.0]);
    let arm = Some(("USE_ENHANCED_INJECTION".into(), Arm::On));
    let expected = Sample { values, arm, ..sample("request_latency", 0.0) };
    assert_eq!(expected.values(), [120.0, 130.0]);
    reads(
        r#""metric":"request_latency","values":[120,130],"flag":"USE_ENHANCED_INJECTION","arm":"on""#,
        Event::Sample(expected),
    );
}

#[test]
fn ratios_events_and_scores_are_read() {
    let outcomes = |arm, key: Option<&'static str>| Event::Outcomes {
        metric: "request_errors".into(),
        true_count: 3,
        total: 1000,
        arm,
        key: key.map(Into::into),
    };
    reads(r#""metric":"request_errors","true":3,"total":1000"#, outcomes(None, None));
    reads(r#""metric":"request_errors","true":3,"total":1000,"key":"u""#, outcomes(None, Some("u")));
    let arm = Some(("F".into(), Arm::Off));
    reads(r#""metric":"request_errors","true":3,"total":1e3,"flag":"F","arm":"off""#, outcomes(arm, None));
    reads(
        r#""metric":"user_complaints","count":1"#,
        Event::Events { metric: "user_complaints".into(), count: 1 },
    );
    reads(r#""metric":"nps","points":34"#, Event::Points { metric: "nps".into(), points: 34.0 });
    let rating = |arm, key| Event::Rating { metric: "nps".into(), rating: 9.0, arm, key };
    reads(r#""metric":"nps","rating":9"#, rating(None, None));
    reads(r#""metric":"nps","rating":9,"key":"user-1""#, rating(None, Some("user-1".into())));
    let on = Some(("F".into(), Arm::On));
    reads(r#""metric":"nps","rating":9,"flag":"F","arm":"on""#, rating(on, None));
}

#[test]
fn alerts_sources_ticks_and_restarts_are_read() {
    reads(
        r#""alert":"critical","id":"a1""#,
        Event::AlertOpened { severity: Severity::Critical, id: "a1".into() },
    );
    reads(r#""alert_closed":"a1""#, Event::AlertClosed { id: "a1".into() });
    reads(r#""live":"all""#, Event::Live(Live::All));
    reads(
        r#""live":["critical_incidents","alerts"]"#,
        Event::Live(Live::Sources(vec!["critical_incidents".into(), "alerts".into()])),
    );
    reads(r#""tick":true"#, Event::Tick);
    let down_since = Timestamp(AT - 60_000);
    reads(r#""restart":true,"down_since":"2026-01-19T09:59:00Z""#, Event::Restart { down_since });
    reads(r#""restart":true,"down_since":1768816740000"#, Event::Restart { down_since });
}

#[track_caller]
fn commands(rest: &str, by: &str, action: Action) {
    reads(rest, Event::Command(Command { by: by.into(), role: None, action }));
}

#[test]
fn every_command_is_read() {
    let key = Key::from;
    commands(r#""command":"start","by":"on_call""#, "on_call", Action::Start);
    let em = "engineering_manager";
    commands(
        r#""command":"check","item":"training","by":"engineering_manager""#,
        em,
        Action::Check { item: key("training") },
    );
    let attest = |is_true, passed| Action::Attest { item: key("team_confident"), is_true, passed };
    commands(
        r#""command":"attest","item":"team_confident","by":"engineering_manager","value":true"#,
        em,
        attest(true, None),
    );
    commands(
        r#""command":"attest","item":"team_confident","by":"x","value":false"#,
        "x",
        attest(false, None),
    );
    commands(
        r#""command":"attest","item":"team_confident","by":"x","passed":44,"of":44"#,
        "x",
        attest(true, Some((44, 44))),
    );
    let rationale = String::from("...");
    commands(
        r#""command":"approve","proposal":"latency_degraded","by":"engineering_manager","rationale":"...""#,
        em,
        Action::Approve { proposal: key("latency_degraded"), rationale },
    );
    commands(
        r#""command":"dismiss","proposal":"cache_cold","by":"x","reason":"warming up""#,
        "x",
        Action::Dismiss { proposal: key("cache_cold"), reason: "warming up".into() },
    );
    commands(
        r#""command":"set","shares":{"USE_X":0.05,"USE_Y":1},"by":"on_call","reason":"...""#,
        "on_call",
        Action::Set {
            shares: vec![(key("USE_X"), Share::from_ppm(50_000).unwrap()), (key("USE_Y"), Share::FULL)],
            reason: "...".into(),
        },
    );
    let flags = vec![key("USE_X")];
    commands(
        r#""command":"release","flags":["USE_X"],"by":"x","reason":"r""#,
        "x",
        Action::Release { flags },
    );
    let reason = String::from("r");
    commands(r#""command":"pause","by":"x","reason":"r""#, "x", Action::Pause { reason: reason.clone() });
    commands(r#""command":"resume","by":"x","reason":"r""#, "x", Action::Resume { reason: reason.clone() });
    commands(r#""command":"stop","by":"x","reason":"r""#, "x", Action::Stop { reason });
    commands(r#""command":"stop","by":"x""#, "x", Action::Stop { reason: String::new() });
    commands(r#""command":"retry","by":"x","reason":"r""#, "x", Action::Retry);
    commands(r#""command":"capture_baseline","by":"x""#, "x", Action::CaptureBaseline);
    let result = ActionResult { action: "backup".into(), run: Some(3), is_ok: false, output: "full".into() };
    commands(
        r#""command":"action","action":"backup","ok":false,"output":"full","run":3,"by":"ci""#,
        "ci",
        Action::Report(result),
    );
    // It names a metric, and is no sample.
    commands(
        r#""command":"annotate","text":"calm","metric":"nps","by":"x""#,
        "x",
        Action::Annotate { text: "calm".into(), metric: Some("nps".into()) },
    );
    let (item, title, owner, due) = ("i".into(), "Tidy".into(), "sre".into(), "2w".into());
    commands(
        r#""command":"follow_up","item":"i","title":"Tidy","owner":"sre","due":"2w","by":"x""#,
        "x",
        Action::FollowUp { item, title, owner, due },
    );
}

#[test]
fn every_decision_is_read() {
    let decide = |choice| Action::Decide { choice, rationale: "all green".into() };
    let go = |reason: Option<&str>| Choice::Go { override_reason: reason.map(Into::into) };
    let head = r#""command":"decide","by":"product_manager","rationale":"all green""#;
    let by = "product_manager";
    commands(&format!(r#"{head},"choice":"go""#), by, decide(go(None)));
    commands(&format!(r#"{head},"choice":"go","override":"board""#), by, decide(go(Some("board"))));
    commands(&format!(r#"{head},"choice":"no_go""#), by, decide(Choice::NoGo));
    let to = Some("partial".into());
    commands(&format!(r#"{head},"choice":"rollback","to":"partial""#), by, decide(Choice::Rollback { to }));
    // Without a rationale it is read, and refused by the rollout, in the journal.
    let silent = Action::Decide { choice: go(None), rationale: String::new() };
    commands(r#""command":"decide","choice":"go","by":"x""#, "x", silent.clone());
    reads(
        r#""command":"decide","choice":"go","by":"ann","role":"cto""#,
        Event::Command(Command { by: "ann".into(), role: Some("cto".into()), action: silent }),
    );
}

#[test]
fn times_are_rfc_3339_or_whole_milliseconds() {
    let at = |at: &str| {
        let text = format!(r#"{{"at":{at},"tick":true}}"#);
        parse_line(&text).map(|line| line.at.0).map_err(|error| error.path().to_owned())
    };
    for text in ["1768816800000", "1768816800000.0", r#""2026-01-19T11:00:00+01:00""#] {
        assert_eq!(at(text), Ok(AT), "{text}");
    }
    assert_eq!(at("-1"), Ok(-1));
    assert_eq!(at(r#""2026-01-19T10:00:00.250Z""#), Ok(AT + 250));
    for text in ["1.5", "true", "null", "[]", "1e300", "9223372036854775807", r#""now""#, r#""2026-01-19""#] {
        assert_eq!(at(text), Err("at".into()), "{text}");
    }
}

#[test]
fn names_may_hold_escapes() {
    reads(r#""metr\u0069c":"\u00e9\n","value":1"#, Event::Sample(sample("é\n", 1.0)));
}

#[test]
fn what_is_not_one_object_is_refused() {
    let why = |text: &str| parse_line(text).unwrap_err().to_string();
    assert_eq!(why("[1]"), "expected one JSON object a line, found a list");
    assert_eq!(
        why(r#"{"at":1,"tick":true"#),
        "not JSON: EOF while parsing an object at column 19; expected one JSON object a line"
    );
    assert_eq!(
        why(r#"{"at":1,"tick":true} {}"#),
        "not JSON: trailing characters at column 22; expected one JSON object a line"
    );
    assert_eq!(
        why(r#"{"at":1,"metric":"m","value":NaN}"#),
        "not JSON: expected value at column 30; expected one JSON object a line"
    );
    assert!(why(r#"{"at":1,"metric":"m","value":1e999}"#).starts_with("not JSON: number out of range"));
    assert!(why("").starts_with("not JSON: EOF"));
    let deep = format!(r#"{{"at":1,"live":{}"#, "[".repeat(100_000));
    assert!(why(&deep).starts_with("not JSON: recursion limit"));
}

#[test]
fn missing_and_mistyped_fields_are_named() {
    assert_eq!(
        parse_line(r#"{"tick":true}"#).unwrap_err().to_string(),
        "at: missing; expected RFC 3339 like \"2026-01-19T10:00:00Z\", or whole milliseconds since the Unix epoch"
    );
    refuses(
        r#""note":"x""#,
        "says nothing that happened; expected one of metric, alert, alert_closed, live, command, tick or restart beside at",
    );
    refuses(r#""metric":"m","value":"12""#, r#"value: expected a number, found "12""#);
    refuses(r#""metric":"m","value":null"#, "value: expected a number, found null");
    refuses(r#""metric":7,"value":1"#, "metric: expected a metric's name, found 7");
    refuses(r#""metric":" ","value":1"#, "metric: empty; expected a metric's name");
    refuses(
        r#""metric":"m""#,
        "metric: nothing recorded; expected one of value, values, true with total, count, points or rating beside it",
    );
    refuses(r#""metric":"m","values":[1,"x"]"#, r#"values[1]: expected a number, found "x""#);
    refuses(r#""metric":"m","values":[]"#, "values: empty; expected a list of numbers, at least one");
    refuses(
        r#""metric":"m","value":1,"count":-5"#,
        "count: expected a whole number from 0 to 2^53, found -5",
    );
    refuses(
        r#""metric":"m","value":1,"count":1.5"#,
        "count: expected a whole number from 0 to 2^53, found 1.5",
    );
    refuses(
        r#""metric":"m","count":9007199254740993"#,
        "count: expected a whole number from 0 to 2^53, found 9007199254740993",
    );
    refuses(r#""metric":"m","total":5"#, "true: missing; expected a whole number from 0 to 2^53");
    refuses(r#""metric":"m","true":6,"total":5"#, "true: 6 is more than the total of 5");
    refuses(r#""metric":"m","value":1,"arm":"on""#, "flag: missing; expected the flag that arm is a side of");
    refuses(r#""metric":"m","value":1,"flag":"F""#, r#"arm: missing; expected "on" or "off""#);
    refuses(r#""metric":"m","value":1,"flag":"F","arm":true"#, r#"arm: expected "on" or "off", found true"#);
    refuses(r#""metric":"m","value":1,"flag":"F","arm":"ON""#, r#"arm: expected "on" or "off", found "ON""#);
    refuses(r#""alert":"bad","id":"a""#, r#"alert: expected info, warning or critical, found "bad""#);
    refuses(r#""alert":"critical""#, "id: missing; expected the alert's id");
    let id = "x".repeat(ALERT_ID_BYTES_MAX + 1);
    refuses(&format!(r#""alert_closed":"{id}""#), "alert_closed: an alert's id has 1 to 256 bytes");
    refuses(
        r#""live":"some""#,
        r#"live: expected "all", or a list of event metrics and "alerts", found "some""#,
    );
    refuses(r#""live":["a",1]"#, r#"live[1]: expected an event metric, or "alerts", found 1"#);
    refuses(r#""tick":false"#, "tick: expected true, found false");
    assert_eq!(parse_line(&event(r#""restart":true"#)).unwrap_err().path(), "down_since");
}

#[test]
fn broken_commands_say_what_was_expected() {
    refuses(r#""command":"start""#, "by: missing; expected a person or a role");
    refuses(r#""command":"start","by":"""#, "by: empty; expected a person or a role");
    refuses(
        r#""command":"go","by":"x""#,
        "command: expected start, check, acknowledge, attest, decide, approve, dismiss, set, release, pause, resume, stop, retry, \
         capture_baseline, action, annotate or follow_up, found \"go\"",
    );
    refuses(r#""command":"action","action":"backup","by":"x""#, "ok: missing; expected true or false");
    refuses(r#""command":"action","action":"backup","ok":1,"by":"x""#, "ok: expected true or false, found 1");
    refuses(r#""command":"annotate","by":"x""#, "text: missing; expected what is to be remembered");
    refuses(
        r#""command":"follow_up","item":"i","owner":"x","by":"x""#,
        "due: missing; expected a date, or a length of time from now",
    );
    refuses(r#""command":"check","by":"x""#, "item: missing; expected an item's name");
    refuses(
        r#""command":"attest","item":"i","by":"x""#,
        "value: missing; expected true or false, or passed with of",
    );
    refuses(
        r#""command":"attest","item":"i","by":"x","value":"yes""#,
        r#"value: expected true or false, found "yes""#,
    );
    refuses(
        r#""command":"attest","item":"i","by":"x","passed":4"#,
        "of: missing; expected a whole number from 0 to 2^53",
    );
    refuses(
        r#""command":"attest","item":"i","by":"x","value":true,"passed":4,"of":4"#,
        "value: in conflict with passed and of; expected one or the other",
    );
    refuses(
        r#""command":"decide","choice":"maybe","by":"x""#,
        r#"choice: expected go, no_go or rollback, found "maybe""#,
    );
    refuses(
        r#""command":"decide","choice":"no_go","by":"x","to":"zero""#,
        "to: not a field of a line with decide; expected at, command, choice, by, role, rationale, override on a go, to \
         on a rollback",
    );
    refuses(r#""command":"approve","by":"x""#, "proposal: missing; expected the trigger that proposed it");
    refuses(
        r#""command":"set","by":"x""#,
        "shares: missing; expected an object of flags and shares from 0 to 1",
    );
    refuses(
        r#""command":"set","by":"x","shares":{"F":"5%"}"#,
        r#"shares.F: expected a number from 0 to 1, for example 0.1, found "5%""#,
    );
    refuses(
        r#""command":"set","by":"x","shares":{"F":5}"#,
        "shares.F: 5 is not a share: it is outside 0 ..= 1; expected a number from 0 to 1, for example 0.1",
    );
    refuses(
        r#""command":"set","by":"x","shares":{"F":0,"F":1}"#,
        "shares.F: there twice; expected every field once",
    );
    refuses(r#""command":"release","by":"x""#, "flags: missing; expected a list of flags");
    refuses(r#""command":"stop","by":"x","reason":1"#, "reason: expected a reason as text, found 1");
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    refuses(&format!(r#""command":"stop","by":"x","reason":"{long}""#), "reason: longer than 16384 bytes");
}

#[test]
fn unknown_repeated_and_conflicting_fields_are_refused() {
    refuses(r#""tick":true,"tick":true"#, "tick: there twice; expected every field once");
    refuses(r#""tick":true,"tock":true"#, "tock: not a field of a line with tick; expected at, tick");
    let sample = "expected at, metric, value, and optionally count, and flag with arm or key";
    refuses(
        r#""metric":"m","value":1,"tick":true"#,
        &format!("tick: not a field of a line with value; {sample}"),
    );
    refuses(
        r#""metric":"m","value":1,"unit":"ms""#,
        &format!("unit: not a field of a line with value; {sample}"),
    );
    refuses(
        r#""metric":"m","value":1,"values":[1]"#,
        &format!("values: not a field of a line with value; {sample}"),
    );
    refuses(
        r#""metric":"m","values":[1],"count":2"#,
        "count: not a field of a line with values; expected at, metric, values, and optionally flag with arm or key",
    );
    refuses(
        r#""metric":"m","value":1,"key":"u","flag":"F","arm":"on""#,
        "key: in conflict with flag and arm; expected either them, or the key that the arms follow from",
    );
    refuses(
        r#""metric":"m","count":1,"key":"u""#,
        "key: not a field of a line with count alone; expected at, metric, count",
    );
    refuses(
        r#""metric":"m","points":1,"rating":1"#,
        "rating: not a field of a line with points; expected at, metric, points",
    );
    let many: String = (0..40).map(|index| format!(r#""f{index}":0,"#)).collect();
    refuses(&format!(r#"{many}"f7":1,"tick":true"#), "f7: there twice; expected every field once");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 256, failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_makes_the_reader_panic(text in r#"(\{"at":[0-9"]{0,4})?[\PC]{0,60}"#) {
        let _ = parse_line(&text);
    }

    #[test]
    fn a_value_comes_through_to_the_last_bit(value in proptest::num::f64::NORMAL) {
        let text = format!(r#"{{"at":1,"metric":"m","value":{value:e}}}"#);
        let line = parse_line(&text).unwrap();
        let Event::Sample(sample) = line.event else { panic!("{line:?}") };
        proptest::prop_assert_eq!(sample.values(), [value]);
    }
}
