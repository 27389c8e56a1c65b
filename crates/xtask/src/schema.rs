//! `cargo xtask schema`: the JSON Schema of the plan file, from its types, and the reference of its keys.

use std::process::Command;

use super::cargo;

/// Writes both through their own tests, so that the schema generator is in no other build than that of the tests.
pub(super) fn write() -> Result<(), String> {
    let tests =
        ["the_committed_schema_is_that_of_the_types", "the_committed_reference_is_that_of_the_schema"];
    let status = Command::new(cargo())
        .args(["test", "--quiet", "--workspace", "--test", "plan_schema", "--", "--exact"])
        .args(tests)
        .env("ROLLGATE_WRITE_SCHEMA", "1")
        .status()
        .map_err(|error| format!("cargo test: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo test: {status}")) }
}
