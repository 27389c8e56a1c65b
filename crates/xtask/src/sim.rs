//! `cargo xtask sim`: the seeded simulator, optimised; and bugs planted for it to find.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{cargo, run as shown};

/// Runs the simulator with these arguments.
pub(super) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments == ["--planted"] {
        return planted();
    }
    let mut all = vec!["run", "--quiet", "--release", "--package", "rollgate-tests", "--bin", "sim", "--"];
    all.extend(arguments.iter().map(String::as_str));
    shown(&cargo(), &all)
}

/// One place that is changed to what is wrong.
struct Bug {
    name: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
}

/// Seeds within which each must be found.
const SEEDS: &str = "2000";

const BUGS: [Bug; 14] = [
    Bug {
        name: "streaks: healthy evaluations never end one",
        file: "crates/rollgate-core/src/judge/streak.rs",
        right: "if next.healthy > rule.healthy_max {",
        wrong: "if next.healthy > rule.healthy_max && rule.span == Span::ZERO {",
    },
    Bug {
        name: "streaks: `for` is not waited for",
        file: "crates/rollgate-core/src/judge/measure.rs",
        right: "lasted >= needed && (self.role",
        wrong: "(lasted >= needed || self.role == Role::Trigger) && (self.role",
    },
    Bug {
        name: "latches: never closed",
        file: "crates/rollgate-core/src/decide/rollback.rs",
        right: "is_closed: true, settle",
        wrong: "is_closed: false, settle",
    },
    Bug {
        name: "latches: never opened again",
        file: "crates/rollgate-core/src/decide/evaluation.rs",
        right: "latch.is_closed = false;",
        wrong: "latch.is_closed = true;",
    },
    Bug {
        name: "shares: a rollback takes the target, not the smaller share",
        file: "crates/rollgate-core/src/decide/rollback.rs",
        right: "*share = (*share).min(*last);",
        wrong: "*share = *last;",
    },
    Bug {
        name: "waits: soak is not counted",
        file: "crates/rollgate-core/src/decide/docket.rs",
        right: "due = due.max(applied + last.soak);",
        wrong: "due = due.max(applied.max(last.hold - last.hold));",
    },
    Bug {
        name: "waits: unwatched time is credited",
        file: "crates/rollgate-core/src/decide/evaluation.rs",
        right: "let is_watched = gap <= ruleset.watched_gap();",
        wrong: "let is_watched = gap <= ruleset.watched_gap() || passing == Passing::Evaluation;",
    },
    Bug {
        name: "gates: dropped samples do not stand in the way",
        file: "crates/rollgate-core/src/judge/court.rs",
        right: "drops > 0 && self.role == Role::Gate && is_open",
        wrong: "drops > u64::MAX - 1 && self.role == Role::Gate && is_open",
    },
    Bug {
        name: "decisions: a second person without the role fills it",
        file: "crates/rollgate-core/src/decide/decision.rs",
        right: "let is_last = missing.is_empty() && rule.roles.contains(&role);",
        wrong: "let is_last = missing.len() < 2 && rule.roles.contains(&role);",
    },
    Bug {
        name: "shares: a change is neither made nor told",
        file: "crates/rollgate-core/src/decide/transition.rs",
        right: "if changed.is_empty() {",
        wrong: "if changed.len() < usize::MAX {",
    },
    Bug {
        name: "actions: a step does not wait for the last one",
        file: "crates/rollgate-core/src/decide/actions.rs",
        right: "let Some(action) = step.actions.get(attempt.done) else { return true };",
        wrong: "let Some(action) = step.actions.get(attempt.done + 1) else { return true };",
    },
    Bug {
        name: "actions: a result of another run counts",
        file: "crates/rollgate-core/src/decide/actions.rs",
        right: "result.run.filter(|number| *number != run.number)",
        wrong: "result.run.filter(|number| *number == u64::MAX)",
    },
    Bug {
        name: "calendar: steps do not ask it",
        file: "crates/rollgate-core/src/decide/calendar.rs",
        right: "turn.state.phase.is_none_or(|phase| lets(turn, HeldWhat::Step, phase))",
        wrong: "turn.state.phase.is_none_or(|phase| lets(turn, HeldWhat::Step, phase)) || turn.state.step < usize::MAX",
    },
    Bug {
        name: "notices: a process without sinks gives up what the one before owed",
        file: "crates/rollgate-core/src/decide/outbox.rs",
        right: "owed.is_inherited = true);",
        wrong: "owed.is_inherited = false);",
    },
];

/// Copies the sources, and for each bug plants it, builds, and counts the seeds until it is found.
fn planted() -> Result<(), String> {
    let copy = Path::new("target/planted");
    let io = |error: std::io::Error| format!("{}: {error}", copy.display());
    for part in ["crates", "tests", "benches", "examples", ".cargo"] {
        copy_folder(Path::new(part), &copy.join(part)).map_err(io)?;
    }
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::copy(file, copy.join(file)).map_err(io)?;
    }
    let mut missed = Vec::new();
    for bug in &BUGS {
        let (from, to) = (Path::new(bug.file), copy.join(bug.file));
        let text = fs::read_to_string(from).map_err(|error| format!("{}: {error}", bug.file))?;
        if text.matches(bug.right).count() != 1 {
            return Err(format!(
                "{}: `{}` does not stand there once; plant `{}` anew",
                bug.file, bug.right, bug.name
            ));
        }
        fs::write(&to, text.replace(bug.right, bug.wrong)).map_err(io)?;
        let built = Command::new(cargo())
            .args(["build", "--quiet", "--release", "--package", "rollgate-tests", "--bin", "sim"])
            .current_dir(copy)
            .status()
            .map_err(io)?;
        if !built.success() {
            return Err(format!("`{}` does not build", bug.name));
        }
        let found = Command::new("target/release/sim")
            .args(["--seeds", SEEDS, "--first"])
            .current_dir(copy)
            .output()
            .map_err(io)?;
        fs::write(&to, text).map_err(io)?;
        let line = String::from_utf8_lossy(&found.stdout).lines().next().unwrap_or_default().to_owned();
        println!("{}: {}", bug.name, line.chars().take(200).collect::<String>());
        if found.status.success() || !line.starts_with("found after") {
            missed.push(bug.name);
        }
    }
    if missed.is_empty() {
        Ok(())
    } else {
        Err(format!("not found within {SEEDS} seeds: {}", missed.join("; ")))
    }
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
