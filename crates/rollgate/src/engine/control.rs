//! The one place where state changes: windows, streaks, state and journal behind one lock.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rollgate_core::decide::{
    self, Body, Command, Effect, Findings, Input, Passing, Record, RolloutState, Source, Status, Transition,
};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::evaluate::{Context, FlagRef, evaluate};
use rollgate_core::judge::Streaks;
use rollgate_core::limits::READ_BACK_PROBES;
use rollgate_core::metrics::Windows;
use rollgate_core::report::Standing;
use rollgate_core::snapshot::{Ruleset, Snapshot};
use rollgate_core::time::{Now, Span, Timestamp};

use super::drops::{self, Drops, Thrift};
use super::judging;
use super::keep::{self, Keep};
use super::notices;
use super::records::{self, record_of};
use crate::flag::Flags;
use crate::journal::Journal;
use crate::notify::Sinks;
use crate::recorder::{Depth, Recorder};
use crate::store::{Commit, Durability, Store};

/// A wall clock that moved by less than this against the observed one was only being disciplined.
const JUMP_MIN_MS: i64 = 1_000;

/// Watched time that a process which is killed may lose: the state is saved at least this often.
const CHECKPOINT: Span = Span::minutes(1);

/// Everything that changes, and what changing it needs.
pub(super) struct Control {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) windows: Windows,
    pub(super) streaks: Streaks,
    pub(super) state: RolloutState,
    pub(super) journal: Journal,
    /// Observed time of the next evaluation.
    pub(super) due: Timestamp,
    /// What the journal has of what was dropped.
    pub(super) drops: Drops,
    /// Where notices go.
    pub(super) sinks: Arc<Sinks>,
    recorder: Recorder,
    flags: Flags,
    store: Arc<dyn Store>,
    /// For children of forks, who find it without a lock.
    held: Arc<ArcSwapOption<Held>>,
    revision: u64,
    version: u64,
    /// Journal lines that the store has.
    saved: usize,
    /// Observed time of the last commit.
    committed: Timestamp,
    /// Wall minus observed time, as last journalled.
    offset: i64,
    /// The latest run of an action that the host has been asked for.
    pub(super) asked: u64,
    /// When ON and OFF are next kept.
    pub(super) keep: Keep,
}

/// Where a rollout stands: what the child of a fork goes on from.
pub(super) struct Held {
    pub(super) revision: u64,
    pub(super) state: RolloutState,
    pub(super) journal: Journal,
}

/// What a control stands on, and outlives it in the child of a fork.
pub(super) struct Ground {
    pub(super) ruleset: Arc<Ruleset>,
    pub(super) flags: Flags,
    pub(super) recorder: Recorder,
    pub(super) sinks: Arc<Sinks>,
    pub(super) held: Arc<ArcSwapOption<Held>>,
}

/// What a command came to.
pub(super) type Outcome = Result<(), Error>;

/// What became of a transition.
enum Executed {
    /// All of it happened and is written.
    Saved,
    /// It happened, and will be written when the store is back.
    Unsaved(Error),
    /// It would have raised somebody and could not be written: nothing of it happened.
    TakenBack(Error),
}

impl Executed {
    fn into_outcome(self) -> Outcome {
        match self {
            Self::Saved => Ok(()),
            Self::Unsaved(error) | Self::TakenBack(error) => Err(error),
        }
    }
}

impl Control {
    /// A control over an empty or a filled store.
    pub(super) fn open(ground: &Ground, store: Arc<dyn Store>, now: Now) -> Result<Self, Error> {
        let Some(mut stored) = store.load(0)? else { return Ok(Self::begin(ground, store, None, now)) };
        if !stored.state.adopt(&ground.ruleset) {
            return Err(Error::new(
                ErrorKind::InvalidConfig,
                format_args!(
                    "the store holds a rollout of plan `{}` ({}), not of `{}` ({}); give this plan its own store",
                    stored.state.plan,
                    stored.state.names.shape,
                    ground.ruleset.name,
                    decide::Names::of(&ground.ruleset).shape
                ),
            ));
        }
        let journal = Journal::restore(stored.journal)?;
        let held = Held { revision: stored.revision, state: stored.state, journal };
        Ok(Self::begin(ground, store, Some(held), now))
    }

