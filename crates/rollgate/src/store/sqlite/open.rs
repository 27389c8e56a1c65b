//! Opens a file, or says why not and leaves it alone.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::{STORE_BUSY_MS, STORE_WAL_BYTES_KEPT};
use rollgate_core::time::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::checked::{away, damaged, meaning};
use super::file::{File, begin, empty_log};
use super::{schema, verify};

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether a file that is not there may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    Make,
    Refuse,
}

/// Opens a store, or makes an empty one.
pub(super) fn open(path: &Path, absent: Absent) -> Result<File, Error> {
    let is_there = place(path)?;
    if !is_there && absent == Absent::Refuse {
        return Err(away(path, "the file was deleted or moved while this process had it open"));
    }
    if is_there {
        header(path)?;
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, !is_there);
    let connection = Connection::open_with_flags(path, flags).map_err(meaning(path))?;
    look_and_go_on(&connection, path)?;
    Ok(File::new(connection, path))
}

/// Opens a store that is there, to read it: nothing is made, brought up to date or written.
pub(super) fn look(path: &Path) -> Result<File, Error> {
    if !place(path)? {
        return Err(away(path, "there is no such file"));
    }
    header(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(meaning(path))?;
    look_at(&connection, path)?;
    Ok(File::new(connection, path))
}

/// Looks at everything before anything is written; gives what it is.
fn look_at(connection: &Connection, path: &Path) -> Result<Found, Error> {
    let failed = meaning(path);
    connection.busy_timeout(Duration::from_millis(STORE_BUSY_MS)).map_err(&failed)?;
    // While we do not know what this is, closing it must not move the log into the file.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(&failed)?;
    connection
        .execute_batch("PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;")
        .map_err(&failed)?;
    let found = found(connection, path)?;
    match found {
        Found::Nothing => {}
        Found::Store(version) if version > schema::VERSION => return Err(too_new(path, version)),
        Found::Store(version) => {
            verify::pages(connection, path)?;
            verify::content(connection, path, version)?;
        }
    }
    Ok(found)
}

/// Looks at everything, and then makes of it what this version writes.
fn look_and_go_on(connection: &Connection, path: &Path) -> Result<(), Error> {
    let failed = meaning(path);
    let busy = Duration::from_millis(STORE_BUSY_MS);
    look_at(connection, path)?;
    if connection.is_readonly("main").map_err(&failed)? {
        return Err(away(path, "the file or its directory is read-only"));
    }
    wal(connection, path, Instant::now() + busy)?;
    if schema::version(connection).map_err(&failed)? < schema::VERSION {
        schema::migrate(connection, schema::VERSION, begin).map_err(&failed)?;
        empty_log(connection);
    }
    connection
        .pragma_update_and_check(None, "journal_size_limit", STORE_WAL_BYTES_KEPT, |_| Ok(()))
        .map_err(&failed)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).map_err(&failed)?;
    Ok(())
}

/// Log ahead of the file. The mode is kept in the file, so that only the first process ever changes it; SQLite answers at
/// once where others open the new file at the same time, so this waits by itself.
fn wal(connection: &Connection, path: &Path, until: Instant) -> Result<(), Error> {
    loop {
        let mode: Result<String, _> =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0));
        match mode.map_err(meaning(path)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(away(path, format_args!("its file system has no shared memory (mode {mode})")));
            }
            Err(error) if Instant::now() > until || error.kind() != ErrorKind::StoreAway => {
                return Err(error);
            }
            Err(_) => std::thread::park_timeout(Duration::from_millis(2)),
        }
    }
}

/// What a file is.
enum Found {
    Nothing,
    Store(i32),
}

/// What SQLite, log included, makes of the file.
fn found(connection: &Connection, path: &Path) -> Result<Found, Error> {
    let failed = meaning(path);
    let version = schema::version(connection).map_err(&failed)?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(&failed)?;
    let parts: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(&failed)?;
    match (application, version, parts) {
        (0, 0, 0) => Ok(Found::Nothing),
        (schema::APPLICATION, 1.., _) => Ok(Found::Store(version)),
        (schema::APPLICATION, ..) => Err(damaged(path, format_args!("its schema has version {version}"))),
        _ => Err(foreign(path, application)),
    }
}

