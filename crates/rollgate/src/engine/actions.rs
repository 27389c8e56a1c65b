//! Runs the actions before steps: outside of the lock, one at a time, from ticks only.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rollgate_core::decide::{Action, ActionResult, Command, running_action};
use rollgate_core::id::Key;
use rollgate_core::time::Span;
use serde::Serialize;

use super::control::Control;
use super::handle::Engine;

/// What runs actions: gives their output, or why they failed.
pub(super) type Actor = Box<dyn Fn(&DueAction) -> Result<String, String> + Send + Sync>;

/// An action under way, as the host is asked to run it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DueAction {
    /// The plan's name.
    pub plan: Key,
    /// The phase.
    pub phase: Key,
    /// The step that waits for it, counted from 1.
    pub step: usize,
    /// Its key.
    pub action: Key,
    /// What it does.
    pub title: String,
    /// What is to be run, as the plan says it.
    pub run: Option<String>,
    /// What its output must be.
    pub expect: Option<String>,
    /// The role that answers for it.
    pub owner: Option<Key>,
    /// How long it may take, from the evaluation by which the host was asked.
    pub timeout: Span,
    /// The number of this run; a result that names another one is refused.
    pub number: u64,
}

impl DueAction {
    /// The action under way.
    pub(super) fn of(control: &Control) -> Option<Self> {
        let (ruleset, state) = (&control.ruleset, &control.state);
        let plan = ruleset.plan.as_ref()?;
        let (action, run) = running_action(plan, state)?;
        Some(Self {
            plan: ruleset.name.clone(),
            phase: plan.phases.get(state.phase?.index())?.key.clone(),
            step: state.step + 1,
            action: action.key.clone(),
            title: action.title.clone(),
            run: action.run.clone(),
            expect: action.expect.clone(),
            owner: action.owner.and_then(|role| Some(ruleset.roles.get(role.index())?.key.clone())),
            timeout: action.timeout,
            number: run.number,
        })
    }
}

impl Engine {
    /// Runs what is due and has not been asked of the host yet, until nothing is.
    pub(super) fn act_on_due(&self) {
        let Some(actor) = &self.shared.actor else { return };
        loop {
            let due = {
                let (mut control, now) = self.shared.lock();
                if !control.is_leader() {
                    return;
                }
                let Some(due) = DueAction::of(&control).filter(|due| due.number > control.asked) else {
                    return;
                };
                control.asked = due.number;
                control.ask(now);
                due
            };
            // What the host's code left behind when it panicked is the host's; nothing of the engine's was lent to it.
            let result = catch_unwind(AssertUnwindSafe(|| actor(&due)))
                .unwrap_or_else(|panic| Err(format!("it panicked: {}", said(&*panic))));
            let (is_ok, output) = (result.is_ok(), result.unwrap_or_else(|why| why));
            let result = ActionResult { action: due.action, run: Some(due.number), is_ok, output };
            // A result that nobody waits for any more is refused, and journalled as that.
            let _ =
                self.command(&Command { by: Key::new("host"), role: None, action: Action::Report(result) });
        }
    }
}

fn said(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it gave no reason")
}
