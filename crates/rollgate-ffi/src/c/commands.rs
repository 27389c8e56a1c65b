//! Commands: what people ask of a rollout.

use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::error::Status;
use super::guard::status;
use super::handle::EngineHandle;
use super::slots::hold;
use super::text::{fill, text, text_until_nul, try_text_until_nul};

/// Takes a command as a trace writes it, without its `at`: `{"command":"pause","by":"on_call"}`.
///
/// Errors: `INVALID_ARGUMENT` with the path of what cannot be read; `REFUSED` with the reason, which is journalled;
/// `STORE_AWAY` where a raise could not be written down, and so did not happen.
///
/// # Safety
/// `json` points to `len` readable bytes.
///
/// Ownership: borrows `json`. Threads: any; commands are carried out one after the other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_command_json(
    engine: EngineHandle,
    json: *const c_char,
    len: usize,
) -> Status {
    status("rollgate_command_json", || {
        // SAFETY: the caller's promise.
        let json = unsafe { text("json", json, len) }?;
        hold(engine.id)?.engine.command_json(json)
    })
}

/// Sets shares by hand, all or nothing: `{"USE_X":0.1,"USE_Y":1}`. Flags that are not named keep theirs.
///
/// `by` is a person or a role. A raise above the plan's step needs a reason; NULL is none. Errors: as of
/// `rollgate_command_json`.
///
/// # Safety
/// `json` points to `len` readable bytes; `by` is a NUL-terminated string, `reason` too or NULL.
///
/// Ownership: borrows all. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_set_shares_json(
    engine: EngineHandle,
    json: *const c_char,
    len: usize,
    by: *const c_char,
    reason: *const c_char,
) -> Status {
    status("rollgate_set_shares_json", || {
        // SAFETY: the caller's promises.
        let (shares, by, reason) = unsafe {
            let reason = try_text_until_nul("reason", reason)?.unwrap_or_default();
            (text("json", json, len)?, text_until_nul("by", by)?, reason)
        };
        // One JSON value and nothing behind it; then as it was written, so that a flag that is named twice is refused.
        serde_json::from_str::<IgnoredAny>(shares)
            .map_err(|error| Error::new(ErrorKind::InvalidArgument, format_args!("shares: {error}")))?;
        let (by, reason) = (Value::from(by), Value::from(reason));
        let command = format!(r#"{{"command":"set","shares":{shares},"by":{by},"reason":{reason}}}"#);
        hold(engine.id)?.engine.command_json(&command)
    })
}

/// The shares that apply now, as `rollgate_set_shares_json` takes them. `len`: see Buffers.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` is writable.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_shares_json(
    engine: EngineHandle,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_shares_json", || {
        let shares = hold(engine.id)?.engine.shares();
        let shares =
            shares.into_iter().map(|(flag, share)| (flag.as_str().to_owned(), share.fraction().into()));
        let json = Value::Object(shares.collect()).to_string();
        // SAFETY: the caller's promises.
        unsafe { fill(&json, buf, capacity, len) }
    })
}
