//! The cell under shuttle: random orders of the steps of many threads, all memory sequentially consistent.

#[path = "../../../crates/rollgate/src/cell.rs"]
#[allow(dead_code, unreachable_pub)] // The library's file, of which the models use what orders its steps.
mod cell;
mod moved;
mod sync;
mod tests;
