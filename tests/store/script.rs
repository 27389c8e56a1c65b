//! What the child writes into a store, and its parent expects to find there.
#![allow(dead_code)] // The child uses one part of it, its parent another.

use std::path::Path;

use rollgate::core::decide::{RolloutState, Watched};
use rollgate::core::error::Error;
use rollgate::core::metrics::{Oldest, Saved, SavedSlot};
use rollgate::core::time::{Span, Timestamp};
use rollgate::journal::{self, Journal};
use rollgate::read::{Format, ruleset};
use rollgate::store::{Checkpoint, Claim, Commit, Durability, Report, SqliteStore, Store};
use serde_json::{Value, json};

/// Journal lines of one commit.
pub(crate) const LINES: u64 = 3;

/// The state of a revision.
pub(crate) fn state(revision: u64) -> RolloutState {
    let plan = "{ version: 1, name: stored, flags: { NEW: { share: 25% } } }";
    let ruleset = ruleset(plan, Format::Yaml).unwrap().ruleset;
    let mut state = RolloutState::new(&ruleset, Timestamp(1_000));
    state.watched = Span(revision);
    state.baselines = vec![Some(0.1 + revision as f64); 20];
    state
}

/// The journal of a revision.
pub(crate) fn lines(revision: u64) -> Vec<String> {
    let mut journal = Journal::new();
    for seq in 1..=revision * LINES {
        let record =
            json!({ "seq": seq, "kind": "step_applied", "status": "running", "why": "x".repeat(150) });
        let Value::Object(record) = record else { panic!("an object") };
        journal.append(record);
    }
    journal.after(0).map(str::to_owned).collect()
}

/// Commits the revision after `expected`; every third one may wait for the disk.
pub(crate) fn commit(store: &dyn Store, all: &[String], expected: u64, epoch: u64) -> Result<u64, Error> {
    let next = expected + 1;
    let journal = &all[(expected * LINES) as usize..(next * LINES) as usize];
    let durability = if next.is_multiple_of(3) { Durability::Progress } else { Durability::Decision };
    let (state, first) = (&state(next), expected * LINES + 1);
    store.commit(&Commit { epoch, expected, state, journal, first, durability })
}

/// The tape of a report: any, and long enough to span pages.
pub(crate) const TAPE: [u8; 6_000] = [7; 6_000];

pub(crate) fn report(store: &dyn Store, node: &str) -> Result<u64, Error> {
    let observed = Timestamp(5);
    store.shared().unwrap().report(&Report { node, revision: 1, observed, tape: &TAPE })
}

pub(crate) fn claim(holder: &str) -> Claim<'_> {
    Claim { holder, observed: Timestamp(1), wall: Timestamp(2) }
}

pub(crate) fn beat(store: &dyn Store, holder: &str, revision: u64) -> Result<(), Error> {
    let watched = Watched {
        revision,
        watched: Span(revision),
        clock: Span(1),
        evaluated: None,
        observed: Timestamp(3),
        credited: (Span(1), Span(2)),
    };
    store.shared().unwrap().beat(1, &claim(holder), &watched)
}

/// The windows of checkpoint `n`: whole at first, then one slot more and one less.
fn saved(n: u64) -> Saved {
    let slot = |n: u64| SavedSlot {
        series: 0,
        tier: 0,
        start: Timestamp(n as i64 * 10),
        end: Timestamp(n as i64 * 10 + 10),
        bytes: vec![n as u8; 500],
    };
    let oldest = Oldest { series: 0, tier: 0, end: Timestamp(n as i64 * 10 - 10) };
    let (slots, oldest) =
        if n == 1 { (vec![slot(0), slot(1)], vec![]) } else { (vec![slot(n)], vec![oldest]) };
    Saved { head: vec![n as u8; 900], slots, oldest, is_whole: n == 1 }
}

/// Saves checkpoint `n`: it is named by its position.
pub(crate) fn checkpoint(store: &dyn Store, n: u64) -> Result<(), Error> {
    store.shared().unwrap().save(&Checkpoint {
        epoch: 1,
        position: n,
        saved: &saved(n),
        forget: Timestamp::MIN,
    })
}

/// What the parent has been told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    /// The last revision that was acknowledged.
    pub(crate) revision: u64,
    /// The last report.
    pub(crate) report: u64,
    /// The last checkpoint.
    pub(crate) checkpoint: u64,
}

impl Told {
    /// Reads one line of the child.
    pub(crate) fn hear(&mut self, line: &str) {
        let Some((what, number)) = line.split_once(' ') else { return };
        // A line that was cut off by the end of the child has told nothing.
        let Ok(number) = number.parse::<u64>() else { return };
        let kept = match what {
            "revision" => &mut self.revision,
            "report" => &mut self.report,
            "checkpoint" => &mut self.checkpoint,
            other => panic!("the child says {other}"),
        };
        *kept = number.max(*kept);
    }
}

/// Opens what a child left behind, and checks it against what was told; `ahead` writers may have been in the middle of
/// one write each. Goes on writing, to show that one can.
pub(crate) fn check(path: &Path, told: Told, ahead: u64) -> Result<u64, String> {
    let said = |error: Error| error.to_string();
    let store = SqliteStore::open(path).map_err(said)?;
    let stored = store.load(0).map_err(said)?;
    let revision = stored.as_ref().map_or(0, |stored| stored.revision);
    if !(told.revision..=told.revision + ahead).contains(&revision) {
        return Err(format!("revision {revision}, and {} was acknowledged", told.revision));
    }
    if let Some(stored) = stored {
        if stored.state != state(revision) {
            return Err(format!("revision {revision} has another state"));
        }
        if stored.journal != lines(revision) {
            return Err(format!("revision {revision} has {} lines, or other ones", stored.journal.len()));
        }
        journal::verify(stored.journal.iter().map(String::as_str)).map_err(said)?;
        if stored.watched.is_some_and(|watched| watched.revision != revision || watched.watched.0 != revision)
        {
            return Err("what was watched is not of this revision".to_owned());
        }
    }
    let shared = store.shared().unwrap();
    let reports = shared.reports(0).map_err(said)?;
    if !(told.report..=told.report + ahead).contains(&(reports.len() as u64)) {
        return Err(format!("{} reports, and {} were acknowledged", reports.len(), told.report));
    }
    if reports.iter().zip(1..).any(|(report, seq)| report.seq != seq || report.tape != TAPE) {
        return Err("a report is another one".to_owned());
    }
    let restored = shared.restore().map_err(said)?;
    let saved = restored.as_ref().map_or(0, |restored| restored.position);
    if !(told.checkpoint..=told.checkpoint + 1).contains(&saved) {
        return Err(format!("checkpoint {saved}, and {} was acknowledged", told.checkpoint));
    }
    if restored.is_some_and(|restored| restored.saved.slots.len() != 2) {
        return Err(format!("checkpoint {saved} has not two slots"));
    }
    let epoch = shared.head().map_err(said)?.lease.map_or(0, |lease| lease.epoch);
    let next = commit(&store, &lines(revision + 1), revision, epoch).map_err(said)?;
    if next == revision + 1 { Ok(revision) } else { Err(format!("{next} does not follow {revision}")) }
}
