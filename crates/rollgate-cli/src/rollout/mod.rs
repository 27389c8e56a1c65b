//! Commands on a rollout that lives in a store: looking, what people ask, and `run`.

mod act;
mod args;
mod journal;
mod look;
pub(crate) mod place;
mod run;

use std::process::ExitCode;

pub(crate) use args::Rollout;

/// Does what was asked.
pub(crate) fn run(asked: &Rollout) -> ExitCode {
    let outcome = match asked {
        Rollout::Run(asked) => run::run(asked),
        Rollout::Status(asked) => look::status(asked),
        Rollout::Scorecard(asked) => look::scorecard(asked),
        Rollout::Flags(asked) => look::flags(asked),
        Rollout::Journal(asked) => journal::run(asked),
        Rollout::Act(act) => act::run(act),
    };
    outcome.unwrap_or_else(place::Trouble::leave)
}
