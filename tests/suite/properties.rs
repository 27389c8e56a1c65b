//! Properties over random plans and random traces: what must hold whatever happens.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use rollgate::core::snapshot::Ruleset;
use rollgate::journal;
use rollgate::read::{Format, ruleset};
use rollgate::replay::{Replay, journal_of};
use serde_json::Value;

const START: i64 = 1_767_225_600_000;

/// A phase of a random plan: shares of its steps in percent, minutes of its duration and hold, and what it is made of.
#[derive(Clone, Debug)]
struct PhasePlan {
    steps: Vec<(u32, u32)>,
    minutes: u32,
    hold: u32,
    gates: usize,
    triggers: usize,
    has_decision: bool,
    to: usize,
}

fn phase_plan() -> impl Strategy<Value = PhasePlan> {
    (
        prop::collection::vec((1_u32..40, 0_u32..40), 0..3),
        1_u32..40,
        0_u32..10,
        0_usize..5,
        0_usize..4,
        any::<bool>(),
        0_usize..3,
    )
        .prop_map(|(steps, minutes, hold, gates, triggers, has_decision, to)| PhasePlan {
            steps,
            minutes,
            hold,
            gates,
            triggers,
            has_decision,
            to,
        })
}

/// The text of a plan: shares rise from phase to phase, every phase that raises has an automatic trigger.
fn plan_text(phases: &[PhasePlan]) -> String {
    let mut text = String::from(
        "version: 1\nname: random\nflags:\n  A: { bucketing: { salt: s } }\n  B: { bucketing: { salt: s }, within: A, share_of: total }\n\
         metrics:\n  latency: { kind: distribution, unit: ms, arms: [A] }\n  errors: { kind: ratio, good: down }\n  heap: { kind: gauge, unit: MB, good: down }\n\
         \x20 crashes: { kind: event, good: down }\nroles: { lead: {}, ops: {} }\nphases:\n",
    );
    let (mut a, mut b) = (0, 0);
    let mut ends = Vec::new();
    for (index, phase) in phases.iter().enumerate() {
        let _ = write!(text, "  - id: p{index}\n    duration: {}m\n", phase.minutes);
        if !phase.steps.is_empty() {
            text.push_str("    steps:\n");
            for (more, inner) in &phase.steps {
                a = (a + more).min(100);
                b = (b + inner).min(a);
                let _ = writeln!(
                    text,
                    "      - {{ set: {{ A: {a}%, B: {b}% }}, hold: {}m, soak: {}m }}",
                    phase.hold, phase.hold
                );
            }
        }
        // A rollback goes to a phase with lower shares; the compiler refuses one that lowers nothing.
        let wanted = phase.to.checked_sub(1).and_then(|to| Some(to.min(index.checked_sub(1)?)));
        let lower = wanted.filter(|to| ends.get(*to).is_some_and(|end| *end != (a, b)));
        let to = lower.map_or_else(|| "zero".to_owned(), |to| format!("p{to}"));
        ends.push((a, b));
        let gates = [
            "      quiet: { metric: crashes, stat: count, over: phase, at_most: 0 }\n",
            "      fast: { metric: latency, stat: p95, over: 10m, below: 200ms, min_samples: 20 }\n",
            "      correct: { metric: errors, over: 10m, below: 5% }\n",
            "      sure: { attest: sure, roles: [lead] }\n",
        ];
        if phase.gates > 0 {
            text.push_str("    gates:\n");
            gates.iter().take(phase.gates).for_each(|gate| text.push_str(gate));
        } else {
            text.push_str("    gates:\n      time: { phase_for: 1m }\n");
        }
        let triggers = [
            format!(
                "      crash: {{ when: {{ metric: crashes, stat: count, over: 1m, at_least: 3 }}, rollback: {{ to: {to} }} }}\n"
            ),
            format!(
                "      slow: {{ when: {{ metric: latency, stat: p95, over: 1m, above: 400ms, for: 3m }}, rollback: {{ to: {to} }} }}\n"
            ),
            format!(
                "      wrong: {{ mode: manual, when: {{ metric: errors, over: 2m, above: 20% }}, rollback: {{ to: {to} }} }}\n"
            ),
            "      heap: { when: { metric: heap, stat: last, above: 900MB }, rollback: { to: zero } }\n"
                .to_owned(),
        ];
        text.push_str("    triggers:\n");
        triggers.iter().take(phase.triggers + 1).for_each(|trigger| text.push_str(trigger));
        text.push_str("    contingency: { to: zero, hold: 2m, requires: [cause] }\n");
        if phase.has_decision {
            text.push_str("    decision: { roles: [lead, ops], no_go: { extend: 5m } }\n");
        }
    }
    text
}

