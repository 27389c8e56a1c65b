//! ON against OFF: decisions where there is a difference, and few wrong ones under every look where there is none.

use super::arms::*;
use super::fake::*;
use crate::id::FlagId;
use crate::judge::{Cause, Verdict};
use crate::metrics::{Arm, ArmTotals};
use crate::snapshot::{Condition, ConditionKind, Direction, Margin, OnNoData, Parent, ShareOf, Stat};
use crate::units::Share;

const P95: Stat = Stat::Quantile(0.95);
const UNDECIDED: Verdict = Verdict::Inconclusive(Cause::Undecided);
const NO_DATA: Verdict = Verdict::Inconclusive(Cause::NoData);

impl Seed {
    fn cluster(&mut self) -> usize {
        self.below(64)
    }
    /// An exponential latency of this mean.
    fn latency(&mut self, mean: f64) -> f64 {
        mean * self.wait()
    }
}

fn is_ratio(condition: &Condition) -> bool {
    matches!(&condition.kind, ConditionKind::Compare(compare) if compare.stat == Stat::Fraction)
}

/// Adds a batch of 60 a side.
fn batch(
    arms: &mut Arms,
    seed: &mut Seed,
    is_keyed: bool,
    is_ratio: bool,
    mut draw: impl FnMut(&mut Seed, bool) -> f64,
) {
    for arm in [Arm::On, Arm::Off] {
        for _ in 0..60 {
            let cluster = is_keyed.then(|| seed.cluster());
            let value = draw(seed, arm == Arm::On);
            arms.add(arm, cluster, value);
        }
    }
    arms.close(is_ratio);
}

/// Plays batches until the comparison decides, at most `batches`; looks at every one.
fn decide(
    condition: &Condition,
    seed: u64,
    batches: usize,
    is_keyed: bool,
    mut draw: impl FnMut(&mut Seed, bool) -> f64,
) -> Verdict {
    let (mut seed, mut arms) = (Seed(seed), Arms::new());
    for _ in 0..batches {
        batch(&mut arms, &mut seed, is_keyed, is_ratio(condition), &mut draw);
        let verdict = arms.verdict(condition);
        if verdict != UNDECIDED {
            return verdict;
        }
    }
    UNDECIDED
}

/// Arms that are the same, after forty batches: every comparison with room passes.
fn equal(condition: &Condition, is_keyed: bool) -> Arms {
    let (mut seed, mut arms) = (Seed(8), Arms::new());
    for _ in 0..40 {
        batch(&mut arms, &mut seed, is_keyed, is_ratio(condition), |seed, _| 50.0 + seed.latency(20.0));
    }
    arms
}

#[test]
fn a_comparison_needs_samples_of_both_arms() {
    let condition = compare(LATENCY, P95, Margin::Relative(0.05), Direction::Down);
    let mut arms = Arms::new();
    assert_eq!(arms.verdict(&condition), NO_DATA);
    arms.pair.on = ArmTotals { n: 100, sum: 100.0, unkeyed: 0 };
    assert_eq!(arms.verdict(&condition), NO_DATA);
    let failing = Condition { on_no_data: OnNoData::Act, ..condition };
    assert_eq!(arms.verdict(&failing), Verdict::Fail);
}

#[test]
fn an_arm_that_nobody_is_in_is_no_arm_whatever_still_trickles_in() {
    let condition = compare(LATENCY, P95, Margin::Relative(0.3), Direction::Down);
    let mut arms = equal(&condition, true);
    assert_eq!(arms.verdict(&condition), Verdict::Pass);
    for share in [Share::FULL, Share::ZERO] {
        arms.stand.shares = vec![share];
        assert_eq!(arms.verdict(&condition), NO_DATA, "{share}");
    }
    // Inside a parent at a half, all of the parent's subjects: the others are OFF.
    let mut parent = arms.fake.ruleset.flags[0].clone();
    parent.key = "PARENT".into();
    arms.fake.ruleset.flags.push(parent);
    let above = FlagId(1);
    arms.fake.ruleset.flags[0].parent =
        Some(Parent { flag: above, share_of: ShareOf::Parent, same_bucket: false });
    arms.stand.shares = vec![Share::FULL, Share::from_ppm(500_000).unwrap()];
    assert_eq!(arms.verdict(&condition), Verdict::Pass);
    arms.stand.shares = vec![Share::FULL, Share::ZERO];
    assert_eq!(arms.verdict(&condition), NO_DATA);
}

