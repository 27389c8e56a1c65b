//! `for: 10m`: how long a condition has been violated without a break that counts.

use crate::snapshot::{Condition, ConditionKind};
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

/// What one evaluation saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// No data: neither starts nor ends a streak.
    Nothing,
    /// Data, and no violation.
    Healthy,
    /// A violation.
    Violating,
}

/// What ends a streak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreakRule {
    /// `for`: a gap without data longer than this ends it.
    pub(super) span: Span,
    /// `over`: healthy time of more than this ends it.
    pub(super) healthy_max: Span,
    /// How long one healthy evaluation lasts: `evaluate_every`.
    pub(super) each: Span,
    /// A streak of windows that end here or before is one of another exposure.
    pub(super) clip: Timestamp,
}

impl Streak {
    /// The streak after an evaluation at `now` that saw `seen`.
    pub(super) fn after(self, seen: Seen, now: Timestamp, rule: StreakRule) -> Self {
        let is_clipped = self.since.is_some_and(|since| since <= rule.clip);
        let is_torn = self.last_data.is_some_and(|last| now.since(last) > rule.span);
        let mut next = if is_clipped || is_torn { Self::default() } else { self };
        match seen {
            Seen::Nothing => {}
            Seen::Violating => {
                next.since = next.since.or(Some(now));
                next.last_data = Some(now);
            }
            Seen::Healthy if next.since.is_some() => {
                next.last_data = Some(now);
                next.healthy = next.healthy + rule.each;
                if next.healthy > rule.healthy_max {
                    next = Self::default();
                }
            }
            Seen::Healthy => {}
        }
        next
    }

    /// How long it has lasted; zero where there is none.
    pub(super) fn lasted(self, now: Timestamp) -> Span {
        self.since.map_or(Span::ZERO, |since| now.since(since))
    }
}

/// One streak for each `for` of a plan, by [`StreakId`](crate::id::StreakId).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streaks(pub Vec<Streak>);

impl Streaks {
    /// `count` streaks, none of them running; a ruleset says how many in `streaks`.
    pub fn new(count: usize) -> Self {
        Self(vec![Streak::default(); count])
    }

    /// Ends every streak.
    pub fn reset(&mut self) {
        self.0.fill(Streak::default());
    }

    /// Whether any `for` inside this condition has a streak running.
    pub fn has_streak(&self, condition: &Condition) -> bool {
        let mut is_running = false;
        condition.walk(&mut |inner| {
            if let ConditionKind::Measure(measure) = &inner.kind
                && let Some(sustained) = measure.sustained
            {
                is_running |=
                    self.0.get(sustained.streak.index()).is_some_and(|streak| streak.since.is_some());
            }
        });
        is_running
    }
}
