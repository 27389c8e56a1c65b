//! Partial, dropped, missing and stale evidence: what it must not decide, under a `not` as well as plainly.

use super::fake::*;
use crate::id::{BaselineId, StreakId};
use crate::judge::{Cause, Streaking, Streaks, Verdict, judge_condition, judge_trigger};
use crate::metrics::{EventSource, Windows};
use crate::snapshot::{
    Change, Comparison, Condition, ConditionKind, Measure, OnNoData, Stat, Sustained, Versus, Window,
};
use crate::time::Span;
use Comparison::{Above, AtLeast, AtMost, Below};
use Verdict::{Fail, Pass, Skipped, Warn};

const P95: Stat = Stat::Quantile(0.95);
const NO_DATA: Verdict = Verdict::Inconclusive(Cause::NoData);
const DROPS: Verdict = Verdict::Inconclusive(Cause::Drops);
const SHORT: Verdict = Verdict::Inconclusive(Cause::Coverage);
const FEW: Verdict = Verdict::Inconclusive(Cause::TooFewSamples);

fn not(condition: Condition) -> Condition {
    of(ConditionKind::Not(Box::new(condition)))
}

fn with(condition: Condition, change: impl FnOnce(&mut Measure)) -> Condition {
    let ConditionKind::Measure(mut measure) = condition.kind else { panic!("a measure") };
    change(&mut measure);
    Condition { kind: ConditionKind::Measure(measure), ..condition }
}

fn gate(condition: &Condition, fake: &Fake) -> Verdict {
    as_gate(condition, fake, &Stand::new(), at(60)).verdict
}

fn fires(condition: &Condition, fake: &Fake) -> Verdict {
    as_trigger(condition, fake, &Stand::new(), at(60)).verdict
}

#[test]
fn a_window_with_drops_passes_nothing_under_a_not_either() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 100.0).of(LATENCY).drops = 1;
    assert_eq!(gate(&not(measured(LATENCY, P95, Above, 200.0)), &fake), DROPS);
    assert_eq!(gate(&not(not(measured(LATENCY, P95, Below, 200.0))), &fake), DROPS);
    // What fails may fail.
    assert_eq!(gate(&not(measured(LATENCY, P95, Above, 50.0)), &fake), Fail);
    let slow = sustained(measure(LATENCY, P95, Span::minutes(1), Above, 200.0), Span::minutes(5));
    assert_eq!(gate(&not(slow), &fake), DROPS);
    fake.spread(TICKETS, 0, 60, 5, 1.0).of(TICKETS).drops = 1;
    assert_eq!(gate(&measured(TICKETS, Stat::Count, AtMost, 4.0), &fake), Fail);
    assert_eq!(gate(&not(measured(TICKETS, Stat::Count, AtMost, 4.0)), &fake), DROPS);
    // Drops keep no trigger from firing.
    assert_eq!(fires(&not(measured(LATENCY, P95, Above, 200.0)), &fake), Pass);
    assert_eq!(fires(&measured(LATENCY, P95, Below, 200.0), &fake), Pass);
}

#[test]
fn drops_do_not_decide_what_is_asked() {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, 100.0).spread(TICKETS, 0, 60, 2, 1.0).of(TICKETS).drops = 1;
    let only = |comparison, limit| Condition {
        only_if: Some(Box::new(measured(TICKETS, Stat::Count, comparison, limit))),
        ..measured(HEAP, Stat::Max, Below, 500.0)
    };
    // There may have been a third.
    assert_eq!(gate(&only(Above, 2.0), &fake), DROPS);
    assert_eq!(gate(&only(AtMost, 2.0), &fake), DROPS);
    // Two there were.
    assert_eq!(gate(&only(AtLeast, 2.0), &fake), Pass);
    assert_eq!(gate(&only(Below, 2.0), &fake), Skipped);
}

