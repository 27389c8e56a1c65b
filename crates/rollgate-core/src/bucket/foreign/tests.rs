//! Known answers of the functions' own projects, and every cut that each of them knows.

use super::*;
use crate::units::Share;

/// The position that a bucket was made from.
fn position(bucket: u32, parts: u32) -> u32 {
    ((u64::from(bucket) * u64::from(parts)) >> 32) as u32
}

/// The largest share that is not above `cut` of `parts`.
fn share(cut: u32, parts: u32) -> Share {
    Share::from_ppm((u64::from(cut) * 1_000_000 / u64::from(parts)) as u32).unwrap()
}

#[test]
fn every_cut_of_every_modulus_in_use_divides_the_positions_as_it_does_there() {
    for parts in [1, 2, 3, 7, 99, 100, 101, 997, 1_000, 1_001, 10_000] {
        for cut in 0..=parts {
            let threshold = share(cut, parts).threshold();
            // The buckets rise with the position, so the two beside the cut say it for all.
            assert!(cut == 0 || u64::from(at(cut - 1, parts)) < threshold, "{cut} of {parts}");
            assert!(cut == parts || u64::from(at(cut, parts)) >= threshold, "{cut} of {parts}");
        }
        assert!((1..parts).all(|p| at(p - 1, parts) < at(p, parts)), "{parts}");
        assert!((0..parts).all(|p| position(at(p, parts), parts) == p), "{parts}");
    }
    // A spot check up to the limit that is promised.
    for cut in (0..=400_000).step_by(7) {
        let threshold = share(cut, 400_000).threshold();
        assert!(cut == 0 || u64::from(at(cut - 1, 400_000)) < threshold, "{cut}");
        assert!(cut == 400_000 || u64::from(at(cut, 400_000)) >= threshold, "{cut}");
    }
}

/// Unleash/unleash-client-node, `src/test/strategy/util.test.ts`: `normalizedStrategyValue` and `normalizedVariantValue`
/// count from 1.
#[test]
fn unleash_normalizes_as_its_own_clients_do() {
    for (key, salt, expected) in [("123", "gr1", 73), ("999", "groupX", 25)] {
        assert_eq!(position(unleash(0, salt.as_bytes(), key.as_bytes(), 100), 100) + 1, expected, "{key}");
    }
    for (key, salt, expected) in [("123", "gr1", 96), ("999", "groupX", 60)] {
        let bucket = unleash(UNLEASH_VARIANT_SEED, salt.as_bytes(), key.as_bytes(), 100);
        assert_eq!(position(bucket, 100) + 1, expected, "{key}");
    }
}

/// The values that Austin Appleby's C code gives, as the tests of many ports list them.
#[test]
fn murmur_gives_the_digests_that_all_ports_give() {
    let rows = [
        ("", 0, 0),
        ("", 1, 0x514e_28b7),
        ("test", 0, 0xba6b_d213),
        ("test", 0x9747_b28c, 0x704b_81dc),
        ("Hello, world!", 0, 0xc036_3e43),
        ("Hello, world!", 0x9747_b28c, 0x2488_4cba),
        ("The quick brown fox jumps over the lazy dog", 0, 0x2e4f_f723),
    ];
    for (text, seed, expected) in rows {
        // Where the parts meet makes no difference.
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            assert_eq!(murmur(seed, [head, b"", tail]), expected, "{text} cut at {cut}");
        }
    }
}

/// growthbook/growthbook, `packages/sdk-js/test/cases.json`, `hash`: seed, value, version, part of one.
#[test]
fn growthbook_hashes_as_its_own_cases_say() {
    let first = [
        ("", "a", 220),
        ("", "b", 77),
        ("b", "a", 946),
        ("ef", "d", 652),
        ("asdf", "8952klfjas09ujk", 549),
        ("", "123", 11),
        ("", "___)((*\":&", 563),
    ];
    for (seed, value, expected) in first {
        let bucket = growthbook_1(seed.as_bytes(), value.as_bytes());
        assert_eq!(position(bucket, 1_000), expected, "{seed} {value}");
    }
    let second = [
        ("seed", "a", 505),
        ("seed", "b", 2_696),
        ("foo", "ab", 2_575),
        ("foo", "def", 2_019),
        ("89123klj", "8952klfjas09ujkasdf", 1_240),
        ("90850943850283058242805", "123", 7_516),
        ("()**(%$##$%#$#", "___)((*\":&", 128),
    ];
    for (seed, value, expected) in second {
        let bucket = growthbook_2(seed.as_bytes(), value.as_bytes());
        assert_eq!(position(bucket, 10_000), expected, "{seed} {value}");
    }
}

