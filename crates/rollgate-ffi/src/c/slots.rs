//! The slots of open engines: what an engine's handle is checked against.
//!
//! Three races are closed here, none by a lock or a shared write on the way of a reader:
//!
//! - **An engine is closed while a flag is found by its name.** The reader reads all that it needs, and then the slot's
//!   tag. Closing changes the tag before anything of the engine goes to others, so a reader that still finds its own
//!   engine's tag has read its own engine's words (Lamport 1977); it cannot have read older ones, since it was given the
//!   handle after they were written. Otherwise it has read somebody else's, and gives the default. [Cells](super::cells)
//!   have tags of their own, by the same argument.
//! - **The memory is gone.** It is not: slots and cells are static, and names lie in [blocks](super::block) that are never
//!   freed.
//! - **A rollout goes on after its engine is closed**, in a call that is under way in another thread. Mirrors are taken
//!   back, under the lock that publications take, before their cells go to another engine.
//!
//! What is not answered from a mirror (rules, variants, metrics) pins the engine: see [`pin`](super::pin).

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering, fence};

use parking_lot::Mutex;
use rollgate::Engine;
use rollgate::core::error::{Error, ErrorKind};

use super::block::Link;
use super::cells::{self, Row};
use super::fork;
use super::handle::{self, Kind, SLOTS};
use super::names::{self, Line, Names, Pair};
use super::opened::Opened;
use super::pin::{self, Pin};

/// Half a cache line.
#[repr(align(32))]
struct Slot {
    /// The handle of the engine that is open here; [`closed`] or zero where none is.
    tag: AtomicU64,
    names: Link<Pair>,
    long_names: Link<Line>,
    /// A counted reference, as [`Arc::into_raw`] gives it; to be read under a pin.
    engine: AtomicPtr<Opened>,
}

/// The tag of a slot whose engine was closed: as a handle it would name the slot beside it, so none that names this slot is
/// like it. (The zero of a slot that was never used is a number that names slot 0, which has no names then.)
const fn closed(handle: u64) -> u64 {
    handle::slot(handle) as u64 ^ 1
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        tag: AtomicU64::new(0),
        names: Link::none(),
        long_names: Link::none(),
        engine: AtomicPtr::new(std::ptr::null_mut()),
    }
}; SLOTS];

/// What is given out and taken back, under one lock that opening and closing take for a short time.
struct Stock {
    /// Slots that were closed, each with its last generation.
    free: Vec<(u16, u32)>,
    /// The first slot that was never used.
    next: usize,
    cells: cells::Stock,
    names: names::Pools,
}

static STOCK: Mutex<Stock> =
    Mutex::new(Stock { free: Vec::new(), next: 0, cells: cells::Stock::new(), names: names::Pools::new() });

impl Stock {
    /// A slot that nobody has, with a generation that it never had.
    fn slot(&mut self) -> Result<(u16, u32), Error> {
        if let Some((index, last)) = self.free.pop() {
            return Ok((index, last + 1));
        }
        let why = || format!("{SLOTS} engines are open, which is the most there may be; close some");
        let index = u16::try_from(self.next).map_err(|_| Error::new(ErrorKind::InvalidArgument, why()))?;
        self.next += 1;
        Ok((index, 1))
    }
}

/// What an engine has of the stock.
pub(super) struct Lent {
    row: Row,
    names: Names,
    generation: u32,
}

fn slot(handle: u64) -> &'static Slot {
    &TABLE[usize::from(handle::slot(handle))]
}

/// Gives an engine a slot: `make` gets its handle and what is lent to it, and nobody else knows the handle yet.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] where every slot or every cell is taken.
pub(super) fn open(engine: &Engine, make: impl FnOnce(u64, Lent) -> Opened) -> Result<u64, Error> {
    let keys = engine.ruleset().flags.iter().map(|flag| flag.key.as_str());
    let mut stock = STOCK.lock();
    // A reader of an engine before this one that sees any of what follows sees that one's tag changed too: whoever closed
    // it changed the tag, and then gave its blocks back under this lock.
    fence(Ordering::Release);
    let row = stock.cells.take(keys.len())?;
    let (index, generation) = match stock.slot() {
        Ok(found) => found,
        Err(error) => {
            stock.cells.give(&row);
            return Err(error);
        }
    };
    let flags: Vec<(&str, u64)> = keys.enumerate().map(|(place, key)| (key, row.handle(place))).collect();
    let names = stock.names.take(&flags);
    drop(stock);
    let handle = handle::of_engine(index, generation);
    let slot = slot(handle);
    row.own(|place| handle::of_part(handle, Kind::Flag, place));
    engine.flags().lend_mirrors(row.mirrors, row.tag);
    slot.names.set(names.table);
    slot.long_names.set(names.long);
    let opened = Arc::new(make(handle, Lent { row, names, generation }));
    slot.engine.store(Arc::into_raw(opened).cast_mut(), Ordering::Release);
    slot.tag.store(handle, Ordering::Release);
    Ok(handle)
}

