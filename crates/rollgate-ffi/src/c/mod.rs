//! The C ABI: what `rollgate.h` declares, one noun a file.
//!
//! What the exports stand on: `handle` (how handles are made and checked), `slots`, `cells`, `block` and
//! `names` (memory that a stale handle may still read), `pin` (engines in use are not closed under the call), `guard` (no panic
//! leaves), `text` (what comes in and goes out), `fork`.

pub mod alerts;
mod block;
pub mod bucket;
mod cells;
pub mod commands;
pub mod engine;
pub mod error;
pub mod evaluation;
pub mod events;
pub mod flag;
mod fork;
mod guard;
pub mod handle;
pub mod metric;
mod names;
mod opened;
mod pin;
pub mod reports;
mod slots;
mod text;
