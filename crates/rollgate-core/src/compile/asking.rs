//! Flags that ask other flags: no circles, and an evaluation that stays small.

use super::reader::{Item, Reader};
use crate::id::FlagId;
use crate::limits::{FLAG_DEPTH_MAX, FLAGS_ASKED_MAX};
use crate::snapshot::{Flag, Target};

/// What is known of a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// It is being looked at: whoever asks it now is asked by it.
    Open,
    /// How many flags one evaluation of it asks, and how deep.
    Asks {
        flags: usize,
        depth: usize,
    },
}

/// Flags that this one asks.
fn asked(flag: &Flag) -> Vec<FlagId> {
    fn of_target(target: &Target, found: &mut Vec<FlagId>) {
        match target {
            Target::Attribute { .. } => {}
            Target::All(parts) | Target::Any(parts) => parts.iter().for_each(|part| of_target(part, found)),
            Target::Not(part) => of_target(part, found),
            Target::Named(_, part) => of_target(part, found),
            Target::Flag(flag, _) => found.push(*flag),
        }
    }
    let mut found: Vec<FlagId> = flag.parent.iter().map(|parent| parent.flag).collect();
    found.extend(flag.prerequisites.iter().map(|wanted| wanted.flag));
    flag.rules.iter().filter_map(|rule| rule.when.as_ref()).for_each(|when| of_target(when, &mut found));
    found
}

/// Refuses circles, and flags that ask too many others.
pub(super) fn check(reader: &mut Reader, flags: &[Flag], places: &[Item<'_>]) {
    let edges: Vec<Vec<FlagId>> = flags.iter().map(asked).collect();
    let mut known = vec![Known::Nothing; flags.len()];
    for index in 0..flags.len() {
        // By hand and not by recursion: a chain of four thousand flags is refused, and does not end the stack.
        let mut path: Vec<(usize, usize)> = vec![(index, 0)];
        if known[index] != Known::Nothing {
            continue;
        }
        known[index] = Known::Open;
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            match edges[at].get(*next) {
                Some(other) => {
                    *next += 1;
                    let other = other.index();
                    match known[other] {
                        Known::Nothing => {
                            known[other] = Known::Open;
                            path.push((other, 0));
                        }
                        Known::Open => circle(reader, flags, &places[at], &path, other),
                        Known::Asks { .. } => {}
                    }
                }
                None => {
                    path.pop();
                    known[at] = of_asked(&edges[at], &known);
                    if let Known::Asks { flags: asks, depth } = known[at]
                        && (asks > FLAGS_ASKED_MAX || depth > FLAG_DEPTH_MAX)
                    {
                        too_many(reader, &flags[at], &places[at]);
                        // Said once: whoever asks this flag is not told again.
                        known[at] = Known::Asks { flags: 1, depth: 0 };
                    }
                }
            }
        }
    }
}

fn of_asked(edges: &[FlagId], known: &[Known]) -> Known {
    edges.iter().fold(Known::Asks { flags: 1, depth: 0 }, |sum, other| match (sum, known[other.index()]) {
        (Known::Asks { flags, depth }, Known::Asks { flags: more, depth: deep }) => {
            Known::Asks { flags: flags.saturating_add(more), depth: depth.max(deep + 1) }
        }
        (sum, _) => sum,
    })
}

fn circle(reader: &mut Reader, flags: &[Flag], place: &Item<'_>, path: &[(usize, usize)], back: usize) {
    let from = path.iter().position(|(at, _)| *at == back).unwrap_or_default();
    let mut names: Vec<&str> = path[from..].iter().map(|(at, _)| flags[*at].key.as_str()).collect();
    names.push(flags[back].key.as_str());
    let message = format!("flags ask each other in a circle: {}", names.join(", then "));
    let help = "remove one of the prerequisites, conditions or `within` that make it";
    reader.error_help("flag-cycle", &place.path, place.key_at(), message, help);
}

fn too_many(reader: &mut Reader, flag: &Flag, place: &Item<'_>) {
    let message = format!(
        "an evaluation of `{}` asks more than {FLAGS_ASKED_MAX} flags, or {FLAG_DEPTH_MAX} one behind the other",
        flag.key
    );
    let help = "let fewer flags ask others";
    reader.error_help("too-many", &place.path, place.key_at(), message, help);
}
