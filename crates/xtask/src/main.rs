//! Developer commands: `cargo xtask test | bench | schema`.
#![forbid(unsafe_code)]

mod bench;
mod schema;
mod test;

use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask <command>

  test     every test: Rust, and each binding that exists
  bench    every bench; prints figures beside their floor
  schema   write schema/rollgate-plan.v1.json from the types of the plan file
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.first().map(String::as_str) {
        Some("test") => test::run(),
        Some("bench") => bench::bench(&arguments[1..]),
        Some("schema") => schema::write(),
        Some(other) => Err(format!("there is no command `{other}`\n\n{USAGE}")),
        None => Err(USAGE.to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a program with its output shown; its failure is an error.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let shown = format!("{program} {}", arguments.join(" "));
    eprintln!("$ {shown}");
    let status =
        Command::new(program).args(arguments).status().map_err(|error| format!("{shown}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{shown}: {status}")) }
}

/// The cargo that runs this.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
