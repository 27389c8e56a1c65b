//! Tables on standard output: aligned columns for people, Markdown for documents.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{LineStyle, TableStyle};

/// No borders, and a rule below the headings.
const RULED: TableStyle = NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));

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
        let mut table = comfy_table::Table::new();
        let cell = |text: &String| match style {
            Style::Text => text.clone(),
            Style::Markdown => escape(text),
        };
        let mut rows = self.rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>());
        table.load_style(match style {
            Style::Text => RULED,
            Style::Markdown => ASCII_MARKDOWN,
        });
        if let Some(headings) = rows.next() {
            table.set_header(headings);
        }
        table.add_rows(rows);
        if style == Style::Text {
            table.column_iter_mut().for_each(|column| {
                column.set_padding((0, 1));
            });
        }
        format!("{}\n", table.trim_fmt())
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
        assert_eq!(table().draw(Style::Text), "Key   Why\n──────────\nключ  one\n      two\na|b\n");
    }

    #[test]
    fn markdown_cells_stay_cells() {
        let expected =
            "| Key  | Why      |\n|------|----------|\n| ключ | one; two |\n| a\\|b |          |\n";
        assert_eq!(table().draw(Style::Markdown), expected);
    }
}
