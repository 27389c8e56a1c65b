//! Random stories of everything that can happen to windows, and everything that can be asked of them.

use std::fmt::Debug;
use std::sync::Arc;

use proptest::prelude::*;

use super::{CRASHES, ERRORS, HEAP, LATENCY, NPS, START, ruleset};
use crate::id::{FlagId, MetricId};
use crate::metrics::{Arm, Arms, Bucket, Clip, EventSource, Exposure, Lane, Log, Measures, OCTAVE, Windows};
use crate::snapshot::{Comparison, Query, Ruleset, Severity, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

/// As [`ruleset`], with arms.
pub(super) fn with_arms(every: Span) -> Arc<Ruleset> {
    let mut ruleset = Ruleset::clone(&ruleset(every));
    for (metric, arms) in [(LATENCY, 0..1), (ERRORS, 0..2), (NPS, 1..2)] {
        ruleset.metrics[metric.index()].arms = arms.map(FlagId).collect();
    }
    Arc::new(ruleset)
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    Value(f64, u64),
    Octave(u8, u64),
    ArmValue(Arm, Option<u8>, f64),
    Outcomes(u64, u64),
    ArmOutcomes(u8, Arm, Option<u8>, u64),
    Level(f64),
    Events(u64),
    Ratings(f64, u64, Arms, Option<u8>),
    Points(f64),
    Rollback,
    OpenAlert(u8, u8),
    CloseAlert(u8),
    Open(EventSource),
    Invalid(u16, u64),
    Dropped(Option<u16>, u64),
    Unknown(u8),
    Wait(u64),
    Mark,
    Restart,
    Evaluate,
    Merge(Exposure, Vec<Happening>),
}

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

pub(super) fn arm() -> impl Strategy<Value = Arm> {
    prop_oneof![Just(Arm::On), Just(Arm::Off)]
}

fn cluster() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![Just(None), (0_u8..70).prop_map(Some)]
}

/// Something that is recorded.
pub(super) fn sample() -> impl Strategy<Value = Happening> {
    let value = || prop_oneof![Just(0.0), 0.001_f64..2_000.0, Just(128.0), 1e-9_f64..1e15];
    prop_oneof![
        4 => (value(), prop_oneof![1_u64..40, Just(1 << 20)]).prop_map(|(value, n)| Happening::Value(value, n)),
        3 => (30_u8..60, any::<u64>()).prop_map(|(octave, seed)| Happening::Octave(octave, seed)),
        4 => (arm(), cluster(), value()).prop_map(|(arm, of, value)| Happening::ArmValue(arm, of, value)),
        3 => (0_u64..5, 0_u64..40).prop_map(|(trues, more)| Happening::Outcomes(trues, trues + more)),
        3 => (0_u8..3, arm(), cluster(), 0_u64..40)
            .prop_map(|(position, arm, of, n)| Happening::ArmOutcomes(position, arm, of, n)),
        3 => prop_oneof![8 => -50.0_f64..900.0, 1 => Just(f64::NAN)].prop_map(Happening::Level),
        2 => (1_u64..4).prop_map(Happening::Events),
        2 => (0_u8..=11, 1_u64..3, 0_u16..16, cluster())
            .prop_map(|(rating, n, arms, of)| Happening::Ratings(f64::from(rating), n, Arms(arms), of)),
        1 => (-101_i32..=100).prop_map(|points| Happening::Points(f64::from(points))),
        2 => (0_u8..3, 0_u8..4).prop_map(|(severity, id)| Happening::OpenAlert(severity, id)),
        2 => (0_u8..4).prop_map(Happening::CloseAlert),
        1 => prop_oneof![Just(EventSource::Alerts), Just(EventSource::Metric(CRASHES))].prop_map(Happening::Open),
        1 => (0_u16..6, 1_u64..3).prop_map(|(metric, n)| Happening::Invalid(metric, n)),
        1 => (prop::option::of(0_u16..6), 1_u64..3).prop_map(|(metric, n)| Happening::Dropped(metric, n)),
        1 => (0_u8..70).prop_map(Happening::Unknown),
    ]
}

