//! Metrics that come from elsewhere: which are due, what was answered, and what was not.
//!
//! Nothing is recorded but a value that a server gave for this moment. Everything else is silence: the metric is stale
//! after its `max_gap`, and no gate passes on it.

use rollgate_core::id::{Key, MetricId};
use rollgate_core::limits::LEVEL_MAX;
use rollgate_core::snapshot::{Metric, MetricKind, MetricSource, Ruleset};
use rollgate_core::time::{Now, Span, Timestamp};
use serde::Serialize;

use super::control::Control;
use super::handle::{Engine, Shared};

/// How long a server that cannot be reached is left alone: each time somebody may wait for its time-out.
const REST: Span = Span::seconds(10);

/// How long the queries of one round may take together before the rest waits for the next: evaluations come first.
const ROUND: Span = Span::seconds(1);

/// What a server said. Without the feature nobody says anything.
#[cfg_attr(not(feature = "prometheus"), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Answer {
    /// The one value.
    pub(super) value: f64,
    /// When the sample was taken that it is of, by the server's clock.
    pub(super) sampled: Timestamp,
    /// When the query was evaluated, by the server's clock.
    pub(super) evaluated: Timestamp,
}

/// Why there is no value.
#[cfg_attr(not(feature = "prometheus"), allow(dead_code))]
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "prometheus"), allow(dead_code))] // Only who asks a server hears these.
pub(super) enum Silence {
    /// The server cannot be reached; another query would wait for nothing too.
    Away(String),
    /// The server has no value for this query.
    NoValue(String),
}

/// Asks a server a query.
pub(super) type Server = Box<dyn Fn(&str) -> Result<Answer, Silence> + Send + Sync>;

/// A metric with a source, as this engine sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceStatus {
    /// The metric.
    pub metric: Key,
    /// Whether this engine asks: it leads, and has a server.
    pub is_asking: bool,
    /// How often this process has asked.
    pub asked: u64,
    /// How often of these there was no value.
    pub failed: u64,
    /// The latest value that was recorded, in the metric's unit.
    pub value: Option<f64>,
    /// How long ago its sample was taken.
    pub age: Option<Span>,
    /// Why the latest answer was none; `None` where it was one.
    pub error: Option<String>,
}

struct Item {
    metric: MetricId,
    next: Timestamp,
    is_under_way: bool,
    asked: u64,
    failed: u64,
    /// The latest value, and when its sample was taken, by the time of this node.
    value: Option<(f64, Timestamp)>,
    /// The same, by the server's clock.
    sampled: Option<Timestamp>,
    error: Option<String>,
}

/// What is known of all sources.
#[derive(Default)]
pub(super) struct Sources {
    items: Vec<Item>,
    /// Why this engine has no server.
    unserved: Option<&'static str>,
}

/// A query that is due.
struct Due {
    index: usize,
    metric: MetricId,
    promql: String,
    began: Timestamp,
}

impl Sources {
    pub(super) fn new(ruleset: &Ruleset, unserved: Option<&'static str>) -> Self {
        let with_source = ruleset.metrics.iter().enumerate().filter(|(_, metric)| metric.source.is_some());
        let items = with_source.map(|(index, _)| Item {
            metric: MetricId(index as u16),
            next: Timestamp::MIN,
            is_under_way: false,
            asked: 0,
            failed: 0,
            value: None,
            sampled: None,
            error: unserved.map(str::to_owned),
        });
        Self { items: items.collect(), unserved }
    }

    /// Takes the one that has been due for longest.
    fn take_due(&mut self, ruleset: &Ruleset, now: Timestamp) -> Option<Due> {
        let due = self.items.iter().enumerate().filter(|(_, item)| !item.is_under_way && item.next <= now);
        let (index, _) = due.min_by_key(|(_, item)| item.next)?;
        let item = &mut self.items[index];
        let MetricSource { promql, every } = ruleset.metric(item.metric).source.as_ref()?;
        item.is_under_way = true;
        item.next = now + *every;
        item.asked += 1;
        Some(Due { index, metric: item.metric, promql: promql.clone(), began: now })
    }

    /// Nobody can be asked now.
    fn rest(&mut self, now: Timestamp, why: &str) {
        for item in self.items.iter_mut().filter(|item| !item.is_under_way) {
            item.error = Some(why.to_owned());
            item.next = item.next.max(now + REST);
        }
    }

    fn failed(&mut self, index: usize, why: String) {
        let item = &mut self.items[index];
        item.failed += 1;
        item.error = Some(why);
    }
}

/// What an answer comes to.
enum Weighed {
    /// A value, and when its sample was taken, by the time of this node.
    Value(f64, Timestamp),
    /// The sample that was recorded already, or one of before the shares that apply: nothing new, and no fault.
    Old,
}

