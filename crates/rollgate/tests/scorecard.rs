//! The four scorecards of the memory-system plan: while a phase runs, when it is due, and after what went wrong.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::id::Key;
use rollgate::core::report::{Form, RowStatus, Scorecard};
use rollgate::core::time::{Span, Timestamp};
use rollgate::{Engine, Metric};

/// Set it to write the fixture anew; then read what changed before it is committed.
const BLESS: &str = "ROLLGATE_BLESS";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The plan under way, ticked every minute.
struct Rollout {
    engine: Engine,
    clock: ManualClock,
    now: Timestamp,
    metrics: Vec<Metric>,
    /// One request in so many fails.
    error_every: u64,
    errors: u64,
}

const SAMPLED: [&str; 8] = [
    "injection_latency",
    "db_query_latency",
    "rag_search_latency",
    "request_errors",
    "cache_hits",
    "session_success",
    "heap_used",
    "nps",
];

impl Rollout {
    fn start() -> Self {
        let now = Timestamp::parse("2026-01-13T09:00:00Z").unwrap();
        let clock = ManualClock::at(now);
        let plan = root().join("examples/plans/memory-system.yaml");
        let engine = Engine::builder().plan_file(plan).unwrap().clock(clock.clone()).build().unwrap();
        let keys: Vec<String> =
            engine.ruleset().metrics.iter().map(|metric| metric.key.to_string()).collect();
        // Opened, so that no events are evidence.
        keys.iter().for_each(|key| drop(engine.metric(key).unwrap()));
        engine.alerts();
        let metrics = SAMPLED.iter().map(|key| engine.metric(key).unwrap()).collect();
        engine.start("on_call").unwrap();
        Self { engine, clock, now, metrics, error_every: 2_000, errors: 0 }
    }

    fn run(&mut self, span: Span) {
        for _ in 0..span.0 / 60_000 {
            let [injection, db, rag, errors, cache, sessions, heap, nps] = &self.metrics[..] else {
                panic!()
            };
            injection.record_many(142.0, 95);
            injection.record_many(230.0, 3);
            db.record_many(21.0, 100);
            rag.record_many(480.0, 25);
            let before = self.errors / self.error_every;
            self.errors += 1_000;
            errors.record_outcomes(self.errors / self.error_every - before, 1_000);
            cache.record_outcomes(640, 1_000);
            sessions.record_outcomes(994, 1_000);
            heap.record(460.0);
            if self.now.0 % 3_600_000 == 0 {
                nps.record_points(31.0);
            }
            self.now = self.now + Span::minutes(1);
            self.clock.set(self.now);
            self.engine.tick();
        }
    }

    fn command(&self, by: &str, action: Action) {
        self.engine.command(&Command { by: Key::new(by), role: None, action }).unwrap();
    }

    /// Does the homework of phase 0 and goes on to phase 1.
    fn enter_phase_1(&mut self) {
        let plan = self.engine.ruleset().plan.clone().unwrap();
        for item in &plan.phases[0].checklist {
            self.command("devops", Action::Check { item: item.key.clone() });
        }
        let tests = [
            ("unit_tests_passed", Some((44, 44))),
            ("integration_tests_passed", Some((15, 15))),
            ("performance_tests_passed", Some((6, 6))),
            ("runbooks_accurate", None),
        ];
        for (item, passed) in tests {
            let item = Key::new(item);
            self.command("engineering_manager", Action::Attest { item, is_true: true, passed });
        }
        self.run(Span::days(7));
        self.go();
    }

    fn go(&self) {
        for by in ["engineering_manager", "product_manager"] {
            self.engine.decide(by, Choice::Go { override_reason: None }, "all green").unwrap();
        }
    }

    fn card(&self, form: Form) -> Scorecard {
        self.engine.scorecard(form)
    }
}

fn status(card: &Scorecard, row: &str) -> RowStatus {
    let row = card.rows.iter().find(|listed| listed.metric.as_str() == row);
    row.map_or_else(|| panic!("no row in {card:?}"), |row| row.status)
}

