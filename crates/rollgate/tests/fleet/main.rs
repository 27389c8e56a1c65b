//! Several engines on one store: one advances, all record and roll back, and nothing is done twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod exposure;
mod members;
mod partition;
mod restart;
mod schedules;
mod stage;
