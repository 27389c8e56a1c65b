//! Random streams, steps, gaps, marks and restarts: the windows say what the plain model says.

use proptest::prelude::*;

use super::model::{Model, Record};
use super::{CRASHES, ERRORS, HEAP, LATENCY, NPS, START, windows};
use crate::id::MetricId;
use crate::metrics::{Clip, EventSource, Measures, Windows};
use crate::snapshot::{Query, Stat, Subject, Window};
use crate::time::{Span, Timestamp};

/// What happens between two evaluations.
#[derive(Clone, Debug)]
enum Happening {
    Record(Record),
    /// Time passes.
    Wait(u64),
    /// A window may begin here.
    Mark,
    Restart,
    Open,
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        4 => (prop_oneof![Just(0.0), 0.001_f64..2_000.0, Just(128.0)], 1_u64..40)
            .prop_map(|(value, count)| Record::Value(value, count)),
        3 => (0_u64..5, 0_u64..40).prop_map(|(trues, more)| Record::Outcomes(trues, trues + more)),
        2 => (-50.0_f64..900.0).prop_map(Record::Level),
        2 => (1_u64..4).prop_map(Record::Events),
        1 => (0_u8..=10).prop_map(|rating| Record::Rating(f64::from(rating))),
        1 => (-100_i32..=100).prop_map(|points| Record::Points(f64::from(points))),
        1 => (0_u16..5, 1_u64..3).prop_map(|(metric, count)| Record::Invalid(MetricId(metric), count)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        24 => record().prop_map(Happening::Record),
        6 => (0_u64..20_000).prop_map(Happening::Wait),
        // Longer than is watched, and rarely longer than everything fine.
        1 => prop_oneof![6 => 61_000_u64..900_000, 1 => 900_000_u64..50_000_000].prop_map(Happening::Wait),
        1 => Just(Happening::Mark),
        1 => Just(Happening::Restart),
        2 => Just(Happening::Open),
    ]
}

/// Windows and their model under the same happenings.
struct Pair {
    windows: Windows,
    model: Model,
    now: Timestamp,
    evaluated: Timestamp,
    every: Span,
    marks: Vec<Timestamp>,
}

impl Pair {
    fn new(every: Span) -> Self {
        let (windows, model) = (windows(every), Model::default());
        Self { windows, model, now: START, evaluated: START, every, marks: Vec::new() }
    }

    fn happen(&mut self, happening: &Happening) {
        match happening {
            Happening::Record(record) => {
                record.apply(&mut self.windows, self.now);
                self.model.record(self.now, *record);
            }
            Happening::Wait(ms) => self.now = self.now + Span(*ms),
            Happening::Mark => {
                self.windows.mark(self.now);
                self.model.seal(self.now, true);
                self.marks.push(self.now);
            }
            Happening::Restart => {
                self.windows.restart(self.now);
                if let Some(last) = self.model.live.last_mut().filter(|last| last.1.is_none()) {
                    last.1 = Some(self.now);
                }
            }
            Happening::Open => {
                self.windows.open_source(EventSource::Metric(CRASHES), self.now);
                if self.model.live.last().is_none_or(|last| last.1.is_some()) {
                    self.model.live.push((self.now, None));
                }
            }
        }
    }

    /// The next evaluation: on the grid, or late where time has gone on.
    fn evaluate(&mut self) {
        self.now = self.now.max(self.evaluated.next(self.every));
        self.windows.advance(self.now);
        self.model.seal(self.now, false);
        if self.now.since(self.evaluated).0 > self.every.0.saturating_mul(3).max(60_000) {
            self.windows.unwatched(self.evaluated, self.now);
            self.model.unwatched.push((self.evaluated, self.now));
        }
        self.evaluated = self.now;
    }

