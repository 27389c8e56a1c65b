//! Scorecards as text and Markdown.

use std::fmt::Write as _;

use super::{Form, Row, Scorecard, Section};

/// Widest cell of Target and Actual; what is longer goes on in the next line.
const CELL_MAX: usize = 46;

impl Scorecard {
    fn heading(&self) -> String {
        format!("{}: {}: {}", self.form.title(), self.plan, self.phase)
    }

    fn facts(&self) -> String {
        let shares: Vec<String> = self.shares.iter().map(|(flag, share)| format!("{flag} {share}")).collect();
        format!("{}; {}; {}", self.at, self.status, shares.join(", "))
    }

    /// The final form says over how long its daily means reach.
    fn actual_heading(&self) -> &'static str {
        if self.form == Form::Final { "7-day average" } else { "Actual" }
    }

    fn cells(&self, row: &Row) -> [String; 4] {
        let name = match row.section {
            Section::Gate => row.metric.to_string(),
            Section::Target => format!("({})", row.metric),
        };
        [name, row.target.clone(), row.actual.clone(), row.status.name().to_owned()]
    }

    /// Aligned columns for a terminal; rows in brackets are shown and do not decide.
    pub fn to_text(&self) -> String {
        let headings = ["Metric", "Target", self.actual_heading(), "Status"].map(str::to_owned);
        let mut lines: Vec<[String; 4]> = vec![headings];
        for row in &self.rows {
            let wrapped = self.cells(row).map(|cell| wrap(&cell));
            let height = wrapped.iter().map(Vec::len).max().unwrap_or(1);
            for line in 0..height {
                lines.push(
                    [0, 1, 2, 3].map(|column: usize| wrapped[column].get(line).cloned().unwrap_or_default()),
                );
            }
        }
        let width =
            |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let widths = [0, 1, 2, 3].map(width);
        let mut text = format!("{}\n{}\n\n", self.heading(), self.facts());
        for (index, cells) in lines.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(widths) {
                let padding = width - cell.chars().count() + 2;
                let _ = write!(line, "{cell}{:padding$}", "");
            }
            let _ = writeln!(text, "{}", line.trim_end());
            if index == 0 {
                let rule: usize = widths.iter().sum::<usize>() + 6;
                let _ = writeln!(text, "{}", "─".repeat(rule));
            }
        }
        let _ = writeln!(text, "\nOverall: {}", self.overall.name());
        self.notes.iter().for_each(|note| {
            let _ = writeln!(text, "{note}");
        });
        text
    }

    /// A Markdown table.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", escape(&self.heading()), escape(&self.facts()));
        let _ = writeln!(
            text,
            "| Metric | Target | {} | Status |\n| --- | --- | --- | --- |",
            self.actual_heading()
        );
        for row in &self.rows {
            let cells = self.cells(row).map(|cell| escape(&cell));
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        let _ = writeln!(text, "\n**Overall: {}**", self.overall.name());
        self.notes.iter().for_each(|note| {
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

/// A cell must not end its row.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RowStatus;
    use crate::time::Timestamp;

    fn card(form: Form) -> Scorecard {
        let row = |section, metric: &str, status| Row {
            section,
            metric: metric.into(),
            target: "p95 < 200 ms | always".into(),
            actual: "142 ms, and a great deal more to say about it than fits into one line".into(),
            status,
            sentence: String::new(),
        };
        Scorecard {
            form,
            plan: "Plan".into(),
            phase: "Phase 1".into(),
            status: "running".into(),
            at: Timestamp(0),
            shares: vec![("A".into(), "10%".into())],
            overall: RowStatus::NotYet,
            rows: vec![
                row(Section::Gate, "latency", RowStatus::Pass),
                row(Section::Target, "db", RowStatus::Fail),
            ],
            notes: vec!["a note".into()],
        }
    }

    #[test]
    fn text_lines_up_and_wraps() {
        let text = card(Form::Phase).to_text();
        assert!(text.contains("latency"));
        assert!(text.contains("(db)"));
        assert!(text.contains("Overall: NOT YET\na note"));
        let column = |line: &str| line.chars().count();
        assert!(text.lines().all(|line| column(line) < 120), "{text}");
    }

    #[test]
    fn r134_the_final_form_says_seven_day_average() {
        assert!(card(Form::Final).to_markdown().contains("| 7-day average |"));
        assert!(card(Form::Daily).to_markdown().contains("| Actual |"));
    }

    #[test]
    fn markdown_cells_keep_their_pipes() {
        assert!(card(Form::Phase).to_markdown().contains("p95 < 200 ms \\| always"));
    }
}
