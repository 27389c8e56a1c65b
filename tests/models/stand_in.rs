//! What stands for `arc-swap`, which knows neither loom nor shuttle.
//!
//! The cell asks of it what its documentation promises: one pointer that is swapped and loaded as a whole, with the order
//! that a release of the one and an acquire of the other give, and nothing that is freed while somebody has it. Here the
//! pointer is the number of a slot that is never emptied. It gives no more order than that on purpose: a lock around the
//! value would also order loads before later stores, and the models would say less.

use std::sync::{Arc, Mutex};

/// An atomic number of the model's.
pub(crate) trait Place {
    fn new(place: usize) -> Self;
    /// An acquiring load.
    fn load(&self) -> usize;
    /// A swap that acquires and releases.
    fn swap(&self, place: usize);
}

/// `arc_swap::ArcSwap`, as far as the cell uses it.
pub(crate) struct ArcSwap<T, P> {
    /// Behind a lock that no scheduler sees: it is held over no step of the model.
    slots: Mutex<Vec<Arc<T>>>,
    current: P,
}

impl<T, P: Place> ArcSwap<T, P> {
    pub(crate) fn new(first: Arc<T>) -> Self {
        Self { slots: Mutex::new(vec![first]), current: P::new(0) }
    }

    pub(crate) fn store(&self, next: Arc<T>) {
        let place = {
            let mut slots = self.slots.lock().unwrap();
            slots.push(next);
            slots.len() - 1
        };
        self.current.swap(place);
    }

    pub(crate) fn load_full(&self) -> Arc<T> {
        let place = self.current.load();
        self.slots.lock().unwrap()[place].clone()
    }
}
