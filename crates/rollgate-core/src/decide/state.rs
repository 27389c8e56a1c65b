//! Where a rollout stands: all that must survive a restart.

use serde::{Deserialize, Serialize};

use super::{After, Agenda, Attempt, Contrasts, Names, Outbox, TriggerRef};
use crate::id::{Key, PhaseId, RoleId};
use crate::judge::{Attestation, SetVerdict};
use crate::snapshot::{BaselineSource, FlagState, Ruleset};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// The seven statuses of a rollout (SEMANTICS 6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not started.
    #[default]
    Pending,
    /// In a phase: steps, holds, soak.
    Running,
    /// The gates are due, and people must decide.
    AwaitingDecision,
    /// The clocks of duration, hold and soak stand still; triggers are live.
    Paused,
    /// Nothing advances until a retry.
    RolledBack,
    /// The last phase has passed.
    Completed,
    /// Everything is off until a retry.
    Stopped,
}

impl Status {
    /// As records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::AwaitingDecision => "awaiting_decision",
            Self::Paused => "paused",
            Self::RolledBack => "rolled_back",
            Self::Completed => "completed",
            Self::Stopped => "stopped",
        }
    }
}

/// One `go` that was counted and is not the last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// Who.
    pub by: Key,
    /// In which role.
    pub role: RoleId,
}

/// A statement on an item of a contingency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The item.
    pub item: Key,
    /// Who.
    pub by: Key,
    /// False: an objection, which stands until the same person takes it back.
    pub is_true: bool,
}

/// A manual trigger that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Which trigger.
    pub trigger: TriggerRef,
    /// Observed time since which its condition has been clear.
    pub clear_since: Option<Timestamp>,
}

/// A trigger that fired and may not fire again yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    /// Which trigger.
    pub trigger: TriggerRef,
    /// Observed time at which it fired.
    pub fired: Timestamp,
    /// It cannot fire until its condition has been false once.
    pub is_closed: bool,
    /// Observed time from which the rollback must have cured it; `None`: nothing to watch (any more).
    pub settle: Option<Timestamp>,
}

/// The state of one running plan.
///
/// Two counters carry waits, both in watched time: `watched` runs always, `clock` stands still while paused.
/// Fields that end in `_clock` or `_watched` are readings of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolloutState {
    /// The plan that this is a state of.
    pub plan: Key,
    /// Its fingerprint.
    pub hash: Key,
    /// The names that its numbers stand for.
    pub names: Names,
    /// The status.
    pub status: Status,
    /// What a resume goes back to.
    pub paused_from: Option<Status>,
    /// The phase it is in; while rolled back, the phase that failed.
    pub phase: Option<PhaseId>,
    /// How many steps of the phase have been applied.
    pub step: usize,
    /// The shares that apply, by flag.
    pub shares: Vec<Share>,
    /// What the plan (or the rollback) allows, by flag; operators' overrides lie above or below it.
    pub planned: Vec<Share>,
    /// Operators' shares, by flag.
    pub overrides: Vec<Option<Share>>,
    /// Every flag serves off (a stop or a rollback to zero).
    pub is_killed: bool,
    /// Time watched since the engine first opened.
    pub watched: Span,
    /// Time watched and not paused.
    pub clock: Span,
    /// The last evaluation, observed.
    pub evaluated: Option<Timestamp>,
    /// The last evaluation or command, observed.
    #[serde(default)]
    pub observed: Timestamp,
    /// Time credited since the last evaluation, on `watched` and on `clock`; taken back where the gap grows too long.
    pub credited: (Span, Span),
    /// `clock` at the start of the phase.
    pub phase_clock: Span,
    /// `clock` at the phase's first step.
    pub first_step_clock: Option<Span>,
    /// `clock` at the phase's latest step.
    pub last_step_clock: Option<Span>,
    /// `clock` at which the extension ends.
    pub extended_clock: Option<Span>,
    /// Observed start of the phase, or of its last extension.
    pub phase_from: Timestamp,
    /// Observed time of the latest rollback.
    pub rollback_from: Option<Timestamp>,
    /// Observed time of the latest change of shares.
    pub shares_from: Timestamp,
    /// `watched` at the latest rollback.
    pub rollback_watched: Span,
    /// The first phase that failed since the last retry: its contingency binds.
    pub failed: Option<PhaseId>,
    /// While rolled back: the phase whose shares apply; `None` is zero.
    pub applied: Option<PhaseId>,
    /// While rolled back: it was a `set` rollback, and the phase is still the failed one.
    pub is_set_rollback: bool,
    /// Exposure fell to zero in a rollback since the last retry.
    pub has_fallen_to_zero: bool,
    /// What has been said of contingency items since the latest rollback, once by each person.
    pub contingency: Vec<Said>,
    /// Signed statements.
    pub attestations: Vec<Attestation>,
    /// Checked items, by phase.
    pub checked: Vec<(PhaseId, Key)>,
    /// Counted `go`s.
    pub votes: Vec<Vote>,
    /// Pending proposals.
    pub proposals: Vec<Proposal>,
    /// Triggers that fired.
    pub latches: Vec<Latch>,
    /// The last journalled verdict of the phase's gate set.
    pub gates: Option<SetVerdict>,
    /// Somebody has been given `on` by a share since the plan was first opened.
    pub has_been_exposed: bool,
    /// Baselines as the metrics store values.
    pub baselines: Vec<Option<f64>>,
    /// The last finite phase has passed.
    pub is_completed: bool,
    /// What the calendar must not forget.
    #[serde(default)]
    pub agenda: Agenda,
    /// The actions of the next step.
    #[serde(default)]
    pub actions: Attempt,
    /// What is kept beyond a phase and beyond the rollout.
    #[serde(default)]
    pub after: After,
    /// Notices that are owed to channels.
    #[serde(default)]
    pub outbox: Outbox,
    /// ON beside OFF, once a day, oldest first.
    #[serde(default)]
    pub contrasts: Contrasts,
}

