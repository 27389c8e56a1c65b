//! What judging brings to deciding.

use serde::{Deserialize, Serialize};

use crate::id::{BaselineId, PhaseId};
use crate::judge::{Finding, SetVerdict, Verdict};
use crate::snapshot::{Plan, Trigger};
use crate::time::Span;

/// One trigger of one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TriggerRef {
    /// The phase that it is written in.
    pub phase: PhaseId,
    /// Its place there.
    pub index: u16,
}

impl TriggerRef {
    /// The trigger itself; `None` where the plan has changed under the state.
    pub fn of(self, plan: &Plan) -> Option<&Trigger> {
        plan.phases.get(self.phase.index())?.triggers.get(usize::from(self.index))
    }
}

/// A judged trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerJudgement {
    /// Which.
    pub trigger: TriggerRef,
    /// Pass: its condition holds.
    pub verdict: Verdict,
    /// Its condition does not hold on evidence, and no streak is running. Where its windows hold too few samples to say so,
    /// the latest since it fired do, as many as it needs.
    pub is_clear: bool,
    /// Rendered where the verdict is Pass.
    pub finding: Option<Finding>,
}

/// The judged gate set.
#[derive(Clone, Debug, PartialEq)]
pub struct GateFindings {
    /// Of the gates that are not dry runs.
    pub verdict: SetVerdict,
    /// Of all gates; rendered where the set's verdict changed or a decision needs them.
    pub findings: Vec<Finding>,
}

/// A baseline measured now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Capture {
    /// Which.
    pub baseline: BaselineId,
    /// As the metric stores values.
    pub value: f64,
    /// Samples behind it.
    pub n: u64,
    /// How far back it looked.
    pub window: Span,
    /// The part of that window which was watched and fed, 0.0 ..= 1.0.
    pub coverage: f64,
}

/// Everything that was judged for one input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Live triggers (all of them at an evaluation, those at once inside a recording call).
    pub triggers: Vec<TriggerJudgement>,
    /// Fired triggers whose rollback should have cured them by now.
    pub settled: Vec<TriggerJudgement>,
    /// The phase's gates, where they are due.
    pub gates: Option<GateFindings>,
    /// The next step's `only_if`, where the step is due and has one.
    pub step: Option<Verdict>,
    /// The rows of the daily scorecard, where it is due.
    pub daily: Vec<Finding>,
    /// Baselines that could be captured now.
    pub captures: Vec<Capture>,
    /// Whether the windows know of nothing that speaks against the removal of flags, where that was asked.
    pub removal: Option<bool>,
}
