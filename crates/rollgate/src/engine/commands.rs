//! What people ask of an engine. Each call is a [`Command`], and its answer is in the journal.

use rollgate_core::decide::{Action, ActionResult, Choice, Command};
use rollgate_core::error::Error;
use rollgate_core::id::Key;
use rollgate_core::units::Share;

use super::handle::Engine;

impl Engine {
    /// Carries out one command; in it a person can act in a role.
    ///
    /// Names, reasons and other texts have at most
    /// [`TEXT_BYTES_MAX`](rollgate_core::limits::TEXT_BYTES_MAX) bytes; one that is longer is refused. Those of a stop and of
    /// a share that is lowered are cut.
    ///
    /// # Errors
    /// [`Refused`](rollgate_core::error::ErrorKind::Refused) with the reason, which is journalled too;
    /// [`StoreAway`](rollgate_core::error::ErrorKind::StoreAway) where a raise could not be written down, and so did not
    /// happen.
    pub fn command(&self, command: &Command) -> Result<(), Error> {
        let outcome = self.shared.with_control(|control, now| control.command(command, now));
        self.shared.tell();
        outcome
    }

    fn act(&self, by: &str, action: Action) -> Result<(), Error> {
        self.command(&Command { by: Key::new(by), role: None, action })
    }

    /// Begins the first phase.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn start(&self, by: &str) -> Result<(), Error> {
        self.act(by, Action::Start)
    }

    /// Checks an item of the phase's checklist.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn check(&self, by: &str, item: &str) -> Result<(), Error> {
        self.act(by, Action::Check { item: Key::new(item) })
    }

    /// Says that what a reminder of the schedule asked for has been done.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn acknowledge(&self, by: &str, item: &str) -> Result<(), Error> {
        self.act(by, Action::Acknowledge { item: Key::new(item) })
    }

    /// Signs a statement.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn attest(&self, by: &str, item: &str) -> Result<(), Error> {
        self.act(by, Action::Attest { item: Key::new(item), is_true: true, passed: None })
    }

    /// Decides on the phase.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn decide(&self, by: &str, choice: Choice, rationale: &str) -> Result<(), Error> {
        self.act(by, Action::Decide { choice, rationale: rationale.into() })
    }

    /// Approves the rollback that a manual trigger proposes.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn approve(&self, by: &str, trigger: &str, rationale: &str) -> Result<(), Error> {
        self.act(by, Action::Approve { proposal: Key::new(trigger), rationale: rationale.into() })
    }

    /// Turns down what a manual trigger proposes.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn dismiss(&self, by: &str, trigger: &str, reason: &str) -> Result<(), Error> {
        self.act(by, Action::Dismiss { proposal: Key::new(trigger), reason: reason.into() })
    }

    /// Sets shares by hand, all or nothing. A raise above the plan's step needs a reason.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn set_shares(&self, by: &str, shares: &[(&str, Share)], reason: &str) -> Result<(), Error> {
        let shares = shares.iter().map(|(flag, share)| (Key::new(*flag), *share)).collect();
        self.act(by, Action::Set { shares, reason: reason.into() })
    }

    /// Gives flags back to the plan; no flags are all of them.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn release(&self, by: &str, flags: &[&str]) -> Result<(), Error> {
        self.act(by, Action::Release { flags: flags.iter().map(|flag| Key::new(*flag)).collect() })
    }

    /// Holds the clocks of duration, hold and soak; triggers stay live.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn pause(&self, by: &str, reason: &str) -> Result<(), Error> {
        self.act(by, Action::Pause { reason: reason.into() })
    }

    /// Lets the clocks run again.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn resume(&self, by: &str, reason: &str) -> Result<(), Error> {
        self.act(by, Action::Resume { reason: reason.into() })
    }

    /// Turns everything off at once, until a retry.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn stop(&self, by: &str, reason: &str) -> Result<(), Error> {
        self.act(by, Action::Stop { reason: reason.into() })
    }

    /// Enters again after a rollback or a stop.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn retry(&self, by: &str) -> Result<(), Error> {
        self.act(by, Action::Retry)
    }

    /// Reports the result of the action under way: what it wrote, or why it failed. `run` is its number (in the record of
    /// its start and in [`status`](Self::status)); it must be given where the action has been started more than once.
    ///
    /// # Errors
    /// As [`command`](Self::command); a result of an action that is not under way changes nothing.
    pub fn report_action(
        &self,
        by: &str,
        action: &str,
        run: Option<u64>,
        result: Result<&str, &str>,
    ) -> Result<(), Error> {
        let (is_ok, output) = (result.is_ok(), result.unwrap_or_else(|why| why).to_owned());
        self.act(by, Action::Report(ActionResult { action: Key::new(action), run, is_ok, output }))
    }

    /// Writes a remark beside the numbers, of one metric or of all; the journal and scorecards show it.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn annotate(&self, by: &str, text: &str, metric: Option<&str>) -> Result<(), Error> {
        self.act(by, Action::Annotate { text: text.into(), metric: metric.map(Key::new) })
    }

    /// Adds a thing to do, with its owner and a date (or a length of time from now); [`check`](Self::check) checks it off.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn follow_up(&self, by: &str, item: &str, title: &str, owner: &str, due: &str) -> Result<(), Error> {
        let (item, owner) = (Key::new(item), Key::new(owner));
        self.act(by, Action::FollowUp { item, title: title.into(), owner, due: due.into() })
    }

    /// Measures the baselines that are to be captured.
    ///
    /// # Errors
    /// As [`command`](Self::command).
    pub fn capture_baseline(&self, by: &str) -> Result<(), Error> {
        self.act(by, Action::CaptureBaseline)
    }
}
