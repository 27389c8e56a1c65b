//! What a changed operator or a missing line of bucketing, evaluation or the rule compiler would break and no book of
//! rows shows.
//!
//! How it was counted, at the commit before these tests: `cargo mutants --list` (27.1.0) gives 875 changes of `bucket`,
//! `bucket/foreign`, of what evaluation runs in `evaluate` and `snapshot`, and of what compiles flags, rules and variants.
//! All that compile were put into one build, each switched on by itself at run time. A first run wrote down which test
//! comes by which change; against each change then ran those of the unit tests of the core and of the library, of
//! `tests/bucketing`, `tests/foreign_hash`, `plan_problems`, `plan_file` and of this suite (`operators`, `rules`, `flags`,
//! `import`, `fuzzed`, `errors`, `broken`), without the slowest, up to the first failure. What was alive then ran against
//! the tests that it had made us write. Slow tests (`quality`, the simulator) and the terminal program's did not run.
//!
//! Total, do not build, killed before, run out of time or stack, killed by the tests that came after, alive:
//!
//! | file | total | no build | killed | no end | killed since | alive |
//! |---|---|---|---|---|---|---|
//! | bucket | 28 | 0 | 25 | 0 | 2 | 1 |
//! | bucket/foreign | 104 | 0 | 80 | 5 | 6 | 13 |
//! | evaluate/walk | 90 | 20 | 61 | 4 | 3 | 2 |
//! | evaluate/target | 51 | 3 | 40 | 0 | 4 | 4 |
//! | evaluate/value | 34 | 3 | 29 | 0 | 2 | 0 |
//! | evaluate/explain | 29 | 0 | 23 | 0 | 0 | 6 |
//! | evaluate/context | 11 | 1 | 9 | 0 | 0 | 1 |
//! | evaluate/answer | 10 | 0 | 8 | 0 | 0 | 2 |
//! | snapshot/rule | 62 | 6 | 46 | 2 | 5 | 3 |
//! | snapshot/target | 42 | 1 | 29 | 0 | 11 | 1 |
//! | snapshot/version | 28 | 6 | 21 | 0 | 1 | 0 |
//! | snapshot/flag | 22 | 1 | 17 | 0 | 3 | 1 |
//! | snapshot/pattern | 10 | 0 | 4 | 0 | 1 | 5 |
//! | compile/rules | 51 | 15 | 27 | 0 | 8 | 1 |
//! | compile/target | 62 | 9 | 45 | 0 | 8 | 0 |
//! | compile/variants | 95 | 13 | 54 | 0 | 21 | 7 |
//! | compile/exclusive | 6 | 0 | 5 | 0 | 1 | 0 |
//! | compile/asking | 21 | 3 | 9 | 1 | 8 | 0 |
//! | compile/flags | 60 | 7 | 43 | 0 | 2 | 8 |
//! | compile/value | 59 | 4 | 51 | 0 | 2 | 2 |
//! | together | 875 | 92 | 626 | 12 | 88 | 57 |
//!
//! The 57, by line of that commit; none changes what a flag answers:
//! - no change, as the code was never reached, and it is gone now (13, all in `bucket/foreign`): a bucket above 2^32 - 1
//!   in `at` 25 (2), the first value of `first` in `growthbook_2` 66 (2), and in `launchdarkly_bucket` an index above
//!   100,000 (108:17 `<=`), a way back down (111:17 three, 112 two), what it mended (108:44 `*`), and `to - 1` at 118
//!   (2). The function without them gives the same bucket for each of the 1,065,353,217 numbers from 0 to 1;
//! - no change (13): one hash by two ways, small or by a call (`bucket` 33:18); a long list searched as a short one and
//!   back (`equals` in `evaluate/target`, 4); `Context::empty` as the default; nobody of those who are refused has a
//!   variant (`shut` 263:62); flags that lie deeper than compiles (`reach` 431:53); a free piece of no length (`recut`
//!   197:30); neighbours bit by bit (`short_text` 156:15); the slow way for plain flags too (`is_plain_split`); a
//!   function of others in a build that has all of them (`hash` 21:52); infinite numbers in JSON, which reading refuses
//!   (`json` 288);
//! - what is only told (31): help and numbers in messages of the compiler (`unknown` and `section_of` in `flags`, 8;
//!   `is_word`, 2; parts of 100 % in `variants`, 6), steps of an explanation (6), names of sides and of types (4), the text
//!   of a pattern, why it is none, and how it is debugged (5).

