//! Evaluations: the answer with its reason, and what a flag serves.
#![allow(clippy::too_many_arguments, reason = "C has no slices: each text is two arguments")]

use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::evaluate::{Context, ErrorCode, Reason as CoreReason, Served};
use rollgate::wire::{self, OwnedContext};

use super::error::Status;
use super::guard::status;
use super::handle::EngineHandle;
use super::slots::with;
use super::text::{bytes, fill, out, text, text_until_nul, try_text_until_nul, try_until_nul};

/// Why a flag gave what it gave: OpenFeature's reasons.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The same for everybody: 0 %, 100 %, killed, or outside its parent by a share of nobody.
    Static = 0,
    /// By the bucket of the subject.
    Split = 1,
    /// The subject is on a list, or a rule chose it.
    TargetingMatch = 2,
    /// The flag is disabled.
    Disabled = 3,
    /// See the error.
    Error = 4,
}

/// Room for a variant's name with its NUL.
pub const VARIANT_CAPACITY: usize = 136;

/// The answer for one flag.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Evaluation {
    /// The version of the snapshot that answered; it rises with every change of any share.
    pub version: u64,
    /// The bucket of the subject, where `has_bucket`.
    pub bucket: u32,
    /// The flag's own share, in parts per million; 0 for an unknown flag.
    pub share_ppm: u32,
    /// Why.
    pub reason: Reason,
    /// A status of 3xx where the reason is `ROLLGATE_REASON_ERROR`; `ROLLGATE_STATUS_OK` otherwise.
    pub error: Status,
    /// Whether it serves on; off where it is the caller's default.
    pub is_on: bool,
    /// Whether there is no answer but the caller's default: unknown, disabled or malformed, or a split without a key.
    pub is_default: bool,
    /// Whether a bucket was computed.
    pub has_bucket: bool,
    /// The variant that is served, NUL-terminated: its name, or "on" or "off"; "" where it is the caller's default.
    pub variant: [c_char; VARIANT_CAPACITY],
}

/// The answer for one flag, and why. An unknown flag is an answer too: its reason is an error, and the status OK.
///
/// `context_json` is a JSON object of attributes, as OpenFeature has it, or NULL. `key` is the subject's, or NULL, where
/// the context's `targetingKey` is taken. Errors: `INVALID_HANDLE`; `INVALID_CONTEXT`; `INVALID_ARGUMENT` where a name is
/// no UTF-8.
///
/// # Safety
/// `name` is a NUL-terminated string, `context_json` and `key` too or NULL; `evaluation` is writable.
///
/// Ownership: borrows the strings; the evaluation is the caller's and points to nothing. Threads: any, and in a child of
/// `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate(
    engine: EngineHandle,
    name: *const c_char,
    context_json: *const c_char,
    key: *const c_char,
    evaluation: *mut Evaluation,
) -> Status {
    status("rollgate_evaluate", || {
        let evaluation = out("evaluation", evaluation)?;
        // SAFETY: the caller's promises.
        let (name, context, key) = unsafe {
            let context = try_text_until_nul("context_json", context_json)?;
            (text_until_nul("name", name)?, context, try_until_nul(key))
        };
        let answer = ask(engine, name, context, key, |served| Ok(told(served)))?;
        // SAFETY: no null, and the caller's promise.
        unsafe { evaluation.write(answer) };
        Ok(())
    })
}

/// As `rollgate_evaluate`, with lengths. A `context_json` of NULL is none; a `key` of NULL is none, an empty one is empty.
///
/// # Safety
/// Each pointer points to as many readable bytes as its length says, or is NULL with 0; `evaluation` is writable.
///
/// Ownership: as of `rollgate_evaluate`. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_n(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    evaluation: *mut Evaluation,
) -> Status {
    status("rollgate_evaluate_n", || {
        let evaluation = out("evaluation", evaluation)?;
        // SAFETY: the caller's promises.
        let asked = unsafe { Asked::read((name, name_len), (context_json, context_len), (key, key_len)) }?;
        let answer = asked.of(engine, |served| Ok(told(served)))?;
        // SAFETY: no null, and the caller's promise.
        unsafe { evaluation.write(answer) };
        Ok(())
    })
}

