//! Tables and documents: what every report is made of, as text, Markdown and JSON.

use std::fmt::Write as _;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::RowStatus;
use super::render::{escape, wrap};
use crate::units::Quantity;

/// One cell: what people read, and the number behind it where there is one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// As it is shown.
    pub text: String,
    /// The number, in `unit`.
    pub value: Option<f64>,
    /// Its unit; empty for a bare number.
    pub unit: &'static str,
    /// The status that the text is the word of.
    pub status: Option<RowStatus>,
}

impl Cell {
    /// A cell of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A cell of a number with its unit.
    pub fn of(quantity: Quantity) -> Self {
        Self {
            text: quantity.to_string(),
            value: Some(quantity.value),
            unit: quantity.unit.symbol(),
            status: None,
        }
    }

    /// The same number, with another text.
    #[must_use]
    pub fn shown(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}

impl From<RowStatus> for Cell {
    fn from(status: RowStatus) -> Self {
        Self { text: status.name().to_owned(), status: Some(status), ..Self::default() }
    }
}

/// Text alone is a string; a number comes with its unit and with the text that people read.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(value) = self.value else { return serializer.serialize_str(&self.text) };
        let mut cell = serializer.serialize_struct("Cell", 3)?;
        cell.serialize_field("value", &value)?;
        cell.serialize_field("unit", self.unit)?;
        cell.serialize_field("text", &self.text)?;
        cell.end()
    }
}

/// Rows under headings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What programs know it by: `baseline`, `arms`.
    pub key: &'static str,
    /// What people read above it.
    pub title: String,
    /// The headings.
    pub columns: Vec<String>,
    /// As many cells as there are headings.
    pub rows: Vec<Vec<Cell>>,
    /// Lines below it.
    pub notes: Vec<String>,
}

/// Each row is a map of headings to cells.
impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Row<'a>(&'a [String], &'a [Cell]);
        impl Serialize for Row<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.0.len()))?;
                for (column, cell) in self.0.iter().zip(self.1) {
                    map.serialize_entry(column, cell)?;
                }
                map.end()
            }
        }
        let rows: Vec<Row<'_>> = self.rows.iter().map(|row| Row(&self.columns, row)).collect();
        let mut table = serializer.serialize_struct("Table", 5)?;
        table.serialize_field("table", self.key)?;
        table.serialize_field("title", &self.title)?;
        table.serialize_field("columns", &self.columns)?;
        table.serialize_field("rows", &rows)?;
        table.serialize_field("notes", &self.notes)?;
        table.end()
    }
}

