//! Tables on standard output: aligned columns for people, Markdown for documents.

use comfy_table::presets::{ASCII_MARKDOWN, NOTHING};
use comfy_table::{ColumnConstraint, LineStyle, TableStyle, Width as Columns};
use rollgate::core::report::Width;
use unicode_width::UnicodeWidthStr;

use crate::paint::width;

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

/// Headings and rows; a cell of text may have several lines, and gets more where the terminal is narrow.
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

    /// The table, with its last line's end; a text as wide as the terminal.
    pub(crate) fn draw(&self, style: Style) -> String {
        self.draw_in(style, width())
    }

    fn draw_in(&self, style: Style, width: Width) -> String {
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
            let widths = self.widths(width);
            let last = widths.len().saturating_sub(1);
            for (index, (column, width)) in table.column_iter_mut().zip(widths).enumerate() {
                // A column apart, and one more of the table's own; nothing stands behind the last.
                let apart = u16::from(index < last);
                let all = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(apart);
                column.set_padding((0, apart));
                column.set_constraint(ColumnConstraint::Absolute(Columns::Fixed(all)));
            }
        }
        format!("{}\n", table.trim_fmt())
    }

    /// How wide each column is, as in scorecards and reports: no word is broken.
    fn widths(&self, width: Width) -> Vec<usize> {
        let columns = self.rows.first().map_or(0, Vec::len);
        let widest = |column: usize, ends: fn(char) -> bool| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.flat_map(|cell| cell.split(ends)).map(UnicodeWidthStr::width).max().unwrap_or(0)
        };
        let wanted: Vec<usize> = (0..columns).map(|column| widest(column, |c| c == '\n')).collect();
        let least: Vec<usize> =
            (0..columns).map(|column| widest(column, |c| matches!(c, '\n' | ' '))).collect();
        width.share(&wanted, &least)
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
        let drawn = table().draw_in(Style::Text, Width::USUAL);
        assert_eq!(drawn, "Key   Why\n─────────\nключ  one\n      two\na|b\n");
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal_and_breaks_no_word() {
        let mut table = Table::new(["Key", "Message", "Where"].map(str::to_owned));
        let message = "one two three four five six seven eight nine ten\n日本語 eleven twelve";
        table.add(["key".into(), message.into(), "a/long/path/to/a/file.rs:10:20".into()]);
        let wide = table.draw_in(Style::Text, Width::of(160));
        assert_eq!(wide.lines().count(), 4, "{wide}");
        for columns in [48, 60, 80] {
            let drawn = table.draw_in(Style::Text, Width::of(columns));
            assert!(drawn.lines().all(|line| line.width() <= columns), "{columns}:\n{drawn}");
            assert!(drawn.lines().count() > 4, "{columns}:\n{drawn}");
            let words = |text: &str| {
                let mut words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                words.retain(|word| !word.starts_with('─'));
                words.sort_unstable();
                words
            };
            assert_eq!(words(&drawn), words(&wide), "{columns}:\n{drawn}");
        }
        // Nothing is cut where even the words have no room.
        assert!(table.draw_in(Style::Text, Width::of(1)).contains("a/long/path/to/a/file.rs:10:20"));
        // A document has no width.
        assert_eq!(table.draw_in(Style::Markdown, Width::of(48)).lines().count(), 3);
    }

    #[test]
    fn markdown_cells_stay_cells() {
        let expected =
            "| Key  | Why      |\n|------|----------|\n| ключ | one; two |\n| a\\|b |          |\n";
        assert_eq!(table().draw(Style::Markdown), expected);
    }
}
