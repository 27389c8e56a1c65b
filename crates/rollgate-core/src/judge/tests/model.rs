//! `for` and the folds as SEMANTICS 4.3 and 4.4 word them, from scratch at every evaluation, beside the judge.

use std::sync::Arc;

use proptest::prelude::*;

use super::fake::*;
use crate::id::RoleId;
use crate::judge::{Streaking, Streaks, Verdict, judge_condition, judge_trigger};
use crate::metrics::{Bucket, Lane, Measures, Windows};
use crate::snapshot::{
    Attest, Comparison, Condition, ConditionKind, Measure, MinSamples, Stat, Trigger, Window,
};
use crate::time::{Span, Timestamp};
use crate::units::Share;

const GOOD: f64 = 100.0;
const BAD: f64 = 900.0;
const TICK: u64 = 10;

/// What comes in one tick: so many good samples and so many bad ones.
type Tick = (u64, u64);

/// A trigger on latency or errors, and what it is fed.
#[derive(Clone, Debug)]
struct Story {
    measure: Measure,
    span: Span,
    ticks: Vec<Tick>,
    /// Evaluations that did not take place.
    missed: Vec<bool>,
    /// The tick after which a rollback cut the windows.
    rollback: Option<usize>,
}

impl Story {
    fn is_ratio(&self) -> bool {
        self.measure.query.stat == Stat::Fraction
    }

    fn trigger(&self) -> Trigger {
        trigger(sustained(self.measure, self.span))
    }

    /// Good and bad samples in the last `over` before `now`, not before the rollback.
    fn inside(&self, over: u64, now: u64) -> Tick {
        let from = now.saturating_sub(over).max(self.cut(now));
        let ticks = (from / TICK) as usize..(now / TICK) as usize;
        self.ticks[ticks].iter().fold((0, 0), |sum, tick| (sum.0 + tick.0, sum.1 + tick.1))
    }

    /// The rollback as seen at `now`, in seconds.
    fn cut(&self, now: u64) -> u64 {
        self.rollback.map(|tick| tick as u64 * TICK).filter(|cut| *cut < now).unwrap_or(0)
    }

    /// Whether so many good and bad samples are a violation; `None` where that cannot be said.
    fn is_violated(&self, (good, bad): Tick, longest: Tick) -> Option<bool> {
        let needed = self.measure.min_samples;
        if good + bad >= needed.count {
            return Some(match self.measure.query.stat {
                Stat::Quantile(q) => {
                    let mut values = vec![GOOD; good as usize];
                    values.resize((good + bad) as usize, BAD);
                    values[(q * values.len() as f64 - 1e-9).ceil() as usize - 1] > self.measure.limit
                }
                _ => bad as f64 / (good + bad) as f64 > self.measure.limit,
            });
        }
        // P(at least `bad` of all) where each is bad with the chance that the limit leaves.
        let chance = match self.measure.query.stat {
            Stat::Quantile(q) => 1.0 - q,
            _ => self.measure.limit,
        };
        let all = longest.0 + longest.1;
        let mut at_most = 0.0;
        for count in 0..longest.1 {
            let choose: f64 = (0..count).map(|i| (all - i) as f64 / (i + 1) as f64).product();
            at_most += choose * chance.powi(count as i32) * (1.0 - chance).powi((all - count) as i32);
        }
        (!needed.is_given && 1.0 - at_most < 0.001).then_some(true)
    }

    /// What an evaluation sees.
    fn seen(&self, now: u64) -> Option<bool> {
        let (over, span) = (self.over(), self.span.0 / 1_000);
        if self.inside(over, now) == (0, 0) {
            return None;
        }
        let holding = (over..=span).step_by(TICK as usize).map(|length| self.inside(length, now));
        let shortest = holding.clone().find(|tick| tick.0 + tick.1 >= self.measure.min_samples.count);
        let longest = self.inside(span, now);
        self.is_violated(shortest.unwrap_or(longest), longest)
    }

    fn over(&self) -> u64 {
        let Window::Over(over) = self.measure.query.window else { panic!("a length") };
        over.0 / 1_000
    }