/// Anything.
pub(super) fn happening() -> impl Strategy<Value = Happening> {
    let side = prop_oneof![Just(Exposure::Current), Just(Exposure::Before)];
    prop_oneof![
        24 => sample(),
        5 => (0_u64..20_000).prop_map(Happening::Wait),
        1 => prop_oneof![6 => 61_000_u64..900_000, 1 => 900_000_u64..50_000_000].prop_map(Happening::Wait),
        1 => Just(Happening::Rollback),
        2 => Just(Happening::Mark),
        1 => Just(Happening::Restart),
        8 => Just(Happening::Evaluate),
        2 => (side, prop::collection::vec(sample(), 1..12))
            .prop_map(|(side, samples)| Happening::Merge(side, samples)),
    ]
}

/// Counts that differ from octave to octave.
fn counts(seed: u64) -> [u64; OCTAVE] {
    let mut counts = [0; OCTAVE];
    for (place, count) in counts.iter_mut().enumerate() {
        let word = seed.rotate_left(place as u32);
        *count = if word & 3 == 0 { word >> 2 & 0xfff } else { 0 };
    }
    counts
}

/// Where a story has come to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) now: Timestamp,
    evaluated: Timestamp,
    pub(super) every: Span,
    pub(super) marks: Vec<Timestamp>,
}

impl Place {
    pub(super) fn start(every: Span) -> Self {
        Self { now: START, evaluated: START, every, marks: Vec::new() }
    }

    /// What happens comes to pass.
    pub(super) fn play(&mut self, windows: &mut Windows, happening: &Happening) {
        let now = self.now;
        match happening {
            Happening::Wait(ms) => self.now = now + Span(*ms),
            Happening::Mark => {
                windows.mark(now);
                self.marks.push(now);
            }
            Happening::Restart => windows.restart(now),
            Happening::Rollback => windows.record_rollback(now),
            Happening::Evaluate => {
                self.now = now.max(self.evaluated.next(self.every));
                windows.advance(self.now);
                if self.now.since(self.evaluated).0 > 60_000 {
                    windows.unwatched(self.evaluated, self.now);
                }
                self.evaluated = self.now;
            }
            Happening::Merge(side, samples) => {
                windows.merge_and_log(&tape_of(samples, self.every), now, *side).unwrap();
            }
            sample => record(windows, sample, now),
        }
    }
}

/// What another process, which records this, writes down.
pub(super) fn tape_of(samples: &[Happening], every: Span) -> Vec<u8> {
    let mut other = Windows::new(with_arms(every), START);
    other.log(Log::On);
    samples.iter().for_each(|sample| record(&mut other, sample, START));
    other.advance(START + every);
    other.mark(START + every);
    other.take_log()
}

pub(super) fn record(windows: &mut Windows, sample: &Happening, now: Timestamp) {
    match sample {
        Happening::Value(value, count) => {
            windows.add_values(LATENCY, Lane::Total, Bucket::of(*value).unwrap(), *count, now);
            windows.add_sum(LATENCY, value * *count as f64);
        }
        Happening::Octave(octave, seed) => {
            let counts = counts(*seed);
            windows.add_octave(LATENCY, usize::from(*octave), &counts, counts.iter().sum(), now);
            windows.add_sum(LATENCY, (*seed >> 20) as f64 / 7.0);
        }
        Happening::ArmValue(arm, cluster, value) => {
            let lane = Lane::Arm { position: 0, arm: *arm, cluster: *cluster };
            let bucket = Bucket::of(*value).unwrap();
            windows.add_values(LATENCY, lane, bucket, 1, now);
            windows.add_values(LATENCY, lane, Bucket::ZERO, 2, now);
            windows.add_values(LATENCY, lane, bucket, 1, now);
        }
        Happening::Outcomes(trues, total) => windows.add_outcomes(ERRORS, Lane::Total, *trues, *total, now),
        Happening::ArmOutcomes(position, arm, cluster, total) => {
            let lane = Lane::Arm { position: *position, arm: *arm, cluster: *cluster };
            windows.add_outcomes(ERRORS, lane, *total / 3, *total, now);
        }
        Happening::Level(value) => windows.record_gauge(HEAP, *value, now),
        Happening::Events(count) => windows.record_events(CRASHES, *count, now),
        Happening::Ratings(rating, count, Arms(0), None) => {
            windows.record_ratings(NPS, *rating, *count, now);
            windows.record_rating(NPS, *rating, now);
        }
        Happening::Ratings(rating, count, arms, cluster) => {
            windows.record_ratings_in(NPS, *rating, *count, (*arms, *cluster), now);
        }
        Happening::Points(points) => windows.record_points(NPS, *points, now),
        Happening::OpenAlert(severity, id) => {
            windows.open_alert(SEVERITIES[usize::from(*severity)], &format!("alert {id}"), now);
        }
        Happening::CloseAlert(id) => {
            windows.close_alert(&format!("alert {id}"), now);
        }
        Happening::Open(source) => windows.open_source(*source, now),
        Happening::Invalid(metric, count) => windows.count_invalid(MetricId(metric % 5), *count, now),
        Happening::Dropped(metric, count) => {
            windows.count_dropped(metric.map(|metric| MetricId(metric % 5)), *count, now);
        }
        Happening::Unknown(name) => windows.count_unknown(&format!("metric {name}"), 2),
        other => panic!("{other:?} is nothing that is recorded"),
    }
}

