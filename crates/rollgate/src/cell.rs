//! Where the current snapshot is published: the only place that swaps one.
//!
//! Publication goes through `arc-swap`; the hot paths do not, because its guard costs more than a whole evaluation:
//! handles read one atomic word, and by-name reads keep a copy in a thread-local that one version load validates.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rollgate_core::limits::SNAPSHOTS_KEPT;
use rollgate_core::snapshot::Snapshot;

/// Numbers every cell of the process, so that a thread-local copy knows whose it is.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// Holds the current snapshot and keeps the last ones alive.
pub struct SnapshotCell {
    id: u64,
    /// Stored before the swap: whoever has seen a snapshot, pinned or read, finds its version here, and so no copy that
    /// is older than it.
    version: AtomicU64,
    current: ArcSwap<Snapshot>,
    /// The last snapshots stay alive, so that a reader that drops an old one never pays for freeing it. The lock also
    /// puts publications in one order.
    kept: Mutex<VecDeque<Arc<Snapshot>>>,
}

/// What became of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// Readers get it from now on.
    Current,
    /// A snapshot of this version or a later one was there already; it was dropped.
    Stale,
}

thread_local! {
    /// The last snapshot that this thread read by name, and whose it was.
    static SEEN: RefCell<Option<(u64, Arc<Snapshot>)>> = const { RefCell::new(None) };
}

impl SnapshotCell {
    /// A cell with a first snapshot.
    pub fn new(first: Snapshot) -> Self {
        let version = AtomicU64::new(first.version);
        let first = Arc::new(first);
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Self { id, version, current: ArcSwap::new(first.clone()), kept: Mutex::new(VecDeque::from([first])) }
    }

    /// Publishes a snapshot, and calls `also` with it before the next one can be published. Versions never go back.
    pub fn publish(&self, snapshot: Snapshot, also: impl FnOnce(&Snapshot)) -> Published {
        let mut kept = self.kept.lock();
        if snapshot.version <= self.version.load(Ordering::Relaxed) {
            return Published::Stale;
        }
        let snapshot = Arc::new(snapshot);
        kept.push_back(snapshot.clone());
        if kept.len() > SNAPSHOTS_KEPT {
            kept.pop_front();
        }
        self.version.store(snapshot.version, Ordering::Release);
        self.current.store(snapshot.clone());
        also(&snapshot);
        Published::Current
    }

    /// The current snapshot, for keeping: a request's pinned view.
    pub fn load(&self) -> Arc<Snapshot> {
        let snapshot = self.current.load_full();
        // Between the swap and its version a reader has the new snapshot already: from then on nobody may get an older
        // one, so it says the version itself.
        if self.version.load(Ordering::Acquire) < snapshot.version {
            self.version.fetch_max(snapshot.version, Ordering::AcqRel);
        }
        snapshot
    }

    /// Reads the current snapshot where it is, through the thread's copy.
    ///
    /// Cost: one version load and a thread-local; a change of version costs one `load_full`.
    #[inline]
    pub fn read<T>(&self, read: impl Fn(&Snapshot) -> T) -> T {
        let version = self.version.load(Ordering::Acquire);
        let through_copy = SEEN.try_with(|seen| {
            // Only a reader inside a reader could find it taken; that one reads the shared snapshot.
            let mut seen = seen.try_borrow_mut().ok()?;
            if let Some((id, snapshot)) = &*seen
                && *id == self.id
                && snapshot.version >= version
            {
                return Some(read(snapshot));
            }
            let snapshot = self.load();
            let answer = read(&snapshot);
            *seen = Some((self.id, snapshot));
            Some(answer)
        });
        // A thread that is ending has no thread-locals any more; it reads the shared snapshot too.
        through_copy.ok().flatten().unwrap_or_else(|| read(&self.load()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{Format, ruleset};

    fn snapshot(version: u64) -> Snapshot {
        let compiled = ruleset("version: 1\nname: cell\nflags: { A: {}, B: {} }\n", Format::Yaml).unwrap();
        Snapshot { version, ..Snapshot::initial(Arc::new(compiled.ruleset)) }
    }

    #[test]
    fn versions_never_go_back() {
        let cell = SnapshotCell::new(snapshot(5));
        assert_eq!(cell.publish(snapshot(4), |_| ()), Published::Stale);
        assert_eq!(cell.publish(snapshot(6), |_| ()), Published::Current);
        assert_eq!(cell.read(|snapshot| snapshot.version), 6);
        assert_eq!(cell.load().version, 6);
    }

    #[test]
    fn readers_on_other_threads_see_versions_grow_only() {
        let cell = SnapshotCell::new(snapshot(1));
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < 500 {
                        let version = cell.read(|snapshot| snapshot.version);
                        assert!(version >= last);
                        // A pinned snapshot and one that is read through the thread's copy grow together.
                        last = cell.load().version;
                        assert!(last >= version);
                        assert!(cell.read(|snapshot| snapshot.version) >= last);
                    }
                });
            }
            let first = snapshot(1);
            for version in 2..=500 {
                cell.publish(Snapshot { version, ..first.clone() }, |_| ());
            }
        });
    }
}
