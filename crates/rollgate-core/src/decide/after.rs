//! What follows a rollout: what fired, what is left to do, and which flags may be taken out of the code.

use serde::{Deserialize, Serialize};

use super::record::Body;
use super::texts::head;
use super::transition::Turn;
use super::{Command, RolloutState, Status, TriggerRef};
use crate::compile::horizon;
use crate::id::{FlagId, Key, PhaseId, RoleId};
use crate::judge::Attestation;
use crate::limits::{ANNOTATIONS_KEPT, FOLLOW_UPS_MAX, OVERRIDE_REASON_BYTES_MAX};
use crate::snapshot::{Horizon, Plan, Ruleset};
use crate::time::{Span, Timestamp};
use crate::units::Share;

/// How often the windows are asked whether a flag may go: the question spans weeks.
const REMOVAL_EVERY: Span = Span::hours(1);
/// The item that approves the removal of flags.
pub const REMOVAL_ITEM: &str = "removal";

/// What is kept beyond a phase and beyond the rollout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct After {
    /// `watched` at which each flag came to 100 %, by flag.
    pub full_since: Vec<Option<Span>>,
    /// The phase in which each flag came to 100 %, by flag: what people said before was not of it.
    #[serde(default)]
    pub full_in: Vec<Option<PhaseId>>,
    /// Flags that may be taken out of the code, as last journalled.
    pub removable: Vec<Key>,
    /// Observed time at which the windows were last asked about it, and whether they agreed.
    pub removal_judged: Option<(Timestamp, bool)>,
    /// Triggers that have ever fired, by `phase/trigger`.
    pub fired: Vec<Fired>,
    /// Things to do that people have added.
    pub tasks: Vec<Task>,
    /// Things to do, of people and of the plan, that are done.
    pub done: Vec<Key>,
    /// The latest annotations.
    pub annotations: Vec<Annotation>,
    /// When the last finite phase passed, by the calendar.
    pub completed_at: Option<Timestamp>,
    /// Phases that an override let pass, since they were entered last.
    #[serde(default)]
    pub overridden: Vec<Overridden>,
}

/// A phase that was passed by an override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overridden {
    /// The phase.
    pub phase: PhaseId,
    /// Who gave it.
    pub by: Key,
    /// Why: the beginning of the reason, which the journal has whole.
    pub why: String,
}

/// How often a trigger has fired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// `phase/trigger`.
    pub trigger: Key,
    /// How often.
    pub times: u64,
    /// When it did last, by the calendar.
    pub last: Timestamp,
}

/// A thing to do that somebody has added, for example at a postmortem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its key.
    pub key: Key,
    /// What is to be done.
    pub title: String,
    /// Who does it: a role or a person.
    pub owner: Key,
    /// By when, by the calendar.
    pub due: Timestamp,
}

/// What somebody wrote beside the numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// When, by the calendar.
    pub at: Timestamp,
    /// In which phase; `None` before the start.
    pub phase: Option<PhaseId>,
    /// Who.
    pub by: Key,
    /// Of which metric.
    pub metric: Option<Key>,
    /// What.
    pub text: String,
}

impl After {
    /// Follows the shares: a flag has been at 100 % since it came there last.
    pub(super) fn follow(&mut self, shares: &[Share], watched: Span, phase: Option<PhaseId>) {
        self.full_since.resize(shares.len(), None);
        self.full_in.resize(shares.len(), None);
        for ((since, of), share) in self.full_since.iter_mut().zip(&mut self.full_in).zip(shares) {
            let is_full = *share == Share::FULL;
            *since = is_full.then(|| since.unwrap_or(watched));
            *of = of.or(phase).filter(|_| is_full);
        }
    }
}

/// Remembers that a trigger fired.
pub(super) fn fired(turn: &mut Turn<'_>, trigger: TriggerRef) {
    let Some((phase, rule)) =
        turn.plan().and_then(|plan| Some((plan.phases.get(trigger.phase.index())?, trigger.of(plan)?)))
    else {
        return;
    };
    let (key, last) = (Key::new(format!("{}/{}", phase.key, rule.key)), turn.now.wall);
    let known = &mut turn.state.after.fired;
    match known.iter_mut().find(|fired| fired.trigger == key) {
        Some(fired) => *fired = Fired { times: fired.times + 1, last, trigger: key },
        None => known.push(Fired { trigger: key, times: 1, last }),
    }
}

/// Writes a remark down.
pub(super) fn annotate(
    turn: &mut Turn<'_>,
    command: &Command,
    text: &str,
    metric: Option<&Key>,
) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("an annotation needs its text".into());
    }
    if let Some(metric) = metric.filter(|metric| turn.ruleset.metric_of(metric.as_str()).is_none()) {
        return Err(format!("the plan has no metric `{metric}`"));
    }
    let (by, metric) = (command.by.clone(), metric.cloned());
    let kept = &mut turn.state.after.annotations;
    if kept.len() >= ANNOTATIONS_KEPT {
        kept.remove(0);
    }
    let (at, phase) = (turn.now.wall, turn.state.phase);
    kept.push(Annotation { at, phase, by: by.clone(), metric: metric.clone(), text: text.into() });
    turn.record(Body::Annotated { by, metric, text: text.into() });
    Ok(())
}