/// One thing that happens, and how many seconds after the one before.
fn event() -> impl Strategy<Value = (u32, String)> {
    let sample = |metric: &'static str, field: &'static str| {
        move |value: u32| format!("\"metric\":\"{metric}\",\"{field}\":{value}")
    };
    let what = prop_oneof![
        8 => (50_u32..600).prop_map(|value| format!("\"metric\":\"latency\",\"value\":{value},\"count\":30")),
        2 => (50_u32..600).prop_map(|value| format!("\"metric\":\"latency\",\"value\":{value},\"key\":\"user-{value}\"")),
        5 => (0_u32..30).prop_map(|bad| format!("\"metric\":\"errors\",\"true\":{bad},\"total\":100")),
        3 => (100_u32..1000).prop_map(sample("heap", "value")),
        2 => (1_u32..3).prop_map(sample("crashes", "count")),
        3 => prop_oneof![Just("lead"), Just("ops"), Just("eve")].prop_map(|by| format!(
            "\"command\":\"decide\",\"choice\":\"go\",\"by\":\"{by}\",\"rationale\":\"looks good\""
        )),
        1 => Just("\"command\":\"decide\",\"choice\":\"go\",\"by\":\"lead\",\"rationale\":\"hurry\",\"override\":\"the boss\"".to_owned()),
        1 => Just("\"command\":\"decide\",\"choice\":\"no_go\",\"by\":\"ops\",\"rationale\":\"wait\"".to_owned()),
        1 => Just("\"command\":\"decide\",\"choice\":\"rollback\",\"to\":\"zero\",\"by\":\"ops\",\"rationale\":\"bad\"".to_owned()),
        2 => Just("\"command\":\"attest\",\"item\":\"sure\",\"by\":\"lead\",\"value\":true".to_owned()),
        2 => Just("\"command\":\"attest\",\"item\":\"cause\",\"by\":\"lead\",\"value\":true".to_owned()),
        2 => Just("\"command\":\"retry\",\"by\":\"ops\"".to_owned()),
        1 => Just("\"command\":\"stop\",\"by\":\"ops\",\"reason\":\"fire\"".to_owned()),
        1 => Just("\"command\":\"pause\",\"by\":\"ops\",\"reason\":\"lunch\"".to_owned()),
        2 => Just("\"command\":\"resume\",\"by\":\"ops\",\"reason\":\"back\"".to_owned()),
        1 => Just("\"command\":\"approve\",\"proposal\":\"wrong\",\"by\":\"lead\",\"rationale\":\"yes\"".to_owned()),
        1 => Just("\"command\":\"dismiss\",\"proposal\":\"wrong\",\"by\":\"lead\",\"reason\":\"no\"".to_owned()),
        2 => (0_u32..=100).prop_map(|share| format!(
            "\"command\":\"set\",\"shares\":{{\"A\":{}}},\"by\":\"ops\",\"reason\":\"by hand\"", f64::from(share) / 100.0
        )),
        1 => Just("\"command\":\"release\",\"flags\":[\"A\"],\"by\":\"ops\"".to_owned()),
        1 => Just("\"alert\":\"critical\",\"id\":\"a\"".to_owned()),
        1 => Just("\"tick\":true".to_owned()),
    ];
    (prop_oneof![4 => 0_u32..30, 2 => 30_u32..400, 1 => 400_u32..2400], what)
}

fn trace_text(events: &[(u32, String)]) -> String {
    let mut at = START;
    let mut text =
        format!("{{\"at\":{at},\"live\":\"all\"}}\n{{\"at\":{at},\"command\":\"start\",\"by\":\"ops\"}}\n");
    for (after, what) in events {
        at += i64::from(*after) * 1_000;
        let _ = writeln!(text, "{{\"at\":{at},{what}}}");
    }
    let _ = writeln!(text, "{{\"at\":{},\"tick\":true}}", at + 60_000);
    text
}

