//! The whole, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test may fail loudly.

mod errors;
mod properties;
