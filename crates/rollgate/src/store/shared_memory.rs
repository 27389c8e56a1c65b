//! A store that the engines of one process share, for tests and simulations of many nodes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use rollgate_core::decide::Watched;
use rollgate_core::error::Error;
use rollgate_core::metrics::{Saved, SavedSlot};
use rollgate_core::time::Timestamp;

use super::contract::{
    Checkpoint, Claim, Commit, Head, Lease, Report, Reported, Restored, SharedStore, Store, Stored,
};
use super::fence::{fenced, follows, increment, lost};
use super::memory::away;
use crate::process::unpoisoned;

/// Keeps everything in memory, with a lease and reports. [`node`](Self::node) gives each node its own way to it, which can
/// be cut; a clone goes the same way as what it was cloned of.
#[derive(Clone, Debug, Default)]
pub struct SharedMemoryStore {
    held: Arc<Mutex<Held>>,
    way: Arc<Mutex<Way>>,
}

/// The way of one node to the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    #[default]
    Open,
    /// Nothing gets through.
    Cut,
    /// What is asked is done, and the answer is lost.
    Deaf,
}

#[derive(Debug, Default)]
struct Held {
    stored: Option<Stored>,
    epoch: u64,
    lease: Option<Lease>,
    reports: Vec<Reported>,
    windows: Option<Kept>,
}

/// The windows.
#[derive(Debug)]
struct Kept {
    epoch: u64,
    position: u64,
    head: Vec<u8>,
    slots: BTreeMap<(u16, u8, Timestamp, Timestamp), Vec<u8>>,
}

impl SharedMemoryStore {
    /// An empty store, and the first node's way to it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another node's way to the same store.
    #[must_use]
    pub fn node(&self) -> Self {
        Self { held: self.held.clone(), way: Arc::default() }
    }

    /// Cuts this node off until [`come_back`](Self::come_back): every call is refused.
    pub fn go_away(&self) {
        *unpoisoned(self.way.lock()) = Way::Cut;
    }

    /// Loses every answer to this node until [`come_back`](Self::come_back): what it asks is done, and it is told that
    /// the store is away.
    pub fn lose_answers(&self) {
        *unpoisoned(self.way.lock()) = Way::Deaf;
    }

    /// Ends [`go_away`](Self::go_away) and [`lose_answers`](Self::lose_answers).
    pub fn come_back(&self) {
        *unpoisoned(self.way.lock()) = Way::Open;
    }

    fn with<T>(&self, work: impl FnOnce(&mut Held) -> Result<T, Error>) -> Result<T, Error> {
        let way = *unpoisoned(self.way.lock());
        if way == Way::Cut {
            return Err(away());
        }
        let mut held: MutexGuard<'_, Held> = unpoisoned(self.held.lock());
        let answer = work(&mut held);
        if way == Way::Deaf { Err(away()) } else { answer }
    }
}

impl Held {
    /// The latest epoch that is known.
    fn latest(&self) -> u64 {
        self.lease.as_ref().map_or(0, |lease| lease.epoch).max(self.epoch)
    }

    fn revision(&self) -> u64 {
        self.stored.as_ref().map_or(0, |stored| stored.revision)
    }

    fn last_report(&self) -> u64 {
        self.reports.last().map_or(0, |last| last.seq)
    }
}

impl Store for SharedMemoryStore {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        self.with(|held| {
            Ok(held.stored.as_ref().map(|stored| Stored {
                journal: stored.journal.get(after..).unwrap_or_default().to_vec(),
                state: stored.state.clone(),
                ..*stored
            }))
        })
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        self.with(|held| {
            fenced(commit.epoch, held.latest())?;
            let lines = held.stored.as_ref().map_or(0, |stored| stored.journal.len() as u64);
            follows(commit, held.revision(), lines)?;
            let mut journal = held.stored.take().map_or_else(Vec::new, |stored| stored.journal);
            journal.extend_from_slice(commit.journal);
            let revision = commit.expected + 1;
            held.stored = Some(Stored { revision, state: commit.state.clone(), watched: None, journal });
            held.epoch = commit.epoch;
            Ok(revision)
        })
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }
}

