//! What every store keeps to, and what the stores of SQLite and Redis do beyond that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod contract;
#[cfg(feature = "sqlite")]
mod damage;
mod given;
mod memory;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod tools;
