//! What a person with a notebook keeps of a rollout, from its journal alone: shares, waits, votes, latches.
//!
//! Every record is checked before it is believed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rollgate::core::decide::{Action, Choice, Command};
use rollgate::core::id::PhaseId;
use rollgate::core::snapshot::{Phase, Plan, RollbackTarget, Ruleset, TriggerMode};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;
use serde_json::Value;

use super::acts::Acts;
use super::almanac::Almanac;
use super::coverage::Coverage;
use super::oracle::Streak;
use super::plan::PlanText;
use super::post::Post;
use super::watch::Watch;

/// A promise that was broken: which, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The promise, by its number in SEMANTICS 8 or by its name.
    pub promise: &'static str,
    /// In one sentence.
    pub how: String,
}

/// What a check gives.
pub(super) type Kept = Result<(), Broken>;

/// Fails with a promise where a condition does not hold.
pub(super) fn must(holds: bool, promise: &'static str, how: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(Broken { promise, how: how() }) }
}

/// Whether a trigger may fire again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Latch {
    /// It fired, and its condition has not been false since.
    Closed,
    /// It may have been false.
    Maybe,
    /// It fired once, and its condition has been false since.
    Open,
}

/// The notebook.
#[derive(Clone, Debug)]
pub(super) struct Book {
    pub(super) ruleset: Arc<Ruleset>,
    /// The shares after each step, as the plan's text says: phase, step, flag.
    said_shares: Arc<Vec<Vec<Vec<Share>>>>,
    /// The plan's calendar, where it has one, and what the clocks of its zone are set to in this call.
    pub(super) almanac: Option<Arc<Almanac>>,
    pub(super) wall: Timestamp,
    /// The latest time that an earlier process saw, or at which this one opened.
    pub(super) opened: Timestamp,
    pub(super) acts: Acts,
    pub(super) post: Post,
    pub(super) reminded: BTreeSet<(String, Timestamp, bool)>,
    /// What this notebook has seen.
    pub(super) seen: Coverage,
    pub(super) status: String,
    /// The status before this call.
    status_before: String,
    pub(super) phase: Option<usize>,
    pub(super) step: usize,
    pub(super) shares: Vec<Share>,
    pub(super) shares_before: Vec<Share>,
    /// What the shares must be by the plan, the rollbacks and the operators' words.
    expected: Vec<Share>,
    /// What the plan's step, or a rollback, allows.
    allowed: Vec<Share>,
    overrides: Vec<Option<Share>>,
    pub(super) is_killed: bool,
    /// When the phase began, and since when its gates look.
    pub(super) entered: Timestamp,
    pub(super) gates_from: Timestamp,
    first_step: Option<Timestamp>,
    pub(super) last_step: Option<Timestamp>,
    extended: Option<(Timestamp, Span)>,
    /// Triggers look back no further.
    pub(super) cut: Option<Timestamp>,
    rolled_back_at: Timestamp,
    failed: Option<usize>,
    fell_to_zero: bool,
    applied: Option<usize>,
    is_set: bool,
    /// What has been said of contingency items: item, by whom, and whether it is so.
    said: Vec<(String, String, bool)>,
    /// What has been said in a phase.
    attested: BTreeSet<(usize, String, String)>,
    checked: BTreeSet<(usize, String)>,
    votes: Vec<(String, String)>,
    pub(super) proposals: BTreeSet<String>,
    /// By phase and place.
    pub(super) latches: BTreeMap<(usize, usize), Latch>,
    pub(super) streaks: Vec<Streak>,
    /// Rollbacks that have not been told to be ineffective yet, by trigger.
    unsettled: BTreeMap<String, u64>,
    /// What was asked in this call.
    pub(super) asked: Option<Command>,
    is_retrying: bool,
    /// A retry goes on after so many steps.
    again: usize,
    pub(super) steps_now: usize,
    pub(super) is_forced: bool,
    pub(super) is_entering: bool,
    /// The gates of the phase that has just passed, which must be able to pass.
    pub(super) passing: Option<usize>,
    /// A step with an `only_if` that was applied.
    pub(super) stepped: Option<(usize, usize)>,
    /// Automatic triggers that fired in this call, and all that did.
    automatic: Vec<String>,
    pub(super) fired: Vec<String>,
    /// A window can begin now.
    pub(super) is_marked: bool,
}

