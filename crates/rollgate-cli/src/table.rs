//! Tables on standard output: aligned columns for people, Markdown for documents.

use std::fmt::Write as _;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Aligned columns with a rule below the headings.
    Text,
    /// A Markdown table.
    Markdown,
}

/// Headings and rows; a cell of text may have several lines.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(headings: impl IntoIterator<Item = String>) -> Self {
        Self { rows: vec![headings.into_iter().collect()] }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table, with its last line's end.
    pub(crate) fn draw(&self, style: Style) -> String {
        match style {
            Style::Text => self.text(),
            Style::Markdown => self.markdown(),
        }
    }

    fn text(&self) -> String {
        let columns = self.rows.first().map_or(0, Vec::len);
        let mut widths = vec![0; columns];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.lines().map(|line| line.chars().count()).fold(*width, usize::max);
            }
        }
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let height = row.iter().map(|cell| cell.lines().count()).max().unwrap_or(1).max(1);
            for height in 0..height {
                let cells = row
                    .iter()
                    .zip(&widths)
                    .map(|(cell, width)| format!("{:width$}", cell.lines().nth(height).unwrap_or_default()));
                let line = cells.collect::<Vec<_>>().join("  ");
                let _ = writeln!(text, "{}", line.trim_end());
            }
            if index == 0 {
                let rule = widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1);
                let _ = writeln!(text, "{}", "─".repeat(rule));
            }
        }
        text
    }

    fn markdown(&self) -> String {
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            let _ = writeln!(text, "| {} |", cells.join(" | "));
            if index == 0 {
                let _ = writeln!(text, "|{}", " --- |".repeat(row.len()));
            }
        }
        text
    }
}

/// A cell must not end its row.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', "; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["Key".into(), "Why".into()]);
        table.add(["ключ".into(), "one\ntwo".into()]);
        table.add(["a|b".into(), String::new()]);
        table
    }

    #[test]
    fn columns_line_up() {
        assert_eq!(table().draw(Style::Text), "Key   Why\n─────────\nключ  one\n      two\na|b\n");
    }

    #[test]
    fn markdown_cells_stay_cells() {
        let expected = "| Key | Why |\n| --- | --- |\n| ключ | one; two |\n| a\\|b |  |\n";
        assert_eq!(table().draw(Style::Markdown), expected);
    }
}
