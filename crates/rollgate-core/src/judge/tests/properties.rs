//! Zero evidence is never Pass, whatever the condition (SEMANTICS 4.4, G7).

use proptest::prelude::*;

use super::fake::*;
use crate::id::{BaselineId, MetricId, StreakId};
use crate::judge::judgement::Range;
use crate::judge::measure::{Sight, claim};
use crate::judge::statistics::binomial_tail;
use crate::judge::{Streaking, Streaks, Verdict, check_finding, judge_condition};
use crate::snapshot::{
    AlertRule, Attest, Change, Check, Compare, Comparison, Condition, ConditionKind, Direction, Margin,
    OnNoData, Stat, Sustained, Trend, TrendDirection, Versus, Window,
};
use crate::time::Span;

fn comparison() -> impl Strategy<Value = Comparison> {
    prop_oneof![
        Just(Comparison::Below),
        Just(Comparison::Above),
        Just(Comparison::AtMost),
        Just(Comparison::AtLeast)
    ]
}

fn measure_leaf() -> impl Strategy<Value = ConditionKind> {
    let stat = prop_oneof![
        Just((LATENCY, Stat::Quantile(0.95))),
        Just((LATENCY, Stat::Mean)),
        Just((ERRORS, Stat::Fraction)),
        Just((HEAP, Stat::Last)),
        Just((TICKETS, Stat::Count)),
        Just((TICKETS, Stat::PerHour)),
        Just((NPS, Stat::Nps)),
    ];
    (stat, comparison(), -1.0..1.0_f64, any::<(bool, bool)>(), 0_u16..4).prop_map(
        |((metric, stat), comparison, limit, (has_for, has_baseline), streak)| {
            let mut measure = measure(metric, stat, Span::minutes(1), comparison, limit);
            measure.sustained =
                has_for.then_some(Sustained { streak: StreakId(streak), span: Span::minutes(5) });
            measure.versus =
                has_baseline.then_some(Versus { baseline: Some(BaselineId(0)), change: Change::Difference });
            ConditionKind::Measure(measure)
        },
    )
}

fn leaf() -> impl Strategy<Value = ConditionKind> {
    let alert = (comparison(), 0_u64..3).prop_map(|(comparison, limit)| AlertRule::Count {
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
        4 => measure_leaf(),
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
        1 => Just(ConditionKind::PhaseFor(Span::days(1))),
    ]
}

fn dressed(kind: impl Strategy<Value = ConditionKind>) -> impl Strategy<Value = Condition> {
    (kind, any::<bool>(), any::<bool>(), proptest::option::of(0.0..1.0_f64)).prop_map(
        |(kind, acts, warns, coverage)| Condition {
            on_no_data: if acts { OnNoData::Act } else { OnNoData::Hold },
            warn_within: warns.then_some(0.2),
            coverage,
            ..of(kind)
        },
    )
}

fn tree() -> impl Strategy<Value = Condition> {
    dressed(leaf()).prop_recursive(4, 24, 4, |inner| {
        let members = || proptest::collection::vec(inner.clone(), 1..4);
        let group = prop_oneof![
            members().prop_map(ConditionKind::All),
            members().prop_map(ConditionKind::Any),
            inner.clone().prop_map(|member| ConditionKind::Not(Box::new(member))),
            (1_usize..3, members()).prop_map(|(needed, members)| ConditionKind::AtLeastOf(needed, members)),
        ];
        (dressed(group), proptest::option::weighted(0.2, inner.clone()))
            .prop_map(|(condition, only_if)| Condition { only_if: only_if.map(Box::new), ..condition })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn zero_evidence_is_never_a_pass(condition in tree()) {
        let mut fake = Fake::new();
        fake.alerts_live = false;
        fake.of(TICKETS).is_live = false;
        let stand = Stand { baselines: vec![Some(1.0)], ..Stand::new() };
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