/// Whether an answer says something of now.
fn weigh(
    metric: &Metric,
    answer: &Answer,
    known: Option<Timestamp>,
    since: Timestamp,
    (began, now): (Timestamp, Now),
) -> Result<Weighed, String> {
    let (value, gap) = (answer.value, metric.max_gap);
    let is_possible = match metric.kind {
        MetricKind::Score => (-100.0..=100.0).contains(&value),
        _ => value.abs() < LEVEL_MAX,
    };
    if !is_possible {
        return Err(format!("{value} is no value that `{}` can have", metric.key));
    }
    // An answer that was kept somewhere on its way, or a clock that is wrong: of when it is, nobody knows.
    let apart = Span((now.wall.0.saturating_sub(answer.evaluated.0)).unsigned_abs());
    if apart > gap {
        return Err(format!("the answer is of {}, and that is {apart} away from now", answer.evaluated));
    }
    let age = answer.evaluated.since(answer.sampled) + now.observed.since(began);
    if age > gap {
        return Err(format!("the latest sample is {age} old, and {gap} is allowed"));
    }
    let sampled = Timestamp(now.observed.0.saturating_sub_unsigned(age.0));
    if known.is_some_and(|known| answer.sampled <= known) || sampled < since {
        return Ok(Weighed::Old);
    }
    Ok(Weighed::Value(value, sampled))
}

impl Shared {
    /// The next query of a round that began at `began`; `None` where none is due, or the round has taken long enough.
    fn take_due_source(&self, began: Option<Timestamp>) -> Option<Due> {
        let (mut control, now) = self.lock();
        let is_long = began.is_some_and(|began| now.observed.since(began) >= ROUND);
        if is_long || !control.is_leader() {
            return None;
        }
        control.sources.take_due(&self.ruleset, now.observed)
    }

    /// Records what came back. What came back to a node that leads no more is of no use: the next one asks by itself.
    fn answered(&self, due: &Due, answer: Result<Answer, Silence>) {
        let (mut control, now) = self.lock();
        let since = control.state.shares_from;
        let Some(item) = control.sources.items.get_mut(due.index) else { return };
        item.is_under_way = false;
        let known = item.sampled;
        let answer = match answer {
            Ok(answer) => answer,
            Err(Silence::NoValue(why)) => return control.sources.failed(due.index, why),
            Err(Silence::Away(why)) => {
                control.sources.rest(now.observed, &why);
                return control.sources.failed(due.index, why);
            }
        };
        let metric = self.ruleset.metric(due.metric);
        match weigh(metric, &answer, known, since, (due.began, now)) {
            Err(why) => control.sources.failed(due.index, why),
            Ok(Weighed::Old) => item_of(&mut control, due).error = None,
            Ok(Weighed::Value(value, sampled)) => {
                if !control.is_leader() {
                    return;
                }
                let item = item_of(&mut control, due);
                item.error = None;
                item.value = Some((value, sampled));
                item.sampled = Some(answer.sampled);
                match metric.kind {
                    MetricKind::Score => control.windows.record_points(due.metric, value, now.observed),
                    _ => control.windows.record_gauge(due.metric, value, now.observed),
                }
                control.recorded(now);
            }
        }
    }
}

fn item_of<'a>(control: &'a mut Control, due: &Due) -> &'a mut Item {
    &mut control.sources.items[due.index]
}

impl SourceStatus {
    pub(super) fn all(control: &Control, now: Now) -> Vec<Self> {
        let is_asking = control.is_leader() && control.sources.unserved.is_none();
        let status = |item: &Item| Self {
            metric: control.ruleset.metric(item.metric).key.clone(),
            is_asking,
            asked: item.asked,
            failed: item.failed,
            value: item.value.map(|(value, _)| value),
            age: item.value.map(|(_, sampled)| now.observed.since(sampled)),
            error: item.error.clone(),
        };
        control.sources.items.iter().map(status).collect()
    }
}

impl Engine {
    /// Asks the Prometheus server what is due, outside the engine's lock, and records what it answers; gives how many
    /// queries were asked. [`tick`](Self::tick) does it last, and a [`Ticker`](crate::Ticker) has a thread for it.
    ///
    /// It takes a second and the time of one answer at most (`prometheus.timeout`); the rest waits for the next call. A
    /// server that cannot be reached is left alone for 10 s. Where engines share a store, the leader asks. Without a source, a server or the feature
    /// `prometheus` it does nothing; [`sources`](Self::sources) says which.
    pub fn poll_sources(&self) -> usize {
        let Some(server) = &self.shared.server else { return 0 };
        let (mut asked, mut began) = (0, None);
        while let Some(due) = self.shared.take_due_source(began) {
            began = began.or(Some(due.began));
            asked += 1;
            let answer = server(&due.promql);
            let is_away = matches!(answer, Err(Silence::Away(_)));
            self.shared.answered(&due, answer);
            if is_away {
                break;
            }
        }
        if asked > 0 {
            self.shared.tell();
        }
        asked
    }

    /// The metrics that come from a server: the latest value of each, how old it is, or why there is none.
    pub fn sources(&self) -> Vec<SourceStatus> {
        let (control, now) = self.shared.lock();
        SourceStatus::all(&control, now)
    }

    /// Whether anything is to be asked of a server.
    pub(super) fn has_sources(&self) -> bool {
        self.shared.server.is_some()
    }
}