use rollgate::Engine;
use rollgate::core::bucket::{Bucketer, Domain, Hash, foreign};
use rollgate::core::evaluate::{Attribute, Context, Value};
use rollgate::core::id::VariantId;
use rollgate::core::limits::TEXT_BYTES_MAX;
use rollgate::core::snapshot::{VariantRange, VariantSplit, Variants, short_text};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};

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
    // Whole lists end at all buckets, also where the sums of single precision stay below one.
    for parts in 1..100 {
        let mut ppm = vec![1_000_000 / parts; parts as usize];
        ppm[0] += 1_000_000 % parts;
        assert_eq!(foreign::launchdarkly_cuts(ppm).last(), Some(&(1 << 32)), "{parts}");
    }
}

#[test]
fn a_part_of_a_part_is_that_part_of_its_buckets() {
    let engine = engine(
        "{ version: 1, name: n, flags: { A: { share: 50%, bucketing: { salt: s } },
            B: { share: 50%, within: A, share_of: parent, bucketing: { salt: s } },
            C: { share: 25%, within: B, share_of: parent, bucketing: { salt: s } } } }",
    );
    let bucketer = Bucketer::new(Domain::Rollout, "s");
    for user in 0..1_000 {
        let key = format!("user-{user}");
        let bucket = bucketer.bucket(key.as_bytes());
        let expected = [1 << 31, 1 << 30, 1 << 28].map(|threshold| bucket < threshold);
        assert_eq!(["A", "B", "C"].map(|flag| engine.is_on(flag, &key)), expected, "{key}");
    }
}

#[test]
fn a_handle_takes_no_other_bucketing_for_the_plain_one() {
    let engine = engine(
        "{ version: 1, name: n, flags: {
            BY: { share: 50%, bucketing: { by: account } }, EITHER: { share: 50%, bucketing: { by: [account, targeting_key] } },
            UNLEASH: { share: 50%, bucketing: { hash: unleash } }, PLAIN: { share: 50% } } }",
    );
    for name in ["BY", "EITHER", "UNLEASH", "PLAIN"] {
        let flag = engine.flag(name);
        for user in 0..100 {
            let key = format!("user-{user}");
            let is_on = engine.evaluate(name, &Context::new(&key)).is_on();
            assert_eq!((flag.is_on(&key), engine.is_on(name, &key)), (is_on, is_on), "{name} {key}");
        }
    }
}

#[test]
fn an_answer_says_the_share_of_its_own_flag() {
    let engine = engine(
        "{ version: 1, name: n, flags: { LAST: { final: true }, BROKEN: { share: 20%, malformed: why },
            ASKS: { share: 70%, prerequisites: { BROKEN: true } } } }",
    );
    for (flag, percent, error) in
        [("LAST", 100, None), ("BROKEN", 20, Some("PARSE_ERROR")), ("ASKS", 70, Some("PARSE_ERROR"))]
    {
        let answer = engine.evaluate(flag, &Context::new("user"));
        assert_eq!(
            (answer.share.ppm(), answer.error.map(|code| code.name())),
            (percent * 10_000, error),
            "{flag}"
        );
    }
}

fn variants(plan: &str) -> Variants {
    let plan = format!("{{ version: 1, name: n, flags: {{ F: {{ variants: {plan} }} }} }}");
    *ruleset(&plan, Format::Yaml).unwrap().ruleset.flags[0].variants.clone().unwrap()
}

#[test]
fn a_new_order_of_variants_moves_nobody() {
    let before = variants("{ a: { share: 50% }, b: { share: 30% }, gone: { share: 20% } }");
    let after = variants("{ b: { share: 50% }, a: { share: 50% } }");
    let split = after.recut_from(&before).unwrap();
    let ranges: Vec<(u32, usize)> =
        split.ranges().iter().map(|range| (range.end_ppm, range.variant.index())).collect();
    // And what one gets beside its own is one range with it.
    assert_eq!(ranges, [(500_000, 1), (1_000_000, 0)]);
}

