//! One engine among those that share a store: what it tells the others, what it hears, and who advances.
//!
//! Everything that is decided goes through the store's compare-and-swap. Whoever is slower reads what the faster one
//! wrote, and decides anew on it; so nothing is decided twice, and nothing is decided on a state that is not the latest.

use rollgate_core::decide::{self, Passing};
use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::metrics::{Exposure, Log, Windows};
use rollgate_core::time::{Now, Span, Timestamp};
use serde_json::Value;

use super::control::{Control, foreign};
use super::frame::{self, Header, Origin};
use super::judging::Which;
use super::member::{CHECKPOINT_EVERY, Member, REPORTS_KEPT, Role, SYNC_EVERY, UNSENT_MAX};
use crate::recorder::Depth;
use crate::store::{Checkpoint, Claim, Head, Lease, Report, Reported, SharedStore, Stored};

/// Windows as the store has them.
pub(super) struct Found {
    pub(super) windows: Windows,
    pub(super) position: u64,
    pub(super) origin: Origin,
}

/// Whether somebody else could have been faster: what is stored must be read again.
pub(super) fn is_beaten(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StoreConflict | ErrorKind::LeaseLost)
}

/// Reads the windows of the last checkpoint, and replays what was reported since. `None` where there are none that can be
/// read: then nothing is known, and no gate passes on it.
pub(super) fn find(store: &dyn SharedStore, empty: &Windows) -> Result<Option<Found>, Error> {
    let restored = match store.restore() {
        Ok(Some(restored)) => restored,
        Ok(None) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::StoreDamaged => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((origin, head)) = frame::read_head(&restored.saved.head) else { return Ok(None) };
    let Ok(mut windows) = Windows::restore(empty.ruleset().clone(), head, &restored.saved.slots) else {
        return Ok(None);
    };
    let mut origin = origin;
    let mut position = restored.position;
    let mut last = Timestamp::MIN;
    for reported in store.reports(position)? {
        if reported.seq != position + 1 {
            return Ok(None);
        }
        position = reported.seq;
        last = last.max(reported.observed);
        if !retell(&mut windows, &mut origin, &reported, last) {
            return Ok(None);
        }
    }
    Ok(Some(Found { windows, position, origin }))
}

/// Brings a report into windows that are being restored; false where it cannot be read.
fn retell(windows: &mut Windows, origin: &mut Origin, reported: &Reported, at: Timestamp) -> bool {
    let Some((header, log)) = frame::read_report(&reported.tape) else { return false };
    match origin.heard.iter_mut().find(|(node, _)| *node == reported.node) {
        Some((_, count)) if header.count <= *count => return true,
        Some((_, count)) => *count = header.count,
        None => origin.heard.push((reported.node.clone(), header.count)),
    }
    if reported.node == origin.node {
        return windows.replay(log).is_ok();
    }
    let exposure = exposure_of(reported.revision, origin.shares_revision);
    // A node that ran another plan or version: its samples were missing before, too.
    let _ = windows.merge(log, at, exposure);
    true
}

const fn exposure_of(revision: u64, shares_revision: u64) -> Exposure {
    if revision < shares_revision { Exposure::Before } else { Exposure::Current }
}

impl Control {
    fn with_store<T>(
        &mut self,
        now: Now,
        ask: impl FnOnce(&dyn SharedStore) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let store = self.store.clone();
        let (Some(shared), Some(member)) = (store.shared(), self.member.as_mut()) else {
            return Err(Error::new(ErrorKind::StoreAway, "this store serves one engine only"));
        };
        if let Some(why) = member.rests(now.observed) {
            return Err(Error::new(ErrorKind::StoreAway, why));
        }
        let answer = ask(shared);
        match &answer {
            Err(error) if !is_beaten(error) => {
                member.lost_sight(now.observed, error.to_string());
            }
            _ => member.found(),
        }
        answer
    }

    /// Whether this engine may advance the rollout by itself, as far as it knows.
    pub(super) fn is_leader(&self) -> bool {
        self.member.as_ref().is_none_or(Member::is_leader)
    }

    /// Looks at the store, where the last look is old enough.
    pub(super) fn sync(&mut self, now: Now) {
        let Some(member) = self.member.as_mut() else { return };
        if now.observed.since(member.synced) < SYNC_EVERY {
            return;
        }
        member.synced = now.observed;
        let is_urgent = member.is_urgent && member.role != Role::Visitor;
        // A store that is away is tried again soon.
        if self.refresh(now).is_ok() && is_urgent {
            let _ = self.report(now);
        }
    }

    /// Goes to where the store is: the latest state, what others recorded, who has the lease.
    pub(super) fn refresh(&mut self, now: Now) -> Result<(), Error> {
        if self.member.is_none() {
            return Ok(());
        }
        let head = self.with_store(now, |store| store.head())?;
        if head.revision != self.revision {
            self.catch_up(now)?;
        } else if !self.pending.is_empty() {
            self.flush(now)?;
        }
        self.hear(&head, now)?;
        match &head.lease {
            Some(lease) => self.watch_lease(lease),
            None => self.try_to_lead(None, now),
        }
    }

    /// What others recorded.
    fn hear(&mut self, head: &Head, now: Now) -> Result<(), Error> {
        let position = self.member.as_ref().map_or(0, |member| member.position);
        if head.reports <= position {
            return Ok(());
        }
        let reports = self.with_store(now, |store| store.reports(position))?;
        let mut is_news = false;
        for reported in reports {
            let Some(member) = self.member.as_mut() else { break };
            if reported.seq != member.position + 1 {
                // Too slow: what is missing is in the leader's windows only.
                return self.start_over(now);
            }
            member.position = reported.seq;
            if reported.node == member.node {
                continue;
            }
            let Some((header, log)) = frame::read_report(&reported.tape) else { continue };
            if !member.hear(&reported.node, reported.revision, header.count, now.observed) {
                continue;
            }
            // What was recorded longer ago than a gap that counts as watched belongs to no slot that is open.
            let is_late = reported.observed.since(header.from) > self.ruleset.watched_gap();
            let exposure = exposure_of(reported.revision, member.shares_revision);
            // Bytes that cannot be read are of a node that runs another plan or version: its samples are missing here.
            let _ = match is_late {
                true => self.windows.merge_late(log, now.observed),
                false => self.windows.merge(log, now.observed, exposure),
            };
            is_news |= !log.is_empty();
        }
        if is_news && self.member.as_ref().is_some_and(|member| member.role != Role::Visitor) {
            self.judge_at_once(now);
        }
        Ok(())
    }

    /// Takes the windows from the store again.
    fn start_over(&mut self, now: Now) -> Result<(), Error> {
        let empty = Windows::new(self.ruleset.clone(), now.observed);
        let found = self.with_store(now, |store| find(store, &empty))?;
        let reports = self.with_store(now, |store| store.head())?.reports;
        let Some(member) = self.member.as_mut() else { return Ok(()) };
        // Without the store's windows these go on, with what they have; the reports that are gone stay unheard.
        member.position = found.as_ref().map_or(reports, |found| found.position);
        if let Some(found) = found {
            let own = std::mem::replace(&mut self.windows, found.windows);
            self.windows.take_own(own);
            self.saved_epoch = None;
            self.windows.log(Log::On);
            // Another node has evaluated them up to a time that this one may not have come to.
            self.watch.go_to(self.windows.latest());
            self.windows.advance(self.watch.now().observed);
        }
        Ok(())
    }

    // ---- the lease

    fn watch_lease(&mut self, lease: &Lease) -> Result<(), Error> {
        let Some(member) = self.member.as_mut() else { return Ok(()) };
        let is_mine = lease.holder == member.node;
        // Who holds the lease sets the time.
        if !is_mine {
            self.watch.go_to(lease.observed);
        }
        let now = self.watch.now();
        let has_lapsed = member.see(lease, now.observed);
        match member.role {
            Role::Leader if is_mine => {}
            Role::Leader => member.role = Role::Follower,
            Role::Visitor => {}
            Role::Follower => {
                let is_free = lease.holder.is_empty() || is_mine;
                let is_quiet = member.still_for(now.observed) >= Span::seconds(1);
                let store = self.store.clone();
                let has_ended =
                    || is_quiet && store.shared().is_some_and(|shared| shared.has_ended(&lease.holder));
                if is_free || has_lapsed || has_ended() {
                    return self.try_to_lead(Some(lease), now);
                }
            }
        }
        Ok(())
    }

    fn try_to_lead(&mut self, seen: Option<&Lease>, now: Now) -> Result<(), Error> {
        let Some(member) = self.member.as_ref() else { return Ok(()) };
        if member.role != Role::Follower {
            return Ok(());
        }
        let holder = member.node.clone();
        let claim = Claim { holder: &holder, observed: now.observed, wall: now.wall };
        let Some(epoch) = self.with_store(now, |store| store.take(seen, &claim))? else { return Ok(()) };
        if let Some(member) = self.member.as_mut() {
            member.role = Role::Leader;
            member.epoch = epoch;
        }
        self.take_over(seen, now)
    }

    /// This node has the lease now: it goes on from where the one before left off, and credits nothing in between.
    fn take_over(&mut self, seen: Option<&Lease>, now: Now) -> Result<(), Error> {
        // What the one before wrote last.
        self.catch_up(now)?;
        // A lease that was old when it was first seen: for how long nobody watched, the calendar alone knows.
        let behind = seen.map_or(Span::ZERO, |lease| {
            now.wall.since(lease.wall + now.observed.since(lease.observed) + self.ruleset.watched_gap())
        });
        self.watch.go_to(now.observed + behind);
        let now = self.watch.now();
        let since = self.state.evaluated.unwrap_or(now.observed).min(now.observed);
        if self.state.status != decide::Status::Pending || !self.journal.is_empty() {
            self.succeed(since, now);
        }
        self.save_windows(now)
    }

    /// Gives the lease back and tells what is left to tell: the next node need not wait.
    pub(super) fn leave(&mut self, now: Now) {
        if self.member.as_ref().is_none_or(|member| member.role == Role::Visitor) {
            return;
        }
        // What others decided last is seen to the end.
        let _ = self.refresh(now);
        self.collect(Depth::Subjects, now);
        let _ = self.flush(now);
        let _ = self.report(now);
        if self.is_leader() {
            let _ = self.beat(now);
            let _ = self.save_windows(now);
            let held = self.member.as_ref().map(|member| (member.epoch, member.node.clone()));
            if let Some((epoch, holder)) = held {
                let _ = self.with_store(now, |store| store.leave(epoch, &holder));
            }
        }
        self.windows.log(Log::Off);
        if let Some(member) = self.member.as_mut() {
            member.role = Role::Visitor;
        }
    }

    // ---- telling

    /// Tells the others what was recorded here since the last time.
    pub(super) fn report(&mut self, now: Now) -> Result<(), Error> {
        self.report_as(self.revision, now)
    }

    /// As [`report`](Self::report), of what was recorded under the shares of this revision.
    pub(super) fn report_as(&mut self, revision: u64, now: Now) -> Result<(), Error> {
        let log = self.windows.take_log();
        let Some(member) = self.member.as_mut().filter(|member| member.role != Role::Visitor) else {
            return Ok(());
        };
        member.unsent.extend(log);
        if member.unsent.len() > UNSENT_MAX {
            // Nobody will hear of these: a window that lacks them passes no gate.
            member.unsent = self.windows.log_of_drops(now.observed);
        }
        member.is_urgent = false;
        let header = Header { count: member.sent + 1, from: member.told_from };
        let tape = frame::report(header, &member.unsent);
        let node = member.node.clone();
        let report = Report { node: &node, revision, observed: now.observed, tape: &tape };
        let told = self.with_store(now, |store| store.report(&report));
        let Some(member) = self.member.as_mut() else { return Ok(()) };
        match told {
            Ok(seq) => {
                member.unsent.clear();
                member.sent += 1;
                member.told_from = now.observed;
                if seq == member.position + 1 {
                    member.position = seq;
                }
                Ok(())
            }
            Err(error) => {
                member.is_urgent = true;
                Err(error)
            }
        }
    }

    /// A sign of life, with what was watched.
    fn beat(&mut self, now: Now) -> Result<(), Error> {
        let Some(member) = self.member.as_ref() else { return Ok(()) };
        let (epoch, holder) = (member.epoch, member.node.clone());
        let claim = Claim { holder: &holder, observed: now.observed, wall: now.wall };
        let watched = self.state.as_watched(self.revision);
        self.with_store(now, |store| store.beat(epoch, &claim, &watched))
    }

    /// The end of an evaluation: what was recorded, that somebody watches, and now and then all windows.
    pub(super) fn share(&mut self, now: Now) {
        if self.member.is_none() {
            return;
        }
        let told = self.report(now);
        if !self.is_leader() {
            return;
        }
        match self.beat(now) {
            Err(error) if error.kind() == ErrorKind::LeaseLost => {
                // The next look tells to whom.
                if let Some(member) = self.member.as_mut() {
                    member.role = Role::Follower;
                }
                return;
            }
            _ => {}
        }
        let is_due = self.member.as_ref().is_some_and(|member| {
            now.observed.since(member.checkpointed) >= CHECKPOINT_EVERY || self.has_reshaped
        });
        if is_due && told.is_ok() {
            let _ = self.save_windows(now);
        }
    }

    /// The windows were cut: what was recorded before is of another exposure.
    pub(super) fn cut(&mut self) {
        self.has_reshaped = true;
        if let Some(member) = self.member.as_mut() {
            member.shares_revision = self.revision;
        }
    }

    /// A leader that has just begun saves its windows: its reports follow them.
    pub(super) fn keep_windows(&mut self, now: Now) {
        if self.member.is_some() {
            // A store that is away gets them later.
            let _ = self.save_windows(now);
        }
    }

    /// Saves the windows, so that reports need not be kept.
    fn save_windows(&mut self, now: Now) -> Result<(), Error> {
        // All of what this node has told must be in them before they say how far they go.
        self.report(now)?;
        let head = self.with_store(now, |store| store.head())?;
        self.hear(&head, now)?;
        self.report(now)?;
        let is_first = self.saved_epoch != self.member.as_ref().map(|member| member.epoch);
        let mut saved = if is_first { self.windows.save_whole() } else { self.windows.save() };
        let Some(member) = self.member.as_ref() else { return Ok(()) };
        let mut heard: Vec<(String, u64)> =
            member.heard.iter().map(|heard| (heard.node.clone(), heard.count)).collect();
        heard.push((member.node.clone(), member.sent));
        let shares_revision = member.shares_revision;
        let origin = Origin { node: member.node.clone(), shares_revision, heard };
        saved.head = frame::head(&origin, &saved.head);
        let (epoch, position) = (member.epoch, member.position);
        let forget = now.observed - REPORTS_KEPT;
        let checkpoint = Checkpoint { epoch, position, saved: &saved, forget };
        let outcome = self.with_store(now, |store| store.save(&checkpoint));
        if outcome.is_ok() {
            self.saved_epoch = Some(epoch);
            self.has_reshaped = false;
            if let Some(member) = self.member.as_mut() {
                member.checkpointed = now.observed;
                member.forget(now.observed);
            }
        } else {
            // What the store has of them is not known any more.
            self.saved_epoch = None;
        }
        outcome
    }

    // ---- following

    /// An evaluation of a node that does not lead: it records, tells, hears, and rolls back; nothing else.
    pub(super) fn follow(&mut self, now: Now) {
        self.collect(Depth::Subjects, now);
        self.windows.advance(now.observed);
        self.look(now);
        self.due = decide::next_wakeup(&self.ruleset, now.observed);
        self.judge(Which::All, now);
        self.share(now);
    }

    /// This node evaluates: what it has not watched since the last time is a gap in its windows.
    pub(super) fn look(&mut self, now: Now) {
        let Some(member) = self.member.as_mut() else { return };
        let since = std::mem::replace(&mut member.looked, now.observed);
        if now.observed.since(since) > self.ruleset.watched_gap() {
            self.windows.unwatched(since, now.observed);
        }
    }

    /// Takes over what another node wrote.
    pub(super) fn adopt_remote(&mut self, stored: Stored, now: Now) -> Result<(), Error> {
        let Stored { revision, mut state, watched, journal } = stored;
        if !state.adopt(&self.ruleset) {
            return Err(foreign(&state, &self.ruleset));
        }
        if let Some(watched) = watched.filter(|watched| watched.revision == revision) {
            state.go_on(&watched);
        }
        self.journal.extend(&journal)?;
        let cuts = state.shares != self.state.shares
            || state.is_killed != self.state.is_killed
            || state.phase_from != self.state.phase_from
            || state.shares_from != self.state.shares_from;
        if cuts {
            // What was recorded so far was recorded under the old exposure, and is told as that.
            self.collect(Depth::Subjects, now);
            let _ = self.report(now);
        }
        let rollbacks = journal.iter().filter(|line| is_rollback(line)).count();
        (0..rollbacks).for_each(|_| self.windows.record_rollback(now.observed));
        if cuts {
            self.windows.mark(now.observed);
            self.streaks.reset();
            self.has_reshaped = true;
            if let Some(member) = self.member.as_mut() {
                member.shares_revision = revision;
            }
        }
        self.state = state;
        self.watch.go_to(self.state.last_observed());
        if self.is_leader() {
            // A wait that another node has begun is counted from here on: its clock is not this one's.
            self.state.evaluated = Some(self.watch.now().observed);
            self.state.credited = (Span::ZERO, Span::ZERO);
        }
        self.revision = revision;
        self.saved = self.journal.len();
        Ok(())
    }

    /// Whether enough nodes report, and serve the shares that apply: else this time counts as unwatched.
    pub(super) fn passing(&self, now: Now) -> Passing {
        let quorum = usize::from(self.ruleset.quorum);
        let Some(member) = self.member.as_ref() else {
            return if quorum <= 1 { Passing::Evaluation } else { Passing::Unheard };
        };
        let is_heard =
            member.reporting(now.observed) >= quorum && member.acknowledging(now.observed) >= quorum;
        if is_heard { Passing::Evaluation } else { Passing::Unheard }
    }
}

/// Whether a journal line is of a rollback.
fn is_rollback(line: &str) -> bool {
    // Most lines are not parsed for it.
    line.contains("\"rolled_back\"")
        && serde_json::from_str::<Value>(line).is_ok_and(|record| record["kind"] == "rolled_back")
}
