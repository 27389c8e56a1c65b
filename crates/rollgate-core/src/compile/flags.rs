//! Flags: salts, nesting, lists; and rules, variants and what other flags say.

use super::asking;
use super::exclusive::exclusive;
use super::reader::{Item, Map, Reader, join};
use super::rules::{above_slot, bucketed, holdback, holdbacks, prerequisites, rules};
use super::target::Targets;
use super::variants::{FlagNames, of_variant, variants};
use crate::id::{FlagId, Key};
use crate::limits::{FLAGS_MAX, WITHIN_DEPTH_MAX};
use crate::snapshot::{Bucketed, Flag, Holdback, KeyList, Parent, ShareOf};
use crate::units::Share;

/// How a child's share above its parent's is mended.
pub(super) const ABOVE_PARENT: &str = "a child's share of all subjects is at most its parent's";

/// Keys that would make a final flag anything but on for everybody.
const FINAL_LACKS: [&str; 9] = [
    "enabled",
    "share",
    "within",
    "always_on",
    "always_off",
    "prerequisites",
    "holdback",
    "rules",
    "malformed",
];

/// A flag as written, before what it says of others is looked up.
pub(super) struct Written<'a> {
    pub(super) flag: Flag,
    within: Option<(Item<'a>, String)>,
    share_of: Option<ShareOf>,
    /// Its share, where it is written and may be.
    share: Option<Item<'a>>,
    prerequisites: Option<Item<'a>>,
    holdback: Option<Item<'a>>,
    rules: Option<Item<'a>>,
    /// A salt or a function of its own.
    pub(super) has_bucketing: bool,
    pub(super) at: Item<'a>,
}

/// Whether the plan has phases, which set the shares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Setup {
    /// Phases set the shares.
    Phased,
    /// Flags start at their own share.
    FlagsOnly,
}

