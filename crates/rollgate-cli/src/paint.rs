//! Colour, where a person looks and has not asked for none.

use std::io::{self, IsTerminal};

use console::Term;
use rollgate::core::report::{Document, RowStatus, Scorecard, Width};

/// Wider than this the eye loses the line.
const WIDEST: usize = 160;

/// Whether what is printed is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Plain text.
    Plain,
    /// With ANSI colours.
    Colour,
}

/// What a text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A heading.
    Bold,
    /// What is beside the point.
    Dim,
    /// It went well.
    Good,
    /// Look here.
    Warn,
    /// It went wrong.
    Bad,
    /// What stands around the text.
    Frame,
}

impl Paint {
    /// For standard output.
    pub(crate) fn of_stdout() -> Self {
        Self::of(&io::stdout())
    }

    /// For standard error.
    pub(crate) fn of_stderr() -> Self {
        Self::of(&io::stderr())
    }

    /// Colour on a terminal or where `CLICOLOR_FORCE` asks for it, unless `NO_COLOR` says otherwise.
    fn of(stream: &impl IsTerminal) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_forced =
            std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let is_wanted = is_forced || (stream.is_terminal() && !is_dumb);
        if is_wanted && !is_set("NO_COLOR") { Self::Colour } else { Self::Plain }
    }

    /// A text in its tone.
    pub(crate) fn tone(self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Bold => "1",
            Tone::Dim => "2",
            Tone::Good => "32",
            Tone::Warn => "1;33",
            Tone::Bad => "1;31",
            Tone::Frame => "1;34",
        };
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }

    /// A scorecard for this terminal.
    pub(crate) fn card(self, card: &Scorecard) -> String {
        card.to_text_in(width(), &|status, word| self.status(status, word))
    }

    /// A report for this terminal.
    pub(crate) fn document(self, document: &Document) -> String {
        document.to_text_in(width(), &|status, word| self.status(status, word))
    }

    fn status(self, status: RowStatus, word: &str) -> String {
        let tone = match status {
            RowStatus::Pass => Tone::Good,
            RowStatus::Fail => Tone::Bad,
            RowStatus::Warn | RowStatus::Inconclusive => Tone::Warn,
            RowStatus::NotYet | RowStatus::Skipped => Tone::Dim,
        };
        self.tone(tone, word)
    }
}

/// How wide tables may be: what `COLUMNS` says, else what the terminal has, else the usual.
pub(crate) fn width() -> Width {
    let said = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let has = || Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    match said.or_else(has).filter(|columns| *columns > 0) {
        Some(columns) => Width::of(columns.min(WIDEST)),
        None => Width::USUAL,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_is_plain() {
        assert_eq!(Paint::Plain.tone(Tone::Bad, "FAIL"), "FAIL");
        assert_eq!(Paint::Colour.tone(Tone::Bad, "FAIL"), "\u{1b}[1;31mFAIL\u{1b}[0m");
    }
}
