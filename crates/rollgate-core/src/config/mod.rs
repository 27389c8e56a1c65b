//! What people write: the located tree that any of the formats is read into, and the same as serde types.
//!
//! A plan file becomes a [`Node`], so that every problem has its place; a program may fill in a [`Config`] instead.
//! Both are compiled by [`crate::compile`], by the same rules. The types are the source of the JSON Schema.

mod action;
mod after;
mod calendar;
mod condition;
mod flag;
mod fleet;
mod from_tree;
mod json;
mod metric;
mod named;
mod notice;
mod phase;
mod plan;
mod rule;
mod to_tree;
mod tree;
mod written;

pub use action::ActionConfig;
pub use after::{FollowUpConfig, RemovalConfig};
pub use calendar::{DeploymentWindowConfig, FreezeConfig, ScheduleItemConfig, WeekdayConfig};
pub use condition::{
    AtLeastOfConfig, ChangeConfig, ChecklistConfig, ConditionConfig, GateConfig, NoDataConfig,
    SeverityConfig, SharesConfig, TrendConfig, VersusConfig,
};
pub use flag::{BucketingConfig, FlagConfig, HashConfig, ShareOfConfig};
pub use fleet::{FleetConfig, PrometheusConfig, ScopeConfig, SourceConfig};
pub use from_tree::TreeError;
pub use json::{Json, OneOrMany};
pub use metric::{BaselineConfig, GoodConfig, KindConfig, MetricConfig, RoleConfig, ViewConfig};
pub use named::Named;
pub use notice::{ChannelConfig, FrequencyConfig, NoticeConfig, NoticeWhenConfig};
pub use phase::{
    ChecklistItemConfig, ContingencyConfig, DecisionConfig, ModeConfig, NoGoConfig, PhaseConfig,
    RollbackConfig, StepConfig, TriggerConfig, TriggerSeverityConfig,
};
pub use plan::{Config, DailyConfig, RiskConfig};
pub use rule::{
    FlagTypeConfig, HoldbackConfig, OtherwiseConfig, RuleConfig, ServeConfig, TargetConfig, VariantConfig,
};
pub use tree::{Location, Node, Scalar, Value};
pub use written::{
    WrittenDate, WrittenDue, WrittenDuration, WrittenHorizon, WrittenLimit, WrittenMoment, WrittenPart,
    WrittenRange, WrittenRate, WrittenShare, WrittenSpan, WrittenStat, WrittenTime, WrittenUnit,
    WrittenWindow,
};
