//! What is wrong with a plan, where, what was expected, and how to mend it.

use std::fmt;

use serde::Serialize;

use crate::config::Location;

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
            path: path.to_owned(),
            line: at.line,
            column: at.column,
            message: message.to_string(),
            help: None,
        }
    }

    /// The same with a help.
    #[must_use]
    pub fn with_help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        write!(f, "{level}[{}] {}:{}: ", self.code, self.line, self.column)?;
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

/// The listed name nearest to a misspelt one, where one is near.
pub(super) fn nearest<'a>(name: &str, listed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("injection_latncy", ["heap", "injection_latency"]), Some("injection_latency"));
        assert_eq!(nearest("zebra", ["heap", "injection_latency"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