#[test]
fn a_count_fails_a_gate_before_its_window_is_covered_and_passes_none() {
    let mut fake = Fake::new();
    fake.spread(TICKETS, 0, 60, 5, 1.0).of(TICKETS).coverage = 0.5;
    let count = |comparison, limit| Condition {
        coverage: Some(0.9),
        ..measured(TICKETS, Stat::Count, comparison, limit)
    };
    assert_eq!(gate(&count(AtMost, 4.0), &fake), Fail);
    assert_eq!(gate(&not(count(AtMost, 4.0)), &fake), SHORT);
    assert_eq!(gate(&not(count(AtLeast, 5.0)), &fake), Fail);
    assert_eq!(gate(&count(AtLeast, 5.0), &fake), SHORT);
    // Written, `min_samples` is kept to.
    let six = with(count(AtMost, 4.0), |measure| {
        (measure.min_samples.count, measure.min_samples.is_given) = (6, true);
    });
    assert_eq!(gate(&six, &fake), FEW);
}

#[test]
fn a_trigger_on_too_few_waits_until_all_of_its_window_was_watched() {
    let mut fake = Fake::new();
    let few = measured(TICKETS, Stat::Count, Below, 1.0);
    let none = not(measured(TICKETS, Stat::Count, AtLeast, 1.0));
    for condition in [&few, &none] {
        fake.of(TICKETS).coverage = 0.99;
        assert_eq!(fires(condition, &fake), SHORT, "{condition:?}");
        fake.of(TICKETS).coverage = 1.0;
        assert_eq!(fires(condition, &fake), Pass, "{condition:?}");
    }
    // A written coverage is what is asked.
    fake.of(TICKETS).coverage = 0.6;
    assert_eq!(fires(&Condition { coverage: Some(0.5), ..few.clone() }, &fake), Pass);
    // Requests: silence is what a lack of them looks like, so that only the watching counts.
    let requests = with(measured(LATENCY, Stat::Count, Below, 5.0), |measure| measure.min_samples.count = 1);
    fake.spread(LATENCY, 0, 60, 3, 100.0).of(LATENCY).coverage = 0.1;
    assert_eq!(fires(&requests, &fake), Pass);
    fake.watched_from = at(10);
    assert_eq!(fires(&requests, &fake), SHORT);
    let young = Stand { phase_from: at(10), ..Stand::new() };
    fake.watched_from = at(0);
    assert_eq!(as_trigger(&requests, &fake, &young, at(60)).verdict, SHORT);
    // Too many are too many at once.
    fake.of(TICKETS).coverage = 0.01;
    fake.spread(TICKETS, 59, 60, 3, 1.0);
    assert_eq!(fires(&measured(TICKETS, Stat::Count, AtLeast, 3.0), &fake), Pass);
    assert_eq!(fires(&not(measured(TICKETS, Stat::Count, Below, 3.0)), &fake), Pass);
}

#[test]
fn a_rate_needs_its_own_unit_of_time() {
    let mut fake = Fake::new();
    let base = measure(TICKETS, Stat::PerHour, Span::hours(4), Below, 1.0);
    let quiet = of(ConditionKind::Measure(base));
    fake.of(TICKETS).coverage = 0.24;
    assert_eq!(fires(&quiet, &fake), SHORT);
    fake.of(TICKETS).coverage = 0.25;
    assert_eq!(fires(&quiet, &fake), Pass);
    // A gate asks for what is written.
    assert_eq!(gate(&quiet, &fake), Pass);
}

