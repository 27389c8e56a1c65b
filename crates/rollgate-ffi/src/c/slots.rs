//! The slots of open engines: what a handle is checked against, and what an answer is read from.
//!
//! Three races are closed here, none by a lock or a shared write on the way of a reader:
//!
//! - **An engine is closed while a flag is read.** The reader looks at the tag, reads the flag's mirror, and looks at the
//!   tag again (Lamport 1977). Closing changes the tag before anything of the engine goes to others, so a reader that sees
//!   the tag twice has read the engine's own words. Otherwise it has read somebody else's, and gives the default.
//! - **The memory is gone.** It is not: slots are static, and mirrors and names lie in [blocks](super::block) that are
//!   never freed.
//! - **A rollout goes on after its engine is closed**, in a call that is under way in another thread. Mirrors are taken
//!   back, under the lock that publications take, before their block goes to another engine.
//!
//! What is not answered from a mirror (rules, variants, metrics) pins the engine: see [`pin`](super::pin).

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};

use parking_lot::Mutex;
use rollgate::Engine;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::mirror::{FlagMirror, Terms};

use super::block::{Link, Pool};
use super::fork;
use super::handle::{self, Kind, SLOTS};
use super::names::{self, Line};
use super::opened::Opened;
use super::pin::{self, Pin};

/// One cache line.
#[repr(align(64))]
struct Slot {
    /// The handle of the engine that is open here; [`CLOSED`] or zero where none is.
    tag: AtomicU64,
    flags: Link<FlagMirror>,
    names: Link<Line>,
    /// The mask of the names' hashes.
    mask: AtomicUsize,
    /// How many of the mirrors are flags.
    count: AtomicUsize,
    /// A counted reference, as [`Arc::into_raw`] gives it; to be read under a pin.
    engine: AtomicPtr<Opened>,
}

/// The tag of a slot whose engine was closed: it names a place, so no engine's handle is like it.
const CLOSED: u64 = 1 << 16;

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        tag: AtomicU64::new(0),
        flags: Link::none(),
        names: Link::none(),
        mask: AtomicUsize::new(0),
        count: AtomicUsize::new(0),
        engine: AtomicPtr::new(std::ptr::null_mut()),
    }
}; SLOTS];

/// What is given out and taken back, under one lock that opening and closing take for a short time.
struct Stock {
    /// Slots that were closed, each with its last generation.
    free: Vec<(u16, u32)>,
    /// The first slot that was never used.
    next: usize,
    mirrors: Pool<FlagMirror>,
    lines: Pool<Line>,
}

static STOCK: Mutex<Stock> =
    Mutex::new(Stock { free: Vec::new(), next: 0, mirrors: Pool::new(), lines: Pool::new() });

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
    flags: &'static [FlagMirror],
    names: &'static [Line],
    generation: u32,
}

fn slot(handle: u64) -> &'static Slot {
    &TABLE[usize::from(handle::slot(handle))]
}

/// Gives an engine a slot: `make` gets its handle and what is lent to it, and nobody else knows the handle yet.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] where every slot is taken.
pub(super) fn open(engine: &Engine, make: impl FnOnce(u64, Lent) -> Opened) -> Result<u64, Error> {
    let keys: Vec<&str> = engine.ruleset().flags.iter().map(|flag| flag.key.as_str()).collect();
    let mut stock = STOCK.lock();
    // A reader of an engine before this one that sees any of what follows sees that one's tag changed too: whoever closed
    // it changed the tag, and then gave its blocks back under this lock.
    fence(Ordering::Release);
    let (index, generation) = stock.slot()?;
    let flags = stock.mirrors.take(keys.len());
    let (names, mask) = names::build(&mut stock.lines, &keys);
    drop(stock);
    let handle = handle::of_engine(index, generation);
    let slot = slot(handle);
    flags.iter().for_each(FlagMirror::clear);
    engine.flags().lend_mirrors(flags);
    slot.flags.set(flags);
    slot.names.set(names);
    slot.mask.store(mask, Ordering::Relaxed);
    slot.count.store(keys.len(), Ordering::Relaxed);
    let opened = Arc::new(make(handle, Lent { flags, names, generation }));
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
    let closed = slot.tag.compare_exchange(handle, CLOSED, Ordering::AcqRel, Ordering::Relaxed);
    if closed.is_err() {
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

/// Hands a closed engine's slot and blocks on. Calls that hold the engine may still be running: they write to none of it.
pub(super) fn recycle(handle: u64, opened: &Opened) {
    opened.engine.flags().take_mirrors_back();
    let Lent { flags, names, generation } = &opened.lent;
    let mut stock = STOCK.lock();
    stock.mirrors.give(flags);
    stock.lines.give(names);
    if *generation < u32::MAX {
        stock.free.push((handle::slot(handle), *generation));
    }
}

/// That a handle is none, or none any more.
pub(super) fn stale() -> Error {
    Error::new(
        ErrorKind::InvalidHandle,
        "the handle is stale, foreign, null or of another kind; open an engine, and ask it for its flags and metrics",
    )
}

/// A flag's mirror and what it says; `None` where the handle is not one of an open engine's flags.
#[inline(always)]
pub(super) fn terms(flag: u64) -> Option<(&'static FlagMirror, Terms)> {
    let (slot, tag) = (slot(flag), handle::engine_of(flag, Kind::Flag));
    if slot.tag.load(Ordering::Acquire) != tag {
        return None;
    }
    let mirror = slot.flags.get().get(handle::place(flag))?;
    let terms = mirror.terms();
    // What was read before is read before the tag is read again.
    fence(Ordering::Acquire);
    (slot.tag.load(Ordering::Relaxed) == tag).then_some((mirror, terms))
}

/// What was found by name.
pub(super) enum Found {
    /// The flag's handle, its mirror and what that says.
    Flag(u64, &'static FlagMirror, Terms),
    /// The engine has no such flag.
    Unknown,
    /// The handle is not one of an open engine.
    Stale,
}

/// Finds a flag by its name.
#[inline(always)]
pub(super) fn by_name(engine: u64, name: &[u8]) -> Found {
    let slot = slot(engine);
    if slot.tag.load(Ordering::Acquire) != engine || !handle::is_engine(engine) {
        return Found::Stale;
    }
    let (lines, mask) = (slot.names.get(), slot.mask.load(Ordering::Relaxed));
    let found = names::find(lines, mask, name).and_then(|place| {
        let mirror = slot.flags.get().get(place)?;
        Some((place, mirror, mirror.terms()))
    });
    fence(Ordering::Acquire);
    match found {
        _ if slot.tag.load(Ordering::Relaxed) != engine => Found::Stale,
        Some((place, mirror, terms)) => {
            Found::Flag(handle::of_part(engine, Kind::Flag, place), mirror, terms)
        }
        None => Found::Unknown,
    }
}

/// Whether a flag's handle names a flag that its engine has; for calls that give a status.
pub(super) fn is_flag(flag: u64) -> bool {
    handle::place(flag) < slot(flag).count.load(Ordering::Relaxed)
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
