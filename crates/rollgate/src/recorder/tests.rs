//! Several threads record while slots are taken: nothing is lost, nothing is doubled, nothing is torn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use rollgate_core::id::{FlagId, MetricId};
use rollgate_core::metrics::{Arm, Arms, Clip, Measures, Windows};
use rollgate_core::snapshot::{Query, Ruleset, Stat, Subject as Of, Window};
use rollgate_core::time::{Span, Timestamp};

use super::shard::Shards;
use super::{Depth, MetricRecorder, Recorder, Subject};
use crate::read::{Format, ruleset};

const LATENCY: MetricId = MetricId(0);
const ERRORS: MetricId = MetricId(1);
const START: Timestamp = Timestamp(1_768_298_400_000);

fn plan() -> Arc<Ruleset> {
    let text = "version: 1\nname: threads\nflags: { A: {} }\nmetrics:\n\
                \x20 latency: { kind: distribution, unit: ms, arms: [A] }\n\
                \x20 errors: { kind: ratio, good: down, arms: [A] }\n";
    Arc::new(ruleset(text, Format::Yaml).unwrap().ruleset)
}

fn latency(recorder: &Recorder) -> MetricRecorder {
    recorder.metric(LATENCY)
}

fn value(windows: &Windows, metric: MetricId, stat: Stat, now: Timestamp) -> Option<f64> {
    let query =
        Query { subject: Of::Metric(metric), stat, window: Window::Over(Span::hours(1)), averaged_by: None };
    let all = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
    windows.measure(&query, all, now).value.ok()
}

/// What one thread records, over and over.
#[derive(Clone, Debug)]
struct Part {
    value: f64,
    count: u64,
    trues: u64,
    total: u64,
    key: Option<u8>,
    arm: bool,
}

fn part() -> impl Strategy<Value = Part> {
    let values = prop_oneof![Just(f64::NAN), Just(-1.0), Just(0.0), Just(-0.0), 0.5_f64..3_000.0];
    (values, 1_u64..4, 0_u64..30, 0_u64..30, prop::option::of(0_u8..100), any::<bool>()).prop_map(
        |(value, count, trues, falses, key, arm)| Part {
            value,
            count,
            trues,
            total: trues + falses,
            key,
            arm,
        },
    )
}

impl Part {
    fn record(&self, recorder: &Recorder) {
        let arms = Arms::NONE.with(0, if self.arm { Arm::On } else { Arm::Off });
        let subject = self.key.map(|key| Subject::of(&[key]));
        latency(recorder).record(self.value, self.count, arms, subject);
        recorder.metric(ERRORS).record_outcomes(self.trues, self.total, arms, subject);
    }

