//! `cargo xtask node-test | node-pack`: the Node binding, with the library built for it.

use std::env::consts::{ARCH, DLL_PREFIX, DLL_SUFFIX, OS};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cargo, run};

/// Where the binding lies.
const BINDING: &str = "bindings/node";
/// Where packages are put.
const PACKED: &str = "target/node-pack";
/// The oldest Node that the binding is for.
const NODE_MIN: u32 = 18;

/// How the library is built.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    Dev,
    Release,
}

/// Builds the library, packs it, and runs every test of the binding.
pub(super) fn test() -> Result<(), String> {
    check_node()?;
    let library = build(Profile::Dev)?;
    let beside = format!("{BINDING}/rollgate.{}-{}.node", platform(), arch());
    copy(&library, Path::new(&beside))?;
    install()?;
    pack_library(&library)?;
    let mut tests = files(&format!("{BINDING}/test"), ".test.js")?;
    tests.sort();
    let mut arguments = vec!["--test".to_owned()];
    arguments.append(&mut tests);
    run("node", &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// `Node: N of M` for a file of vectors.
pub(super) fn vectors(file: &str) -> Result<(), String> {
    check_node()?;
    let beside = format!("{BINDING}/rollgate.{}-{}.node", platform(), arch());
    copy(&build(Profile::Dev)?, Path::new(&beside))?;
    run("node", &[&format!("{BINDING}/test/vectors.js"), file])
}

/// Makes the packages, with the library as it is released: in `target/node-pack`.
pub(super) fn pack() -> Result<(), String> {
    check_node()?;
    pack_library(&build(Profile::Release)?)
}

fn pack_library(library: &Path) -> Result<(), String> {
    run("node", &[&format!("{BINDING}/pack.js"), &library.to_string_lossy(), PACKED])
}

/// The library, and where it lies.
fn build(profile: Profile) -> Result<PathBuf, String> {
    let (options, folder): (&[&str], _) = match profile {
        Profile::Dev => (&[], "debug"),
        Profile::Release => (&["--release"], "release"),
    };
    run(&cargo(), &[&["build", "--quiet", "--locked", "--package", "rollgate-ffi"], options].concat())?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(target.join(folder).join(format!("{DLL_PREFIX}rollgate_ffi{DLL_SUFFIX}")))
}

/// What the tests need, as the lock file says; again only where that has changed.
fn install() -> Result<(), String> {
    let (lock, installed) = ("package-lock.json", "node_modules/.package-lock.json");
    let written = |file: &str| {
        fs::metadata(Path::new(BINDING).join(file)).and_then(|metadata| metadata.modified()).ok()
    };
    if written(installed).zip(written(lock)).is_some_and(|(installed, lock)| installed >= lock) {
        return Ok(());
    }
    run("npm", &["ci", "--prefix", BINDING, "--no-audit", "--no-fund", "--ignore-scripts"])
}

/// Copies by a new file: a process that has loaded the old one keeps it.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let said = |error| format!("{} to {}: {error}", from.display(), to.display());
    if to.exists() {
        fs::remove_file(to).map_err(said)?;
    }
    fs::copy(from, to).map(drop).map_err(said)
}

fn files(folder: &str, ending: &str) -> Result<Vec<String>, String> {
    let said = |error| format!("{folder}: {error}");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(said)? {
        let name = entry.map_err(said)?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) {
            found.push(format!("{folder}/{name}"));
        }
    }
    Ok(found)
}

fn check_node() -> Result<(), String> {
    let said = Command::new("node").arg("--version").output();
    let said = said.map_err(|error| format!("Node: needs node and npm, {NODE_MIN} or later: {error}"))?;
    let version = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    match major(&version) {
        Some(major) if major >= NODE_MIN => Ok(()),
        _ => Err(format!("Node: needs node {NODE_MIN} or later, found `{version}`")),
    }
}

/// `v20.1.0` is 20.
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The system, as Node names it.
fn platform() -> &'static str {
    match OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    }
}

/// The processor, as Node names it.
fn arch() -> &'static str {
    match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "x86" => "ia32",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node_are_read() {
        for (version, is) in [("v20.20.2", Some(20)), ("v18.0.0-rc.1", Some(18)), ("20", None), ("", None)] {
            assert_eq!(major(version), is, "{version}");
        }
    }
}
