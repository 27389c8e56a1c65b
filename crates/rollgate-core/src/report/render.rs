//! Scorecards as text and Markdown.

use std::fmt::Write as _;

use super::{Form, Row, RowStatus, Scorecard, Section};
use crate::time::Timestamp;

/// Widest cell of Target and Actual; what is longer goes on in the next line. With it a card has at most 110 columns.
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

    /// `Tue 2026-01-27 09:45 UTC` in the plan's zone, UTC where that is not known.
    fn calendar(&self, at: Timestamp) -> String {
        let zone = jiff::tz::TimeZone::get(self.timezone.as_str()).unwrap_or(jiff::tz::TimeZone::UTC);
        jiff::Timestamp::from_millisecond(at.0).map_or_else(
            |_| at.to_string(),
            |at| at.to_zoned_datetime(zone).strftime("%a %Y-%m-%d %H:%M %Z").to_string(),
        )
    }

    /// The final form says over how long its daily means reach.
    fn actual_heading(&self) -> &'static str {
        if self.form == Form::Final { "7-day average" } else { "Actual" }
    }

    /// Beside rows that decide, those that do not stand in brackets.
    fn has_gates(&self) -> bool {
        self.rows.iter().any(|row| row.section == Section::Gate)
    }

    fn cells(&self, row: &Row) -> [String; 4] {
        let name = match row.section {
            Section::Target if self.has_gates() => format!("({})", row.metric),
            Section::Gate | Section::Target => row.metric.to_string(),
        };
        [name, row.target.clone(), row.actual.clone(), row.status.name().to_owned()]
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
        let headings = ["Metric", "Target", self.actual_heading(), "Status"].map(str::to_owned);
        let mut lines: Vec<([String; 4], Option<RowStatus>)> = vec![(headings, None)];
        for row in &self.rows {
            let wrapped = self.cells(row).map(|cell| wrap(&cell));
            let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
            for line in 0..height {
                let cell = |column: usize| wrapped[column].get(line).cloned().unwrap_or_default();
                lines.push(([0, 1, 2, 3].map(cell), Some(row.status)));
            }
        }
        let width =
            |column: usize| lines.iter().map(|(cells, _)| cells[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        let mut text = format!("{}\n{}\n{}\n\n", self.heading(), self.facts(), self.exposure());
        for (index, (cells, status)) in lines.iter().enumerate() {
            let [metric, target, actual, word] = cells;
            let [w0, w1, w2, w3] = widths;
            let word = status.filter(|_| !word.is_empty()).map_or(word.clone(), |status| paint(status, word));
            let line = format!("{metric:w0$}  {target:w1$}  {actual:w2$}  {word}");
            let _ = writeln!(text, "{}", line.trim_end());
            if index == 0 {
                let _ = writeln!(text, "{}", "─".repeat(w0 + w1 + w2 + w3 + 6));
            }
        }
        let overall = self.overall();
        let painted = paint(self.overall, self.overall.name());
        let _ = writeln!(text, "\nOverall: {painted}{}", overall.trim_start_matches(self.overall.name()));
        self.footnotes().iter().for_each(|note| {
            let _ = writeln!(text, "{note}");
        });
        text
    }

    /// A Markdown table.
    pub fn to_markdown(&self) -> String {
        let mut text = format!(
            "## {}\n\n{}  \n{}\n\n",
            escape(&self.heading()),
            escape(&self.facts()),
            escape(&self.exposure())
        );
        let _ = writeln!(
            text,
            "| Metric | Target | {} | Status |\n| --- | --- | --- | --- |",
            self.actual_heading()
        );
        for row in &self.rows {
            let cells = self.cells(row).map(|cell| escape(&cell));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        let _ = writeln!(text, "\n**Overall: {}**", self.overall());
        self.footnotes().iter().for_each(|note| {
            let _ = writeln!(text, "\n{}", escape(note));
        });
        text
    }
}

/// Breaks a cell at spaces.
fn wrap(cell: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in cell.split(' ') {
        let Some(last) = lines.last_mut() else { continue };
        if last.is_empty() {
            word.clone_into(last);
        } else if last.chars().count() + 1 + word.chars().count() <= CELL_MAX {
            last.push(' ');
            last.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A cell must not end its row, open a tag, or turn into emphasis in the middle of a name.
fn escape(text: &str) -> String {
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
    use super::*;
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
        };
        Scorecard {
            form,
            plan: "Plan".into(),
            phase: "Phase 1".into(),
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
        assert!(card(Form::Final).to_markdown().contains("| Metric | Target | 7-day average | Status |"));
        assert!(card(Form::Daily).to_markdown().contains("| Metric | Target | Actual | Status |"));
    }

    #[test]
    fn markdown_cells_stay_cells() {
        let text = card(Form::Phase).to_markdown();
        assert!(text.contains("| quiet\\_hours | p95 &lt; 200 ms \\| always |"), "{text}");
        assert!(text.contains("\n**Overall: NOT YET, due Mon 2026-01-19 12:30 CET (in 1h30m)**\n"), "{text}");
    }
}