impl RolloutState {
    /// A plan that has not been started, seen first at `now` (observed).
    pub fn new(ruleset: &Ruleset, now: Timestamp) -> Self {
        let shares: Vec<Share> = ruleset.flags.iter().map(|flag| flag.initial).collect();
        let given = |source: &BaselineSource| match *source {
            BaselineSource::Given(value) => Some(value),
            BaselineSource::Captured(_) => None,
        };
        Self {
            plan: ruleset.name.clone(),
            hash: ruleset.hash.clone(),
            names: Names::of(ruleset),
            status: Status::Pending,
            paused_from: None,
            phase: None,
            step: 0,
            planned: shares.clone(),
            overrides: vec![None; shares.len()],
            shares,
            is_killed: false,
            watched: Span::ZERO,
            clock: Span::ZERO,
            evaluated: None,
            observed: now,
            credited: (Span::ZERO, Span::ZERO),
            phase_clock: Span::ZERO,
            first_step_clock: None,
            last_step_clock: None,
            extended_clock: None,
            phase_from: now,
            rollback_from: None,
            shares_from: now,
            rollback_watched: Span::ZERO,
            failed: None,
            applied: None,
            is_set_rollback: false,
            has_fallen_to_zero: false,
            contingency: Vec::new(),
            attestations: Vec::new(),
            checked: Vec::new(),
            votes: Vec::new(),
            proposals: Vec::new(),
            latches: Vec::new(),
            gates: None,
            has_been_exposed: false,
            baselines: ruleset.baselines.iter().map(|baseline| given(&baseline.source)).collect(),
            is_completed: false,
            agenda: Agenda::default(),
            actions: Attempt::default(),
            after: After::default(),
            outbox: Outbox::default(),
            contrasts: Contrasts::default(),
        }
    }

    /// The latest reading of observed time in it: no process goes on before this.
    pub fn last_observed(&self) -> Timestamp {
        let readings = [self.evaluated, Some(self.observed), self.rollback_from, Some(self.phase_from)];
        readings.into_iter().flatten().fold(self.shares_from, Timestamp::max)
    }

    /// Whether anybody gets `on` by a share.
    pub fn has_exposure(&self) -> bool {
        !self.is_killed && self.shares.iter().any(|share| *share > Share::ZERO)
    }

    /// The flags' states for a snapshot.
    pub fn flag_states(&self) -> Box<[FlagState]> {
        let state = |(share, set): (&Share, &Option<Share>)| FlagState {
            share: *share,
            is_killed: self.is_killed,
            is_overridden: set.is_some(),
        };
        self.shares.iter().zip(&self.overrides).map(state).collect()
    }

    /// The checked items of a phase.
    pub fn checked_in(&self, phase: PhaseId) -> Vec<Key> {
        self.checked.iter().filter(|(of, _)| *of == phase).map(|(_, item)| item.clone()).collect()
    }
}
