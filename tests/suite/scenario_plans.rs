//! What the plan of the memory system does not have: phases that advance by themselves, flags apart, `for` in gates.

use rollgate::core::time::Span;
use rollgate_tests::{Record, Scenario};

/// Flags, and the metrics that traffic is recorded in.
const METRICS: &str = "version: 1
name: two
flags: { A: {}, B: {}, USE_ENHANCED_INJECTION: {} }
metrics:
  injection_latency: { kind: distribution, unit: ms }
  request_latency: { kind: distribution, unit: ms, arms: [USE_ENHANCED_INJECTION] }
  db_query_latency: { kind: distribution, unit: ms }
  rag_search_latency: { kind: distribution, unit: ms }
  request_errors: { kind: ratio, good: down, arms: [USE_ENHANCED_INJECTION] }
  cache_hits: { kind: ratio, good: up }
  session_success: { kind: ratio, good: up }
  agent_task_success: { kind: ratio, good: up }
  heap_used: { kind: gauge, unit: MB, good: down }
  database_size: { kind: gauge, unit: MB, good: down }
  vector_entries: { kind: gauge, unit: count, good: down }
  user_retention: { kind: gauge, unit: \"%\", good: up }
  nps: { kind: score, unit: points, good: up }
roles: { lead: {} }
";

/// Two triggers of one gauge: each lowers another flag, and one of them further.
const FLAG_BY_FLAG: &str = "
phases:
  - id: one
    duration: 1h
    steps: [ { set: { A: 10%, B: 30% } } ]
    gates: { heap: { metric: heap_used, stat: max, over: 1h, below: 900MB } }
    triggers:
      heap: { when: { metric: heap_used, stat: last, above: 2GB }, rollback: { to: zero } }
      asks: { mode: manual, when: { metric: database_size, stat: last, above: 1GB }, rollback: { to: zero } }
  - id: two
    duration: 1h
    steps: [ { set: { A: 60%, B: 60% } } ]
    gates: { heap: { metric: heap_used, stat: max, over: 1h, below: 900MB } }
    triggers:
      back: { when: { metric: heap_used, stat: last, above: 1GB }, rollback: { to: one } }
      b:    { when: { metric: heap_used, stat: last, above: 1GB }, rollback: { set: { B: 5% } } }
    decision: { roles: [lead] }
";

fn small(phases: &str) -> Scenario {
    Scenario::of_text(&format!("{METRICS}{phases}"))
}

#[test]
fn r095_the_lowest_target_wins_flag_by_flag() {
    let mut s = small(FLAG_BY_FLAG);
    s.start();
    s.coast(Span::minutes(61));
    assert_eq!((s.phase().as_str(), s.shares()), ("two", vec![60.0, 60.0, 0.0]));
    s.look_away();
    s.record("heap_used", 1_100.0);
    let records = s.expect(&["trigger_fired", "trigger_fired", "rolled_back", "shares_changed", "read_back"]);
    assert_eq!(records[2].texts("triggers"), ["back", "b"]);
    assert_eq!(s.shares(), [10.0, 5.0, 0.0]);
}

#[test]
fn a_phase_without_a_decision_advances_once_it_passes_and_says_once_that_it_does_not() {
    let mut s = small(FLAG_BY_FLAG);
    s.start();
    s.traffic.heap_mb = 950.0;
    s.look_away();
    let records = s.wait_exactly(Span::hours(1));
    assert_eq!(records.iter().map(Record::kind).collect::<Vec<_>>(), ["gates_failed"]);
    s.traffic.heap_mb = 300.0;
    s.coast(Span::minutes(50));
    s.assert_nothing();
    s.coast(Span::minutes(15));
    let records = s.expect(&[
        "gates_passed",
        "phase_passed",
        "phase_started",
        "step_applied",
        "shares_changed",
        "read_back",
    ]);
    assert!(records.iter().all(|record| record.at() == records[0].at()), "{records:#?}");
    assert_eq!(s.shares(), [60.0, 60.0, 0.0]);
}

#[test]
fn a_pending_proposal_blocks_the_advance_of_a_phase_without_a_decision() {
    let mut s = small(FLAG_BY_FLAG);
    s.start();
    s.advance(Span::minutes(59));
    s.look_away();
    s.record("database_size", 1_100.0);
    s.expect(&["trigger_fired", "proposal"]);
    s.advance(Span::minutes(6));
    s.expect(&["gates_passed"]);
    // Nobody need be in a role where the phase names none.
    s.dismiss("anybody", "asks").unwrap();
    s.expect(&["proposal_dismissed"]);
    s.advance(Span::seconds(10));
    s.expect(&["phase_passed", "phase_started", "step_applied", "shares_changed", "read_back"]);
}

#[test]
fn r038_a_baseline_is_captured_where_a_phase_advances_by_itself_too() {
    let mut s = small(
        "
baseline: { nps: { capture_over: 30m } }
phases:
  - id: watch
    duration: 1h
    gates: { heap: { metric: heap_used, stat: max, over: 30m, below: 900MB } }
  - id: rise
    duration: 1h
    steps: [ { set: { A: 10% } } ]
    gates: { heap: { metric: heap_used, stat: max, over: 30m, below: 900MB } }
    triggers: { heap: { when: { metric: heap_used, stat: last, above: 2GB }, rollback: { to: zero } } }
",
    );
    s.start();
    s.look_away();
    let records = s.wait_exactly(Span::hours(1));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds[..3], ["gates_passed", "phase_passed", "phase_started"]);
    assert_eq!(kinds[3..], ["baseline_captured", "step_applied", "shares_changed", "read_back"]);
    assert_eq!(records[3].0["value"], 35.0);
}

/// A gate and a step that ask for a condition to have lasted.
const LASTING: &str = "
phases:
  - id: rise
    duration: 1h
    steps:
      - { set: { A: 10% }, hold: 10m }
      - { set: { A: 20% }, soak: 0s, only_if: { metric: heap_used, stat: last, below: 900MB, for: 5m } }
    gates: { heap: { metric: heap_used, stat: last, below: 900MB, for: 30m } }
    triggers: { heap: { when: { metric: heap_used, stat: last, above: 2GB }, rollback: { to: zero } } }
";

#[test]
fn what_is_asked_for_a_time_has_lasted_since_it_began_and_not_since_it_was_asked() {
    let mut s = small(LASTING);
    s.start();
    s.look_away();
    let records = s.wait_exactly(Span::minutes(10));
    assert_eq!(records[0].kind(), "step_applied", "{records:#?}");
    let records = s.wait_exactly(Span::minutes(50));
    let kinds: Vec<&str> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["gates_passed", "phase_passed", "completed"]);
}

#[test]
fn a_step_and_a_gate_wait_until_a_condition_has_lasted() {
    let mut s = small(LASTING);
    s.start();
    s.traffic.heap_mb = 950.0;
    s.advance(Span::minutes(30));
    s.look_away();
    s.traffic.heap_mb = 300.0;
    // First seen to hold at the next evaluation.
    s.advance(Span::minutes(5));
    s.assert_nothing();
    s.advance(Span::seconds(10));
    assert_eq!(s.fresh()[0].kind(), "step_applied");
    s.advance(Span::minutes(24) + Span::seconds(50));
    let records = s.fresh();
    assert_eq!(records.last().map(Record::kind), Some("gates_inconclusive"), "{records:#?}");
    s.advance(Span::seconds(10));
    assert_eq!(s.fresh()[0].kind(), "gates_passed");
}
