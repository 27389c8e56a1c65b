//! What people write: the located tree that any of the formats is read into.

mod tree;

pub use tree::{Location, Node, Scalar, Value};