    fn is_possible(&self) -> bool {
        self.value >= 0.0
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn slots_and_live_hold_every_sample_once_while_threads_record(
        threads in prop::collection::vec(prop::collection::vec(part(), 1..8), 1..4),
        rounds in 200_u64..2_000,
    ) {
        let ruleset = plan();
        let recorder = Recorder::new(&ruleset);
        let mut windows = Windows::new(ruleset, START);
        let ended = AtomicUsize::new(0);
        let mut now = START;
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        std::thread::scope(|scope| {
            for parts in &threads {
                let (recorder, ended) = (recorder.clone(), &ended);
                scope.spawn(move || {
                    (0..rounds).for_each(|_| parts.iter().for_each(|part| part.record(&recorder)));
                    ended.fetch_add(1, Ordering::Release);
                });
            }
            let mut turn = 0_u64;
            while ended.load(Ordering::Acquire) < threads.len() {
                turn += 1;
                let depth = if turn.is_multiple_of(3) { Depth::Subjects } else { Depth::Totals };
                recorder.collect(&mut windows, now, depth);
                if turn.is_multiple_of(5) {
                    now = now + Span::seconds(1);
                    windows.advance(now);
                }
                let ratio = value(&windows, ERRORS, Stat::Fraction, now);
                least = ratio.map_or(least, |ratio| ratio.min(least));
                most = ratio.map_or(most, |ratio| ratio.max(most));
            }
        });
        recorder.collect(&mut windows, now, Depth::Subjects);
        let all = || threads.iter().flatten();
        let sum = |of: &dyn Fn(&Part) -> u64| all().map(of).sum::<u64>() * rounds;
        let latency = windows.totals(LATENCY);
        prop_assert_eq!(latency.recorded, sum(&|part| if part.is_possible() { part.count } else { 0 }));
        prop_assert_eq!(latency.invalid, sum(&|part| if part.is_possible() { 0 } else { part.count }));
        let (trues, total) = (sum(&|part| part.trues), sum(&|part| part.total));
        prop_assert_eq!(windows.totals(ERRORS).recorded, total);
        if total > 0 {
            prop_assert_eq!(value(&windows, ERRORS, Stat::Fraction, now), Some(trues as f64 / total as f64));
        }
        // A batch is in one slot or in the next: what a window says lies between the rates of the parts.
        let rates = || all().filter(|part| part.total > 0).map(|part| part.trues as f64 / part.total as f64);
        prop_assert!(rates().fold(f64::INFINITY, f64::min) <= least + 1e-9);
        prop_assert!(most - 1e-9 <= rates().fold(f64::NEG_INFINITY, f64::max) || most == f64::NEG_INFINITY);
        // A collector between a sample's sum and its bucket hands on what the buckets allow: each value as its octave's
        // floor at least, and as twice that at most.
        if let Some(mean) = value(&windows, LATENCY, Stat::Mean, now) {
            let floor = |value: f64| if value > 0.0 { value.log2().floor().exp2() } else { 0.0 };
            let possible = || all().filter(|part| part.is_possible());
            let least = possible().map(|part| floor(part.value) * part.count as f64).sum::<f64>();
            let least = least * rounds as f64 / latency.recorded as f64;
            prop_assert!((least..=2.0 * least + 1e-9).contains(&mean), "{} {}", mean, least);
        }
        let pair = windows.arms(LATENCY, FlagId(0)).unwrap();
        prop_assert_eq!(pair.on.n + pair.off.n, latency.recorded);
        let pair = windows.arms(ERRORS, FlagId(0)).unwrap();
        prop_assert_eq!(pair.on.n, sum(&|part| if part.arm { part.total } else { 0 }));
        prop_assert_eq!(pair.on.unkeyed + pair.off.unkeyed, sum(&|part| if part.key.is_none() { part.total } else { 0 }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn means_are_exact_where_nobody_records_while_slots_are_taken(
        slots in prop::collection::vec(prop::collection::vec((0.0_f64..3_000.0, 1_u64..50), 0..20), 1..40),
    ) {
        let ruleset = plan();
        let recorder = Recorder::new(&ruleset);
        let mut windows = Windows::new(ruleset, START);
        let (mut sum, mut n, mut now) = (0.0, 0, START);
        for slot in &slots {
            for (value, count) in slot {
                latency(&recorder).record(*value, *count, Arms::NONE, None);
                sum += value * *count as f64;
                n += count;
            }
            recorder.collect(&mut windows, now, Depth::Totals);
            now = now + Span::seconds(10);
            windows.advance(now);
        }
        match value(&windows, LATENCY, Stat::Mean, now) {
            Some(mean) => prop_assert!((mean - sum / n as f64).abs() <= 1e-9 * (1.0 + mean), "{} {}", mean, sum / n as f64),
            None => prop_assert_eq!(n, 0),
        }
    }
}

#[test]
fn one_huge_value_does_not_swallow_what_comes_after_it() {
    let ruleset = plan();
    let recorder = Recorder::new(&ruleset);
    let mut windows = Windows::new(ruleset, START);
    latency(&recorder).record(9e18, 1, Arms::NONE, None);
    recorder.collect(&mut windows, START, Depth::Totals);
    let mut now = START;
    for _ in 0..400 {
        (0..10).for_each(|_| latency(&recorder).record(300.0, 1, Arms::NONE, None));
        now = now + Span::seconds(10);
        recorder.collect(&mut windows, now, Depth::Totals);
        windows.advance(now);
    }
    let query = Query {
        subject: Of::Metric(LATENCY),
        stat: Stat::Mean,
        window: Window::Over(Span::minutes(10)),
        averaged_by: None,
    };
    let all = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };
    let mean = windows.measure(&query, all, now).value.unwrap();
    assert!((mean / 300.0 - 1.0).abs() <= 0.008, "{mean}");
}

#[test]
fn cells_of_a_thread_that_ended_serve_the_next() {
    let recorder = Recorder::new(&plan());
    for _ in 0..50 {
        let recorder = recorder.clone();
        std::thread::spawn(move || latency(&recorder).record(1.0, 1, Arms::NONE, None)).join().unwrap();
    }
    let Shards::Values(threads) = &recorder.core.metrics[LATENCY.index()].0.shards else {
        panic!("a distribution")
    };
    // One, but for threads of other tests that end in between.
    assert!(threads.iter().count() < 25);
    let mut windows = Windows::new(plan(), START);
    recorder.collect(&mut windows, START, Depth::Totals);
    assert_eq!(windows.totals(LATENCY).recorded, 50);
}
