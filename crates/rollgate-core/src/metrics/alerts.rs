//! Alerts: which are open, when they were opened, and when one was last open.

use std::collections::BTreeMap;

use super::Clip;
use super::codec::{Damage, Out, Reader};
use super::times::Times;
use super::watch::Feed;
use crate::limits::{ALERTS_MAX, EVENT_TIMES_MAX};
use crate::snapshot::Severity;
use crate::time::{Span, Timestamp};

/// What opening an alert came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is open now.
    New,
    /// An alert of this id is open already, as bad or worse; it counts once.
    AlreadyOpen,
    /// There is no room: it was counted, and nobody knows when it is closed.
    Dropped,
}

/// The alerts of one severity, each severity with its own room: a flood of harmless ones must not hide a critical one.
#[derive(Clone, Debug)]
struct Shelf {
    /// Every opening.
    openings: Times,
    /// The open ones, and since when.
    open: BTreeMap<Box<str>, Timestamp>,
    /// Open ones that there was no room for.
    untracked: u64,
    last_closed: Option<Timestamp>,
}

impl Shelf {
    fn new() -> Self {
        Self { openings: Times::new(), open: BTreeMap::new(), untracked: 0, last_closed: None }
    }

    fn write(&self, out: &mut Out) {
        self.openings.write(out);
        out.whole(self.untracked);
        out.time_or_none(self.last_closed);
        out.size(self.open.len());
        for (id, at) in &self.open {
            out.text(id);
            out.time(*at);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let mut shelf = Self::new();
        shelf.openings = Times::read(reader)?;
        shelf.untracked = reader.whole_up_to(u64::MAX >> 1)?;
        shelf.last_closed = reader.time_or_none()?;
        for _ in 0..reader.size(ALERTS_MAX)? {
            let (id, at) = (reader.text()?, reader.time()?);
            let is_new = shelf.open.insert(id.into(), at).is_none();
            reader.require(is_new, "an alert that is open twice")?;
        }
        Ok(shelf)
    }

    fn close(&mut self, id: &str, at: Timestamp) -> bool {
        let is_closed = self.open.remove(id).is_some();
        if is_closed {
            self.last_closed = self.last_closed.max(Some(at));
        }
        is_closed
    }
}

/// All alerts.
#[derive(Clone, Debug)]
pub(super) struct Alerts {
    /// By severity, the worst last.
    shelves: [Shelf; 3],
    pub(super) feed: Feed,
}

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

impl Alerts {
    pub(super) fn new(opened: Timestamp) -> Self {
        Self { shelves: [Shelf::new(), Shelf::new(), Shelf::new()], feed: Feed::new(opened, None) }
    }

    fn shelf(&self, severity: Severity) -> &Shelf {
        &self.shelves[severity as usize]
    }

    pub(super) fn write(&self, out: &mut Out) {
        self.shelves.iter().for_each(|shelf| shelf.write(out));
        self.feed.write(out);
    }

    /// Reads into new alerts.
    pub(super) fn read(&mut self, reader: &mut Reader<'_>) -> Result<(), Damage> {
        for shelf in &mut self.shelves {
            *shelf = Shelf::read(reader)?;
        }
        self.feed.read(reader)
    }

    /// An id that is open counts once; one that got worse is opened anew at its new severity.
    pub(super) fn open(&mut self, severity: Severity, id: &str, at: Timestamp) -> Opened {
        self.open_by(severity, id, at, Times::add)
    }

    /// As [`open`](Self::open), before a mark.
    pub(super) fn open_before(&mut self, severity: Severity, id: &str, mark: Timestamp) -> Opened {
        self.open_by(severity, id, mark, Times::add_before)
    }

    fn open_by(
        &mut self,
        severity: Severity,
        id: &str,
        at: Timestamp,
        count: fn(&mut Times, u64, Timestamp),
    ) -> Opened {
        let (milder, worse) = self.shelves.split_at_mut(severity as usize);
        if worse.iter().any(|shelf| shelf.open.contains_key(id)) {
            return Opened::AlreadyOpen;
        }
        milder.iter_mut().for_each(|shelf| {
            shelf.close(id, at);
        });
        let Some(shelf) = worse.first_mut() else { return Opened::Dropped };
        count(&mut shelf.openings, 1, at);
        if shelf.open.len() >= ALERTS_MAX {
            shelf.untracked += 1;
            return Opened::Dropped;
        }
        shelf.open.insert(id.into(), at);
        Opened::New
    }

    pub(super) fn close(&mut self, id: &str, at: Timestamp) -> Option<Severity> {
        let closed = SEVERITIES.into_iter().find(|severity| self.shelves[*severity as usize].close(id, at));
        if closed.is_none()
            && let Some(shelf) = self.shelves.iter_mut().find(|shelf| shelf.untracked > 0)
        {
            // It can only be one of those that there was no room for.
            shelf.untracked -= 1;
            shelf.last_closed = shelf.last_closed.max(Some(at));
        }
        closed
    }

