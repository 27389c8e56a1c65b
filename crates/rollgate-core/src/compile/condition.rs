//! Conditions: one subject, one comparison, and the keys that go with any.

use super::flags::unknown;
use super::metrics::{limit, stat};
use super::reader::{Item, Map, Reader};
use crate::id::{BaselineId, FlagId, Key, MetricId, RoleId, StreakId};
use crate::limits::{CONDITION_DEPTH_MAX, CONDITIONS_MAX, WINDOW_MAX_MS};
use crate::snapshot::{
    AlertRule, Attest, Baseline, Change, Compare, Comparison, Condition, ConditionKind, Direction, Flag,
    Margin, Measure, Metric, MetricKind, MinSamples, OnNoData, Query, RoleRule, Severity, Stat, Subject,
    Sustained, Trend, TrendDirection, Versus, Window,
};
use crate::time::Span;
use crate::units::Unit;

/// What conditions refer to.
pub(super) struct Names<'a> {
    pub(super) flags: &'a [Flag],
    pub(super) metrics: &'a [Metric],
    pub(super) roles: &'a [RoleRule],
    pub(super) baselines: &'a [Baseline],
    pub(super) streaks: usize,
}

/// Where a condition stands: gates ask for coverage and may fail without data, triggers may fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Gate,
    Trigger,
    Shown,
}

const SEVERITIES: [(&str, Severity); 3] =
    [("info", Severity::Info), ("warning", Severity::Warning), ("critical", Severity::Critical)];
const COMPARISONS: [(&str, Comparison); 4] = [
    ("below", Comparison::Below),
    ("above", Comparison::Above),
    ("at_most", Comparison::AtMost),
    ("at_least", Comparison::AtLeast),
];

