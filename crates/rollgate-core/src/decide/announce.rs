//! Notices that the calendar owes: before the start, every day, every week (wall time, in the plan's zone).

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{ToSpan, ZonedDateTime};

use super::letter::{Letter, Source, of_calendar};
use super::told::{Instant, Told};
use super::{RolloutState, Status};
use crate::id::PhaseId;
use crate::snapshot::{NoticeWhen, Phase, Plan, Ruleset};
use crate::time::{Now, Span, Timestamp};
use crate::units::Share;

/// Whether a letter is written at its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Punctuality {
    /// Within the gap that counts as watched.
    OnTime,
    /// After it: the engine was not there.
    Late,
}

/// Minutes after midnight of the daily and weekly notices where the plan has no `daily.at`.
const MORNING: u16 = 9 * 60;

/// The planned first exposure: when the first phase that exposes anybody is planned to begin, the holds of its steps before
/// that one, and, where its calendar is closed then, when it opens. `None` without a date, and where nothing is ever exposed.
pub fn planned_exposure(plan: &Plan) -> Option<Timestamp> {
    let exposes = |shares: &[Share]| shares.iter().any(|share| *share > Share::ZERO);
    let first = |phase: &Phase| phase.steps.iter().position(|step| exposes(&step.shares));
    let (index, step) =
        plan.phases.iter().enumerate().find_map(|(index, phase)| Some((index, first(phase)?)))?;
    let holds = plan.phases.get(index)?.steps.iter().take(step).map(|step| step.hold);
    let at = holds.fold(plan.planned().get(index)?.starts?, |at, hold| at + hold);
    match plan.closed(PhaseId(index as u16), at) {
        Some(closed) => closed.until,
        None => Some(at),
    }
}

/// The letters that are due by the calendar, once each.
pub fn letters_due(ruleset: &Ruleset, state: &mut RolloutState, now: Now) -> Vec<Letter> {
    let Some(plan) = &ruleset.plan else { return Vec::new() };
    let mut letters = Vec::new();
    for notice in &plan.notices {
        let (due, period) = match notice.when {
            NoticeWhen::BeforeStart(span) => {
                let due = planned_exposure(plan).map(|exposure| exposure - span);
                (due.filter(|due| *due <= now.wall && !state.has_been_exposed), Span::ZERO)
            }
            NoticeWhen::Daily => (latest(ruleset, plan, now.wall, None), Span::days(1)),
            NoticeWhen::Weekly => (latest(ruleset, plan, now.wall, Some(Weekday::Monday)), Span::days(7)),
            _ => continue,
        };
        let Some(due) = due else { continue };
        let is_before_start = matches!(notice.when, NoticeWhen::BeforeStart(_));
        // A daily or weekly notice that is seen for the first time, or that a clock set back has come to, only learns
        // where the calendar stands.
        let is_owed = match state.outbox.calendar.iter_mut().find(|told| told.notice == notice.key) {
            Some(told) => match told.come(due, period) {
                Instant::Known => false,
                Instant::Next => is_before_start || is_under_way(state.status),
                Instant::SetBack => is_before_start,
            },
            None => {
                state.outbox.calendar.push(Told::new(notice.key.clone(), due));
                is_before_start
            }
        };
        if is_owed {
            let gap = ruleset.watched_gap();
            let punctuality = if now.wall.since(due) > gap { Punctuality::Late } else { Punctuality::OnTime };
            let name = format!("{}@{}", ruleset.name, due.0 / 1_000);
            let source = Source { name: &name, now };
            letters.push(of_calendar(ruleset, plan, state, notice, source, punctuality));
        }
    }
    letters
}

const fn is_under_way(status: Status) -> bool {
    !matches!(status, Status::Pending | Status::Completed)
}

/// The latest instant up to `wall` at the plan's time of day, on this weekday or any.
fn latest(ruleset: &Ruleset, plan: &Plan, wall: Timestamp, weekday: Option<Weekday>) -> Option<Timestamp> {
    let minute = plan.daily.at_minute.unwrap_or(MORNING);
    let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
    let here = zoned(ruleset, wall)?;
    let mut date = here.date();
    // At most a week and a day back: today's may lie ahead.
    for _ in 0..=8 {
        if weekday.is_none_or(|weekday| date.weekday() == weekday) {
            let at = here.time_zone().to_timestamp(date.at(hour, minute, 0, 0)).ok()?;
            let at = Timestamp(at.as_millisecond());
            if at <= wall {
                return Some(at);
            }
        }
        date = date.checked_sub(1.day()).ok()?;
    }
    None
}

fn zoned(ruleset: &Ruleset, at: Timestamp) -> Option<ZonedDateTime> {
    let zone = TimeZone::get(ruleset.timezone.as_str()).ok()?;
    Some(jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned_datetime(zone))
}

/// A day of the plan's zone.
pub(super) fn day(ruleset: &Ruleset, at: Option<Timestamp>) -> String {
    at.and_then(|at| zoned(ruleset, at)).map_or_else(String::new, |at| at.date().to_string())
}

/// A moment as people of the plan's zone write it: `2026-01-20 09:00 UTC`; empty where there is none.
pub fn moment(ruleset: &Ruleset, at: Option<Timestamp>) -> String {
    at.and_then(|at| zoned(ruleset, at))
        .map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M %Z").to_string())
}
