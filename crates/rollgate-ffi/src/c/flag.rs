//! Flags: by handle, by name, in batches.

use std::ffi::c_char;

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::evaluate::Context;
use rollgate::flag::Flag;
use rollgate::mirror::{Answer, FlagMirror, Terms};

use super::error::Status;
use super::guard::{guard, status};
use super::handle::{self, EngineHandle, FlagHandle, Kind};
use super::opened::Opened;
use super::slots::{self, Found, hold, stale, with};
use super::text::{bytes, fill, out, text, text_until_nul, try_bytes, try_until_nul};
use super::{cells, fork};

/// Finds a flag by its name: the handle is the fast path. `FLAG_NOT_FOUND` where the plan has no such flag.
///
/// # Safety
/// `name` is a NUL-terminated string; `flag` is writable.
///
/// Ownership: borrows `name`. The handle needs no end of its own: it is stale once its engine is closed. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag(
    engine: EngineHandle,
    name: *const c_char,
    flag: *mut FlagHandle,
) -> Status {
    status("rollgate_flag", || {
        // SAFETY: the caller's promises.
        unsafe { find(engine, text_until_nul("name", name)?, flag) }
    })
}

/// As `rollgate_flag`, for a name of `len` bytes.
///
/// # Safety
/// `name` points to `len` readable bytes; `flag` is writable.
///
/// Ownership: as of `rollgate_flag`. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_n(
    engine: EngineHandle,
    name: *const c_char,
    len: usize,
    flag: *mut FlagHandle,
) -> Status {
    status("rollgate_flag_n", || {
        // SAFETY: the caller's promises.
        unsafe { find(engine, text("name", name, len)?, flag) }
    })
}

/// Whether a flag is on for a subject, whose key is `len` bytes of any value.
///
/// Off for a handle that is stale, null or of something else, and for NULL with a length. Never blocks and allocates
/// nothing; for a flag without rules, lists and variants it writes no memory that threads share.
///
/// # Safety
/// `key` points to `len` readable bytes, or is NULL with `len` 0.
///
/// Ownership: borrows `key`. Threads: any, also while the engine is closed, and in a child of `fork`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_is_on(flag: FlagHandle, key: *const c_char, len: usize) -> bool {
    // SAFETY: the caller's promise.
    let usual = unsafe { usual_key(key, len) }.and_then(|key| cells::is_on_usual(flag.id, 0, key));
    match usual {
        Some(is_on) if !IS_INJECTED => is_on,
        // SAFETY: the caller's promise.
        _ => unsafe { flag_is_on_beside(flag.id, key, len, false) },
    }
}

/// The way to [`flag_is_on`]: one jump. It alone is cold, so that the quick ways are laid out for speed and ask each of
/// their questions with one branch; what it leads to is compiled as everything else is.
///
/// # Safety
/// As of [`flag_is_on`].
#[cold]
#[inline(never)]
unsafe extern "C" fn flag_is_on_beside(flag: u64, key: *const c_char, len: usize, fallback: bool) -> bool {
    // SAFETY: the caller's promise.
    unsafe { flag_is_on(flag, key, len, fallback) }
}

/// All that the quick ways have no answer for, once the flag is known. By itself, so that they need no stack.
///
/// # Safety
/// As of [`rollgate_flag_is_on`].
#[inline(never)]
unsafe extern "C" fn flag_is_on(flag: u64, key: *const c_char, len: usize, fallback: bool) -> bool {
    guard("rollgate_flag_is_on", fallback, || {
        // SAFETY: the caller's promise.
        unsafe { try_bytes(key, len) }.map_or(fallback, |key| is_on(flag, key, fallback))
    })
}

/// As `rollgate_flag_is_on`, for a NUL-terminated key.
///
/// # Safety
/// `key` is a NUL-terminated string, or NULL, for which the flag is off.
///
/// Ownership: borrows `key`. Threads: as of `rollgate_flag_is_on`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_is_on_str(flag: FlagHandle, key: *const c_char) -> bool {
    guard("rollgate_flag_is_on_str", false, || {
        // SAFETY: the caller's promise.
        unsafe { try_until_nul(key) }.is_some_and(|key| is_on(flag.id, key, false))
    })
}

