//! What the objects of one engine share: the engine, its ticker and its callbacks.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use pyo3::prelude::*;
use rollgate::clock::ManualClock;
use rollgate::process;
use rollgate::{Engine, EngineBuilder};

use crate::errors::{invalid, raise};
use crate::json::text_to_python;
use crate::memory::watch_forks;
use crate::ticking::Ticking;

/// A function that hears records.
pub(crate) struct Callback {
    /// The kind it asked for; `None`: all.
    kind: Option<String>,
    pub(crate) function: Py<PyAny>,
}

/// Read without a lock; see [`process`].
pub(crate) type Callbacks = Arc<ArcSwap<Vec<Arc<Callback>>>>;

thread_local! {
    /// Whether this thread is inside a callback: it must not wait for itself.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn is_calling() -> bool {
    IS_CALLING.get()
}

/// One engine.
pub(crate) struct Door {
    pub(crate) engine: Engine,
    /// The clock, where a test moves it.
    pub(crate) clock: Option<ManualClock>,
    pub(crate) callbacks: Callbacks,
    pub(crate) ticking: Ticking,
    /// The process that this engine has settled in.
    settled: AtomicUsize,
    is_closed: AtomicBool,
}

impl Door {
    pub(crate) fn open(builder: EngineBuilder, clock: Option<ManualClock>) -> PyResult<Self> {
        watch_forks();
        let callbacks = Callbacks::default();
        let hear = callbacks.clone();
        let builder = builder.on_record(move |line| tell(&hear, line));
        let builder = match &clock {
            Some(clock) => builder.clock(clock.clone()),
            None => builder,
        };
        let engine = builder.build().map_err(|error| raise(&error))?;
        Ok(Self {
            engine,
            clock,
            callbacks,
            ticking: Ticking::new(),
            settled: AtomicUsize::new(process::forks()),
            is_closed: AtomicBool::new(false),
        })
    }

    /// In the child of a fork: the engine is made anew before anything is recorded, and ticks again where it did.
    #[inline]
    pub(crate) fn settle(&self) {
        let forks = process::forks();
        if self.settled.load(Ordering::Relaxed) != forks {
            self.settle_in_child(forks);
        }
    }

    #[cold]
    fn settle_in_child(&self, forks: usize) {
        self.engine.after_fork();
        self.settled.store(forks, Ordering::Relaxed);
        // Without a thread the child is as one that was never started.
        let _ = self.ticking.go_on(&self.engine);
    }

    /// The engine, for everything but reading and recording.
    pub(crate) fn open_engine(&self) -> PyResult<&Engine> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(invalid("the engine is closed"));
        }
        self.settle();
        Ok(&self.engine)
    }

    /// Runs what may take its time, or calls back, without the interpreter's lock.
    pub(crate) fn detached<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&Engine) -> T + Send,
    ) -> PyResult<T> {
        let engine = self.open_engine()?;
        Ok(py.detach(|| act(engine)))
    }

    pub(crate) fn listen(&self, kind: Option<String>, function: Py<PyAny>) {
        let callback = Arc::new(Callback { kind, function });
        self.callbacks.rcu(|known| {
            let mut more = Vec::clone(known);
            more.push(callback.clone());
            more
        });
    }

    pub(crate) fn close(&self, py: Python<'_>) {
        self.is_closed.store(true, Ordering::Release);
        self.ticking.stop(py);
        let engine = &self.engine;
        py.detach(|| engine.leave());
        self.callbacks.store(Arc::default());
    }
}

/// Calls the functions that asked for a record. What they raise goes to `sys.unraisablehook`, and nowhere else.
fn tell(callbacks: &Callbacks, line: &str) {
    let callbacks = callbacks.load_full();
    if callbacks.is_empty() {
        return;
    }
    // An interpreter that is ending hears nothing more.
    Python::try_attach(|py| {
        let was_calling = IS_CALLING.replace(true);
        for callback in &*callbacks {
            if let Err(error) = call(py, callback, line) {
                error.write_unraisable(py, Some(callback.function.bind(py)));
            }
        }
        IS_CALLING.set(was_calling);
    });
}

fn call(py: Python<'_>, callback: &Callback, line: &str) -> PyResult<()> {
    let record = text_to_python(py, line)?;
    if let Some(kind) = &callback.kind
        && !record.get_item("kind")?.eq(kind)?
    {
        return Ok(());
    }
    callback.function.call1(py, (record,)).map(drop)
}
