//! A trace through a real engine on a manual clock: the journal comes out (INTERFACES 2 and 3).
//!
//! Nothing is imitated: samples go through the recorders, commands through the engine, and between two lines the clock
//! stops at every evaluation instant on the way.

use std::io::BufRead;
use std::sync::Arc;

use rollgate_core::error::{Error, ErrorKind};
use rollgate_core::limits::{SPAN_MAX_MS, TRACE_LINE_BYTES_MAX};
use rollgate_core::metrics::{Arm, Arms, EventSource};
use rollgate_core::snapshot::{MetricKind, Ruleset};
use rollgate_core::time::{Span, Timestamp};

use crate::clock::ManualClock;
use crate::engine::{Alerts, Engine, Metric};
use crate::store::{MemoryStore, Store};
use crate::trace::{self, Event, Line, Sample};

/// A replay under way: feed it lines, read the journal as it grows.
pub struct Replay {
    ruleset: Arc<Ruleset>,
    store: Option<Box<dyn Store>>,
    until: Option<Timestamp>,
    opened: Option<Opened>,
    lines: u64,
}

/// The engine, from the first line on.
struct Opened {
    engine: Engine,
    clock: ManualClock,
    at: Timestamp,
    /// One handle a metric, opened at its first sample or when it is said to be live.
    metrics: Vec<Option<Metric>>,
    alerts: Option<Alerts>,
    /// The lines that have been handed out.
    told: u64,
}

/// Whether more lines are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Go on.
    More,
    /// The time that the replay was to stop at has come.
    Enough,
}

impl Replay {
    /// A replay of a plan, on an empty store in memory.
    pub fn new(ruleset: Arc<Ruleset>) -> Self {
        Self { ruleset, store: None, until: None, opened: None, lines: 0 }
    }

    /// Keeps state and journal in this store, and goes on from what it holds.
    #[must_use]
    pub fn with_store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Stops once time has reached `until`.
    #[must_use]
    pub fn with_until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// Takes one line. An empty one is skipped.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidTrace`] with the line's number; nothing of it has been processed.
    pub fn feed(&mut self, text: &str) -> Result<Feed, Error> {
        self.lines += 1;
        let number = self.lines;
        if text.trim().is_empty() {
            return Ok(Feed::More);
        }
        let refuse = |why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::InvalidTrace, format_args!("line {number}: {why}"))
        };
        if text.len() > TRACE_LINE_BYTES_MAX {
            return Err(refuse(&format_args!("longer than {TRACE_LINE_BYTES_MAX} bytes")));
        }
        let line = trace::parse_line(text).map_err(|error| refuse(&error))?;
        if let Some(opened) = &self.opened
            && line.at < opened.at
        {
            return Err(refuse(&format_args!(
                "at: {} is before {}; lines are ordered by time",
                line.at, opened.at
            )));
        }
        // Every evaluation in between would be carried out: a time in another unit must not start an hour of them.
        if let Some(opened) = &self.opened
            && line.at.since(opened.at) > Span(SPAN_MAX_MS)
        {
            return Err(refuse(&format_args!(
                "at: {} is more than ten years after {}; whole numbers are milliseconds since the Unix epoch",
                line.at, opened.at
            )));
        }
        check(&self.ruleset, &line).map_err(|why| refuse(&why))?;
        if self.until.is_some_and(|until| line.at > until) {
            self.finish_at(self.until);
            return Ok(Feed::Enough);
        }
        self.open(line.at)?;
        let Some(opened) = &mut self.opened else { return Ok(Feed::More) };
        opened.take(line);
        Ok(Feed::More)
    }

    fn open(&mut self, at: Timestamp) -> Result<(), Error> {
        if self.opened.is_some() {
            return Ok(());
        }
        let clock = ManualClock::at(at);
        let mut builder = Engine::builder().ruleset(self.ruleset.clone()).clock(clock.clone()).offline();
        // What a store holds already is no record of this trace.
        let mut told = 0;
        builder = match self.store.take() {
            Some(store) => {
                told = store.load(0)?.map_or(0, |stored| stored.journal.len() as u64);
                builder.boxed_store(store)
            }
            None => builder.store(MemoryStore::new()),
        };
        let engine = builder.build()?;
        let metrics = vec![None; self.ruleset.metrics.len()];
        self.opened = Some(Opened { engine, clock, at, metrics, alerts: None, told });
        Ok(())
    }

    fn finish_at(&mut self, until: Option<Timestamp>) {
        let Some(opened) = &mut self.opened else { return };
        if let Some(until) = until {
            opened.reach(until);
        }
        opened.engine.note_drops();
    }

    /// Journal lines since the last call, oldest first; at first those since the store was opened.
    pub fn journal(&mut self) -> Vec<String> {
        let Some(opened) = &mut self.opened else { return Vec::new() };
        let lines = opened.engine.journal_after(opened.told);
        opened.told += lines.len() as u64;
        lines
    }

    /// The engine, once a line has been read.
    pub fn engine(&self) -> Option<&Engine> {
        self.opened.as_ref().map(|opened| &opened.engine)
    }

    /// How many lines have been read.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The whole trace has been read: runs up to the end that was asked for.
    pub fn finish(&mut self) {
        self.finish_at(self.until);
    }
}

