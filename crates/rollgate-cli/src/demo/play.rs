//! Plays the demo: a clock that is set by hand, an engine that is real.

use std::process::ExitCode;
use std::time::Instant;

use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::report::Scorecard;
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal;
use rollgate::read::Format;

use super::people::People;
use super::screen::Screen;
use super::story::{self, Story};
use super::traffic::{RATE, SEED, Traffic};
use crate::input;
use crate::paint::Paint;

/// The plan that the demo plays.
const PLAN: &str = include_str!("../../../../examples/plans/memory-system.yaml");
/// When the fake clock starts.
const START: &str = "2026-01-13T09:00:00Z";
/// How often the engine is ticked. The plan asks for every 10 s; up to a minute between ticks counts as watched.
const TICK: Span = Span::seconds(30);
/// The same in the two weeks of stabilisation, in which nothing happens.
const CALM_TICK: Span = Span::minutes(1);
/// How long the rollout takes: five weeks, the first attempt at phase 1, two weeks of stabilisation; for the bar only.
const EXPECTED: Span = Span::days(53);
/// The demo gives up after this: something would be badly wrong.
const LIMIT: Span = Span::days(80);

/// Plays the demo.
pub(crate) fn run() -> ExitCode {
    let started = Instant::now();
    let mut screen = Screen::new(Paint::of_stdout(), EXPECTED);
    let played = play(&mut screen);
    screen.finish();
    let days = match played {
        Ok(days) => days,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(1);
        }
    };
    if screen.outcome.is_ok() {
        // Not on standard output, which is the same on every run.
        eprintln!("\n{days} days in {:.1} s", started.elapsed().as_secs_f64());
    }
    input::written(screen.outcome)
}

/// Plays until the rollout has ended; gives the days that it took.
fn play(screen: &mut Screen) -> Result<u64, Error> {
    let from = Timestamp::parse(START)?;
    let clock = ManualClock::at(from);
    let engine = Engine::builder().plan_text(PLAN, Format::Yaml)?.clock(clock.clone()).build()?;
    let mut traffic = Traffic::open(&engine, from)?;
    let mut people = People::new();
    let mut story = Story::new(&engine);
    screen.print(&introduction(&engine));
    engine.start("on_call")?;
    let (mut now, mut told) = (from, 0);
    loop {
        let lines = engine.journal_after(told);
        told += lines.len() as u64;
        for line in &lines {
            let Some(event) = story::Event::of(line) else { continue };
            story.tell(&event, &engine, screen);
            people.hear(&event, &engine);
        }
        if story.is_over() || screen.outcome.is_err() {
            break;
        }
        let tick = if story.is_calm() { CALM_TICK } else { TICK };
        traffic.feed(now, tick, people.latency_factor(now));
        now = now + tick;
        clock.set(now);
        engine.tick();
        if let Some(news) = people.act(now, &engine)? {
            story.simulated(now, news, screen);
        }
        if now.0 % 3_600_000 < tick.0 as i64 {
            let status = engine.status();
            let message = format!("{}, {}", status.title.unwrap_or_default(), status.status.name());
            screen.progress(now.since(from).0 / 86_400_000, message.replace('_', " "));
        }
        if now.since(from) > LIMIT {
            let why = "the rollout did not reach its end; what stands above says where it is stuck";
            return Err(Error::new(ErrorKind::General, why));
        }
    }
    screen.finish();
    story.close(&engine, &people.cards, screen);
    Ok(now.since(from).0 / 86_400_000)
}

fn introduction(engine: &Engine) -> String {
    let ruleset = engine.ruleset();
    let phases = ruleset.plan.as_ref().map_or(0, |plan| plan.phases.len());
    format!(
        "rollgate demo\n\n\
         plan      {}: {} flags, {} metrics, {phases} phases\n\
         traffic   simulated: up to {RATE} requests a second of 4000 users, seed {SEED}\n\
         people    simulated: they check, attest and decide when the engine waits for them\n\
         engine    real: recorders, windows, triggers, gates, decisions, journal, on a fake clock",
        ruleset.title,
        ruleset.flags.len(),
        ruleset.metrics.len(),
    )
}

/// Whether the journal's hashes fit; how many records it has.
pub(super) fn verified(engine: &Engine) -> Result<usize, Error> {
    let lines = engine.journal_after(0);
    journal::verify(lines.iter().map(String::as_str))?;
    Ok(lines.len())
}

/// The cards that people decided on, in their order.
pub(super) type Cards = Vec<Scorecard>;
