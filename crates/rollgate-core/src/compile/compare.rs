//! ON against OFF.

use super::condition::{Names, flag, missing};
use super::measure::find_metric;
use super::metrics::stat;
use super::reader::{Item, Map, Reader};
use crate::snapshot::{Compare, ConditionKind, Margin, Metric, MetricKind, Stat};
use crate::units::Unit;

/// Compiles ON against OFF.
pub(super) fn compare(
    reader: &mut Reader,
    names: &Names<'_>,
    map: &mut Map<'_>,
    item: &Item<'_>,
    value: &Item<'_>,
) -> Option<ConditionKind> {
    // Every key is read before anything is given up, so that all problems are found at once.
    let found = find_metric(reader, names, value);
    let flag_item =
        map.take("flag").or_else(|| missing(reader, item, "flag", "the flag whose arms are compared"));
    let flag_id = flag_item.as_ref().and_then(|item| flag(reader, names, item));
    let stat_item = map.take("stat");
    let margin_item = map
        .take("not_worse_by")
        .or_else(|| missing(reader, item, "not_worse_by", "a margin such as 5% or 0.1pp"));
    let confidence_item = map.take("confidence");
    let confidence = match &confidence_item {
        Some(item) => reader.part(item),
        None => Some(0.95),
    };
    let width = margin_item.as_ref().and_then(|item| reader.quantity(item));
    let (id, metric) = found?;
    let stat = stat(reader, stat_item, metric, item)?;
    let (flag_id, margin_item, width, confidence) = (flag_id?, margin_item?, width?, confidence?);
    if !metric.arms.contains(&flag_id) {
        let message = format!("`{}` does not record the arms of this flag", metric.key);
        let help = format!("add it to `arms:` of metric `{}`", metric.key);
        reader.error_help("not-an-arm", &item.path, item.key_at(), message, help);
    }
    if !matches!(stat, Stat::Quantile(_) | Stat::Mean | Stat::Fraction | Stat::Nps)
        || metric.kind == MetricKind::Gauge
    {
        let message = "ON and OFF are compared by a quantile, a mean, a ratio or a score";
        reader.error_help(
            "wrong-stat",
            &item.path,
            item.at(),
            message,
            "name such a `stat:`, or another metric",
        );
        return None;
    }
    let Some(good) = metric.good else {
        let message = format!("which way `{}` is better is not said", metric.key);
        let help = "add `good: up` or `good: down` to the metric";
        reader.error_help("missing-key", &item.path, item.key_at(), message, help);
        return None;
    };
    if !(0.5 < confidence && confidence < 1.0) {
        let at = confidence_item.as_ref().unwrap_or(item);
        let message = "confidence lies above 50% and below 100%";
        reader.error_help("out-of-range", &at.path, at.at(), message, "write for example `confidence: 95%`");
    }
    let margin = margin(reader, &margin_item, width, metric)?;
    Some(ConditionKind::Compare(Compare { metric: id, stat, flag: flag_id, margin, confidence, good }))
}

/// What ON may be worse by: `%` is relative, `pp` and units are absolute.
fn margin(
    reader: &mut Reader,
    item: &Item<'_>,
    (number, unit): (f64, Option<Unit>),
    metric: &Metric,
) -> Option<Margin> {
    if number < 0.0 {
        let help = "write what ON may be worse by, or 0%";
        reader.error_help("out-of-range", &item.path, item.at(), "a margin is not negative", help);
    }
    let Some(unit) = unit else {
        let message = format!("`{number}` has no unit");
        let help = "write 5% (relative), 0.1pp or a unit (absolute)";
        reader.error_help("missing-unit", &item.path, item.at(), message, help);
        return None;
    };
    match unit {
        Unit::Percent if metric.kind == MetricKind::Score => {
            let message = "a score may be negative, so that no part of it is a margin";
            reader.error_help("wrong-unit", &item.path, item.at(), message, "write points, such as 5 points");
            None
        }
        Unit::Percent => Some(Margin::Relative(number / 100.0)),
        Unit::Pp if metric.kind == MetricKind::Ratio => Some(Margin::Absolute(number / 100.0)),
        _ => {
            let value = unit.convert(number, metric.unit);
            if value.is_none() {
                let (symbol, of) = (unit.symbol(), unit.dimension());
                let message = format!(
                    "`{symbol}` is {of}; `{}` is measured in {}",
                    metric.key,
                    metric.unit.dimension()
                );
                let help = format!("write it in {}, or as a percentage", metric.unit.symbol());
                reader.error_help("wrong-unit", &item.path, item.at(), message, help);
            }
            value.map(Margin::Absolute)
        }
    }
}
