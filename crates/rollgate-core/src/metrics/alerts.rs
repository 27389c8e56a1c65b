//! Alerts: open ones, and when the closed ones were open.

use std::collections::VecDeque;

use super::Clip;
use super::watch::Feed;
use crate::limits::ALERTS_MAX;
use crate::snapshot::Severity;
use crate::time::{Span, Timestamp};

/// What opening an alert came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is open now.
    New,
    /// An alert of this id is open already; it counts once.
    AlreadyOpen,
    /// There is no room; it was counted as dropped.
    Dropped,
}

#[derive(Clone, Debug)]
struct Alert {
    severity: Severity,
    id: Box<str>,
    opened: Timestamp,
    closed: Option<Timestamp>,
}

/// All alerts that a window may ask for, in the order they were opened.
#[derive(Clone, Debug)]
pub(super) struct Alerts {
    alerts: VecDeque<Alert>,
    pub(super) feed: Feed,
}

impl Alerts {
    pub(super) fn new(opened: Timestamp) -> Self {
        Self { alerts: VecDeque::new(), feed: Feed::new(opened, None) }
    }

    pub(super) fn open(&mut self, severity: Severity, id: &str, at: Timestamp) -> Opened {
        if self.alerts.iter().any(|alert| alert.closed.is_none() && *alert.id == *id) {
            return Opened::AlreadyOpen;
        }
        if self.alerts.len() >= ALERTS_MAX {
            // Open alerts are never forgotten; of the closed ones the oldest makes room.
            match self.alerts.iter().position(|alert| alert.closed.is_some()) {
                Some(closed) => drop(self.alerts.remove(closed)),
                None => return Opened::Dropped,
            }
        }
        self.alerts.push_back(Alert { severity, id: id.into(), opened: at, closed: None });
        Opened::New
    }

    pub(super) fn close(&mut self, id: &str, at: Timestamp) -> Option<Severity> {
        let alert = self.alerts.iter_mut().find(|alert| alert.closed.is_none() && *alert.id == *id)?;
        alert.closed = Some(at);
        Some(alert.severity)
    }

    /// A window that begins here does not count what was opened before, in the same millisecond too.
    pub(super) fn mark(&mut self, at: Timestamp) {
        let before = Timestamp(at.0.saturating_sub(1));
        for alert in self.alerts.iter_mut().rev().take_while(|alert| alert.opened >= at) {
            alert.opened = before;
        }
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        while self.alerts.front().is_some_and(|alert| alert.closed.is_some_and(|closed| closed < before)) {
            self.alerts.pop_front();
        }
    }

    fn of(&self, severity: Severity) -> impl DoubleEndedIterator<Item = &Alert> {
        self.alerts.iter().filter(move |alert| alert.severity == severity)
    }

    pub(super) fn count(&self, severity: Severity, within: Span, clip: Clip, now: Timestamp) -> u64 {
        let from = (now - within).max(clip.from);
        self.of(severity).filter(|alert| alert.opened >= from).count() as u64
    }

    pub(super) fn last_open(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        self.of(severity).map(|alert| alert.closed.unwrap_or(now)).max()
    }

    pub(super) fn open_since(&self, severity: Severity) -> Option<Timestamp> {
        self.of(severity).filter(|alert| alert.closed.is_none()).map(|alert| alert.opened).min()
    }

    pub(super) fn bytes(&self) -> usize {
        self.alerts.capacity() * size_of::<Alert>()
            + self.alerts.iter().map(|alert| alert.id.len()).sum::<usize>()
    }
}