#[test]
fn samples_of_before_the_last_change_of_shares_are_never_compared() {
    let condition = compare(LATENCY, P95, Margin::Relative(0.3), Direction::Down);
    let mut arms = equal(&condition, false);
    arms.stand.phase_from = START;
    assert_eq!(arms.verdict(&condition), Verdict::Pass);
    arms.stand.phase_from = at(1);
    assert_eq!(arms.verdict(&condition), NO_DATA);
}

#[test]
fn a_mixture_of_keyed_and_keyless_samples_passes_only_where_both_methods_say_so() {
    let condition = compare(LATENCY, P95, Margin::Relative(0.3), Direction::Down);
    let (mut seed, mut arms) = (Seed(9), Arms::new());
    for _ in 0..40 {
        batch(&mut arms, &mut seed, true, false, |seed, _| 50.0 + seed.latency(20.0));
    }
    assert_eq!(arms.verdict(&condition), Verdict::Pass);
    // The keyless ones, which the keyed method does not see, are slow.
    for _ in 0..80 {
        batch(&mut arms, &mut seed, false, false, |seed, is_on| {
            (50.0 + seed.latency(20.0)) * if is_on { 3.0 } else { 1.0 }
        });
    }
    assert_eq!(arms.verdict(&condition), UNDECIDED);
}

#[test]
fn keys_in_one_arm_only_decide_nothing() {
    let condition = compare(LATENCY, P95, Margin::Relative(0.3), Direction::Down);
    for keyed in [Arm::On, Arm::Off] {
        let (mut seed, mut arms) = (Seed(10), Arms::new());
        for _ in 0..40 {
            for arm in [Arm::On, Arm::Off] {
                for _ in 0..60 {
                    let cluster = (arm == keyed).then(|| seed.cluster());
                    let value = 50.0 + seed.latency(20.0);
                    arms.add(arm, cluster, value);
                }
            }
            arms.close(false);
        }
        assert_eq!(arms.verdict(&condition), UNDECIDED);
    }
}

#[test]
fn equal_arms_pass_and_worse_ones_fail_whatever_is_compared() {
    for is_keyed in [true, false] {
        for (condition, better, worse) in [
            (compare(ERRORS, Stat::Fraction, Margin::Absolute(0.05), Direction::Down), 0.02, 0.2),
            (compare(ERRORS, Stat::Fraction, Margin::Relative(0.5), Direction::Down), 0.3, 0.9),
            (compare(ERRORS, Stat::Fraction, Margin::Absolute(0.05), Direction::Up), 0.98, 0.8),
            (compare(ERRORS, Stat::Fraction, Margin::Relative(0.1), Direction::Up), 0.9, 0.5),
        ] {
            let equal = decide(&condition, 1, 60, is_keyed, |seed, _| seed.outcome(better));
            assert_eq!(equal, Verdict::Pass, "{condition:?}");
            let worsened = decide(&condition, 2, 60, is_keyed, |seed, is_on| {
                seed.outcome(if is_on { worse } else { better })
            });
            assert_eq!(worsened, Verdict::Fail, "{condition:?}");
        }
        for stat in [P95, Stat::Mean, Stat::Quantile(0.5)] {
            for (good, factor) in [(Direction::Down, 2.0), (Direction::Up, 0.4)] {
                let condition = compare(LATENCY, stat, Margin::Relative(0.3), good);
                let equal = decide(&condition, 3, 60, is_keyed, |seed, _| 50.0 + seed.latency(20.0));
                assert_eq!(equal, Verdict::Pass, "{condition:?} keyed: {is_keyed}");
                let worsened = decide(&condition, 4, 60, is_keyed, |seed, is_on| {
                    (50.0 + seed.latency(20.0)) * if is_on { factor } else { 1.0 }
                });
                assert_eq!(worsened, Verdict::Fail, "{condition:?} keyed: {is_keyed}");
            }
        }
    }
}

