//! What processes tell each other through the file: who advances, and what was recorded.

use std::path::Path;

use rollgate_core::decide::Watched;
use rollgate_core::error::Error;
use rollgate_core::metrics::{Oldest, Saved, SavedSlot};
use rollgate_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::checked::{Field, damaged, fits, given, kept, meaning, sum};
use super::store::{self, SqliteStore};
use crate::store::fence::{fenced, increment, lost};
use crate::store::{
    Checkpoint, Claim, Durability, Head, Lease, Report, Reported, Restored, SharedStore, node,
};

impl SharedStore for SqliteStore {
    fn head(&self) -> Result<Head, Error> {
        let path = self.path();
        self.with(|file| {
            let moved: i64 = file
                .connection
                .prepare_cached("PRAGMA data_version")
                .and_then(|mut rows| rows.query_row((), |row| row.get(0)))
                .map_err(meaning(path))?;
            match &file.head {
                Some((read_at, head)) if *read_at == moved => return Ok(head.clone()),
                _ => {}
            }
            // Read after the number: what is written between the two is read again next time.
            let head = head(&*file.read(path)?, path)?;
            file.head = Some((moved, head.clone()));
            Ok(head)
        })
    }

    fn take(&self, seen: Option<&Lease>, claim: &Claim<'_>) -> Result<Option<u64>, Error> {
        let path = self.path();
        self.with(|file| {
            let write = file.write(path, Durability::Decision)?;
            let stored = lease(&write, path)?;
            let as_seen = |lease: &Lease| (lease.epoch, lease.beat);
            if stored.as_ref().map(as_seen) != seen.map(as_seen) {
                return Ok(None);
            }
            let epoch = store::latest_epoch(&write, path)? + 1;
            write_lease(&write, &lease_of(epoch, 0, claim)).map_err(meaning(path))?;
            write.commit().map_err(meaning(path))?;
            Ok(Some(epoch))
        })
    }

    fn beat(&self, epoch: u64, claim: &Claim<'_>, watched: &Watched) -> Result<(), Error> {
        let path = self.path();
        self.with(|file| {
            let write = file.write(path, Durability::Progress)?;
            let beat = match lease(&write, path)? {
                Some(lease) if lease.epoch == epoch && lease.holder == claim.holder => lease.beat + 1,
                other => return Err(lost(epoch, other.as_ref())),
            };
            write_lease(&write, &lease_of(epoch, beat, claim)).map_err(meaning(path))?;
            if store::revision(&write, path)? == watched.revision {
                store::write_watched(&write, path, watched)?;
            }
            write.commit().map_err(meaning(path))
        })
    }

    fn leave(&self, epoch: u64, holder: &str) -> Result<(), Error> {
        let path = self.path();
        self.with(|file| {
            let write = file.write(path, Durability::Progress)?;
            let Some(held) = lease(&write, path)?.filter(|held| held.epoch == epoch && held.holder == holder)
            else {
                return Ok(());
            };
            write_lease(&write, &Lease { holder: String::new(), ..held }).map_err(meaning(path))?;
            write.commit().map_err(meaning(path))
        })
    }

    fn report(&self, report: &Report<'_>) -> Result<u64, Error> {
        let path = self.path();
        self.with(|file| {
            let write = file.write(path, Durability::Progress)?;
            let reported = Reported {
                seq: last_report(&write, path)? + 1,
                node: report.node.to_owned(),
                revision: report.revision,
                observed: report.observed,
                tape: report.tape.to_vec(),
            };
            write_report(&write, &reported).map_err(meaning(path))?;
            write.commit().map_err(meaning(path))?;
            Ok(reported.seq)
        })
    }

    fn reports(&self, after: u64) -> Result<Vec<Reported>, Error> {
        self.with(|file| reports(&*file.read(self.path())?, self.path(), after))
    }

