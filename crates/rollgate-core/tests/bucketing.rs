//! Hash version 1 against vectors that other programs made: it is frozen, in every language.
// Vectors are read from files; the crate under test reads none.
#![allow(clippy::disallowed_methods, clippy::disallowed_macros, clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use rollgate_core::bucket::{ROLLOUT, VARIANT, bucket, seed};
use rollgate_core::evaluate::{Context, FlagRef, evaluate};
use rollgate_core::id::{FlagId, Key};
use rollgate_core::snapshot::{Flag, FlagState, Ruleset, Snapshot};
use rollgate_core::time::Span;
use rollgate_core::units::Share;
use serde::Deserialize;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Vectors that other programs are checked against too, where they lie beside the workspace.
const EXTERNAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
const OWN: &str = include_str!("../../../tests/spec/bucketing.json");

#[derive(Deserialize)]
struct Book {
    hash_version: u32,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    salt: String,
    key: String,
    share_ppm: u32,
    bucket: u32,
    variant_bucket: u32,
    on: bool,
}

/// One flag for each vector, each at its share.
fn snapshot(vectors: &[Vector]) -> Snapshot {
    let key = |text: &str| Key::new(text);
    let flags: Vec<Flag> = vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| Flag {
            initial: Share::from_ppm(vector.share_ppm).unwrap(),
            ..Flag::new(key(&format!("F{index}")), key(&vector.salt))
        })
        .collect();
    let states = flags.iter().map(|flag| FlagState { share: flag.initial, ..FlagState::default() }).collect();
    let ruleset = Ruleset {
        holdbacks: Vec::new(),
        name: key("vectors"),
        title: String::new(),
        about: Default::default(),
        hash: key(""),
        timezone: key("UTC"),
        evaluate_every: Span::seconds(10),
        quorum: 1,
        alerts: Default::default(),
        prometheus: None,
        expected_traffic: None,
        flags,
        metrics: Vec::new(),
        roles: Vec::new(),
        baselines: Vec::new(),
        streaks: 0,
        plan: None,
        flag_index: Vec::new(),
    };
    Snapshot { version: 1, ruleset: Arc::new(ruleset), states }
}

fn check(text: &str, at_least: usize) {
    let book: Book = serde_json::from_str(text).unwrap();
    assert_eq!(book.hash_version, 1);
    assert!(book.vectors.len() >= at_least, "only {} vectors", book.vectors.len());
    let snapshot = snapshot(&book.vectors);
    for (index, vector) in book.vectors.iter().enumerate() {
        let Vector { salt, key, share_ppm, .. } = vector;
        let what = format!("salt {salt:?}, key {key:?}, {share_ppm} ppm");
        assert_eq!(bucket(seed(ROLLOUT, salt), key.as_bytes()), vector.bucket, "{what}");
        assert_eq!(bucket(seed(VARIANT, salt), key.as_bytes()), vector.variant_bucket, "{what}");
        let answer = evaluate(&snapshot, FlagRef::Id(FlagId(index as u16)), &Context::new(key));
        assert_eq!(answer.is_on(), vector.on, "{what}");
        assert_eq!(answer.error, None, "{what}");
        assert!(answer.bucket.is_none_or(|bucket| bucket == vector.bucket), "{what}");
    }
}

/// The text of an external file; says so where it is not there.
fn external(path: &str) -> Option<String> {
    let path = Path::new(EXTERNAL).join(path);
    let text = std::fs::read_to_string(&path).ok();
    if text.is_none() {
        println!("note: {} is not there; only the project's own vectors were checked", path.display());
    }
    text
}

#[test]
fn own_vectors_hold() {
    check(OWN, 200);
}

#[test]
fn external_vectors_hold() {
    if let Some(text) = external("vectors/bucketing.json") {
        check(&text, 600);
    }
}

#[derive(Deserialize)]
struct Digests {
    buffer_cases: Vec<Digest>,
    string_cases: Vec<TextDigest>,
}

#[derive(Deserialize)]
struct TextDigest {
    utf8: String,
    xxh3_64: String,
}

#[derive(Deserialize)]
struct Digest {
    len: usize,
    seed: u64,
    xxh3_64: String,
}

#[test]
fn external_digests_of_xxh3_hold() {
    let Some(text) = external("peer-suites/xxhash/vectors.json") else { return };
    let book: Digests = serde_json::from_str(&text).unwrap();
    let longest = book.buffer_cases.iter().map(|case| case.len).max().unwrap();
    // The buffer of the hash's own sanity check.
    let mut state = 2_654_435_761_u64;
    let mut buffer = Vec::with_capacity(longest);
    for _ in 0..longest {
        buffer.push((state >> 56) as u8);
        state = state.wrapping_mul(11_400_714_785_074_694_797);
    }
    assert!(!book.buffer_cases.is_empty() && !book.string_cases.is_empty());
    for case in &book.string_cases {
        let digest = xxh3_64_with_seed(case.utf8.as_bytes(), 0);
        assert_eq!(format!("{digest:016x}"), case.xxh3_64, "{:?}", case.utf8);
    }
    for case in &book.buffer_cases {
        let digest = xxh3_64_with_seed(&buffer[..case.len], case.seed);
        assert_eq!(format!("{digest:016x}"), case.xxh3_64, "{} bytes, seed {}", case.len, case.seed);
    }
}

#[test]
fn one_bucket_is_as_frequent_as_another() {
    // Chi-square over 256 equal ranges of 100 000 keys: mean 255, deviation sqrt(2 * 255) = 22.6; 4.9 of them are 111.
    for salt in ["USE_ENHANCED_INJECTION", "s", "соль"] {
        let seed = seed(ROLLOUT, salt);
        let mut counts = [0_u32; 256];
        for index in 0..100_000 {
            counts[(bucket(seed, format!("user-{index}").as_bytes()) >> 24) as usize] += 1;
        }
        let expected = 100_000.0 / 256.0;
        let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!((chi - 255.0).abs() < 111.0, "{salt}: {chi}");
    }
}
