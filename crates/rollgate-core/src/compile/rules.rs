//! Rules, prerequisites, holdbacks and what they hash.

use super::flags::unknown;
use super::reader::{Item, Map, Reader, join};
use super::target::{Targets, texts};
use super::variants::{FlagNames, is_whole, of_variant, serve, serves};
use crate::bucket::{Bucketer, Domain, Hash};
use crate::id::{HoldbackId, Key, VariantId};
use crate::limits::{FLAGS_MAX, NAMED_MAX, RULES_MAX, VARIANTS_MAX};
use crate::snapshot::{
    Bucketed, Bucketing, Flag, Holdback, Otherwise, Prerequisite, Rule, RuleVariants, Serve, VariantSplit,
    Variants,
};
use crate::units::Share;

/// The bucketing functions that a plan may name.
const HASHES: [(&str, Hash); 1] = [("rollgate-1", Hash::Rollgate1)];

/// What a question hashes: as `base` but for what is written.
pub(super) fn bucketed(reader: &mut Reader, item: Option<Item<'_>>, base: &Bucketed) -> Bucketed {
    let mut bucketed = base.clone();
    let map = item.and_then(|item| reader.map(&item, "a map with salt and by"));
    let Some(mut map) = map else { return bucketed };
    let bucketer = &mut bucketed.bucketer;
    if let Some(salt) = map.take("salt").and_then(|item| reader.text(&item)) {
        bucketer.salt = Key::new(salt);
    }
    if let Some(hash) = map.take("hash").and_then(|item| reader.word(&item, &HASHES)) {
        bucketer.hash = hash;
    }
    if let Some(parts) = map.take("parts").and_then(|item| parts(reader, &item)) {
        bucketer.parts = parts;
    }
    bucketer.seed = crate::bucket::seed(bucketer.domain.name(), bucketer.salt.as_str());
    if let Some(by) = map.take("by").and_then(|item| by(reader, &item)) {
        bucketed.by = by;
    }
    reader.close(map);
    bucketed
}

/// How many parts a function knows; buckets have 32 bits, and so it has no more.
fn parts(reader: &mut Reader, item: &Item<'_>) -> Option<u32> {
    let parts = reader.whole(item, 1)?;
    let fits = u32::try_from(parts).ok();
    if fits.is_none() {
        let message = format!("{parts} parts are more than buckets can tell apart");
        reader.error_help("out-of-range", &item.path, item.at(), message, "write 4294967295 or less");
    }
    fits
}

/// `targeting_key`, an attribute, or the first of several.
fn by(reader: &mut Reader, item: &Item<'_>) -> Option<Bucketing> {
    let one = |name: String| match name.as_str() {
        "targeting_key" => Bucketing::TargetingKey,
        _ => Bucketing::Attribute(Key::new(name)),
    };
    let mut several: Vec<Bucketing> = texts(reader, item)?.into_iter().map(one).collect();
    match several.len() {
        0 => {
            let help = "name an attribute, or `targeting_key`";
            reader.error_help("empty-group", &item.path, item.at(), "the list names nothing", help);
            None
        }
        1 => several.pop(),
        _ => Some(Bucketing::FirstOf(several.into())),
    }
}

/// Compiles the plan's `holdbacks`.
pub(super) fn holdbacks(reader: &mut Reader, item: Option<Item<'_>>) -> Vec<Holdback> {
    let Some(item) = item else { return Vec::new() };
    let entries = reader.named(&item, "a map of holdbacks", NAMED_MAX);
    let mut holdbacks = Vec::with_capacity(entries.len());
    for (key, _, item) in entries {
        let Some(mut map) = reader.map(&item, "a map of one holdback") else { continue };
        let share = map.take("share");
        if share.is_none() {
            let message = format!("holdback `{key}` does not say how many are held back");
            reader.error_help(
                "missing-key",
                &item.path,
                item.key_at(),
                message,
                "add for example `share: 5%`",
            );
        }
        let share = share.and_then(|item| reader.share(&item)).unwrap_or_default();
        let salt = map.take("salt").and_then(|item| reader.text(&item)).unwrap_or_else(|| key.to_owned());
        let by = map.take("by").and_then(|item| by(reader, &item)).unwrap_or(Bucketing::TargetingKey);
        reader.close(map);
        let bucketed = Bucketed { bucketer: Bucketer::new(Domain::Holdout, Key::new(salt)), by };
        holdbacks.push(Holdback { key: Key::new(key), share, bucketed });
    }
    holdbacks
}