#[test]
fn r138_the_scorecards_of_the_memory_system_plan_read_like_this() {
    let mut text = String::new();
    let mut show = |title: &str, card: &Scorecard| {
        writeln!(text, "==== {title}\n\n{}", card.to_text()).unwrap();
        let widest = card.to_text().lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(110), "{}", card.to_text());
    };
    let mut rollout = Rollout::start();
    show("phase, at the start", &rollout.card(Form::Phase));
    rollout.enter_phase_1();
    rollout.run(Span::hours(84));
    show("phase, half way", &rollout.card(Form::Phase));
    show("daily, half way", &rollout.card(Form::Daily));
    show("weekly, half way", &rollout.card(Form::Weekly));
    // One day with one failed request in 150.
    rollout.error_every = 150;
    rollout.run(Span::hours(24));
    show("daily, after a bad day", &rollout.card(Form::Daily));
    rollout.error_every = 2_000;
    rollout.run(Span::hours(60));
    show("final, due", &rollout.card(Form::Final));
    rollout.engine.stop("on_call", "the end of the test").unwrap();
    show("phase, stopped", &rollout.card(Form::Phase));

    let path = root().join("tests/spec/scorecards.txt");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(text == expected, "{BLESS}=1 writes the fixture anew; it would be\n{text}");
}

#[test]
fn r085_a_gate_that_is_not_due_is_not_yet_told_and_says_when_it_is() {
    let mut rollout = Rollout::start();
    rollout.enter_phase_1();
    let began = rollout.now;
    rollout.run(Span::hours(1));
    let card = rollout.card(Form::Phase);
    assert_eq!((card.overall, card.due), (RowStatus::NotYet, Some(began + Span::days(7))));
    for gate in ["latency", "errors", "cache", "heap", "team_confident"] {
        assert_eq!(status(&card, gate), RowStatus::NotYet, "{gate}");
    }
    assert_eq!(status(&card, "critical_incidents"), RowStatus::Pass);
    rollout.run(Span::days(7) - Span::hours(1));
    let due = rollout.card(Form::Phase);
    // Nobody has attested, and time will not do it.
    assert_eq!((due.overall, due.due), (RowStatus::Inconclusive, None));
    assert_eq!(status(&due, "latency"), RowStatus::Pass);
    assert_eq!(status(&due, "team_confident"), RowStatus::Inconclusive);
    rollout.engine.attest("engineering_manager", "team_confident").unwrap();
    assert_eq!(rollout.card(Form::Phase).overall, RowStatus::Pass);
}

#[test]
fn r130_daily_rows_pass_warn_and_fail() {
    let mut rollout = Rollout::start();
    rollout.enter_phase_1();
    rollout.run(Span::hours(24));
    let card = rollout.card(Form::Daily);
    assert_eq!((status(&card, "errors"), status(&card, "heap")), (RowStatus::Pass, RowStatus::Warn));
    assert_eq!(card.overall, RowStatus::Warn);
    rollout.error_every = 100;
    rollout.run(Span::hours(24));
    assert_eq!(
        (status(&rollout.card(Form::Daily), "errors"), rollout.card(Form::Daily).overall),
        (RowStatus::Fail, RowStatus::Fail)
    );
}

#[test]
fn r142_the_json_form_carries_numbers_with_their_units() {
    let mut rollout = Rollout::start();
    rollout.enter_phase_1();
    rollout.run(Span::hours(2));
    let card = serde_json::to_value(rollout.card(Form::Daily)).unwrap();
    assert_eq!((&card["form"], &card["overall"]), (&"daily".into(), &"WARN".into()));
    let heap = card["rows"].as_array().unwrap().iter().find(|row| row["metric"] == "heap").unwrap();
    assert_eq!((&heap["status"], &heap["target"]), (&"WARN".into(), &"max < 500 MB (1d)".into()));
    let leaf = &heap["evidence"][0];
    assert_eq!(
        (leaf["value"].as_f64(), &leaf["unit"], leaf["threshold"].as_f64()),
        (Some(460.0), &"MB".into(), Some(500.0))
    );
}
