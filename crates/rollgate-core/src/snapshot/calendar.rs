//! When nothing may rise: freezes and deployment windows; and when phases are planned to begin and end.

use std::fmt;

use crate::id::PhaseId;
use crate::snapshot::{Phase, Plan};
use crate::time::{Day, Span, Timestamp, Zone};

/// A span of the calendar in which nothing rises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it; `None`: it lasts until the plan is changed.
    pub to: Option<Timestamp>,
    /// Why.
    pub reason: String,
}

/// The days and hours outside which nothing rises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentWindow {
    /// The days on which it opens, from Monday on.
    pub days: [bool; 7],
    /// When it opens, in minutes after midnight.
    pub from_minute: u16,
    /// When it closes; not after `from_minute`: on the next day.
    pub to_minute: u16,
}

/// The days of a week, as plans write them.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `mon, tue 09:00-12:00`.
impl fmt::Display for DeploymentWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> =
            WEEKDAYS.iter().zip(self.days).filter(|(_, is_in)| *is_in).map(|(day, _)| *day).collect();
        let days = if days.len() == WEEKDAYS.len() { "daily".to_owned() } else { days.join(", ") };
        let time = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        write!(f, "{days} {}-{}", time(self.from_minute), time(self.to_minute))
    }
}

/// The plan's zone and its freezes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The zone of every calendar item.
    pub zone: Zone,
    /// They may overlap.
    pub freezes: Vec<Freeze>,
}

/// Why nothing may rise, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The first instant at which something may rise again; `None`: never, under this plan.
    pub until: Option<Timestamp>,
    /// In words.
    pub reason: String,
}

/// What a closed calendar waits for next.
enum Next {
    Open,
    At(Timestamp),
    Never,
}

impl DeploymentWindow {
    fn opens(&self, zone: &Zone, day: Day) -> Option<(Timestamp, Timestamp)> {
        if !self.days.get(day.weekday()).copied().unwrap_or(false) {
            return None;
        }
        let next = if self.to_minute > self.from_minute { 0 } else { 1 };
        let (from, to) = (zone.instant(day, self.from_minute), zone.instant(day.plus(next), self.to_minute));
        // Where the clocks leave it out, it does not open that day.
        (from < to).then_some((from, to))
    }

    fn next(&self, zone: &Zone, at: Timestamp) -> Next {
        let today = zone.day_of(at);
        // Two weeks: a day that the zone leaves out cannot hide the only day of a week twice.
        for day in (-1..15).map(|more| today.plus(more)) {
            match self.opens(zone, day) {
                Some((from, to)) if from <= at && at < to => return Next::Open,
                Some((from, _)) if from > at => return Next::At(from),
                _ => {}
            }
        }
        Next::Never
    }
}

impl Calendar {
    /// Why nothing may rise at `at`; `None` where it may.
    pub fn closed(&self, window: Option<&DeploymentWindow>, at: Timestamp) -> Option<Closed> {
        let reason = match (self.freeze_at(at), window.map(|window| (window, window.next(&self.zone, at)))) {
            (Some(freeze), _) if freeze.reason.is_empty() => "a freeze".to_owned(),
            (Some(freeze), _) => format!("a freeze: {}", freeze.reason),
            (None, Some((window, Next::At(_) | Next::Never))) => {
                format!("outside the deployment window ({window} {})", self.zone.name())
            }
            (None, _) => return None,
        };
        let mut until = at;
        // Every turn ends a freeze for good, or goes from the end of one to the next window.
        for _ in 0..=2 * self.freezes.len() + 1 {
            if let Some(freeze) = self.freeze_at(until) {
                let Some(to) = freeze.to else { return Some(Closed { until: None, reason }) };
                until = to;
                continue;
            }
            match window.map_or(Next::Open, |window| window.next(&self.zone, until)) {
                Next::Open => return Some(Closed { until: Some(until), reason }),
                Next::At(opens) => until = opens,
                Next::Never => break,
            }
        }
        Some(Closed { until: None, reason })
    }

    /// The freeze that lasts longest of those at `at`.
    fn freeze_at(&self, at: Timestamp) -> Option<&Freeze> {
        let is_in = |freeze: &&Freeze| freeze.from <= at && freeze.to.is_none_or(|to| at < to);
        self.freezes.iter().filter(is_in).max_by_key(|freeze| freeze.to.unwrap_or(Timestamp(i64::MAX)))
    }

    /// The end of a closed calendar in words: `2026-01-05 09:00 Europe/Berlin`.
    pub fn opens(&self, closed: &Closed) -> String {
        match closed.until {
            Some(until) => format!("it opens {}", self.zone.show(until)),
            None => "it opens only once the plan is changed".into(),
        }
    }
}

/// When a phase is planned to begin and to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// `None` without a `date` in the plan.
    pub starts: Option<Timestamp>,
    /// `None` without a `date`, and for an open phase.
    pub ends: Option<Timestamp>,
}

impl Phase {
    /// The least time from its start to its end: its duration, or its steps' holds and the last one's soak.
    /// `None`: it is open.
    pub fn length(&self) -> Option<Span> {
        let last = self.steps.len().saturating_sub(1);
        let steps =
            self.steps.iter().enumerate().fold(Span::ZERO, |sum, (index, step)| {
                sum + if index == last { step.soak } else { step.hold }
            });
        self.duration.map(|duration| duration.max(steps))
    }
}

impl Plan {
    /// Why a phase may not raise anything at `at`; `None` where it may.
    pub fn closed(&self, phase: PhaseId, at: Timestamp) -> Option<Closed> {
        let window = self.phases.get(phase.index()).and_then(|phase| phase.window.as_ref());
        self.calendar.closed(window, at)
    }

    /// When each phase is planned to begin and to end: the first one begins on the plan's `date`.
    pub fn planned(&self) -> Vec<Planned> {
        let mut at = self.date;
        let plan = |phase: &Phase| {
            let starts = at;
            at = at.zip(phase.length()).map(|(at, length)| at + length);
            Planned { starts, ends: at }
        };
        self.phases.iter().map(plan).collect()
    }

    /// How long all phases that end take, if nothing has to wait.
    pub fn planned_total(&self) -> Span {
        self.phases.iter().filter_map(Phase::length).fold(Span::ZERO, |sum, more| sum + more)
    }
}
