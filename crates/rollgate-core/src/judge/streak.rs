//! `for: 10m`: how long a condition has been violated without a break that counts.

use crate::time::{Span, Timestamp};

/// One streak (SEMANTICS 4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    /// The first violating evaluation; `None`: no streak.
    pub since: Option<Timestamp>,
    /// The last evaluation with data.
    pub last_data: Option<Timestamp>,
    /// Healthy time summed over the streak.
    pub healthy: Span,
}

/// One streak for each `for` of a plan, by [`StreakId`](crate::id::StreakId).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streaks(pub Vec<Streak>);