fn shares_of(record: &Value, field: &str) -> Vec<(String, Share)> {
    let map = record[field].as_object().cloned().unwrap_or_default();
    let share = |value: &Value| Share::from_fraction(value.as_f64().unwrap_or_default()).unwrap_or_default();
    map.iter().map(|(flag, value)| (flag.clone(), share(value))).collect()
}

impl Book {
    pub(super) fn new(ruleset: Arc<Ruleset>, plan: &PlanText, now: Timestamp) -> Self {
        let shares: Vec<Share> = ruleset.flags.iter().map(|flag| flag.initial).collect();
        Self {
            status: "pending".to_owned(),
            status_before: "pending".to_owned(),
            phase: None,
            step: 0,
            said_shares: Arc::new(plan.said_shares()),
            almanac: plan.almanac().map(Arc::new),
            wall: plan.starts,
            opened: now - Span(1),
            acts: Acts::default(),
            post: Post::default(),
            reminded: BTreeSet::new(),
            seen: Coverage::default(),
            allowed: shares.clone(),
            expected: shares.clone(),
            shares_before: shares.clone(),
            overrides: vec![None; shares.len()],
            shares,
            is_killed: false,
            entered: now,
            gates_from: now,
            first_step: None,
            last_step: None,
            extended: None,
            cut: None,
            rolled_back_at: now,
            failed: None,
            fell_to_zero: false,
            applied: None,
            is_set: false,
            said: Vec::new(),
            attested: BTreeSet::new(),
            checked: BTreeSet::new(),
            votes: Vec::new(),
            proposals: BTreeSet::new(),
            latches: BTreeMap::new(),
            streaks: vec![Streak::default(); ruleset.streaks],
            unsettled: BTreeMap::new(),
            asked: None,
            is_retrying: false,
            again: 0,
            steps_now: 0,
            is_forced: false,
            is_entering: false,
            passing: None,
            stepped: None,
            automatic: Vec::new(),
            fired: Vec::new(),
            is_marked: false,
            ruleset,
        }
    }

    pub(super) fn plan(&self) -> &Plan {
        self.ruleset.plan.as_ref().expect("every simulated plan has phases")
    }

    pub(super) fn rule(&self, phase: usize) -> &Phase {
        self.plan().phase(PhaseId(phase as u16))
    }

    fn phase_named(&self, key: &str) -> Option<usize> {
        self.plan().phase_of(key).map(|id| id.index())
    }

    /// Whether anybody is exposed.
    pub(super) fn is_exposed(&self) -> bool {
        !self.is_killed && self.shares.iter().any(|share| *share > Share::ZERO)
    }

    /// The phase whose triggers are live (SEMANTICS 5.2, 6.5).
    pub(super) fn live(&self) -> Option<usize> {
        match self.status.as_str() {
            _ if !self.is_exposed() => None,
            "rolled_back" => self.applied.or(self.phase),
            _ => self.phase,
        }
    }

    /// The shares after a rollback: of now and the target, the smaller, flag by flag.
    fn lowered(&self, target: &RollbackTarget, shares: &[Share]) -> Vec<Share> {
        let mut lowered = shares.to_vec();
        match target {
            RollbackTarget::Zero => lowered.fill(Share::ZERO),
            RollbackTarget::Phase(phase) => {
                let phases = &self.said_shares[..=phase.index()];
                let last = phases.iter().rev().find_map(|phase| phase.last());
                for (flag, share) in lowered.iter_mut().enumerate() {
                    *share = (*share).min(last.map_or(Share::ZERO, |step| step[flag]));
                }
            }
            RollbackTarget::Set(set) => {
                set.iter().for_each(|(flag, most)| lowered[flag.index()] = lowered[flag.index()].min(*most));
            }
        }
        lowered
    }

