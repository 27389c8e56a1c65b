//! Engines: opening, closing, time.

use std::ffi::c_char;
use std::path::PathBuf;

use rollgate::clock::ManualClock;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::time::{Span, Timestamp};
use rollgate::read::Format;
use rollgate::{Engine, EngineBuilder};

use super::error::Status;
use super::events::Events;
use super::guard::{guard, status};
use super::handle::EngineHandle;
use super::opened;
use super::slots::hold;
use super::text::{out, text, try_until_nul};

/// The version of this interface: a library serves programs that were compiled against the same number.
pub const ABI_VERSION: u32 = 1;

/// How an engine is opened. All zero but `size` are the defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Options {
    /// `sizeof(rollgate_options)`: later versions may add fields, and tell by this what the caller knows of.
    pub size: usize,
    /// `ROLLGATE_OPTION_...`, or'ed.
    pub flags: u32,
    /// With `ROLLGATE_OPTION_MANUAL_CLOCK`: where its calendar begins, in milliseconds since 1970-01-01 UTC.
    pub clock_unix_ms: i64,
}

/// Each flag starts at what the environment variable of its name says: `true`, `false`, or a share such as `0.1` or `10%`.
/// Where the plan has phases, they alone raise shares: only `false` is accepted there.
pub const OPTION_SEED_FROM_ENV: u32 = 1;
/// Time stands still but for `rollgate_clock_advance`: for tests, and for programs that simulate.
pub const OPTION_MANUAL_CLOCK: u32 = 2;

/// The version of the interface that the library serves: compare it with `ROLLGATE_ABI_VERSION` where the library is
/// loaded at run time.
///
/// # Safety
/// Always.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_abi_version() -> u32 {
    guard("rollgate_abi_version", 0, || ABI_VERSION)
}

/// The version of the library, such as "0.1.0".
///
/// # Safety
/// Always.
///
/// Ownership: a constant of the library; do not free it. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_version() -> *const c_char {
    guard("rollgate_version", c"".as_ptr(), || concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast())
}

/// Opens an engine on a plan file: YAML, TOML or JSON, by its extension.
///
/// `store_path` names the SQLite file that keeps state, journal and windows; all processes of a host may share it, and it is
/// made where there is none. NULL: they live as long as the engine. `options` may be NULL. Errors: `IO` where the plan cannot
/// be read, `INVALID_CONFIG` with all of its problems, `STORE_AWAY`, `STORE_DAMAGED`, `STORE_TOO_NEW` and `BROKEN_JOURNAL`
/// for a store that cannot be used.
///
/// # Safety
/// The paths are NUL-terminated strings, or NULL; `options` is NULL or points to an object of the size that it names;
/// `engine` is writable.
///
/// Ownership: borrows the paths and options for the call. The engine is the caller's, to close with
/// `rollgate_engine_close`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_engine_open(
    plan_path: *const c_char,
    store_path: *const c_char,
    options: *const Options,
    engine: *mut EngineHandle,
) -> Status {
    status("rollgate_engine_open", || {
        let engine = out("engine", engine)?;
        // SAFETY: the caller's promises.
        let (path, options) = unsafe { (path("plan_path", plan_path)?, read(options)?) };
        // SAFETY: the caller's promise.
        let builder = unsafe { stored(Engine::builder().plan_file(path)?, store_path)? };
        // SAFETY: no null, and the caller's promise.
        unsafe { open(builder, options, engine) }
    })
}

/// Opens an engine on a plan that is JSON in memory.
///
/// As `rollgate_engine_open` otherwise.
///
/// # Safety
/// `json` points to `len` readable bytes; the others as of `rollgate_engine_open`.
///
/// Ownership: borrows all but the engine. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_engine_from_json(
    json: *const c_char,
    len: usize,
    store_path: *const c_char,
    options: *const Options,
    engine: *mut EngineHandle,
) -> Status {
    status("rollgate_engine_from_json", || {
        let engine = out("engine", engine)?;
        // SAFETY: the caller's promises.
        let (json, options) = unsafe { (text("json", json, len)?, read(options)?) };
        // SAFETY: the caller's promise.
        let builder = unsafe { stored(Engine::builder().plan_text(json, Format::Json)?, store_path)? };
        // SAFETY: no null, and the caller's promise.
        unsafe { open(builder, options, engine) }
    })
}

/// Closes an engine. Its handle, and those of its flags and metrics, are stale from here on: flags are off, other calls
/// are `INVALID_HANDLE`.
///
/// Calls that are under way in other threads end as if they had come before. While it runs, another thread may find one
/// flag off and the next one still as it was. Waits for the callback of
/// `rollgate_on_event`, unless it is called in it. Of two threads that close one engine, one gets OK.
///
/// # Safety
/// Any handle is fine.
///
/// Ownership: ends the caller's. Threads: any, while others use the engine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_engine_close(engine: EngineHandle) -> Status {
    status("rollgate_engine_close", || opened::close(engine.id))
}

/// Does what is due now: at most one evaluation of the plan. Calls the callback of `rollgate_on_event`.
///
/// An engine needs this from time to time: gates, holds, and triggers with a `for` are judged here. See
/// `rollgate_next_wakeup` and `rollgate_ticker_start`.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any; two that tick at once do not do it twice.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_tick(engine: EngineHandle) -> Status {
    status("rollgate_tick", || {
        hold(engine.id)?.engine.tick();
        Ok(())
    })
}

