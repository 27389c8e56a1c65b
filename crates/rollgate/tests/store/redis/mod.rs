//! The Redis store, on real servers that the tests start.

mod away;
mod figures;
mod fleet;
mod keys;
mod node;
mod proxy;
mod schedule;
mod server;
