//! Alerts, attestations, checklists, shares, phases, trends, and how verdicts fold.

use super::fake::*;
use crate::id::{Key, PhaseId, RoleId};
use crate::judge::fold::{all, any, at_least_of, not};
use crate::judge::{Attestation, Cause, SetVerdict, Verdict, fold_set};
use crate::metrics::Part;
use crate::snapshot::{
    AlertRule, Attest, Comparison, Condition, ConditionKind, OnNoData, Stat, Trend, TrendDirection, Window,
};
use crate::time::Span;
use crate::units::Share;
use Comparison::{AtLeast, AtMost, Below};
use Verdict::{Fail, Pass, Skipped, Warn};

const NO_DATA: Verdict = Verdict::Inconclusive(Cause::NoData);
const SHORT: Verdict = Verdict::Inconclusive(Cause::Coverage);
const UNATTESTED: Verdict = Verdict::Inconclusive(Cause::Unattested);

fn count(comparison: Comparison, limit: u64) -> Condition {
    alerts(AlertRule::Count { within: Span::hours(1), comparison, limit })
}

#[test]
fn alerts_are_counted_in_their_window() {
    let mut fake = Fake::new();
    let stand = Stand::new();
    fake.alerts = vec![(at(0), Some(at(60))), (at(600), None), (at(3_700), None)];
    let now = at(4_000);
    assert_eq!(as_trigger(&count(AtLeast, 2), &fake, &stand, now).verdict, Pass);
    assert_eq!(as_trigger(&count(AtLeast, 3), &fake, &stand, now).verdict, Fail);
    assert_eq!(as_gate(&count(AtMost, 2), &fake, &stand, now).verdict, Pass);
    assert_eq!(as_gate(&count(Below, 2), &fake, &stand, now).verdict, Fail);
    let clipped = Stand { rollback_from: Some(at(700)), ..Stand::new() };
    assert_eq!(as_trigger(&count(AtLeast, 2), &fake, &clipped, now).verdict, Fail);
    // Nothing from a source that is not live says nothing; what came from it does.
    fake.alerts_live = false;
    assert_eq!(as_trigger(&count(AtLeast, 3), &fake, &stand, now).verdict, NO_DATA);
    assert_eq!(as_trigger(&count(AtLeast, 2), &fake, &stand, now).verdict, Pass);
    assert_eq!(as_gate(&count(AtMost, 2), &fake, &stand, now).verdict, NO_DATA);
    assert_eq!(as_gate(&count(Below, 2), &fake, &stand, now).verdict, Fail);
    assert_eq!(as_gate(&count(AtLeast, 2), &fake, &stand, now).verdict, NO_DATA);
}

#[test]
fn alerts_that_nobody_watched_pass_and_fire_nothing_whatever_is_asked_of_them() {
    let mut fake = Fake::new();
    let stand = Stand::new();
    let none = |condition: Condition| of(ConditionKind::Not(Box::new(condition)));
    let open = alerts(AlertRule::OpenFor(Span::hours(1)));
    // Live since this very instant: nothing of the window has been seen.
    fake.watched_from = at(60);
    for condition in [count(AtMost, 0), none(count(AtLeast, 1)), none(open.clone())] {
        assert_eq!(as_gate(&condition, &fake, &stand, at(60)).verdict, SHORT, "{condition:?}");
    }
    // A trigger on too few needs most of its window.
    for condition in [count(Below, 1), none(count(AtLeast, 1))] {
        fake.watched_from = at(60);
        assert_eq!(as_trigger(&condition, &fake, &stand, at(60 + 3_239)).verdict, SHORT, "{condition:?}");
        assert_eq!(as_trigger(&condition, &fake, &stand, at(60 + 3_240)).verdict, Pass, "{condition:?}");
        // A written coverage is what is asked.
        let most = Condition { coverage: Some(0.5), ..count(Below, 1) };
        assert_eq!(as_trigger(&most, &fake, &stand, at(60 + 1_800)).verdict, Pass);
        assert_eq!(as_trigger(&most, &fake, &stand, at(60 + 1_790)).verdict, SHORT);
    }
    // What is open is open, however little was watched.
    fake.alerts = vec![(at(0), None)];
    fake.watched_from = at(3_600);
    assert_eq!(as_trigger(&open, &fake, &stand, at(3_600)).verdict, Pass);
    fake.alerts_live = false;
    assert_eq!(as_trigger(&open, &fake, &stand, at(3_600)).verdict, Pass);
    let quiet = alerts(AlertRule::QuietFor(Span::hours(1)));
    assert_eq!(as_gate(&quiet, &fake, &stand, at(3_600)).verdict, Fail);
    assert_eq!(as_gate(&none(quiet), &fake, &stand, at(3_600)).verdict, NO_DATA);
}

