//! Three views of the metrics: what happens now, how well it goes, how much is used; and the day by its hours.

use super::standing::{name_of, natural, number};
use super::{Cell, Standing, Table, local};
use crate::id::MetricId;
use crate::snapshot::{Metric, MetricKind, MetricView, Severity, Stat};
use crate::time::Span;

/// Metrics that the table of hours has columns for; a person has to read it.
const HOUR_COLUMNS: usize = 5;

/// Whether a view shows a metric: the one that it names; else values, ratios and events are of the moment, values, ratios
/// and scores of performance, levels of capacity.
pub fn is_in(view: MetricView, metric: &Metric) -> bool {
    match (metric.view, metric.kind) {
        (Some(own), _) => own == view,
        (None, MetricKind::Distribution | MetricKind::Ratio) => view != MetricView::Capacity,
        (None, MetricKind::Event) => view == MetricView::Realtime,
        (None, MetricKind::Score) => view == MetricView::Performance,
        (None, MetricKind::Gauge) => view == MetricView::Capacity,
    }
}

/// A view's table.
pub fn view(standing: &Standing<'_>, view: MetricView) -> Table {
    let shown = standing.metrics().filter(|(_, metric)| is_in(view, metric));
    match view {
        MetricView::Realtime => {
            let spans = [Span::minutes(1), Span::minutes(5), Span::hours(1)];
            let mut table = over("realtime", "Real-time", standing, shown, &spans);
            for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
                let open = standing.windows.alerts_open(severity);
                table.notes.push(format!("Open {} alerts: {open}.", severity.name()));
            }
            table
        }
        MetricView::Performance => {
            let spans = [Span::hours(1), Span::hours(24), Span::days(7)];
            over("performance", "Performance", standing, shown, &spans)
        }
        MetricView::Capacity => capacity(standing, shown),
    }
}

fn over<'a>(
    key: &'static str,
    title: &str,
    standing: &Standing<'_>,
    shown: impl Iterator<Item = (MetricId, &'a Metric)>,
    spans: &[Span],
) -> Table {
    let names: Vec<String> = spans.iter().map(|span| format!("last {span}")).collect();
    let columns: Vec<&str> = std::iter::once("Metric").chain(names.iter().map(String::as_str)).collect();
    let mut table = Table::new(key, title, &columns);
    for (id, metric) in shown {
        let stat = match metric.kind {
            MetricKind::Event if key == "realtime" => Stat::PerMinute,
            kind => natural(kind),
        };
        let name = Cell::text(name_of(metric.key.as_str(), stat));
        table.add(std::iter::once(name).chain(spans.iter().map(|span| standing.cell(id, stat, *span))));
    }
    table
}

fn capacity<'a>(standing: &Standing<'_>, shown: impl Iterator<Item = (MetricId, &'a Metric)>) -> Table {
    let columns = ["Metric", "now", "max (1d)", "max (7d)", "growth (7d)", "limit"];
    let mut table = Table::new("capacity", "Capacity", &columns);
    for (id, metric) in shown {
        let (latest, most) = match metric.kind {
            MetricKind::Gauge => (Stat::Last, Stat::Max),
            kind => (natural(kind), natural(kind)),
        };
        let growth = match metric.kind {
            MetricKind::Gauge => standing.cell(id, Stat::GrowthPerDay, Span::days(7)),
            _ => Cell::text("–"),
        };
        let limit = super::projection::limit(standing, id)
            .map_or_else(|| Cell::text("–"), |limit| number(metric, Stat::Last, limit));
        let window = if metric.kind == MetricKind::Gauge { metric.max_gap } else { Span::hours(1) };
        table.add([
            Cell::text(metric.key.as_str()),
            standing.cell(id, latest, window),
            standing.cell(id, most, Span::hours(24)),
            standing.cell(id, most, Span::days(7)),
            growth,
            limit,
        ]);
    }
    table
}

/// The last seven days by hour of the day in the plan's zone: the busiest and the quietest hour of every metric, and the
/// hours of the first few.
pub fn hours(standing: &Standing<'_>) -> Vec<Table> {
    let zone = standing.ruleset.timezone.as_str();
    let columns = ["Metric", "highest hour", "in it", "lowest hour", "in it", "samples in the busiest hour"];
    let mut peaks = Table::new("peaks", format!("Hours of the day, last 7d, {zone}"), &columns);
    let mut listed = Vec::new();
    for (id, metric) in standing.metrics() {
        let stat = if metric.kind == MetricKind::Gauge { Stat::Max } else { natural(metric.kind) };
        let of = |at| local::hour_of(zone, standing.now.wall_of(at));
        let hours = standing.windows.by_hour(id, stat, Span::days(7), standing.now.observed, of);
        if hours.iter().all(|seen| seen.n == 0) {
            continue;
        }
        let known = || hours.iter().enumerate().filter_map(|(hour, seen)| Some((hour, seen.value?)));
        let (Some(high), Some(low)) =
            (known().max_by(|a, b| a.1.total_cmp(&b.1)), known().min_by(|a, b| a.1.total_cmp(&b.1)))
        else {
            continue;
        };
        let busiest = hours.iter().enumerate().max_by_key(|(_, seen)| seen.n);
        let named = |hour: usize| Cell::text(format!("{hour:02}:00"));
        let n = busiest.map_or_else(String::new, |(hour, seen)| format!("{} at {hour:02}:00", seen.n));
        peaks.add([
            Cell::text(name_of(metric.key.as_str(), stat)),
            named(high.0),
            number(metric, stat, high.1),
            named(low.0),
            number(metric, stat, low.1),
            Cell::text(n),
        ]);
        if listed.len() < HOUR_COLUMNS {
            listed.push((metric, stat, hours));
        }
    }
    // A heading may break at a blank, where a column would be as wide as a metric's name.
    let names: Vec<String> =
        listed.iter().map(|(metric, stat, _)| format!("{} {stat}", metric.key)).collect();
    let columns: Vec<&str> = std::iter::once("Hour").chain(names.iter().map(String::as_str)).collect();
    let mut table = Table::new("hours", "Hour by hour", &columns);
    for hour in (0..24).filter(|_| !listed.is_empty()) {
        let cell = |(metric, stat, hours): &(&Metric, Stat, [crate::metrics::Hour; 24])| {
            hours[hour].value.map_or_else(|| Cell::text("no data"), |value| number(metric, *stat, value))
        };
        let first = Cell::text(format!("{hour:02}:00"));
        table.add(std::iter::once(first).chain(listed.iter().map(cell)));
    }
    vec![peaks, table]
}
