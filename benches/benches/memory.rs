//! What the memory-system plan's metrics take up with 14 days of full windows, counted by the allocator.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench without its engine measures nothing")]

use peak_alloc::PeakAlloc;
use rollgate::core::time::Span;

use rollgate_benches::stage::Stage;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

fn main() {
    let mut stage = Stage::in_phase(3);
    let before = HEAP.current_usage();
    stage.run(Span::days(14) + Span::hours(2));
    let after = HEAP.current_usage();
    let journal: usize = stage.engine.journal_after(0).iter().map(String::len).sum();
    let mib = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    println!(
        "memory of 14 d at 100 samples/s: {:.2} MiB of windows and recorders on the heap (budget 16 MiB); \
         the windows say {:.2} MiB; journal {:.2} MiB; {:?} at {}",
        mib(after.saturating_sub(before)),
        mib(stage.engine.window_bytes()),
        mib(journal),
        stage.status(),
        stage.now()
    );
}
