//! Measurements against limits (SEMANTICS 3.6, 4.1, 4.3).

use super::alert::is_short;
use super::court::{Court, Lead, Patience, Proof, Role, Streaking};
use super::judgement::{Basis, Judgement, Range, Reading};
use super::statistics::binomial_tail;
use super::streak::{Seen, Streak, StreakRule};
use super::verdict::{Cause, Verdict};
use crate::metrics::{Gap, Measurement, Measures, Tail};
use crate::snapshot::{
    Change, Comparison, Condition, Measure, MetricKind, Stat, Subject, Sustained, Versus, Window,
};
use crate::time::{Span, Timestamp};

/// A count beyond the limit that is less likely than this, where the limit is just kept, is a violation.
const TAIL_ALPHA: f64 = 0.001;

/// The part of a window that a low count must have seen before a trigger fires on it.
pub(super) const SEEN_MIN: f64 = 0.9;

/// What a measurement says of a claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sight {
    /// It is proven, at the edge that is unfavourable to it.
    Holds,
    /// Its opposite is proven.
    Broken,
    /// The limit lies within the bucket.
    Unclear,
    /// There is nothing to see.
    Blind(Cause),
}

/// What a range says of the claim `comparison limit`.
pub(super) fn claim(comparison: Comparison, limit: f64, range: &Range) -> Sight {
    let proves = |comparison: Comparison| match comparison {
        _ if range.is_exact => comparison.holds(range.value, limit),
        // The true value is below `high`, and may be `low`.
        Comparison::Below | Comparison::AtMost => range.high <= limit,
        Comparison::Above => range.low > limit,
        Comparison::AtLeast => range.low >= limit,
    };
    if proves(comparison) {
        Sight::Holds
    } else if proves(opposite(comparison)) {
        Sight::Broken
    } else {
        Sight::Unclear
    }
}

pub(super) const fn opposite(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Below => Comparison::AtLeast,
        Comparison::Above => Comparison::AtMost,
        Comparison::AtMost => Comparison::Above,
        Comparison::AtLeast => Comparison::Below,
    }
}

/// The comparison without its limit: just as far from a limit as a warning reaches is within it.
pub(super) const fn strict(comparison: Comparison) -> Comparison {
    if comparison.is_upper_limit() { Comparison::Below } else { Comparison::Above }
}

/// The limit that a pass without a warning keeps.
pub(super) fn tightened(comparison: Comparison, limit: f64, part: f64) -> f64 {
    let room = limit.abs() * part;
    if comparison.is_upper_limit() { limit - room } else { limit + room }
}

/// The value, or its change against the baseline; `None` where there is nothing to compare with.
///
/// A relative change is over the size of the baseline, so that a negative one does not turn better into worse.
fn against(range: Range, change: Change, baseline: f64) -> Option<Range> {
    let scale = match change {
        Change::Difference => 1.0,
        Change::Relative if baseline == 0.0 => return None,
        Change::Relative => baseline.abs(),
    };
    let shift = |value: f64| (value - baseline) / scale;
    Some(Range {
        value: shift(range.value),
        low: shift(range.low),
        high: shift(range.high),
        is_exact: range.is_exact,
    })
}

