//! Many keys for one flag in one call.

use std::ffi::c_void;
use std::ptr::null_mut;

use napi_sys as sys;
use rollgate::flag::Flag;

use super::call::{Answer, Env, carried, guarded, is_undefined};
use super::flags::SeatFlag;
use super::text;
use super::throw::{NOTHING, Thrown};

/// Keys after which the handles made so far are given back.
const KEYS_PER_SCOPE: u32 = 1_024;

/// `isOnMany(keys, offsets)`, of a flag that the function carries: a `Uint8Array` of 1 (on) and 0 (off), one for each key.
///
/// `keys` is a list of strings; or, with `offsets`, a `Uint8Array` of all keys' bytes one behind the other, where key `i` is
/// `keys[offsets[i]..offsets[i + 1]]`.
pub(super) unsafe extern "C" fn is_on_many(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let run = || {
        // SAFETY: both are those of this call.
        let (env, flag, [keys, offsets]) = unsafe { carried::<2>(env, info) }?;
        // SAFETY: `flag` gave the function a flag, which lives as long as it.
        let SeatFlag { seat, place } = unsafe { &*flag.cast_const().cast::<SeatFlag>() };
        // A copy: reading a list may run JavaScript, which may close the engine. A closed one is off for all.
        let flag = place.and_then(|place| seat.read(|live| live.flags.get(place).cloned()).flatten());
        if is_undefined(env, offsets)? {
            listed(env, keys, flag.as_ref())
        } else {
            packed(env, (keys, offsets), flag.as_ref())
        }
    };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

fn listed(env: Env, keys: sys::napi_value, flag: Option<&Flag>) -> Answer {
    let mut is_array = false;
    // SAFETY: `keys` is a value of `env`.
    env.check(unsafe { sys::napi_is_array(env.raw(), keys, &mut is_array) })?;
    if !is_array {
        return Err(Thrown::expected("keys", "a list of strings, or bytes with offsets"));
    }
    let mut count = 0;
    // SAFETY: `keys` is a list of `env`.
    env.check(unsafe { sys::napi_get_array_length(env.raw(), keys, &mut count) })?;
    let mut answers = Vec::with_capacity(count as usize);
    for first in (0..count).step_by(KEYS_PER_SCOPE as usize) {
        let scope = Scope::open(env)?;
        for place in first..count.min(first.saturating_add(KEYS_PER_SCOPE)) {
            let mut key = null_mut();
            // SAFETY: `keys` is a list of `env`.
            env.check(unsafe { sys::napi_get_element(env.raw(), keys, place, &mut key) })?;
            let is_on = text::with(env, key, "keys", |key| flag.is_some_and(|flag| flag.is_on(key)));
            answers.push(u8::from(is_on.map_err(|thrown| at(thrown, place))?));
        }
        drop(scope);
    }
    let (room, array) = bytes(env, answers.len())?;
    room.iter_mut().zip(answers).for_each(|(room, answer)| *room = answer);
    Ok(array)
}

/// Says which key is wrong.
#[cold]
fn at(thrown: Thrown, place: u32) -> Thrown {
    match thrown {
        Thrown::Type(why) => Thrown::Type(why.replacen("keys", &format!("keys[{place}]"), 1)),
        other => other,
    }
}

fn packed(env: Env, packed: (sys::napi_value, sys::napi_value), flag: Option<&Flag>) -> Answer {
    let keys: &[u8] = view(env, packed.0, sys::TypedarrayType::uint8_array)
        .ok_or_else(|| Thrown::expected("keys", "a Uint8Array beside offsets"))?;
    let offsets: &[u32] = view(env, packed.1, sys::TypedarrayType::uint32_array)
        .ok_or_else(|| Thrown::expected("offsets", "a Uint32Array"))?;
    let [_, .., last] = offsets else { return bytes(env, 0).map(|(_, array)| array) };
    // Without a way out in the middle: so it takes several at once.
    let is_back = offsets.windows(2).fold(false, |is_back, pair| is_back | (pair[0] > pair[1]));
    if is_back || *last as usize > keys.len() {
        return Err(outside(keys.len(), offsets));
    }
    let (answers, array) = bytes(env, offsets.len() - 1)?;
    if let Some(flag) = flag {
        // SAFETY: the offsets never go back, and the last of them lies within the keys.
        unsafe { fill(flag, keys, offsets, answers) };
    }
    Ok(array)
}

/// By itself, so that the loop has all registers.
///
/// # Safety
/// The offsets never go back, and none lies beyond the keys.
#[inline(never)]
unsafe fn fill(flag: &Flag, keys: &[u8], offsets: &[u32], answers: &mut [u8]) {
    let pairs = answers.iter_mut().zip(offsets.windows(2));
    let keys = pairs.map(|(answer, pair)| {
        // SAFETY: as the caller promises.
        (answer, unsafe { keys.get_unchecked(pair[0] as usize..pair[1] as usize) })
    });
    flag.is_on_each(keys, |answer, is_on| *answer = u8::from(is_on));
}

/// Says which offset is wrong.
#[cold]
fn outside(length: usize, offsets: &[u32]) -> Thrown {
    let is_wrong = |pair: &&[u32]| pair[0] > pair[1] || pair[1] as usize > length;
    let wrong = offsets.windows(2).enumerate().find(|(_, pair)| is_wrong(pair));
    let (place, from, to) = wrong.map_or((0, 0, 0), |(place, pair)| (place + 1, pair[0], pair[1]));
    Thrown::out_of_range(format_args!(
        "offsets[{place}]: expected a number from {from} to {length}, found {to}"
    ))
}

/// The memory of a typed array of this type.
///
/// Another thread may write it meanwhile if it is shared: `index.js` copies such arrays.
fn view<T>(env: Env, value: sys::napi_value, expected: sys::napi_typedarray_type) -> Option<&'static [T]> {
    let (start, length) = memory(env, value, expected)?;
    if length == 0 || start.is_null() {
        return Some(&[]);
    }
    // SAFETY: the array holds `length` elements of the type from `start`, aligned as typed arrays are; the caller reads them
    // before it calls JavaScript again, so that nothing moves, frees or writes them.
    Some(unsafe { std::slice::from_raw_parts(start.cast_const().cast(), length) })
}

