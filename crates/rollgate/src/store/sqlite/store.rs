//! The store of one file: state, journal and revision in one transaction.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use rollgate_core::decide::{RolloutState, Watched};
use rollgate_core::error::{Error, ErrorKind};
use rusqlite::{Connection, OptionalExtension, params};

use super::checked::{Field, away, damaged, fits, given, kept, meaning, sum};
use super::file::{File, empty_log};
use super::open::Absent;
use super::pool::Slot;
use super::{inside, open, plan, pool, shared};
use crate::store::fence::{fenced, follows};
use crate::store::{Commit, Durability, PlanText, SharedStore, Store, Stored};

/// Keeps everything in one SQLite file, which all processes of a host may share.
///
/// Guarantees: a commit is on the disk, all of it or nothing, before it returns; a damaged file, or one of a later
/// version, is refused and left as it is. [`docs::store`](crate::docs::store) has the tables, and what to ask them.
///
/// Threads: calls of one store wait for each other; open a second one where that matters.
///
/// Forks: a child goes on with a connection of its own, if no thread of its parent was inside a call at the fork; else
/// every call answers [`StoreAway`](ErrorKind::StoreAway).
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    slot: Option<Slot>,
    way: Way,
}

/// What is done with the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Use,
    Look,
}

impl Way {
    /// Opens a file that was open before.
    fn again(self, path: &Path) -> Result<File, Error> {
        match self {
            Self::Use => open::open(path, Absent::Refuse),
            Self::Look => open::look(path),
        }
    }
}

impl SqliteStore {
    /// Opens the store in a file, or makes an empty one.
    ///
    /// A file of an earlier version is brought up to this one, one transaction a step. Every page, row and link of the
    /// journal is looked at.
    ///
    /// # Errors
    /// [`StoreAway`](ErrorKind::StoreAway) (701) where the place cannot hold a file, or another process is writing for
    /// longer than [`STORE_BUSY_MS`](rollgate_core::limits::STORE_BUSY_MS);
    /// [`StoreDamaged`](ErrorKind::StoreDamaged) (704) where the file is no database, is another program's, or does not
    /// fit its own sums; [`StoreTooNew`](ErrorKind::StoreTooNew) (705) where a later version of rollgate wrote it. In all
    /// of these the file stays as it was.
    ///
    /// # Panics
    /// Never.
    ///
    /// ```
    /// use rollgate::store::{SqliteStore, Store};
    ///
    /// # let folder = std::env::temp_dir().join(format!("rollgate-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let store = SqliteStore::open(folder.join("rollout.db"))?;
    /// assert!(store.load(0)?.is_none()); // Nothing has been decided yet.
    /// # drop(store);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), rollgate::core::error::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::opened(path.as_ref(), Way::Use, |path| open::open(path, Absent::Make))
    }

    /// Opens the store in a file to look at it: for tools. Nothing is made, brought up to this version or written; every
    /// write is refused as [`StoreAway`](ErrorKind::StoreAway). Other processes may use the file all the while.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`StoreAway`](ErrorKind::StoreAway) (701) where there is no such file.
    ///
    /// # Panics
    /// Never.
    pub fn look(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::opened(path.as_ref(), Way::Look, open::look)
    }

    fn opened(path: &Path, way: Way, open: impl Fn(&Path) -> Result<File, Error>) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(|error| away(path, error))?;
        let _inside = inside::enter()?;
        // What was inherited goes before a new connection is opened beside it.
        pool::settle();
        let file = open(&path)?;
        let slot = pool::join();
        *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(Self { path, slot: Some(slot), way })
    }

    /// Renames a damaged file, with its log, to a name with the time, and gives that name.
    ///
    /// Nobody may have it open. Opening never does this by itself: what is set aside is a rollout that nobody goes on
    /// with, and that is for people to decide.
    ///
    /// # Errors
    /// [`StoreAway`](ErrorKind::StoreAway) (701) where it cannot be renamed.
    ///
    /// # Panics
    /// Never.
    pub fn set_aside(path: impl AsRef<Path>) -> Result<PathBuf, Error> {
        open::set_aside(path.as_ref())
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Does something with the open file, inside SQLite.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut File) -> Result<T, Error>) -> Result<T, Error> {
        let _inside = inside::enter()?;
        pool::settle();
        // A store that was made where nothing could be entered has no slot, and is never entered.
        let Some(slot) = &self.slot else { return Err(away(&self.path, "it was never opened")) };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match &mut *slot {
            Some(file) => file,
            closed => closed.insert(self.way.again(&self.path)?),
        };
        file.still_there(&self.path)?;
        work(file)
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        if let (Some(slot), Ok(_inside)) = (&self.slot, inside::enter()) {
            pool::leave(slot);
        }
    }
}

