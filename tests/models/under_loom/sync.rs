//! `crates/rollgate/src/sync.rs`, of loom's primitives.

pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

use loom::sync::MutexGuard;
use loom::sync::atomic::AtomicUsize;
use loom::thread::JoinHandle;

use crate::scenarios::{Word, World};
use crate::stand_in::{self, Place};

/// loom's macro knows no `const` initialiser.
macro_rules! without_const {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = const { $first:expr };) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $first; }
    };
}
pub(crate) use without_const as thread_local;

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
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap()
    }
}

pub(crate) struct Loom;

impl World for Loom {
    type Task = JoinHandle<()>;
    type Word = AtomicU64;
    fn spawn(task: impl FnOnce() + Send + 'static) -> Self::Task {
        loom::thread::spawn(task)
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
