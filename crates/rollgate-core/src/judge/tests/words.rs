//! Findings in words.

use super::fake::*;
use crate::id::{BaselineId, Key, PhaseId, RoleId, StreakId};
use crate::judge::{
    Attestation, Finding, Streak, Streaking, Streaks, Verdict, check_finding, gate_finding, judge_condition,
    judge_trigger, trigger_finding,
};
use crate::metrics::{ArmPair, ArmTotals};
use crate::snapshot::{
    AlertRule, Attest, Change, Check, Compare, Comparison, Condition, ConditionKind, Direction, Gate, Margin,
    Stat, Sustained, Trend, TrendDirection, Versus, Window,
};
use crate::time::{Now, Span};
use crate::units::{Share, Unit};
use Comparison::{Above, AtLeast, AtMost, Below};

const P95: Stat = Stat::Quantile(0.95);

fn found(condition: &Condition, fake: &Fake, stand: &Stand, second: u64) -> Finding {
    let facts = stand.facts(fake, at(second));
    let judged = judge_condition(condition, &facts, fake, &mut Streaks::new(4), Streaking::Advance);
    check_finding(&Check { key: "check".into(), condition: condition.clone() }, &judged, &facts)
}

fn says(condition: &Condition, fake: &Fake, second: u64) -> String {
    found(condition, fake, &Stand::new(), second).sentence
}

#[test]
fn r104_a_trigger_says_what_when_and_for_how_long() {
    let mut fake = Fake::new();
    fake.ruleset.metrics[0].key = "injection_latency".into();
    // The first violating evaluation is the one at 10:14:20.
    fake.spread(LATENCY, 780, 1_500, 64_800, 612.0);
    let base = measure(LATENCY, P95, Span::minutes(1), Above, 500.0);
    let trigger = trigger(sustained(base, Span::minutes(10)));
    let stand = Stand::new();
    // And on a calendar that is an hour and four seconds off the observed time.
    for (off, since) in [(Span::ZERO, "10:14:20"), (Span::seconds(3_604), "11:14:24")] {
        let mut streaks = Streaks::new(1);
        let mut said = String::new();
        for second in (860..=1_470).step_by(10) {
            let now = Now { wall: at(second) + off, observed: at(second) };
            let facts = crate::judge::Facts { now, ..stand.facts(&fake, at(second)) };
            let judged = judge_trigger(&trigger, &facts, &fake, &mut streaks, Streaking::Advance);
            let finding = trigger_finding(&trigger, &judged, &facts);
            assert_eq!(finding.evidence[0].since, Some(at(860) + off));
            assert_eq!(finding.verdict == Verdict::Pass, second >= 1_460);
            said = finding.sentence;
        }
        assert_eq!(
            said,
            format!(
                "p95(injection_latency) over 1m is 612 ms, above 500 ms for 10m10s (since {since}), n=5400"
            )
        );
    }
}

#[test]
fn a_streak_that_goes_on_unseen_is_said_to() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 200, 20_000, 900.0).spread(LATENCY, 200, 230, 3_000, 100.0);
    let base = measure(LATENCY, P95, Span::minutes(1), Above, 500.0);
    let slow = trigger(sustained(base, Span::minutes(5)));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(1));
    let mut said = |fake: &Fake, second| {
        let facts = stand.facts(fake, at(second));
        let judged = judge_trigger(&slow, &facts, fake, &mut streaks, Streaking::Advance);
        trigger_finding(&slow, &judged, &facts).sentence
    };
    assert_eq!(
        said(&fake, 60),
        "p95(latency) over 1m is 900 ms, above 500 ms for 0s of 5m (since 10:01:00), n=6000"
    );
    fake.of(LATENCY).values.retain(|sample| sample.1 < 500.0);
    assert_eq!(
        said(&fake, 230),
        "p95(latency) over 1m is 100 ms, not above 500 ms now; its streak goes on for 2m50s of 5m (since 10:01:00), \
         n=3000"
    );
    fake.of(LATENCY).values.clear();
    assert_eq!(
        said(&fake, 300),
        "p95(latency) over 5m: no data now; its streak goes on for 4m of 5m (since 10:01:00)"
    );
}