/// The answer as JSON: `flag`, `on`, `variant`, `value`, `reason`, `error`, `bucket`, `share`, `version`; null where there
/// is none. `len`: see Buffers.
///
/// # Safety
/// As of `rollgate_evaluate_n`; `buf` points to `capacity` writable bytes, or is NULL; `len` is writable.
///
/// Ownership: the caller's buffer. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_json(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_evaluate_json", || {
        // SAFETY: the caller's promises.
        let asked = unsafe { Asked::read((name, name_len), (context_json, context_len), (key, key_len)) }?;
        let json = asked.of(engine, |served| Ok(wire::evaluation(asked.name, served).to_string()))?;
        // SAFETY: the caller's promises.
        unsafe { fill(&json, buf, capacity, len) }
    })
}

/// The truth value that a flag serves; `fallback` where it leaves the answer to the caller.
///
/// Errors, beside those of `rollgate_evaluate`: `FLAG_NOT_FOUND`, `PARSE_ERROR`, `TARGETING_KEY_MISSING`, and
/// `TYPE_MISMATCH` where the flag serves something else. Then nothing is written.
///
/// # Safety
/// As of `rollgate_evaluate_n`; `value` is writable.
///
/// Ownership: borrows the strings. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_boolean(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: bool,
    value: *mut bool,
) -> Status {
    status("rollgate_evaluate_boolean", || {
        let value = out("value", value)?;
        // SAFETY: the caller's promises.
        let asked = unsafe { Asked::read((name, name_len), (context_json, context_len), (key, key_len)) }?;
        let served = asked.of(engine, |served| served.boolean().map_err(|code| failed(code, asked.name)))?;
        // SAFETY: no null, and the caller's promise.
        unsafe { value.write(served.unwrap_or(fallback)) };
        Ok(())
    })
}

/// The number that a flag serves. As `rollgate_evaluate_boolean` otherwise.
///
/// # Safety
/// As of `rollgate_evaluate_n`; `value` is writable.
///
/// Ownership: borrows the strings. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_number(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: f64,
    value: *mut f64,
) -> Status {
    status("rollgate_evaluate_number", || {
        let value = out("value", value)?;
        // SAFETY: the caller's promises.
        let asked = unsafe { Asked::read((name, name_len), (context_json, context_len), (key, key_len)) }?;
        let served = asked.of(engine, |served| served.number().map_err(|code| failed(code, asked.name)))?;
        // SAFETY: no null, and the caller's promise.
        unsafe { value.write(served.unwrap_or(fallback)) };
        Ok(())
    })
}

/// The text that a flag serves; `fallback`, NUL-terminated or NULL for "", where it leaves the answer to the caller.
/// As `rollgate_evaluate_boolean` otherwise; `len`: see Buffers.
///
/// # Safety
/// As of `rollgate_evaluate_json`; `fallback` is a NUL-terminated string, or NULL.
///
/// Ownership: borrows the strings; the caller's buffer. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_string(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: *const c_char,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_evaluate_string", || {
        // SAFETY: the caller's promises.
        unsafe {
            let asked = Asked::read((name, name_len), (context_json, context_len), (key, key_len))?;
            let fallback = try_text_until_nul("fallback", fallback)?.unwrap_or_default();
            asked.of(engine, |served| {
                let served = served.string().map_err(|code| failed(code, asked.name))?;
                fill(served.unwrap_or(fallback), buf, capacity, len)
            })
        }
    })
}

/// The JSON that a flag with JSON values serves, as text; otherwise as `rollgate_evaluate_string`.
///
/// # Safety
/// As of `rollgate_evaluate_string`.
///
/// Ownership: borrows the strings; the caller's buffer. Threads: any, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_evaluate_value_json(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    context_json: *const c_char,
    context_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: *const c_char,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_evaluate_value_json", || {
        // SAFETY: the caller's promises.
        unsafe {
            let asked = Asked::read((name, name_len), (context_json, context_len), (key, key_len))?;
            let fallback = try_text_until_nul("fallback", fallback)?.unwrap_or_default();
            asked.of(engine, |served| {
                let served = served.json().map_err(|code| failed(code, asked.name))?;
                fill(served.unwrap_or(fallback), buf, capacity, len)
            })
        }
    })
}

