//! The trail of one evaluation, for people. A visitor that costs nothing where nobody looks.

use std::fmt;

use super::{ErrorCode, Evaluation};
use crate::snapshot::Flag;
use crate::units::Share;

/// One step of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Note<'a> {
    /// A flag is looked at; `depth` counts parents below the one asked for.
    Flag(&'a Flag, usize),
    /// It is killed: off before everything else.
    Killed,
    /// The flag is final: a constant.
    Final,
    /// It is disabled.
    Disabled,
    /// What its parent gave.
    Parent(&'a Flag, &'a Evaluation),
    /// An operator's share decides before lists.
    Overridden(Share),
    /// The key is on a list: `always_on` or `always_off`.
    Listed(&'static str),
    /// The flag has lists, and the key is on none of them.
    Unlisted,
    /// The share is nobody's or everybody's.
    Whole(Share),
    /// A bucket against a threshold.
    Split(u32, u64),
    /// There is no answer.
    Error(ErrorCode),
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag, 0) => write!(f, "flag {} (salt {})", flag.key, flag.salt),
            Self::Flag(flag, _) => write!(f, "parent {} (salt {})", flag.key, flag.salt),
            Self::Killed => f.write_str("killed by a stop or a rollback to zero: off"),
            Self::Final => f.write_str("final: on for everybody, whatever was set"),
            Self::Disabled => f.write_str("disabled: the caller's default"),
            Self::Parent(flag, answer) => {
                write!(f, "inside {}: {}", flag.key, if answer.is_on() { "on, go on" } else { "off, so off" })
            }
            Self::Overridden(share) => write!(f, "an operator set {share}: it decides before lists"),
            Self::Listed(list) => write!(f, "the key is in {list}"),
            Self::Unlisted => f.write_str("the key is on no list"),
            Self::Whole(share) if *share == Share::ZERO => f.write_str("share 0%: off for everybody"),
            Self::Whole(share) => write!(f, "share {share}: on for everybody"),
            Self::Split(bucket, threshold) => {
                let part = |of: f64| (of / 4_294_967_296.0 * 1e6).round() / 1e4;
                let (side, answer) =
                    if u64::from(*bucket) < *threshold { ("below", "on") } else { ("not below", "off") };
                write!(
                    f,
                    "bucket {bucket} ({}% of the way) is {side} threshold {threshold} ({}%): {answer}",
                    part(f64::from(*bucket)),
                    part(*threshold as f64)
                )
            }
            Self::Error(code) => write!(f, "{}: the caller's default", code.name()),
        }
    }
}

/// Sees the steps of an evaluation.
pub trait Explain {
    /// One step.
    fn note(&mut self, note: Note<'_>);
}

/// Sees nothing, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Explain for Quiet {
    #[inline]
    fn note(&mut self, _: Note<'_>) {}
}

/// Keeps the steps as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(pub Vec<String>);

impl Explain for Trail {
    fn note(&mut self, note: Note<'_>) {
        self.0.push(note.to_string());
    }
}