    pub(super) fn mark(&mut self, at: Timestamp) {
        self.shelves.iter_mut().for_each(|shelf| shelf.openings.mark(at));
    }

    pub(super) fn forget(&mut self, before: Timestamp) {
        self.shelves.iter_mut().for_each(|shelf| shelf.openings.forget(before));
        self.feed.gaps.forget(before);
    }

    pub(super) fn count(&self, severity: Severity, within: Span, clip: Clip, now: Timestamp) -> u64 {
        let from = (now - within).max(clip.from);
        // Where the times do not reach back so far, there are at least as many as are kept.
        self.shelf(severity).openings.since(from, clip.from).unwrap_or(EVENT_TIMES_MAX as u64)
    }

    pub(super) fn last_open(&self, severity: Severity, now: Timestamp) -> Option<Timestamp> {
        let shelf = self.shelf(severity);
        let is_open = !shelf.open.is_empty() || shelf.untracked > 0;
        if is_open { Some(now) } else { shelf.last_closed }
    }

    pub(super) fn open_since(&self, severity: Severity) -> Option<Timestamp> {
        self.shelf(severity).open.values().min().copied()
    }

    /// How many are open.
    pub(super) fn open_now(&self, severity: Severity) -> u64 {
        let shelf = self.shelf(severity);
        shelf.open.len() as u64 + shelf.untracked
    }

    pub(super) fn bytes(&self) -> usize {
        let each = size_of::<(Box<str>, Timestamp)>();
        let shelf = |shelf: &Shelf| {
            shelf.openings.bytes() + shelf.open.keys().map(|id| id.len() + each).sum::<usize>()
        };
        self.shelves.iter().map(shelf).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Clip = Clip { from: Timestamp::MIN, phase: Timestamp::MIN };

    fn at(seconds: i64) -> Timestamp {
        Timestamp(seconds * 1_000)
    }

    fn count(alerts: &Alerts, severity: Severity) -> u64 {
        alerts.count(severity, Span::hours(1), ALL, at(3_000))
    }

    #[test]
    fn an_open_id_counts_once_and_counts_again_when_it_gets_worse() {
        let mut alerts = Alerts::new(at(0));
        assert_eq!(alerts.open(Severity::Warning, "a", at(1)), Opened::New);
        assert_eq!(alerts.open(Severity::Warning, "a", at(2)), Opened::AlreadyOpen);
        assert_eq!(alerts.open(Severity::Critical, "a", at(3)), Opened::New);
        assert_eq!(alerts.open(Severity::Warning, "a", at(4)), Opened::AlreadyOpen);
        assert_eq!(count(&alerts, Severity::Warning), 1);
        assert_eq!(count(&alerts, Severity::Critical), 1);
        assert_eq!(alerts.open_since(Severity::Warning), None);
        assert_eq!(alerts.open_since(Severity::Critical), Some(at(3)));
        assert_eq!(alerts.close("a", at(5)), Some(Severity::Critical));
        assert_eq!(alerts.close("a", at(6)), None);
        assert_eq!(alerts.last_open(Severity::Critical, at(9)), Some(at(5)));
        assert_eq!(alerts.open(Severity::Critical, "a", at(7)), Opened::New);
        assert_eq!(count(&alerts, Severity::Critical), 2);
    }

    #[test]
    fn a_flood_of_harmless_alerts_hides_no_critical_one() {
        let mut alerts = Alerts::new(at(0));
        for index in 0..2 * ALERTS_MAX {
            alerts.open(Severity::Info, &index.to_string(), at(1));
        }
        let bytes = alerts.bytes();
        assert_eq!(alerts.open(Severity::Critical, "real", at(2)), Opened::New);
        assert_eq!(count(&alerts, Severity::Critical), 1);
        assert!(alerts.bytes() < bytes + 1_000);
    }

    #[test]
    fn an_alert_without_room_counts_and_keeps_its_severity_from_being_quiet() {
        let mut alerts = Alerts::new(at(0));
        for index in 0..ALERTS_MAX {
            alerts.open(Severity::Critical, &index.to_string(), at(1));
        }
        assert_eq!(alerts.open(Severity::Critical, "one more", at(2)), Opened::Dropped);
        assert_eq!(count(&alerts, Severity::Critical), ALERTS_MAX as u64 + 1);
        for index in 0..ALERTS_MAX {
            alerts.close(&index.to_string(), at(3));
        }
        assert_eq!(alerts.last_open(Severity::Critical, at(9)), Some(at(9)));
        alerts.close("one more", at(10));
        assert_eq!(alerts.last_open(Severity::Critical, at(99)), Some(at(10)));
    }
}
