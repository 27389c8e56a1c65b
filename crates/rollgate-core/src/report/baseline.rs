//! Baseline, target and what is now, metric by metric.

use super::standing::{Leaf, difference, leaves, name_of, natural, number, signed};
use super::{Cell, Standing, Table};
use crate::id::MetricId;
use crate::judge::target_words;
use crate::snapshot::{BaselineSource, Condition, Metric, Stat, Subject, Window};
use crate::time::Span;
use crate::units::{Quantity, Unit};

/// Every metric that has a baseline, or a target that is no count, in the plan's order.
pub fn baseline(standing: &Standing<'_>) -> Table {
    let columns = ["Metric", "Baseline", "Target", "Now", "Against baseline", "Status"];
    let mut table = Table::new("baseline", "Baseline, target and now", &columns);
    for (id, metric) in standing.metrics() {
        table.rows.extend(row(standing, id, metric));
    }
    table
}

fn row(standing: &Standing<'_>, id: MetricId, metric: &Metric) -> Option<Vec<Cell>> {
    let ruleset = standing.ruleset;
    let own = ruleset.baselines.iter().position(|baseline| baseline.metric == id);
    let asked = asked(standing, id);
    let wanted = own.map(|at| ruleset.baselines[at].stat);
    // The target of the same statistic, one that is no change before one that is.
    let same = |stat: Stat| asked.iter().filter(move |leaf| leaf.measure.query.stat == stat);
    let target = match wanted {
        Some(stat) => same(stat).find(|leaf| leaf.measure.versus.is_none()).or_else(|| {
            let plain = asked.iter().find(|leaf| leaf.measure.versus.is_none() && !is_count(leaf));
            same(stat).next().or(plain)
        }),
        None => asked.iter().find(|leaf| leaf.measure.versus.is_none() && !is_count(leaf)),
    };
    if own.is_none() && target.is_none() {
        return None;
    }
    let stat = wanted.or(target.map(|leaf| leaf.measure.query.stat)).unwrap_or(natural(metric.kind));
    let over = target.filter(|leaf| leaf.measure.query.stat == stat).map(window);
    let now = standing.measure(id, stat, over.unwrap_or(Span::hours(24)));
    let then = own.and_then(|at| standing.state.baselines.get(at).copied().flatten());
    let then_cell = match (then, own.map(|at| ruleset.baselines[at].source)) {
        (Some(value), _) => number(metric, stat, value),
        (None, Some(BaselineSource::Captured(over))) => Cell::text(format!("not captured yet (over {over})")),
        _ => Cell::text("N/A"),
    };
    let now_cell = now.value.map_or_else(|_| Cell::text("no data"), |value| number(metric, stat, value));
    let against = match (then, now.value) {
        (Some(then), Ok(now)) => against(metric, stat, then, now),
        (None, _) => Cell::text("N/A"),
        _ => Cell::text("no data"),
    };
    let target_cell = target
        .map_or_else(|| Cell::text("–"), |leaf| Cell::text(target_words(leaf.condition, &standing.facts())));
    let status = target.map_or_else(
        || Cell::text("–"),
        |leaf| Cell::from(standing.status(leaf, standing.judge(leaf.condition).verdict)),
    );
    let name = Cell::text(name_of(metric.key.as_str(), stat));
    Some(vec![name, then_cell, target_cell, now_cell, against, status])
}

fn is_count(leaf: &&Leaf<'_>) -> bool {
    matches!(leaf.measure.query.stat, Stat::Count | Stat::GrowthPerDay)
}

fn window(leaf: &Leaf<'_>) -> Span {
    match leaf.measure.query.window {
        Window::Over(span) | Window::Latest(span) => span,
        Window::Phase => Span::hours(24),
    }
}

/// `+3 ms (+2%)`; of nothing there is no part.
fn against(metric: &Metric, stat: Stat, then: f64, now: f64) -> Cell {
    let by = difference(metric, stat, now - then);
    if then == 0.0 {
        return Cell::of(by).shown(signed(by));
    }
    let part = Quantity { value: (now - then) / then.abs() * 100.0, unit: Unit::Percent };
    Cell::of(by).shown(format!("{} ({})", signed(by), signed(part)))
}

/// What the plan asks of a metric, the latest phase first: a target after the rollout is what its end asks. What is only
/// shown comes after what decides.
fn asked<'a>(standing: &Standing<'a>, id: MetricId) -> Vec<Leaf<'a>> {
    let gates = standing.phases().iter().rev().flat_map(|phase| &phase.gates).map(|gate| &gate.condition);
    let targets =
        standing.phases().iter().rev().flat_map(|phase| &phase.targets).map(|check| &check.condition);
    let all = gates.chain(targets).flat_map(|condition: &'a Condition| leaves(condition));
    all.filter(|leaf| leaf.measure.query.subject == Subject::Metric(id)).collect()
}
