//! ON, OFF and their difference as a table.

use super::standing::{difference, number, shown, signed};
use super::{Cell, Standing, Table};
use crate::judge::{ArmValue, CONTRAST_CONFIDENCE, Contrast, contrasts};
use crate::snapshot::{Metric, Stat};
use crate::units::Quantity;

/// ON against OFF now; `None` where no metric has arms.
pub fn arms(standing: &Standing<'_>) -> Option<Table> {
    let rows = contrasts(standing.ruleset, standing.windows, standing.now.wall);
    let since = rows.first()?.since;
    let mut table = headed("arms", "ON against OFF", &[]);
    rows.iter().for_each(|row| add(&mut table, standing, row, Vec::new()));
    let since = standing.calendar(standing.now.wall_of(since));
    table.notes.push(format!("Since the shares last changed, {since}."));
    Some(table)
}

/// The rows that were kept, a day each, from `days` back.
pub fn kept(standing: &Standing<'_>, days: u64) -> Table {
    let from = standing.now.wall - crate::time::Span::days(days);
    let mut table = headed("arms_by_day", "ON against OFF, day by day", &["Day"]);
    for row in standing.state.contrasts.iter().filter(|row| row.at >= from) {
        let day = standing.calendar(row.at);
        add(&mut table, standing, row, vec![Cell::text(day)]);
    }
    table
}

fn headed(key: &'static str, title: &str, first: &[&str]) -> Table {
    let interval = format!("Difference ({:.0}% sure)", CONTRAST_CONFIDENCE * 100.0);
    let columns: Vec<&str> =
        first.iter().copied().chain(["Metric", "Flag", "ON", "OFF", interval.as_str()]).collect();
    Table::new(key, title, &columns)
}

fn add(table: &mut Table, standing: &Standing<'_>, row: &Contrast, first: Vec<Cell>) {
    let Some(metric) = standing.ruleset.metric_of(row.metric.as_str()) else { return };
    let metric = standing.ruleset.metric(metric);
    let stat = stat_of(&row.stat);
    let own = [
        Cell::text(super::standing::name_of(metric.key.as_str(), stat)),
        Cell::text(row.flag.as_str()),
        side(metric, stat, row.on),
        side(metric, stat, row.off),
        between(metric, stat, row),
    ];
    table.add(first.into_iter().chain(own));
}

/// The statistic of a row that may come from an older state.
fn stat_of(name: &str) -> Stat {
    let quantile = name.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
    match (name, quantile) {
        (_, Some(percent)) => Stat::Quantile(percent / 100.0),
        ("mean", _) => Stat::Mean,
        ("nps", _) => Stat::Nps,
        _ => Stat::Fraction,
    }
}

fn side(metric: &Metric, stat: Stat, arm: ArmValue) -> Cell {
    match arm.value {
        Some(value) => {
            let cell = number(metric, stat, value);
            let text = format!("{}, n={}", cell.text, arm.n);
            cell.shown(text)
        }
        None => Cell::text("no samples"),
    }
}

fn between(metric: &Metric, stat: Stat, row: &Contrast) -> Cell {
    let Some(value) = row.difference else { return Cell::text("no samples") };
    let value = difference(metric, stat, value);
    let interval = match row.interval {
        Some((low, high)) => {
            let low: Quantity = difference(metric, stat, low);
            let high = signed(difference(metric, stat, high));
            format!("{} to {high}", signed(low))
        }
        None => "not known how sure".into(),
    };
    Cell::of(value).shown(format!("{} ({interval})", signed(value)))
}

/// ON and OFF in one sentence, for a summary; `None` where an arm has no samples.
pub fn in_words(standing: &Standing<'_>, row: &Contrast) -> Option<String> {
    let metric = standing.ruleset.metric(standing.ruleset.metric_of(row.metric.as_str())?);
    let stat = stat_of(&row.stat);
    let (on, off) = (row.on.value?, row.off.value?);
    if stat == Stat::Mean {
        // The quantile says it; a summary is short.
        return None;
    }
    let name = super::standing::name_of(metric.key.as_str(), stat);
    let (on, off) = (shown(metric, stat, on), shown(metric, stat, off));
    Some(format!("{name}: ON {on}, OFF {off}, difference {}", between(metric, stat, row).text))
}
