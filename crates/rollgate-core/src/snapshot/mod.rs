//! Compiled types: what evaluating, measuring, judging and deciding read. Behaviour lives in the verbs.

mod condition;
mod flag;
mod metric;
mod plan;
mod ruleset;

pub use condition::{
    AlertRule, Attest, Change, Compare, Comparison, Condition, ConditionKind, Margin, Measure, MinSamples,
    OnNoData, Query, Stat, Subject, Sustained, Trend, TrendDirection, Versus, Window,
};
pub use flag::{Bucketing, Flag, FlagState, KeyList, Parent, ShareOf, Snapshot};
pub use metric::{Baseline, BaselineSource, Direction, Metric, MetricKind, Severity};
pub use plan::{
    Check, ChecklistItem, Contingency, Daily, DecisionRule, Gate, Notice, NoticeWhen, Phase, Plan, Risk,
    RoleRule, RollbackTarget, RollbackTo, Step, Trigger, TriggerMode, TriggerSeverity,
};
pub use ruleset::Ruleset;
