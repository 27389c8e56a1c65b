//! The one place where state changes: windows, streaks, state and journal behind one lock.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arc_swap::ArcSwapOption;
use rollgate_core::decide::{
    self, Body, Command, Effect, Findings, Input, Passing, Record, RolloutState, Source, Status, Transition,
};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::evaluate::{Context, FlagRef, evaluate};
use rollgate_core::judge::Streaks;
use rollgate_core::limits::READ_BACK_PROBES;
use rollgate_core::metrics::{Log, Windows};
use rollgate_core::report::Standing;
use rollgate_core::snapshot::{Ruleset, Snapshot};
use rollgate_core::time::{Now, Span, Timestamp};

use super::drops::{self, Drops, Thrift};
use super::judging;
use super::keep::{self, Keep};
use super::member::{Member, Role};
use super::notices;
use super::pending::{Pending, TRIES};
use super::records::{self, record_of};
use super::sharing::{self, Found, is_beaten};
use crate::clock::Clock;
use crate::flag::Flags;
use crate::journal::Journal;
use crate::notify::Sinks;
use crate::recorder::{Depth, Recorder};
use crate::store::{Claim, Durability, Head, SharedStore, Store, node_name};

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
    pub(super) store: Arc<dyn Store>,
    /// For children of forks, who find it without a lock.
    held: Arc<ArcSwapOption<Held>>,
    pub(super) revision: u64,
    version: u64,
    /// Journal lines that the store has.
    pub(super) saved: usize,
    /// This engine among those that share its store; `None` where the store is its own.
    pub(super) member: Option<Member>,
    /// What has happened and is not stored yet, where the store is shared.
    pub(super) pending: Vec<Pending>,
    /// Observed time that other nodes are ahead of this one's clocks.
    pub(super) ahead: Arc<AtomicU64>,
    pub(super) clock: Arc<dyn Clock>,
    /// The clock when the lock was taken, and the time read by which everything under it is done.
    pub(super) began: Span,
    /// Windows were cut since they were saved last.
    pub(super) has_reshaped: bool,
    /// The epoch that this node's windows were saved under last.
    pub(super) saved_epoch: Option<u64>,
    /// Lines after this one were taken back and written anew: listeners hear them again.
    pub(super) rewound: Option<u64>,
    /// Observed time at which this engine began.
    pub(super) opened: Timestamp,
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
    pub(super) ahead: Arc<AtomicU64>,
    pub(super) clock: Arc<dyn Clock>,
    /// What the engine may do on a store that others share.
    pub(super) role: Role,
}

/// What a store had to begin with.
pub(super) struct Beginning {
    pub(super) held: Option<Held>,
    pub(super) member: Option<Member>,
    pub(super) found: Option<Found>,
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

/// A store holds a rollout of another plan.
pub(super) fn foreign(state: &RolloutState, ruleset: &Ruleset) -> Error {
    Error::new(
        ErrorKind::InvalidConfig,
        format_args!(
            "the store holds a rollout of plan `{}` ({}), not of `{}` ({}); give this plan its own store",
            state.plan,
            state.names.shape,
            ruleset.name,
            decide::Names::of(ruleset).shape
        ),
    )
}

impl Control {
    /// A control over an empty or a filled store.
    pub(super) fn open(ground: &Ground, store: Arc<dyn Store>, now: Now) -> Result<Self, Error> {
        // First of all the lease, where it is free: then nobody else writes what is read next.
        let (member, now) = match store.shared() {
            Some(shared) => Self::join(ground, shared, now).map(|(member, now)| (Some(member), now))?,
            None => (None, now),
        };
        let empty = Windows::new(ground.ruleset.clone(), now.observed);
        let found = match store.shared() {
            Some(shared) => sharing::find(shared, &empty)?,
            None => None,
        };
        let held = match store.load(0)? {
            None => None,
            Some(mut stored) => {
                if !stored.state.adopt(&ground.ruleset) {
                    return Err(foreign(&stored.state, &ground.ruleset));
                }
                if let Some(watched) = stored.watched.filter(|watched| watched.revision == stored.revision) {
                    stored.state.go_on(&watched);
                }
                let journal = Journal::restore(stored.journal)?;
                Some(Held { revision: stored.revision, state: stored.state, journal })
            }
        };
        Ok(Self::begin(ground, store, Beginning { held, member, found }, now))
    }

