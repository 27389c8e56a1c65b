//! Where the runtime reads time: the system's clocks, or one that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

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
    // No lock: one that a thread holds while another forks is held for ever in the child.
    wall: Arc<AtomicI64>,
    monotonic: Arc<AtomicU64>,
}

impl ManualClock {
    /// A clock whose calendar says `wall`.
    pub fn at(wall: Timestamp) -> Self {
        Self { wall: Arc::new(AtomicI64::new(wall.0)), monotonic: Arc::default() }
    }

    /// Time passes.
    pub fn advance(&self, span: Span) {
        self.change_wall(|wall| wall + span);
        self.pass(span);
    }

    /// Time passes until the calendar says `wall`; an earlier one changes nothing.
    pub fn set(&self, wall: Timestamp) {
        let before = self.wall.fetch_max(wall.0, Ordering::AcqRel);
        self.pass(wall.since(Timestamp(before)));
    }

    /// Somebody sets the calendar; no time passes.
    pub fn jump_wall(&self, by_ms: i64) {
        self.change_wall(|wall| Timestamp(wall.0.saturating_add(by_ms)));
    }

    fn change_wall(&self, change: impl Fn(Timestamp) -> Timestamp) {
        let change = |wall| Some(change(Timestamp(wall)).0);
        let _ = self.wall.fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }

    fn pass(&self, span: Span) {
        let pass = |passed| Some((Span(passed) + span).0);
        let _ = self.monotonic.fetch_update(Ordering::AcqRel, Ordering::Acquire, pass);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.wall.load(Ordering::Acquire))
    }
    fn monotonic(&self) -> Span {
        Span(self.monotonic.load(Ordering::Acquire))
    }
}
