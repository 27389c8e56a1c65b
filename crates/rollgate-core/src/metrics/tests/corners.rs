//! Corners of windows: floods, marks, silence, growth, sources.

use super::{CRASHES, ERRORS, HEAP, LATENCY, NPS, START, at, windows};
use crate::id::MetricId;
use crate::limits::{EVENT_TIMES_MAX, SAMPLES_AT_ONCE_MAX};
use crate::metrics::{Bucket, Clip, EventSource, Gap, Lane, Measurement, Measures, Opened, Windows};
use crate::snapshot::{Comparison, Query, Severity, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

const ALL: Clip = Clip { from: Timestamp::MIN, phase: START };

fn measure(windows: &Windows, metric: MetricId, stat: Stat, over: Span, now: Timestamp) -> Measurement {
    let query =
        Query { subject: Subject::Metric(metric), stat, window: Window::Over(over), averaged_by: None };
    windows.measure(&query, ALL, now)
}

fn latency(windows: &mut Windows, value: f64, count: u64, at: Timestamp) {
    windows.add_values(LATENCY, Lane::Total, Bucket::of(value).unwrap(), count, at);
}

#[test]
fn a_quantile_shows_its_buckets_edges() {
    let mut windows = windows(Span::seconds(10));
    latency(&mut windows, 200.0, 20, at(5));
    windows.advance(at(10));
    let p95 = measure(&windows, LATENCY, Stat::Quantile(0.95), Span::minutes(1), at(10));
    assert_eq!((p95.low, p95.high, p95.is_exact), (200.0, 201.0, false));
    assert_eq!(p95.value, Ok(200.5));
    let query = Query {
        subject: Subject::Metric(LATENCY),
        stat: Stat::Quantile(0.95),
        window: Window::Over(Span::minutes(1)),
        averaged_by: None,
    };
    for (comparison, beyond) in
        [(Comparison::AtLeast, 20), (Comparison::Above, 0), (Comparison::Below, 0), (Comparison::AtMost, 0)]
    {
        let tail = windows.tail(&query, comparison, 200.0, Span::minutes(1), ALL, at(10));
        assert_eq!((tail.beyond, tail.n), (beyond, 20), "{comparison:?}");
    }
}

#[test]
fn an_event_of_the_instant_of_a_rollback_is_not_after_it() {
    let mut windows = windows(Span::seconds(10));
    windows.open_source(EventSource::Metric(CRASHES), at(0));
    windows.open_source(EventSource::Alerts, at(0));
    windows.record_events(CRASHES, 1, at(5));
    windows.record_gauge(HEAP, 1_100.0, at(5));
    windows.record_points(NPS, -40.0, at(5));
    windows.open_alert(Severity::Critical, "a", at(5));
    latency(&mut windows, 900.0, 1, at(5));
    windows.mark(at(5));
    let after = Clip { from: at(5), phase: at(5) };
    let over = Window::Over(Span::hours(24));
    let ask = |windows: &Windows, metric, stat| {
        let query = Query { subject: Subject::Metric(metric), stat, window: over, averaged_by: None };
        windows.measure(&query, after, at(6)).value
    };
    assert_eq!(ask(&windows, CRASHES, Stat::Count), Ok(0.0));
    assert_eq!(ask(&windows, HEAP, Stat::Last), Err(Gap::Stale));
    assert_eq!(ask(&windows, HEAP, Stat::Max), Err(Gap::Empty));
    assert_eq!(ask(&windows, NPS, Stat::Nps), Err(Gap::Empty));
    assert_eq!(ask(&windows, LATENCY, Stat::Count), Err(Gap::Empty));
    assert_eq!(windows.alerts_opened(Severity::Critical, Span::hours(1), after, at(6)), 0);
    windows.record_events(CRASHES, 2, at(5));
    windows.record_gauge(HEAP, 400.0, at(5));
    assert_eq!(ask(&windows, CRASHES, Stat::Count), Ok(2.0));
    assert_eq!(ask(&windows, HEAP, Stat::Last), Ok(400.0));
    assert_eq!(ask(&windows, HEAP, Stat::Max), Ok(400.0));
    assert_eq!(measure(&windows, CRASHES, Stat::Count, Span::hours(24), at(6)).value, Ok(3.0));
    assert_eq!(windows.alerts_opened(Severity::Critical, Span::hours(1), ALL, at(6)), 1);
}

#[test]
fn what_comes_from_a_source_that_nobody_watches_is_a_lower_bound() {
    let mut windows = windows(Span::seconds(10));
    assert_eq!(measure(&windows, CRASHES, Stat::Count, Span::minutes(1), at(5)).value, Err(Gap::NotLive));
    windows.record_events(CRASHES, 3, at(5));
    let seen = measure(&windows, CRASHES, Stat::Count, Span::minutes(1), at(5));
    assert_eq!((seen.value, seen.low, seen.high, seen.is_exact), (Ok(3.0), 3.0, f64::INFINITY, false));
    windows.open_source(EventSource::Metric(CRASHES), at(6));
    assert!(measure(&windows, CRASHES, Stat::Count, Span::minutes(1), at(6)).is_exact);
    windows.restart(at(7));
    let query = Query {
        subject: Subject::Metric(CRASHES),
        stat: Stat::Count,
        window: Window::Over(Span::minutes(1)),
        averaged_by: None,
    };
    let clip = Clip { from: at(6), phase: at(6) };
    assert_eq!(windows.measure(&query, clip, at(8)).value, Err(Gap::NotLive));
    // The self-metric is always watched.
    let own = Query { subject: Subject::Rollbacks, ..query };
    assert_eq!(windows.measure(&own, ALL, at(8)).value, Ok(0.0));
    windows.record_rollback(at(8));
    assert_eq!(windows.measure(&own, ALL, at(8)).value, Ok(1.0));
}

#[test]
fn impossible_values_are_counted_and_never_enter() {
    let mut windows = windows(Span::seconds(10));
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        windows.record_gauge(HEAP, value, at(1));
        windows.record_rating(NPS, value, at(1));
        windows.record_points(NPS, value, at(1));
    }
    windows.record_rating(NPS, -0.5, at(1));
    windows.record_points(NPS, 100.5, at(1));
    windows.record_events(CRASHES, SAMPLES_AT_ONCE_MAX + 1, at(1));
    windows.advance(at(10));
    assert_eq!((windows.totals(HEAP).invalid, windows.totals(HEAP).recorded), (4, 0));
    assert_eq!((windows.totals(NPS).invalid, windows.totals(NPS).recorded), (10, 0));
    assert_eq!(windows.totals(CRASHES).invalid, SAMPLES_AT_ONCE_MAX + 1);
    let heap = measure(&windows, HEAP, Stat::Max, Span::minutes(1), at(10));
    assert_eq!((heap.value, heap.drops), (Err(Gap::Empty), 4));
    // They leave the window with its slots.
    for second in (20..=80).step_by(10) {
        windows.advance(at(second));
    }
    assert_eq!(measure(&windows, HEAP, Stat::Max, Span::minutes(1), at(80)).drops, 0);
    windows.count_unknown("no_such_metric", 2);
    windows.count_unknown("no_such_metric", 3);
    windows.count_unknown(&"long".repeat(100), 7);
    let drops: Vec<(Option<String>, u64)> =
        windows.drops().map(|(key, count)| (key.map(|key| key.as_str().to_owned()), count)).collect();
    let named = |name: &str, count| (Some(name.to_owned()), count);
    let crashes = named("crashes", SAMPLES_AT_ONCE_MAX + 1);
    assert_eq!(drops, [named("heap", 4), crashes, named("nps", 10), named("no_such_metric", 5), (None, 7)]);
    assert_eq!(windows.drops_in_all(), SAMPLES_AT_ONCE_MAX + 1 + 4 + 10 + 5 + 7);
}

