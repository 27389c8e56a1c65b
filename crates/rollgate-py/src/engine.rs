//! The engine as Python calls it.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::PyTraverseError;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::PyVisit;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rollgate::EngineBuilder;
use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::report::Form;
use rollgate::read::Format;
use serde_json::{Map, Value};

use crate::clock;
use crate::door::Door;
use crate::errors::{invalid, raise};
use crate::evaluation::Evaluation;
use crate::flag::Flag;
use crate::json;
use crate::keys;
use crate::metric::{Alerts, Metric};

/// Flags, metrics and one rollout, in this process.
#[pyclass(module = "rollgate", frozen, weakref)]
pub(crate) struct Engine {
    door: Arc<Door>,
}

/// A field of a command; none where the value is null.
type Field<'a> = (&'a str, Value);

#[pymethods]
impl Engine {
    // ---- opening and closing

    /// Opens an engine on a plan file: YAML, TOML or JSON, by its extension.
    #[staticmethod]
    #[pyo3(signature = (plan, store = None, *, clock = None))]
    fn open(
        plan: PathBuf,
        store: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Self::build(store, clock, move |builder| builder.plan_file(plan))
    }

    /// Opens an engine on the text of a plan.
    #[staticmethod]
    #[pyo3(signature = (text, format = "yaml", store = None, *, clock = None))]
    fn from_text(
        text: &str,
        format: &str,
        store: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let format = match format {
            "yaml" => Format::Yaml,
            "toml" => Format::Toml,
            "json" => Format::Json,
            other => {
                return Err(invalid(format_args!("format: expected yaml, toml or json, found `{other}`")));
            }
        };
        Self::build(store, clock, move |builder| builder.plan_text(text, format))
    }

    /// Opens an engine on a plan that is a dict.
    #[staticmethod]
    #[pyo3(signature = (config, store = None, *, clock = None))]
    fn from_config(
        config: &Bound<'_, PyDict>,
        store: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let plan = json::from_python(config)?;
        Self::build(store, clock, move |builder| builder.plan_object(&plan))
    }

    /// Stops the ticker and forgets the callbacks.
    fn close(this: &Bound<'_, Self>) -> PyResult<()> {
        this.get().door.close(this.py());
        at_exit(this, "unregister")
    }