/// Remembers that a phase was passed by an override. Of why, as much is kept as is told.
pub(super) fn overridden(state: &mut RolloutState, phase: PhaseId, by: &Key, why: &str) {
    let why = head(why.trim(), OVERRIDE_REASON_BYTES_MAX);
    state.after.overridden.retain(|known| known.phase != phase);
    state.after.overridden.push(Overridden { phase, by: by.clone(), why });
}

/// Adds a thing to do.
pub(super) fn add_task(
    turn: &mut Turn<'_>,
    command: &Command,
    item: &Key,
    title: &str,
    owner: &Key,
    due: &str,
) -> Result<(), String> {
    let plan = turn.plan().ok_or("this setup has flags only; follow-ups belong to a plan")?;
    let is_listed = plan.follow_ups.iter().any(|task| task.key == *item)
        || plan.phases.iter().flat_map(|phase| &phase.checklist).any(|listed| listed.key == *item)
        || turn.state.after.tasks.iter().any(|task| task.key == *item);
    if is_listed {
        return Err(format!("there is an item `{item}` already; give this one another name"));
    }
    if turn.state.after.tasks.len() >= FOLLOW_UPS_MAX {
        return Err(format!("more than {FOLLOW_UPS_MAX} follow-ups are kept by no rollout"));
    }
    if owner.as_str().trim().is_empty() {
        return Err(format!("`{item}` needs an owner: what nobody owns is not done"));
    }
    let due = match horizon(due, turn.ruleset.timezone.as_str()) {
        Some(Horizon::At(at)) => at,
        Some(Horizon::AfterCompletion(span)) => turn.now.wall + span,
        None => return Err(format!("`{due}` is neither a date nor a length of time such as 14d")),
    };
    let title = if title.trim().is_empty() { item.to_string() } else { title.to_owned() };
    let task = Task { key: item.clone(), title: title.clone(), owner: owner.clone(), due };
    turn.state.after.tasks.push(task);
    let (item, owner, by) = (item.clone(), owner.clone(), command.by.clone());
    turn.record(Body::FollowUpAdded { item, title, owner, due, by });
    Ok(())
}

/// Checks a thing to do off; false where there is none of this name.
pub(super) fn check_task(turn: &mut Turn<'_>, command: &Command, item: &Key) -> bool {
    let of_plan = turn.plan().is_some_and(|plan| plan.follow_ups.iter().any(|task| task.key == *item));
    if !of_plan && !turn.state.after.tasks.iter().any(|task| task.key == *item) {
        return false;
    }
    if !turn.state.after.done.contains(item) {
        turn.state.after.done.push(item.clone());
    }
    turn.record(Body::Checked { item: item.clone(), by: command.by.clone(), value: true });
    true
}

/// How a thing to do stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// It has been checked off.
    Done,
    /// It is to be done, and there is time.
    Open,
    /// It is to be done, and its time is over.
    Overdue,
}

/// A thing to do, of the plan or of people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowUpStatus {
    /// Its key, by which it is checked off.
    pub key: Key,
    /// What is to be done.
    pub title: String,
    /// Who does it.
    pub owner: Option<Key>,
    /// By when; `None` where the plan does not say, or the rollout has not been completed yet.
    pub due: Option<Timestamp>,
    /// How it stands.
    pub state: TaskState,
}

/// Everything that is left to do, the plan's items first.
pub fn follow_ups(ruleset: &Ruleset, state: &RolloutState, now: Timestamp) -> Vec<FollowUpStatus> {
    let after = &state.after;
    let status = |key: &Key, title: &str, owner: Option<Key>, due: Option<Timestamp>| FollowUpStatus {
        key: key.clone(),
        title: title.to_owned(),
        owner,
        due,
        state: match due {
            _ if after.done.contains(key) => TaskState::Done,
            Some(due) if due < now => TaskState::Overdue,
            _ => TaskState::Open,
        },
    };
    let planned = ruleset.plan.iter().flat_map(|plan| &plan.follow_ups).map(|task| {
        let owner = task.owner.and_then(|role| Some(ruleset.roles.get(role.index())?.key.clone()));
        let due = match task.due {
            Some(Horizon::At(at)) => Some(at),
            Some(Horizon::AfterCompletion(span)) => after.completed_at.map(|at| at + span),
            None => None,
        };
        status(&task.key, &task.title, owner, due)
    });
    let added = after
        .tasks
        .iter()
        .map(|task| status(&task.key, &task.title, Some(task.owner.clone()), Some(task.due)));
    planned.chain(added).collect()
}

