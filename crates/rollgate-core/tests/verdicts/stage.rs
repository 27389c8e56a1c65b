//! One row played: a plan compiled, windows fed and advanced as an engine does, a condition judged.

use std::sync::Arc;

use rollgate_core::compile::compile;
use rollgate_core::config::Node;
use rollgate_core::id::{Key, MetricId, PhaseId};
use rollgate_core::judge::{
    Attestation, Facts, Streaking, Streaks, Verdict, judge_gate, judge_since, judge_trigger,
};
use rollgate_core::metrics::{Arm, Bucket, EventSource, Lane, Windows};
use rollgate_core::snapshot::{BaselineSource, MetricKind, Ruleset, Severity};
use rollgate_core::time::{Now, Span, Timestamp};
use rollgate_core::units::Share;

use crate::table::{Row, entries, items, number, plan, span, words};

/// An evaluation instant of every plan: 2026-01-19T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp(1_768_780_800_000);

/// A line of the feed at its instant.
struct Line<'a> {
    at: Timestamp,
    node: &'a Node,
}

const LINE: [&str; 24] = [
    "at",
    "from",
    "to",
    "every",
    "metric",
    "value",
    "values",
    "step",
    "count",
    "true",
    "total",
    "points",
    "rating",
    "alert",
    "id",
    "alert_closed",
    "live",
    "dropped",
    "unwatched",
    "restart",
    "rollback",
    "arm",
    "keys",
    "flag",
];

/// Lines in their order; `from`, `to` and `every` repeat one.
fn lines(feed: &[Node]) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    for node in feed {
        for (key, ..) in entries(node) {
            assert!(LINE.contains(&key.as_str()), "a line of a feed has no `{key}`");
        }
        let time = |key: &str| node.field(key).map(span);
        match (time("from"), time("to"), time("every")) {
            (Some(from), Some(to), Some(every)) => {
                let mut at = from;
                while at < to {
                    lines.push(Line { at: START + at, node });
                    at = at + every;
                }
            }
            (None, None, None) => lines.push(Line { at: START + time("at").unwrap_or_default(), node }),
            _ => panic!("`from`, `to` and `every` go together"),
        }
    }
    lines.sort_by_key(|line| line.at);
    lines
}

/// Where the rollout stands, owned.
struct Stand {
    shares: Vec<Share>,
    attestations: Vec<Attestation>,
    checked: Vec<Key>,
    baselines: Vec<Option<f64>>,
    phase_from: Timestamp,
    phase_watched: Option<Span>,
    rollback_from: Option<Timestamp>,
    shares_from: Option<Timestamp>,
    /// When the trigger fired.
    since: Timestamp,
}

impl Stand {
    fn of(ruleset: &Ruleset, given: &[Node]) -> Self {
        let half = Share::from_ppm(500_000).expect("half");
        let baselines = ruleset.baselines.iter().map(|baseline| match baseline.source {
            BaselineSource::Given(value) => Some(value),
            BaselineSource::Captured(_) => None,
        });
        let mut stand = Self {
            shares: vec![half; ruleset.flags.len()],
            attestations: Vec::new(),
            checked: Vec::new(),
            baselines: baselines.collect(),
            phase_from: START,
            phase_watched: None,
            rollback_from: None,
            shares_from: None,
            since: START,
        };
        for (key, _, node) in given.iter().flat_map(entries) {
            stand.take(ruleset, key, node);
        }
        stand
    }

    fn take(&mut self, ruleset: &Ruleset, key: &str, node: &Node) {
        match key {
            "shares" => {
                for (flag, _, share) in entries(node) {
                    let id = ruleset.flag_of(flag).expect("a flag");
                    self.shares[id.index()] = Share::parse(words(share)).expect("a share");
                }
            }
            "checked" => self.checked = items(node).iter().map(|item| words(item).into()).collect(),
            "attested" => self.attestations = items(node).iter().map(attestation).collect(),
            "baseline" => {
                for (metric, _, value) in entries(node) {
                    let id = ruleset.metric_of(metric).expect("a metric");
                    let at = ruleset.baselines.iter().position(|baseline| baseline.metric == id);
                    self.baselines[at.expect("a baseline")] = (words(value) != "none").then(|| number(value));
                }
            }
            "phase_from" => self.phase_from = START + span(node),
            "phase_watched" => self.phase_watched = Some(span(node)),
            "rollback_from" => self.rollback_from = Some(START + span(node)),
            "since" => self.since = START + span(node),
            "shares_from" => self.shares_from = Some(START + span(node)),
            other => panic!("nothing is given as `{other}`"),
        }
    }

