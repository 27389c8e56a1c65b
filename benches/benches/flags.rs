//! Reading a flag: by handle, by name, missing, pinned; beside the floor F of one hash and one comparison.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench without its plan measures nothing")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use rollgate::core::bucket::{bucket, is_in, seed};
use rollgate::core::units::Share;
use rollgate::flag::Flags;
use rollgate::read::{Format, ruleset};

/// A thousand flags at 10 %, as the peers are measured with.
fn flags() -> Flags {
    let mut plan = String::from("version: 1\nname: bench\nflags:\n");
    for index in 0..1_000 {
        plan.push_str(&format!("  FLAG_{index:04}: {{ share: 10% }}\n"));
    }
    match ruleset(&plan, Format::Yaml) {
        Ok(compiled) => Flags::new(Arc::new(compiled.ruleset)),
        Err(problems) => panic!("{problems}"),
    }
}

/// Sixteen bytes each, as in the floors.
fn keys() -> Vec<String> {
    (0..1_024).map(|index| format!("user-{index:011}")).collect()
}

fn reads(criterion: &mut Criterion) {
    let (flags, keys) = (flags(), keys());
    let mut group = criterion.benchmark_group("flags");
    let mut next = 0_usize;
    let mut key = || {
        next = (next + 1) & 1_023;
        keys[next].as_str()
    };
    let (seed, threshold) =
        (seed("rollout", "FLAG_0500"), Share::from_ppm(100_000).map_or(0, Share::threshold));
    group.bench_function("floor", |bencher| {
        bencher.iter(|| is_in(bucket(seed, black_box(key()).as_bytes()), threshold))
    });
    let handle = flags.flag("FLAG_0500");
    group.bench_function("handle", |bencher| bencher.iter(|| handle.is_on(black_box(key()))));
    group.bench_function("name", |bencher| {
        bencher.iter(|| flags.is_on(black_box("FLAG_0500"), black_box(key())))
    });
    group.bench_function("missing", |bencher| {
        bencher.iter(|| flags.is_on(black_box("NO_SUCH_FLAG"), black_box(key())))
    });
    let view = flags.view();
    group.bench_function("view", |bencher| {
        bencher.iter(|| view.is_on(black_box("FLAG_0500"), black_box(key())))
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
