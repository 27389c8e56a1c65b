//! Rules, variants and holdbacks, compiled.

use super::{Bucketing, Serve, Target};
use crate::bucket::Bucketer;
use crate::id::{FlagId, Key, VariantId};
use crate::units::Share;

/// What a variant serves.
#[derive(Clone, Debug, PartialEq)]
pub enum VariantValue {
    /// True or false.
    Boolean(bool),
    /// Text.
    String(Box<str>),
    /// A number; finite.
    Number(f64),
    /// JSON text, without white space.
    Json(Box<str>),
}

/// The type of a flag's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// True or false.
    Boolean,
    /// Text.
    String,
    /// A number.
    Number,
    /// Anything that JSON can say.
    Json,
}

impl ValueType {
    /// As a plan writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Number => "number",
            Self::Json => "json",
        }
    }
}

/// One variant of a flag.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedVariant {
    /// Its name.
    pub key: Key,
    /// What it is for.
    pub description: String,
    /// What it serves.
    pub value: VariantValue,
    /// Its part of those who are on.
    pub share: Share,
}

/// What a question is bucketed by.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucketed {
    /// The function with its salt.
    pub bucketer: Bucketer,
    /// What of the context it hashes.
    pub by: Bucketing,
}

/// A flag's variants.
#[derive(Clone, Debug, PartialEq)]
pub struct Variants {
    /// In the order of the plan, by [`VariantId`].
    pub list: Box<[NamedVariant]>,
    /// The type of all their values.
    pub value_type: ValueType,
    /// Who gets which; `None` where no variant has a share.
    pub split: Option<VariantSplit>,
    /// How a subject finds its place in the split.
    pub bucketed: Bucketed,
    /// What is served where the flag is off; `None`: the caller's default.
    pub default: Option<VariantId>,
}

impl Variants {
    /// Whether those who are on get one of several.
    pub fn is_choice(&self) -> bool {
        self.split.as_ref().is_some_and(|split| split.ranges().len() > 1)
    }

    /// The variant of a name.
    pub fn of(&self, name: &str) -> Option<VariantId> {
        (0_u16..).zip(&self.list).find(|(_, variant)| variant.key == *name).map(|(id, _)| VariantId(id))
    }
}

impl Variants {
    /// The split of these variants that moves the fewest subjects away from what another plan of the flag served them.
    ///
    /// Variants are told by their names; one that is gone gives up all that it had. `None` where either has no shares.
    pub fn recut_from(&self, before: &Self) -> Option<VariantSplit> {
        self.split.as_ref()?;
        let old = before.split.as_ref()?;
        // No variant of the new list: what it had is free.
        let gone = VariantId(u16::MAX);
        let named =
            |id: VariantId| before.list.get(id.index()).and_then(|variant| self.of(variant.key.as_str()));
        let ranges = old.ranges.iter();
        let ranges =
            ranges.map(|range| VariantRange { variant: named(range.variant).unwrap_or(gone), ..*range });
        let shares: Vec<(VariantId, Share)> =
            (0_u16..).zip(&self.list).map(|(id, variant)| (VariantId(id), variant.share)).collect();
        VariantSplit { ranges: ranges.collect() }.recut(&shares)
    }
}

/// One range of a split: buckets from the end of the range before it up to its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantRange {
    /// Where it ends, in parts per million of all buckets.
    pub end_ppm: u32,
    /// The first bucket that is behind it.
    pub end: u64,
    /// Whose it is.
    pub variant: VariantId,
}

/// Ranges of buckets, each with its variant; together they are all buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantSplit {
    ranges: Box<[VariantRange]>,
}

impl VariantSplit {
    /// Ranges one behind the other, for shares that are 100 % together.
    pub fn new(bucketer: &Bucketer, shares: &[(VariantId, Share)]) -> Option<Self> {
        let list: Vec<Share> = shares.iter().map(|(_, share)| *share).collect();
        let cuts = bucketer.hash.cuts(&list);
        let mut end_ppm = 0_u32;
        let ranges = shares.iter().zip(cuts).map(|((variant, share), end)| {
            end_ppm = end_ppm.saturating_add(share.ppm());
            VariantRange { end_ppm, end, variant: *variant }
        });
        // A variant without a share has no range: it must not take the last bucket of a rounding.
        let ranges: Vec<VariantRange> = ranges.collect();
        let mut kept: Vec<VariantRange> = Vec::with_capacity(ranges.len());
        for range in ranges {
            if range.end_ppm > kept.last().map_or(0, |last| last.end_ppm) {
                kept.push(range);
            }
        }
        Self::of(kept)
    }

    /// These ranges, in order; `None` unless the last one ends at 100 %.
    pub fn of(mut ranges: Vec<VariantRange>) -> Option<Self> {
        let is_rising = ranges.windows(2).all(|pair| pair[0].end_ppm < pair[1].end_ppm);
        let last = ranges.last_mut()?;
        if last.end_ppm != Share::FULL.ppm() || !is_rising {
            return None;
        }
        // Whatever a function of others rounds to: the last range takes every bucket that is left.
        last.end = Share::FULL.threshold();
        Some(Self { ranges: ranges.into() })
    }