const ASKED: [(Subject, &[Stat]); 6] = [
    (
        Subject::Metric(LATENCY),
        &[
            Stat::Quantile(0.95),
            Stat::Quantile(0.5),
            Stat::Min,
            Stat::Max,
            Stat::Mean,
            Stat::Count,
            Stat::PerMinute,
        ],
    ),
    (Subject::Metric(ERRORS), &[Stat::Fraction, Stat::Count]),
    (Subject::Metric(HEAP), &[Stat::Last, Stat::Min, Stat::Max, Stat::Mean, Stat::GrowthPerDay]),
    (Subject::Metric(CRASHES), &[Stat::Count, Stat::PerMinute, Stat::PerHour, Stat::PerDay]),
    (Subject::Metric(NPS), &[Stat::Nps, Stat::Count]),
    (Subject::Rollbacks, &[Stat::Count]),
];

/// Every answer in words: a double is written so that no two are alike.
pub(super) fn answers(windows: &Windows, place: &Place) -> Vec<String> {
    let mut answers = Vec::new();
    let mut say = |what: &dyn Debug, answer: &dyn Debug| answers.push(format!("{what:?}: {answer:?}"));
    let now = place.now;
    let mark = place.marks.last().copied().unwrap_or(START);
    let first = place.marks.first().copied().unwrap_or(START);
    for from in [Timestamp::MIN, first, mark] {
        let clip = Clip { from, phase: from.max(START) };
        for (subject, stats) in ASKED {
            for stat in stats {
                for seconds in [60, 300, 660, 3_600, 7_200, 32_400, 86_400, 14 * 86_400] {
                    let by = (seconds % 3_600 == 0).then_some(Span::seconds(seconds / 4));
                    for averaged_by in [None, by] {
                        let over = Window::Over(Span::seconds(seconds));
                        let query = Query { subject, stat: *stat, window: over, averaged_by };
                        say(&(query, from), &windows.measure(&query, clip, now));
                    }
                }
                let query = Query { subject, stat: *stat, window: Window::Phase, averaged_by: None };
                say(&(query, from), &windows.measure(&query, clip, now));
                let (short, long) = (Span::minutes(1), Span::hours(3));
                say(&"holding", &windows.measure_holding(&query, short, long, 20, clip, now));
                say(&"tail", &windows.tail(&query, Comparison::Above, 100.0, long, clip, now));
            }
        }
        for metric in [LATENCY, HEAP] {
            say(&metric, &windows.parts(metric, Window::Over(Span::hours(5)), 28, clip, now));
        }
        for severity in SEVERITIES {
            say(&severity, &windows.alerts_opened(severity, Span::hours(1), clip, now));
            say(&severity, &windows.alerts_last_open(severity, now));
            say(&severity, &(windows.alerts_open_since(severity), windows.alerts_open(severity)));
        }
        say(&"watched", &(windows.watched(Span::hours(2), clip, now), windows.alerts_live()));
    }
    for metric in (0..5).map(MetricId) {
        say(&metric, &windows.totals(metric));
        let hour = |at: Timestamp| (at.0 / 3_600_000 % 24) as usize;
        say(&metric, &windows.by_hour(metric, Stat::Mean, Span::days(3), now, hour));
        for flag in [FlagId(0), FlagId(1)] {
            say(&(metric, flag), &windows.arms(metric, flag));
            for arm in [Arm::On, Arm::Off] {
                say(&arm, &windows.arm_rank(metric, flag, arm, 3));
                say(&arm, &windows.arm_clusters(metric, flag, arm));
                say(&arm, &windows.arm_clusters_above(metric, flag, arm, 100.0));
            }
        }
    }
    say(&"drops", &(windows.drops().collect::<Vec<_>>(), windows.drops_in_all(), windows.unknown()));
    say(&"rollbacks", &windows.rollbacks());
    answers
}
