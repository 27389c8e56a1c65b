//! Variants of flags, and names of flags with their variants for whoever asks for them.

use super::flags::unknown;
use super::reader::{Item, Map, Reader};
use crate::bucket::Domain;
use crate::config::{Node, Scalar, Value};
use crate::id::{FlagId, Key, VariantId};
use crate::limits::VARIANTS_MAX;
use crate::snapshot::{
    Bucketed, NamedVariant, Serve, ValueType, VariantRange, VariantSplit, VariantValue, Variants,
};
use crate::units::Share;

/// What others may ask of flags: their keys, and the names of their variants.
pub(super) struct FlagNames(pub(super) Vec<(String, Vec<Key>)>);

impl FlagNames {
    /// The flag that is named.
    pub(super) fn of(&self, reader: &mut Reader, item: &Item<'_>) -> Option<FlagId> {
        let name = reader.text(item)?;
        self.named(reader, item, &name)
    }

    /// The flag of a name.
    pub(super) fn named(&self, reader: &mut Reader, item: &Item<'_>, name: &str) -> Option<FlagId> {
        let found = self.0.iter().position(|(key, _)| key == name);
        if found.is_none() {
            unknown(reader, "unknown-flag", "flag", item, name, self.0.iter().map(|(key, _)| key.as_str()));
        }
        found.map(|index| FlagId(index as u16))
    }
}

/// The variant of a name.
fn variant_of(reader: &mut Reader, variants: &[Key], item: &Item<'_>, name: &str) -> Option<VariantId> {
    let found = (0_u16..).zip(variants).find(|(_, key)| key.as_str() == name).map(|(id, _)| VariantId(id));
    if found.is_none() {
        unknown(reader, "unknown-variant", "variant", item, name, variants.iter().map(Key::as_str));
    }
    found
}

/// `true`, `false`, or a variant.
pub(super) fn serve(reader: &mut Reader, variants: &[Key], item: &Item<'_>) -> Option<Serve> {
    match &item.node.value {
        Value::Scalar(Scalar::Bool(true)) => Some(Serve::On),
        Value::Scalar(Scalar::Bool(false)) => Some(Serve::Off),
        _ => {
            let name = reader.raw(item, "true, false, or the name of a variant")?;
            variant_of(reader, variants, item, name).map(Serve::Variant)
        }
    }
}

/// One of those, or a list of them.
pub(super) fn serves(
    reader: &mut Reader,
    flags: &FlagNames,
    flag: FlagId,
    item: &Item<'_>,
) -> Option<Box<[Serve]>> {
    let variants: &[Key] = flags.0.get(flag.index()).map_or(&[], |(_, variants)| variants);
    if !matches!(item.node.value, Value::List(_)) {
        return serve(reader, variants, item).map(|serve| vec![serve].into());
    }
    let items = reader.list(item, "a list of what it may serve", VARIANTS_MAX);
    let serves: Vec<Option<Serve>> = items.iter().map(|item| serve(reader, variants, item)).collect();
    serves.into_iter().collect()
}

const TYPES: [(&str, ValueType); 4] = [
    ("boolean", ValueType::Boolean),
    ("string", ValueType::String),
    ("number", ValueType::Number),
    ("json", ValueType::Json),
];

/// A variant as it is written.
struct Written<'a> {
    key: Key,
    description: String,
    value: Option<Item<'a>>,
    share: Share,
    has_share: bool,
    ranges: Option<Item<'a>>,
    at: Item<'a>,
}

/// Compiles `type`, `variants` and `default` of a flag.
pub(super) fn variants(reader: &mut Reader, map: &mut Map<'_>, bucketed: Bucketed) -> Option<Variants> {
    let value_type = map.take("type").and_then(|item| reader.word(&item, &TYPES));
    let default = map.take("default");
    let Some(item) = map.take("variants") else {
        for (key, item) in [("type", value_type.is_some()), ("default", default.is_some())] {
            if item {
                let message = format!("`{key}` says nothing of a flag without variants");
                let help = "add `variants:`, or remove it: the flag is on or off";
                reader.error_help("unused-key", &map.path, map.key_at(key), message, help);
            }
        }
        return None;
    };
    let written: Vec<Written<'_>> = reader
        .named(&item, "a map of variants", VARIANTS_MAX)
        .into_iter()
        .filter_map(|(key, _, item)| variant(reader, key, &item))
        .collect();
    if written.is_empty() {
        let help = "add a variant, or remove `variants:`";
        reader.error_help("empty-variants", &item.path, item.key_at(), "the flag has no variants", help);
        return None;
    }
    let first = written.iter().find_map(|written| written.value.as_ref());
    let value_type = value_type.unwrap_or_else(|| first.map_or(ValueType::String, |item| type_of(item.node)));
    let keys: Vec<Key> = written.iter().map(|written| written.key.clone()).collect();
    let default = default.and_then(|item| {
        let name = reader.text(&item)?;
        variant_of(reader, &keys, &item, &name)
    });
    let split = split(reader, &item, &written, &bucketed);
    let mut list = Vec::with_capacity(written.len());
    for one in written {
        let value = value(reader, &one, value_type)?;
        let (key, description, share) = (one.key, one.description, one.share);
        list.push(NamedVariant { key, description, value, share });
    }
    Some(Variants { list: list.into(), value_type, split, bucketed, default })
}