    /// Whether a trigger could lower anything.
    pub(super) fn can_lower(&self, phase: usize, index: usize) -> bool {
        let target = &self.rule(phase).triggers[index].rollback.target;
        !self.is_killed && self.lowered(target, &self.shares) != self.shares
    }

    /// A call begins.
    pub(super) fn begin(&mut self, wall: Timestamp) {
        self.status_before.clone_from(&self.status);
        self.shares_before.clone_from(&self.shares);
        self.wall = wall;
        self.is_entering = false;
        self.acts.ended = None;
        self.asked = None;
        self.is_retrying = false;
        self.steps_now = 0;
        self.is_forced = false;
        self.passing = None;
        self.stepped = None;
        self.automatic.clear();
        self.fired.clear();
        self.is_marked = false;
    }

    /// A process came back on the stored state: what changed without a record may have been forgotten.
    pub(super) fn reopened(&mut self, now: Timestamp) {
        self.opened = now.max(self.opened);
        self.streaks.fill(Streak::default());
        self.latches
            .values_mut()
            .filter(|latch| **latch == Latch::Open)
            .for_each(|latch| *latch = Latch::Maybe);
    }

    /// Checks one record and takes it over.
    pub(super) fn take(&mut self, record: &Value, watch: &Watch, now: Timestamp) -> Kept {
        let kind = record["kind"].as_str().unwrap_or_default();
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        match kind {
            "action_started" => self.start_action(record, watch, now)?,
            "action_finished" => self.finish_action(record, now)?,
            // Nobody reports any more what the process that ended had under way.
            "restarted" => self.acts.running = None,
            "held" => self.check_held(record)?,
            "go_voided" => self.votes.clear(),
            "reminder" => self.check_reminder(record)?,
            "command_refused" | "retry_refused" | "decision_refused" => self.check_refusal(record)?,
            _ => self.take_turn(record, watch, now)?,
        }
        self.post.take(&self.ruleset, record, now, self.wall)?;
        let status = text("status");
        if status != self.status {
            self.votes.clear();
            self.status = status;
        }
        Ok(())
    }

    /// Takes over what moves the rollout.
    fn take_turn(&mut self, record: &Value, watch: &Watch, now: Timestamp) -> Kept {
        let kind = record["kind"].as_str().unwrap_or_default();
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        match kind {
            "started" => must(self.status == "pending", "G9", || "started twice".to_owned())?,
            "phase_started" => self.enter(&text("phase"), now)?,
            "step_applied" => self.apply(record, watch, now)?,
            "shares_changed" => self.change(record)?,
            "trigger_fired" => self.fire(&text("trigger"), now)?,
            "proposal" => must(self.proposals.insert(text("trigger")), "G8", || {
                format!("{} was proposed twice", text("trigger"))
            })?,
            "proposal_lapsed" => {
                self.proposals.remove(&text("trigger"));
                let trigger = text("trigger");
                // A rollback ends the other proposals; their latches wait for a false like any.
                let is_own = self.automatic.is_empty() && self.asked.is_none();
                self.latches.retain(|(phase, index), _| {
                    let plan = self.ruleset.plan.as_ref().expect("a plan");
                    !is_own
                        || plan.phases[*phase].triggers[*index].key != *trigger.as_str()
                        || plan.phases[*phase].triggers[*index].mode == TriggerMode::Automatic
                });
            }
            "proposal_dismissed" => {
                self.proposals.remove(&text("trigger"));
            }
            "approved" => self.approve(&text("trigger"), &text("by"), &text("role"))?,
            "rolled_back" => self.roll_back(record, now)?,
            "rollback_ineffective" => {
                let count = self.unsettled.remove(&text("trigger"));
                must(count.is_some(), "5.5", || {
                    format!("{} was told to be ineffective once too often", text("trigger"))
                })?;
            }
            "stopped" => self.stop(now),
            "retried" => self.retry(record, watch, now)?,
            "decided" => self.decide(record)?,
            "phase_passed" => self.pass(watch, now)?,
            "extended" => {
                let extend = self.phase.and_then(|phase| self.rule(phase).decision.as_ref()?.extend);
                self.extended = extend.map(|extend| (now, extend));
                self.gates_from = now;
                self.is_marked = true;
            }
            "override" => self.override_shares(record)?,
            "released" => self.release(record),
            "attested" => self.attest(record),
            "checked" => {
                if let Some(phase) = self.phase {
                    self.checked.insert((phase, text("item")));
                }
            }
            "read_back" => {
                must(record["ok"] == true, "6.9", || format!("readers get other shares: {record}"))?
            }
            _ => {}
        }
        Ok(())
    }

