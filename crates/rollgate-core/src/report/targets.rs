//! What is asked of every metric, phase by phase and in production.

use super::standing::{Leaf, leaves};
use super::{Cell, Standing, Table};
use crate::judge::{self, target_words};
use crate::snapshot::{Change, Phase, Stat, Subject};

/// What a row is of: a metric's statistic, as it is or against its baseline.
type Asked = (Subject, String, Option<Change>);

/// Two tables: what a gate of some phase asks, and what is only shown. The phase that is open is production; what it does
/// not ask again is that of the phase before it, in brackets.
pub fn targets(standing: &Standing<'_>) -> Vec<Table> {
    let phases: Vec<&Phase> = standing.phases().iter().filter(|phase| !leaves_of(phase).is_empty()).collect();
    let mut gated: Vec<Asked> = Vec::new();
    let mut shown: Vec<Asked> = Vec::new();
    for phase in &phases {
        for leaf in phase.gates.iter().flat_map(|gate| leaves(&gate.condition)) {
            note(&mut gated, &leaf);
        }
    }
    for phase in &phases {
        for leaf in phase.targets.iter().flat_map(|check| leaves(&check.condition)) {
            if !gated.contains(&asked(&leaf)) {
                note(&mut shown, &leaf);
            }
        }
    }
    [("targets_gated", "What gates ask", gated), ("targets_shown", "What is shown and never decides", shown)]
        .into_iter()
        .filter(|(_, _, rows)| !rows.is_empty())
        .map(|(key, title, rows)| table(standing, &phases, key, title, &rows))
        .collect()
}

fn table(
    standing: &Standing<'_>,
    phases: &[&Phase],
    key: &'static str,
    title: &str,
    rows: &[Asked],
) -> Table {
    let name = |phase: &&Phase| match phase.duration {
        Some(_) => phase.key.as_str().replace('_', " "),
        None => "production".to_owned(),
    };
    let names: Vec<String> = phases.iter().map(name).collect();
    let columns: Vec<&str> =
        std::iter::once("Metric").chain(names.iter().map(String::as_str)).chain(["Now", "Status"]).collect();
    let mut table = Table::new(key, title, &columns);
    let mut has_brackets = false;
    for row in rows {
        let mut cells = vec![Cell::text(label(standing, row))];
        let mut before: Option<String> = None;
        for phase in phases {
            let mut each: Vec<String> = find(phase, row).map(|leaf| words(standing, &leaf)).collect();
            each.dedup();
            let words = (!each.is_empty()).then(|| each.join(" and "));
            let is_inherited = words.is_none() && phase.duration.is_none() && before.is_some();
            has_brackets |= is_inherited;
            cells.push(Cell::text(match (&words, &before) {
                (Some(words), _) => words.clone(),
                (None, Some(before)) if is_inherited => format!("({before})"),
                _ => "–".to_owned(),
            }));
            before = words.or(before);
        }
        cells.extend(judged(standing, row));
        table.add(cells);
    }
    if has_brackets {
        table.notes.push("In brackets: of the phase before, which production does not ask again.".into());
    }
    table
}

fn leaves_of(phase: &Phase) -> Vec<Leaf<'_>> {
    // What is shown in every phase says nothing of one without exposure.
    let is_exposed = !phase.steps.is_empty() || phase.duration.is_none();
    let gates = phase.gates.iter().map(|gate| &gate.condition);
    let targets = phase.targets.iter().filter(|_| is_exposed).map(|check| &check.condition);
    gates.chain(targets).flat_map(leaves).collect()
}

fn asked(leaf: &Leaf<'_>) -> Asked {
    let change = leaf.measure.versus.map(|versus| versus.change);
    (leaf.measure.query.subject, leaf.measure.query.stat.to_string(), change)
}

fn note(rows: &mut Vec<Asked>, leaf: &Leaf<'_>) {
    let asked = asked(leaf);
    if !rows.contains(&asked) {
        rows.push(asked);
    }
}

/// What the phase asks of it, gates first; of several limits all.
fn find<'a>(phase: &'a Phase, row: &Asked) -> impl Iterator<Item = Leaf<'a>> {
    let row = row.clone();
    leaves_of(phase).into_iter().filter(move |leaf| asked(leaf) == row)
}

fn label(standing: &Standing<'_>, (subject, stat, change): &Asked) -> String {
    let metric = match subject {
        Subject::Metric(id) => standing.ruleset.metric(*id).key.as_str(),
        Subject::Rollbacks => "rollgate.rollbacks",
    };
    let name = match stat.as_str() {
        "ratio" | "nps" => metric.to_owned(),
        stat => format!("{stat}({metric})"),
    };
    match change {
        Some(_) => format!("{name} against baseline"),
        None => name,
    }
}

/// The target without what the row's name says already.
fn words(standing: &Standing<'_>, leaf: &Leaf<'_>) -> String {
    let words = target_words(leaf.condition, &standing.facts());
    let stat = match leaf.measure.query.stat {
        Stat::GrowthPerDay => "growth ".to_owned(),
        stat => format!("{stat} "),
    };
    let rest = words.strip_prefix(&stat).unwrap_or(&words);
    let rest = rest.strip_prefix("difference to baseline ").unwrap_or(rest);
    rest.strip_prefix("change to baseline ").unwrap_or(rest).to_owned()
}

/// What the phase that the rollout is in says of it.
fn judged(standing: &Standing<'_>, row: &Asked) -> [Cell; 2] {
    let Some(leaf) = standing.phase().and_then(|phase| find(phase, row).next()) else {
        return [Cell::text("–"), Cell::text("–")];
    };
    let check = crate::snapshot::Check { key: "target".into(), condition: leaf.condition.clone() };
    let judgement = standing.judge(leaf.condition);
    let finding = judge::check_finding(&check, &judgement, &standing.facts());
    let evidence = finding.evidence.first();
    let number = Cell {
        text: finding.actual.clone(),
        value: evidence.and_then(|seen| seen.value),
        unit: evidence.map_or("", |seen| seen.unit),
        status: None,
    };
    [number, Cell::from(standing.status(&leaf, judgement.verdict))]
}
