//! Metrics that come from a Prometheus server: what is a value, what is silence, and who asks.
#![cfg(feature = "prometheus")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod answers;
mod asking;
mod server;
mod stage;
mod stub;