fn variant<'a>(reader: &mut Reader, key: &str, item: &Item<'a>) -> Option<Written<'a>> {
    let mut map = reader.map(item, "a map of one variant")?;
    let description = reader.opt_text(map.take("description"));
    let (value, ranges) = (map.take("value"), map.take("ranges"));
    let has_share = map.has("share");
    let share = map.take("share").and_then(|item| reader.share(&item)).unwrap_or_default();
    reader.close(map);
    Some(Written { key: Key::new(key), description, value, share, has_share, ranges, at: item.clone() })
}

/// Who gets which variant: by shares in their order, or by ranges where they are written.
fn split(
    reader: &mut Reader,
    item: &Item<'_>,
    written: &[Written<'_>],
    bucketed: &Bucketed,
) -> Option<VariantSplit> {
    let shares: Vec<(VariantId, Share)> =
        (0_u16..).zip(written).map(|(id, one)| (VariantId(id), one.share)).collect();
    if !written.iter().any(|one| one.has_share || one.ranges.is_some()) {
        // One variant alone is everybody's; of several none is served by a share.
        return match written {
            [_] => VariantSplit::new(&bucketed.bucketer, &[(VariantId(0), Share::FULL)]),
            _ => {
                let message = "no variant has a share, so those who are on get the caller's default";
                let help = "give each a share, 100% together, unless rules alone serve them";
                reader.warn("no-variant-share", &item.path, item.key_at(), message, help);
                None
            }
        };
    }
    if !is_whole(reader, item, shares.iter().map(|(_, share)| *share)) {
        return None;
    }
    if written.iter().all(|one| one.ranges.is_none()) {
        return VariantSplit::new(&bucketed.bucketer, &shares);
    }
    ranges(reader, item, written)
}

/// Whether shares are 100 % together.
pub(super) fn is_whole(reader: &mut Reader, item: &Item<'_>, shares: impl Iterator<Item = Share>) -> bool {
    let total: u64 = shares.map(|share| u64::from(share.ppm())).sum();
    let is_whole = total == u64::from(Share::FULL.ppm());
    if !is_whole {
        let together = total as f64 / 10_000.0;
        let message = format!("the shares of the variants are {together}% together");
        reader.error_help("variant-shares", &item.path, item.key_at(), message, "make them 100% together");
    }
    is_whole
}

/// Ranges as they are written: whole, without gaps, and of the lengths of the shares.
fn ranges(reader: &mut Reader, item: &Item<'_>, written: &[Written<'_>]) -> Option<VariantSplit> {
    let mut all: Vec<(u32, u32, VariantId)> = Vec::new();
    for (id, one) in (0_u16..).zip(written) {
        let mut length = 0;
        let items = match &one.ranges {
            Some(ranges) => reader.list(ranges, "a list of ranges such as 0%-50%", usize::MAX),
            None => Vec::new(),
        };
        for range in &items {
            let (from, to) = range_of(reader, range)?;
            length += to - from;
            all.push((from, to, VariantId(id)));
        }
        if length != one.share.ppm() {
            let together = f64::from(length) / 10_000.0;
            let message = format!("the ranges of `{}` are {together}%, its share is {}", one.key, one.share);
            let help = "make them equal; `rollgate recut` writes ranges for new shares";
            reader.error_help("variant-ranges", &one.at.path, one.at.key_at(), message, help);
            return None;
        }
    }
    all.sort_unstable_by_key(|(from, _, _)| *from);
    let mut end = 0;
    let mut cut = Vec::with_capacity(all.len());
    for (from, to, variant) in all {
        if from != end {
            let place = f64::from(end.min(from)) / 10_000.0;
            let message = format!("the ranges of the variants leave a gap or overlap at {place}%");
            let help = "together they are 0% to 100%, each place once";
            reader.error_help("variant-ranges", &item.path, item.key_at(), message, help);
            return None;
        }
        end = to;
        let threshold = Share::from_ppm(to).map_or(0, Share::threshold);
        cut.push(VariantRange { end_ppm: to, end: threshold, variant });
    }
    VariantSplit::of(cut)
}

