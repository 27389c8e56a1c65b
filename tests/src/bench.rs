//! Windows and the judge on a manual clock, without an engine: what a condition of a plan says of what was recorded.

use std::sync::Arc;

use rollgate::core::id::{Key, PhaseId};
use rollgate::core::judge::{
    Attestation, Facts, Finding, Streaking, Streaks, check_finding, gate_finding, judge_condition,
    judge_gate, judge_trigger, trigger_finding,
};
use rollgate::core::metrics::{Bucket, EventSource, Lane, Windows};
use rollgate::core::snapshot::{BaselineSource, MetricKind, Ruleset, Severity};
use rollgate::core::time::{Now, Span, Timestamp};
use rollgate::core::units::Share;
use rollgate::read::{Format, ruleset};

use crate::{Scenario, memory_system};

/// One plan, its windows, and where its rollout stands.
pub struct Bench {
    ruleset: Arc<Ruleset>,
    /// What was recorded.
    pub windows: Windows,
    streaks: Streaks,
    at: Timestamp,
    phase: PhaseId,
    phase_from: Timestamp,
    /// The share of every flag.
    pub share: Share,
    baselines: Vec<Option<f64>>,
    attestations: Vec<Attestation>,
}

/// The time between two evaluations here; the plans' own are shorter, and nothing that is tested depends on it.
const STEP: Span = Span::minutes(1);

impl Bench {
    /// The memory-system plan in this phase, every source live.
    ///
    /// # Panics
    /// Where the plan has no such phase.
    pub fn of(phase: &str) -> Self {
        Self::new(memory_system(), phase)
    }

    /// A plan that a test writes, in its first phase.
    ///
    /// # Panics
    /// Where it does not compile.
    pub fn of_text(text: &str) -> Self {
        match ruleset(text, Format::Yaml) {
            Ok(compiled) => {
                let first = compiled.ruleset.plan.as_ref().unwrap().phases[0].key.clone();
                Self::new(Arc::new(compiled.ruleset), first.as_str())
            }
            Err(problems) => panic!("{problems}"),
        }
    }

    fn new(ruleset: Arc<Ruleset>, phase: &str) -> Self {
        let at = Scenario::START;
        let mut windows = Windows::new(ruleset.clone(), at);
        windows.unwatched(Timestamp::MIN, at);
        windows.open_source(EventSource::Alerts, at);
        for (index, metric) in ruleset.metrics.iter().enumerate() {
            if metric.kind == MetricKind::Event {
                let id = ruleset.metric_of(metric.key.as_str()).unwrap();
                assert_eq!(id.index(), index);
                windows.open_source(EventSource::Metric(id), at);
            }
        }
        let baselines = ruleset.baselines.iter().map(|baseline| match baseline.source {
            BaselineSource::Given(value) => Some(value),
            BaselineSource::Captured(_) => None,
        });
        Self {
            baselines: baselines.collect(),
            phase: ruleset.plan.as_ref().unwrap().phase_of(phase).unwrap(),
            streaks: Streaks::new(ruleset.streaks),
            share: Share::from_ppm(500_000).unwrap(),
            attestations: Vec::new(),
            phase_from: at,
            windows,
            ruleset,
            at,
        }
    }

    // ---- what is recorded

    /// One thing that was measured, as its kind takes it: a latency, a level, so many events, points of a score.
    ///
    /// # Panics
    /// Where the plan has no such metric, or it is a ratio.
    pub fn record(&mut self, metric: &str, value: f64, count: u64) {
        let id = self.ruleset.metric_of(metric).unwrap();
        match self.ruleset.metric(id).kind {
            MetricKind::Distribution => {
                self.windows.add_values(id, Lane::Total, Bucket::of(value).unwrap(), count, self.at);
                self.windows.add_sum(id, value * count as f64);
            }
            MetricKind::Gauge => self.windows.record_gauge(id, value, self.at),
            MetricKind::Event => self.windows.record_events(id, count, self.at),
            MetricKind::Score => self.windows.record_points(id, value, self.at),
            MetricKind::Ratio => panic!("{metric} is a ratio"),
        }
    }

    /// Outcomes of a ratio.
    ///
    /// # Panics
    /// Where the plan has no such metric.
    pub fn outcomes(&mut self, metric: &str, trues: u64, total: u64) {
        let id = self.ruleset.metric_of(metric).unwrap();
        self.windows.add_outcomes(id, Lane::Total, trues, total, self.at);
    }

    /// A critical alert opens.
    pub fn alert(&mut self, id: &str) {
        self.windows.open_alert(Severity::Critical, id, self.at);
    }

    /// It closes.
    pub fn close(&mut self, id: &str) {
        self.windows.close_alert(id, self.at);
    }

    /// A rollback is counted.
    pub fn count_rollback(&mut self) {
        self.windows.record_rollback(self.at);
    }

