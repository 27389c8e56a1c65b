//! An answer, and why.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rollgate::core::evaluate::{Served, Value};
use rollgate::wire;

use crate::json;

/// The answer for one flag and one subject, and why it is that.
#[pyclass(module = "rollgate", frozen)]
pub(crate) struct Evaluation {
    #[pyo3(get)]
    flag: String,
    #[pyo3(get)]
    on: bool,
    #[pyo3(get)]
    variant: Option<String>,
    value: Option<Py<PyAny>>,
    #[pyo3(get)]
    reason: &'static str,
    #[pyo3(get)]
    error: Option<&'static str>,
    #[pyo3(get)]
    bucket: Option<u32>,
    #[pyo3(get)]
    share: f64,
    #[pyo3(get)]
    version: u64,
    /// Whether the caller's default is the answer.
    is_default: bool,
}

impl Evaluation {
    pub(crate) fn of(py: Python<'_>, flag: &str, served: &Served<'_>) -> PyResult<Self> {
        let evaluation = &served.evaluation;
        let side = evaluation.variant.map(|variant| variant.name());
        let variant = served.variant.map(|variant| variant.key.as_str()).or(side);
        Ok(Self {
            flag: flag.to_owned(),
            on: evaluation.is_on(),
            variant: variant.map(str::to_owned),
            value: served.value().map(|value| value_of(py, value)).transpose()?,
            reason: evaluation.reason.name(),
            error: evaluation.error.map(|code| code.name()),
            bucket: evaluation.bucket,
            share: evaluation.share.fraction(),
            version: evaluation.version,
            is_default: evaluation.variant.is_none(),
        })
    }
}

fn value_of(py: Python<'_>, value: Value<'_>) -> PyResult<Py<PyAny>> {
    Ok(json::to_python(py, &wire::value(value))?.unbind())
}

#[pymethods]
impl Evaluation {
    /// What is served: bool, str, int, float, dict or list; `None` where the answer is the caller's default.
    #[getter]
    fn value(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.value.as_ref().map(|value| value.clone_ref(py))
    }

    /// The value, or `default` where there is none.
    #[pyo3(signature = (default, /))]
    fn value_or(&self, py: Python<'_>, default: Py<PyAny>) -> Py<PyAny> {
        self.value(py).unwrap_or(default)
    }

    /// Whether the flag is on, or `default` where the answer is the caller's default.
    #[pyo3(signature = (default, /))]
    fn on_or(&self, default: bool) -> bool {
        if self.is_default { default } else { self.on }
    }

    /// All of it as a dict, in the order in which other languages write it.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("flag", &self.flag)?;
        dict.set_item("on", self.on)?;
        dict.set_item("variant", &self.variant)?;
        dict.set_item("value", self.value(py))?;
        dict.set_item("reason", self.reason)?;
        dict.set_item("error", self.error)?;
        dict.set_item("bucket", self.bucket)?;
        dict.set_item("share", self.share)?;
        dict.set_item("version", self.version)?;
        Ok(dict)
    }

    fn __bool__(&self) -> bool {
        self.on
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        let side = match (self.is_default, self.on) {
            (true, _) => "the caller's default",
            (false, true) => "on",
            (false, false) => "off",
        };
        let mut text = format!("{}: {side}", self.flag);
        if let Some(value) = self.value.as_ref().map(|value| value.bind(py))
            && value.cast::<pyo3::types::PyBool>().is_err()
        {
            text += &format!(", {} = {}", self.variant.as_deref().unwrap_or("value"), value.repr()?);
        }
        text += &format!(" ({}", self.reason);
        if let Some(error) = self.error {
            text += &format!(", {error}");
        }
        if let Some(bucket) = self.bucket {
            text += &format!(", bucket {bucket}, share {:.6}", self.share);
        }
        Ok(text + ")")
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let fields = self.to_dict(py)?;
        let fields = fields.iter().map(|(name, value)| Ok(format!("{name}={}", value.repr()?)));
        Ok(format!("Evaluation({})", fields.collect::<PyResult<Vec<_>>>()?.join(", ")))
    }
}
