//! flagd's `fractional`: weights, and what is hashed.

use rollgate_core::config::{
    BucketingConfig, FlagConfig, HashConfig, Json, Named, OneOrMany, RuleConfig, ServeConfig, TargetConfig,
    VariantConfig,
};
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::key_of;
use super::super::fields::{Bad, kind};
use super::super::words::{self, all, present, share};
use super::{Asked, Form};

/// Beyond so many parts a part per million is too coarse for single ones.
const PARTS_MAX: u64 = 400_000;

/// What is hashed: a text in front, and an attribute.
struct Hashed {
    salt: String,
    by: String,
}

struct Split<'a> {
    entries: Vec<(&'a Value, u64)>,
    path: String,
}

impl Asked<'_, '_> {
    /// Writes a split for those for whom all of `when` holds.
    pub(super) fn fractional(
        &mut self,
        asked: &Value,
        path: &str,
        when: &[TargetConfig],
        depth: u32,
    ) -> Result<(), Bad> {
        let Some(list) = asked.as_array() else {
            return Err(Bad::new(path, format!("expected a list, found {}", kind(asked))));
        };
        let own = Hashed { salt: self.key.to_owned(), by: "targeting_key".into() };
        let (hashed, entries) = match list.split_first() {
            Some((first, rest)) if !first.is_array() => (self.hashed(first, path)?, rest),
            _ => (vec![own], &list[..]),
        };
        let split = Split { entries: entries_of(entries, path)?, path: path.to_owned() };
        if split.entries.iter().all(|(_, weight)| *weight == 0) {
            self.draft.note(
                NoteKind::Malformed,
                path,
                "all weights are 0; there this is an error, here the default is served",
            );
            self.default(when, path);
            return Ok(());
        }
        for hashed in hashed {
            let when: Vec<TargetConfig> = when.iter().cloned().chain([present(&hashed.by)]).collect();
            self.split(&split, &hashed, &when, depth)?;
        }
        // Nothing to hash is nothing to serve.
        self.default(when, path);
        Ok(())
    }

    /// What an expression hashes; where it is missing, the flag's key and the targeting key.
    fn hashed(&mut self, expression: &Value, path: &str) -> Result<Vec<Hashed>, Bad> {
        let own = Hashed { salt: self.key.to_owned(), by: "targeting_key".into() };
        let var = |value: &Value| super::logic::var(value).map(str::to_owned);
        if let Some(by) = var(expression) {
            return Ok(vec![Hashed { salt: String::new(), by: super::logic::attribute_of(&by) }, own]);
        }
        let parts = expression.get("cat").and_then(Value::as_array).filter(|_| is_single(expression));
        let salt = |value: &Value, key: &str| match (value.as_str(), var(value).as_deref()) {
            (Some(text), _) => Some(text.to_owned()),
            (_, Some("$flagd.flagKey")) => Some(key.to_owned()),
            _ => None,
        };
        let read = parts.and_then(|parts| {
            let (last, before) = parts.split_last()?;
            let salts: Option<Vec<String>> = before.iter().map(|part| salt(part, self.key)).collect();
            Some(Hashed { salt: salts?.concat(), by: super::logic::attribute_of(&var(last)?) })
        });
        match read {
            Some(hashed) => {
                if hashed.by != "targeting_key" {
                    let what =
                        "who lacks the attribute is hashed as an empty text there; here it gets the default";
                    self.draft.note(NoteKind::Changed, path, what);
                }
                Ok(vec![hashed])
            }
            None => {
                let what = format!(
                    "what is hashed is a text and one attribute behind it, not {expression}; nobody is in the split"
                );
                self.draft.note(NoteKind::NotExpressed, path, what);
                Ok(Vec::new())
            }
        }
    }

