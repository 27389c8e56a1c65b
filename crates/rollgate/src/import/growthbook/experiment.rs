//! GrowthBook's buckets: which of 1,000 or 10,000 a subject is in, and where ranges cut them.

use rollgate_core::config::{
    BucketingConfig, FlagConfig, HashConfig, Json, OneOrMany, ServeConfig, TargetConfig, VariantConfig,
    WrittenRange, WrittenShare,
};
use rollgate_core::units::Share;
use serde_json::Value;

use super::super::NoteKind;
use super::super::draft::Draft;
use super::super::fields::{Bad, Fields};
use super::super::words::{self, any, present, share};

/// Buckets from one up to another, which is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// What is hashed, and by which version.
#[derive(Clone, Debug)]
pub(super) struct Hashed {
    version: HashConfig,
    seed: String,
    by: Vec<String>,
}

/// An attribute as one of ours: what is hashed unless written is the targeting key.
pub(super) fn attribute_of(name: &str) -> String {
    if name == "id" { "targeting_key".to_owned() } else { name.to_owned() }
}

fn version(number: Option<u64>, default: u64) -> Option<HashConfig> {
    match number.filter(|number| *number != 0).unwrap_or(default) {
        1 => Some(HashConfig::GrowthBook1),
        2 => Some(HashConfig::GrowthBook2),
        _ => None,
    }
}

impl Hashed {
    /// What a rule hashes; `None`: by a version that nobody knows.
    pub(super) fn of_rule(
        fields: &mut Fields<'_>,
        seed: &str,
        draft: &mut Draft,
    ) -> Result<Option<Self>, Bad> {
        let at = fields.at("hashVersion");
        let Some(version) = version(fields.whole("hashVersion")?, 1) else {
            draft.note(
                NoteKind::Malformed,
                &at,
                "a hash version that is not known; nobody is in it, there as here",
            );
            return Ok(None);
        };
        let seed = fields.text("seed")?.filter(|seed| !seed.is_empty()).unwrap_or(seed).to_owned();
        let by = fields.text("hashAttribute")?.filter(|name| !name.is_empty()).unwrap_or("id");
        let mut by = vec![attribute_of(by)];
        if let Some(fallback) = fields.text("fallbackAttribute")?.filter(|name| !name.is_empty()) {
            let what = "assignments that were stored (sticky buckets) are not read: a subject that is in another bucket now \
                        moves; the fallback attribute is hashed where the first is missing";
            draft.note(NoteKind::Changed, &fields.at("fallbackAttribute"), what);
            by.push(attribute_of(fallback));
        }
        for key in ["bucketVersion", "minBucketVersion"] {
            if fields.number(key)?.is_some_and(|number| number != 0.0) {
                let what = "assignments that were stored (sticky buckets) are not read";
                draft.note(NoteKind::Changed, &fields.at(key), what);
            }
        }
        Ok(Some(Self { version, seed, by }))
    }

    /// What a filter hashes.
    pub(super) fn of_filter(fields: &mut Fields<'_>) -> Result<Self, Bad> {
        let at = fields.at("hashVersion");
        let version = version(fields.whole("hashVersion")?, 2);
        let version = version.ok_or_else(|| Bad::new(&at, "a hash version that is not known"))?;
        let seed = fields.text("seed")?.unwrap_or_default().to_owned();
        let by = fields.text("attribute")?.filter(|name| !name.is_empty()).unwrap_or("id");
        Ok(Self { version, seed, by: vec![attribute_of(by)] })
    }

    /// What a namespace hashes of the same subject.
    pub(super) fn of_namespace(&self, name: &str) -> Self {
        Self { version: HashConfig::GrowthBook1, seed: format!("__{name}"), by: self.by.clone() }
    }

    /// How many buckets there are.
    pub(super) fn parts(&self) -> u32 {
        if self.version == HashConfig::GrowthBook2 { 10_000 } else { 1_000 }
    }

    pub(super) fn bucketing(&self) -> BucketingConfig {
        words::bucketing(self.version, &self.seed, words::by(self.by.clone()), None)
    }

    /// Whether what is hashed is there.
    pub(super) fn present(&self) -> TargetConfig {
        any(self.by.iter().map(|name| present(name)).collect())
    }

