//! `vectors FILE`: a file like `tests/spec/bucketing.json` through the Rust door; prints `Rust: N of M`.
//! `vectors --generate N FILE` makes one.

use std::fs;
use std::process::ExitCode;

use rollgate::Engine;
use rollgate::core::bucket::{ROLLOUT, VARIANT, bucket, seed};
use rollgate::core::evaluate::Context;
use rollgate::core::units::Share;
use rollgate::read::Format;
use serde_json::{Value, json};

/// Plans stay far below the number of flags that one may have.
const FLAGS: usize = 500;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["--generate", count, file] => write(count, file),
        [file] => rust(file),
        _ => Err("usage: vectors FILE, or vectors --generate N FILE".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn write(count: &str, file: &str) -> Result<(), String> {
    let count: usize = count.parse().map_err(|error| format!("{count}: {error}"))?;
    fs::write(file, generate(count).to_string()).map_err(|error| format!("{file}: {error}"))
}

fn rust(file: &str) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let vectors = read(&text).map_err(|why| format!("{file}: {why}"))?;
    let held: usize = vectors.chunks(FLAGS).map(held).sum::<Result<_, _>>()?;
    println!("Rust: {held} of {}", vectors.len());
    if held == vectors.len() { Ok(()) } else { Err("Rust: not every vector holds".to_owned()) }
}

struct Vector {
    salt: String,
    key: String,
    share: Share,
    bucket: u32,
    variant_bucket: u32,
    on: bool,
}

fn read(text: &str) -> Result<Vec<Vector>, String> {
    let book: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let vectors = book["vectors"].as_array().ok_or("it has no list `vectors`")?;
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let vector = |value: &Value| {
        Some(Vector {
            salt: value["salt"].as_str()?.to_owned(),
            key: value["key"].as_str()?.to_owned(),
            share: Share::from_ppm(number(&value["share_ppm"])?)?,
            bucket: number(&value["bucket"])?,
            variant_bucket: number(&value["variant_bucket"])?,
            on: value["on"].as_bool()?,
        })
    };
    let read = vectors.iter().enumerate();
    read.map(|(place, value)| vector(value).ok_or_else(|| format!("vector {place} cannot be read"))).collect()
}

/// How many of some vectors hold, by every way that there is to ask.
fn held(vectors: &[Vector]) -> Result<usize, String> {
    let flag = |(place, vector): (usize, &Vector)| {
        let flag = json!({
            "share": vector.share.to_string(),
            "bucketing": { "salt": vector.salt },
            // Two of half each: the one that is served tells the other bucket.
            "variants": { "low": { "share": "50%" }, "high": { "share": "50%" } },
        });
        (format!("F{place}"), flag)
    };
    let with_variants: serde_json::Map<String, Value> = vectors.iter().enumerate().map(flag).collect();
    let mut plain = with_variants.clone();
    for flag in plain.values_mut().filter_map(Value::as_object_mut) {
        flag.remove("variants");
    }
    let open = |flags| {
        let plan = json!({ "version": 1, "name": "vectors", "flags": Value::Object(flags) }).to_string();
        let engine = Engine::builder().plan_text(&plan, Format::Json).and_then(|builder| builder.build());
        engine.map_err(|error| format!("Rust: {error}"))
    };
    let (plain, with_variants) = (open(plain)?, open(with_variants)?);
    Ok(vectors
        .iter()
        .enumerate()
        .filter(|(place, vector)| holds(&plain, &with_variants, *place, vector))
        .count())
}

fn holds(plain: &Engine, with_variants: &Engine, place: usize, vector: &Vector) -> bool {
    let (name, key) = (format!("F{place}"), vector.key.as_str());
    let answer = plain.evaluate(&name, &Context::new(key));
    let served = with_variants.serve(&name, &Context::new(key));
    let side = if vector.variant_bucket < 1 << 31 { "low" } else { "high" };
    bucket(seed(ROLLOUT, &vector.salt), key.as_bytes()) == vector.bucket
        && bucket(seed(VARIANT, &vector.salt), key.as_bytes()) == vector.variant_bucket
        && plain.is_on(&name, key) == vector.on
        && plain.flag(&name).is_on(key) == vector.on
        && answer.is_on() == vector.on
        && answer.bucket.is_none_or(|bucket| bucket == vector.bucket)
        && (!vector.on || served.variant.is_some_and(|variant| variant.key == *side))
}

/// Vectors of many shapes: keys of every kind that programs have, and shares at the ends, near a bucket, and anywhere.
fn generate(count: usize) -> Value {
    let vectors = (0..count as u64).map(|index| {
        // SplitMix64 (Steele, Lea and Flood 2014): the same file each time.
        let random = |stream: u64| {
            let mut state = (index << 8 | stream).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            state = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state = (state ^ state >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            state ^ state >> 31
        };
        let key = match index % 8 {
            0 => format!("user-{}", random(0) % 10_000_000),
            1 => format!("{:016x}-{:016x}", random(0), random(1)),
            2 => (random(0) % 100_000_000).to_string(),
            3 => format!("name{}@example.com", random(0) % 1_000_000),
            4 => format!("müller-{}-東京", random(0) % 10_000),
            5 => "k".repeat(1 + (random(0) % 600) as usize) + &index.to_string(),
            6 => format!("a\u{0}b\n\"{}\\", random(0) % 1_000),
            _ => char::from(b'!' + (random(0) % 94) as u8).to_string(),
        };
        let salt = format!("salt-{}", random(2) % 1_000);
        let bucketed = bucket(seed(ROLLOUT, &salt), key.as_bytes());
        let near = ((u128::from(bucketed) * 1_000_000) >> 32) as u64;
        let ppm = match random(3) % 8 {
            0 => 0,
            1 => 1_000_000,
            2 => 1,
            3 => near,
            4 => (near + 1).min(1_000_000),
            5 => 10_000 * (random(4) % 101),
            _ => random(4) % 1_000_001,
        };
        let share = Share::from_ppm(ppm as u32).unwrap_or(Share::FULL);
        json!({
            "salt": salt, "key": key, "share_ppm": share.ppm(), "bucket": bucketed,
            "variant_bucket": bucket(seed(VARIANT, &salt), key.as_bytes()),
            "on": u64::from(bucketed) < share.threshold(),
        })
    });
    json!({ "hash_version": 1, "vectors": vectors.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test may fail loudly.

    use super::*;

    #[test]
    fn vectors_that_are_made_hold_and_those_that_are_changed_do_not() {
        let mut vectors = read(&generate(400).to_string()).unwrap();
        assert_eq!(held(&vectors).unwrap(), 400);
        assert!(vectors.iter().filter(|vector| vector.on).count() > 100);
        for vector in &mut vectors[..3] {
            vector.on = !vector.on;
        }
        vectors[3].bucket ^= 1;
        vectors[4].variant_bucket ^= 1;
        assert_eq!(held(&vectors).unwrap(), 395);
        assert!(read(r#"{"vectors":[{"salt":"s"}]}"#).is_err());
    }

    #[test]
    fn vectors_of_the_book_hold() {
        let book = include_str!("spec/bucketing.json");
        let vectors = read(book).unwrap();
        let found: usize = vectors.chunks(FLAGS).map(|some| held(some).unwrap()).sum();
        assert_eq!(found, vectors.len());
    }
}
