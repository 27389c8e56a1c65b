//! What one recorded value carries beside its number.

use crate::id::{FlagId, MetricId};

/// One side of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Arm {
    /// Subjects that the flag is on for.
    On,
    /// The others.
    Off,
}

/// The arms that a sample belongs to: two bits for each of the metric's listed flags, in the metric's order.
///
/// 0 is unknown: the sample counts in the metric's total only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Arms(pub u16);

impl Arms {
    /// No arm known.
    pub const NONE: Self = Self(0);

    /// These arms and, for the metric's `position`-th listed flag, this one.
    #[must_use]
    pub const fn with(self, position: usize, arm: Arm) -> Self {
        let bits = match arm {
            Arm::On => 0b01,
            Arm::Off => 0b10,
        };
        Self((self.0 & !(0b11 << (2 * position))) | (bits << (2 * position)))
    }

    /// The arm of the metric's `position`-th listed flag, where it is known.
    pub const fn of(self, position: usize) -> Option<Arm> {
        match (self.0 >> (2 * position)) & 0b11 {
            0b01 => Some(Arm::On),
            0b10 => Some(Arm::Off),
            _ => None,
        }
    }
}

/// A source whose silence is evidence once it is live (SEMANTICS 3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// An event metric.
    Metric(MetricId),
    /// The alerts.
    Alerts,
}

/// A sample's arm of one flag, for callers that name it (`"flag":"F","arm":"on"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NamedArm {
    /// The flag.
    pub flag: FlagId,
    /// The side.
    pub arm: Arm,
}
