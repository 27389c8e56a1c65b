//! Conditions, shares and patterns in the words of a plan.

use rollgate_core::config::{
    BucketingConfig, FlagTypeConfig, HashConfig, Json, Named, OneOrMany, TargetConfig, WrittenShare,
};
use rollgate_core::snapshot::{Network, Pattern, Version, time_of_text};
use rollgate_core::units::Share;
use serde_json::Value;

/// A condition on an attribute, without an operator yet.
pub(super) fn attribute(name: &str) -> TargetConfig {
    TargetConfig { attribute: Some(name.to_owned()), ..TargetConfig::default() }
}

/// The opposite of a condition.
pub(super) fn not(target: TargetConfig) -> TargetConfig {
    match target.not {
        // Twice the opposite is the thing itself.
        Some(inner) if target.attribute.is_none() => *inner,
        _ => TargetConfig { not: Some(Box::new(target)), ..TargetConfig::default() },
    }
}

/// All of some conditions; of none `None`, which is everybody.
pub(super) fn all(mut parts: Vec<TargetConfig>) -> Option<TargetConfig> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(TargetConfig { all: Some(parts), ..TargetConfig::default() }),
    }
}

/// Any of some conditions; of none nobody.
pub(super) fn any(mut parts: Vec<TargetConfig>) -> TargetConfig {
    match parts.pop() {
        None => nobody(),
        Some(one) if parts.is_empty() => one,
        Some(last) => {
            parts.push(last);
            TargetConfig { any: Some(parts), ..TargetConfig::default() }
        }
    }
}

/// A condition that holds for nobody, and is none of those that make a rule unreadable.
pub(super) fn nobody() -> TargetConfig {
    TargetConfig { r#in: Some(Vec::new()), ..attribute("targeting_key") }
}

/// A condition that holds for everybody.
pub(super) fn everybody() -> TargetConfig {
    TargetConfig { not_in: Some(Vec::new()), ..attribute("targeting_key") }
}

/// An attribute is one of some texts.
pub(super) fn is_in(name: &str, texts: impl IntoIterator<Item = String>) -> TargetConfig {
    TargetConfig { r#in: Some(texts.into_iter().map(Json::Text).collect()), ..attribute(name) }
}

/// An attribute is there.
pub(super) fn present(name: &str) -> TargetConfig {
    TargetConfig { present: Some(true), ..attribute(name) }
}

/// How a number lies to another; equal as numbers, so that `12` is `12.0` in texts too.
pub(super) fn number(name: &str, order: &str, limit: f64) -> TargetConfig {
    let one = attribute(name);
    match order {
        "<" => TargetConfig { below: Some(limit), ..one },
        "<=" => TargetConfig { at_most: Some(limit), ..one },
        ">" => TargetConfig { above: Some(limit), ..one },
        ">=" => TargetConfig { at_least: Some(limit), ..one },
        _ => {
            let both = vec![number(name, "<=", limit), number(name, ">=", limit)];
            TargetConfig { all: Some(both), ..TargetConfig::default() }
        }
    }
}

/// How a version lies to another; `None` where it is no version by SemVer.
pub(super) fn version(name: &str, order: &str, limit: &str) -> Option<TargetConfig> {
    Version::parse(limit)?;
    let (one, limit) = (attribute(name), Some(limit.to_owned()));
    Some(match order {
        "<" => TargetConfig { version_below: limit, ..one },
        "<=" => TargetConfig { version_at_most: limit, ..one },
        ">" => TargetConfig { version_above: limit, ..one },
        ">=" => TargetConfig { version_at_least: limit, ..one },
        _ => TargetConfig { version_equals: limit, ..one },
    })
}

/// A time as a plan writes it; `None` where it is none.
pub(super) fn time(text: &str) -> Option<String> {
    time_of_text(text).map(|time| time.to_string())
}

/// A time of milliseconds since the Unix epoch, as a plan writes it.
pub(super) fn time_of_millis(millis: f64) -> Option<String> {
    // Beyond the times that there are, the conversion fails.
    jiff::Timestamp::from_millisecond(millis as i64)
        .ok()
        .filter(|_| millis.is_finite())
        .map(|time| time.to_string())
}

/// Networks and addresses, and those that are none.
pub(super) fn networks(texts: impl IntoIterator<Item = String>) -> (Vec<String>, Vec<String>) {
    texts.into_iter().partition(|text| Network::parse(text).is_some())
}

/// An attribute is an address in one of some networks.
pub(super) fn in_network(name: &str, networks: Vec<String>) -> TargetConfig {
    TargetConfig { in_network: Some(OneOrMany::Many(networks)), ..attribute(name) }
}

/// A regular expression with the classes that others have: `\d`, `\w` and `\b` are of ASCII there.
///
/// # Errors
/// Why it is none that could be used.
pub(super) fn pattern(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    let mut depth = 0_u32;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('b') if depth == 0 => out.push_str(r"(?-u:\b)"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' => {
                depth += 1;
                out.push('[');
            }
            ']' => {
                depth = depth.saturating_sub(1);
                out.push(']');
            }
            other => out.push(other),
        }
    }
    Pattern::new(&out).map(|_| out)
}