/// As [`view`], for writing. The caller lets go of it before it looks at any other array, or calls JavaScript.
pub(super) fn room<T>(
    env: Env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
) -> Option<&'static mut [T]> {
    let (start, length) = memory(env, value, expected)?;
    if length == 0 || start.is_null() {
        return Some(&mut []);
    }
    // SAFETY: as in `view`, and the caller has no other view of it.
    Some(unsafe { std::slice::from_raw_parts_mut(start.cast(), length) })
}

/// Where a typed array of this type begins, and how many elements it has.
fn memory(
    env: Env,
    value: sys::napi_value,
    expected: sys::napi_typedarray_type,
) -> Option<(*mut c_void, usize)> {
    let mut is_array = false;
    // SAFETY: `value` is a value of `env`.
    let status = unsafe { sys::napi_is_typedarray(env.raw(), value, &mut is_array) };
    if status != sys::Status::napi_ok || !is_array {
        return None;
    }
    let (mut kind, mut length, mut start) = (0, 0, NOTHING);
    // SAFETY: `value` is a typed array of `env`.
    let status = unsafe {
        sys::napi_get_typedarray_info(
            env.raw(),
            value,
            &mut kind,
            &mut length,
            &mut start,
            null_mut(),
            null_mut(),
        )
    };
    (status == sys::Status::napi_ok && kind == expected).then_some((start, length))
}

/// A new `Uint8Array` of zeros, and its memory: for who writes it before JavaScript has it.
fn bytes<'a>(env: Env, count: usize) -> Result<(&'a mut [u8], sys::napi_value), Thrown> {
    let (mut start, mut buffer, mut array) = (NOTHING, null_mut(), null_mut());
    // SAFETY: the environment is that of the callback under way.
    env.check(unsafe { sys::napi_create_arraybuffer(env.raw(), count, &mut start, &mut buffer) })?;
    let kind = sys::TypedarrayType::uint8_array;
    // SAFETY: the buffer is of `env` and long enough.
    env.check(unsafe { sys::napi_create_typedarray(env.raw(), kind, count, buffer, 0, &mut array) })?;
    if start.is_null() {
        return Ok((&mut [], array));
    }
    // SAFETY: the buffer is new, has as many bytes, all of them zero, which stay where they are while the callback holds the
    // array; nobody else has it yet.
    Ok((unsafe { std::slice::from_raw_parts_mut(start.cast(), count) }, array))
}

/// Handles made while it is open are given back when it closes.
struct Scope(Env, sys::napi_handle_scope);

impl Scope {
    fn open(env: Env) -> Result<Self, Thrown> {
        let mut scope = null_mut();
        // SAFETY: the environment is that of the callback under way.
        env.check(unsafe { sys::napi_open_handle_scope(env.raw(), &mut scope) })?;
        Ok(Self(env, scope))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: it was opened in this environment, and scopes close in reverse order.
        unsafe { sys::napi_close_handle_scope(self.0.raw(), self.1) };
    }
}