    fn __enter__<'py>(this: &Bound<'py, Self>) -> Bound<'py, Self> {
        this.clone()
    }

    #[pyo3(signature = (r#type, value, traceback, /))]
    #[allow(unused_variables)] // Closed all the same.
    fn __exit__(
        this: &Bound<'_, Self>,
        r#type: &Bound<'_, PyAny>,
        value: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        Self::close(this)
    }

    // ---- flags

    /// Whether the flag is on for a subject.
    #[pyo3(signature = (flag, key, default = false, /))]
    fn is_on(&self, flag: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>, default: bool) -> PyResult<bool> {
        // By their types themselves first, as in `keys::bytes`.
        if !default && let (Ok(flag), Ok(key)) = (flag.cast_exact::<PyString>(), key.cast_exact::<PyString>())
        {
            return Ok(self.door.engine.is_on(flag.to_str()?, key.to_str()?));
        }
        let (flag, key) = (keys::name("flag", flag)?, keys::bytes(key)?);
        if !default {
            return Ok(self.door.engine.flag(flag).is_on_bytes(key));
        }
        let context = rollgate::core::evaluate::Context { targeting_key: Some(key), attributes: &[] };
        Ok(self.door.engine.evaluate(flag, &context).value_or(default))
    }

    /// As `is_on`, and counts the answer as an exposure.
    #[pyo3(signature = (flag, key, /))]
    fn is_on_counted(&self, flag: &str, key: &str) -> bool {
        self.door.settle();
        self.door.engine.is_on_counted(flag, key)
    }

    /// A flag's handle: the fast path.
    #[pyo3(signature = (name, /))]
    fn flag(&self, name: &str) -> Flag {
        Flag { flag: self.door.engine.flag(name), door: self.door.clone() }
    }

    /// The answer for one flag and one subject, and why.
    #[pyo3(signature = (flag, key = None, attributes = None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        flag: &str,
        key: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Evaluation> {
        let key = key.map(keys::bytes).transpose()?;
        keys::context(attributes)?
            .with(key, |context| Evaluation::of(py, flag, &self.door.engine.serve(flag, context)))
    }

    /// The flags that are on for a subject, in the plan's order, all of one version.
    #[pyo3(signature = (key, /))]
    fn all_on(&self, key: &str) -> Vec<&str> {
        let flags = &self.door.engine.ruleset().flags;
        let mut bits = vec![0; flags.len().div_ceil(64)];
        self.door.engine.all_on(key, &mut bits);
        let is_on = |place: &usize| bits[place / 64] >> (place % 64) & 1 == 1;
        (0..flags.len()).filter(is_on).map(|place| flags[place].key.as_str()).collect()
    }

    /// The shares that apply now, as fractions.
    fn shares<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (flag, share) in self.door.open_engine()?.shares() {
            dict.set_item(flag.as_str(), share.fraction())?;
        }
        Ok(dict)
    }

    /// How often counting calls answered on and off in this process, by flag.
    fn exposures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (flag, counted) in self.door.open_engine()?.exposures() {
            dict.set_item(flag.as_str(), (counted.on, counted.off))?;
        }
        Ok(dict)
    }

    // ---- metrics

    /// A metric's handle.
    #[pyo3(signature = (name, /))]
    fn metric(&self, name: &str) -> PyResult<Metric> {
        let metric = self.door.open_engine()?.metric(name).map_err(|error| raise(&error))?;
        Ok(Metric { metric, door: self.door.clone() })
    }

    /// The alerts' handle.
    fn alerts(&self) -> PyResult<Alerts> {
        Ok(Alerts { alerts: self.door.open_engine()?.alerts(), door: self.door.clone() })
    }

    // ---- time

    /// Does what is due: at most one evaluation.
    fn tick(&self, py: Python<'_>) -> PyResult<()> {
        self.door.detached(py, rollgate::Engine::tick)
    }

    /// When something may next change by itself, in seconds since the Unix epoch.
    fn next_wakeup(&self) -> PyResult<f64> {
        Ok(clock::seconds(self.door.open_engine()?.next_wakeup()))
    }

    /// How many seconds until `next_wakeup`; zero where it is due.
    fn until_wakeup(&self) -> PyResult<f64> {
        Ok(self.door.open_engine()?.until_wakeup().0 as f64 / 1e3)
    }

    /// Starts a thread that ticks.
    fn start(this: &Bound<'_, Self>) -> PyResult<()> {
        let door = &this.get().door;
        let engine = door.open_engine()?;
        if !door.ticking.is_on() {
            // Before the interpreter ends: a thread that waits for it then would never come back.
            at_exit(this, "register")?;
        }
        door.ticking.start(engine).map_err(|error| raise(&error))
    }

    /// Ends the thread that ticks.
    fn stop(this: &Bound<'_, Self>) -> PyResult<()> {
        this.get().door.ticking.stop(this.py());
        at_exit(this, "unregister")
    }

    /// Whether a thread ticks, or will from the next call on.
    #[getter]
    fn is_ticking(&self) -> bool {
        self.door.ticking.is_on()
    }

    /// On a manual clock: lets time pass, and ticks whenever something is due on the way.
    #[pyo3(signature = (seconds, /))]
    fn advance(&self, py: Python<'_>, seconds: f64) -> PyResult<()> {
        let Some(manual) = self.door.clock.clone() else {
            return Err(invalid(
                "time passes by itself here; open the engine with clock=\"manual\" for that",
            ));
        };
        let mut left = clock::span(seconds)?;
        self.door.detached(py, move |engine| {
            loop {
                let step = engine.until_wakeup().min(left);
                manual.advance(step);
                left = left - step;
                engine.tick();
                if left.0 == 0 {
                    return;
                }
                if step.0 == 0 && engine.until_wakeup().0 == 0 {
                    // Nothing moves it any more.
                    manual.advance(left);
                    engine.tick();
                    return;
                }
            }
        })
    }

    // ---- reading

    /// Where the rollout stands.
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json::text_to_python(py, &self.status_json(py)?)
    }

    /// As `status`, as JSON text.
    fn status_json(&self, py: Python<'_>) -> PyResult<String> {
        let text = self.door.detached(py, |engine| rollgate::wire::status(&engine.status()))?;
        text.map_err(|error| raise(&error))
    }

    /// A scorecard as text, Markdown or JSON.
    #[pyo3(signature = (format = "text", form = "phase"))]
    fn scorecard(&self, py: Python<'_>, format: &str, form: &str) -> PyResult<String> {
        let form = match form {
            "daily" => Form::Daily,
            "weekly" => Form::Weekly,
            "phase" => Form::Phase,
            "final" => Form::Final,
            other => {
                return Err(invalid(format_args!(
                    "form: expected daily, weekly, phase or final, found `{other}`"
                )));
            }
        };
        let card = self.door.detached(py, |engine| engine.scorecard(form))?;
        match format {
            "text" => Ok(card.to_text()),
            "markdown" => Ok(card.to_markdown()),
            "json" => serde_json::to_string(&card)
                .map_err(|error| raise(&Error::new(ErrorKind::General, format_args!("scorecard: {error}")))),
            other => Err(invalid(format_args!("format: expected text, markdown or json, found `{other}`"))),
        }
    }

    /// The journal's records after a sequence number, oldest first.
    #[pyo3(signature = (after = 0))]
    fn journal<'py>(&self, py: Python<'py>, after: u64) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let lines = self.journal_lines(py, after)?;
        lines.iter().map(|line| json::text_to_python(py, line)).collect()
    }

    /// As `journal`, as the lines that the hashes are of.
    #[pyo3(signature = (after = 0))]
    fn journal_lines(&self, py: Python<'_>, after: u64) -> PyResult<Vec<String>> {
        self.door.detached(py, |engine| engine.journal_after(after))
    }

    /// A few lines for the morning.
    fn summary(&self, py: Python<'_>) -> PyResult<String> {
        self.door.detached(py, rollgate::Engine::summary)
    }

    /// Metrics, shares, statuses and verdicts in Prometheus' text format.
    fn prometheus(&self, py: Python<'_>) -> PyResult<String> {
        self.door.detached(py, rollgate::Engine::prometheus)
    }

    // ---- hearing

    /// Calls `callback` with every new journal record.
    #[pyo3(signature = (callback, /))]
    fn on_record(&self, callback: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.listen(None, callback)
    }

    /// Calls `callback` with every new journal record of a kind.
    #[pyo3(signature = (kind, callback, /))]
    fn on(&self, kind: &str, callback: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.listen(Some(kind.to_owned()), callback)
    }

    // ---- commands

    /// Carries out a command as a trace writes it.
    #[pyo3(signature = (command, /))]
    fn command(&self, py: Python<'_>, command: &Bound<'_, PyDict>) -> PyResult<()> {
        self.carry_out(py, &json::from_python(command)?)
    }

    /// Begins the first phase.
    #[pyo3(signature = (*, by = "host", role = None))]
    fn start_rollout(&self, py: Python<'_>, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "start", by, role, [])
    }

    /// Turns everything off at once, until a retry.
    #[pyo3(signature = (reason = "", *, by = "host", role = None))]
    fn stop_rollout(&self, py: Python<'_>, reason: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "stop", by, role, [("reason", reason.into())])
    }

    /// Holds the clocks of duration, hold and soak; triggers stay live.
    #[pyo3(signature = (reason = "", *, by = "host", role = None))]
    fn pause(&self, py: Python<'_>, reason: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "pause", by, role, [("reason", reason.into())])
    }

    /// Lets the clocks run again.
    #[pyo3(signature = (reason = "", *, by = "host", role = None))]
    fn resume(&self, py: Python<'_>, reason: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "resume", by, role, [("reason", reason.into())])
    }

    /// Enters again after a rollback or a stop.
    #[pyo3(signature = (reason = "", *, by = "host", role = None))]
    fn retry(&self, py: Python<'_>, reason: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "retry", by, role, [("reason", reason.into())])
    }

    /// Measures the baselines that are to be captured.
    #[pyo3(signature = (*, by = "host", role = None))]
    fn capture_baseline(&self, py: Python<'_>, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "capture_baseline", by, role, [])
    }

    /// Checks an item of the phase's checklist.
    #[pyo3(signature = (item, /, *, by = "host", role = None))]
    fn check(&self, py: Python<'_>, item: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "check", by, role, [("item", item.into())])
    }

    /// Says that what a reminder of the schedule asked for has been done.
    #[pyo3(signature = (item, /, *, by = "host", role = None))]
    fn acknowledge(&self, py: Python<'_>, item: &str, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "acknowledge", by, role, [("item", item.into())])
    }

    /// Signs a statement: true or not, or how many of how many passed.
    #[pyo3(signature = (item, value = None, /, *, by = "host", role = None, passed = None, of = None))]
    #[allow(clippy::too_many_arguments)] // They have names in Python.
    fn attest(
        &self,
        py: Python<'_>,
        item: &str,
        value: Option<bool>,
        by: &str,
        role: Option<&str>,
        passed: Option<u64>,
        of: Option<u64>,
    ) -> PyResult<()> {
        let value = value.or((passed.is_none() && of.is_none()).then_some(true));
        let fields =
            [("item", item.into()), ("value", value.into()), ("passed", passed.into()), ("of", of.into())];
        self.act(py, "attest", by, role, fields)
    }

    /// Decides on the phase: `go`, `no_go` or `rollback`.
    #[pyo3(signature = (choice, /, *, by = "host", role = None, rationale = "", r#override = None, to = None))]
    #[allow(clippy::too_many_arguments)] // They have names in Python.
    fn decide(
        &self,
        py: Python<'_>,
        choice: &str,
        by: &str,
        role: Option<&str>,
        rationale: &str,
        r#override: Option<&str>,
        to: Option<&str>,
    ) -> PyResult<()> {
        let fields = [
            ("choice", choice.into()),
            ("rationale", rationale.into()),
            ("override", r#override.into()),
            ("to", to.into()),
        ];
        self.act(py, "decide", by, role, fields)
    }

    /// Approves the rollback that a manual trigger proposes.
    #[pyo3(signature = (proposal, /, *, by = "host", role = None, rationale = ""))]
    fn approve(
        &self,
        py: Python<'_>,
        proposal: &str,
        by: &str,
        role: Option<&str>,
        rationale: &str,
    ) -> PyResult<()> {
        let fields = [("proposal", proposal.into()), ("rationale", rationale.into())];
        self.act(py, "approve", by, role, fields)
    }

    /// Turns down what a manual trigger proposes.
    #[pyo3(signature = (proposal, /, *, by = "host", role = None, reason = ""))]
    fn dismiss(
        &self,
        py: Python<'_>,
        proposal: &str,
        by: &str,
        role: Option<&str>,
        reason: &str,
    ) -> PyResult<()> {
        let fields = [("proposal", proposal.into()), ("reason", reason.into())];
        self.act(py, "dismiss", by, role, fields)
    }

    /// Sets shares by hand, as fractions, all or nothing.
    #[pyo3(signature = (shares, /, *, by = "host", role = None, reason = ""))]
    fn set_shares(
        &self,
        py: Python<'_>,
        shares: &Bound<'_, PyDict>,
        by: &str,
        role: Option<&str>,
        reason: &str,
    ) -> PyResult<()> {
        let fields = [("shares", json::from_python(shares)?), ("reason", reason.into())];
        self.act(py, "set", by, role, fields)
    }

    /// Gives flags back to the plan; no flags are all of them.
    #[pyo3(signature = (*flags, by = "host", role = None))]
    fn release(&self, py: Python<'_>, flags: Vec<String>, by: &str, role: Option<&str>) -> PyResult<()> {
        self.act(py, "release", by, role, [("flags", flags.into())])
    }

    /// Writes a remark beside the numbers, of one metric or of all.
    #[pyo3(signature = (text, metric = None, *, by = "host", role = None))]
    fn annotate(
        &self,
        py: Python<'_>,
        text: &str,
        metric: Option<&str>,
        by: &str,
        role: Option<&str>,
    ) -> PyResult<()> {
        self.act(py, "annotate", by, role, [("text", text.into()), ("metric", metric.into())])
    }

    /// Adds a thing to do, with its owner and a date, or a length of time from now.
    #[pyo3(signature = (item, *, owner, due, title = "", by = "host", role = None))]
    #[allow(clippy::too_many_arguments)] // They have names in Python.
    fn follow_up(
        &self,
        py: Python<'_>,
        item: &str,
        owner: &str,
        due: &str,
        title: &str,
        by: &str,
        role: Option<&str>,
    ) -> PyResult<()> {
        let fields =
            [("item", item.into()), ("title", title.into()), ("owner", owner.into()), ("due", due.into())];
        self.act(py, "follow_up", by, role, fields)
    }

    /// Reports the result of the action under way.
    #[pyo3(signature = (action, is_ok, output = "", *, run = None, by = "host", role = None))]
    #[allow(clippy::too_many_arguments)] // They have names in Python.
    fn report_action(
        &self,
        py: Python<'_>,
        action: &str,
        is_ok: bool,
        output: &str,
        run: Option<u64>,
        by: &str,
        role: Option<&str>,
    ) -> PyResult<()> {
        let fields =
            [("action", action.into()), ("ok", is_ok.into()), ("output", output.into()), ("run", run.into())];
        self.act(py, "action", by, role, fields)
    }

    fn __repr__(&self) -> String {
        format!("<rollgate.Engine of plan {:?}>", self.door.engine.ruleset().name.as_str())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.door.callbacks.load().iter().try_for_each(|callback| visit.call(&callback.function))
    }

    fn __clear__(&self) {
        self.door.callbacks.store(Arc::default());
    }
}

