//! How long the engine has watched, as a person with a stopwatch would say.

use rollgate::core::time::{Span, Timestamp};

/// Intervals of observed time that were watched, and those that were paused.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The last evaluation.
    pub(super) last: Timestamp,
    /// A gap between evaluations up to this is watched.
    longest: Span,
    watched: Vec<(Timestamp, Timestamp)>,
    paused: Vec<(Timestamp, Timestamp)>,
    paused_since: Option<Timestamp>,
    /// The last command or recording: the process was there.
    touched: Timestamp,
}

impl Watch {
    pub(super) fn new(opened: Timestamp, longest: Span) -> Self {
        Self { last: opened, longest, ..Self::default() }
    }

    /// An evaluation.
    pub(super) fn evaluated(&mut self, at: Timestamp) {
        if at.since(self.last) <= self.longest {
            match self.watched.last_mut() {
                Some(last) if last.1 == self.last => last.1 = at,
                _ => self.watched.push((self.last, at)),
            }
        }
        self.last = at;
    }

    /// The process did something between two evaluations: up to here it has watched, unless the gap gets too long.
    pub(super) fn touched(&mut self, at: Timestamp) {
        if at.since(self.last) <= self.longest {
            self.touched = at;
        }
    }

    /// A process that came back: what lies between its last sign of life and now was not watched. A store that was away
    /// gives the state of when it went, and what had been watched by then.
    pub(super) fn reopened(&mut self, at: Timestamp, stored: Option<Self>) {
        self.end();
        if let Some(mut stored) = stored {
            stored.end();
            let last = stored.watched.last().copied();
            let is_known = |(from, _): &(Timestamp, Timestamp)| {
                self.watched.iter().any(|(start, end)| start <= from && from < end)
            };
            self.watched.extend(last.filter(|last| !is_known(last)));
        }
        self.last = at;
    }

    fn end(&mut self) {
        if self.touched > self.last {
            self.watched.push((self.last, self.touched));
        }
    }

    pub(super) fn pause(&mut self, at: Timestamp) {
        self.paused_since.get_or_insert(at);
    }

    pub(super) fn run(&mut self, at: Timestamp) {
        if let Some(since) = self.paused_since.take() {
            self.paused.push((since, at));
        }
    }

    /// Watched time in [from, to].
    pub(super) fn watched(&self, from: Timestamp, to: Timestamp) -> Span {
        let tail = (to.since(self.last) <= self.longest).then_some((self.last, to));
        sum(self.watched.iter().copied().chain(tail), from, to)
    }

    /// Watched time in [from, to] that was not paused.
    pub(super) fn running(&self, from: Timestamp, to: Timestamp) -> Span {
        let mut paused = Span::ZERO;
        let open = self.paused_since.map(|since| (since, to));
        for (start, end) in self.paused.iter().copied().chain(open) {
            let (start, end) = (start.max(from), end.min(to));
            if start < end {
                paused = paused + self.watched(start, end);
            }
        }
        self.watched(from, to) - paused
    }
}

fn sum(spans: impl Iterator<Item = (Timestamp, Timestamp)>, from: Timestamp, to: Timestamp) -> Span {
    spans.fold(Span::ZERO, |sum, (start, end)| sum + end.min(to).since(start.max(from)))
}
