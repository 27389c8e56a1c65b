//! What stands around every export: no panic leaves the library.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rollgate::core::error::Error;

use super::error::{Status, failed, remember};

/// Runs an export; `default` is what it gives where it panics.
///
/// Locks of the library are not poisoned by a panic, and what a command changes is changed in one piece at its end, so
/// that an engine goes on after one.
#[inline(always)]
pub(super) fn guard<T>(export: &'static str, default: T, call: impl FnOnce() -> T) -> T {
    let guarded = AssertUnwindSafe(|| {
        injected::panic_in(export);
        call()
    });
    match catch_unwind(guarded) {
        Ok(given) => given,
        Err(panic) => {
            caught(export, panic);
            default
        }
    }
}

/// By itself, so that the exports need no stack for it.
#[cold]
#[inline(never)]
fn caught(export: &str, panic: Box<dyn Any + Send>) {
    let said = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    // Dropping what a panic carries may panic itself.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(panic)));
    remember(format!("{export} panicked: {said}. This is a bug of rollgate; please report it"));
}

/// Runs an export that gives a status.
pub(super) fn status(export: &'static str, call: impl FnOnce() -> Result<(), Error>) -> Status {
    guard(export, Status::Panic, || match call() {
        Ok(()) => Status::Ok,
        Err(error) => failed(&error),
    })
}

#[cfg(not(feature = "inject-panic"))]
mod injected {
    #[inline(always)]
    pub(super) fn panic_in(_: &str) {}
}

/// Panics on demand, for the test that none leaves. Not in any library that is installed.
#[cfg(feature = "inject-panic")]
mod injected {
    use std::ffi::{CStr, c_char};

    use parking_lot::Mutex;

    static EXPORT: Mutex<Option<String>> = Mutex::new(None);

    /// Panics where this export was named. Once: what the test asks afterwards is to be answered.
    #[allow(clippy::panic, reason = "it is what this is for")]
    pub(super) fn panic_in(export: &str) {
        let is_named = EXPORT.lock().take_if(|named| named == export).is_some();
        if is_named {
            panic!("injected");
        }
    }

    /// Names the export whose next call is to panic.
    ///
    /// # Safety
    /// `export` is a NUL-terminated string.
    #[allow(unreachable_pub, reason = "the linker reaches it")]
    #[unsafe(no_mangle)]
    pub unsafe extern "C" fn rollgate_inject_panic(export: *const c_char) {
        // SAFETY: the caller's promise.
        let export = unsafe { CStr::from_ptr(export) };
        *EXPORT.lock() = Some(export.to_string_lossy().into_owned());
    }
}
