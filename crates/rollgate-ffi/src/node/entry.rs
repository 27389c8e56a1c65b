//! Where Node enters.

use std::ptr::null_mut;
use std::sync::Once;

use napi_sys as sys;

use super::call::{Answer, Call, Env, callback, guarded};
use super::throw::{NOTHING, Thrown};
use super::{answers, events, flags, metrics, objects, open, pin, rollout};

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// What `require` gives: functions, of which the first argument is a handle where one is needed.
const EXPORTS: [(&str, Callback); 38] = [
    ("setErrorClass", callback!(set_error_class)),
    ("setBell", callback!(events::set_bell)),
    ("open", callback!(open::open)),
    ("share", callback!(open::share)),
    ("attach", callback!(open::attach)),
    ("close", callback!(open::close)),
    ("isClosed", callback!(open::is_closed)),
    ("advance", callback!(open::advance)),
    ("flagNames", callback!(flags::names)),
    ("reader", callback!(flags::reader)),
    ("flag", callback!(flags::flag)),
    ("isOn", callback!(flags::is_on_or)),
    ("evaluate", callback!(flags::evaluate)),
    ("words", callback!(answers::words)),
    ("variants", callback!(answers::variants)),
    ("evaluator", callback!(answers::evaluator)),
    ("exposures", callback!(flags::exposures)),
    ("metric", callback!(metrics::metric)),
    ("openAlert", callback!(metrics::open_alert)),
    ("closeAlert", callback!(metrics::close_alert)),
    ("watchAlerts", callback!(metrics::watch_alerts)),
    ("tick", callback!(rollout::tick)),
    ("startTicker", callback!(rollout::start_ticker)),
    ("stopTicker", callback!(rollout::stop_ticker)),
    ("nextWakeup", callback!(rollout::next_wakeup)),
    ("untilWakeup", callback!(rollout::until_wakeup)),
    ("command", callback!(rollout::command)),
    ("status", callback!(rollout::status)),
    ("shares", callback!(rollout::shares)),
    ("journal", callback!(rollout::journal)),
    ("scorecard", callback!(rollout::scorecard)),
    ("report", callback!(rollout::report)),
    ("prometheus", callback!(rollout::prometheus)),
    ("listen", callback!(events::listen)),
    ("deafen", callback!(events::deafen)),
    ("heard", callback!(events::heard)),
    ("noop", flags::noop),
    ("noopBare", flags::noop_bare),
];

/// Called by Node, once in every environment that requires the library.
///
/// # Safety
/// `env` and `exports` are those that Node gives.
#[unsafe(no_mangle)]
pub(super) unsafe extern "C" fn napi_register_module_v1(
    env: sys::napi_env,
    exports: sys::napi_value,
) -> sys::napi_value {
    static BOUND: Once = Once::new();
    BOUND.call_once(|| {
        // SAFETY: Node has loaded this library, so that its symbols are there; they are bound once, before any is used.
        std::mem::forget(unsafe { sys::setup() });
        pin::pin();
    });
    let run = || {
        // SAFETY: Node calls this as it would a callback.
        let env = unsafe { Env::new(env) };
        objects::keep(env)?;
        for (name, callback) in EXPORTS {
            let mut function = null_mut();
            // SAFETY: pointer and length are those of `name`; the callback is static.
            env.check(unsafe {
                sys::napi_create_function(
                    env.raw(),
                    name.as_ptr().cast(),
                    name.len() as isize,
                    Some(callback),
                    NOTHING,
                    &mut function,
                )
            })?;
            let name = env.string(name)?;
            // SAFETY: all three are values of `env`.
            env.check(unsafe { sys::napi_set_property(env.raw(), exports, name, function) })?;
        }
        Ok(exports)
    };
    // SAFETY: `env` is Node's.
    unsafe { guarded(env, run) }
}

/// `setErrorClass(class)`: what errors are made by: `new class(message, kind, number)`.
fn set_error_class(call: &Call) -> Answer {
    if call.type_of(0)? != sys::ValueType::napi_function {
        return Err(Thrown::expected("class", "a class"));
    }
    objects::keep_error_class(call.env, call.argument(0))?;
    call.env.undefined()
}
