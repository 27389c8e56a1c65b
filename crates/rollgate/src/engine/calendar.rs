//! What people ask of a rollout's calendar: what waits, what is overdue, who is to be reminded, when it ends.

use rollgate_core::decide::{HeldWhat, Status, due_of, overdue, projected};
use rollgate_core::id::Key;
use rollgate_core::snapshot::{Phase, Plan};
use rollgate_core::time::{Now, Span, Timestamp};
use serde::Serialize;

use super::control::Control;

/// What waits for an open calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// A step or the next phase.
    pub what: HeldWhat,
    /// The phase whose calendar is closed.
    pub phase: Key,
    /// When it opens; `None`: not under this plan.
    pub until: Option<Timestamp>,
    /// Why it is closed.
    pub reason: String,
    /// Whose `go` waits with it, where all have been given.
    pub go_by: Option<Key>,
}

/// An item of the phase's checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// Its key.
    pub item: Key,
    /// What is to be done.
    pub title: String,
    /// The role that does it.
    pub owner: Option<Key>,
    /// By when, by the calendar, if everything is watched until then.
    pub due: Option<Timestamp>,
    /// What a person runs to see that it is done.
    pub command: Option<String>,
    /// What they should see then.
    pub expect: Option<String>,
    /// Somebody has checked it.
    pub is_checked: bool,
    /// It is not checked, and its time has come.
    pub is_overdue: bool,
}

/// A reminder that nobody has acknowledged yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenItem {
    /// The item of the schedule.
    pub item: Key,
    /// What is to be done.
    pub title: String,
    /// The role that does it.
    pub owner: Option<Key>,
    /// Its parts.
    pub groups: Vec<(Key, Vec<String>)>,
    /// When it came due.
    pub due: Timestamp,
    /// When it is missed, unless its next one comes before.
    pub until: Option<Timestamp>,
}

/// When a phase begins and ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseDates {
    /// The phase.
    pub phase: Key,
    /// As planned; `None` without a `date` in the plan.
    pub planned_start: Option<Timestamp>,
    /// As planned; `None` for an open phase.
    pub planned_end: Option<Timestamp>,
    /// As it looks from now: `None` for a phase that is over or open, and while the rollout does not go on.
    pub projected_end: Option<Timestamp>,
}

/// A role and who may act in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoleMembers {
    /// The role.
    pub role: Key,
    /// People by name; empty: anybody who says so.
    pub members: Vec<Key>,
}

/// The calendar's part of a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CalendarStatus {
    /// What waits for an open calendar.
    pub waiting: Option<Waiting>,
    /// The checklist of the current phase.
    pub checklist: Vec<Task>,
    /// Reminders that wait to be acknowledged.
    pub reminders: Vec<OpenItem>,
    /// When the phases begin and end, in their order.
    pub phases: Vec<PhaseDates>,
    /// How long all phases that end take, if nothing has to wait.
    pub planned_total: Span,
    /// When the last phase that ends is planned to end.
    pub planned_end: Option<Timestamp>,
    /// When it would end, from where the rollout stands now.
    pub projected_end: Option<Timestamp>,
    /// Who may act in which role.
    pub roles: Vec<RoleMembers>,
}

impl CalendarStatus {
    pub(super) fn of(control: &Control, now: Now) -> Self {
        let (ruleset, state) = (&control.ruleset, &control.state);
        let roles = ruleset
            .roles
            .iter()
            .map(|rule| RoleMembers { role: rule.key.clone(), members: rule.members.clone() });
        let roles = roles.collect();
        let Some(plan) = &ruleset.plan else { return Self { roles, ..Self::default() } };
        let ends = projected(plan, state, now.wall);
        let dates = plan.phases.iter().zip(plan.planned()).zip(&ends);
        let phases: Vec<PhaseDates> = dates
            .map(|((phase, planned), projected)| PhaseDates {
                phase: phase.key.clone(),
                planned_start: planned.starts,
                planned_end: planned.ends,
                projected_end: *projected,
            })
            .collect();
        let phase = state.phase.and_then(|id| plan.phases.get(id.index()));
        Self {
            waiting: waiting(control, plan),
            checklist: phase.map(|phase| checklist(control, plan, phase, now)).unwrap_or_default(),
            reminders: phase.map(|phase| reminders(control, phase)).unwrap_or_default(),
            planned_total: plan.planned_total(),
            planned_end: phases.iter().rev().find_map(|dates| dates.planned_end),
            projected_end: phases.iter().rev().find_map(|dates| dates.projected_end),
            phases,
            roles,
        }
    }
}

