//! Windows of several processes: merged tapes against pooled samples, and samples from before a mark.

use super::story::{Happening, record, with_arms};
use super::{CRASHES, ERRORS, HEAP, LATENCY, NPS, START, at};
use crate::id::{FlagId, MetricId};
use crate::metrics::codec::Cause;
use crate::metrics::{
    Arm, Arms, Bucket, Clip, EventSource, Exposure, Gap, Lane, Log, Measurement, Measures, Windows,
    nearest_rank,
};
use crate::snapshot::{Query, Severity, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

const EVERY: Span = Span::seconds(10);

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

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// 0 < x < 1.
    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Log-normal (Box and Muller 1958).
    fn latency(&mut self, median: f64, sigma: f64) -> f64 {
        let normal = (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }
}

fn windows() -> Windows {
    Windows::new(with_arms(EVERY), START)
}

/// Windows of another process.
fn other() -> Windows {
    let mut windows = windows();
    windows.log(Log::On);
    windows
}

fn since(from: Timestamp) -> Clip {
    Clip { from, phase: from }
}

fn measure(
    windows: &Windows,
    (metric, stat): (MetricId, Stat),
    over: Span,
    from: Timestamp,
    now: Timestamp,
) -> Measurement {
    let query =
        Query { subject: Subject::Metric(metric), stat, window: Window::Over(over), averaged_by: None };
    windows.measure(&query, since(from), now)
}

/// What all processes have recorded.
#[derive(Default)]
struct Pool {
    values: Vec<f64>,
    outcomes: (u64, u64),
    events: u64,
    ratings: (u64, u64, u64),
    levels: Vec<f64>,
}

fn record_one(windows: &mut Windows, pool: &mut Pool, random: &mut Random, now: Timestamp) {
    match random.below(20) {
        0 => {
            let level = 200.0 + random.unit() * 100.0;
            windows.record_gauge(HEAP, level, now);
            pool.levels.push(level);
        }
        1 => {
            windows.record_events(CRASHES, 2, now);
            pool.events += 2;
        }
        2 => {
            let rating = random.below(11);
            windows.record_rating(NPS, rating as f64, now);
            pool.ratings.0 += 1;
            pool.ratings.1 += u64::from(rating >= 9);
            pool.ratings.2 += u64::from(rating <= 6);
        }
        3..=6 => {
            let (trues, total) = (random.below(3), 3 + random.below(40));
            windows.add_outcomes(ERRORS, Lane::Total, trues, total, now);
            pool.outcomes = (pool.outcomes.0 + trues, pool.outcomes.1 + total);
        }
        _ => {
            let value = random.latency(120.0, 0.5);
            windows.add_values(LATENCY, Lane::Total, Bucket::of(value).unwrap(), 1, now);
            windows.add_sum(LATENCY, value);
            pool.values.push(value);
        }
    }
}

#[test]
fn r165_quantiles_of_merged_windows_are_within_0_4_percent_of_the_pooled_truth_over_50_random_splits() {
    let mut worst = 0.0_f64;
    for split in 0..50 {
        let mut random = Random(split);
        let mut leader = windows();
        let mut others: Vec<Windows> = (0..1 + random.below(7)).map(|_| other()).collect();
        let mut pool = Pool::default();
        leader.open_source(EventSource::Metric(CRASHES), at(0));
        for round in 0..60 {
            let now = at(round * 10 + 5);
            // Some processes have much to do, and some nothing.
            let busy = random.below(others.len() as u64 + 1);
            for _ in 0..random.below(80) {
                let of = if random.below(3) == 0 { busy } else { random.below(others.len() as u64 + 1) };
                let of = others.get_mut(of as usize).unwrap_or(&mut leader);
                record_one(of, &mut pool, &mut random, now);
            }
            for other in &mut others {
                other.advance(at(round * 10 + 10));
                let tape = other.take_log();
                leader.merge(&tape, at(round * 10 + 10), Exposure::Current).unwrap();
            }
            leader.advance(at(round * 10 + 10));
        }
        let ask = |metric, stat| measure(&leader, (metric, stat), Span::minutes(11), START, at(600));
        pool.values.sort_by(f64::total_cmp);
        assert!(pool.values.len() > 500, "a figure of nothing");
        for q in [0.5, 0.9, 0.95, 0.99, 0.999] {
            let truth = pool.values[nearest_rank(q, pool.values.len() as u64) as usize - 1];
            let found = ask(LATENCY, Stat::Quantile(q)).value.unwrap();
            worst = worst.max((found / truth - 1.0).abs());
        }
        assert_eq!(ask(LATENCY, Stat::Count).n, pool.values.len() as u64);
        let sum: f64 = pool.values.iter().sum();
        let mean = ask(LATENCY, Stat::Mean).value.unwrap() * pool.values.len() as f64;
        assert!((mean / sum - 1.0).abs() < 1e-12, "only the order of the additions is another");
        let fraction = ask(ERRORS, Stat::Fraction);
        assert_eq!(fraction.n, pool.outcomes.1);
        assert_eq!(fraction.value, Ok(pool.outcomes.0 as f64 / pool.outcomes.1 as f64));
        assert_eq!(ask(CRASHES, Stat::Count).value, Ok(pool.events as f64));
        let (n, promoters, detractors) = pool.ratings;
        assert_eq!(ask(NPS, Stat::Nps).value, Ok(100.0 * (promoters as f64 - detractors as f64) / n as f64));
        pool.levels.sort_by(f64::total_cmp);
        assert_eq!(ask(HEAP, Stat::Min).value.ok(), pool.levels.first().copied());
        assert_eq!(ask(HEAP, Stat::Max).value.ok(), pool.levels.last().copied());
        assert_eq!(ask(HEAP, Stat::Max).n, pool.levels.len() as u64);
    }
    // The figure is for people.
    #[allow(clippy::disallowed_macros)]
    {
        println!("worst quantile of 50 splits: {:.4} % off", worst * 100.0);
    }
    assert!(worst <= 0.004, "{worst}");
}

#[test]
fn arms_and_alerts_of_all_processes_count_together_and_their_own_affairs_do_not() {
    let (mut leader, mut other) = (windows(), other());
    let lane = |arm| Lane::Arm { position: 0, arm, cluster: Some(7) };
    for (windows, count) in [(&mut leader, 3), (&mut other, 5)] {
        windows.add_values(LATENCY, lane(Arm::On), Bucket::of(80.0).unwrap(), count, at(1));
        windows.record_ratings_in(NPS, 10.0, count, (Arms::NONE.with(0, Arm::Off), None), at(1));
        windows.open_source(EventSource::Alerts, at(1));
        windows.open_alert(Severity::Critical, "the same", at(1));
        windows.count_invalid(ERRORS, count, at(1));
        windows.count_unknown("nothing", count);
        windows.record_rollback(at(1));
    }
    other.open_alert(Severity::Warning, "another", at(1));
    other.advance(at(100));
    other.unwatched(at(2), at(90));
    other.restart(at(100));
    other.mark(at(100));
    leader.merge(&other.take_log(), at(4), Exposure::Current).unwrap();
    leader.advance(at(10));
    let arms = leader.arms(LATENCY, FlagId(0)).unwrap();
    assert_eq!((arms.on.n, arms.off.n, arms.since), (8, 0, START));
    assert_eq!(leader.arm_clusters(LATENCY, FlagId(0), Arm::On).unwrap().n[7], 8.0);
    assert_eq!(leader.arms(NPS, FlagId(1)).unwrap().off.sum, 800.0);
    let opened = |severity| leader.alerts_opened(severity, Span::minutes(1), since(START), at(10));
    assert_eq!((opened(Severity::Critical), opened(Severity::Warning)), (1, 1));
    assert_eq!((leader.totals(ERRORS).invalid, leader.unknown()), (8, 8));
    assert_eq!(leader.rollbacks(), 1);
    assert!(leader.alerts_live());
    assert_eq!(leader.watched(Span::seconds(9), since(START), at(10)), 1.0);
    assert_eq!(measure(&leader, (NPS, Stat::Nps), Span::minutes(1), START, at(10)).n, 8);
}

#[test]
fn the_largest_of_the_levels_that_are_merged_at_one_time_is_the_level() {
    let tape = |level| {
        let mut other = other();
        other.record_gauge(HEAP, level, at(0));
        other.take_log()
    };
    let mut leader = windows();
    let last = |windows: &Windows, second| {
        measure(windows, (HEAP, Stat::Last), Span::minutes(1), START, at(second)).value
    };
    leader.merge(&tape(900.0), at(10), Exposure::Current).unwrap();
    leader.merge(&tape(300.0), at(12), Exposure::Current).unwrap();
    assert_eq!(last(&leader, 12), Ok(900.0));
    leader.merge(&tape(950.0), at(13), Exposure::Current).unwrap();
    leader.merge(&tape(300.0), at(22), Exposure::Current).unwrap();
    assert_eq!(last(&leader, 22), Ok(950.0));
    leader.merge(&tape(300.0), at(23), Exposure::Current).unwrap();
    assert_eq!(last(&leader, 23), Ok(300.0), "what is older than ten seconds is no longer the largest");
    assert_eq!(measure(&leader, (HEAP, Stat::Min), Span::minutes(1), START, at(23)).value, Ok(300.0));
    assert_eq!(measure(&leader, (HEAP, Stat::Min), Span::minutes(1), START, at(23)).n, 5);
    leader.record_gauge(HEAP, 100.0, at(24));
    assert_eq!(last(&leader, 24), Ok(100.0));
    leader.merge(&tape(900.0), at(25), Exposure::Current).unwrap();
    leader.mark(at(26));
    leader.merge(&tape(50.0), at(27), Exposure::Current).unwrap();
    assert_eq!(last(&leader, 27), Ok(50.0), "a level of another exposure is none of this one");
}

/// A tape with one sample of each kind.
fn tape_of_all() -> Vec<u8> {
    let mut other = other();
    for sample in [
        Happening::Value(500.0, 4),
        Happening::ArmValue(Arm::On, None, 500.0),
        Happening::Octave(40, 0x1234_5678_9abc_def0),
        Happening::Outcomes(2, 6),
        Happening::ArmOutcomes(0, Arm::Off, Some(3), 9),
        Happening::Level(700.0),
        Happening::Events(3),
        Happening::Ratings(9.0, 2, Arms::NONE.with(0, Arm::On), None),
        Happening::OpenAlert(2, 1),
        Happening::Invalid(1, 5),
        Happening::Dropped(Some(1), 7),
        Happening::Unknown(1),
        Happening::Open(EventSource::Metric(CRASHES)),
    ] {
        record(&mut other, &sample, at(0));
    }
    other.take_log()
}

const ALL: [(MetricId, Stat); 8] = [
    (LATENCY, Stat::Quantile(0.5)),
    (LATENCY, Stat::Count),
    (ERRORS, Stat::Fraction),
    (HEAP, Stat::Max),
    (HEAP, Stat::Min),
    (CRASHES, Stat::Count),
    (NPS, Stat::Nps),
    (NPS, Stat::Count),
];

const MARK: Timestamp = Timestamp(START.0 + 3_604_000);

/// An hour, a mark, and `later` seconds.
fn marked(is_busy: bool, later: u64, is_busy_after: bool) -> Windows {
    let mut windows = windows();
    windows.open_source(EventSource::Metric(CRASHES), at(0));
    windows.open_source(EventSource::Alerts, at(0));
    for time in (0..if is_busy { 360 } else { 100 }).map(|round| at(round * 10)) {
        windows.advance(time);
        record(&mut windows, &Happening::Value(20.0, 1), time);
        record(&mut windows, &Happening::Events(1), time);
    }
    windows.mark(at(if is_busy { 3_600 } else { 1_800 }));
    windows.advance(at(3_600));
    if is_busy {
        record(&mut windows, &Happening::Value(25.0, 1), at(3_602));
    }
    windows.mark(MARK);
    for time in (0..later).step_by(10).map(|second| MARK + Span::seconds(second)) {
        if is_busy_after {
            record(&mut windows, &Happening::Value(30.0, 1), time);
            record(&mut windows, &Happening::Events(1), time);
        }
        windows.advance(time + Span::seconds(6));
    }
    windows
}

const SPANS: [Span; 4] = [Span::minutes(5), Span::hours(1), Span::hours(8), Span::days(2)];

#[test]
fn r165_samples_from_before_a_mark_are_in_the_windows_of_before_and_in_none_that_begins_at_it() {
    // Whether something was recorded just before the mark, how long ago the mark was, and what came after it.
    for case in [
        (true, 0, false),
        (true, 20, true),
        (false, 20, true),
        (false, 0, false),
        (true, 900, true),
        (true, 7_300, false),
        (false, 7_300, true),
    ] {
        let (before, mut leader) = (marked(case.0, case.1, case.2), marked(case.0, case.1, case.2));
        let now = MARK + Span::seconds(case.1);
        let ask = |windows: &Windows, what, over, from| measure(windows, what, over, from, now);
        // Asked before, so that what is kept of the windows must be found anew.
        for (over, what) in SPANS.iter().flat_map(|over| ALL.iter().map(move |what| (*over, *what))) {
            ask(&leader, what, over, START);
        }
        leader.merge(&tape_of_all(), now, Exposure::Before).unwrap();
        for (over, what) in SPANS.iter().flat_map(|over| ALL.iter().map(move |what| (*over, *what))) {
            let (found, was) = (ask(&leader, what, over, MARK), ask(&before, what, over, MARK));
            assert_eq!((found.value, found.n, found.drops), (was.value, was.n, was.drops), "{case:?}");
            let (found, was) = (ask(&leader, what, over, START), ask(&before, what, over, START));
            let (more, drops) = (found.n - was.n, found.drops - was.drops);
            let is_there = match what.0 {
                LATENCY => more > 1_000,
                ERRORS => (more, drops) == (6, 12),
                HEAP => more == 1 && found.value == Ok(700.0),
                CRASHES => more == 3,
                _ => more == 2,
            };
            let is_reached = now.since(MARK) < over;
            assert_eq!(is_there, is_reached, "{case:?} {what:?} over {over}: {found:?} {was:?}");
            assert!(is_reached || (more, drops) == (0, 0), "{case:?} {what:?} over {over}");
        }
        let alerts = |from| leader.alerts_opened(Severity::Critical, Span::days(1), since(from), now);
        assert_eq!((alerts(MARK), alerts(START)), (0, 1));
        for (metric, flag) in [(LATENCY, 0), (ERRORS, 0), (NPS, 1)] {
            assert_eq!(leader.arms(metric, FlagId(flag)), before.arms(metric, FlagId(flag)), "{case:?}");
        }
    }
}

#[test]
fn samples_from_before_a_mark_are_counted_stored_and_forgotten_as_any_others() {
    for (is_busy, later) in [(true, 20), (false, 20), (true, 7_300), (false, 7_300)] {
        let mut leader = marked(is_busy, later, true);
        let now = MARK + Span::seconds(later);
        leader.merge(&tape_of_all(), now, Exposure::Before).unwrap();
        let totals = leader.totals(ERRORS);
        assert_eq!((totals.recorded, totals.invalid, totals.dropped), (6, 5, 7));
        assert_eq!((leader.drops_in_all(), leader.unknown()), (14, 2));
        let stored = leader.clone().save();
        let restored = Windows::restore(with_arms(EVERY), &stored.head, &stored.slots).unwrap();
        assert_eq!(restored.clone().save_whole(), leader.clone().save_whole());
        (1..400).for_each(|hour| leader.advance(now + Span::hours(hour)));
        assert_eq!(leader.totals(ERRORS).recorded, 6, "what has left the windows was recorded");
        // Where no window reaches the mark any more, they are counted all the same.
        leader.merge(&tape_of_all(), now + Span::hours(400), Exposure::Before).unwrap();
        assert_eq!(leader.totals(ERRORS).recorded, 12);
    }
}

#[test]
fn points_from_before_a_mark_are_the_latest_of_longer_windows_only() {
    let mut leader = windows();
    let mut other = other();
    other.record_points(NPS, 40.0, at(0));
    let tape = other.take_log();
    leader.record_points(NPS, 10.0, at(1));
    leader.mark(at(20));
    leader.merge(&tape, at(22), Exposure::Before).unwrap();
    let ask =
        |windows: &Windows, from| measure(windows, (NPS, Stat::Nps), Span::hours(1), from, at(30)).value;
    assert_eq!(ask(&leader, START), Ok(40.0));
    assert_eq!(ask(&leader, at(20)), Err(Gap::Empty));
    leader.record_points(NPS, 20.0, at(25));
    leader.merge(&tape, at(26), Exposure::Before).unwrap();
    assert_eq!((ask(&leader, START), ask(&leader, at(20))), (Ok(20.0), Ok(20.0)));
}

#[test]
fn without_a_mark_nothing_lies_before_it() {
    let (mut one, mut two) = (windows(), windows());
    one.merge(&tape_of_all(), at(5), Exposure::Before).unwrap();
    two.merge(&tape_of_all(), at(5), Exposure::Current).unwrap();
    assert_eq!(one.save_whole(), two.save_whole());
}

#[test]
fn a_tape_of_other_metrics_is_refused_and_changes_nothing() {
    let mut leader = windows();
    let before = leader.clone().save_whole();
    for (metric, lane) in [(HEAP, Lane::Total), (MetricId(9), Lane::Total)] {
        let mut tape = crate::metrics::Tape::new();
        tape.push(&crate::metrics::Op::RecordEvents { metric: CRASHES, count: 1, at: at(0) });
        tape.push(&crate::metrics::Op::AddOutcomes { metric, lane, trues: 1, total: 2, at: at(0) });
        let tape = tape.take();
        let damage = leader.merge(&tape, at(5), Exposure::Current).unwrap_err();
        assert_eq!(damage.cause, Cause::OtherPlan);
        assert_eq!(leader.clone().save_whole(), before);
        let mut whole = tape.clone();
        whole.truncate(tape.len() - 1);
        assert!(leader.merge(&whole, at(5), Exposure::Before).is_err());
        assert_eq!(leader.clone().save_whole(), before);
    }
}
