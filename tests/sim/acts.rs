//! Actions before steps, as a person with a notebook follows them (design, actions before a step).

use std::collections::BTreeMap;

use rollgate::core::decide::Action;
use rollgate::core::id::Key;
use rollgate::core::time::{Span, Timestamp};
use serde_json::Value;

use super::book::{Book, Kept, must};
use super::watch::Watch;

/// A run that nobody has reported yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Running {
    pub(super) run: u64,
    since: Timestamp,
    /// The instant from which its timeout counts: the first of the evaluations by which a tick has asked the host.
    asked: Option<Timestamp>,
}

impl Running {
    /// How long the host has been asked for it.
    fn asked_for(&self, now: Timestamp) -> Span {
        self.asked.map_or(Span::ZERO, |asked| now.since(asked))
    }
}

/// How far the actions of the next step have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Acts {
    /// Those that have succeeded in this attempt.
    done: usize,
    /// The calendar may have made yesterday's of them.
    may_be_forgotten: bool,
    pub(super) running: Option<Running>,
    last_run: u64,
    /// How often each was started: phase, step, place.
    started: BTreeMap<(usize, usize, usize), u32>,
    /// A run ended in this call, and whether with success.
    pub(super) ended: Option<bool>,
}

impl Acts {
    /// What was learned was learned for an attempt that has ended.
    pub(super) fn forget(&mut self) {
        (self.done, self.may_be_forgotten, self.running) = (0, false, None);
    }
}

impl Book {
    /// A step is applied once every one of its actions has succeeded.
    pub(super) fn check_actions_done(&mut self, step: usize) -> Kept {
        let actions = &self.rule(self.phase.unwrap_or_default()).steps[step - 1].actions;
        let (done, running, all) = (self.acts.done, self.acts.running, actions.len());
        must(done == all && running.is_none(), "R42", || {
            format!("step {step} was applied after {done} of {all} actions, with {running:?}")
        })?;
        if all > 0 {
            self.seen.see("actions: step applied after its actions");
        }
        self.acts.forget();
        Ok(())
    }

    pub(super) fn start_action(&mut self, record: &Value, watch: &Watch, now: Timestamp) -> Kept {
        let step = record["step"].as_u64().unwrap_or_default() as usize;
        let run = record["run"].as_u64().unwrap_or_default();
        let name = record["action"].as_str().unwrap_or_default();
        let phase = self.phase.unwrap_or_default();
        let is_due = self.status == "running" && self.proposals.is_empty() && step == self.step + 1;
        must(is_due && self.acts.running.is_none(), "R42", || {
            format!("{name} of step {step} was started, {} at step {}", self.status, self.step)
        })?;
        must(run == self.acts.last_run + 1, "R42", || {
            format!("run {run} came after {}", self.acts.last_run)
        })?;
        self.check_hold(step, watch, now)?;
        self.check_open_for_step(step)?;
        let actions = &self.rule(phase).steps[step - 1].actions;
        let is_at = |place: usize| actions.get(place).is_some_and(|action| action.key == *name);
        let is_again = self.acts.may_be_forgotten && is_at(0);
        must(is_at(self.acts.done) || is_again, "R42", || {
            format!("{name} of step {step} was started after {} had succeeded", self.acts.done)
        })?;
        if !is_at(self.acts.done) {
            self.acts.done = 0;
        }
        self.acts.may_be_forgotten = false;
        self.acts.last_run = run;
        self.acts.running = Some(Running { run, since: now, asked: None });
        *self.acts.started.entry((phase, step, self.acts.done)).or_default() += 1;
        self.seen.see("actions: started");
        Ok(())
    }

