//! An open engine, with what the C ABI keeps beside it.

use std::sync::OnceLock;

use parking_lot::Mutex;
use rollgate::clock::ManualClock;
use rollgate::core::error::Error;
use rollgate::flag::Flag;
use rollgate::{Alerts, Engine, Metric, Ticker};

use super::events::Events;
use super::handle::{Kind, of_part};
use super::slots::{self, Lent};
use super::{fork, handle};

/// An open engine.
pub(super) struct Opened {
    pub(super) engine: Engine,
    /// Its flags, in the plan's order.
    pub(super) flags: Box<[Flag]>,
    /// Its metrics, in the plan's order; those that somebody has asked for.
    metrics: Box<[OnceLock<Metric>]>,
    alerts: OnceLock<Alerts>,
    pub(super) events: Events,
    pub(super) ticker: Mutex<Option<Ticker>>,
    /// The clock, where the host moves it.
    pub(super) clock: Option<ManualClock>,
    /// How many forks lay before it was opened.
    pub(super) forks: u64,
    pub(super) lent: Lent,
    handle: u64,
}

/// Opens a slot for an engine; gives its handle.
pub(super) fn open(engine: Engine, events: Events, clock: Option<ManualClock>) -> Result<u64, Error> {
    fork::watch();
    let keys = engine.ruleset().flags.iter().map(|flag| engine.flag(flag.key.as_str()));
    let flags = keys.collect();
    let metrics = engine.ruleset().metrics.iter().map(|_| OnceLock::new()).collect();
    slots::open(&engine.clone(), |handle, lent| Opened {
        engine,
        flags,
        metrics,
        alerts: OnceLock::new(),
        events,
        ticker: Mutex::new(None),
        clock,
        forks: fork::count(),
        lent,
        handle,
    })
}

/// Closes an engine: its handles are stale from here on. Waits for short calls and for a callback under way in another
/// thread; calls that hold the engine run to their end.
pub(super) fn close(handle: u64) -> Result<(), Error> {
    let opened = slots::close(handle)?;
    if !fork::is_own(&opened) {
        // Freeing it would take locks and join threads that this process does not have. Its memory is the parent's copy.
        slots::forget(&opened);
        std::mem::forget(opened);
        return Ok(());
    }
    slots::recycle(handle, &opened);
    opened.events.remove();
    let ticker = opened.ticker.lock().take();
    opened.events.end(ticker);
    opened.engine.leave();
    Ok(())
}

impl Opened {
    /// The handle of a metric, which is opened where nobody has asked for it before.
    pub(super) fn metric_handle(&self, name: &str) -> Result<u64, Error> {
        // Its error names all metrics.
        let metric = self.engine.metric(name)?;
        let metrics = &self.engine.ruleset().metrics;
        let place = metrics.iter().position(|metric| metric.key == name).ok_or_else(slots::stale)?;
        self.metrics.get(place).ok_or_else(slots::stale)?.get_or_init(|| metric);
        Ok(of_part(self.handle, Kind::Metric, place))
    }

    /// A metric that somebody has asked for.
    pub(super) fn metric(&self, metric: u64) -> Option<&Metric> {
        self.metrics.get(handle::place(metric))?.get()
    }

    /// A flag of what its cell's owner is.
    pub(super) fn flag(&self, owner: u64) -> Option<&Flag> {
        self.flags.get(handle::place(owner))
    }

    /// The alerts; from the first call on they are watched.
    pub(super) fn alerts(&self) -> &Alerts {
        self.alerts.get_or_init(|| self.engine.alerts())
    }
}
