//! `cargo xtask test`: every test there is, Rust's last, so that its summary ends the output.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{cargo, python, run as shown};

/// A binding: where it lies, what its tests need, and how they are run.
struct Binding {
    name: &'static str,
    folder: &'static str,
    needs: &'static [&'static str],
    command: &'static [&'static str],
}

/// The bindings that the house has room for; each is tested from the day its folder exists.
const BINDINGS: [Binding; 2] = [
    Binding {
        name: "C",
        folder: "bindings/c",
        needs: &["gcc", "g++", "make", "cmake", "pkg-config"],
        command: &["cargo", "xtask", "abi"],
    },
    Binding {
        name: "Node",
        folder: "bindings/node",
        needs: &["node", "npm"],
        command: &["sh", "bindings/node/test.sh"],
    },
];

/// A program that Rust's tests start: without it they do nothing, which tests that pass cannot say.
struct Program {
    name: &'static str,
    package: &'static str,
    tests: &'static str,
}

const PROGRAMS: [Program; 2] = [
    Program {
        name: "redis-server",
        package: "redis-server",
        tests: "the tests of the Redis store (crates/rollgate/tests/store/redis)",
    },
    Program {
        name: "prometheus",
        package: "prometheus",
        tests: "the tests of a real Prometheus server (crates/rollgate/tests/sources/server.rs)",
    },
];

/// Where test data lies that is not the project's.
const BESIDE: &str = "../shared";

/// A test of such data: without it the test does nothing, which a test that passes cannot say.
struct Beside {
    data: &'static str,
    test: &'static str,
    source: &'static str,
}

const OF_OTHERS: [Beside; 5] = [
    Beside {
        data: "vectors/bucketing.json",
        test: "external_vectors_hold",
        source: "crates/rollgate-core/tests/bucketing.rs",
    },
    Beside {
        data: "peer-suites/xxhash/vectors.json",
        test: "external_digests_of_xxh3_hold",
        source: "crates/rollgate-core/tests/bucketing.rs",
    },
    Beside {
        data: "peer-suites/unleash-client-specification/specifications/index.json",
        test: "every_case_of_unleashs_own_specification_holds",
        source: "tests/suite/import/unleash.rs",
    },
    Beside {
        data: "vectors/statistics.json",
        test: "the_known_answers_beside_the_checkout_agree",
        source: "crates/rollgate-core/src/judge/tests/statistics.rs",
    },
    Beside {
        data: "plans/memory-system.yaml",
        test: "the_plan_as_its_authors_hold_it_compiles_to_the_same_ruleset",
        source: "crates/rollgate/tests/plan_file.rs",
    },
];

/// Whether this runs where everything has to be there.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "0")
}

/// Runs every part to its end. A part that cannot run says what it needs, and fails under CI.
pub(super) fn run() -> Result<(), String> {
    let is_ci = is_ci();
    let mut outcomes = Vec::new();
    for binding in &BINDINGS {
        if !Path::new(binding.folder).is_dir() {
            eprintln!("{}: there is no binding yet", binding.name);
            continue;
        }
        let missing: Vec<&str> = binding.needs.iter().copied().filter(|tool| !has(tool)).collect();
        match (missing.is_empty(), is_ci, binding.command) {
            (true, _, [program, arguments @ ..]) => outcomes.push(shown(program, arguments)),
            (true, _, []) => {}
            (false, true, _) => outcomes.push(Err(format!("{}: needs {}", binding.name, missing.join(", ")))),
            (false, false, _) => eprintln!("{}: skipped, needs {}", binding.name, missing.join(", ")),
        }
    }
    outcomes.push(python::test(is_ci));
    let absent: Vec<String> = PROGRAMS.iter().filter(|program| !has(program.name)).map(needs).collect();
    if is_ci {
        outcomes.extend(absent.iter().cloned().map(Err));
    }
    let cargo = cargo();
    outcomes.push(shown(&cargo, &["test", "--workspace", "--doc", "--quiet"]));
    outcomes.push(if has("cargo-nextest") {
        shown(&cargo, &["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        shown(&cargo, &["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"])
    });
    // Behind the summary, which counts them as passed.
    absent.iter().chain(&not_run(Path::new(BESIDE))).for_each(|line| eprintln!("{line}"));
    let wrong: Vec<String> = outcomes.into_iter().filter_map(Result::err).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("failed:\n{}", wrong.join("\n"))) }
}

/// What tests that did nothing would have needed.
fn needs(program: &Program) -> String {
    let Program { name, package, tests } = program;
    format!("NOT RUN: {tests}: needs {name} (Debian: apt-get install {package})")
}

/// The tests that passed and tested nothing, because their data is not in this folder.
fn not_run(folder: &Path) -> Vec<String> {
    let missing = OF_OTHERS.iter().filter(|beside| !folder.join(beside.data).is_file());
    missing
        .map(|beside| {
            let data = folder.join(beside.data);
            format!("NOT RUN: {} ({}): {} is not there", beside.test, beside.source, data.display())
        })
        .collect()
}

/// Whether a program can be started.
fn has(tool: &str) -> bool {
    let version = Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn tests_whose_data_is_not_there_are_named() {
        let nowhere = Path::new(crate::ROOT).join("no-such-folder");
        let lines = not_run(&nowhere);
        assert_eq!(lines.len(), OF_OTHERS.len());
        assert!(
            lines[0].starts_with("NOT RUN: external_vectors_hold (crates/rollgate-core/tests/"),
            "{lines:?}"
        );
        assert!(lines[0].ends_with("no-such-folder/vectors/bucketing.json is not there"), "{lines:?}");
        // Each missing file by itself.
        let folder = std::env::temp_dir().join(format!("rollgate-beside-{}", std::process::id()));
        fs::create_dir_all(folder.join("vectors")).unwrap();
        fs::write(folder.join("vectors/bucketing.json"), "{}").unwrap();
        assert_eq!(not_run(&folder).len(), OF_OTHERS.len() - 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// The list is that of the sources: every file that looks beside the checkout stands in it, with its test.
    #[test]
    fn every_test_of_data_beside_the_checkout_is_listed() {
        let mut found = BTreeSet::new();
        for folder in ["crates", "tests", "examples", "benches"] {
            sources(&Path::new(crate::ROOT).join(folder), &mut found);
        }
        let listed: BTreeSet<String> = OF_OTHERS.iter().map(|beside| beside.source.to_owned()).collect();
        assert_eq!(found, listed);
        for beside in &OF_OTHERS {
            let text = fs::read_to_string(Path::new(crate::ROOT).join(beside.source)).unwrap();
            assert!(text.contains(&format!("fn {}()", beside.test)), "{}", beside.test);
            assert!(text.contains(beside.data), "{}", beside.data);
        }
    }

    /// The sources below a folder that name the data, but for this one.
    fn sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(crate::ROOT).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                if text.contains("../shared") && name != "crates/xtask/src/test.rs" {
                    found.insert(name);
                }
            }
        }
    }
}
