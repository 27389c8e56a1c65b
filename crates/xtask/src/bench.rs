//! `cargo xtask bench [NAME]`.

use super::{cargo, run};

/// Runs the benches, or those of a name.
pub(super) fn bench(names: &[String]) -> Result<(), String> {
    let cargo = cargo();
    let mut arguments = vec!["bench", "--package", "rollgate-benches"];
    for name in names {
        arguments.extend(["--bench", name]);
    }
    run(&cargo, &arguments)
}