/// The journal of a whole trace, as JSON lines.
///
/// # Errors
/// [`ErrorKind::InvalidTrace`] with the number of the line that cannot be read.
pub fn journal_of(ruleset: Arc<Ruleset>, trace: &str) -> Result<Vec<String>, Error> {
    let mut replay = Replay::new(ruleset);
    for line in trace.lines() {
        replay.feed(line)?;
    }
    replay.finish();
    Ok(replay.journal())
}

/// Reads a trace to its end and hands every journal line to `sink` as soon as it is written.
///
/// # Errors
/// [`ErrorKind::Io`] where the trace cannot be read, [`ErrorKind::InvalidTrace`] as [`Replay::feed`]. What was
/// journalled before the bad line has been handed out.
pub fn run(replay: &mut Replay, lines: &mut dyn BufRead, sink: &mut dyn FnMut(&str)) -> Result<(), Error> {
    let mut buffer = Vec::new();
    loop {
        let fed = match trace::read_line(lines, replay.lines() + 1, &mut buffer) {
            Ok(Some(text)) => replay.feed(text),
            Ok(None) => {
                replay.finish();
                Ok(Feed::Enough)
            }
            Err(error) => Err(error),
        };
        if replay.lines().is_multiple_of(1_024) || !matches!(fed, Ok(Feed::More)) {
            replay.journal().iter().for_each(|line| sink(line));
        }
        if fed? == Feed::Enough {
            return Ok(());
        }
    }
}

/// Refuses a line that fits the format and not the plan, before anything of it happens.
fn check(ruleset: &Ruleset, line: &Line<'_>) -> Result<(), String> {
    let metric_of = |key: &str| ruleset.metric_of(key).map(|id| ruleset.metric(id).kind);
    let expect = |key: &str, kinds: &[MetricKind], what: &str| match metric_of(key) {
        // Recording to an unknown metric is a counted drop, in a trace as in a program.
        None => Ok(()),
        Some(kind) if kinds.contains(&kind) => Ok(()),
        Some(kind) => {
            let kinds: Vec<String> = kinds.iter().map(|kind| named(*kind)).collect();
            Err(format!("metric: `{key}` is {}; {what} is for {}", named(kind), kinds.join(" or ")))
        }
    };
    match &line.event {
        Event::Sample(sample) => {
            expect(&sample.metric, &[MetricKind::Distribution, MetricKind::Gauge], "`value`")?;
            flag_known(ruleset, sample.arm.as_ref().map(|(flag, _)| &**flag))
        }
        Event::Outcomes { metric, arm, .. } => {
            expect(metric, &[MetricKind::Ratio], "`true` with `total`")?;
            flag_known(ruleset, arm.as_ref().map(|(flag, _)| &**flag))
        }
        Event::Events { metric, .. } => expect(metric, &[MetricKind::Event], "`count`"),
        Event::Points { metric, .. } => expect(metric, &[MetricKind::Score], "`points`"),
        Event::Rating { metric, arm, .. } => {
            expect(metric, &[MetricKind::Score], "`rating`")?;
            flag_known(ruleset, arm.as_ref().map(|(flag, _)| &**flag))
        }
        Event::Live(trace::Live::Sources(sources)) => {
            for source in sources {
                match metric_of(source) {
                    _ if *source == "alerts" => {}
                    Some(_) => {}
                    None => return Err(format!("live: the plan has no metric `{source}`")),
                }
            }
            Ok(())
        }
        Event::Restart { down_since } if *down_since > line.at => {
            Err(format!("down_since: {down_since} is after {}", line.at))
        }
        _ => Ok(()),
    }
}

/// `a gauge`, `an event`.
fn named(kind: MetricKind) -> String {
    let article = if kind == MetricKind::Event { "an" } else { "a" };
    format!("{article} {}", kind.name())
}