#[test]
fn what_began_on_another_day_has_its_date() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 86_460, 864_600, 900.0);
    let base = measure(LATENCY, P95, Span::minutes(5), Above, 200.0);
    let slow = trigger(sustained(base, Span::hours(24)));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(1));
    streaks.0[0] = Streak { since: Some(at(0)), last_data: Some(at(86_390)), healthy: Span::ZERO };
    let facts = stand.facts(&fake, at(86_400));
    let judged = judge_trigger(&slow, &facts, &fake, &mut streaks, Streaking::Advance);
    assert_eq!(
        trigger_finding(&slow, &judged, &facts).sentence,
        "p95(latency) over 5m is 900 ms, above 200 ms for 1d (since 2026-01-19 10:00:00), n=3000"
    );
}

#[test]
fn times_are_in_the_zone_of_the_plan() {
    let mut fake = Fake::new();
    fake.ruleset.timezone = "Europe/Berlin".into();
    fake.spread(LATENCY, 0, 60, 600, 900.0);
    let base = measure(LATENCY, P95, Span::minutes(1), Above, 500.0);
    let said = says(&sustained(base, Span::minutes(5)), &fake, 60);
    assert_eq!(said, "p95(latency) over 1m is 900 ms, above 500 ms for 0s of 5m (since 11:01:00), n=600");
}

#[test]
fn gates_say_their_value_limit_samples_and_coverage() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 142.0);
    let mut condition = of(ConditionKind::Measure(measure(LATENCY, P95, Span::days(7), Below, 200.0)));
    condition.coverage = Some(0.9);
    let finding = found(&condition, &fake, &Stand::new(), 60);
    assert_eq!(finding.sentence, "p95(latency) over 7d is 142 ms, below 200 ms, n=600; 100% covered");
    assert_eq!((finding.target.as_str(), finding.actual.as_str()), ("p95 < 200 ms (7d)", "142 ms"));
    fake.of(LATENCY).coverage = 0.43;
    let finding = found(&condition, &fake, &Stand::new(), 60);
    assert_eq!(finding.sentence, "p95(latency) over 7d: window is 43% covered, 90% needed (it is 142 ms)");
    fake.of(LATENCY).values.truncate(120);
    let finding = found(&condition, &fake, &Stand::new(), 60);
    assert_eq!(finding.sentence, "p95(latency) over 7d: only 120 of 200 samples (it is 142 ms)");
    assert_eq!(finding.actual, "142 ms, only 120 of 200 samples");
    fake.of(LATENCY).values.clear();
    let finding = found(&condition, &fake, &Stand::new(), 60);
    assert_eq!(
        (finding.sentence.as_str(), finding.actual.as_str()),
        ("p95(latency) over 7d: no data", "no data")
    );
    let json = serde_json::to_value(&finding).unwrap();
    assert_eq!(json["evidence"][0]["window"], "7d");
    assert_eq!(json["evidence"][0]["verdict"], "INCONCLUSIVE");
    assert_eq!(json["cause"], "no_data");
}

#[test]
fn averages_show_both_numbers() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 142.0);
    let mut base = measure(LATENCY, P95, Span::days(7), Below, 200.0);
    base.query.averaged_by = Some(Span::days(1));
    let finding = found(&of(ConditionKind::Measure(base)), &fake, &Stand::new(), 60);
    assert_eq!(
        finding.sentence,
        "p95(latency) over 7d is 142 ms (daily mean; 143 ms pooled), below 200 ms, n=600"
    );
    assert_eq!(finding.target, "p95 < 200 ms (daily mean, 7d)");
    assert_eq!(finding.evidence[0].pooled, Some(143.0));
}

#[test]
fn ratios_are_percentages_and_limits_are_in_their_own_unit() {
    let mut fake = Fake::new();
    fake.spread(ERRORS, 0, 60, 995, 0.0).spread(ERRORS, 0, 60, 5, 1.0);
    let finding = found(&measured(ERRORS, Stat::Fraction, Below, 0.001), &fake, &Stand::new(), 60);
    assert_eq!(finding.sentence, "errors over 1m is 0.5%, not below 0.1%, n=1000");
    assert_eq!((finding.target.as_str(), finding.evidence[0].unit), ("< 0.1% (1m)", "%"));
    assert_eq!(finding.evidence[0].threshold, Some(0.1));
    fake.spread(HEAP, 0, 60, 1, 1_500.0);
    let mut heap = measure(HEAP, Stat::Max, Span::minutes(1), AtMost, 2_000.0);
    heap.unit = Unit::GB;
    assert_eq!(
        says(&of(ConditionKind::Measure(heap)), &fake, 60),
        "max(heap) over 1m is 1.5 GB, at most 2 GB, n=1"
    );
}

