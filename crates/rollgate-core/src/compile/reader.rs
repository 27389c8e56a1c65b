//! Reads maps of the located tree: every key is asked for by name, and what nobody asked for is a problem.

use super::problem::{Level, Problem, nearest};
use crate::config::{Location, Node, Scalar, Value};
use crate::limits::PROBLEMS_MAX;

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

/// A value with its place and path.
#[derive(Clone, Debug)]
pub(super) struct Item<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
    /// Where its key stands; where the value does, for what has no key.
    key: Location,
}

impl<'a> Item<'a> {
    /// A value without a key.
    pub(super) fn new(node: &'a Node, path: impl Into<String>) -> Self {
        Self { node, path: path.into(), key: node.at }
    }

    fn of_key(node: &'a Node, path: String, key: Location) -> Self {
        Self { node, path, key }
    }

    /// Where its key stands: the place of what is missing in a value, and of what is wrong with its name.
    pub(super) fn key_at(&self) -> Location {
        self.key
    }

    /// Where the value stands.
    pub(super) fn at(&self) -> Location {
        self.node.at
    }
}

/// A map that is being read.
#[derive(Debug)]
pub(super) struct Map<'a> {
    pub(super) path: String,
    pub(super) at: Location,
    entries: Vec<(&'a str, Location, &'a Node)>,
    asked: Vec<&'static str>,
}

impl<'a> Map<'a> {
    /// The value of a key, where it is written; the key is known from now on.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let (_, at, node) = self.entries.iter().find(|(name, _, _)| *name == key)?;
        Some(Item::of_key(node, join(&self.path, key), *at))
    }

    /// Whether a key is written, without asking for it.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _, _)| *name == key)
    }

    /// Where a key stands, for problems about the key itself.
    pub(super) fn key_at(&self, key: &str) -> Location {
        self.entries.iter().find(|(name, _, _)| *name == key).map_or(self.at, |(_, at, _)| *at)
    }
}

/// `phases[1]` and `when` to `phases[1].when`.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Reader {
    pub(super) fn error(
        &mut self,
        code: &'static str,
        path: &str,
        at: Location,
        message: impl std::fmt::Display,
    ) {
        self.problems.push(Problem::error(code, path, at, message));
    }

    pub(super) fn error_help(
        &mut self,
        code: &'static str,
        path: &str,
        at: Location,
        message: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        self.problems.push(Problem::error(code, path, at, message).with_help(help));
    }

    pub(super) fn warn(
        &mut self,
        code: &'static str,
        path: &str,
        at: Location,
        message: impl std::fmt::Display,
        help: impl std::fmt::Display,
    ) {
        let problem = Problem::error(code, path, at, message).with_help(help);
        self.problems.push(Problem { level: Level::Warning, ..problem });
    }

    /// A wrong type.
    pub(super) fn expected(&mut self, item: &Item<'_>, what: &str) {
        let found = item.node.describe();
        let message = format!("expected {what}, found {found}");
        let is_older = matches!(found.as_str(), "`yes`" | "`no`" | "`on`" | "`off`");
        if is_older && what == "true or false" {
            let help = "write true or false; yes, no, on and off are plain words here";
            return self.error_help("wrong-type", &item.path, item.at(), message, help);
        }
        self.error_help("wrong-type", &item.path, item.at(), message, format_args!("write {what} here"));
    }

    /// Opens a map.
    pub(super) fn map<'a>(&mut self, item: &Item<'a>, what: &str) -> Option<Map<'a>> {
        let entries = match &item.node.value {
            Value::Map(entries) => entries.iter().map(|(key, at, node)| (key.as_str(), *at, node)).collect(),
            // `on_call:` with nothing behind it is an empty map to everybody who reads it.
            Value::Scalar(Scalar::Null) => Vec::new(),
            _ => {
                self.expected(item, what);
                return None;
            }
        };
        Some(Map { path: item.path.clone(), at: item.at(), entries, asked: Vec::new() })
    }

    /// Closes a map: what nobody asked for is unknown.
    pub(super) fn close(&mut self, map: Map<'_>) {
        for (key, at, _) in &map.entries {
            if map.asked.contains(key) {
                continue;
            }
            let path = join(&map.path, key);
            let message = format!("unknown key `{key}`");
            // Beyond the number that is listed, help is time lost.
            if self.problems.len() > PROBLEMS_MAX {
                self.error("unknown-key", &path, *at, message);
                continue;
            }
            match nearest(key, map.asked.iter().copied()) {
                Some(near) => self.error_help(
                    "unknown-key",
                    &path,
                    *at,
                    message,
                    format_args!("did you mean `{near}`?"),
                ),
                None => {
                    // The keys of this place, in the order of the alphabet.
                    let mut asked = map.asked.clone();
                    asked.sort_unstable();
                    asked.dedup();
                    self.error_help(
                        "unknown-key",
                        &path,
                        *at,
                        message,
                        format_args!("known here: {}", asked.join(", ")),
                    );
                }
            }
        }
    }

    /// The entries of a map whose keys are names that people choose.
    pub(super) fn named<'a>(
        &mut self,
        item: &Item<'a>,
        what: &str,
        max: usize,
    ) -> Vec<(&'a str, Location, Item<'a>)> {
        let entries = match &item.node.value {
            Value::Map(entries) => entries,
            Value::Scalar(Scalar::Null) => return Vec::new(),
            _ => {
                self.expected(item, what);
                return Vec::new();
            }
        };
        if !self.fits(item, entries.len(), max) {
            return Vec::new();
        }
        let mut named = Vec::with_capacity(entries.len());
        for (key, at, node) in entries {
            let path = join(&item.path, key);
            if self.is_key(key, &path, *at) {
                named.push((key.as_str(), *at, Item::of_key(node, path, *at)));
            }
        }
        named
    }

    /// Whether a name may be a key: not empty, not too long, no white space or control characters.
    pub(super) fn is_key(&mut self, key: &str, path: &str, at: Location) -> bool {
        let is_fine = !key.is_empty()
            && key.len() <= crate::limits::KEY_BYTES_MAX
            && !key.chars().any(|c| c.is_control() || c.is_whitespace());
        if !is_fine {
            self.error_help(
                "invalid-key",
                path,
                at,
                format_args!("`{key}` cannot be a key"),
                "keys have 1 to 128 bytes and no white space",
            );
        }
        is_fine
    }

    /// Whether so many entries are allowed.
    fn fits(&mut self, item: &Item<'_>, count: usize, max: usize) -> bool {
        if count > max {
            let message = format!("{count} entries, at most {max}");
            self.error_help("too-many", &item.path, item.at(), message, "split the plan, or leave some out");
        }
        count <= max
    }

    /// The items of a list.
    pub(super) fn list<'a>(&mut self, item: &Item<'a>, what: &str, max: usize) -> Vec<Item<'a>> {
        let Value::List(nodes) = &item.node.value else {
            self.expected(item, what);
            return Vec::new();
        };
        if !self.fits(item, nodes.len(), max) {
            return Vec::new();
        }
        nodes
            .iter()
            .enumerate()
            .map(|(index, node)| Item::new(node, format!("{}[{index}]", item.path)))
            .collect()
    }
}
