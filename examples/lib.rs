//! Programs to read and run: `cargo run -p rollgate-examples --example quickstart`.
#![forbid(unsafe_code)]