#[test]
fn changes_show_now_and_then() {
    let mut fake = Fake::new();
    fake.spread(NPS, 0, 60, 1, 34.0);
    let mut base = measure(NPS, Stat::Nps, Span::days(7), Below, -10.0);
    base.versus = Some(Versus { baseline: Some(BaselineId(0)), change: Change::Difference });
    let condition = of(ConditionKind::Measure(base));
    let stand = Stand { baselines: vec![Some(46.0)], ..Stand::new() };
    assert_eq!(
        found(&condition, &fake, &stand, 60).sentence,
        "nps over 7d is -12 points against its baseline (34 points now, 46 points then), below -10 points, n=1"
    );
    assert_eq!(says(&condition, &fake, 60), "nps over 7d: no baseline yet (it is 34 points)");
    base.versus = Some(Versus { baseline: Some(BaselineId(0)), change: Change::Relative });
    (base.limit, base.unit) = (0.05, Unit::Percent);
    let stand = Stand { baselines: vec![Some(40.0)], ..Stand::new() };
    let finding = found(&of(ConditionKind::Measure(base)), &fake, &stand, 60);
    assert_eq!(
        finding.sentence,
        "nps over 7d is -15% against its baseline (34 points now, 40 points then), below 5%, n=1"
    );
    assert_eq!(finding.target, "change to baseline < 5% (7d)");
    let better = Stand { baselines: vec![Some(20.0)], ..Stand::new() };
    assert_eq!(
        found(&of(ConditionKind::Measure(base)), &fake, &better, 60).sentence,
        "nps over 7d is +70% against its baseline (34 points now, 20 points then), not below 5%, n=1"
    );
    let none = Stand { baselines: vec![Some(0.0)], ..Stand::new() };
    assert_eq!(
        found(&of(ConditionKind::Measure(base)), &fake, &none, 60).sentence,
        "nps over 7d: its baseline is 0, against which nothing is relative (it is 34 points)"
    );
}

#[test]
fn low_traffic_and_buckets_are_explained() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 3, 900.0);
    let facts_of = Stand::new();
    let facts = facts_of.facts(&fake, at(60));
    let slow = trigger(measured(LATENCY, P95, Above, 500.0));
    let judged = judge_trigger(&slow, &facts, &fake, &mut Streaks::new(1), Streaking::Read);
    assert_eq!(
        trigger_finding(&slow, &judged, &facts).sentence,
        "p95(latency) over 1m is 900 ms, above 500 ms (3 of 3 beyond it), n=3"
    );
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 55, 100.0).spread(LATENCY, 0, 60, 5, 900.0);
    let facts = facts_of.facts(&fake, at(60));
    let judged = judge_trigger(&slow, &facts, &fake, &mut Streaks::new(1), Streaking::Read);
    assert_eq!(
        trigger_finding(&slow, &judged, &facts).sentence,
        "p95(latency) over 1m: only 60 of 200 samples, 5 of 60 beyond the limit, which may be chance (it is 900 ms)"
    );
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 60, 600, 200.0).of(LATENCY).drops = 1;
    assert_eq!(
        says(&measured(LATENCY, P95, Below, 500.0), &fake, 60),
        "p95(latency) over 1m: 1 sample was dropped or invalid in the window (it is 200 ms)"
    );
    fake.of(LATENCY).drops = 0;
    fake.of(LATENCY).bucket = Some((199.5, 200.5));
    assert_eq!(
        says(&measured(LATENCY, P95, Below, 200.0), &fake, 60),
        "p95(latency) over 1m is 200 ms, too close to 200 ms to tell (199.5 ms to 200.5 ms), n=600"
    );
}

