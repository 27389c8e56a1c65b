//! Recording a sample by handle, beside the floor of one shared atomic add.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench without its engine measures nothing")]

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, criterion_group, criterion_main};
use rollgate::Engine;
use rollgate::engine::Outcome;
use rollgate::read::Format;

const PLAN: &str = include_str!("../../examples/plans/memory-system.yaml");

fn records(criterion: &mut Criterion) {
    let engine = match Engine::builder().plan_text(PLAN, Format::Yaml).and_then(|builder| builder.build()) {
        Ok(engine) => engine,
        Err(error) => panic!("{error}"),
    };
    let metric = |key| match engine.metric(key) {
        Ok(metric) => metric,
        Err(error) => panic!("{error}"),
    };
    let (plain, armed, ratio) =
        (metric("injection_latency"), metric("request_latency"), metric("cache_hits"));
    let mut group = criterion.benchmark_group("record");
    let mut value = 100.0_f64;
    let mut next = || {
        value = if value > 400.0 { 100.0 } else { value * 1.013 };
        value
    };
    let shared = AtomicU64::new(0);
    group.bench_function("floor: shared atomic add", |bencher| {
        bencher.iter(|| shared.fetch_add(1, Ordering::Relaxed))
    });
    group.bench_function("distribution", |bencher| bencher.iter(|| plain.record(black_box(next()))));
    group.bench_function("ratio", |bencher| bencher.iter(|| ratio.record_outcome(black_box(Outcome::True))));
    group.bench_function("distribution for a key", |bencher| {
        bencher.iter(|| armed.record_for(black_box("user-00000000017"), black_box(next())));
    });
    group.finish();
}

criterion_group!(benches, records);
criterion_main!(benches);
