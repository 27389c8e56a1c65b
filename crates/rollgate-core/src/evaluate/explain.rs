//! The trail of one evaluation, for people. A visitor that costs nothing where nobody looks.

use std::fmt;

use super::{Attribute, ErrorCode, Evaluation};
use crate::id::{Key, VariantId};
use crate::snapshot::{
    AttributeName, Case, ExclusiveSlot, Flag, Holdback, Order, Place, Rule, Test, Variants,
};
use crate::units::Share;

/// One step of an evaluation.
#[derive(Clone, Copy, Debug)]
pub enum Note<'a> {
    /// A flag is looked at; `depth` counts parents below the one asked for.
    Flag(&'a Flag, usize),
    /// It is killed: off before everything else.
    Killed,
    /// The flag is final: a constant.
    Final,
    /// It is disabled.
    Disabled,
    /// What its parent gave.
    Parent(&'a Flag, &'a Evaluation),
    /// An operator's share decides before lists.
    Overridden(Share),
    /// The key is on a list: `always_on` or `always_off`.
    Listed(&'static str),
    /// The flag has lists, and the key is on none of them.
    Unlisted,
    /// The share is nobody's or everybody's.
    Whole(Share),
    /// A bucket against a threshold; `start` is the first bucket of a flag that excludes others.
    Split {
        /// Of the subject.
        bucket: u32,
        /// The first bucket that may be on.
        start: u32,
        /// How many buckets from there are on.
        threshold: u64,
    },
    /// It cannot be read, and why.
    Malformed(&'a str),
    /// What a flag that it asks gave, and whether that is what it asks for.
    Asked(&'a Flag, &'a Evaluation, bool),
    /// The flag's range among flags that exclude each other, and whether the subject's bucket lies in it.
    Slot(&'a ExclusiveSlot, u32, bool),
    /// The subject's bucket in a holdback, and whether it is held back.
    Holdback(&'a Holdback, u32, bool),
    /// A condition on an attribute.
    Attribute {
        /// Which.
        name: &'a AttributeName,
        /// What it is asked.
        test: &'a Test,
        /// Whether the opposite is asked.
        is_negated: bool,
        /// What the context has.
        value: Option<Attribute<'a>>,
        /// Whether it holds.
        is_met: bool,
    },
    /// A named condition, and whether it holds.
    Named(&'a Key, bool),
    /// A rule by its place, and whether it matches.
    Rule(usize, &'a Rule, bool),
    /// A rule that asks what nobody knows.
    UnknownOperator(usize, &'a Rule, &'a str),
    /// The variant that is served, and the bucket that chose it.
    Variant(&'a Variants, VariantId, Option<u32>),
    /// There is no answer.
    Error(ErrorCode),
}

impl fmt::Display for Note<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag, 0) => write!(f, "flag {} (salt {})", flag.key, flag.bucketer.salt),
            Self::Flag(flag, _) => write!(f, "asks {} (salt {})", flag.key, flag.bucketer.salt),
            Self::Killed => f.write_str("killed by a stop or a rollback to zero: off"),
            Self::Final => f.write_str("final: on for everybody, whatever was set"),
            Self::Disabled => f.write_str("disabled: the caller's default"),
            Self::Parent(flag, answer) => {
                write!(f, "inside {}: {}", flag.key, if answer.is_on() { "on, go on" } else { "off, so off" })
            }
            Self::Overridden(share) => write!(f, "an operator set {share}: it decides before lists"),
            Self::Listed(list) => write!(f, "the key is in {list}"),
            Self::Unlisted => f.write_str("the key is on no list"),
            Self::Whole(share) if *share == Share::ZERO => f.write_str("share 0%: off for everybody"),
            Self::Whole(share) => write!(f, "share {share}: on for everybody"),
            Self::Split { bucket, start, threshold } => split(f, *bucket, *start, *threshold),
            Self::Malformed(why) => write!(f, "cannot be read: {why}"),
            Self::Asked(flag, answer, is_met) => {
                let side = if answer.is_on() { "on" } else { "off" };
                write!(
                    f,
                    "needs {}, which is {side}: {}",
                    flag.key,
                    if *is_met { "go on" } else { "not met" }
                )
            }
            Self::Slot(slot, bucket, is_inside) => {
                let (from, to) = (part(u64::from(slot.start)), part(slot.end));
                let side = if *is_inside { "in" } else { "outside" };
                let answer = if *is_inside { "go on" } else { "off" };
                let (group, way) = (&slot.group, part(u64::from(*bucket)));
                write!(
                    f,
                    "exclusive in {group}: bucket {bucket} ({way}%) is {side} {from}% to {to}%: {answer}"
                )
            }
            Self::Holdback(holdback, bucket, is_held) => {
                let (share, name) = (holdback.share, &holdback.key);
                let held = if *is_held { "held back, so off" } else { "not held back" };
                write!(
                    f,
                    "holdback {name} ({share}): bucket {bucket} ({}%), {held}",
                    part(u64::from(*bucket))
                )
            }
            Self::Attribute { name, test, is_negated, value, is_met } => {
                let not = if *is_negated { "not " } else { "" };
                let answer = if *is_met { "yes" } else { "no" };
                write!(f, "  {} {not}{}: ", name.as_str(), Asks(test))?;
                match value {
                    Some(value) => write!(f, "{answer}, it is {}", Shown(*value)),
                    None => write!(f, "{answer}, the context has none"),
                }
            }
            Self::Named(name, is_met) => {
                write!(f, "  condition {name}: {}", if *is_met { "yes" } else { "no" })
            }
            Self::Rule(at, rule, is_met) => {
                rule_name(f, *at, rule)?;
                f.write_str(if *is_met { " matches" } else { " does not match" })
            }
            Self::UnknownOperator(at, rule, operator) => {
                rule_name(f, *at, rule)?;
                write!(f, " never matches: it asks for `{operator}`, which rollgate does not know")
            }
            Self::Variant(variants, id, bucket) => {
                let name = variants.list.get(id.index()).map_or("", |variant| variant.key.as_str());
                match bucket {
                    Some(bucket) => {
                        write!(
                            f,
                            "variant {name}: bucket {bucket} ({}% of the way)",
                            part(u64::from(*bucket))
                        )
                    }
                    None => write!(f, "variant {name}"),
                }
            }
            Self::Error(code) => write!(f, "{}: the caller's default", code.name()),
        }
    }
}

/// Buckets as a percentage of all, to four places.
fn part(buckets: u64) -> f64 {
    (buckets as f64 / 4_294_967_296.0 * 1e6).round() / 1e4
}

fn split(f: &mut fmt::Formatter<'_>, bucket: u32, start: u32, threshold: u64) -> fmt::Result {
    let way = part(u64::from(bucket));
    let is_on = u64::from(bucket.wrapping_sub(start)) < threshold;
    if start > 0 {
        let (from, to) = (part(u64::from(start)), part(u64::from(start) + threshold));
        let (side, answer) = if is_on { ("in", "on") } else { ("outside", "off") };
        return write!(f, "bucket {bucket} ({way}% of the way) is {side} {from}% to {to}%: {answer}");
    }
    let (side, answer) = if is_on { ("below", "on") } else { ("not below", "off") };
    let share = part(threshold);
    write!(f, "bucket {bucket} ({way}% of the way) is {side} threshold {threshold} ({share}%): {answer}")
}

fn rule_name(f: &mut fmt::Formatter<'_>, at: usize, rule: &Rule) -> fmt::Result {
    match &*rule.name {
        "" => write!(f, "rule {}", at + 1),
        name => write!(f, "rule {} ({name})", at + 1),
    }
}

/// A test in words.
struct Asks<'a>(&'a Test);

impl fmt::Display for Asks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = |order: &Order| match order {
            Order::Equal => "equals",
            Order::Below => "is below",
            Order::Above => "is above",
            Order::AtMost => "is at most",
            Order::AtLeast => "is at least",
        };
        match self.0 {
            Test::Equals(values, case) => {
                f.write_str("is in ")?;
                let texts = values.texts.iter().map(|text| format!("\"{text}\""));
                let numbers = values.numbers.iter().map(f64::to_string);
                list(f, texts.chain(numbers).chain(values.bools.iter().map(bool::to_string)))?;
                cased(f, *case)
            }
            Test::Texts(place, texts, case) => {
                f.write_str(match place {
                    Place::Start => "starts with ",
                    Place::End => "ends with ",
                    Place::Anywhere => "contains ",
                })?;
                list(f, texts.iter().map(|text| format!("\"{text}\"")))?;
                cased(f, *case)
            }
            Test::Matches(pattern) => write!(f, "matches /{}/", pattern.as_str()),
            Test::Number(how, limit) => write!(f, "{} {limit}", order(how)),
            Test::Time(how, limit) => write!(f, "{} {limit}", order(how)),
            Test::Version(how, limit) => write!(f, "{} version {}", order(how), limit.as_str()),
            Test::Network(networks) => {
                f.write_str("lies in ")?;
                list(f, networks.iter().map(|network| format!("{}/{}", network.address, network.prefix)))
            }
            Test::Present => f.write_str("is there"),
        }
    }
}