/// As `rollgate_flag_is_on`, and counts the answer as an exposure, in a counter that this thread alone writes; see
/// `rollgate_flag_exposures`.
///
/// # Safety
/// As of `rollgate_flag_is_on`.
///
/// Ownership: borrows `key`. Threads: any. The first call of a thread allocates its counters. In a child of `fork` it
/// answers, and counts nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_is_on_counted(
    flag: FlagHandle,
    key: *const c_char,
    len: usize,
) -> bool {
    guard("rollgate_flag_is_on_counted", false, || {
        // SAFETY: the caller's promise.
        let Some(key) = (unsafe { try_bytes(key, len) }) else { return false };
        let count = |opened: &Opened, flag: &Flag| match fork::is_own(opened) {
            true => flag.is_on_counted_bytes(key),
            false => flag.is_on_bytes(key),
        };
        with_flag(flag.id, count).unwrap_or(false)
    })
}

/// How often the counting calls of all threads answered a flag with on, and how often with off.
///
/// # Safety
/// `on` and `off` are writable.
///
/// Threads: any; exact for calls that have returned.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_exposures(flag: FlagHandle, on: *mut u64, off: *mut u64) -> Status {
    status("rollgate_flag_exposures", || {
        let (on, off) = (out("on", on)?, out("off", off)?);
        let owner = cells::owner(flag.id).ok_or_else(stale)?;
        let opened = hold(handle::engine_of(owner, Kind::Flag))?;
        let exposures = opened.flag(owner).ok_or_else(stale)?.exposures();
        // SAFETY: no null, and the caller's promise.
        unsafe {
            on.write(exposures.on);
            off.write(exposures.off);
        }
        Ok(())
    })
}

/// Whether a flag, found by its name, is on for a subject; `fallback` where the engine's handle is stale, the flag is
/// unknown, disabled or malformed, or a split has no key.
///
/// Never blocks and allocates nothing.
///
/// # Safety
/// `name` points to `name_len` readable bytes and `key` to `key_len`; or NULL with 0.
///
/// Ownership: borrows both. Threads: as of `rollgate_flag_is_on`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_is_on(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: bool,
) -> bool {
    // SAFETY: the caller's promise.
    let flag = unsafe { usual_name(name, name_len) }.and_then(|name| slots::by_usual_name(engine.id, name));
    let Some(flag) = flag.filter(|_| !IS_INJECTED) else {
        // SAFETY: the caller's promises.
        return unsafe { is_on_named_beside(engine, name, name_len, key, key_len, fallback) };
    };
    // SAFETY: the caller's promise.
    let usual =
        unsafe { usual_key(key, key_len) }.and_then(|key| cells::is_on_usual(flag, fallback.into(), key));
    match usual {
        Some(is_on) => is_on,
        // SAFETY: the caller's promise.
        None => unsafe { flag_is_on_beside(flag, key, key_len, fallback) },
    }
}

/// The way to [`is_on_named`]: see [`flag_is_on_beside`].
///
/// # Safety
/// As of [`rollgate_is_on`].
#[cold]
#[inline(never)]
unsafe extern "C" fn is_on_named_beside(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: bool,
) -> bool {
    // SAFETY: the caller's promises.
    unsafe { is_on_named(engine, name, name_len, key, key_len, fallback) }
}

/// All names that the quick way does not find. By itself, so that the quick way needs no stack.
///
/// # Safety
/// As of [`rollgate_is_on`].
#[inline(never)]
unsafe extern "C" fn is_on_named(
    engine: EngineHandle,
    name: *const c_char,
    name_len: usize,
    key: *const c_char,
    key_len: usize,
    fallback: bool,
) -> bool {
    guard("rollgate_is_on", fallback, || {
        // SAFETY: the caller's promises.
        match unsafe { (try_bytes(name, name_len), try_bytes(key, key_len)) } {
            (Some(name), Some(key)) => is_on_by_name(engine.id, name, key, fallback),
            _ => fallback,
        }
    })
}

/// As `rollgate_is_on`, for NUL-terminated strings. A key of NULL is none.
///
/// # Safety
/// `name` and `key` are NUL-terminated strings, or NULL.
///
/// Ownership: borrows both. Threads: as of `rollgate_flag_is_on`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_is_on_str(
    engine: EngineHandle,
    name: *const c_char,
    key: *const c_char,
    fallback: bool,
) -> bool {
    guard("rollgate_is_on_str", fallback, || {
        // SAFETY: the caller's promises.
        let (name, key) = unsafe { (try_until_nul(name), try_until_nul(key)) };
        name.map_or(fallback, |name| is_on_by_name(engine.id, name, key.unwrap_or_default(), fallback))
    })
}