#[test]
fn a_count_of_alerts_is_close_to_its_limit_at_just_that_part_of_it() {
    let mut fake = Fake::new();
    let warned = |comparison, limit, fake: &Fake| {
        let condition = Condition { warn_within: Some(0.5), ..count(comparison, limit) };
        as_gate(&condition, fake, &Stand::new(), at(600)).verdict
    };
    fake.alerts = vec![(at(0), None), (at(1), None)];
    assert_eq!(warned(AtMost, 4, &fake), Warn);
    assert_eq!(warned(Below, 4, &fake), Warn);
    assert_eq!(warned(AtMost, 5, &fake), Pass);
    assert_eq!(warned(AtLeast, 2, &fake), Warn);
    assert_eq!(warned(AtLeast, 1, &fake), Pass);
    assert_eq!(warned(AtMost, 1, &fake), Fail);
}

#[test]
fn a_count_of_alerts_needs_coverage_to_pass_and_none_to_fail() {
    let mut fake = Fake::new();
    let young = Stand { phase_from: at(0), ..Stand::new() };
    let mut condition = count(AtMost, 0);
    condition.coverage = Some(0.9);
    assert_eq!(as_gate(&condition, &fake, &young, at(1_800)).verdict, SHORT);
    assert_eq!(as_gate(&condition, &fake, &young, at(3_240)).verdict, Pass);
    fake.alerts = vec![(at(60), None)];
    assert_eq!(as_gate(&condition, &fake, &young, at(1_800)).verdict, Fail);
    let mut close = count(AtMost, 10);
    close.warn_within = Some(0.95);
    assert_eq!(as_gate(&close, &fake, &young, at(3_600)).verdict, Warn);
}

#[test]
fn quiet_means_none_open_or_opened_for_all_of_it() {
    let mut fake = Fake::new();
    let quiet = alerts(AlertRule::QuietFor(Span::hours(4)));
    let stand = Stand { phase_from: at(0), ..Stand::new() };
    let judged = |fake: &Fake, second| as_gate(&quiet, fake, &stand, at(second)).verdict;
    assert_eq!(judged(&fake, 3_600), SHORT);
    assert_eq!(judged(&fake, 4 * 3_600), Pass);
    fake.alerts = vec![(at(60), Some(at(3_600)))];
    assert_eq!(judged(&fake, 4 * 3_600), Fail);
    assert_eq!(judged(&fake, 5 * 3_600 - 10), Fail);
    assert_eq!(judged(&fake, 5 * 3_600), Pass);
    fake.alerts = vec![(at(0) - Span::days(3), None)];
    assert_eq!(judged(&fake, 9 * 3_600), Fail);
    // Closed before the phase began: another exposure.
    fake.alerts = vec![(at(0) - Span::hours(2), Some(at(0) - Span::minutes(5)))];
    assert_eq!(judged(&fake, 4 * 3_600 - 60), Pass);
    fake.alerts_live = false;
    assert_eq!(judged(&fake, 9 * 3_600), NO_DATA);
}

#[test]
fn an_alert_is_open_for_as_long_as_it_is() {
    let mut fake = Fake::new();
    let open = alerts(AlertRule::OpenFor(Span::hours(1)));
    let stand = Stand::new();
    assert_eq!(as_trigger(&open, &fake, &stand, at(9_000)).verdict, Fail);
    fake.alerts = vec![(at(0), None)];
    assert_eq!(as_trigger(&open, &fake, &stand, at(3_599)).verdict, Fail);
    assert_eq!(as_trigger(&open, &fake, &stand, at(3_600)).verdict, Pass);
    fake.alerts = vec![(at(0), Some(at(3_600)))];
    assert_eq!(as_trigger(&open, &fake, &stand, at(3_700)).verdict, Fail);
}

fn statement(by: &str, role: &str, is_true: bool, passed: Option<(u64, u64)>) -> Attestation {
    let roles = if role.is_empty() { Vec::new() } else { vec![Key::from(role)] };
    Attestation { item: "tests".into(), phase: PhaseId(0), by: by.into(), roles, is_true, passed, at: START }
}

