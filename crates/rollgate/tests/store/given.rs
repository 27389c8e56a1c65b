//! What tests of stores write into them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rollgate::core::decide::{RolloutState, Watched};
use rollgate::core::metrics::{Oldest, Saved, SavedSlot};
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal::Journal;
use rollgate::read::{Format, ruleset};
use rollgate::store::{Claim, Commit, Durability, Report, Store};
use serde_json::{Value, json};

/// A state; `n` tells one from another.
pub(crate) fn state(n: u64) -> RolloutState {
    let plan = "
version: 1
name: stored
flags: { NEW: {} }
metrics: { heap: { kind: gauge, unit: MB, good: down } }
phases:
  - id: one
    duration: 1h
    steps: [ { set: { NEW: 10% } } ]
    gates: { time: { phase_for: 1h } }
    triggers: { heap: { when: { metric: heap, stat: last, above: 1GB }, rollback: { to: zero } } }
    contingency: { to: zero }
";
    let ruleset = ruleset(plan, Format::Yaml).unwrap().ruleset;
    let mut state = RolloutState::new(&ruleset, Timestamp(1_000));
    state.watched = Span(n);
    state.baselines = vec![Some(0.1 + n as f64)];
    state
}

/// The journal's lines from 1 to `last`, chained.
pub(crate) fn lines(last: u64) -> Vec<String> {
    let mut journal = Journal::new();
    for seq in 1..=last {
        let at = Timestamp(1_768_816_800_000 + seq as i64 * 1_000).to_string();
        let record = json!({
            "seq": seq, "at": at, "observed": at, "kind": if seq % 5 == 4 { "rolled_back" } else { "step_applied" },
            "plan": "stored", "phase": "one", "status": "running", "by": "ops", "why": "ö \"quoted\"",
        });
        let Value::Object(record) = record else { panic!("an object") };
        journal.append(record);
    }
    journal.after(0).map(str::to_owned).collect()
}

/// Commits state `n` with journal lines `first..=last` under an epoch.
pub(crate) fn commit(
    store: &dyn Store,
    epoch: u64,
    expected: u64,
    n: u64,
    first: u64,
    last: u64,
) -> Result<u64, rollgate::core::error::Error> {
    let journal = &lines(last)[first as usize - 1..];
    let durability = if n.is_multiple_of(2) { Durability::Decision } else { Durability::Progress };
    store.commit(&Commit { epoch, expected, state: &state(n), journal, first, durability })
}

pub(crate) fn claim(holder: &str, ms: i64) -> Claim<'_> {
    Claim { holder, observed: Timestamp(ms), wall: Timestamp(ms + 7) }
}

pub(crate) fn report<'a>(node: &'a str, ms: i64, tape: &'a [u8]) -> Report<'a> {
    Report { node, revision: 3, observed: Timestamp(ms), tape }
}

pub(crate) fn slot(series: u16, tier: u8, start: i64, bytes: &[u8]) -> SavedSlot {
    SavedSlot { series, tier, start: Timestamp(start), end: Timestamp(start + 10), bytes: bytes.to_vec() }
}

pub(crate) fn oldest(series: u16, tier: u8, end: i64) -> Oldest {
    Oldest { series, tier, end: Timestamp(end) }
}

pub(crate) fn whole(head: &[u8], slots: Vec<SavedSlot>) -> Saved {
    Saved { head: head.to_vec(), slots, oldest: Vec::new(), is_whole: true }
}

pub(crate) fn watched(revision: u64, ms: u64) -> Watched {
    Watched {
        revision,
        watched: Span(ms),
        clock: Span(ms / 2),
        evaluated: Some(Timestamp(ms as i64)),
        observed: Timestamp(ms as i64 + 1),
        credited: (Span(1), Span(2)),
    }
}

/// A folder of its own for each caller, gone at the end of a test that passes.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("store-{}-{n}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("rollout.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
