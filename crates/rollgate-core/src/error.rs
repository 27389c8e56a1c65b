//! One opaque error, one frozen number for each meaning.

use std::fmt;

/// What went wrong, as a number that never changes its meaning.
///
/// 1xx: the caller; 2xx: configuration; 3xx: evaluation (OpenFeature's codes); 4xx: metrics; 5xx: rollout;
/// 7xx: store; 900: a caught panic. A retired number is never given out again.
#[non_exhaustive]
#[repr(u16)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// An argument is out of its range or not of its form.
    InvalidArgument = 100,
    /// A name that the plan does not have: a flag, a metric, a role, a phase.
    UnknownName = 101,
    /// A file could not be read or written.
    Io = 102,
    /// A handle is stale, foreign, null or of another kind.
    InvalidHandle = 103,
    /// The buffer is too small for what is to be written into it.
    BufferTooSmall = 104,
    /// A plan file is not what the format asks for.
    InvalidConfig = 200,
    /// A line of a trace is not what the format asks for.
    InvalidTrace = 201,
    /// The flag does not exist (OpenFeature FLAG_NOT_FOUND).
    FlagNotFound = 300,
    /// The flag cannot be read (OpenFeature PARSE_ERROR).
    ParseError = 301,
    /// The flag is of another type (OpenFeature TYPE_MISMATCH).
    TypeMismatch = 302,
    /// A split needs a targeting key and there is none (OpenFeature TARGETING_KEY_MISSING).
    TargetingKeyMissing = 303,
    /// The evaluation context is not what it should be (OpenFeature INVALID_CONTEXT).
    InvalidContext = 304,
    /// No snapshot yet (OpenFeature PROVIDER_NOT_READY).
    ProviderNotReady = 305,
    /// Anything else (OpenFeature GENERAL).
    General = 306,
    /// The metric is of another kind than the call.
    WrongMetricKind = 400,
    /// A command was refused; the rollout is as it was.
    Refused = 500,
    /// The operation needs a plan, and this setup has flags only.
    NoPlan = 501,
    /// The journal does not fit its own hashes or this plan.
    BrokenJournal = 700,
    /// The store cannot be reached.
    StoreAway = 701,
    /// Another writer was faster; read again.
    StoreConflict = 702,
    /// Another node holds the lease now; nothing was written.
    LeaseLost = 703,
    /// What is stored does not fit its own sums.
    StoreDamaged = 704,
    /// The store was written by a later version of rollgate.
    StoreTooNew = 705,
    /// A panic was caught at the border to another language.
    Panic = 900,
}

impl ErrorKind {
    /// The frozen number.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

/// An error: its [kind](Error::kind), and one sentence that says what was wrong and how to mend it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

impl Error {
    /// An error of `kind` with its sentence.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self { kind, message: message.to_string() }
    }

    /// What went wrong.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}