#[test]
fn memory_stays_bounded_under_floods() {
    let mut windows = windows(Span::seconds(10));
    let mut peak = 0;
    for round in 0..6_000_u64 {
        let now = at(round);
        for index in 0..8 {
            windows.record_events(CRASHES, 1, now);
            windows.record_points(NPS, 1.0, now);
            windows.record_gauge(HEAP, index as f64, now);
            windows.open_alert(Severity::Critical, &format!("{round}-{index}"), now);
            windows.count_unknown(&format!("metric-{round}-{index}"), 1);
            // Every bucket there is.
            let value =
                f64::from_bits(((1023 - 32 + (round * 8 + index) % 95) << 52) | ((round & 127) << 45));
            latency(&mut windows, value, 1, now);
        }
        windows.mark(now);
        if round % 10 == 0 {
            windows.advance(now);
        }
        if round == 3_000 {
            peak = windows.memory_bytes();
        }
    }
    assert!(windows.memory_bytes() <= peak * 2, "{} after {peak}", windows.memory_bytes());
    assert!(windows.memory_bytes() < 8 << 20, "{}", windows.memory_bytes());
    assert_eq!(windows.totals(CRASHES).recorded, 48_000);
    assert_eq!(windows.totals(LATENCY).recorded, 48_000);
    assert!(windows.drops().count() <= 66);
    assert_eq!(windows.open_alert(Severity::Critical, "one more", at(6_000)), Opened::Dropped);
    let times =
        measure(&windows, CRASHES, Stat::Count, Span::seconds(EVENT_TIMES_MAX as u64 - 10), at(5_999));
    assert!(times.n > 0);
}