    fn release(&mut self, record: &Value) {
        for flag in record["flags"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if let Some(id) = self.ruleset.flag_of(flag) {
                self.overrides[id.index()] = None;
                let given = self.allowed[id.index()];
                // While rolled back or stopped nothing rises.
                let is_down = matches!(self.status.as_str(), "rolled_back" | "stopped");
                self.expected[id.index()] = if is_down { given.min(self.shares[id.index()]) } else { given };
            }
        }
    }

    fn enter(&mut self, key: &str, now: Timestamp) -> Kept {
        let phase = self.phase_named(key).unwrap_or_default();
        let next = self.phase.map_or(0, |phase| phase + 1);
        must(self.is_retrying || phase == next, "G9", || format!("{key} was entered out of order"))?;
        self.phase = Some(phase);
        self.check_open_for_entry(phase)?;
        self.step = std::mem::take(&mut self.again);
        self.acts.forget();
        self.reminded.clear();
        self.entered = now;
        self.gates_from = now;
        self.first_step = None;
        self.last_step = None;
        self.extended = None;
        self.votes.clear();
        self.streaks.fill(Streak::default());
        self.is_marked = true;
        Ok(())
    }

    fn apply(&mut self, record: &Value, watch: &Watch, now: Timestamp) -> Kept {
        let step = record["step"].as_u64().unwrap_or_default() as usize;
        let phase = self.phase.unwrap_or_default();
        self.steps_now += 1;
        must(self.steps_now == 1, "6.1", || "two steps at one instant".to_owned())?;
        must(step == self.step + 1, "6.1", || format!("step {step} came after {}", self.step))?;
        must(self.proposals.is_empty() || self.is_retrying, "6.3", || {
            "a step passed over a proposal".to_owned()
        })?;
        self.check_hold(step, watch, now)?;
        self.check_open_for_step(step)?;
        self.check_actions_done(step)?;
        self.step = step;
        self.first_step.get_or_insert(now);
        self.last_step = Some(now);
        self.allowed.clone_from(&self.said_shares[phase][step - 1]);
        let share = |(allowed, set): (&Share, &Option<Share>)| set.map_or(*allowed, |set| set.min(*allowed));
        self.expected = self.allowed.iter().zip(&self.overrides).map(share).collect();
        if self.rule(phase).steps[step - 1].only_if.is_some() && !self.is_retrying {
            self.stepped = Some((phase, step - 1));
        }
        Ok(())
    }