/// The holdback that a flag names.
pub(super) fn holdback(reader: &mut Reader, holdbacks: &[Holdback], item: &Item<'_>) -> Option<HoldbackId> {
    let name = reader.text(item)?;
    let found = (0_u16..).zip(holdbacks).find(|(_, one)| one.key == *name).map(|(id, _)| HoldbackId(id));
    if found.is_none() {
        let known = holdbacks.iter().map(|one| one.key.as_str());
        unknown(reader, "unknown-holdback", "holdback", item, &name, known);
    }
    found
}

/// Compiles `prerequisites`.
pub(super) fn prerequisites(reader: &mut Reader, flags: &FlagNames, item: &Item<'_>) -> Box<[Prerequisite]> {
    let entries = reader.named(item, "a map of flags and what they must serve", FLAGS_MAX);
    let mut wanted = Vec::with_capacity(entries.len());
    for (name, _, item) in entries {
        let Some(flag) = flags.named(reader, &item, name) else { continue };
        wanted.extend(serves(reader, flags, flag, &item).map(|serves| Prerequisite { flag, serves }));
    }
    wanted.into()
}

/// Compiles a flag's `rules`.
pub(super) fn rules<'a>(
    reader: &mut Reader,
    targets: &mut Targets<'a, '_>,
    flag: &Flag,
    item: &Item<'a>,
) -> Box<[Rule]> {
    let items = reader.list(item, "a list of rules", RULES_MAX);
    let mut rules: Vec<Rule> = Vec::with_capacity(items.len());
    let mut is_closed = false;
    for item in &items {
        if is_closed {
            let message = "the rule before it is for everybody, so this one is never asked";
            let help = "remove it, put it before that one, or write `otherwise: next` there";
            reader.warn("unreachable-rule", &item.path, item.at(), message, help);
        }
        let rule = rule(reader, targets, flag, item);
        is_closed |= rule.as_ref().is_some_and(|rule| {
            let goes_on = rule.otherwise == Otherwise::Next && rule.share < Share::FULL;
            rule.when.is_none() && rule.unknown.is_none() && !goes_on
        });
        rules.extend(rule);
    }
    rules.into()
}

fn rule<'a>(
    reader: &mut Reader,
    targets: &mut Targets<'a, '_>,
    flag: &Flag,
    item: &Item<'a>,
) -> Option<Rule> {
    let mut map = reader.map(item, "a rule: a map with when, and what it serves")?;
    let name = reader.opt_text(map.take("name"));
    let when = map.take("when");
    let has_when = when.is_some();
    let when = when.and_then(|item| targets.target(reader, &item, 0));
    let serves = served(reader, &mut map, item, flag);
    reader.close(map);
    let (share, threshold, bucketed, variants, otherwise) = serves?;
    if has_when && when.is_none() {
        return None;
    }
    let unknown = when.as_ref().and_then(|when| when.unknown.clone());
    let when = when.map(|when| when.target);
    Some(Rule { name: name.into(), when, unknown, share, threshold, bucketed, variants, otherwise })
}

type Served = (Share, u64, Option<Box<Bucketed>>, RuleVariants, Otherwise);