/// What a flag lacks before it may be taken out of the code, but for what only the windows know; empty: nothing.
pub fn removal_lacks(ruleset: &Ruleset, state: &RolloutState, flag: FlagId) -> Vec<String> {
    let Some(plan) = &ruleset.plan else {
        return vec!["a plan: nobody has watched a flag that is set by hand".into()];
    };
    let mut lacks = Vec::new();
    let share = state.shares.get(flag.index()).copied().unwrap_or(Share::ZERO);
    if state.is_killed || share != Share::FULL {
        lacks.push(format!("100%: it is at {}", if state.is_killed { Share::ZERO } else { share }));
        return lacks;
    }
    if state.overrides.get(flag.index()).copied().flatten().is_some() {
        lacks.push("the plan's own 100%: an operator has set it".into());
    }
    if matches!(state.status, Status::RolledBack | Status::Stopped) {
        lacks.push(format!("a rollout that runs or has ended: it is {}", state.status.name()));
    }
    let full = state.after.full_since.get(flag.index()).copied().flatten();
    let watched = full.map_or(Span::ZERO, |since| state.watched - since);
    if watched < plan.removal.stable_for {
        lacks.push(format!("{} at 100%: it has been watched for {watched}", plan.removal.stable_for));
    }
    let full_in = state.after.full_in.get(flag.index()).copied().flatten();
    lacks.extend(statements(ruleset, plan, state, full_in));
    lacks
}

/// What people have not said yet of a flag that has been at 100 % since the phase `full_in`.
fn statements(ruleset: &Ruleset, plan: &Plan, state: &RolloutState, full_in: Option<PhaseId>) -> Vec<String> {
    let mut lacks = Vec::new();
    let said = |item: &str| {
        let item = item.to_owned();
        // Who agreed when few had the flag has not agreed to this; who objected then has not taken it back.
        let counts = move |given: &&Attestation| {
            given.item == *item.as_str()
                && (!given.is_true || full_in.is_some_and(|phase| given.phase >= phase))
        };
        state.attestations.iter().filter(counts)
    };
    for item in &plan.removal.requires {
        let mut given = said(item.as_str()).peekable();
        if given.peek().is_none() {
            lacks.push(item.to_string());
        } else if let Some(objects) = given.find(|given| !given.is_true) {
            lacks.push(format!("{item}: {} objects", objects.by));
        }
    }
    let name = |role: &RoleId| ruleset.roles.get(role.index()).map(|rule| rule.key.clone());
    for role in plan.removal.approve_by.iter().filter_map(name) {
        let is_given = said(REMOVAL_ITEM).any(|given| given.is_true && given.roles.contains(&role));
        if !is_given {
            lacks.push(format!("the approval of {role}: attest `{REMOVAL_ITEM}`"));
        }
    }
    if said(REMOVAL_ITEM).any(|given| !given.is_true) {
        lacks.push(format!("nobody's objection: `{REMOVAL_ITEM}`"));
    }
    if plan.removal.approve_by.is_empty() && state.status != Status::Completed {
        lacks.push("the decision that ends the last phase".into());
    }
    lacks
}

/// Whether the removal of flags asks for an attestation of this item.
pub(super) fn is_asked(plan: &Plan, item: &Key) -> bool {
    let is_approval = *item == REMOVAL_ITEM && !plan.removal.approve_by.is_empty();
    is_approval || plan.removal.requires.contains(item)
}

fn candidates(ruleset: &Ruleset, state: &RolloutState) -> Vec<FlagId> {
    let flags = (0..ruleset.flags.len()).map(|index| FlagId(index as u16));
    flags
        .filter(|flag| !ruleset.flag(*flag).is_final && removal_lacks(ruleset, state, *flag).is_empty())
        .collect()
}

/// Whether the windows are to be asked now.
pub(super) fn is_removal_due(ruleset: &Ruleset, state: &RolloutState, now: Timestamp) -> bool {
    // Most of the time no flag is at 100 %, and this is asked at every evaluation.
    let is_full = state.shares.contains(&Share::FULL);
    let is_fresh =
        state.after.removal_judged.is_some_and(|(at, _)| now.since(at) < REMOVAL_EVERY && at <= now);
    is_full && !is_fresh && !candidates(ruleset, state).is_empty()
}

/// Writes down which flags may go, where that has changed.
pub(super) fn note_removable(turn: &mut Turn<'_>) {
    let watched = turn.state.watched;
    let shares = std::mem::take(&mut turn.state.shares);
    turn.state.after.follow(&shares, watched, turn.state.phase);
    turn.state.shares = shares;
    if let Some(is_quiet) = turn.findings.removal {
        turn.state.after.removal_judged = Some((turn.now.observed, is_quiet));
    }
    let is_quiet = turn.state.after.removal_judged.is_some_and(|(_, is_quiet)| is_quiet);
    let is_open = is_quiet && turn.state.shares.contains(&Share::FULL);
    let flags = if is_open { candidates(turn.ruleset, &turn.state) } else { Vec::new() };
    let flags: Vec<Key> = flags.iter().map(|flag| turn.ruleset.flag(*flag).key.clone()).collect();
    if flags != turn.state.after.removable {
        turn.state.after.removable.clone_from(&flags);
        turn.record(Body::Removable { flags });
    }
}
