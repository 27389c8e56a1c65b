//! Journal records on their way to JavaScript.
//!
//! A record may be written by any thread. It is put where the listening thread will fetch it, and that thread is woken by
//! a thread-safe function, which does not keep its process alive.

use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Arc;

use napi_sys as sys;
use parking_lot::Mutex;

use super::call::{Answer, Call, Env};
use super::objects;
use super::throw::{NOTHING, Thrown};

/// Who listens to one engine.
#[derive(Default)]
pub(super) struct Audience {
    ears: Mutex<Vec<Arc<Ear>>>,
}

/// One thread's ear at one engine.
pub(super) struct Ear {
    lines: Mutex<VecDeque<String>>,
    bell: Arc<Bell>,
}

/// Wakes one thread of JavaScript.
#[derive(Default)]
pub(super) struct Bell {
    function: Mutex<Option<Ringer>>,
}

struct Ringer(sys::napi_threadsafe_function);

// SAFETY: N-API's thread-safe functions are called from any thread; `Bell` takes it away before Node frees it.
unsafe impl Send for Ringer {}

impl Audience {
    /// Puts a line before everybody who listens.
    pub(super) fn tell(&self, line: &str) {
        for ear in &*self.ears.lock() {
            ear.lines.lock().push_back(line.to_owned());
            ear.bell.ring();
        }
    }

    pub(super) fn leave(&self, ear: &Arc<Ear>) {
        self.ears.lock().retain(|other| !Arc::ptr_eq(other, ear));
    }
}

impl Bell {
    fn ring(&self) {
        // The lock is held, so that the function is not freed under the call; the call does not wait.
        if let Some(Ringer(function)) = &*self.function.lock() {
            let mode = sys::ThreadsafeFunctionCallMode::nonblocking;
            // SAFETY: Node frees it after `silence`, which waits for this lock.
            unsafe { sys::napi_call_threadsafe_function(*function, NOTHING, mode) };
        }
    }

    /// A bell that calls `listener`, a function of `env`, without arguments.
    pub(super) fn hang(env: Env, listener: sys::napi_value) -> Result<Arc<Self>, Thrown> {
        let bell = Arc::new(Self::default());
        let name = env.string("rollgate")?;
        let mut function = null_mut();
        let held = Arc::into_raw(bell.clone());
        // SAFETY: `held` lives until `silence`; the rest are values of `env`.
        let status = unsafe {
            sys::napi_create_threadsafe_function(
                env.raw(),
                listener,
                null_mut(),
                name,
                0,
                1,
                held.cast_mut().cast(),
                Some(silence),
                NOTHING,
                Some(rung),
                &mut function,
            )
        };
        if status != sys::Status::napi_ok {
            // SAFETY: it was not given away.
            drop(unsafe { Arc::from_raw(held) });
        }
        env.check(status)?;
        // SAFETY: the function was made in this environment.
        env.check(unsafe { sys::napi_unref_threadsafe_function(env.raw(), function) })?;
        *bell.function.lock() = Some(Ringer(function));
        Ok(bell)
    }
}

/// The environment ends: nobody rings from here on.
unsafe extern "C" fn silence(_env: sys::napi_env, bell: *mut c_void, _hint: *mut c_void) {
    // SAFETY: Node calls this once, with the count that `hang` gave away.
    let bell = unsafe { Arc::from_raw(bell.cast_const().cast::<Bell>()) };
    *bell.function.lock() = None;
}

/// On the thread of JavaScript: calls the listener.
unsafe extern "C" fn rung(
    env: sys::napi_env,
    listener: sys::napi_value,
    _context: *mut c_void,
    _value: *mut c_void,
) {
    // Both are null where the environment ends.
    if env.is_null() || listener.is_null() {
        return;
    }
    let (mut this, mut answer) = (null_mut(), null_mut());
    // SAFETY: Node calls this with an environment and a function of it. What the listener throws stays pending, and Node
    // makes an uncaught exception of it.
    unsafe {
        if sys::napi_get_undefined(env, &mut this) == sys::Status::napi_ok {
            sys::napi_call_function(env, this, listener, 0, null_mut(), &mut answer);
        }
    }
}

/// `bell(listener)`: what calls `listener` when records wait; once for each environment.
pub(super) fn set_bell(call: &Call) -> Answer {
    if call.type_of(0)? != sys::ValueType::napi_function {
        return Err(Thrown::expected("listener", "a function"));
    }
    let bell = Bell::hang(call.env, call.argument(0))?;
    objects::keep_bell(call.env, bell);
    call.env.undefined()
}

/// `listen(engine)`: from now on records wait for this thread.
pub(super) fn listen(call: &Call) -> Answer {
    let seat = call.seat()?;
    let bell = objects::bell(call.env).ok_or_else(|| Thrown::expected("listen", "a bell before it"))?;
    let ear = Arc::new(Ear { lines: Mutex::default(), bell });
    let is_new = seat.change(|live| live.ear.is_none() && live.ear.replace(ear.clone()).is_none());
    if is_new.ok_or_else(Thrown::closed)? {
        seat.core().audience.ears.lock().push(ear);
    }
    call.env.undefined()
}

/// `deafen(engine)`: nobody listens any more.
pub(super) fn deafen(call: &Call) -> Answer {
    let seat = call.seat()?;
    if let Some(ear) = seat.change(|live| live.ear.take()).flatten() {
        seat.core().audience.leave(&ear);
    }
    call.env.undefined()
}

/// `heard(engine)`: the records that wait, as a JSON list; `undefined` where there are none.
pub(super) fn heard(call: &Call) -> Answer {
    let ear = call.seat()?.read(|live| live.ear.clone()).flatten();
    let lines = ear.map(|ear| std::mem::take(&mut *ear.lines.lock())).unwrap_or_default();
    if lines.is_empty() {
        return call.env.undefined();
    }
    call.env.string(&list(lines))
}

/// Lines of JSON as a list.
pub(super) fn list(lines: impl IntoIterator<Item = String>) -> String {
    let lines: Vec<String> = lines.into_iter().collect();
    format!("[{}]", lines.join(","))
}
