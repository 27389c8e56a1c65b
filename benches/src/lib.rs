//! The benches of rollgate; each lies in `benches/`, and prints ratios against a floor measured in the same run.
#![forbid(unsafe_code)]

pub mod stage;
