//! The cell under shuttle: random orders of the steps of many threads, all memory sequentially consistent.

#[path = "../../../crates/rollgate/src/cell.rs"]
#[allow(unreachable_pub)] // The library's file.
mod cell;
mod moved;
mod sync;
mod tests;
