//! Zero evidence is never Pass, whatever the condition (SEMANTICS 4.4, G7).

use proptest::prelude::*;

use super::fake::*;
use crate::id::{BaselineId, MetricId, StreakId};
use crate::judge::judgement::Range;
use crate::judge::measure::{Sight, claim};
use crate::judge::statistics::binomial_tail;
use crate::judge::{
    Streaking, Streaks, Verdict, check_finding, judge_condition, judge_settled, judge_trigger,
};
use crate::metrics::Part;
use crate::snapshot::{
    AlertRule, Attest, Change, Check, Compare, Comparison, Condition, ConditionKind, Direction, Margin,
    OnNoData, Stat, Subject, Sustained, Trend, TrendDirection, Versus, Window,
};
use crate::time::Span;
use crate::units::Share;

fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Below),
        Just(Comparison::Above),
        Just(Comparison::AtMost),
        Just(Comparison::AtLeast)
    ]
}

/// Stands for the self-metric.
const ROLLBACKS: MetricId = MetricId(9);

fn measure_leaf(limit: std::ops::Range<f64>) -> impl Strategy<Value = ConditionKind> {
    let stat = prop_oneof![
        Just((LATENCY, Stat::Quantile(0.95))),
        Just((LATENCY, Stat::Mean)),
        Just((ERRORS, Stat::Fraction)),
        Just((HEAP, Stat::Last)),
        Just((TICKETS, Stat::Count)),
        Just((TICKETS, Stat::PerHour)),
        Just((NPS, Stat::Nps)),
        Just((ROLLBACKS, Stat::Count)),
        Just((LATENCY, Stat::Count)),
        Just((LATENCY, Stat::Max)),
    ];
    (stat, comparison(), limit, any::<(bool, bool)>(), 0_u32..4).prop_map(
        |((metric, stat), comparison, limit, (has_for, has_baseline), streak)| {
            let mut measure = measure(metric, stat, Span::minutes(1), comparison, limit);
            if metric == ROLLBACKS {
                measure.query.subject = Subject::Rollbacks;
            }
            measure.sustained =
                has_for.then_some(Sustained { streak: StreakId(streak), span: Span::minutes(5) });
            measure.versus =
                has_baseline.then_some(Versus { baseline: Some(BaselineId(0)), change: Change::Difference });
            ConditionKind::Measure(measure)
        },
    )
}

fn leaf(limit: std::ops::Range<f64>) -> impl Strategy<Value = ConditionKind> {
    // Where limits are positive, so are those of alerts: no alerts are at least none.
    let least = u64::from(limit.start > 0.0);
    let alert = (comparison(), least..3).prop_map(|(comparison, limit)| AlertRule::Count {
        within: Span::hours(1),
        comparison,
        limit,
    });
    let alert = prop_oneof![
        alert,
        Just(AlertRule::QuietFor(Span::hours(1))),
        Just(AlertRule::OpenFor(Span::hours(1)))
    ];
    prop_oneof![
        4 => measure_leaf(limit),
        1 => alert.prop_map(|rule| alerts(rule).kind),
        1 => Just(ConditionKind::Trend(Trend {
            metric: HEAP,
            direction: TrendDirection::NotRising,
            window: Window::Over(Span::hours(1)),
            tolerance: 0.05,
        })),
        1 => Just(ConditionKind::Compare(Compare {
            metric: MetricId(0),
            stat: Stat::Mean,
            flag: FLAG,
            margin: Margin::Relative(0.05),
            confidence: 0.95,
            good: Direction::Down,
        })),
        1 => Just(ConditionKind::Attest(Attest { item: "tests".into(), roles: Vec::new(), all_of: None })),
        1 => Just(ConditionKind::ChecklistComplete),
    ]
}

fn dressed(
    kind: impl Strategy<Value = ConditionKind>,
    act: impl Strategy<Value = bool>,
) -> impl Strategy<Value = Condition> {
    (kind, act, any::<bool>(), proptest::option::of(0.0..1.0_f64)).prop_map(
        |(kind, acts, warns, coverage)| Condition {
            on_no_data: if acts { OnNoData::Act } else { OnNoData::Hold },
            warn_within: warns.then_some(0.2),
            coverage,
            ..of(kind)
        },
    )
}

fn tree(
    leaf: impl Strategy<Value = ConditionKind> + 'static,
    act: impl Strategy<Value = bool> + Clone + 'static,
) -> impl Strategy<Value = Condition> {
    dressed(leaf, act.clone()).prop_recursive(4, 24, 4, move |inner| {
        let members = || proptest::collection::vec(inner.clone(), 1..4);
        let group = prop_oneof![
            members().prop_map(ConditionKind::All),
            members().prop_map(ConditionKind::Any),
            inner.clone().prop_map(|member| ConditionKind::Not(Box::new(member))),
            (1_usize..3, members()).prop_map(|(needed, members)| ConditionKind::AtLeastOf(needed, members)),
        ];
        (dressed(group, act.clone()), proptest::option::weighted(0.2, inner.clone()))
            .prop_map(|(condition, only_if)| Condition { only_if: only_if.map(Box::new), ..condition })
    })
}

/// The self-metric has no drops of its own.
fn measured_with_drops() -> impl Strategy<Value = ConditionKind> {
    measure_leaf(-1.0..1.0).prop_filter("the self-metric", |kind| {
        !matches!(kind, ConditionKind::Measure(measure) if measure.query.subject == Subject::Rollbacks)
    })
}

fn trend_leaf() -> impl Strategy<Value = ConditionKind> {
    (any::<bool>(), -0.1..0.1_f64).prop_map(|(is_rising, tolerance)| {
        let direction = if is_rising { TrendDirection::NotRising } else { TrendDirection::NotFalling };
        ConditionKind::Trend(Trend {
            metric: HEAP,
            direction,
            window: Window::Over(Span::hours(1)),
            tolerance,
        })
    })
}

