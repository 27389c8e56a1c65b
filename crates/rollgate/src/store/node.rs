//! stub until merge

/// stub
pub(crate) fn node_name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static N: AtomicU64 = AtomicU64::new(0);
    format!("{}/{}", std::process::id(), N.fetch_add(1, Ordering::Relaxed))
}
