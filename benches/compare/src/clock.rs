//! The time that a thread itself has run: what other processes take of a shared machine is not in it.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds that the calling thread has run.
pub fn thread_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