/// A share of so many of so many parts: no more than that, to a part per million.
pub(super) fn share(of: u64, parts: u64) -> WrittenShare {
    WrittenShare::of(Share::from_ppm(ppm(of, parts)).unwrap_or(Share::FULL))
}

/// Parts per million of so many of so many parts, rounded down.
pub(super) fn ppm(of: u64, parts: u64) -> u32 {
    match parts {
        0 => 0,
        _ => (u128::from(of.min(parts)) * 1_000_000 / u128::from(parts)) as u32,
    }
}

/// Weights as shares that are 100 % together, each ending where its sum of weights ends, rounded down. Weights of nothing
/// have no share.
pub(super) fn shares(weights: &[u64]) -> Vec<WrittenShare> {
    let parts = weights.iter().fold(0_u64, |sum, weight| sum.saturating_add(*weight));
    let (mut sum, mut before) = (0_u64, 0_u32);
    let cut = weights.iter().map(|weight| {
        sum = sum.saturating_add(*weight);
        let end = ppm(sum, parts);
        let share = Share::from_ppm(end - before).unwrap_or_default();
        before = end;
        WrittenShare::of(share)
    });
    cut.collect()
}

/// Names with their shares, those without one left out.
pub(super) fn named_shares(
    names: impl IntoIterator<Item = String>,
    shares: impl IntoIterator<Item = WrittenShare>,
) -> Named<WrittenShare> {
    let mut named: Vec<(String, WrittenShare)> = Vec::new();
    let nothing = WrittenShare::of(Share::ZERO);
    for (name, share) in names.into_iter().zip(shares).filter(|(_, share)| *share != nothing) {
        named.push((name, share));
    }
    Named(named)
}

/// What is hashed.
pub(super) fn bucketing(
    hash: HashConfig,
    salt: &str,
    by: Option<OneOrMany>,
    parts: Option<u32>,
) -> BucketingConfig {
    BucketingConfig { salt: Some(salt.to_owned()), by, hash: Some(hash), parts }
}

/// Several attributes, or the one that there is. It is always said: a rule would take what it does not say from its flag.
pub(super) fn by(mut names: Vec<String>) -> Option<OneOrMany> {
    match names.len() {
        1 => names.pop().map(OneOrMany::One),
        _ => Some(OneOrMany::Many(names)),
    }
}

/// A value as a plan writes it; `None`: a number that no double holds.
pub(super) fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Json::Whole(whole),
            None => Json::Number(number.as_f64().filter(|number| number.is_finite())?),
        },
        Value::String(text) => Json::Text(text.clone()),
        Value::Array(items) => Json::List(items.iter().map(json).collect::<Option<_>>()?),
        Value::Object(entries) => Json::Map(
            entries.iter().map(|(key, value)| Some((key.clone(), json(value)?))).collect::<Option<_>>()?,
        ),
    })
}

/// The type of a flag's values.
pub(super) fn common_type(values: &[Value]) -> Option<FlagTypeConfig> {
    let of = |value: &Value| match value {
        Value::Bool(_) => FlagTypeConfig::Boolean,
        Value::String(_) => FlagTypeConfig::String,
        Value::Number(_) => FlagTypeConfig::Number,
        _ => FlagTypeConfig::Json,
    };
    let first = values.first().map(of)?;
    Some(if values.iter().all(|value| of(value) == first) { first } else { FlagTypeConfig::Json })
}
