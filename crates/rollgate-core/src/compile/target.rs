//! Conditions on attributes: one subject, one operator.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::flags::unknown;
use super::reader::{Item, Map, Reader};
use super::variants::{FlagNames, serves};
use crate::config::{Scalar, Value};
use crate::id::Key;
use crate::limits::{CONDITION_DEPTH_MAX, NAMED_MAX, TARGETS_MAX};
use crate::snapshot::{
    AttributeName, Case, Network, Order, Pattern, Place, Target, Test, Values, Version, lower, time_of_text,
};

/// What a condition may be of; each has exactly one.
const SUBJECTS: [&str; 7] = ["attribute", "all", "any", "not", "condition", "flag", "unknown"];

/// How a test reads its value.
#[derive(Clone, Copy)]
enum Operator {
    Equals,
    In,
    Texts(Place),
    Matches,
    Number(Order),
    Time(Order),
    Version(Order),
    Network,
    Present,
}

/// Every operator, and whether it asks the opposite.
const OPERATORS: [(&str, Operator, bool); 24] = [
    ("equals", Operator::Equals, false),
    ("not_equals", Operator::Equals, true),
    ("in", Operator::In, false),
    ("not_in", Operator::In, true),
    ("starts_with", Operator::Texts(Place::Start), false),
    ("ends_with", Operator::Texts(Place::End), false),
    ("contains", Operator::Texts(Place::Anywhere), false),
    ("matches", Operator::Matches, false),
    ("below", Operator::Number(Order::Below), false),
    ("above", Operator::Number(Order::Above), false),
    ("at_most", Operator::Number(Order::AtMost), false),
    ("at_least", Operator::Number(Order::AtLeast), false),
    ("before", Operator::Time(Order::Below), false),
    ("after", Operator::Time(Order::Above), false),
    ("not_before", Operator::Time(Order::AtLeast), false),
    ("not_after", Operator::Time(Order::AtMost), false),
    ("version_equals", Operator::Version(Order::Equal), false),
    ("version_below", Operator::Version(Order::Below), false),
    ("version_above", Operator::Version(Order::Above), false),
    ("version_at_most", Operator::Version(Order::AtMost), false),
    ("version_at_least", Operator::Version(Order::AtLeast), false),
    ("in_network", Operator::Network, false),
    ("not_in_network", Operator::Network, true),
    ("present", Operator::Present, false),
];

/// A condition with what the rule around it has to know.
#[derive(Clone)]
pub(super) struct Written {
    pub(super) target: Target,
    /// An operator that nobody knows, here or in a condition that it names.
    pub(super) unknown: Option<Box<str>>,
    /// How many conditions one evaluation may ask.
    pub(super) size: usize,
}

/// A named condition that is compiled: shared, with an operator in it that nobody knows, and its size. `None`: refused.
type Done = Option<(Arc<Target>, Option<Box<str>>, usize)>;

/// What a named condition has become.
enum Named<'a> {
    Waiting(Item<'a>),
    /// It is being compiled: whoever names it now, names itself.
    Open,
    Done(Done),
}

/// Compiles conditions: knows the flags and the named conditions.
pub(super) struct Targets<'a, 'f> {
    pub(super) flags: &'f FlagNames,
    named: BTreeMap<String, Named<'a>>,
}

impl<'a, 'f> Targets<'a, 'f> {
    /// Compiles the plan's `conditions`, each once, whoever names it first.
    pub(super) fn new(reader: &mut Reader, flags: &'f FlagNames, item: Option<Item<'a>>) -> Self {
        let entries =
            item.map(|item| reader.named(&item, "a map of conditions", NAMED_MAX)).unwrap_or_default();
        let names: Vec<String> = entries.iter().map(|(key, _, _)| (*key).to_owned()).collect();
        let named =
            entries.into_iter().map(|(key, _, item)| (key.to_owned(), Named::Waiting(item))).collect();
        let mut targets = Self { flags, named };
        for name in names {
            targets.named(reader, &name, 0);
        }
        targets
    }