/// A list of at most a few; nobody reads ten thousand keys.
fn list(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = String>) -> fmt::Result {
    const SHOWN: usize = 8;
    let mut items = items.peekable();
    let shown: Vec<String> = items.by_ref().take(SHOWN).collect();
    match (items.peek().is_some(), &shown[..]) {
        (true, _) => write!(f, "{}, and {} more", shown.join(", "), items.count()),
        (false, [only]) => f.write_str(only),
        (false, _) => f.write_str(&shown.join(", ")),
    }
}

fn cased(f: &mut fmt::Formatter<'_>, case: Case) -> fmt::Result {
    f.write_str(if case == Case::Ignored { " in any case" } else { "" })
}

/// A value as a person would write it.
struct Shown<'a>(Attribute<'a>);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Attribute::Text(text) => write!(f, "{text:?}"),
            Attribute::Number(number) => write!(f, "{number}"),
            Attribute::Bool(value) => write!(f, "{value}"),
            Attribute::Time(time) => write!(f, "{time}"),
            Attribute::Address(address) => write!(f, "{address}"),
            Attribute::List(items) => write!(f, "{items:?}"),
        }
    }
}

/// Sees the steps of an evaluation.
pub trait Explain {
    /// Whether anybody looks: what a step costs to put together is not paid where nobody does.
    const IS_SHOWN: bool = true;

    /// One step.
    fn note(&mut self, note: Note<'_>);
}

/// Sees nothing, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Explain for Quiet {
    const IS_SHOWN: bool = false;

    #[inline]
    fn note(&mut self, _: Note<'_>) {}
}

/// Keeps the steps as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(pub Vec<String>);

impl Explain for Trail {
    fn note(&mut self, note: Note<'_>) {
        self.0.push(note.to_string());
    }
}
