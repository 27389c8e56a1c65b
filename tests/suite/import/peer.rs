//! Importing moves nobody: for any key a flag here gives what the formula of its source gives.
//!
//! The formulas stand here once more, from the sources' documentation and over floats as they have them, with digests of
//! other crates or none; the importer and the engine are not asked how they do it.

use rollgate::core::compile::compile_config;
use rollgate::core::evaluate::{Context, FlagRef, evaluate};
use rollgate::core::snapshot::Snapshot;
use rollgate::import::{Source, import};
use serde_json::{Value, json};

fn snapshot(source: Source, file: &Value) -> Snapshot {
    let imported = import(source, &file.to_string(), "peer").unwrap();
    let ruleset = compile_config(&imported.config).unwrap_or_else(|why| panic!("{why}")).ruleset;
    Snapshot::initial(std::sync::Arc::new(ruleset))
}

/// The name of the variant that a key is served, or on and off.
fn served(snapshot: &Snapshot, flag: &str, key: &str) -> String {
    let answer = evaluate(snapshot, FlagRef::Name(flag), &Context::new(key));
    assert_eq!(answer.error, None, "{flag} {key}");
    let flag = &snapshot.ruleset.flags[snapshot.ruleset.flag_of(flag).unwrap().index()];
    match (&flag.variants, answer.served) {
        (Some(variants), Some(id)) => variants.list[id.index()].key.as_str().to_owned(),
        _ => if answer.is_on() { "on" } else { "off" }.to_owned(),
    }
}

/// Keys as applications have them, of every length up to a few words.
fn keys() -> impl Iterator<Item = String> {
    (0..4_000_u64).map(|index| {
        let mixed = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match index % 4 {
            0 => format!("user-{index}"),
            1 => format!("{mixed:016x}"),
            2 => format!("{mixed:032}@example.org"),
            _ => format!("{}", mixed >> (index % 60)),
        }
    })
}

/// Which of some weights a place lies in.
fn of_weights(place: u64, weights: &[u64]) -> usize {
    let mut sum = 0;
    weights
        .iter()
        .position(|weight| {
            sum += weight;
            place < sum
        })
        .unwrap()
}

