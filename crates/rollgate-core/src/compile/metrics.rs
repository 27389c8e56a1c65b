//! Metrics, baselines, roles.

use super::flags::unknown;
use super::fleet::{scope, source};
use super::measure::bounded;
use super::reader::{Item, Reader};
use crate::id::{FlagId, Key, MetricId};
use crate::limits::{ARMS_MAX, METRICS_MAX, ROLES_MAX};
use crate::snapshot::{
    Baseline, BaselineSource, Direction, Flag, Metric, MetricKind, MetricView, RoleRule, Stat,
};
use crate::time::Span;
use crate::units::{Dimension, Unit};

const KINDS: [(&str, MetricKind); 5] = [
    ("distribution", MetricKind::Distribution),
    ("ratio", MetricKind::Ratio),
    ("gauge", MetricKind::Gauge),
    ("event", MetricKind::Event),
    ("score", MetricKind::Score),
];

const VIEWS: [(&str, MetricView); 3] = [
    ("realtime", MetricView::Realtime),
    ("performance", MetricView::Performance),
    ("capacity", MetricView::Capacity),
];

/// Compiles `metrics`.
pub(super) fn metrics(reader: &mut Reader, item: Option<Item<'_>>, flags: &[Flag]) -> Vec<Metric> {
    let Some(item) = item else { return Vec::new() };
    let mut metrics = Vec::new();
    for (key, at, item) in reader.named(&item, "a map of metrics", METRICS_MAX) {
        if key.starts_with("rollgate.") {
            let message = "metrics of the name `rollgate.` are built in";
            reader.error_help("invalid-key", &item.path, at, message, "give it another name");
            continue;
        }
        metrics.extend(metric(reader, key, &item, flags));
    }
    metrics
}

fn metric(reader: &mut Reader, key: &str, item: &Item<'_>, flags: &[Flag]) -> Option<Metric> {
    let mut map = reader.map(item, "a map of one metric")?;
    let kind = match map.take("kind") {
        Some(item) => reader.word(&item, &KINDS),
        None => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                format_args!("metric `{key}` has no kind"),
                "add `kind: distribution`, ratio, gauge, event or score",
            );
            None
        }
    };
    let default_unit = match kind {
        Some(MetricKind::Ratio) => Some(Unit::Percent),
        Some(MetricKind::Event) => Some(Unit::Count),
        Some(MetricKind::Score) => Some(Unit::Points),
        _ => None,
    };
    let unit = match map.take("unit") {
        Some(item) => unit(reader, &item),
        None if default_unit.is_none() && kind.is_some() => {
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                format_args!("metric `{key}` has no unit"),
                "add for example `unit: ms`, MB or count",
            );
            None
        }
        None => default_unit,
    };
    let good = match map.take("good") {
        Some(item) => reader.word(&item, &[("up", Direction::Up), ("down", Direction::Down)]),
        None if kind == Some(MetricKind::Distribution) => Some(Direction::Down),
        None => None,
    };
    let description = reader.opt_text(map.take("description"));
    let arms = arms(reader, map.take("arms"), flags);
    let gap = if kind == Some(MetricKind::Score) { Span::hours(48) } else { Span::minutes(10) };
    let max_gap = map.take("max_gap").and_then(|item| reader.span(&item, Span::seconds(1))).unwrap_or(gap);
    let view = map.take("view").and_then(|item| reader.word(&item, &VIEWS));
    let scope = scope(reader, map.take("scope"));
    let source = source(reader, map.take("source"), (kind, max_gap, scope));
    let is_curable = map.take("curable").and_then(|item| reader.flag(&item)).unwrap_or(true);
    reader.close(map);
    let (kind, unit) = (kind?, unit?);
    check_unit(reader, item, kind, unit, default_unit);
    Some(Metric {
        key: Key::new(key),
        description,
        kind,
        unit,
        good,
        arms,
        max_gap,
        is_curable,
        view,
        scope,
        source,
    })
}

/// Refuses a unit that no metric of this kind has.
fn check_unit(
    reader: &mut Reader,
    item: &Item<'_>,
    kind: MetricKind,
    unit: Unit,
    default_unit: Option<Unit>,
) {
    let fits = match kind {
        MetricKind::Ratio => unit == Unit::Percent,
        MetricKind::Event => unit == Unit::Count,
        MetricKind::Score => unit == Unit::Points,
        MetricKind::Distribution | MetricKind::Gauge => unit != Unit::Pp,
    };
    if !fits {
        let help = match default_unit {
            Some(unit) => format!("its unit is `{}`; leave `unit:` out", unit.symbol()),
            None => "write the unit of its values, such as ms or MB".to_owned(),
        };
        reader.error_help(
            "wrong-unit",
            &item.path,
            item.at(),
            format_args!("a {} cannot have the unit `{}`", kind.name(), unit.symbol()),
            help,
        );
    }
}

