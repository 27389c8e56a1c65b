//! A thread that ticks, for programs that have no loop of their own.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use rollgate_core::error::{Error, ErrorKind};

use super::Engine;

/// The longest wait between two looks at the clock: a wall or manual clock may be set while the thread waits.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Ticks an engine until it is dropped; dropping it waits for the tick under way.
pub struct Ticker {
    stop: Arc<(Mutex<Stop>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(PartialEq, Eq)]
enum Stop {
    No,
    Asked,
}

impl Ticker {
    pub(super) fn spawn(engine: Engine) -> Result<Self, Error> {
        let stop = Arc::new((Mutex::new(Stop::No), Condvar::new()));
        let asked = stop.clone();
        let run = move || {
            let (state, wake) = &*asked;
            loop {
                engine.tick();
                let wait =
                    Duration::from_millis(engine.until_wakeup().0).clamp(Duration::from_millis(1), WAIT_MAX);
                let mut state = state.lock();
                if *state == Stop::Asked {
                    return;
                }
                wake.wait_for(&mut state, wait);
                if *state == Stop::Asked {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("rollgate-ticker".into())
            .spawn(run)
            .map_err(|error| Error::new(ErrorKind::Io, format_args!("no thread for the ticker: {error}")))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self.stop.0.lock() = Stop::Asked;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take() {
            // A listener that panicked has already told so; there is nothing to add here.
            let _ = thread.join();
        }
    }
}