/// Compiles a condition that stands in a map of its own.
pub(super) fn condition(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Condition> {
    let mut map = reader.map(item, "a condition: a map with a subject and a comparison")?;
    let condition = as_written(reader, names, &mut map, item, usage, depth);
    reader.close(map);
    condition
        .map(|condition| if depth == 0 { inherited(condition, Group::default(), usage) } else { condition })
}

/// Compiles the condition whose keys are in `map`; the caller closes it.
pub(super) fn condition_in(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
) -> Option<Condition> {
    as_written(reader, names, map, item, usage, 0)
        .map(|condition| inherited(condition, Group::default(), usage))
}

/// What a group's keys say for its members.
#[derive(Clone, Copy, Default)]
struct Group {
    coverage: Option<f64>,
    warn_within: Option<f64>,
}

/// Gives the members of groups what the group says, and gates over an hour their coverage.
fn inherited(mut condition: Condition, group: Group, usage: Use) -> Condition {
    condition.only_if = condition.only_if.map(|asked| Box::new(inherited(*asked, Group::default(), usage)));
    let group = Group {
        coverage: condition.coverage.or(group.coverage),
        warn_within: condition.warn_within.or(group.warn_within),
    };
    let each =
        |members: Vec<Condition>| members.into_iter().map(|inner| inherited(inner, group, usage)).collect();
    condition.kind = match condition.kind {
        ConditionKind::All(members) => ConditionKind::All(each(members)),
        ConditionKind::Any(members) => ConditionKind::Any(each(members)),
        ConditionKind::AtLeastOf(needed, members) => ConditionKind::AtLeastOf(needed, each(members)),
        ConditionKind::Not(inner) => ConditionKind::Not(Box::new(inherited(*inner, group, usage))),
        leaf => {
            let is_long = window_of(&leaf).is_some_and(|span| span > Span::hours(1));
            condition.coverage = group.coverage.or((usage == Use::Gate && is_long).then_some(0.9));
            condition.warn_within = group.warn_within;
            leaf
        }
    };
    condition
}

/// A condition as it is written, before its groups and defaults are looked at.
fn as_written(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Condition> {
    if depth > CONDITION_DEPTH_MAX {
        reader.error(
            "too-deep",
            &item.path,
            item.at(),
            format_args!("groups lie more than {CONDITION_DEPTH_MAX} deep"),
        );
        return None;
    }
    let only_if =
        map.take("only_if").and_then(|item| condition(reader, names, &item, usage, depth + 1)).map(Box::new);
    let warn_within = map.take("warn_within").and_then(|item| reader.part(&item));
    let act = if usage == Use::Trigger { "fire" } else { "fail" };
    let on_no_data = map
        .take("on_no_data")
        .and_then(|item| reader.word(&item, &[("hold", OnNoData::Hold), (act, OnNoData::Act)]))
        .unwrap_or_default();
    let coverage = map.take("coverage").and_then(|item| reader.part(&item));
    const SUBJECTS: [&str; 12] = [
        "metric",
        "alerts",
        "compare",
        "attest",
        "checklist",
        "shares",
        "flag",
        "phase_for",
        "all",
        "any",
        "not",
        "at_least_of",
    ];
    let written: Vec<&str> = SUBJECTS
        .into_iter()
        .filter(|subject| map.has(subject) && !(*subject == "flag" && map.has("compare")))
        .collect();
    let kind = match written[..] {
        [one] => subject(reader, names, map, item, usage, depth, one),
        [] => {
            reader.error_help(
                "no-subject",
                &item.path,
                item.at(),
                "the condition says nothing about what it is of",
                format_args!("add one of {}", SUBJECTS.join(", ")),
            );
            SUBJECTS.into_iter().for_each(|subject| drop(map.take(subject)));
            None
        }
        _ => {
            reader.error(
                "two-subjects",
                &item.path,
                item.at(),
                format_args!("a condition has one subject, this one has {}", written.join(" and ")),
            );
            SUBJECTS.into_iter().for_each(|subject| drop(map.take(subject)));
            None
        }
    }?;
    Some(Condition { only_if, warn_within, on_no_data, coverage, kind })
}

/// The window of a condition, `for` included; a phase-long one is longer than any.
fn window_of(kind: &ConditionKind) -> Option<Span> {
    let of = |window: Window| match window {
        Window::Over(span) => Some(span),
        Window::Phase => Some(Span(u64::MAX)),
        Window::Latest(_) => None,
    };
    match kind {
        ConditionKind::Measure(measure) => {
            of(measure.query.window).max(measure.sustained.map(|sustained| sustained.span))
        }
        ConditionKind::Trend(trend) => of(trend.window),
        ConditionKind::Alerts(_, AlertRule::QuietFor(span) | AlertRule::Count { within: span, .. }) => {
            Some(*span)
        }
        _ => None,
    }
}

fn subject(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
    subject: &'static str,
) -> Option<ConditionKind> {
    let value = map.take(subject)?;
    match subject {
        "metric" => metric(reader, names, map, item, &value),
        "alerts" => alerts(reader, map, item, &value),
        "compare" => compare(reader, names, map, item, &value),
        "attest" => attest(reader, names, map, &value),
        "checklist" => reader.word(&value, &[("complete", ())]).map(|()| ConditionKind::ChecklistComplete),
        "shares" => reader.word(&value, &[("all_zero", ())]).map(|()| ConditionKind::SharesAllZero),
        "flag" => {
            let flag = flag(reader, names, &value);
            let share = map.take("share_above").or_else(|| missing(reader, item, "share_above", "a share"));
            let share = share.and_then(|item| reader.share(&item));
            Some(ConditionKind::ShareAbove(flag?, share?))
        }
        "phase_for" => reader.span(&value, Span(1)).map(ConditionKind::PhaseFor),
        "not" => condition(reader, names, &value, usage, depth + 1)
            .map(|inner| ConditionKind::Not(Box::new(inner))),
        "all" => group(reader, names, &value, usage, depth).map(ConditionKind::All),
        "any" => group(reader, names, &value, usage, depth).map(ConditionKind::Any),
        _ => {
            let mut map = reader.map(&value, "a map with n and conditions")?;
            let n = map.take("n").and_then(|item| reader.whole(&item, 1));
            let inner = map.take("conditions").and_then(|item| group(reader, names, &item, usage, depth));
            reader.close(map);
            let (n, inner) = (n?, inner?);
            if n > inner.len() as u64 {
                reader.error(
                    "out-of-range",
                    &value.path,
                    value.at(),
                    format_args!("{n} of {} conditions can never hold", inner.len()),
                );
            }
            Some(ConditionKind::AtLeastOf(n as usize, inner))
        }
    }
}

fn missing<'a>(reader: &mut Reader, item: &Item<'_>, key: &str, what: &str) -> Option<Item<'a>> {
    reader.error_help(
        "missing-key",
        &item.path,
        item.at(),
        format_args!("`{key}` is missing"),
        format_args!("add `{key}:` with {what}"),
    );
    None
}

