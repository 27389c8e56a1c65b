//! The whole, from outside.

mod properties;