/// Compiles `flags`, `conditions`, `holdbacks` and `exclusive`.
pub(super) fn flags(
    reader: &mut Reader,
    map: &mut Map<'_>,
    item: Option<Item<'_>>,
    setup: Setup,
) -> (Vec<Flag>, Vec<Holdback>) {
    let entries = item.map(|item| reader.named(&item, "a map of flags", FLAGS_MAX)).unwrap_or_default();
    let mut written: Vec<Written<'_>> = Vec::with_capacity(entries.len());
    for (key, _, item) in entries {
        let flag = flag(reader, key, &item, setup);
        written.extend(flag);
    }
    let held = holdbacks(reader, map.take("holdbacks"));
    exclusive(reader, map.take("exclusive"), &mut written);
    nest(reader, &mut written);
    let names =
        FlagNames(written.iter().map(|one| (one.flag.key.to_string(), variant_keys(&one.flag))).collect());
    let mut targets = Targets::new(reader, &names, map.take("conditions"));
    for one in &mut written {
        if let Some(item) = one.holdback.take() {
            one.flag.holdback = holdback(reader, &held, &item);
        }
        if let Some(item) = one.prerequisites.take() {
            one.flag.prerequisites = prerequisites(reader, &names, &item);
        }
        if let Some(item) = one.rules.take() {
            one.flag.rules = rules(reader, &mut targets, &one.flag, &item);
        }
        if let Some(item) = &one.share {
            above_slot(reader, item, &one.flag, one.flag.initial);
        }
    }
    children_above_parents(reader, &written);
    let (flags, places): (Vec<Flag>, Vec<Item<'_>>) =
        written.into_iter().map(|one| (one.flag, one.at)).unzip();
    asking::check(reader, &flags, &places);
    (flags, held)
}

fn variant_keys(flag: &Flag) -> Vec<Key> {
    let list = flag.variants.iter().flat_map(|variants| &variants.list);
    list.map(|variant| variant.key.clone()).collect()
}

fn children_above_parents(reader: &mut Reader, written: &[Written<'_>]) {
    for one in written {
        let flag = &one.flag;
        if let Some(Parent { flag: parent, share_of: ShareOf::Total, .. }) = flag.parent
            && !written[parent.index()].flag.is_final
            && flag.initial > written[parent.index()].flag.initial
        {
            let above = &written[parent.index()].flag;
            let message = format!(
                "`{}` at {} lies within `{}` at {}",
                flag.key, flag.initial, above.key, above.initial
            );
            let at = &one.at;
            reader.error_help("child-above-parent", &at.path, at.key_at(), message, ABOVE_PARENT);
        }
    }
}

fn flag<'a>(reader: &mut Reader, key: &str, item: &Item<'a>, setup: Setup) -> Option<Written<'a>> {
    let mut map = reader.map(item, "a map of one flag")?;
    let mut flag = Flag::new(key, key);
    flag.description = reader.opt_text(map.take("description"));
    let has_bucketing = map.has("bucketing");
    let base = Bucketed { bucketer: flag.bucketer.clone(), by: flag.by.clone() };
    let rollout = bucketed(reader, map.take("bucketing"), &base);
    let of_variants = bucketed(reader, map.take("variant_bucketing"), &of_variant(&rollout));
    (flag.bucketer, flag.by) = (rollout.bucketer, rollout.by);
    flag.variants = variants(reader, &mut map, of_variants).map(Box::new);
    if let Some(enabled) = map.take("enabled").and_then(|item| reader.flag(&item)) {
        flag.is_enabled = enabled;
    }
    flag.always_on = keys(reader, map.take("always_on"));
    flag.always_off = keys(reader, map.take("always_off"));
    let share = map.take("share");
    if let Some(item) = &share {
        flag.initial = initial(reader, item, setup).unwrap_or_default();
    }
    let within = map.take("within").and_then(|item| reader.text(&item).map(|name| (item, name)));
    let share_of = map
        .take("share_of")
        .and_then(|item| reader.word(&item, &[("total", ShareOf::Total), ("parent", ShareOf::Parent)]));
    check_nesting(reader, &map, key, within.is_some());
    let (prerequisites, holdback, rules) =
        (map.take("prerequisites"), map.take("holdback"), map.take("rules"));
    malformed(reader, &mut map, &mut flag);
    if let Some(is_final) = map.take("final").and_then(|item| reader.flag(&item)) {
        flag.is_final = is_final;
        for key in FINAL_LACKS.into_iter().filter(|key| is_final && map.has(key)) {
            reader.error_help(
                "final-flag-set",
                &join(&item.path, key),
                map.key_at(key),
                format_args!("`{key}` says nothing of a flag that is final"),
                "remove it: a final flag is on for everybody",
            );
        }
    }
    reader.close(map);
    let at = item.clone();
    Some(Written { flag, within, share_of, share, prerequisites, holdback, rules, has_bucketing, at })
}

/// What an importer could not read is one flag's trouble, and no other's.
fn malformed(reader: &mut Reader, map: &mut Map<'_>, flag: &mut Flag) {
    let Some(item) = map.take("malformed") else { return };
    let Some(why) = reader.text(&item) else { return };
    let message = format!("`{}` cannot be read: {why}", flag.key);
    let help = "it gives an error and the caller's default; write what it means, and remove this key";
    reader.warn("malformed-flag", &item.path, item.at(), message, help);
    flag.malformed = Some(why.into());
}

/// The share that a flag starts at; where there are phases, they say it.
fn initial(reader: &mut Reader, item: &Item<'_>, setup: Setup) -> Option<Share> {
    if setup == Setup::FlagsOnly {
        return reader.share(item);
    }
    reader.error_help(
        "share-in-plan",
        &item.path,
        item.at(),
        "a plan with phases sets the shares in its steps",
        "remove this share; flags start at 0%",
    );
    None
}

/// Whether `within` and `share_of` stand together.
fn check_nesting(reader: &mut Reader, map: &Map<'_>, key: &str, is_within: bool) {
    if is_within && !map.has("share_of") {
        reader.error_help(
            "nested-without-share-of",
            &map.path,
            map.key_at("within"),
            format_args!("`{key}` lies within another flag, and does not say what its share is a share of"),
            "add `share_of: total` (of all subjects) or `share_of: parent` (of the parent's subjects)",
        );
    }
    if !is_within && map.has("share_of") {
        reader.error_help(
            "share-of-without-within",
            &map.path,
            map.key_at("share_of"),
            "`share_of` without `within`",
            "name the parent: `within: FLAG`",
        );
    }
}

