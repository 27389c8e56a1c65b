//! What a rollout must not forget of its calendar: what waits, who was reminded, which day has its scorecard.

use serde::{Deserialize, Serialize};

use crate::id::{Key, PhaseId, RoleId};
use crate::time::Timestamp;

/// Calendar items are driven by wall time (SEMANTICS 6.10), so that all times in it are the calendar's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Agenda {
    /// What waits for the calendar, as it was last journalled.
    pub held: Option<Held>,
    /// The last `go`, given while nothing could rise.
    pub queued: Option<QueuedGo>,
    /// When the phase began.
    pub phase_wall: Option<Timestamp>,
    /// When its first step was applied.
    pub first_step_wall: Option<Timestamp>,
    /// Items of the phase's checklist that were journalled as overdue.
    pub overdue: Vec<Key>,
    /// The items of the phase's schedule that have come.
    pub reminders: Vec<Reminded>,
    /// The days that have their scorecard, as numbers of days.
    pub daily: Progress,
}

/// What waits for an open calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// A step or the next phase.
    pub what: HeldWhat,
    /// The phase whose calendar is closed.
    pub phase: PhaseId,
    /// The step, counted from 0.
    pub step: usize,
    /// When the calendar opens; `None`: not under this plan.
    pub until: Option<Timestamp>,
    /// Why it is closed.
    pub reason: String,
}

/// What kind of thing waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldWhat {
    /// The next step of the phase.
    Step,
    /// The next phase.
    Phase,
}

/// A last `go` that waits for an open calendar; the gates are judged anew then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedGo {
    /// Who gave it.
    pub by: Key,
    /// In which role.
    pub role: RoleId,
    /// The fingerprint of the plan that it was given on.
    pub hash: Key,
}

/// What is known of one item of the phase's schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    /// The item.
    pub item: Key,
    /// Which of its times have come, in milliseconds.
    pub progress: Progress,
    /// The reminder that nobody has acknowledged yet.
    pub open: Option<OpenReminder>,
}

/// A reminder that waits for somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenReminder {
    /// When it came due.
    pub due: Timestamp,
    /// When it is missed, unless its next one comes before.
    pub until: Option<Timestamp>,
}

/// Which points of a calendar have come: each counts once, whatever the clock does.
///
/// All up to `done` have, but for those inside `skipped`: over them the clock went in one leap, and if it is set back
/// they are still to come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The latest that has come; `None`: none has.
    pub done: Option<i64>,
    /// The bounds of the last leap: both have come, what lies between has not.
    pub skipped: Option<(Option<i64>, i64)>,
}

/// What a point of a calendar is to a [`Progress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coming {
    /// It has come before.
    Known,
    /// It comes now, and is the next one after this (`None`: after nothing).
    New(Option<i64>),
}

impl Progress {
    /// What `point`, the latest one by now, is.
    pub(super) fn coming(&self, point: i64) -> Coming {
        if self.done.is_none_or(|done| point > done) {
            return Coming::New(self.done);
        }
        match self.skipped {
            Some((from, to)) if from.is_none_or(|from| point > from) && point < to => Coming::New(from),
            _ => Coming::Known,
        }
    }

    /// `point` has come, and so many between it and the one before were skipped.
    pub(super) fn come(&mut self, point: i64, skipped: u64) {
        if self.done.is_none_or(|done| point > done) {
            if skipped > 0 {
                self.skipped = Some((self.done, point));
            }
            self.done = Some(point);
        } else if let Some((from, _)) = &mut self.skipped {
            *from = Some(point);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_point_comes_once_and_a_leap_that_is_taken_back_hides_none() {
        let mut progress = Progress::default();
        assert_eq!(progress.coming(10), Coming::New(None));
        progress.come(10, 0);
        assert_eq!(progress.coming(10), Coming::Known);
        // A leap over 20, 30 and 40.
        assert_eq!(progress.coming(50), Coming::New(Some(10)));
        progress.come(50, 3);
        assert_eq!(progress.coming(50), Coming::Known);
        // The clock is set back: what was leapt over comes, what has come does not.
        assert_eq!(progress.coming(10), Coming::Known);
        assert_eq!(progress.coming(20), Coming::New(Some(10)));
        progress.come(20, 0);
        assert_eq!(progress.coming(20), Coming::Known);
        assert_eq!(progress.coming(30), Coming::New(Some(20)));
        progress.come(30, 0);
        assert_eq!(progress.coming(50), Coming::Known);
        assert_eq!(progress.coming(60), Coming::New(Some(50)));
    }
}
