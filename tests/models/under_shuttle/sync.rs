//! `crates/rollgate/src/sync.rs`, of shuttle's primitives.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
pub(crate) use shuttle::thread_local;

use shuttle::sync::MutexGuard;
use shuttle::sync::atomic::AtomicUsize;
use shuttle::thread::JoinHandle;

use crate::scenarios::{Word, World};
use crate::stand_in::{self, Place};

pub(crate) type ArcSwap<T> = stand_in::ArcSwap<T, AtomicUsize>;

impl Place for AtomicUsize {
    fn new(place: usize) -> Self {
        Self::new(place)
    }
    fn load(&self) -> usize {
        self.load(Ordering::Acquire)
    }
    fn swap(&self, place: usize) {
        self.swap(place, Ordering::AcqRel);
    }
}

/// As `parking_lot` has it: nothing is poisoned.
pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

pub(crate) struct Shuttle;

impl World for Shuttle {
    type Task = JoinHandle<()>;
    type Word = AtomicU64;
    fn spawn(task: impl FnOnce() + Send + 'static) -> Self::Task {
        shuttle::thread::spawn(task)
    }
    fn join(task: Self::Task) {
        task.join().unwrap();
    }
}

impl Word for AtomicU64 {
    fn new(value: u64) -> Self {
        Self::new(value)
    }
    fn load(&self) -> u64 {
        self.load(Ordering::Acquire)
    }
    fn store(&self, value: u64) {
        self.store(value, Ordering::Release);
    }
}