#[test]
fn a_split_is_of_ranges_that_rise_to_all_buckets_and_each_ends_before_its_end() {
    let range = |percent: u32, variant| {
        let share = Share::from_ppm(percent * 10_000).unwrap();
        VariantRange { end_ppm: share.ppm(), end: share.threshold(), variant: VariantId(variant) }
    };
    for wrong in [&[50][..], &[50, 50, 100], &[60, 40, 100], &[100, 100], &[]] {
        let ranges: Vec<VariantRange> = wrong.iter().map(|percent| range(*percent, 0)).collect();
        assert_eq!(VariantSplit::of(ranges), None, "{wrong:?}");
    }
    let split = VariantSplit::of(vec![range(50, 0), range(100, 1)]).unwrap();
    for (bucket, variant) in [(0, 0), ((1 << 31) - 1, 0), (1 << 31, 1), (u32::MAX, 1)] {
        assert_eq!(split.pick(bucket), Some(VariantId(variant)), "{bucket}");
    }
}

#[test]
fn json_of_a_variant_is_json_however_its_numbers_and_texts_are_written() {
    for (written, expected) in [
        ("0", "0"),
        ("-0", "-0"),
        ("10", "10"),
        ("-1.50", "-1.50"),
        ("0.5", "0.5"),
        ("1e3", "1e3"),
        ("1E+3", "1E+3"),
        ("1.5e-3", "1.5e-3"),
        (".5", "0.5"),
        ("-.5", "-0.5"),
        ("+1", "1"),
        ("1.", "1"),
        ("1.e3", "1000"),
        ("1.E3", "1000"),
        ("01", "1"),
        ("00", "0"),
        ("\" \\x01\\x1f\\t\\n\\r\\\\ \\\"é\"", "\" \\u0001\\u001f\\t\\n\\r\\\\ \\\"é\""),
    ] {
        let engine = engine(&format!(
            "{{ version: 1, name: n, flags: {{ F: {{ share: 100%, type: json, variants: {{ a: {{ value: [{written}] }} }} }} }} }}"
        ));
        let served = engine.serve("F", &Context::new("user"));
        let text = served.json().unwrap().unwrap();
        assert_eq!(text, format!("[{expected}]"), "{written}");
        serde_json::from_str::<serde_json::Value>(text).unwrap();
    }
}

/// The codes of a plan's problems, or of its warnings.
fn codes(plan: &str) -> Vec<&'static str> {
    match ruleset(plan, Format::Yaml) {
        Ok(compiled) => compiled.warnings.iter().map(|problem| problem.code).collect(),
        Err(problems) => problems.0.iter().map(|problem| problem.code).collect(),
    }
}

fn of_flags(flags: &str) -> Vec<&'static str> {
    codes(&format!("{{ version: 1, name: n, flags: {{ {flags} }} }}"))
}

#[test]
fn a_rule_is_unreachable_behind_one_that_answers_everybody() {
    for (first, expected) in [
        ("{ serve: true }", true),
        ("{ serve: false }", true),
        ("{ share: 50% }", true),
        ("{ share: 50%, otherwise: next }", false),
        ("{ share: 100%, otherwise: next }", true),
        ("{ serve: true, when: { attribute: a, equals: 1 } }", false),
        ("{ share: 50%, when: { attribute: a, equals: 1 } }", false),
        ("{ serve: true, when: { unknown: NEAR } }", false),
    ] {
        let found = of_flags(&format!("F: {{ rules: [ {first}, {{ serve: false }} ] }}"));
        assert_eq!(found.contains(&"unreachable-rule"), expected, "{first}: {found:?}");
    }
}

#[test]
fn a_child_starts_at_most_at_its_parents_share() {
    for (parent, child, expected) in [
        ("share: 10%", "share: 20%, share_of: total", &["child-above-parent"][..]),
        ("share: 10%", "share: 10%, share_of: total", &[]),
        ("share: 10%", "share: 20%, share_of: parent", &[]),
        ("final: true", "share: 20%, share_of: total", &[]),
    ] {
        let found = of_flags(&format!(
            "P: {{ {parent}, bucketing: {{ salt: s }} }}, C: {{ within: P, {child}, bucketing: {{ salt: s }} }}"
        ));
        assert_eq!(found, expected, "{parent}, {child}");
    }
}

