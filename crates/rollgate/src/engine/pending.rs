//! What has happened and is not stored yet: while the store is away, or because another writer was faster.
//!
//! It is kept as what it was decided on, not as what came of it. Where others have written in between, it is decided anew
//! on what they wrote: a rollback that they made too is then made once, and one that they did not know of is made.

use rollgate_core::decide::{Answer, Body, Command, Delivery, Effect, Findings, Input, Record, Transition};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::judge::Contrast;
use rollgate_core::snapshot::FlagState;
use rollgate_core::time::Now;

use super::control::{Control, Outcome};
use super::notices;
use super::sharing::is_beaten;
use crate::store::{Commit, Durability};

/// How often a writer that was beaten tries again at once. Each time somebody else has written something.
pub(super) const TRIES: usize = 16;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(super) enum Pending {
    /// A record that no decision stands behind.
    Note(Record, Now),
    /// Triggers were judged, and something followed.
    Fired(Findings, Now),
    /// A person asked, and something was lowered.
    Asked(Command, Findings, Now),
    /// A notice was handed over, or was not.
    Told(Delivery, Answer, Now),
    /// Rows of ON beside OFF were kept.
    Kept(Vec<Contrast>),
}

impl Control {
    /// Remembers what happened until it is stored; a store of one engine's own has no other writer.
    pub(super) fn remember(&mut self, pending: Pending) {
        if self.member.is_some() {
            self.pending.push(pending);
        }
    }

    /// Saves what the store does not have yet, on top of what others have written in the meantime.
    pub(super) fn flush(&mut self, now: Now) -> Outcome {
        let mut outcome = self.save(now);
        for _ in 0..TRIES {
            match &outcome {
                Err(error) if self.member.is_some() && is_beaten(error) => {
                    self.rebase(now)?;
                    outcome = self.save(now);
                }
                _ => break,
            }
        }
        outcome
    }

    /// Saves what the store does not have yet, if nobody else has written.
    pub(super) fn save(&mut self, now: Now) -> Outcome {
        if self.saved == self.journal.len() {
            // Rows have no record: they wait for the next commit.
            self.pending.retain(|pending| matches!(pending, Pending::Kept(_)));
            return Ok(());
        }
        let lines: Vec<String> = self.journal.after(self.saved as u64).map(str::to_owned).collect();
        self.revision = self.commit(&lines, Durability::Decision, now)?;
        self.saved = self.journal.len();
        self.pending.clear();
        self.hold();
        Ok(())
    }

    pub(super) fn commit(
        &mut self,
        journal: &[String],
        durability: Durability,
        now: Now,
    ) -> Result<u64, Error> {
        if let Some(why) = self.member.as_ref().and_then(|member| member.rests(now.observed)) {
            return Err(Error::new(ErrorKind::StoreAway, why));
        }
        let first = self.saved as u64 + 1;
        let (expected, state) = (self.revision, &self.state);
        let epoch = self.member.as_ref().map_or(0, |member| member.epoch);
        let outcome = self.store.commit(&Commit { epoch, expected, state, journal, first, durability });
        self.note_answer(&outcome, now);
        outcome
    }

    /// Remembers whether the store answered. One that is damaged is of no more use than one that is away, and is told of in
    /// the same place.
    fn note_answer<T>(&mut self, outcome: &Result<T, Error>, now: Now) {
        let Some(member) = self.member.as_mut() else { return };
        match outcome {
            Err(error) if !is_beaten(error) => {
                member.lost_sight(now.observed, error.to_string());
            }
            _ => member.found(),
        }
    }

    /// Goes to the state that the store has, where that is another one, and saves on top of it what is pending.
    pub(super) fn catch_up(&mut self, now: Now) -> Outcome {
        self.rebase(now)?;
        self.flush(now)
    }

    /// Goes to the state that the store has, and decides on it what is pending.
    fn rebase(&mut self, now: Now) -> Outcome {
        let store = self.store.clone();
        if let Some(shared) = store.shared() {
            let head = shared.head();
            self.note_answer(&head, now);
            if let (Some(lease), Some(member)) = (head?.lease, self.member.as_mut()) {
                member.acknowledge(&lease);
            }
        }
        let stored = store.load(self.saved as u64);
        self.note_answer(&stored, now);
        let Some(stored) = stored?.filter(|stored| stored.revision != self.revision) else { return Ok(()) };
        if !stored.state.clone().adopt(&self.ruleset) {
            return Err(super::control::foreign(&stored.state, &self.ruleset));
        }
        let pending = std::mem::take(&mut self.pending);
        let before = self.state.flag_states();
        if self.journal.len() > self.saved {
            self.journal.truncate(self.saved);
            let saved = self.saved as u64;
            self.rewound = Some(self.rewound.map_or(saved, |rewound| rewound.min(saved)));
        }
        self.adopt_remote(stored, now)?;
        pending.iter().for_each(|pending| self.redo(pending));
        self.pending = pending;
        let states = self.state.flag_states();
        if states != before {
            self.publish(states);
        }
        Ok(())
    }

    /// Decides once more, on a state that others have moved.
    fn redo(&mut self, pending: &Pending) {
        match pending {
            Pending::Note(record, now) => {
                let (phase, status) = (self.state.phase, self.state.status);
                self.write(&Record { phase, status, body: record.body.clone() }, *now);
            }
            Pending::Fired(findings, now) => {
                let transition = self.decide(findings, Input::Recording, *now);
                self.take(transition, *now);
            }
            Pending::Asked(command, findings, now) => {
                let transition = self.decide(findings, Input::Command(command), *now);
                if raises(&self.state.flag_states(), &transition.state.flag_states()) {
                    // It was asked to lower something. What it would do now nobody has asked for.
                    let why = "the rollout has moved on while the store was away".into();
                    let (by, command) = (command.by.clone(), command.action.name());
                    let body = Body::CommandRefused { command, by, why };
                    let (phase, status) = (self.state.phase, self.state.status);
                    self.write(&Record { phase, status, body }, *now);
                    return;
                }
                self.take(transition, *now);
            }
            Pending::Told(delivery, answer, now) => {
                self.state.outbox.attempted(delivery, answer.clone(), now.observed);
                notices::settle(self, *now);
            }
            Pending::Kept(rows) => self.state.contrasts.keep(rows.clone()),
        }
    }

    /// Takes over a transition that only lowers: what it did to windows has been done before.
    fn take(&mut self, transition: Transition, now: Now) {
        self.state = transition.state;
        for effect in transition.effects {
            match effect {
                Effect::Record(record) => self.write(&record, now),
                Effect::ResetStreaks => self.streaks.reset(),
                Effect::Mark => self.windows.mark(now.observed),
                Effect::Apply(_) | Effect::Persist | Effect::ReadBack | Effect::CountRollback => {}
            }
        }
    }
}

/// Whether anybody gets `on` who did not.
fn raises(before: &[FlagState], after: &[FlagState]) -> bool {
    before.iter().zip(after).any(|(before, after)| {
        let exposed = |state: &FlagState| if state.is_killed { 0 } else { state.share.ppm() };
        exposed(after) > exposed(before)
    })
}
