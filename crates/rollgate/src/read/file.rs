//! A file or a text to a compiled plan.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use rollgate_core::compile::{Compiled, Problem, Problems, compile};
use rollgate_core::config::{Config, Location, Node, Scalar, Value};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::{PLAN_BYTES_MAX, PLAN_VALUES_MAX};
use serde::Deserialize;

use super::{json, toml, yaml};

/// The three forms of a plan file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// YAML 1.2; `.yaml`, `.yml`.
    Yaml,
    /// TOML; `.toml`.
    Toml,
    /// JSON; `.json`.
    Json,
}

impl Format {
    /// The form that a file's extension says.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "yaml" | "yml" => Some(Self::Yaml),
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }

    /// Its name: `yaml`, `toml` or `json`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Toml => "toml",
            Self::Json => "json",
        }
    }

    /// The form of this [name](Self::name).
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Yaml, Self::Toml, Self::Json].into_iter().find(|format| format.name() == name)
    }
}

/// A plan that was read and refused: its problems, and its text for excerpts.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
    /// What is wrong with it.
    pub problems: Problems,
}

/// Why a plan file gave no plan.
#[derive(Clone, Debug)]
pub enum ReadError {
    /// The file could not be read.
    Io(PathBuf, String),
    /// The plan is refused.
    Refused(Box<Refused>),
}

impl ReadError {
    /// As the library's error.
    pub fn into_error(self) -> Error {
        let kind = match self {
            Self::Io(..) => ErrorKind::Io,
            Self::Refused(_) => ErrorKind::InvalidConfig,
        };
        Error::new(kind, self)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, why) => write!(f, "{}: {why}", path.display()),
            Self::Refused(refused) => write!(f, "{}:\n{}", refused.path.display(), refused.problems),
        }
    }
}

impl std::error::Error for ReadError {}

/// One problem at a place.
fn refuse(code: &'static str, at: (usize, usize), message: impl fmt::Display, help: &str) -> Problems {
    let at = Location { line: at.0 as u32, column: at.1 as u32 };
    Problems(vec![Problem::error(code, "", at, message).with_help(help)])
}

/// Reads a text into a located tree.
///
/// # Errors
/// Where the text is not of its format; with line and column.
pub fn tree(text: &str, format: Format) -> Result<Node, Problems> {
    match located(text, format)? {
        (node, problems) if problems.is_empty() => Ok(node),
        (_, problems) => Err(Problems::in_order(problems)),
    }
}

/// The tree, and the problems that leave one.
fn located(text: &str, format: Format) -> Result<(Node, Vec<Problem>), Problems> {
    if text.len() > PLAN_BYTES_MAX {
        return Err(too_long());
    }
    // A mark that some editors put before the text; it is not part of it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(refuse(
            "empty",
            (1, 1),
            "the plan is empty",
            "a plan begins with `version: 1` and a `name`",
        ));
    }
    if let Some((at, c)) = control(text) {
        let message = format!("a control character (U+{:04X}) stands here", u32::from(c));
        let help = "remove it, or save the file as plain text; a reader may take it for the end of the file";
        return Err(refuse("control-character", at, message, help));
    }
    match format {
        Format::Yaml => yaml::tree(text),
        Format::Json => json::tree(text),
        Format::Toml => toml::tree(text).map(|node| (node, Vec::new())),
    }
}

/// The first control character that is neither a tab nor part of a line's end: no format allows one. A carriage return
/// alone ends a line for YAML and for nobody else, so that places behind it would be wrong.
fn control(text: &str) -> Option<((usize, usize), char)> {
    let bytes = text.as_bytes();
    let is_wrong = |(at, byte): (usize, &u8)| match byte {
        b'\t' | b'\n' => false,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        byte => *byte < b' ' || *byte == 0x7F,
    };
    let offset = bytes.iter().enumerate().position(is_wrong)?;
    let start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line = text[..offset].matches('\n').count() + 1;
    let column = text[start..offset].chars().count() + 1;
    Some(((line, column), char::from(text.as_bytes()[offset])))
}

/// More values than anybody wrote.
pub(super) fn too_many(at: Location) -> Problems {
    let message = format!("the plan has more than {PLAN_VALUES_MAX} values");
    let help = "a plan is written by people: keep data out of it, or split it by flags";
    refuse("too-many-values", (at.line as usize, at.column as usize), message, help)
}

