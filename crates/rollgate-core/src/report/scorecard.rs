//! What a scorecard holds (SEMANTICS 7.2).

use serde::{Serialize, Serializer};

use super::Table;
use crate::id::Key;
use crate::judge::{Evidence, Finding, Verdict};
use crate::snapshot::About;
use crate::time::Timestamp;

/// Which scorecard it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// The rows of every morning.
    Daily,
    /// The gates and targets, once a week.
    Weekly,
    /// The gates of a phase, for its decision.
    Phase,
    /// The gates and targets at the end of a rollout; the column of values is headed "7-Day Average".
    Final,
}

impl Form {
    /// In a heading, before "of" a phase.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Daily => "Daily scorecard",
            Self::Weekly => "Weekly scorecard",
            Self::Phase => "Scorecard",
            Self::Final => "Final scorecard",
        }
    }
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the contract.
pub enum RowStatus {
    Pass,
    Warn,
    Fail,
    Inconclusive,
    Skipped,
    NotYet,
}

impl RowStatus {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::Skipped => "SKIPPED",
            Self::NotYet => "NOT YET",
        }
    }
}

impl From<Verdict> for RowStatus {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Warn => Self::Warn,
            Verdict::Fail => Self::Fail,
            Verdict::Inconclusive(_) => Self::Inconclusive,
            Verdict::Skipped => Self::Skipped,
        }
    }
}

impl Serialize for RowStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Whether a row decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Section {
    /// A gate: it decides.
    Gate,
    /// A target or a daily row, or a gate that runs dry: it is shown.
    Target,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Whether it decides.
    pub section: Section,
    /// The gate's or target's key.
    pub metric: Key,
    /// What should be.
    pub target: String,
    /// What is.
    pub actual: String,
    /// What follows.
    pub status: RowStatus,
    /// When a row that is NOT YET can be told, by the calendar, if everything is watched until then.
    pub due: Option<Timestamp>,
    /// The finding's sentence.
    pub sentence: String,
    /// The numbers behind it.
    pub evidence: Vec<Evidence>,
    /// Where all of several must hold: each of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

/// One of several conditions of a row that must all hold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// What is measured: `max(heap_used)`.
    pub metric: Key,
    /// What should be.
    pub target: String,
    /// What is.
    pub actual: String,
    /// What follows.
    pub status: RowStatus,
}

impl Row {
    /// The row of a finding.
    pub fn of(section: Section, finding: Finding) -> Self {
        Self {
            section,
            metric: finding.key,
            target: finding.target,
            actual: finding.actual,
            status: finding.verdict.into(),
            due: None,
            sentence: finding.sentence,
            evidence: finding.evidence,
            parts: Vec::new(),
        }
    }

    /// The same row, with what it is made of.
    #[must_use]
    pub fn with_parts(self, members: Vec<Finding>) -> Self {
        let part = |member: Finding| Part {
            metric: member.key,
            target: member.target,
            actual: member.actual,
            status: member.verdict.into(),
        };
        Self { parts: members.into_iter().map(part).collect(), ..self }
    }

    /// The same row, not told before `due`.
    #[must_use]
    pub fn not_yet(mut self, due: Option<Timestamp>) -> Self {
        for part in self.parts.iter_mut().filter(|part| part.status == RowStatus::Inconclusive) {
            part.status = RowStatus::NotYet;
        }
        Self { status: RowStatus::NotYet, due, ..self }
    }
}

/// A table of what should be and what is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scorecard {
    /// Which one.
    pub form: Form,
    /// The plan's title.
    pub plan: String,
    /// What the plan says of itself as a document.
    pub about: About,
    /// The phase's title; empty before the start.
    pub phase: String,
    /// What the phase is for.
    pub objectives: Vec<String>,
    /// The rollout's status.
    pub status: String,
    /// When it was judged, by the calendar.
    pub at: Timestamp,
    /// The zone that its text shows times in.
    pub timezone: Key,
    /// Flags with their shares as people read them.
    pub shares: Vec<(Key, String)>,
    /// The gate set: PASS, FAIL, INCONCLUSIVE, or NOT YET while it is not due.
    pub overall: RowStatus,
    /// When the gate set is due, if everything is watched until then; `None` where it is, or time alone does not do it.
    pub due: Option<Timestamp>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Lines below the table.
    pub notes: Vec<String>,
    /// What else belongs to it: ON against OFF, what happened in the week.
    pub tables: Vec<Table>,
}
