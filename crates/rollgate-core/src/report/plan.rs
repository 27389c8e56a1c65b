//! The plan as a document: what it says of itself, and its phases.

use super::{Cell, Document, Standing, Table};

/// Title, version, owners, risk and next review; every phase with its objectives and its shares.
pub fn plan(standing: &Standing<'_>) -> Document {
    let ruleset = standing.ruleset;
    let about = &ruleset.about;
    let mut facts = Table::new("about", "", &["Of the plan", ""]);
    let mut add = |name: &str, text: &str| {
        facts.add([Cell::text(name), Cell::text(if text.is_empty() { "–" } else { text })]);
    };
    add("name", ruleset.name.as_str());
    add("version", &about.revision);
    add("date", &about.date);
    add("owners", &about.owners.join(", "));
    add("risk", &about.risk);
    add("next review", &about.next_review);
    add("time zone", ruleset.timezone.as_str());
    let mut phases =
        Table::new("phases", "Phases", &["Phase", "Duration", "Shares at its end", "Objectives"]);
    for phase in standing.phases() {
        let shares = ruleset.flags.iter().zip(&phase.last_shares);
        let shares: Vec<String> =
            shares.map(|(flag, share)| format!("{} {}", flag.key, flag.shown(*share))).collect();
        phases.add([
            Cell::text(phase.title.as_str()),
            Cell::text(phase.duration.map_or_else(|| "open".to_owned(), |span| span.to_string())),
            Cell::text(shares.join(", ")),
            Cell::text(phase.objectives.join("; ")),
        ]);
    }
    let lines = if about.description.is_empty() { Vec::new() } else { vec![about.description.clone()] };
    Document {
        report: "plan",
        title: ruleset.title.clone(),
        lines,
        tables: vec![facts, phases],
        notes: Vec::new(),
    }
}