    fn save(&self, checkpoint: &Checkpoint<'_>) -> Result<(), Error> {
        let path = self.path();
        self.with(|file| {
            let write = file.write(path, Durability::Progress)?;
            fenced(checkpoint.epoch, store::latest_epoch(&write, path)?)?;
            let before = window_row(&write, path)?;
            increment(checkpoint, before.as_ref().map(|row| row.epoch))?;
            let mut slots = match before {
                Some(row) if !checkpoint.saved.is_whole => row.slots,
                _ => Slots::default(),
            };
            write_slots(&write, checkpoint.saved, &mut slots).map_err(meaning(path))?;
            write_window_row(&write, checkpoint, slots).map_err(meaning(path))?;
            forget(&write, checkpoint).map_err(meaning(path))?;
            write.commit().map_err(meaning(path))
        })
    }

    fn restore(&self) -> Result<Option<Restored>, Error> {
        self.with(|file| restore(&*file.read(self.path())?, self.path()))
    }

    fn has_ended(&self, holder: &str) -> bool {
        node::has_ended(holder)
    }
}

/// What has moved.
pub(super) fn head(connection: &Connection, path: &Path) -> Result<Head, Error> {
    Ok(Head {
        revision: store::revision(connection, path)?,
        reports: last_report(connection, path)?,
        lease: lease(connection, path)?,
    })
}

fn lease_of(epoch: u64, beat: u64, claim: &Claim<'_>) -> Lease {
    let Claim { holder, observed, wall } = *claim;
    Lease { epoch, holder: holder.to_owned(), beat, observed, wall }
}

fn lease_fields(lease: &Lease) -> [Field<'_>; 5] {
    [
        Field::Number(kept(lease.epoch)),
        Field::Text(&lease.holder),
        Field::Number(kept(lease.beat)),
        Field::Number(lease.observed.0),
        Field::Number(lease.wall.0),
    ]
}

/// The lease, against its sum.
pub(super) fn lease(connection: &Connection, path: &Path) -> Result<Option<Lease>, Error> {
    let row = connection
        .prepare_cached("SELECT epoch, holder, beat, observed_ms, wall_ms, sum FROM lease")
        .and_then(|mut rows| {
            rows.query_row((), |row| {
                let numbers: [i64; 5] = [row.get(0)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((numbers, row.get::<_, String>(1)?))
            })
            .optional()
        })
        .map_err(meaning(path))?;
    let Some(([epoch, beat, observed, wall, stored], holder)) = row else { return Ok(None) };
    let lease = Lease {
        epoch: given(path, "the epoch of the lease", epoch)?,
        holder,
        beat: given(path, "the beat of the lease", beat)?,
        observed: Timestamp(observed),
        wall: Timestamp(wall),
    };
    fits(path, "the lease", stored, &lease_fields(&lease))?;
    Ok(Some(lease))
}

fn write_lease(connection: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO lease (id, epoch, holder, beat, observed_ms, wall_ms, sum) \
         VALUES (1, ?, ?, ?, ?, ?, ?)",
    )?;
    let sum = sum(&lease_fields(lease));
    let (epoch, beat) = (kept(lease.epoch), kept(lease.beat));
    insert.execute(params![epoch, lease.holder, beat, lease.observed.0, lease.wall.0, sum])?;
    Ok(())
}

fn report_fields(report: &Reported) -> [Field<'_>; 5] {
    [
        Field::Number(kept(report.seq)),
        Field::Text(&report.node),
        Field::Number(kept(report.revision)),
        Field::Number(report.observed.0),
        Field::Bytes(&report.tape),
    ]
}

fn write_report(connection: &Connection, report: &Reported) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO reports (seq, node, revision, observed_ms, tape, sum) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let (seq, revision) = (kept(report.seq), kept(report.revision));
    insert.execute(params![
        seq,
        report.node,
        revision,
        report.observed.0,
        report.tape,
        sum(&report_fields(report))
    ])?;
    Ok(())
}

/// The number of the last report, which is never forgotten: so no number is given out twice.
fn last_report(connection: &Connection, path: &Path) -> Result<u64, Error> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(seq) FROM reports")
        .and_then(|mut rows| rows.query_row((), |row| row.get(0)))
        .map_err(meaning(path))?;
    given(path, "the number of the last report", last.unwrap_or(0))
}

