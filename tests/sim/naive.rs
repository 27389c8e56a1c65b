//! What was recorded, kept as a person with patience would: every sample with the slot that it fell into.
//!
//! Slots are those of SEMANTICS 3.5: an evaluation ends one, a mark ends one of every length, and a window's old edge is
//! rounded outward to the slots that reach back so far.

use std::collections::BTreeMap;

use rollgate::core::snapshot::Severity;
use rollgate::core::time::{Span, Timestamp};

/// Length of the slots and how far back windows use them, from the finest.
const TIERS: [(Span, Span); 4] = [
    (Span::seconds(10), Span::minutes(11)),
    (Span::minutes(1), Span::minutes(66)),
    (Span::minutes(10), Span::hours(9)),
    (Span::hours(1), Span::days(9_999)),
];

/// Samples of one value in one slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The slot: an index of the ended ones, or the open one.
    cell: usize,
    pub(super) at: Timestamp,
    pub(super) value: f64,
    pub(super) count: u64,
    /// A mark of the same instant came after it.
    is_marked: bool,
}

/// One window of all metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// Its first instant, exactly.
    pub(super) from: Timestamp,
    clip: Timestamp,
    tier: usize,
    /// The first slot that is in it.
    first: usize,
}

/// Everything that was recorded since the process opened.
#[derive(Clone, Debug, Default)]
pub(super) struct Naive {
    opened: Timestamp,
    /// Ended slots of the finest length.
    cells: Vec<(Timestamp, Timestamp)>,
    /// Ends of the coarser slots.
    ends: [Vec<Timestamp>; 3],
    samples: BTreeMap<&'static str, Vec<Sample>>,
    /// Invalid and dropped samples.
    drops: BTreeMap<&'static str, Vec<Sample>>,
    /// Open alerts, by id.
    pub(super) open: BTreeMap<String, (Severity, Timestamp)>,
    /// When alerts were opened, and how bad.
    pub(super) opened_alerts: Vec<(Severity, Sample)>,
    pub(super) last_closed: BTreeMap<Severity, Timestamp>,
    /// Since when event sources are live.
    pub(super) live_since: Option<Timestamp>,
}

impl Naive {
    pub(super) fn new(opened: Timestamp) -> Self {
        Self {
            opened,
            ends: [const { Vec::new() }; 3].map(|_: Vec<Timestamp>| vec![opened]),
            ..Self::default()
        }
    }

    fn sample(&self, at: Timestamp, value: f64, count: u64) -> Sample {
        Sample { cell: self.cells.len(), at, value, count, is_marked: false }
    }

    /// Takes samples; those that cannot be are drops.
    pub(super) fn record(&mut self, metric: &'static str, value: f64, count: u64, at: Timestamp) {
        let sample = self.sample(at, value, count);
        if value.is_finite() {
            self.samples.entry(metric).or_default().push(sample);
        } else {
            self.drops.entry(metric).or_default().push(sample);
        }
    }

    /// An alert opens; one that is open as bad or worse counts once.
    pub(super) fn open_alert(&mut self, severity: Severity, id: &str, at: Timestamp) {
        match self.open.get(id) {
            Some((known, _)) if *known >= severity => return,
            Some((known, _)) => {
                self.last_closed.insert(*known, at);
            }
            None => {}
        }
        self.open.insert(id.to_owned(), (severity, at));
        self.opened_alerts.push((severity, self.sample(at, 1.0, 1)));
    }

    pub(super) fn close_alert(&mut self, id: &str, at: Timestamp) {
        if let Some((severity, _)) = self.open.remove(id) {
            self.last_closed.insert(severity, at);
        }
    }

    /// The start of the open slot.
    fn start(&self) -> Timestamp {
        self.cells.last().map_or(self.opened, |cell| cell.1)
    }

    /// An evaluation.
    pub(super) fn seal(&mut self, at: Timestamp) {
        self.cells.push((self.start(), at));
        for (ends, (slot, _)) in self.ends.iter_mut().zip(&TIERS[1..]) {
            let last = *ends.last().expect("it begins with one");
            if at < last.next(*slot) {
                break;
            }
            ends.push(at);
        }
    }