    fn check(&self, over: Span, clip: Clip, by: Option<Span>) -> Result<(), TestCaseError> {
        const ASKED: [(MetricId, &[Stat]); 5] = [
            (
                LATENCY,
                &[
                    Stat::Quantile(0.95),
                    Stat::Quantile(0.5),
                    Stat::Min,
                    Stat::Max,
                    Stat::Mean,
                    Stat::Count,
                    Stat::PerMinute,
                ],
            ),
            (ERRORS, &[Stat::Fraction, Stat::Count]),
            (HEAP, &[Stat::Last, Stat::Min, Stat::Max, Stat::Mean]),
            (CRASHES, &[Stat::Count, Stat::PerMinute, Stat::PerDay]),
            (NPS, &[Stat::Nps, Stat::Count]),
        ];
        for (metric, stats) in ASKED {
            for stat in stats {
                // Rates and latest values have no mean over sub-windows.
                let by = by.filter(|_| {
                    !matches!(stat, Stat::PerMinute | Stat::PerDay | Stat::Count | Stat::Last | Stat::Nps)
                });
                let query = Query {
                    subject: Subject::Metric(metric),
                    stat: *stat,
                    window: Window::Over(over),
                    averaged_by: by,
                };
                let found = self.windows.measure(&query, clip, self.now);
                let said = self.model.say((metric, *stat), over, clip, self.now, by);
                let what = format!(
                    "{stat} of {metric:?} over {over} by {by:?} clip {clip:?} at {}",
                    self.now.since(START)
                );
                let near = |one: f64, two: f64| {
                    one == two || (one - two).abs() <= 1e-9 * (one.abs() + two.abs() + 1.0)
                };
                prop_assert_eq!(found.n, said.n, "n of {}", &what);
                prop_assert_eq!(found.drops, said.drops, "drops of {}", &what);
                prop_assert!(
                    near(found.coverage, said.coverage),
                    "coverage of {}: {} {}",
                    &what,
                    found.coverage,
                    said.coverage
                );
                match (found.value, said.value) {
                    (Ok(value), Some((low, shown, high))) => {
                        prop_assert!(
                            near(value, shown) && near(found.low, low) && near(found.high, high),
                            "{}: {:?} {:?}",
                            &what,
                            found,
                            said
                        );
                        prop_assert!(found.is_exact == (found.low == found.high) || found.low == found.high);
                    }
                    (found, said) => {
                        prop_assert!(found.is_err() && said.is_none(), "{}: {:?} {:?}", &what, found, said)
                    }
                }
            }
        }
        Ok(())
    }

    /// Windows of every tier, over all time and since a mark.
    fn check_all(&self, pick: usize) -> Result<(), TestCaseError> {
        let begin = Clip { from: Timestamp::MIN, phase: START };
        let mark = self.marks.get(pick % self.marks.len().max(1)).copied().unwrap_or(START);
        let since = Clip { from: mark, phase: mark };
        for clip in [begin, since] {
            for over in [60, 300, 660, 3_600, 7_200, 32_400, 86_400] {
                self.check(Span::seconds(over), clip, None)?;
            }
            self.check(Span::hours(3), clip, Some(Span::minutes(45)))?;
            self.check(Span::hours(12), clip, Some(Span::hours(4)))?;
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, max_shrink_iters: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_say_what_the_plain_model_says(
        rounds in prop::collection::vec(prop::collection::vec(happening(), 0..4), 1..120),
        every in prop_oneof![Just(10), Just(7), Just(1), Just(60)],
        pick in 0_usize..1_000,
    ) {
        let mut pair = Pair::new(Span::seconds(every));
        for (index, round) in rounds.iter().enumerate() {
            round.iter().for_each(|happening| pair.happen(happening));
            // Between two evaluations, as in a recording call.
            if index % 31 == pick % 31 {
                pair.check_all(pick + index)?;
            }
            pair.evaluate();
            if index % 11 == pick % 11 {
                pair.check_all(pick)?;
            }
        }
        pair.check_all(pick)?;
    }

    #[test]
    fn windows_that_are_asked_for_at_every_evaluation_say_the_same_for_a_day(
        records in prop::collection::vec(record(), 30..60),
        mark in 0_usize..1_500,
        pause in 0_usize..1_500,
    ) {
        let mut pair = Pair::new(Span::minutes(1));
        pair.happen(&Happening::Open);
        for minute in 0..1_500_usize {
            if minute % 7 != 3 {
                let record = records[(minute * 31 + minute / 60) % records.len()];
                pair.happen(&Happening::Wait(7_000));
                pair.happen(&Happening::Record(record));
            }
            if minute == mark {
                pair.happen(&Happening::Mark);
            }
            if minute == pause {
                pair.happen(&Happening::Wait(3_000_000));
            }
            pair.evaluate();
            // Asked for at every evaluation, so that the kept sums are moved on, and looked at now and then.
            let clips = [Timestamp::MIN, pair.marks.first().copied().unwrap_or(START)];
            for from in clips {
                let clip = Clip { from, phase: pair.marks.first().copied().unwrap_or(START) };
                for (over, by) in [(60, None), (300, None), (7_200, Some(Span::minutes(50))), (40_000, None), (50_000, Some(Span::hours(4)))] {
                    let query = Query {
                        subject: Subject::Metric(LATENCY),
                        stat: Stat::Quantile(0.9),
                        window: Window::Over(Span::seconds(over)),
                        averaged_by: by,
                    };
                    pair.windows.measure(&query, clip, pair.now);
                }
                if minute % 131 == 0 {
                    pair.check(Span::seconds(60), clip, None)?;
                    pair.check(Span::seconds(7_200), clip, Some(Span::minutes(50)))?;
                    pair.check(Span::seconds(40_000), clip, None)?;
                    pair.check(Span::seconds(50_000), clip, Some(Span::hours(4)))?;
                }
            }
        }
    }
}
