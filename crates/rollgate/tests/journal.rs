//! The journal contract (INTERFACES 3), record by record and field by field, on a small plan that writes every kind.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal;
use rollgate::read::{Format, plan_file};
use rollgate::replay::journal_of;
use serde_json::Value;

/// Set it to write the fixture anew; then read what changed before it is committed.
const BLESS: &str = "ROLLGATE_BLESS";

fn spec(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/spec/journal").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(spec(name)).unwrap_or_else(|error| panic!("{}: {error}", spec(name).display()))
}

fn replayed() -> Vec<String> {
    let plan = plan_file(&spec("plan.yaml")).unwrap_or_else(|error| panic!("{error}"));
    journal_of(Arc::new(plan.ruleset), &read("trace.jsonl")).unwrap()
}

/// The fields that each kind of the small rollout has beside those of every record; `?` marks one that is not always there.
const KINDS: [(&str, &[&str]); 36] = [
    ("started", &["by"]),
    ("phase_started", &["title"]),
    ("step_applied", &["step", "shares"]),
    ("shares_changed", &["from", "to", "cause"]),
    ("read_back", &["probes", "ok"]),
    ("gates_passed", &["findings"]),
    ("gates_failed", &["findings"]),
    ("gates_inconclusive", &["findings"]),
    ("awaiting_decision", &["roles"]),
    ("decided", &["choice", "by", "role", "rationale", "override", "to?", "findings?"]),
    ("decision_refused", &["choice", "by", "why"]),
    ("command_refused", &["command", "by", "why"]),
    ("phase_passed", &[]),
    ("extended", &["until"]),
    ("trigger_fired", &["trigger", "mode", "finding"]),
    ("proposal", &["trigger", "finding"]),
    ("proposal_lapsed", &["trigger"]),
    ("proposal_dismissed", &["trigger", "by?", "reason?"]),
    ("approved", &["trigger", "by", "role", "rationale"]),
    ("rolled_back", &["to", "shares", "triggers", "cause"]),
    ("rollback_ineffective", &["trigger", "finding"]),
    ("retry_refused", &["missing", "by?"]),
    ("retried", &["from_phase", "by"]),
    ("checked", &["item", "by", "value"]),
    ("attested", &["item", "by", "value", "passed?", "of?"]),
    ("baseline_captured", &["metric", "value", "n", "window", "coverage"]),
    ("override", &["flags", "by", "reason"]),
    ("released", &["flags", "by?"]),
    ("paused", &["by", "reason"]),
    ("resumed", &["by", "reason"]),
    ("stopped", &["by", "reason"]),
    ("alert_opened", &["severity", "id"]),
    ("alert_closed", &["severity", "id"]),
    ("completed", &[]),
    ("restarted", &["down_ms"]),
    ("dropped", &["metric", "count"]),
];
const STATUSES: [&str; 7] =
    ["pending", "running", "awaiting_decision", "paused", "rolled_back", "completed", "stopped"];

/// A text of the form of RFC 3339 in UTC with milliseconds.
fn is_instant(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == 24 && text.ends_with('Z') && text.as_bytes()[19] == b'.' && Timestamp::parse(text).is_ok()
}

fn is_fraction(value: &Value) -> bool {
    value.as_f64().is_some_and(|share| (0.0..=1.0).contains(&share))
}

fn is_share_map(value: &Value) -> bool {
    value.as_object().is_some_and(|map| {
        !map.is_empty()
            && map.iter().all(|(flag, share)| ["PARENT", "CHILD"].contains(&&**flag) && is_fraction(share))
    })
}

#[track_caller]
fn is_finding(finding: &Value) {
    let text = |name: &str| finding[name].as_str().is_some_and(|text| !text.is_empty());
    assert!(
        text("key") && text("verdict") && text("sentence") && text("target") && text("actual"),
        "{finding}"
    );
    for leaf in finding["evidence"].as_array().unwrap() {
        for field in ["subject", "value", "target", "threshold", "unit", "window", "n", "coverage", "verdict"]
        {
            assert!(leaf.get(field).is_some(), "{field} of {leaf}");
        }
    }
}

#[test]
fn the_small_rollout_writes_this_journal() {
    let journal = replayed();
    let text = journal.iter().fold(String::new(), |text, line| text + line + "\n");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(spec("journal.jsonl"), &text).unwrap();
    }
    for (index, (found, expected)) in text.lines().zip(read("journal.jsonl").lines()).enumerate() {
        assert_eq!(found, expected, "record {}; {BLESS}=1 writes the fixture anew", index + 1);
    }
    assert_eq!(text.lines().count(), read("journal.jsonl").lines().count());
    journal::verify(journal.iter().map(String::as_str)).unwrap();
}

#[test]
fn every_kind_is_there_with_exactly_its_fields() {
    let mut seen = BTreeSet::new();
    for (index, line) in replayed().iter().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        let fields: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
        let kind = record["kind"].as_str().unwrap();
        let Some((_, own)) = KINDS.iter().find(|(listed, _)| *listed == kind) else { panic!("{line}") };
        assert_eq!(fields[..7], ["seq", "at", "observed", "kind", "plan", "phase", "status"], "{line}");
        assert_eq!(fields.last(), Some(&"hash"), "{line}");
        let found = &fields[7..fields.len() - 1];
        let names: Vec<&str> = own.iter().map(|name| name.trim_end_matches('?')).collect();
        assert!(found.iter().all(|name| names.contains(name)), "{line}");
        assert!(own.iter().all(|name| name.ends_with('?') || found.contains(name)), "{line}");
        assert_eq!(record["seq"], index + 1);
        assert_eq!(record["plan"], "small");
        assert!(is_instant(&record["at"]), "{line}");
        assert!(STATUSES.contains(&record["status"].as_str().unwrap()), "{line}");
        seen.insert(kind.to_owned());
    }
    let missing: Vec<&str> =
        KINDS.iter().map(|(kind, _)| *kind).filter(|kind| !seen.contains(*kind)).collect();
    assert!(missing.is_empty(), "the trace writes no {missing:?}");
}

