//! What is wrong with a plan, where, what was expected, and how to mend it.

use std::fmt;

use serde::Serialize;

use crate::config::Location;
use crate::limits::{KEY_BYTES_MAX, PROBLEMS_MAX};

/// Whether a problem refuses the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The plan is refused.
    Error,
    /// The plan runs, and somebody should look.
    Warning,
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether it refuses the plan.
    pub level: Level,
    /// A stable code: `unknown-metric`.
    pub code: &'static str,
    /// Where in the plan: `phases[1].triggers.latency.when.above`.
    pub path: String,
    /// Line, from 1; 0 where there is no file.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What was expected, or how to mend it.
    pub help: Option<String>,
}

impl Problem {
    /// An error at a place.
    pub fn error(code: &'static str, path: &str, at: Location, message: impl fmt::Display) -> Self {
        Self {
            level: Level::Error,
            code,
            path: printable(path),
            line: at.line,
            column: at.column,
            message: printable(&message.to_string()),
            help: None,
        }
    }

    /// The same with a help.
    #[must_use]
    pub fn with_help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(printable(&help.to_string()));
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}[{}]", self.code)?;
        if self.line > 0 {
            write!(f, " {}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// All problems of a plan, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// In the order of the file, each once, and no more than [`PROBLEMS_MAX`]; the last then says how many there were.
    pub fn in_order(mut problems: Vec<Problem>) -> Self {
        // Stable: without places, problems stay in the order in which they were found.
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        let found = problems.len();
        if found > PROBLEMS_MAX {
            // Errors are kept before warnings, so that a plan that is refused stays so.
            problems.sort_by_key(|problem| problem.level);
            problems.truncate(PROBLEMS_MAX);
            problems.sort_by_key(|problem| (problem.line, problem.column));
            let last = problems.last().map_or((0, 0), |problem| (problem.line, problem.column));
            problems.push(Problem {
                line: last.0,
                column: last.1,
                help: Some("mend these first".into()),
                ..Problem::error(
                    "too-many-problems",
                    "",
                    Location::default(),
                    format_args!("{found} problems; {PROBLEMS_MAX} are listed"),
                )
            });
        }
        Self(problems)
    }

    /// Whether any of them refuses the plan.
    pub fn has_error(&self) -> bool {
        self.0.iter().any(|problem| problem.level == Level::Error)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// What a problem quotes may be anything: control characters are escaped, and what is very long is cut.
fn printable(text: &str) -> String {
    const SHOWN: usize = 400;
    let mut shown = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == SHOWN => {
                shown.push('…');
                break;
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}

/// The listed name nearest to a misspelt one, where one is near.
pub(super) fn nearest<'a>(name: &str, listed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nothing so long is a slip of the pen, and the distance takes time by the square.
    if name.len() > KEY_BYTES_MAX {
        return None;
    }
    let near = |other: &&str| distance(name, other);
    let best = listed.into_iter().min_by_key(near)?;
    (distance(name, best) <= 1 + name.chars().count() / 4).then_some(best)
}

/// Levenshtein's distance, on one row.
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in two.iter().enumerate() {
            let cost = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_problem_quotes_cannot_write_to_a_terminal() {
        let problem = Problem::error("code", "a\u{1b}[2J", Location::default(), "b\n".repeat(1_000));
        assert_eq!(problem.path, "a\\u{1b}[2J");
        assert!(problem.message.starts_with("b\\nb\\n") && problem.message.ends_with('…'));
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("injection_latncy", ["heap", "injection_latency"]), Some("injection_latency"));
        assert_eq!(nearest("zebra", ["heap", "injection_latency"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
