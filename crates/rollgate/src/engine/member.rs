//! One engine among those that share a store: its name, its role, and what it has heard of the others.

use rollgate_core::snapshot::Ruleset;
use rollgate_core::time::{Span, Timestamp};
use serde::Serialize;

use crate::store::Lease;

/// How often a node looks at the store beside its evaluations: a share reaches every node within this and one reading.
pub(super) const SYNC_EVERY: Span = Span(100);

/// How long a store that is away is left alone before it is tried again: nobody waits for its time-outs in the meantime.
const AGAIN_AFTER: Span = Span::seconds(1);

/// How often the windows are saved. What was recorded since is replayed from the reports.
pub(super) const CHECKPOINT_EVERY: Span = Span::minutes(10);

/// How long a report is kept for slower nodes once it is in a checkpoint.
pub(super) const REPORTS_KEPT: Span = Span::minutes(2);

/// The most that is kept of one's own recordings while the store is away; beyond it they are counted as dropped.
pub(super) const UNSENT_MAX: usize = 4 << 20;

/// What a node may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It has the lease: it advances the rollout, sends notices and runs actions.
    Leader,
    /// It evaluates flags, records, and rolls back; it advances nothing.
    Follower,
    /// It looks, and carries out commands of people. It records nothing, and judges no trigger by itself.
    Visitor,
}

impl Role {
    /// As status and health write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Follower => "follower",
            Self::Visitor => "visitor",
        }
    }
}

/// What is known of another node.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    pub(super) node: String,
    /// The revision whose shares it serves.
    pub(super) revision: u64,
    /// The number of its last report, by its own count: a report that is sent twice is heard once.
    pub(super) count: u64,
    /// When it was heard last, by the time of this node.
    pub(super) at: Timestamp,
}

/// A store that cannot be reached.
#[derive(Clone, Debug)]
struct Away {
    since: Timestamp,
    again: Timestamp,
    why: String,
}

/// This node.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) node: String,
    pub(super) role: Role,
    /// The latest epoch that was read, or won.
    pub(super) epoch: u64,
    /// The lease as it was seen last, and since when it has looked like that, by the time of this node.
    seen: Option<(Lease, Timestamp)>,
    /// The last report that is in the windows.
    pub(super) position: u64,
    /// Reports sent so far.
    pub(super) sent: u64,
    /// What was recorded and has not been reported: framed, oldest first.
    pub(super) unsent: Vec<u8>,
    /// Observed time from which the next report tells.
    pub(super) told_from: Timestamp,
    /// Something was recorded that others should hear of soon.
    pub(super) is_urgent: bool,
    pub(super) checkpointed: Timestamp,
    /// The latest evaluation of this node.
    pub(super) looked: Timestamp,
    pub(super) synced: Timestamp,
    pub(super) heard: Vec<Heard>,
    /// The revision that brought the shares that apply now.
    pub(super) shares_revision: u64,
    away: Option<Away>,
    lasts: Span,
}

impl Member {
    pub(super) fn new(node: String, role: Role, ruleset: &Ruleset, now: Timestamp) -> Self {
        Self {
            node,
            role,
            epoch: 0,
            seen: None,
            position: 0,
            sent: 0,
            unsent: Vec::new(),
            told_from: now,
            is_urgent: false,
            checkpointed: now,
            looked: now,
            synced: Timestamp::MIN,
            heard: Vec::new(),
            shares_revision: 0,
            away: None,
            lasts: Self::lease_lasts(ruleset),
        }
    }

    /// How long a lease lasts without a sign of life. A holder gives one with every evaluation.
    pub(super) fn lease_lasts(ruleset: &Ruleset) -> Span {
        Span(ruleset.evaluate_every.0.saturating_mul(2).saturating_add(5_000))
    }

    pub(super) fn is_leader(&self) -> bool {
        self.role == Role::Leader
    }

    /// Sees the lease as the store has it; whether it has stood still for so long that it may be taken.
    pub(super) fn see(&mut self, lease: &Lease, now: Timestamp) -> bool {
        self.epoch = self.epoch.max(lease.epoch);
        match &self.seen {
            Some((seen, since)) if (seen.epoch, seen.beat) == (lease.epoch, lease.beat) => {
                now.since(*since) > self.lasts
            }
            _ => {
                self.seen = Some((lease.clone(), now));
                false
            }
        }
    }

    /// Reads the lease because a write was refused.
    pub(super) fn acknowledge(&mut self, lease: &Lease) {
        self.epoch = self.epoch.max(lease.epoch);
        if self.role == Role::Leader && lease.holder != self.node {
            self.role = Role::Follower;
        }
    }

    /// For how long the lease has looked the same.
    pub(super) fn still_for(&self, now: Timestamp) -> Span {
        self.seen.as_ref().map_or(Span::ZERO, |(_, since)| now.since(*since))
    }

    // ---- a store that is away

    /// The store could not be reached, or what it has could not be read.
    pub(super) fn lost_sight(&mut self, now: Timestamp, why: String) {
        let since = self.away.as_ref().map_or(now, |away| away.since);
        self.away = Some(Away { since, again: now + AGAIN_AFTER, why });
    }

    /// The store answered.
    pub(super) fn found(&mut self) {
        self.away = None;
    }

    /// Why the store is not asked now: it was away a moment ago.
    pub(super) fn rests(&self, now: Timestamp) -> Option<&str> {
        self.away.as_ref().filter(|away| now < away.again).map(|away| away.why.as_str())
    }

    /// Since when the store has been away, and why.
    pub(super) fn away(&self) -> Option<(Timestamp, &str)> {
        self.away.as_ref().map(|away| (away.since, away.why.as_str()))
    }

    // ---- the other nodes

    /// Hears a report; whether it was heard before.
    pub(super) fn hear(&mut self, node: &str, revision: u64, count: u64, now: Timestamp) -> bool {
        match self.heard.iter_mut().find(|heard| heard.node == node) {
            Some(heard) => {
                let is_new = count > heard.count;
                heard.revision = heard.revision.max(revision);
                heard.count = heard.count.max(count);
                heard.at = now;
                is_new
            }
            None => {
                self.heard.push(Heard { node: node.to_owned(), revision, count, at: now });
                true
            }
        }
    }

    /// Nodes that have reported within the time of a lease, this one among them.
    pub(super) fn reporting(&self, now: Timestamp) -> usize {
        self.fresh(now).count() + usize::from(self.role != Role::Visitor)
    }

    /// Those of them that serve the shares that apply now.
    pub(super) fn acknowledging(&self, now: Timestamp) -> usize {
        let serves = |heard: &&Heard| heard.revision >= self.shares_revision;
        self.fresh(now).filter(serves).count() + usize::from(self.role != Role::Visitor)
    }

    fn fresh(&self, now: Timestamp) -> impl Iterator<Item = &Heard> {
        let lasts = self.lasts;
        self.heard.iter().filter(move |heard| now.since(heard.at) <= lasts)
    }

    /// Forgets nodes that have been silent for a day.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.heard.retain(|heard| now.since(heard.at) <= Span::days(1));
    }
}
