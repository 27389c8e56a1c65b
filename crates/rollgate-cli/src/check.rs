//! `rollgate check`: every problem of a plan, with its line, a caret, and how to mend it.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use rollgate::core::compile::{Level, Problem};
use rollgate::read::{ReadError, plan_file_with_text};
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::args::{CheckFormat, Strictness};
use crate::input;
use crate::paint::{Paint, Tone};

/// Checks a plan file. 0: it may run; 1: it is refused; 2: it cannot be read.
pub(crate) fn run(plan: &Path, strictness: Strictness, format: CheckFormat) -> ExitCode {
    let (text, mut problems) = match plan_file_with_text(plan) {
        Ok((compiled, text)) => (text, compiled.warnings),
        Err(ReadError::Refused(refused)) => (refused.text, refused.problems.0),
        Err(error) => return input::refuse(&format_args!("{error}{}", input::looked_in(plan))),
    };
    if strictness == Strictness::Strict {
        problems.iter_mut().for_each(|problem| problem.level = Level::Error);
    }
    let errors = problems.iter().filter(|problem| problem.level == Level::Error).count();
    let outcome = if errors > 0 { ExitCode::from(1) } else { ExitCode::SUCCESS };
    let written = match format {
        CheckFormat::Json => json(&problems),
        CheckFormat::Text => {
            let last = RefCell::new((0, Rc::from([])));
            let sheet = Sheet { plan, lines: text.lines().collect(), paint: Paint::of_stderr(), last };
            sheet.write(&problems, errors)
        }
    };
    match written {
        Ok(()) => outcome,
        // Whoever has closed the stream has seen enough; what was found stays so.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => outcome,
        Err(error) => input::refuse(&format_args!("the problems cannot be written: {error}")),
    }
}

/// A problem for programs; its fields keep their names.
#[derive(Serialize)]
struct Told<'a> {
    code: &'a str,
    severity: Level,
    path: &'a str,
    line: u32,
    column: u32,
    message: &'a str,
    hint: Option<&'a str>,
}

/// One array for programs.
fn json(problems: &[Problem]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let told: Vec<Told<'_>> = problems
        .iter()
        .map(|problem| Told {
            code: problem.code,
            severity: problem.level,
            path: &problem.path,
            line: problem.line,
            column: problem.column,
            message: &problem.message,
            hint: problem.help.as_deref(),
        })
        .collect();
    serde_json::to_writer_pretty(&mut out, &told)?;
    out.write_all(b"\n")
}

fn count(number: usize, noun: &str) -> String {
    match number {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A plan whose problems are shown.
struct Sheet<'a> {
    plan: &'a Path,
    lines: Vec<&'a str>,
    paint: Paint,
    /// The line that was shown last, and its number.
    last: RefCell<(u32, Rc<[char]>)>,
}

impl Sheet<'_> {
    fn write(&self, problems: &[Problem], errors: usize) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stderr().lock());
        for problem in problems {
            writeln!(out, "{}", self.excerpt(problem))?;
        }
        let warnings = problems.len() - errors;
        writeln!(out, "{}: {}, {}", self.plan.display(), count(errors, "error"), count(warnings, "warning"))?;
        out.flush()
    }

    /// The characters of a line; those of one line are taken apart once, for a file may have only one.
    fn line(&self, number: u32) -> Option<Rc<[char]>> {
        let mut last = self.last.borrow_mut();
        if last.0 != number {
            let line = self.lines.get(number.checked_sub(1)? as usize)?;
            // A mark of the encoding before the text is no column of it.
            let line = if number == 1 { line.trim_start_matches('\u{feff}') } else { line };
            *last = (number, characters(line).into());
        }
        Some(last.1.clone())
    }

    /// A problem as compilers show it: what, where, the line itself, and what helps.
    fn excerpt(&self, problem: &Problem) -> String {
        let (level, tone) = match problem.level {
            Level::Error => ("error", Tone::Bad),
            Level::Warning => ("warning", Tone::Warn),
        };
        let number = problem.line.to_string();
        let margin = " ".repeat(number.len());
        let frame = |text: &str| self.paint.tone(Tone::Frame, text);
        let mut shown = format!(
            "{}{}\n{margin}{} {}:{}:{}",
            self.paint.tone(tone, &format!("{level}[{}]", problem.code)),
            self.paint.tone(Tone::Bold, &format!(": {}", problem.message)),
            frame("-->"),
            self.plan.display(),
            problem.line,
            problem.column
        );
        if !problem.path.is_empty() {
            shown += &format!("  ({})", problem.path);
        }
        shown.push('\n');
        if let Some(line) = self.line(problem.line) {
            let (line, column) = window(&line, problem.column.saturating_sub(1) as usize);
            let laid = Laid::of(&line, column);
            let bar = frame("|");
            let carets = self.paint.tone(tone, &"^".repeat(laid.carets));
            shown += &format!("{margin} {bar}\n{} {bar} {}\n", frame(&number), laid.line.trim_end());
            shown += &format!("{margin} {bar} {}{carets}\n", " ".repeat(laid.before));
        }
        if let Some(help) = &problem.help {
            shown += &format!("{margin} {} {}: {help}\n", frame("="), self.paint.tone(Tone::Bold, "help"));
        }
        shown
    }
}