/// A text that says something, and not what a plan says: most often another file.
fn no_plan(text: &str, tree: &Node) -> Problems {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let help = if first.contains(" = ") {
        "the text begins as TOML does: the name of such a file ends in .toml"
    } else {
        "a plan begins with `version: 1` and a `name`; is this another file?"
    };
    let at = (tree.at.line as usize, tree.at.column as usize);
    refuse("wrong-type", at, format_args!("expected keys with their values, found {}", tree.describe()), help)
}

fn too_long() -> Problems {
    let message = format!("the plan is longer than {PLAN_BYTES_MAX} bytes");
    let help =
        "a plan is written by people: keep data out of it, such as lists of users, or split it by flags";
    refuse("too-long", (1, 1), message, help)
}

/// Reads and compiles a text.
///
/// # Errors
/// All problems of the plan.
pub fn ruleset(text: &str, format: Format) -> Result<Compiled, Problems> {
    let (tree, mut problems) = located(text, format)?;
    if !matches!(tree.value, Value::Map(_) | Value::Scalar(Scalar::Null)) {
        return Err(no_plan(text, &tree));
    }
    match compile(&tree) {
        Ok(compiled) if problems.is_empty() => Ok(compiled),
        Ok(compiled) => {
            problems.extend(compiled.warnings);
            Err(Problems::in_order(problems))
        }
        Err(more) => {
            problems.extend(more.0);
            Err(Problems::in_order(problems))
        }
    }
}

/// Reads a text into the serde types of the plan file, without compiling it.
///
/// # Errors
/// Where the text is not of its format, or has keys or kinds of values that the format has not.
pub fn config(text: &str, format: Format) -> Result<Config, Problems> {
    let tree = tree(text, format)?;
    Config::deserialize(&tree).map_err(|error| refuse("wrong-type", (1, 1), error, "compile it to see where"))
}

/// Compiles a plan that comes as an object: from JSON, or from a dynamic language.
///
/// # Errors
/// All problems of the plan, each with its path; there are no lines.
pub fn object(plan: &serde_json::Value) -> Result<Compiled, Problems> {
    match Node::of(plan) {
        Ok(tree) => compile(&tree),
        Err(error) => {
            let problem = Problem::error("wrong-type", "", Location::default(), error);
            Err(Problems(vec![problem.with_help("a plan is a map of texts, numbers, lists and maps")]))
        }
    }
}

/// The text of a plan's bytes.
///
/// # Errors
/// The place of what is no UTF-8; a text that is too long.
pub fn text(bytes: Vec<u8>) -> Result<String, Problems> {
    if bytes.len() > PLAN_BYTES_MAX {
        return Err(too_long());
    }
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = String::from_utf8_lossy(&before[start..]).chars().count() + 1;
        refuse("not-utf8", (line, column), "the plan is not UTF-8 here", "save the file as UTF-8")
    })
}

/// Reads and compiles a file, by its extension.
///
/// # Errors
/// [`ReadError::Io`] where the file cannot be read or its extension says nothing; [`ReadError::Refused`] with all
/// problems of the plan.
pub fn plan_file(path: &Path) -> Result<Compiled, ReadError> {
    plan_file_with_text(path).map(|(compiled, _)| compiled)
}

/// The same, with the text of the file for excerpts.
///
/// # Errors
/// As [`plan_file`].
pub fn plan_file_with_text(path: &Path) -> Result<(Compiled, String), ReadError> {
    let io = |why: String| ReadError::Io(path.to_owned(), why);
    if path.is_dir() {
        return Err(io("is a folder; name the plan file in it".into()));
    }
    let Some(format) = Format::of_path(path) else {
        return Err(io("the name says no format: a plan file ends in .yaml, .yml, .toml or .json".into()));
    };
    // A byte more than is allowed says that the file is too long, however long it is.
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(PLAN_BYTES_MAX as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| io(format!("cannot be read as a plan file: {error}")))?;
    let refused = |text: String, problems| {
        ReadError::Refused(Box::new(Refused { path: path.to_owned(), text, problems }))
    };
    let seen = String::from_utf8_lossy(&bytes).into_owned();
    match text(bytes) {
        Ok(text) => match ruleset(&text, format) {
            Ok(compiled) => Ok((compiled, text)),
            Err(problems) => Err(refused(text, problems)),
        },
        Err(problems) => Err(refused(seen, problems)),
    }
}