    /// A phase began, was extended, or shares changed: a window can begin here.
    pub(super) fn mark(&mut self, at: Timestamp) {
        self.cells.push((self.start(), at));
        self.ends.iter_mut().for_each(|ends| ends.push(at));
        let all = self.samples.values_mut().flat_map(|list| list.iter_mut().rev().take_while(|s| s.at >= at));
        all.for_each(|sample| sample.is_marked = true);
        self.opened_alerts
            .iter_mut()
            .rev()
            .take_while(|(_, s)| s.at >= at)
            .for_each(|(_, s)| s.is_marked = true);
    }

    /// The slot that a finest slot lies in now, where a window reads slots of this tier.
    fn piece(&self, cell: usize, tier: usize) -> (Timestamp, Timestamp) {
        let (start, end) = self.cells[cell];
        for ends in self.ends[..tier].iter().rev() {
            let after = ends.partition_point(|at| *at < end);
            if after < ends.len() {
                let before = ends.partition_point(|at| *at <= start);
                return (ends[before.saturating_sub(1)], ends[after]);
            }
        }
        (start, end)
    }

    /// The window of the last `over`, not before `clip`.
    pub(super) fn view(&self, over: Span, clip: Timestamp, now: Timestamp) -> View {
        let from = (now - over).max(clip);
        let span = now.since(from);
        let tier = TIERS.iter().position(|(_, reach)| *reach >= span).unwrap_or(TIERS.len() - 1);
        let edge = from.floor(TIERS[tier].0);
        let mut first = self.cells.len();
        while first > 0 {
            let (start, end) = self.piece(first - 1, tier);
            if end <= edge || start < clip || end <= clip {
                break;
            }
            first -= 1;
        }
        View { from, clip, tier, first }
    }

    /// The samples of a window, newest first.
    pub(super) fn within(&self, metric: &str, view: View) -> impl Iterator<Item = &Sample> {
        let list = self.samples.get(metric).map_or(&[][..], Vec::as_slice);
        list.iter().rev().take_while(move |sample| sample.cell >= view.first)
    }

    /// How many samples there are in a window.
    pub(super) fn n(&self, metric: &str, view: View) -> u64 {
        self.within(metric, view).map(|sample| sample.count).sum()
    }

    /// Drops in a window.
    pub(super) fn drops(&self, metric: &str, view: View) -> u64 {
        let list = self.drops.get(metric).map_or(&[][..], Vec::as_slice);
        list.iter().rev().take_while(|sample| sample.cell >= view.first).map(|sample| sample.count).sum()
    }

    /// The samples of a window by their exact times, newest first: events, levels, points.
    pub(super) fn exactly(&self, metric: &str, view: View) -> impl Iterator<Item = &Sample> {
        let list = self.samples.get(metric).map_or(&[][..], Vec::as_slice);
        list.iter().rev().take_while(move |sample| is_since(sample, view))
    }

    /// Alerts of this severity that were opened in a window.
    pub(super) fn alerts(&self, severity: Severity, view: View) -> u64 {
        let since = self.opened_alerts.iter().rev().take_while(|(_, sample)| is_since(sample, view));
        since.filter(|(of, _)| *of == severity).count() as u64
    }

    /// The latest sample before a window.
    pub(super) fn before(&self, metric: &str, view: View) -> Option<&Sample> {
        self.samples.get(metric)?.iter().rev().find(|sample| sample.cell < view.first)
    }

    /// The shortest span, at least `least` and at most `most`, whose slots hold this many samples; else `most`.
    pub(super) fn holding(
        &self,
        metric: &str,
        (least, most): (Span, Span),
        needed: u64,
        clip: Timestamp,
        now: Timestamp,
    ) -> Span {
        if least >= most || self.n(metric, self.view(least, clip, now)) >= needed {
            return least;
        }
        let view = self.view(most, clip, now);
        let mut n = 0;
        let mut open: Option<(Timestamp, Timestamp)> = None;
        for sample in self.within(metric, view) {
            if sample.cell < self.cells.len() {
                let piece = self.piece(sample.cell, view.tier);
                match open {
                    Some(last) if last != piece && n >= needed => {
                        return now.since(last.0).max(least).min(most);
                    }
                    _ => open = Some(piece),
                }
            }
            n += sample.count;
        }
        match open {
            Some(last) if n >= needed => now.since(last.0).max(least).min(most),
            _ => most,
        }
    }
}

fn is_since(sample: &Sample, view: View) -> bool {
    sample.at > view.from || (sample.at == view.from && !(view.from == view.clip && sample.is_marked))
}
