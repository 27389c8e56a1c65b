//! What a calendar forbids (SEMANTICS 6.2, 6.10; design, calendar): nothing rises in a freeze or outside a deployment
//! window, but by a signed override or by hand with a reason. What lowers is never asked for the time of day.

use rollgate::core::decide::Action;
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use serde_json::Value;

use super::book::{Book, Kept, must};
use super::watch::Watch;

impl Book {
    /// Whether nothing may rise in a phase now.
    pub(super) fn is_closed(&self, phase: usize) -> bool {
        self.almanac.as_ref().is_some_and(|almanac| almanac.is_closed(phase, self.wall))
    }

    fn says_closed(&self, phase: usize) -> String {
        let freeze = if self.almanac.as_ref().is_some_and(|almanac| almanac.is_frozen(self.wall)) {
            "a freeze"
        } else {
            "the hours outside the window"
        };
        format!("it is {} by the calendar, {freeze} of phase p{phase}", self.wall)
    }

    /// A phase with steps is entered in a closed calendar by an override only.
    pub(super) fn check_open_for_entry(&mut self, phase: usize) -> Kept {
        self.is_entering = true;
        if self.rule(phase).steps.is_empty() || !self.is_closed(phase) {
            return Ok(());
        }
        self.seen.see("calendar: entered by an override");
        must(self.is_forced, "6.2", || {
            format!("a phase with steps was entered, and {}", self.says_closed(phase))
        })
    }

    /// A step, or what has to be done before it, in a closed calendar is the first one of a phase entered by an override.
    pub(super) fn check_open_for_step(&mut self, step: usize) -> Kept {
        let phase = self.phase.unwrap_or_default();
        if !self.is_closed(phase) {
            if let Some(almanac) = &self.almanac {
                self.seen.see("calendar: step in an open one");
                if almanac.zone.changes_today(self.wall) {
                    self.seen.see("calendar: step on a day on which the clocks change");
                }
            }
            return Ok(());
        }
        must(self.is_forced && self.is_entering && step == 1, "6.2", || {
            format!("step {step} came, and {}", self.says_closed(phase))
        })
    }

    /// A share changes in a closed calendar.
    pub(super) fn check_rise(&mut self, cause: &str, from: Share, to: Share) -> Kept {
        let Some(phase) = self.phase.filter(|phase| self.is_closed(*phase)) else { return Ok(()) };
        if to < from {
            self.seen.see(&format!("calendar: fell in a closed one by {cause}"));
            return Ok(());
        }
        let is_signed = match self.asked.as_ref().map(|command| &command.action) {
            Some(Action::Set { reason, .. }) => cause == "operator" && !reason.trim().is_empty(),
            _ => cause == "step" && self.is_forced && self.is_entering,
        };
        self.seen.see(&format!("calendar: rose in a closed one by {cause}"));
        must(is_signed, "6.2", || {
            format!("a share rose from {from} to {to} by {cause}, and {}", self.says_closed(phase))
        })
    }

    /// Counts a rollback that no calendar holds up.
    pub(super) fn see_rollback(&mut self) {
        if self.phase.is_some_and(|phase| self.is_closed(phase)) {
            self.seen.see("calendar: rolled back in a closed one");
        }
    }

    /// What is journalled as held is held by the calendar, and until it opens.
    pub(super) fn check_held(&mut self, record: &Value) -> Kept {
        let what = record["what"].as_str().unwrap_or_default();
        let phase = self.phase.unwrap_or_default() + usize::from(what == "phase");
        let until = record["until"].as_str().and_then(|text| Timestamp::parse(text).ok());
        must(self.is_closed(phase), "6.2", || format!("a {what} of p{phase} is held in an open calendar"))?;
        let opens = self.almanac.as_ref().and_then(|almanac| almanac.opens(phase, self.wall));
        self.seen.see(&format!("calendar: {what} held"));
        must(until == opens, "6.2", || {
            format!("a {what} of p{phase} is held until {until:?}, and the calendar opens {opens:?}")
        })
    }

    /// A refusal that names the calendar is given while it is closed.
    pub(super) fn check_refusal(&mut self, record: &Value) -> Kept {
        let why = record["why"].as_str().or_else(|| record["missing"][0].as_str()).unwrap_or_default();
        if !why.starts_with("the calendar is closed") {
            return Ok(());
        }
        self.seen.see("calendar: a command refused");
        let phases = 0..self.plan().phases.len();
        must(phases.into_iter().any(|phase| self.is_closed(phase)), "6.2", || {
            format!("refused in an open calendar: {why}")
        })
    }

    /// A step waits for its predecessor's hold.
    pub(super) fn check_hold(&self, step: usize, watch: &Watch, now: Timestamp) -> Kept {
        let Some(last) = self.last_step.filter(|_| step > 1) else { return Ok(()) };
        let hold = self.rule(self.phase.unwrap_or_default()).steps[step - 2].hold;
        let waited = watch.running(last, now);
        must(waited >= hold, "G15", || format!("step {step} came after {waited} of a hold of {hold}"))
    }

    /// Whether the next step's hold has passed, whatever a stopwatch may be off by.
    pub(super) fn is_surely_due(&self, watch: &Watch, now: Timestamp) -> bool {
        let Some(last) = self.last_step.filter(|_| self.step > 0) else { return true };
        let hold = self.rule(self.phase.unwrap_or_default()).steps[self.step - 1].hold;
        // A process that ends may have forgotten a part of what it watched, and observed time goes on where that was.
        last > self.opened && watch.running(last, now) >= hold + self.ruleset.watched_gap() + Span(1)
    }

    /// A step that nothing holds back has come by the end of an evaluation.
    pub(super) fn check_step_came(&mut self, watch: &Watch, now: Timestamp) -> Kept {
        let Some(phase) = self.phase else { return Ok(()) };
        let Some(step) = self.rule(phase).steps.get(self.step) else { return Ok(()) };
        let is_free = self.status == "running"
            && self.proposals.is_empty()
            && self.fired.is_empty()
            && step.only_if.is_none()
            && !self.is_closed(phase)
            && self.is_surely_due(watch, now);
        // A step of this very evaluation is followed by the next one at the next.
        if !is_free || self.steps_now > 0 {
            return Ok(());
        }
        let is_acting = self.acts.running.is_some() || self.acts.ended.is_some();
        let has_actions = !step.actions.is_empty();
        self.seen.see("step that waits for its actions only");
        must(has_actions && is_acting, "6.3", || {
            format!("step {} of p{phase} is due, nothing holds it back, and it did not come", self.step + 1)
        })
    }

    /// Reminders come once, and not before their time.
    pub(super) fn check_reminder(&mut self, record: &Value) -> Kept {
        let due = record["due"].as_str().and_then(|text| Timestamp::parse(text).ok()).unwrap_or_default();
        let is_missed = record["missed"] == true;
        // What was missed may be of a time that a clock set back has not come to yet.
        must(due <= self.wall || is_missed, "6.10", || format!("reminded at {} of {record}", self.wall))?;
        let key = (record["item"].to_string(), due, is_missed);
        self.seen.see(if is_missed { "reminder missed" } else { "reminder" });
        must(self.reminded.insert(key), "6.10", || format!("reminded twice: {record}"))
    }
}
