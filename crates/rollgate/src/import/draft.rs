//! The plan while it is being written.

use rollgate_core::config::{FlagConfig, TargetConfig};
use rollgate_core::limits::KEY_BYTES_MAX;

use super::fields::Bad;
use super::{Note, NoteKind};

/// Flags, conditions and notes.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) flags: Vec<(String, FlagConfig)>,
    pub(super) conditions: Vec<(String, TargetConfig)>,
    pub(super) notes: Vec<Note>,
    /// The flag that is being read.
    flag: Option<String>,
}

impl Draft {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Notes something of the flag that is being read.
    pub(super) fn note(&mut self, kind: NoteKind, path: &str, what: impl Into<String>) {
        let note = Note { kind, flag: self.flag.clone(), path: path.to_owned(), what: what.into() };
        // One cause is said once, however often it is met.
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }

    /// Notes something of the whole file, once.
    pub(super) fn note_once(&mut self, kind: NoteKind, path: &str, what: &str) {
        if !self.notes.iter().any(|note| note.flag.is_none() && note.what == what) {
            self.notes.push(Note { kind, flag: None, path: path.to_owned(), what: what.to_owned() });
        }
    }

    /// Notes what cannot be read, and gives it as the plan writes it.
    pub(super) fn bad(&mut self, bad: &Bad) -> String {
        self.note(NoteKind::Malformed, &bad.path, bad.why.clone());
        format!("{}: {}", bad.path, bad.why)
    }

    /// A condition that makes its rule never match.
    pub(super) fn unknown(&mut self, path: &str, operator: &str, why: impl Into<String>) -> TargetConfig {
        self.note(NoteKind::UnknownOperator, path, why);
        never(operator)
    }

    /// A condition that cannot be said, and makes its rule never match.
    pub(super) fn unsaid(&mut self, path: &str, what: &str, why: &str) -> TargetConfig {
        self.note(NoteKind::NotExpressed, path, format!("{why}; its rule never matches"));
        never(what)
    }

    /// Adds a flag; what cannot be read of it becomes the reason that it gives errors, and hurts no other.
    pub(super) fn flag(
        &mut self,
        key: &str,
        path: &str,
        read: impl FnOnce(&mut Self) -> Result<FlagConfig, Bad>,
    ) {
        self.flag = Some(key.to_owned());
        if !is_key(key) {
            let what =
                "this cannot be a flag's key (1 to 128 bytes without white space), so there is no such flag";
            self.note(NoteKind::Malformed, path, what);
        } else if self.has(key) {
            self.note(NoteKind::Malformed, path, "the key is there twice; the first flag of it counts");
        } else {
            let config = read(self).unwrap_or_else(|bad| malformed(self.bad(&bad)));
            // Flags that a flag needs have come before it.
            self.flags.push((key.to_owned(), config));
        }
        self.flag = None;
    }

    /// Whether there is a flag of a key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.flags.iter().any(|(other, _)| other == key)
    }

    /// Whether there is a condition of a name.
    pub(super) fn has_condition(&self, name: &str) -> bool {
        self.conditions.iter().any(|(other, _)| other == name)
    }
}

/// Whether a name may be a key of a plan.
pub(super) fn is_key(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= KEY_BYTES_MAX
        && !name.chars().any(|letter| letter.is_control() || letter.is_whitespace())
}

/// A flag that gives errors.
pub(super) fn malformed(why: String) -> FlagConfig {
    FlagConfig { malformed: Some(why), ..FlagConfig::default() }
}

/// A condition whose rule never matches.
pub(super) fn never(operator: &str) -> TargetConfig {
    let shown = if operator.trim().is_empty() { "without a name" } else { operator };
    TargetConfig { unknown: Some(shown.to_owned()), ..TargetConfig::default() }
}

/// A name for a key of a plan: white space becomes hyphens, and one that is taken gets a number.
pub(super) fn key_of(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let fits = |text: &str, room: usize| -> String {
        text.chars()
            .map(|letter| if letter.is_control() || letter.is_whitespace() { '-' } else { letter })
            .scan(0, |length, letter| {
                *length += letter.len_utf8();
                (*length <= KEY_BYTES_MAX - room).then_some(letter)
            })
            .collect()
    };
    let base = fits(if name.is_empty() { "empty" } else { name }, 0);
    if !taken(&base) {
        return base;
    }
    let numbered = |number: u32| format!("{}-{number}", fits(&base, 12));
    (2_u32..).map(numbered).find(|name| !taken(name)).unwrap_or(base)
}
