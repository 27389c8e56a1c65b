//! The answer for one flag, and why: OpenFeature's reasons and error codes.

use crate::id::VariantId;
use crate::units::Share;

/// Why a flag gave what it gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The same for everybody: 0 %, 100 %, killed, or outside its parent by a share of nobody.
    Static,
    /// By the bucket of the subject.
    Split,
    /// The subject is on a list, or a rule chose it.
    TargetingMatch,
    /// The flag is disabled.
    Disabled,
    /// See the error code.
    Error,
}

impl Reason {
    /// As OpenFeature writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::Split => "SPLIT",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Disabled => "DISABLED",
            Self::Error => "ERROR",
        }
    }
}

/// Why there is no answer but the caller's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// No flag of that key.
    FlagNotFound,
    /// The flag cannot be read.
    ParseError,
    /// The flag is of another type.
    TypeMismatch,
    /// A split needs a key and there is none.
    TargetingKeyMissing,
}

impl ErrorCode {
    /// As OpenFeature writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::ParseError => "PARSE_ERROR",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
        }
    }
}

/// The side that a subject is on: its arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The new behaviour.
    On,
    /// The old one.
    Off,
}

impl Variant {
    /// `on` or `off`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// The answer for one flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// What to serve; `None`: the caller's default.
    pub variant: Option<Variant>,
    /// The variant it serves, by its [flag](crate::snapshot::Flag); `None`: on or off is all there is, or the caller's
    /// default.
    pub served: Option<VariantId>,
    /// Why.
    pub reason: Reason,
    /// Set where the reason is [`Reason::Error`].
    pub error: Option<ErrorCode>,
    /// The bucket, where one was computed.
    pub bucket: Option<u32>,
    /// The flag's own share now; zero for an unknown flag.
    pub share: Share,
    /// The snapshot's version.
    pub version: u64,
}

impl Evaluation {
    /// Whether it serves `on`; off where it is the caller's default.
    pub const fn is_on(&self) -> bool {
        matches!(self.variant, Some(Variant::On))
    }

    /// The value, or this default.
    pub const fn value_or(&self, default: bool) -> bool {
        match self.variant {
            Some(Variant::On) => true,
            Some(Variant::Off) => false,
            None => default,
        }
    }
}
