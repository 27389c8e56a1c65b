//! A file or a text to a compiled plan.

use std::fmt;
use std::path::{Path, PathBuf};

use rollgate_core::compile::{Compiled, Problem, Problems, compile};
use rollgate_core::config::{Location, Node};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::PLAN_BYTES_MAX;

use super::{toml, yaml};

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

/// Reads a text into a located tree.
///
/// # Errors
/// Where the text is not of its format; with line and column.
pub fn tree(text: &str, format: Format) -> Result<Node, Problems> {
    if text.len() > PLAN_BYTES_MAX {
        let message = format!("the plan has {} bytes; at most {PLAN_BYTES_MAX} are read", text.len());
        return Err(Problems(vec![Problem::error("too-long", "", Location { line: 1, column: 1 }, message)]));
    }
    match format {
        // JSON is a subset of YAML 1.2, and this reader keeps the places.
        Format::Yaml | Format::Json => yaml::tree(text, format),
        Format::Toml => toml::tree(text),
    }
}

/// Reads and compiles a text.
///
/// # Errors
/// All problems of the plan.
pub fn ruleset(text: &str, format: Format) -> Result<Compiled, Problems> {
    compile(&tree(text, format)?)
}

/// Reads and compiles a file, by its extension.
///
/// # Errors
/// [`ReadError::Io`] where the file cannot be read or its extension says nothing; [`ReadError::Refused`] with all
/// problems of the plan.
pub fn plan_file(path: &Path) -> Result<Compiled, ReadError> {
    let io = |why: String| ReadError::Io(path.to_owned(), why);
    let Some(format) = Format::of_path(path) else {
        return Err(io("a plan file ends in .yaml, .yml, .toml or .json".into()));
    };
    let text = std::fs::read_to_string(path).map_err(|error| io(error.to_string()))?;
    ruleset(&text, format)
        .map_err(|problems| ReadError::Refused(Box::new(Refused { path: path.to_owned(), text, problems })))
}
