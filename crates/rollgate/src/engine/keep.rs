//! Once a day, at the hour of the daily scorecard, ON beside OFF is kept.

use rollgate_core::judge;
use rollgate_core::report::local;
use rollgate_core::snapshot::Ruleset;
use rollgate_core::time::{Now, Span, Timestamp};

use super::control::Control;
use super::pending::Pending;
use crate::recorder::Depth;

/// A calendar that was set back further than this must not keep the next rows waiting.
const DAY_AND_HOURS: Span = Span::hours(26);

/// When the next rows are kept, by the calendar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    due: Timestamp,
    /// Minutes after midnight; midnight where the plan has no hour.
    minute: u16,
    has_arms: bool,
}

impl Keep {
    pub(super) fn new(ruleset: &Ruleset, now: Now) -> Self {
        let minute = ruleset.plan.as_ref().and_then(|plan| plan.daily.at_minute).unwrap_or(0);
        let has_arms = ruleset.metrics.iter().any(|metric| !metric.arms.is_empty());
        Self { due: local::next(ruleset.timezone.as_str(), minute, now.wall), minute, has_arms }
    }
}

/// Keeps today's rows where they are due. While nobody is exposed there are none.
pub(super) fn contrasts(control: &mut Control, now: Now) {
    let Keep { due, minute, has_arms } = control.keep;
    let is_stale = due.since(now.wall) > DAY_AND_HOURS;
    if !has_arms || (now.wall < due && !is_stale) {
        return;
    }
    control.keep.due = local::next(control.ruleset.timezone.as_str(), minute, now.wall);
    if is_stale || !control.state.has_exposure() {
        return;
    }
    // Subjects are brought in, since intervals are by subject.
    control.collect(Depth::Subjects, now);
    control.windows.advance(now.observed);
    let rows = judge::contrasts(&control.ruleset, &control.windows, now.wall);
    control.remember(Pending::Kept(rows.clone()));
    control.state.contrasts.keep(rows);
}
