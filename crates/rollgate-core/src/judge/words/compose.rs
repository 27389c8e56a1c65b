//! Findings from judgements: the walk through groups, and what every sentence shares.

use super::target::{labels, target_of};
use super::{leaf, measured};
use crate::id::Key;
use crate::judge::facts::Facts;
use crate::judge::finding::{Evidence, Finding};
use crate::judge::judgement::{Basis, Judgement};
use crate::judge::verdict::{Cause, Verdict};
use crate::snapshot::{Check, Condition, ConditionKind, Gate, Trigger};
use crate::time::Timestamp;
use crate::units::{Quantity, Unit};

/// What is said of one condition.
pub(super) struct Text {
    pub(super) sentence: String,
    pub(super) actual: String,
}

/// The cause, of an inconclusive verdict.
pub(super) const fn cause(verdict: Verdict) -> Option<Cause> {
    match verdict {
        Verdict::Inconclusive(cause) => Some(cause),
        _ => None,
    }
}

/// A part of one, as a percentage.
pub(super) fn percent(part: f64) -> String {
    Quantity { value: part * 100.0, unit: Unit::Percent }.to_string()
}

/// How much of a window was covered, for a cell of a table: never rounded up to what was asked for.
pub(super) fn covered(part: f64) -> String {
    format!("{:.0}% covered", (part * 100.0).floor())
}