    /// Where an engine cuts the windows.
    fn marks(&self) -> Vec<Timestamp> {
        let mut marks = vec![self.phase_from];
        marks.extend(self.rollback_from.into_iter().chain(self.shares_from));
        marks.retain(|mark| *mark > START);
        marks.sort();
        marks
    }
}

fn attestation(node: &Node) -> Attestation {
    let text = |key: &str| node.field(key).map(words);
    let count = |key: &str| text(key).map(|text| text.parse().expect("a count"));
    let phase = text("phase").map_or(0, |phase| phase.parse().expect("the number of a phase"));
    Attestation {
        item: text("item").expect("an item").into(),
        phase: PhaseId(phase),
        by: text("by").unwrap_or("ann").into(),
        roles: text("role").into_iter().map(Key::new).collect(),
        is_true: text("value") != Some("false"),
        passed: count("passed").zip(count("of")),
        at: START,
    }
}

/// A ruleset, its windows, and the time that nobody watched.
struct Stage {
    ruleset: Arc<Ruleset>,
    windows: Windows,
}

impl Stage {
    fn record(&mut self, line: &Line<'_>) {
        let (node, at) = (line.node, line.at);
        let text = |key: &str| node.field(key).map(words);
        let count = |key: &str| text(key).map(|text| text.parse::<u64>().expect("a count"));
        if let Some(metric) = text("metric") {
            let id = self.ruleset.metric_of(metric).expect("a metric of the plan");
            if let Some(dropped) = count("dropped") {
                return self.windows.count_dropped(Some(id), dropped, at);
            }
            return self.sample(id, line);
        }
        if let Some(severity) = text("alert") {
            let severity = match severity {
                "critical" => Severity::Critical,
                "warning" => Severity::Warning,
                _ => Severity::Info,
            };
            self.windows.open_alert(severity, text("id").unwrap_or("a"), at);
        } else if let Some(id) = text("alert_closed") {
            assert!(self.windows.close_alert(id, at).is_some(), "no alert `{id}` is open");
        } else if let Some(live) = node.field("live") {
            for source in items(live).iter().map(words) {
                let source = match source {
                    "alerts" => EventSource::Alerts,
                    metric => EventSource::Metric(self.ruleset.metric_of(metric).expect("a metric")),
                };
                self.windows.open_source(source, at);
            }
        } else if node.field("restart").is_some() {
            self.windows.restart(at);
        } else if node.field("rollback").is_some() {
            self.windows.record_rollback(at);
        } else {
            assert!(node.field("unwatched").is_some(), "a line of a feed that says nothing");
        }
    }

    fn sample(&mut self, id: MetricId, line: &Line<'_>) {
        let (node, at) = (line.node, line.at);
        let of = |key: &str| node.field(key).map(number);
        let count = of("count").map_or(1, |count| count as u64);
        match self.ruleset.metric(id).kind {
            MetricKind::Distribution => self.values(id, line, count),
            MetricKind::Ratio => {
                let (trues, total) = (of("true").expect("true") as u64, of("total").expect("total") as u64);
                self.windows.add_outcomes(id, Lane::Total, trues, total, at);
                for lane in lanes(node) {
                    self.windows.add_outcomes(id, lane, trues, total, at);
                }
            }
            MetricKind::Event => self.windows.record_events(id, count, at),
            MetricKind::Gauge => {
                // A level that rises or falls by `step` a day.
                let step = of("step").unwrap_or(0.0) * at.since(START).as_days();
                self.windows.record_gauge(id, of("value").expect("a level") + step, at);
            }
            MetricKind::Score => match (of("points"), of("rating")) {
                (Some(points), _) => self.windows.record_points(id, points, at),
                (None, rating) => self.windows.record_ratings(id, rating.expect("a rating"), count, at),
            },
        }
    }

    fn values(&mut self, id: MetricId, line: &Line<'_>, count: u64) {
        let one = line.node.field("value").map(number);
        let more = line.node.field("values").map_or(&[][..], items).iter().map(number);
        for value in one.into_iter().chain(more) {
            // As recorders do: what cannot be is counted as invalid.
            let Some(bucket) = Bucket::of(value) else {
                self.windows.count_invalid(id, count, line.at);
                continue;
            };
            let lanes = lanes(line.node);
            let times = lanes.len().max(1) as u64;
            self.windows.add_values(id, Lane::Total, bucket, count * times, line.at);
            self.windows.add_sum(id, value * (count * times) as f64);
            for lane in lanes {
                self.windows.add_values(id, lane, bucket, count, line.at);
            }
        }
    }
}

