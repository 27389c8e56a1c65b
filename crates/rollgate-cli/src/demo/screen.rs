//! What the demo shows: one line an event, a box where it rolls back.

use std::io::{self, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rollgate::core::time::{Span, Timestamp};

use crate::paint::{Paint, Tone};

/// Widest line.
const WIDTH: usize = 100;
/// `Thu 2026-01-22 11:56`, and two blanks.
const DATE: usize = 22;
/// The longest word between the date and the text, and two blanks.
const WORD: usize = 14;

/// A blank at which no line is broken.
pub(super) const UNBROKEN: char = '\u{a0}';

/// Standard output, and a bar on standard error while a person watches.
pub(super) struct Screen {
    paint: Paint,
    bar: ProgressBar,
    date: String,
    /// What went wrong when writing; a reader that has gone away ends the demo.
    pub(super) outcome: io::Result<()>,
}

/// The calendar's day and minute, as the demo writes times.
pub(super) fn calendar(at: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let day = at.0.div_euclid(86_400_000).rem_euclid(7) as usize;
    let text = at.to_string().replace('T', " ");
    format!("{} {}", DAYS.get(day).copied().unwrap_or_default(), text.get(..16).unwrap_or(&text))
}

impl Screen {
    /// A screen; the bar ends after `expected`.
    pub(super) fn new(paint: Paint, expected: Span) -> Self {
        let days = expected.0 / 86_400_000;
        let bar = ProgressBar::with_draw_target(Some(days), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} day {pos} of about {len}  {msg}") {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self { paint, bar, date: String::new(), outcome: Ok(()) }
    }

    /// Moves the bar.
    pub(super) fn progress(&self, day: u64, message: String) {
        self.bar.set_position(day);
        self.bar.set_message(message);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a text as it is, with its line's end.
    pub(super) fn print(&mut self, text: &str) {
        if self.outcome.is_err() {
            return;
        }
        self.outcome = self.bar.suspend(|| writeln!(io::stdout().lock(), "{text}"));
    }

    /// A scorecard.
    pub(super) fn card(&mut self, card: &rollgate::core::report::Scorecard) {
        let text = self.paint.card(card);
        self.print(&format!("\n{}", text.trim_end()));
    }

    /// The heading of a phase.
    pub(super) fn heading(&mut self, title: &str) {
        let rule = "─".repeat(WIDTH.saturating_sub(title.chars().count() + 1));
        let line = format!("\n{} {}", self.paint.tone(Tone::Bold, title), self.paint.tone(Tone::Dim, &rule));
        self.date.clear();
        self.print(&line);
    }

    /// One event. A date that stands in the line above is not repeated.
    pub(super) fn event(&mut self, at: Timestamp, word: &str, tone: Option<Tone>, text: &str) {
        let date = calendar(at);
        let shown = if date == self.date { "" } else { &*date };
        let lines = wrap(text, WIDTH - DATE - WORD);
        let padded = format!("{word:width$}", width = WORD - 2);
        let painted = tone.map_or_else(|| padded.clone(), |tone| self.paint.tone(tone, &padded));
        let mut block = String::new();
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                let shown = self.paint.tone(Tone::Dim, &format!("{shown:width$}", width = DATE - 2));
                block += &format!("{shown}  {painted}  {line}");
            } else {
                block += &format!("\n{:width$}{line}", "", width = DATE + WORD);
            }
        }
        self.date = date;
        self.print(&block);
    }

    /// What must not be overlooked.
    pub(super) fn alarm(&mut self, at: Timestamp, title: &str, paragraphs: &[String]) {
        let date = calendar(at);
        let inside = WIDTH - 4;
        let fill = inside.saturating_sub(title.chars().count() + date.chars().count() + 4);
        let mut lines = vec![String::new(), format!("┏━ {title} {} {date} ━┓", "━".repeat(fill))];
        for text in paragraphs.iter().flat_map(|paragraph| wrap(paragraph, inside)) {
            lines.push(format!("┃ {text:inside$} ┃"));
        }
        lines.push(format!("┗{}┛", "━".repeat(WIDTH - 2)));
        self.date.clear();
        for line in lines {
            let line = self.paint.tone(Tone::Bad, &line);
            self.print(&line);
        }
    }
}

/// Breaks a text at spaces.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if last.is_empty() => word.clone_into(last),
            Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| line.replace(UNBROKEN, " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_their_day_of_the_week() {
        assert_eq!(calendar(Timestamp(0)), "Thu 1970-01-01 00:00");
        assert_eq!(calendar(Timestamp::parse("2026-01-13T09:00:00Z").unwrap()), "Tue 2026-01-13 09:00");
    }

    #[test]
    fn long_texts_are_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one two\u{a0}three", 7), ["one", "two three"]);
        assert_eq!(wrap("", 7), [""]);
        assert_eq!(wrap("indivisible", 3), ["indivisible"]);
    }
}
