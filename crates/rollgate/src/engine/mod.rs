//! The engine: flags that are read, metrics that are recorded, a rollout that decides.
//!
//! It needs no thread of its own: [`Engine::tick`] does what is due, [`Engine::next_wakeup`] says when something may be,
//! and [`Engine::spawn_ticker`] is a convenience around the two.

mod actions;
mod aftermath;
mod builder;
mod calendar;
mod commands;
mod control;
mod drops;
mod exposition;
mod frame;
mod handle;
mod judging;
mod keep;
mod log;
mod member;
mod metric;
mod notices;
mod pending;
mod records;
mod reports;
mod scorecard;
mod sharing;
mod sight;
mod status;
mod summary;
mod ticker;
mod watch;
mod week;

pub use actions::DueAction;
pub use aftermath::Removal;
pub use builder::EngineBuilder;
pub use calendar::{CalendarStatus, OpenItem, PhaseDates, RoleMembers, Task, Waiting};
pub use handle::Engine;
pub use log::{AlertSpan, AlertsBetween};
pub use member::Role;
pub use metric::{Alerts, Metric, Outcome, Timer};
pub use reports::Report;
pub use sight::StoreStatus;
pub use status::RolloutStatus;
pub use ticker::Ticker;