impl Store for SqliteStore {
    fn load(&self, after: u64) -> Result<Option<Stored>, Error> {
        self.with(|file| load(&*file.read(&self.path)?, &self.path, after))
    }

    fn commit(&self, commit: &Commit<'_>) -> Result<u64, Error> {
        let json = text_of(commit.state)?;
        self.with(|file| {
            let failed = meaning(&self.path);
            let write = file.write(&self.path, commit.durability)?;
            let place = place(&write, &self.path)?;
            fenced(commit.epoch, epoch(&write, &self.path, &place)?)?;
            follows(commit, place.revision, place.lines)?;
            let next = Place {
                revision: place.revision + 1,
                epoch: commit.epoch,
                lines: place.lines + commit.journal.len() as u64,
            };
            write_state(&write, &next, &commit.state.observed.to_string(), &json).map_err(&failed)?;
            write_lines(&write, place.lines, commit.journal).map_err(&failed)?;
            write.execute("DELETE FROM watched", ()).map_err(&failed)?;
            write.commit().map_err(&failed)?;
            if commit.durability == Durability::Decision {
                empty_log(&file.connection);
            }
            Ok(next.revision)
        })
    }

    fn plan(&self) -> Result<Option<PlanText>, Error> {
        self.with(|file| plan::read(&*file.read(&self.path)?, &self.path))
    }

    fn keep_plan(&self, epoch: u64, text: &PlanText) -> Result<(), Error> {
        self.with(|file| {
            let write = file.write(&self.path, Durability::Decision)?;
            fenced(epoch, latest_epoch(&write, &self.path)?)?;
            if plan::read(&write, &self.path)?.as_ref() != Some(text) {
                plan::write(&write, &self.path, text)?;
                write.commit().map_err(meaning(&self.path))?;
            }
            Ok(())
        })
    }

    fn shared(&self) -> Option<&dyn SharedStore> {
        Some(self)
    }

    fn forked(&self, _last: Option<Stored>) -> Arc<dyn Store> {
        // Opened by its first call. Where a thread of the parent was inside, it stays as it is: away.
        let slot = inside::enter().ok().map(|_inside| pool::join());
        Arc::new(Self { path: self.path.clone(), slot, way: self.way })
    }
}

/// A state as the store keeps it.
fn text_of(state: &RolloutState) -> Result<String, Error> {
    let refuse = |why: serde_json::Error| {
        Error::new(
            ErrorKind::StoreAway,
            format_args!("the state cannot be written: {why}; what is stored stays"),
        )
    };
    let json = serde_json::to_string(state).map_err(refuse)?;
    // What could not be read back must not replace what can.
    serde_json::from_str::<RolloutState>(&json).map_err(refuse)?;
    Ok(json)
}

/// How far the store is.
#[derive(Default)]
struct Place {
    revision: u64,
    epoch: u64,
    lines: u64,
}

/// How far the store is; all zero where nothing is stored.
fn place(connection: &Connection, path: &Path) -> Result<Place, Error> {
    let row = connection
        .prepare_cached("SELECT revision, epoch, lines FROM state")
        .and_then(|mut rows| rows.query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional())
        .map_err(meaning(path))?;
    let Some((revision, epoch, lines)) = row else { return Ok(Place::default()) };
    Ok(Place {
        revision: given(path, "the revision", revision)?,
        epoch: given(path, "the epoch", epoch)?,
        lines: given(path, "the number of lines", lines)?,
    })
}

/// The latest epoch that the store knows.
fn epoch(connection: &Connection, path: &Path, place: &Place) -> Result<u64, Error> {
    let lease = shared::lease(connection, path)?;
    Ok(lease.map_or(0, |lease| lease.epoch).max(place.epoch))
}

/// The latest epoch that the store knows, for writers of anything else than a state.
pub(super) fn latest_epoch(connection: &Connection, path: &Path) -> Result<u64, Error> {
    epoch(connection, path, &place(connection, path)?)
}

/// The stored revision; 0 where nothing is.
pub(super) fn revision(connection: &Connection, path: &Path) -> Result<u64, Error> {
    Ok(place(connection, path)?.revision)
}

fn state_sum(place: &Place, at: &str, json: &str) -> i64 {
    sum(&[
        Field::Number(kept(place.revision)),
        Field::Number(kept(place.epoch)),
        Field::Text(at),
        Field::Number(kept(place.lines)),
        Field::Text(json),
    ])
}

fn write_state(connection: &Connection, place: &Place, at: &str, json: &str) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR REPLACE INTO state (id, revision, epoch, at, lines, json, sum) VALUES (1, ?, ?, ?, ?, ?, ?)",
    )?;
    let (revision, epoch, lines) = (kept(place.revision), kept(place.epoch), kept(place.lines));
    insert.execute(params![revision, epoch, at, lines, json, state_sum(place, at, json)])?;
    Ok(())
}

