//! `cargo xtask bench`: by name the criterion benches, without a name the comparison with floors and peers.

mod bindings;
mod budgets;
mod compare;
mod instructions;
mod readme;
mod summary;

use super::{cargo, run as shown};

/// Runs what the arguments ask for.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => compare::run(),
        ["--bindings"] => bindings::run(),
        ["--instructions"] => instructions::run(),
        ["--readme"] => readme::write(),
        [first, ..] if first.starts_with('-') => Err(format!(
            "bench takes --bindings, --instructions, --readme, or names of benches; found `{first}`"
        )),
        names => {
            let cargo = cargo();
            let mut arguments = vec!["bench", "--package", "rollgate-benches"];
            for name in names {
                arguments.extend(["--bench", name]);
            }
            shown(&cargo, &arguments)
        }
    }
}
