//! A clock that a test sets.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use rollgate::clock::ManualClock as Clock;
use rollgate::core::time::{Span, Timestamp};

/// A clock that stands still until it is moved, for tests of programs that use rollgate.
#[pyclass(module = "rollgate", frozen)]
pub(crate) struct ManualClock {
    pub(crate) clock: Clock,
}

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (at = 0.0))]
    fn new(at: f64) -> PyResult<Self> {
        Ok(Self { clock: Clock::at(timestamp(at)?) })
    }

    /// Time passes.
    fn advance(&self, seconds: f64) -> PyResult<()> {
        self.clock.advance(span(seconds)?);
        Ok(())
    }

    /// Time passes until the calendar says `at`; an earlier time changes nothing.
    fn set(&self, at: f64) -> PyResult<()> {
        self.clock.set(timestamp(at)?);
        Ok(())
    }

    /// What the calendar says, in seconds since the Unix epoch.
    #[getter]
    fn now(&self) -> f64 {
        use rollgate::clock::Clock as _;
        seconds(self.clock.wall())
    }
}

/// The clock that an argument names; `None`: the system's.
pub(crate) fn of(clock: Option<&Bound<'_, PyAny>>) -> PyResult<Option<Clock>> {
    let Some(clock) = clock else { return Ok(None) };
    if let Ok(manual) = clock.cast::<ManualClock>() {
        return Ok(Some(manual.get().clock.clone()));
    }
    match clock.extract::<&str>() {
        Ok("system") => Ok(None),
        Ok("manual") => Ok(Some(Clock::at(Timestamp(0)))),
        Ok(other) => Err(PyValueError::new_err(format!(
            "clock is \"system\", \"manual\" or a ManualClock, found {other:?}"
        ))),
        Err(_) => Err(PyTypeError::new_err("clock is \"system\", \"manual\" or a ManualClock")),
    }
}

/// Whole milliseconds of a number of seconds.
pub(crate) fn span(seconds: f64) -> PyResult<Span> {
    match seconds.is_finite() && (0.0..9e12).contains(&seconds) {
        true => Ok(Span((seconds * 1e3).round() as u64)),
        false => Err(PyValueError::new_err(format!("time does not pass by {seconds} seconds"))),
    }
}

fn timestamp(at: f64) -> PyResult<Timestamp> {
    match at.is_finite() && at.abs() < 9e12 {
        true => Ok(Timestamp((at * 1e3).round() as i64)),
        false => Err(PyValueError::new_err(format!("{at} is no time in seconds since the Unix epoch"))),
    }
}

pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.0 as f64 / 1e3
}