/// One flag for `n` subjects. The keys lie one behind the other: key `i` is the bytes of `keys` from `offsets[i]` to
/// `offsets[i + 1]`. `is_on[i]` becomes its answer. All answers are of one version of the flag.
///
/// `INVALID_HANDLE`; `INVALID_ARGUMENT` where an offset is smaller than the one before it. Then nothing is written.
///
/// # Safety
/// `offsets` has `n + 1` entries, `keys` has the bytes that they name, and `is_on` has room for `n` answers. With `n` 0
/// all may be NULL.
///
/// Ownership: the caller's arrays. Threads: as of `rollgate_flag_is_on`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_is_on_batch(
    flag: FlagHandle,
    keys: *const c_char,
    offsets: *const usize,
    n: usize,
    is_on: *mut bool,
) -> Status {
    status("rollgate_is_on_batch", || {
        let (mirror, terms) = cells::terms(flag.id).ok_or_else(stale)?;
        if n == 0 {
            return Ok(());
        }
        let refuse = |why: &str| Error::new(ErrorKind::InvalidArgument, why);
        if offsets.is_null() || n > isize::MAX as usize / size_of::<usize>() - 1 {
            return Err(refuse("offsets: is NULL, or longer than memory"));
        }
        let answers = out("is_on", is_on)?;
        // SAFETY: no null, and the caller's promise.
        let offsets = unsafe { std::slice::from_raw_parts(offsets, n + 1) };
        if !offsets.is_sorted() {
            return Err(refuse("offsets: one is smaller than the one before it"));
        }
        // SAFETY: the last offset is the largest, and the caller's promise.
        let keys = unsafe { bytes("keys", keys, offsets[n]) }?;
        let write = |at: usize, answer: bool| {
            // SAFETY: `at` is below `n`, and the caller's promise. Not a slice: nothing has been written there yet.
            unsafe { answers.add(at).write(answer) };
        };
        batch(flag.id, (mirror, terms), keys, offsets, write)
    })
}

/// How many flags the engine has: their places are 0 up to this, in the plan's order.
///
/// # Safety
/// `count` is writable.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_count(engine: EngineHandle, count: *mut usize) -> Status {
    status("rollgate_flag_count", || {
        let count = out("count", count)?;
        let flags = with(engine.id, |opened| opened.flags.len())?;
        // SAFETY: no null, and the caller's promise.
        unsafe { count.write(flags) };
        Ok(())
    })
}

/// The name of the flag at a place of `rollgate_flag_count`; `INVALID_ARGUMENT` beyond them. `len`: see Buffers.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` is writable.
///
/// Ownership: the caller's buffer. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_flag_name(
    engine: EngineHandle,
    place: usize,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Status {
    status("rollgate_flag_name", || {
        with(engine.id, |opened| {
            let why = || format!("place: there are {} flags", opened.flags.len());
            let flag =
                opened.flags.get(place).ok_or_else(|| Error::new(ErrorKind::InvalidArgument, why()))?;
            // SAFETY: the caller's promises.
            unsafe { fill(flag.key(), buf, capacity, len) }
        })?
    })
}

/// Which flags are on for a subject: the bit of each flag at its place, 64 to a word, the lowest first. All answers are of
/// one version. Words beyond the flags become 0; flags beyond the words are left out.
///
/// # Safety
/// `key` points to `key_len` readable bytes, or is NULL with 0; `bits` has `words` writable words.
///
/// Ownership: the caller's array. Threads: as of `rollgate_flag_is_on`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_all_on(
    engine: EngineHandle,
    key: *const c_char,
    key_len: usize,
    bits: *mut u64,
    words: usize,
) -> Status {
    status("rollgate_all_on", || {
        // SAFETY: the caller's promise.
        let key = unsafe { bytes("key", key, key_len) }?;
        let bits = out("bits", bits)?;
        if words > isize::MAX as usize / 8 {
            return Err(Error::new(ErrorKind::InvalidArgument, "words: more than memory has"));
        }
        with(engine.id, |opened| {
            // SAFETY: no null, and the caller's promise. Words are written before they are read, and any bits are one.
            let bits = unsafe {
                bits.write_bytes(0, words);
                std::slice::from_raw_parts_mut(bits, words)
            };
            opened.engine.all_on_bytes(key, bits);
        })
    })
}

