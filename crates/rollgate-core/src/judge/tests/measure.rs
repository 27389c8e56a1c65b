//! Measurements against limits.

use super::fake::*;
use crate::id::BaselineId;
use crate::judge::judgement::Range;
use crate::judge::measure::{Sight, claim};
use crate::judge::{Cause, Streaking, Streaks, Verdict, judge_settled, judge_trigger};
use crate::snapshot::{
    Change, Comparison, Condition, ConditionKind, Measure, OnNoData, Stat, Versus, Window,
};
use crate::time::Span;
use Comparison::{Above, AtLeast, AtMost, Below};

const P95: Stat = Stat::Quantile(0.95);

fn gate(condition: &Condition, fake: &Fake) -> Verdict {
    as_gate(condition, fake, &Stand::new(), at(60)).verdict
}

fn fires(condition: &Condition, fake: &Fake) -> Verdict {
    as_trigger(condition, fake, &Stand::new(), at(60)).verdict
}

fn with(condition: Condition, change: impl FnOnce(&mut Measure)) -> Condition {
    let Condition { kind: ConditionKind::Measure(mut measure), .. } = condition else { panic!("a measure") };
    change(&mut measure);
    of(ConditionKind::Measure(measure))
}

#[test]
fn exact_values_are_held_against_the_limit_itself() {
    let exact = Range { value: 200.0, low: 200.0, high: 200.0, is_exact: true };
    assert_eq!(claim(Below, 200.0, &exact), Sight::Broken);
    assert_eq!(claim(AtMost, 200.0, &exact), Sight::Holds);
    assert_eq!(claim(Above, 200.0, &exact), Sight::Broken);
    assert_eq!(claim(AtLeast, 200.0, &exact), Sight::Holds);
}

#[test]
fn buckets_take_the_edge_that_is_unfavourable_to_the_claim() {
    let bucket = |low, high| Range { value: (low + high) / 2.0, low, high, is_exact: false };
    for (range, below, above, at_most, at_least) in [
        (bucket(199.0, 200.0), Sight::Holds, Sight::Broken, Sight::Holds, Sight::Broken),
        (bucket(199.0, 200.5), Sight::Unclear, Sight::Unclear, Sight::Unclear, Sight::Unclear),
        (bucket(200.0, 201.0), Sight::Broken, Sight::Unclear, Sight::Unclear, Sight::Holds),
        (bucket(200.5, 201.0), Sight::Broken, Sight::Holds, Sight::Broken, Sight::Holds),
    ] {
        assert_eq!(claim(Below, 200.0, &range), below, "{range:?}");
        assert_eq!(claim(Above, 200.0, &range), above, "{range:?}");
        assert_eq!(claim(AtMost, 200.0, &range), at_most, "{range:?}");
        assert_eq!(claim(AtLeast, 200.0, &range), at_least, "{range:?}");
    }
}

#[test]
fn within_the_width_of_a_bucket_nothing_passes_or_fires() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 200.0).of(LATENCY).bucket = Some((199.5, 200.5));
    let undecided = Verdict::Inconclusive(Cause::Undecided);
    assert_eq!(gate(&measured(LATENCY, P95, Below, 200.0), &fake), undecided);
    assert_eq!(fires(&measured(LATENCY, P95, Above, 200.0), &fake), undecided);
    assert_eq!(gate(&measured(LATENCY, P95, Below, 200.5), &fake), Verdict::Pass);
    assert_eq!(gate(&measured(LATENCY, P95, Below, 199.5), &fake), Verdict::Fail);
    assert_eq!(fires(&measured(LATENCY, P95, Above, 199.0), &fake), Verdict::Pass);
    assert_eq!(fires(&measured(LATENCY, P95, Above, 200.5), &fake), Verdict::Fail);
}

#[test]
fn gate_without_samples_is_inconclusive() {
    let fake = Fake::new();
    for condition in [
        measured(LATENCY, P95, Below, 200.0),
        measured(ERRORS, Stat::Fraction, Below, 0.05),
        measured(HEAP, Stat::Max, Below, 500.0),
        measured(NPS, Stat::Nps, Above, 0.0),
    ] {
        assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::NoData));
        assert_eq!(fires(&condition, &fake), Verdict::Inconclusive(Cause::NoData));
    }
}

#[test]
fn zero_events_of_a_live_source_are_evidence() {
    let mut fake = Fake::new();
    let condition = measured(TICKETS, Stat::Count, AtMost, 3.0);
    assert_eq!(gate(&condition, &fake), Verdict::Pass);
    fake.of(TICKETS).coverage = 0.0;
    assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::Coverage));
    fake.of(TICKETS).is_live = false;
    assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn a_gate_needs_its_samples() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 199, 100.0);
    let condition = measured(LATENCY, P95, Below, 200.0);
    assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::TooFewSamples));
    fake.spread(LATENCY, 0, 60, 1, 100.0);
    assert_eq!(gate(&condition, &fake), Verdict::Pass);
    let strict = with(condition, |measure| measure.min_samples.count = 1_000);
    assert_eq!(gate(&strict, &fake), Verdict::Inconclusive(Cause::TooFewSamples));
}