fn keys(reader: &mut Reader, item: Option<Item<'_>>) -> KeyList {
    let Some(item) = item else { return KeyList::default() };
    let items = reader.list(&item, "a list of targeting keys", usize::MAX);
    KeyList::new(items.iter().filter_map(|item| reader.text(item)).collect::<Vec<_>>())
}

/// Looks parents up; refuses unknown ones, cycles, depth, and shares of all subjects under another salt.
fn nest(reader: &mut Reader, written: &mut [Written<'_>]) {
    let names: Vec<String> = written.iter().map(|one| one.flag.key.to_string()).collect();
    for index in 0..written.len() {
        let Some((item, name)) = written[index].within.clone() else { continue };
        let Some(parent) = names.iter().position(|other| *other == name) else {
            unknown(reader, "unknown-flag", "flag", &item, &name, names.iter().map(String::as_str));
            continue;
        };
        let (child, above) = (&written[index].flag, &written[parent].flag);
        let same_bucket = child.has_bucket_of(above);
        let share_of = written[index].share_of.unwrap_or(ShareOf::Total);
        if share_of == ShareOf::Total && !same_bucket && written[index].share_of.is_some() {
            reader.error_help(
                "salts-differ",
                &item.path,
                item.at(),
                format_args!(
                    "`{}` takes a share of all subjects inside `{name}`, but their bucketing differs",
                    child.key
                ),
                "give both the same salt and `by`, or write `share_of: parent`",
            );
        }
        written[index].flag.parent = Some(Parent { flag: FlagId(parent as u16), share_of, same_bucket });
    }
    for index in 0..written.len() {
        let mut next = written[index].flag.parent;
        let mut depth = 0;
        while let Some(parent) = next {
            depth += 1;
            if depth > WITHIN_DEPTH_MAX || parent.flag.index() == index {
                let item =
                    written[index].within.as_ref().map_or(&written[index].at, |(item, _)| item).clone();
                let message = if parent.flag.index() == index {
                    format!("`{}` lies within itself", written[index].flag.key)
                } else {
                    format!("flags lie more than {WITHIN_DEPTH_MAX} deep within each other")
                };
                reader.error_help(
                    "within-cycle",
                    &item.path,
                    item.at(),
                    message,
                    "name another `within:`, or none",
                );
                written[index].flag.parent = None;
                break;
            }
            next = written[parent.flag.index()].flag.parent;
        }
    }
}

/// An unknown name, with the nearest known one, or with all of them and where another is added.
pub(super) fn unknown<'a>(
    reader: &mut Reader,
    code: &'static str,
    noun: &str,
    item: &Item<'_>,
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) {
    const SHOWN: usize = 12;
    // The name is the value, or else the key.
    let is_key = item.path.ends_with(&format!(".{name}"));
    let at = if is_key { item.key_at() } else { item.at() };
    let known: Vec<&str> = known.into_iter().collect();
    let near = super::problem::nearest(name, known.iter().copied());
    let listed = match (near, &known[..]) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, []) => String::new(),
        (None, [only]) => format!("there is only `{only}`"),
        (None, [..]) if known.len() > SHOWN => {
            format!("there are {} and {} more", known[..SHOWN].join(", "), known.len() - SHOWN)
        }
        (None, [..]) => format!("there are {}", known.join(", ")),
    };
    let help = match (near, section_of(code)) {
        (None, Some(section)) if known.is_empty() => format!("add `{name}` to `{section}:`"),
        (None, Some(section)) => format!("{listed}; or add `{name}` to `{section}:`"),
        (None, None) if known.is_empty() => format!("the plan has no {noun} that could stand here"),
        _ => listed,
    };
    reader.error_help(code, &item.path, at, format_args!("there is no {noun} `{name}`"), help);
}

/// Where a plan says which names of a kind there are.
fn section_of(code: &str) -> Option<&'static str> {
    match code {
        "unknown-metric" => Some("metrics"),
        "unknown-flag" => Some("flags"),
        "unknown-role" => Some("roles"),
        "unknown-channel" => Some("channels"),
        "unknown-condition" => Some("conditions"),
        "unknown-holdback" => Some("holdbacks"),
        _ => None,
    }
}
