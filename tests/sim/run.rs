//! Many seeds, on some threads.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::book::Broken;
use super::coverage::Coverage;
use super::shrink::shrink;
use super::story::{Told, trace, write};

/// Which seeds, and how.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// On how many threads.
    pub threads: usize,
    /// Failures after which the run ends.
    pub failures_max: usize,
}

/// A seed that broke a promise.
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was broken.
    pub broken: Broken,
    told: Told,
}

/// What a run came to.
#[derive(Default)]
pub struct Report {
    /// Seeds that were played.
    pub seeds: u64,
    /// What they reached.
    pub coverage: Coverage,
    /// Seeds that broke a promise, the smallest first.
    pub failures: Vec<Failure>,
}

impl Report {
    /// The last line of a run.
    pub fn summary(&self) -> String {
        let of = |name: &str| self.coverage.of(name);
        format!(
            "{} seeds, {} evaluations, {} rollbacks, {} advances, {} refusals, {} restarts, {} violations",
            self.seeds,
            of("evaluations"),
            of("record rolled_back"),
            of("record phase_passed"),
            of("record command_refused") + of("record decision_refused") + of("record retry_refused"),
            of("restart"),
            self.failures.len()
        )
    }
}

/// Plays seeds; `progress` is told how many are done, from time to time.
pub fn run(settings: Settings, progress: &(dyn Fn(u64) + Sync)) -> Report {
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..settings.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= settings.seeds || is_over.load(Ordering::Relaxed) {
                        return;
                    }
                    let told = write(settings.from + index);
                    let mut report = report.lock().expect("no thread panics while it holds it");
                    report.seeds += 1;
                    report.coverage.merge(&told.coverage);
                    if let Some(broken) = told.broken.clone() {
                        report.failures.push(Failure { seed: settings.from + index, broken, told });
                        is_over.fetch_or(report.failures.len() >= settings.failures_max, Ordering::Relaxed);
                    }
                    let done = report.seeds;
                    drop(report);
                    progress(done);
                }
            });
        }
    });
    let mut report = report.into_inner().expect("no thread panics while it holds it");
    report.failures.sort_by_key(|failure| failure.seed);
    report
}

/// Shrinks a failure, writes its plan and its trace below `folder`, and says how to play it again.
///
/// # Panics
/// Where the folder cannot be written.
pub fn print_failure(failure: Failure, folder: &Path) -> String {
    let seed = failure.seed;
    let first = failure.broken.clone();
    let small = shrink(failure.told);
    let broken = small.broken.clone().unwrap_or(first);
    let folder: PathBuf = folder.join(seed.to_string());
    fs::create_dir_all(&folder).expect("target is writable");
    let (plan, jsonl) = (folder.join("plan.yaml"), folder.join("trace.jsonl"));
    fs::write(&plan, small.plan.text()).expect("target is writable");
    fs::write(&jsonl, trace(&small.plan, &small.events)).expect("target is writable");
    let events: String = small.events.iter().map(|event| format!("{event:?}\n")).collect();
    fs::write(folder.join("events.txt"), events).expect("target is writable");
    let replay = format!("rollgate replay {} --trace {}", plan.display(), jsonl.display());
    let how = if small.is_plain {
        replay
    } else {
        format!(
            "cargo xtask sim --seed {seed}\n  (its faults, in events.txt, are more than a trace can say; without them: {replay})"
        )
    };
    format!(
        "seed {seed} breaks {}: {}\n  {} events are left of it\n  {how}",
        broken.promise,
        broken.how,
        small.events.len()
    )
}
