//! The callback of an engine: one record of the journal at a time.

use std::cell::Cell;
use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use parking_lot::ReentrantMutex;
use rollgate::Ticker;

use super::error::Status;
use super::guard::status;
use super::handle::EngineHandle;
use super::slots::hold;

/// What is called with each record of the journal: one JSON object without a line break, NUL-terminated, `len` bytes long
/// without the NUL. The text belongs to the library and is valid during the call.
///
/// It must return: neither an exception nor `longjmp` may leave it. It is called by whichever thread ticks or gives a
/// command, one call at a time for each engine. In it every function of this library may be called, for the same engine
/// too, closing included; records that such calls write follow after it returns, with the next tick at the latest.
#[allow(non_camel_case_types, reason = "it is named as C names it")]
pub type rollgate_event_callback =
    Option<unsafe extern "C" fn(user_data: *mut c_void, record: *const c_char, len: usize)>;

#[derive(Clone, Copy)]
struct Call {
    function: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    user_data: *mut c_void,
}

// SAFETY: `rollgate_on_event` asks for a function and data that any thread may use.
unsafe impl Send for Call {}

/// The callback of one engine. The lock is held while it runs, so that whoever removes it knows that it has returned; the
/// thread that runs it may take the lock again.
#[derive(Clone)]
pub(super) struct Events(Arc<ReentrantMutex<Cell<Option<Call>>>>);

impl Events {
    pub(super) fn none() -> Self {
        Self(Arc::new(ReentrantMutex::new(Cell::new(None))))
    }

    fn put(&self, call: Option<Call>) {
        self.0.lock().set(call);
    }

    /// No callback. Where another thread is in it, waits until it has returned.
    pub(super) fn remove(&self) {
        self.put(None);
    }

    /// Calls the callback, where there is one.
    pub(super) fn tell(&self, record: &str) {
        let callback = self.0.lock();
        let Some(Call { function, user_data }) = callback.get() else { return };
        // JSON has no NUL, so this is never the other.
        let Ok(text) = CString::new(record) else { return };
        // SAFETY: the host promised that the function may be called with this until it is removed, which waits for this
        // lock unless it happens in the callback.
        unsafe { function(user_data, text.as_ptr(), record.len()) };
    }

    /// Ends a ticker. In a callback it may be the ticker's thread that runs this, which cannot wait for itself.
    pub(super) fn end(&self, ticker: Option<Ticker>) {
        let Some(ticker) = ticker else { return };
        if self.0.is_owned_by_current_thread() {
            // Without a thread for it, the ticker is left to end with the process: it holds the engine, and no callback.
            let spawned = std::thread::Builder::new().name("rollgate-end".into()).spawn(move || drop(ticker));
            drop(spawned);
        } else {
            drop(ticker);
        }
    }
}

/// Calls `callback` with each record that the journal gets from now on; NULL removes the callback that is there.
///
/// An engine has one callback; a new one takes the place of the old one. When this returns, the old one does not run any
/// more and will not be called again; it waits for a call under way in another thread. In the callback itself it does not
/// wait. The same holds for `rollgate_engine_close`.
///
/// # Safety
/// `callback` is NULL, or may be called with `user_data` by any thread until it is removed or its engine is closed.
///
/// Ownership: `user_data` stays the caller's. Threads: any; do not call it with a lock held that the callback takes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_on_event(
    engine: EngineHandle,
    callback: rollgate_event_callback,
    user_data: *mut c_void,
) -> Status {
    status("rollgate_on_event", || {
        let opened = hold(engine.id)?;
        opened.events.put(callback.map(|function| Call { function, user_data }));
        Ok(())
    })
}