impl SharedStore for SharedMemoryStore {
    fn head(&self) -> Result<Head, Error> {
        self.with(|held| {
            Ok(Head { revision: held.revision(), reports: held.last_report(), lease: held.lease.clone() })
        })
    }

    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error> {
        self.with(|held| {
            let as_seen = |lease: &Lease| (lease.epoch, lease.beat);
            if held.lease.as_ref().map(as_seen) != seen.map(as_seen) {
                return Ok(None);
            }
            let epoch = held.latest() + 1;
            let Claim { holder, observed, wall } = *claim;
            held.lease = Some(Lease { epoch, holder: holder.to_owned(), beat: 0, observed, wall });
            Ok(Some(epoch))
        })
    }

    fn beat(&self, epoch: u64, claim: &Claim<'_>, watched: &Watched) -> Result<(), Error> {
        self.with(|held| {
            match &mut held.lease {
                Some(lease) if lease.epoch == epoch && lease.holder == claim.holder => {
                    lease.beat += 1;
                    (lease.observed, lease.wall) = (claim.observed, claim.wall);
                }
                other => return Err(lost(epoch, other.as_ref())),
            }
            match &mut held.stored {
                Some(stored) if stored.revision == watched.revision => stored.watched = Some(*watched),
                _ => {}
            }
            Ok(())
        })
    }

    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error> {
        self.with(|held| {
            match &mut held.lease {
                Some(lease) if lease.epoch == epoch && lease.holder == holder => lease.holder.clear(),
                _ => {}
            }
            Ok(())
        })
    }

    fn report(&self, report: &Report<'_>) -> Result<u64, Error> {
        self.with(|held| {
            let seq = held.last_report() + 1;
            held.reports.push(Reported {
                seq,
                node: report.node.to_owned(),
                revision: report.revision,
                observed: report.observed,
                tape: report.tape.to_vec(),
            });
            Ok(seq)
        })
    }

    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error> {
        self.with(|held| {
            let from = held.reports.partition_point(|report| report.seq <= after);
            Ok(held.reports[from..].to_vec())
        })
    }

    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        self.with(|held| {
            fenced(checkpoint.epoch, held.latest())?;
            increment(checkpoint, held.windows.as_ref().map(|kept| kept.epoch))?;
            let saved = checkpoint.saved;
            let mut slots = match held.windows.take() {
                Some(kept) if !saved.is_whole => kept.slots,
                _ => BTreeMap::new(),
            };
            for slot in &saved.slots {
                slots.insert((slot.series, slot.tier, slot.start, slot.end), slot.bytes.clone());
            }
            for oldest in &saved.oldest {
                slots.retain(|(series, tier, _, end), _| {
                    (*series, *tier) != (oldest.series, oldest.tier) || *end > oldest.end
                });
            }
            let (epoch, position, head) = (checkpoint.epoch, checkpoint.position, saved.head.clone());
            held.windows = Some(Kept { epoch, position, head, slots });
            // Only from the front, and never the last one: so no number is given out twice.
            let last = held.last_report();
            let stays = |report: &Reported| {
                report.seq > position || report.observed >= checkpoint.forget || report.seq == last
            };
            let gone = held.reports.iter().position(stays).unwrap_or(0);
            held.reports.drain(..gone);
            Ok(())
        })
    }

    fn restore(&self) -> Result<Option<Restored>, Error> {
        self.with(|held| {
            Ok(held.windows.as_ref().map(|kept| {
                let slots = kept.slots.iter().map(|(&(series, tier, start, end), bytes)| SavedSlot {
                    series,
                    tier,
                    start,
                    end,
                    bytes: bytes.clone(),
                });
                let (head, slots) = (kept.head.clone(), slots.collect());
                let saved = Saved { head, slots, oldest: Vec::new(), is_whole: true };
                Restored { position: kept.position, saved }
            }))
        })
    }
}