fn group(
    reader: &mut Reader,
    names: &mut Names<'_>,
    item: &Item<'_>,
    usage: Use,
    depth: usize,
) -> Option<Vec<Condition>> {
    let items = reader.list(item, "a list of conditions", CONDITIONS_MAX);
    if items.is_empty() {
        reader.error("empty-group", &item.path, item.at(), "a group needs at least one condition");
        return None;
    }
    let written = items.len();
    let inner: Vec<Condition> =
        items.iter().filter_map(|item| condition(reader, names, item, usage, depth + 1)).collect();
    (inner.len() == written).then_some(inner)
}

fn flag(reader: &mut Reader, names: &Names<'_>, item: &Item<'_>) -> Option<FlagId> {
    let name = reader.text(item)?;
    let found = names.flags.iter().position(|flag| flag.key == *name.as_str());
    if found.is_none() {
        unknown(
            reader,
            "unknown-flag",
            "flag",
            item,
            &name,
            names.flags.iter().map(|flag| flag.key.as_str()),
        );
    }
    found.map(|index| FlagId(index as u16))
}

fn find_metric<'n>(
    reader: &mut Reader,
    names: &Names<'n>,
    item: &Item<'_>,
) -> Option<(MetricId, &'n Metric)> {
    let name = reader.text(item)?;
    let found = names.metrics.iter().position(|metric| metric.key == *name.as_str());
    if found.is_none() {
        unknown(
            reader,
            "unknown-metric",
            "metric",
            item,
            &name,
            names.metrics.iter().map(|metric| metric.key.as_str()),
        );
    }
    found.map(|index| (MetricId(index as u16), &names.metrics[index]))
}

/// Reads the roles of a list.
pub(super) fn roles(reader: &mut Reader, names: &[RoleRule], item: Option<Item<'_>>) -> Vec<RoleId> {
    let Some(item) = item else { return Vec::new() };
    let mut roles = Vec::new();
    for item in reader.list(&item, "a list of roles", CONDITIONS_MAX) {
        let Some(name) = reader.text(&item) else { continue };
        match names.iter().position(|role| role.key == *name.as_str()) {
            Some(role) => roles.push(RoleId(role as u16)),
            None => unknown(
                reader,
                "unknown-role",
                "role",
                &item,
                &name,
                names.iter().map(|role| role.key.as_str()),
            ),
        }
    }
    roles
}

