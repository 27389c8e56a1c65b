//! `cargo xtask store`: every point at which a process that writes a store can fail or end, and 200 kills.

use std::process::Command;

/// The suite takes a part of the points and of the kills; this takes all.
pub(crate) fn run(options: &[String]) -> Result<(), String> {
    if options.iter().any(|option| option != "--all") || options.len() > 1 {
        return Err(format!("`store` takes --all, found `{}`", options.join(" ")));
    }
    let mut test = Command::new(crate::cargo());
    test.args(["test", "--workspace", "--test", "crash", "--", "--nocapture"]);
    if !options.is_empty() {
        test.env("ROLLGATE_POINTS", "all").env("ROLLGATE_KILLS", "200");
    }
    let status = test.status().map_err(|error| format!("cargo test: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo test: {status}")) }
}
