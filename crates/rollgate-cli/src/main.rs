//! The `rollgate` command.
//!
//! What is on standard output is data, what people should read goes to standard error. Exit codes: 0 done, 1 refused or
//! problems found, 2 wrong usage or input that cannot be read, 3 a
//! store that cannot be used.
#![forbid(unsafe_code)]

mod args;
mod check;
mod demo;
mod evaluate;
mod import;
mod input;
mod journal_text;
mod matrix;
mod notices;
mod notify;
mod paint;
mod recut;
mod rehearse;
mod replay;
mod reports;
mod risks;
mod rollout;
mod shell;
mod stale;
mod table;

use std::process::ExitCode;

use clap::Parser;

use self::args::{Cli, Command, Strictness};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Demo => demo::run(),
        Command::Check { plan, strict, format } => {
            let strictness = if strict { Strictness::Strict } else { Strictness::Lenient };
            check::run(&plan, strictness, format)
        }
        Command::Matrix { plan, format } => matrix::run(&plan, format),
        Command::Evaluate(asked) => evaluate::run(&asked),
        Command::Recut { plan, from, format } => recut::run(&plan, &from, format),
        Command::Replay(asked) => replay::run(&asked),
        Command::Rehearse(asked) => rehearse::run(&asked),
        Command::Risks { plan, journal, format } => risks::run(&plan, journal.as_deref(), format),
        Command::Stale(asked) => stale::run(&asked),
        Command::Notices { plan, format } => notices::run(&plan, format),
        Command::Notify(asked) => notify::run(&asked),
        Command::Import(asked) => import::run(&asked),
        Command::Rollout(asked) => rollout::run(&asked),
    }
}
