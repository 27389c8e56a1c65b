//! A small plan with the two tables of business and technical targets, on a clock that is set by hand.

use rollgate::clock::ManualClock;
use rollgate::core::report::{Cell, Document, Form, RowStatus, Table};
use rollgate::core::snapshot::Severity;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::store::MemoryStore;
use rollgate::{Engine, Metric, Report};

pub(crate) const PLAN: &str = r#"
version: 1
name: memory
title: Memory System
revision: "1.0.0"
date: 2026-01-13
owners: [Product Manager, Engineering Manager]
risk: medium
next_review: before phase 1
timezone: Europe/Berlin
evaluate_every: 1m
flags: { USE_A: {}, USE_B: {} }
metrics:
  latency:            { kind: distribution, unit: ms, arms: [USE_A, USE_B], description: 'whole "request"' }
  request_errors:     { kind: ratio, good: down, arms: [USE_A] }
  cache_hits:         { kind: ratio, good: up }
  nps:                { kind: score, good: up, arms: [USE_A] }
  heap_used:          { kind: gauge, unit: MB, good: down, view: realtime }
  database_size:      { kind: gauge, unit: MB, good: down }
  vector_entries:     { kind: gauge, unit: count, good: down }
  user_retention:     { kind: gauge, unit: "%", good: up, max_gap: 48h }
  agent_task_success: { kind: ratio, good: up }
  critical_incidents: { kind: event, good: down }
  support_tickets:    { kind: event, good: down }
  captures:           { kind: event }
  injections.done:    { kind: event }
baseline:
  nps:                { value: 30 }
  support_tickets:    { stat: per_day, value: 40 }
  user_retention:     { stat: last, value: 90% }
  agent_task_success: { value: 99.3% }
roles: { lead: {}, on_call: {} }
phases:
  - id: phase_1
    title: "Phase 1: 10% Rollout"
    duration: 3d
    objectives: [Enable for 10% of users, Validate stability]
    steps: [ { set: { USE_A: 50%, USE_B: 10% } } ]
    gates:
      incidents: { metric: critical_incidents, stat: count, over: phase, at_most: 0 }
      latency:   { metric: latency, stat: p95, over: 1d, below: 200ms }
      errors:    { metric: request_errors, over: 1d, below: 0.3% }
      cache:     { metric: cache_hits, over: 1d, above: 60% }
      capacity:  { all: [ { metric: database_size, stat: last, below: 500MB }, { metric: vector_entries, stat: last, below: 50000 } ] }
    triggers:
      errors: { when: { metric: request_errors, over: 1m, above: 20%, for: 2m }, rollback: { to: zero } }
    contingency: { to: zero, requires: [root_cause] }
    decision: { roles: [lead], no_go: { extend: 1d } }
    daily: { errors: { metric: request_errors, over: 1d, below: 0.5%, warn_within: 10% } }
  - id: phase_2
    title: "Phase 2: 100% Rollout"
    duration: 3d
    steps: [ { set: { USE_A: 100%, USE_B: 100% } } ]
    gates:
      incidents: { metric: critical_incidents, stat: count, over: phase, at_most: 0 }
      errors:    { metric: request_errors, over: 1d, below: 0.1% }
      cache:     { metric: cache_hits, over: 1d, above: 70% }
    triggers:
      errors: { when: { metric: request_errors, over: 1m, above: 20%, for: 2m }, rollback: { to: phase_1 } }
    decision: { roles: [lead] }
    targets:
      nps: { metric: nps, over: 1d, versus: baseline, change: difference, at_least: 10 points }
  - id: production
    duration: open
    gates:
      incidents: { metric: critical_incidents, stat: count, over: 7d, below: 2 }
    triggers:
      incidents: { when: { metric: critical_incidents, stat: count, over: 7d, at_least: 2 }, rollback: { to: zero } }
    decision: { roles: [lead] }
    targets:
      nps:       { metric: nps, over: 1d, versus: baseline, change: difference, at_least: 20 points }
      tickets:   { metric: support_tickets, stat: per_day, over: 1d, versus: baseline, change: relative, at_most: -10% }
      retention: { metric: user_retention, stat: last, versus: baseline, change: difference, above: 0pp }
      tasks:     { metric: agent_task_success, over: 1d, above: 99.5% }
targets:
  nps:       { all: [ { metric: nps, over: 1d, versus: baseline, change: difference, at_least: -2 points }, { metric: nps, over: 1d, versus: baseline, change: difference, at_most: 2 points } ] }
  tickets:   { metric: support_tickets, stat: per_day, over: 1d, versus: baseline, change: relative, below: 5% }
  retention: { metric: user_retention, stat: last, versus: baseline, change: difference, at_least: -1pp }
  tasks:     { metric: agent_task_success, over: 1d, above: 99% }
