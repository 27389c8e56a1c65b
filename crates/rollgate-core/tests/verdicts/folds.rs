//! `tests/spec/folds.toml`: groups and `only_if` over members of every verdict.

use rollgate_core::config::Node;

use crate::stage::play;
use crate::table::{Row, entries, list, map, read, text, words};
use crate::{TABLE, as_gate, as_trigger};

const FOLDS: &str = include_str!("../../../../tests/spec/folds.toml");

fn condition(keys: &[(&str, &str)]) -> Node {
    map(keys.iter().map(|(key, value)| ((*key).to_owned(), text(value))).collect())
}

/// A condition that comes to this verdict with a heap of 100 MB, a share of one half, and nothing else.
fn member(verdict: char) -> Node {
    let heap = [("metric", "heap"), ("stat", "max"), ("over", "1m")];
    let of = |more: &[(&str, &str)]| condition(&[&heap[..], more].concat());
    match verdict {
        'P' => of(&[("below", "500MB")]),
        'W' => of(&[("below", "105MB"), ("warn_within", "10%")]),
        'F' => of(&[("above", "500MB")]),
        'I' => condition(&[("metric", "vectors"), ("stat", "max"), ("over", "1m"), ("below", "500")]),
        _ => {
            let mut keys: Vec<(String, Node)> = Vec::new();
            for (key, _, value) in entries(&of(&[("below", "500MB")])) {
                keys.push((key.clone(), value.clone()));
            }
            keys.push(("only_if".into(), condition(&[("flag", "NEW"), ("share_above", "90%")])));
            map(keys)
        }
    }
}

fn with(mut of: Node, key: &str, value: Node) -> Node {
    if let rollgate_core::config::Value::Map(entries) = &mut of.value {
        entries.push((key.to_owned(), rollgate_core::config::Location::default(), value));
    }
    of
}

/// What is wrong with one fold; as a trigger a warning is a pass.
fn check(table: &Node, feed: &Node, when: Node, name: &str, expected: char, as_fired: char) -> Vec<String> {
    let row = Row {
        name: name.to_owned(),
        when,
        plan: None,
        feed: vec![feed.clone()],
        given: Vec::new(),
        at: rollgate_core::time::Span::minutes(1),
        gate: Some(String::new()),
        trigger: Some(String::new()),
        since: None,
        is_without_evidence: false,
    };
    let judged = play(table, &row);
    let (gate, trigger) = (as_gate(judged.gate.unwrap()), as_trigger(judged.trigger.unwrap()));
    let word = |verdict| match verdict {
        'P' => ("pass", "fires"),
        'W' => ("warn", "fires"),
        'F' => ("fail", "clear"),
        'I' => ("no_data", "no_data"),
        _ => ("skipped", "skipped"),
    };
    let mut wrong = Vec::new();
    if gate != word(expected).0 {
        wrong.push(format!("{name}: as a gate {gate}, not {}", word(expected).0));
    }
    if trigger != word(as_fired).1 {
        wrong.push(format!("{name}: as a trigger {trigger}, not {}", word(as_fired).1));
    }
    wrong
}

#[test]
fn verdicts_fold_as_written_in_every_combination() {
    let (table, folds) = (read(TABLE), read(FOLDS));
    let feed = read("metric = \"heap\"\nvalue = 100\nat = \"5s\"");
    let of = |section: &str| -> Vec<(String, String)> {
        let section = folds.field(section).unwrap();
        entries(section)
            .iter()
            .map(|(members, _, folded)| (members.clone(), words(folded).to_owned()))
            .collect()
    };
    let (nots, asked, groups) = (of("not"), of("only_if"), of("group"));
    assert_eq!((nots.len(), asked.len(), groups.len()), (5, 25, 25 + 125), "not every combination is there");
    // As a trigger a member that would warn holds.
    let fired = |all: &[(String, String)], members: &str| -> String {
        let members = members.replace('W', "P");
        all.iter().find(|(known, _)| *known == members).unwrap().1.clone()
    };
    let first = |text: &str| text.chars().next().unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut judge = |when, name: &str, expected, as_fired| {
        count += 1;
        wrong.extend(check(&table, &feed, when, name, expected, as_fired));
    };
    for (member_of, folded) in &nots {
        let when = with(map(Vec::new()), "not", member(first(member_of)));
        judge(when, &format!("not {member_of}"), first(folded), first(&fired(&nots, member_of)));
    }
    for (members, folded) in &asked {
        let (question, inner) = (first(members), members.chars().nth(1).unwrap());
        let inner = with(map(Vec::new()), "all", list(vec![member(inner)]));
        let when = with(inner, "only_if", member(question));
        judge(when, &format!("only_if {members}"), first(folded), first(&fired(&asked, members)));
    }
    for (members, folded) in &groups {
        let fired = fired(&groups, members);
        let inner = || list(members.chars().map(member).collect());
        for (at, (expected, as_fired)) in folded.chars().zip(fired.chars()).enumerate() {
            let (name, when) = match at {
                0 => ("all".to_owned(), with(map(Vec::new()), "all", inner())),
                1 => ("any".to_owned(), with(map(Vec::new()), "any", inner())),
                n => {
                    let needed = (n - 1).to_string();
                    let least = with(condition(&[("n", &needed)]), "conditions", inner());
                    (format!("at least {needed} of"), with(map(Vec::new()), "at_least_of", least))
                }
            };
            judge(when, &format!("{name} {members}"), expected, as_fired);
        }
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(count, 5 + 25 + 25 * 4 + 125 * 5);
}