    fn split(
        &mut self,
        split: &Split<'_>,
        hashed: &Hashed,
        when: &[TargetConfig],
        depth: u32,
    ) -> Result<(), Bad> {
        let weights: Vec<u64> = split.entries.iter().map(|(_, weight)| *weight).collect();
        let total: u64 = weights.iter().sum();
        if total > PARTS_MAX {
            let what =
                format!("the weights are {total} together: single parts are finer than a part per million");
            self.draft.note(NoteKind::Changed, &split.path, what);
        }
        let parts = u32::try_from(total).ok().filter(|_| total <= PARTS_MAX);
        let by = Some(OneOrMany::One(hashed.by.clone()));
        // Without parts the hash itself is cut.
        let bucketing = words::bucketing(HashConfig::Flagd, &hashed.salt, by, parts);
        let serves: Option<Vec<ServeConfig>> = split
            .entries
            .iter()
            .map(|(value, _)| match value {
                Value::String(name) => self.form.serve(name),
                Value::Bool(value) => self.form.serve(if *value { "true" } else { "false" }),
                _ => None,
            })
            .collect();
        let base = RuleConfig { when: all(when.to_vec()), ..RuleConfig::default() };
        match (self.form, serves.as_deref()) {
            (Form::Variants(_), Some(serves)) if is_distinct(serves) => {
                let names = serves.iter().filter_map(|serve| match serve {
                    ServeConfig::Variant(name) => Some(name.clone()),
                    ServeConfig::Side(_) => None,
                });
                let variants = words::named_shares(names, words::shares(&weights));
                self.rules.push(RuleConfig {
                    variants: Some(variants),
                    variant_bucketing: Some(bucketing),
                    ..base
                });
            }
            (Form::Sides(_), Some([ServeConfig::Side(true), rest @ ..]))
                if rest.iter().all(|serve| *serve == ServeConfig::Side(false)) =>
            {
                let first = weights.first().copied().unwrap_or(0);
                self.rules.push(RuleConfig {
                    share: Some(share(first, total)),
                    bucketing: Some(bucketing),
                    ..base
                });
            }
            _ => return self.split_by_helper(split, &weights, bucketing, when, depth),
        }
        Ok(())
    }

    /// Another flag says who is in which part; each part may be an expression of its own.
    fn split_by_helper(
        &mut self,
        split: &Split<'_>,
        weights: &[u64],
        bucketing: BucketingConfig,
        when: &[TargetConfig],
        depth: u32,
    ) -> Result<(), Bad> {
        self.helpers += 1;
        let name = format!("{}.fractional-{}", self.key, self.helpers);
        let helper = key_of(&name, |name| self.draft.has(name) || self.flags.contains_key(name));
        let part = |index: usize| format!("part-{index}");
        let variants = words::shares(weights).into_iter().enumerate().map(|(index, share)| {
            let value = Some(Json::Text(part(index)));
            (part(index), VariantConfig { value, share: Some(share), ..VariantConfig::default() })
        });
        let made_for = format!("Which part of a split a subject is in; made for {}", split.path);
        let flag = FlagConfig {
            description: Some(made_for),
            share: Some(share(1, 1)),
            variants: Some(variants.collect::<Named<VariantConfig>>()),
            variant_bucketing: Some(bucketing),
            ..FlagConfig::default()
        };
        self.draft.flags.push((helper.clone(), flag));
        for (index, (value, weight)) in split.entries.iter().enumerate() {
            if *weight == 0 {
                continue;
            }
            let is_in = TargetConfig {
                flag: Some(helper.clone()),
                serves: Some(OneOrMany::One(ServeConfig::Variant(part(index)))),
                ..TargetConfig::default()
            };
            let inner: Vec<TargetConfig> = when.iter().cloned().chain([is_in]).collect();
            self.serve(value, &format!("{}[{index}]", split.path), &inner, depth + 1)?;
        }
        Ok(())
    }
}

fn is_single(value: &Value) -> bool {
    value.as_object().is_some_and(|map| map.len() == 1)
}

fn is_distinct(serves: &[ServeConfig]) -> bool {
    (1..serves.len()).all(|end| !serves[..end].contains(&serves[end]))
}

/// Variants with their weights; a weight that is not written is 1.
fn entries_of<'a>(list: &'a [Value], path: &str) -> Result<Vec<(&'a Value, u64)>, Bad> {
    let mut total = 0_u64;
    let read = list.iter().enumerate().map(|(index, value)| {
        let at = format!("{path}[{index}]");
        let wrong = |what: &str| Bad::new(&at, what);
        let pair = value.as_array().filter(|pair| !pair.is_empty());
        let pair = pair.ok_or_else(|| wrong("expected a variant and its weight"))?;
        let weight = match pair.get(1) {
            None | Some(Value::Null) => 1.0,
            Some(weight) => weight.as_f64().ok_or_else(|| wrong("the weight is no number"))?,
        };
        let is_fine = weight.fract() == 0.0 && (0.0..=f64::from(i32::MAX)).contains(&weight);
        total += if is_fine { weight as u64 } else { u64::from(u32::MAX) };
        match is_fine && total <= i32::MAX as u64 {
            true => Ok((&pair[0], weight as u64)),
            false => Err(wrong("weights are whole, not negative, and at most 2147483647 together")),
        }
    });
    read.collect()
}
