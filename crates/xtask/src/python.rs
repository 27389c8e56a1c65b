//! `cargo xtask wheel`, and the Python part of `cargo xtask test`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the package lies; pip and maturin run there.
const PACKAGE: &str = "bindings/python";
/// The tests' own environment: nothing of it comes from the machine but the interpreter.
const VENV: &str = "target/python-venv";
/// That of the bench: its peers bring half a hundred packages.
const BENCH_VENV: &str = "target/bench-venv";
/// What the tests need, pinned.
const REQUIREMENTS: &str = "bindings/python/requirements.txt";
/// Wheels of the tests, which are built like every other test: a release build would take minutes and test no more.
const TESTED: &str = "target/python-wheels";
/// Wheels to hand out.
const WHEELS: &str = "target/wheels";

/// Whether an interpreter is good enough.
const IS_ENOUGH: &str = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))";

/// Every Python test: the package's own on an installed wheel, the stubs, the types of the examples.
pub(super) fn test(is_ci: bool) -> Result<(), String> {
    let Some(interpreter) = interpreter() else {
        let needs = "needs python3 of version 3.10 or later with the modules venv and ensurepip (PYTHON names another)";
        return match is_ci {
            true => Err(format!("Python: {needs}")),
            false => {
                eprintln!("Python: skipped, {needs}");
                Ok(())
            }
        };
    };
    let wheel = install_tested(&interpreter)?;
    let python = in_venv("python");
    run(Command::new(&python).args(["-m", "pytest", "bindings/python"]).env("ROLLGATE_WHEEL", &wheel))?;
    let stubtest =
        ["-m", "mypy.stubtest", "rollgate", "--mypy-config-file", "bindings/python/pyproject.toml"];
    run(Command::new(&python).args(stubtest))?;
    let typed = ["-m", "mypy", "--strict", "--cache-dir", "target/mypy", "examples/python"];
    run(Command::new(&python).args(typed))
}

/// `Python: N of M` for a file of vectors.
pub(super) fn vectors(file: &str) -> Result<(), String> {
    let interpreter = interpreter().ok_or("Python: needs python3 of version 3.10 or later with venv")?;
    install_tested(&interpreter)?;
    run(Command::new(in_venv("python")).args(["bindings/python/tests/vectors.py", file]))
}

/// Builds the wheel of the tests and installs it into their environment.
fn install_tested(interpreter: &str) -> Result<PathBuf, String> {
    prepare(interpreter)?;
    let wheel = build(TESTED, &["--compatibility", "linux"])?;
    run(Command::new(in_venv("python"))
        .args(["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", "--no-index"])
        .arg(&wheel))?;
    Ok(wheel)
}

/// A release wheel in `target/wheels`.
pub(super) fn wheel() -> Result<(), String> {
    println!("{}", release_wheel()?.display());
    Ok(())
}

fn release_wheel() -> Result<PathBuf, String> {
    let interpreter = interpreter().ok_or("wheel: needs python3 of version 3.10 or later with venv")?;
    prepare(&interpreter)?;
    build(WHEELS, &["--release"])
}

/// An environment with the release wheel and the peers of the bench; its interpreter.
pub(super) fn bench() -> Result<PathBuf, String> {
    let wheel = release_wheel()?;
    let interpreter = interpreter().ok_or("wheel: needs python3 of version 3.10 or later with venv")?;
    run(Command::new(interpreter).args(["-m", "venv", BENCH_VENV]))?;
    let python = Path::new(BENCH_VENV).join("bin/python");
    let install = ["-m", "pip", "install", "--quiet"];
    run(Command::new(&python).args(install).args(["-r", "benches/bindings/python/requirements.txt"]))?;
    run(Command::new(&python)
        .args(install)
        .args(["--force-reinstall", "--no-deps", "--no-index"])
        .arg(wheel))?;
    Ok(python)
}

/// The interpreter that `PYTHON` names, or `python3`.
fn interpreter() -> Option<String> {
    let name = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found =
        Command::new(&name).args(["-c", IS_ENOUGH]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success()).then_some(name)
}

/// Makes the environment, where it is not there or holds something else than what is asked for now.
fn prepare(interpreter: &str) -> Result<(), String> {
    let wanted = fs::read_to_string(REQUIREMENTS).map_err(|error| format!("{REQUIREMENTS}: {error}"))?;
    let installed = Path::new(VENV).join("requirements.txt");
    if fs::read_to_string(&installed).is_ok_and(|has| has == wanted) && in_venv("maturin").is_file() {
        return Ok(());
    }
    run(Command::new(interpreter).args(["-m", "venv", "--clear", VENV]))?;
    run(Command::new(in_venv("python")).args(["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]))?;
    // Last: an installation that was broken off is made anew.
    fs::write(&installed, wanted).map_err(|error| format!("{}: {error}", installed.display()))
}

/// Builds the wheel into an emptied folder; its path.
fn build(folder: &str, options: &[&str]) -> Result<PathBuf, String> {
    if Path::new(folder).is_dir() {
        fs::remove_dir_all(folder).map_err(|error| format!("{folder}: {error}"))?;
    }
    let root = absolute(".")?;
    run(Command::new(absolute(VENV)?.join("bin/maturin"))
        .args(["build", "--locked", "--quiet", "--out"])
        .arg(root.join(folder))
        .args(options)
        .current_dir(PACKAGE))?;
    let files = fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
    let mut wheels = files.filter_map(|file| Some(file.ok()?.path()));
    let wheel = wheels.find(|path| path.extension().is_some_and(|extension| extension == "whl"));
    absolute(wheel.ok_or_else(|| format!("{folder}: maturin made no wheel"))?)
}

fn absolute(path: impl AsRef<Path>) -> Result<PathBuf, String> {
    let path = path.as_ref();
    path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))
}

fn in_venv(program: &str) -> PathBuf {
    Path::new(VENV).join("bin").join(program)
}

/// Runs a command with its output shown; its failure is an error.
fn run(command: &mut Command) -> Result<(), String> {
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    let shown = std::iter::once(command.get_program().to_string_lossy().into_owned()).chain(arguments);
    let shown = shown.collect::<Vec<_>>().join(" ");
    eprintln!("$ {shown}");
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}
