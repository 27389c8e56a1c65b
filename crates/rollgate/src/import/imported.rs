//! What comes of a file of another system: a plan of flags, and notes of all that is not as it was.

use std::fmt;

use rollgate_core::config::Config;
use rollgate_core::error::{Error, ErrorKind};

use super::draft::Draft;
use super::{flagd, growthbook, launchdarkly, settle, unleash};

/// Where flags come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Unleash: what its client API gives (`/api/client/features`), or its delta of events.
    Unleash,
    /// LaunchDarkly: flags and segments as a server-side library holds them (a file data source, `/sdk/latest-all`).
    LaunchDarkly,
    /// GrowthBook: what its SDK endpoint gives (`/api/features/KEY`), not encrypted.
    GrowthBook,
    /// flagd: a flag definition.
    Flagd,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unleash, Self::LaunchDarkly, Self::GrowthBook, Self::Flagd];

    /// As the command line writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unleash => "unleash",
            Self::LaunchDarkly => "launchdarkly",
            Self::GrowthBook => "growthbook",
            Self::Flagd => "flagd",
        }
    }
}

/// What became of something that is not in the plan as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// The plan format cannot say it; what stands for it is said.
    NotExpressed,
    /// It is there, and means a little less, more or something else.
    Changed,
    /// An operator, a strategy or a function that is not known: its rule never matches.
    UnknownOperator,
    /// It could not be read.
    Malformed,
    /// No evaluation reads it, and the plan has no place for it.
    LeftOut,
}

impl NoteKind {
    /// As people read it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotExpressed => "not expressed",
            Self::Changed => "changed",
            Self::UnknownOperator => "unknown operator",
            Self::Malformed => "malformed",
            Self::LeftOut => "left out",
        }
    }

    /// Whether evaluations may give something else than they did; what is only left out never changes one.
    pub const fn changes_answers(self) -> bool {
        !matches!(self, Self::LeftOut)
    }
}

/// One thing that did not come over as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What became of it.
    pub kind: NoteKind,
    /// The flag; `None`: the whole file, or a segment of it.
    pub flag: Option<String>,
    /// Where it stands in the file: `features[2].strategies[0].constraints[1].operator`.
    pub path: String,
    /// What it is, and what stands for it now.
    pub what: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path, self.kind.name(), self.what)
    }
}

/// A plan of flags, and what did not come over as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Flags without phases.
    pub config: Config,
    /// In the order of the file.
    pub notes: Vec<Note>,
}

impl Imported {
    /// The plan as JSON, in lines.
    ///
    /// JSON lets the control character U+007F stand in a text as it is; a plan file does not, so it is written as an escape.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidConfig`]: what `serde_json` says; no imported plan is known that it could not write.
    pub fn to_json(&self) -> Result<String, Error> {
        let written = serde_json::to_string_pretty(&self.config);
        let text = written.map_err(|error| Error::new(ErrorKind::InvalidConfig, error))?;
        Ok(text.replace('\u{7f}', "\\u007f"))
    }
}

/// Flags of another system as a plan of this name.
///
/// The plan compiles: what the compiler would refuse in a flag has become the reason that it is malformed.
///
/// # Errors
/// [`ErrorKind::InvalidConfig`]: the text is no JSON, or nothing that this source writes; or it has no flag at all, or more
/// than a plan can hold.
pub fn import(source: Source, text: &str, name: &str) -> Result<Imported, Error> {
    let refuse = |why: fmt::Arguments<'_>| Error::new(ErrorKind::InvalidConfig, why);
    let root: serde_json::Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| refuse(format_args!("this is not JSON: {error}; expected {}", expected(source))))?;
    let mut draft = Draft::new();
    let read = match source {
        Source::Unleash => unleash::read(&root, &mut draft),
        Source::LaunchDarkly => launchdarkly::read(&root, &mut draft),
        Source::GrowthBook => growthbook::read(&root, &mut draft),
        Source::Flagd => flagd::read(&root, &mut draft),
    };
    read.map_err(|why| refuse(format_args!("{why}; expected {}", expected(source))))?;
    settle::settle(draft, name).map_err(|why| refuse(format_args!("{why}")))
}

/// What a file of a source looks like.
const fn expected(source: Source) -> &'static str {
    match source {
        Source::Unleash => {
            "what Unleash's client API gives, { \"features\": [ { \"name\": .., \"strategies\": [..] } ] }"
        }
        Source::LaunchDarkly => {
            "LaunchDarkly's server-side data, { \"flags\": { \"KEY\": { \"variations\": [..] } }, \"segments\": {..} }"
        }
        Source::GrowthBook => {
            "what GrowthBook's SDK endpoint gives, { \"features\": { \"KEY\": { \"defaultValue\": .. } } }"
        }
        Source::Flagd => {
            "a flag definition of flagd, { \"flags\": { \"KEY\": { \"state\": \"ENABLED\", \"variants\": {..} } } }"
        }
    }
}
