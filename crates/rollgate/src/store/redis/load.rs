//! Reading state and journal, as of one moment.

use rollgate_core::decide::{RolloutState, Watched};
use rollgate_core::error::Error;

use super::address::Address;
use super::checked::{kept, split, sum, written};
use super::link::Link;
use super::meaning::damaged;
use super::store::{begin, state_sum};
use crate::store::Stored;

/// The sum of a journal line.
pub(super) fn line_sum(seq: u64, line: &[u8]) -> u64 {
    sum(&[&seq.to_le_bytes(), line])
}

/// The sum of what was watched.
pub(super) fn watched_sum(revision: u64, json: &str) -> u64 {
    sum(&[&revision.to_le_bytes(), json.as_bytes()])
}

/// What one script reads: revision, epoch, time, lines, state, sum; revision, counters, sum; how many lines
/// there are; those that were asked for; the last line that is known here.
type Answer = (
    (Option<u64>, Option<u64>, Option<String>, Option<u64>, Option<String>, Option<String>),
    (Option<u64>, Option<String>, Option<String>),
    u64,
    Vec<Vec<u8>>,
    Option<Vec<u8>>,
);

/// State, counters and lines, each against its sum, and the lines against their number and against those seen before.
pub(super) fn load(link: &mut Link, at: &Address, after: u64) -> Result<Option<Stored>, Error> {
    let known = link.seen.line;
    let last = known.map_or(0, |(seq, _)| seq.saturating_sub(1));
    let (state, counters, count, lines, last): Answer = link.ask(at, |connection, scripts| {
        begin(&scripts.load, at).arg(kept(after)).arg(last).invoke(connection)
    })?;
    link.look_at_revision(at, state.0.unwrap_or(0))?;
    let is_known = |(seq, sum)| {
        last.as_ref().and_then(|line| split(line)).is_some_and(|(found, _)| found == sum && seq <= count)
    };
    if !known.is_none_or(is_known) {
        return Err(damaged(
            at,
            "a journal line that this process has read or written is not there any more: the server went back, and \
             another history was written",
        ));
    }
    let (revision, json) = match state {
        (None, None, None, None, None, None) if count == 0 => return Ok(None),
        (Some(revision), Some(epoch), Some(seen), Some(expected), Some(json), Some(sum)) => {
            if sum != written(state_sum(revision, epoch, &seen, &json)) {
                return Err(damaged(at, "the state does not fit its sum"));
            }
            if expected != count {
                return Err(damaged(
                    at,
                    format_args!(
                        "its state was written after {expected} journal lines, and there are {count}"
                    ),
                ));
            }
            (revision, json)
        }
        _ => return Err(damaged(at, "it has a journal and no state, or half a state")),
    };
    let state: RolloutState =
        serde_json::from_str(&json).map_err(|error| damaged(at, format_args!("the state: {error}")))?;
    let journal = checked_lines(link, at, after.min(count), lines)?;
    let watched = watched(at, counters)?.filter(|watched| watched.revision == revision);
    Ok(Some(Stored { revision, state, watched, journal }))
}

fn checked_lines(
    link: &mut Link,
    at: &Address,
    after: u64,
    lines: Vec<Vec<u8>>,
) -> Result<Vec<String>, Error> {
    let mut journal = Vec::with_capacity(lines.len());
    for (seq, stored) in (after + 1..).zip(&lines) {
        let line = split(stored).and_then(|(sum, rest)| Some((sum, rest.strip_prefix(b" ")?)));
        let line = line.filter(|(sum, line)| *sum == line_sum(seq, line));
        let Some((sum, line)) = line.and_then(|(sum, line)| Some((sum, str::from_utf8(line).ok()?))) else {
            return Err(damaged(at, format_args!("journal line {seq} does not fit its sum")));
        };
        journal.push(line.to_owned());
        link.seen.line = Some((seq, sum));
    }
    Ok(journal)
}

fn watched(
    at: &Address,
    (revision, json, sum): (Option<u64>, Option<String>, Option<String>),
) -> Result<Option<Watched>, Error> {
    let (Some(revision), Some(json)) = (revision, json) else { return Ok(None) };
    if sum.as_deref() != Some(&*written(watched_sum(revision, &json))) {
        return Err(damaged(at, "what was watched does not fit its sum"));
    }
    let watched = serde_json::from_str(&json)
        .map_err(|error| damaged(at, format_args!("what was watched: {error}")))?;
    Ok(Some(watched))
}
