//! Who holds an engine: the engine itself, and the seat of each thread of JavaScript at it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use rollgate::clock::ManualClock;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::flag::Flag;
use rollgate::{Engine, Metric, Ticker};

use super::call::Call;
use super::events::{Audience, Ear};
use super::objects;
use super::throw::Thrown;

/// Engines that another thread may attach to.
static SHARED: Mutex<BTreeMap<u64, Weak<Core>>> = Mutex::new(BTreeMap::new());
/// The last name that an engine was shared under; none is given twice.
static LAST: AtomicU64 = AtomicU64::new(0);

/// One open engine, whoever holds it.
pub(super) struct Core {
    /// `None` once it is closed.
    engine: Mutex<Option<Engine>>,
    pub(super) clock: Option<ManualClock>,
    pub(super) audience: Arc<Audience>,
    is_closed: AtomicBool,
    ticker: Mutex<Option<Ticker>>,
    token: Mutex<Option<u64>>,
}

impl Core {
    pub(super) fn new(engine: Engine, clock: Option<ManualClock>, audience: Arc<Audience>) -> Self {
        let (engine, is_closed) = (Mutex::new(Some(engine)), AtomicBool::new(false));
        Self { engine, clock, audience, is_closed, ticker: Mutex::default(), token: Mutex::default() }
    }

    /// Starts the thread that ticks, where none runs.
    pub(super) fn start_ticker(&self) -> Result<(), Error> {
        let mut ticker = self.ticker.lock();
        let engine = self.engine.lock().clone();
        if let (None, Some(engine)) = (&*ticker, engine) {
            *ticker = Some(engine.spawn_ticker()?);
        }
        Ok(())
    }

    /// Stops it, and waits for the evaluation under way.
    pub(super) fn stop_ticker(&self) {
        let ticker = self.ticker.lock().take();
        drop(ticker);
    }

    /// The token by which other threads find it.
    fn share(self: &Arc<Self>) -> u64 {
        let mut token = self.token.lock();
        *token.get_or_insert_with(|| {
            let token = LAST.fetch_add(1, Ordering::Relaxed) + 1;
            SHARED.lock().insert(token, Arc::downgrade(self));
            token
        })
    }

    /// Nothing is answered from here on, by whatever thread.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let engine = self.engine.lock().take();
        self.stop_ticker();
        if let Some(engine) = &engine {
            // Other threads may still hold it.
            engine.leave();
        }
        drop(engine);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(token) = *self.token.lock() {
            SHARED.lock().remove(&token);
        }
    }
}

/// Who may close an engine for all.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Opener,
    Attached,
}

/// What a seat reads.
pub(super) struct Live {
    pub(super) engine: Engine,
    /// In the plan's order.
    pub(super) flags: Vec<Flag>,
    /// As they were asked for.
    pub(super) metrics: Vec<Metric>,
    pub(super) ear: Option<Arc<Ear>>,
}

/// One thread of JavaScript at an engine. What hangs on it is let go of as soon as it is closed, and not only when
/// JavaScript's collector comes by.
pub(super) struct Seat {
    core: Arc<Core>,
    role: Role,
    live: RefCell<Option<Live>>,
}

impl Seat {
    /// The seat of who opened the engine.
    pub(super) fn opened(mut core: Core) -> Rc<Self> {
        let engine = core.engine.get_mut().clone();
        Self::take(Arc::new(core), engine, Role::Opener)
    }

    /// A seat at an engine that another thread has shared.
    pub(super) fn attached(token: &str) -> Result<Rc<Self>, Thrown> {
        let core =
            token.parse().ok().and_then(|token: u64| SHARED.lock().get(&token).and_then(Weak::upgrade));
        let engine = core.as_ref().and_then(|core| core.engine.lock().clone());
        match core.filter(|_| engine.is_some()) {
            Some(core) => Ok(Self::take(core, engine, Role::Attached)),
            None => Err(Error::new(
                ErrorKind::UnknownName,
                format_args!("no open engine of this process is shared as `{token}`"),
            )
            .into()),
        }
    }

    fn take(core: Arc<Core>, engine: Option<Engine>, role: Role) -> Rc<Self> {
        let live = engine.map(|engine| {
            let keys = engine.ruleset().flags.iter().map(|flag| flag.key.clone());
            let flags = keys.map(|key| engine.flag(key.as_str())).collect();
            Live { engine, flags, metrics: Vec::new(), ear: None }
        });
        Rc::new(Self { core, role, live: RefCell::new(live) })
    }

    /// The engine that it is a seat at, closed or not.
    pub(super) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Reads what is live; `None` once it is closed, here or elsewhere.
    ///
    /// `read` calls no JavaScript: that might close the seat under it.
    #[inline]
    pub(super) fn read<T>(&self, read: impl FnOnce(&Live) -> T) -> Option<T> {
        if self.core.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        self.live.try_borrow().ok()?.as_ref().map(read)
    }

    /// Changes what is live; `None` once it is closed.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Live) -> T) -> Option<T> {
        if self.core.is_closed.load(Ordering::Relaxed) {
            return None;
        }
        self.live.try_borrow_mut().ok()?.as_mut().map(change)
    }

    /// The engine.
    ///
    /// # Errors
    /// Where it is closed.
    pub(super) fn engine(&self) -> Result<Engine, Thrown> {
        self.read(|live| live.engine.clone()).ok_or_else(Thrown::closed)
    }

    /// The token by which another thread attaches.
    pub(super) fn share(&self) -> Result<String, Thrown> {
        self.engine()?;
        Ok(self.core.share().to_string())
    }

    /// Leaves the engine; who opened it closes it for all.
    pub(super) fn close(&self) {
        if self.role == Role::Opener {
            self.core.close();
        }
        self.leave();
    }

    fn leave(&self) {
        let live = self.live.try_borrow_mut().ok().and_then(|mut live| live.take());
        if let Some(ear) = live.as_ref().and_then(|live| live.ear.as_ref()) {
            self.core.audience.leave(ear);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

impl Call {
    /// The seat that is the first argument.
    pub(super) fn seat(&self) -> Result<Rc<Seat>, Thrown> {
        objects::seat(self.env, self.argument(0))
    }

    /// The engine of the first argument.
    pub(super) fn engine(&self) -> Result<Engine, Thrown> {
        self.seat()?.engine()
    }
}
