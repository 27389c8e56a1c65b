//! `for: D`: streaks, what carries and what ends them (SEMANTICS 4.3).

use super::fake::*;
use crate::judge::streak::{Seen, Streak, StreakRule};
use crate::judge::{Cause, Streaking, Streaks, Verdict, judge_condition, judge_trigger};
use crate::snapshot::{Comparison, Condition, ConditionKind, OnNoData, Stat};
use crate::time::{Span, Timestamp};
use Comparison::{Above, Below};

const RULE: StreakRule = StreakRule {
    span: Span::minutes(5),
    healthy_max: Span::minutes(1),
    each: Span::seconds(10),
    clip: Timestamp::MIN,
};

/// Plays one evaluation every ten seconds: `V`iolating, `h`ealthy, `.` nothing; gives the streak after the last.
fn play(script: &str) -> Streak {
    let mut streak = Streak::default();
    for (index, seen) in script.chars().enumerate() {
        let seen = match seen {
            'V' => Seen::Violating,
            'h' => Seen::Healthy,
            _ => Seen::Nothing,
        };
        streak = streak.after(seen, at(index as u64 * 10), RULE);
    }
    streak
}

#[test]
fn a_streak_begins_at_its_first_violation() {
    assert_eq!(play("..hV").since, Some(at(30)));
    assert_eq!(play("VVVV").since, Some(at(0)));
    assert_eq!(play("hhhh").since, None);
    assert_eq!(play("VVVV").lasted(at(30)), Span::seconds(30));
}

#[test]
fn healthy_time_of_exactly_the_window_is_borne_and_one_tick_more_is_not() {
    assert_eq!(play("VhhhhhhV").since, Some(at(0)));
    assert_eq!(play("VhhhhhhhV").since, Some(at(80)));
    // It is summed over the streak, not in a row.
    assert_eq!(play("VhVhVhVhVhVhV").since, Some(at(0)));
    assert_eq!(play("VhVhVhVhVhVhVhV").since, Some(at(140)));
}

#[test]
fn a_gap_without_data_longer_than_its_span_ends_a_streak() {
    let gap = |ticks: usize| play(&format!("V{}", ".".repeat(ticks)));
    assert_eq!(gap(30).since, Some(at(0)));
    assert_eq!(gap(31).since, None);
    assert_eq!(play(&format!("V{}V", ".".repeat(29))).since, Some(at(0)));
    // Healthy data is data.
    assert_eq!(play(&format!("V{}h{}V", ".".repeat(20), ".".repeat(20))).since, Some(at(0)));
    // An engine that was away for longer sees no evaluation between.
    let streak = play("V").after(Seen::Violating, at(301), RULE);
    assert_eq!(streak.since, Some(at(301)));
}

#[test]
fn a_streak_of_another_exposure_ends() {
    let clipped = StreakRule { clip: at(20), ..RULE };
    assert_eq!(play("VVV").after(Seen::Violating, at(30), clipped).since, Some(at(30)));
    assert_eq!(play("...V").after(Seen::Violating, at(40), clipped).since, Some(at(30)));
}

/// p95 over 1m above 500 ms for 5m.
fn slow() -> Condition {
    sustained(measure(LATENCY, Stat::Quantile(0.95), Span::minutes(1), Above, 500.0), Span::minutes(5))
}

struct Run {
    fake: Fake,
    stand: Stand,
    streaks: Streaks,
}

impl Run {
    fn new(fake: Fake) -> Self {
        Self { fake, stand: Stand::new(), streaks: Streaks::new(1) }
    }
    fn trigger(&mut self, when: &Condition, second: u64) -> Verdict {
        let facts = self.stand.facts(&self.fake, at(second));
        let trigger = trigger(when.clone());
        judge_trigger(&trigger, &facts, &self.fake, &mut self.streaks, Streaking::Advance).verdict
    }
    fn gate(&mut self, condition: &Condition, second: u64) -> Verdict {
        let facts = self.stand.facts(&self.fake, at(second));
        judge_condition(condition, &facts, &self.fake, &mut self.streaks, Streaking::Advance).verdict
    }
    /// The second at which it first fires, of the evaluations in `from..=to`.
    fn fires(&mut self, when: &Condition, from: u64, to: u64) -> Option<u64> {
        (from..=to).step_by(10).find(|second| self.trigger(when, *second) == Verdict::Pass)
    }
}

#[test]
fn a_trigger_fires_once_the_streak_has_lasted() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 120, 12_000, 100.0).spread(LATENCY, 120, 900, 78_000, 900.0);
    let mut run = Run::new(fake);
    // More than 5 % of the minute is slow from 124 s on: the first evaluation that sees it is at 130 s.
    assert_eq!(run.fires(&slow(), 60, 900), Some(430));
    assert_eq!(run.streaks.0[0].since, Some(at(130)));
}