/// `10:14:20` in the plan's zone (UTC where the zone is not known), of a point of observed time; with its date where that
/// is another day.
pub(super) fn clock(facts: &Facts<'_>, observed: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::get(facts.ruleset.timezone.as_str()).unwrap_or(jiff::tz::TimeZone::UTC);
    let civil = |wall: Timestamp| {
        jiff::Timestamp::from_millisecond(wall.0).ok().map(|at| at.to_zoned_datetime(zone.clone()))
    };
    let wall = facts.now.wall_of(observed);
    let Some(at) = civil(wall) else { return wall.to_string() };
    let is_today = civil(facts.now.wall).is_some_and(|now| now.date() == at.date());
    at.strftime(if is_today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string()
}

/// Why a window with this much of it covered is not enough.
pub(super) fn uncovered(covered: f64, asked: Option<f64>) -> String {
    match asked {
        Some(asked) => format!("window is {} covered, {} needed", percent(covered), percent(asked)),
        None if covered <= 0.0 => "nothing of the window was watched".into(),
        None => format!("not all of the window was watched ({} covered)", percent(covered)),
    }
}

/// Why a window with drops is not enough.
pub(super) fn dropped(drops: u64) -> String {
    let were = if drops == 1 { "sample was" } else { "samples were" };
    format!("{drops} {were} dropped or invalid in the window")
}

fn leaf_text(condition: &Condition, judgement: &Judgement, facts: &Facts<'_>) -> Text {
    let verdict = judgement.verdict;
    match (&condition.kind, &judgement.basis) {
        (ConditionKind::Measure(measure), Basis::Measured(reading)) => {
            measured::text(condition, measure, reading, verdict, facts)
        }
        (ConditionKind::Trend(trend), Basis::Trended(seen)) => {
            leaf::trend_text(condition, trend, seen, verdict, facts)
        }
        (ConditionKind::Alerts(severity, rule), Basis::Alerts(seen)) => {
            leaf::alert_text(condition, *severity, rule, seen, verdict, facts)
        }
        (ConditionKind::Compare(compare), Basis::Compared(seen)) => {
            leaf::compare_text(condition, compare, seen, verdict, facts)
        }
        (ConditionKind::Attest(attest), _) => leaf::attest_text(attest, verdict, facts),
        (ConditionKind::ChecklistComplete, _) => leaf::checklist_text(facts),
        (ConditionKind::SharesAllZero, _) => leaf::shares_text(facts),
        (ConditionKind::ShareAbove(flag, above), _) => leaf::share_text(*flag, *above, facts),
        (ConditionKind::PhaseFor(span), _) => leaf::phase_text(*span, verdict, facts),
        // The judgement is of another condition: say the verdict, and nothing that may be wrong.
        _ => Text { sentence: verdict.name().to_lowercase(), actual: verdict.name().to_lowercase() },
    }
}

fn leaf_evidence(condition: &Condition, judgement: &Judgement, facts: &Facts<'_>) -> Option<Evidence> {
    let verdict = judgement.verdict;
    match (&condition.kind, &judgement.basis) {
        (ConditionKind::Measure(measure), Basis::Measured(reading)) => {
            Some(measured::evidence(measure, reading, verdict, facts))
        }
        (ConditionKind::Trend(trend), Basis::Trended(seen)) => {
            Some(leaf::trend_evidence(trend, seen, verdict, facts))
        }
        (ConditionKind::Alerts(severity, rule), Basis::Alerts(seen)) => {
            Some(leaf::alert_evidence(*severity, rule, seen, verdict, facts))
        }
        (ConditionKind::Compare(compare), Basis::Compared(seen)) => {
            Some(leaf::compare_evidence(compare, seen, verdict, facts))
        }
        _ => None,
    }
}

/// Which members a group's sentence is made of: those that made its verdict.
fn telling(condition: &Condition, judgement: &Judgement, member: &Judgement) -> bool {
    match &condition.kind {
        ConditionKind::All(_) if !judgement.verdict.is_passing() => member.verdict == judgement.verdict,
        ConditionKind::Any(_) if judgement.verdict.is_passing() => member.verdict == judgement.verdict,
        ConditionKind::AtLeastOf(..) if judgement.verdict.is_passing() => member.verdict.is_passing(),
        _ => member.verdict != Verdict::Skipped || judgement.verdict == Verdict::Skipped,
    }
}

fn render(
    condition: &Condition,
    judgement: &Judgement,
    facts: &Facts<'_>,
    leaves: &mut Vec<Evidence>,
) -> Text {
    let members = match (&condition.kind, &judgement.basis) {
        (_, Basis::Unasked(asked)) => {
            let Some(only_if) = &condition.only_if else { return leaf_text(condition, judgement, facts) };
            let why = render(only_if, asked, facts, leaves).sentence;
            let word = if judgement.verdict == Verdict::Skipped {
                "skipped"
            } else {
                "not known whether it is asked"
            };
            return Text { sentence: format!("{word}: {why}"), actual: word.into() };
        }
        (
            ConditionKind::All(members) | ConditionKind::Any(members) | ConditionKind::AtLeastOf(_, members),
            Basis::Group(judged),
        ) => (&members[..], &judged[..]),
        (ConditionKind::Not(inner), Basis::Group(judged)) => (std::slice::from_ref(&**inner), &judged[..]),
        _ => {
            leaves.extend(leaf_evidence(condition, judgement, facts));
            return leaf_text(condition, judgement, facts);
        }
    };
    let (mut sentences, mut actuals) = (Vec::new(), Vec::new());
    let labelled = labels(members.0, facts).into_iter().zip(members.0);
    for ((label, member), judged) in labelled.zip(members.1) {
        let text = render(member, judged, facts, leaves);
        actuals.push(label + &text.actual);
        if telling(condition, judgement, judged) {
            sentences.push(text.sentence);
        }
    }
    if let ConditionKind::AtLeastOf(needed, _) = &condition.kind {
        let passing = members.1.iter().filter(|judged| judged.verdict.is_passing()).count();
        let lead = format!("{passing} of {} hold, {needed} needed", members.1.len());
        sentences.insert(0, lead);
    }
    Text { sentence: sentences.join("; "), actual: actuals.join("; ") }
}

fn finding(key: &Key, condition: &Condition, judgement: &Judgement, facts: &Facts<'_>) -> Finding {
    let mut evidence = Vec::new();
    let text = render(condition, judgement, facts, &mut evidence);
    Finding {
        key: key.clone(),
        verdict: judgement.verdict,
        cause: cause(judgement.verdict),
        sentence: text.sentence,
        target: target_of(condition, facts),
        actual: text.actual,
        is_dry_run: false,
        evidence,
    }
}

/// The finding of a gate, from its judgement at these facts.
pub fn gate_finding(gate: &Gate, judgement: &Judgement, facts: &Facts<'_>) -> Finding {
    Finding { is_dry_run: gate.is_dry_run, ..finding(&gate.key, &gate.condition, judgement, facts) }
}

/// The finding of a trigger, from its judgement at these facts.
pub fn trigger_finding(trigger: &Trigger, judgement: &Judgement, facts: &Facts<'_>) -> Finding {
    Finding { is_dry_run: trigger.is_dry_run, ..finding(&trigger.key, &trigger.when, judgement, facts) }
}

/// The finding of a target or a daily row, from its judgement at these facts.
pub fn check_finding(check: &Check, judgement: &Judgement, facts: &Facts<'_>) -> Finding {
    finding(&check.key, &check.condition, judgement, facts)
}

/// What a condition asks for, as a table writes it under Target.
pub fn target_words(condition: &Condition, facts: &Facts<'_>) -> String {
    target_of(condition, facts)
}

/// Where all of several must hold: the finding of each, by what it measures.
pub fn member_findings(condition: &Condition, judgement: &Judgement, facts: &Facts<'_>) -> Vec<Finding> {
    let (ConditionKind::All(members), Basis::Group(judged)) = (&condition.kind, &judgement.basis) else {
        return Vec::new();
    };
    let each = members.iter().zip(judged).enumerate().map(|(index, (member, judged))| {
        let mut found = finding(&Key::new(format!("{}", index + 1)), member, judged, facts);
        if let [leaf] = &found.evidence[..] {
            found.key = Key::new(leaf.subject.as_str());
        }
        found
    });
    each.collect()
}