    fn change(&mut self, record: &Value) -> Kept {
        self.is_marked = true;
        let cause = record["cause"]["kind"].as_str().unwrap_or_default();
        let falls = matches!(cause, "trigger" | "decision" | "stop");
        let status = record["status"].as_str().unwrap_or_default();
        let is_down = matches!(status, "rolled_back" | "stopped");
        let from = shares_of(record, "from");
        for ((flag, from), (_, to)) in from.into_iter().zip(shares_of(record, "to")) {
            let Some(id) = self.ruleset.flag_of(&flag) else { continue };
            let index = id.index();
            let now = self.shares[index];
            must(from == now, "journal", || format!("{flag} changed from {from}, and it was at {now}"))?;
            must(!falls || to < from, "6.5", || format!("{flag} rose from {from} to {to} by a {cause}"))?;
            must(!is_down || to <= from, "6.5", || format!("{flag} rose to {to} while {status}"))?;
            let allowed = self.allowed[index];
            let is_forced = self.overrides[index] == Some(to);
            // A rollback that lowers a share raised by hand may end above the plan: it is still a fall.
            let is_fall = falls && to < from;
            must(to <= allowed || is_forced || is_fall, "6.8", || {
                format!("{flag} rose to {to}, and {allowed} is allowed")
            })?;
            self.check_rise(cause, from, to)?;
            self.shares[index] = to;
        }
        Ok(())
    }

    fn place_of(&self, trigger: &str) -> Option<(usize, usize)> {
        self.plan().phases.iter().enumerate().find_map(|(phase, rule)| {
            rule.triggers.iter().position(|rule| rule.key == *trigger).map(|index| (phase, index))
        })
    }

    fn fire(&mut self, trigger: &str, _now: Timestamp) -> Kept {
        let Some((phase, index)) = self.place_of(trigger) else { return Ok(()) };
        must(!self.fired.iter().any(|fired| fired == trigger), "G8", || {
            format!("{trigger} fired twice at one instant")
        })?;
        must(self.latches.get(&(phase, index)) != Some(&Latch::Closed), "5.5", || {
            format!("{trigger} fired again before its condition had been false on a window after it fired")
        })?;
        self.fired.push(trigger.to_owned());
        self.latches.insert((phase, index), Latch::Closed);
        let rule = &self.rule(phase).triggers[index];
        if rule.mode == TriggerMode::Automatic && !rule.is_dry_run {
            self.automatic.push(trigger.to_owned());
        }
        Ok(())
    }

    fn approve(&mut self, trigger: &str, by: &str, role: &str) -> Kept {
        must(self.proposals.contains(trigger), "6.4", || format!("{trigger} was approved and not proposed"))?;
        let Some((phase, index)) = self.place_of(trigger) else { return Ok(()) };
        let approvers = self.rule(phase).triggers[index].approve_by.clone();
        let is_approver = approvers.iter().any(|id| self.ruleset.roles[id.index()].key == *role);
        must(approvers.is_empty() || (is_approver && self.acts_as(by, role)), "G9", || {
            format!("{by} approved {trigger} as {role}")
        })?;
        self.automatic.push(trigger.to_owned());
        Ok(())
    }

    /// Whether somebody may act in a role: as a member, or where it has none, as the role or by saying so.
    fn acts_as(&self, by: &str, role: &str) -> bool {
        let Some(rule) = self.ruleset.roles.iter().find(|rule| rule.key == *role) else { return false };
        let named = self.asked.as_ref().and_then(|command| command.role.as_ref());
        match rule.members.is_empty() {
            true => by == role || named.is_some_and(|named| *named == *role),
            false => rule.members.iter().any(|member| *member == *by),
        }
    }

    /// The target of a decision's rollback, by its name.
    fn decided_target(&self) -> Option<RollbackTarget> {
        let Some(Command {
            action: Action::Decide { choice: Choice::Rollback { to: Some(to) }, .. }, ..
        }) = &self.asked
        else {
            return None;
        };
        let named = self.phase.and_then(|phase| {
            let rule = self.rule(phase).decision.as_ref()?;
            rule.rollbacks.iter().find(|(name, _)| name == to).map(|(_, to)| to.target.clone())
        });
        named.or_else(|| match to.as_str() {
            "zero" | "full" => Some(RollbackTarget::Zero),
            phase => self.phase_named(phase).map(|phase| RollbackTarget::Phase(PhaseId(phase as u16))),
        })
    }

