//! Where the current snapshot is published: the only place that swaps one.
//!
//! Publication goes through `arc-swap`; the hot paths do not, because its guard costs more than a whole evaluation:
//! handles read one atomic word, and by-name reads keep a copy in a thread-local that one version load validates.
//!
//! `tests/models` runs this file under loom and shuttle, which try other orders of its steps, and shows that they find
//! what goes wrong when a step is moved. `crates/rollgate/tests/cell.rs` is for real threads, and for Miri.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;

use rollgate_core::limits::SNAPSHOTS_KEPT;
use rollgate_core::snapshot::Snapshot;

use super::sync::{ArcSwap, AtomicU64, Mutex, Ordering, thread_local};

/// Numbers every cell of the process, so that a thread-local copy knows whose it is. An address would not do: a new cell
/// gets that of one that was dropped. It orders nothing, so it is the standard one in the models too.
static NEXT_ID: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);

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

    /// The version of the latest publication; one that is under way counts already.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The current snapshot, for keeping: a request's pinned view.
    pub fn load(&self) -> Arc<Snapshot> {
        self.current.load_full()
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
