//! Triggers and gates as SEMANTICS 4 and 5 tell them, judged on [`Naive`] windows.
//!
//! Of a trigger the oracle says whether it must fire or must not. Where it keeps no account of what is measured (trends,
//! comparisons, growth, baselines, the edge of a rate) it says that it does not know. Of a gate it says whether it may pass.

use rollgate::core::snapshot::{
    AlertRule, Comparison, Condition, ConditionKind, Measure, MetricKind, OnNoData, Ruleset, Severity, Stat,
    Subject, Sustained, Window,
};
use rollgate::core::time::{Span, Timestamp};
use rollgate::core::units::Share;

use super::binomial;
use super::naive::{Naive, View};
use super::watch::Watch;

/// What is to be said of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// It holds.
    Yes,
    /// It does not, on evidence.
    No,
    /// There are too few samples to say.
    Few,
    /// There is nothing to say it by.
    Blind,
    /// The oracle keeps no account of it.
    Unknown,
    /// It is not asked.
    Skip,
}

/// One `for`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Streak {
    since: Option<Timestamp>,
    last: Option<Timestamp>,
    healthy: Span,
    /// Something was seen that the oracle cannot say.
    is_foggy: bool,
}

impl Streak {
    pub(super) const fn is_running(&self) -> bool {
        self.since.is_some() || self.is_foggy
    }
}

/// What a condition is judged by.
pub(super) struct Oracle<'a> {
    pub(super) ruleset: &'a Ruleset,
    pub(super) naive: &'a Naive,
    pub(super) watch: &'a Watch,
    pub(super) shares: &'a [Share],
    /// When the phase began.
    pub(super) entered: Timestamp,
    /// Windows begin no earlier.
    pub(super) clip: Timestamp,
    pub(super) now: Timestamp,
    /// The process has come back at least once: what it had watched may be a little less than it was.
    pub(super) has_restarted: bool,
}

fn holds(comparison: Comparison, value: f64, limit: f64) -> Say {
    let near = (value - limit).abs() <= 1e-9 * limit.abs().max(1e-9);
    let is_exact = value == value.trunc() && limit == limit.trunc();
    match comparison.holds(value, limit) {
        _ if near && !is_exact => Say::Unknown,
        true => Say::Yes,
        false => Say::No,
    }
}

/// The worst of them.
fn all(says: &[Say]) -> Say {
    let asked = || says.iter().filter(|say| **say != Say::Skip);
    [Say::No, Say::Unknown, Say::Few, Say::Blind, Say::Yes]
        .into_iter()
        .find(|say| asked().any(|other| other == say))
        .unwrap_or(Say::Skip)
}

/// The best of them.
fn any(says: &[Say]) -> Say {
    let asked = || says.iter().filter(|say| **say != Say::Skip);
    [Say::Yes, Say::Unknown, Say::Few, Say::Blind, Say::No]
        .into_iter()
        .find(|say| asked().any(|other| other == say))
        .unwrap_or(Say::Skip)
}