#[test]
fn what_is_written_out_is_what_stands_without_it() {
    // A list of one is that one, and a flag's own salt is no other.
    let nothing: [&str; 0] = [];
    assert_eq!(
        of_flags(
            "P: { bucketing: { salt: s, by: [targeting_key] } }, C: { within: P, share_of: total, bucketing: { salt: s } }"
        ),
        nothing
    );
    let of_group = |a: &str| {
        codes(&format!(
            "{{ version: 1, name: n, exclusive: {{ g: {{ A: 50%, B: 50% }} }},
                flags: {{ A: {{ bucketing: {{ {a} }} }}, B: {{ bucketing: {{ by: account }} }} }} }}"
        ))
    };
    assert_eq!(of_group("by: account"), nothing);
    assert_eq!(of_group("salt: A, by: account"), nothing);
    assert_eq!(of_group("salt: B, by: account"), ["exclusive-salt"]);
    assert_eq!(of_group("salt: A"), ["exclusive-by"]);
    let plan = "{ version: 1, name: n, flags: { F: { rules: [ { name: false, serve: true, when: { attribute: a, matches: x } } ] },
        G: { rules: [ { name: false, serve: true, when: { attribute: a, matches: y } } ] } } }";
    let flags = ruleset(plan, Format::Yaml).unwrap().ruleset.flags;
    assert_eq!(&*flags[0].rules[0].name, "false");
    assert_ne!(flags[0].rules, flags[1].rules, "two patterns are not one");
}

#[test]
fn what_one_evaluation_may_ask_is_bounded() {
    let chain = |asked: usize| -> String {
        let links = (1..=asked)
            .map(|at| format!(", F{at}: {{ share: 100%, prerequisites: {{ F{}: true }} }}", at - 1));
        format!("{{ version: 1, name: n, flags: {{ F0: {{ share: 100% }}{} }} }}", links.collect::<String>())
    };
    let deepest = engine(&chain(32));
    assert!(deepest.evaluate("F32", &Context::new("user")).is_on());
    assert_eq!(codes(&chain(33)), ["too-many"]);
    let broad = |asked: usize| -> String {
        let flags: String = (0..asked).map(|at| format!("F{at}: {{}}, ")).collect();
        let wanted: String = (0..asked).map(|at| format!("F{at}: true, ")).collect();
        format!("{{ version: 1, name: n, flags: {{ {flags} W: {{ prerequisites: {{ {wanted} }} }} }} }}")
    };
    assert_eq!((codes(&broad(1_023)), codes(&broad(1_024))), (vec![], vec!["too-many"]));
}

#[test]
fn conditions_are_so_many_and_so_deep() {
    let leaf = "{ attribute: a, present: true }";
    let of_rule = |conditions: &str, when: &str| {
        codes(&format!(
            "{{ version: 1, name: n, conditions: {{ {conditions} }}, flags: {{ F: {{ rules: [ {{ serve: true, when: {when} }} ] }} }} }}"
        ))
    };
    for (open, close) in [("{ not: ", " }"), ("{ any: [ ", " ] }"), ("{ all: [ ", " ] }")] {
        let nested = |depth: usize| format!("{}{leaf}{}", open.repeat(depth), close.repeat(depth));
        assert_eq!(
            (of_rule("", &nested(16)), of_rule("", &nested(17))),
            (vec![], vec!["too-deep"]),
            "{open}"
        );
    }
    let named = |depth: usize| -> String {
        let links = (0..depth).map(|at| format!("c{at:02}: {{ condition: c{:02} }}, ", at + 1));
        format!("{} c{depth:02}: {leaf}", links.collect::<String>())
    };
    assert_eq!((of_rule(&named(16), leaf), of_rule(&named(17), leaf)), (vec![], vec!["too-deep"]));
    // A group of 63 under a name counts 65; 63 of them in a group are 4,096.
    let group = format!("c: {{ any: [ {} ] }}", vec![leaf; 63].join(", "));
    let many = format!("{{ all: [ {} ] }}", vec!["{ condition: c }"; 63].join(", "));
    assert_eq!(of_rule(&group, &many), Vec::<&str>::new());
    assert_eq!(of_rule(&group, &format!("{{ not: {many} }}")), ["too-many"]);
}

#[test]
fn a_circle_is_told_from_where_it_closes() {
    let plan = "{ version: 1, name: n, flags: { A: { prerequisites: { B: true } }, B: { prerequisites: { C: true } }, C: { prerequisites: { B: true } } } }";
    let problems = ruleset(plan, Format::Yaml).unwrap_err();
    assert!(problems.0[0].message.ends_with("in a circle: B, then C, then B"), "{problems}");
}

#[test]
fn a_text_of_a_rule_has_a_bound() {
    let named = |bytes: usize| {
        of_flags(&format!("F: {{ rules: [ {{ name: {}, serve: true }} ] }}", "a".repeat(bytes)))
    };
    assert_eq!(named(TEXT_BYTES_MAX), Vec::<&str>::new());
    assert_eq!(named(TEXT_BYTES_MAX + 1), ["wrong-type"]);
}