#[test]
fn alerts_and_facts_say_their_numbers() {
    let mut fake = Fake::new();
    fake.alerts = vec![(at(0), Some(at(5))), (at(10), Some(at(20))), (at(30), None)];
    let count = |comparison, limit| alerts(AlertRule::Count { within: Span::hours(1), comparison, limit });
    assert_eq!(says(&count(AtLeast, 3), &fake, 60), "3 critical alerts within 1h, at least 3");
    assert_eq!(says(&count(AtMost, 2), &fake, 60), "3 critical alerts within 1h, above 2");
    assert_eq!(
        says(&alerts(AlertRule::OpenFor(Span::hours(1))), &fake, 90),
        "a critical alert is open for 1m, less than 1h (since 10:00:30)"
    );
    let quiet = alerts(AlertRule::QuietFor(Span::hours(4)));
    assert_eq!(says(&quiet, &fake, 90), "critical alerts: not quiet for 4h, one is open (since 10:00:30)");
    fake.alerts.pop();
    assert_eq!(says(&quiet, &fake, 90), "critical alerts: not quiet for 4h, the last one was open 1m10s ago");
    fake.alerts.clear();
    assert_eq!(says(&quiet, &fake, 90), "critical alerts: quiet for 4h, none was seen");
    fake.watched_from = at(90) - Span::minutes(72);
    assert_eq!(says(&quiet, &fake, 90), "critical alerts within 4h: window is 30% covered, 90% needed");
    fake.watched_from = at(90);
    assert_eq!(
        says(&count(AtMost, 2), &fake, 90),
        "critical alerts within 1h: nothing of the window was watched"
    );
    fake.alerts_live = false;
    assert_eq!(says(&count(AtMost, 2), &fake, 90), "critical alerts: no data, their source is not live");
    fake.alerts = vec![(at(80), None); 3];
    assert_eq!(says(&count(AtMost, 2), &fake, 90), "3 critical alerts within 1h, above 2");

    let confident = Attest { item: "team_confident".into(), roles: vec![RoleId(0)], all_of: None };
    let confident = of(ConditionKind::Attest(confident));
    assert_eq!(says(&confident, &fake, 0), "team_confident not attested yet by lead");
    let statement = Attestation {
        item: "team_confident".into(),
        phase: PhaseId(0),
        by: "ada".into(),
        roles: vec!["dev".into(), "lead".into()],
        is_true: true,
        passed: None,
        at: START,
    };
    let stand = Stand { attestations: vec![statement], checked: vec!["one".into()], ..Stand::new() };
    assert_eq!(found(&confident, &fake, &stand, 0).sentence, "team_confident attested by lead");
    let list = found(&of(ConditionKind::ChecklistComplete), &fake, &stand, 0);
    assert_eq!((list.sentence.as_str(), list.actual.as_str()), ("checklist: 1/2 checked, not two", "1/2"));
    let tests = Attest { item: "unit_tests".into(), roles: Vec::new(), all_of: Some(44) };
    let partly = Attestation {
        item: "unit_tests".into(),
        by: "ci".into(),
        roles: Vec::new(),
        passed: Some((43, 44)),
        ..stand.attestations[0].clone()
    };
    let partly = Stand { attestations: vec![partly], ..Stand::new() };
    assert_eq!(
        found(&of(ConditionKind::Attest(tests)), &fake, &partly, 0).sentence,
        "unit_tests: 43 of 44 passed by ci, all of at least 44 needed"
    );
    assert_eq!(says(&of(ConditionKind::PhaseFor(Span::days(14))), &fake, 0), "phase running for 0s of 14d");
    let above = of(ConditionKind::ShareAbove(FLAG, Share::ZERO));
    assert_eq!(says(&above, &fake, 0), "USE_NEW is at 0%, not above 0%");
    let exposed = Stand { shares: vec![Share::from_ppm(250_000).unwrap()], ..Stand::new() };
    assert_eq!(found(&above, &fake, &exposed, 0).sentence, "USE_NEW is at 25%, above 0%");
    let zero = of(ConditionKind::SharesAllZero);
    assert_eq!(found(&zero, &fake, &exposed, 0).sentence, "shares: USE_NEW 25%");
}

#[test]
fn groups_name_the_leaves_that_decided() {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, 100.0);
    let small = measured(HEAP, Stat::Max, Below, 500.0);
    let tiny = measured(HEAP, Stat::Max, Below, 50.0);
    let group = |kind: fn(Vec<Condition>) -> ConditionKind| of(kind(vec![tiny.clone(), small.clone()]));
    let passing = "max(heap) over 1m is 100 MB, below 500 MB, n=1";
    let failing = "max(heap) over 1m is 100 MB, not below 50 MB, n=1";
    assert_eq!(says(&group(ConditionKind::Any), &fake, 60), passing);
    let all = found(&group(ConditionKind::All), &fake, &Stand::new(), 60);
    assert_eq!(all.sentence, failing);
    assert_eq!(all.evidence.len(), 2);
    assert_eq!(all.target, "max < 50 MB (1m) and max < 500 MB (1m)");
    assert_eq!(all.actual, "100 MB; 100 MB");
    let not = of(ConditionKind::Not(Box::new(tiny.clone())));
    assert_eq!(says(&not, &fake, 60), failing);
    let two = of(ConditionKind::AtLeastOf(2, vec![tiny.clone(), small.clone()]));
    assert_eq!(says(&two, &fake, 60), format!("1 of 2 hold, 2 needed; {failing}; {passing}"));
    let mut skipped = small.clone();
    skipped.only_if = Some(Box::new(tiny));
    assert_eq!(says(&skipped, &fake, 60), format!("skipped: {failing}"));
}

