//! What the snapshot cell is built of. The models of `tests/models` compile the cell's own file over loom's and shuttle's
//! primitives instead.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::thread_local;

pub(crate) use crate::process::PerProcess as Mutex;
pub(crate) use arc_swap::ArcSwap;