#[test]
fn events_of_a_source_that_is_not_live_count_and_their_absence_does_not() {
    let mut fake = Fake::new();
    fake.spread(TICKETS, 0, 60, 2, 1.0).of(TICKETS).is_live = false;
    let count = |comparison, limit| measured(TICKETS, Stat::Count, comparison, limit);
    assert_eq!(fires(&count(AtLeast, 2.0), &fake), Pass);
    assert_eq!(fires(&count(AtLeast, 3.0), &fake), NO_DATA);
    assert_eq!(fires(&count(Below, 3.0), &fake), NO_DATA);
    assert_eq!(gate(&count(AtMost, 1.0), &fake), Fail);
    assert_eq!(gate(&count(AtMost, 2.0), &fake), NO_DATA);
    assert_eq!(gate(&count(AtLeast, 1.0), &fake), NO_DATA);
    assert_eq!(gate(&not(count(AtMost, 1.0)), &fake), NO_DATA);
    // And so on real windows, after a restart.
    let mut windows = Windows::new(std::sync::Arc::new(fake.ruleset.clone()), at(0));
    windows.open_source(EventSource::Metric(TICKETS), at(0));
    windows.record_events(TICKETS, 2, at(50));
    windows.restart(at(55));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(0));
    let facts = stand.facts(&fake, at(60));
    let mut judged = |condition: Condition| {
        judge_trigger(&trigger(condition), &facts, &windows, &mut streaks, Streaking::Read).verdict
    };
    assert_eq!(judged(count(AtLeast, 2.0)), Pass);
    // Two or more: whether there were three cannot be said.
    assert!(matches!(judged(count(AtLeast, 3.0)), Verdict::Inconclusive(_)));
}

#[test]
fn an_extreme_that_is_beyond_its_limit_needs_no_more_samples() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 1, 900.0);
    let max = |comparison, limit| {
        with(measured(LATENCY, Stat::Max, comparison, limit), |measure| measure.min_samples.count = 10)
    };
    assert_eq!(fires(&max(Above, 500.0), &fake), Pass);
    assert_eq!(fires(&max(Below, 950.0), &fake), FEW);
    let min = with(measured(LATENCY, Stat::Min, Below, 950.0), |measure| measure.min_samples.count = 10);
    assert_eq!(fires(&min, &fake), Pass);
    assert_eq!(fires(&with(min, |measure| measure.min_samples.is_given = true), &fake), FEW);
    // One sample passes no gate.
    assert_eq!(gate(&max(Below, 950.0), &fake), FEW);
    assert_eq!(gate(&max(Above, 500.0), &fake), FEW);
}

#[test]
fn what_has_not_lasted_is_no_opposite_that_has() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 90_000, 100.0);
    let fast = sustained(measure(LATENCY, P95, Span::minutes(1), Below, 500.0), Span::minutes(5));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(1));
    let unhealthy = trigger(not(fast.clone()));
    let mut judged = |fake: &Fake, second| {
        let facts = stand.facts(fake, at(second));
        judge_trigger(&unhealthy, &facts, fake, &mut streaks, Streaking::Advance).verdict
    };
    // "Not fast for five minutes" cannot be said of something that has only begun.
    for second in (60..360).step_by(10) {
        assert_eq!(judged(&fake, second), Verdict::Inconclusive(Cause::NotYet), "{second}");
    }
    assert_eq!(judged(&fake, 360), Fail);
    fake.of(LATENCY).values.iter_mut().filter(|sample| sample.0 >= at(360)).for_each(|s| s.1 = 900.0);
    assert_eq!(judged(&fake, 370), Pass);
    // Within the width of a bucket it says neither.
    fake.of(LATENCY).values.iter_mut().for_each(|sample| sample.1 = 500.0);
    fake.of(LATENCY).bucket = Some((499.0, 501.0));
    assert_eq!(judged(&fake, 380), Verdict::Inconclusive(Cause::Undecided));
    assert_eq!(as_trigger(&fast, &fake, &stand, at(380)).verdict, Verdict::Inconclusive(Cause::Undecided));
}

#[test]
fn a_for_needs_the_coverage_that_is_written_whatever_is_around_it() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 100.0).of(LATENCY).coverage = 0.5;
    let mut slow = sustained(measure(LATENCY, P95, Span::minutes(1), Above, 500.0), Span::minutes(5));
    slow.coverage = Some(0.9);
    assert_eq!(gate(&not(slow.clone()), &fake), SHORT);
    assert_eq!(fires(&not(slow.clone()), &fake), SHORT);
    fake.of(LATENCY).coverage = 0.9;
    assert_eq!(gate(&not(slow.clone()), &fake), Pass);
    assert_eq!(fires(&not(slow), &fake), Pass);
}

