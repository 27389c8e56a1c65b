//! Threads that tick, for programs that have no loop of their own.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rollgate_core::error::{Error, ErrorKind};

use super::Engine;
use super::notices::Whose;
use crate::process::unpoisoned;

/// The longest wait between two looks at the clock: a wall or manual clock may be set while the thread waits.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Ticks an engine until it is dropped; dropping it waits for the evaluation under way.
///
/// Every sink of the engine has a thread of its own beside it: one that hangs holds up no evaluation, no other sink, and not
/// the end of the program either. What it had not taken by then is sent by the next process.
pub struct Ticker {
    stop: Arc<Signal>,
    evaluations: Option<JoinHandle<()>>,
}

/// Tells threads to stop.
#[derive(Default)]
struct Signal {
    state: Mutex<Stop>,
    wake: Condvar,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stop {
    #[default]
    No,
    Asked,
}

impl Signal {
    /// Waits for the signal, at most so long; what it says then.
    fn wait(&self, at_most: Duration) -> Stop {
        let state = unpoisoned(self.state.lock());
        if *state == Stop::Asked {
            return Stop::Asked;
        }
        *unpoisoned(self.wake.wait_timeout(state, at_most)).0
    }
}

impl Ticker {
    pub(super) fn spawn(engine: Engine) -> Result<Self, Error> {
        let stop = Arc::new(Signal::default());
        let mut ticker = Self { stop: stop.clone(), evaluations: None };
        // Neither is kept: each ends by itself once the host's code comes back, and nobody waits for code that does not.
        for sink in 0..engine.sinks() {
            aside("rollgate-notices", &engine, &stop, move |engine| engine.deliver(Whose::Of(sink)))?;
        }
        if engine.has_actor() {
            aside("rollgate-actions", &engine, &stop, Engine::act_on_due)?;
        }
        ticker.evaluations = Some(spawn("rollgate-ticker", move || {
            loop {
                engine.evaluate_due();
                // What was decided may be for the threads beside this one.
                stop.wake.notify_all();
                let wait = Duration::from_millis(engine.until_wakeup().0);
                let wait = wait.clamp(Duration::from_millis(1), engine.longest_wait(WAIT_MAX));
                if stop.wait(wait) == Stop::Asked {
                    return;
                }
            }
        })?);
        Ok(ticker)
    }
}

/// A thread for what may take its time: a backup of an hour must not keep triggers from being judged.
fn aside(
    name: &str,
    engine: &Engine,
    stop: &Arc<Signal>,
    what: impl Fn(&Engine) + Send + 'static,
) -> Result<(), Error> {
    let (engine, stop) = (engine.clone(), stop.clone());
    let run = move || {
        loop {
            what(&engine);
            if stop.wait(WAIT_MAX) == Stop::Asked {
                return;
            }
        }
    };
    spawn(name, run).map(drop)
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map_err(|error| Error::new(ErrorKind::Io, format_args!("no thread for the ticker: {error}")))
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *unpoisoned(self.stop.state.lock()) = Stop::Asked;
        self.stop.wake.notify_all();
        if let Some(thread) = self.evaluations.take() {
            // A listener that panicked has already told so; there is nothing to add here.
            let _ = thread.join();
        }
    }
}
