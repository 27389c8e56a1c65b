//! `cargo xtask bench [NAME]...`.

use super::{cargo, run as shown};

/// Runs the benches, or those of these names.
pub(super) fn run(names: &[String]) -> Result<(), String> {
    let cargo = cargo();
    let mut arguments = vec!["bench", "--package", "rollgate-benches"];
    for name in names {
        arguments.extend(["--bench", name]);
    }
    shown(&cargo, &arguments)
}
