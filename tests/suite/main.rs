//! The whole, from outside.

mod errors;
mod properties;
