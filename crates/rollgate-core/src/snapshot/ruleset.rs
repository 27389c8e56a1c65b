//! Everything that a plan file says, compiled.

use crate::id::{FlagId, Key, MetricId, RoleId};
use crate::snapshot::{About, Baseline, Flag, Holdback, Metric, Plan, Prometheus, RoleRule, Scope};
use crate::time::Span;

/// What [`compile`](crate::compile::compile) gives: flags, metrics, roles, and the plan where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruleset {
    /// The plan's name.
    pub name: Key,
    /// Its title for people; the name where none is written.
    pub title: String,
    /// What it says of itself as a document.
    pub about: About,
    /// Fingerprint of all that follows, 32 hex digits: the same for YAML, TOML and JSON forms of one plan.
    pub hash: Key,
    /// IANA name of the zone of calendar items.
    pub timezone: Key,
    /// Evaluations lie on multiples of this since the Unix epoch.
    pub evaluate_every: Span,
    /// Nodes that must report, and serve the shares that apply, for time to count as watched; 1 where one is enough.
    pub quorum: u16,
    /// Whose alerts are judged together.
    pub alerts: Scope,
    /// The server that metrics with a source come from, as far as the plan says.
    pub prometheus: Option<Prometheus>,
    /// Requests a second that the plan expects.
    pub expected_traffic: Option<f64>,
    /// By [`FlagId`].
    pub flags: Vec<Flag>,
    /// By [`HoldbackId`](crate::id::HoldbackId).
    pub holdbacks: Vec<Holdback>,
    /// By [`MetricId`].
    pub metrics: Vec<Metric>,
    /// By [`RoleId`].
    pub roles: Vec<RoleRule>,
    /// By [`BaselineId`](crate::id::BaselineId).
    pub baselines: Vec<Baseline>,
    /// How many streaks the conditions use.
    pub streaks: usize,
    /// `None`: a flags-only setup.
    pub plan: Option<Plan>,
    /// Flag keys in order with their ids, for a binary search.
    pub flag_index: Vec<(Key, FlagId)>,
}

impl Ruleset {
    /// The flag of this key.
    pub fn flag_of(&self, key: &str) -> Option<FlagId> {
        self.flag_index
            .binary_search_by(|(listed, _)| listed.as_str().cmp(key))
            .ok()
            .map(|at| self.flag_index[at].1)
    }
    /// The metric of this key.
    pub fn metric_of(&self, key: &str) -> Option<MetricId> {
        self.metrics.iter().position(|metric| metric.key == *key).map(|index| MetricId(index as u16))
    }
    /// The role of this key.
    pub fn role_of(&self, key: &str) -> Option<RoleId> {
        self.roles.iter().position(|role| role.key == *key).map(|index| RoleId(index as u16))
    }
    /// The flag of this id.
    ///
    /// # Panics
    /// Where the id is of another ruleset.
    pub fn flag(&self, id: FlagId) -> &Flag {
        &self.flags[id.index()]
    }
    /// The metric of this id.
    ///
    /// # Panics
    /// Where the id is of another ruleset.
    pub fn metric(&self, id: MetricId) -> &Metric {
        &self.metrics[id.index()]
    }
    /// A gap between evaluations above this is unwatched (SEMANTICS 3.8): max(3 x `evaluate_every`, 60 s).
    pub fn watched_gap(&self) -> Span {
        Span((self.evaluate_every.0.saturating_mul(3)).max(60_000))
    }
}
