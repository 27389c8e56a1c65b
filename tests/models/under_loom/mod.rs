//! The cell under loom: all orders of the steps of three threads, and whatever an acquiring or relaxed load may see.

#[path = "../../../crates/rollgate/src/cell.rs"]
#[allow(dead_code, unreachable_pub)] // The library's file, of which the models use what orders its steps.
mod cell;
mod moved;
mod sync;
mod tests;
