//! rollgate: progressive delivery inside the process that uses it.
//!
//! Flags with sticky percentage rollouts, plans that raise them step by step, gates that decide whether to go on,
//! triggers that roll back by themselves. No server, no sidecar, no background thread that anything depends on.
//!
//! - [`Engine`] reads flags, records metrics, takes commands and decides.
//! - [`read`] reads plan files: YAML, TOML, JSON.
//! - [`replay`] runs a trace through a real engine on a manual clock.
//! - [`clock`], [`store`] and [`journal`] are what an engine stands on; a test sets the clock by hand.
//! - [`notify`] takes notices to where people read them.
//! - [`process`] is what a program that forks tells it.
//! - [`wire`] is the JSON that other languages pass in and take out.
//! - [`core`] is the law behind it: pure, and without a clock.
//! - [`docs::guide`] leads from nothing to a running rollout; [`docs::plan_reference`] has every key of a plan.
//! - [`docs::design`] says how it is made, and what it chose where a choice was open.
//!
//! ```
//! use rollgate::{Engine, read::Format};
//!
//! let plan = "{ version: 1, name: quick, flags: { NEW_SEARCH: { share: 25% } }, metrics: { latency: { kind: distribution, unit: ms } } }";
//! let engine = Engine::builder().plan_text(plan, Format::Yaml)?.build()?;
//! let flag = engine.flag("NEW_SEARCH");
//! let on = (0..1_000).filter(|user| flag.is_on(&format!("user-{user}"))).count();
//! assert!((200..300).contains(&on));
//! engine.metric("latency")?.record(12.5);
//! engine.tick();
//! # Ok::<(), rollgate::core::error::Error>(())
//! ```
#![forbid(unsafe_code)]

mod batch;
pub mod cell;
pub mod clock;
pub mod docs;
pub mod engine;
mod exposures;
pub mod flag;
#[cfg(feature = "import")]
pub mod import;
pub mod journal;
pub mod mirror;
mod names;
pub mod notify;
pub mod process;
pub mod read;
pub mod recorder;
pub mod replay;
pub mod store;
mod sync;
mod threads;
pub mod trace;
pub mod wire;
mod word;

pub use engine::{
    AlertSpan, Alerts, AlertsBetween, CalendarStatus, Engine, EngineBuilder, Metric, OpenItem, Outcome,
    PhaseDates, Report, Role, RoleMembers, RolloutStatus, SourceStatus, StoreStatus, Task, Ticker, Timer,
    Waiting,
};
pub use rollgate_core as core;
