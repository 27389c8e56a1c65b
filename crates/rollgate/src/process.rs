//! Processes that fork: what a program tells rollgate, and what is made anew in the child.
//!
//! After a `fork` the child has one thread, and every lock that another thread of the parent held is held for ever. So an
//! engine's locks belong to one process: [`forked`] says that this is another one, and the next call that needs a lock
//! gets a fresh one, around what the parent's engine had decided last. Nothing has to happen before the fork, and nothing
//! is waited for. What a thread that is not there any more may have left half-written behind a lock is never read, and
//! never freed.
//!
//! Reading flags needs no lock: handles go on in the child at once, at the shares of the fork. The child's engine starts as
//! after a restart: windows are empty, nothing is credited for the time before, and the journal goes on with a `restarted`.
//! From there on parent and child decide each for itself, and keep what they decide each in its own
//! [store](crate::store::Store::forked). Notices that the parent owed stay the parent's. A [`Ticker`](crate::Ticker) ticks
//! in the process that spawned it only.
//!
//! The bindings call [`forked`] by themselves, from a handler of `pthread_atfork`; a Rust program that forks, and goes on in
//! the child without `exec`, does the same.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LockResult, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::threads::Places;

/// How many forks lie between this process and the first one.
static FORKS: AtomicUsize = AtomicUsize::new(0);

/// This is the child of a fork: to be called in it, before any other thread runs.
///
/// It may be called from a signal handler or a handler of `pthread_atfork`: it adds to an atomic number, and nothing else.
pub fn forked() {
    FORKS.fetch_add(1, Ordering::AcqRel);
}

/// How often [`forked`] has been called in this process and its ancestors: whoever keeps what belongs to one process can
/// see by it that this is another one.
#[inline]
pub fn forks() -> usize {
    FORKS.load(Ordering::Acquire)
}

/// A lock that does not care whether somebody panicked under it: what rollgate keeps behind locks is whole after each step.
pub(crate) fn unpoisoned<G>(locked: LockResult<G>) -> G {
    locked.unwrap_or_else(PoisonError::into_inner)
}

/// Processes in a line that find their value without a search.
const FIRST: usize = 8;

/// A value behind a lock, one for each process of a line of forks.
///
/// The locks are the standard library's, which on Linux have no state outside of themselves; a lock with a table of
/// waiting threads beside it, which was here before, can leave that table locked in a child.
pub struct PerProcess<T> {
    // A place is filled by the process of its number only. So none is ever found half-filled by a thread that is gone.
    values: Places<Box<Mutex<T>>, FIRST>,
}

impl<T> PerProcess<T> {
    /// A lock around this process' value.
    pub fn new(value: T) -> Self {
        let values = Places::new();
        values.at(forks(), || Box::new(Mutex::new(value)));
        Self { values }
    }

    /// This process' value; a child that comes for the first time gets `new`.
    pub fn lock_or(&self, new: impl FnOnce() -> T) -> MutexGuard<'_, T> {
        unpoisoned(self.own(new).lock())
    }

    /// As [`lock_or`](Self::lock_or); `None` where another thread has it.
    pub fn try_lock_or(&self, new: impl FnOnce() -> T) -> Option<MutexGuard<'_, T>> {
        match self.own(new).try_lock() {
            Ok(value) => Some(value),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// This process' value, where there is one already.
    pub fn lock_known(&self) -> Option<MutexGuard<'_, T>> {
        self.values.get(forks()).map(|value| unpoisoned(value.lock()))
    }

    fn own(&self, new: impl FnOnce() -> T) -> &Mutex<T> {
        self.values.at(forks(), || Box::new(Mutex::new(new())))
    }
}

impl<T: Default> PerProcess<T> {
    /// This process' value; a child begins with the default.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.lock_or(T::default)
    }

    /// As [`lock`](Self::lock); `None` where another thread has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.try_lock_or(T::default)
    }
}

impl<T> Drop for PerProcess<T> {
    /// What belongs to an ancestor is left where it is: a thread that is not here may have been in the middle of it.
    fn drop(&mut self) {
        let own = forks();
        self.values.each_taken(|number, value| {
            if number != own {
                Box::leak(value);
            }
        });
    }
}
