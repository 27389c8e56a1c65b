//! The thread that ticks, in each process its own.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use rollgate::core::error::Error;
use rollgate::process::PerProcess;
use rollgate::{Engine, Ticker};

use crate::door::is_calling;

/// A ticker that may run. The thread of a parent is not in its child: the child has its own from its first call on that
/// records, reports or decides.
pub(crate) struct Ticking {
    is_on: AtomicBool,
    ticker: PerProcess<Option<Ticker>>,
}

impl Ticking {
    pub(crate) fn new() -> Self {
        Self { is_on: AtomicBool::new(false), ticker: PerProcess::new(None) }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Acquire)
    }

    /// Starts the thread, where there is none.
    pub(crate) fn start(&self, engine: &Engine) -> Result<(), Error> {
        self.is_on.store(true, Ordering::Release);
        self.go_on(engine)
    }

    /// Starts the thread of this process, where there should be one.
    pub(crate) fn go_on(&self, engine: &Engine) -> Result<(), Error> {
        let mut ticker = self.ticker.lock();
        if self.is_on() && ticker.is_none() {
            *ticker = Some(engine.spawn_ticker()?);
        }
        Ok(())
    }

    /// Ends the thread, and waits for the evaluation under way. From within a callback it does not wait: it may be the
    /// thread itself that calls.
    pub(crate) fn stop(&self, py: Python<'_>) {
        self.is_on.store(false, Ordering::Release);
        let Some(ticker) = self.ticker.lock().take() else { return };
        if is_calling() {
            // A thread that cannot be had leaves the ticker running; that is better than to wait for oneself.
            let _ = std::thread::Builder::new().spawn(move || drop(ticker));
        } else {
            // It may be in a callback, which needs the interpreter.
            py.detach(move || drop(ticker));
        }
    }
}
