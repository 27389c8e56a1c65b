//! Bytes as a trace.

use std::io::BufReader;
use std::sync::{Arc, LazyLock};

use rollgate::core::error::ErrorKind;
use rollgate::core::snapshot::Ruleset;
use rollgate::core::time::Span;
use rollgate::read::{Format, ruleset};
use rollgate::replay::{self, Replay};
use rollgate::{journal, trace as reader};

/// The plan that the bytes happen to, and the bytes. A first byte that no text begins with chooses the fuller plan.
pub(super) fn chosen(bytes: &[u8]) -> (Arc<Ruleset>, &[u8]) {
    match bytes.split_first() {
        Some((0xff, rest)) => (full(), rest),
        _ => (small(), bytes),
    }
}

/// What `small` has not: a calendar, actions, channels, removal, things to do.
fn full() -> Arc<Ruleset> {
    static PLAN: LazyLock<Arc<Ruleset>> = LazyLock::new(|| compiled(include_str!("full.yaml")));
    PLAN.clone()
}

/// One metric of each kind, and a record of each kind can come.
fn small() -> Arc<Ruleset> {
    static PLAN: LazyLock<Arc<Ruleset>> =
        LazyLock::new(|| compiled(include_str!("../../spec/journal/plan.yaml")));
    PLAN.clone()
}

fn compiled(text: &str) -> Arc<Ruleset> {
    Arc::new(ruleset(text, Format::Yaml).unwrap_or_else(|problems| panic!("{problems}")).ruleset)
}

/// Longest stretch of time that is played: every ten seconds of it cost an evaluation.
const LONGEST: Span = Span::minutes(10);

/// Replays the bytes. Whatever they are: no panic, the journal is whole, and a bad line changes nothing.
pub fn trace(bytes: &[u8]) {
    let (plan, bytes) = chosen(bytes);
    let bytes = &bytes[..played(bytes)];
    let mut replay = Replay::new(plan.clone());
    let mut journal = Vec::new();
    let ended =
        replay::run(&mut replay, &mut BufReader::new(bytes), &mut |line| journal.push(line.to_owned()));
    journal::verify(journal.iter().map(String::as_str)).unwrap_or_else(|error| panic!("{error}"));
    let Err(error) = ended else { return };
    assert_eq!(error.kind(), ErrorKind::InvalidTrace, "{error}");
    // The lines before the bad one, alone, leave the same journal.
    let number: usize = error
        .to_string()
        .strip_prefix("line ")
        .and_then(|rest| rest.split(':').next()?.parse().ok())
        .unwrap_or_else(|| panic!("no number: {error}"));
    let mut before = Replay::new(plan);
    for line in bytes.split(|byte| *byte == b'\n').take(number - 1) {
        let line =
            std::str::from_utf8(line).unwrap_or_else(|_| panic!("line {number} is not the first bad one"));
        before.feed(line).unwrap_or_else(|error| panic!("line {number} is not the first bad one: {error}"));
    }
    assert_eq!(before.journal(), journal);
}

/// How many of the bytes fit into the time that is played.
fn played(bytes: &[u8]) -> usize {
    let (mut first, mut end) = (None, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let at = std::str::from_utf8(line).ok().and_then(|text| Some(reader::parse_line(text).ok()?.at));
        if let Some(at) = at
            && at.since(*first.get_or_insert(at)) > LONGEST
        {
            break;
        }
        end += line.len();
    }
    end
}
