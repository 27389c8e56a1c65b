//! The cell under loom: all orders of the steps of three threads, and whatever an acquiring or relaxed load may see.

#[path = "../../../crates/rollgate/src/cell.rs"]
#[allow(unreachable_pub)] // The library's file.
mod cell;
mod moved;
mod sync;
mod tests;
