//! What a callback throws.

use std::ffi::c_void;
use std::ptr::null_mut;

use napi_sys as sys;
use rollgate::core::error::{Error, ErrorKind};

use super::call::Env;
use super::objects;

/// The number of a caught panic. It is no kind of the library's: nothing in it gives one on purpose.
const PANIC: u16 = 900;

/// Why a callback gives no value.
#[derive(Debug)]
pub(super) enum Thrown {
    /// Node has thrown already.
    Pending,
    /// An argument is of another type.
    Type(String),
    /// What the library says.
    Rollgate(Error),
    /// Something panicked.
    Panic(String),
}

impl From<Error> for Thrown {
    fn from(error: Error) -> Self {
        Self::Rollgate(error)
    }
}

impl Thrown {
    /// An argument that is not what it should be.
    #[cold]
    pub(super) fn expected(what: &str, expected: &str) -> Self {
        Self::Type(format!("{what}: expected {expected}"))
    }

    /// An argument of the right type and out of its range.
    #[cold]
    pub(super) fn out_of_range(why: impl std::fmt::Display) -> Self {
        Self::Rollgate(Error::new(ErrorKind::InvalidArgument, why))
    }

    /// The engine behind a handle is gone.
    #[cold]
    pub(super) fn closed() -> Self {
        Self::Rollgate(Error::new(ErrorKind::InvalidArgument, "the engine is closed"))
    }

    /// Says what a panic said.
    #[cold]
    pub(super) fn panicked(panic: &(dyn std::any::Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Self::Panic(format!("rollgate panicked: {}", text.unwrap_or("it gave no reason")))
    }

    /// Throws it in this environment, unless something is thrown already.
    #[cold]
    pub(super) fn raise(self, env: Env) {
        let raised = match self {
            Self::Pending => return,
            Self::Type(message) => type_error(env, &message),
            Self::Rollgate(error) => {
                rollgate_error(env, &format!("{:?}", error.kind()), error.kind().number(), &error.to_string())
            }
            Self::Panic(message) => rollgate_error(env, "Panic", PANIC, &message),
        };
        if let Ok(error) = raised {
            // SAFETY: `env` is the callback's, and `error` a value of it.
            unsafe { sys::napi_throw(env.raw(), error) };
        }
    }
}

/// A `TypeError` with the code that Node's own functions give.
fn type_error(env: Env, message: &str) -> Result<sys::napi_value, Thrown> {
    let code = env.string("ERR_INVALID_ARG_TYPE")?;
    let message = env.string(message)?;
    let mut error = null_mut();
    // SAFETY: both are strings of `env`.
    env.check(unsafe { sys::napi_create_type_error(env.raw(), code, message, &mut error) })?;
    Ok(error)
}

/// A `RollgateError`: the class that the binding gave, or `Error` before it has.
fn rollgate_error(env: Env, kind: &str, number: u16, message: &str) -> Result<sys::napi_value, Thrown> {
    let arguments = [env.string(message)?, env.string(kind)?, env.number(f64::from(number))?];
    let mut error = null_mut();
    if let Some(class) = objects::error_class(env) {
        // SAFETY: `class` is a constructor of `env`, and the arguments are values of it.
        let status = unsafe {
            sys::napi_new_instance(env.raw(), class, arguments.len(), arguments.as_ptr(), &mut error)
        };
        env.check(status)?;
        return Ok(error);
    }
    // SAFETY: the message is a string of `env`; without a code.
    env.check(unsafe { sys::napi_create_error(env.raw(), null_mut(), arguments[0], &mut error) })?;
    Ok(error)
}

/// A pointer that nothing is behind, for arguments that are not given.
pub(super) const NOTHING: *mut c_void = null_mut();