#[test]
fn two_arms_without_one_error_still_decide() {
    let condition = compare(ERRORS, Stat::Fraction, Margin::Absolute(0.01), Direction::Down);
    for is_keyed in [true, false] {
        assert_eq!(decide(&condition, 5, 100, is_keyed, |_, _| 0.0), Verdict::Pass, "keyed: {is_keyed}");
    }
}

#[test]
fn drops_never_pass_and_may_fail() {
    let condition = compare(ERRORS, Stat::Fraction, Margin::Absolute(0.05), Direction::Down);
    let worse = of(ConditionKind::Not(Box::new(condition.clone())));
    let drops = Verdict::Inconclusive(Cause::Drops);
    for (rate, expected, turned) in [(0.0, drops, Verdict::Fail), (0.5, Verdict::Fail, drops)] {
        let (mut seed, mut arms) = (Seed(6), Arms::new());
        for _ in 0..60 {
            batch(
                &mut arms,
                &mut seed,
                true,
                true,
                |seed, is_on| if is_on { seed.outcome(rate) } else { 0.0 },
            );
        }
        arms.pair.drops = 1;
        assert_eq!(arms.verdict(&condition), expected);
        assert_eq!(arms.verdict(&worse), turned);
    }
}

#[test]
fn few_subjects_decide_nothing() {
    let condition = compare(ERRORS, Stat::Fraction, Margin::Absolute(0.05), Direction::Down);
    let (mut seed, mut arms) = (Seed(7), Arms::new());
    for _ in 0..100 {
        for arm in [Arm::On, Arm::Off] {
            for cluster in 0..60 {
                let value = seed.outcome(if arm == Arm::On { 0.9 } else { 0.0 });
                arms.add(arm, Some(cluster % 31), value);
            }
        }
        arms.close(true);
    }
    assert_eq!(arms.verdict(&condition), UNDECIDED);
}

#[test]
fn margins_are_relative_or_absolute_and_known_both_ways() {
    // Errors of 10 % and 14 %: 4 pp worse, 40 % worse.
    for (margin, expected) in [
        (Margin::Absolute(0.03), Verdict::Fail),
        (Margin::Absolute(0.05), Verdict::Pass),
        (Margin::Relative(0.3), Verdict::Fail),
        (Margin::Relative(0.5), Verdict::Pass),
    ] {
        let condition = compare(ERRORS, Stat::Fraction, margin, Direction::Down);
        for is_keyed in [true, false] {
            let found = decide(&condition, 11, 3_000, is_keyed, |seed, is_on| {
                seed.outcome(if is_on { 0.14 } else { 0.10 })
            });
            assert_eq!(found, expected, "{margin:?} keyed {is_keyed}");
        }
    }
    // Hits of 90 % and 86 %, more is better: 4 pp worse, 4.4 % worse.
    for (margin, expected) in [
        (Margin::Absolute(0.03), Verdict::Fail),
        (Margin::Absolute(0.05), Verdict::Pass),
        (Margin::Relative(0.03), Verdict::Fail),
        (Margin::Relative(0.06), Verdict::Pass),
    ] {
        let condition = compare(ERRORS, Stat::Fraction, margin, Direction::Up);
        let found =
            decide(&condition, 12, 3_000, true, |seed, is_on| seed.outcome(if is_on { 0.86 } else { 0.90 }));
        assert_eq!(found, expected, "{margin:?}");
    }
    // Latencies in milliseconds: p50 of 100 and 110, 10 ms worse.
    for (margin, expected) in [
        (Margin::Absolute(5.0), Verdict::Fail),
        (Margin::Absolute(15.0), Verdict::Pass),
        (Margin::Relative(0.05), Verdict::Fail),
        (Margin::Relative(0.15), Verdict::Pass),
    ] {
        for stat in [Stat::Quantile(0.5), Stat::Mean] {
            let condition = compare(LATENCY, stat, margin, Direction::Down);
            for is_keyed in [true, false] {
                let found = decide(&condition, 13, 3_000, is_keyed, |seed, is_on| {
                    (if is_on { 110.0 } else { 100.0 }) * (0.2 * seed.normal()).exp()
                });
                assert_eq!(found, expected, "{stat} {margin:?} keyed {is_keyed}");
            }
        }
    }
}