/// What an evaluation is asked with.
struct Asked<'a> {
    name: &'a str,
    context: Option<&'a str>,
    key: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// # Safety
    /// As of `rollgate_evaluate_n`.
    unsafe fn read(
        name: (*const c_char, usize),
        context: (*const c_char, usize),
        key: (*const c_char, usize),
    ) -> Result<Self, Error> {
        // SAFETY: the caller's promises.
        let (name, context_text, key_bytes) = unsafe {
            (
                text("name", name.0, name.1)?,
                text("context_json", context.0, context.1)?,
                bytes("key", key.0, key.1)?,
            )
        };
        let context = (!context.0.is_null()).then_some(context_text);
        Ok(Self { name, context, key: (!key.0.is_null()).then_some(key_bytes) })
    }

    fn of<T>(
        &self,
        engine: EngineHandle,
        read: impl FnOnce(&Served<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        ask(engine, self.name, self.context, self.key, read)
    }
}

/// Evaluates, and reads what is served while the engine is there.
fn ask<T>(
    engine: EngineHandle,
    name: &str,
    context: Option<&str>,
    key: Option<&[u8]>,
    read: impl FnOnce(&Served<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let context = context.map(OwnedContext::from_json).transpose()?;
    with(engine.id, |opened| match &context {
        Some(context) => context.with(key, |context| read(&opened.engine.serve(name, context))),
        None => {
            let context = Context { targeting_key: key, attributes: &[] };
            read(&opened.engine.serve(name, &context))
        }
    })?
}

fn told(served: &Served<'_>) -> Evaluation {
    let evaluation = &served.evaluation;
    let side = evaluation.variant.map(|side| side.name());
    let name = served.variant.map(|variant| variant.key.as_str()).or(side).unwrap_or_default();
    let mut variant = [0; VARIANT_CAPACITY];
    // The last byte stays NUL; keys are shorter than that.
    for (to, from) in variant[..VARIANT_CAPACITY - 1].iter_mut().zip(name.bytes()) {
        *to = from as c_char;
    }
    Evaluation {
        version: evaluation.version,
        bucket: evaluation.bucket.unwrap_or_default(),
        share_ppm: evaluation.share.ppm(),
        reason: match evaluation.reason {
            CoreReason::Static => Reason::Static,
            CoreReason::Split => Reason::Split,
            CoreReason::TargetingMatch => Reason::TargetingMatch,
            CoreReason::Disabled => Reason::Disabled,
            CoreReason::Error => Reason::Error,
        },
        error: evaluation.error.map_or(Status::Ok, |code| Status::of(kind(code))),
        is_on: evaluation.is_on(),
        is_default: evaluation.variant.is_none(),
        has_bucket: evaluation.bucket.is_some(),
        variant,
    }
}

fn kind(code: ErrorCode) -> ErrorKind {
    match code {
        ErrorCode::FlagNotFound => ErrorKind::FlagNotFound,
        ErrorCode::ParseError => ErrorKind::ParseError,
        ErrorCode::TypeMismatch => ErrorKind::TypeMismatch,
        ErrorCode::TargetingKeyMissing => ErrorKind::TargetingKeyMissing,
    }
}

fn failed(code: ErrorCode, name: &str) -> Error {
    let why = match code {
        ErrorCode::FlagNotFound => return super::flag::unknown(name),
        ErrorCode::ParseError => "cannot be read",
        ErrorCode::TypeMismatch => "serves values of another type",
        ErrorCode::TargetingKeyMissing => "is split by a targeting key, and there is none",
    };
    Error::new(kind(code), format_args!("the flag `{name}` {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_have_room() {
        const { assert!(rollgate::core::limits::KEY_BYTES_MAX < VARIANT_CAPACITY) };
    }
}
