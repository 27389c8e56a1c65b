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

mod actions;
mod after;
mod agenda;
mod announce;
mod calendar;
mod command;
mod commands;
mod contrasts;
mod decision;
mod docket;
mod evaluation;
mod findings;
mod letter;
mod names;
mod occurrence;
mod operator;
mod outbox;
mod record;
mod rollback;
mod sample;
mod schedule;
mod state;
mod texts;
mod timeline;
mod told;
mod transition;
mod watched;

pub use actions::{ActionResult, Attempt, Run, ask, running_action};
pub use after::{
    After, Annotation, Fired, FollowUpStatus, Overridden, REMOVAL_ITEM, Task, TaskState, follow_ups,
    removal_lacks,
};
pub use agenda::{Agenda, Held, HeldWhat, OpenReminder, Progress, QueuedGo, Reminded};
pub use announce::{letters_due, moment, planned_exposure};
pub use command::{Action, Choice, Command};
pub use contrasts::Contrasts;
pub use docket::{Docket, due_step, facts, is_due, live_phase, next_wakeup, remaining};
pub use evaluation::{Passing, observe};
pub use findings::{Capture, Findings, GateFindings, TriggerJudgement, TriggerRef};
pub use letter::{Letter, Owed, Source, owed};
pub use names::Names;
pub use outbox::{Answer, Delivery, Outbox};
pub use record::{Body, CauseKind, CauseOf, Record, ShareMap};
pub use sample::sample;
pub use schedule::{Overdue, daily_due, due_of, overdue};
pub use state::{Latch, Proposal, RolloutState, Said, Status, Vote};
pub use timeline::{left, projected};
pub use transition::{Effect, Input, Transition, decide};
pub use watched::Watched;