/// Why there is no evidence.
#[derive(Clone, Copy, Debug)]
enum Lack {
    /// No source is live, and nothing was ever recorded.
    Live,
    /// Sources are live, and nobody looked.
    Watched,
}

fn lacking(lack: Lack) -> Fake {
    let mut fake = Fake::new();
    match lack {
        Lack::Live => {
            fake.alerts_live = false;
            fake.of(TICKETS).is_live = false;
        }
        Lack::Watched => fake.samples.iter_mut().for_each(|samples| samples.coverage = 0.0),
    }
    // The self-metric is live by nature.
    fake.watched_from = at(10_000);
    fake
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zero_evidence_is_never_a_pass(
        condition in tree(leaf(-1.0..1.0), any::<bool>()),
        lack in prop_oneof![Just(Lack::Live), Just(Lack::Watched)],
    ) {
        let fake = lacking(lack);
        // Shares that both arms are in.
        let half = Share::from_ppm(500_000).unwrap();
        let stand = Stand { baselines: vec![Some(1.0)], shares: vec![half], ..Stand::new() };
        let mut streaks = Streaks::new(4);
        for second in [0, 10, 20, 330, 660] {
            let facts = stand.facts(&fake, at(second));
            let judged = judge_condition(&condition, &facts, &fake, &mut streaks, Streaking::Advance);
            prop_assert!(!judged.verdict.is_passing(), "{:?}", judged);
            let check = Check { key: "check".into(), condition: condition.clone() };
            let finding = check_finding(&check, &judged, &facts);
            prop_assert!(!finding.sentence.is_empty() && !finding.actual.is_empty() && !finding.target.is_empty());
        }
    }

    #[test]
    fn zero_evidence_fires_nothing_where_no_data_holds(
        condition in tree(leaf(0.1..1.0), Just(false)),
        lack in prop_oneof![Just(Lack::Live), Just(Lack::Watched)],
    ) {
        let fake = lacking(lack);
        let stand = Stand { baselines: vec![Some(1.0)], ..Stand::new() };
        let trigger = trigger(condition);
        let mut streaks = Streaks::new(4);
        for second in [0, 10, 20, 330, 660] {
            let facts = stand.facts(&fake, at(second));
            let judged = judge_trigger(&trigger, &facts, &fake, &mut streaks, Streaking::Advance);
            prop_assert!(!judged.verdict.is_passing(), "{:?}", judged);
            let settled = judge_settled(&trigger, &facts, &fake);
            prop_assert!(!settled.verdict.is_passing(), "{:?}", settled);
        }
    }

    #[test]
    fn nothing_passes_a_gate_on_windows_with_drops(
        condition in tree(prop_oneof![4 => measured_with_drops(), 1 => trend_leaf()], any::<bool>()),
        values in proptest::collection::vec(0.0..1.0_f64, 5),
    ) {
        let mut fake = Fake::new();
        for (metric, value) in [LATENCY, ERRORS, HEAP, TICKETS, NPS].into_iter().zip(values) {
            fake.spread(metric, 0, 500, 2_500, if metric == ERRORS { value.round() } else { value });
            fake.of(metric).drops = 1;
        }
        fake.parts = (0..28).map(|at| Part { at_ms: f64::from(at), min: 1.0, max: 1.0, mean: 1.0 }).collect();
        let stand = Stand { baselines: vec![Some(0.1)], ..Stand::new() };
        let mut streaks = Streaks::new(4);
        for second in (60..=500).step_by(20) {
            let facts = stand.facts(&fake, at(second));
            let judged = judge_condition(&condition, &facts, &fake, &mut streaks, Streaking::Advance);
            prop_assert!(!judged.verdict.is_passing(), "{:?}", judged);
        }
    }

    #[test]
    fn a_claim_and_its_opposite_are_never_both_proven(
        comparison in comparison(),
        limit in -5_i32..5,
        low in -5_i32..5,
        width in 0_i32..4,
        place in 0.0..1.0_f64,
    ) {
        let (low, high) = (f64::from(low), f64::from(low + width));
        let range = Range { value: f64::midpoint(low, high), low, high, is_exact: width == 0 };
        let value = if width == 0 { low } else { low + place * (high - low) };
        // Whatever the true value is in its bucket, a proven claim is true of it.
        match claim(comparison, f64::from(limit), &range) {
            Sight::Holds => prop_assert!(comparison.holds(value, f64::from(limit))),
            Sight::Broken => prop_assert!(!comparison.holds(value, f64::from(limit))),
            Sight::Unclear => prop_assert!(width > 0),
            Sight::Blind(cause) => prop_assert!(false, "{cause:?}"),
        }
    }

    #[test]
    fn the_binomial_tail_is_the_naive_sum(n in 1_u64..60, k in 0_u64..61, p in 0.001..0.999_f64) {
        let mut chance = vec![1.0_f64];
        for _ in 0..n {
            let mut next = vec![0.0; chance.len() + 1];
            for (at, part) in chance.iter().enumerate() {
                next[at] += part * (1.0 - p);
                next[at + 1] += part * p;
            }
            chance = next;
        }
        let naive: f64 = chance.iter().skip(k as usize).sum();
        let found = binomial_tail(k, n, p);
        prop_assert!((found - naive).abs() <= 1e-10 * naive.max(1e-3), "{found} is not {naive}");
    }
}

#[test]
fn a_condition_with_evidence_can_pass() {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, 100.0);
    let verdict = as_gate(&measured(HEAP, Stat::Max, Comparison::Below, 500.0), &fake, &Stand::new(), at(60));
    assert_eq!(verdict.verdict, Verdict::Pass);
}