#[test]
fn growth_is_the_slope_of_a_level_by_the_day() {
    let mut windows = windows(Span::minutes(1));
    let mut growth = Err(Gap::Empty);
    for minute in 0..(3 * 24 * 60) {
        let now = at(minute * 60);
        // 120 a day with an outlier every hour, which the median of the slopes does not see.
        let value = 300.0 + 120.0 * minute as f64 / 1_440.0 + if minute % 60 == 7 { 90.0 } else { 0.0 };
        windows.record_gauge(HEAP, value, now);
        windows.advance(at(minute * 60 + 60));
        if minute % 600 == 599 {
            growth = measure(&windows, HEAP, Stat::GrowthPerDay, Span::days(7), at(minute * 60 + 60)).value;
            assert!((growth.unwrap() - 120.0).abs() < 6.0, "after {minute} minutes {growth:?}");
        }
    }
    assert!((growth.unwrap() - 120.0).abs() < 2.0, "{growth:?}");
    let short = measure(&windows, HEAP, Stat::GrowthPerDay, Span::minutes(30), at(3 * 86_400)).value;
    assert!((short.unwrap() - 120.0).abs() < 40.0, "{short:?}");
}

#[test]
fn the_latest_points_count_and_ratings_only_without_them() {
    let mut windows = windows(Span::seconds(10));
    for rating in [10.0, 9.0, 3.0, 8.0] {
        windows.record_rating(NPS, rating, at(1));
    }
    windows.advance(at(10));
    let nps = |windows: &Windows, seconds| measure(windows, NPS, Stat::Nps, Span::minutes(1), at(seconds));
    assert_eq!((nps(&windows, 10).value, nps(&windows, 10).n), (Ok(25.0), 4));
    windows.record_points(NPS, 34.0, at(12));
    windows.record_points(NPS, 31.0, at(15));
    windows.advance(at(20));
    assert_eq!((nps(&windows, 20).value, nps(&windows, 20).n), (Ok(31.0), 2));
    assert_eq!(measure(&windows, NPS, Stat::Count, Span::minutes(1), at(20)).value, Ok(6.0));
    windows.advance(at(90));
    windows.record_rating(NPS, 9.0, at(95));
    windows.advance(at(100));
    assert_eq!(nps(&windows, 100).value, Ok(100.0));
}

#[test]
fn a_mean_of_sub_windows_gives_every_day_one_voice() {
    let mut windows = windows(Span::minutes(1));
    let phase = at(1_020);
    for minute in 0..(3 * 24 * 60 + 17) {
        let now = at(minute * 60);
        if now == phase {
            windows.mark(now);
        }
        // A busy first day at 400 ms, two quiet ones at 100.
        let day = now.since(phase).0 / 86_400_000;
        let (value, count) = if day == 0 { (400.0, 50) } else { (100.0, 1) };
        windows.add_values(LATENCY, Lane::Total, Bucket::of(value).unwrap(), count, now);
        windows.add_outcomes(ERRORS, Lane::Total, u64::from(day == 0) * 5, 10, now);
        windows.advance(at(minute * 60 + 60));
    }
    let now = at((3 * 24 * 60 + 17) * 60);
    let ask = |metric, stat| {
        let query = Query {
            subject: Subject::Metric(metric),
            stat,
            window: Window::Over(Span::days(7)),
            averaged_by: Some(Span::days(1)),
        };
        windows.measure(&query, Clip { from: phase, phase }, now)
    };
    let p95 = ask(LATENCY, Stat::Quantile(0.95));
    assert!((p95.value.unwrap() - 200.0).abs() < 3.0, "{p95:?}");
    assert!(p95.pooled.unwrap() > 399.0);
    let errors = ask(ERRORS, Stat::Fraction).value.unwrap();
    assert!((errors - 0.5 / 3.0).abs() < 0.01, "{errors}");
}
