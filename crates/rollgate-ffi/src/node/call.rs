//! One call from JavaScript: its environment, its arguments, and the guard around it.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use napi_sys as sys;

use super::text;
use super::throw::{NOTHING, Thrown};

/// The most arguments that any callback takes.
const ARGUMENTS_MAX: usize = 5;

/// What a callback gives.
pub(super) type Answer = Result<sys::napi_value, Thrown>;

/// The environment of a callback, while it runs.
#[derive(Clone, Copy)]
pub(super) struct Env(sys::napi_env);

impl Env {
    /// # Safety
    /// `env` is that of a callback under way on this thread, and the value does not outlive it.
    pub(super) const unsafe fn new(env: sys::napi_env) -> Self {
        Self(env)
    }

    /// As N-API takes it.
    pub(super) const fn raw(self) -> sys::napi_env {
        self.0
    }

    /// Nothing, where N-API did what it was asked; else what it throws, or says.
    #[inline]
    pub(super) fn check(self, status: sys::napi_status) -> Result<(), Thrown> {
        if status == sys::Status::napi_ok { Ok(()) } else { Err(self.failed(status)) }
    }

    #[cold]
    fn failed(self, status: sys::napi_status) -> Thrown {
        let mut is_pending = false;
        // SAFETY: the environment is that of the callback under way.
        unsafe { sys::napi_is_exception_pending(self.0, &mut is_pending) };
        if is_pending { Thrown::Pending } else { Thrown::Panic(format!("Node-API status {status}")) }
    }

    /// `undefined`.
    pub(super) fn undefined(self) -> Answer {
        let mut value = null_mut();
        // SAFETY: the environment is that of the callback under way.
        self.check(unsafe { sys::napi_get_undefined(self.0, &mut value) })?;
        Ok(value)
    }

    /// `true` or `false`.
    #[inline]
    pub(super) fn boolean(self, is_true: bool) -> Answer {
        let mut value = null_mut();
        // SAFETY: the environment is that of the callback under way.
        self.check(unsafe { sys::napi_get_boolean(self.0, is_true, &mut value) })?;
        Ok(value)
    }

    /// A number.
    pub(super) fn number(self, number: f64) -> Answer {
        let mut value = null_mut();
        // SAFETY: the environment is that of the callback under way.
        self.check(unsafe { sys::napi_create_double(self.0, number, &mut value) })?;
        Ok(value)
    }

    /// A string.
    pub(super) fn string(self, text: &str) -> Answer {
        let mut value = null_mut();
        // SAFETY: pointer and length are those of `text`, which N-API copies.
        let status = unsafe {
            sys::napi_create_string_utf8(self.0, text.as_ptr().cast(), text.len() as isize, &mut value)
        };
        self.check(status)?;
        Ok(value)
    }
}

/// A call with its arguments.
pub(super) struct Call {
    pub(super) env: Env,
    arguments: [sys::napi_value; ARGUMENTS_MAX],
}

impl Call {
    /// # Safety
    /// Both are those of the callback under way.
    unsafe fn new(env: sys::napi_env, info: sys::napi_callback_info) -> Result<Self, Thrown> {
        // SAFETY: as the caller promises.
        let env = unsafe { Env::new(env) };
        let mut arguments = [null_mut(); ARGUMENTS_MAX];
        let mut count = ARGUMENTS_MAX;
        // SAFETY: there is room for `count` arguments; those that are not given become `undefined`.
        let status = unsafe {
            sys::napi_get_cb_info(env.raw(), info, &mut count, arguments.as_mut_ptr(), null_mut(), null_mut())
        };
        env.check(status)?;
        Ok(Self { env, arguments })
    }

    /// An argument; `undefined` where it was not given.
    pub(super) fn argument(&self, place: usize) -> sys::napi_value {
        self.arguments[place]
    }

    /// The type of an argument.
    pub(super) fn type_of(&self, place: usize) -> Result<sys::napi_valuetype, Thrown> {
        let mut kind = 0;
        // SAFETY: the argument is a value of `env`.
        self.env.check(unsafe { sys::napi_typeof(self.env.raw(), self.arguments[place], &mut kind) })?;
        Ok(kind)
    }

    /// Whether an argument is `undefined`.
    pub(super) fn is_undefined(&self, place: usize) -> Result<bool, Thrown> {
        Ok(self.type_of(place)? == sys::ValueType::napi_undefined)
    }

