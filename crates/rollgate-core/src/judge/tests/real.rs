//! The judge on real windows.

use std::sync::Arc;

use super::fake::*;
use crate::judge::{Cause, Streaking, Streaks, Verdict, judge_condition, judge_trigger};
use crate::metrics::{Arm, Bucket, EventSource, Lane, Windows};
use crate::snapshot::{
    AlertRule, Compare, Comparison, Condition, ConditionKind, Direction, Margin, OnNoData, Severity, Stat,
    Trigger,
};
use crate::time::{Span, Timestamp};
use Comparison::{Above, AtLeast, AtMost, Below};

const P95: Stat = Stat::Quantile(0.95);

struct Stage {
    fake: Fake,
    windows: Windows,
    stand: Stand,
    streaks: Streaks,
}

impl Stage {
    fn new() -> Self {
        let fake = Fake::new();
        let windows = Windows::new(Arc::new(fake.ruleset.clone()), at(0));
        Self { fake, windows, stand: Stand { phase_from: at(0), ..Stand::new() }, streaks: Streaks::new(4) }
    }

    fn trigger(&mut self, trigger: &Trigger, now: Timestamp) -> Verdict {
        let facts = self.stand.facts(&self.fake, now);
        judge_trigger(trigger, &facts, &self.windows, &mut self.streaks, Streaking::Advance).verdict
    }

    fn gate(&mut self, condition: &Condition, now: Timestamp) -> Verdict {
        let facts = self.stand.facts(&self.fake, now);
        judge_condition(condition, &facts, &self.windows, &mut self.streaks, Streaking::Advance).verdict
    }

    fn latencies(&mut self, second: u64, count: u64, value: f64) {
        let bucket = Bucket::of(value).unwrap();
        self.windows.add_values(LATENCY, Lane::Total, bucket, count, at(second));
    }
}

#[test]
fn a_latency_trigger_fires_within_its_span_and_one_evaluation() {
    let slow = trigger(sustained(measure(LATENCY, P95, Span::minutes(1), Above, 500.0), Span::minutes(10)));
    let mut stage = Stage::new();
    let mut fired = None;
    for second in (0..2_000).step_by(10) {
        stage.latencies(second + 5, 1_000, if second < 600 { 100.0 } else { 612.0 });
        stage.windows.advance(at(second + 10));
        if stage.trigger(&slow, at(second + 10)) == Verdict::Pass {
            fired.get_or_insert(second + 10);
        }
    }
    assert_eq!(fired, Some(610 + 600));
}

#[test]
fn events_and_alerts_are_seen_in_the_call_that_records_them() {
    let storm = alerts(AlertRule::Count { within: Span::hours(1), comparison: AtLeast, limit: 3 });
    let tickets = measured(TICKETS, Stat::Count, AtLeast, 2.0);
    let (storm, tickets) = (trigger(storm), trigger(tickets));
    let mut stage = Stage::new();
    let no_data = Verdict::Inconclusive(Cause::NoData);
    assert_eq!(stage.trigger(&storm, at(5)), no_data);
    assert_eq!(stage.trigger(&tickets, at(5)), no_data);
    stage.windows.open_source(EventSource::Alerts, at(5));
    stage.windows.open_source(EventSource::Metric(TICKETS), at(5));
    for (index, id) in ["a", "b", "b", "c"].iter().enumerate() {
        let now = at(10 + index as u64);
        stage.windows.open_alert(Severity::Critical, id, now);
        let expected = if *id == "c" { Verdict::Pass } else { Verdict::Fail };
        assert_eq!(stage.trigger(&storm, now), expected, "{id}");
    }
    stage.windows.record_events(TICKETS, 1, at(20));
    assert_eq!(stage.trigger(&tickets, at(20)), Verdict::Fail);
    stage.windows.record_events(TICKETS, 1, at(21));
    assert_eq!(stage.trigger(&tickets, at(21)), Verdict::Pass);
    assert_eq!(stage.gate(&measured(TICKETS, Stat::Count, AtMost, 2.0), at(22)), Verdict::Pass);
}

#[test]
fn silence_fires_after_a_watched_window_whatever_the_alerts_do() {
    let mut when = measured(LATENCY, P95, Above, 500.0);
    when.on_no_data = OnNoData::Act;
    let when = trigger(when);
    let mut stage = Stage::new();
    let first = (10..=120).step_by(10).find(|second| {
        stage.windows.advance(at(*second));
        stage.trigger(&when, at(*second)) == Verdict::Pass
    });
    assert_eq!(first, Some(60));
    // Nobody looked: the silence of that time says nothing.
    stage.windows.unwatched(at(120), at(900));
    stage.windows.advance(at(900));
    assert_eq!(stage.trigger(&when, at(900)), Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn gates_wait_for_the_coverage_of_their_window() {
    let mut fast = of(ConditionKind::Measure(measure(LATENCY, P95, Span::hours(2), Below, 200.0)));
    fast.coverage = Some(0.9);
    let quiet = alerts(AlertRule::QuietFor(Span::hours(2)));
    let mut stage = Stage::new();
    stage.windows.open_source(EventSource::Alerts, at(0));
    let (mut passed, mut is_quiet) = (None, None);
    for second in (0..7_200).step_by(10) {
        stage.latencies(second, 100, 100.0);
        stage.windows.advance(at(second + 10));
        if stage.gate(&fast, at(second + 10)) == Verdict::Pass {
            passed.get_or_insert(second + 10);
        }
        if stage.gate(&quiet, at(second + 10)) == Verdict::Pass {
            is_quiet.get_or_insert(second + 10);
        }
    }
    assert_eq!((passed, is_quiet), (Some(6_480), Some(6_480)));
}

#[test]
fn arms_are_compared_since_the_last_mark() {
    let compare = |stat, margin| {
        of(ConditionKind::Compare(Compare {
            metric: LATENCY,
            stat,
            flag: FLAG,
            margin: Margin::Relative(margin),
            confidence: 0.95,
            good: Direction::Down,
        }))
    };
    for is_keyed in [true, false] {
        for stat in [P95, Stat::Mean] {
            let mut stage = Stage::new();
            stage.stand.shares = vec![crate::units::Share::from_ppm(500_000).unwrap()];
            let round = |stage: &mut Stage, from: u64, slow: f64| {
                for step in 0..60 {
                    for sample in 0..128_u64 {
                        let arm = if sample % 2 == 0 { Arm::On } else { Arm::Off };
                        let cluster = is_keyed.then_some((sample / 2) as u8);
                        let spread = 1.0 + ((sample * 7 + step * 13) % 23) as f64 / 100.0;
                        let value = 100.0 * spread * if arm == Arm::On { slow } else { 1.0 };
                        let lane = Lane::Arm { position: 0, arm, cluster };
                        let bucket = Bucket::of(value).unwrap();
                        stage.windows.add_values(LATENCY, lane, bucket, 1, at(from + step * 10));
                    }
                    stage.windows.advance(at(from + step * 10 + 10));
                }
                stage.gate(&compare(stat, 0.1), at(from + 600))
            };
            assert_eq!(round(&mut stage, 0, 1.0), Verdict::Pass, "{stat} keyed {is_keyed}");
            stage.windows.mark(at(600));
            assert_eq!(
                stage.gate(&compare(stat, 0.1), at(600)),
                Verdict::Inconclusive(Cause::NoData),
                "{stat} keyed {is_keyed}"
            );
            assert_eq!(round(&mut stage, 600, 1.5), Verdict::Fail, "{stat} keyed {is_keyed}");
        }
    }
}
