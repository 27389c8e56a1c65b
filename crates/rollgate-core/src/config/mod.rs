//! What people write: the located tree that any of the formats is read into, and the same as serde types.
//!
//! A plan file becomes a [`Node`], so that every problem has its place; a program may fill in a [`Config`] instead.
//! Both are compiled by [`crate::compile`], by the same rules. The types are the source of the JSON Schema.

mod condition;
mod flag;
mod from_tree;
mod metric;
mod named;
mod phase;
mod plan;
mod to_tree;
mod tree;
mod written;

pub use condition::{
    AtLeastOfConfig, ChangeConfig, ChecklistConfig, ConditionConfig, GateConfig, NoDataConfig,
    SeverityConfig, SharesConfig, TrendConfig, VersusConfig,
};
pub use flag::{BucketingConfig, FlagConfig, ShareOfConfig};
pub use from_tree::TreeError;
pub use metric::{BaselineConfig, GoodConfig, KindConfig, MetricConfig, RoleConfig};
pub use named::Named;
pub use phase::{
    ChecklistItemConfig, ContingencyConfig, DecisionConfig, ModeConfig, NoGoConfig, PhaseConfig,
    RollbackConfig, StepConfig, TriggerConfig, TriggerSeverityConfig,
};
pub use plan::{Config, DailyConfig, NoticeConfig, NoticeWhenConfig, RiskConfig};
pub use tree::{Location, Node, Scalar, Value};
pub use written::{
    WrittenDate, WrittenDue, WrittenDuration, WrittenLimit, WrittenPart, WrittenRate, WrittenShare,
    WrittenSpan, WrittenStat, WrittenTime, WrittenUnit, WrittenWindow,
};