fn attested(attest: &Attest, attestations: Vec<Attestation>) -> Verdict {
    let stand = Stand { attestations, ..Stand::new() };
    as_gate(&of(ConditionKind::Attest(attest.clone())), &Fake::new(), &stand, START).verdict
}

#[test]
fn the_latest_statement_of_the_phase_by_the_right_role_counts() {
    let anybody = Attest { item: "tests".into(), roles: Vec::new(), all_of: None };
    let lead = Attest { roles: vec![RoleId(0)], ..anybody.clone() };
    assert_eq!(attested(&anybody, vec![]), UNATTESTED);
    assert_eq!(attested(&anybody, vec![statement("a", "", true, None)]), Pass);
    assert_eq!(
        attested(&anybody, vec![statement("a", "", true, None), statement("b", "", false, None)]),
        Fail
    );
    assert_eq!(attested(&lead, vec![statement("a", "dev", true, None)]), UNATTESTED);
    assert_eq!(attested(&lead, vec![statement("a", "lead", true, None)]), Pass);
    // Somebody else cannot revoke it.
    let both = vec![statement("a", "lead", true, None), statement("b", "dev", false, None)];
    assert_eq!(attested(&lead, both), Pass);
    let other = Attestation { phase: PhaseId(1), ..statement("a", "", true, None) };
    assert_eq!(attested(&anybody, vec![other]), UNATTESTED);
}

#[test]
fn all_of_wants_every_one_and_enough_of_them() {
    let attest = Attest { item: "tests".into(), roles: Vec::new(), all_of: Some(44) };
    let judged = |passed| attested(&attest, vec![statement("ci", "", true, passed)]);
    assert_eq!(judged(Some((44, 44))), Pass);
    assert_eq!(judged(Some((50, 50))), Pass);
    assert_eq!(judged(Some((43, 44))), Fail);
    assert_eq!(judged(Some((40, 40))), Fail);
    assert_eq!(judged(None), UNATTESTED);
    // Who says that one of them failed has not attested it, whatever was asked.
    let bare = Attest { all_of: None, ..attest };
    assert_eq!(attested(&bare, vec![statement("ci", "", true, Some((43, 44)))]), Fail);
    assert_eq!(attested(&bare, vec![statement("ci", "", true, Some((44, 44)))]), Pass);
}

#[test]
fn a_younger_phase_is_a_fact_that_a_gate_waits_for() {
    let (fake, mut stand) = (Fake::new(), Stand::new());
    let hour = of(ConditionKind::PhaseFor(Span::hours(1)));
    let not = of(ConditionKind::Not(Box::new(hour.clone())));
    let only = Condition { only_if: Some(Box::new(hour.clone())), ..of(ConditionKind::SharesAllZero) };
    let judged = |condition: &Condition, stand: &Stand| {
        let gate = as_gate(condition, &fake, stand, START).verdict;
        (gate, as_trigger(condition, &fake, stand, START).verdict)
    };
    stand.phase_watched = Span::minutes(59);
    assert_eq!(judged(&hour, &stand), (Verdict::Inconclusive(Cause::NotYet), Fail));
    // "In the first hour" holds in the first hour.
    assert_eq!(judged(&not, &stand), (Pass, Pass));
    assert_eq!(judged(&only, &stand), (Skipped, Skipped));
    stand.phase_watched = Span::hours(1);
    assert_eq!(judged(&hour, &stand), (Pass, Pass));
    assert_eq!(judged(&not, &stand), (Fail, Fail));
    assert_eq!(judged(&only, &stand), (Pass, Pass));
}

