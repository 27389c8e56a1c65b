//! Comparisons exactly at their margin, looked at at every evaluation: how often they are wrong (STATISTICS F5, F6, F6b).

use super::arms::*;
use super::fake::*;
use crate::judge::Verdict;
use crate::metrics::Arm;
use crate::snapshot::{Condition, ConditionKind, Direction, Margin, Stat};

/// How often each answer was the first one.
#[derive(Debug, Default)]
struct Tally {
    passes: u32,
    fails: u32,
}

/// A population of one arm: each subject comes back with its own level, and some come back more often.
struct Subjects {
    /// Cluster, level, and the weight up to and with this one.
    subjects: Vec<(usize, f64, f64)>,
}

impl Subjects {
    fn draw(seed: &mut Seed, count: usize, level: impl Fn(&mut Seed) -> f64) -> Self {
        let mut weight = 0.0;
        let subjects = (0..count)
            .map(|_| {
                weight += 0.2 + seed.wait();
                (seed.below(64), level(seed), weight)
            })
            .collect();
        Self { subjects }
    }

    fn next(&self, seed: &mut Seed) -> (usize, f64) {
        let all = self.subjects.last().map_or(0.0, |last| last.2);
        let at = seed.part() * all;
        let index = self.subjects.partition_point(|subject| subject.2 <= at).min(self.subjects.len() - 1);
        (self.subjects[index].0, self.subjects[index].1)
    }
}

const LOOKS: u32 = 30;
const BATCH: usize = 32;
/// Few enough that each of them comes back some eight times.
const SUBJECTS: usize = 120;

fn is_ratio(condition: &Condition) -> bool {
    matches!(&condition.kind, ConditionKind::Compare(compare) if compare.stat == Stat::Fraction)
}

/// Plays `runs` paths of `looks` evaluations each; the first answer that is no "undecided" counts.
fn play(
    condition: &Condition,
    runs: u64,
    looks: u32,
    mut begin: impl FnMut(&mut Seed) -> Box<dyn FnMut(&mut Seed, Arm) -> (Option<usize>, f64)>,
) -> Tally {
    let mut tally = Tally::default();
    for run in 0..runs {
        let (mut seed, mut arms) = (Seed(77_000 + run), Arms::new());
        let mut next = begin(&mut seed);
        for _ in 0..looks {
            for arm in [Arm::On, Arm::Off] {
                for _ in 0..BATCH {
                    let (cluster, value) = next(&mut seed, arm);
                    arms.add(arm, cluster, value);
                }
            }
            arms.close(is_ratio(condition));
            match arms.verdict(condition) {
                Verdict::Pass => tally.passes += 1,
                Verdict::Fail => tally.fails += 1,
                _ => continue,
            }
            break;
        }
    }
    tally
}

/// Whether the subjects' keys are recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    Recorded,
    Lost,
}

/// Subjects that stick to their level: ON is worse by exactly `worse` in the population.
fn sticky(condition: &Condition, runs: u64, worse: f64, keys: Keys) -> Tally {
    let is_ratio = is_ratio(condition);
    play(condition, runs, LOOKS, |seed| {
        let level = move |seed: &mut Seed| if is_ratio { seed.wait() } else { (0.7 * seed.normal()).exp() };
        let (on, off) = (Subjects::draw(seed, SUBJECTS, level), Subjects::draw(seed, SUBJECTS, level));
        Box::new(move |seed, arm| {
            let (cluster, level) = if arm == Arm::On { on.next(seed) } else { off.next(seed) };
            // An exponential level is never twenty times its mean here: no rate is above one.
            let value = match (is_ratio, arm) {
                (true, Arm::On) => seed.outcome(0.05 * level + worse),
                (true, Arm::Off) => seed.outcome(0.05 * level),
                (false, Arm::On) => 100.0 * level * (0.3 * seed.normal()).exp() * (1.0 + worse),
                (false, Arm::Off) => 100.0 * level * (0.3 * seed.normal()).exp(),
            };
            ((keys == Keys::Recorded).then_some(cluster), value)
        })
    })
}

/// Every sample is of another subject.
fn independent(condition: &Condition, runs: u64, looks: u32, worse: f64) -> Tally {
    let is_ratio = is_ratio(condition);
    play(condition, runs, looks, |_| {
        Box::new(move |seed, arm| {
            let by = if arm == Arm::On { worse } else { 0.0 };
            let value = if is_ratio {
                seed.outcome(0.05 + by)
            } else {
                100.0 * (0.5 * seed.normal()).exp() * (1.0 + by)
            };
            (None, value)
        })
    })
}

/// The comparisons, each with what ON is worse by at its margin.
fn comparisons(confidence: f64) -> [(Condition, f64); 4] {
    let (down, relative) = (Direction::Down, Margin::Relative(0.2));
    [
        (sure(ERRORS, Stat::Fraction, Margin::Absolute(0.03), down, confidence), 0.03),
        (sure(LATENCY, Stat::Mean, relative, down, confidence), 0.2),
        (sure(LATENCY, Stat::Quantile(0.9), relative, down, confidence), 0.2),
        (sure(LATENCY, Stat::Quantile(0.5), relative, down, confidence), 0.2),
    ]
}

const RUNS: u64 = 160;

/// At the margin, with a look at every evaluation: the seeds are fixed, so that these are facts and not chances.
fn wrong_less_often_than_alpha(confidence: f64) {
    let most = (1.0 - confidence) * RUNS as f64;
    for (condition, worse) in comparisons(confidence) {
        for (name, tally) in [
            ("keyed, sticky", sticky(&condition, RUNS, worse, Keys::Recorded)),
            ("keyless", independent(&condition, RUNS, LOOKS, worse)),
        ] {
            let wrong = f64::from(tally.passes + tally.fails);
            assert!(wrong <= most, "{name}, {confidence}: {tally:?} of {RUNS}: {condition:?}");
        }
    }
}

#[test]
fn at_the_margin_fewer_than_one_in_twenty_are_wrong_at_any_look() {
    wrong_less_often_than_alpha(0.95);
}

#[test]
fn at_the_margin_fewer_than_one_in_five_are_wrong_at_any_look_where_that_is_asked() {
    wrong_less_often_than_alpha(0.8);
}

/// Without their keys the same subjects do fool it: that is what F6b is for, and that this simulation can fail.
#[test]
fn subjects_that_stick_fool_a_comparison_that_does_not_know_them() {
    for (condition, worse) in comparisons(0.95).into_iter().skip(1) {
        let tally = sticky(&condition, RUNS, worse, Keys::Lost);
        assert!(f64::from(tally.passes) > 0.05 * RUNS as f64, "{tally:?}: {condition:?}");
    }
}

/// And it does decide: without a difference most paths pass, with twice the margin most fail.
#[test]
fn differences_away_from_the_margin_are_decided() {
    for (condition, worse) in comparisons(0.95) {
        let (none, twice) =
            (independent(&condition, 40, 100, 0.0), independent(&condition, 40, 100, 2.5 * worse));
        assert!(none.passes >= 30 && none.fails == 0, "{none:?}: {condition:?}");
        assert!(twice.fails >= 30 && twice.passes == 0, "{twice:?}: {condition:?}");
    }
}