    /// The streak that runs after all of `history`: the second of its first violation.
    fn streak(&self, history: &[(u64, Option<bool>)]) -> Option<u64> {
        let (over, span) = (self.over(), self.span.0 / 1_000);
        let mut begin = 0;
        loop {
            let first = begin + history[begin..].iter().position(|(_, seen)| *seen == Some(true))?;
            let ends = |until: usize| {
                let run = &history[first..=until];
                let data = run.iter().filter(|(_, seen)| seen.is_some()).map(|(at, _)| *at);
                let before = run[..run.len() - 1].iter().filter(|(_, seen)| seen.is_some());
                let last = before.map(|(at, _)| *at).max().unwrap_or(0);
                let healthy = run.iter().filter(|(_, seen)| *seen == Some(false)).count() as u64 * TICK;
                let is_cut = self.cut(run[run.len() - 1].0) >= history[first].0;
                let is_torn = until > first && run[run.len() - 1].0 - last > span;
                assert!(data.count() > 0);
                is_cut || is_torn || healthy > over
            };
            match (first..history.len()).find(|until| ends(*until)) {
                None => return Some(history[first].0),
                // A healthy evaluation ends it with itself; after a gap or a rollback the same one may begin the next.
                Some(end) => begin = if history[end].1 == Some(true) { end.max(first + 1) } else { end + 1 },
            }
        }
    }

    /// The seconds at which it fires, by the words.
    fn fires(&self) -> Vec<u64> {
        let mut history = Vec::new();
        let span = self.span.0 / 1_000;
        let mut fired = Vec::new();
        for now in self.evaluations() {
            history.push((now, self.seen(now)));
            let has_lasted = self.streak(&history).is_some_and(|since| now - since >= span);
            let longest = self.inside(span, now);
            if history.last().is_some_and(|last| last.1 == Some(true))
                && has_lasted
                && self.is_violated(longest, longest) == Some(true)
            {
                fired.push(now);
            }
        }
        fired
    }

    fn evaluations(&self) -> impl Iterator<Item = u64> + '_ {
        let taken = self.missed.iter().enumerate().filter(|(_, is_missed)| !**is_missed);
        taken.map(|(tick, _)| (tick as u64 + 1) * TICK)
    }

    /// The seconds at which the judge fires it, on these windows.
    fn judged<M: Measures>(&self, windows: &mut M, mut feed: impl FnMut(&mut M, u64)) -> Vec<u64> {
        let (fake, trigger) = (Fake::new(), self.trigger());
        let mut streaks = Streaks::new(1);
        let mut fired = Vec::new();
        for now in self.evaluations() {
            feed(windows, now);
            let cut = Some(self.cut(now)).filter(|cut| *cut > 0).map(at);
            let stand = Stand { rollback_from: cut, phase_from: at(0), ..Stand::new() };
            let facts = stand.facts(&fake, at(now));
            let judged = judge_trigger(&trigger, &facts, windows, &mut streaks, Streaking::Advance);
            if judged.verdict == Verdict::Pass {
                fired.push(now);
            }
        }
        fired
    }

    /// Scripted windows with all of it.
    fn scripted(&self) -> Fake {
        let (mut fake, is_ratio) = (Fake::new(), self.is_ratio());
        let metric = if is_ratio { ERRORS } else { LATENCY };
        for (index, (good, bad)) in self.ticks.iter().enumerate() {
            let time = at(index as u64 * TICK) + Span::seconds(5);
            let (fine, slow) = if is_ratio { (0.0, 1.0) } else { (GOOD, BAD) };
            fake.of(metric).values.extend(std::iter::repeat_n((time, fine), *good as usize));
            fake.of(metric).values.extend(std::iter::repeat_n((time, slow), *bad as usize));
        }
        fake
    }

    /// Feeds real windows the tick that ends at `now`.
    fn feed(&self, windows: &mut Windows, now: u64) {
        let index = (now / TICK) as usize - 1;
        let (good, bad) = self.ticks[index];
        let time = at(now - 5);
        if self.is_ratio() {
            if good + bad > 0 {
                windows.add_outcomes(ERRORS, Lane::Total, bad, good + bad, time);
            }
        } else {
            for (value, count) in [(GOOD, good), (BAD, bad)] {
                if count > 0 {
                    windows.add_values(LATENCY, Lane::Total, Bucket::of(value).unwrap(), count, time);
                }
            }
        }
        windows.advance(at(now));
        if self.rollback == Some(index + 1) {
            windows.mark(at(now));
        }
    }
}

/// Ticks in stretches of one kind of traffic each.
fn ticks() -> impl Strategy<Value = Vec<Tick>> {
    let kind = prop_oneof![
        3 => Just((0_u64..3, 3_u64..40)),
        2 => Just((0..1, 1..3)),
        2 => Just((5..40, 0..1)),
        2 => Just((10..60, 0..4)),
        2 => Just((0..1, 0..1)),
        1 => Just((0..2, 0..2)),
    ];
    let stretch = (kind, 1_usize..30).prop_flat_map(|(kind, length)| proptest::collection::vec(kind, length));
    proptest::collection::vec(stretch, 1..7).prop_map(|stretches| stretches.concat())
}