/// launchdarkly/go-server-sdk-evaluation, `evaluator_bucketing_test.go`; the same values in their other languages.
#[test]
fn launchdarkly_buckets_as_its_own_tests_say() {
    let rows = [
        ("hashKey.saltyA", "userKeyA", 0.421_575_87_f32),
        ("hashKey.saltyA", "userKeyB", 0.670_848_5),
        ("hashKey.saltyA", "userKeyC", 0.103_431_06),
        ("hashKey.saltyA", "33333", 0.547_714_23),
        ("hashKey.saltyA", "99999", 0.730_965_8),
        ("61", "userKeyA", 0.098_012_07),
        ("61", "userKeyB", 0.144_837_77),
        ("61", "userKeyC", 0.924_264_1),
    ];
    for (salt, key, expected) in rows {
        let part = launchdarkly(salt.as_bytes(), key.as_bytes()) as f32 / 4_294_967_296.0;
        assert!((part - expected).abs() < 1e-7 + 1e-5 / 2.0, "{key}: {part} against {expected}");
        let digest = Sha1::new().chain_update(salt).chain_update(".").chain_update(key).finalize();
        let high = u64::from_be_bytes(*digest.first_chunk::<8>().unwrap()) >> 4;
        assert!((part_of_60_bits(high) - expected).abs() < 1e-7, "{key}");
    }
}

/// All 100,000 weights, and the numbers of single precision beside each cut.
#[test]
fn every_weight_of_launchdarkly_divides_as_it_does_there() {
    for index in 0..=100_000_u32 {
        let cut = weight(index as f32);
        let threshold = Share::from_ppm(index * 10).unwrap().threshold();
        let below = (0..4).scan(cut, |part, _| Some(std::mem::replace(part, part.next_down())));
        let above = (0..4).scan(cut, |part, _| Some(std::mem::replace(part, part.next_up())));
        for part in below.chain(above).filter(|part| (0.0..=1.0).contains(part)) {
            let is_in = u64::from(launchdarkly_bucket(part)) < threshold;
            // Whoever lies beyond all weights gets the last of them.
            assert_eq!(is_in, part < cut || index == 100_000, "{index}: {part}");
        }
    }
}

/// Cuts of sums: the running sums of single precision are not the weights, and are kept apart from them.
#[test]
fn sums_of_weights_divide_at_the_sum_of_single_precision() {
    let mut differing = 0;
    for (first, second) in (0..500).flat_map(|a| (1..40).map(move |b| (a * 199 + 1, b * 17))) {
        let (ppm, sum) = ([first * 10, second * 10], weight(first as f32) + weight(second as f32));
        if first + second >= 100_000 {
            continue;
        }
        differing += u32::from(sum != weight((first + second) as f32));
        let cuts = launchdarkly_cuts(ppm);
        let parts = [sum.next_down().next_down(), sum.next_down(), sum, sum.next_up()];
        for part in parts {
            let is_in = u64::from(launchdarkly_bucket(part)) < cuts[1];
            // Below 2^-8 single precision is finer than 32 bits, and two numbers may share a bucket.
            assert!(is_in == (part < sum) || sum < 0.004, "{first} + {second}: {part} against {sum}");
        }
    }
    assert!(differing > 100, "{differing}");
    assert_eq!(launchdarkly_cuts([333_330, 333_330, 333_340])[2], 1 << 32);
    assert_eq!(launchdarkly_cuts([0, 1_000_000]), [0, 1 << 32]);
}

#[test]
fn buckets_of_launchdarkly_rise_with_the_part_and_spread_evenly() {
    let mut last = 0;
    for step in 0..2_000_000_u64 {
        let bucket = launchdarkly_bucket(part_of_60_bits(step * ((1 << 60) / 2_000_000)));
        assert!(bucket >= last, "{step}");
        last = bucket;
        let even = (step << 32) / 2_000_000;
        assert!(u64::from(bucket).abs_diff(even) < 1_024, "{step}: {bucket} against {even}");
    }
}

/// The cases of open-feature/flagd, `core/pkg/evaluator/fractional_test.go`, give these keys to these of four quarters
/// under the older formula; this one (`hash * parts >> 32`, since its change to integers) is checked against its text.
#[test]
fn flagd_scales_the_whole_hash() {
    for (salt, key, parts) in
        [("headerColor", "rachel@faas.com", 100), ("", "a", 3), ("s", "user-7", 1_000_000)]
    {
        let hash = murmur(0, [salt.as_bytes(), key.as_bytes(), b""]);
        let expected = ((u128::from(hash) * u128::from(parts)) >> 32) as u32;
        let bucket = flagd(salt.as_bytes(), key.as_bytes(), parts);
        assert_eq!(position(bucket, parts), expected);
        assert!(bucket <= hash);
        assert_eq!(flagd(salt.as_bytes(), key.as_bytes(), 0), hash);
    }
}
