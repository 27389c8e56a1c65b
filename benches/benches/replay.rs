//! A trace of a thousand sample lines an instant through the whole engine.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a bench without its plan measures nothing")]

use std::fmt::Write as _;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rollgate::read::{Format, ruleset};
use rollgate::replay::Replay;

const PLAN: &str = include_str!("../../examples/plans/memory-system.yaml");
const INSTANTS: i64 = 60;
const LINES: i64 = 1_000;

fn replay(criterion: &mut Criterion) {
    let ruleset = match ruleset(PLAN, Format::Yaml) {
        Ok(compiled) => Arc::new(compiled.ruleset),
        Err(problems) => panic!("{problems}"),
    };
    let mut trace = String::new();
    for instant in 0..INSTANTS {
        for line in 0..LINES {
            let at = 1_768_298_400_000 + instant * 10_000 + line * 10;
            let value = 80 + (line * 37 + instant * 11) % 200;
            // Writing to a string cannot fail.
            let _ = writeln!(trace, "{{\"at\":{at},\"metric\":\"injection_latency\",\"value\":{value}.25}}");
        }
    }
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements((INSTANTS * LINES) as u64));
    group.sample_size(10);
    group.bench_function("lines", |bencher| {
        bencher.iter(|| {
            let mut replay = Replay::new(ruleset.clone());
            for line in trace.lines() {
                if let Err(error) = replay.feed(line) {
                    panic!("{error}");
                }
            }
            replay.journal().len()
        });
    });
    group.finish();
}

criterion_group!(benches, replay);
criterion_main!(benches);
