//! What a condition asks for, as the scorecard writes it under Target.

use crate::judge::facts::Facts;
use crate::snapshot::{
    AlertRule, Attest, Change, Compare, Condition, ConditionKind, Margin, Measure, Metric, MetricKind, Stat,
    Subject, TrendDirection, Window,
};
use crate::time::Span;
use crate::units::{Quantity, Unit};

/// A number as the metric stores values, in the unit that people read the measure in.
pub(super) fn shown(measure: &Measure, stored: f64, is_change: bool, facts: &Facts<'_>) -> Quantity {
    let metric = metric_of(measure.query.subject, facts);
    let is_relative = measure.versus.is_some_and(|versus| versus.change == Change::Relative);
    let (value, unit) = match (measure.query.stat, metric) {
        _ if is_change && is_relative => (stored * 100.0, Unit::Percent),
        (Stat::Count, _) => (stored, Unit::Count),
        (Stat::PerMinute, _) => (stored, Unit::PerMinute),
        (Stat::PerHour, _) => (stored, Unit::PerHour),
        (Stat::PerDay, _) => (stored, Unit::PerDay),
        (_, Some(metric)) if metric.kind == MetricKind::Ratio => {
            (metric.shown(stored), if is_change { Unit::Pp } else { Unit::Percent })
        }
        (_, Some(metric)) => (metric.shown(stored), metric.unit),
        (_, None) => (stored, Unit::Count),
    };
    // The value of a relative limit is a percentage whatever the metric measures.
    let shown = match unit.convert(value, measure.unit) {
        Some(value) if is_change == measure.versus.is_some() => Quantity { value, unit: measure.unit },
        _ => Quantity { value, unit },
    };
    // One percentage less another is in points: -1% would be a part of the baseline.
    let is_points = is_change && !is_relative && shown.unit == Unit::Percent;
    Quantity { unit: if is_points { Unit::Pp } else { shown.unit }, ..shown }
}

pub(super) fn metric_of<'a>(subject: Subject, facts: &Facts<'a>) -> Option<&'a Metric> {
    match subject {
        Subject::Metric(id) => facts.ruleset.metrics.get(id.index()),
        Subject::Rollbacks => None,
    }
}

/// The metric's name, `rollgate.rollbacks` for the self-metric.
pub(super) fn name_of<'a>(subject: Subject, facts: &Facts<'a>) -> &'a str {
    metric_of(subject, facts).map_or("rollgate.rollbacks", |metric| metric.key.as_str())
}

/// The statistic where it says more than the metric's own name.
pub(super) fn stat_name(stat: Stat) -> Option<String> {
    (!matches!(stat, Stat::Fraction | Stat::Nps)).then(|| stat.to_string())
}

/// `daily mean`, `hourly mean`, `mean by 6h`.
pub(super) fn averaged(by: Span) -> String {
    match by {
        _ if by == Span::days(1) => "daily mean".into(),
        _ if by == Span::hours(1) => "hourly mean".into(),
        _ => format!("mean by {by}"),
    }
}

pub(super) fn limit_of(measure: &Measure, facts: &Facts<'_>) -> Quantity {
    shown(measure, measure.limit, measure.versus.is_some(), facts)
}

/// A number as a table shows it: a slope says what it is by.
pub(super) fn cell(measure: &Measure, quantity: Quantity) -> String {
    match measure.query.stat {
        Stat::GrowthPerDay if measure.versus.is_none() => format!("{quantity}/day"),
        _ => quantity.to_string(),
    }
}

/// The metrics of a group's members, with a blank behind them, where one name does not do for all.
pub(super) fn labels(members: &[Condition], facts: &Facts<'_>) -> Vec<String> {
    let subject = |member: &Condition| match &member.kind {
        ConditionKind::Measure(measure) => Some(name_of(measure.query.subject, facts)),
        ConditionKind::Trend(trend) => Some(name_of(Subject::Metric(trend.metric), facts)),
        _ => None,
    };
    let names: Vec<Option<&str>> = members.iter().map(subject).collect();
    let first = names.iter().flatten().next();
    let is_one = names.iter().flatten().all(|name| Some(name) == first);
    let label = |name: &Option<&str>| match name {
        Some(name) if !is_one => format!("{name} "),
        _ => String::new(),
    };
    names.iter().map(label).collect()
}