    /// A named condition, compiled where it has not been; `None`: it names itself.
    fn named(&mut self, reader: &mut Reader, name: &str, depth: usize) -> Option<Done> {
        let slot = self.named.get_mut(name)?;
        match std::mem::replace(slot, Named::Open) {
            Named::Open => None,
            Named::Done(done) => {
                *slot = Named::Done(done.clone());
                Some(done)
            }
            Named::Waiting(item) => {
                let written = self.target(reader, &item, depth);
                let done = written.map(|written| (Arc::new(written.target), written.unknown, written.size));
                self.named.insert(name.to_owned(), Named::Done(done.clone()));
                Some(done)
            }
        }
    }

    /// Compiles one condition.
    pub(super) fn target(&mut self, reader: &mut Reader, item: &Item<'a>, depth: usize) -> Option<Written> {
        if depth > CONDITION_DEPTH_MAX {
            let message = format!("conditions lie more than {CONDITION_DEPTH_MAX} deep");
            let help = "write fewer conditions inside conditions";
            reader.error_help("too-deep", &item.path, item.at(), message, help);
            return None;
        }
        let mut map = reader.map(item, "a condition: a map with a subject and an operator")?;
        let written: Vec<&str> = SUBJECTS.into_iter().filter(|subject| map.has(subject)).collect();
        let found = match written[..] {
            [one] => self.subject(reader, &mut map, item, one, depth),
            _ => {
                let (path, at) = (&item.path, item.key_at());
                if written.is_empty() {
                    let message = "the condition says nothing about what it is of";
                    let help = format!("add one of {}", SUBJECTS.join(", "));
                    reader.error_help("no-subject", path, at, message, help);
                } else {
                    let subjects = written.join(" and ");
                    let message = format!("a condition has one subject, this one has {subjects}");
                    reader.error_help("two-subjects", path, at, message, "write two conditions under `all`");
                }
                None
            }
        };
        close(reader, map, &written);
        let found = found?;
        if found.size > TARGETS_MAX {
            let message = format!("one evaluation would ask more than {TARGETS_MAX} conditions");
            let help = "name fewer conditions, or name them once";
            reader.error_help("too-many", &item.path, item.at(), message, help);
            return None;
        }
        Some(found)
    }

    fn subject(
        &mut self,
        reader: &mut Reader,
        map: &mut Map<'a>,
        item: &Item<'a>,
        subject: &'static str,
        depth: usize,
    ) -> Option<Written> {
        let value = map.take(subject)?;
        let leaf = |target| Written { target, unknown: None, size: 1 };
        match subject {
            "attribute" => attribute(reader, map, item, &value).map(leaf),
            "all" | "any" => {
                let items = reader.list(&value, "a list of conditions", TARGETS_MAX);
                if items.is_empty() {
                    let help = "add a condition, or leave the group out";
                    reader.error_help("empty-group", &value.path, value.at(), "the group is empty", help);
                }
                let parts: Vec<Option<Written>> =
                    items.iter().map(|item| self.target(reader, item, depth + 1)).collect();
                let parts: Vec<Written> = parts.into_iter().collect::<Option<_>>()?;
                let size = parts.iter().fold(1_usize, |sum, part| sum.saturating_add(part.size));
                let unknown = parts.iter().find_map(|part| part.unknown.clone());
                let members = parts.into_iter().map(|part| part.target).collect();
                let target = if subject == "all" { Target::All(members) } else { Target::Any(members) };
                Some(Written { target, unknown, size })
            }
            "not" => {
                let inner = self.target(reader, &value, depth + 1)?;
                let size = inner.size.saturating_add(1);
                Some(Written { target: Target::Not(Box::new(inner.target)), size, ..inner })
            }
            "condition" => self.by_name(reader, &value, depth),
            "flag" => {
                let flag = self.flags.of(reader, &value)?;
                let Some(wanted) = map.take("serves") else {
                    let message = "the condition does not say what the flag must serve";
                    let help = "add `serves: true`, `serves: false`, or a variant's name";
                    reader.error_help("missing-key", &item.path, item.key_at(), message, help);
                    return None;
                };
                Some(leaf(Target::Flag(flag, serves(reader, self.flags, flag, &wanted)?)))
            }
            _ => {
                let operator = reader.text(&value)?;
                let message = format!("`{operator}` is no operator that rollgate knows");
                let help = "its rule never matches; write what it means with the operators there are";
                reader.warn("unknown-operator", &value.path, value.at(), message, help);
                // What stands here is never asked: the whole rule is out.
                Some(Written { target: Target::Any(Box::default()), unknown: Some(operator.into()), size: 1 })
            }
        }
    }

