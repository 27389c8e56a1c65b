//! The `rollgate` command.
#![forbid(unsafe_code)]

mod check;
mod demo;
mod evaluate;
mod matrix;
mod replay;

fn main() {}
