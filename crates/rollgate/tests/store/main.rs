//! What every store keeps to, and what the SQLite store does beyond that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod contract;
#[cfg(feature = "sqlite")]
mod damage;
mod given;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod tools;
