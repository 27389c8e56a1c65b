//! Reports: status, scorecards, the journal.

use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::report;
use rollgate::wire;

use super::error::Status;
use super::guard::status;
use super::handle::EngineHandle;
use super::slots::hold;
use super::text::{copy_text, fill, out};

/// How a scorecard is written.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, for programs.
    Json = 0,
    /// Aligned columns, for a terminal.
    Text = 1,
    /// Markdown tables.
    Markdown = 2,
}

/// Which scorecard it is.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The gates of a phase, for its decision.
    Phase = 0,
    /// The rows of every morning.
    Daily = 1,
    /// The gates and targets, once a week.
    Weekly = 2,
    /// The gates and targets at the end of a rollout.
    Final = 3,
}

/// Where the rollout stands, as JSON. `len`: see Buffers.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` is writable.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_status_json(
    engine: EngineHandle,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_status_json", || {
        let json = wire::status(&hold(engine.id)?.engine.status())?;
        // SAFETY: the caller's promises.
        unsafe { fill(&json, buf, capacity, len) }
    })
}

/// The scorecard of the current phase, judged now. `format` is one of `ROLLGATE_FORMAT_...`. `len`: see Buffers.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` is writable.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_scorecard(
    engine: EngineHandle,
    format: u32,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_scorecard", || {
        let text = scorecard(engine, Form::Phase as u32, format)?;
        // SAFETY: the caller's promises.
        unsafe { fill(&text, buf, capacity, len) }
    })
}

/// As `rollgate_scorecard`, of another form: `ROLLGATE_FORM_...`.
///
/// # Safety
/// As of `rollgate_scorecard`.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_scorecard_of(
    engine: EngineHandle,
    form: u32,
    format: u32,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_scorecard_of", || {
        let text = scorecard(engine, form, format)?;
        // SAFETY: the caller's promises.
        unsafe { fill(&text, buf, capacity, len) }
    })
}

/// Reads the journal from after a record on: as many whole records as fit, each a line of JSON with its line break.
///
/// `last_seq` becomes the number of the last record that was written, to go on from; or `after_seq`, with `len` 0, where
/// there is none yet. Where not even one record fits it is `BUFFER_TOO_SMALL`, and `len` what that one needs.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` and `last_seq` are writable.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_journal_read(
    engine: EngineHandle,
    after_seq: u64,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
    last_seq: *mut u64,
) -> Status {
    status("rollgate_journal_read", || {
        let (written, last_seq) = (out("len", len)?, out("last_seq", last_seq)?);
        let journal = hold(engine.id)?.engine.journal();
        let room = if buf.is_null() { 0 } else { capacity };
        let (mut page, mut last) = (String::new(), after_seq);
        for record in journal.after(after_seq) {
            // With its line break, and a NUL behind the last.
            if page.len() + record.len() + 2 > room {
                if page.is_empty() {
                    // SAFETY: the caller's promises; it does not fit, so this only tells the length.
                    return unsafe { fill(&format!("{record}\n"), buf, room, len) };
                }
                break;
            }
            page.push_str(record);
            page.push('\n');
            last += 1;
        }
        // SAFETY: no nulls where something is written, and the caller's promises.
        unsafe {
            copy_text(&page, buf, room);
            written.write(page.len());
            last_seq.write(last);
        }
        Ok(())
    })
}

fn scorecard(engine: EngineHandle, form: u32, format: u32) -> Result<String, Error> {
    let form = match form {
        0 => report::Form::Phase,
        1 => report::Form::Daily,
        2 => report::Form::Weekly,
        3 => report::Form::Final,
        other => return Err(unknown("form", "ROLLGATE_FORM_...", other)),
    };
    if format > Format::Markdown as u32 {
        return Err(unknown("format", "ROLLGATE_FORMAT_...", format));
    }
    let card = hold(engine.id)?.engine.scorecard(form);
    match format {
        0 => serde_json::to_string(&card).map_err(|error| Error::new(ErrorKind::General, error)),
        1 => Ok(card.to_text()),
        _ => Ok(card.to_markdown()),
    }
}

fn unknown(what: &str, expected: &str, found: u32) -> Error {
    Error::new(ErrorKind::InvalidArgument, format_args!("{what}: expected a {expected}, found {found}"))
}