impl Oracle<'_> {
    fn metric(&self, measure: &Measure) -> Option<(&'static str, MetricKind)> {
        let Subject::Metric(id) = measure.query.subject else { return None };
        let metric = self.ruleset.metric(id);
        let name = super::world::METRICS.into_iter().find(|name| metric.key == **name)?;
        Some((name, metric.kind))
    }

    fn span(&self, window: Window) -> Span {
        match window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => self.now.since(self.clip),
        }
    }

    fn view(&self, over: Span) -> View {
        self.naive.view(over, self.clip, self.now)
    }

    fn is_live(&self) -> bool {
        self.naive.live_since.is_some()
    }

    /// Whether a trigger's condition holds now; at an evaluation its streaks move.
    pub(super) fn fires(&self, condition: &Condition, streaks: &mut [Streak]) -> Say {
        let asked = condition.only_if.as_ref().map_or(Say::Yes, |only_if| self.fires(only_if, streaks));
        let own = self.fires_when_asked(condition, streaks);
        match asked {
            Say::Yes => own,
            Say::No | Say::Skip => Say::Skip,
            other => other,
        }
    }

    fn fires_when_asked(&self, condition: &Condition, streaks: &mut [Streak]) -> Say {
        let say = match &condition.kind {
            ConditionKind::All(inner) => {
                all(&inner.iter().map(|inner| self.fires(inner, streaks)).collect::<Vec<_>>())
            }
            ConditionKind::Any(inner) => {
                any(&inner.iter().map(|inner| self.fires(inner, streaks)).collect::<Vec<_>>())
            }
            ConditionKind::ShareAbove(flag, share) if self.shares[flag.index()] > *share => Say::Yes,
            ConditionKind::ShareAbove(..) => Say::No,
            ConditionKind::PhaseFor(span) => {
                let running = self.watch.running(self.entered, self.now);
                match running >= *span {
                    false => Say::No,
                    // A phase that began at a command is given that much less where the evaluation after it came late.
                    true if self.has_restarted || running < *span + self.ruleset.watched_gap() => {
                        Say::Unknown
                    }
                    true => Say::Yes,
                }
            }
            ConditionKind::Alerts(severity, rule) => self.alerts(*severity, rule),
            ConditionKind::Measure(measure) => match measure.sustained {
                Some(sustained) => self.sustained(measure, sustained, streaks),
                None => self.measured(measure),
            },
            _ => Say::Unknown,
        };
        let is_odd = condition.coverage.is_some() || condition.on_no_data == OnNoData::Act;
        match say {
            Say::Blind if is_odd => Say::Unknown,
            say => say,
        }
    }

    fn alerts(&self, severity: Severity, rule: &AlertRule) -> Say {
        let holds = match *rule {
            AlertRule::Count { within, comparison: Comparison::AtLeast, limit } => {
                self.naive.alerts(severity, self.view(within)) >= limit
            }
            AlertRule::OpenFor(span) => {
                let open =
                    self.naive.open.values().filter(|(of, _)| *of == severity).map(|(_, since)| *since);
                open.min().is_some_and(|since| self.now.since(since) >= span)
            }
            _ => return Say::Unknown,
        };
        match holds {
            true => Say::Yes,
            false if self.is_live() => Say::No,
            false => Say::Blind,
        }
    }

    fn measured(&self, measure: &Measure) -> Say {
        let Some((metric, kind)) = self.metric(measure) else { return Say::Unknown };
        if measure.versus.is_some() || measure.query.averaged_by.is_some() {
            return Say::Unknown;
        }
        let over = self.span(measure.query.window);
        let view = self.view(over);
        match (kind, measure.query.stat) {
            (MetricKind::Distribution | MetricKind::Ratio, _) => self.sight(measure, over, over),
            (MetricKind::Event, Stat::Count) if measure.comparison == Comparison::AtLeast => {
                let n = self.naive.exactly(metric, view).map(|sample| sample.count).sum::<u64>();
                match n as f64 >= measure.limit {
                    true => Say::Yes,
                    false if self.is_live() => Say::No,
                    false => Say::Blind,
                }
            }
            (MetricKind::Event, stat) => {
                let Some(unit) = stat.per() else { return Say::Unknown };
                let n = self.naive.exactly(metric, view).map(|sample| sample.count).sum::<u64>() as f64;
                let least = n * unit.0 as f64 / over.max(unit).0 as f64;
                match (
                    measure.comparison.holds(n, measure.limit),
                    measure.comparison.holds(least, measure.limit),
                ) {
                    (true, true) if n > 0.0 && self.is_live() => Say::Yes,
                    (false, false) if self.is_live() => Say::No,
                    _ => Say::Unknown,
                }
            }
            (MetricKind::Gauge, Stat::Last) => match self.naive.exactly(metric, view).next() {
                Some(sample) => holds(measure.comparison, sample.value, measure.limit),
                None => Say::Blind,
            },
            (MetricKind::Gauge, Stat::Max) => {
                let set = self.naive.within(metric, view).map(|sample| sample.value);
                let Some(most) = set.reduce(f64::max) else { return Say::Blind };
                let held = self.naive.before(metric, view).map_or(most, |sample| sample.value.max(most));
                let (set, held) = (
                    holds(measure.comparison, most, measure.limit),
                    holds(measure.comparison, held, measure.limit),
                );
                if set == held { set } else { Say::Unknown }
            }
            (MetricKind::Score, Stat::Nps) => {
                let points = self.naive.exactly("points", view).next();
                match points {
                    Some(sample) => holds(measure.comparison, sample.value, measure.limit),
                    None => self.ratings(measure, view),
                }
            }
            _ => Say::Unknown,
        }
    }

    fn ratings(&self, measure: &Measure, view: View) -> Say {
        let (mut n, mut promoters, mut detractors) = (0_u64, 0_u64, 0_u64);
        for sample in self.naive.within("nps", view) {
            n += sample.count;
            promoters += if sample.value >= 9.0 { sample.count } else { 0 };
            detractors += if sample.value <= 6.0 { sample.count } else { 0 };
        }
        if n == 0 {
            return Say::Blind;
        }
        let nps = 100.0 * (promoters as f64 - detractors as f64) / n as f64;
        holds(measure.comparison, nps, measure.limit)
    }

    /// What the last `over` says of a limit on a distribution or a ratio; low traffic is judged in `longest`.
    fn sight(&self, measure: &Measure, over: Span, longest: Span) -> Say {
        let Some((metric, kind)) = self.metric(measure) else { return Say::Unknown };
        let view = self.view(over);
        let n = self.naive.n(metric, view);
        if n == 0 {
            return Say::Blind;
        }
        let (limit, comparison) = (measure.limit, measure.comparison);
        let is_proven = measure.query.stat == Stat::Max && !measure.min_samples.is_given;
        if n >= measure.min_samples.count || is_proven {
            let value = match (kind, measure.query.stat) {
                (MetricKind::Distribution, Stat::Quantile(q)) => {
                    // The value of this rank is beyond the limit where too few lie within it.
                    let within = self
                        .naive
                        .within(metric, view)
                        .filter(|sample| !comparison.holds(sample.value, limit));
                    let within = within.map(|sample| sample.count).sum::<u64>() as f64;
                    return if within < (q * n as f64 - 1e-9).ceil() { Say::Yes } else { Say::No };
                }
                (MetricKind::Distribution, Stat::Mean) => {
                    self.naive
                        .within(metric, view)
                        .map(|sample| sample.value * sample.count as f64)
                        .sum::<f64>()
                        / n as f64
                }
                (MetricKind::Distribution, Stat::Max) => {
                    self.naive.within(metric, view).map(|sample| sample.value).fold(0.0, f64::max)
                }
                (MetricKind::Ratio, Stat::Fraction) => self.trues(metric, view) / n as f64,
                _ => return Say::Unknown,
            };
            let say = holds(comparison, value, limit);
            return if n >= measure.min_samples.count || say == Say::Yes { say } else { Say::Few };
        }
        if measure.min_samples.is_given {
            return Say::Few;
        }
        let part = match measure.query.stat {
            Stat::Quantile(q) => 1.0 - q,
            Stat::Fraction => limit,
            _ => return Say::Few,
        };
        let longer = self.view(longest);
        let n = self.naive.n(metric, longer);
        let beyond = match kind {
            MetricKind::Ratio => self.trues(metric, longer) as u64,
            _ => {
                let beyond =
                    self.naive.within(metric, longer).filter(|sample| comparison.holds(sample.value, limit));
                beyond.map(|sample| sample.count).sum()
            }
        };
        // Nothing that many samples could say is asked of few: the tail is small work.
        if n > 5_000 {
            return Say::Unknown;
        }
        let tail = binomial::tail(beyond, n, part);
        if (tail / 0.001 - 1.0).abs() < 1e-6 {
            return Say::Unknown;
        }
        if tail < 0.001 { Say::Yes } else { Say::Few }
    }

    /// True outcomes: they are kept as the fraction of each sample.
    fn trues(&self, metric: &str, view: View) -> f64 {
        self.naive.within(metric, view).map(|sample| (sample.value * sample.count as f64).round()).sum()
    }

    /// `for` (SEMANTICS 4.3).
    fn sustained(&self, measure: &Measure, sustained: Sustained, streaks: &mut [Streak]) -> Say {
        let Some((metric, MetricKind::Distribution | MetricKind::Ratio)) = self.metric(measure) else {
            return Say::Unknown;
        };
        let shortest = self.span(measure.query.window);
        let longest = shortest.max(sustained.span);
        let needed = measure.min_samples.count;
        let over = self.naive.holding(metric, (shortest, longest), needed, self.clip, self.now);
        let mut say =
            if measure.versus.is_some() { Say::Unknown } else { self.sight(measure, over, longest) };
        if self.naive.n(metric, self.view(shortest)) == 0 && say != Say::Unknown {
            say = Say::Blind;
        }
        let streak = &mut streaks[sustained.streak.index()];
        let is_clipped = streak.since.is_some_and(|since| since <= self.clip);
        let is_torn = streak.last.is_some_and(|last| self.now.since(last) > sustained.span);
        if (is_clipped || is_torn) && !streak.is_foggy {
            *streak = Streak::default();
        }
        match say {
            Say::Yes => {
                streak.since.get_or_insert(self.now);
                streak.last = Some(self.now);
            }
            Say::No if streak.since.is_some() => {
                streak.last = Some(self.now);
                streak.healthy = streak.healthy + self.ruleset.evaluate_every;
                if streak.healthy > shortest && !streak.is_foggy {
                    *streak = Streak::default();
                }
            }
            Say::Unknown => streak.is_foggy = true,
            _ => {}
        }
        match say {
            _ if streak.is_foggy => Say::Unknown,
            Say::Yes => {
                let lasted = streak.since.map_or(Span::ZERO, |since| self.now.since(since));
                if lasted >= sustained.span { self.sight(measure, longest, longest) } else { Say::No }
            }
            say => say,
        }
    }

    // ---- gates

    /// Whether a gate may pass on what there is: a promise of what cannot be, not of what must.
    pub(super) fn may_pass(&self, condition: &Condition, said: &dyn Fn(&ConditionKind) -> bool) -> bool {
        if condition.only_if.is_some() {
            return true;
        }
        let may_pass = match &condition.kind {
            ConditionKind::All(inner) => inner.iter().all(|inner| self.may_pass(inner, said)),
            ConditionKind::Any(inner) => inner.iter().any(|inner| self.may_pass(inner, said)),
            ConditionKind::Not(inner) => self.may_fail(inner),
            ConditionKind::SharesAllZero => self.shares.iter().all(|share| *share == Share::ZERO),
            ConditionKind::ShareAbove(flag, share) => self.shares[flag.index()] > *share,
            ConditionKind::PhaseFor(span) => self.watch.running(self.entered, self.now) >= *span,
            kind @ (ConditionKind::Attest(_) | ConditionKind::ChecklistComplete) => said(kind),
            ConditionKind::Alerts(severity, AlertRule::QuietFor(span)) => {
                let closed = self.naive.last_closed.get(severity);
                let is_recent = closed.is_some_and(|at| *at > self.now - *span && *at > self.clip);
                let is_open = self.naive.open.values().any(|(of, _)| of == severity);
                self.is_live() && !is_open && !is_recent
            }
            ConditionKind::Measure(measure) => self.measure_may_pass(measure),
            ConditionKind::Trend(trend) => {
                let metric = self.ruleset.metric(trend.metric).key.as_str();
                self.naive.n(metric, self.view(self.span(trend.window))) >= 8
            }
            ConditionKind::Compare(compare) => {
                // Nobody is ON, or nobody is OFF: then there is nothing to compare.
                let metric = self.ruleset.metric(compare.metric).key.as_str();
                self.naive.n(metric, self.view(self.now.since(self.clip))) >= 2
                    && self.naive.drops(metric, self.view(self.now.since(self.clip))) == 0
            }
            _ => true,
        };
        may_pass && self.may_be_covered(condition)
    }

    /// The watched part of a window is the most that can be covered.
    fn may_be_covered(&self, condition: &Condition) -> bool {
        let (Some(asked), ConditionKind::Measure(measure)) = (condition.coverage, &condition.kind) else {
            return true;
        };
        let over = self.span(measure.query.window);
        let is_final = measure.query.stat == Stat::Count && !measure.comparison.is_upper_limit();
        let from = (self.now - over).max(self.clip);
        let watched = self.watch.watched(from, self.now);
        is_final || over == Span::ZERO || watched.0 as f64 / over.0 as f64 + 1e-6 >= asked
    }

    fn measure_may_pass(&self, measure: &Measure) -> bool {
        let Some((metric, kind)) = self.metric(measure) else { return true };
        let mut over = self.span(measure.query.window);
        if let Some(sustained) = measure.sustained {
            over = over.max(sustained.span);
        }
        let view = self.view(over);
        let n = match kind {
            MetricKind::Score => {
                self.naive.n(metric, view).max(self.naive.exactly("points", view).count() as u64)
            }
            MetricKind::Gauge => {
                self.naive.n(metric, view).max(self.naive.exactly(metric, view).count() as u64)
            }
            _ => self.naive.n(metric, view),
        };
        // NaN, impossible and dropped samples never pass a gate.
        if self.naive.drops(metric, view) > 0 {
            return false;
        }
        if kind == MetricKind::Event {
            let n = self.naive.exactly(metric, view).map(|sample| sample.count).sum::<u64>();
            return self.is_live()
                && (measure.query.stat != Stat::Count || measure.comparison.holds(n as f64, measure.limit));
        }
        if n < measure.min_samples.count.max(1) {
            return false;
        }
        if measure.versus.is_some() || measure.query.averaged_by.is_some() {
            return true;
        }
        match (kind, measure.query.stat) {
            (MetricKind::Distribution, Stat::Quantile(q)) => {
                let within = self
                    .naive
                    .within(metric, view)
                    .filter(|sample| measure.comparison.holds(sample.value, measure.limit));
                let within = within.map(|sample| sample.count).sum::<u64>() as f64;
                !measure.comparison.is_upper_limit() || within >= (q * n as f64 - 1e-9).ceil()
            }
            (MetricKind::Ratio, Stat::Fraction) => {
                holds(measure.comparison, self.trues(metric, view) / n as f64, measure.limit) != Say::No
            }
            (MetricKind::Gauge, Stat::Last) => self
                .naive
                .exactly(metric, view)
                .next()
                .is_some_and(|sample| measure.comparison.holds(sample.value, measure.limit)),
            (MetricKind::Gauge, Stat::Max) => {
                let set = self.naive.within(metric, view).map(|sample| sample.value).fold(f64::MIN, f64::max);
                measure.comparison.holds(set, measure.limit)
            }
            (MetricKind::Score, Stat::Nps) => match self.naive.exactly("points", view).next() {
                Some(sample) => measure.comparison.holds(sample.value, measure.limit),
                None => self.ratings(measure, view) != Say::No,
            },
            _ => true,
        }
    }

    /// Whether a condition inside a `not` may fail on evidence.
    fn may_fail(&self, condition: &Condition) -> bool {
        match &condition.kind {
            ConditionKind::Measure(measure) if measure.query.stat == Stat::Count => {
                let Some((metric, _)) = self.metric(measure) else { return true };
                let view = self.view(self.span(measure.query.window));
                let n = self.naive.exactly(metric, view).map(|sample| sample.count).sum::<u64>();
                self.is_live()
                    && self.naive.drops(metric, view) == 0
                    && !measure.comparison.holds(n as f64, measure.limit)
            }
            _ => true,
        }
    }
}