    fn by_name(&mut self, reader: &mut Reader, value: &Item<'a>, depth: usize) -> Option<Written> {
        let name = reader.text(value)?;
        if !self.named.contains_key(&name) {
            unknown(
                reader,
                "unknown-condition",
                "condition",
                value,
                &name,
                self.named.keys().map(String::as_str),
            );
            return None;
        }
        let Some(found) = self.named(reader, &name, depth + 1) else {
            let message = format!("condition `{name}` is part of itself");
            let help = "name another condition, or write out what is meant";
            reader.error_help("condition-cycle", &value.path, value.at(), message, help);
            return None;
        };
        let (target, unknown, size) = found?;
        let target = Target::Named(Key::new(name), target);
        Some(Written { target, unknown, size: size.saturating_add(1) })
    }
}

/// Closes a condition: a key of another subject would be left out in silence.
fn close(reader: &mut Reader, mut map: Map<'_>, written: &[&str]) {
    let of_attribute = OPERATORS.map(|(key, _, _)| key).into_iter().chain(["ignore_case"]);
    let keys = of_attribute.map(|key| (key, "attribute")).chain([("serves", "flag")]);
    for (key, subject) in keys {
        if let Some(item) = map.take(key)
            && let [only] = written
            && *only != subject
        {
            let message = format!("`{key}` says nothing beside `{only}`");
            let help = format!("it goes with `{subject}`; write two conditions under `all`");
            reader.error_help("unused-key", &item.path, item.key_at(), message, help);
        }
    }
    SUBJECTS.into_iter().for_each(|subject| drop(map.take(subject)));
    reader.close(map);
}