#[test]
fn a_gate_needs_its_coverage_unless_a_count_is_exceeded_already() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 100.0).of(LATENCY).coverage = 0.5;
    let mut condition = measured(LATENCY, P95, Below, 200.0);
    condition.coverage = Some(0.9);
    assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::Coverage));
    fake.of(LATENCY).values.iter_mut().for_each(|sample| sample.1 = 300.0);
    assert_eq!(gate(&condition, &fake), Verdict::Inconclusive(Cause::Coverage));
    fake.of(LATENCY).coverage = 0.9;
    assert_eq!(gate(&condition, &fake), Verdict::Fail);

    fake.spread(TICKETS, 0, 60, 5, 1.0).of(TICKETS).coverage = 0.5;
    let mut events = measured(TICKETS, Stat::Count, Below, 3.0);
    events.coverage = Some(0.9);
    assert_eq!(gate(&events, &fake), Verdict::Fail);
    let mut least = measured(TICKETS, Stat::Count, AtLeast, 3.0);
    least.coverage = Some(0.9);
    assert_eq!(gate(&least, &fake), Verdict::Inconclusive(Cause::Coverage));
    assert_eq!(fires(&least, &fake), Verdict::Pass);
}

#[test]
fn a_window_with_drops_fails_and_never_passes() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 100.0).of(LATENCY).drops = 1;
    assert_eq!(gate(&measured(LATENCY, P95, Below, 200.0), &fake), Verdict::Inconclusive(Cause::Drops));
    assert_eq!(gate(&measured(LATENCY, P95, Below, 50.0), &fake), Verdict::Fail);
    assert_eq!(fires(&measured(LATENCY, P95, Above, 50.0), &fake), Verdict::Pass);
}

#[test]
fn a_pass_close_to_its_limit_is_a_warning() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 185.0);
    let mut condition = measured(LATENCY, P95, Below, 200.0);
    condition.warn_within = Some(0.1);
    assert_eq!(gate(&condition, &fake), Verdict::Warn);
    fake.of(LATENCY).values.iter_mut().for_each(|sample| sample.1 = 179.0);
    assert_eq!(gate(&condition, &fake), Verdict::Pass);
    let mut lower = measured(LATENCY, P95, Above, 170.0);
    lower.warn_within = Some(0.1);
    assert_eq!(gate(&lower, &fake), Verdict::Warn);
    let mut zero = measured(NPS, Stat::Nps, Above, 0.0);
    zero.warn_within = Some(0.5);
    fake.spread(NPS, 0, 60, 1, 0.1);
    assert_eq!(gate(&zero, &fake), Verdict::Pass);
}

#[test]
fn no_data_acts_where_the_plan_says_so() {
    let mut fake = Fake::new();
    let mut condition = measured(LATENCY, P95, Below, 200.0);
    condition.on_no_data = OnNoData::Act;
    assert_eq!(gate(&condition, &fake), Verdict::Fail);
    assert_eq!(fires(&condition, &fake), Verdict::Pass);
    // Only once the window was watched in full, since the rollback and in the phase.
    fake.watched_from = at(1);
    assert_eq!(fires(&condition, &fake), Verdict::Inconclusive(Cause::NoData));
    fake.watched_from = at(0);
    assert_eq!(fires(&condition, &fake), Verdict::Pass);
    let rolled_back = Stand { rollback_from: Some(at(30)), ..Stand::new() };
    assert_eq!(
        as_trigger(&condition, &fake, &rolled_back, at(60)).verdict,
        Verdict::Inconclusive(Cause::NoData)
    );
    let young = Stand { phase_from: at(30), ..Stand::new() };
    assert_eq!(as_trigger(&condition, &fake, &young, at(60)).verdict, Verdict::Inconclusive(Cause::NoData));
    // Too little data is not none.
    fake.spread(LATENCY, 0, 60, 5, 100.0);
    assert_eq!(fires(&condition, &fake), Verdict::Inconclusive(Cause::TooFewSamples));
}

#[test]
fn windows_do_not_reach_before_the_phase_or_the_rollback() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 30, 600, 900.0).spread(LATENCY, 30, 60, 600, 100.0);
    let stand = Stand { phase_from: at(30), ..Stand::new() };
    assert_eq!(as_gate(&measured(LATENCY, P95, Below, 200.0), &fake, &stand, at(60)).verdict, Verdict::Pass);
    let condition = measured(LATENCY, P95, Above, 200.0);
    assert_eq!(as_trigger(&condition, &fake, &stand, at(60)).verdict, Verdict::Pass);
    let stand = Stand { rollback_from: Some(at(30)), ..Stand::new() };
    assert_eq!(as_trigger(&condition, &fake, &stand, at(60)).verdict, Verdict::Fail);
}

#[test]
fn the_phase_window_reaches_back_to_its_start() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 600, 600, 100.0);
    let stand = Stand { phase_from: at(0), ..Stand::new() };
    let condition = with(measured(LATENCY, P95, Below, 200.0), |measure| {
        measure.query.window = Window::Phase;
        measure.min_samples.count = 600;
    });
    assert_eq!(as_gate(&condition, &fake, &stand, at(600)).verdict, Verdict::Pass);
}

