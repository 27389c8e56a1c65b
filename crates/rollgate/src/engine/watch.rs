//! Observed time: it runs as the monotonic clock does, from where an earlier process or another node left it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use rollgate_core::time::{Now, Span, Timestamp};

use crate::clock::Clock;

/// The two times of an engine. Clones are one watch.
#[derive(Clone)]
pub(super) struct Watch {
    clock: Arc<dyn Clock>,
    /// Observed time at the zero of the monotonic clock.
    base: Arc<AtomicI64>,
}

impl Watch {
    /// Observed time begins as the calendar's.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let watch = Self { clock, base: Arc::default() };
        watch.set(watch.clock.wall());
        watch
    }

    fn monotonic(&self) -> i64 {
        i64::try_from(self.clock.monotonic().0).unwrap_or(i64::MAX)
    }

    pub(super) fn now(&self) -> Now {
        let observed = self.base.load(Ordering::Acquire).saturating_add(self.monotonic());
        Now { wall: self.clock.wall(), observed: Timestamp(observed) }
    }

    /// It is this time now: where an engine begins.
    pub(super) fn set(&self, observed: Timestamp) {
        self.base.store(observed.0.saturating_sub(self.monotonic()), Ordering::Release);
    }

    /// Goes ahead to this time, where it is later; how far that was.
    pub(super) fn go_to(&self, observed: Timestamp) -> Span {
        let base = observed.0.saturating_sub(self.monotonic());
        let before = self.base.fetch_max(base, Ordering::AcqRel);
        Span(base.saturating_sub(before).max(0).unsigned_abs())
    }

    /// The calendar's time at the zero of the monotonic clock: it changes where somebody sets the calendar.
    pub(super) fn offset(&self) -> i64 {
        self.clock.wall().0.saturating_sub(self.monotonic())
    }
}