/// The flags whose arms its samples carry.
fn arms(reader: &mut Reader, item: Option<Item<'_>>, flags: &[Flag]) -> Vec<FlagId> {
    let Some(item) = item else { return Vec::new() };
    let mut arms: Vec<FlagId> = Vec::new();
    for item in reader.list(&item, "a list of flags", ARMS_MAX) {
        let Some(name) = reader.text(&item) else { continue };
        match flags.iter().position(|flag| flag.key == *name.as_str()) {
            Some(flag) if arms.contains(&FlagId(flag as u16)) => {
                let message = format!("`{name}` is listed already");
                reader.error_help("duplicate-entry", &item.path, item.at(), message, "remove one of the two");
            }
            Some(flag) => arms.push(FlagId(flag as u16)),
            None => {
                let known = flags.iter().map(|flag| flag.key.as_str());
                unknown(reader, "unknown-flag", "flag", &item, &name, known);
            }
        }
    }
    arms
}

fn unit(reader: &mut Reader, item: &Item<'_>) -> Option<Unit> {
    let symbol = reader.text(item)?;
    let unit = Unit::of_symbol(&symbol);
    if unit.is_none() {
        unknown(reader, "unknown-unit", "unit", item, &symbol, Unit::ALL.iter().map(|unit| unit.symbol()));
    }
    unit
}

/// Compiles `roles`.
pub(super) fn roles(reader: &mut Reader, item: Option<Item<'_>>) -> Vec<RoleRule> {
    let Some(item) = item else { return Vec::new() };
    let mut roles = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of roles", ROLES_MAX) {
        let Some(mut map) = reader.map(&item, "a map, or nothing") else { continue };
        let mut members = Vec::new();
        if let Some(item) = map.take("members") {
            for item in reader.list(&item, "a list of names", usize::MAX) {
                members.extend(reader.text(&item).map(Key::new));
            }
        }
        reader.close(map);
        roles.push(RoleRule { key: Key::new(key), members });
    }
    roles
}

/// The statistic of this name for a metric of this kind.
pub(super) fn stat_of(kind: MetricKind, name: &str) -> Option<Stat> {
    let is_plain = |digits: &&str| digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let quantile = name.strip_prefix('p').filter(is_plain).and_then(|digits| digits.parse::<f64>().ok());
    if let (MetricKind::Distribution, Some(percent)) = (kind, quantile) {
        return (percent > 0.0 && percent < 100.0).then(|| Stat::Quantile((percent * 1e4).round() / 1e6));
    }
    let stat = match name {
        "mean" => Stat::Mean,
        "min" => Stat::Min,
        "max" => Stat::Max,
        "count" => Stat::Count,
        "last" => Stat::Last,
        "growth_per_day" => Stat::GrowthPerDay,
        "per_minute" => Stat::PerMinute,
        "per_hour" => Stat::PerHour,
        "per_day" => Stat::PerDay,
        "nps" => Stat::Nps,
        "ratio" => Stat::Fraction,
        _ => return None,
    };
    let fits = match kind {
        MetricKind::Distribution => {
            matches!(stat, Stat::Mean | Stat::Min | Stat::Max | Stat::Count | Stat::PerMinute)
        }
        MetricKind::Ratio => matches!(stat, Stat::Fraction | Stat::Count),
        MetricKind::Gauge => {
            matches!(stat, Stat::Last | Stat::Mean | Stat::Min | Stat::Max | Stat::GrowthPerDay)
        }
        MetricKind::Event => matches!(stat, Stat::Count | Stat::PerMinute | Stat::PerHour | Stat::PerDay),
        MetricKind::Score => matches!(stat, Stat::Nps | Stat::Count),
    };
    fits.then_some(stat)
}

/// The names of a kind's statistics.
pub(super) const fn stats_of(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Distribution => "p50 .. p99.9, mean, min, max, count, per_minute",
        MetricKind::Ratio => "ratio (the default), count",
        MetricKind::Gauge => "last, mean, min, max, growth_per_day",
        MetricKind::Event => "count, per_minute, per_hour, per_day",
        MetricKind::Score => "nps (the default), count",
    }
}