/// The one comparison and its value.
fn comparison<'a>(reader: &mut Reader, map: &mut Map<'a>, item: &Item<'_>) -> Option<(Comparison, Item<'a>)> {
    let mut found: Vec<(Comparison, Item<'a>)> = Vec::new();
    for (key, comparison) in COMPARISONS {
        found.extend(map.take(key).map(|item| (comparison, item)));
    }
    match found.len() {
        1 => found.pop(),
        0 => {
            reader.error_help(
                "no-comparison",
                &item.path,
                item.at(),
                "a measurement needs a limit",
                "add one of below, above, at_most, at_least",
            );
            None
        }
        _ => {
            reader.error(
                "two-comparisons",
                &item.path,
                item.at(),
                "a measurement has one limit; write two conditions under `all`",
            );
            None
        }
    }
}

fn window(reader: &mut Reader, item: Option<Item<'_>>) -> Option<Option<Window>> {
    let Some(item) = item else { return Some(None) };
    if reader.raw(&item, "a length of time, or `phase`")? == "phase" {
        return Some(Some(Window::Phase));
    }
    let span = reader.span(&item, Span::seconds(1))?;
    if span.0 > WINDOW_MAX_MS {
        reader.error(
            "out-of-range",
            &item.path,
            item.at(),
            format_args!("windows reach back {} at most", Span(WINDOW_MAX_MS)),
        );
        return None;
    }
    Some(Some(Window::Over(span)))
}

fn metric(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let rollbacks = Metric {
        key: Key::new("rollgate.rollbacks"),
        description: String::new(),
        kind: MetricKind::Event,
        unit: Unit::Count,
        good: Some(Direction::Down),
        arms: Vec::new(),
        max_gap: Span::minutes(10),
        is_curable: true,
    };
    let is_rollbacks = reader.raw(value, "a metric's key")? == "rollgate.rollbacks";
    let found = if is_rollbacks {
        Some((Subject::Rollbacks, &rollbacks))
    } else {
        find_metric(reader, names, value).map(|(id, metric)| (Subject::Metric(id), metric))
    };
    if map.has("trend") {
        return trend(reader, map, item, found?);
    }
    // Everything is asked for before anything is given up, so that all problems are found at once.
    let stat_item = map.take("stat");
    let window_item = map.take("over");
    let sustained = map.take("for").and_then(|item| reader.span(&item, Span::seconds(1)));
    let averaged_by = map.take("averaged_by").and_then(|item| reader.span(&item, Span::minutes(1)));
    let min_samples = map.take("min_samples").and_then(|item| reader.whole(&item, 0));
    let versus = map.take("versus").and_then(|item| reader.word(&item, &[("baseline", ())]));
    let change = map.take("change").and_then(|item| {
        reader.word(&item, &[("difference", Change::Difference), ("relative", Change::Relative)])
    });
    let limit_item = comparison(reader, map, item);
    let window = window(reader, window_item)?;
    let (subject, metric) = found?;
    let stat = stat(reader, stat_item, metric, item)?;
    let window = match window {
        Some(window) => window,
        None if sustained.is_some() => Window::Over(Span::minutes(1)),
        None if stat == Stat::Last => Window::Latest(metric.max_gap),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
                "how far back the window reaches is not said",
                "add `over:` with a length of time, or `over: phase`",
            );
            return None;
        }
    };
    let (comparison, limit_item) = limit_item?;
    let (limit, unit) = match (versus, change) {
        (Some(()), Some(Change::Relative)) => (signed_part(reader, &limit_item)?, Unit::Percent),
        _ => limit(reader, &limit_item, metric, stat)?,
    };
    if versus.is_some() && change.is_none() {
        let _ = missing(reader, item, "change", "difference or relative");
    }
    let versus = versus.zip(change).map(|((), change)| {
        let of = |baseline: &Baseline| Subject::Metric(baseline.metric) == subject && baseline.stat == stat;
        Versus { baseline: names.baselines.iter().position(of).map(|index| BaselineId(index as u16)), change }
    });
    let sustained = sustained.map(|span| {
        names.streaks += 1;
        Sustained { streak: StreakId((names.streaks - 1) as u16), span }
    });
    let default = match (metric.kind, stat) {
        (_, Stat::Quantile(q)) => (10.0 / (1.0 - q) - 1e-6).ceil() as u64,
        // How many there are is not an estimate: a trigger on too few must not wait for more.
        (MetricKind::Distribution | MetricKind::Ratio, Stat::Count | Stat::PerMinute) => 1,
        (MetricKind::Distribution | MetricKind::Ratio, _) => 10,
        (MetricKind::Gauge | MetricKind::Score, _) => 1,
        (MetricKind::Event, _) => 0,
    };
    let min_samples = MinSamples { count: min_samples.unwrap_or(default), is_given: min_samples.is_some() };
    let query = Query { subject, stat, window, averaged_by };
    Some(ConditionKind::Measure(Measure { query, comparison, limit, unit, sustained, min_samples, versus }))
}

/// A percentage that may be negative: a change.
fn signed_part(reader: &mut Reader, item: &Item<'_>) -> Option<f64> {
    match reader.quantity(item)? {
        (number, Some(Unit::Percent)) => Some(number / 100.0),
        (number, _) => {
            reader.error_help(
                "missing-unit",
                &item.path,
                item.at(),
                format_args!("`{number}` is not a relative change"),
                "write a percentage such as 5%",
            );
            None
        }
    }
}

fn trend(
    reader: &mut Reader,
    map: &mut Map<'_>,
    item: &Item<'_>,
    found: (Subject, &Metric),
) -> Option<ConditionKind> {
    let direction = map.take("trend").and_then(|item| {
        reader.word(
            &item,
            &[("not_rising", TrendDirection::NotRising), ("not_falling", TrendDirection::NotFalling)],
        )
    });
    let over = map.take("over").or_else(|| missing(reader, item, "over", "a length of time"));
    let window = window(reader, over);
    let tolerance = map.take("tolerance").or_else(|| {
        missing(reader, item, "tolerance", "a percentage: what the level may drift in the window")
    });
    let tolerance = tolerance.and_then(|item| reader.part(&item));
    let Subject::Metric(metric) = found.0 else {
        reader.error("wrong-kind", &item.path, item.at(), "a trend is of a gauge or a distribution");
        return None;
    };
    if !matches!(found.1.kind, MetricKind::Gauge | MetricKind::Distribution) {
        reader.error(
            "wrong-kind",
            &item.path,
            item.at(),
            format_args!(
                "`{}` is a {}; a trend is of a gauge or a distribution",
                found.1.key,
                found.1.kind.name()
            ),
        );
        return None;
    }
    Some(ConditionKind::Trend(Trend {
        metric,
        direction: direction?,
        window: window??,
        tolerance: tolerance?,
    }))
}