#[test]
fn a_count_that_stays_low_in_every_window_is_low_in_all_of_them() {
    // Five tickets a minute: fifty in ten minutes, and in none of them more than five.
    let mut fake = Fake::new();
    fake.spread(TICKETS, 0, 900, 75, 1.0);
    let base = measure(TICKETS, Stat::Count, Span::minutes(1), Below, 6.0);
    let (low, stand) = (sustained(base, Span::minutes(10)), Stand::new());
    let last = |condition: &Condition, fake: &Fake, as_gate: bool| {
        let mut streaks = Streaks::new(1);
        let mut verdict = NO_DATA;
        for second in (60..=660).step_by(10) {
            let facts = stand.facts(fake, at(second));
            verdict = if as_gate {
                judge_condition(condition, &facts, fake, &mut streaks, Streaking::Advance).verdict
            } else {
                let trigger = trigger(condition.clone());
                judge_trigger(&trigger, &facts, fake, &mut streaks, Streaking::Advance).verdict
            };
        }
        verdict
    };
    assert_eq!(last(&low, &fake, false), Pass);
    assert_eq!(last(&low, &fake, true), Pass);
    fake.spread(TICKETS, 590, 650, 20, 1.0);
    assert_eq!(last(&low, &fake, false), Fail);
}

#[test]
fn a_streak_sees_evaluations_at_which_it_was_not_asked() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 90_000, 900.0).spread(HEAP, 0, 900, 900, 100.0);
    let mut slow = sustained(measure(LATENCY, P95, Span::minutes(1), Above, 500.0), Span::minutes(5));
    let hour = of(ConditionKind::PhaseFor(Span::minutes(6)));
    slow.only_if = Some(Box::new(hour));
    let when = trigger(slow);
    let (mut stand, mut streaks) = (Stand::new(), Streaks::new(1));
    let mut judged = |stand: &Stand, second| {
        let facts = stand.facts(&fake, at(second));
        judge_trigger(&when, &facts, &fake, &mut streaks, Streaking::Advance).verdict
    };
    for second in (60..400).step_by(10) {
        assert_eq!(judged(&stand, second), Skipped);
    }
    stand.phase_watched = Span::minutes(6);
    assert_eq!(judged(&stand, 400), Pass);
}

#[test]
fn an_empty_phase_window_fires_only_once_a_source_would_be_silent() {
    let fake = Fake::new();
    let mut when = with(measured(LATENCY, P95, Above, 500.0), |measure| measure.query.window = Window::Phase);
    when.on_no_data = OnNoData::Act;
    let stand = Stand { phase_from: at(0), ..Stand::new() };
    let judged = |second| as_trigger(&when, &fake, &stand, at(second)).verdict;
    assert_eq!(judged(0), NO_DATA);
    assert_eq!(judged(10), NO_DATA);
    assert_eq!(judged(599), NO_DATA);
    // `max_gap`, ten minutes.
    assert_eq!(judged(600), Pass);
    assert_eq!(as_gate(&when, &fake, &stand, at(0)).verdict, Fail);
}

#[test]
fn warnings_begin_at_just_that_part_of_the_limit_on_either_side_of_zero() {
    let mut fake = Fake::new();
    fake.spread(NPS, 0, 60, 1, 0.0);
    let mut judged = |comparison, limit, value| {
        fake.of(NPS).values[0].1 = value;
        let condition = Condition { warn_within: Some(0.1), ..measured(NPS, Stat::Nps, comparison, limit) };
        as_gate(&condition, &fake, &Stand::new(), at(60)).verdict
    };
    for (comparison, limit, close, clear, broken) in [
        (Below, 20.0, 18.0, 17.9, 20.0),
        (AtMost, 20.0, 18.0, 17.9, 20.1),
        (Above, 20.0, 22.0, 22.1, 20.0),
        (AtLeast, 20.0, 22.0, 22.1, 19.9),
        (Below, -20.0, -22.0, -22.1, -20.0),
        (AtMost, -20.0, -22.0, -22.1, -19.9),
        (Above, -20.0, -18.0, -17.9, -20.0),
        (AtLeast, -20.0, -18.0, -17.9, -20.1),
    ] {
        let name = format!("{comparison:?} {limit}");
        assert_eq!(judged(comparison, limit, close), Warn, "{name}");
        assert_eq!(judged(comparison, limit, clear), Pass, "{name}");
        assert_eq!(judged(comparison, limit, broken), Fail, "{name}");
    }
    for (comparison, value) in [(AtMost, 0.0), (AtLeast, 0.0), (Below, -0.1), (Above, 0.1)] {
        assert_eq!(judged(comparison, 0.0, value), Pass, "{comparison:?} 0");
    }
}

