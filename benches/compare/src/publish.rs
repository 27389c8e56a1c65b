//! Readers while somebody publishes: the slowest call in a thousand, with a publisher and without.

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use rollgate::core::evaluate::Context;
use rollgate::core::snapshot::{FlagState, Snapshot};
use rollgate::core::units::Share;
use rollgate::flag::Flags;
use rollgate::read::{Format, ruleset};

use crate::row::{KEYS, Keys};

/// Time between two snapshots.
const EVERY: Duration = Duration::from_millis(1);
/// Calls of one look, and looks of each kind.
const CALLS: usize = 400_000;
const LOOKS: usize = 15;

/// The p99.9 of one call in nanoseconds, without and with the publisher: medians over the looks, which take turns.
pub struct Tail {
    /// Nobody publishes.
    pub quiet: f64,
    /// A snapshot of all flags is published 1,000 times a second.
    pub published: f64,
    /// Snapshots a second that were published.
    pub rate: f64,
}

/// Measures a call by handle, and one by name through the snapshot.
///
/// # Errors
/// Where the plan does not compile.
pub fn measure(keys: &Keys) -> Result<(Tail, Tail), String> {
    let plan: String =
        (0..crate::own::FLAGS).map(|index| format!("  FLAG_{index:04}: {{ share: 10% }}\n")).collect();
    let plan = format!("version: 1\nname: bench\nflags:\n{plan}");
    let compiled = ruleset(&plan, Format::Yaml).map_err(|problems| problems.to_string())?;
    let ruleset = std::sync::Arc::new(compiled.ruleset);
    let flags = Flags::new(ruleset.clone());
    let handle = flags.flag("FLAG_0500");
    let mut version = 1;
    let share = Share::from_ppm(100_000).unwrap_or(Share::ZERO);
    let mut publish = || {
        version += 1;
        let states = vec![FlagState { share, ..FlagState::default() }; crate::own::FLAGS].into();
        flags.publish(Snapshot { version, ruleset: ruleset.clone(), states });
    };
    let by_handle = look(keys, &mut publish, |key| handle.is_on(key));
    let by_name =
        look(keys, &mut publish, |key| flags.evaluate(black_box("FLAG_0500"), &Context::new(key)).is_on());
    Ok((by_handle, by_name))
}

fn look(keys: &Keys, publish: &mut (impl FnMut() + Send), call: impl Fn(&'static str) -> bool) -> Tail {
    let (mut quiet, mut published, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..LOOKS {
        quiet.push(tail(keys, &call));
        let is_ended = AtomicBool::new(false);
        let publish = &mut *publish;
        std::thread::scope(|scope| {
            let publisher = scope.spawn(|| {
                let from = Instant::now();
                let mut count = 0_u32;
                while !is_ended.load(Ordering::Relaxed) {
                    publish();
                    count += 1;
                    // Against the plan, not from one to the next: what one is late, the next is early.
                    park_timeout((EVERY * count).saturating_sub(from.elapsed()));
                }
                f64::from(count) / from.elapsed().as_secs_f64()
            });
            published.push(tail(keys, &call));
            is_ended.store(true, Ordering::Relaxed);
            rates.extend(publisher.join());
        });
    }
    Tail { quiet: median(&mut quiet), published: median(&mut published), rate: median(&mut rates) }
}

/// The p99.9 of one look, the clock's own time in it.
fn tail(keys: &Keys, call: impl Fn(&'static str) -> bool) -> f64 {
    let mut times: Vec<u64> = Vec::with_capacity(CALLS);
    for index in 0..CALLS {
        let from = Instant::now();
        black_box(call(black_box(keys[index % KEYS])));
        times.push(from.elapsed().as_nanos() as u64);
    }
    let at = CALLS - CALLS / 1_000;
    *times.select_nth_unstable(at).1 as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
