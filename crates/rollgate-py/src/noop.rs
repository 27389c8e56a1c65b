//! The call that does nothing, for measuring what a call costs. It is no part of the surface.

use pyo3::prelude::*;

/// Does nothing with a text.
#[pyclass(name = "_Noop", module = "rollgate._rollgate", frozen)]
pub(crate) struct Noop;

#[pymethods]
impl Noop {
    #[new]
    fn new() -> Self {
        Self
    }

    #[pyo3(signature = (key, /))]
    fn call(&self, key: &str) -> bool {
        key.is_empty()
    }
}