fn compiled(text: &str) -> Arc<Ruleset> {
    match ruleset(text, Format::Yaml) {
        Ok(compiled) => Arc::new(compiled.ruleset),
        Err(problems) => panic!("{problems}\n{text}"),
    }
}

fn parsed(lines: &[String]) -> Vec<Value> {
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn shares_of(record: &Value, field: &str) -> BTreeMap<String, f64> {
    let map = record[field].as_object().unwrap();
    map.iter().map(|(flag, share)| (flag.clone(), share.as_f64().unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_journal_tells_a_lawful_story(
        phases in prop::collection::vec(phase_plan(), 1..4),
        events in prop::collection::vec(event(), 0..120),
    ) {
        let ruleset = compiled(&plan_text(&phases));
        let trace = trace_text(&events);
        let mut replay = Replay::new(ruleset.clone());
        for line in trace.lines() {
            replay.feed(line).unwrap();
        }
        let lines = replay.journal();
        let records = parsed(&lines);

        // The same trace gives the same journal, byte for byte, and its chain holds.
        prop_assert_eq!(&journal_of(ruleset.clone(), &trace).unwrap(), &lines);
        journal::verify(lines.iter().map(String::as_str)).unwrap();

        // What the journal says is where the engine stands.
        let status = replay.engine().unwrap().status();
        let recalled = journal::recall(lines.iter().map(String::as_str)).unwrap();
        prop_assert_eq!(&recalled.status, status.status.name());
        prop_assert_eq!(recalled.phase, status.phase.map(|key| key.to_string()));
        for (flag, share) in &status.shares {
            prop_assert_eq!(recalled.shares.get(flag.as_str()).copied().unwrap_or(0.0), share.fraction());
        }

        let mut steps: BTreeMap<&str, usize> = BTreeMap::new();
        let mut passed_gates = false;
        let mut has_override = false;
        for record in &records {
            let cause = record.pointer("/cause/kind").and_then(Value::as_str).unwrap_or_default();
            match record["kind"].as_str().unwrap() {
                // A rollback raises nothing, whoever called for it.
                "shares_changed" if matches!(cause, "trigger" | "decision" | "stop") => {
                    let to = shares_of(record, "to");
                    for (flag, from) in shares_of(record, "from") {
                        prop_assert!(to[&flag] < from, "{}", record);
                    }
                }
                // One step an instant.
                "step_applied" => {
                    let count = steps.entry(record["at"].as_str().unwrap()).or_default();
                    *count += 1;
                    prop_assert_eq!(*count, 1, "{}", record);
                }
                "gates_passed" => passed_gates = true,
                "gates_failed" | "gates_inconclusive" => passed_gates = false,
                "decided" => {
                    has_override = record["override"].is_string();
                    passed_gates |= record["findings"].is_array() && !has_override;
                }
                // Nothing advances without passing gates, or somebody's signed override.
                "phase_passed" => {
                    prop_assert!(passed_gates || has_override, "{}", record);
                    passed_gates = false;
                    has_override = false;
                }
                // Who reads a flag gets what the journal says.
                "read_back" => prop_assert_eq!(&record["ok"], &Value::Bool(true), "{}", record),
                _ => {}
            }
        }
    }

    #[test]
    fn every_sample_is_in_one_slot_or_the_live_one(
        samples in prop::collection::vec((0_u32..900, 1_u64..50, 0.0_f64..1e4), 1..60),
    ) {
        let ruleset = compiled(&plan_text(&[]).replace("phases:\n", ""));
        let mut replay = Replay::new(ruleset);
        let mut at = START;
        let mut recorded = 0;
        for (after, count, value) in &samples {
            at += i64::from(*after) * 1_000;
            recorded += count;
            replay.feed(&format!("{{\"at\":{at},\"metric\":\"latency\",\"value\":{value},\"count\":{count}}}")).unwrap();
        }
        replay.feed(&format!("{{\"at\":{},\"tick\":true}}", at + 15_000)).unwrap();
        let totals = replay.engine().unwrap().totals("latency").unwrap();
        prop_assert_eq!(totals.recorded, recorded);
        prop_assert_eq!((totals.invalid, totals.dropped), (0, 0));
    }
}
