//! What does not fit beside one item: a guide, references, and how rollgate is made.
//!
//! To begin with, read [`guide`]. Before something goes wrong, read [`operations`].

pub mod design;
pub mod failure_modes;
pub mod guide;
pub mod limits;
pub mod operations;
pub mod plan_reference;
pub mod store;
pub mod targeting;
pub mod verdicts;
pub mod windows;
