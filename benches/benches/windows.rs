//! One evaluation instant of the memory-system plan on full windows, in the phases where most is judged.
//!
//! An instant is all that a tick does: taking in what was recorded, sealing slots, judging, deciding. Recording is not in
//! it. Beside criterion's mean a histogram over a day of instants shows the rotations of slots.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench without its engine measures nothing")]

use std::time::{Duration, Instant};

use criterion::Criterion;
use rollgate::core::time::Span;

use rollgate_benches::stage::{EVERY, Keys, Stage};

/// Instants of a day.
const DAY: usize = 8_640;

/// What a tick took, and what slots ended at it.
struct Took {
    time: Duration,
    /// 0: 10 s only; 1: a minute; 2: ten minutes; 3: an hour.
    rotation: usize,
}

fn tick(stage: &mut Stage, keys: Keys) -> Took {
    stage.record(keys);
    let at = stage.now().0;
    let rotation = [60_000, 600_000, 3_600_000].iter().filter(|slot| at % **slot == 0).count();
    let from = Instant::now();
    stage.engine.tick();
    Took { time: from.elapsed(), rotation }
}

fn part(sorted: &[Duration], part: f64) -> Duration {
    let rank = ((sorted.len() as f64 * part).ceil() as usize).clamp(1, sorted.len());
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// The histogram over a day of instants.
fn histogram(name: &str, stage: &mut Stage, keys: Keys) {
    let took: Vec<Took> = (0..DAY).map(|_| tick(stage, keys)).collect();
    let line = |what: &str, times: &mut Vec<Duration>| {
        times.sort();
        let mean = times.iter().sum::<Duration>() / times.len().max(1) as u32;
        println!(
            "{name}, {what}: n {}, mean {mean:.1?}, median {:.1?}, p99 {:.1?}, p99.9 {:.1?}, worst {:.1?}",
            times.len(),
            part(times, 0.5),
            part(times, 0.99),
            part(times, 0.999),
            part(times, 1.0)
        );
    };
    line("all instants", &mut took.iter().map(|took| took.time).collect());
    for (rotation, what) in ["10 s slots", "1 min slots", "10 min slots", "1 h slots"].into_iter().enumerate()
    {
        let mut times: Vec<_> =
            took.iter().filter(|took| took.rotation == rotation).map(|took| took.time).collect();
        line(what, &mut times);
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    let scenes = [
        ("hundred_percent, awaiting its decision", 3, 14, Keys::Given),
        ("stabilization", 4, 14, Keys::Given),
        ("fifty_percent, comparing keyed arms", 2, 7, Keys::Given),
    ];
    for (name, phase, days, keys) in scenes {
        let mut stage = Stage::in_phase(phase);
        stage.run(Span::days(days) + Span::hours(2));
        println!("{name}: {:?}, {} KiB of windows", stage.status(), stage.engine.window_bytes() >> 10);
        histogram(name, &mut stage, keys);
        let mut group = criterion.benchmark_group("instant");
        group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| (0..times).map(|_| tick(&mut stage, keys).time).sum());
        });
        group.finish();
        assert!(stage.now().0 % EVERY.0 as i64 == 0, "instants lie on the grid");
    }
    criterion.final_summary();
}
