//! What a changed operator or a missing line of bucketing, evaluation or the rule compiler would break and no book of
//! rows shows.

use rollgate::Engine;
use rollgate::core::bucket::{Bucketer, Domain, Hash, foreign};
use rollgate::core::evaluate::{Attribute, Context, Value};
use rollgate::core::snapshot::short_text;
use rollgate::core::units::Share;
use rollgate::read::Format;

fn engine(plan: &str) -> Engine {
    match Engine::builder().plan_text(plan, Format::Yaml) {
        Ok(builder) => builder.build().unwrap(),
        Err(error) => panic!("{error}"),
    }
}

/// Whether a rule on `v` matches.
#[track_caller]
fn holds(asks: &str, value: Attribute<'_>) -> bool {
    let engine = engine(&format!(
        "{{ version: 1, name: n, flags: {{ F: {{ rules: [ {{ when: {{ attribute: v, {asks} }}, serve: true }} ] }} }} }}"
    ));
    engine.evaluate("F", &Context::new("user").with_attributes(&[("v", value)])).is_on()
}

#[test]
fn times_and_addresses_pass_as_their_texts_do_and_nothing_else() {
    let noon = Attribute::Time("2026-01-19T12:00:00Z".parse().unwrap());
    let address = Attribute::Address("10.1.2.3".parse().unwrap());
    let rows = [
        ("before: 2026-01-20", true, false),
        ("after: 2026-01-20", false, false),
        ("not_after: \"2026-01-19T12:00:00Z\"", true, false),
        ("in_network: 10.0.0.0/8", false, true),
        ("in_network: 11.0.0.0/8", false, false),
        ("present: true", true, true),
        ("at_least: 0", false, false),
        ("contains: \"1\"", false, false),
        ("equals: 10.1.2.3", false, false),
        ("not_equals: 10.1.2.3", true, true),
        ("version_at_least: 0.0.0", false, false),
        ("matches: \"\"", false, false),
    ];
    for (asks, of_time, of_address) in rows {
        assert_eq!((holds(asks, noon), holds(asks, address)), (of_time, of_address), "{asks}");
    }
}

#[test]
fn without_a_variant_there_is_no_value_unless_the_flag_has_none() {
    let engine = engine(
        "{ version: 1, name: n, flags: {
            SIDES: {}, ALL: { share: 100% }, AWAY: { enabled: false },
            TEXT: { share: 100%, variants: { a: {}, b: {} } }, TEXT_OFF: { variants: { a: { share: 100% } } },
            TRUTH: { share: 100%, variants: { a: { value: true }, b: { value: false } } },
            TRUTH_OFF: { variants: { a: { value: false, share: 100% } } },
            TRUTH_DEFAULT: { default: a, variants: { a: { value: true, share: 100% } } } } }",
    );
    let rows = [
        ("SIDES", Some(false)),
        ("ALL", Some(true)),
        ("AWAY", None),
        ("NONE", None),
        ("TEXT", None),
        ("TEXT_OFF", None),
        ("TRUTH", None),
        ("TRUTH_OFF", None),
        ("TRUTH_DEFAULT", Some(true)),
    ];
    for (flag, expected) in rows {
        let served = engine.serve(flag, &Context::new("user"));
        assert_eq!(served.value(), expected.map(Value::Boolean), "{flag}");
        if flag.starts_with("TRUTH") {
            assert_eq!(served.boolean(), Ok(expected), "{flag}");
        }
    }
}

/// A list of short texts is searched as numbers; a text that had none would make every list of it slow.
#[test]
fn every_text_of_at_most_seven_bytes_is_a_number_of_its_own() {
    let texts = [
        "",
        "\0",
        "a",
        "a\0",
        "\0a",
        "ab",
        "ba",
        "abc",
        "abcd",
        "abcde",
        "abcdef",
        "abcdefg",
        "abcdef\u{7f}",
        "ß",
        "DE",
    ];
    let numbers: Vec<u64> = texts.iter().map(|text| short_text(text).unwrap()).collect();
    for (at, number) in numbers.iter().enumerate() {
        assert_eq!(number >> 56, texts[at].len() as u64);
        assert!(!numbers[..at].contains(number), "{}", texts[at]);
    }
    assert_eq!((short_text("abcdefgh"), short_text("12345678901234567")), (None, None));
}

/// The peers' cases say how many parts there are; a plan that names only the function has 100, and 1,000 for variants.
#[test]
fn unleash_without_parts_knows_percents_of_subjects_and_tenths_of_them_of_variants() {
    // Their own test: `123` of `gr1` is 73 of 100, counted from 1.
    let bucketer = Bucketer { hash: Hash::Unleash, ..Bucketer::new(Domain::Rollout, "gr1") };
    assert_eq!(bucketer.bucket(b"123"), foreign::unleash(0, b"gr1", b"123", 100));
    assert_eq!((u64::from(bucketer.bucket(b"123")) * 100) >> 32, 72);
    assert_eq!(
        Bucketer { parts: 10_000, ..bucketer.clone() }.bucket(b"123"),
        foreign::unleash(0, b"gr1", b"123", 10_000)
    );
    let of_variants = Bucketer { domain: Domain::Variant, ..bucketer };
    let seed = foreign::UNLEASH_VARIANT_SEED;
    assert_eq!(of_variants.bucket(b"123"), foreign::unleash(seed, b"gr1", b"123", 1_000));
    assert_eq!(
        Bucketer { parts: 100, ..of_variants }.bucket(b"123"),
        foreign::unleash(seed, b"gr1", b"123", 100)
    );
}

#[test]
fn cuts_of_launchdarkly_are_those_of_its_own_sums() {
    let mut differing = 0;
    for (first, second) in (1..60).flat_map(|a| (1..60).map(move |b| (a * 7_310, b * 8_730))) {
        let ppm = [first, second, 1_000_000 - first - second];
        let shares = ppm.map(|ppm| Share::from_ppm(ppm).unwrap());
        let cuts = Hash::LaunchDarkly.cuts(&shares);
        assert_eq!(cuts, foreign::launchdarkly_cuts(ppm));
        differing += u32::from(cuts != Hash::Rollgate1.cuts(&shares));
    }
    assert!(differing > 100, "{differing}");
}
