//! Windows that keep every sample, and a small plan to judge.

use crate::id::{FlagId, Key, MetricId, PhaseId, StreakId};
use crate::judge::{Attestation, Facts, Judgement, Streaking, Streaks, judge_condition, judge_trigger};
use crate::metrics::{Arm, ArmPair, Clip, Clusters, Gap, Measurement, Measures, Part, Tail};
use crate::snapshot::{
    AlertRule, Calendar, ChecklistItem, Comparison, Condition, ConditionKind, Daily, Direction, Flag,
    Measure, Metric, MetricKind, MinSamples, OnNoData, Phase, Plan, Query, Removal, RoleRule, RollbackTarget,
    RollbackTo, Ruleset, Severity, Stat, Subject, Sustained, Trigger, TriggerMode, Window,
};
use crate::time::{Now, Span, Timestamp, Zone};
use crate::units::{Share, Unit};

pub(super) const LATENCY: MetricId = MetricId(0);
pub(super) const ERRORS: MetricId = MetricId(1);
pub(super) const HEAP: MetricId = MetricId(2);
pub(super) const TICKETS: MetricId = MetricId(3);
pub(super) const NPS: MetricId = MetricId(4);
pub(super) const FLAG: FlagId = FlagId(0);

/// 2026-01-19T10:00:00Z.
pub(super) const START: Timestamp = Timestamp(1_768_816_800_000);

pub(super) fn at(seconds: u64) -> Timestamp {
    START + Span::seconds(seconds)
}

/// One metric's samples, exact or blurred into buckets of this relative width.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    pub(super) values: Vec<(Timestamp, f64)>,
    pub(super) bucket: Option<(f64, f64)>,
    pub(super) coverage: f64,
    pub(super) drops: u64,
    pub(super) is_live: bool,
}

/// Scripted windows.
#[derive(Clone, Debug)]
pub(super) struct Fake {
    pub(super) ruleset: Ruleset,
    pub(super) samples: Vec<Samples>,
    pub(super) alerts_live: bool,
    pub(super) alerts: Vec<(Timestamp, Option<Timestamp>)>,
    pub(super) watched_from: Timestamp,
    pub(super) parts: Vec<Part>,
    pub(super) pair: Option<ArmPair>,
    /// ON, OFF: each sample with its cluster.
    pub(super) arms: [Vec<(usize, f64)>; 2],
}

impl Fake {
    pub(super) fn new() -> Self {
        let none = Samples { values: Vec::new(), bucket: None, coverage: 1.0, drops: 0, is_live: true };
        Self {
            ruleset: ruleset(),
            samples: vec![none; 5],
            alerts_live: true,
            alerts: Vec::new(),
            watched_from: START - Span::days(30),
            parts: Vec::new(),
            pair: None,
            arms: [Vec::new(), Vec::new()],
        }
    }

    pub(super) fn of(&mut self, metric: MetricId) -> &mut Samples {
        &mut self.samples[metric.index()]
    }

    /// `count` samples of `value`, evenly in [from, to) seconds.
    pub(super) fn spread(
        &mut self,
        metric: MetricId,
        from: u64,
        to: u64,
        count: u64,
        value: f64,
    ) -> &mut Self {
        for index in 0..count {
            let ms = (to - from) * 1_000 * index / count;
            self.of(metric).values.push((at(from) + Span(ms), value));
        }
        self.of(metric).values.sort_by_key(|sample| sample.0);
        self
    }

    fn arm(&self, arm: Arm) -> &[(usize, f64)] {
        &self.arms[usize::from(arm == Arm::Off)]
    }

    fn clusters_of(&self, arm: Arm, value_of: impl Fn(f64) -> f64) -> Clusters {
        let mut clusters = Clusters { n: vec![0.0; 64], sum: vec![0.0; 64] };
        for &(cluster, value) in self.arm(arm) {
            clusters.n[cluster] += 1.0;
            clusters.sum[cluster] += value_of(value);
        }
        clusters
    }