daily:
  at: "09:00"
  checks:
    errors: { metric: request_errors, over: 1d, below: 0.05% }
    latency: { metric: latency, stat: p95, over: 1d, below: 110ms, warn_within: 20% }
"#;

/// Monday 2026-01-19, 09:00 in Berlin.
pub(crate) const START: &str = "2026-01-19T08:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A rollout of the plan, in its first phase.
pub(crate) struct Stage {
    pub(crate) engine: Engine,
    pub(crate) clock: ManualClock,
    pub(crate) store: MemoryStore,
    pub(crate) now: Timestamp,
    /// Requests that fail, of a thousand a minute.
    pub(crate) errors: u64,
    /// What a request takes.
    pub(crate) latency_ms: f64,
    /// What a request takes where `USE_A` is on, beyond that.
    pub(crate) slower_ms: f64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::of(PLAN)
    }

    pub(crate) fn of(plan: &str) -> Self {
        let (now, store) = (at(START), MemoryStore::new());
        let clock = ManualClock::at(now);
        let engine = open(plan, &clock, &store);
        engine.start("on_call").unwrap();
        Self { engine, clock, store, now, errors: 1, latency_ms: 100.0, slower_ms: 0.0 }
    }

    /// The process ends and comes back.
    pub(crate) fn reopen(&mut self) {
        self.engine = open(PLAN, &self.clock, &self.store);
    }

    pub(crate) fn metric(&self, key: &str) -> Metric {
        self.engine.metric(key).unwrap()
    }

    /// Lets time run, with traffic every minute.
    pub(crate) fn run(&mut self, span: Span) {
        let [latency, errors, cache, heap, tasks] =
            ["latency", "request_errors", "cache_hits", "heap_used", "agent_task_success"]
                .map(|key| self.metric(key));
        for minute in 0..span.0 / 60_000 {
            for user in 0..20_u64 {
                let key = format!("user-{}", (minute * 20 + user) % 600);
                let slower = if self.engine.is_on("USE_A", &key) { self.slower_ms } else { 0.0 };
                latency.record_for(&key, self.latency_ms + slower);
            }
            errors.record_outcomes(self.errors, 1_000);
            cache.record_outcomes(640, 1_000);
            tasks.record_outcomes(992, 1_000);
            heap.record(400.0);
            self.pass(Span::minutes(1));
        }
    }

    /// Lets time pass up to one evaluation.
    pub(crate) fn pass(&mut self, span: Span) {
        self.now = self.now + span;
        self.clock.set(self.now);
        self.engine.tick();
    }

    /// Lets time pass minute by minute, with nothing recorded.
    pub(crate) fn idle_until(&mut self, until: Timestamp) {
        while self.now < until {
            self.pass(until.since(self.now).min(Span::minutes(1)));
        }
    }

    pub(crate) fn open_alert(&self, severity: Severity, id: &str) {
        self.engine.alerts().open_alert(severity, id).unwrap();
    }

    pub(crate) fn status_of(&self, form: Form, row: &str) -> RowStatus {
        let card = self.engine.scorecard(form);
        card.rows.iter().find(|listed| listed.metric.as_str() == row).unwrap().status
    }

    pub(crate) fn table(&self, report: Report, key: &str) -> Table {
        table_of(&self.engine.report(report), key)
    }
}

fn open(plan: &str, clock: &ManualClock, store: &MemoryStore) -> Engine {
    let builder = Engine::builder().plan_text(plan, Format::Yaml).unwrap().clock(clock.clone());
    let engine = builder.store(store.clone()).build().unwrap();
    let keys: Vec<String> = engine.ruleset().metrics.iter().map(|metric| metric.key.to_string()).collect();
    // Opened, so that no events and no alerts are evidence.
    keys.iter().for_each(|key| drop(engine.metric(key).unwrap()));
    engine.alerts();
    engine
}

pub(crate) fn table_of(document: &Document, key: &str) -> Table {
    document.tables.iter().find(|table| table.key == key).unwrap_or_else(|| panic!("no {key}")).clone()
}

/// The cell of a row, which is found by its first cells, under a heading.
pub(crate) fn cell(table: &Table, row: &[&str], column: &str) -> Cell {
    let at = table.columns.iter().position(|heading| heading == column);
    let at = at.unwrap_or_else(|| panic!("no column {column} in {:?}", table.columns));
    let fits = |cells: &&Vec<Cell>| row.iter().zip(cells.iter()).all(|(wanted, cell)| cell.text == *wanted);
    let found = table.rows.iter().find(fits);
    found.unwrap_or_else(|| panic!("no row {row:?} in {table:?}"))[at].clone()
}

pub(crate) fn text(table: &Table, row: &[&str], column: &str) -> String {
    cell(table, row, column).text
}

pub(crate) fn number(table: &Table, row: &[&str], column: &str) -> f64 {
    cell(table, row, column).value.unwrap()
}