#[test]
fn reading_moves_no_streak() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 600, 60_000, 900.0);
    let mut streaks = Streaks::new(1);
    let stand = Stand::new();
    for second in (60..=600).step_by(10) {
        let facts = stand.facts(&fake, at(second));
        judge_trigger(&trigger(slow()), &facts, &fake, &mut streaks, Streaking::Read);
    }
    assert_eq!(streaks, Streaks::new(1));
    assert!(!streaks.has_streak(&slow()));
    judge_trigger(&trigger(slow()), &stand.facts(&fake, at(60)), &fake, &mut streaks, Streaking::Advance);
    assert!(streaks.has_streak(&slow()));
    // A reading sees what an evaluation would.
    let read =
        judge_trigger(&trigger(slow()), &stand.facts(&fake, at(360)), &fake, &mut streaks, Streaking::Read);
    assert_eq!(read.verdict, Verdict::Pass);
    streaks.reset();
    assert!(!streaks.has_streak(&slow()));
}

#[test]
fn it_does_not_fire_while_the_pooled_window_is_healthy() {
    // Slow bursts keep the streak alive, but the seven minutes as a whole are fast.
    let base = measure(LATENCY, Stat::Quantile(0.95), Span::minutes(1), Above, 500.0);
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 600, 600_000, 100.0);
    for second in (0..600).step_by(70) {
        fake.spread(LATENCY, second, second + 1, 3_200, 900.0);
    }
    let mut run = Run::new(fake);
    let condition = sustained(base, Span::minutes(7));
    assert_eq!(run.fires(&condition, 10, 430), None);
    // Only the pooled window keeps it: the streak has lasted.
    assert_eq!(run.streaks.0[0].lasted(at(430)), Span::minutes(7));
}

#[test]
fn low_traffic_does_not_blind_a_trigger() {
    // One slow request every 20 s: three in each minute, far below the 200 samples that p95 asks for.
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 1_200, 60, 900.0);
    let mut run = Run::new(fake);
    // The third slow request is at 40 s: the evaluation at 50 s is the first to see three in a row.
    assert_eq!(run.fires(&slow(), 10, 1_200), Some(350));
    assert_eq!(run.streaks.0[0].since, Some(at(50)));
}

#[test]
fn old_samples_of_a_silent_source_carry_no_streak() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 6_000, 900.0);
    let mut run = Run::new(fake);
    assert_eq!(run.fires(&slow(), 10, 900), None);
    assert_eq!(run.trigger(&slow(), 910), Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn silence_fires_where_the_plan_says_so_once_it_has_lasted() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 6_000, 100.0);
    let mut when = slow();
    when.on_no_data = OnNoData::Act;
    let mut run = Run::new(fake);
    assert_eq!(run.fires(&when, 10, 900), Some(360));
}

#[test]
fn a_gate_passes_once_its_condition_has_held() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 90_000, 100.0);
    let fast =
        sustained(measure(LATENCY, Stat::Quantile(0.95), Span::minutes(1), Below, 500.0), Span::minutes(5));
    let mut run = Run::new(fake);
    assert_eq!(run.gate(&fast, 60), Verdict::Inconclusive(Cause::NotYet));
    for second in (70..360).step_by(10) {
        assert_eq!(run.gate(&fast, second), Verdict::Inconclusive(Cause::NotYet), "{second}");
    }
    assert_eq!(run.gate(&fast, 360), Verdict::Pass);
    run.fake.of(LATENCY).values.iter_mut().filter(|sample| sample.0 >= at(360)).for_each(|s| s.1 = 900.0);
    assert_eq!(run.gate(&fast, 370), Verdict::Fail);
    assert_eq!(run.gate(&fast, 2_000), Verdict::Inconclusive(Cause::NoData));
}

#[test]
fn a_rollback_ends_the_streaks_before_it() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 1_200, 120_000, 900.0);
    let mut run = Run::new(fake);
    assert_eq!(run.fires(&slow(), 60, 600), Some(360));
    run.stand.rollback_from = Some(at(360));
    // The first evaluation after it sees ten seconds of a new streak.
    assert_eq!(run.fires(&slow(), 370, 1_200), Some(670));
}

#[test]
fn streaks_inside_groups_see_every_evaluation() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 90_000, 900.0);
    let first = measured(LATENCY, Stat::Quantile(0.95), Above, 100.0);
    let any = of(ConditionKind::Any(vec![first, slow()]));
    let mut run = Run::new(fake);
    assert_eq!(run.trigger(&any, 60), Verdict::Pass);
    assert!(run.streaks.has_streak(&any));
}
