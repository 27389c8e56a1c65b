//! The small plan, and the cases of all themes.

use super::conditions::CONDITIONS;
use super::document::DOCUMENT;
use super::measures::MEASURES;
use super::notices::NOTICES;
use super::phases::PHASES;
use super::rules::RULES;

/// What is replaced, by what; the code and the path of the problem that follows.
pub(crate) type Case = (&'static str, &'static str, &'static str, &'static str);

/// All cases that are refused.
pub(crate) fn broken() -> impl Iterator<Item = &'static Case> {
    [DOCUMENT, PHASES, MEASURES, CONDITIONS, NOTICES, RULES].into_iter().flatten()
}

/// A small plan that is right; each case changes one thing.
pub(crate) const PLAN: &str = "\
version: 1
name: small
timezone: UTC
expected_traffic: 1/s
flags:
  A: { bucketing: { salt: s } }
  B: { bucketing: { salt: s }, within: A, share_of: total }
metrics:
  latency: { kind: distribution, unit: ms, arms: [A] }
  errors: { kind: ratio, good: down }
  crashes: { kind: event, good: down }
  heap: { kind: gauge, unit: MB }
  nps: { kind: score }
  unsure: { kind: ratio, arms: [A] }
roles: { lead: {}, ops: {} }
phases:
  - id: first
    duration: 1d
    steps: [ { set: { A: 10%, B: 5% } } ]
    gates:
      latency: { metric: latency, stat: p95, over: 1h, below: 200ms }
      quiet: { alerts: critical, quiet_for: 4h }
    triggers:
      slow: { when: { metric: latency, stat: p95, over: 1m, above: 500ms, for: 5m }, rollback: { to: zero } }
    decision: { roles: [lead] }
  - id: second
    duration: 1d
    steps: [ { set: { A: 50% } } ]
    gates:
      crashes: { metric: crashes, stat: count, over: phase, at_most: 0 }
    triggers:
      crash: { when: { metric: crashes, stat: count, over: 1m, at_least: 1 }, rollback: { to: first } }
notices:
  - { when: phase_passed, channels: [chat], message: \"{phase.title} passed, {next.title} follows\" }
";
