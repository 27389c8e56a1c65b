//! Flags: their answers, by place in the plan, by handle, and in full.

use std::rc::Rc;

use napi_sys as sys;
use rollgate::core::evaluate::{Context, Served};
use rollgate::wire::{self, OwnedContext};
use serde_json::json;

use super::batch;
use super::call::{Answer, Call, carried, guarded};
use super::objects::{self, function};
use super::seat::Seat;
use super::text;
use super::throw::Thrown;

/// A flag of a seat: its place in the plan's order; `None` for one that the plan does not have.
pub(super) struct SeatFlag {
    pub(super) seat: Rc<Seat>,
    pub(super) place: Option<usize>,
}

/// `flagNames(engine)`: as a JSON list, in the plan's order.
pub(super) fn names(call: &Call) -> Answer {
    let engine = call.engine()?;
    let names: Vec<&str> = engine.ruleset().flags.iter().map(|flag| flag.key.as_str()).collect();
    call.env.string(&json!(names).to_string())
}

/// `reader(engine)`: a function `(place, key)` that says whether the flag at a place is on.
pub(super) fn reader(call: &Call) -> Answer {
    function(call.env, Some(is_on_at), call.seat()?)
}

unsafe extern "C" fn is_on_at(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let run = || {
        // SAFETY: both are those of this call.
        let (env, seat, [place, key]) = unsafe { carried::<2>(env, info) }?;
        let mut at = 0;
        // SAFETY: `place` is a value of `env`.
        if unsafe { sys::napi_get_value_uint32(env.raw(), place, &mut at) } != sys::Status::napi_ok {
            return Err(Thrown::expected("place", "a number"));
        }
        // SAFETY: `reader` gave the function a seat, which lives as long as it.
        let seat = unsafe { &*seat.cast_const().cast::<Seat>() };
        let is_on = text::with(env, key, "key", |key| {
            seat.read(|live| live.flags.get(at as usize).is_some_and(|flag| flag.is_on(key)))
        })?;
        env.boolean(is_on.unwrap_or(false))
    };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

/// `flag(engine, name)`: `{ isOn, isOnCounted, isOnMany, place }`: functions of keys, and the place that it has in the plan.
pub(super) fn flag(call: &Call) -> Answer {
    let seat = call.seat()?;
    let name = call.text(1, "name")?;
    // A flag of a closed engine is off, as one that the plan does not have.
    let place = seat.read(|live| live.engine.ruleset().flag_of(&name).map(|id| id.index())).flatten();
    let flag = Rc::new(SeatFlag { seat, place });
    let is_on = function(call.env, Some(is_on), flag.clone())?;
    let counted = function(call.env, Some(is_on_counted), flag.clone())?;
    let many = function(call.env, Some(batch::is_on_many), flag)?;
    let place = match place {
        Some(place) => call.env.number(place as f64)?,
        None => call.env.undefined()?,
    };
    let functions = [("isOn", is_on), ("isOnCounted", counted), ("isOnMany", many), ("place", place)];
    objects::object(call.env, &functions)
}

unsafe extern "C" fn is_on(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: both are those of this call, and `flag` gave the function a flag.
    let run = || unsafe { ask(env, info, |flag, key| flag.is_on(key)) };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

unsafe extern "C" fn is_on_counted(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: both are those of this call, and `flag` gave the function a flag.
    let run = || unsafe { ask(env, info, |flag, key| flag.is_on_counted(key)) };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

/// Reads the key and asks the flag that the function carries.
///
/// # Safety
/// Both are those of the call, and the function carries a [`SeatFlag`].
#[inline]
unsafe fn ask(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    answer: impl FnOnce(&rollgate::flag::Flag, &str) -> bool,
) -> Answer {
    // SAFETY: as the caller promises.
    let (env, flag, [key]) = unsafe { carried::<1>(env, info) }?;
    // SAFETY: as the caller promises; it lives as long as the function.
    let flag = unsafe { &*flag.cast_const().cast::<SeatFlag>() };
    let is_on = text::with(env, key, "key", |key| {
        let place = flag.place?;
        flag.seat.read(|live| live.flags.get(place).is_some_and(|flag| answer(flag, key)))
    })?;
    env.boolean(is_on.unwrap_or(false))
}

/// `isOn(engine, name, key, fallback)`: as by place, with the caller's default where the flag gives it.
pub(super) fn is_on_or(call: &Call) -> Answer {
    let seat = call.seat()?;
    let name = call.text(1, "flag")?;
    let key = call.text(2, "key")?;
    let fallback = match call.type_of(3)? {
        sys::ValueType::napi_undefined => false,
        sys::ValueType::napi_boolean => {
            let (raw, given, mut is_true) = (call.env.raw(), call.argument(3), false);
            // SAFETY: the argument is a boolean of `env`.
            call.env.check(unsafe { sys::napi_get_value_bool(raw, given, &mut is_true) })?;
            is_true
        }
        _ => return Err(Thrown::expected("fallback", "a boolean")),
    };
    let is_on = seat.read(|live| live.engine.evaluate(&name, &Context::new(&key)).value_or(fallback));
    call.env.boolean(is_on.unwrap_or(fallback))
}

/// `evaluate(engine, name, key, attributes)`: the answer as JSON; key and attributes (as JSON) may be `undefined`.
/// `undefined` where the engine is closed.
pub(super) fn evaluate(call: &Call) -> Answer {
    let seat = call.seat()?;
    let name = call.text(1, "flag")?;
    let key = call.optional_text(2, "key")?;
    let attributes = call.optional_text(3, "attributes")?;
    let context = match attributes {
        Some(json) => OwnedContext::from_json(&json)?,
        None => OwnedContext::default(),
    };
    let json = seat.read(|live| {
        let write = |served: &Served<'_>| wire::evaluation(&name, served).to_string();
        context.with(key.as_deref().map(str::as_bytes), |context| write(&live.engine.serve(&name, context)))
    });
    json.map_or_else(|| call.env.undefined(), |json| call.env.string(&json))
}

/// `exposures(engine)`: what the counting calls have counted, as JSON: `{ FLAG: { on, off } }`.
pub(super) fn exposures(call: &Call) -> Answer {
    let counted = call.engine()?.exposures();
    let counted = counted
        .into_iter()
        .map(|(key, count)| (key.as_str().to_owned(), json!({ "on": count.on, "off": count.off })));
    call.env.string(&serde_json::Value::Object(counted.collect()).to_string())
}

/// `noop(key)`: what a call with a string costs, for the bench.
pub(super) unsafe extern "C" fn noop(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let run = || {
        // SAFETY: both are those of this call.
        let (env, _, [key]) = unsafe { carried::<1>(env, info) }?;
        let is_empty = text::with(env, key, "key", str::is_empty)?;
        env.boolean(is_empty)
    };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}

/// `noopBare(key)`: what a call costs that does not look at its string, for the bench.
pub(super) unsafe extern "C" fn noop_bare(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let run = || {
        // SAFETY: both are those of this call.
        let (env, _, [_key]) = unsafe { carried::<1>(env, info) }?;
        env.boolean(true)
    };
    // SAFETY: `env` is that of this call.
    unsafe { guarded(env, run) }
}
