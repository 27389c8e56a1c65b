//! What holds in a child of `fork`: evaluation goes on, everything else needs an engine of the child's own.
//!
//! A child has one thread, and copies of all locks as they were. Those of this library are taken before the fork and let
//! go on both sides, so that a child can open engines. Those inside an engine may be held by a thread that the child does
//! not have: whatever takes one is refused for the parent's engines, which is an error and not a hang. Answers take none.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use rollgate::core::error::{Error, ErrorKind};

use super::opened::Opened;
use super::{pin, slots};

/// How many forks lie between the first process and this one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// The number of forks now.
pub(super) fn count() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Whether an engine is of this process.
pub(super) fn is_own(opened: &Opened) -> bool {
    opened.forks == count()
}

/// Refuses an engine of another process.
///
/// # Errors
/// [`ErrorKind::InvalidHandle`].
pub(super) fn check(opened: &Opened) -> Result<(), Error> {
    if is_own(opened) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidHandle,
        "the engine was opened before this process was forked; here it only answers flags. Open one in this process",
    ))
}

#[cfg(unix)]
unsafe extern "C" {
    /// POSIX: `<pthread.h>`.
    fn pthread_atfork(
        prepare: Option<extern "C" fn()>,
        parent: Option<extern "C" fn()>,
        child: Option<extern "C" fn()>,
    ) -> std::ffi::c_int;
}

extern "C" fn prepare() {
    slots::lock_for_fork();
}

extern "C" fn parent() {
    slots::unlock_after_fork();
}

extern "C" fn child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    // Engines that are opened here get locks and thread numbers of this process.
    rollgate::process::forked();
    pin::forget_others();
    slots::unlock_after_fork();
}

/// Asks the system to be told of forks, once.
pub(super) fn watch() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        #[cfg(unix)]
        // SAFETY: the functions live as long as the library; the system forgets them when it is unloaded.
        unsafe {
            pthread_atfork(Some(prepare), Some(parent), Some(child));
        }
    });
}