    fn value(&self, query: &Query, over: Span, values: &[f64], is_live: bool) -> Result<f64, Gap> {
        let n = values.len() as f64;
        let kind = match query.subject {
            Subject::Metric(id) => self.ruleset.metric(id).kind,
            Subject::Rollbacks => MetricKind::Event,
        };
        match kind {
            MetricKind::Event if !is_live => return Err(Gap::NotLive),
            MetricKind::Event => {}
            _ if values.is_empty() => return Err(Gap::Empty),
            _ => {}
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        Ok(match query.stat {
            Stat::Quantile(q) => sorted[(((n * q) - 1e-9).ceil().max(1.0) as usize).min(sorted.len()) - 1],
            Stat::Mean | Stat::Fraction => sorted.iter().sum::<f64>() / n,
            Stat::Min => sorted[0],
            Stat::Max => sorted[sorted.len() - 1],
            Stat::Last | Stat::Nps | Stat::GrowthPerDay => values[values.len() - 1],
            Stat::Count => n,
            Stat::PerMinute | Stat::PerHour | Stat::PerDay => {
                let per = query.stat.per().unwrap_or(over);
                n * per.0 as f64 / over.0.max(per.0) as f64
            }
        })
    }

    fn span(&self, query: &Query, clip: Clip, now: Timestamp) -> Span {
        match query.window {
            Window::Over(span) | Window::Latest(span) => span,
            Window::Phase => now.since(clip.phase),
        }
    }

    fn inside(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Vec<f64> {
        let from = (now - over).max(clip.from);
        let Subject::Metric(id) = query.subject else { return Vec::new() };
        let values = self.samples[id.index()].values.iter();
        values.filter(|sample| sample.0 >= from && sample.0 < now).map(|sample| sample.1).collect()
    }
}

impl Measures for Fake {
    fn measure(&self, query: &Query, clip: Clip, now: Timestamp) -> Measurement {
        self.measure_over(query, self.span(query, clip, now), clip, now)
    }

    fn measure_over(&self, query: &Query, over: Span, clip: Clip, now: Timestamp) -> Measurement {
        let values = self.inside(query, over, clip, now);
        let (is_live, coverage, drops, bucket) = match query.subject {
            Subject::Metric(id) => {
                let samples = &self.samples[id.index()];
                (samples.is_live, samples.coverage, samples.drops, samples.bucket)
            }
            Subject::Rollbacks => (true, self.watched(over, clip, now), 0, None),
        };
        let value = self.value(query, over, &values, is_live);
        let exact = value.unwrap_or(0.0);
        let inside = bucket.filter(|(low, high)| (*low..*high).contains(&exact));
        let (low, high) = inside.unwrap_or((exact, exact));
        Measurement {
            value,
            low,
            high,
            is_exact: inside.is_none(),
            n: values.len() as u64,
            from: (now - over).max(clip.from),
            to: now,
            written: over,
            coverage,
            drops,
            pooled: query.averaged_by.map(|_| exact + 1.0),
        }
    }

    fn measure_holding(
        &self,
        query: &Query,
        shortest: Span,
        longest: Span,
        min_samples: u64,
        clip: Clip,
        now: Timestamp,
    ) -> Measurement {
        let mut over = shortest;
        while over < longest && (self.inside(query, over, clip, now).len() as u64) < min_samples {
            over = (over + Span::seconds(10)).min(longest);
        }
        self.measure_over(query, over, clip, now)
    }

    fn tail(
        &self,
        query: &Query,
        comparison: Comparison,
        limit: f64,
        over: Span,
        clip: Clip,
        now: Timestamp,
    ) -> Tail {
        let values = self.inside(query, over, clip, now);
        let is_beyond = |value: f64| match query.stat {
            Stat::Fraction => (value > 0.5) != comparison.is_upper_limit(),
            _ => comparison.holds(value, limit),
        };
        let beyond = values.iter().filter(|value| is_beyond(**value)).count();
        Tail { beyond: beyond as u64, n: values.len() as u64 }
    }

    fn parts(&self, _: MetricId, _: Window, _: usize, _: Clip, _: Timestamp) -> Vec<Part> {
        self.parts.clone()
    }

    fn alerts_live(&self) -> bool {
        self.alerts_live
    }

    fn alerts_opened(&self, _: Severity, within: Span, clip: Clip, now: Timestamp) -> u64 {
        let from = (now - within).max(clip.from);
        self.alerts.iter().filter(|alert| alert.0 >= from && alert.0 <= now).count() as u64
    }

    fn alerts_last_open(&self, _: Severity, now: Timestamp) -> Option<Timestamp> {
        self.alerts.iter().map(|alert| alert.1.unwrap_or(now)).max()
    }

    fn alerts_open_since(&self, _: Severity) -> Option<Timestamp> {
        self.alerts.iter().filter(|alert| alert.1.is_none()).map(|alert| alert.0).min()
    }

    fn watched(&self, over: Span, clip: Clip, now: Timestamp) -> f64 {
        let from = (now - over).max(clip.from).max(self.watched_from);
        now.since(from).0 as f64 / over.0 as f64
    }

    fn arms(&self, _: MetricId, _: FlagId) -> Option<ArmPair> {
        self.pair
    }

    fn arm_rank(&self, _: MetricId, _: FlagId, arm: Arm, rank: u64) -> Option<(f64, f64)> {
        let mut values: Vec<f64> = self.arm(arm).iter().map(|sample| sample.1).collect();
        values.sort_by(f64::total_cmp);
        let value = values.get(rank.checked_sub(1)? as usize)?;
        Some((*value, value * 1.004))
    }

    fn arm_clusters(&self, _: MetricId, _: FlagId, arm: Arm) -> Option<Clusters> {
        Some(self.clusters_of(arm, |value| value))
    }

    fn arm_clusters_above(&self, _: MetricId, _: FlagId, arm: Arm, value: f64) -> Option<Clusters> {
        Some(self.clusters_of(arm, |sample| f64::from(u8::from(sample >= value))))
    }
}

fn metric(key: &str, kind: MetricKind, unit: Unit, good: Direction) -> Metric {
    Metric {
        key: key.into(),
        description: String::new(),
        kind,
        unit,
        good: Some(good),
        arms: vec![FLAG],
        max_gap: Span::minutes(10),
        is_curable: true,
        view: None,
        scope: Default::default(),
        source: None,
    }
}

fn flag() -> Flag {
    Flag::new("USE_NEW", "USE_NEW")
}

fn phase() -> Phase {
    let item = |key: &str| ChecklistItem {
        key: key.into(),
        title: key.into(),
        owner: None,
        due: None,
        command: None,
        expect: None,
    };
    Phase {
        key: "ten_percent".into(),
        title: "10 %".into(),
        duration: Some(Span::days(7)),
        objectives: Vec::new(),
        checklist: vec![item("one"), item("two")],
        steps: Vec::new(),
        gates: Vec::new(),
        triggers: Vec::new(),
        contingency: None,
        decision: None,
        window: None,
        schedule: Vec::new(),
        daily: Vec::new(),
        targets: Vec::new(),
        last_shares: Box::new([Share::ZERO]),
    }
}

fn ruleset() -> Ruleset {
    let plan = Plan {
        phases: vec![phase()],
        targets: Vec::new(),
        daily: Daily::default(),
        notices: Vec::new(),
        channels: Vec::new(),
        risks: Vec::new(),
        removal: Removal {
            stable_for: Span::days(14),
            conditions: Vec::new(),
            requires: Vec::new(),
            approve_by: Vec::new(),
        },
        follow_ups: Vec::new(),
        date: None,
        calendar: Calendar { zone: Zone::utc(), freezes: Vec::new() },
    };
    Ruleset {
        holdbacks: Vec::new(),
        name: "memory".into(),
        title: "Memory".into(),
        about: Default::default(),
        hash: "0".into(),
        timezone: "UTC".into(),
        evaluate_every: Span::seconds(10),
        quorum: 1,
        alerts: Default::default(),
        prometheus: None,
        expected_traffic: None,
        flags: vec![flag()],
        metrics: vec![
            metric("latency", MetricKind::Distribution, Unit::Ms, Direction::Down),
            metric("errors", MetricKind::Ratio, Unit::Percent, Direction::Down),
            metric("heap", MetricKind::Gauge, Unit::MB, Direction::Down),
            metric("tickets", MetricKind::Event, Unit::Count, Direction::Down),
            metric("nps", MetricKind::Score, Unit::Points, Direction::Up),
        ],
        roles: vec![RoleRule { key: "lead".into(), members: Vec::new() }],
        baselines: Vec::new(),
        streaks: 4,
        plan: Some(plan),
        flag_index: vec![("USE_NEW".into(), FLAG)],
    }
}

/// Where a rollout stands, with what a test sets of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stand {
    pub(super) shares: Vec<Share>,
    pub(super) attestations: Vec<Attestation>,
    pub(super) checked: Vec<Key>,
    pub(super) baselines: Vec<Option<f64>>,
    pub(super) phase_from: Timestamp,
    pub(super) phase_watched: Span,
    pub(super) rollback_from: Option<Timestamp>,
}

impl Stand {
    pub(super) fn new() -> Self {
        Self { phase_from: START - Span::days(20), shares: vec![Share::ZERO], ..Self::default() }
    }

