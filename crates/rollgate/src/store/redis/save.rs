//! The metrics' windows: saved in one script, or in parts that become valid at once, and read as of one moment.

use redis::{Connection, RedisResult, Script, Value};
use rollgate_core::error::Error;
use rollgate_core::limits::{STORE_CALL_BYTES, STORE_PARTS_MS};
use rollgate_core::metrics::{Saved, SavedSlot};
use rollgate_core::time::Timestamp;

use super::address::Address;
use super::checked::{kept, split, sum, with_sum, written};
use super::link::Link;
use super::meaning::damaged;
use super::store::begin;
use crate::store::fence::{fenced, increment};
use crate::store::{Checkpoint, Restored};

/// A slot as it is stored: its name in the hash, and its sum with its bytes.
type Pair = (String, Vec<u8>);

fn head_sum(epoch: u64, position: u64, head: &[u8]) -> u64 {
    sum(&[&kept(epoch).to_le_bytes(), &position.to_le_bytes(), head])
}

fn name_of(slot: &SavedSlot) -> String {
    format!("{}:{}:{}:{}", slot.series, slot.tier, slot.start.0, slot.end.0)
}

fn slot_sum(name: &str, bytes: &[u8]) -> u64 {
    sum(&[name.as_bytes(), bytes])
}

fn pair(slot: &SavedSlot) -> Pair {
    let name = name_of(slot);
    let value = with_sum(slot_sum(&name, &slot.bytes), &slot.bytes);
    (name, value)
}

/// Saves windows. What is too much for one call goes into a hash of its own first, which nobody reads before the last
/// call puts it in place; where that never comes, the server forgets it.
pub(super) fn save(link: &mut Link, at: &Address, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
    let pairs: Vec<Pair> = checkpoint.saved.slots.iter().map(pair).collect();
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    let staged = (bytes > STORE_CALL_BYTES).then(|| at.key(format_args!("staged:{}", link.write())));
    if let Some(staged) = &staged {
        stage(link, at, staged, &pairs)?;
    }
    let (is_done, latest, stored): (bool, u64, Option<u64>) = link.ask(at, |connection, scripts| {
        let place = staged.as_deref();
        send(connection, &scripts.save, at, checkpoint, &pairs, place)
    })?;
    if is_done {
        return Ok(());
    }
    fenced(checkpoint.epoch, latest)?;
    increment(checkpoint, stored)?;
    Err(damaged(at, "it refused windows that follow"))
}

/// Sends slots in parts of at most [`STORE_CALL_BYTES`] each, but for a slot that is larger by itself.
fn stage(link: &mut Link, at: &Address, staged: &str, pairs: &[Pair]) -> Result<(), Error> {
    let mut rest = pairs;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |(name, value): &&Pair| {
            bytes += name.len() + value.len();
            bytes <= STORE_CALL_BYTES
        };
        let (part, behind) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        let _is_done: bool = link.ask(at, |connection, scripts| {
            let mut call = begin(&scripts.stage, at);
            call.key(staged).arg(STORE_PARTS_MS);
            part.iter().for_each(|(name, value)| {
                call.arg(name).arg(value);
            });
            call.invoke(connection)
        })?;
        rest = behind;
    }
    Ok(())
}

fn send(
    connection: &mut Connection,
    script: &Script,
    at: &Address,
    checkpoint: &Checkpoint<'_>,
    pairs: &[Pair],
    staged: Option<&str>,
) -> RedisResult<Value> {
    let Checkpoint { epoch, position, saved: Saved { head, oldest, is_whole, .. }, forget } = *checkpoint;
    let mut call = begin(script, at);
    call.arg(kept(epoch)).arg(position).arg(forget.0);
    call.arg(head).arg(written(head_sum(epoch, position, head)));
    call.arg(u8::from(*is_whole)).arg(oldest.len());
    for gone in oldest {
        call.arg(format!("{}:{}", gone.series, gone.tier)).arg(gone.end.0);
    }
    match staged {
        Some(staged) => {
            call.key(staged).arg(pairs.len());
        }
        None => pairs.iter().for_each(|(name, value)| {
            call.arg(name).arg(value);
        }),
    }
    call.invoke(connection)
}

/// The row of windows: epoch, position, head, sum, number of slots, and the halves of the sum of their sums.
type Row = (Option<u64>, Option<u64>, Option<Vec<u8>>, Option<String>, Option<u64>, Option<u64>, Option<u64>);

/// The windows, every slot against its sum and all of them against their number.
pub(super) fn restore(link: &mut Link, at: &Address) -> Result<Option<Restored>, Error> {
    let (row, pairs): (Row, Vec<(String, Vec<u8>)>) =
        link.ask(at, |connection, scripts| begin(&scripts.restore, at).invoke(connection))?;
    let (position, head, expected) = match row {
        (None, None, None, None, None, None, None) if pairs.is_empty() => return Ok(None),
        (Some(epoch), Some(position), Some(head), Some(sum), Some(count), Some(low), Some(high)) => {
            if sum != written(head_sum(epoch, position, &head)) {
                return Err(damaged(at, "the head of the windows does not fit its sum"));
            }
            (position, head, (count, low, high))
        }
        _ => return Err(damaged(at, "half of the windows are there")),
    };
    let mut slots = Vec::with_capacity(pairs.len());
    let (mut low, mut high) = (0_u32, 0_u32);
    for (name, value) in &pairs {
        let (slot, sum) = slot_of(name, value).ok_or_else(|| {
            damaged(at, format_args!("the slot {name} of the windows does not fit its sum"))
        })?;
        low = low.wrapping_add(sum as u32);
        high = high.wrapping_add((sum >> 32) as u32);
        slots.push(slot);
    }
    if expected != (slots.len() as u64, low.into(), high.into()) {
        return Err(damaged(at, "slots of the windows are missing, or there are too many"));
    }
    slots.sort_unstable_by_key(|slot| (slot.series, slot.tier, slot.start, slot.end));
    let saved = Saved { head, slots, oldest: Vec::new(), is_whole: true };
    Ok(Some(Restored { position, saved }))
}

fn slot_of(name: &str, value: &[u8]) -> Option<(SavedSlot, u64)> {
    let parts: Vec<&str> = name.split(':').collect();
    let [series, tier, start, end] = parts[..] else { return None };
    let (sum, bytes) = split(value)?;
    let slot = SavedSlot {
        series: series.parse().ok()?,
        tier: tier.parse().ok()?,
        start: Timestamp(start.parse().ok()?),
        end: Timestamp(end.parse().ok()?),
        bytes: bytes.to_vec(),
    };
    (sum == slot_sum(name, bytes)).then_some((slot, sum))
}