fn waiting(control: &Control, plan: &Plan) -> Option<Waiting> {
    let agenda = &control.state.agenda;
    let held = agenda.held.as_ref()?;
    Some(Waiting {
        what: held.what,
        phase: plan.phases.get(held.phase.index())?.key.clone(),
        until: held.until,
        reason: held.reason.clone(),
        go_by: agenda.queued.as_ref().map(|queued| queued.by.clone()),
    })
}

fn role_key(control: &Control, role: Option<rollgate_core::id::RoleId>) -> Option<Key> {
    Some(control.ruleset.roles.get(role?.index())?.key.clone())
}

fn checklist(control: &Control, plan: &Plan, phase: &Phase, now: Now) -> Vec<Task> {
    let state = &control.state;
    let checked = state.phase.map(|id| state.checked_in(id)).unwrap_or_default();
    let late = overdue(plan, state, now);
    let task = |item: &rollgate_core::snapshot::ChecklistItem| Task {
        item: item.key.clone(),
        title: item.title.clone(),
        owner: role_key(control, item.owner),
        due: due_of(plan, state, item, now),
        command: item.command.clone(),
        expect: item.expect.clone(),
        is_checked: checked.contains(&item.key),
        is_overdue: late.iter().any(|late| late.item.key == item.key),
    };
    phase.checklist.iter().map(task).collect()
}

fn reminders(control: &Control, phase: &Phase) -> Vec<OpenItem> {
    if matches!(control.state.status, Status::RolledBack | Status::Stopped | Status::Completed) {
        return Vec::new();
    }
    let open = |reminded: &rollgate_core::decide::Reminded| {
        let item = phase.schedule.iter().find(|item| item.key == reminded.item)?;
        let open = reminded.open?;
        Some(OpenItem {
            item: item.key.clone(),
            title: item.title.clone(),
            owner: role_key(control, item.owner),
            groups: item.groups.clone(),
            due: open.due,
            until: open.until,
        })
    };
    control.state.agenda.reminders.iter().filter_map(open).collect()
}

/// What a scorecard says of the calendar: what waits, what is overdue, when it ends.
pub(super) fn notes(control: &Control, now: Now) -> Vec<String> {
    let Some(plan) = &control.ruleset.plan else { return Vec::new() };
    let zone = &plan.calendar.zone;
    let mut notes = Vec::new();
    if let Some(waiting) = waiting(control, plan) {
        let what = match waiting.what {
            HeldWhat::Step => "The next step".to_owned(),
            HeldWhat::Phase => format!("Phase {}", waiting.phase),
        };
        let until = waiting.until.map_or_else(|| "the plan is changed".to_owned(), |until| zone.show(until));
        notes.push(format!("{what} waits until {until}: {}.", waiting.reason));
    }
    for late in overdue(plan, &control.state, now) {
        let item = late.item;
        let title = if item.title.is_empty() { item.key.as_str() } else { &item.title };
        let owner = role_key(control, item.owner).map_or_else(String::new, |owner| format!(" ({owner})"));
        notes.push(format!("Overdue since {}: {title}{owner}.", zone.show(late.due)));
    }
    let planned = plan.planned().iter().rev().find_map(|planned| planned.ends);
    let projected = projected(plan, &control.state, now.wall).into_iter().rev().flatten().next();
    let planned = planned.map(|end| format!("Planned end {}", zone.show(end)));
    let projected = projected.map(|end| format!("projected end {}", zone.show(end)));
    match (planned, projected) {
        (Some(planned), Some(projected)) => notes.push(format!("{planned}; {projected}.")),
        (Some(planned), None) => notes.push(format!("{planned}.")),
        (None, Some(projected)) => notes.push(format!("P{}.", projected.trim_start_matches('p'))),
        (None, None) => {}
    }
    notes
}
