//! Reminders: each of its times once, missed where nobody acknowledges it, and no storm after a night away.
//!
//! [`Body::Reminder`] is the record that notices can be made of: all of its kinds are journalled here and nowhere else.

use super::agenda::{Coming, OpenReminder, Progress, Reminded};
use super::occurrence::{Anchor, Occurrence, latest};
use super::record::Body;
use super::timeline::left;
use super::transition::Turn;
use super::{Command, RolloutState, Status};
use crate::id::Key;
use crate::snapshot::{ChecklistItem, DueAt, Plan, Ruleset, ScheduleItem, When};
use crate::time::{Day, Now, Timestamp};

/// Whether people work on the phase: then they are reminded.
const fn is_under_way(status: Status) -> bool {
    matches!(status, Status::Running | Status::AwaitingDecision | Status::Paused)
}

/// An unchecked item whose time has come, and when that was.
#[derive(Clone, Copy, Debug)]
pub struct Overdue<'a> {
    /// The item.
    pub item: &'a ChecklistItem,
    /// When it was due.
    pub due: Timestamp,
}

/// When an item of the current phase's checklist is due, by the calendar, if everything is watched until then.
pub fn due_of(plan: &Plan, state: &RolloutState, item: &ChecklistItem, now: Now) -> Option<Timestamp> {
    match item.due.as_ref()?.at {
        DueAt::Day(end) => Some(end),
        DueAt::BeforeEnd(span) => Some(now.wall + left(plan, state)? - span),
    }
}

/// The unchecked items of the current phase that are overdue, in the plan's order.
pub fn overdue<'a>(plan: &'a Plan, state: &RolloutState, now: Now) -> Vec<Overdue<'a>> {
    let Some((id, phase)) = state.phase.and_then(|id| Some((id, plan.phases.get(id.index())?))) else {
        return Vec::new();
    };
    if !is_under_way(state.status) {
        return Vec::new();
    }
    let is_checked =
        |item: &ChecklistItem| state.checked.iter().any(|(of, key)| *of == id && *key == item.key);
    let late = |item: &'a ChecklistItem| {
        let due = due_of(plan, state, item, now).filter(|due| *due <= now.wall)?;
        (!is_checked(item)).then_some(Overdue { item, due })
    };
    phase.checklist.iter().filter_map(late).collect()
}

/// The day whose scorecard is due now; `None` where it has been journalled, or none is.
pub fn daily_due(ruleset: &Ruleset, state: &RolloutState, wall: Timestamp) -> Option<Day> {
    let plan = ruleset.plan.as_ref()?;
    let minute = plan.daily.at_minute?;
    if !is_under_way(state.status) && state.status != Status::RolledBack {
        return None;
    }
    let day = plan.calendar.zone.latest(minute, wall);
    // The first morning after the start is the first that has something to tell.
    let is_new = state.agenda.daily.done.is_some()
        && matches!(state.agenda.daily.coming(i64::from(day.0)), Coming::New(_));
    is_new.then_some(day)
}

/// Everything that the calendar says at this instant.
pub(super) fn remind(turn: &mut Turn<'_>) {
    daily(turn);
    if !is_under_way(turn.state.status) {
        return;
    }
    let (Some(plan), Some(phase)) = (turn.plan(), turn.phase()) else { return };
    for late in overdue(plan, &turn.state, turn.now) {
        if turn.state.agenda.overdue.contains(&late.item.key) {
            continue;
        }
        turn.state.agenda.overdue.push(late.item.key.clone());
        let title = if late.item.title.is_empty() { late.item.key.as_str() } else { &late.item.title };
        turn.record(Body::Reminder {
            what: format!("overdue: {title}"),
            item: late.item.key.clone(),
            due: late.due,
            owner: owner(turn.ruleset, late.item.owner),
            groups: Vec::new(),
            until: None,
            skipped: 0,
            missed: false,
            overdue: true,
        });
    }
    let began = turn.state.agenda.phase_wall.unwrap_or_else(|| turn.now.wall_of(turn.state.phase_from));
    let first_step = if phase.steps.is_empty() { Some(began) } else { turn.state.agenda.first_step_wall };
    let anchor = Anchor { zone: &plan.calendar.zone, phase: began, first_step };
    for item in &phase.schedule {
        come(turn, item, anchor);
    }
}

fn owner(ruleset: &Ruleset, role: Option<crate::id::RoleId>) -> Option<Key> {
    Some(ruleset.roles.get(role?.index())?.key.clone())
}

/// One scorecard a day. While nothing runs, days pass without one.
fn daily(turn: &mut Turn<'_>) {
    let Some(plan) = turn.plan() else { return };
    let Some(minute) = plan.daily.at_minute else { return };
    if let Some(day) = daily_due(turn.ruleset, &turn.state, turn.now.wall) {
        turn.state.agenda.daily.come(i64::from(day.0), days_between(&turn.state.agenda.daily, day));
        let findings = turn.findings.daily.clone();
        turn.record(Body::DailyScorecard { day: day.to_string(), findings });
    } else if !is_under_way(turn.state.status) && turn.state.status != Status::RolledBack
        || turn.state.agenda.daily.done.is_none()
    {
        let day = plan.calendar.zone.latest(minute, turn.now.wall);
        turn.state.agenda.daily = Progress { done: Some(i64::from(day.0)), skipped: None };
    }
}

