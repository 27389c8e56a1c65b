//! Measurements against limits, and trends.

use super::condition::{Names, missing};
use super::flags::unknown;
use super::metrics::{limit, stat};
use super::reader::{Item, Map, Reader};
use crate::id::{BaselineId, Key, MetricId, StreakId};
use crate::limits::WINDOW_MAX_MS;
use crate::snapshot::{
    Baseline, Change, Comparison, ConditionKind, Direction, Measure, Metric, MetricKind, MinSamples, Query,
    Stat, Subject, Sustained, Trend, TrendDirection, Versus, Window,
};
use crate::time::Span;
use crate::units::{Dimension, Unit};

pub(super) const COMPARISONS: [(&str, Comparison); 4] = [
    ("below", Comparison::Below),
    ("above", Comparison::Above),
    ("at_most", Comparison::AtMost),
    ("at_least", Comparison::AtLeast),
];

/// The metric whose rollbacks are counted for every plan.
fn rollbacks() -> Metric {
    Metric {
        key: Key::new("rollgate.rollbacks"),
        description: String::new(),
        kind: MetricKind::Event,
        unit: Unit::Count,
        good: Some(Direction::Down),
        arms: Vec::new(),
        max_gap: Span::minutes(10),
        is_curable: true,
        view: None,
        scope: Default::default(),
        source: None,
    }
}

/// The metric of this name.
pub(super) fn find_metric<'n>(
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

