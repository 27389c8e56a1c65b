//! Strings of JavaScript, read as UTF-8.
//!
//! They are read as UTF-16, which V8 gives as fast as Latin-1 and faster than UTF-8, and turned into UTF-8 here: lone
//! surrogates, which V8 would replace without a word, are seen on the way.

use std::mem::MaybeUninit;
use std::ptr::null_mut;

use napi_sys as sys;

use super::call::Env;
use super::throw::Thrown;

/// Strings of fewer UTF-16 units than this need no allocation.
const SHORT: usize = 256;
/// A UTF-16 unit is at most so many bytes of UTF-8.
const BYTES_PER_UNIT: usize = 3;

/// Calls `act` with a string, whatever its length; NUL bytes are part of it.
///
/// # Errors
/// A `TypeError` for what is no string, and for a string with a lone surrogate, which UTF-8 cannot say.
#[inline]
pub(super) fn with<T>(
    env: Env,
    value: sys::napi_value,
    what: &str,
    act: impl FnOnce(&str) -> T,
) -> Result<T, Thrown> {
    let mut units = [MaybeUninit::<u16>::uninit(); SHORT];
    let mut length = 0;
    // SAFETY: there is room for `SHORT` units; N-API writes at most `SHORT - 1` of them and a NUL, and says how many.
    let status = unsafe {
        sys::napi_get_value_string_utf16(env.raw(), value, units.as_mut_ptr().cast(), SHORT, &mut length)
    };
    if status != sys::Status::napi_ok {
        return Err(not_a_string(env, status, what));
    }
    if length + 1 >= SHORT {
        return with_long(env, value, what, act);
    }
    // SAFETY: N-API has written `length` units, fewer than `SHORT`.
    let units = unsafe { std::slice::from_raw_parts(units.as_ptr().cast::<u16>(), length) };
    let mut bytes = [MaybeUninit::<u8>::uninit(); SHORT];
    let mut all = 0;
    for (byte, unit) in bytes.iter_mut().zip(units) {
        all |= unit;
        byte.write(*unit as u8);
    }
    if all < 0x80 {
        // SAFETY: the first `length` bytes are written, and all of them are ASCII.
        let text = unsafe {
            std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes.as_ptr().cast(), length))
        };
        return Ok(act(text));
    }
    with_short(units, what, act)
}

/// A short string with more than ASCII in it.
#[inline(never)]
fn with_short<T>(units: &[u16], what: &str, act: impl FnOnce(&str) -> T) -> Result<T, Thrown> {
    let mut bytes = [0_u8; SHORT * BYTES_PER_UNIT];
    let mut length = 0;
    for decoded in char::decode_utf16(units.iter().copied()) {
        let decoded = decoded.map_err(|_| lone_surrogate(what))?;
        length += decoded.encode_utf8(&mut bytes[length..]).len();
    }
    // SAFETY: it was made of encoded characters only.
    Ok(act(unsafe { std::str::from_utf8_unchecked(&bytes[..length]) }))
}

#[cold]
fn with_long<T>(
    env: Env,
    value: sys::napi_value,
    what: &str,
    act: impl FnOnce(&str) -> T,
) -> Result<T, Thrown> {
    let mut length = 0;
    // SAFETY: without a buffer N-API says how many units the string has.
    env.check(unsafe { sys::napi_get_value_string_utf16(env.raw(), value, null_mut(), 0, &mut length) })?;
    let mut units = Vec::<u16>::new();
    units.try_reserve_exact(length + 1).map_err(|_| too_long(what, length))?;
    // SAFETY: there is room for the units and a NUL.
    env.check(unsafe {
        sys::napi_get_value_string_utf16(env.raw(), value, units.as_mut_ptr(), length + 1, &mut length)
    })?;
    // SAFETY: N-API has written `length` units.
    unsafe { units.set_len(length) };
    let mut text = String::new();
    text.try_reserve(length).map_err(|_| too_long(what, length))?;
    for decoded in char::decode_utf16(units) {
        text.push(decoded.map_err(|_| lone_surrogate(what))?);
    }
    Ok(act(&text))
}

#[cold]
fn not_a_string(env: Env, status: sys::napi_status, what: &str) -> Thrown {
    match status {
        sys::Status::napi_string_expected | sys::Status::napi_invalid_arg => {
            Thrown::expected(what, "a string")
        }
        status => match env.check(status) {
            Err(thrown) => thrown,
            Ok(()) => Thrown::Pending,
        },
    }
}

#[cold]
fn lone_surrogate(what: &str) -> Thrown {
    Thrown::expected(what, "a well-formed string, found one with a lone surrogate")
}

#[cold]
fn too_long(what: &str, length: usize) -> Thrown {
    Thrown::out_of_range(format_args!("{what}: no memory for a string of {length} units"))
}