fn alerts(
    reader: &mut Reader,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let severity = reader.word(value, &SEVERITIES);
    let quiet = map.take("quiet_for");
    let open = map.take("open_for");
    let within = map.take("within");
    let rule = match (quiet, open, within) {
        (Some(quiet), None, None) => reader.span(&quiet, Span::seconds(1)).map(AlertRule::QuietFor),
        (None, Some(open), None) => reader.span(&open, Span::seconds(1)).map(AlertRule::OpenFor),
        (None, None, Some(within)) => {
            let within = reader.span(&within, Span::seconds(1));
            let limit = comparison(reader, map, item)
                .and_then(|(comparison, item)| Some((comparison, reader.whole(&item, 0)?)));
            within.zip(limit).map(|(within, (comparison, limit))| AlertRule::Count {
                within,
                comparison,
                limit,
            })
        }
        _ => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.at(),
                "what is asked of the alerts is not said",
                "add `within:` with a comparison, or `quiet_for:`, or `open_for:`",
            );
            None
        }
    };
    Some(ConditionKind::Alerts(severity?, rule?))
}

fn compare(
    reader: &mut Reader,
    names: &Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let found = find_metric(reader, names, value);
    let flag_item =
        map.take("flag").or_else(|| missing(reader, item, "flag", "the flag whose arms are compared"));
    let flag_id = flag_item.as_ref().and_then(|item| flag(reader, names, item));
    let stat_item = map.take("stat");
    let margin_item = map
        .take("not_worse_by")
        .or_else(|| missing(reader, item, "not_worse_by", "a margin such as 5% or 0.1pp"));
    let confidence = match map.take("confidence") {
        Some(item) => reader.part(&item),
        None => Some(0.95),
    };
    let margin = margin_item.as_ref().and_then(|item| reader.quantity(item));
    let (id, metric) = found?;
    let stat = stat(reader, stat_item, metric, item)?;
    let (flag_id, margin_item, (number, unit), confidence) = (flag_id?, margin_item?, margin?, confidence?);
    if !metric.arms.contains(&flag_id) {
        reader.error_help(
            "not-an-arm",
            &item.path,
            item.at(),
            format_args!("`{}` does not record the arms of this flag", metric.key),
            format_args!("add it to `arms:` of metric `{}`", metric.key),
        );
    }
    if !matches!(metric.kind, MetricKind::Distribution | MetricKind::Ratio)
        || !matches!(stat, Stat::Quantile(_) | Stat::Mean | Stat::Fraction)
    {
        reader.error(
            "wrong-stat",
            &item.path,
            item.at(),
            "ON and OFF are compared by a quantile, a mean or a ratio",
        );
        return None;
    }
    let Some(good) = metric.good else {
        reader.error_help(
            "missing-key",
            &item.path,
            item.at(),
            format_args!("which way `{}` is better is not said", metric.key),
            "add `good: up` or `good: down` to the metric",
        );
        return None;
    };
    if !(0.5 < confidence && confidence < 1.0) {
        reader.error("out-of-range", &item.path, item.at(), "confidence lies above 50% and below 100%");
    }
    let margin = match unit {
        Some(Unit::Percent) => Margin::Relative(number / 100.0),
        Some(Unit::Pp) if metric.kind == MetricKind::Ratio => Margin::Absolute(number / 100.0),
        Some(unit) => match unit.convert(number, metric.unit) {
            Some(value) => Margin::Absolute(value),
            None => {
                reader.error(
                    "wrong-unit",
                    &margin_item.path,
                    margin_item.at(),
                    format_args!(
                        "`{}` is {}; `{}` is measured in {}",
                        unit.symbol(),
                        unit.dimension(),
                        metric.key,
                        metric.unit.dimension()
                    ),
                );
                return None;
            }
        },
        None => {
            reader.error_help(
                "missing-unit",
                &margin_item.path,
                margin_item.at(),
                format_args!("`{number}` has no unit"),
                "write 5% (relative), 0.1pp or a unit (absolute)",
            );
            return None;
        }
    };
    Some(ConditionKind::Compare(Compare { metric: id, stat, flag: flag_id, margin, confidence, good }))
}

fn attest(
    reader: &mut Reader,
    names: &Names<'_>,
    map: &mut Map<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let item = reader.text(value)?;
    let roles = roles(reader, names.roles, map.take("roles"));
    let all_of = map.take("all_of").and_then(|item| reader.whole(&item, 1));
    Some(ConditionKind::Attest(Attest { item: Key::new(item), roles, all_of }))
}
