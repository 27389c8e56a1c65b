//! What people are reminded of, and by when they must have done it.

use std::fmt;

use crate::id::{Key, RoleId};
use crate::time::{Span, Timestamp};

/// By when an item of a checklist is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// As it is written.
    pub written: String,
    /// What it means.
    pub at: DueAt,
}

impl fmt::Display for Due {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            DueAt::Day(_) => f.write_str(&self.written),
            DueAt::BeforeEnd(_) => write!(f, "{} before the phase ends", self.written),
        }
    }
}

/// What a due date means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueAt {
    /// By the end of a day; this is the first instant after it.
    Day(Timestamp),
    /// So long before the phase may end.
    BeforeEnd(Span),
}

/// When a person is reminded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// On one day of the phase; the day on which it begins is the first. Minutes are counted from midnight.
    Day {
        /// From 1.
        day: u16,
        /// When.
        at: u16,
        /// By when it must have been acknowledged.
        until: Option<u16>,
    },
    /// On every day of the phase.
    Daily {
        /// When.
        at: u16,
        /// By when it must have been acknowledged.
        until: Option<u16>,
    },
    /// On one day of every week of the phase.
    Weekly {
        /// 0 is Monday.
        weekday: u8,
        /// When.
        at: u16,
        /// By when it must have been acknowledged.
        until: Option<u16>,
    },
    /// Again and again, counted from the phase's first step (from its start, where it has none).
    Every {
        /// How often.
        every: Span,
        /// How long so; `None`: until the phase ends.
        lasts: Option<Span>,
        /// How often after that; `None`: not any more.
        then_every: Option<Span>,
    },
    /// At the phase's first step, to be acknowledged so long after it.
    Within(Span),
    /// So long before the phase may end.
    BeforeEnd(Span),
}

/// One item of a phase's schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleItem {
    /// Its key.
    pub key: Key,
    /// What is to be done; the key where no title is written.
    pub title: String,
    /// Who does it.
    pub owner: Option<RoleId>,
    /// Its parts, where it has some: a name, and what belongs to it.
    pub groups: Vec<(Key, Vec<String>)>,
    /// When.
    pub when: When,
}
