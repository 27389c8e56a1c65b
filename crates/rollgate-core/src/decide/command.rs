//! What people and programs ask of a rollout.

use super::ActionResult;
use crate::id::Key;
use crate::units::Share;

/// What a decision says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// On to the next phase. With an override: although the gates do not pass, and why.
    Go {
        /// Why it goes on without the gates.
        override_reason: Option<String>,
    },
    /// Not yet: extend the phase.
    NoGo,
    /// Back to a phase, `zero`, or a name that the plan gives (`partial`, `full`).
    Rollback {
        /// Where to.
        to: Option<Key>,
    },
}

impl Choice {
    /// As records write it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Go { .. } => "go",
            Self::NoGo => "no_go",
            Self::Rollback { .. } => "rollback",
        }
    }
}

/// One thing asked, without who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Begin the first phase.
    Start,
    /// Check an item of the phase's checklist.
    Check {
        /// The item.
        item: Key,
    },
    /// Say that what a reminder asked for has been done.
    Acknowledge {
        /// The item of the schedule.
        item: Key,
    },
    /// Sign a statement.
    Attest {
        /// The item.
        item: Key,
        /// False takes back one's own statement; without one it is an objection.
        is_true: bool,
        /// How many passed, of how many.
        passed: Option<(u64, u64)>,
    },
    /// Decide on the phase.
    Decide {
        /// What.
        choice: Choice,
        /// Why; never empty.
        rationale: String,
    },
    /// Approve a proposal.
    Approve {
        /// The trigger's key.
        proposal: Key,
        /// Why; never empty.
        rationale: String,
    },
    /// Turn a proposal down.
    Dismiss {
        /// The trigger's key.
        proposal: Key,
        /// Why.
        reason: String,
    },
    /// Set shares by hand, all or nothing.
    Set {
        /// Flags and shares.
        shares: Vec<(Key, Share)>,
        /// Why; needed above what the current step allows.
        reason: String,
    },
    /// Give flags back to the plan.
    Release {
        /// Which; empty is all.
        flags: Vec<Key>,
    },
    /// Hold the clocks.
    Pause {
        /// Why.
        reason: String,
    },
    /// Let the clocks run.
    Resume {
        /// Why.
        reason: String,
    },
    /// All off, at once.
    Stop {
        /// Why.
        reason: String,
    },
    /// Enter again after a rollback or a stop.
    Retry,
    /// Measure the baselines that are to be captured.
    CaptureBaseline,
    /// Report the result of an action before a step.
    Report(ActionResult),
    /// Write a remark beside the numbers.
    Annotate {
        /// What.
        text: String,
        /// Of which metric.
        metric: Option<Key>,
    },
    /// Add a thing to do.
    FollowUp {
        /// Its name, by which it is checked off.
        item: Key,
        /// What is to be done.
        title: String,
        /// Who does it: a role or a person.
        owner: Key,
        /// By when: a date, or a length of time from now.
        due: String,
    },
}

impl Action {
    /// The command's name in a trace.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Check { .. } => "check",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Attest { .. } => "attest",
            Self::Decide { .. } => "decide",
            Self::Approve { .. } => "approve",
            Self::Dismiss { .. } => "dismiss",
            Self::Set { .. } => "set",
            Self::Release { .. } => "release",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Stop { .. } => "stop",
            Self::Retry => "retry",
            Self::CaptureBaseline => "capture_baseline",
            Self::Report(_) => "action",
            Self::Annotate { .. } => "annotate",
            Self::FollowUp { .. } => "follow_up",
        }
    }
}

/// A command and who gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// A person, or a role that acts as itself.
    pub by: Key,
    /// The role that the person acts in.
    pub role: Option<Key>,
    /// What is asked.
    pub action: Action,
}