    /// Somebody attests an item in the phase.
    pub fn attest(&mut self, by: &str, item: &str) {
        self.attestations.push(Attestation {
            item: Key::new(item),
            phase: self.phase,
            by: Key::new(by),
            roles: vec![Key::new(by)],
            is_true: true,
            passed: None,
            at: self.at,
        });
    }

    /// The baseline of a metric is this.
    ///
    /// # Panics
    /// Where the plan gives it none.
    pub fn baseline(&mut self, metric: &str, value: f64) {
        let id = self.ruleset.metric_of(metric).unwrap();
        let at = self.ruleset.baselines.iter().position(|baseline| baseline.metric == id).unwrap();
        self.baselines[at] = Some(value);
    }

    // ---- time

    /// Time passes; every minute of it is fed and evaluated.
    pub fn pass(&mut self, span: Span, mut feed: impl FnMut(&mut Self)) {
        let until = self.at + span;
        while self.at < until {
            feed(self);
            self.at = (self.at + STEP).min(until);
            self.windows.advance(self.at);
        }
    }

    /// As [`pass`](Self::pass), with this trigger of the phase judged at every evaluation: after how long it fires first.
    ///
    /// # Panics
    /// Where the phase has no such trigger.
    pub fn watch(&mut self, trigger: &str, span: Span, mut feed: impl FnMut(&mut Self)) -> Option<Span> {
        let (from, mut fired) = (self.at, None);
        while self.at.since(from) < span {
            self.pass(STEP, &mut feed);
            if self.trigger_verdict(trigger, Streaking::Advance).verdict.is_passing() {
                fired = fired.or(Some(self.at.since(from)));
            }
        }
        fired
    }

    // ---- what is said of it

    fn with<T>(&mut self, judge: impl FnOnce(&Ruleset, &Facts<'_>, &Windows, &mut Streaks) -> T) -> T {
        let shares = vec![self.share; self.ruleset.flags.len()];
        let facts = Facts {
            ruleset: &self.ruleset,
            phase: self.phase,
            shares: &shares,
            attestations: &self.attestations,
            checked: &[],
            baselines: &self.baselines,
            phase_from: self.phase_from,
            phase_watched: self.at.since(self.phase_from),
            rollback_from: None,
            shares_from: self.phase_from,
            now: Now::same(self.at),
        };
        judge(&self.ruleset, &facts, &self.windows, &mut self.streaks)
    }

    fn trigger_verdict(&mut self, key: &str, streaking: Streaking) -> Finding {
        self.with(|ruleset, facts, windows, streaks| {
            let phase = ruleset.plan.as_ref().unwrap().phase(facts.phase);
            let trigger = phase.triggers.iter().find(|trigger| trigger.key == *key).unwrap();
            trigger_finding(trigger, &judge_trigger(trigger, facts, windows, streaks, streaking), facts)
        })
    }

    /// What is said of a trigger of the phase now: a pass fires.
    ///
    /// # Panics
    /// Where the phase has no such trigger.
    pub fn trigger(&mut self, key: &str) -> Finding {
        self.trigger_verdict(key, Streaking::Read)
    }

    /// What is said of a gate of the phase now.
    ///
    /// # Panics
    /// Where the phase has no such gate.
    pub fn gate(&mut self, key: &str) -> Finding {
        self.with(|ruleset, facts, windows, streaks| {
            let phase = ruleset.plan.as_ref().unwrap().phase(facts.phase);
            let gate = phase.gates.iter().find(|gate| gate.key == *key).unwrap();
            gate_finding(gate, &judge_gate(gate, facts, windows, streaks, Streaking::Read), facts)
        })
    }

    /// What is said of all gates of the phase now.
    ///
    /// # Panics
    /// Never: the phase is one of the plan's.
    pub fn gates(&mut self) -> Vec<Finding> {
        let phase = self.phase;
        let keys: Vec<Key> = self
            .ruleset
            .plan
            .as_ref()
            .unwrap()
            .phase(phase)
            .gates
            .iter()
            .map(|gate| gate.key.clone())
            .collect();
        keys.iter().map(|key| self.gate(key.as_str())).collect()
    }

    /// What is said of a target, or of a daily row of the phase.
    ///
    /// # Panics
    /// Where the plan has none of this name.
    pub fn check(&mut self, key: &str) -> Finding {
        self.with(|ruleset, facts, windows, streaks| {
            let plan = ruleset.plan.as_ref().unwrap();
            let rows = plan.targets.iter().chain(&plan.phase(facts.phase).daily);
            let check = rows.into_iter().find(|check| check.key == *key).unwrap();
            let judged = judge_condition(&check.condition, facts, windows, streaks, Streaking::Read);
            check_finding(check, &judged, facts)
        })
    }
}