/// The reports after a number, each against its sum, and none missing between two.
pub(super) fn reports(connection: &Connection, path: &Path, after: u64) -> Result<Vec<Reported>, Error> {
    let failed = meaning(path);
    let mut rows = connection
        .prepare_cached(
            "SELECT seq, node, revision, observed_ms, tape, sum FROM reports WHERE seq > ? ORDER BY seq",
        )
        .map_err(&failed)?;
    let mut rows = rows.query((kept(after),)).map_err(&failed)?;
    let mut reports: Vec<Reported> = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let (report, stored) = reported(row, path)?;
        fits(path, &format!("report {}", report.seq), stored, &report_fields(&report))?;
        if reports.last().is_some_and(|last| last.seq + 1 != report.seq) {
            return Err(damaged(path, format_args!("report {} is missing", report.seq - 1)));
        }
        reports.push(report);
    }
    Ok(reports)
}

fn reported(row: &Row<'_>, path: &Path) -> Result<(Reported, i64), Error> {
    let failed = meaning(path);
    let report = Reported {
        seq: given(path, "the number of a report", row.get(0).map_err(&failed)?)?,
        node: row.get(1).map_err(&failed)?,
        revision: given(path, "the revision of a report", row.get(2).map_err(&failed)?)?,
        observed: Timestamp(row.get(3).map_err(&failed)?),
        tape: row.get(4).map_err(&failed)?,
    };
    Ok((report, row.get(5).map_err(&failed)?))
}

/// Forgets reports that are in the windows and that even the slowest node has read, but for the last one of all.
fn forget(connection: &Connection, checkpoint: &Checkpoint<'_>) -> rusqlite::Result<()> {
    // Only from the front: a report that is kept is never alone behind one that is not.
    let mut delete = connection.prepare_cached(
        "DELETE FROM reports WHERE seq < (SELECT coalesce(min(seq), 0) FROM reports \
         WHERE seq > ?1 OR observed_ms >= ?2 OR seq = (SELECT max(seq) FROM reports))",
    )?;
    delete.execute(params![kept(checkpoint.position), checkpoint.forget.0])?;
    Ok(())
}

/// The slots that there are: how many, and the sum of their sums.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Slots {
    count: i64,
    sum: i64,
}

impl Slots {
    fn add(&mut self, slot: i64) {
        *self = Self { count: self.count + 1, sum: self.sum.wrapping_add(slot) };
    }

    fn remove(&mut self, slot: i64) {
        *self = Self { count: self.count - 1, sum: self.sum.wrapping_sub(slot) };
    }
}

/// The row of `windows`.
struct WindowRow {
    epoch: u64,
    position: u64,
    head: Vec<u8>,
    slots: Slots,
}

fn window_sum(epoch: u64, position: u64, head: &[u8], slots: Slots) -> i64 {
    sum(&[
        Field::Number(kept(epoch)),
        Field::Number(kept(position)),
        Field::Bytes(head),
        Field::Number(slots.count),
        Field::Number(slots.sum),
    ])
}

fn window_row(connection: &Connection, path: &Path) -> Result<Option<WindowRow>, Error> {
    let row = connection
        .prepare_cached("SELECT epoch, position, slots, slots_sum, sum, head FROM windows")
        .and_then(|mut rows| {
            rows.query_row((), |row| {
                let numbers: [i64; 5] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
                Ok((numbers, row.get::<_, Vec<u8>>(5)?))
            })
            .optional()
        })
        .map_err(meaning(path))?;
    let Some(([epoch, position, count, slots_sum, stored], head)) = row else { return Ok(None) };
    let row = WindowRow {
        epoch: given(path, "the epoch of the windows", epoch)?,
        position: given(path, "the position of the windows", position)?,
        head,
        slots: Slots { count, sum: slots_sum },
    };
    if stored != window_sum(row.epoch, row.position, &row.head, row.slots) {
        return Err(damaged(path, "the head of the windows does not fit its sum"));
    }
    Ok(Some(row))
}