/// Days that were leapt over: they get no scorecard of their own, for there is nothing to tell of them any more.
fn days_between(progress: &Progress, day: Day) -> u64 {
    let before = match progress.coming(i64::from(day.0)) {
        Coming::New(Some(before)) => before,
        _ => i64::from(day.0) - 1,
    };
    u64::try_from(i64::from(day.0) - before - 1).unwrap_or_default()
}

/// Journals the latest time of one item, where it has not come before, and what was missed.
fn come(turn: &mut Turn<'_>, item: &ScheduleItem, anchor: Anchor<'_>) {
    let wall = turn.now.wall;
    let occurrence = match item.when {
        When::BeforeEnd(span) => turn.plan().and_then(|plan| {
            let is_due = left(plan, &turn.state).is_some_and(|left| left <= span);
            // Once for each end that the phase has had: an extension has its own.
            is_due.then_some(Occurrence {
                due: turn.now.wall_of(turn.state.phase_from),
                until: None,
                number: 1,
            })
        }),
        when => latest(when, anchor, wall),
    };
    let index = match turn.state.agenda.reminders.iter().position(|known| known.item == item.key) {
        Some(index) => index,
        None if occurrence.is_none() => return,
        None => {
            let fresh = Reminded { item: item.key.clone(), progress: Progress::default(), open: None };
            turn.state.agenda.reminders.push(fresh);
            turn.state.agenda.reminders.len() - 1
        }
    };
    let Some(known) = turn.state.agenda.reminders.get_mut(index) else { return };
    let is_before_end = matches!(item.when, When::BeforeEnd(_));
    // What an end is counted back from is observed time, which no clock that is set moves.
    let point = occurrence.map(|new| if is_before_end { turn.state.phase_from.0 } else { new.due.0 });
    let coming = point.map_or(Coming::Known, |point| known.progress.coming(point));
    let is_over = known.open.is_some_and(|open| open.until.is_some_and(|until| until <= wall));
    let missed = known.open.filter(|_| is_over || coming != Coming::Known);
    if missed.is_some() {
        known.open = None;
    }
    let mut fresh = None;
    if let (Coming::New(before), Some(new), Some(point)) = (coming, occurrence, point) {
        let before = before
            .filter(|_| !is_before_end)
            .and_then(|before| latest(item.when, anchor, Timestamp(before)))
            .map_or(0, |before| before.number);
        let skipped = if is_before_end { 0 } else { new.number.saturating_sub(before + 1) };
        known.progress.come(point, skipped);
        let due = if is_before_end { wall } else { new.due };
        // What nobody could acknowledge any more is missed as it comes.
        let is_late = new.until.is_some_and(|until| until <= wall);
        known.open = (!is_late).then_some(OpenReminder { due, until: new.until });
        fresh = Some((due, new.until, skipped, is_late));
    }
    if let Some(open) = missed {
        record(turn, item, open, 0, Answer::Missed);
    }
    if let Some((due, until, skipped, is_late)) = fresh {
        let answer = if is_late { Answer::Missed } else { Answer::Awaited };
        record(turn, item, OpenReminder { due, until }, skipped, answer);
    }
}

/// Whether a reminder still waits for somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Awaited,
    Missed,
}

fn record(turn: &mut Turn<'_>, item: &ScheduleItem, open: OpenReminder, skipped: u64, answer: Answer) {
    turn.record(Body::Reminder {
        what: item.title.clone(),
        item: item.key.clone(),
        due: open.due,
        owner: owner(turn.ruleset, item.owner),
        groups: item.groups.iter().map(|(key, _)| key.clone()).collect(),
        until: open.until,
        skipped,
        missed: answer == Answer::Missed,
        overdue: false,
    });
}

/// A phase begins: what nobody acknowledged in the one before is missed, and counting begins anew.
pub(super) fn enter(turn: &mut Turn<'_>) {
    let open = std::mem::take(&mut turn.state.agenda.reminders);
    if let Some(phase) = turn.phase() {
        for reminded in open {
            let item = phase.schedule.iter().find(|item| item.key == reminded.item);
            if let (Some(item), Some(open)) = (item, reminded.open) {
                record(turn, item, open, 0, Answer::Missed);
            }
        }
    }
    let agenda = &mut turn.state.agenda;
    agenda.overdue.clear();
    agenda.held = None;
    agenda.phase_wall = Some(turn.now.wall);
    agenda.first_step_wall = None;
}

/// Somebody has done what a reminder asked for.
pub(super) fn acknowledge(turn: &mut Turn<'_>, command: &Command, item: &Key) -> Result<(), String> {
    let known = turn.state.agenda.reminders.iter_mut().find(|known| known.item == *item);
    if let Some(open) = known.and_then(|known| known.open.take()) {
        turn.record(Body::Acknowledged { item: item.clone(), by: command.by.clone(), due: open.due });
        return Ok(());
    }
    let waiting = turn.state.agenda.reminders.iter().filter(|known| known.open.is_some());
    let waiting: Vec<&str> = waiting.map(|known| known.item.as_str()).collect();
    let waiting = if waiting.is_empty() { "none".to_owned() } else { waiting.join(", ") };
    Err(format!("no reminder of `{item}` waits to be acknowledged; of these one does: {waiting}"))
}