    fn roll_back(&mut self, record: &Value, now: Timestamp) -> Kept {
        self.is_marked = true;
        let triggers: Vec<String> = record["triggers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        must(triggers == self.automatic, "G8", || {
            format!("{:?} fired, and {triggers:?} rolled back", self.automatic)
        })?;
        let places: Vec<_> = triggers.iter().filter_map(|trigger| self.place_of(trigger)).collect();
        let targets: Vec<RollbackTarget> = if places.is_empty() {
            self.decided_target().into_iter().collect()
        } else {
            places
                .iter()
                .map(|(phase, index)| self.rule(*phase).triggers[*index].rollback.target.clone())
                .collect()
        };
        must(!targets.is_empty(), "6.5", || "a rollback that nobody called for".to_owned())?;
        let mut wanted = self.shares.clone();
        for target in &targets {
            wanted = self.lowered(target, &wanted);
        }
        let found: Vec<Share> = shares_of(record, "shares").into_iter().map(|(_, share)| share).collect();
        must(found == wanted, "6.5", || {
            let text = |shares: &[Share]| shares.iter().map(Share::to_string).collect::<Vec<_>>().join(", ");
            format!(
                "a rollback of {} gave {} in place of {}",
                text(&self.shares),
                text(&found),
                text(&wanted)
            )
        })?;
        let is_zero = targets.contains(&RollbackTarget::Zero);
        let phase = targets.iter().filter_map(|target| match target {
            RollbackTarget::Phase(phase) => Some(phase.index()),
            _ => None,
        });
        let phase = phase.min();
        let was_down = self.status_before == "rolled_back";
        let current = if was_down { self.applied } else { self.phase };
        self.failed = self.failed.or(self.phase);
        self.applied = match (is_zero, phase) {
            (true, _) => None,
            (false, Some(phase)) => current.map(|current| current.min(phase)),
            (false, None) => current,
        };
        self.is_set = !is_zero && phase.is_none() && (!was_down || self.is_set);
        self.is_killed |= is_zero;
        self.fell_to_zero |= wanted.iter().all(|share| *share == Share::ZERO);
        self.allowed = wanted.iter().zip(&self.allowed).map(|(new, allowed)| *new.min(allowed)).collect();
        self.expected = wanted;
        self.acts.forget();
        self.see_rollback();
        self.cut = Some(now);
        self.rolled_back_at = now;
        self.said.clear();
        self.proposals.clear();
        self.streaks.fill(Streak::default());
        triggers.into_iter().for_each(|trigger| {
            self.unsettled.insert(trigger, 1);
        });
        // A trigger that asked and was approved is latched like one that acts by itself.
        places.into_iter().for_each(|place| {
            self.latches.insert(place, Latch::Closed);
        });
        Ok(())
    }

    fn stop(&mut self, now: Timestamp) {
        self.is_killed = true;
        self.fell_to_zero |= self.failed.is_some();
        self.applied = None;
        self.is_set = false;
        self.allowed.fill(Share::ZERO);
        self.expected.fill(Share::ZERO);
        self.acts.forget();
        self.cut = Some(now);
        self.proposals.clear();
        self.streaks.fill(Streak::default());
    }

    fn retry(&mut self, record: &Value, watch: &Watch, now: Timestamp) -> Kept {
        must(matches!(self.status.as_str(), "rolled_back" | "stopped"), "6.6", || {
            format!("a retry while {}", self.status)
        })?;
        must(self.proposals.is_empty(), "6.6", || "a retry over a proposal".to_owned())?;
        let rule = self.failed.and_then(|failed| self.rule(failed).contingency.clone());
        if let Some(rule) = rule {
            let waited = watch.watched(self.rolled_back_at, now);
            must(waited >= rule.hold, "G15", || {
                format!("a retry after {waited} of a hold of {}", rule.hold)
            })?;
            let zero = if self.fell_to_zero { &rule.if_zero[..] } else { &[] };
            for item in rule.requires.iter().chain(zero) {
                let mut said = self.said.iter().filter(|(of, ..)| *item == *of.as_str()).peekable();
                let is_said = said.peek().is_some() && said.all(|(.., is_true)| *is_true);
                must(is_said, "6.6", || format!("a retry without {item}"))?;
            }
        }
        let from = record["from_phase"].as_str().and_then(|key| self.phase_named(key)).unwrap_or_default();
        let first = self.plan().phases.iter().position(|phase| !phase.steps.is_empty()).unwrap_or(0);
        let wanted = match (self.phase, self.applied) {
            (None, _) => 0,
            (Some(phase), None) => first.min(phase),
            (Some(_), Some(applied)) if self.is_set => applied,
            (Some(_), Some(applied)) => (applied + 1).min(self.plan().phases.len() - 1),
        };
        must(from == wanted, "6.6", || format!("a retry from phase {from} in place of {wanted}"))?;
        self.is_retrying = true;
        // From a `set` rollback the phase goes on at its last applied step.
        let is_same = self.is_set && self.applied.is_some();
        self.again = if is_same { self.step.saturating_sub(1) } else { 0 };
        self.failed = None;
        self.applied = None;
        self.is_set = false;
        self.fell_to_zero = false;
        self.is_killed = false;
        self.latches.clear();
        self.said.clear();
        self.attested.retain(|(phase, ..)| *phase < from);
        self.checked.retain(|(phase, _)| *phase < from);
        self.streaks.fill(Streak::default());
        Ok(())
    }

    fn decide(&mut self, record: &Value) -> Kept {
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let (by, role) = (text("by"), text("role"));
        let rule = self.phase.and_then(|phase| self.rule(phase).decision.clone());
        let roles = rule.iter().flat_map(|rule| rule.roles.iter().chain(&rule.optional_roles));
        let is_listed = roles.into_iter().any(|id| self.ruleset.roles[id.index()].key == *role.as_str());
        must(is_listed && self.acts_as(&by, &role), "G9", || format!("{by} decided as `{role}`"))?;
        must(!text("rationale").trim().is_empty(), "6.4", || "a decision without a rationale".to_owned())?;
        if text("choice") == "go" {
            self.is_forced = record["override"].as_str().is_some_and(|reason| !reason.trim().is_empty());
            let is_new = !self.votes.iter().any(|(who, what)| *who == by || *what == role);
            // Where all have said go and the calendar is closed, one who decides may hurry with a reason.
            let is_hurried = self.is_forced && self.has_all_votes();
            must(is_new || is_hurried, "G9", || format!("{by} said go again, as {role}"))?;
            if is_hurried {
                self.seen.see("calendar: a go that waited was hurried");
                return Ok(());
            }
            self.votes.push((by, role));
        }
        Ok(())
    }

    /// Whether every role that decides has said go.
    fn has_all_votes(&self) -> bool {
        let rule = self.phase.and_then(|phase| self.rule(phase).decision.as_ref());
        let is_filled = |id: &rollgate::core::id::RoleId| {
            let role = &self.ruleset.roles[id.index()].key;
            self.votes.iter().any(|(_, voted)| *role == *voted.as_str())
        };
        rule.is_some_and(|rule| rule.roles.iter().all(is_filled))
    }

    fn pass(&mut self, watch: &Watch, now: Timestamp) -> Kept {
        let phase = self.phase.unwrap_or_default();
        let rule = self.rule(phase).clone();
        must(self.proposals.is_empty(), "5.4", || "a phase passed over a proposal".to_owned())?;
        must(rule.decision.is_none() || self.has_all_votes(), "G9", || {
            format!("{} passed on the votes of {:?} only", rule.key, self.votes)
        })?;
        if self.is_forced {
            return Ok(());
        }
        must(self.step == rule.steps.len(), "G9", || format!("{} passed before its last step", rule.key))?;
        let waits = [
            (self.first_step.unwrap_or(self.entered), rule.duration.unwrap_or_default(), "duration"),
            (self.last_step.unwrap_or(now), rule.steps.last().map_or(Span::ZERO, |step| step.soak), "soak"),
            self.extended.map_or((now, Span::ZERO, ""), |(from, extend)| (from, extend, "extension")),
        ];
        for (from, wanted, name) in waits.into_iter().filter(|(_, wanted, _)| *wanted > Span::ZERO) {
            let waited = watch.running(from, now);
            must(waited >= wanted, "G9", || {
                format!("{} passed after {waited} of a {name} of {wanted}", rule.key)
            })?;
        }
        self.passing = Some(phase);
        Ok(())
    }

    fn override_shares(&mut self, record: &Value) -> Kept {
        let reason = record["reason"].as_str().unwrap_or_default();
        for (flag, share) in shares_of(record, "flags") {
            let Some(id) = self.ruleset.flag_of(&flag) else { continue };
            let (allowed, now) = (self.allowed[id.index()], self.shares[id.index()]);
            // What stands above the plan already was given its reason; less of it needs none.
            must(share <= allowed.max(now) || !reason.trim().is_empty(), "6.8", || {
                format!("{flag} was set from {now} to {share} without a reason, and {allowed} is allowed")
            })?;
            let is_down = matches!(self.status.as_str(), "rolled_back" | "stopped");
            must(!is_down || share <= now, "6.8", || format!("{flag} was raised while {}", self.status))?;
            must(self.status != "pending" || share <= allowed.max(now), "6.8", || {
                format!("{flag} was raised before the start")
            })?;
            self.overrides[id.index()] = Some(share);
            self.expected[id.index()] = share;
        }
        Ok(())
    }

    fn attest(&mut self, record: &Value) {
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let (item, by, is_true) = (text("item"), text("by"), record["value"] == true);
        let is_whole = record["passed"] == record["of"];
        if matches!(self.status.as_str(), "rolled_back" | "stopped") {
            let is_own = |said: &(String, String, bool)| said.0 == item && said.1 == by;
            let is_taken_back = !is_true && self.said.iter().any(|said| is_own(said) && said.2);
            self.said.retain(|said| !is_own(said));
            if !is_taken_back {
                self.said.push((item.clone(), by.clone(), is_true && is_whole));
            }
        }
        let key = (self.phase.unwrap_or_default(), item, by);
        if is_true {
            self.attested.insert(key);
        } else {
            self.attested.remove(&key);
        }
    }

    /// Whether somebody says in this phase that an item is so.
    pub(super) fn is_attested(&self, phase: usize, item: &str) -> bool {
        self.attested.iter().any(|(of, said, _)| *of == phase && said == item)
    }

    /// Whether the whole checklist of a phase is checked.
    pub(super) fn is_checked(&self, phase: usize) -> bool {
        let list = &self.rule(phase).checklist;
        !list.is_empty() && list.iter().all(|item| self.checked.contains(&(phase, item.key.to_string())))
    }

    /// The engine serves what its journal says, and that is what the plan, the rollbacks and the operators say.
    pub(super) fn check_shares(&self, found: &[Share]) -> Kept {
        must(found == self.shares, "journal", || {
            format!("the engine's shares {found:?} are not those of its journal {:?}", self.shares)
        })?;
        must(self.shares == self.expected, "6.3", || {
            let (phase, step) = (self.phase, self.step);
            format!(
                "at step {step} of phase {phase:?} the shares must be {:?}, and are {found:?}",
                self.expected
            )
        })
    }
}
