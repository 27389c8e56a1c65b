//! YAML 1.2, with the place of every scalar.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rollgate_core::compile::{Problem, Problems};
use rollgate_core::config::{Location, Node, Scalar, Value};
use rollgate_core::limits::{PLAN_DEPTH_MAX, PLAN_VALUES_MAX};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span};

fn location(marker: &Marker) -> Location {
    // The parser counts lines from 1 and columns from 0.
    Location { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

fn refuse(code: &'static str, at: Location, message: impl std::fmt::Display, help: &str) -> Problems {
    Problems(vec![Problem::error(code, "", at, message).with_help(help)])
}

/// Longest text that is read on behind an error: what people write is shorter, and reading on costs time.
const READ_ON_BYTES: usize = 256 << 10;
/// How often it is read on.
const READ_ON_TIMES: usize = 20;

/// Reads one document. Its problems do not keep the rest from being read, nor the tree from being compiled.
///
/// What is no YAML ends the reading; the sections behind it are read for more of that kind, so that one run names them
/// all. What the plan means is looked at once all of it can be read.
pub(super) fn tree(text: &str) -> Result<(Node, Vec<Problem>), Problems> {
    let mut found = match document(text) {
        Ok(read) => return Ok(read),
        Err(found) => found,
    };
    let is_broken = |problem: &Problem| problem.code == "syntax";
    let mut last = found.iter().find(|problem| is_broken(problem)).map(|problem| problem.line);
    for _ in 0..READ_ON_TIMES {
        let Some((before, rest)) = last.and_then(|line| section_after(text, line)) else { break };
        let Err(mut more) = document(rest) else { break };
        more.retain(is_broken);
        more.iter_mut().for_each(|problem| problem.line += before);
        last = more.iter().map(|problem| problem.line).max();
        found.extend(more);
    }
    Err(Problems::in_order(found))
}

/// The text from the first section on that begins behind this line, and the number of lines before it.
fn section_after(text: &str, line: u32) -> Option<(u32, &str)> {
    if text.len() > READ_ON_BYTES {
        return None;
    }
    let mut offset = 0;
    for (before, content) in text.split_inclusive('\n').enumerate() {
        let begins = content.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if before as u32 >= line && begins && content.contains(':') {
            return Some((before as u32, &text[offset..]));
        }
        offset += content.len();
    }
    None
}

/// Reads a text as one document, or gives all that was found up to where it breaks.
fn document(text: &str) -> Result<(Node, Vec<Problem>), Vec<Problem>> {
    let parser = Parser::new_from_str(text);
    let mut reader = Reader { text, parser, problems: Vec::new(), path: String::new(), values: 0 };
    match reader.document() {
        Ok(node) => Ok((node, reader.problems)),
        Err(mut problems) => {
            problems.0.append(&mut reader.problems);
            Err(problems.0)
        }
    }
}

/// How this slip is mended, where it is one that people make.
fn hint(text: &str, error: &ScanError) -> &'static str {
    let line = text.split('\n').nth(error.marker().line().saturating_sub(1)).unwrap_or_default();
    let indent = &line[..line.len() - line.trim_start().len()];
    let rest: String = line.chars().skip(error.marker().col()).collect();
    let info = error.info();
    if indent.contains('\t') {
        return "indent with spaces; YAML allows no tab there";
    }
    if rest.starts_with(['@', '`', '%']) {
        return "put a text that begins with such a character in quotes";
    }
    if info.contains("mapping values are not allowed") || info.contains("mapping value") {
        return "put a text with `: ` in it in quotes; or the indent of this line is not that of its neighbours";
    }
    if info.contains("quoted scalar") {
        return "a quote is not closed: look here, and before it";
    }
    if info.contains("',' or") || info.contains("flow") {
        return "a bracket is not closed, or a comma is missing: look here, and before it";
    }
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    if first.is_some_and(|line| line.contains(" = ") && !line.contains(": ")) {
        return "the text begins as TOML does: the name of such a file ends in .toml";
    }
    "the text is no YAML from here on: look here, and before it for a bracket, a quote or an indent"
}

struct Reader<'a> {
    text: &'a str,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    /// Problems that do not keep the rest from being read.
    problems: Vec<Problem>,
    /// Of the value that is being read: `phases[1].gates`.
    path: String,
    /// How many have been read.
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problems> {
        let text = self.text;
        let broken = |error: ScanError| {
            let problem = Problem::error("syntax", "", location(error.marker()), error.info());
            Problems(vec![problem.with_help(hint(text, &error))])
        };
        match self.parser.next_event() {
            Some(event) => event.map_err(broken),
            None => {
                let at = Location { line: 1, column: 1 };
                Err(refuse("syntax", at, "the file ends too early", "a bracket or a quote is not closed"))
            }
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
                        let at = Location { line: 1, column: 1 };
                        refuse(
                            "empty",
                            at,
                            "the plan is empty",
                            "a plan begins with `version: 1` and a `name`",
                        )
                    });
                }
                event => {
                    if root.is_some() {
                        return Err(refuse(
                            "several-documents",
                            at,
                            "a plan is one document; a second one begins here",
                            "remove the `---`, or write two files",
                        ));
                    }
                    root = Some(self.node(event, at, 0)?);
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Location, depth: usize) -> Result<Node, Problems> {
        if depth > PLAN_DEPTH_MAX {
            let message = format_args!("values lie more than {PLAN_DEPTH_MAX} deep");
            return Err(refuse("too-deep", at, message, "no plan lies so deep; is a bracket not closed?"));
        }
        self.values += 1;
        if self.values > PLAN_VALUES_MAX {
            return Err(super::file::too_many(at));
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
                self.unsupported(at, "aliases are not part of the format", "write the value out");
                Value::Scalar(Scalar::Null)
            }
            _ => return Err(refuse("syntax", at, "a value is missing here", "write it, or remove the key")),
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
                        self.unsupported(at, "merge keys are not part of the format", "write the keys out");
                    }
                    (text.into_owned(), style == ScalarStyle::Plain)
                }
                _ => return Err(refuse("syntax", at, "a key is a plain word", "write a word and a colon")),
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

    fn unsupported(&mut self, at: Location, message: &str, help: &str) {
        self.problems.push(Problem::error("unsupported", &self.path, at, message).with_help(help));
    }

    /// Anchors and tags would make the same text mean different things.
    fn plain(&mut self, anchor: usize, has_tag: bool, at: Location) {
        if anchor > 0 {
            self.unsupported(
                at,
                "anchors are not part of the format",
                "write the value out where it is meant",
            );
        }
        if has_tag {
            self.unsupported(at, "tags are not part of the format", "remove it; a text stands in quotes");
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