/// Widest excerpt; plan files have long lines.
const WIDTH: usize = 100;

/// The characters of a line; what would move the terminal's caret is a space, what would hide or turn text is marked.
fn characters(line: &str) -> Vec<char> {
    line.chars()
        .map(|c| match c {
            '\t' => c,
            c if c.is_control() => ' ',
            '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' => {
                '\u{FFFD}'
            }
            c => c,
        })
        .collect()
}

/// A line as a terminal shows it, where characters are wide, narrow or of no width, and a tab is four columns.
struct Laid {
    line: String,
    /// Columns before the caret.
    before: usize,
    /// Columns of what it points at.
    carets: usize,
}

impl Laid {
    fn of(line: &str, column: usize) -> Self {
        let length = word(line, column);
        let part = |from: usize, length: usize| -> String {
            line.chars().skip(from).take(length).collect::<String>().replace('\t', "    ")
        };
        let beyond = column.saturating_sub(line.chars().count());
        Self {
            line: line.replace('\t', "    "),
            before: part(0, column).width() + beyond,
            carets: part(column, length).width().max(1),
        }
    }
}

/// The part of a line around a column, and the column in it.
fn window(line: &[char], column: usize) -> (String, usize) {
    if line.len() <= WIDTH {
        return (line.iter().collect(), column);
    }
    let from = column.saturating_sub(WIDTH / 2).min(line.len() - WIDTH);
    let part: String = line.iter().skip(from).take(WIDTH).collect();
    let before = if from > 0 { "…" } else { "" };
    let after = if from + WIDTH < line.len() { "…" } else { "" };
    (format!("{before}{part}{after}"), column - from + before.chars().count())
}

/// The length of the word at a column: a quoted text with its quotes, else up to what ends a word; 1 for a bracket.
fn word(line: &str, column: usize) -> usize {
    let mut rest = line.chars().skip(column);
    let length = match rest.next() {
        None => 0,
        Some(quote @ ('"' | '\'')) => 1 + rest.position(|c| c == quote).map_or(0, |end| end + 1),
        Some(c) if ends_word(c) => 1,
        Some(_) => 1 + rest.take_while(|c| !ends_word(*c)).count(),
    };
    length.max(1)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ':' | '=' | '{' | '}' | '[' | ']' | '…')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caret_stands_below_its_column_in_a_long_line() {
        let line = format!("{}X{}", " ".repeat(150), "y".repeat(100));
        let (part, column) = window(&characters(&line), 150);
        assert_eq!(part.chars().nth(column), Some('X'));
        assert_eq!(window(&characters("short"), 2), ("short".to_owned(), 2));
    }

    /// What stands above the carets, column by column of a terminal.
    #[track_caller]
    fn points(line: &str, at: &str, before: usize, carets: usize) {
        let column = line.chars().count() - line[line.find(at).unwrap()..].chars().count();
        let laid = Laid::of(&characters(line).iter().collect::<String>(), column);
        assert_eq!((laid.before, laid.carets), (before, carets), "{line:?}");
    }

    #[test]
    fn carets_stand_below_their_word_whatever_is_wide_before_it() {
        points("title: a, sahre: 1", "sahre", 10, 5);
        points("title: 日本, sahre: 1", "sahre", 13, 5);
        points("title: \u{1f600}, sahre: 1", "sahre", 11, 5);
        // A letter and the accent behind it are one column.
        points("title: e\u{301}, sahre: 1", "sahre", 10, 5);
        points("\tA: { sahre: 1 }", "sahre", 9, 5);
        points("name: 日本語", "日本語", 6, 6);
        // What hides or turns text is shown as one mark.
        points("name: \u{202E}x, sahre: 1", "sahre", 10, 5);
        let beyond = Laid::of("ab", 4);
        assert_eq!((beyond.before, beyond.carets), (4, 1));
    }

    #[test]
    fn the_word_at_a_column_is_underlined() {
        let line = "a: { metric: latncy, note: \"two words\" }";
        let length = |of: &str| word(line, line.find(of).unwrap());
        assert_eq!((length("latncy"), length("\"two"), length("{ metric"), length("metric")), (6, 11, 1, 6));
        assert_eq!((word(line, line.len()), word(line, 500), word("it's", 2)), (1, 1, 1));
    }
}
