//! Pins: an engine that a call is using is not freed under it, and using it writes to no line that threads share.
//!
//! Each thread has a record and writes into it which engine it is about to read, before it checks that the engine's slot
//! still has its tag. Whoever closes an engine first changes the tag and then waits until no record names the engine.
//! Between the write and the read on either side stands a full fence, so one of the two sees the other: the reader finds
//! the tag changed, or the closer finds the record. (Hazard pointers: Michael 2004.)
//!
//! Answers by handle and by name need no pin: they read nothing that is ever freed.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

/// What one thread is reading. Two cache lines, so that no two threads share one.
#[repr(align(128))]
struct Record {
    /// An engine's handle, or zero.
    engine: AtomicU64,
    is_taken: AtomicBool,
    next: Option<&'static Record>,
}

/// All records. They are handed from thread to thread and never freed.
static RECORDS: AtomicPtr<Record> = AtomicPtr::new(std::ptr::null_mut());

thread_local! {
    static OWN: Own = const { Own(Cell::new(None)) };
}

/// The record of a thread; free for the next one when the thread ends.
struct Own(Cell<Option<&'static Record>>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(record) = self.0.get() {
            record.is_taken.store(false, Ordering::Release);
        }
    }
}

fn records() -> impl Iterator<Item = &'static Record> {
    // SAFETY: the pointer is null or that of a leaked record.
    let first = unsafe { RECORDS.load(Ordering::Acquire).as_ref() };
    std::iter::successors(first, |record| record.next)
}

impl Record {
    /// One that nobody has, or a new one.
    fn take() -> &'static Self {
        let is_free = |record: &&Self| {
            let taken = &record.is_taken;
            taken.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
        };
        if let Some(record) = records().find(is_free) {
            return record;
        }
        let mut head = RECORDS.load(Ordering::Acquire);
        let mut record =
            Box::new(Self { engine: AtomicU64::new(0), is_taken: AtomicBool::new(true), next: None });
        loop {
            // SAFETY: as in `records`.
            record.next = unsafe { head.as_ref() };
            let new = Box::into_raw(record);
            match RECORDS.compare_exchange(head, new, Ordering::AcqRel, Ordering::Acquire) {
                // SAFETY: it was just leaked, and nothing frees it.
                Ok(_) => return unsafe { &*new },
                Err(other) => {
                    head = other;
                    // SAFETY: it comes from the box above and nobody else has seen it.
                    record = unsafe { Box::from_raw(new) };
                }
            }
        }
    }
}

/// An engine that stays until this is dropped, where its slot still had its tag after the pin was made.
pub(super) struct Pin {
    record: &'static Record,
    is_own: bool,
}

impl Pin {
    /// Pins an engine. The caller has to look at the slot's tag now, and not before.
    #[inline]
    pub(super) fn new(engine: u64) -> Self {
        let own = OWN.try_with(|own| {
            let record = own.0.get().unwrap_or_else(|| {
                let record = Record::take();
                own.0.set(Some(record));
                record
            });
            // A pin inside a pin needs a record of its own.
            (record.engine.load(Ordering::Relaxed) == 0).then_some(record)
        });
        // A thread that is ending has no record any more; it takes one for this once.
        let own = own.ok().flatten();
        let pin = Self { record: own.unwrap_or_else(Record::take), is_own: own.is_some() };
        pin.record.engine.store(engine, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        pin
    }
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        self.record.engine.store(0, Ordering::Release);
        if !self.is_own {
            self.record.is_taken.store(false, Ordering::Release);
        }
    }
}

/// Waits until no thread has the engine pinned. Its slot's tag has been changed before, so no new pin lasts.
///
/// What runs under a pin is short and calls nobody back, so this is short too.
pub(super) fn wait(engine: u64) {
    fence(Ordering::SeqCst);
    for record in records() {
        while record.engine.load(Ordering::Acquire) == engine {
            std::thread::yield_now();
        }
    }
}

/// In a child of `fork`: the other threads are not there, and what they had pinned they will never let go.
pub(super) fn forget_others() {
    let own = OWN.try_with(|own| own.0.get()).ok().flatten();
    for record in records().filter(|record| own.is_none_or(|own| !std::ptr::eq(own, *record))) {
        record.engine.store(0, Ordering::Release);
        record.is_taken.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pinned_engine_is_waited_for_and_others_are_not() {
        let (nested, outer) = (u64::MAX - 1, u64::MAX);
        let (tell, told) = std::sync::mpsc::channel();
        let pins = [Pin::new(outer), Pin::new(nested)];
        assert!(pins[0].is_own && !pins[1].is_own);
        wait(u64::MAX - 2);
        let waiter = std::thread::spawn(move || {
            wait(nested);
            wait(outer);
            tell.send(()).unwrap();
        });
        assert!(told.try_recv().is_err());
        drop(pins);
        told.recv().unwrap();
        waiter.join().unwrap();
    }

    #[test]
    fn records_are_handed_on() {
        let count = || records().count();
        for _ in 0..200 {
            std::thread::spawn(|| drop(Pin::new(7))).join().unwrap();
        }
        assert!(count() < 100, "{} records", count());
    }
}
