//! What happens next: a pure step from state, findings and an input to a new state and its effects.
//!
//! ```text
//! pending ─start─► running ─gates due─► awaiting_decision ─go─► (next phase) running … completed
//!                    │  ▲                    │      └─no_go─► running (extended)
//!                    │  └──resume── paused ◄─┘
//!   trigger, approval, decision ─► rolled_back ─retry─► running          stop (from any) ─► stopped ─retry─► running
//! ```
//!
//! Nothing here reads a clock: waits are counted on the time that the engine has watched, which the caller passes in
//! through [`observe`]. Each input gives one [`Transition`]; the runtime executes its effects in their order.

mod command;
mod commands;
mod contrasts;
mod decision;
mod docket;
mod evaluation;
mod findings;
mod names;
mod operator;
mod record;
mod rollback;
mod state;
mod transition;

pub use command::{Action, Choice, Command};
pub use contrasts::Contrasts;
pub use docket::{Docket, due_step, facts, is_due, live_phase, next_wakeup, remaining};
pub use evaluation::{Passing, observe};
pub use findings::{Capture, Findings, GateFindings, TriggerJudgement, TriggerRef};
pub use names::Names;
pub use record::{Body, CauseKind, CauseOf, Record, ShareMap};
pub use state::{Latch, Proposal, RolloutState, Said, Status, Vote};
pub use transition::{Effect, Input, Transition, decide};