/// Takes an engine out of its slot: no call that begins later finds it, and none that needs no count of its own is still
/// reading it.
pub(super) fn close(handle: u64) -> Result<Arc<Opened>, Error> {
    let slot = slot(handle);
    if !handle::is_engine(handle) {
        return Err(stale());
    }
    // Of two that close one engine, one does it. The full fence is in `pin::wait`.
    let won = slot.tag.compare_exchange(handle, closed(handle), Ordering::AcqRel, Ordering::Relaxed);
    if won.is_err() {
        return Err(stale());
    }
    let engine = slot.engine.swap(std::ptr::null_mut(), Ordering::AcqRel);
    if engine.is_null() {
        return Err(stale());
    }
    pin::wait(handle);
    // SAFETY: `open` stored it with `Arc::into_raw`, and the exchange of the tag gave its count to this call alone.
    Ok(unsafe { Arc::from_raw(engine) })
}

/// Makes the handles of a closed engine's flags stale, and hands its slot, cells and blocks on. Calls that hold the engine
/// may still be running: they write to none of it.
pub(super) fn recycle(handle: u64, opened: &Opened) {
    opened.engine.flags().take_mirrors_back();
    let Lent { row, names, generation } = &opened.lent;
    row.clear();
    let mut stock = STOCK.lock();
    stock.cells.give(row);
    stock.names.give(names);
    if *generation < handle::GENERATION_LAST {
        stock.free.push((handle::slot(handle), *generation));
    }
}

/// In a child of `fork`, for an engine of its parent: makes the handles of its flags stale. Nobody publishes here, and the
/// lock that would say so may be held by a thread that is not here.
pub(super) fn forget(opened: &Opened) {
    opened.lent.row.clear();
}

/// That a handle is none, or none any more.
pub(super) fn stale() -> Error {
    Error::new(
        ErrorKind::InvalidHandle,
        "the handle is stale, foreign, null or of another kind; open an engine, and ask it for its flags and metrics",
    )
}

/// What was found by name.
pub(super) enum Found {
    /// The flag's handle.
    Flag(u64),
    /// The engine has no such flag.
    Unknown,
    /// The handle is not one of an open engine.
    Stale,
}

/// Finds a flag by its name.
pub(super) fn by_name(engine: u64, name: &[u8]) -> Found {
    let slot = slot(engine);
    let found = names::find(&slot.names, &slot.long_names, name);
    if !is_open(slot, engine) || !handle::is_engine(engine) {
        return Found::Stale;
    }
    found.map_or(Found::Unknown, Found::Flag)
}

/// As [`by_name`], for the names that [`names::find_usual`] finds; `None`: [`by_name`] can tell more. It cannot panic.
#[inline(always)]
pub(super) fn by_usual_name(engine: u64, name: &[u8]) -> Option<u64> {
    let slot = slot(engine);
    let flag = names::find_usual(&slot.names, name)?;
    is_open(slot, engine).then_some(flag)
}

/// Whether an engine is open in its slot; what was read before is read before that.
#[inline(always)]
fn is_open(slot: &Slot, engine: u64) -> bool {
    fence(Ordering::Acquire);
    // No handle is like the tag of a closed slot: see `closed`.
    slot.tag.load(Ordering::Acquire) == engine
}

/// Runs `read` on an open engine, which is not closed meanwhile. `read` is short, and calls nothing of the host's.
///
/// # Errors
/// [`ErrorKind::InvalidHandle`].
#[inline]
pub(super) fn with<T>(engine: u64, read: impl FnOnce(&Opened) -> T) -> Result<T, Error> {
    let pin = Pin::new(engine);
    let opened = pinned(engine).ok_or_else(stale)?;
    // SAFETY: see `pinned`; the pin is dropped after the last use.
    let outcome = read(unsafe { &*opened });
    drop(pin);
    Ok(outcome)
}

/// The engine of a handle that this thread has pinned, as [`Arc::into_raw`] gave it. It is there as long as the pin: the
/// tag was still there after the pin was made, so whoever closes the engine waits for the pin before it lets go of the
/// count that this pointer stands for.
fn pinned(engine: u64) -> Option<*const Opened> {
    let slot = slot(engine);
    if slot.tag.load(Ordering::Acquire) != engine || !handle::is_engine(engine) {
        return None;
    }
    // Null where somebody has just closed it.
    let opened = slot.engine.load(Ordering::Acquire).cast_const();
    (!opened.is_null()).then_some(opened)
}

/// A count of its own on an open engine: for calls that may take long or call the host back. Closing does not wait for
/// them; the engine is freed when the last of them ends.
///
/// # Errors
/// [`ErrorKind::InvalidHandle`]; also for an engine of the process that this one was forked from, whose locks may be held
/// by threads that are not here.
pub(super) fn hold(engine: u64) -> Result<Arc<Opened>, Error> {
    let pin = Pin::new(engine);
    let opened = pinned(engine).ok_or_else(stale)?;
    // SAFETY: it is a pointer of `Arc::into_raw`, and the pin keeps the slot's count alive until this one is there.
    let held = unsafe {
        Arc::increment_strong_count(opened);
        Arc::from_raw(opened)
    };
    drop(pin);
    fork::check(&held)?;
    Ok(held)
}

/// Keeps opening and closing out while the process forks.
pub(super) fn lock_for_fork() {
    std::mem::forget(STOCK.lock());
}

/// Undoes [`lock_for_fork`].
pub(super) fn unlock_after_fork() {
    // SAFETY: called after `lock_for_fork`, in the thread that called it or its copy in the child.
    unsafe { STOCK.force_unlock() };
}
