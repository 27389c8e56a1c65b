//! One input in, one new state and an ordered list of effects out.

use super::record::{Body, CauseOf, Record, ShareMap};
use super::{Command, Findings, RolloutState, Status, actions, calendar, commands, evaluation};
use crate::id::{FlagId, Key};
use crate::snapshot::{FlagState, Phase, Plan, Ruleset};
use crate::time::Now;
use crate::units::Share;

/// What is decided on.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// An evaluation instant.
    Evaluation,
    /// The same instant again, after its raise could not be written: all but going on is decided. A latch that opened,
    /// a proposal or a statement of the gates must not be lost with the raise.
    Held,
    /// A recording call that may fire a trigger at once.
    Recording,
    /// The process came back: the restored triggers are judged once.
    Restart,
    /// A person or program asks.
    Command(&'a Command),
}

/// What the runtime executes, in this order and no other (SEMANTICS 6.9).
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Publish these flag states in one snapshot.
    Apply(Box<[FlagState]>),
    /// Write this record to the journal.
    Record(Record),
    /// Save state and records before anything that follows.
    Persist,
    /// Evaluate probe keys through the public path and journal the proof.
    ReadBack,
    /// Cut every window here: a phase began, was extended, or shares changed.
    Mark,
    /// Count a rollback in `rollgate.rollbacks`.
    CountRollback,
    /// Forget the streaks: they were of another exposure, or of another phase.
    ResetStreaks,
}

/// The outcome of one input.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The state after it.
    pub state: RolloutState,
    /// What to do, in order.
    pub effects: Vec<Effect>,
    /// Whether the input was a command and was refused (its refusal is journalled).
    pub refused: Option<String>,
}

/// Decides on one input. Pure: the same arguments give the same transition.
///
/// A ruleset without a plan gives back the state unchanged, but for operators' shares.
pub fn decide(
    ruleset: &Ruleset,
    state: &RolloutState,
    findings: &Findings,
    input: Input<'_>,
    now: Now,
) -> Transition {
    let mut turn = Turn::new(ruleset, state, findings, now);
    match input {
        Input::Evaluation => evaluation::evaluate(&mut turn, evaluation::Advance::Allowed),
        Input::Held => evaluation::evaluate(&mut turn, evaluation::Advance::Held),
        Input::Recording => {
            evaluation::fire(&mut turn);
        }
        Input::Restart => {
            if !evaluation::fire(&mut turn) {
                actions::restarted(&mut turn);
            }
        }
        Input::Command(command) => commands::obey(&mut turn, command),
    }
    turn.finish()
}

/// A transition in the making.
pub(super) struct Turn<'a> {
    pub(super) ruleset: &'a Ruleset,
    pub(super) findings: &'a Findings,
    pub(super) now: Now,
    pub(super) state: RolloutState,
    pub(super) refused: Option<String>,
    /// Who retried, where this turn is a retry: the cause of its changes of shares.
    pub(super) retried_by: Option<Key>,
    before: &'a RolloutState,
    records: Vec<Record>,
    marks: bool,
    resets: bool,
    rollbacks: u32,
}

impl<'a> Turn<'a> {
    fn new(ruleset: &'a Ruleset, state: &'a RolloutState, findings: &'a Findings, now: Now) -> Self {
        Self {
            ruleset,
            findings,
            now,
            state: state.clone(),
            refused: None,
            retried_by: None,
            before: state,
            records: Vec::new(),
            marks: false,
            resets: false,
            rollbacks: 0,
        }
    }

    /// The plan; commands without one are refused before anything asks for it.
    pub(super) fn plan(&self) -> Option<&'a Plan> {
        self.ruleset.plan.as_ref()
    }

    /// The current phase.
    pub(super) fn phase(&self) -> Option<&'a Phase> {
        self.plan()?.phases.get(self.state.phase?.index())
    }

    /// Adds a record of the state as it is now.
    pub(super) fn record(&mut self, body: Body) {
        self.records.push(Record { phase: self.state.phase, status: self.state.status, body });
    }

    /// Changes the status; counted `go`s were given on another one and are void.
    pub(super) fn set_status(&mut self, status: Status) {
        if self.state.status != status {
            self.state.status = status;
            self.state.votes.clear();
            calendar::status_changed(self, status);
        }
    }

    /// Asks for a cut of the windows.
    pub(super) fn mark(&mut self) {
        self.marks = true;
    }

    /// Asks to forget the streaks.
    pub(super) fn reset_streaks(&mut self) {
        self.resets = true;
    }

    /// Counts a rollback.
    pub(super) fn count_rollback(&mut self) {
        self.rollbacks += 1;
    }

    /// Moves the flags to `shares` and records it where any changes.
    pub(super) fn change_shares(&mut self, shares: Vec<Share>, cause: CauseOf) {
        let changed: Vec<FlagId> = (0..shares.len())
            .filter(|index| shares.get(*index) != self.state.shares.get(*index))
            .map(|index| FlagId(index as u16))
            .collect();
        if changed.is_empty() {
            return;
        }
        let from = ShareMap::of(self.ruleset, &changed, &self.state.shares);
        let to = ShareMap::of(self.ruleset, &changed, &shares);
        self.state.has_been_exposed |= shares.iter().any(|share| *share > Share::ZERO);
        self.state.after.follow(&shares, self.state.watched, self.state.phase);
        self.state.shares = shares;
        self.state.shares_from = self.now.observed;
        self.mark();
        self.record(Body::SharesChanged { from, to, cause });
    }

    /// Orders the effects: what lowers is applied before it is written, what raises after (SEMANTICS 6.9).
    fn finish(self) -> Transition {
        let mut effects = Vec::new();
        let (old, new) = (self.before.flag_states(), self.state.flag_states());
        let least: Box<[FlagState]> =
            old.iter().zip(&new).map(|(old, new)| least_exposed(*old, *new)).collect();
        let changes = old != new;
        if changes && least != old {
            effects.push(Effect::Apply(least.clone()));
        }
        for _ in 0..self.rollbacks {
            effects.push(Effect::CountRollback);
        }
        // A raise that cannot be written does not happen: then it cuts no window and ends no streak either.
        let raises = changes && least != new;
        let cuts = [self.marks.then_some(Effect::Mark), self.resets.then_some(Effect::ResetStreaks)];
        if !raises {
            effects.extend(cuts.iter().flatten().cloned());
        }
        let writes = !self.records.is_empty();
        effects.extend(self.records.into_iter().map(Effect::Record));
        if writes || changes {
            effects.push(Effect::Persist);
        }
        if raises {
            effects.extend(cuts.into_iter().flatten());
            effects.push(Effect::Apply(new));
        }
        if self.before.shares != self.state.shares {
            effects.push(Effect::ReadBack);
        }
        Transition { state: self.state, effects, refused: self.refused }
    }
}

/// The state that exposes no more subjects than either.
fn least_exposed(old: FlagState, new: FlagState) -> FlagState {
    FlagState { share: old.share.min(new.share), is_killed: old.is_killed || new.is_killed, ..new }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_exposed_state_is_below_both() {
        let half = FlagState { share: Share::from_ppm(500_000).unwrap(), ..FlagState::default() };
        let killed = FlagState { share: Share::FULL, is_killed: true, is_overridden: false };
        let least = least_exposed(half, killed);
        assert!(least.is_killed);
        assert_eq!(least.share, half.share);
    }
}