    pub(super) fn finish_action(&mut self, record: &Value, now: Timestamp) -> Kept {
        let step = record["step"].as_u64().unwrap_or_default() as usize;
        let name = record["action"].as_str().unwrap_or_default();
        let (phase, is_ok) = (self.phase.unwrap_or_default(), record["ok"] == true);
        let Some(running) = self.acts.running.take() else {
            return must(false, "R42", || format!("{name} ended, and no action was under way"));
        };
        let rule = self.rule(phase).steps.get(step - 1).and_then(|step| step.actions.get(self.acts.done));
        let is_it = rule.is_some_and(|rule| rule.key == *name);
        let is_run = record["run"] == running.run && step == self.step + 1;
        let took = now.since(running.since);
        must(is_it && is_run && record["took_ms"] == took.0, "R42", || {
            format!("{running:?} was under way, and this ended: {record}")
        })?;
        let Some(rule) = rule.cloned() else { return Ok(()) };
        let is_late = running.asked_for(now) > rule.timeout;
        match self.asked.as_ref().map(|command| &command.action) {
            Some(Action::Report(result)) => {
                let is_its = result.action == *name && result.run.is_none_or(|run| run == running.run);
                must(is_its, "R42", || format!("{running:?} took the result of another run: {result:?}"))?;
                let times =
                    self.acts.started.get(&(phase, step, self.acts.done)).copied().unwrap_or_default();
                must(result.run.is_some() || times == 1, "R42", || {
                    format!("a result without a number was taken for run {times} of {name}")
                })?;
                let is_expected =
                    rule.expect.as_ref().is_none_or(|expect| expect.as_str() == result.output.trim());
                let is_good = result.is_ok && is_expected && !is_late;
                must(is_good == is_ok, "R42", || format!("{result:?} after {took} counts as {is_ok}"))?;
                self.seen.see(match (is_ok, result.is_ok, is_late) {
                    (true, ..) => "actions: succeeded",
                    (_, false, _) => "actions: failed",
                    (.., true) => "actions: succeeded too late",
                    _ => "actions: gave something else",
                });
            }
            _ => {
                must(is_late && !is_ok, "R42", || format!("{name} ended by itself after {took}"))?;
                self.seen.see("actions: no result in time");
            }
        }
        self.acts.ended = Some(is_ok);
        self.acts.done += usize::from(is_ok);
        Ok(())
    }

    /// A tick asks the host for the run under way.
    pub(super) fn ask_host(&mut self, now: Timestamp) {
        let every = self.ruleset.evaluate_every;
        if let Some(running) = &mut self.acts.running {
            let next = Timestamp(now.0 - 1).max(running.since).next(every);
            running.asked.get_or_insert(next);
        }
    }

    /// The action under way, and its run.
    pub(super) fn under_way(&self) -> Option<(Key, u64)> {
        let actions = &self.rule(self.phase?).steps.get(self.step)?.actions;
        Some((actions.get(self.acts.done)?.key.clone(), self.acts.running?.run))
    }

    /// A failure holds the rollout, and rolls nothing back.
    pub(super) fn check_failure(&self) -> Kept {
        if self.acts.ended != Some(false) {
            return Ok(());
        }
        let is_held = !matches!(self.status.as_str(), "running" | "awaiting_decision");
        must(is_held && self.shares == self.shares_before, "R42", || {
            format!("an action failed, and the rollout is {} with {:?}", self.status, self.shares)
        })
    }

    /// An evaluation is over: what waits for a closed calendar makes its backup anew, and no run outlives its timeout.
    pub(super) fn check_after_evaluation(&mut self, watch: &Watch, now: Timestamp) -> Kept {
        let Some(phase) = self.phase else { return Ok(()) };
        let Some(step) = self.rule(phase).steps.get(self.step).cloned() else { return Ok(()) };
        if let (Some(running), Some(rule)) = (self.acts.running, step.actions.get(self.acts.done)) {
            let took = running.asked_for(now);
            return must(took <= rule.timeout, "R42", || {
                format!("{} is under way for {took}, and its timeout is {}", rule.key, rule.timeout)
            });
        }
        if self.status == "running"
            && self.proposals.is_empty()
            && self.is_closed(phase)
            && self.acts.done > 0
        {
            if step.only_if.is_none() && self.is_surely_due(watch, now) {
                self.acts.done = 0;
                self.seen.see("actions: done anew after a closed calendar");
            } else {
                self.acts.may_be_forgotten = true;
            }
        }
        Ok(())
    }
}
