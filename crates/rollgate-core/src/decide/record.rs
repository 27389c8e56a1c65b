//! Journal records as values; the runtime numbers, chains and writes them (INTERFACES 3).

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::decide::{HeldWhat, Status};
use crate::id::{FlagId, Key, PhaseId};
use crate::judge::Finding;
use crate::snapshot::{Flag, Ruleset, Severity};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// Flags with shares, in the plan's order; serialized as a map of fractions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShareMap(pub Vec<(Key, Share)>);

impl ShareMap {
    /// The shares of all flags.
    pub fn all(ruleset: &Ruleset, shares: &[Share]) -> Self {
        let entry = |(flag, share): (&Flag, &Share)| (flag.key.clone(), flag.shown(*share));
        Self(ruleset.flags.iter().zip(shares).map(entry).collect())
    }
    /// The shares of these flags.
    pub fn of(ruleset: &Ruleset, flags: &[FlagId], shares: &[Share]) -> Self {
        let entry =
            |id: &FlagId| Some((ruleset.flags.get(id.index())?.key.clone(), *shares.get(id.index())?));
        Self(flags.iter().filter_map(entry).collect())
    }
}

impl Serialize for ShareMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (flag, share) in &self.0 {
            map.serialize_entry(flag, share)?;
        }
        map.end()
    }
}

/// What changed shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The names are the contract.
pub enum CauseKind {
    Step,
    Trigger,
    Decision,
    Operator,
    Stop,
    Retry,
}

/// What changed shares, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CauseOf {
    /// The kind.
    pub kind: CauseKind,
    /// The step's number, the trigger's key, or who did it.
    pub name: Key,
}

/// For fields that say nothing where they are false.
fn is_not(flag: &bool) -> bool {
    !flag
}

/// For counts that say nothing where they are zero.
fn is_none_of(count: &u64) -> bool {
    *count == 0
}

/// A span as people write it: `7d`.
fn as_text<S: Serializer>(span: &Span, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(span)
}

/// The fields of one kind of record.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // Kinds and fields are the contract of INTERFACES 3 and are named there.
pub enum Body {
    Started {
        by: Key,
    },
    PhaseStarted {
        title: String,
    },
    StepApplied {
        step: usize,
        shares: ShareMap,
    },
    SharesChanged {
        from: ShareMap,
        to: ShareMap,
        cause: CauseOf,
    },
    ReadBack {
        probes: u64,
        ok: bool,
    },
    GatesPassed {
        findings: Vec<Finding>,
    },
    GatesFailed {
        findings: Vec<Finding>,
    },
    GatesInconclusive {
        findings: Vec<Finding>,
    },
    AwaitingDecision {
        roles: Vec<Key>,
    },
    Decided {
        choice: &'static str,
        by: Key,
        role: Key,
        rationale: String,
        #[serde(rename = "override")]
        override_reason: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<Key>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        findings: Vec<Finding>,
    },
    DecisionRefused {
        choice: &'static str,
        by: Key,
        why: String,
    },
    CommandRefused {
        command: &'static str,
        by: Key,
        why: String,
    },
    PhasePassed {},
    Extended {
        until: Timestamp,
    },
    TriggerFired {
        trigger: Key,
        mode: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        severity: Option<&'static str>,
        finding: Finding,
    },
    Proposal {
        trigger: Key,
        #[serde(skip_serializing_if = "Option::is_none")]
        severity: Option<&'static str>,
        finding: Finding,
    },
    ProposalLapsed {
        trigger: Key,
    },
    ProposalDismissed {
        trigger: Key,
        by: Key,
        reason: String,
    },
    Approved {
        trigger: Key,
        by: Key,
        role: Key,
        rationale: String,
    },
    RolledBack {
        to: Key,
        shares: ShareMap,
        triggers: Vec<Key>,
        cause: CauseOf,
    },
    RollbackIneffective {
        trigger: Key,
        finding: Finding,
    },
    RetryRefused {
        by: Key,
        missing: Vec<String>,
    },
    Retried {
        from_phase: Key,
        by: Key,
    },
    Checked {
        item: Key,
        by: Key,
        value: bool,
    },
    Attested {
        item: Key,
        by: Key,
        value: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        passed: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        of: Option<u64>,
    },
    BaselineCaptured {
        metric: Key,
        value: f64,
        n: u64,
        #[serde(serialize_with = "as_text")]
        window: Span,
        coverage: f64,
    },
    Override {
        flags: ShareMap,
        by: Key,
        reason: String,
    },
    Released {
        flags: Vec<Key>,
        by: Key,
    },
    Paused {
        by: Key,
        reason: String,
    },
    Resumed {
        by: Key,
        reason: String,
    },
    Stopped {
        by: Key,
        reason: String,
    },
    AlertOpened {
        severity: Severity,
        id: String,
    },
    AlertClosed {
        severity: Severity,
        id: String,
    },
    Completed {},
    Held {
        what: HeldWhat,
        until: Option<Timestamp>,
        reason: String,
    },
    GoVoided {
        by: Key,
        why: String,
    },
    Reminder {
        what: String,
        item: Key,
        due: Timestamp,
        #[serde(skip_serializing_if = "Option::is_none")]
        owner: Option<Key>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        groups: Vec<Key>,
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        #[serde(skip_serializing_if = "is_none_of")]
        skipped: u64,
        #[serde(skip_serializing_if = "is_not")]
        missed: bool,
        #[serde(skip_serializing_if = "is_not")]
        overdue: bool,
    },
    Acknowledged {
        item: Key,
        by: Key,
        due: Timestamp,
    },
    DailyScorecard {
        day: String,
        findings: Vec<Finding>,
    },
    ActionStarted {
        step: usize,
        action: Key,
        run: u64,
    },
    ActionFinished {
        step: usize,
        action: Key,
        run: u64,
        ok: bool,
        output: String,
        took_ms: u64,
        by: Key,
        #[serde(skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    Annotated {
        by: Key,
        #[serde(skip_serializing_if = "Option::is_none")]
        metric: Option<Key>,
        text: String,
    },
    FollowUpAdded {
        item: Key,
        title: String,
        owner: Key,
        due: Timestamp,
        by: Key,
    },
    Removable {
        flags: Vec<Key>,
    },
    Notice {
        id: Key,
        when: Key,
        channels: Vec<Key>,
        audience: Key,
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<Key>,
        message: Key,
        delivered: bool,
        urgent: bool,
        late: bool,
        attempts: u32,
        error: Option<Key>,
    },
    ClockJump {
        by_ms: i64,
    },
    Restarted {
        down_ms: u64,
    },
    Dropped {
        metric: Option<Key>,
        count: u64,
    },
}

/// One record: its own fields, and where the rollout stands after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The phase; `None` before the start.
    pub phase: Option<PhaseId>,
    /// The status after it.
    pub status: Status,
    /// Its kind and fields.
    pub body: Body,
}
