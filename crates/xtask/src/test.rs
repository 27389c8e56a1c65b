//! `cargo xtask test`: every test there is, Rust's last, so that its summary ends the output.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{cargo, run as shown};

/// A binding: where it lies, what its tests need, and how they are run.
struct Binding {
    name: &'static str,
    folder: &'static str,
    needs: &'static [&'static str],
    command: &'static [&'static str],
}

/// The bindings that the house has room for; each is tested from the day its folder exists.
const BINDINGS: [Binding; 3] = [
    Binding { name: "C", folder: "bindings/c", needs: &["cc"], command: &["sh", "bindings/c/test.sh"] },
    Binding {
        name: "Python",
        folder: "bindings/python",
        needs: &["python3"],
        command: &["sh", "bindings/python/test.sh"],
    },
    Binding {
        name: "Node",
        folder: "bindings/node",
        needs: &["node", "npm"],
        command: &["sh", "bindings/node/test.sh"],
    },
];

/// Where test data lies that is not the project's; without it some tests do nothing, which a passing test cannot say.
const BESIDE: &str = "../shared";

/// Runs every part. A part that cannot run says what it needs, and fails under CI.
pub(super) fn run() -> Result<(), String> {
    let is_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "0");
    for binding in &BINDINGS {
        if !Path::new(binding.folder).is_dir() {
            eprintln!("{}: there is no binding yet", binding.name);
            continue;
        }
        let missing: Vec<&str> = binding.needs.iter().copied().filter(|tool| !has(tool)).collect();
        match (missing.is_empty(), is_ci, binding.command) {
            (true, _, [program, arguments @ ..]) => shown(program, arguments)?,
            (true, _, []) => {}
            (false, true, _) => return Err(format!("{}: needs {}", binding.name, missing.join(", "))),
            (false, false, _) => eprintln!("{}: skipped, needs {}", binding.name, missing.join(", ")),
        }
    }
    if !Path::new(BESIDE).is_dir() {
        eprintln!(
            "known answers of others: not beside the checkout in {BESIDE}; the project's own are tested"
        );
    }
    let cargo = cargo();
    shown(&cargo, &["test", "--workspace", "--doc", "--quiet"])?;
    if has("cargo-nextest") {
        shown(&cargo, &["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        shown(&cargo, &["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"])
    }
}

/// Whether a program can be started.
fn has(tool: &str) -> bool {
    let version = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