    /// A text.
    pub(super) fn text(&self, place: usize, what: &str) -> Result<String, Thrown> {
        text::with(self.env, self.arguments[place], what, str::to_owned)
    }

    /// A text, or `None` for `undefined`.
    pub(super) fn optional_text(&self, place: usize, what: &str) -> Result<Option<String>, Thrown> {
        if self.is_undefined(place)? { Ok(None) } else { self.text(place, what).map(Some) }
    }

    /// A number, NaN and the infinite ones included.
    pub(super) fn number(&self, place: usize, what: &str) -> Result<f64, Thrown> {
        number(self.env, self.arguments[place], what)
    }

    /// A whole number from 0.
    pub(super) fn whole(&self, place: usize, what: &str) -> Result<u64, Thrown> {
        whole(self.number(place, what)?, what)
    }
}

/// Whether a value is `undefined`.
pub(super) fn is_undefined(env: Env, value: sys::napi_value) -> Result<bool, Thrown> {
    let mut kind = 0;
    // SAFETY: `value` is a value of `env`.
    env.check(unsafe { sys::napi_typeof(env.raw(), value, &mut kind) })?;
    Ok(kind == sys::ValueType::napi_undefined)
}

/// A number, NaN and the infinite ones included.
#[inline]
pub(super) fn number(env: Env, value: sys::napi_value, what: &str) -> Result<f64, Thrown> {
    let mut number = 0.0;
    // SAFETY: `value` is a value of `env`.
    match unsafe { sys::napi_get_value_double(env.raw(), value, &mut number) } {
        sys::Status::napi_ok => Ok(number),
        sys::Status::napi_number_expected => Err(Thrown::expected(what, "a number")),
        status => Err(env.failed(status)),
    }
}

/// A whole number from 0 that JavaScript holds exactly.
pub(super) fn whole(number: f64, what: &str) -> Result<u64, Thrown> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && (0.0..=SAFE).contains(&number) {
        Ok(number as u64)
    } else {
        Err(Thrown::out_of_range(format_args!("{what}: expected a whole number from 0, found {number}")))
    }
}

/// Runs a callback: what it throws is thrown in JavaScript, and a panic too.
///
/// # Safety
/// Both are those of the callback under way.
pub(super) unsafe fn guard(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    act: impl FnOnce(&Call) -> Answer,
) -> sys::napi_value {
    // SAFETY: as the caller promises.
    let run = || unsafe { Call::new(env, info) }.and_then(|call| act(&call));
    // SAFETY: as the caller promises.
    unsafe { guarded(env, run) }
}

/// As [`guard`], for callbacks that read their arguments themselves.
///
/// # Safety
/// `env` is that of the callback under way.
#[inline]
pub(super) unsafe fn guarded(env: sys::napi_env, run: impl FnOnce() -> Answer) -> sys::napi_value {
    let answer = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(Thrown::panicked(&*panic)));
    answer.unwrap_or_else(|thrown| {
        // SAFETY: as the caller promises.
        thrown.raise(unsafe { Env::new(env) });
        null_mut()
    })
}

/// The pointer that a function carries, and its first `N` arguments; those that are not given are `undefined`.
///
/// # Safety
/// Both are those of the callback under way.
#[inline]
pub(super) unsafe fn carried<const N: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> Result<(Env, *mut c_void, [sys::napi_value; N]), Thrown> {
    let mut arguments = [null_mut(); N];
    let mut count = N;
    let mut carried = NOTHING;
    // SAFETY: as the caller promises; there is room for `N` arguments.
    let status = unsafe {
        sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), null_mut(), &mut carried)
    };
    // SAFETY: as the caller promises.
    let env = unsafe { Env::new(env) };
    env.check(status)?;
    Ok((env, carried, arguments))
}

/// A callback around a function that takes a [`Call`].
macro_rules! callback {
    ($function:path) => {{
        unsafe extern "C" fn callback(
            env: ::napi_sys::napi_env,
            info: ::napi_sys::napi_callback_info,
        ) -> ::napi_sys::napi_value {
            // SAFETY: Node calls this with the environment and the arguments of the call.
            unsafe { $crate::node::call::guard(env, info, $function) }
        }
        callback
    }};
}
pub(super) use callback;