impl<M: Measures> Court<'_, M> {
    pub(super) fn measured(&mut self, condition: &Condition, measure: &Measure) -> Judgement {
        let sustained = measure.sustained.filter(|_| self.patience == Patience::Written);
        let (verdict, reading) = match (self.role, sustained) {
            (_, Some(sustained)) => self.sustained(condition, measure, sustained),
            (Role::Gate, None) => {
                let reading = self.read(measure, self.whole(measure));
                (self.gate_verdict(condition, measure, &reading), reading)
            }
            (Role::Trigger, None) => {
                if let Some(from) = self.since(measure) {
                    return self.measured_since(condition, measure, from);
                }
                let span = self.silence_of(measure);
                let mut reading = self.read(measure, self.whole(measure));
                let sight = self.trigger_sight(measure, &mut reading, span);
                (self.trigger_verdict(condition, measure, &reading, sight, span), reading)
            }
        };
        Judgement::new(verdict, Basis::Measured(reading))
    }

    /// From when on all samples count, where low traffic asks for more than the windows hold.
    fn since(&self, measure: &Measure) -> Option<Timestamp> {
        match self.patience {
            Patience::Since(from) if matches!(measure.query.stat, Stat::Quantile(_) | Stat::Fraction) => {
                Some(from)
            }
            _ => None,
        }
    }

    fn measured_since(&self, condition: &Condition, measure: &Measure, from: Timestamp) -> Judgement {
        let over = self.now().since(from);
        let (shortest, needed) = (self.span_of(measure.query.window), measure.min_samples.count);
        let found =
            self.windows.measure_holding(&measure.query, shortest, over, needed, self.clip, self.now());
        let reading = self.read(measure, found);
        let sight = match self.sight(measure, &reading) {
            Sight::Blind(cause) => Sight::Blind(cause),
            _ if found.n < measure.min_samples.count => Sight::Blind(Cause::TooFewSamples),
            sight => sight,
        };
        let verdict = self.trigger_verdict(condition, measure, &reading, sight, over);
        Judgement::new(verdict, Basis::Measured(reading))
    }

    fn whole(&self, measure: &Measure) -> Measurement {
        self.windows.measure(&measure.query, self.clip, self.now())
    }

    fn baseline(&self, versus: Versus) -> Option<f64> {
        versus.baseline.and_then(|id| self.facts.baselines.get(id.index()).copied().flatten())
    }

    fn read(&self, measure: &Measure, measurement: Measurement) -> Reading {
        let baseline = measure.versus.and_then(|versus| self.baseline(versus));
        let value = match measurement.value {
            // What came although the source is not live.
            Err(Gap::NotLive) if measurement.n > 0 && measure.query.stat == Stat::Count => {
                return Reading {
                    range: Some(Range::exact(measurement.n as f64)),
                    ..Reading::bare(measurement)
                };
            }
            value => value.ok(),
        };
        let range = value.and_then(|value| {
            let range =
                Range { value, low: measurement.low, high: measurement.high, is_exact: measurement.is_exact };
            match measure.versus {
                None => Some(range),
                Some(versus) => against(range, versus.change, baseline?),
            }
        });
        Reading { range, baseline, ..Reading::bare(measurement) }
    }

    fn kind_of(&self, measure: &Measure) -> Option<MetricKind> {
        match measure.query.subject {
            Subject::Rollbacks => Some(MetricKind::Event),
            Subject::Metric(metric) => self.facts.ruleset.metrics.get(metric.index()).map(|m| m.kind),
        }
    }

    /// Whether more evidence could only confirm what the reading says: a count that is beyond its limit, an extreme
    /// value that is.
    fn proof(&self, measure: &Measure, is_beyond: bool) -> Proof {
        let is_plain = measure.versus.is_none() && measure.query.averaged_by.is_none();
        let is_lower = !measure.comparison.is_upper_limit();
        // A count and a largest value only grow, a smallest only falls.
        let is_final = match (self.kind_of(measure), measure.query.stat) {
            (Some(MetricKind::Event | MetricKind::Distribution | MetricKind::Ratio), Stat::Count)
            | (Some(MetricKind::Distribution), Stat::Max) => is_lower == is_beyond,
            (Some(MetricKind::Distribution), Stat::Min) => is_lower != is_beyond,
            _ => false,
        };
        if is_plain && is_final { Proof::Final } else { Proof::Open }
    }

    /// What a reading says before anybody asks how much evidence it is.
    fn sight(&self, measure: &Measure, reading: &Reading) -> Sight {
        let sight = match (&reading.range, reading.measurement.value) {
            (Some(range), _) => claim(measure.comparison, measure.limit, range),
            (None, Ok(_)) => Sight::Blind(Cause::NoBaseline),
            (None, Err(_)) => Sight::Blind(Cause::NoData),
        };
        // Of a source that is not live, no events are no evidence; those that came are.
        if reading.measurement.value == Err(Gap::NotLive) && reading.range.is_some() {
            let holds = sight == Sight::Holds;
            let is_shown = self.is_settled(holds, self.proof(measure, holds));
            return if is_shown { sight } else { Sight::Blind(Cause::NoData) };
        }
        sight
    }

    fn gate_verdict(&self, condition: &Condition, measure: &Measure, reading: &Reading) -> Verdict {
        let measurement = &reading.measurement;
        let holds = match self.sight(measure, reading) {
            Sight::Blind(Cause::NoData) => return self.absent(self.silence_of(measure)),
            Sight::Blind(cause) => return Verdict::Inconclusive(cause),
            Sight::Holds => Some(true),
            Sight::Broken => Some(false),
            Sight::Unclear => None,
        };
        let proof = holds.map_or(Proof::Open, |holds| self.proof(measure, holds));
        let is_settled = holds.is_some_and(|holds| self.is_settled(holds, proof));
        let is_few = measurement.n < measure.min_samples.count;
        // A phase that begins at this instant has a window without any time in it.
        let is_unwatched =
            measurement.n == 0 && (measurement.coverage <= 0.0 || measurement.written == Span::ZERO);
        match holds {
            Some(holds) if self.is_marred(measurement.drops, holds, proof) => {
                Verdict::Inconclusive(Cause::Drops)
            }
            _ if is_few && (measure.min_samples.is_given || !is_settled) => {
                Verdict::Inconclusive(Cause::TooFewSamples)
            }
            _ if !is_settled && (is_unwatched || is_short(condition.coverage, measurement.coverage)) => {
                Verdict::Inconclusive(Cause::Coverage)
            }
            Some(false) => Verdict::Fail,
            Some(true) => warned(condition, measure, reading),
            None => Verdict::Inconclusive(Cause::Undecided),
        }
    }

    /// How long a window must have been watched for its emptiness to say something: one that grows with the phase, for
    /// as long as a source may be silent.
    fn silence_of(&self, measure: &Measure) -> Span {
        let over = self.span_of(measure.query.window);
        let max_gap = match measure.query.subject {
            Subject::Metric(metric) => self.facts.ruleset.metrics.get(metric.index()).map(|m| m.max_gap),
            Subject::Rollbacks => None,
        };
        match measure.query.window {
            Window::Phase => over.max(max_gap.unwrap_or_default()),
            Window::Over(_) | Window::Latest(_) => over,
        }
    }

    /// Whether a count may be low because its window was not watched or fed: it decides only on most of its window, and
    /// only where the rest at the same rate would change nothing.
    fn is_partial(&self, measure: &Measure, reading: &Reading, holds: bool) -> bool {
        let measurement = &reading.measurement;
        let over = measurement.written;
        if over == Span::ZERO {
            return true;
        }
        let part = match (self.kind_of(measure), measure.query.stat, measure.query.stat.per()) {
            (Some(MetricKind::Event), Stat::Count, _) => measurement.coverage,
            // A rate divides by what is covered, and by its own unit where that is more.
            (Some(MetricKind::Event), _, Some(unit)) => {
                measurement.coverage * over.0 as f64 / unit.min(over).0.max(1) as f64
            }
            // Silence is what a lack of traffic looks like, so that only the watching counts.
            (Some(MetricKind::Distribution | MetricKind::Ratio), Stat::Count, _) => self.watched(over),
            (Some(MetricKind::Distribution), _, Some(unit)) => self.watched(unit.min(over)),
            _ => return false,
        };
        let is_upheld = |range: &Range| {
            measure.versus.is_some()
                || measure.comparison.holds(range.value / part.min(1.0), measure.limit) == holds
        };
        is_short(Some(SEEN_MIN), part) || !reading.range.as_ref().is_some_and(is_upheld)
    }

    /// What a trigger's reading says; low traffic is judged by the count beyond the limit in `longest`.
    fn trigger_sight(&self, measure: &Measure, reading: &mut Reading, longest: Span) -> Sight {
        let sight = self.sight(measure, reading);
        if matches!(sight, Sight::Blind(_)) || reading.measurement.n >= measure.min_samples.count {
            return sight;
        }
        let is_proven = sight == Sight::Holds && self.proof(measure, true) == Proof::Final;
        if is_proven && !measure.min_samples.is_given {
            return sight;
        }
        let tail = if measure.min_samples.is_given { None } else { self.low_traffic(measure, longest) };
        reading.tail = tail.map(|(tail, _)| tail);
        match tail {
            Some((_, true)) => Sight::Holds,
            _ => Sight::Blind(Cause::TooFewSamples),
        }
    }

    /// Where a quantile or a ratio is claimed: the samples beyond the limit, and whether they are a violation.
    fn low_traffic(&self, measure: &Measure, longest: Span) -> Option<(Tail, bool)> {
        if measure.query.averaged_by.is_some() {
            return None;
        }
        let limit = match measure.versus {
            None => measure.limit,
            Some(versus) => {
                let baseline = self.baseline(versus)?;
                let scale = if versus.change == Change::Relative { baseline.abs() } else { 1.0 };
                measure.limit.mul_add(scale, baseline)
            }
        };
        // How many lie beyond a limit that is just kept.
        let (upper, lower) = match measure.query.stat {
            Stat::Quantile(q) => (1.0 - q, q),
            Stat::Fraction => (limit, 1.0 - limit),
            _ => return None,
        };
        let part = if measure.comparison.is_upper_limit() { lower } else { upper };
        let tail =
            self.windows.tail(&measure.query, measure.comparison, limit, longest, self.clip, self.now());
        Some((tail, binomial_tail(tail.beyond, tail.n, part) < TAIL_ALPHA))
    }

    fn trigger_verdict(
        &self,
        condition: &Condition,
        measure: &Measure,
        reading: &Reading,
        sight: Sight,
        longest: Span,
    ) -> Verdict {
        let holds = match sight {
            Sight::Blind(Cause::NoData) => return self.absent(longest),
            Sight::Blind(cause) => return Verdict::Inconclusive(cause),
            Sight::Unclear => None,
            Sight::Holds => Some(true),
            Sight::Broken => Some(false),
        };
        let proof = holds.map_or(Proof::Open, |holds| self.proof(measure, holds));
        if !holds.is_some_and(|holds| self.is_settled(holds, proof)) {
            // What fires on too little is as wrong as what passes on it.
            let is_few = holds.is_some_and(|holds| {
                let is_upper = measure.comparison.is_upper_limit() == holds;
                let is_firing = self.lead(holds) == Lead::To;
                let is_open = condition.coverage.is_none();
                is_upper && is_firing && is_open && self.is_partial(measure, reading, holds)
            });
            if is_few || is_short(condition.coverage, reading.measurement.coverage) {
                return Verdict::Inconclusive(Cause::Coverage);
            }
        }
        match holds {
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Fail,
            None => Verdict::Inconclusive(Cause::Undecided),
        }
    }

    /// `for` (SEMANTICS 4.3). For a gate the streak is one of its condition holding.
    fn sustained(
        &mut self,
        condition: &Condition,
        measure: &Measure,
        sustained: Sustained,
    ) -> (Verdict, Reading) {
        let now = self.now();
        let shortest = self.span_of(measure.query.window);
        let longest = shortest.max(sustained.span);
        let needed = measure.min_samples.count;
        let found = self.windows.measure_holding(&measure.query, shortest, longest, needed, self.clip, now);
        let mut reading = self.read(measure, found);
        let mut sight = self.sight_of(measure, &mut reading, longest);
        // A wider window can hold samples where the latest `over` has none: old news carries no streak.
        let is_wider = now.since(reading.measurement.from) > shortest;
        if !matches!(sight, Sight::Blind(_)) && is_wider && self.is_empty(measure, shortest) {
            sight = Sight::Blind(Cause::NoData);
        }
        let seen = match sight {
            Sight::Holds => Seen::Violating,
            Sight::Broken | Sight::Unclear => Seen::Healthy,
            Sight::Blind(_) => Seen::Nothing,
        };
        let streak = self.streak_after(sustained, seen, shortest);
        reading.since = streak.since;
        let has_lasted = seen == Seen::Violating && self.has_lasted(streak.lasted(now), sustained.span);
        if !has_lasted {
            return (self.unsustained(condition, measure, &reading, sight, longest), reading);
        }
        let measure = &pooled_limit(measure, shortest, longest);
        let pooled = self.windows.measure_over(&measure.query, longest, self.clip, now);
        let mut pooled = Reading { since: reading.since, ..self.read(measure, pooled) };
        let verdict = match self.role {
            Role::Gate => self.gate_verdict(condition, measure, &pooled),
            Role::Trigger => {
                let sight = self.trigger_sight(measure, &mut pooled, longest);
                self.trigger_verdict(condition, measure, &pooled, sight, longest)
            }
        };
        // What keeps it from deciding is in the pooled window, so that is what people must see.
        (verdict, if verdict.is_passing() { reading } else { pooled })
    }

    fn sight_of(&self, measure: &Measure, reading: &mut Reading, longest: Span) -> Sight {
        match self.role {
            Role::Trigger => self.trigger_sight(measure, reading, longest),
            Role::Gate => match self.sight(measure, reading) {
                Sight::Blind(cause) => Sight::Blind(cause),
                _ if reading.measurement.n < measure.min_samples.count => Sight::Blind(Cause::TooFewSamples),
                sight => sight,
            },
        }
    }

    /// A gate's `for` is a wait, and a restart or a suspend shortens none (SEMANTICS 6.10); a trigger must not be held up
    /// by the time that nobody watched.
    fn has_lasted(&self, lasted: Span, needed: Span) -> bool {
        // A part of a span is a quotient: a millisecond is its rounding.
        let is_watched = || self.watched(lasted) * lasted.0 as f64 + 1.0 >= needed.0 as f64;
        lasted >= needed && (self.role == Role::Trigger || is_watched())
    }

    fn is_empty(&self, measure: &Measure, over: Span) -> bool {
        self.windows.measure_over(&measure.query, over, self.clip, self.now()).value.is_err()
    }

    fn streak_after(&mut self, sustained: Sustained, seen: Seen, healthy_max: Span) -> Streak {
        let rule = StreakRule {
            span: sustained.span,
            healthy_max,
            each: self.facts.ruleset.evaluate_every,
            clip: self.clip.from,
        };
        let now = self.now();
        let Some(streak) = self.streaks.0.get_mut(sustained.streak.index()) else {
            // Streaks of another ruleset: a streak that cannot be kept never fires.
            return Streak::default().after(seen, now, rule);
        };
        let next = streak.after(seen, now, rule);
        if self.streaking == Streaking::Advance {
            *streak = next;
        }
        next
    }

    /// The verdict while it has not lasted for long enough.
    fn unsustained(
        &self,
        condition: &Condition,
        measure: &Measure,
        reading: &Reading,
        sight: Sight,
        longest: Span,
    ) -> Verdict {
        match (self.role, sight) {
            // With `on_no_data` the silence must last as long as the violation would have to.
            (_, Sight::Blind(Cause::NoData)) if self.is_acting() && self.is_empty(measure, longest) => {
                self.absent(longest)
            }
            (_, Sight::Blind(cause)) => Verdict::Inconclusive(cause),
            // It has not lasted: a fact, unless the opposite is asked of something that has only begun.
            (Role::Trigger, Sight::Holds) if self.lead(false) != Lead::To => Verdict::Fail,
            (_, Sight::Holds) => Verdict::Inconclusive(Cause::NotYet),
            (Role::Trigger, _) => self.trigger_verdict(condition, measure, reading, sight, longest),
            (Role::Gate, _) => self.gate_verdict(condition, measure, reading),
        }
    }
}

/// What is asked of all of `for`: a count that must stay low in every `over` may be as many times as much in all of it.
fn pooled_limit(measure: &Measure, over: Span, all: Span) -> Measure {
    let is_count = measure.query.stat == Stat::Count && measure.comparison.is_upper_limit();
    let times = if is_count && measure.versus.is_none() { all.0 as f64 / over.0.max(1) as f64 } else { 1.0 };
    Measure { limit: measure.limit * times, ..*measure }
}

/// A pass, or a warning where it is within that part of its limit.
fn warned(condition: &Condition, measure: &Measure, reading: &Reading) -> Verdict {
    let (Some(part), Some(range)) = (condition.warn_within, &reading.range) else { return Verdict::Pass };
    let limit = tightened(measure.comparison, measure.limit, part);
    if measure.limit == 0.0 || claim(strict(measure.comparison), limit, range) == Sight::Holds {
        Verdict::Pass
    } else {
        Verdict::Warn
    }
}
