//! The store of a fleet: one Redis server, for engines on many hosts.

mod address;
mod checked;
mod link;
mod load;
mod meaning;
mod save;
mod scripts;
mod shared;
mod store;

pub use store::RedisStore;