    pub(super) fn facts<'a>(&'a self, fake: &'a Fake, now: Timestamp) -> Facts<'a> {
        Facts {
            ruleset: &fake.ruleset,
            phase: PhaseId(0),
            shares: &self.shares,
            attestations: &self.attestations,
            checked: &self.checked,
            baselines: &self.baselines,
            phase_from: self.phase_from,
            phase_watched: self.phase_watched,
            rollback_from: self.rollback_from,
            shares_from: self.phase_from,
            now: Now::same(now),
        }
    }
}

pub(super) fn of(kind: ConditionKind) -> Condition {
    Condition { only_if: None, warn_within: None, on_no_data: OnNoData::Hold, coverage: None, kind }
}

pub(super) fn measure(
    metric: MetricId,
    stat: Stat,
    over: Span,
    comparison: Comparison,
    limit: f64,
) -> Measure {
    let unit = match metric {
        LATENCY => Unit::Ms,
        ERRORS => Unit::Percent,
        HEAP => Unit::MB,
        NPS => Unit::Points,
        _ => Unit::Count,
    };
    let needed = match stat {
        Stat::Quantile(q) => (10.0 / (1.0 - q)).round() as u64,
        Stat::Mean | Stat::Fraction if metric != HEAP => 10,
        _ if metric == TICKETS => 0,
        Stat::Count => 0,
        _ => 1,
    };
    Measure {
        query: Query {
            subject: Subject::Metric(metric),
            stat,
            window: Window::Over(over),
            averaged_by: None,
        },
        comparison,
        limit,
        unit,
        sustained: None,
        min_samples: MinSamples { count: needed, is_given: false },
        versus: None,
    }
}

pub(super) fn measured(metric: MetricId, stat: Stat, comparison: Comparison, limit: f64) -> Condition {
    of(ConditionKind::Measure(measure(metric, stat, Span::minutes(1), comparison, limit)))
}

pub(super) fn sustained(mut measure: Measure, span: Span) -> Condition {
    measure.sustained = Some(Sustained { streak: StreakId(0), span });
    of(ConditionKind::Measure(measure))
}

pub(super) fn alerts(rule: AlertRule) -> Condition {
    of(ConditionKind::Alerts(Severity::Critical, rule))
}

pub(super) fn trigger(when: Condition) -> Trigger {
    Trigger {
        key: "trigger".into(),
        mode: TriggerMode::Automatic,
        severity: None,
        when,
        rollback: RollbackTo { name: "zero".into(), target: RollbackTarget::Zero },
        approve_by: Vec::new(),
        settle: Span::minutes(5),
        is_dry_run: false,
        is_at_once: false,
        lapse: Span::minutes(1),
    }
}

pub(super) fn as_gate(condition: &Condition, fake: &Fake, stand: &Stand, now: Timestamp) -> Judgement {
    judge_condition(condition, &stand.facts(fake, now), fake, &mut Streaks::new(4), Streaking::Advance)
}

pub(super) fn as_trigger(condition: &Condition, fake: &Fake, stand: &Stand, now: Timestamp) -> Judgement {
    let trigger = trigger(condition.clone());
    judge_trigger(&trigger, &stand.facts(fake, now), fake, &mut Streaks::new(4), Streaking::Advance)
}