/// The one comparison and its value.
pub(super) fn comparison<'a>(
    reader: &mut Reader,
    map: &mut Map<'a>,
    item: &Item<'_>,
) -> Option<(Comparison, Item<'a>)> {
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
                item.key_at(),
                "a measurement needs a limit",
                "add one of below, above, at_most, at_least",
            );
            None
        }
        _ => {
            reader.error_help(
                "two-comparisons",
                &item.path,
                item.key_at(),
                "a measurement has one limit, this one has more",
                "write two conditions under `all`",
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
    Some(Some(Window::Over(bounded(reader, &item, Span::seconds(1))?)))
}

/// The keys of a measurement. All of them are read before anything is given up, so that all problems are found at once.
struct Written<'a> {
    stat: Option<Item<'a>>,
    /// `Some(None)`: none is written.
    window: Option<Option<Window>>,
    sustained: Option<Option<Span>>,
    averaged: Option<Item<'a>>,
    averaged_by: Option<Span>,
    min_samples: Option<(Item<'a>, u64)>,
    versus: Option<Option<Change>>,
    limit: Option<(Comparison, Item<'a>)>,
}

impl<'a> Written<'a> {
    fn read(reader: &mut Reader, map: &mut Map<'a>, item: &Item<'_>) -> Self {
        let stat = map.take("stat");
        let window = window(reader, map.take("over"));
        let sustained = map.take("for").map(|item| bounded(reader, &item, Span::seconds(1)));
        let averaged = map.take("averaged_by");
        let averaged_by = averaged.as_ref().and_then(|item| reader.span(item, Span::minutes(1)));
        let min_samples = map.take("min_samples");
        let min_samples = min_samples.and_then(|item| reader.whole(&item, 0).map(|count| (item, count)));
        let versus = versus(reader, map, item);
        let limit = comparison(reader, map, item);
        if let (Some(Some(Window::Over(over))), Some(by), Some(item)) = (window, averaged_by, &averaged)
            && by > over
        {
            let message = format!("parts of {by} do not fit into a window of {over}");
            let help = "shorten `averaged_by`, or lengthen `over`";
            reader.error_help("out-of-range", &item.path, item.at(), message, help);
        }
        Self { stat, window, sustained, averaged, averaged_by, min_samples, versus, limit }
    }

    /// Refuses means over parts of a window for what has none.
    fn check_averaged(&self, reader: &mut Reader, stat: Stat) {
        let Some(item) = &self.averaged else { return };
        if stat.per().is_some() || matches!(stat, Stat::Count | Stat::Last | Stat::GrowthPerDay) {
            reader.error_help(
                "wrong-stat",
                &item.path,
                item.at(),
                format_args!("{stat} is not averaged over parts of its window"),
                "leave `averaged_by` out, and write a rate such as per_day where a mean of counts is meant",
            );
        }
    }

    /// Answers of a server are counted as often as it is asked, and say nothing of how many people gave a rating.
    fn check_answers(&self, reader: &mut Reader, metric: &Metric, stat: Stat, item: &Item<'_>) {
        if metric.source.is_none() || metric.kind != MetricKind::Score {
            return;
        }
        let help = "ask in the query that there are enough, such as `nps and on() ratings_total > 30`";
        if let Some((item, _)) = &self.min_samples {
            let message = format_args!("answers for `{}` are no ratings that could be counted", metric.key);
            reader.error_help("wrong-source", &item.path, item.at(), message, help);
        } else if stat == Stat::Count {
            let message = format_args!("answers for `{}` are no ratings that could be counted", metric.key);
            reader.error_help("wrong-source", &item.path, item.key_at(), message, help);
        }
    }

    /// The window that is written, or the one that goes without saying.
    fn window(&self, reader: &mut Reader, metric: &Metric, stat: Stat, item: &Item<'_>) -> Option<Window> {
        match self.window? {
            Some(window) => Some(window),
            None if self.sustained.is_some() => Some(Window::Over(Span::minutes(1))),
            None if stat == Stat::Last => Some(Window::Latest(metric.max_gap)),
            None => {
                let _ = missing(reader, item, "over", "how far back it looks: a length of time, or phase");
                None
            }
        }
    }
}

/// Compiles a measurement or a trend.
pub(super) fn metric(
    reader: &mut Reader,
    names: &mut Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    let rollbacks = rollbacks();
    let found = match reader.raw(value, "a metric's key") {
        Some("rollgate.rollbacks") => Some((Subject::Rollbacks, &rollbacks)),
        Some(_) => find_metric(reader, names, value).map(|(id, metric)| (Subject::Metric(id), metric)),
        None => None,
    };
    if map.has("trend") {
        return trend(reader, map, item, found);
    }
    let written = Written::read(reader, map, item);
    let Some((subject, metric)) = found else {
        // What is no number is none in any metric's unit.
        let _ = written.limit.and_then(|(_, item)| reader.quantity(&item));
        return None;
    };
    let stat = stat(reader, written.stat.clone(), metric, item);
    let limit = match (&written.limit, stat) {
        (Some((_, item)), Some(stat)) => measured_limit(reader, item, metric, stat, written.versus),
        _ => None,
    };
    let stat = stat?;
    written.check_averaged(reader, stat);
    written.check_answers(reader, metric, stat, item);
    let window = written.window(reader, metric, stat, item)?;
    let (comparison, limit_item) = written.limit.as_ref()?;
    let (limit, unit) = limit?;
    let change = written.versus?;
    let versus =
        change.map(|change| versus_baseline(reader, names, limit_item, (subject, metric, stat), change));
    let sustained = match written.sustained {
        Some(span) => {
            names.streaks += 1;
            Some(Sustained { streak: StreakId((names.streaks - 1) as u32), span: span? })
        }
        None => None,
    };
    let given = written.min_samples.as_ref().map(|(_, count)| *count);
    let count = given.unwrap_or(default_samples(metric.kind, stat));
    let min_samples = MinSamples { count, is_given: given.is_some() };
    let query = Query { subject, stat, window, averaged_by: written.averaged_by };
    let comparison = *comparison;
    Some(ConditionKind::Measure(Measure { query, comparison, limit, unit, sustained, min_samples, versus }))
}

/// The baseline that a change is measured from; without one it is never decided.
fn versus_baseline(
    reader: &mut Reader,
    names: &Names<'_>,
    item: &Item<'_>,
    (subject, metric, stat): (Subject, &Metric, Stat),
    change: Change,
) -> Versus {
    let of = |baseline: &Baseline| Subject::Metric(baseline.metric) == subject && baseline.stat == stat;
    let baseline = names.baselines.iter().position(of).map(|index| BaselineId(index as u16));
    if baseline.is_none() {
        let message = format!("{stat} of `{}` has no baseline, so this is never decided", metric.key);
        let help = format!("add `{}: {{ stat: {stat}, capture_over: 7d }}` to `baseline:`", metric.key);
        reader.warn("no-baseline", &item.path, item.at(), message, help);
    }
    Versus { baseline, change }
}

/// How many samples a measurement needs where nothing is written (SEMANTICS 4.1).
pub fn default_samples(kind: MetricKind, stat: Stat) -> u64 {
    match (kind, stat) {
        (_, Stat::Quantile(q)) => (10.0 / (1.0 - q) - 1e-6).ceil() as u64,
        // How many there are is not an estimate: a trigger on too few must not wait for more.
        (MetricKind::Distribution | MetricKind::Ratio, Stat::Count | Stat::PerMinute) => 1,
        (MetricKind::Distribution | MetricKind::Ratio, _) => 10,
        (MetricKind::Gauge | MetricKind::Score, _) => 1,
        (MetricKind::Event, _) => 0,
    }
}

/// `versus` and `change`; `None` where they are not right.
fn versus(reader: &mut Reader, map: &mut Map<'_>, item: &Item<'_>) -> Option<Option<Change>> {
    let versus = map.take("versus").map(|item| reader.word(&item, &[("baseline", ())]));
    let change = map.take("change").map(|item| {
        reader.word(&item, &[("difference", Change::Difference), ("relative", Change::Relative)])
    });
    match (versus, change) {
        (None, None) => Some(None),
        (Some(versus), Some(change)) => versus.and(change).map(Some),
        (Some(_), None) => missing(reader, item, "change", "difference or relative").and(None),
        (None, Some(_)) => missing(reader, item, "versus", "baseline").and(None),
    }
}

/// The limit of a measurement: a change may be negative, a value that cannot be is refused.
fn measured_limit(
    reader: &mut Reader,
    item: &Item<'_>,
    metric: &Metric,
    stat: Stat,
    versus: Option<Option<Change>>,
) -> Option<(f64, Unit)> {
    if let Some(Some(Change::Relative)) = versus {
        return Some((signed_part(reader, item)?, Unit::Percent));
    }
    let (value, unit) = limit(reader, item, metric, stat)?;
    if versus == Some(None) {
        let least = match (metric.kind, unit.dimension()) {
            (MetricKind::Score, Dimension::Points) => -100.0,
            (MetricKind::Gauge, Dimension::Size) if stat != Stat::GrowthPerDay => 0.0,
            (MetricKind::Gauge, _) => f64::NEG_INFINITY,
            _ => 0.0,
        };
        let most = match (metric.kind, unit.dimension()) {
            (MetricKind::Score, Dimension::Points) => 100.0,
            (MetricKind::Ratio, Dimension::Part) => 1.0,
            _ => f64::INFINITY,
        };
        if !(least..=most).contains(&value) {
            let why = match (metric.kind, unit.dimension()) {
                (MetricKind::Score, Dimension::Points) => "it lies between -100 and 100 points",
                (MetricKind::Ratio, Dimension::Part) => "it lies between 0% and 100%",
                _ => "it is never below zero",
            };
            let message = format!("{stat} of `{}` can never reach this limit: {why}", metric.key);
            reader.error_help(
                "out-of-range",
                &item.path,
                item.at(),
                message,
                "write a limit that it can reach",
            );
            return None;
        }
    }
    Some((value, unit))
}

/// A span that a window can have.
pub(super) fn bounded(reader: &mut Reader, item: &Item<'_>, least: Span) -> Option<Span> {
    let span = reader.span(item, least)?;
    if span.0 > WINDOW_MAX_MS {
        let message = format!("windows reach back {} at most", Span(WINDOW_MAX_MS));
        reader.error_help("out-of-range", &item.path, item.at(), message, "write a shorter one");
        return None;
    }
    Some(span)
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
    found: Option<(Subject, &Metric)>,
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
    let (subject, of) = found?;
    let Subject::Metric(metric) = subject else {
        let message = "a trend is of a gauge or a distribution";
        reader.error_help("wrong-kind", &item.path, item.key_at(), message, "name such a metric, or a limit");
        return None;
    };
    if !matches!(of.kind, MetricKind::Gauge | MetricKind::Distribution) {
        reader.error_help(
            "wrong-kind",
            &item.path,
            item.key_at(),
            format_args!("`{}` is a {}; a trend is of a gauge or a distribution", of.key, of.kind.name()),
            "name such a metric, or write a limit in the place of `trend:`",
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
