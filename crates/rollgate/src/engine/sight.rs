//! What an engine can say of its store and of the nodes beside it.

use rollgate_core::time::{Now, Span};
use serde::Serialize;

use super::control::Control;
use super::member::Role;

/// An engine on a store that others share, as it sees itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StoreStatus {
    /// This node's name.
    pub node: String,
    /// What it may do.
    pub role: Role,
    /// The epoch of the lease, as it was read last.
    pub epoch: u64,
    /// The revision of the state that it serves.
    pub revision: u64,
    /// Nodes that have reported within the time of a lease, this one among them.
    pub nodes: usize,
    /// Those of them that serve the shares that apply, as far as this node has heard.
    pub serving: usize,
    /// How many of them the plan asks for: with fewer, no time counts as watched.
    pub quorum: u16,
    /// For how long the store has been away; `None` where it answered last. Flags are served from the last good state all
    /// the while, nothing advances, and what triggers lower is written when the store is back.
    pub away_for: Option<Span>,
    /// What it said last, where it is away.
    pub why: Option<String>,
    /// Things that happened and are not stored yet.
    pub unsaved: usize,
}

impl StoreStatus {
    /// `None` where the store is this engine's own.
    pub(super) fn of(control: &Control, now: Now) -> Option<Self> {
        let member = control.member.as_ref()?;
        let away = member.away();
        Some(Self {
            node: member.node.clone(),
            role: member.role,
            epoch: member.epoch,
            revision: control.revision,
            nodes: member.reporting(now.observed),
            serving: member.acknowledging(now.observed),
            quorum: control.ruleset.quorum,
            away_for: away.map(|(since, _)| now.observed.since(since)),
            why: away.map(|(_, why)| why.to_owned()),
            unsaved: control.journal.len() - control.saved,
        })
    }
}