fn foreign(path: &Path, application: i32) -> Error {
    damaged(
        path,
        format_args!(
            "it is a database of another program (application id {application:#x}), or the place of that id is damaged"
        ),
    )
}

fn too_new(path: &Path, version: i32) -> Error {
    Error::new(
        ErrorKind::StoreTooNew,
        format_args!(
            "the store {} was written by a later version of rollgate (schema {version}; this one knows up to {}). \
             Nothing was written to it; use that version, or another file",
            path.display(),
            schema::VERSION
        ),
    )
}

/// Whether there is a file; refuses what can be none.
fn place(path: &Path) -> Result<bool, Error> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(away(path, "it is a directory; name a file in it")),
        Ok(found) if found.len() == 0 && bytes_of(path, "-wal") > 0 => {
            Err(damaged(path, "it is empty, and the log beside it (-wal) is not"))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if let Some(parent) = parent.filter(|parent| !parent.is_dir()) {
                return Err(away(path, format_args!("there is no directory {}", parent.display())));
            }
            // SQLite would delete a log that it finds beside no file, and the last decisions with it.
            if bytes_of(path, "-wal") > 0 {
                return Err(damaged(path, "the file is missing, and the log beside it (-wal) is there"));
            }
            Ok(false)
        }
        Err(error) => Err(away(path, error)),
    }
}

fn bytes_of(path: &Path, ending: &str) -> u64 {
    fs::metadata(beside(path, ending)).map_or(0, |found| found.len())
}

/// Looks at the first bytes without SQLite, which would make files beside it.
fn header(path: &Path) -> Result<(), Error> {
    // A process that ended while it made the file has left a journal, by which SQLite takes back what it had begun.
    if bytes_of(path, "-journal") > 0 {
        return Ok(());
    }
    let mut bytes = Vec::with_capacity(100);
    fs::File::open(path)
        .and_then(|file| file.take(100).read_to_end(&mut bytes))
        .map_err(|error| away(path, error))?;
    if bytes.is_empty() {
        return Ok(());
    }
    if bytes.len() < 100 || !bytes.starts_with(MAGIC) {
        return Err(damaged(path, "it is not a database: it does not begin as one"));
    }
    let number =
        |at: usize| bytes[at..at + 4].iter().fold(0_u32, |n, byte| (n << 8) | u32::from(*byte)).cast_signed();
    match (number(68), number(60)) {
        (schema::APPLICATION, version) if version > schema::VERSION => Err(too_new(path, version)),
        (0 | schema::APPLICATION, _) => Ok(()),
        (application, _) => Err(foreign(path, application)),
    }
}

/// A name beside a file: SQLite puts its log and its shared memory there.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Renames a file, its log and its shared memory to a name with the time.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let time = Timestamp(i64::try_from(now).unwrap_or(i64::MAX)).to_string();
    let time: String = time.chars().filter(char::is_ascii_alphanumeric).collect();
    let to = (0..100)
        .map(|n| beside(path, &if n == 0 { format!(".aside-{time}") } else { format!(".aside-{time}-{n}") }))
        .find(|to| !to.exists() && !beside(to, "-wal").exists())
        .ok_or_else(|| away(path, "there is no free name to set it aside to"))?;
    let renamed = |ending: &str| match fs::rename(beside(path, ending), beside(&to, ending)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !ending.is_empty() => Ok(()),
        other => other.map_err(|error| away(path, format_args!("it cannot be set aside: {error}"))),
    };
    // The file goes first: beside no file a log is refused, and without its log a file would be an older state.
    for ending in ["", "-wal", "-shm", "-journal"] {
        renamed(ending)?;
    }
    Ok(to)
}