/// What a rule serves: `serve`, or `share`, `variants` or both.
fn served(reader: &mut Reader, map: &mut Map<'_>, item: &Item<'_>, flag: &Flag) -> Option<Served> {
    const SPLIT: [&str; 5] = ["share", "variants", "bucketing", "variant_bucketing", "otherwise"];
    let names: Vec<Key> = flag
        .variants
        .as_ref()
        .map(|variants| variants.list.iter().map(|one| one.key.clone()).collect())
        .unwrap_or_default();
    if let Some(asked) = map.take("serve") {
        for key in SPLIT.into_iter().filter(|key| map.has(key)) {
            let message = format!("`{key}` says nothing beside `serve`");
            let help = "a rule has `serve`, or `share`, `variants` or both";
            reader.error_help("unused-key", &join(&item.path, key), map.key_at(key), message, help);
        }
        SPLIT.into_iter().for_each(|key| drop(map.take(key)));
        let (share, variants) = match serve(reader, &names, &asked)? {
            Serve::On => (Share::FULL, RuleVariants::OfFlag),
            Serve::Off => (Share::ZERO, RuleVariants::OfFlag),
            Serve::Variant(id) => (Share::FULL, RuleVariants::One(id)),
        };
        return Some((share, share.threshold(), None, variants, Otherwise::Default));
    }
    let (share, of_variants) = (map.take("share"), map.take("variants"));
    if share.is_none() && of_variants.is_none() {
        let help = "add `serve: true`, `serve: false`, a variant's name, or a `share`";
        reader.error_help("no-serve", &item.path, item.at(), "the rule does not say what it serves", help);
    }
    let is_fine = share.is_some() || of_variants.is_some();
    let share = match share {
        Some(item) => checked_share(reader, &item, flag),
        None => Some(Share::FULL),
    };
    let base = Bucketed { bucketer: flag.bucketer.clone(), by: flag.by.clone() };
    let own = map.take("bucketing").map(|item| Box::new(bucketed(reader, Some(item), &base)));
    let threshold = |share: Share| {
        let hash = own.as_ref().map_or(flag.bucketer.hash, |own| own.bucketer.hash);
        hash.cuts(&[share]).first().copied().unwrap_or_default()
    };
    let variants = rule_variants(reader, map, of_variants, flag, own.as_deref());
    let otherwise = map
        .take("otherwise")
        .and_then(|item| reader.word(&item, &[("default", Otherwise::Default), ("next", Otherwise::Next)]));
    let share = share.filter(|_| is_fine)?;
    let threshold = threshold(share);
    Some((share, threshold, own, variants?, otherwise.unwrap_or(Otherwise::Default)))
}

/// A rule's share; of a flag that excludes others at most its range.
fn checked_share(reader: &mut Reader, item: &Item<'_>, flag: &Flag) -> Option<Share> {
    let share = reader.share(item)?;
    above_slot(reader, item, flag, share);
    Some(share)
}

/// Refuses a share that a flag's range among exclusive flags cannot hold.
pub(super) fn above_slot(reader: &mut Reader, item: &Item<'_>, flag: &Flag, share: Share) {
    if let Some(slot) = flag.slot.as_ref().filter(|slot| share > slot.share) {
        let message =
            format!("`{}` at {share} has only {} in `exclusive.{}`", flag.key, slot.share, slot.group);
        let help = "lower the share, or give it a larger range before anybody is on";
        reader.error_help("share-above-range", &item.path, item.at(), message, help);
    }
}

/// The variants of those whom a rule turns on.
fn rule_variants(
    reader: &mut Reader,
    map: &mut Map<'_>,
    item: Option<Item<'_>>,
    flag: &Flag,
    own: Option<&Bucketed>,
) -> Option<RuleVariants> {
    let written = map.take("variant_bucketing");
    let Some(item) = item else {
        if written.is_some() {
            let help = "add `variants:`, or remove it";
            let path = join(&map.path, "variant_bucketing");
            let message = "`variant_bucketing` says nothing of a rule without variants";
            reader.error_help("unused-key", &path, map.key_at("variant_bucketing"), message, help);
        }
        return Some(RuleVariants::OfFlag);
    };
    let Some(variants) = &flag.variants else {
        let message = format!("`{}` has no variants", flag.key);
        reader.error_help("no-variants", &item.path, item.key_at(), message, "add them to the flag");
        return None;
    };
    let shares = shares_of(reader, variants, &item)?;
    if !is_whole(reader, &item, shares.iter().map(|(_, share)| *share)) {
        return None;
    }
    let base = own.map_or_else(|| variants.bucketed.clone(), of_variant);
    let bucketed = bucketed(reader, written, &base);
    let split = VariantSplit::new(&bucketed.bucketer, &shares)?;
    Some(RuleVariants::Split(split, Box::new(bucketed)))
}

fn shares_of(reader: &mut Reader, variants: &Variants, item: &Item<'_>) -> Option<Vec<(VariantId, Share)>> {
    let mut shares = Vec::new();
    let mut is_fine = true;
    for (name, _, item) in reader.named(item, "a map of variants and shares", VARIANTS_MAX) {
        let share = reader.share(&item);
        match (variants.of(name), share) {
            (Some(id), Some(share)) => shares.push((id, share)),
            (None, _) => {
                let known = variants.list.iter().map(|one| one.key.as_str());
                unknown(reader, "unknown-variant", "variant", &item, name, known);
                is_fine = false;
            }
            (Some(_), None) => is_fine = false,
        }
    }
    is_fine.then_some(shares)
}
