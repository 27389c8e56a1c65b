//! Regular expressions that match in linear time, without a lock or an allocation.
//!
//! The `regex` crate keeps its caches in a pool that threads share, and fills them while it matches. A pattern here is a
//! whole automaton before the first evaluation; one that would not fit is refused as the plan is compiled.

use std::fmt;
use std::sync::Arc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::{Anchored, Input, MatchKind};

use crate::limits::PATTERN_BYTES_MAX;

/// A compiled pattern; it matches anywhere in a text.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    automaton: Arc<dense::DFA<Vec<u32>>>,
}

impl Pattern {
    /// Compiles a pattern of the syntax of the `regex` crate.
    ///
    /// # Errors
    /// Why it is no pattern, or none that evaluation could run.
    pub fn new(text: &str) -> Result<Self, String> {
        // Of a pattern only that it matches is asked, so all matches are as good as the first.
        let config = dense::Config::new()
            .match_kind(MatchKind::All)
            .start_kind(StartKind::Unanchored)
            .dfa_size_limit(Some(PATTERN_BYTES_MAX))
            .determinize_size_limit(Some(4 * PATTERN_BYTES_MAX));
        let limit = regex_automata::nfa::thompson::Config::new().nfa_size_limit(Some(PATTERN_BYTES_MAX));
        match dense::Builder::new().configure(config).thompson(limit).build(text) {
            Ok(automaton) => Ok(Self { text: text.into(), automaton: Arc::new(automaton) }),
            Err(error) => Err(why(&error)),
        }
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches somewhere in a text. Time grows with the text's length, whatever the pattern.
    pub fn is_match(&self, text: &str) -> bool {
        let input = Input::new(text).anchored(Anchored::No).earliest(true);
        // Without word boundaries of Unicode, which the compiler refuses, no byte makes it give up.
        matches!(self.automaton.try_search_fwd(&input), Ok(Some(_)))
    }
}

/// All reasons of an error: the outermost alone says only that there was one.
fn why(error: &dense::BuildError) -> String {
    let mut texts = vec![error.to_string()];
    let mut next = std::error::Error::source(error);
    while let Some(source) = next {
        texts.push(source.to_string());
        next = source.source();
    }
    texts.last().map(|text| text.trim().to_owned()).unwrap_or_default()
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.text).finish()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
