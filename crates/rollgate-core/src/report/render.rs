//! Scorecards as text and Markdown.

use std::fmt::Write as _;

use super::{Cell, Form, RowStatus, Scorecard, Section, Table, Width, local};
use crate::time::Timestamp;

/// Widest cell of Target and Actual; what is longer goes on in the next line.
const CELL_MAX: usize = 36;
/// What stands in brackets does not decide.
const BRACKETS: &str = "Rows in brackets are shown and do not decide.";

impl Scorecard {
    fn heading(&self) -> String {
        match &*self.phase {
            "" => format!("{} of {}", self.form.title(), self.plan),
            phase => format!("{} of {phase}", self.form.title()),
        }
    }

    fn facts(&self) -> String {
        format!("{}, {}, {}", self.plan, self.calendar(self.at), self.status.replace('_', " "))
    }

    fn exposure(&self) -> String {
        let shares: Vec<String> = self.shares.iter().map(|(flag, share)| format!("{flag} {share}")).collect();
        shares.join(", ")
    }

    fn calendar(&self, at: Timestamp) -> String {
        local::calendar(self.timezone.as_str(), at)
    }

    /// The final form says over how long its daily means reach.
    fn actual_heading(&self) -> &'static str {
        if self.form == Form::Final { "7-Day Average" } else { "Actual" }
    }

    /// Beside rows that decide, those that do not stand in brackets.
    fn has_gates(&self) -> bool {
        self.rows.iter().any(|row| row.section == Section::Gate)
    }

    /// The rows as a table; what a row is made of stands below it.
    fn table(&self) -> Table {
        let headings = ["Metric", "Target", self.actual_heading(), "Status"];
        let mut table = Table::new("rows", "", &headings);
        let cells = |name: String, target: &str, actual: &str, status: RowStatus| {
            [Cell::text(name), Cell::text(target), Cell::text(actual), Cell::from(status)]
        };
        for row in &self.rows {
            let name = match row.section {
                Section::Target if self.has_gates() => format!("({})", row.metric),
                Section::Gate | Section::Target => row.metric.to_string(),
            };
            if row.parts.is_empty() {
                table.add(cells(name, &row.target, &row.actual, row.status));
                continue;
            }
            table.add(cells(name, "all of", "", row.status));
            for part in &row.parts {
                table.add(cells(format!("- {}", part.metric), &part.target, &part.actual, part.status));
            }
        }
        table
    }

    /// `Overall: NOT YET, due Tue 2026-01-27 09:45 UTC (in 4d21h)`.
    fn overall(&self) -> String {
        match self.due {
            Some(due) => format!("{}, due {}", self.overall.name(), self.when(due)),
            None => self.overall.name().to_owned(),
        }
    }

    fn when(&self, due: Timestamp) -> String {
        let wait = due.since(self.at).0;
        // To the hour where it is days, to the minute where it is hours.
        let grain: u64 = if wait >= 86_400_000 { 3_600_000 } else { 60_000 };
        let wait = crate::time::Span(((wait + grain / 2) / grain).max(1) * grain);
        format!("{} (in {wait})", self.calendar(due))
    }

    fn footnotes(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        let mut late: Vec<(Timestamp, Vec<&str>)> = Vec::new();
        for row in self.rows.iter().filter(|row| row.status == RowStatus::NotYet) {
            let Some(due) = row.due.filter(|due| Some(*due) != self.due) else { continue };
            match late.iter_mut().find(|(other, _)| *other == due) {
                Some((_, rows)) => rows.push(row.metric.as_str()),
                None => late.push((due, vec![row.metric.as_str()])),
            }
        }
        for (due, rows) in late {
            notes.push(format!("Not before {}: {}.", self.when(due), rows.join(", ")));
        }
        if self.has_gates() && self.rows.iter().any(|row| row.section == Section::Target) {
            notes.push(BRACKETS.to_owned());
        }
        notes.extend(self.notes.iter().cloned());
        notes
    }

    /// Aligned columns for a terminal; rows in brackets are shown and do not decide.
    pub fn to_text(&self) -> String {
        self.to_text_with(|_, word| word.to_owned())
    }

    /// As [`to_text`](Self::to_text), with the statuses as `paint` shows them: in colour, for example.
    pub fn to_text_with(&self, paint: impl Fn(RowStatus, &str) -> String) -> String {
        self.to_text_in(Width::USUAL, &paint)
    }

    /// For a terminal of this width.
    pub fn to_text_in(&self, width: Width, paint: &dyn Fn(RowStatus, &str) -> String) -> String {
        let mut text = String::new();
        for line in self.head() {
            width.lines(&line).iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        let _ = write!(text, "\n{}", self.table().to_text_in(width.with_cells(CELL_MAX), paint));
        let overall = self.overall();
        let painted = paint(self.overall, self.overall.name());
        let _ = writeln!(text, "\nOverall: {painted}{}", overall.trim_start_matches(self.overall.name()));
        for note in self.footnotes() {
            width.lines(&note).iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        for table in &self.tables {
            let _ = write!(text, "\n{}", table.to_text_in(width.with_cells(CELL_MAX), paint));
        }
        text
    }

    fn head(&self) -> Vec<String> {
        let mut lines = vec![self.heading(), self.facts(), self.about.line(), self.exposure()];
        if !self.objectives.is_empty() {
            lines.push(format!("Objectives: {}.", self.objectives.join("; ")));
        }
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// Markdown tables.
    pub fn to_markdown(&self) -> String {
        let head = self.head();
        let (heading, lines) =
            head.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let mut text = format!("## {}\n\n", escape(heading));
        let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
        let _ = writeln!(text, "{}\n", lines.join("  \n"));
        text += &self.table().to_markdown();
        let _ = writeln!(text, "\n**Overall: {}**", self.overall());
        self.footnotes().iter().for_each(|note| {
            let _ = writeln!(text, "\n{}", escape(note));
        });
        for table in &self.tables {
            let _ = write!(text, "\n{}", table.to_markdown());
        }
        text
    }
}

/// Breaks a text at spaces; a word is never broken.
pub(super) fn wrap(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split(' ') {
        let Some(last) = lines.last_mut() else { continue };
        if last.is_empty() {
            word.clone_into(last);
        } else if last.chars().count() + 1 + word.chars().count() <= width {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A cell must not end its row, open a tag, or turn into emphasis in the middle of a name.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '|' | '_' | '*' | '`' | '[' | ']' => escaped.extend(['\\', char]),
            '<' => escaped.push_str("&lt;"),
            '\n' | '\r' => escaped.push(' '),
            _ => escaped.push(char),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::Row;
    use super::*;
    use crate::snapshot::About;
    use crate::time::Span;

    const MONDAY: Timestamp = Timestamp(1_768_816_800_000);

    fn card(form: Form) -> Scorecard {
        let row = |section, metric: &str, status| Row {
            section,
            metric: metric.into(),
            target: "p95 < 200 ms | always".into(),
            actual: "142 ms, and a great deal more to say about it than fits into one line".into(),
            status,
            due: None,
            sentence: String::new(),
            evidence: Vec::new(),
            parts: Vec::new(),
        };
        Scorecard {
            form,
            plan: "Plan".into(),
            about: About::default(),
            phase: "Phase 1".into(),
            objectives: Vec::new(),
            status: "awaiting_decision".into(),
            at: MONDAY,
            timezone: "Europe/Berlin".into(),
            shares: vec![("A".into(), "10%".into()), ("B".into(), "0%".into())],
            overall: RowStatus::NotYet,
            due: Some(MONDAY + Span::minutes(90)),
            rows: vec![
                row(Section::Gate, "latency", RowStatus::Pass),
                row(Section::Gate, "quiet_hours", RowStatus::NotYet).not_yet(Some(MONDAY + Span::days(3))),
                row(Section::Target, "db", RowStatus::Fail),
            ],
            notes: vec!["a note".into()],
            tables: Vec::new(),
        }
    }

    #[test]
    fn text_lines_up_and_wraps() {
        let expected = "\
Scorecard of Phase 1
Plan, Mon 2026-01-19 11:00 CET, awaiting decision
A 10%, B 0%

Metric       Target                 Actual                                Status
─────────────────────────────────────────────────────────────────────────────────
latency      p95 < 200 ms | always  142 ms, and a great deal more to say  PASS
                                    about it than fits into one line
quiet_hours  p95 < 200 ms | always  142 ms, and a great deal more to say  NOT YET
                                    about it than fits into one line
(db)         p95 < 200 ms | always  142 ms, and a great deal more to say  FAIL
                                    about it than fits into one line

Overall: NOT YET, due Mon 2026-01-19 12:30 CET (in 1h30m)
Not before Thu 2026-01-22 11:00 CET (in 3d): quiet_hours.
Rows in brackets are shown and do not decide.
a note
";
        assert_eq!(card(Form::Phase).to_text(), expected);
    }

    #[test]
    fn statuses_are_painted_and_nothing_else_moves() {
        let card = card(Form::Weekly);
        let painted = card.to_text_with(|status, word| format!("<{}{word}>", status.name().len()));
        assert!(
            painted.contains("  <4PASS>\n") && painted.contains("\nOverall: <7NOT YET>, due"),
            "{painted}"
        );
        let plain = painted.replace("<4", "").replace("<7", "").replace('>', "");
        assert_eq!(plain, card.to_text());
    }

    #[test]
    fn r139_the_final_form_says_seven_day_average() {
        assert!(card(Form::Final).to_markdown().contains("| Metric | Target | 7-Day Average | Status |"));
        assert!(card(Form::Daily).to_markdown().contains("| Metric | Target | Actual | Status |"));
    }

    #[test]
    fn markdown_cells_stay_cells() {
        let text = card(Form::Phase).to_markdown();
        assert!(text.contains("| quiet\\_hours | p95 &lt; 200 ms \\| always |"), "{text}");
        assert!(text.contains("\n**Overall: NOT YET, due Mon 2026-01-19 12:30 CET (in 1h30m)**\n"), "{text}");
    }
}
