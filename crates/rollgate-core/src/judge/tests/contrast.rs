//! ON beside OFF, and growth with its interval, on real windows.

use std::sync::Arc;

use super::fake::*;
use crate::judge::{Contrast, contrasts, growth};
use crate::metrics::{Arm, Bucket, Lane, Windows};
use crate::time::{Span, Timestamp};

fn windows() -> Windows {
    Windows::new(Arc::new(Fake::new().ruleset), START)
}

fn lane(arm: Arm, cluster: Option<u8>) -> Lane {
    Lane::Arm { position: 0, arm, cluster }
}

fn row(windows: &Windows, metric: &str, stat: &str) -> Contrast {
    let rows = contrasts(&Fake::new().ruleset, windows, START);
    let is_it = |row: &&Contrast| row.metric.as_str() == metric && row.stat == stat;
    rows.iter().find(is_it).unwrap().clone()
}

fn names() -> [String; 2] {
    let ruleset = Fake::new().ruleset;
    [LATENCY, ERRORS].map(|id| ruleset.metric(id).key.to_string())
}

/// So many rounds of values around 100 in ON and OFF, ON being `more` slower; subjects in turn, or none.
fn latencies(windows: &mut Windows, rounds: u64, more: f64, clusters: impl Fn(u64) -> Option<u8>) {
    for round in 0..rounds {
        for (arm, more) in [(Arm::On, more), (Arm::Off, 0.0)] {
            let value = 80.0 + (round * 7 % 40) as f64 + more;
            windows.add_values(LATENCY, lane(arm, clusters(round)), Bucket::of(value).unwrap(), 1, START);
        }
        if round % 50 == 49 {
            windows.advance(START + Span::seconds(round + 1));
        }
    }
}

fn keyed(round: u64) -> Option<u8> {
    // Subjects that have nothing to do with the values.
    Some((round.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as u8)
}

#[test]
fn an_arm_without_samples_has_no_value_and_no_difference() {
    let mut windows = windows();
    let [latency, errors] = names();
    windows.add_outcomes(ERRORS, lane(Arm::On, None), 3, 100, START);
    let seen = row(&windows, &errors, "ratio");
    assert_eq!((seen.on.value, seen.on.n, seen.off.value, seen.off.n), (Some(0.03), 100, None, 0));
    assert_eq!((seen.difference, seen.interval), (None, None));
    assert_eq!(row(&windows, &latency, "p95").on.value, None);
}

#[test]
fn intervals_hold_the_truth() {
    let [latency, _] = names();
    for clusters in [keyed, |_| None] {
        for stat in ["mean", "p95"] {
            let width = |rounds: u64| {
                let mut windows = windows();
                latencies(&mut windows, rounds, 10.0, clusters);
                let seen = row(&windows, &latency, stat);
                let (low, high) = seen.interval.unwrap();
                assert!(low < 10.0 && 10.0 < high, "{stat} after {rounds}: {low} .. {high}");
                let difference = seen.difference.unwrap();
                assert!((difference - 10.0).abs() < 0.9, "{stat}: {difference}");
                high - low
            };
            let (few, many) = (width(2_000), width(20_000));
            // A quantile is known to its buckets at best, here to about a millisecond.
            assert!(few < 25.0 && many < 1.2 * few, "{stat}: {few}, then {many}");
        }
    }
}

#[test]
fn without_enough_subjects_or_with_keys_in_one_arm_only_nothing_is_said() {
    let [latency, _] = names();
    let mut few = windows();
    latencies(&mut few, 2_000, 0.0, |round| Some((round % 8) as u8));
    assert_eq!((row(&few, &latency, "mean").interval, row(&few, &latency, "p95").interval), (None, None));
    let mut one = windows();
    for round in 0..2_000 {
        let bucket = Bucket::of(100.0 + (round % 9) as f64).unwrap();
        one.add_values(LATENCY, lane(Arm::On, keyed(round)), bucket, 1, START);
        one.add_values(LATENCY, lane(Arm::Off, None), bucket, 1, START);
    }
    one.advance(START + Span::seconds(10));
    assert_eq!((row(&one, &latency, "mean").interval, row(&one, &latency, "p95").interval), (None, None));
}

/// Two arms without one error: what is not known is how few there would be.
#[test]
fn no_errors_at_all_are_no_certainty() {
    let [_, errors] = names();
    let mut windows = windows();
    for second in 1..=100 {
        for arm in [Arm::On, Arm::Off] {
            windows.add_outcomes(ERRORS, lane(arm, None), 0, 100, START);
        }
        windows.advance(START + Span::seconds(second));
    }
    let seen = row(&windows, &errors, "ratio");
    let (low, high) = seen.interval.unwrap();
    assert_eq!(seen.difference, Some(0.0));
    assert!(low < 0.0 && high > 0.0 && high < 0.02, "{low} .. {high}");
}

#[test]
fn growth_is_the_median_slope_with_the_ranks_of_kendalls_variance() {
    let mut windows = windows();
    let day = Span::days(1);
    let level = |at: Timestamp| {
        let hours = at.since(START).0 as f64 / 3_600_000.0;
        // 24 a day, with up to one beside it.
        100.0 + hours + (hours as u64 * 37 % 23) as f64 / 11.5 - 1.0
    };
    let mut at = START;
    while at < START + Span::days(7) {
        windows.record_gauge(HEAP, level(at), at);
        at = at + Span::minutes(5);
        windows.advance(at);
    }
    let seen = growth(&windows, HEAP, Span::days(7), at).unwrap();
    assert!((seen.per_day - 24.0).abs() < 0.3, "{seen:?}");
    assert!(seen.low < seen.per_day && seen.per_day < seen.high && seen.high - seen.low < 2.0, "{seen:?}");
    assert!(seen.parts == 56 && seen.measured > Span::days(6) && seen.measured < Span::days(7), "{seen:?}");
    let short = growth(&windows, HEAP, day, at).unwrap();
    assert!(short.high - short.low > seen.high - seen.low, "{short:?}");
    assert_eq!(growth(&windows, HEAP, Span::days(7), START), None);
}