fn story() -> impl Strategy<Value = Story> {
    let shape = (1_u64..7, 0_u64..20, any::<bool>(), proptest::option::of(0_u64..80));
    (shape, ticks(), proptest::option::of(0.0..1.0_f64)).prop_map(
        |((over, more, is_ratio, given), ticks, rollback)| {
            let (metric, stat, limit) = if is_ratio {
                (ERRORS, Stat::Fraction, 0.05)
            } else {
                (LATENCY, Stat::Quantile(0.95), 500.0)
            };
            let mut measure = measure(metric, stat, Span::seconds(over * TICK), Comparison::Above, limit);
            if let Some(count) = given {
                measure.min_samples = MinSamples { count, is_given: true };
            }
            let rollback = rollback.map(|part| 1 + (part * (ticks.len() - 1) as f64) as usize);
            let missed = vec![false; ticks.len()];
            Story { measure, span: Span::seconds((over + more) * TICK), ticks, missed, rollback }
        },
    )
}

fn real(story: &Story) -> Vec<u64> {
    let mut windows = Windows::new(Arc::new(Fake::new().ruleset), at(0));
    story.judged(&mut windows, |windows, now| story.feed(windows, now))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_trigger_fires_when_the_words_say_so(story in story()) {
        let expected = story.fires();
        prop_assert_eq!(&story.judged(&mut story.scripted(), |_, _| {}), &expected);
        prop_assert_eq!(&real(&story), &expected);
    }

    #[test]
    fn and_also_where_evaluations_are_missed(
        story in story(),
        missed in proptest::collection::vec(proptest::bool::weighted(0.2), 256),
    ) {
        let missed = missed.into_iter().cycle().take(story.ticks.len()).collect();
        let story = Story { missed, ..story };
        prop_assert_eq!(story.judged(&mut story.scripted(), |_, _| {}), story.fires());
    }
}

/// The model can fire, and at the second that a person would say.
#[test]
fn five_bad_minutes_fire_the_model_and_the_judge() {
    let measure = measure(LATENCY, Stat::Quantile(0.95), Span::minutes(1), Comparison::Above, 500.0);
    let mut ticks = vec![(100, 0); 12];
    ticks.extend(vec![(0, 100); 60]);
    let missed = vec![false; ticks.len()];
    let story = Story { measure, span: Span::minutes(5), ticks, missed, rollback: None };
    // The bad minutes begin at 120 s, so that the first violating evaluation is at 130 s.
    assert_eq!(story.fires().first(), Some(&430));
    assert_eq!(real(&story), story.fires());
    let cut = Story { rollback: Some(20), ..story };
    // After a rollback at 200 s all begins anew: the first evaluation that sees 200 samples is at 220 s, but the tail of
    // the binomial knows at 210 s.
    assert_eq!(cut.fires().first(), Some(&510));
    assert_eq!(real(&cut), cut.fires());
}

/// A condition as a tree of known verdicts.
#[derive(Clone, Debug)]
enum Tree {
    Leaf(Verdict),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    AtLeast(usize, Vec<Tree>),
    Not(Box<Tree>),
    OnlyIf(Box<Tree>, Box<Tree>),
}

const UNKNOWN: Verdict = Verdict::Inconclusive(crate::judge::Cause::Unattested);

/// The verdict without its cause.
fn plain(verdict: Verdict) -> Verdict {
    if let Verdict::Inconclusive(_) = verdict { UNKNOWN } else { verdict }
}

impl Tree {
    /// A condition that comes to it, with nothing but facts and one gauge of 100 MB.
    fn condition(&self) -> Condition {
        let each = |members: &[Self]| members.iter().map(Self::condition).collect();
        match self {
            Self::Leaf(Verdict::Pass) => of(ConditionKind::SharesAllZero),
            Self::Leaf(Verdict::Fail) => of(ConditionKind::ShareAbove(FLAG, Share::ZERO)),
            Self::Leaf(Verdict::Warn) => {
                Condition { warn_within: Some(0.5), ..measured(HEAP, Stat::Max, Comparison::Below, 110.0) }
            }
            Self::Leaf(Verdict::Skipped) => Condition {
                only_if: Some(Box::new(Self::Leaf(Verdict::Fail).condition())),
                ..Self::Leaf(Verdict::Pass).condition()
            },
            Self::Leaf(Verdict::Inconclusive(_)) => {
                of(ConditionKind::Attest(Attest { item: "it".into(), roles: vec![RoleId(0)], all_of: None }))
            }
            Self::All(members) => of(ConditionKind::All(each(members))),
            Self::Any(members) => of(ConditionKind::Any(each(members))),
            Self::AtLeast(needed, members) => of(ConditionKind::AtLeastOf(*needed, each(members))),
            Self::Not(inner) => of(ConditionKind::Not(Box::new(inner.condition()))),
            Self::OnlyIf(asked, inner) => {
                let inner = of(ConditionKind::All(vec![inner.condition()]));
                Condition { only_if: Some(Box::new(asked.condition())), ..inner }
            }
        }
    }