    /// The first bucket that is not below a number, as double precision has it.
    fn first_at(&self, number: f64) -> u32 {
        let parts = self.parts();
        let is_below = |bucket: u32| f64::from(bucket) / f64::from(parts) < number;
        // Monotone, so that halving finds it.
        let (mut low, mut high) = (0, parts);
        while low < high {
            let middle = u32::midpoint(low, high);
            if is_below(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The buckets of a range of numbers; its end is left out.
    pub(super) fn range(&self, from: f64, to: f64) -> Range {
        let from = self.first_at(from);
        Range { from, to: self.first_at(to).max(from) }
    }

    /// The buckets up to a number, which is part of it.
    pub(super) fn up_to(&self, number: f64) -> Range {
        Range { from: 0, to: self.first_at(number.next_up()) }
    }

    /// The share of a range.
    pub(super) fn share(&self, range: Range) -> WrittenShare {
        share(u64::from(range.to - range.from), u64::from(self.parts()))
    }

    /// Adds a flag that says in which of some groups of ranges a subject is; gives the condition of each.
    pub(super) fn helper(&self, key: &str, groups: &[Vec<Range>], draft: &mut Draft) -> Vec<TargetConfig> {
        let pieces = pieces(groups, self.parts());
        let name = |owner: Option<usize>| {
            owner.map_or_else(|| "outside".to_owned(), |index| format!("part-{index}"))
        };
        let parts = u64::from(self.parts());
        let percent = |bucket: u32| Share::from_ppm(words::ppm(u64::from(bucket), parts)).unwrap_or_default();
        let variants = pieces.iter().map(|(owner, ranges)| {
            let length: u32 = ranges.iter().map(|range| range.to - range.from).sum();
            let written = ranges
                .iter()
                .map(|range| WrittenRange::from(format!("{}-{}", percent(range.from), percent(range.to))));
            let variant = VariantConfig {
                value: Some(Json::Text(name(*owner))),
                share: Some(share(u64::from(length), parts)),
                ranges: Some(written.collect()),
                ..VariantConfig::default()
            };
            (name(*owner), variant)
        });
        let flag = FlagConfig {
            description: Some("Which part of a split a subject is in; made for another flag".into()),
            share: Some(share(1, 1)),
            variants: Some(variants.collect()),
            variant_bucketing: Some(self.bucketing()),
            ..FlagConfig::default()
        };
        draft.flags.push((key.to_owned(), flag));
        let of = |index: usize| match pieces.iter().any(|(owner, _)| *owner == Some(index)) {
            true => TargetConfig {
                flag: Some(key.to_owned()),
                serves: Some(OneOrMany::One(ServeConfig::Variant(name(Some(index))))),
                ..TargetConfig::default()
            },
            false => words::nobody(),
        };
        (0..groups.len()).map(of).collect()
    }
}

/// Groups of ranges cut into pieces that do not overlap, each with the first group that has it.
fn pieces(groups: &[Vec<Range>], parts: u32) -> Vec<(Option<usize>, Vec<Range>)> {
    let mut bounds: Vec<u32> = vec![0, parts];
    bounds.extend(groups.iter().flatten().flat_map(|range| [range.from, range.to]));
    bounds.sort_unstable();
    bounds.dedup();
    let owner = |bucket: u32| {
        let has = |group: &Vec<Range>| group.iter().any(|range| range.from <= bucket && bucket < range.to);
        groups.iter().position(has)
    };
    let mut pieces: Vec<(Option<usize>, Vec<Range>)> = Vec::new();
    for pair in bounds.windows(2) {
        let (range, owner) = (Range { from: pair[0], to: pair[1] }, owner(pair[0]));
        match pieces.iter_mut().find(|(other, _)| *other == owner) {
            Some((_, ranges)) => ranges.push(range),
            None => pieces.push((owner, vec![range])),
        }
    }
    pieces
}

fn pair(path: &str, value: &Value) -> Result<(f64, f64), Bad> {
    let list = value.as_array().filter(|list| list.len() == 2);
    let read = list.and_then(|list| Some((list[0].as_f64()?, list[1].as_f64()?)));
    read.ok_or_else(|| Bad::new(path, "expected two numbers, a beginning and an end"))
}

/// Ranges as they are written.
pub(super) fn ranges(path: &str, list: &[Value]) -> Result<Vec<(f64, f64)>, Bad> {
    list.iter().enumerate().map(|(index, value)| pair(&format!("{path}[{index}]"), value)).collect()
}

/// One range.
pub(super) fn range(path: &str, value: &Value, hashed: &Hashed) -> Result<Range, Bad> {
    let (from, to) = pair(path, value)?;
    Ok(hashed.range(from, to))
}

/// Weights; empty where there are none.
pub(super) fn weights(fields: &mut Fields<'_>) -> Result<Vec<f64>, Bad> {
    let at = fields.at("weights");
    let read = fields.list("weights")?.iter().map(|value| {
        let weight = value.as_f64().filter(|weight| *weight >= 0.0);
        weight.ok_or_else(|| Bad::new(&at, "expected numbers that are not negative"))
    });
    read.collect()
}

/// The ranges that coverage and weights cut, with the sums of double precision that are made there.
pub(super) fn cut(count: usize, coverage: Option<f64>, weights: &[f64]) -> Vec<(f64, f64)> {
    let coverage = coverage.unwrap_or(1.0).clamp(0.0, 1.0);
    let equal = vec![1.0 / count as f64; count];
    let total: f64 = weights.iter().sum();
    let is_fine = weights.len() == count && (0.99..=1.01).contains(&total);
    let mut sum = 0.0;
    let weights = if is_fine { weights } else { &equal };
    let cut = weights.iter().map(|weight| {
        let from = sum;
        sum += weight;
        (from, from + coverage * weight)
    });
    cut.collect()
}