impl Engine {
    fn build(
        store: Option<&Bound<'_, PyAny>>,
        clock: Option<&Bound<'_, PyAny>>,
        plan: impl FnOnce(EngineBuilder) -> Result<EngineBuilder, Error>,
    ) -> PyResult<Self> {
        let store: Option<PathBuf> = store.map(|path| path.extract()).transpose()?;
        let clock = clock::of(clock)?;
        let mut builder = plan(rollgate::Engine::builder()).map_err(|error| raise(&error))?;
        if let Some(path) = store {
            builder = builder.store_file(path).map_err(|error| raise(&error))?;
        }
        Ok(Self { door: Arc::new(Door::open(builder, clock)?) })
    }

    fn listen(&self, kind: Option<String>, callback: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        self.door.open_engine()?;
        if !callback.is_callable() {
            return Err(PyTypeError::new_err(format!(
                "a callback is callable, found {}",
                json::kind(&callback)
            )));
        }
        self.door.listen(kind, callback.clone().unbind());
        Ok(callback.unbind())
    }

    fn act<const N: usize>(
        &self,
        py: Python<'_>,
        command: &str,
        by: &str,
        role: Option<&str>,
        fields: [Field<'_>; N],
    ) -> PyResult<()> {
        let named = [("command", command.into()), ("by", by.into()), ("role", role.into())];
        let fields = named.into_iter().chain(fields).filter(|(_, value)| !value.is_null());
        let fields: Map<String, Value> = fields.map(|(name, value)| (name.to_owned(), value)).collect();
        self.carry_out(py, &Value::Object(fields))
    }

    fn carry_out(&self, py: Python<'_>, command: &Value) -> PyResult<()> {
        let text = command.to_string();
        let outcome = self.door.detached(py, move |engine| engine.command_json(&text))?;
        outcome.map_err(|error| raise(&error))
    }
}

/// Has `stop` called at the end of the interpreter, or not any more.
fn at_exit(engine: &Bound<'_, Engine>, what: &str) -> PyResult<()> {
    let stop = engine.getattr("stop")?;
    engine.py().import("atexit")?.call_method1(what, (stop,)).map(drop)
}