#[test]
fn fields_have_their_types_and_shares_are_fractions() {
    for line in replayed() {
        let record: Value = serde_json::from_str(&line).unwrap();
        let texts =
            |names: &[&str]| names.iter().for_each(|name| assert!(record[name].is_string(), "{line}"));
        for (name, value) in record.as_object().unwrap() {
            match (record["kind"].as_str().unwrap(), name.as_str()) {
                (_, "cause") => {
                    let kinds = ["step", "trigger", "decision", "operator", "stop", "retry"];
                    assert!(kinds.contains(&value["kind"].as_str().unwrap()), "{line}");
                    assert!(value["name"].as_str().is_some_and(|name| !name.is_empty()), "{line}");
                }
                (_, "shares" | "from" | "to") if value.is_object() => assert!(is_share_map(value), "{line}"),
                ("override", "flags") => assert!(is_share_map(value), "{line}"),
                (_, "finding") => is_finding(value),
                (_, "findings") => value.as_array().unwrap().iter().for_each(is_finding),
                (_, "step" | "probes" | "n" | "count" | "down_ms") => assert!(value.is_u64(), "{line}"),
                (_, "coverage") => assert!(is_fraction(value), "{line}"),
                (_, "window") => assert!(Span::parse(value.as_str().unwrap()).is_ok(), "{line}"),
                (_, "until") => assert!(is_instant(value), "{line}"),
                (_, "by" | "trigger" | "item" | "why" | "reason" | "rationale") => texts(&[name]),
                _ => {}
            }
        }
    }
}

/// All records of one kind, without the fields that every record has.
fn of_kind(kind: &str) -> Vec<Value> {
    let records = replayed().into_iter().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    records.filter(|record| record["kind"] == kind).collect()
}

#[test]
fn every_change_of_shares_names_only_the_flags_that_changed_and_why() {
    let mut causes = BTreeSet::new();
    for record in of_kind("shares_changed") {
        let (from, to) = (record["from"].as_object().unwrap(), record["to"].as_object().unwrap());
        assert!(from.keys().eq(to.keys()), "{record}");
        assert!(from.iter().all(|(flag, share)| to[flag] != *share), "{record}");
        causes.insert(record["cause"]["kind"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        causes.into_iter().collect::<Vec<_>>(),
        ["decision", "operator", "retry", "step", "stop", "trigger"]
    );
    let steps = of_kind("step_applied");
    assert_eq!((&steps[0]["step"], &steps[1]["step"]), (&1.into(), &2.into()));
    assert_eq!(steps[1]["shares"], serde_json::json!({ "PARENT": 0.5, "CHILD": 0.1 }));
}

#[test]
fn the_shares_of_the_journal_add_up_from_zero_to_zero() {
    let mut shares = serde_json::json!({ "PARENT": 0.0, "CHILD": 0.0 });
    for record in of_kind("shares_changed") {
        for (flag, share) in record["from"].as_object().unwrap() {
            assert_eq!(shares[flag], *share, "{record}");
        }
        for (flag, share) in record["to"].as_object().unwrap() {
            shares[flag] = share.clone();
        }
    }
    assert_eq!(shares, serde_json::json!({ "PARENT": 0.0, "CHILD": 0.0 }));
}

#[test]
fn refusals_have_their_own_kinds() {
    let whys = |kind| of_kind(kind).iter().map(|record| record["why"].to_string()).collect::<Vec<_>>();
    assert_eq!(whys("decision_refused").len(), 2, "a go before its time, and one of the same person");
    let commands: Vec<_> =
        of_kind("command_refused").iter().map(|record| record["command"].clone()).collect();
    assert_eq!(commands, ["retry", "check", "set"]);
    assert_eq!(of_kind("retry_refused")[0]["missing"], serde_json::json!(["hold", "cause_found"]));
}

#[test]
fn a_record_before_the_start_has_no_phase() {
    let refused = &of_kind("command_refused")[0];
    assert_eq!((&refused["phase"], &refused["status"]), (&Value::Null, &"pending".into()));
}

#[test]
fn a_clock_that_is_set_is_journalled_with_how_far() {
    let clock = ManualClock::at(Timestamp::parse("2026-01-19T10:00:00Z").unwrap());
    let plan = read("plan.yaml");
    let engine =
        Engine::builder().plan_text(&plan, Format::Yaml).unwrap().clock(clock.clone()).build().unwrap();
    clock.jump_wall(-3_600_000);
    clock.advance(Span::seconds(10));
    engine.tick();
    let record: Value = serde_json::from_str(&engine.journal_after(0)[0]).unwrap();
    assert_eq!((&record["kind"], &record["by_ms"]), (&"clock_jump".into(), &(-3_600_000).into()));
    assert_eq!(record["at"], "2026-01-19T09:00:10.000Z");
    assert_eq!(record["observed"], "2026-01-19T10:00:10.000Z");
}