fn line_sum(seq: u64, line: &str) -> i64 {
    sum(&[Field::Number(kept(seq)), Field::Text(line)])
}

fn write_lines(connection: &Connection, before: u64, lines: &[String]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("INSERT INTO journal (seq, line, sum) VALUES (?, ?, ?)")?;
    for (seq, line) in (before + 1..).zip(lines) {
        insert.execute(params![kept(seq), line, line_sum(seq, line)])?;
    }
    Ok(())
}

/// State, counters and lines, each row against its sum, and the lines against their number.
pub(super) fn load(connection: &Connection, path: &Path, after: u64) -> Result<Option<Stored>, Error> {
    let failed = meaning(path);
    let row = connection
        .prepare_cached("SELECT revision, epoch, lines, at, json, sum FROM state")
        .and_then(|mut rows| {
            rows.query_row((), |row| {
                let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(5)?];
                Ok((numbers, row.get::<_, String>(3)?, row.get::<_, String>(4)?))
            })
            .optional()
        })
        .map_err(&failed)?;
    let Some(([revision, epoch, lines, stored], at, json)) = row else {
        return nothing_else(connection, path);
    };
    let place = Place {
        revision: given(path, "the revision", revision)?,
        epoch: given(path, "the epoch", epoch)?,
        lines: given(path, "the number of lines", lines)?,
    };
    if stored != state_sum(&place, &at, &json) {
        return Err(damaged(path, "the state does not fit its sum"));
    }
    let state: RolloutState =
        serde_json::from_str(&json).map_err(|error| damaged(path, format_args!("the state: {error}")))?;
    let journal = lines_after(connection, path, after.min(place.lines))?;
    if journal.len() as u64 != place.lines - after.min(place.lines) {
        let there = after.min(place.lines) + journal.len() as u64;
        return Err(damaged(
            path,
            format_args!("its state was written after {} journal lines, and there are {there}", place.lines),
        ));
    }
    let watched = watched(connection, path)?.filter(|watched| watched.revision == place.revision);
    Ok(Some(Stored { revision: place.revision, state, watched, journal }))
}

/// No state: then there is no journal either.
fn nothing_else(connection: &Connection, path: &Path) -> Result<Option<Stored>, Error> {
    let lines: i64 =
        connection.query_row("SELECT count(*) FROM journal", (), |row| row.get(0)).map_err(meaning(path))?;
    if lines == 0 { Ok(None) } else { Err(damaged(path, "it has a journal and no state")) }
}

fn lines_after(connection: &Connection, path: &Path, after: u64) -> Result<Vec<String>, Error> {
    let failed = meaning(path);
    let mut rows = connection
        .prepare_cached("SELECT seq, line, sum FROM journal WHERE seq > ? ORDER BY seq")
        .map_err(&failed)?;
    let mut rows = rows.query((kept(after),)).map_err(&failed)?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next().map_err(&failed)? {
        let (seq, line, stored): (i64, String, i64) =
            (row.get(0).map_err(&failed)?, row.get(1).map_err(&failed)?, row.get(2).map_err(&failed)?);
        let expected = after + lines.len() as u64 + 1;
        if seq != kept(expected) {
            return Err(damaged(
                path,
                format_args!("after journal line {} comes number {seq}", expected - 1),
            ));
        }
        fits(path, &format!("journal line {seq}"), stored, &[Field::Number(seq), Field::Text(&line)])?;
        lines.push(line);
    }
    Ok(lines)
}

fn watched(connection: &Connection, path: &Path) -> Result<Option<Watched>, Error> {
    let row = connection
        .prepare_cached("SELECT revision, sum, json FROM watched")
        .and_then(|mut rows| {
            rows.query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))).optional()
        })
        .map_err(meaning(path))?;
    let Some((revision, stored, json)) = row else { return Ok(None) };
    fits(path, "what was watched", stored, &[Field::Number(revision), Field::Text(&json)])?;
    let watched = serde_json::from_str(&json)
        .map_err(|error| damaged(path, format_args!("what was watched: {error}")))?;
    Ok(Some(watched))
}

/// Replaces what was watched.
pub(super) fn write_watched(connection: &Connection, path: &Path, watched: &Watched) -> Result<(), Error> {
    let json = serde_json::to_string(watched).map_err(|error| away(path, error))?;
    let revision = kept(watched.revision);
    connection
        .prepare_cached("INSERT OR REPLACE INTO watched (id, revision, json, sum) VALUES (1, ?, ?, ?)")
        .and_then(|mut insert| {
            let sum = sum(&[Field::Number(revision), Field::Text(&json)]);
            insert.execute(params![revision, json, sum])
        })
        .map_err(meaning(path))?;
    Ok(())
}