#[test]
fn facts_of_the_rollout_are_judged_as_they_stand() {
    let fake = Fake::new();
    let judged = |kind: ConditionKind, stand: &Stand| as_gate(&of(kind), &fake, stand, START).verdict;
    let mut stand = Stand::new();
    assert_eq!(judged(ConditionKind::ChecklistComplete, &stand), UNATTESTED);
    stand.checked = vec!["one".into()];
    assert_eq!(judged(ConditionKind::ChecklistComplete, &stand), UNATTESTED);
    stand.checked.push("two".into());
    assert_eq!(judged(ConditionKind::ChecklistComplete, &stand), Pass);

    let half = Share::from_ppm(500_000).unwrap();
    assert_eq!(judged(ConditionKind::SharesAllZero, &stand), Pass);
    assert_eq!(judged(ConditionKind::ShareAbove(FLAG, Share::ZERO), &stand), Fail);
    stand.shares = vec![half];
    assert_eq!(judged(ConditionKind::SharesAllZero, &stand), Fail);
    assert_eq!(judged(ConditionKind::ShareAbove(FLAG, Share::ZERO), &stand), Pass);
    assert_eq!(judged(ConditionKind::ShareAbove(FLAG, half), &stand), Fail);

    let two_weeks = ConditionKind::PhaseFor(Span::days(14));
    assert_eq!(judged(two_weeks.clone(), &stand), Verdict::Inconclusive(Cause::NotYet));
    stand.phase_watched = Span::days(14);
    assert_eq!(judged(two_weeks, &stand), Pass);
}

#[test]
fn a_checklist_without_items_shows_nothing() {
    let mut fake = Fake::new();
    fake.ruleset.plan.as_mut().unwrap().phases[0].checklist.clear();
    let judged = as_gate(&of(ConditionKind::ChecklistComplete), &fake, &Stand::new(), START);
    assert_eq!(judged.verdict, UNATTESTED);
}

fn trend(tolerance: f64, direction: TrendDirection) -> Condition {
    let window = Window::Over(Span(28_000));
    of(ConditionKind::Trend(Trend { metric: HEAP, direction, window, tolerance }))
}

fn levels(values: impl Iterator<Item = f64>) -> Fake {
    let mut fake = Fake::new();
    fake.parts = values
        .enumerate()
        .map(|(at, max)| Part { at_ms: at as f64 * 1_000.0, min: max, max, mean: max })
        .collect();
    fake
}

#[test]
fn a_level_that_creeps_beyond_its_tolerance_fails() {
    use TrendDirection::{NotFalling, NotRising};
    let stand = Stand::new();
    let judged = |condition: &Condition, fake: &Fake| as_gate(condition, fake, &stand, at(60)).verdict;
    // 28 in the window, of a median of 413.5: 6.8 %.
    let rising = levels((0..28).map(|at| 400.0 + f64::from(at)));
    assert_eq!(judged(&trend(0.05, NotRising), &rising), Fail);
    assert_eq!(judged(&trend(0.07, NotRising), &rising), Pass);
    assert_eq!(judged(&trend(0.05, NotFalling), &rising), Pass);
    let falling = levels((0..28).map(|at| 400.0 - f64::from(at)));
    assert_eq!(judged(&trend(0.05, NotFalling), &falling), Fail);
    assert_eq!(judged(&trend(0.05, NotRising), &falling), Pass);
    // A saw moves, and has no trend.
    let saw = levels((0..28).map(|at| 400.0 + f64::from(at % 4) * 50.0));
    assert_eq!(judged(&trend(0.05, NotRising), &saw), Pass);
    // From nothing to something: any part of a median of zero is exceeded.
    let from_zero = levels((0..28).map(|at| f64::from((at - 14).max(0))));
    assert_eq!(judged(&trend(0.05, NotRising), &from_zero), Fail);
}

#[test]
fn a_trend_needs_parts_coverage_and_no_drops() {
    let stand = Stand::new();
    let condition = trend(0.05, TrendDirection::NotRising);
    let judged = |fake: &Fake| as_gate(&condition, fake, &stand, at(60)).verdict;
    let few = levels((0..7).map(|at| 400.0 + f64::from(at) * 50.0));
    assert_eq!(judged(&few), Verdict::Inconclusive(Cause::TooFewSamples));
    assert_eq!(judged(&levels(std::iter::empty())), NO_DATA);
    let mut steady = levels((0..28).map(|_| 400.0));
    assert_eq!(judged(&steady), Pass);
    steady.of(HEAP).drops = 2;
    assert_eq!(judged(&steady), Verdict::Inconclusive(Cause::Drops));
    let not = of(ConditionKind::Not(Box::new(condition.clone())));
    let mut rising = levels((0..28).map(|at| 400.0 + f64::from(at) * 50.0));
    assert_eq!(as_gate(&not, &rising, &stand, at(60)).verdict, Pass);
    rising.of(HEAP).drops = 2;
    assert_eq!(judged(&rising), Fail);
    assert_eq!(as_gate(&not, &rising, &stand, at(60)).verdict, Verdict::Inconclusive(Cause::Drops));
    // Drops keep no trigger from firing.
    assert_eq!(as_trigger(&not, &rising, &stand, at(60)).verdict, Pass);
    steady.of(HEAP).coverage = 0.5;
    let covered = Condition { coverage: Some(0.9), ..condition.clone() };
    assert_eq!(as_gate(&covered, &steady, &stand, at(60)).verdict, SHORT);
}

