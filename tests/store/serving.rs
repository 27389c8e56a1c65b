//! One process of several on one file: eight threads evaluate, and one looks when each revision arrives.

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rollgate::Engine;
use rollgate::read::Format;

/// Flags only: shares are set by hand, and every change is one decision.
pub(crate) const PLAN: &str = "version: 1\nname: served\nflags: { A: {}, B: {} }\n";

/// Evaluations that are timed as one.
const AT_ONCE: u64 = 32;

/// Nanoseconds since the Unix epoch: of one clock, for all processes of the host.
pub(crate) fn wall_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// How long evaluations took: a power of two is parted in 16.
struct Histogram(Vec<AtomicU64>);

impl Histogram {
    fn new() -> Self {
        Self((0..64 * 16).map(|_| AtomicU64::new(0)).collect())
    }

    fn add(&self, ns: u64) {
        let ns = ns.max(16);
        let octave = u64::from(ns.ilog2());
        let place = octave * 16 + ((ns >> (octave - 4)) & 15);
        self.0[place as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn quantile(&self, q: f64) -> u64 {
        let counts: Vec<u64> = self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let rank = (counts.iter().sum::<u64>() as f64 * q).ceil() as u64;
        let mut seen = 0;
        for (place, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let (octave, part) = (place as u64 / 16, place as u64 % 16);
                return (16 + part) << (octave - 4);
            }
        }
        0
    }
}

/// Serves until its standard input ends. The parent says `writers` where they begin.
pub(crate) fn serve(path: &Path) {
    let builder = Engine::builder().plan_text(PLAN, Format::Yaml).unwrap();
    let engine = builder.store_file(path).unwrap().build().unwrap();
    let ticker = engine.spawn_ticker().unwrap();
    let (is_over, has_writers) = (AtomicBool::new(false), AtomicBool::new(false));
    let (quiet, busy) = (Histogram::new(), Histogram::new());
    let backwards = AtomicU64::new(0);
    println!("ready");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (engine, is_over, has_writers) = (&engine, &is_over, &has_writers);
            let (quiet, busy, backwards) = (&quiet, &busy, &backwards);
            scope.spawn(move || {
                let keys: Vec<String> = (0..AT_ONCE).map(|key| format!("user-{thread}-{key}")).collect();
                let mut version = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let from = Instant::now();
                    for key in &keys {
                        std::hint::black_box(engine.is_on("A", key));
                    }
                    let each = from.elapsed().as_nanos() as u64 / AT_ONCE;
                    if has_writers.load(Ordering::Relaxed) { busy } else { quiet }.add(each);
                    let now = engine.snapshot().version();
                    backwards.fetch_add(u64::from(now < version), Ordering::Relaxed);
                    version = now;
                    // Two cores serve four processes: who never rests measures the scheduler only.
                    std::thread::park_timeout(Duration::from_micros(500));
                }
            });
        }
        scope.spawn(|| {
            let mut revision = 0;
            while !is_over.load(Ordering::Relaxed) {
                let now = engine.status().store.unwrap().revision;
                backwards.fetch_add(u64::from(now < revision), Ordering::Relaxed);
                if now > revision {
                    // One write a line: what is told is told whole.
                    let line = format!("seen {now} {}\n", wall_ns());
                    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
                }
                revision = revision.max(now);
                std::thread::park_timeout(Duration::from_millis(1));
            }
        });
        for line in std::io::stdin().lock().lines() {
            if line.unwrap() == "writers" {
                has_writers.store(true, Ordering::Relaxed);
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(ticker);
    let of = |histogram: &Histogram| format!("{} {}", histogram.quantile(0.5), histogram.quantile(0.999));
    println!("quiet {}", of(&quiet));
    println!("busy {}", of(&busy));
    println!("backwards {}", backwards.load(Ordering::Relaxed));
    println!("lines {}", engine.journal().len());
}