    /// One more node on a store. It leads where nobody does; else it sets its time by the one that does.
    fn join(ground: &Ground, shared: &dyn SharedStore, now: Now) -> Result<(Member, Now), Error> {
        let ruleset = &ground.ruleset;
        let role = if ground.role == Role::Visitor { Role::Visitor } else { Role::Follower };
        let mut member = Member::new(node_name(), role, ruleset, now.observed);
        for _ in 0..TRIES {
            let Head { lease, reports, .. } = shared.head()?;
            member.position = reports;
            let is_free =
                lease.as_ref().is_none_or(|lease| lease.holder.is_empty() || shared.has_ended(&lease.holder));
            if is_free && role == Role::Follower {
                let claim = Claim { holder: &member.node, observed: now.observed, wall: now.wall };
                if let Some(epoch) = shared.take(lease.as_ref(), &claim)? {
                    member.role = Role::Leader;
                    member.epoch = epoch;
                    return Ok((member, now));
                }
                continue;
            }
            let Some(lease) = lease else { break };
            let since = now.wall.since(lease.wall).min(Member::lease_lasts(ruleset));
            // Nobody is there to set the time by: then the calendar says for how long.
            let observed = if is_free { now.observed } else { lease.observed + since };
            let mut member = Member::new(member.node, role, ruleset, observed);
            member.position = reports;
            member.see(&lease, observed);
            return Ok((member, Now { observed, ..now }));
        }
        Ok((member, now))
    }

    /// A control over a store that holds this.
    pub(super) fn begin(ground: &Ground, store: Arc<dyn Store>, beginning: Beginning, now: Now) -> Self {
        let Beginning { held, member, found } = beginning;
        // Observed time never runs backwards, from one process to the next neither: on a calendar that was set back, the
        // windows of triggers would begin in the future.
        let last = held.as_ref().map_or(now.observed, |held| held.state.last_observed());
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
            member,
            pending: Vec::new(),
            ahead: ground.ahead.clone(),
            clock: ground.clock.clone(),
            began: ground.clock.monotonic(),
            has_reshaped: false,
            saved_epoch: None,
            rewound: None,
            opened: now.observed,
            committed: now.observed,
            offset: now.wall.0 - now.observed.0,
            asked: 0,
            keep: Keep::new(&ruleset, now),
            ruleset,
        };
        control.state.evaluated = Some(now.observed);
        control.take_windows(found, now);
        if let Some(held) = held {
            control.journal = held.journal;
            control.saved = control.journal.len();
            control.revision = held.revision;
            control.adopt(held.state, now);
        }
        if control.is_leader() {
            notices::by_calendar(&mut control, now);
            control.keep_windows(now);
        }
        let states = control.state.flag_states();
        control.publish(states);
        control
    }

    /// Goes on with windows that were found in the store; else nobody watched before, and what an earlier process measured
    /// is not in these.
    fn take_windows(&mut self, found: Option<Found>, now: Now) {
        match (found, self.member.as_mut()) {
            (Some(found), Some(member)) => {
                self.windows = found.windows;
                member.position = found.position;
                member.shares_revision = found.origin.shares_revision;
                for (node, count) in found.origin.heard {
                    // Who of them is still there, their next reports tell.
                    member.hear(&node, 0, count, Timestamp::MIN);
                }
            }
            _ => self.windows.unwatched(Timestamp::MIN, now.observed),
        }
        if self.member.as_ref().is_some_and(|member| member.role != Role::Visitor) {
            self.windows.log(Log::On);
        }
    }

    /// Takes over a stored state. Observed time is the wall's at the moment a process opens, or where the one before
    /// left it if that is later; what lies between is downtime, and credits nothing.
    fn adopt(&mut self, state: RolloutState, now: Now) {
        let since = state.evaluated.unwrap_or(now.observed).min(now.observed);
        self.state = state;
        if !self.is_leader() {
            // Another node watches, or nobody does: then the time in between is nobody's.
            if self.member.as_ref().is_some_and(|member| member.role == Role::Visitor) {
                let gap = self.ruleset.watched_gap();
                if now.observed.since(since) > gap {
                    self.windows.unwatched(since, now.observed);
                    self.windows.restart(now.observed);
                }
            }
            return;
        }
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
        self.succeed(since, now);
    }