/// An attribute and its operator.
fn attribute(reader: &mut Reader, map: &mut Map<'_>, item: &Item<'_>, value: &Item<'_>) -> Option<Target> {
    let name = reader.text(value);
    let name = name.map(|name| match name.as_str() {
        "targeting_key" => AttributeName::TargetingKey,
        _ => AttributeName::Named(Key::new(name)),
    });
    let case = match map.take("ignore_case").and_then(|item| reader.flag(&item)) {
        Some(true) => Case::Ignored,
        _ => Case::Exact,
    };
    let has_case = map.has("ignore_case");
    let written: Vec<(&str, Operator, bool, Item<'_>)> = OPERATORS
        .into_iter()
        .filter_map(|(key, operator, is_negated)| map.take(key).map(|item| (key, operator, is_negated, item)))
        .collect();
    let keys: Vec<&str> = written.iter().map(|(key, ..)| *key).collect();
    let [(_, operator, is_negated, asked)] = &written[..] else {
        let (path, at) = (&item.path, item.key_at());
        if keys.is_empty() {
            let help = format!("add one of {}", OPERATORS.map(|(key, ..)| key).join(", "));
            reader.error_help("no-operator", path, at, "nothing is asked of the attribute", help);
        } else {
            let message = format!("a condition has one operator, this one has {}", keys.join(" and "));
            reader.error_help("two-operators", path, at, message, "write two conditions under `all`");
        }
        return None;
    };
    if has_case && !matches!(operator, Operator::Equals | Operator::In | Operator::Texts(_)) {
        let message = format!("`ignore_case` says nothing beside `{}`", keys[0]);
        let help = "remove it; in a pattern write (?i)";
        reader.error_help("unused-key", &item.path, map.key_at("ignore_case"), message, help);
    }
    let test = test(reader, *operator, asked, case);
    // `present: false` is the opposite of being there.
    let is_absent = matches!(operator, Operator::Present)
        && matches!(asked.node.value, Value::Scalar(Scalar::Bool(false)));
    Some(Target::Attribute { name: name?, test: test?, is_negated: *is_negated || is_absent })
}

fn test(reader: &mut Reader, operator: Operator, item: &Item<'_>, case: Case) -> Option<Test> {
    match operator {
        Operator::Equals => {
            values(reader, std::slice::from_ref(item), case).map(|values| Test::Equals(values, case))
        }
        Operator::In => {
            let items = reader.list(item, "a list of texts, numbers or truth values", usize::MAX);
            values(reader, &items, case).map(|values| Test::Equals(values, case))
        }
        Operator::Texts(place) => {
            let texts = texts(reader, item)?;
            let cased = texts.iter().map(|text| match case {
                Case::Exact => text.as_str().into(),
                Case::Ignored => lower(text).into(),
            });
            Some(Test::Texts(place, cased.collect(), case))
        }
        Operator::Matches => pattern(reader, item).map(Test::Matches),
        Operator::Number(order) => number(reader, item).map(|limit| Test::Number(order, limit)),
        Operator::Time(order) => {
            let text = reader.raw(item, "a time such as 2026-01-19T10:00:00Z")?;
            let time = time_of_text(text);
            if time.is_none() {
                let message = format!("`{text}` is no time with its offset, and no date");
                let help = "write for example 2026-01-19T10:00:00Z, or 2026-01-19, which begins at 00:00 UTC";
                reader.error_help("wrong-time", &item.path, item.at(), message, help);
            }
            time.map(|time| Test::Time(order, time))
        }
        Operator::Version(order) => {
            let text = reader.raw(item, "a version such as 2.1.0")?;
            let version = Version::parse(text);
            if version.is_none() {
                let message = format!("`{text}` is no version by SemVer 2.0.0");
                let help = "write three numbers without leading zeros, for example 2.1.0 or 2.1.0-rc.1";
                reader.error_help("wrong-version", &item.path, item.at(), message, help);
            }
            version.map(|version| Test::Version(order, version))
        }
        Operator::Network => {
            let texts = texts(reader, item)?;
            let networks = texts.iter().map(|text| network(reader, item, text)).collect::<Vec<_>>();
            Some(Test::Network(networks.into_iter().collect::<Option<_>>()?))
        }
        Operator::Present => reader.flag(item).map(|_| Test::Present),
    }
}

fn network(reader: &mut Reader, item: &Item<'_>, text: &str) -> Option<Network> {
    let network = Network::parse(text);
    if network.is_none() {
        let message = format!("`{text}` is no address and no network");
        let help = "write for example 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";
        reader.error_help("wrong-network", &item.path, item.at(), message, help);
    }
    network
}

fn pattern(reader: &mut Reader, item: &Item<'_>) -> Option<Pattern> {
    let text = reader.text(item)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let message = format!("the pattern cannot be used: {}", why.replace('\n', " "));
            let help = "patterns run in linear time, so there are no look-arounds and back-references; where a pattern \
                        is too large, or has a word boundary, write its letters as ASCII: (?-u:\\b), (?-u:\\w)";
            reader.error_help("wrong-pattern", &item.path, item.at(), message, help);
            None
        }
    }
}

/// A number; finite.
fn number(reader: &mut Reader, item: &Item<'_>) -> Option<f64> {
    let text = reader.raw(item, "a number")?;
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    if number.is_none() {
        let message = format!("`{text}` is not a number");
        reader.error_help(
            "wrong-number",
            &item.path,
            item.at(),
            message,
            "write a number, for example 18 or 2.5",
        );
    }
    number
}

/// A text, or a list of them.
pub(super) fn texts(reader: &mut Reader, item: &Item<'_>) -> Option<Vec<String>> {
    if !matches!(item.node.value, Value::List(_)) {
        return reader.text(item).map(|text| vec![text]);
    }
    let items = reader.list(item, "a text, or a list of texts", usize::MAX);
    let texts: Vec<Option<String>> = items.iter().map(|item| reader.text(item)).collect();
    texts.into_iter().collect()
}

fn values(reader: &mut Reader, items: &[Item<'_>], case: Case) -> Option<Values> {
    let (mut texts, mut numbers, mut bools) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_fine = true;
    for item in items {
        match &item.node.value {
            Value::Scalar(Scalar::Bool(value)) => bools.push(*value),
            Value::Scalar(Scalar::Number(_)) => match number(reader, item) {
                Some(number) => numbers.push(number),
                None => is_fine = false,
            },
            Value::Scalar(Scalar::Text(text)) => texts.push(match case {
                Case::Exact => text.as_str().into(),
                Case::Ignored => lower(text).into(),
            }),
            _ => {
                reader.expected(item, "a text, a number, true or false");
                is_fine = false;
            }
        }
    }
    is_fine.then(|| Values::new(texts, numbers, bools))
}
