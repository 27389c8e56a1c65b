//! Whether a condition on attributes holds for a context.

use std::net::IpAddr;

use jiff::Timestamp;

use super::context::{Attribute, Context};
use super::explain::{Explain, Note};
use crate::snapshot::{
    AttributeName, Case, Place, Serve, Target, Test, Values, VersionRef, short_text, time_of_text,
};

/// Asks another flag, for conditions and prerequisites on flags.
pub(super) trait AskFlag<E> {
    /// Whether the flag serves one of these to the subject.
    fn serves(&self, flag: crate::id::FlagId, serves: &[Serve], explain: &mut E) -> bool;
}

/// Whether a condition holds.
pub(super) fn holds<E: Explain>(
    target: &Target,
    context: &Context<'_>,
    flags: &impl AskFlag<E>,
    explain: &mut E,
) -> bool {
    match target {
        Target::Attribute { name, test, is_negated } => {
            let is_met = asks(name, test, *is_negated, context);
            if E::IS_SHOWN {
                let (is_negated, value) = (*is_negated, value_of(name, context));
                explain.note(Note::Attribute { name, test, is_negated, value, is_met });
            }
            is_met
        }
        Target::All(parts) => parts.iter().all(|part| holds(part, context, flags, explain)),
        Target::Any(parts) => parts.iter().any(|part| holds(part, context, flags, explain)),
        Target::Not(part) => !holds(part, context, flags, explain),
        Target::Named(name, part) => {
            let is_met = holds(part, context, flags, explain);
            explain.note(Note::Named(name, is_met));
            is_met
        }
        Target::Flag(flag, serves) => flags.serves(*flag, serves, explain),
    }
}

/// Whether an attribute passes.
#[inline(always)]
pub(super) fn asks(name: &AttributeName, test: &Test, is_negated: bool, context: &Context<'_>) -> bool {
    let is_met = match name {
        AttributeName::Named(name) => context.find(name.as_str()).is_some_and(|value| passes(test, value)),
        AttributeName::TargetingKey => asks_key(test, context),
    };
    is_met != is_negated
}

/// An attribute's value.
fn value_of<'a>(name: &AttributeName, context: &Context<'a>) -> Option<Attribute<'a>> {
    match name {
        AttributeName::Named(name) => context.attribute(name.as_str()),
        AttributeName::TargetingKey => key_of(context),
    }
}

#[inline(never)]
fn asks_key(test: &Test, context: &Context<'_>) -> bool {
    key_of(context).is_some_and(|key| passes_other(test, &key))
}

/// The targeting key as an attribute; a key that is no UTF-8 is no text.
fn key_of<'a>(context: &Context<'a>) -> Option<Attribute<'a>> {
    let key = context.targeting_key.filter(|key| !key.is_empty())?;
    std::str::from_utf8(key).ok().map(Attribute::Text)
}

/// Whether a value passes a test; a value of another type does not.
#[inline(always)]
fn passes(test: &Test, value: &Attribute<'_>) -> bool {
    // The commonest question of all, without a call.
    if let (Test::Equals(values, Case::Exact), Attribute::Text(text)) = (test, value)
        && !values.short.is_empty()
    {
        return has_short(values, text);
    }
    passes_other(test, value)
}

/// Whether a text is one of a few short ones.
#[inline(always)]
#[allow(
    clippy::manual_contains,
    reason = "`contains` is laid out for long lists; these have one to eight items"
)]
fn has_short(values: &Values, text: &str) -> bool {
    short_text(text).is_some_and(|short| values.short.iter().any(|listed| *listed == short))
}

#[inline(never)]
fn passes_other(test: &Test, value: &Attribute<'_>) -> bool {
    let value = *value;
    if let Attribute::List(items) = value
        && !matches!(test, Test::Present)
    {
        return items.iter().any(|item| passes_other(test, &Attribute::Text(item)));
    }
    match (test, value) {
        (Test::Present, _) => true,
        (Test::Equals(values, case), value) => equals(values, *case, value),
        (Test::Texts(place, texts, case), Attribute::Text(text)) => {
            texts.iter().any(|part| has(text, part, *place, *case))
        }
        (Test::Matches(pattern), Attribute::Text(text)) => pattern.is_match(text),
        (Test::Number(order, limit), value) => {
            number(value).and_then(|number| number.partial_cmp(limit)).is_some_and(|found| order.has(found))
        }
        (Test::Time(order, limit), value) => time(value).is_some_and(|time| order.has(time.cmp(limit))),
        (Test::Version(order, limit), Attribute::Text(text)) => {
            VersionRef::parse(text).is_some_and(|version| order.has(limit.order_of(version)))
        }
        (Test::Network(networks), value) => {
            address(value).is_some_and(|address| networks.iter().any(|network| network.has(address)))
        }
        _ => false,
    }
}

#[inline]
fn equals(values: &Values, case: Case, value: Attribute<'_>) -> bool {
    match value {
        Attribute::Text(text) => match case {
            Case::Exact if !values.short.is_empty() => {
                // Items of a list come here.
                has_short(values, text)
            }
            Case::Exact if values.texts.len() <= Values::FEW => {
                values.texts.iter().any(|listed| **listed == *text)
            }
            Case::Exact => values.texts.binary_search_by(|listed| (**listed).cmp(text)).is_ok(),
            Case::Ignored => values
                .texts
                .binary_search_by(|listed| listed.chars().cmp(text.chars().flat_map(char::to_lowercase)))
                .is_ok(),
        },
        Attribute::Number(number) => values.numbers.contains(&number),
        Attribute::Bool(value) => values.bools.contains(&value),
        Attribute::Time(_) | Attribute::Address(_) | Attribute::List(_) => false,
    }
}

/// Whether a text has a part at a place. Where case is ignored the part is in lower case already.
fn has(text: &str, part: &str, place: Place, case: Case) -> bool {
    match (case, place) {
        (Case::Exact, Place::Start) => text.starts_with(part),
        (Case::Exact, Place::End) => text.ends_with(part),
        (Case::Exact, Place::Anywhere) => text.contains(part),
        (Case::Ignored, Place::Start) => starts_lower(text, part),
        (Case::Ignored, Place::End) => {
            let mut left = text.chars().rev().flat_map(|letter| letter.to_lowercase().rev());
            part.chars().rev().all(|letter| left.next() == Some(letter))
        }
        (Case::Ignored, Place::Anywhere) => {
            part.is_empty() || text.char_indices().any(|(at, _)| starts_lower(&text[at..], part))
        }
    }
}

fn starts_lower(text: &str, part: &str) -> bool {
    let mut left = text.chars().flat_map(char::to_lowercase);
    part.chars().all(|letter| left.next() == Some(letter))
}

fn number(value: Attribute<'_>) -> Option<f64> {
    let number = match value {
        Attribute::Number(number) => number,
        Attribute::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

fn time(value: Attribute<'_>) -> Option<Timestamp> {
    match value {
        Attribute::Time(time) => Some(time),
        Attribute::Text(text) => time_of_text(text),
        // Beyond the times that there are, the conversion fails.
        Attribute::Number(millis) if millis.is_finite() => Timestamp::from_millisecond(millis as i64).ok(),
        _ => None,
    }
}

fn address(value: Attribute<'_>) -> Option<IpAddr> {
    match value {
        Attribute::Address(address) => Some(address),
        Attribute::Text(text) => text.parse().ok(),
        _ => None,
    }
}