fn measure_target(measure: &Measure, facts: &Facts<'_>) -> String {
    let stat = match measure.query.stat {
        // The unit says it.
        Stat::PerMinute | Stat::PerHour | Stat::PerDay => String::new(),
        Stat::GrowthPerDay => "growth ".into(),
        stat => stat_name(stat).map(|name| name + " ").unwrap_or_default(),
    };
    let change = measure.versus.map_or("", |versus| match versus.change {
        Change::Difference => "difference to baseline ",
        Change::Relative => "change to baseline ",
    });
    let window = match measure.query.window {
        Window::Over(span) => Some(span.to_string()),
        Window::Phase => Some("phase".into()),
        Window::Latest(_) => None,
    };
    let by = measure.query.averaged_by.map(averaged);
    let sustained = measure.sustained.map(|sustained| format!("for {}", sustained.span));
    let notes: Vec<String> = by.into_iter().chain(window).chain(sustained).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let limit = cell(measure, limit_of(measure, facts));
    format!("{stat}{change}{} {limit}{notes}", measure.comparison.sign())
}

fn attest_target(attest: &Attest) -> String {
    match attest.all_of {
        Some(least) => format!("{least} of {least} passed"),
        None => "attested".into(),
    }
}

/// `5% worse`, `0.1 pp worse`.
pub(super) fn margin_of(compare: &Compare, facts: &Facts<'_>) -> String {
    let metric = facts.ruleset.metrics.get(compare.metric.index());
    let allowed = match (compare.margin, metric) {
        (Margin::Relative(part), _) => Quantity { value: part * 100.0, unit: Unit::Percent },
        (Margin::Absolute(margin), Some(metric)) if metric.kind == MetricKind::Ratio => {
            Quantity { value: metric.shown(margin), unit: Unit::Pp }
        }
        (Margin::Absolute(margin), metric) => {
            Quantity { value: margin, unit: metric.map_or(Unit::Count, |metric| metric.unit) }
        }
    };
    format!("{allowed} worse")
}

/// What the condition asks for.
pub(super) fn target_of(condition: &Condition, facts: &Facts<'_>) -> String {
    let joined = |members: &[Condition], with: &str| {
        let each = labels(members, facts).into_iter().zip(members);
        each.map(|(label, member)| label + &target_of(member, facts)).collect::<Vec<_>>().join(with)
    };
    match &condition.kind {
        ConditionKind::Measure(measure) => measure_target(measure, facts),
        ConditionKind::Trend(trend) => {
            let way = match trend.direction {
                TrendDirection::NotRising => "not rising",
                TrendDirection::NotFalling => "not falling",
            };
            let most = Quantity { value: trend.tolerance * 100.0, unit: Unit::Percent };
            match trend.window {
                Window::Over(span) | Window::Latest(span) => format!("{way} by over {most} ({span})"),
                Window::Phase => format!("{way} by over {most} (phase)"),
            }
        }
        ConditionKind::Alerts(severity, rule) => match rule {
            AlertRule::Count { within, comparison, limit } => {
                format!("{} alerts {} {limit} ({within})", severity.name(), comparison.sign())
            }
            AlertRule::QuietFor(span) => format!("no {} alert for {span}", severity.name()),
            AlertRule::OpenFor(span) => format!("a {} alert open for {span}", severity.name()),
        },
        ConditionKind::Compare(compare) => {
            let stat = stat_name(compare.stat).map(|name| name + " ").unwrap_or_default();
            format!("{stat}ON at most {} than OFF", margin_of(compare, facts))
        }
        ConditionKind::Attest(attest) => attest_target(attest),
        ConditionKind::ChecklistComplete => "complete".into(),
        ConditionKind::SharesAllZero => "all shares 0%".into(),
        ConditionKind::ShareAbove(flag, share) => {
            let flag = facts.ruleset.flags.get(flag.index()).map_or("flag", |flag| flag.key.as_str());
            format!("{flag} > {share}")
        }
        ConditionKind::PhaseFor(span) => format!("phase running for {span}"),
        ConditionKind::All(members) => joined(members, " and "),
        ConditionKind::Any(members) => joined(members, " or "),
        ConditionKind::Not(inner) => format!("not ({})", target_of(inner, facts)),
        ConditionKind::AtLeastOf(needed, members) => format!("{needed} of: {}", joined(members, ", ")),
    }
}
