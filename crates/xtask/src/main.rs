//! Developer commands: `cargo xtask test | bench [OPTION | NAME...] | model [OPTION]... | schema | sim [OPTION]... | wheel`.
#![forbid(unsafe_code)]

mod bench;
mod book;
mod c;
mod header;
mod model;
mod node;
mod python;
mod schema;
mod sim;
mod store;
mod test;
mod vectors;

use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask <command>

  test              every test: Rust, and each binding that exists
  bench             floors, rollgate and the peers in one run: a table, the budgets, target/bench/summary.json
                    --bindings: C, Python and Node beside their peers, into the same file
                    --instructions: what calls cost in instructions; --readme: the last run into the README
  bench NAME...     one or more of flags, memory, record, replay, windows, with criterion
  model [OPTION]... orders of the snapshot cell's steps: --schedules N under shuttle; or --miri SEEDS: its tests under Miri
  sim [OPTION]...   random rollouts against every promise: --seeds N, --from SEED, --threads T, --seed S; or --planted: bugs it must find
  store [--all]     processes that end in the middle of writing a store: the suite's part, or every point and 200 kills
  abi [OPTION]...   the tests of C; or random calls under a tool: --asan or --valgrind, --calls N, --seed S
  install --prefix DIR [--release|--debug]   the C library with its header, pkg-config file and CMake package
  vectors FILE      a file like tests/spec/bucketing.json through Rust, C, Python and Node; or --generate N FILE: makes one
  header [--check]  write bindings/c/include/rollgate.h from the sources of the C ABI, or check that it is current
  node-test         the Node binding alone: builds its library, packs it, runs its tests
  node-pack         the Node packages, for this platform: target/node-pack
  schema            write schema/rollgate-plan.v1.json and the plan reference from the types of the plan file
  python-test       the Python package alone: builds and installs its wheel, runs its tests and those of its stubs
  wheel             the Python package, as a release build, in target/wheels
";

/// Everything is named from here, wherever it was called.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Err(error) = std::env::set_current_dir(ROOT) {
        eprintln!("{ROOT}: {error}");
        return ExitCode::FAILURE;
    }
    let outcome = match arguments.first().map(String::as_str) {
        Some(alone @ ("test" | "schema" | "wheel" | "python-test" | "node-test" | "node-pack"))
            if arguments.len() > 1 =>
        {
            Err(format!("`{alone}` takes nothing more, found `{}`\n\n{USAGE}", arguments[1]))
        }
        Some("test") => test::run(),
        Some("bench") => bench::run(&arguments[1..]),
        Some("model") => model::run(&arguments[1..]),
        Some("node-test") => node::test(),
        Some("node-pack") => node::pack(),
        Some("schema") => schema::write(),
        Some("abi") => c::abi(&arguments[1..]),
        Some("install") => c::install(&arguments[1..]),
        Some("vectors") => vectors::run(&arguments[1..]),
        Some("header") => header::run(&arguments[1..]),
        Some("python-test") => python::test(true),
        Some("wheel") => python::wheel(),
        Some("sim") => sim::run(&arguments[1..]),
        Some("store") => store::run(&arguments[1..]),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            Ok(())
        }
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