fn write_window_row(
    connection: &Connection,
    checkpoint: &Checkpoint<'_>,
    slots: Slots,
) -> rusqlite::Result<()> {
    let head = &checkpoint.saved.head;
    let sum = window_sum(checkpoint.epoch, checkpoint.position, head, slots);
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO windows (id, epoch, position, head, slots, slots_sum, sum) \
         VALUES (1, ?, ?, ?, ?, ?, ?)",
    )?;
    let (epoch, position) = (kept(checkpoint.epoch), kept(checkpoint.position));
    insert.execute(params![epoch, position, head, slots.count, slots.sum, sum])?;
    Ok(())
}

fn slot_sum(slot: &SavedSlot) -> i64 {
    sum(&[
        Field::Number(slot.series.into()),
        Field::Number(slot.tier.into()),
        Field::Number(slot.start.0),
        Field::Number(slot.end.0),
        Field::Bytes(&slot.bytes),
    ])
}

/// Adds and drops slots, and keeps count of them.
fn write_slots(connection: &Connection, saved: &Saved, slots: &mut Slots) -> rusqlite::Result<()> {
    if saved.is_whole {
        connection.execute("DELETE FROM slots", ())?;
    }
    let mut replace = connection.prepare_cached(
        "DELETE FROM slots WHERE series = ? AND tier = ? AND start_ms = ? AND end_ms = ? RETURNING sum",
    )?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO slots (series, tier, start_ms, end_ms, bytes, sum) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for slot in &saved.slots {
        let key = params![slot.series, slot.tier, slot.start.0, slot.end.0];
        if let Some(before) = replace.query_row(key, |row| row.get(0)).optional()? {
            slots.remove(before);
        }
        let sum = slot_sum(slot);
        insert.execute(params![slot.series, slot.tier, slot.start.0, slot.end.0, slot.bytes, sum])?;
        slots.add(sum);
    }
    let mut delete = connection
        .prepare_cached("DELETE FROM slots WHERE series = ? AND tier = ? AND end_ms <= ? RETURNING sum")?;
    for Oldest { series, tier, end } in &saved.oldest {
        let mut gone = delete.query(params![series, tier, end.0])?;
        while let Some(row) = gone.next()? {
            slots.remove(row.get(0)?);
        }
    }
    Ok(())
}

/// The windows, every slot against its sum and all of them against their number.
pub(super) fn restore(connection: &Connection, path: &Path) -> Result<Option<Restored>, Error> {
    let failed = meaning(path);
    let row = window_row(connection, path)?;
    let mut rows = connection
        .prepare_cached(
            "SELECT series, tier, start_ms, end_ms, bytes, sum FROM slots ORDER BY series, tier, start_ms, end_ms",
        )
        .map_err(&failed)?;
    let mut rows = rows.query(()).map_err(&failed)?;
    let (mut found, mut slots) = (Slots::default(), Vec::new());
    while let Some(row) = rows.next().map_err(&failed)? {
        let slot = SavedSlot {
            series: row.get(0).map_err(&failed)?,
            tier: row.get(1).map_err(&failed)?,
            start: Timestamp(row.get(2).map_err(&failed)?),
            end: Timestamp(row.get(3).map_err(&failed)?),
            bytes: row.get(4).map_err(&failed)?,
        };
        let stored: i64 = row.get(5).map_err(&failed)?;
        if stored != slot_sum(&slot) {
            let (series, start) = (slot.series, slot.start);
            return Err(damaged(
                path,
                format_args!("the slot of metric {series} from {start} does not fit its sum"),
            ));
        }
        found.add(stored);
        slots.push(slot);
    }
    if row.as_ref().map_or(Slots::default(), |row| row.slots) != found {
        return Err(damaged(path, "slots of the windows are missing, or there are too many"));
    }
    Ok(row.map(|row| Restored {
        position: row.position,
        saved: Saved { head: row.head, slots, oldest: Vec::new(), is_whole: true },
    }))
}
