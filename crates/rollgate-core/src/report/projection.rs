//! Where levels go if they grow on as they do.

use super::standing::{leaves, number, shown};
use super::{Cell, Standing, Table};
use crate::id::MetricId;
use crate::judge::growth;
use crate::snapshot::{Comparison, MetricKind, Stat, Subject};
use crate::time::{Span, Timestamp};

/// Measured for less than this, no growth says where half a year leads.
const MEASURED_MIN: Span = Span::days(3);
/// With fewer parts than this a slope is no trend.
const PARTS_MIN: usize = 8;
/// The longest look back.
const OVER_MAX: Span = Span::days(28);
/// Days ahead.
const AHEAD: [u64; 3] = [30, 90, 182];

/// Every gauge with a growth: now, by day, in 30, 90 and 182 days, and when it reaches its limit. The interval of what
/// comes is that of the growth (95 %, parts of the window taken as independent).
pub fn projection(standing: &Standing<'_>) -> Table {
    let over = Span(standing.windows.longest().0 / 86_400_000 * 86_400_000).min(OVER_MAX);
    let ahead: Vec<String> = AHEAD.iter().map(|days| format!("in {days} d")).collect();
    let columns: Vec<&str> = ["Metric", "now", "by day"]
        .into_iter()
        .chain(ahead.iter().map(String::as_str))
        .chain(["limit", "reaches it"])
        .collect();
    let title = format!("Capacity in half a year, from the growth of the last {over}");
    let mut table = Table::new("projection", title, &columns);
    let gauges = standing.metrics().filter(|(_, metric)| metric.kind == MetricKind::Gauge);
    for (id, _) in gauges {
        table.add(row(standing, id, over));
    }
    table
}

fn row(standing: &Standing<'_>, id: MetricId, over: Span) -> Vec<Cell> {
    let metric = standing.ruleset.metric(id);
    let name = Cell::text(metric.key.as_str());
    let limit = limit(standing, id);
    let limit_cell = limit.map_or_else(|| Cell::text("–"), |limit| number(metric, Stat::Last, limit));
    let now = standing.measure(id, Stat::Last, metric.max_gap).value;
    let now_cell = now.map_or_else(|_| Cell::text("no data"), |value| number(metric, Stat::Last, value));
    let rest = |why: &str| {
        let mut cells = vec![name.clone(), now_cell.clone(), Cell::text(why)];
        cells.extend(AHEAD.iter().map(|_| Cell::text("–")));
        cells.extend([limit_cell.clone(), Cell::text("not projected")]);
        cells
    };
    let Ok(now) = now else { return rest("no data") };
    let Some(seen) = growth(standing.windows, id, over, standing.now.observed) else {
        return rest("no data");
    };
    if seen.measured < MEASURED_MIN || seen.parts < PARTS_MIN {
        let hours = Span(seen.measured.0 / 3_600_000 * 3_600_000);
        return rest(&format!("measured for {hours} only, {MEASURED_MIN} needed"));
    }
    let by_day = |value| shown(metric, Stat::Last, value);
    let text = format!("{} ({} .. {})", by_day(seen.per_day), by_day(seen.low), by_day(seen.high));
    let mut cells = vec![name, now_cell, Cell::of(by_day(seen.per_day)).shown(text)];
    for days in AHEAD {
        let at = |slope: f64| shown(metric, Stat::Last, slope.mul_add(days as f64, now));
        let text = format!("{} ({} .. {})", at(seen.per_day), at(seen.low), at(seen.high));
        cells.push(Cell::of(at(seen.per_day)).shown(text));
    }
    let reaches = limit.map_or_else(
        || "–".to_owned(),
        |limit| reach(standing, now, limit, (seen.per_day, seen.low, seen.high)),
    );
    cells.extend([limit_cell, Cell::text(reaches)]);
    cells
}

/// `2026-04-02 (2026-03-20 .. later than 10 years)`.
fn reach(standing: &Standing<'_>, now: f64, limit: f64, (slope, low, high): (f64, f64, f64)) -> String {
    if now >= limit {
        return "has reached it".into();
    }
    let date = |slope: f64| -> Option<String> {
        let days = (limit - now) / slope;
        if slope <= 0.0 || days >= 3_650.0 {
            return None;
        }
        let at = standing.now.wall + Span((days * 86_400_000.0) as u64);
        Some(day(standing, at))
    };
    match (date(slope), date(high), date(low)) {
        (Some(middle), Some(early), Some(late)) if early != late => format!("{middle} ({early} .. {late})"),
        (Some(middle), Some(early), None) => format!("{middle} ({early} .. never)"),
        (Some(middle), ..) => middle,
        (None, Some(early), _) => format!("not at this growth ({early} at the fastest)"),
        (None, None, _) => "not at this growth".into(),
    }
}

fn day(standing: &Standing<'_>, at: Timestamp) -> String {
    let text = standing.calendar(at);
    text.split(' ').nth(1).unwrap_or(&text).to_owned()
}

/// The lowest level that the plan does not allow a gauge to reach: an upper limit of a gate, a target or a trigger.
pub(super) fn limit(standing: &Standing<'_>, id: MetricId) -> Option<f64> {
    let phases = standing.phases();
    let checks = phases.iter().flat_map(|phase| phase.targets.iter().chain(&phase.daily));
    let gates = phases.iter().flat_map(|phase| &phase.gates).map(|gate| &gate.condition);
    let kept = gates.chain(checks.map(|check| &check.condition)).flat_map(leaves);
    let fired = phases.iter().flat_map(|phase| &phase.triggers).flat_map(|trigger| leaves(&trigger.when));
    let is_level = |leaf: &super::standing::Leaf<'_>| {
        let measure = leaf.measure;
        measure.query.subject == Subject::Metric(id)
            && measure.versus.is_none()
            && matches!(measure.query.stat, Stat::Last | Stat::Max | Stat::Mean)
    };
    let kept = kept.filter(is_level).filter(|leaf| leaf.measure.comparison.is_upper_limit());
    let fired = fired
        .filter(is_level)
        .filter(|leaf| matches!(leaf.measure.comparison, Comparison::Above | Comparison::AtLeast));
    kept.chain(fired).map(|leaf| leaf.measure.limit).min_by(f64::total_cmp)
}