#[test]
fn trends_and_comparisons_say_how_far_it_moved() {
    let mut fake = Fake::new();
    let trend = Trend {
        metric: HEAP,
        direction: TrendDirection::NotRising,
        window: Window::Over(Span::days(7)),
        tolerance: 0.05,
    };
    let trend = of(ConditionKind::Trend(trend));
    assert_eq!(says(&trend, &fake, 60), "heap over 7d: no data");
    fake.parts = (0..28)
        .map(|at| {
            let level = 400.0 + f64::from(at);
            crate::metrics::Part { at_ms: f64::from(at) * 21_600_000.0, min: level, max: level, mean: level }
        })
        .collect();
    assert_eq!(
        says(&trend, &fake, 60),
        "heap over 7d is rising: +6.771% in the window, +5% allowed (p<0.001, 28 of 28 parts have data)"
    );
    fake.parts.iter_mut().for_each(|part| (part.min, part.max) = (part.max - 400.0, part.max - 400.0));
    fake.parts.iter_mut().take(15).for_each(|part| (part.min, part.max) = (0.0, 0.0));
    assert_eq!(
        says(&trend, &fake, 60),
        "heap over 7d is rising: away from about 0, +5% allowed (p<0.001, 28 of 28 parts have data)"
    );
    fake.parts.truncate(3);
    assert_eq!(says(&trend, &fake, 60), "heap over 7d: only 3 of 28 parts have data, 8 needed");

    let compare = Compare {
        metric: ERRORS,
        stat: Stat::Fraction,
        flag: FLAG,
        margin: Margin::Absolute(0.001),
        confidence: 0.95,
        good: Direction::Down,
    };
    let compare = of(ConditionKind::Compare(compare));
    assert_eq!(says(&compare, &fake, 60), "errors of USE_NEW: no data since the shares changed");
    let arm = |n, sum| ArmTotals { n, sum, unkeyed: n };
    fake.pair =
        Some(ArmPair { on: arm(1_000, 5.0), off: arm(2_000, 8.0), since: START, ..ArmPair::default() });
    let half = Stand { shares: vec![Share::from_ppm(500_000).unwrap()], ..Stand::new() };
    let finding = found(&compare, &fake, &half, 60);
    assert_eq!(
        finding.sentence,
        "errors of USE_NEW: ON 0.5%, OFF 0.4%, not decided yet whether it is at most 0.1 pp worse (confidence 95%), \
         n=1000+2000"
    );
    assert_eq!(finding.target, "ON at most 0.1 pp worse than OFF");
    let all = Stand { shares: vec![Share::FULL], ..Stand::new() };
    assert_eq!(
        found(&compare, &fake, &all, 60).sentence,
        "errors of USE_NEW: nobody is OFF now, so that there is nothing to compare with"
    );
    let alone = ArmPair { on: arm(1_000, 5.0), since: START, ..ArmPair::default() };
    fake.pair = Some(alone);
    assert_eq!(found(&compare, &fake, &half, 60).sentence, "errors of USE_NEW: no data of OFF");
}

#[test]
fn dry_runs_are_marked() {
    let (fake, stand) = (Fake::new(), Stand::new());
    let facts = stand.facts(&fake, START);
    let condition = of(ConditionKind::SharesAllZero);
    let judged = judge_condition(&condition, &facts, &fake, &mut Streaks::new(0), Streaking::Read);
    let gate = Gate { key: "gate".into(), condition, is_dry_run: true };
    let finding = gate_finding(&gate, &judged, &facts);
    assert!(finding.is_dry_run);
    assert_eq!(finding.key, Key::from("gate"));
    assert_eq!(finding.sentence, "shares: all 0%");
}

#[test]
fn a_streak_that_the_plan_has_no_place_for_never_fires() {
    let mut fake = Fake::new();
    fake.spread(LATENCY, 0, 900, 9_000, 900.0);
    let mut base = measure(LATENCY, P95, Span::minutes(1), Above, 500.0);
    base.sustained = Some(Sustained { streak: StreakId(9), span: Span::seconds(10) });
    let trigger = trigger(of(ConditionKind::Measure(base)));
    let (stand, mut streaks) = (Stand::new(), Streaks::new(0));
    for second in (60..=120).step_by(10) {
        let facts = stand.facts(&fake, at(second));
        let judged = judge_trigger(&trigger, &facts, &fake, &mut streaks, Streaking::Advance);
        assert!(!judged.verdict.is_passing());
    }
}