    /// Goes on from where an earlier process, or another node, left off at `since` (observed).
    pub(super) fn succeed(&mut self, since: Timestamp, now: Now) {
        self.state.evaluated = Some(now.observed);
        self.state.credited = (Span::ZERO, Span::ZERO);
        self.due = decide::next_wakeup(&self.ruleset, now.observed);
        let down_ms = now.observed.since(since).0;
        self.note(Body::Restarted { down_ms }, now);
        let mut findings = Findings::default();
        judging::triggers(self, &mut findings, judging::Which::All, now);
        self.remember(Pending::Fired(findings.clone(), now));
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

    pub(super) fn decide(&self, findings: &Findings, input: Input<'_>, now: Now) -> Transition {
        decide::decide(&self.ruleset, &self.state, findings, input, now)
    }

    /// One evaluation, as this engine's role has it.
    pub(super) fn evaluate(&mut self, now: Now) {
        let Some(member) = self.member.as_ref() else { return self.lead(now) };
        let role = member.role;
        let before = self.ahead();
        // A store that is away is tried again soon; until then this node does what it may do alone.
        let _ = self.refresh(now);
        let observed = now.observed + Span(self.ahead() - before);
        // After a stall the clock catches up by itself with some of what was skipped, and this time is never behind.
        let now = Now { observed: observed.max(self.state.last_observed()), ..now };
        match (role, self.is_leader()) {
            (Role::Visitor, _) => {
                self.windows.advance(now.observed);
                self.due = decide::next_wakeup(&self.ruleset, now.observed);
            }
            (_, true) => {
                self.lead(now);
                self.share(now);
            }
            (_, false) => self.follow(now),
        }
    }

    /// One evaluation of who may advance.
    fn lead(&mut self, now: Now) {
        // Subjects are many: they are brought in where something compares them, and before every mark. What a crash must
        // not take is brought in always.
        let depth = if self.member.is_some() { Depth::Subjects } else { judging::depth(self) };
        self.collect(depth, now);
        self.note_jump(now);
        drops::note(self, Thrift::Paced, now);
        self.windows.advance(now.observed);
        notices::by_calendar(self, now);
        let passing = self.passing(now);
        if let Some((from, to)) = decide::observe(&self.ruleset, &mut self.state, now.observed, passing) {
            self.windows.unwatched(from, to);
        }
        if let Some(member) = self.member.as_mut() {
            member.looked = now.observed;
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
        if !transition.effects.is_empty() {
            self.remember(Pending::Fired(findings.clone(), now));
        }
        // A store that is away is tried again at the next evaluation; what was to be raised is decided anew then. The
        // rest of what this instant decides does not wait for it: a latch may be open for this instant only.
        match self.execute(transition, now) {
            Executed::TakenBack(error) if is_beaten(&error) => {
                // Somebody else has moved the rollout: it is judged anew where it stands now.
                let _ = self.refresh(now);
                self.due = now.observed;
            }
            Executed::TakenBack(_) => {
                let held = self.decide(&findings, Input::Held, now);
                if !held.effects.is_empty() {
                    self.remember(Pending::Fired(findings, now));
                }
                let _ = self.execute(held, now);
            }
            Executed::Saved | Executed::Unsaved(_) => {}
        }
        let _ = self.flush(now);
        self.checkpoint(now);
    }

    /// Begins the timeout of an action under way, where it has not begun.
    pub(super) fn ask(&mut self, now: Now) {
        if self.is_leader() {
            decide::ask(&self.ruleset, &mut self.state, now.observed);
        }
    }

    /// One command, decided at its own time on everything recorded so far.
    pub(super) fn command(&mut self, command: &Command, now: Now) -> Outcome {
        // Where the store is away, it is decided on what is known here.
        let _ = self.refresh(now);
        let mut outcome = self.command_once(command, now);
        for _ in 0..TRIES {
            match &outcome {
                Err(error) if is_beaten(error) => {
                    self.refresh(now)?;
                    outcome = self.command_once(command, now);
                }
                _ => break,
            }
        }
        outcome
    }

    fn command_once(&mut self, command: &Command, now: Now) -> Outcome {
        self.collect(Depth::Subjects, now);
        self.note_jump(now);
        decide::observe(&self.ruleset, &mut self.state, now.observed, Passing::Command);
        let findings = judging::command(self, command, now);
        let transition = self.decide(&findings, Input::Command(command), now);
        let refused = transition.refused.clone();
        if refused.is_none() {
            self.remember(Pending::Asked(command.clone(), findings, now));
        } else {
            for effect in &transition.effects {
                if let Effect::Record(record) = effect {
                    self.remember(Pending::Note(record.clone(), now));
                }
            }
        }
        self.execute(transition, now).into_outcome()?;
        match refused {
            Some(why) => Err(Error::new(ErrorKind::Refused, why)),
            None => Ok(()),
        }
    }

    /// An event, alert or gauge was recorded: triggers on it fire here and now.
    pub(super) fn recorded(&mut self, now: Now) {
        if let Some(member) = self.member.as_mut() {
            member.is_urgent = true;
        }
        self.judge(judging::Which::AtOnce, now);
    }

    /// Others recorded something: triggers that fire at once are judged on it.
    pub(super) fn judge_at_once(&mut self, now: Now) {
        self.judge(judging::Which::AtOnce, now);
    }

    /// Judges the live triggers beside an evaluation, and rolls back where one fires.
    pub(super) fn judge(&mut self, which: judging::Which, now: Now) {
        if self.ruleset.plan.is_none() || !self.state.has_exposure() {
            return;
        }
        let mut findings = Findings::default();
        match which {
            judging::Which::AtOnce => judging::triggers(self, &mut findings, which, now),
            // An evaluation of its own, though not the one that advances: streaks go on.
            judging::Which::All => judging::watched(self, &mut findings, now),
        }
        if findings.triggers.iter().all(|judged| judged.finding.is_none()) {
            return;
        }
        // The waits that a rollback begins are counted from now, not from the evaluation before.
        decide::observe(&self.ruleset, &mut self.state, now.observed, Passing::Command);
        let transition = self.decide(&findings, Input::Recording, now);
        if !transition.effects.is_empty() {
            self.remember(Pending::Fired(findings, now));
            let _ = self.execute(transition, now);
        }
    }

    /// Writes one record that no decision stands behind: alerts, drops.
    pub(super) fn note(&mut self, body: Body, now: Now) {
        let record = Record { phase: self.state.phase, status: self.state.status, body };
        self.remember(Pending::Note(record.clone(), now));
        self.write(&record, now);
        notices::settle(self, now);
        let _ = self.flush(now);
    }

    /// A wall clock that was set is journalled; nothing else follows from it (SEMANTICS 6.10).
    fn note_jump(&mut self, now: Now) {
        let offset = now.wall.0 - now.observed.0 + self.ahead() as i64;
        let by_ms = offset - self.offset;
        if by_ms.abs() >= JUMP_MIN_MS {
            self.offset = offset;
            self.note(Body::ClockJump { by_ms }, now);
        }
    }

    /// How far other nodes' time is ahead of this one's clocks.
    pub(super) fn ahead(&self) -> u64 {
        self.ahead.load(std::sync::atomic::Ordering::Acquire)
    }

    /// Executes effects in their order. Where a raise cannot be written down, nothing of the transition happens.
    fn execute(&mut self, transition: Transition, now: Now) -> Executed {
        let before = std::mem::replace(&mut self.state, transition.state);
        let (journalled, served) = (self.journal.len(), self.revision);
        let mut applied = false;
        let mut is_cut = false;
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
                    let _ = self.report_as(served, now);
                    self.windows.mark(now.observed);
                    is_cut = true;
                }
                Effect::CountRollback => self.windows.record_rollback(now.observed),
                Effect::ResetStreaks => self.streaks.reset(),
                Effect::ReadBack => self.read_back(now),
                Effect::Persist => {
                    let raises = effects.clone().any(|later| matches!(later, Effect::Apply(_)));
                    // What others have written in between may forbid a raise: then it is decided anew, as a whole.
                    let Err(error) = (if raises { self.save(now) } else { self.flush(now) }) else {
                        continue;
                    };
                    if raises {
                        self.state = before;
                        self.journal.truncate(journalled);
                        self.pending.pop();
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
        let flushed = self.flush(now);
        if outcome.is_err() || flushed.is_err() {
            // What was lowered is lowered for children too, written down or not.
            self.hold();
        }
        if is_cut {
            self.cut();
        }
        outcome.and(flushed).map_or_else(Executed::Unsaved, |()| Executed::Saved)
    }

    pub(super) fn publish(&mut self, states: Box<[rollgate_core::snapshot::FlagState]>) {
        self.version += 1;
        // First: a child that begins in between has what its flags have, or will.
        self.hold();
        self.flags.publish(Snapshot { version: self.version, ruleset: self.ruleset.clone(), states });
    }

    /// Where the rollout stands now is what the child of a fork goes on from.
    pub(super) fn hold(&self) {
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

    /// Saves what has been watched where nothing else was to be saved: a wait goes on after a restart.
    fn checkpoint(&mut self, now: Now) {
        let is_due = now.observed.since(self.committed) >= CHECKPOINT;
        if !is_due || self.state.status == Status::Pending || self.saved != self.journal.len() {
            return;
        }
        // A store that is away is tried again at the next evaluation.
        if let Ok(revision) = self.commit(&[], Durability::Progress, now) {
            self.revision = revision;
            self.pending.clear();
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