#[test]
fn changes_are_held_against_the_baseline() {
    let mut fake = Fake::new();
    fake.spread(NPS, 0, 60, 1, 34.0);
    let versus = |change, comparison, limit| {
        with(measured(NPS, Stat::Nps, comparison, limit), |measure| {
            measure.versus = Some(Versus { baseline: Some(BaselineId(0)), change });
        })
    };
    let judged = |condition: &Condition, baseline| {
        let stand = Stand { baselines: vec![baseline], ..Stand::new() };
        as_gate(condition, &fake, &stand, at(60)).verdict
    };
    let none = Verdict::Inconclusive(Cause::NoBaseline);
    assert_eq!(judged(&versus(Change::Difference, AtLeast, 10.0), Some(24.0)), Verdict::Pass);
    assert_eq!(judged(&versus(Change::Difference, AtLeast, 10.0), Some(25.0)), Verdict::Fail);
    assert_eq!(judged(&versus(Change::Difference, AtLeast, 10.0), None), none);
    assert_eq!(judged(&versus(Change::Relative, AtLeast, 0.7), Some(20.0)), Verdict::Pass);
    assert_eq!(judged(&versus(Change::Relative, Below, 0.7), Some(20.0)), Verdict::Fail);
    assert_eq!(judged(&versus(Change::Relative, Below, 0.7), Some(0.0)), none);
    // From -20 up to 34 is better, whatever the sign of the baseline.
    assert_eq!(judged(&versus(Change::Relative, Above, 0.0), Some(-20.0)), Verdict::Pass);
    let unknown = with(versus(Change::Difference, Above, 0.0), |measure| {
        measure.versus = Some(Versus { baseline: None, change: Change::Difference });
    });
    assert_eq!(judged(&unknown, Some(1.0)), none);
}

#[test]
fn three_slow_requests_in_a_row_fire_and_five_of_sixty_do_not() {
    let condition = measured(LATENCY, P95, Above, 500.0);
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 2, 900.0);
    let few = Verdict::Inconclusive(Cause::TooFewSamples);
    assert_eq!(fires(&condition, &fake), few);
    fake.spread(LATENCY, 0, 60, 1, 900.0);
    assert_eq!(fires(&condition, &fake), Verdict::Pass);

    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 55, 100.0).spread(LATENCY, 0, 60, 5, 900.0);
    assert_eq!(fires(&condition, &fake), few);
    // A written min_samples is kept to.
    let mut slow = Fake::new();
    slow.spread(LATENCY, 0, 60, 3, 900.0);
    assert_eq!(fires(&with(condition.clone(), |measure| measure.min_samples.is_given = true), &slow), few);
    // For a gate low traffic is never evidence enough.
    assert_eq!(gate(&condition, &slow), few);
}

#[test]
fn low_traffic_is_judged_by_its_true_or_false_outcomes() {
    let few = Verdict::Inconclusive(Cause::TooFewSamples);
    let errors = measured(ERRORS, Stat::Fraction, Above, 0.05);
    let mut fake = Fake::new();
    fake.spread(ERRORS, 0, 60, 2, 1.0);
    assert_eq!(fires(&errors, &fake), few);
    fake.spread(ERRORS, 0, 60, 1, 1.0);
    assert_eq!(fires(&errors, &fake), Verdict::Pass);
    // below 50%: nine misses in a row have 0.5^9 = 0.2 %; ten samples would be enough for the ratio itself.
    let hits = with(measured(ERRORS, Stat::Fraction, Below, 0.5), |measure| measure.min_samples.count = 20);
    let mut fake = Fake::new();
    fake.spread(ERRORS, 0, 60, 9, 0.0);
    assert_eq!(fires(&hits, &fake), few);
    fake.spread(ERRORS, 0, 60, 1, 0.0);
    assert_eq!(fires(&hits, &fake), Verdict::Pass);
    // A mean has no such tail.
    let mean = measured(LATENCY, Stat::Mean, Above, 1.0);
    fake.spread(LATENCY, 0, 60, 9, 900.0);
    assert_eq!(fires(&mean, &fake), few);
}

#[test]
fn a_settled_trigger_is_judged_without_its_for() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 900.0);
    let base = measure(LATENCY, P95, Span::minutes(1), Above, 500.0);
    let trigger = trigger(sustained(base, Span::minutes(10)));
    let stand = Stand::new();
    let facts = stand.facts(&fake, at(60));
    assert_eq!(judge_settled(&trigger, &facts, &fake).verdict, Verdict::Pass);
    let mut streaks = Streaks::new(1);
    assert_eq!(
        judge_trigger(&trigger, &facts, &fake, &mut streaks, Streaking::Advance).verdict,
        Verdict::Fail
    );
    let stand = Stand { rollback_from: Some(at(60)), ..Stand::new() };
    let settled = judge_settled(&trigger, &stand.facts(&fake, at(60)), &fake);
    assert_eq!(settled.verdict, Verdict::Inconclusive(Cause::NoData));
}