#[test]
fn a_bucket_is_clear_of_a_warning_only_as_a_whole() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 179.5).of(LATENCY).bucket = Some((179.0, 180.0));
    let condition = Condition { warn_within: Some(0.1), ..measured(LATENCY, P95, Below, 200.0) };
    assert_eq!(gate(&condition, &fake), Pass);
    fake.of(LATENCY).bucket = Some((179.0, 180.1));
    assert_eq!(gate(&condition, &fake), Warn);
}

#[test]
fn numbers_that_are_none_decide_nothing() {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, f64::NAN).spread(NPS, 0, 60, 1, 34.0);
    for comparison in [Below, Above, AtMost, AtLeast] {
        let undecided = Verdict::Inconclusive(Cause::Undecided);
        let condition = measured(HEAP, Stat::Last, comparison, 500.0);
        assert_eq!(gate(&condition, &fake), undecided);
        assert_eq!(fires(&not(condition), &fake), undecided);
        let versus = with(measured(NPS, Stat::Nps, comparison, 0.0), |measure| {
            measure.versus = Some(Versus { baseline: Some(BaselineId(0)), change: Change::Difference });
        });
        let stand = Stand { baselines: vec![Some(f64::NAN)], ..Stand::new() };
        assert_eq!(as_gate(&versus, &fake, &stand, at(60)).verdict, undecided);
        let relative = with(versus, |measure| {
            measure.versus = Some(Versus { baseline: Some(BaselineId(0)), change: Change::Relative });
        });
        let zero = Stand { baselines: vec![Some(0.0)], ..Stand::new() };
        let none = Verdict::Inconclusive(Cause::NoBaseline);
        assert_eq!(as_gate(&relative, &fake, &zero, at(60)).verdict, none);
        assert_eq!(as_trigger(&not(relative), &fake, &zero, at(60)).verdict, none);
    }
}

#[test]
fn low_traffic_against_a_baseline_is_judged_by_the_limit_that_it_comes_to() {
    // 5 % at most 3 pp above 2 %: three errors of three are a violation, and so they are of at most 150 % more.
    let mut fake = Fake::new();
    fake.spread(ERRORS, 0, 60, 3, 1.0);
    let stand = Stand { baselines: vec![Some(0.02)], ..Stand::new() };
    for (change, limit, expected) in [
        (Change::Difference, 0.03, Pass),
        (Change::Relative, 1.5, Pass),
        (Change::Difference, 0.2, FEW),
        (Change::Relative, 10.0, FEW),
    ] {
        let condition = with(measured(ERRORS, Stat::Fraction, Above, limit), |measure| {
            measure.versus = Some(Versus { baseline: Some(BaselineId(0)), change });
        });
        assert_eq!(as_trigger(&condition, &fake, &stand, at(60)).verdict, expected, "{change:?} {limit}");
    }
}

#[test]
fn streaks_of_two_conditions_do_not_meet() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 90_000, 900.0);
    let slow = |streak, limit| {
        let mut base = measure(LATENCY, P95, Span::minutes(1), Above, limit);
        base.sustained = Some(Sustained { streak: StreakId(streak), span: Span::minutes(5) });
        of(ConditionKind::Measure(base))
    };
    let both = of(ConditionKind::Any(vec![slow(0, 500.0), slow(1, 950.0)]));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(2));
    let facts = stand.facts(&fake, at(60));
    judge_condition(&both, &facts, &fake, &mut streaks, Streaking::Advance);
    assert_eq!(streaks.0[0].since, Some(at(60)));
    assert_eq!(streaks.0[1].since, None);
}
