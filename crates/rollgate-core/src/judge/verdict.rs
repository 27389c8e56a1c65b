//! Pass, Warn, Fail, Inconclusive, Skipped, and how they fold.

use serde::{Serialize, Serializer};

/// Why a verdict is inconclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Nothing was measured.
    NoData,
    /// Fewer samples than `min_samples`.
    TooFewSamples,
    /// The window was not watched or fed enough.
    Coverage,
    /// There is no baseline to compare with.
    NoBaseline,
    /// Samples were dropped or invalid.
    Drops,
    /// The value lies within the error of its measurement of the limit, or the comparison has not decided yet.
    Undecided,
    /// Nobody has attested or checked it yet.
    Unattested,
    /// It has not held for long enough yet.
    NotYet,
}

impl Cause {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoData => "no data",
            Self::TooFewSamples => "too few samples",
            Self::Coverage => "window not covered",
            Self::NoBaseline => "no baseline",
            Self::Drops => "samples were dropped",
            Self::Undecided => "undecided",
            Self::Unattested => "not attested",
            Self::NotYet => "not yet",
        }
    }
}

/// What judging a condition gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The condition holds, on evidence.
    Pass,
    /// It holds, close to its limit.
    Warn,
    /// It does not hold, on evidence.
    Fail,
    /// It cannot be said.
    Inconclusive(Cause),
    /// It was not asked; it counts neither way.
    Skipped,
}

impl Verdict {
    /// As records and scorecards write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Inconclusive(_) => "INCONCLUSIVE",
            Self::Skipped => "SKIPPED",
        }
    }
    /// Pass or Warn.
    pub const fn is_passing(self) -> bool {
        matches!(self, Self::Pass | Self::Warn)
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
