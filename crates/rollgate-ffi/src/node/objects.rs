//! What JavaScript holds of ours: tagged objects, functions that carry a pointer, and what each environment keeps.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::Arc;

use napi_sys as sys;

use super::call::{Answer, Env};
use super::events::Bell;
use super::seat::Seat;
use super::throw::{NOTHING, Thrown};

/// Says that an object wraps a [`Seat`]: drawn once, by chance.
const SEAT: sys::napi_type_tag =
    sys::napi_type_tag { lower: 0x8f1c_27d4_5b6a_90e3, upper: 0x41d7_c0a9_3e52_f86b };

/// What one environment (a thread of JavaScript) keeps.
#[derive(Default)]
struct Kept {
    error_class: Option<sys::napi_ref>,
    bell: Option<Arc<Bell>>,
}

/// Makes room for what an environment keeps; Node frees it when the environment ends.
pub(super) fn keep(env: Env) -> Result<(), Thrown> {
    unsafe extern "C" fn free(_env: sys::napi_env, kept: *mut c_void, _hint: *mut c_void) {
        // SAFETY: Node calls this once, with the box below. References end with their environment.
        drop(unsafe { Box::from_raw(kept.cast::<Kept>()) });
    }
    let kept = Box::into_raw(Box::<Kept>::default());
    // SAFETY: the box lives until `free`.
    let status = unsafe { sys::napi_set_instance_data(env.raw(), kept.cast(), Some(free), NOTHING) };
    env.check(status)
}

fn kept(env: Env) -> *mut Kept {
    let mut kept = NOTHING;
    // SAFETY: the environment is that of the callback under way.
    unsafe { sys::napi_get_instance_data(env.raw(), &mut kept) };
    kept.cast()
}

/// Remembers the class of errors.
pub(super) fn keep_error_class(env: Env, class: sys::napi_value) -> Result<(), Thrown> {
    let mut reference = null_mut();
    // SAFETY: `class` is a value of `env`.
    env.check(unsafe { sys::napi_create_reference(env.raw(), class, 1, &mut reference) })?;
    // SAFETY: it is null or what `keep` made, which only this thread uses, and nobody borrows it now.
    if let Some(kept) = unsafe { kept(env).as_mut() } {
        kept.error_class = Some(reference);
    }
    Ok(())
}

/// The class of errors, where the binding has given one.
pub(super) fn error_class(env: Env) -> Option<sys::napi_value> {
    // SAFETY: as in `keep_error_class`.
    let reference = unsafe { kept(env).as_ref() }?.error_class?;
    let mut class = null_mut();
    // SAFETY: the reference was made in this environment.
    let status = unsafe { sys::napi_get_reference_value(env.raw(), reference, &mut class) };
    (status == sys::Status::napi_ok && !class.is_null()).then_some(class)
}

/// Remembers what wakes this environment's thread.
pub(super) fn keep_bell(env: Env, bell: Arc<Bell>) {
    // SAFETY: as in `keep_error_class`.
    if let Some(kept) = unsafe { kept(env).as_mut() } {
        kept.bell = Some(bell);
    }
}

/// What wakes this environment's thread, where the binding has hung one.
pub(super) fn bell(env: Env) -> Option<Arc<Bell>> {
    // SAFETY: as in `keep_error_class`.
    unsafe { kept(env).as_ref() }?.bell.clone()
}

/// A handle: a tagged object around a seat.
pub(super) fn handle(env: Env, seat: Rc<Seat>) -> Answer {
    unsafe extern "C" fn free(_env: sys::napi_env, seat: *mut c_void, _hint: *mut c_void) {
        // SAFETY: Node calls this once, with the count that `handle` gave away, on the thread of its environment.
        drop(unsafe { Rc::from_raw(seat.cast::<Seat>()) });
    }
    let mut object = null_mut();
    // SAFETY: the environment is that of the callback under way.
    env.check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
    // SAFETY: `object` is new.
    env.check(unsafe { sys::napi_type_tag_object(env.raw(), object, &SEAT) })?;
    let seat = Rc::into_raw(seat);
    // SAFETY: the count that `seat` stands for is given back in `free`.
    let status =
        unsafe { sys::napi_wrap(env.raw(), object, seat.cast_mut().cast(), Some(free), NOTHING, null_mut()) };
    if status != sys::Status::napi_ok {
        // SAFETY: it was not given away.
        drop(unsafe { Rc::from_raw(seat) });
    }
    env.check(status)?;
    Ok(object)
}

/// The seat behind a handle.
///
/// # Errors
/// A `TypeError` for anything else.
pub(super) fn seat(env: Env, value: sys::napi_value) -> Result<Rc<Seat>, Thrown> {
    let mut is_ours = false;
    // SAFETY: `value` is a value of `env`; what is no object makes N-API say so.
    let status = unsafe { sys::napi_check_object_type_tag(env.raw(), value, &SEAT, &mut is_ours) };
    let mut wrapped = NOTHING;
    if status != sys::Status::napi_ok || !is_ours {
        return Err(Thrown::expected("engine", "an engine's handle"));
    }
    // SAFETY: an object with our tag wraps a seat.
    env.check(unsafe { sys::napi_unwrap(env.raw(), value, &mut wrapped) })?;
    let seat: *const Seat = wrapped.cast_const().cast();
    // SAFETY: the object holds a count, and lives while the callback runs.
    unsafe {
        Rc::increment_strong_count(seat);
        Ok(Rc::from_raw(seat))
    }
}

/// A function that carries a value, which is freed with it.
pub(super) fn function<T>(env: Env, callback: sys::napi_callback, carried: Rc<T>) -> Answer {
    unsafe extern "C" fn free<T>(_env: sys::napi_env, carried: *mut c_void, _hint: *mut c_void) {
        // SAFETY: Node calls this once, with the count that `function` gave away, on the thread of its environment.
        drop(unsafe { Rc::from_raw(carried.cast_const().cast::<T>()) });
    }
    let mut function = null_mut();
    let carried = Rc::into_raw(carried);
    // SAFETY: without a name; what it carries lives until `free`, which comes after the last call.
    let mut status = unsafe {
        sys::napi_create_function(
            env.raw(),
            null_mut(),
            0,
            callback,
            carried.cast_mut().cast(),
            &mut function,
        )
    };
    if status == sys::Status::napi_ok {
        // SAFETY: as above.
        status = unsafe {
            sys::napi_add_finalizer(
                env.raw(),
                function,
                carried.cast_mut().cast(),
                Some(free::<T>),
                NOTHING,
                null_mut(),
            )
        };
    }
    if status != sys::Status::napi_ok {
        // SAFETY: it was not given away.
        drop(unsafe { Rc::from_raw(carried) });
    }
    env.check(status)?;
    Ok(function)
}

/// An object of these properties.
pub(super) fn object(env: Env, properties: &[(&str, sys::napi_value)]) -> Answer {
    let mut object = null_mut();
    // SAFETY: the environment is that of the callback under way.
    env.check(unsafe { sys::napi_create_object(env.raw(), &mut object) })?;
    for (name, value) in properties {
        let name = env.string(name)?;
        // SAFETY: all three are values of `env`.
        env.check(unsafe { sys::napi_set_property(env.raw(), object, name, *value) })?;
    }
    Ok(object)
}
