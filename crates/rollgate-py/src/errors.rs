//! The engine's errors as exceptions. The classes stand in `rollgate/_errors.py`, since some have two bases.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};
use rollgate::core::error::{Error, ErrorKind};

/// The class of each number.
static CLASSES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();

/// An error as the exception of its kind.
pub(crate) fn raise(error: &Error) -> PyErr {
    Python::attach(|py| match class_of(py, error.kind()) {
        Ok(class) => PyErr::from_type(class, (error.to_string(),)),
        Err(missing) => missing,
    })
}

fn class_of(py: Python<'_>, kind: ErrorKind) -> PyResult<Bound<'_, PyType>> {
    let classes = CLASSES.import(py, "rollgate._errors", "BY_NUMBER")?;
    Ok(classes.as_any().get_item(kind.number())?.cast_into()?)
}

/// An error of the caller's.
pub(crate) fn invalid(why: impl std::fmt::Display) -> PyErr {
    raise(&Error::new(ErrorKind::InvalidArgument, why))
}