/// MurmurHash3 x86 32, written out.
fn murmur(text: &str, seed: u32) -> u32 {
    let bytes = text.as_bytes();
    let mix = |k: u32| k.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let mut hash = seed;
    let mut chunks = bytes.chunks_exact(4);
    for chunk in &mut chunks {
        hash ^= mix(u32::from_le_bytes(chunk.try_into().unwrap()));
        hash = hash.rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    let tail = chunks.remainder();
    if !tail.is_empty() {
        hash ^= mix(tail.iter().rev().fold(0, |word, byte| (word << 8) | u32::from(*byte)));
    }
    hash ^= bytes.len() as u32;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn fnv(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[test]
fn everybody_of_unleash_stays_where_they_are() {
    let percents = [1_u32, 7, 33, 50, 67, 99];
    let flexible = |percent: u32| {
        json!({ "name": format!("flexible-{percent}"), "enabled": true, "strategies": [
            { "name": "flexibleRollout", "parameters": { "rollout": percent.to_string(), "stickiness": "userId", "groupId": "group" } } ] })
    };
    let weights = [333_u64, 1, 332, 334, 99];
    let variants: Vec<Value> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| json!({ "name": format!("v{index}"), "weight": weight }))
        .collect();
    let mut features: Vec<Value> = percents.map(flexible).into();
    features.push(json!({ "name": "variants", "enabled": true, "strategies": [{ "name": "default" }], "variants": variants }));
    let snapshot = snapshot(Source::Unleash, &json!({ "features": features }));
    for key in keys() {
        let position = murmur(&format!("group:{key}"), 0) % 100 + 1;
        for percent in percents {
            let theirs = if position <= percent { "on" } else { "off" };
            assert_eq!(
                served(&snapshot, &format!("flexible-{percent}"), &key),
                theirs,
                "{key} at {percent}%"
            );
        }
        let total: u64 = weights.iter().sum();
        let place = u64::from(murmur(&format!("variants:{key}"), 86_028_157)) % total;
        assert_eq!(served(&snapshot, "variants", &key), format!("v{}", of_weights(place, &weights)), "{key}");
    }
}

#[test]
fn everybody_of_flagd_stays_where_they_are() {
    let weights = [1_u64, 1, 1, 17, 80, 3];
    let entries: Vec<Value> =
        weights.iter().enumerate().map(|(index, weight)| json!([format!("v{index}"), weight])).collect();
    let variants: serde_json::Map<String, Value> =
        (0..weights.len()).map(|index| (format!("v{index}"), json!(index))).collect();
    let flag = json!({ "state": "ENABLED", "variants": variants, "defaultVariant": "v0", "targeting": { "fractional": entries } });
    let snapshot = snapshot(Source::Flagd, &json!({ "flags": { "flag": flag } }));
    let total: u64 = weights.iter().sum();
    for key in keys() {
        let place = (u64::from(murmur(&format!("flag{key}"), 0)) * total) >> 32;
        assert_eq!(served(&snapshot, "flag", &key), format!("v{}", of_weights(place, &weights)), "{key}");
    }
}

#[test]
fn everybody_of_growthbook_stays_where_they_are() {
    let weights = [0.1, 0.3333, 0.2667, 0.3];
    let names = ["a", "b", "c", "d"];
    let rule = |version: u32, coverage: f64| json!({ "variations": names, "weights": weights, "coverage": coverage, "hashVersion": version, "seed": "s" });
    let feature = |version, coverage| json!({ "defaultValue": "none", "rules": [rule(version, coverage)] });
    let rollout =
        json!({ "defaultValue": false, "rules": [{ "force": true, "coverage": 0.3, "seed": "s" }] });
    let snapshot = snapshot(
        Source::GrowthBook,
        &json!({ "features": {
        "v1-1": feature(1, 1.0), "v2-1": feature(2, 1.0), "v1-0.7": feature(1, 0.7), "v2-0.7": feature(2, 0.7), "rollout": rollout } }),
    );
    for key in keys() {
        let first = f64::from(fnv(&format!("{key}s")) % 1_000) / 1_000.0;
        let second = f64::from(fnv(&fnv(&format!("s{key}")).to_string()) % 10_000) / 10_000.0;
        for (version, bucket) in [(1, first), (2, second)] {
            for coverage in [1.0, 0.7] {
                let mut sum = 0.0;
                let theirs = weights.iter().zip(names).find_map(|(weight, name)| {
                    let start = sum;
                    sum += weight;
                    (bucket >= start && bucket < start + coverage * weight).then_some(name)
                });
                let flag = format!("v{version}-{coverage}");
                assert_eq!(
                    served(&snapshot, &flag, &key),
                    theirs.unwrap_or("none"),
                    "{flag} {key} at {bucket}"
                );
            }
        }
        assert_eq!(
            served(&snapshot, "rollout", &key),
            if first <= 0.3 { "on" } else { "off" },
            "{key} at {first}"
        );
    }
}

/// Digests of SHA-1 are 20 bytes that nobody writes out here: of LaunchDarkly the parts of one are a table, which a Python
/// program made with its own library.
#[test]
fn everybody_of_launchdarkly_stays_where_they_are() {
    let parts: Vec<(String, f64)> =
        serde_json::from_str(include_str!("../../spec/import/launchdarkly-parts.json")).unwrap();
    assert!(parts.len() >= 1_000);
    let weights = [10_u32, 12_345, 33_333, 20_000, 34_312];
    let variations: Vec<Value> = weights
        .iter()
        .enumerate()
        .map(|(index, weight)| json!({ "variation": index, "weight": weight }))
        .collect();
    let values: Vec<String> = (0..weights.len()).map(|index| format!("v{index}")).collect();
    let flag = json!({ "on": true, "salt": "salt", "variations": values, "offVariation": 0, "fallthrough": { "rollout": { "variations": variations } } });
    let share = |weight: u32| {
        let rollout = json!({ "variations": [{ "variation": 0, "weight": weight }, { "variation": 1, "weight": 100_000 - weight }] });
        json!({ "on": true, "salt": "salt", "variations": [true, false], "offVariation": 1, "rules": [
            { "clauses": [], "rollout": { "seed": 7, "variations": rollout["variations"] } } ], "fallthrough": { "variation": 1 } })
    };
    let mut flags = serde_json::Map::new();
    flags.insert("flag".into(), flag);
    let shares = [1, 777, 50_000, 66_667, 99_999];
    shares.iter().for_each(|weight| drop(flags.insert(format!("share-{weight}"), share(*weight))));
    let snapshot = snapshot(Source::LaunchDarkly, &json!({ "flags": flags }));
    for (text, part) in parts {
        let part = part as f32;
        let (salt, key) = text.split_once('|').unwrap();
        if salt == "flag.salt" {
            let mut sum = 0.0_f32;
            let theirs = weights.iter().position(|weight| {
                sum += *weight as f32 / 100_000.0;
                part < sum
            });
            let theirs = theirs.unwrap_or(weights.len() - 1);
            assert_eq!(served(&snapshot, "flag", key), format!("v{theirs}"), "{key} at {part}");
        } else {
            for weight in shares {
                let theirs = if part < weight as f32 / 100_000.0 { "on" } else { "off" };
                assert_eq!(served(&snapshot, &format!("share-{weight}"), key), theirs, "{key} at {part}");
            }
        }
    }
}