    /// The variant of a bucket.
    #[inline]
    pub fn pick(&self, bucket: u32) -> Option<VariantId> {
        self.ranges.iter().find(|range| u64::from(bucket) < range.end).map(|range| range.variant)
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[VariantRange] {
        &self.ranges
    }

    /// The same buckets for other shares, moving as few as can be (SEMANTICS 1.7).
    ///
    /// A variant that shrinks gives up the upper end of its buckets; one that grows takes what was given up, from below.
    /// So what moves is half the sum of all differences between old and new shares, and nothing else. `None` where the
    /// shares are not 100 % together.
    #[must_use]
    pub fn recut(&self, shares: &[(VariantId, Share)]) -> Option<Self> {
        let total: u64 = shares.iter().map(|(_, share)| u64::from(share.ppm())).sum();
        if total != u64::from(Share::FULL.ppm()) {
            return None;
        }
        let wanted = |variant: VariantId| {
            shares.iter().filter(|(id, _)| *id == variant).map(|(_, share)| share.ppm()).sum::<u32>()
        };
        // First everybody keeps what it may, from below.
        let mut had: Vec<(VariantId, u32)> = Vec::new();
        let mut pieces: Vec<(u32, Option<VariantId>)> = Vec::new();
        let mut begin = 0;
        for range in &self.ranges {
            let used = had.iter().find(|(id, _)| *id == range.variant).map_or(0, |(_, used)| *used);
            let keeps = (range.end_ppm - begin).min(wanted(range.variant).saturating_sub(used));
            had.retain(|(id, _)| *id != range.variant);
            had.push((range.variant, used + keeps));
            if keeps > 0 {
                pieces.push((keeps, Some(range.variant)));
            }
            if begin + keeps < range.end_ppm {
                pieces.push((range.end_ppm - begin - keeps, None));
            }
            begin = range.end_ppm;
        }
        // Then who grows takes what is free, in the order of the variants.
        let lacks = shares.iter().map(|(id, share)| {
            let used = had.iter().find(|(other, _)| other == id).map_or(0, |(_, used)| *used);
            (*id, share.ppm().saturating_sub(used))
        });
        let mut lacks = lacks.filter(|(_, lack)| *lack > 0);
        let mut next = lacks.next();
        let mut cut: Vec<(u32, VariantId)> = Vec::new();
        for (mut length, owner) in pieces {
            if let Some(owner) = owner {
                cut.push((length, owner));
                continue;
            }
            while length > 0 {
                let (id, lack) = next?;
                let taken = length.min(lack);
                cut.push((taken, id));
                length -= taken;
                next = if taken == lack { lacks.next() } else { Some((id, lack - taken)) };
            }
        }
        let mut ranges: Vec<VariantRange> = Vec::new();
        let mut end_ppm = 0;
        for (length, variant) in cut {
            end_ppm += length;
            let end = Share::from_ppm(end_ppm).map_or(0, Share::threshold);
            match ranges.last_mut() {
                Some(last) if last.variant == variant => (last.end_ppm, last.end) = (end_ppm, end),
                _ => ranges.push(VariantRange { end_ppm, end, variant }),
            }
        }
        Self::of(ranges)
    }
}

/// Which variant those get whom a rule turns on.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleVariants {
    /// As the flag has them.
    OfFlag,
    /// This one.
    One(VariantId),
    /// As the rule has them.
    Split(VariantSplit, Box<Bucketed>),
}

/// What becomes of those whom a rule matches and its share leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Off.
    Default,
    /// The next rule is asked.
    Next,
}

/// Whom a rule is for, and what it serves.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// For people; empty where none is written.
    pub name: Box<str>,
    /// `None`: everybody.
    pub when: Option<Target>,
    /// An operator that nobody knew: the rule never matches.
    pub unknown: Option<Box<str>>,
    /// The part of those it matches that is on.
    pub share: Share,
    /// The bucket behind the last one that is on.
    pub threshold: u64,
    /// What the share hashes; the flag's own bucketing unless written.
    pub bucketed: Option<Box<Bucketed>>,
    /// Which variant those get.
    pub variants: RuleVariants,
    /// What becomes of the others.
    pub otherwise: Otherwise,
}

/// What another flag must serve before this one is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prerequisite {
    /// The other flag.
    pub flag: FlagId,
    /// It must serve one of these.
    pub serves: Box<[Serve]>,
}

/// A part of all subjects that gets none of the flags that name it.
#[derive(Clone, Debug, PartialEq)]
pub struct Holdback {
    /// Its name.
    pub key: Key,
    /// How many are held back.
    pub share: Share,
    /// How a subject is chosen.
    pub bucketed: Bucketed,
}