/// The statistic that is meant where none is written.
pub(super) const fn default_stat(kind: MetricKind) -> Option<Stat> {
    match kind {
        MetricKind::Ratio => Some(Stat::Fraction),
        MetricKind::Score => Some(Stat::Nps),
        MetricKind::Distribution | MetricKind::Gauge | MetricKind::Event => None,
    }
}

/// Reads `stat`.
pub(super) fn stat(
    reader: &mut Reader,
    item: Option<Item<'_>>,
    metric: &Metric,
    path: &Item<'_>,
) -> Option<Stat> {
    let Some(item) = item else {
        let default = default_stat(metric.kind);
        if default.is_none() {
            reader.error_help(
                "missing-key",
                &path.path,
                path.key_at(),
                format_args!("which statistic of `{}` is meant is not said", metric.key),
                format_args!("add `stat:` with one of {}", stats_of(metric.kind)),
            );
        }
        return default;
    };
    let name = reader.text(&item)?;
    let stat = stat_of(metric.kind, &name);
    if stat.is_none() {
        reader.error_help(
            "wrong-stat",
            &item.path,
            item.at(),
            format_args!("a {} such as `{}` has no `{name}`", metric.kind.name(), metric.key),
            format_args!("it has {}", stats_of(metric.kind)),
        );
    }
    stat
}

/// A limit in the metric's own terms: a fraction for a ratio's value, the statistic's own time for a rate.
pub(super) fn limit(
    reader: &mut Reader,
    item: &Item<'_>,
    metric: &Metric,
    stat: Stat,
) -> Option<(f64, Unit)> {
    let (number, unit) = reader.quantity(item)?;
    let wanted = match stat {
        Stat::Count => Unit::Count,
        Stat::PerMinute => Unit::PerMinute,
        Stat::PerHour => Unit::PerHour,
        Stat::PerDay => Unit::PerDay,
        _ => metric.unit,
    };
    let bare_allowed = matches!(wanted.dimension(), Dimension::Count | Dimension::Points | Dimension::Rate);
    let unit = match unit {
        Some(unit) => unit,
        None if bare_allowed => wanted,
        None => {
            reader.error_help(
                "missing-unit",
                &item.path,
                item.at(),
                format_args!("`{number}` has no unit"),
                format_args!(
                    "`{}` is measured in {}; write for example {number}{}",
                    metric.key,
                    wanted.dimension(),
                    wanted.symbol()
                ),
            );
            return None;
        }
    };
    // A growth in a size is a size a day, and so on: its unit is that of the level.
    let Some(value) = unit.convert(number, wanted) else {
        reader.error_help(
            "wrong-unit",
            &item.path,
            item.at(),
            format_args!(
                "`{}` is {}, but `{}` is measured in {}",
                unit.symbol(),
                unit.dimension(),
                metric.key,
                wanted.dimension()
            ),
            format_args!("write it in {}", wanted.symbol()),
        );
        return None;
    };
    let is_fraction = metric.kind == MetricKind::Ratio && stat == Stat::Fraction;
    Some(if is_fraction { (value / 100.0, Unit::Percent) } else { (value, wanted) })
}

/// Compiles `baseline`.
pub(super) fn baselines(reader: &mut Reader, item: Option<Item<'_>>, metrics: &[Metric]) -> Vec<Baseline> {
    let Some(item) = item else { return Vec::new() };
    let mut baselines = Vec::new();
    for (key, _, item) in reader.named(&item, "a map of baselines", METRICS_MAX) {
        let Some(id) = metrics.iter().position(|metric| metric.key == *key) else {
            unknown(
                reader,
                "unknown-metric",
                "metric",
                &item,
                key,
                metrics.iter().map(|metric| metric.key.as_str()),
            );
            continue;
        };
        let metric = &metrics[id];
        let Some(mut map) = reader.map(&item, "a map with value or capture_over") else { continue };
        let stat = stat(reader, map.take("stat"), metric, &item);
        let (value, over) = (map.take("value"), map.take("capture_over"));
        let source = match (value, over) {
            (Some(value), None) => stat
                .and_then(|stat| limit(reader, &value, metric, stat))
                .map(|(value, _)| BaselineSource::Given(value)),
            (None, Some(over)) => bounded(reader, &over, Span::minutes(1)).map(BaselineSource::Captured),
            _ => {
                reader.error_help(
                    "missing-key",
                    &item.path,
                    item.key_at(),
                    "a baseline has either `value` or `capture_over`",
                    "write `value:` with what was measured, or `capture_over: 7d`",
                );
                None
            }
        };
        reader.close(map);
        if let (Some(stat), Some(source)) = (stat, source) {
            baselines.push(Baseline { metric: MetricId(id as u16), stat, source });
        }
    }
    baselines
}
