//! What has to be recorded so that a condition holds, and no more than that: another trigger must not fire first.

use rollgate::core::id::{FlagId, Key, MetricId, RoleId};
use rollgate::core::snapshot::{
    AlertRule, Comparison, Condition, ConditionKind, Direction, Margin, Measure, MetricKind, Ruleset,
    Severity, Stat, Subject, TrendDirection, Window,
};
use rollgate::core::time::Span;

use super::levels::{Class, Level, Levels, Side, absolute, class, counted_over, side};

/// Something that is done once, or a level from now on.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// Another level.
    Level(MetricId, Level),
    /// So many events, at once.
    Events(MetricId, u64),
    /// So many alerts that open and close.
    Alerts(Severity, u64),
    /// One alert that stays open.
    OpenAlert(Severity),
    /// Somebody attests this.
    Attest(Key, Vec<RoleId>, Option<u64>),
}

/// What makes a condition hold, or not hold; or why nothing does.
pub(super) fn faults(
    ruleset: &Ruleset,
    healthy: &Levels,
    condition: &Condition,
    holds: bool,
) -> Result<Vec<Fault>, String> {
    let each = |one: &Condition, holds| faults(ruleset, healthy, one, holds);
    let all = |inner: &[Condition], holds| {
        inner.iter().map(|one| each(one, holds)).collect::<Result<Vec<_>, _>>().map(|lists| lists.concat())
    };
    let some = |inner: &[Condition], holds, n: usize| {
        let found: Vec<_> = inner.iter().map(|one| each(one, holds)).collect();
        if found.iter().filter(|one| one.is_ok()).count() < n {
            return Err(found
                .into_iter()
                .find_map(Result::err)
                .unwrap_or_else(|| "the group is empty".into()));
        }
        Ok(found.into_iter().flatten().take(n).flatten().collect())
    };
    let mut found = match &condition.kind {
        ConditionKind::All(inner) if holds => all(inner, true),
        ConditionKind::All(inner) => some(inner, false, 1),
        ConditionKind::Any(inner) if holds => some(inner, true, 1),
        ConditionKind::Any(inner) => all(inner, false),
        ConditionKind::AtLeastOf(n, inner) if holds => some(inner, true, *n),
        ConditionKind::AtLeastOf(n, inner) => some(inner, false, inner.len() + 1 - n.min(&inner.len())),
        ConditionKind::Not(inner) => each(inner, !holds),
        _ => leaf(ruleset, healthy, condition, holds),
    }?;
    if let (true, Some(only)) = (holds, &condition.only_if) {
        found.extend(each(only, true)?);
    }
    Ok(found)
}

fn leaf(
    ruleset: &Ruleset,
    healthy: &Levels,
    condition: &Condition,
    holds: bool,
) -> Result<Vec<Fault>, String> {
    match &condition.kind {
        ConditionKind::Measure(measure) => {
            measured(ruleset, healthy, measure, holds).map(|fault| vec![fault])
        }
        ConditionKind::Trend(trend) => {
            if holds {
                return Ok(Vec::new());
            }
            let level = healthy.of(trend.metric);
            let window = match trend.window {
                Window::Over(span) | Window::Latest(span) => span,
                Window::Phase => Span::days(1),
            };
            let slope = (2.0 * trend.tolerance + 0.1) * level.value.abs().max(1.0) / window.as_days();
            let slope = if trend.direction == TrendDirection::NotRising { slope } else { -slope };
            Ok(vec![Fault::Level(trend.metric, Level { slope, ..level })])
        }
        ConditionKind::Alerts(severity, rule) => alerts(*severity, *rule, holds),
        ConditionKind::Compare(compare) if !holds => {
            let level = healthy.of(compare.metric);
            let up = if compare.good == Direction::Down { 1.0 } else { -1.0 };
            let off = match compare.margin {
                Margin::Relative(part) => level.value.abs().max(0.01) * (2.0 * part + 0.2),
                Margin::Absolute(margin) => 2.0 * margin + 0.05 * level.value.abs(),
            };
            let on = Some((compare.flag, level.value + up * off));
            Ok(vec![Fault::Level(compare.metric, Level { on, ..level })])
        }
        ConditionKind::Attest(attest) if holds => {
            Ok(vec![Fault::Attest(attest.item.clone(), attest.roles.clone(), attest.all_of)])
        }
        ConditionKind::SharesAllZero if holds => {
            Err("it asks for no exposure, and a trigger is live only with some".into())
        }
        // These hold or do not hold by what the rollout is and by time; the wait shows it.
        _ => Ok(Vec::new()),
    }
}

fn alerts(severity: Severity, rule: AlertRule, holds: bool) -> Result<Vec<Fault>, String> {
    Ok(match rule {
        AlertRule::Count { comparison, limit, .. } => {
            let is_up = comparison.is_upper_limit() != holds;
            let count = things(limit as f64, comparison, holds);
            if is_up { vec![Fault::Alerts(severity, count)] } else { Vec::new() }
        }
        AlertRule::QuietFor(_) if holds => Vec::new(),
        AlertRule::QuietFor(_) => vec![Fault::Alerts(severity, 1)],
        AlertRule::OpenFor(_) if holds => vec![Fault::OpenAlert(severity)],
        AlertRule::OpenFor(_) => Vec::new(),
    })
}