    /// A control over a store that holds this.
    pub(super) fn begin(ground: &Ground, store: Arc<dyn Store>, stored: Option<Held>, now: Now) -> Self {
        // Observed time never runs backwards, from one process to the next neither: on a calendar that was set back, the
        // windows of triggers would begin in the future.
        let last = stored.as_ref().map_or(now.observed, |stored| stored.state.last_observed());
        let now = Now { observed: now.observed.max(last), ..now };
        let ruleset = ground.ruleset.clone();
        let mut control = Self {
            windows: Windows::new(ruleset.clone(), now.observed),
            streaks: Streaks::new(ruleset.streaks),
            state: RolloutState::new(&ruleset, now.observed),
            journal: Journal::new(),
            due: decide::next_wakeup(&ruleset, now.observed),
            drops: Drops::default(),
            sinks: ground.sinks.clone(),
            recorder: ground.recorder.clone(),
            flags: ground.flags.clone(),
            store,
            held: ground.held.clone(),
            revision: 0,
            version: ground.flags.version(),
            saved: 0,
            committed: now.observed,
            offset: now.wall.0 - now.observed.0,
            asked: 0,
            keep: Keep::new(&ruleset, now),
            ruleset,
        };
        control.state.evaluated = Some(now.observed);
        // Nobody watched before; what an earlier process measured is not in these windows either.
        control.windows.unwatched(Timestamp::MIN, now.observed);
        if let Some(stored) = stored {
            control.journal = stored.journal;
            control.saved = control.journal.len();
            control.revision = stored.revision;
            control.adopt(stored.state, now);
        }
        notices::by_calendar(&mut control, now);
        let states = control.state.flag_states();
        control.publish(states);
        control
    }

    /// Takes over a stored state. Observed time is the wall's at the moment a process opens, or where the one before
    /// left it if that is later; what lies between is downtime, and credits nothing.
    fn adopt(&mut self, state: RolloutState, now: Now) {
        let since = state.evaluated.unwrap_or(now.observed).min(now.observed);
        self.state = state;
        self.state.outbox.inherit();
        let last = self.journal.after(self.journal.len().saturating_sub(1) as u64).next();
        let last = last.and_then(records::wall_of).unwrap_or(now.wall);
        if last.since(now.wall).0 >= JUMP_MIN_MS.unsigned_abs() {
            self.note(Body::ClockJump { by_ms: now.wall.0.saturating_sub(last.0) }, now);
        }
        self.restarted(since, now);
    }

    /// The process was away since `since` (observed): liveness is gone, nothing is credited, and the triggers are
    /// judged once.
    pub(super) fn restarted(&mut self, since: Timestamp, now: Now) {
        // Up to its end it watched.
        decide::observe(&self.ruleset, &mut self.state, since, Passing::Command);
        self.windows.advance(now.observed);
        self.windows.unwatched(since, now.observed);
        self.windows.restart(now.observed);
        self.state.evaluated = Some(now.observed);
        self.state.credited = (Span::ZERO, Span::ZERO);
        self.due = decide::next_wakeup(&self.ruleset, now.observed);
        let down_ms = now.observed.since(since).0;
        self.note(Body::Restarted { down_ms }, now);
        let mut findings = Findings::default();
        judging::triggers(self, &mut findings, judging::Which::All, now);
        let transition = self.decide(&findings, Input::Restart, now);
        // Should the store be away, the records wait for it; what was lowered stays lowered.
        let _ = self.execute(transition, now);
    }