fn range_of(reader: &mut Reader, item: &Item<'_>) -> Option<(u32, u32)> {
    let text = reader.raw(item, "a range such as 0%-50%")?;
    let share = |text: &str| Share::parse(text.trim()).ok().map(Share::ppm);
    let range = text.split_once('-').and_then(|(from, to)| Some((share(from)?, share(to)?)));
    let range = range.filter(|(from, to)| from < to);
    if range.is_none() {
        let message = format!("`{text}` is no range of buckets");
        reader.error_help("wrong-range", &item.path, item.at(), message, "write for example 25%-50%");
    }
    range
}

fn type_of(node: &Node) -> ValueType {
    match &node.value {
        Value::Scalar(Scalar::Bool(_)) => ValueType::Boolean,
        Value::Scalar(Scalar::Number(_)) => ValueType::Number,
        Value::Scalar(Scalar::Text(_)) => ValueType::String,
        _ => ValueType::Json,
    }
}

fn value(reader: &mut Reader, written: &Written<'_>, value_type: ValueType) -> Option<VariantValue> {
    let Some(item) = &written.value else {
        // A name is a text; of the other types there is no value to be guessed.
        if value_type == ValueType::String {
            return Some(VariantValue::String(written.key.as_str().into()));
        }
        let message = format!("the variant `{}` has no value", written.key);
        let help = format!("add `value:`, a {}", value_type.name());
        reader.error_help("missing-key", &written.at.path, written.at.key_at(), message, help);
        return None;
    };
    match (value_type, &item.node.value) {
        (ValueType::Boolean, Value::Scalar(Scalar::Bool(value))) => Some(VariantValue::Boolean(*value)),
        (ValueType::String, Value::Scalar(Scalar::Text(text))) => {
            Some(VariantValue::String(text.as_str().into()))
        }
        (ValueType::Number, Value::Scalar(Scalar::Number(text))) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Some(VariantValue::Number(number)),
            _ => {
                reader.expected(item, "a number that a double can hold");
                None
            }
        },
        (ValueType::Json, _) => {
            let mut text = String::new();
            json(&mut text, item.node);
            Some(VariantValue::Json(text.into()))
        }
        _ => {
            let message = format!("the flag's values are of type {}", value_type.name());
            let help = "make all values one type, or write `type: json`";
            reader.error_help("wrong-type", &item.path, item.at(), message, help);
            None
        }
    }
}

/// A tree as JSON without white space.
fn json(out: &mut String, node: &Node) {
    match &node.value {
        Value::Scalar(Scalar::Null) => out.push_str("null"),
        Value::Scalar(Scalar::Bool(value)) => out.push_str(if *value { "true" } else { "false" }),
        // Numbers of a plan are JSON's, but for what only YAML and TOML write: `.5`, `1_000`, `0x10`.
        Value::Scalar(Scalar::Number(text)) => match text.parse::<f64>() {
            Ok(_) if is_json_number(text) => out.push_str(text),
            Ok(number) if number.is_finite() => out.push_str(&number.to_string()),
            _ => quote(out, text),
        },
        Value::Scalar(Scalar::Text(text)) => quote(out, text),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (index, (key, _, item)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                quote(out, key);
                out.push(':');
                json(out, item);
            }
            out.push('}');
        }
    }
}

/// Whether JSON writes a number so.
fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
    let is_whole = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    is_whole
        && (whole == "0" || !whole.starts_with('0'))
        && !digits.ends_with('.')
        && ![".e", ".E"].iter().any(|point| digits.contains(point))
}

fn quote(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if u32::from(letter) < 0x20 => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
}

/// What a variant's choice hashes, where the flag or the rule does not say: the same salt and subject, another question.
pub(super) fn of_variant(rollout: &Bucketed) -> Bucketed {
    let mut bucketed = rollout.clone();
    bucketed.bucketer.domain = Domain::Variant;
    bucketed.bucketer.seed = crate::bucket::seed(Domain::Variant.name(), bucketed.bucketer.salt.as_str());
    bucketed
}
