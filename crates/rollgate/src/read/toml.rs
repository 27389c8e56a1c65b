//! TOML, with the place of every value.

use rollgate_core::compile::{Problem, Problems};
use rollgate_core::config::{Location, Node, Scalar, Value};
use rollgate_core::limits::PLAN_VALUES_MAX;
use toml_edit::{Document, Item, TableLike, Value as TomlValue};

/// Characters are counted in blocks of so many bytes, so that a place in a long line is found without walking it.
const BLOCK: usize = 256;

/// Where byte offsets lie.
struct Places<'a> {
    /// The offset of every line's start.
    lines: Vec<usize>,
    /// Characters before each block.
    blocks: Vec<usize>,
    text: &'a [u8],
}

/// Whether a character begins with this byte of UTF-8.
const fn begins(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        let text = text.as_bytes();
        let starts = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let counts = text.chunks(BLOCK).scan(0, |sum, block| {
            let before = *sum;
            *sum += block.iter().filter(|byte| begins(**byte)).count();
            Some(before)
        });
        Self { lines: std::iter::once(0).chain(starts).collect(), blocks: counts.collect(), text }
    }

    /// Characters before an offset.
    fn characters(&self, offset: usize) -> usize {
        let block = (offset / BLOCK).min(self.blocks.len().saturating_sub(1));
        let rest = self.text.get(block * BLOCK..offset.min(self.text.len())).unwrap_or_default();
        self.blocks.get(block).copied().unwrap_or(0) + rest.iter().filter(|byte| begins(**byte)).count()
    }

    /// A number as it is written, without the underscores that TOML allows between digits.
    fn number(&self, span: Option<std::ops::Range<usize>>, value: impl std::fmt::Display) -> String {
        let written = span.and_then(|span| std::str::from_utf8(self.text.get(span)?).ok());
        written.map_or_else(|| value.to_string(), |text| text.trim().replace('_', ""))
    }

    fn of(&self, span: Option<std::ops::Range<usize>>) -> Location {
        let Some(offset) = span.map(|span| span.start) else { return Location { line: 1, column: 1 } };
        let line = self.lines.partition_point(|start| *start <= offset).saturating_sub(1);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let column = self.characters(offset) - self.characters(start);
        Location { line: line as u32 + 1, column: column as u32 + 1 }
    }
}

/// Longest text that is read by tables behind an error: what people write is shorter, and reading again costs time.
const READ_AGAIN_BYTES: usize = 256 << 10;

/// Reads a document. Where it is no TOML, each table is read alone, so that one run names them all.
pub(super) fn tree(text: &str) -> Result<Node, Problems> {
    let first = match document(text) {
        Ok(node) => match beyond(&node, &mut { PLAN_VALUES_MAX }) {
            Some(at) => return Err(super::file::too_many(at)),
            None => return Ok(node),
        },
        Err(problem) => problem,
    };
    let mut found = vec![first];
    if text.len() <= READ_AGAIN_BYTES {
        for (before, table) in tables(text) {
            let Err(problem) = document(table) else { continue };
            let problem = Problem { line: problem.line + before, ..problem };
            if !found.iter().any(|other| other.line == problem.line) {
                found.push(problem);
            }
        }
    }
    Err(Problems::in_order(found))
}

/// The place of the first value beyond so many.
fn beyond(node: &Node, left: &mut usize) -> Option<Location> {
    let Some(rest) = left.checked_sub(1) else { return Some(node.at) };
    *left = rest;
    match &node.value {
        Value::Map(entries) => entries.iter().find_map(|(_, _, node)| beyond(node, left)),
        Value::List(items) => items.iter().find_map(|node| beyond(node, left)),
        Value::Scalar(_) => None,
    }
}

/// The text by its tables, each with the number of lines before it.
fn tables(text: &str) -> Vec<(u32, &str)> {
    let (mut found, mut begin, mut first, mut offset) = (Vec::new(), 0, 0, 0);
    for (before, line) in text.split_inclusive('\n').enumerate() {
        // A line of an array over several lines has quotes or commas in it.
        let name = line.trim_end().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_head = name.is_some_and(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.[]".contains(c))
        });
        if is_head {
            found.push((first, &text[begin..offset]));
            (begin, first) = (offset, before as u32);
        }
        offset += line.len();
    }
    found.push((first, &text[begin..]));
    found
}

/// How this slip is mended, where it is one that people make.
fn hint(text: &str, line: u32) -> &'static str {
    let line = text.split('\n').nth(line.saturating_sub(1) as usize).unwrap_or_default();
    match line.split_once('=') {
        _ if text.trim_start().starts_with('{') => {
            "the text begins as JSON does: the name of such a file ends in .json"
        }
        None if line.contains(": ") => {
            "TOML writes `key = value`; the name of a file of YAML ends in .yaml or .yml"
        }
        Some((_, value)) if value.trim_start().starts_with(|c: char| c.is_ascii_alphanumeric()) => {
            "texts stand in quotes: \"10%\", \"7d\", \"200ms\""
        }
        Some((_, value)) if value.trim().is_empty() => "a value is missing: look here",
        _ => "the text is no TOML from here on: look here, and before it for a quote, a bracket or a `=`",
    }
}

fn document(text: &str) -> Result<Node, Problem> {
    let places = Places::new(text);
    let document = Document::parse(text).map_err(|error| {
        let at = places.of(error.span());
        // The parser knows repeated keys by its message only.
        if error.message().contains("duplicate key") {
            let problem = Problem::error("duplicate-key", "", at, error.message());
            return problem.with_help("remove one of the two");
        }
        Problem::error("syntax", "", at, error.message()).with_help(hint(text, at.line))
    })?;
    Ok(Node { value: table(document.as_table(), &places), at: Location { line: 1, column: 1 } })
}

fn table(table: &dyn TableLike, places: &Places<'_>) -> Value {
    let entries = table.iter().map(|(name, item)| {
        let key = table.key(name).and_then(|key| key.span());
        let at = places.of(key.clone().or_else(|| item.span()));
        (name.to_owned(), at, node(item, places, key))
    });
    Value::Map(entries.collect())
}

fn node(item: &Item, places: &Places<'_>, key: Option<std::ops::Range<usize>>) -> Node {
    let at = places.of(item.span().or(key));
    let value = match item {
        Item::None => Value::Scalar(Scalar::Null),
        Item::Value(value) => return self::value(value, places, at),
        Item::Table(inner) => table(inner, places),
        Item::ArrayOfTables(tables) => Value::List(
            tables
                .iter()
                .map(|inner| Node { value: table(inner, places), at: places.of(inner.span()) })
                .collect(),
        ),
    };
    Node { value, at }
}

fn value(value: &TomlValue, places: &Places<'_>, default: Location) -> Node {
    let at = value.span().map_or(default, |span| places.of(Some(span)));
    let scalar = match value {
        TomlValue::String(text) => Scalar::Text(text.value().clone()),
        // As it is written, so that 0.10 and 1.0 keep what they say.
        TomlValue::Integer(number) => Scalar::Number(places.number(value.span(), number.value())),
        TomlValue::Float(number) => Scalar::Number(places.number(value.span(), number.value())),
        TomlValue::Boolean(value) => Scalar::Bool(*value.value()),
        TomlValue::Datetime(date) => Scalar::Text(date.value().to_string()),
        TomlValue::Array(items) => {
            let items = items.iter().map(|item| self::value(item, places, at)).collect();
            return Node { value: Value::List(items), at };
        }
        TomlValue::InlineTable(inner) => return Node { value: table(inner, places), at },
    };
    Node { value: Value::Scalar(scalar), at }
}
