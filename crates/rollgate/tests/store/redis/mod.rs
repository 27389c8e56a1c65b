//! The Redis store, on real servers that the tests start.

mod away;
mod keys;
mod proxy;
mod server;
