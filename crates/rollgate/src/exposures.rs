//! Counted exposures: how often each side of each flag was served, where the program asks for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

use crate::threads::{PerThread, add};

/// How often a flag was on, and how often it was off, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposures {
    /// Calls that were answered with `on`.
    pub on: u64,
    /// Calls that were answered with `off`, whatever the reason.
    pub off: u64,
}

/// Flags whose counters lie on one line.
const LINE: usize = 4;

/// Off and on of some flags; aligned, so that two threads' counters share no line.
#[derive(Default)]
#[repr(align(64))]
struct Line([[AtomicU64; 2]; LINE]);

/// The counters of all flags, one set a thread.
pub(crate) struct Counters {
    flags: usize,
    threads: PerThread<Box<[Line]>>,
    /// What an ancestor of this process had counted, by flag.
    before: ArcSwapOption<Vec<Exposures>>,
}

impl Counters {
    pub(crate) fn new(flags: usize) -> Self {
        Self { flags, threads: PerThread::new(), before: ArcSwapOption::empty() }
    }

    /// Counts one answer of a flag.
    #[inline]
    pub(crate) fn count(&self, flag: usize, is_on: bool) {
        match self.threads.own() {
            Some(lines) => count(lines, flag, is_on),
            None => self.threads.find(|| self.lines(), |lines| count(lines, flag, is_on)),
        }
    }

    fn lines(&self) -> Box<[Line]> {
        (0..self.flags.div_ceil(LINE)).map(|_| Line::default()).collect()
    }

    /// Counts from zero again: what has been counted so far was another process.
    pub(crate) fn restart(&self) {
        let before = (0..self.flags).map(|flag| self.sum(flag)).collect();
        self.before.store(Some(Arc::new(before)));
    }

    /// What all threads counted.
    pub(crate) fn of(&self, flag: usize) -> Exposures {
        let sum = self.sum(flag);
        let before = self.before.load().as_ref().and_then(|before| before.get(flag).copied());
        let before = before.unwrap_or_default();
        Exposures { on: sum.on.wrapping_sub(before.on), off: sum.off.wrapping_sub(before.off) }
    }

    fn sum(&self, flag: usize) -> Exposures {
        let lines = self.threads.iter().filter_map(|(_, lines)| lines.get(flag / LINE));
        lines.fold(Exposures::default(), |sum, line| {
            let [off, on] = &line.0[flag % LINE];
            Exposures { on: sum.on + on.load(Ordering::Acquire), off: sum.off + off.load(Ordering::Acquire) }
        })
    }
}

#[inline]
fn count(lines: &[Line], flag: usize, is_on: bool) {
    if let Some(line) = lines.get(flag / LINE) {
        add(&line.0[flag % LINE][usize::from(is_on)], 1);
    }
}
