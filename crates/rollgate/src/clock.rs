//! Where the runtime reads time: the system's clocks, or one that a test sets.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use rollgate_core::time::{Span, Timestamp};

/// Two clocks in one: what the calendar says, and how much time has passed.
pub trait Clock: Send + Sync {
    /// The calendar's time. It may jump.
    fn wall(&self) -> Timestamp;
    /// Time since some fixed moment. It never jumps and never runs backwards.
    fn monotonic(&self) -> Span;
}

/// The system's clocks.
///
/// The monotonic one stands still while the machine is suspended (on Linux), so a suspend looks like a jump of the wall
/// clock: it is journalled, and no wait gets shorter.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// The clocks, counted from now.
    pub fn new() -> Self {
        Self { origin: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
    }
    fn monotonic(&self) -> Span {
        Span(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is moved. Clones are one clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    times: Arc<Mutex<(Timestamp, Span)>>,
}

impl ManualClock {
    /// A clock whose calendar says `wall`.
    pub fn at(wall: Timestamp) -> Self {
        Self { times: Arc::new(Mutex::new((wall, Span::ZERO))) }
    }

    /// Time passes.
    pub fn advance(&self, span: Span) {
        let mut times = self.times.lock();
        *times = (times.0 + span, times.1 + span);
    }

    /// Time passes until the calendar says `wall`; an earlier one changes nothing.
    pub fn set(&self, wall: Timestamp) {
        let mut times = self.times.lock();
        let span = wall.since(times.0);
        *times = (times.0 + span, times.1 + span);
    }

    /// Somebody sets the calendar; no time passes.
    pub fn jump_wall(&self, by_ms: i64) {
        let mut times = self.times.lock();
        times.0 = Timestamp(times.0.0.saturating_add(by_ms));
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        self.times.lock().0
    }
    fn monotonic(&self) -> Span {
        self.times.lock().1
    }
}
