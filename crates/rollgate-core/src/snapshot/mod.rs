//! Compiled types: what evaluating, measuring, judging and deciding read. Behaviour lives in the verbs.

mod about;
mod action;
mod after;
mod calendar;
mod condition;
mod flag;
mod fleet;
mod metric;
mod notice;
mod pattern;
mod plan;
mod rule;
mod ruleset;
mod schedule;
mod target;
mod version;

pub use about::About;
pub use action::StepAction;
pub use after::{FollowUp, Horizon, Removal};
pub use calendar::{Calendar, Closed, DeploymentWindow, Freeze, Planned, WEEKDAYS};
pub use condition::{
    AlertRule, Attest, Change, Compare, Comparison, Condition, ConditionKind, Margin, Measure, MinSamples,
    OnNoData, Query, Stat, Subject, Sustained, Trend, TrendDirection, Versus, Window,
};
pub use flag::{Bucketing, ExclusiveSlot, Flag, FlagState, KeyList, Parent, ShareOf, Snapshot};
pub use fleet::{MetricSource, Prometheus, Scope, Secret};
pub use metric::{Baseline, BaselineSource, Direction, Metric, MetricKind, MetricView, Severity};
pub use notice::{Channel, Frequency, Notice, NoticeWhen, Part, Slot, Template};
pub use pattern::Pattern;
pub use plan::{
    Check, ChecklistItem, Contingency, Daily, DecisionRule, Gate, Phase, Plan, Risk, RoleRule,
    RollbackTarget, RollbackTo, Step, Trigger, TriggerMode, TriggerSeverity,
};
pub use rule::{
    Bucketed, Holdback, NamedVariant, Otherwise, Prerequisite, Rule, RuleVariants, ValueType, VariantRange,
    VariantSplit, VariantValue, Variants,
};
pub use ruleset::Ruleset;
pub use schedule::{Due, DueAt, ScheduleItem, When};
pub use target::{
    AttributeName, Case, Network, Order, Place, Serve, Target, Test, Values, lower, short_text, time_of_text,
};
pub use version::{Version, VersionRef};
