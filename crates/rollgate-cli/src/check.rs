//! `rollgate check`: every problem of a plan, with its line, a caret, and how to mend it.

use std::path::Path;
use std::process::ExitCode;

use rollgate::core::compile::{Level, Problem};
use rollgate::read::{Format, ReadError, ruleset};

use crate::args::{CheckFormat, Strictness};

/// Checks a plan file. 0: it may run; 1: it is refused; 2: it cannot be read.
pub(crate) fn run(plan: &Path, strictness: Strictness, format: CheckFormat) -> ExitCode {
    let (text, problems) = match problems_of(plan) {
        Ok(found) => found,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = problems.len() - errors;
    match format {
        CheckFormat::Json => match serde_json::to_string_pretty(&problems) {
            Ok(json) => println!("{json}"),
            Err(error) => eprintln!("error: {error}"),
        },
        CheckFormat::Text => {
            problems.iter().for_each(|problem| eprintln!("{}", excerpt(plan, &text, problem)));
            eprintln!("{}: {}, {}", plan.display(), count(errors, "error"), count(warnings, "warning"));
        }
    }
    let is_refused = errors > 0 || (strictness == Strictness::Strict && warnings > 0);
    if is_refused { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

fn problems_of(plan: &Path) -> Result<(String, Vec<Problem>), ReadError> {
    let io = |why: String| ReadError::Io(plan.to_owned(), why);
    let Some(format) = Format::of_path(plan) else {
        return Err(io("a plan file ends in .yaml, .yml, .toml or .json".into()));
    };
    let text = std::fs::read_to_string(plan).map_err(|error| io(error.to_string()))?;
    let problems = match ruleset(&text, format) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems.0,
    };
    Ok((text, problems))
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A problem as compilers show it: what, where, the line itself, and what helps.
fn excerpt(plan: &Path, text: &str, problem: &Problem) -> String {
    let level = match problem.level {
        Level::Error => "error",
        Level::Warning => "warning",
    };
    let number = problem.line.to_string();
    let margin = " ".repeat(number.len());
    let mut shown = format!("{level}[{}]: {}\n", problem.code, problem.message);
    shown += &format!("{margin}--> {}:{}:{}", plan.display(), problem.line, problem.column);
    if !problem.path.is_empty() {
        shown += &format!("  ({})", problem.path);
    }
    shown.push('\n');
    if let Some(line) = text.lines().nth(problem.line.saturating_sub(1) as usize).filter(|_| problem.line > 0)
    {
        let (line, column) = window(line, problem.column.saturating_sub(1) as usize);
        shown += &format!("{margin} |\n{number} | {line}\n{margin} | {}^\n", " ".repeat(column));
    }
    if let Some(help) = &problem.help {
        shown += &format!("{margin} = help: {help}\n");
    }
    shown
}

/// Widest excerpt; plan files have long lines.
const WIDTH: usize = 100;

/// The part of a line around a column, and the column in it.
fn window(line: &str, column: usize) -> (String, usize) {
    let chars: Vec<char> = line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    if chars.len() <= WIDTH {
        return (chars.into_iter().collect(), column);
    }
    let from = column.saturating_sub(WIDTH / 2).min(chars.len() - WIDTH);
    let part: String = chars.iter().skip(from).take(WIDTH).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + WIDTH < chars.len() { "…" } else { "" };
    (format!("{before}{part}{after}"), column - from + before.chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_below_its_column_in_a_long_line() {
        let line = format!("{}X{}", " ".repeat(150), "y".repeat(100));
        let (part, column) = window(&line, 150);
        assert_eq!(part.chars().nth(column), Some('X'));
        assert_eq!(window("short", 2), ("short".to_owned(), 2));
    }
}
