//! What a program records through.

use std::sync::Arc;
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rollgate::Outcome;
use rollgate::core::snapshot::{MetricKind, Severity};

use crate::door::Door;
use crate::errors::{invalid, raise};

/// One metric of the plan.
#[pyclass(module = "rollgate", frozen)]
pub(crate) struct Metric {
    pub(crate) metric: rollgate::Metric,
    pub(crate) door: Arc<Door>,
}

#[pymethods]
impl Metric {
    /// Its key.
    #[getter]
    fn key(&self) -> &str {
        self.metric.key().as_str()
    }

    /// Its kind.
    #[getter]
    fn kind(&self) -> &'static str {
        match self.metric.kind() {
            MetricKind::Distribution => "distribution",
            MetricKind::Ratio => "ratio",
            MetricKind::Gauge => "gauge",
            MetricKind::Event => "event",
            MetricKind::Score => "score",
        }
    }

    /// Records one value, in the metric's unit.
    #[pyo3(signature = (value, /))]
    fn record(&self, value: f64) {
        self.door.settle();
        self.metric.record(value);
    }

    /// Records `count` samples of one value.
    #[pyo3(signature = (value, count, /))]
    fn record_many(&self, value: f64, count: u64) {
        self.door.settle();
        self.metric.record_many(value, count);
    }

    /// Records one value of a subject.
    #[pyo3(signature = (key, value, /))]
    fn record_for(&self, key: &str, value: f64) {
        self.door.settle();
        self.metric.record_for(key, value);
    }

    /// Records one outcome of a ratio.
    #[pyo3(signature = (is_true, /))]
    fn record_outcome(&self, is_true: bool) {
        self.door.settle();
        self.metric.record_outcome(if is_true { Outcome::True } else { Outcome::False });
    }

    /// Records outcomes of a ratio: how many were true, of how many.
    #[pyo3(signature = (true_count, total, /))]
    fn record_outcomes(&self, true_count: u64, total: u64) {
        self.door.settle();
        self.metric.record_outcomes(true_count, total);
    }

    /// Records one outcome of a subject.
    #[pyo3(signature = (key, is_true, /))]
    fn record_outcome_for(&self, key: &str, is_true: bool) {
        self.door.settle();
        self.metric.record_outcomes_for(key, u64::from(is_true), 1);
    }

    /// Records outcomes of a subject.
    #[pyo3(signature = (key, true_count, total, /))]
    fn record_outcomes_for(&self, key: &str, true_count: u64, total: u64) {
        self.door.settle();
        self.metric.record_outcomes_for(key, true_count, total);
    }

    /// Counts events.
    #[pyo3(signature = (events = 1, /))]
    fn count(&self, events: u64) {
        self.door.settle();
        self.metric.count(events);
    }

    /// Records measured points of a score.
    #[pyo3(signature = (points, /))]
    fn record_points(&self, points: f64) {
        self.door.settle();
        self.metric.record_points(points);
    }

    /// Times a `with` block, or every call of a function that it decorates.
    fn time(&self) -> Timer {
        self.timer(None)
    }

    /// As `time`, for a subject.
    #[pyo3(signature = (key, /))]
    fn time_for(&self, key: &str) -> Timer {
        self.timer(Some(key.to_owned()))
    }

    fn __repr__(&self) -> String {
        format!("Metric({:?}, {:?})", self.key(), self.kind())
    }
}

impl Metric {
    fn timer(&self, key: Option<String>) -> Timer {
        Timer { metric: self.metric.clone(), door: self.door.clone(), key, from: Vec::new() }
    }
}

/// Times blocks and calls.
#[pyclass(module = "rollgate")]
pub(crate) struct Timer {
    metric: rollgate::Metric,
    door: Arc<Door>,
    key: Option<String>,
    /// When the blocks began that are open, the innermost last.
    from: Vec<Instant>,
}

/// What makes a function a timed one: in Python, since it has to look like the function.
static DECORATE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

#[pymethods]
impl Timer {
    fn __enter__(mut this: PyRefMut<'_, Self>) -> PyRefMut<'_, Self> {
        this.from.push(Instant::now());
        this
    }

    #[pyo3(signature = (r#type, value, traceback, /))]
    #[allow(unused_variables)] // A body that raises is timed all the same.
    fn __exit__(
        &mut self,
        r#type: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) {
        let Some(from) = self.from.pop() else { return };
        let elapsed = from.elapsed();
        self.door.settle();
        match &self.key {
            Some(key) => self.metric.record_elapsed_for(key, elapsed),
            None => self.metric.record_elapsed(elapsed),
        }
    }

    #[pyo3(signature = (function, /))]
    fn __call__<'py>(this: &Bound<'py, Self>, function: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = this.py();
        DECORATE.import(py, "rollgate._timing", "timed")?.call1((this, function))
    }

    /// A timer of the same metric and subject, for one call.
    fn _again(&self) -> Self {
        let (metric, door) = (self.metric.clone(), self.door.clone());
        Self { metric, door, key: self.key.clone(), from: Vec::new() }
    }
}

/// The alerts of the program.
#[pyclass(module = "rollgate", frozen)]
pub(crate) struct Alerts {
    pub(crate) alerts: rollgate::Alerts,
    pub(crate) door: Arc<Door>,
}

#[pymethods]
impl Alerts {
    /// Opens an alert; an id that is open counts once.
    #[pyo3(signature = (severity, id, /))]
    fn open(&self, severity: &str, id: &str) -> PyResult<()> {
        self.door.open_engine()?;
        let Some(severity) = Severity::of_name(severity) else {
            return Err(invalid(format_args!(
                "severity: expected critical, warning or info, found `{severity}`"
            )));
        };
        self.alerts.open_alert(severity, id).map_err(|error| raise(&error))
    }

    /// Closes an alert; one that is not open is left alone.
    #[pyo3(signature = (id, /))]
    fn close(&self, id: &str) -> PyResult<()> {
        self.door.open_engine()?;
        self.alerts.close_alert(id);
        Ok(())
    }
}
