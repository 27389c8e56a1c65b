//! The store that survives: one SQLite file, for one process or for all processes of a host.

mod checked;
mod file;
mod inside;
mod open;
mod plan;
mod pool;
mod schema;
mod shared;
mod store;
mod verify;

pub use store::SqliteStore;