/// How long until something may change by itself, in milliseconds; 0 where it is due. Tick then, or earlier.
///
/// # Safety
/// `wait_ms` is writable.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_next_wakeup(engine: EngineHandle, wait_ms: *mut u64) -> Status {
    status("rollgate_next_wakeup", || {
        let wait_ms = out("wait_ms", wait_ms)?;
        let wait = hold(engine.id)?.engine.until_wakeup();
        // SAFETY: no null, and the caller's promise.
        unsafe { wait_ms.write(wait.0) };
        Ok(())
    })
}

/// Starts a thread that ticks the engine until `rollgate_ticker_stop` or `rollgate_engine_close`. One that is there
/// already goes on.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any. It is not there in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_ticker_start(engine: EngineHandle) -> Status {
    status("rollgate_ticker_start", || {
        let opened = hold(engine.id)?;
        let mut ticker = opened.ticker.lock();
        if ticker.is_none() {
            *ticker = Some(opened.engine.spawn_ticker()?);
        }
        // Closed in between: nobody would come for it any more.
        if let Err(stale) = hold(engine.id) {
            let ended = ticker.take();
            drop(ticker);
            opened.events.end(ended);
            return Err(stale);
        }
        Ok(())
    })
}

/// Stops the thread of `rollgate_ticker_start` and waits for it; in the callback of `rollgate_on_event` it does not wait.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_ticker_stop(engine: EngineHandle) -> Status {
    status("rollgate_ticker_stop", || {
        let opened = hold(engine.id)?;
        let ticker = opened.ticker.lock().take();
        opened.events.end(ticker);
        Ok(())
    })
}

/// Moves the clock of an engine that was opened with `ROLLGATE_OPTION_MANUAL_CLOCK`, by milliseconds. Tick after it.
/// `INVALID_ARGUMENT` for an engine on the system's clocks.
///
/// # Safety
/// Any handle is fine.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_clock_advance(engine: EngineHandle, by_ms: u64) -> Status {
    status("rollgate_clock_advance", || {
        let opened = hold(engine.id)?;
        let why = "clock: the engine reads the system's; open it with ROLLGATE_OPTION_MANUAL_CLOCK";
        let clock = opened.clock.as_ref().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, why))?;
        clock.advance(Span(by_ms));
        Ok(())
    })
}

/// Opens a built plan.
///
/// # Safety
/// `handle` is writable.
unsafe fn open(builder: EngineBuilder, options: Options, handle: *mut EngineHandle) -> Result<(), Error> {
    let is_set = |option: u32| options.flags & option != 0;
    let clock = is_set(OPTION_MANUAL_CLOCK).then(|| ManualClock::at(Timestamp(options.clock_unix_ms)));
    let builder = if is_set(OPTION_SEED_FROM_ENV) { builder.seed_from_env() } else { builder };
    let builder = match &clock {
        Some(clock) => builder.clock(clock.clone()),
        None => builder,
    };
    let events = Events::none();
    let told = events.clone();
    let engine = builder.on_record(move |record| told.tell(record)).build()?;
    let id = opened::open(engine, events, clock)?;
    // SAFETY: the caller's promise.
    unsafe { handle.write(EngineHandle { id }) };
    Ok(())
}

/// Options as far as the caller knows of them; the defaults where there are none.
///
/// # Safety
/// `options` is NULL or points to an object of the size that it names.
unsafe fn read(options: *const Options) -> Result<Options, Error> {
    let refuse = |why: &str| Err(Error::new(ErrorKind::InvalidArgument, format_args!("options: {why}")));
    if options.is_null() {
        return Ok(Options { size: size_of::<Options>(), flags: 0, clock_unix_ms: 0 });
    }
    // SAFETY: the size is there in every version.
    let size = unsafe { (&raw const (*options).size).read() };
    if size != size_of::<Options>() {
        return refuse(
            "`size` is not sizeof(rollgate_options) of this version; compile and link one version",
        );
    }
    // SAFETY: it has the size, and every value of its fields is one.
    let options = unsafe { options.read() };
    if options.flags & !(OPTION_SEED_FROM_ENV | OPTION_MANUAL_CLOCK) != 0 {
        return refuse("`flags` has a bit that this version does not know");
    }
    Ok(options)
}

/// # Safety
/// `path` is a NUL-terminated string, or NULL.
unsafe fn path(what: &str, path: *const c_char) -> Result<PathBuf, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { try_until_nul(path) };
    let bytes =
        bytes.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format_args!("{what}: is NULL")))?;
    #[cfg(unix)]
    return Ok(PathBuf::from(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(bytes)));
    #[cfg(not(unix))]
    return match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            Err(Error::new(ErrorKind::InvalidArgument, format_args!("{what}: is no UTF-8: {error}")))
        }
    };
}

/// The plan with its store.
///
/// # Safety
/// `store` is a NUL-terminated string, or NULL.
unsafe fn stored(builder: EngineBuilder, store: *const c_char) -> Result<EngineBuilder, Error> {
    if store.is_null() {
        return Ok(builder);
    }
    // SAFETY: the caller's promise.
    builder.store_file(unsafe { path("store_path", store)? })
}
