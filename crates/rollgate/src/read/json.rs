//! JSON, with the place of every value.
//!
//! `serde_json` decides what is JSON and decodes the strings; this finds where everything stands.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rollgate_core::compile::{Problem, Problems};
use rollgate_core::config::{Location, Node, Scalar, Value};
use rollgate_core::limits::{PLAN_DEPTH_MAX, PLAN_VALUES_MAX};
use serde::de::IgnoredAny;

/// Reads a document. Its problems do not keep the tree from being compiled.
pub(super) fn tree(text: &str) -> Result<(Node, Vec<Problem>), Problems> {
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| {
        // The parser counts bytes, from the one that it read last.
        let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
        let before = line.as_bytes().get(..error.column().saturating_sub(1)).unwrap_or(line.as_bytes());
        let column = String::from_utf8_lossy(before).chars().count() + 1;
        let at = Location { line: error.line() as u32, column: column as u32 };
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        if message.starts_with("recursion") {
            return too_deep(at);
        }
        let rest = line.get(before.len()..).unwrap_or_default();
        Problems(vec![Problem::error("syntax", "", at, message).with_help(hint(text, message, rest))])
    })?;
    let start = Location { line: 1, column: 1 };
    let mut scanner = Scanner { rest: text, at: start, path: String::new(), problems: Vec::new(), values: 0 };
    let node = scanner.value(0)?;
    Ok((node, scanner.problems))
}

/// How this slip is mended, where it is one that people make.
fn hint(text: &str, message: &str, rest: &str) -> &'static str {
    let next = rest.chars().next();
    match message {
        _ if rest.starts_with("//") || rest.starts_with("/*") || next == Some('#') => {
            "JSON has no comments; remove it, or write the plan as YAML"
        }
        _ if !text.trim_start().starts_with('{') => {
            "a plan in JSON begins with `{`; the name of a file of YAML ends in .yaml, of TOML in .toml"
        }
        _ if next == Some('\'') => "texts and keys stand in double quotes",
        _ if message.starts_with("trailing comma") => "remove the comma before it",
        _ if message.starts_with("key must be") => "put the key in double quotes",
        _ if message.starts_with("EOF") => "the file ends too early: a bracket or a quote is not closed",
        _ if message.starts_with("trailing characters") => {
            "a plan is one object; remove what stands behind it"
        }
        _ if message.starts_with("control character") => {
            "a text stands in one line; write \\n for a line's end, \\t for a tab"
        }
        _ if message.starts_with("expected `,`") => "a comma or a closing bracket is missing before it",
        _ => "the text is no JSON from here on: look here, and before it for a bracket, a quote or a comma",
    }
}

fn refuse(code: &'static str, at: Location, message: &str, help: &str) -> Problems {
    Problems(vec![Problem::error(code, "", at, message).with_help(help)])
}

fn too_deep(at: Location) -> Problems {
    let message = format!("values lie more than {PLAN_DEPTH_MAX} deep");
    refuse("too-deep", at, &message, "no plan lies so deep; is a bracket not closed?")
}

/// Walks a text that is known to be JSON.
struct Scanner<'a> {
    rest: &'a str,
    at: Location,
    /// Of the value that is being read: `phases[1].gates`.
    path: String,
    problems: Vec<Problem>,
    /// How many have been read.
    values: usize,
}

impl<'a> Scanner<'a> {
    /// Goes on by so many bytes.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        for c in taken.chars() {
            if c == '\n' {
                self.at = Location { line: self.at.line + 1, column: 1 };
            } else {
                self.at.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    /// The next byte that is not white space.
    fn next(&mut self) -> Result<u8, Problems> {
        self.take(self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\n', '\r']).len());
        self.rest
            .bytes()
            .next()
            .ok_or_else(|| refuse("syntax", self.at, "the file ends too early", "a bracket is not closed"))
    }

    /// Takes one byte where it is the next.
    fn has(&mut self, byte: u8) -> Result<bool, Problems> {
        let found = self.next()? == byte;
        if found {
            self.take(1);
        }
        Ok(found)
    }

    fn value(&mut self, depth: usize) -> Result<Node, Problems> {
        let first = self.next()?;
        let at = self.at;
        if depth > PLAN_DEPTH_MAX {
            return Err(too_deep(at));
        }
        self.values += 1;
        if self.values > PLAN_VALUES_MAX {
            return Err(super::file::too_many(at));
        }
        let value = match first {
            b'{' => self.map(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Value::Scalar(Scalar::Text(self.string()?)),
            _ => {
                let end = self.rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
                Value::Scalar(match self.take(end.max(1)) {
                    "true" => Scalar::Bool(true),
                    "false" => Scalar::Bool(false),
                    "null" => Scalar::Null,
                    number => Scalar::Number(number.to_owned()),
                })
            }
        };
        Ok(Node { value, at })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Problems> {
        self.take(1);
        let mut items = Vec::new();
        if self.has(b']')? {
            return Ok(Value::List(items));
        }
        loop {
            let outer = self.path.len();
            self.path.push_str(&format!("[{}]", items.len()));
            items.push(self.value(depth + 1)?);
            self.path.truncate(outer);
            if !self.has(b',')? {
                self.take(1);
                return Ok(Value::List(items));
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Problems> {
        self.take(1);
        let mut entries: Vec<(String, Location, Node)> = Vec::new();
        let mut lines: HashMap<String, u32> = HashMap::new();
        if self.has(b'}')? {
            return Ok(Value::Map(entries));
        }
        loop {
            self.next()?;
            let at = self.at;
            let key = self.string()?;
            self.next()?;
            self.take(1); // The colon.
            let outer = self.path.len();
            if outer > 0 {
                self.path.push('.');
            }
            self.path.push_str(&key);
            let node = self.value(depth + 1)?;
            match lines.entry(key.clone()) {
                Entry::Occupied(first) => {
                    self.problems.push(super::yaml::repeated(&key, *first.get(), &self.path, at));
                }
                Entry::Vacant(free) => {
                    free.insert(at.line);
                    entries.push((key, at, node));
                }
            }
            self.path.truncate(outer);
            if !self.has(b',')? {
                self.take(1);
                return Ok(Value::Map(entries));
            }
        }
    }

    fn string(&mut self) -> Result<String, Problems> {
        let at = self.at;
        let mut is_escaped = false;
        let inside = self.rest.bytes().skip(1).position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        });
        let quoted = self.take(inside.map_or(self.rest.len(), |inside| inside + 2));
        // Half of a surrogate pair is the one thing that passes as JSON and is no text.
        serde_json::from_str(quoted).map_err(|_| {
            let help = "write both halves, or the character itself";
            refuse("syntax", at, "this text has half of a surrogate pair", help)
        })
    }
}