    /// The rollout as reports look at it.
    pub(super) fn standing(&self, now: Now) -> Standing<'_> {
        Standing::new(&self.ruleset, &self.state, &self.windows, &self.streaks, now)
    }

    /// Brings what the recorders counted into the windows.
    pub(super) fn collect(&mut self, depth: Depth, now: Now) {
        self.recorder.collect(&mut self.windows, now.observed, depth);
    }

    fn decide(&self, findings: &Findings, input: Input<'_>, now: Now) -> Transition {
        decide::decide(&self.ruleset, &self.state, findings, input, now)
    }

    /// One evaluation.
    pub(super) fn evaluate(&mut self, now: Now) {
        // Subjects are many: they are brought in where something compares them, and before every mark.
        let depth = judging::depth(self);
        self.collect(depth, now);
        self.note_jump(now);
        drops::note(self, Thrift::Paced, now);
        self.windows.advance(now.observed);
        notices::by_calendar(self, now);
        if let Some((from, to)) =
            decide::observe(&self.ruleset, &mut self.state, now.observed, Passing::Evaluation)
        {
            self.windows.unwatched(from, to);
        }
        // The time that was just credited may have made gates due that compare.
        if depth == Depth::Totals && judging::depth(self) == Depth::Subjects {
            self.collect(Depth::Subjects, now);
        }
        self.due = decide::next_wakeup(&self.ruleset, now.observed);
        if self.ruleset.plan.is_none() {
            return;
        }
        keep::contrasts(self, now);
        let findings = judging::evaluation(self, now);
        let transition = self.decide(&findings, Input::Evaluation, now);
        // A store that is away is tried again at the next evaluation; what was to be raised is decided anew then. The
        // rest of what this instant decides does not wait for it: a latch may be open for this instant only.
        if let Executed::TakenBack(_) = self.execute(transition, now) {
            let held = self.decide(&findings, Input::Held, now);
            let _ = self.execute(held, now);
        }
        let _ = self.flush();
        self.checkpoint(now);
    }

    /// Begins the timeout of an action under way, where it has not begun.
    pub(super) fn ask(&mut self, now: Now) {
        decide::ask(&self.ruleset, &mut self.state, now.observed);
    }

    /// One command, decided at its own time on everything recorded so far.
    pub(super) fn command(&mut self, command: &Command, now: Now) -> Outcome {
        self.collect(Depth::Subjects, now);
        self.note_jump(now);
        decide::observe(&self.ruleset, &mut self.state, now.observed, Passing::Command);
        let findings = judging::command(self, command, now);
        let transition = self.decide(&findings, Input::Command(command), now);
        let refused = transition.refused.clone();
        self.execute(transition, now).into_outcome()?;
        match refused {
            Some(why) => Err(Error::new(ErrorKind::Refused, why)),
            None => Ok(()),
        }
    }

    /// An event, alert or gauge was recorded: triggers on it fire here and now.
    pub(super) fn recorded(&mut self, now: Now) {
        if self.ruleset.plan.is_none() || !self.state.has_exposure() {
            return;
        }
        let mut findings = Findings::default();
        judging::triggers(self, &mut findings, judging::Which::AtOnce, now);
        if findings.triggers.iter().all(|judged| judged.finding.is_none()) {
            return;
        }
        // The waits that a rollback begins are counted from now, not from the evaluation before.
        decide::observe(&self.ruleset, &mut self.state, now.observed, Passing::Command);
        let transition = self.decide(&findings, Input::Recording, now);
        if !transition.effects.is_empty() {
            let _ = self.execute(transition, now);
        }
    }

    /// Writes one record that no decision stands behind: alerts, drops.
    pub(super) fn note(&mut self, body: Body, now: Now) {
        let record = Record { phase: self.state.phase, status: self.state.status, body };
        self.write(&record, now);
        notices::settle(self, now);
        let _ = self.flush();
    }

    /// A wall clock that was set is journalled; nothing else follows from it (SEMANTICS 6.10).
    fn note_jump(&mut self, now: Now) {
        let offset = now.wall.0 - now.observed.0;
        let by_ms = offset - self.offset;
        if by_ms.abs() >= JUMP_MIN_MS {
            self.offset = offset;
            self.note(Body::ClockJump { by_ms }, now);
        }
    }

    /// Executes effects in their order. Where a raise cannot be written down, nothing of the transition happens.
    fn execute(&mut self, transition: Transition, now: Now) -> Executed {
        let before = std::mem::replace(&mut self.state, transition.state);
        let journalled = self.journal.len();
        let mut applied = false;
        let mut effects = transition.effects.into_iter();
        let mut outcome = Ok(());
        while let Some(effect) = effects.next() {
            match effect {
                Effect::Apply(states) => {
                    self.publish(states);
                    applied = true;
                }
                Effect::Record(record) => self.write(&record, now),
                Effect::Mark => {
                    // What was recorded so far was recorded under the old exposure.
                    self.collect(Depth::Subjects, now);
                    self.windows.mark(now.observed);
                }
                Effect::CountRollback => self.windows.record_rollback(now.observed),
                Effect::ResetStreaks => self.streaks.reset(),
                Effect::ReadBack => self.read_back(now),
                Effect::Persist => {
                    let Err(error) = self.flush() else { continue };
                    if effects.clone().any(|later| matches!(later, Effect::Apply(_))) {
                        self.state = before;
                        self.journal.truncate(journalled);
                        self.hold();
                        if applied {
                            let states = self.state.flag_states();
                            self.publish(states);
                        }
                        return Executed::TakenBack(error);
                    }
                    // What was lowered stays lowered; the proof of it follows, and all of it is written later.
                    outcome = Err(error);
                }
            }
        }
        notices::settle(self, now);
        let flushed = self.flush();
        if outcome.is_err() || flushed.is_err() {
            // What was lowered is lowered for children too, written down or not.
            self.hold();
        }
        outcome.and(flushed).map_or_else(Executed::Unsaved, |()| Executed::Saved)
    }

    fn publish(&mut self, states: Box<[rollgate_core::snapshot::FlagState]>) {
        self.version += 1;
        // First: a child that begins in between has what its flags have, or will.
        self.hold();
        self.flags.publish(Snapshot { version: self.version, ruleset: self.ruleset.clone(), states });
    }

    /// Where the rollout stands now is what the child of a fork goes on from.
    fn hold(&self) {
        let (state, journal) = (self.state.clone(), self.journal.clone());
        self.held.store(Some(Arc::new(Held { revision: self.revision, state, journal })));
    }

    /// Appends a record; what it owes to people goes into the outbox with it.
    pub(super) fn write(&mut self, record: &Record, now: Now) {
        let value = record_of(&self.ruleset, self.journal.len() as u64 + 1, record, now);
        self.journal.append(value);
        let name = self.journal.last_name();
        let source = Source { name: &name, now };
        for letter in decide::owed(&self.ruleset, &mut self.state, record, source) {
            self.state.outbox.post(letter);
        }
    }

    /// Saves what the store does not have yet.
    pub(super) fn flush(&mut self) -> Outcome {
        if self.saved == self.journal.len() {
            return Ok(());
        }
        let lines: Vec<String> = self.journal.after(self.saved as u64).map(str::to_owned).collect();
        self.revision = self.commit(&lines, Durability::Decision)?;
        self.saved = self.journal.len();
        self.hold();
        Ok(())
    }

    fn commit(&self, journal: &[String], durability: Durability) -> Result<u64, Error> {
        let first = self.saved as u64 + 1;
        let (expected, state) = (self.revision, &self.state);
        self.store.commit(&Commit { epoch: 0, expected, state, journal, first, durability })
    }

    /// Saves what has been watched where nothing else was to be saved: a wait goes on after a restart.
    fn checkpoint(&mut self, now: Now) {
        let is_due = now.observed.since(self.committed) >= CHECKPOINT;
        if !is_due || self.state.status == Status::Pending || self.saved != self.journal.len() {
            return;
        }
        // A store that is away is tried again at the next evaluation.
        if let Ok(revision) = self.commit(&[], Durability::Progress) {
            self.revision = revision;
            self.committed = now.observed;
            self.hold();
        }
    }

    /// Evaluates probe keys through the public path, and compares with what the state says they must get.
    fn read_back(&mut self, now: Now) {
        let expected =
            Snapshot { version: 0, ruleset: self.ruleset.clone(), states: self.state.flag_states() };
        let mut probes = 0;
        let mut ok = true;
        for flag in &self.ruleset.flags {
            for probe in 0..READ_BACK_PROBES {
                let key = format!("rollgate-probe-{probe}");
                let context = Context::new(&key);
                let wanted = evaluate(&expected, FlagRef::Name(flag.key.as_str()), &context);
                probes += 1;
                ok &= self.flags.is_on(flag.key.as_str(), &key) == wanted.is_on();
            }
        }
        let record = Record {
            phase: self.state.phase,
            status: self.state.status,
            body: Body::ReadBack { probes, ok },
        };
        self.write(&record, now);
        // The probes were nobody's call sites.
        self.flags.forget_asked();
    }

    /// Whether somebody has asked for a flag that is on for everybody.
    pub(super) fn is_asked(&self, flag: &str) -> bool {
        self.flags.is_asked(flag)
    }
}