/// The smallest number beyond a limit.
fn things(limit: f64, comparison: Comparison, holds: bool) -> u64 {
    let is_strict = matches!((comparison, holds), (Comparison::Above, true) | (Comparison::AtMost, false));
    (if is_strict { limit.floor() + 1.0 } else { limit.ceil() }).max(1.0) as u64
}

fn measured(ruleset: &Ruleset, healthy: &Levels, measure: &Measure, holds: bool) -> Result<Fault, String> {
    let Subject::Metric(id) = measure.query.subject else {
        return Err("it looks at the rollbacks themselves, and nobody can record those".into());
    };
    let (metric, level) = (ruleset.metric(id), healthy.of(id));
    let stat = measure.query.stat;
    let captured = match class(stat) {
        Class::Value => Some(level.value),
        Class::Rate => stat.per().map(|per| level.rate.unwrap_or(0.0) * per.0 as f64 / 1_000.0),
        Class::Slope => Some(0.0),
    };
    let Some(limit) = absolute(ruleset, measure, captured) else {
        return Err(format!("`{}` has no baseline to compare with", metric.key));
    };
    let side = side(measure, holds);
    let beyond = |least: f64| {
        let margin = (limit.abs() * 0.05).max(least);
        if side == Side::Above { limit + margin } else { limit - margin }
    };
    match class(stat) {
        Class::Slope => Ok(Fault::Level(id, Level { slope: beyond(0.01), ..level })),
        Class::Rate => counted(id, metric.kind, measure, (limit, side, holds), level),
        Class::Value => {
            let value = match metric.kind {
                MetricKind::Ratio if side == Side::Above => beyond(0.001).min(f64::midpoint(limit, 1.0)),
                MetricKind::Ratio | MetricKind::Distribution if side == Side::Below => {
                    beyond(0.001).max(limit / 2.0)
                }
                MetricKind::Score => beyond(1.0),
                _ => beyond(0.01),
            };
            let is_possible = match metric.kind {
                MetricKind::Ratio => (0.0..=1.0).contains(&value) && value != limit,
                MetricKind::Distribution => value >= 0.0 && value != limit,
                MetricKind::Score if stat == Stat::Nps => (-100.0..=100.0).contains(&value),
                _ => true,
            };
            if !is_possible {
                return Err(format!("no value of `{}` lies beyond its limit", metric.key));
            }
            Ok(Fault::Level(id, Level { value, ..level }))
        }
    }
}

/// Enough things, or too few of them.
fn counted(
    id: MetricId,
    kind: MetricKind,
    measure: &Measure,
    (limit, side, holds): (f64, Side, bool),
    level: Level,
) -> Result<Fault, String> {
    let window = counted_over(measure);
    // A rate divides by no less than its own unit.
    let span = measure.query.stat.per().map_or(window, |per| window.max(per));
    let of_window = measure.query.stat.per().map_or(1.0, |per| span.0 as f64 / per.0 as f64);
    let seconds = span.0 as f64 / 1_000.0;
    if side == Side::Below {
        if limit <= 0.0 {
            return Err("there cannot be fewer than none".into());
        }
        let rate = if kind == MetricKind::Event { 0.0 } else { limit * of_window / seconds / 2.0 };
        return Ok(Fault::Level(id, Level { rate: Some(rate), ..level }));
    }
    let count = things(limit * of_window, measure.comparison, holds);
    if kind == MetricKind::Event && measure.sustained.is_none() {
        return Ok(Fault::Events(id, count));
    }
    Ok(Fault::Level(id, Level { rate: Some(count as f64 * 1.1 / seconds), ..level }))
}

/// The longest time that a condition looks back, or must have held.
pub(super) fn reach(condition: &Condition) -> Span {
    let mut longest = Span::ZERO;
    condition.walk(&mut |leaf| {
        let own = match &leaf.kind {
            ConditionKind::Measure(measure) => {
                counted_over(measure) + measure.sustained.map_or(Span::ZERO, |sustained| sustained.span)
            }
            ConditionKind::Trend(trend) => match trend.window {
                Window::Over(span) | Window::Latest(span) => span,
                Window::Phase => Span::days(1),
            },
            ConditionKind::Alerts(_, AlertRule::Count { within: span, .. })
            | ConditionKind::Alerts(_, AlertRule::QuietFor(span) | AlertRule::OpenFor(span))
            | ConditionKind::PhaseFor(span) => *span,
            ConditionKind::Compare(_) => Span::days(1),
            _ => Span::ZERO,
        };
        longest = longest.max(own);
    });
    longest
}

/// The flag that a metric's samples are told apart by.
pub(super) fn arm_of(ruleset: &Ruleset, id: MetricId, level: Level) -> Option<FlagId> {
    level.on.map(|(flag, _)| flag).or_else(|| ruleset.metric(id).arms.first().copied())
}