#[test]
fn verdicts_fold_worst_of_best_of_and_by_count() {
    let fold = |verdicts: &[Verdict]| (all(verdicts.iter().copied()), any(verdicts.iter().copied()));
    assert_eq!(fold(&[Pass, Warn]), (Warn, Pass));
    assert_eq!(fold(&[Warn, NO_DATA]), (NO_DATA, Warn));
    assert_eq!(fold(&[NO_DATA, SHORT]), (NO_DATA, NO_DATA));
    assert_eq!(fold(&[NO_DATA, Fail]), (Fail, NO_DATA));
    assert_eq!(fold(&[Skipped, Pass, Skipped]), (Pass, Pass));
    assert_eq!(fold(&[Skipped, Fail]), (Fail, Fail));
    assert_eq!(fold(&[Skipped, Skipped]), (Skipped, Skipped));
    assert_eq!(fold(&[]), (NO_DATA, NO_DATA));
    assert_eq!([Pass, Warn, Fail, NO_DATA, Skipped].map(not), [Fail, Fail, Pass, NO_DATA, Skipped]);
    let two = |verdicts: &[Verdict]| at_least_of(2, verdicts.iter().copied());
    assert_eq!(two(&[Pass, Pass, Fail]), Pass);
    assert_eq!(two(&[Pass, Warn, Fail]), Warn);
    assert_eq!(two(&[Pass, Fail, NO_DATA]), NO_DATA);
    assert_eq!(two(&[Pass, Fail, Fail]), Fail);
    assert_eq!(two(&[Pass, Skipped]), NO_DATA);
    assert_eq!(two(&[SHORT, Skipped]), SHORT);
    assert_eq!(two(&[Fail, SHORT, Skipped]), Fail);
    assert_eq!(two(&[Skipped, Skipped]), Skipped);
    assert_eq!(at_least_of(0, [Fail].into_iter()), NO_DATA);
}

#[test]
fn a_gate_set_passes_only_on_something_shown() {
    let set = |verdicts: &[Verdict]| fold_set(verdicts.iter().copied());
    assert_eq!(set(&[Pass, Warn, Skipped]), SetVerdict::Passed);
    assert_eq!(set(&[Pass, NO_DATA]), SetVerdict::Inconclusive);
    assert_eq!(set(&[NO_DATA, Fail]), SetVerdict::Failed);
    assert_eq!(set(&[Skipped]), SetVerdict::Inconclusive);
    assert_eq!(set(&[]), SetVerdict::Inconclusive);
}

#[test]
fn only_if_skips_what_is_not_asked() {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, 100.0);
    let asked = |only_if: Condition| {
        let mut condition = measured(HEAP, Stat::Max, Below, 50.0);
        condition.only_if = Some(Box::new(only_if));
        as_gate(&condition, &fake, &Stand::new(), at(60)).verdict
    };
    assert_eq!(asked(of(ConditionKind::SharesAllZero)), Fail);
    assert_eq!(asked(of(ConditionKind::ShareAbove(FLAG, Share::ZERO))), Skipped);
    let mut silent = measured(LATENCY, Stat::Mean, Below, 5.0);
    assert_eq!(asked(silent.clone()), NO_DATA);
    // No data never decides whether something is asked.
    silent.on_no_data = OnNoData::Act;
    assert_eq!(asked(silent), NO_DATA);
}

#[test]
fn r037_an_objection_stands_whatever_others_say_after_it() {
    let lead = Attest { item: "tests".into(), roles: vec![RoleId(0)], all_of: None };
    let objection = || statement("a", "lead", false, None);
    assert_eq!(attested(&lead, vec![objection(), statement("b", "lead", true, None)]), Fail);
    // Of somebody who has no say it is none.
    assert_eq!(
        attested(&lead, vec![statement("a", "dev", false, None), statement("b", "lead", true, None)]),
        Pass
    );
}