    /// The verdict, word by word.
    fn fold(&self) -> Verdict {
        let has = |members: &[Self], verdict| members.iter().any(|member| member.fold() == verdict);
        let count =
            |members: &[Self], verdict| members.iter().filter(|inner| inner.fold() == verdict).count();
        match self {
            Self::Leaf(verdict) => *verdict,
            Self::All(members) => {
                let worst = [Verdict::Fail, UNKNOWN, Verdict::Warn, Verdict::Pass];
                worst.into_iter().find(|verdict| has(members, *verdict)).unwrap_or(Verdict::Skipped)
            }
            Self::Any(members) => {
                let best = [Verdict::Pass, Verdict::Warn, UNKNOWN, Verdict::Fail];
                best.into_iter().find(|verdict| has(members, *verdict)).unwrap_or(Verdict::Skipped)
            }
            Self::Not(inner) => match inner.fold() {
                Verdict::Pass | Verdict::Warn => Verdict::Fail,
                Verdict::Fail => Verdict::Pass,
                other => other,
            },
            Self::AtLeast(needed, members) => {
                let (pass, warn) = (count(members, Verdict::Pass), count(members, Verdict::Warn));
                let unknown = count(members, UNKNOWN);
                if count(members, Verdict::Skipped) == members.len() {
                    Verdict::Skipped
                } else if pass >= *needed {
                    Verdict::Pass
                } else if pass + warn >= *needed {
                    Verdict::Warn
                } else if pass + warn + unknown >= *needed || !has(members, Verdict::Fail) {
                    UNKNOWN
                } else {
                    Verdict::Fail
                }
            }
            Self::OnlyIf(asked, inner) => match asked.fold() {
                Verdict::Pass | Verdict::Warn => inner.fold(),
                Verdict::Fail | Verdict::Skipped => Verdict::Skipped,
                unknown => unknown,
            },
        }
    }

    fn unknowns(&mut self) -> Vec<&mut Verdict> {
        match self {
            Self::Leaf(verdict) if *verdict == UNKNOWN => vec![verdict],
            Self::Leaf(_) => Vec::new(),
            Self::All(members) | Self::Any(members) | Self::AtLeast(_, members) => {
                members.iter_mut().flat_map(Self::unknowns).collect()
            }
            Self::Not(inner) => inner.unknowns(),
            Self::OnlyIf(asked, inner) => asked.unknowns().into_iter().chain(inner.unknowns()).collect(),
        }
    }
}

fn folded() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Verdict::Pass),
        Just(Verdict::Warn),
        Just(Verdict::Fail),
        Just(Verdict::Skipped),
        Just(UNKNOWN)
    ];
    leaf.prop_map(Tree::Leaf).prop_recursive(4, 20, 4, |inner| {
        let members = || proptest::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            members().prop_map(Tree::All),
            members().prop_map(Tree::Any),
            (1_usize..4, members()).prop_map(|(needed, members)| Tree::AtLeast(needed, members)),
            inner.clone().prop_map(|inner| Tree::Not(Box::new(inner))),
            (inner.clone(), inner.clone())
                .prop_map(|(asked, inner)| Tree::OnlyIf(Box::new(asked), Box::new(inner))),
        ]
    })
}

/// What the judge says of the tree.
fn says(tree: &Tree) -> Verdict {
    let mut fake = Fake::new();
    fake.spread(HEAP, 0, 60, 1, 100.0);
    let stand = Stand::new();
    let facts = stand.facts(&fake, at(60));
    plain(judge_condition(&tree.condition(), &facts, &fake, &mut Streaks::new(0), Streaking::Read).verdict)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn verdicts_fold_as_the_words_say(tree in folded()) {
        prop_assert_eq!(says(&tree), tree.fold());
    }

    /// What is decided stays so, whatever the unknown turns out to be.
    #[test]
    fn what_is_decided_on_a_part_is_true_of_the_whole(tree in folded(), holds in any::<[bool; 8]>()) {
        let decided = tree.fold();
        let mut whole = tree.clone();
        for (verdict, holds) in whole.unknowns().into_iter().zip(holds.into_iter().cycle()) {
            *verdict = if holds { Verdict::Pass } else { Verdict::Fail };
        }
        match decided {
            Verdict::Pass | Verdict::Warn => prop_assert!(says(&whole).is_passing(), "{:?}", whole),
            Verdict::Fail => prop_assert_eq!(says(&whole), Verdict::Fail, "{:?}", whole),
            _ => {}
        }
    }
}

/// Times of the model lie on the grid of the windows.
#[test]
fn the_model_begins_on_the_grid() {
    assert_eq!(START.floor(Span::seconds(TICK)), START);
    assert!(START > Timestamp(0));
}