impl Table {
    /// A table without rows.
    pub fn new(key: &'static str, title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            key,
            title: title.into(),
            columns: columns.iter().map(|column| (*column).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// Adds a row.
    pub fn add(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Aligned columns for a terminal of `width` columns; the statuses as `paint` shows them.
    pub fn to_text_in(&self, width: Width, paint: &dyn Fn(RowStatus, &str) -> String) -> String {
        let mut text = String::new();
        if !self.title.is_empty() {
            let _ = writeln!(text, "{}", self.title);
        }
        if self.rows.is_empty() {
            let _ = writeln!(text, "(none)");
        } else {
            text += &self.grid(width, paint);
        }
        for note in &self.notes {
            width.lines(note).iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        text
    }

    fn grid(&self, width: Width, paint: &dyn Fn(RowStatus, &str) -> String) -> String {
        let headings = self.columns.iter().map(Cell::text).collect::<Vec<_>>();
        let all: Vec<&[Cell]> =
            std::iter::once(&headings[..]).chain(self.rows.iter().map(Vec::as_slice)).collect();
        let columns = self.columns.len();
        let natural = |column: usize| {
            all.iter().filter_map(|row| row.get(column)).map(|cell| chars(&cell.text)).max().unwrap_or(0)
        };
        let longest_word = |column: usize| {
            let words = all.iter().filter_map(|row| row.get(column)).flat_map(|cell| cell.text.split(' '));
            words.map(chars).max().unwrap_or(0)
        };
        let wanted: Vec<usize> = (0..columns).map(natural).collect();
        let least: Vec<usize> = (0..columns).map(longest_word).collect();
        let widths = width.share(&wanted, &least);
        let mut text = String::new();
        for (index, row) in all.iter().enumerate() {
            let cells: Vec<Vec<String>> =
                row.iter().zip(&widths).map(|(cell, width)| wrap(&cell.text, *width)).collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(1);
            for line in 0..height {
                let mut out = String::new();
                for (column, cell) in cells.iter().enumerate() {
                    let word = cell.get(line).map_or("", String::as_str);
                    let shown = match row[column].status {
                        Some(status) if !word.is_empty() => paint(status, word),
                        _ => word.to_owned(),
                    };
                    let pad = widths[column].saturating_sub(chars(word));
                    let gap = if column + 1 == cells.len() { 0 } else { pad + 2 };
                    out += &shown;
                    out.extend(std::iter::repeat_n(' ', gap));
                }
                let _ = writeln!(text, "{}", out.trim_end());
            }
            if index == 0 {
                let rule = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
                let _ = writeln!(text, "{}", "─".repeat(rule));
            }
        }
        text
    }

    /// A Markdown table.
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        if !self.title.is_empty() {
            let _ = writeln!(text, "### {}\n", escape(&self.title));
        }
        if self.rows.is_empty() {
            let _ = writeln!(text, "(none)");
        } else {
            let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
            text += &line(self.columns.iter().map(|column| escape(column)).collect());
            text += &line(self.columns.iter().map(|_| "---".to_owned()).collect());
            for row in &self.rows {
                text += &line(row.iter().map(|cell| escape(&cell.text)).collect());
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{}", escape(note));
        }
        text
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// How wide a text may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// Columns of the terminal.
    pub columns: usize,
    /// Widest cell.
    cells: usize,
}

impl Width {
    /// Where nobody says how wide the terminal is.
    pub const USUAL: Self = Self::of(100);
    /// Below this no table can be read.
    const LEAST: usize = 40;

    /// A terminal of so many columns.
    pub const fn of(columns: usize) -> Self {
        Self { columns, cells: usize::MAX }
    }

    pub(super) const fn with_cells(self, cells: usize) -> Self {
        Self { cells, ..self }
    }

    /// A line of text, broken where it is too long.
    pub(super) fn lines(self, text: &str) -> Vec<String> {
        wrap(text, self.columns.max(Self::LEAST))
    }

    /// How wide each column of a table is, of what it wants and the least it needs, with two columns between them.
    ///
    /// As wide as wanted where there is room. Else the widest give way, down to their least; a table that is still too
    /// wide stays so.
    ///
    /// # Panics
    /// Never; what is missing in the shorter of the two has no column.
    pub fn share(self, wanted: &[usize], least: &[usize]) -> Vec<usize> {
        let room = self.columns.max(Self::LEAST).saturating_sub(2 * wanted.len().saturating_sub(1));
        let mut widths: Vec<usize> =
            wanted.iter().zip(least).map(|(wanted, least)| (*wanted).min(self.cells).max(*least)).collect();
        while widths.iter().sum::<usize>() > room {
            let spare = |at: &usize| widths[*at] > least[*at];
            let Some(widest) = (0..widths.len()).filter(spare).max_by_key(|at| widths[*at]) else { break };
            widths[widest] -= 1;
        }
        widths
    }
}

/// A report: what it is of, and its tables.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Document {
    /// What programs know it by.
    pub report: &'static str,
    /// Its heading.
    pub title: String,
    /// Lines below the heading.
    pub lines: Vec<String>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Lines at its end.
    pub notes: Vec<String>,
}

impl Document {
    /// For a terminal of the usual width.
    pub fn to_text(&self) -> String {
        self.to_text_in(Width::USUAL, &|_, word| word.to_owned())
    }

    /// For a terminal of this width, with the statuses as `paint` shows them.
    pub fn to_text_in(&self, width: Width, paint: &dyn Fn(RowStatus, &str) -> String) -> String {
        let mut text = String::new();
        for line in std::iter::once(&self.title).chain(&self.lines) {
            width.lines(line).iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        for table in &self.tables {
            let _ = write!(text, "\n{}", table.to_text_in(width, paint));
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            width.lines(note).iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        text
    }

    /// As Markdown.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("## {}\n", escape(&self.title));
        for line in &self.lines {
            let _ = write!(text, "\n{}  ", escape(line));
        }
        if !self.lines.is_empty() {
            text.push('\n');
        }
        for table in &self.tables {
            let _ = write!(text, "\n{}", table.to_markdown());
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{}", escape(note));
        }
        text
    }
}
