//! `cargo xtask model`: the models of the snapshot cell, longer than in the tests; or its tests under Miri.

use std::process::Command;

use super::cargo;

/// How many orders are tried of each scenario where nothing else is said.
const SCHEDULES: u32 = 100_000;

/// Runs the models, or Miri.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    let number = |text: &String| text.parse::<u32>().map_err(|_| format!("`{text}` is not a number"));
    match arguments {
        [] => models(SCHEDULES),
        [option, schedules] if option == "--schedules" => models(number(schedules)?),
        [option, seeds] if option == "--miri" => miri(number(seeds)?),
        _ => Err("model takes `--schedules N` or `--miri SEEDS`".to_owned()),
    }
}

/// What has to hold in `tests/models`, in the features of the whole workspace, which are those that the tests are built
/// with. What has to be found is found in the tests, and would hide the figures here.
fn models(schedules: u32) -> Result<(), String> {
    let mut command = Command::new(cargo());
    command.args(["test", "--workspace", "--test", "models", "--", "--show-output", "--skip", "found"]);
    shown(command.env("ROLLGATE_SCHEDULES", schedules.to_string()))
}

/// The tests of the real cell. `parking_lot` makes pointers of numbers, which Miri would tell of each time.
fn miri(seeds: u32) -> Result<(), String> {
    let flags = format!("-Zmiri-permissive-provenance -Zmiri-many-seeds=0..{seeds}");
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "miri", "test", "--package", "rollgate", "--test", "cell"]);
    shown(command.env("MIRIFLAGS", flags)).map_err(|error| {
        format!("{error}\nit needs `rustup toolchain install nightly --component miri,rust-src`")
    })
}

/// Runs a command with its output shown; its failure is an error.
fn shown(command: &mut Command) -> Result<(), String> {
    eprintln!("$ {command:?}");
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}