/// The arms of a line: one sample in each of the first `keys` subject buckets, or one without a key.
fn lanes(node: &Node) -> Vec<Lane> {
    let Some(arm) = node.field("arm") else { return Vec::new() };
    let arm = if words(arm) == "on" { Arm::On } else { Arm::Off };
    let position = node.field("flag").map_or(0, |at| number(at) as u8);
    match node.field("keys").map(|keys| number(keys) as u8) {
        Some(keys) => (0..keys).map(|key| Lane::Arm { position, arm, cluster: Some(key) }).collect(),
        None => vec![Lane::Arm { position, arm, cluster: None }],
    }
}

/// What a row came to.
pub(crate) struct Judged {
    pub(crate) gate: Option<Verdict>,
    pub(crate) trigger: Option<Verdict>,
    pub(crate) since: Option<Verdict>,
}

/// A row under way.
struct Play<'a> {
    stage: Stage,
    stand: Stand,
    streaks: [Streaks; 2],
    feed: std::iter::Peekable<std::vec::IntoIter<Line<'a>>>,
    marks: Vec<Timestamp>,
    blind_until: Timestamp,
    watched: Span,
}

impl Play<'_> {
    /// Records what comes before `until`, and cuts the windows where an engine would.
    fn record(&mut self, until: Timestamp) {
        while let Some(line) = self.feed.next_if(|line| line.at < until) {
            self.cut(line.at);
            if let Some(gap) = line.node.field("unwatched") {
                self.blind_until = line.at + span(gap);
                self.stage.windows.unwatched(line.at, self.blind_until);
            }
            self.stage.record(&line);
        }
    }

    fn cut(&mut self, at: Timestamp) {
        while self.marks.first().is_some_and(|mark| *mark <= at) {
            self.stage.windows.mark(self.marks.remove(0));
        }
    }

    fn judge(&mut self, at: Timestamp, streaking: Streaking) -> Judged {
        let (ruleset, stand) = (&self.stage.ruleset, &self.stand);
        let facts = Facts {
            ruleset,
            phase: PhaseId(0),
            shares: &stand.shares,
            attestations: &stand.attestations,
            checked: &stand.checked,
            baselines: &stand.baselines,
            phase_from: stand.phase_from,
            phase_watched: stand.phase_watched.unwrap_or(self.watched),
            rollback_from: stand.rollback_from,
            shares_from: stand.shares_from.unwrap_or(stand.phase_from),
            now: Now::same(at),
        };
        let phase = &ruleset.plan.as_ref().expect("a plan").phases[0];
        let windows = &self.stage.windows;
        let [gates, triggers] = &mut self.streaks;
        let gate = phase.gates.first();
        let trigger = phase.triggers.get(1);
        Judged {
            gate: gate.map(|gate| judge_gate(gate, &facts, windows, gates, streaking).verdict),
            since: trigger.map(|one| judge_since(one, stand.since, &facts, windows).verdict),
            trigger: trigger.map(|one| judge_trigger(one, &facts, windows, triggers, streaking).verdict),
        }
    }
}

/// Plays a row and judges it at its instant: at an evaluation, or between two in a recording call.
pub(crate) fn play(table: &Node, row: &Row) -> Judged {
    let compiled = compile(&plan(table, row)).unwrap_or_else(|problems| panic!("{}: {problems}", row.name));
    let ruleset = Arc::new(compiled.ruleset);
    let (every, streaks) = (ruleset.evaluate_every, Streaks::new(ruleset.streaks));
    let stand = Stand::of(&ruleset, &row.given);
    let marks = stand.marks();
    let mut play = Play {
        stage: Stage { windows: Windows::new(ruleset.clone(), START), ruleset },
        stand,
        streaks: [streaks.clone(), streaks],
        feed: lines(&row.feed).into_iter().peekable(),
        marks,
        blind_until: START,
        watched: Span::ZERO,
    };
    // Before an engine was opened nobody watched.
    play.stage.windows.unwatched(Timestamp::MIN, START);
    let end = START + row.at;
    let mut before = START;
    loop {
        let at = before + every;
        if at > end {
            // Inside a recording call everything counts that was recorded so far.
            play.record(end + Span(1));
            return play.judge(end, Streaking::Read);
        }
        // At one instant the evaluation comes first, then what is recorded then.
        play.record(at);
        if at >= play.blind_until {
            play.cut(at - Span(1));
            play.stage.windows.advance(at);
            let from = before.max(play.stand.phase_from).max(play.blind_until);
            play.watched = play.watched + at.since(from);
            let judged =
                (at == end || play.stage.ruleset.streaks > 0).then(|| play.judge(at, Streaking::Advance));
            play.cut(at);
            if at == end {
                return judged.expect("judged at the end");
            }
        } else {
            assert!(at < end, "nobody judges while nobody watches");
        }
        before = at;
    }
}
