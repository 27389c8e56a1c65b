//! From a draft to a plan that compiles: what the compiler refuses in a flag makes that flag malformed, and no other.

use std::collections::BTreeMap;

use rollgate_core::compile::{Level, compile_config};
use rollgate_core::config::{Config, Named, Node};

use super::draft::{Draft, malformed, never};
use super::{Imported, Note, NoteKind};

/// How often the compiler may find something new: a flag that is malformed can leave others without what they name.
const ROUNDS: usize = 64;

/// Makes the plan.
pub(super) fn settle(draft: Draft, name: &str) -> Result<Imported, String> {
    let Draft { mut flags, mut conditions, mut notes, .. } = draft;
    let mut note = |flag: Option<&String>, path: String, why: &str| {
        notes.push(Note { kind: NoteKind::Malformed, flag: flag.cloned(), path, what: why.to_owned() });
    };
    // What has no form as a plan at all (too deep, a key that is there twice) is known before the compiler sees it.
    for (key, flag) in &mut flags {
        if let Err(why) = form(flag) {
            note(Some(key), format!("flags.{key}"), &why);
            *flag = malformed(why);
        }
    }
    for (key, condition) in &mut conditions {
        if let Err(why) = form(condition) {
            note(None, format!("conditions.{key}"), &format!("{why}; the rules that use it never match"));
            *condition = never(key);
        }
    }
    if flags.is_empty() {
        return Err("there is no flag in it that a plan can hold".into());
    }
    let conditions = (!conditions.is_empty()).then_some(Named(conditions));
    let mut config =
        Config { version: 1, name: name.to_owned(), flags: Named(flags), conditions, ..Config::default() };
    for _ in 0..ROUNDS {
        let problems = match compile_config(&config) {
            Ok(_) => return Ok(Imported { config, notes }),
            Err(problems) => problems,
        };
        let mut refused: BTreeMap<(Place, String), String> = BTreeMap::new();
        let mut others = Vec::new();
        for problem in problems.0.iter().filter(|problem| problem.level == Level::Error) {
            match place_of(&config, &problem.path) {
                Some(place) => {
                    refused.entry(place).or_insert_with(|| problem.message.clone());
                }
                None => others.push(problem.to_string()),
            }
        }
        if refused.is_empty() {
            return Err(others.first().cloned().unwrap_or_else(|| "the plan cannot be compiled".into()));
        }
        for ((place, name), why) in refused {
            let note = |flag, path: String, what| Note { kind: NoteKind::Malformed, flag, path, what };
            match place {
                Place::Flag => {
                    if let Some((_, flag)) = config.flags.0.iter_mut().find(|(key, _)| *key == name) {
                        *flag = malformed(why.clone());
                    }
                    notes.push(note(Some(name.clone()), format!("flags.{name}"), why));
                }
                Place::Condition => {
                    let named = config.conditions.iter_mut().flat_map(|named| named.0.iter_mut());
                    for (_, condition) in named.filter(|(key, _)| *key == name) {
                        *condition = never(&name);
                    }
                    let what = format!("{why}; the rules that use it never match");
                    notes.push(note(None, format!("conditions.{name}"), what));
                }
            }
        }
    }
    Err("the flags name each other in too many ways that cannot be compiled".into())
}

/// Whether a flag or a condition can lie where it lies in a plan.
fn form<T: serde::Serialize>(value: &T) -> Result<(), String> {
    let inside = Named(vec![("flags".to_owned(), Named(vec![("flag".to_owned(), value)]))]);
    Node::of(&inside).map(|_| ()).map_err(|error| error.to_string())
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Flag,
    Condition,
}

/// Whose problem it is: keys may have dots, so the longest that fits is meant.
fn place_of(config: &Config, path: &str) -> Option<(Place, String)> {
    fn longest<'a>(rest: &str, names: impl Iterator<Item = &'a String>) -> Option<String> {
        let is_of = |name: &&'a String| {
            rest.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        names.filter(is_of).max_by_key(|name| name.len()).cloned()
    }
    if let Some(rest) = path.strip_prefix("flags.") {
        let name = longest(rest, config.flags.0.iter().map(|(name, _)| name))?;
        // One that is malformed has nothing left to refuse.
        let is_new = config.flags.of(&name).is_some_and(|flag| flag.malformed.is_none());
        return is_new.then_some((Place::Flag, name));
    }
    let named = config.conditions.as_ref()?;
    let name = longest(path.strip_prefix("conditions.")?, named.0.iter().map(|(name, _)| name))?;
    let is_new = named.of(&name).is_some_and(|condition| condition.unknown.is_none());
    is_new.then_some((Place::Condition, name))
}
