//! rollgate for C and Node: one shared library with two doors.
//!
//! - `c`: the C ABI of `rollgate.h`.
//! - `node`: the N-API entry point.

pub mod c;
mod node;