/// # Safety
/// `flag` is writable, or NULL.
unsafe fn find(engine: EngineHandle, name: &str, flag: *mut FlagHandle) -> Result<(), Error> {
    let flag = out("flag", flag)?;
    match slots::by_name(engine.id, name.as_bytes()) {
        // SAFETY: no null, and the caller's promise.
        Found::Flag(id) => unsafe { flag.write(FlagHandle { id }) },
        Found::Unknown => return Err(unknown(name)),
        Found::Stale => return Err(stale()),
    }
    Ok(())
}

pub(super) fn unknown(name: &str) -> Error {
    Error::new(ErrorKind::FlagNotFound, format_args!("the plan has no flag `{name}`"))
}

/// Whether the quick ways are left out, so that a panic on demand is not.
const IS_INJECTED: bool = cfg!(feature = "inject-panic");

/// A key as the quick ways take it.
///
/// # Safety
/// `ptr` points to `len` readable bytes that nobody writes during the call, or is NULL.
#[inline(always)]
unsafe fn usual_key<'a>(ptr: *const c_char, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise, and no null, and a length that a slice may have.
    (len.wrapping_sub(9) < 8 && !ptr.is_null())
        .then(|| unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}

/// A name as the quick ways take it.
///
/// # Safety
/// As of [`usual_key`].
#[inline(always)]
unsafe fn usual_name<'a>(ptr: *const c_char, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as in `usual_key`.
    (len.wrapping_sub(8) < 9 && !ptr.is_null())
        .then(|| unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}

/// The answer for any flag and key; `fallback` where the handle is stale, or the flag has no answer.
#[inline]
fn is_on(flag: u64, key: &[u8], fallback: bool) -> bool {
    match cells::answer(flag, fallback, key) {
        Answer::Is(is_on) => is_on,
        Answer::Stale => fallback,
        Answer::AskFlag => ask_flag(flag, key, fallback),
    }
}

/// The flag's own evaluation: by itself, for what it needs of the stack.
#[inline(never)]
fn ask_flag(flag: u64, key: &[u8], fallback: bool) -> bool {
    let read = |_: &Opened, flag: &Flag| match fallback {
        // Off is to be told from no answer, which only an evaluation with its reason can.
        true => flag.evaluate(&Context::of_bytes(key)).value_or(true),
        false => flag.is_on_bytes(key),
    };
    with_flag(flag, read).unwrap_or(fallback)
}

fn is_on_by_name(engine: u64, name: &[u8], key: &[u8], fallback: bool) -> bool {
    match slots::by_name(engine, name) {
        Found::Flag(flag) => is_on(flag, key, fallback),
        Found::Unknown | Found::Stale => fallback,
    }
}

/// Runs `read` on a flag of an open engine, which is not closed meanwhile; see [`with`].
///
/// # Errors
/// [`ErrorKind::InvalidHandle`].
fn with_flag<T>(flag: u64, read: impl FnOnce(&Opened, &Flag) -> T) -> Result<T, Error> {
    let owner = cells::owner(flag).ok_or_else(stale)?;
    with(handle::engine_of(owner, Kind::Flag), |opened| {
        opened.flag(owner).map(|flag| read(opened, flag)).ok_or_else(stale)
    })?
}

fn batch(
    flag: u64,
    (mirror, terms): (&FlagMirror, Terms),
    keys: &[u8],
    offsets: &[usize],
    write: impl Fn(usize, bool),
) -> Result<(), Error> {
    let key = |pair: &[usize]| &keys[pair[0]..pair[1]];
    if terms.is_above() && terms.is_on(b"").is_none() {
        // One version for all of them: the snapshot is pinned too.
        let walk = |opened: &Opened, flag: &Flag| {
            let view = opened.engine.snapshot();
            for (at, pair) in offsets.windows(2).enumerate() {
                write(at, view.evaluate(flag.key(), &Context::of_bytes(key(pair))).is_on());
            }
        };
        return with_flag(flag, walk);
    }
    if terms.is_above() {
        mirror.ask();
    }
    for (at, pair) in offsets.windows(2).enumerate() {
        write(at, terms.is_on(key(pair)).unwrap_or(false));
    }
    Ok(())
}
