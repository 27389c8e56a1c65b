//! `cargo xtask sim`: many seeds, their summary, and the smallest story of each that broke a promise.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A developer's command may fail loudly.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use rollgate_tests::sim::{Settings, print_failure, run};

const USAGE: &str = "usage: sim [--seeds N] [--from SEED] [--threads T] [--seed S] [--first]

  --seeds N     how many seeds; 500 unless given
  --from SEED   the first; 0 unless given
  --threads T   as many as there are processors unless given
  --seed S      this one only
  --first       end at the first seed that breaks a promise, and say after how many
";

fn main() -> ExitCode {
    let mut settings = Settings {
        from: 0,
        seeds: 500,
        threads: std::thread::available_parallelism().map_or(1, |threads| threads.get()),
        failures_max: 5,
    };
    let mut arguments = std::env::args().skip(1);
    let mut is_first = false;
    while let Some(argument) = arguments.next() {
        if argument == "--first" {
            is_first = true;
            settings.failures_max = 1;
            continue;
        }
        let value = arguments.next().and_then(|value| value.parse::<u64>().ok());
        match (argument.as_str(), value) {
            ("--seeds", Some(seeds)) => settings.seeds = seeds,
            ("--from", Some(from)) => settings.from = from,
            ("--threads", Some(threads)) => settings.threads = threads as usize,
            ("--seed", Some(seed)) => (settings.from, settings.seeds) = (seed, 1),
            _ => {
                eprint!("{argument}: not understood, or a whole number is missing\n\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    // A promise that is broken by a panic is told once, in the summary.
    std::panic::set_hook(Box::new(|_| {}));
    let is_watched = std::io::stderr().is_terminal();
    let report = run(settings, &|done| {
        if is_watched && done.is_multiple_of(50) {
            eprint!("\r{done} of {} seeds", settings.seeds);
            let _ = std::io::stderr().flush();
        }
    });
    if is_watched {
        eprintln!();
    }
    eprint!("{}", report.coverage);
    let summary = report.summary();
    let has_failed = !report.failures.is_empty();
    if let Some(first) = report.failures.first().filter(|_| is_first) {
        println!("found after {} seeds: {}: {}", report.seeds, first.broken.promise, first.broken.how);
        return ExitCode::FAILURE;
    }
    for failure in report.failures {
        println!("{}", print_failure(failure, Path::new("target/sim")));
    }
    println!("{summary}");
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
