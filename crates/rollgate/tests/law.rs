//! What falls between the parts: levels that are only held, latches at low traffic, comparisons on an hour of a week.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

use std::sync::Arc;

use rollgate::core::snapshot::{Condition, Ruleset};
use rollgate::read::{Format, ruleset};
use rollgate::replay::journal_of;
use serde_json::Value;

const PLAN: &str = "
version: 1
name: law
evaluate_every: 10s
flags: { F: {} }
metrics:
  errors:  { kind: ratio, good: down, arms: [F] }
  heap:    { kind: gauge, unit: MB, good: down }
roles: { lead: {} }
phases:
  - id: one
    duration: 1h
    steps: [ { set: { F: 50% } } ]
    gates:
      growth: { metric: heap, stat: growth_per_day, over: 1h, below: 1MB }
      trend:  { metric: heap, trend: not_rising, over: 1h, tolerance: 5% }
      arms:   { compare: errors, flag: F, not_worse_by: 1pp }
    triggers:
      heap:   { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } }
      errors: { mode: manual, when: { metric: errors, over: 1m, above: 5%, for: 2m }, rollback: { to: zero } }
";

const START: i64 = 1_768_816_800;

fn plan() -> Arc<Ruleset> {
    Arc::new(ruleset(PLAN, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset)
}

fn replayed(lines: &[(i64, String)]) -> Vec<Value> {
    let lines: Vec<String> =
        lines.iter().map(|(at, rest)| format!(r#"{{"at":{},{rest}}}"#, (START + at) * 1_000)).collect();
    let journal = journal_of(plan(), &lines.join("\n")).unwrap();
    journal.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn start() -> (i64, String) {
    (0, r#""command":"start","by":"ann""#.into())
}

fn kinds(journal: &[Value]) -> Vec<&str> {
    journal.iter().map(|record| record["kind"].as_str().unwrap()).collect()
}

#[test]
fn r067_a_level_that_was_set_once_neither_grows_nor_rests() {
    let set = |at: i64, value: i64| (at, format!(r#""metric":"heap","value":{value}"#));
    let gate = |journal: &[Value], key: &str| {
        let record = journal.iter().rfind(|record| record["findings"].is_array()).unwrap();
        let findings = record["findings"].as_array().unwrap();
        findings.iter().find(|finding| finding["key"] == key).unwrap()["verdict"].as_str().unwrap().to_owned()
    };
    let tick = || (3_600, r#""tick":true"#.to_owned());
    let once = replayed(&[start(), set(5, 100), tick()]);
    assert_eq!((&*gate(&once, "growth"), &*gate(&once, "trend")), ("INCONCLUSIVE", "INCONCLUSIVE"));
    let mut lines = vec![start()];
    lines.extend((0..60).map(|minute| set(minute * 60 + 5, 100)));
    lines.push(tick());
    let often = replayed(&lines);
    assert_eq!((&*gate(&often, "growth"), &*gate(&often, "trend")), ("PASS", "PASS"));
}

#[test]
fn r166_the_for_of_a_gate_does_not_run_while_nobody_watches() {
    let gates = PLAN.split_once("    gates:\n").unwrap().1.split_once("    triggers:").unwrap().0;
    let text = PLAN.replace(gates, "      calm: { metric: errors, over: 1m, below: 5%, for: 20m }\n");
    let plan = Arc::new(ruleset(&text, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset);
    let passes = |down: i64| {
        let mut lines = vec![format!(r#"{{"at":{},"command":"start","by":"ann"}}"#, START * 1_000)];
        // Wrong for 50 minutes, then right; the process is away for a while from 55 minutes on.
        for at in (5..4_800).step_by(10) {
            if (3_300..3_300 + down).contains(&at) {
                continue;
            }
            if down > 0 && at == 3_305 + down {
                let (at, since) = ((START + 3_300 + down) * 1_000, (START + 3_300) * 1_000);
                lines.push(format!(r#"{{"at":{at},"restart":true,"down_since":{since}}}"#));
            }
            let wrong = if at < 3_000 { 10 } else { 0 };
            let at = (START + at) * 1_000;
            lines.push(format!(r#"{{"at":{at},"metric":"errors","true":{wrong},"total":20}}"#));
        }
        let journal = journal_of(plan.clone(), &lines.join("\n")).unwrap();
        let records = journal.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let passed = records.into_iter().find(|record| record["kind"] == "gates_passed").unwrap();
        passed["at"].as_str().unwrap()[11..19].to_owned()
    };
    assert_eq!(passes(0), "11:11:00");
    // Nothing of the 290 s counts.
    assert_eq!(passes(290), "11:15:50");
}

#[test]
fn low_traffic_asks_again_once_it_has_been_healthy_on_enough_samples() {
    let outcome = |at: i64, wrong: bool| {
        (at, format!(r#""metric":"errors","true":{},"total":1"#, if wrong { 1 } else { 0 }))
    };
    let mut lines = vec![start()];
    // One request in thirty seconds: a ratio's ten samples never lie within two minutes.
    lines.extend((0..10).map(|at| outcome(5 + at * 30, true)));
    lines.push((310, r#""command":"dismiss","proposal":"errors","by":"lead","reason":"known""#.into()));
    lines.extend((11..50).map(|at| outcome(5 + at * 30, false)));
    lines.extend((50..60).map(|at| outcome(5 + at * 30, true)));
    lines.extend((60..100).map(|at| outcome(5 + at * 30, false)));
    let journal = replayed(&lines);
    let asked: Vec<&str> = kinds(&journal).into_iter().filter(|kind| kind.starts_with("proposal")).collect();
    assert_eq!(asked, ["proposal", "proposal_dismissed", "proposal", "proposal_lapsed"]);
}

#[test]
fn a_gate_that_compares_asks_for_coverage_as_one_over_its_phase() {
    let plan = plan();
    let gates = &plan.plan.as_ref().unwrap().phases[0].gates;
    let coverage = |condition: &Condition| condition.coverage;
    assert_eq!(coverage(&gates[2].condition), Some(0.9));
    assert_eq!(coverage(&gates[1].condition), None, "an hour is not over an hour");
}

#[test]
fn a_misspelt_role_is_refused_with_the_roles_there_are_and_holds_up_no_stop() {
    let ask = |at: i64, command: &str, role: &str| {
        (at, format!(r#""command":"{command}","by":"ann","role":"{role}","reason":"because""#))
    };
    let journal =
        replayed(&[start(), ask(10, "pause", "leed"), ask(20, "pause", "lead"), ask(30, "stop", "leed")]);
    let refused = journal.iter().find(|record| record["kind"] == "command_refused").unwrap();
    assert_eq!(refused["why"], "the plan has no role `leed`; it has lead");
    let kinds = kinds(&journal);
    assert_eq!(kinds.iter().filter(|kind| **kind == "paused").count(), 1);
    assert!(kinds.contains(&"stopped"));
}

#[test]
fn r018_a_share_for_a_flag_that_is_not_there_names_those_that_are() {
    let set = r#""command":"set","shares":{"G":0.1},"by":"ann","reason":"because""#.to_owned();
    let journal = replayed(&[start(), (10, set)]);
    let refused = journal.iter().find(|record| record["kind"] == "command_refused").unwrap();
    assert_eq!(refused["why"], "there is no flag `G`; the plan has F");
}
