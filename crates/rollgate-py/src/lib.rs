//! The native module of the Python package: `rollgate._rollgate`.
//!
//! It carries no policy of its own: what a flag answers and what a rollout decides is the engine's. Types are frozen and
//! lock nothing, so that they work without the interpreter's lock. The interpreter's lock is given back where a call may
//! take long (ticks, commands, reports, large Arrow batches), never for one evaluation, which is over sooner than that.
//!
//! `memory` is the one module with unsafe code: it reads the memory of NumPy and Arrow arrays, and asks the system to be
//! told of forks.
#![deny(unsafe_code)]

mod clock;
mod door;
mod engine;
mod errors;
mod evaluation;
mod flag;
mod json;
mod keys;
mod memory;
mod metric;
mod noop;
mod ticking;

#[pyo3::pymodule(gil_used = false)]
mod _rollgate {
    #[pymodule_export]
    use super::clock::ManualClock;
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::evaluation::Evaluation;
    #[pymodule_export]
    use super::flag::Flag;
    #[pymodule_export]
    use super::metric::{Alerts, Metric, Timer};
    #[pymodule_export]
    use super::noop::Noop;
}
