//! `rollgate demo`: the memory-system plan on simulated traffic and a fake clock, from start to 100 %.
//!
//! The traffic is simulated, and says so. Everything that judges it is the real engine: recorders, windows, triggers,
//! gates, decisions, journal.

mod story;
mod traffic;

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rollgate::Engine;
use rollgate::clock::ManualClock;
use rollgate::core::error::Error;
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;

use self::story::Story;
use self::traffic::Traffic;

/// The plan that the demo plays.
const PLAN: &str = include_str!("../../../../examples/plans/memory-system.yaml");
/// When the fake clock starts.
const START: &str = "2026-01-13T09:00:00Z";
/// How long the rollout takes: five weeks and the two days of the first attempt; only the bar reads it.
const EXPECTED: Span = Span::days(38);
/// The demo gives up after this: something would be badly wrong.
const LIMIT: Span = Span::days(80);

/// Plays the demo.
pub(crate) fn run() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(1)
        }
    }
}

fn play() -> Result<(), Error> {
    let from = Timestamp::parse(START)?;
    let clock = ManualClock::at(from);
    let (sender, journal) = std::sync::mpsc::channel::<String>();
    let sender = std::sync::Mutex::new(sender);
    let engine = Engine::builder()
        .plan_text(PLAN, Format::Yaml)?
        .clock(clock.clone())
        .on_record(move |line| {
            // The receiver lives as long as the engine does.
            if let Ok(sender) = sender.lock() {
                let _ = sender.send(line.to_owned());
            }
        })
        .build()?;

    println!("rollgate demo: the plan `memory-system` on simulated traffic, on a fake clock.\n");
    let bar = progress();
    let mut traffic = Traffic::open(&engine)?;
    let mut story = Story::new(from);
    let step = Span::seconds(10);
    let mut now = from;
    story.begin(&engine)?;
    while !story.is_over() {
        for line in journal.try_iter() {
            story.hear(&line, &engine, |text| bar.suspend(|| println!("{text}")))?;
        }
        traffic.feed(now, story.latency_factor(now));
        clock.advance(step);
        now = now + step;
        engine.tick();
        story.act(now, &engine)?;
        if now.since(from).0 % 3_600_000 == 0 {
            bar.set_position(now.since(from).0 / 3_600_000);
            bar.set_message(story.where_it_stands());
        }
        if now.since(from) > LIMIT {
            return Err(Error::new(
                rollgate::core::error::ErrorKind::General,
                "the rollout did not reach its end; the journal above says where it stands",
            ));
        }
    }
    for line in journal.try_iter() {
        story.hear(&line, &engine, |text| bar.suspend(|| println!("{text}")))?;
    }
    bar.finish_and_clear();
    story.scorecards().iter().for_each(|card| println!("\n{card}"));
    Ok(())
}

/// A bar on standard error while a person watches; nothing in a pipe.
fn progress() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(EXPECTED.0 / 3_600_000), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3}%  {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
