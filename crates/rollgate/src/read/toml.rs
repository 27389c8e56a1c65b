//! TOML, with the place of every value.

use rollgate_core::compile::{Problem, Problems};
use rollgate_core::config::{Location, Node, Scalar, Value};
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

/// Reads a document.
pub(super) fn tree(text: &str) -> Result<Node, Problems> {
    let places = Places::new(text);
    let document = Document::parse(text).map_err(|error| {
        let at = places.of(error.span());
        // The parser knows repeated keys by its message only.
        let code = if error.message().contains("duplicate key") { "duplicate-key" } else { "syntax" };
        let help = match code {
            "syntax" => {
                "the text is no TOML from here on: look here, and before it for a quote, a bracket or a `=`"
            }
            _ => "remove one of the two",
        };
        Problems(vec![Problem::error(code, "", at, error.message()).with_help(help)])
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
