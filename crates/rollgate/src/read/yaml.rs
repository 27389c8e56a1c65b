//! YAML 1.2, with the place of every scalar.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rollgate_core::compile::{Problem, Problems};
use rollgate_core::config::{Location, Node, Scalar, Value};
use rollgate_core::limits::PLAN_DEPTH_MAX;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

fn location(marker: &Marker) -> Location {
    // The parser counts lines from 1 and columns from 0.
    Location { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

fn refuse(code: &'static str, at: Location, message: impl std::fmt::Display) -> Problems {
    Problems(vec![Problem::error(code, "", at, message)])
}

/// Reads one document. Its problems do not keep the rest from being read, nor the tree from being compiled.
pub(super) fn tree(text: &str) -> Result<(Node, Vec<Problem>), Problems> {
    let mut reader = Reader { parser: Parser::new_from_str(text), problems: Vec::new(), path: String::new() };
    let node = reader.document()?;
    Ok((node, reader.problems))
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Problems that do not keep the rest from being read.
    problems: Vec<Problem>,
    /// Of the value that is being read: `phases[1].gates`.
    path: String,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problems> {
        let broken = |error: ScanError| {
            let problem = Problem::error("syntax", "", location(error.marker()), error.info());
            Problems(vec![problem.with_help(
                "the text is no YAML from here on: look here, and before it for a bracket, a quote or an indent",
            )])
        };
        match self.parser.next_event() {
            Some(event) => event.map_err(broken),
            None => Err(refuse("syntax", Location { line: 1, column: 1 }, "the file ends too early")),
        }
    }

    fn document(&mut self) -> Result<Node, Problems> {
        let mut root: Option<Node> = None;
        loop {
            let (event, span) = self.next()?;
            let at = location(&span.start);
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => {
                    return root.ok_or_else(|| {
                        refuse("empty", Location { line: 1, column: 1 }, "the plan is empty")
                    });
                }
                event => {
                    if root.is_some() {
                        return Err(refuse(
                            "several-documents",
                            at,
                            "a plan is one document; a second one begins here",
                        ));
                    }
                    root = Some(self.node(event, at, 0)?);
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Location, depth: usize) -> Result<Node, Problems> {
        if depth > PLAN_DEPTH_MAX {
            return Err(refuse("too-deep", at, format_args!("values lie more than {PLAN_DEPTH_MAX} deep")));
        }
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plain(anchor, tag.is_some(), at);
                Value::Scalar(scalar(&text, style))
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain(anchor, tag.is_some(), at);
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        break Value::List(items);
                    }
                    let outer = self.path.len();
                    self.path.push_str(&format!("[{}]", items.len()));
                    items.push(self.node(event, location(&span.start), depth + 1)?);
                    self.path.truncate(outer);
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.plain(anchor, tag.is_some(), at);
                self.map(at, depth)?
            }
            Event::Alias(_) => {
                self.unsupported(at, "aliases are not part of the format; write the value out");
                Value::Scalar(Scalar::Null)
            }
            _ => return Err(refuse("syntax", at, "a value is missing here")),
        };
        Ok(Node { value, at })
    }

    fn map(&mut self, begin: Location, depth: usize) -> Result<Value, Problems> {
        let mut entries: Vec<(String, Location, Node)> = Vec::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        loop {
            let (event, span) = self.next()?;
            let at = location(&span.start);
            let (key, is_plain) = match event {
                Event::MappingEnd => return Ok(Value::Map(entries)),
                Event::Scalar(text, style, anchor, tag) => {
                    self.plain(anchor, tag.is_some(), at);
                    if text == "<<" && style == ScalarStyle::Plain {
                        self.unsupported(at, "merge keys are not part of the format; write the keys out");
                    }
                    (text.into_owned(), style == ScalarStyle::Plain)
                }
                _ => return Err(refuse("syntax", at, "a key is a plain word")),
            };
            let (event, span) = self.next()?;
            let outer = self.path.len();
            if outer > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let node = self.node(event, location(&span.start), depth + 1)?;
            // A block map begins where its first key does; only a flow map has a brace before it.
            let is_flow = entries.first().is_some_and(|(_, first, _)| *first != begin);
            if is_plain && is_flow && continues(&key, &node, entries.last_mut()) {
                self.path.truncate(outer);
                continue;
            }
            match lines.entry(key.clone()) {
                Entry::Occupied(first) => {
                    self.problems.push(repeated(&key, *first.get(), &self.path, at));
                }
                Entry::Vacant(free) => {
                    free.insert(at.line);
                    entries.push((key, at, node));
                }
            }
            self.path.truncate(outer);
        }
    }

    fn unsupported(&mut self, at: Location, message: &str) {
        self.problems.push(Problem::error("unsupported", &self.path, at, message));
    }

    /// Anchors and tags would make the same text mean different things.
    fn plain(&mut self, anchor: usize, has_tag: bool, at: Location) {
        if anchor > 0 {
            self.unsupported(at, "anchors are not part of the format; write the value out");
        }
        if has_tag {
            self.unsupported(at, "tags are not part of the format");
        }
    }
}

/// A key that stands in its map already.
pub(super) fn repeated(key: &str, line: u32, path: &str, at: Location) -> Problem {
    let message = format!("key `{key}` is here a second time; it stands on line {line} already");
    Problem::error("duplicate-key", path, at, message).with_help("remove one of the two")
}

/// Whether a "key" without a value is the rest of the text before it, and joins it on.
///
/// In `{ description: both arms have it, injection only ON }` YAML ends the text at the comma, and reads a key without a
/// value behind it. No key of the format has white space in it, so what the author meant is plain.
fn continues(key: &str, node: &Node, before: Option<&mut (String, Location, Node)>) -> bool {
    let is_bare = node.value == Value::Scalar(Scalar::Null) && key.contains(char::is_whitespace);
    match before.map(|(_, _, node)| &mut node.value) {
        Some(Value::Scalar(Scalar::Text(text))) if is_bare => {
            text.push_str(", ");
            text.push_str(key);
            true
        }
        _ => false,
    }
}

/// A scalar by the rules of YAML 1.2's core schema: `on`, `off`, `yes` and `no` are texts.
fn scalar(text: &str, style: ScalarStyle) -> Scalar {
    if style != ScalarStyle::Plain {
        return Scalar::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Scalar::Null,
        "true" | "True" | "TRUE" => Scalar::Bool(true),
        "false" | "False" | "FALSE" => Scalar::Bool(false),
        _ if is_number(text) => Scalar::Number(text.to_owned()),
        _ => Scalar::Text(text.to_owned()),
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.parse::<f64>().is_ok()
}