fn flag_known(ruleset: &Ruleset, flag: Option<&str>) -> Result<(), String> {
    match flag {
        Some(flag) if ruleset.flag_of(flag).is_none() => Err(format!("flag: the plan has no flag `{flag}`")),
        _ => Ok(()),
    }
}

impl Opened {
    /// Lets time run to `at`, stopping at every evaluation instant up to and with it.
    fn reach(&mut self, at: Timestamp) {
        loop {
            let due = self.engine.next_wakeup();
            if due > at {
                break;
            }
            self.clock.set(due);
            self.engine.tick();
        }
        self.clock.set(at);
        self.at = at;
    }

    fn metric(&mut self, key: &str) -> Option<&Metric> {
        let id = self.engine.ruleset().metric_of(key)?;
        let slot = self.metrics.get_mut(id.index())?;
        if slot.is_none() {
            *slot = self.engine.metric_quietly(id);
        }
        slot.as_ref()
    }

    fn alerts(&mut self) -> &Alerts {
        let engine = &self.engine;
        self.alerts.get_or_insert_with(|| engine.alerts_quietly())
    }

    fn take(&mut self, line: Line<'_>) {
        if let Event::Restart { down_since } = line.event {
            let since = down_since.max(self.at);
            self.reach(since);
            self.clock.set(line.at);
            self.at = line.at;
            self.engine.restart(since);
            return;
        }
        self.reach(line.at);
        match line.event {
            Event::Sample(sample) => self.sample(&sample),
            Event::Outcomes { metric, true_count, total, arm, key } => {
                let Some(handle) = self.metric(&metric) else {
                    return self.engine.drop_unknown(&metric, total);
                };
                match (key, arm) {
                    (Some(key), _) => handle.record_outcomes_for(&key, true_count, total),
                    (None, arm) => {
                        handle.record_outcomes_in(arms_of(handle, arm.as_ref()), true_count, total)
                    }
                }
            }
            Event::Events { metric, count } => match self.metric(&metric) {
                Some(handle) => handle.count(count),
                None => self.engine.drop_unknown(&metric, count),
            },
            Event::Points { metric, points } => match self.metric(&metric) {
                Some(handle) => handle.record_points(points),
                None => self.engine.drop_unknown(&metric, 1),
            },
            Event::Rating { metric, rating, arm, key } => match (self.metric(&metric), key) {
                (Some(handle), Some(key)) => handle.record_for(&key, rating),
                (Some(handle), None) => handle.record_in(arms_of(handle, arm.as_ref()), rating, 1),
                (None, _) => self.engine.drop_unknown(&metric, 1),
            },
            Event::AlertOpened { severity, id } => {
                // An id that cannot be is refused by the parser already.
                let _ = self.alerts().open_alert(severity, &id);
            }
            Event::AlertClosed { id } => self.alerts().close_alert(&id),
            Event::Live(live) => self.live(&live),
            Event::Command(command) => {
                // A refusal is in the journal; the trace goes on.
                let _ = self.engine.command(&command);
            }
            Event::Tick | Event::Restart { .. } => {}
        }
    }

    fn sample(&mut self, sample: &Sample<'_>) {
        let count = sample.count.unwrap_or(1);
        let values = sample.values();
        let Some(metric) = self.metric(&sample.metric) else {
            let count = count.saturating_mul(values.len() as u64);
            return self.engine.drop_unknown(&sample.metric, count);
        };
        for value in values {
            match (&sample.key, &sample.arm) {
                (Some(key), _) => metric.record_many_for(key, *value, count),
                (None, Some(arm)) => metric.record_in(arms_of(metric, Some(arm)), *value, count),
                (None, None) => metric.record_many(*value, count),
            }
        }
    }

    fn live(&mut self, live: &trace::Live<'_>) {
        let ruleset = self.engine.ruleset().clone();
        let events = ruleset.metrics.iter().filter(|metric| metric.kind == MetricKind::Event);
        match live {
            trace::Live::All => {
                for metric in events {
                    self.open_source(metric.key.as_str());
                }
                self.engine.open_source(EventSource::Alerts);
            }
            trace::Live::Sources(sources) => {
                for source in sources {
                    self.open_source(source);
                }
            }
        }
    }

    fn open_source(&self, key: &str) {
        if key == "alerts" {
            self.engine.open_source(EventSource::Alerts);
        } else if let Some(id) = self.engine.ruleset().metric_of(key) {
            self.engine.open_source(EventSource::Metric(id));
        }
    }
}

fn arms_of(metric: &Metric, arm: Option<&(std::borrow::Cow<'_, str>, Arm)>) -> Arms {
    arm.map_or(Arms::NONE, |(flag, arm)| metric.arms(flag, *arm))
}
