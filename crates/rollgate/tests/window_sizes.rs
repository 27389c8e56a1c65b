//! What windows of the five-week plan take at rest: the head, the slots, and ten seconds of tape.
#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail loudly.

use std::path::Path;
use std::sync::Arc;

use rollgate::core::id::MetricId;
use rollgate::core::metrics::{Arm, Bucket, Lane, Log, OCTAVE, OCTAVES, Saved, Windows};
use rollgate::core::snapshot::{MetricKind, Ruleset};
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::plan_file;

const START: Timestamp = Timestamp(1_768_816_800_000);
/// Samples a second of each distribution and each ratio.
const RATE: u64 = 100;

/// A small generator of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Log-normal with sigma 0.5 (Box and Muller 1958).
    fn latency(&mut self) -> f64 {
        let normal = (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        120.0 * (0.5 * normal).exp()
    }
}

/// Samples of one distribution over some seconds, by octave as a recorder hands them on.
struct Batch {
    octaves: Vec<(usize, [u64; OCTAVE], u64)>,
    sum: f64,
    /// The same, in the arms of subjects.
    arms: Vec<(Lane, Bucket, u64)>,
    n: u64,
}

impl Batch {
    fn draw(random: &mut Random, seconds: u64) -> Self {
        let mut counts = vec![[0_u64; OCTAVE]; OCTAVES];
        let (n, mut sum) = (seconds * RATE, 0.0);
        let mut arms = vec![std::collections::BTreeMap::new(); 128];
        for _ in 0..n {
            let value = random.latency();
            let bucket = Bucket::of(value).unwrap();
            let (octave, place) = bucket.place().unwrap();
            counts[octave][place] += 1;
            sum += value;
            *arms[(random.next() % 128) as usize].entry(bucket).or_insert(0) += 1;
        }
        let octaves =
            counts.into_iter().enumerate().map(|(octave, counts)| (octave, counts, counts.iter().sum()));
        let lane = |of: usize| Lane::Arm {
            position: 0,
            arm: if of < 64 { Arm::On } else { Arm::Off },
            cluster: Some((of % 64) as u8),
        };
        let arms = arms.into_iter().enumerate();
        let arms =
            arms.flat_map(|(of, counts)| counts.into_iter().map(move |(bucket, n)| (lane(of), bucket, n)));
        Self { octaves: octaves.filter(|(_, _, n)| *n > 0).collect(), sum, arms: arms.collect(), n }
    }

    fn add(&self, windows: &mut Windows, metric: MetricId, has_arms: bool, at: Timestamp) {
        for (octave, counts, n) in &self.octaves {
            windows.add_octave(metric, *octave, counts, *n, at);
        }
        windows.add_sum(metric, self.sum);
        for (lane, bucket, n) in self.arms.iter().filter(|_| has_arms) {
            windows.add_values(metric, *lane, *bucket, *n, at);
        }
    }
}

/// Everything that the plan measures, over one stretch of time.
fn record_all(windows: &mut Windows, rules: &Ruleset, batch: &Batch, random: &mut Random, at: Timestamp) {
    for (metric, id) in rules.metrics.iter().zip(0..).map(|(metric, id)| (metric, MetricId(id))) {
        match metric.kind {
            MetricKind::Distribution => batch.add(windows, id, !metric.arms.is_empty(), at),
            MetricKind::Ratio => {
                let trues = (random.unit() * 0.01 * batch.n as f64) as u64;
                windows.add_outcomes(id, Lane::Total, trues, batch.n, at);
                for cluster in (0..64).filter(|_| !metric.arms.is_empty()) {
                    for arm in [Arm::On, Arm::Off] {
                        let lane = Lane::Arm { position: 0, arm, cluster: Some(cluster) };
                        windows.add_outcomes(id, lane, trues / 128, batch.n / 128, at);
                    }
                }
            }
            MetricKind::Gauge => windows.record_gauge(id, 200.0 + 50.0 * random.unit(), at),
            MetricKind::Event if random.unit() < 0.2 => windows.record_events(id, 1, at),
            MetricKind::Score if random.unit() < 0.05 => windows.record_rating(id, 9.0, at),
            MetricKind::Event | MetricKind::Score => {}
        }
    }
}

fn sizes(what: &str, saved: &Saved) -> (usize, usize) {
    let slots = saved.slots.iter().map(|slot| slot.bytes.len()).sum();
    println!("{what}: head {} B, {} slots of {slots} B together", saved.head.len(), saved.slots.len());
    (saved.head.len(), slots)
}

#[test]
fn windows_of_two_weeks_at_a_hundred_samples_a_second_take_a_few_megabytes() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans/memory-system.yaml");
    let rules = Arc::new(plan_file(&plan).unwrap_or_else(|error| panic!("{error}")).ruleset);
    let mut random = Random(1);
    let mut windows = Windows::new(Arc::clone(&rules), START);
    // Hours first, then what fine slots reach back to. Batches are drawn anew often enough for the slots to differ.
    let hours: Vec<Batch> = (0..4).map(|_| Batch::draw(&mut random, 3_600)).collect();
    let tens: Vec<Batch> = (0..60).map(|_| Batch::draw(&mut random, 10)).collect();
    let mut now = START;
    for (hour, batch) in (0..14 * 24 - 10).zip(hours.iter().cycle()) {
        if hour == 7 * 24 {
            windows.mark(now);
        }
        record_all(&mut windows, &rules, batch, &mut random, now);
        now = now + Span::hours(1);
        windows.advance(now);
    }
    for (_, batch) in (0..3_600).zip(tens.iter().cycle()) {
        record_all(&mut windows, &rules, batch, &mut random, now);
        now = now + Span::seconds(10);
        windows.advance(now);
    }
    let whole = windows.save();
    let (head, slots) = sizes("14 d, whole", &whole);
    println!("in memory: {} B", windows.memory_bytes());
    windows.log(Log::On);
    record_all(&mut windows, &rules, &tens[0], &mut random, now);
    now = now + Span::seconds(10);
    windows.advance(now);
    let tape = windows.take_log().len();
    let (_, ten_seconds) = sizes("10 s later", &windows.save());
    tens[1].add(&mut windows, MetricId(0), false, now);
    let one = windows.take_log().len();
    println!("tape of 10 s: {tape} B; of one distribution without arms: {one} B");
    windows.log(Log::Off);
    for batch in tens.iter().take(6) {
        record_all(&mut windows, &rules, batch, &mut random, now);
        now = now + Span::seconds(10);
        windows.advance(now);
    }
    let (_, minute) = sizes("a minute later", &windows.save());
    assert!(head < 1 << 20, "{head}");
    assert!(slots < 6 << 20, "{slots}");
    assert!(ten_seconds < 32 << 10 && minute < 64 << 10, "{ten_seconds} {minute}");
    assert!(tape < 16 << 10 && one < 1 << 10, "{tape} {one}");
    let restored = Windows::restore(Arc::clone(&rules), &whole.head, &whole.slots).unwrap();
    assert_eq!(restored.clone().save_whole().head, whole.head);
}
