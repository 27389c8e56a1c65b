//! The memory-system plan inside a service: what the service calls, and what rollgate does with it.
//!
//! The clock is set by hand, so that a week takes a moment; with the system's clock the same calls take a week.
//! `cargo run -p rollgate-examples --example memory_rollout`

use rollgate::clock::ManualClock;
use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::error::Error;
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use rollgate::engine::Outcome;
use rollgate::read::Format;
use rollgate::{Engine, Metric};

const PLAN: &str = include_str!("plans/memory-system.yaml");

/// What the service keeps: handles are opened once, and cost a hash and a comparison from then on.
struct Service {
    engine: Engine,
    request_latency: Metric,
    injection_latency: Metric,
    errors: Metric,
}

impl Service {
    fn open(clock: ManualClock) -> Result<Self, Error> {
        let engine = Engine::builder()
            .plan_text(PLAN, Format::Yaml)?
            .clock(clock)
            // Called from ticks and commands with every record of the journal.
            .on_record(|record| {
                for kind in ["phase_started", "trigger_fired", "rolled_back", "awaiting_decision"] {
                    if record.contains(&format!("\"kind\":\"{kind}\"")) {
                        println!("  journal: {kind}");
                    }
                }
            })
            .build()?;
        Ok(Self {
            request_latency: engine.metric("request_latency")?,
            injection_latency: engine.metric("injection_latency")?,
            errors: engine.metric("request_errors")?,
            engine,
        })
    }

    /// One request: the flag decides, and the sample goes to the arm that the user is in.
    fn serve(&self, user: &str, is_broken: bool) -> bool {
        let is_on = self.engine.is_on("USE_ENHANCED_INJECTION", user);
        if is_on {
            self.injection_latency.record_for(user, if is_broken { 900.0 } else { 120.0 });
        }
        self.request_latency.record_for(user, if is_on { 240.0 } else { 250.0 });
        let outcome = if is_on && is_broken { Outcome::True } else { Outcome::False };
        self.errors.record_outcomes_for(user, u64::from(outcome == Outcome::True), 1);
        is_on
    }

    /// A minute of traffic; gives how many requests got the new behaviour.
    fn minute(&self, clock: &ManualClock, is_broken: bool) -> usize {
        let mut on = 0;
        for _ in 0..6 {
            on += (0..200).filter(|user| self.serve(&format!("user-{user}"), is_broken)).count();
            clock.advance(Span::seconds(10));
            // Once every `evaluate_every`; `engine.spawn_ticker()` does the same from a thread.
            self.engine.tick();
        }
        on
    }
}

/// Phase 0 as people live it: check, sign, and say go after a week.
fn prepare(engine: &Engine, clock: &ManualClock) -> Result<(), Error> {
    engine.start("on_call")?;
    let phase = engine.ruleset().plan.as_ref().and_then(|plan| plan.phases.first());
    for item in phase.into_iter().flat_map(|phase| &phase.checklist) {
        engine.check("devops", item.key.as_str())?;
    }
    for (item, count) in
        [("unit_tests_passed", 44), ("integration_tests_passed", 15), ("performance_tests_passed", 6)]
    {
        let action = Action::Attest { item: Key::new(item), is_true: true, passed: Some((count, count)) };
        engine.command(&Command { by: Key::new("sre"), role: None, action })?;
    }
    engine.attest("sre", "runbooks_accurate")?;
    // A wait counts only time that the engine has watched: it is ticked all the week.
    for _ in 0..7 * 24 * 60 {
        clock.advance(Span::minutes(1));
        engine.tick();
    }
    let go = || Choice::Go { override_reason: None };
    engine.decide("engineering_manager", go(), "everything is ready")?;
    engine.decide("product_manager", go(), "so it is")
}

fn rollout() -> Result<(usize, usize, usize, String), Error> {
    let clock = ManualClock::at(Timestamp::parse("2026-01-12T09:00:00Z")?);
    let service = Service::open(clock.clone())?;
    let before = service.minute(&clock, false);
    prepare(&service.engine, &clock)?;
    let healthy = service.minute(&clock, false);
    // A bad deploy: within its five minutes the `errors` trigger takes everything back.
    for _ in 0..8 {
        service.minute(&clock, true);
    }
    let after = service.minute(&clock, true);
    Ok((before, healthy, after, service.engine.status().status.name().to_owned()))
}

fn main() -> Result<(), Error> {
    let (before, healthy, after, status) = rollout()?;
    println!(
        "of 1200 requests a minute with the new behaviour: {before} before, {healthy} at 10 %, {after} after"
    );
    println!("the rollout is {status}");
    Ok(())
}

#[test]
fn it_rolls_back_by_itself() {
    let (before, healthy, after, status) = rollout().expect("the example runs");
    assert_eq!((before, after, status.as_str()), (0, 0, "rolled_back"));
    assert!((60..240).contains(&healthy), "{healthy} of 1200 at 10 %");
}
