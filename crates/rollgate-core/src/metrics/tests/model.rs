//! The plain model: every sample in a list, every window a walk through it.
//!
//! It knows where slots end and how they roll up, because a window's old edge is rounded outward to them; it keeps no
//! sum of anything.

use super::{CRASHES, ERRORS, HEAP, LATENCY, NPS, START};
use crate::id::MetricId;
use crate::metrics::{Bucket, Clip, Windows};
use crate::snapshot::Stat;
use crate::time::{Span, Timestamp};

/// One thing that was recorded.
#[derive(Clone, Copy, Debug)]
pub(super) enum Record {
    Value(f64, u64),
    Outcomes(u64, u64),
    Level(f64),
    Events(u64),
    Rating(f64),
    Points(f64),
    Invalid(MetricId, u64),
}

impl Record {
    const fn metric(self) -> MetricId {
        match self {
            Self::Value(..) => LATENCY,
            Self::Outcomes(..) => ERRORS,
            Self::Level(_) => HEAP,
            Self::Events(_) => CRASHES,
            Self::Rating(_) | Self::Points(_) => NPS,
            Self::Invalid(metric, _) => metric,
        }
    }

    pub(super) fn apply(self, windows: &mut Windows, at: Timestamp) {
        match self {
            Self::Value(value, count) => {
                let bucket = Bucket::of(value).unwrap();
                windows.add_values(LATENCY, crate::metrics::Lane::Total, bucket, count, at);
                windows.add_sum(LATENCY, value * count as f64);
            }
            Self::Outcomes(trues, total) => {
                windows.add_outcomes(ERRORS, crate::metrics::Lane::Total, trues, total, at);
            }
            Self::Level(value) => windows.record_gauge(HEAP, value, at),
            Self::Events(count) => windows.record_events(CRASHES, count, at),
            Self::Rating(rating) => windows.record_rating(NPS, rating, at),
            Self::Points(points) => windows.record_points(NPS, points, at),
            Self::Invalid(metric, count) => windows.count_invalid(metric, count, at),
        }
    }
}

/// What a window of the model says.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Lower edge, value, upper edge; `None` where there is no data.
    pub(super) value: Option<(f64, f64, f64)>,
    pub(super) n: u64,
    pub(super) drops: u64,
    pub(super) coverage: f64,
}

/// Slot lengths and horizons, in milliseconds.
const TIERS: [(i64, i64); 4] =
    [(10_000, 660_000), (60_000, 3_960_000), (600_000, 32_400_000), (3_600_000, i64::MAX)];

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    records: Vec<(Timestamp, Record)>,
    /// Ends of slots: when, after how many records, and whether it was a mark.
    seals: Vec<(Timestamp, usize, bool)>,
    pub(super) unwatched: Vec<(Timestamp, Timestamp)>,
    /// When the events' source was live.
    pub(super) live: Vec<(Timestamp, Option<Timestamp>)>,
}

/// A piece of time between two seals, with its records and the slot that holds it.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Timestamp,
    end: Timestamp,
    records: (usize, usize),
    slot: (Timestamp, Timestamp),
}

impl Model {
    pub(super) fn record(&mut self, at: Timestamp, record: Record) {
        self.records.push((at, record));
    }

    pub(super) fn seal(&mut self, at: Timestamp, is_mark: bool) {
        self.seals.push((at, self.records.len(), is_mark));
    }

    /// The seals at which a tier's slots end.
    fn ends(&self, tier: usize) -> Vec<usize> {
        let (slot, _) = TIERS[tier];
        let mut ends = Vec::new();
        let mut open = START;
        for (index, (at, _, is_mark)) in self.seals.iter().enumerate() {
            let next = (open.0.div_euclid(slot) + 1) * slot;
            if tier == 0 || *is_mark || at.0 >= next {
                ends.push(index);
                open = *at;
            }
        }
        ends
    }

    /// The time up to `now` in pieces, each with the slot that a window over so long would find it in.
    fn pieces(&self, tier: usize, now: Timestamp) -> Vec<Piece> {
        let ends: Vec<Vec<usize>> = (0..=tier).map(|tier| self.ends(tier)).collect();
        let mut pieces = Vec::new();
        let mut last = (START, 0);
        let live = (now, self.records.len(), false);
        for (index, (end, records, _)) in self.seals.iter().chain([&live]).enumerate() {
            // The coarsest slot that is sealed holds it; what is live is a slot of its own.
            let slot = ends.iter().rev().find_map(|ends| {
                let at = ends.partition_point(|seal| *seal < index);
                let end = self.seals[*ends.get(at)?].0;
                Some((at.checked_sub(1).map_or(START, |before| self.seals[ends[before]].0), end))
            });
            pieces.push(Piece {
                start: last.0,
                end: *end,
                records: (last.1, *records),
                slot: slot.unwrap_or((last.0, Timestamp(i64::MAX))),
            });
            last = (*end, *records);
        }
        pieces
    }

    /// When the level of the gauge was held, and at what.
    fn holds(&self, max_gap: Span) -> Vec<(Timestamp, Timestamp, f64)> {
        let sets: Vec<(usize, Timestamp, f64)> = self
            .records
            .iter()
            .enumerate()
            .filter_map(|(index, (at, record))| match record {
                Record::Level(value) => Some((index, *at, *value)),
                _ => None,
            })
            .collect();
        let marks: Vec<_> = self.seals.iter().filter(|seal| seal.2).collect();
        let hold = |(place, (index, at, value)): (usize, &(usize, Timestamp, f64))| {
            let next = sets.get(place + 1).map_or(Timestamp(i64::MAX), |set| set.1);
            let mark = marks.iter().find(|seal| seal.1 > *index).map(|seal| seal.0);
            (*at, next.min(*at + max_gap).min(mark.unwrap_or(next)), *value)
        };
        sets.iter().enumerate().map(hold).collect()
    }

    /// The part of a window that was watched and fed.
    fn coverage(&self, metric: MetricId, over: Span, clip: Timestamp, now: Timestamp, max_gap: Span) -> f64 {
        let from = (now - over).max(clip);
        let mut gaps = self.unwatched.clone();
        if metric == CRASHES {
            let mut dark = START;
            for (opened, closed) in &self.live {
                gaps.push((dark, *opened));
                dark = closed.unwrap_or(now);
            }
            gaps.push((dark, now));
        } else {
            let mut silent = START;
            for (start, end, records) in self.seal_spans(now) {
                for (at, record) in &self.records[records.0..records.1] {
                    if record.metric() != metric
                        || matches!(record, Record::Invalid(..) | Record::Outcomes(_, 0))
                    {
                        continue;
                    }
                    // Of what recorders count only the slot is known; the model's callers record at once.
                    let is_counted = matches!(record, Record::Value(..) | Record::Outcomes(..));
                    gaps.push((silent, if is_counted { start } else { *at }));
                    silent = *at + max_gap;
                }
                let _ = end;
            }
            gaps.push((silent, now));
        }
        gaps.sort();
        let (mut covered, mut until) = (0, from);
        for (start, end) in gaps.into_iter().filter(|gap| gap.0 < gap.1).chain([(now, now)]) {
            covered += start.min(now).since(until).0;
            until = until.max(end);
        }
        covered as f64 / over.0 as f64
    }

    fn seal_spans(&self, now: Timestamp) -> Vec<(Timestamp, Timestamp, (usize, usize))> {
        self.pieces(0, now).iter().map(|piece| (piece.start, piece.end, piece.records)).collect()
    }

    /// One statistic of one window. `by`: averaged over sub-windows of this length.
    pub(super) fn say(
        &self,
        (metric, stat): (MetricId, Stat),
        over: Span,
        clip: Clip,
        now: Timestamp,
        by: Option<Span>,
    ) -> Said {
        let max_gap = if metric == NPS { Span::hours(48) } else { Span::minutes(10) };
        let from = (now - over).max(clip.from);
        let span = now.since(from).0 as i64;
        let tier = TIERS.iter().position(|tier| tier.1 >= span).unwrap();
        let (length, _) = TIERS[tier];
        let edge = Timestamp(from.0.div_euclid(length) * length);
        let pieces: Vec<Piece> = self
            .pieces(tier, now)
            .into_iter()
            .filter(|piece| piece.slot.1 > edge && piece.slot.0 >= clip.from && piece.slot.1 > clip.from)
            .collect();
        let coverage = self.coverage(metric, over, clip.from, now, max_gap);
        let mut said = Said { coverage, ..Said::default() };
        let view =
            View { model: self, metric, stat, from, clip, coverage_ms: (coverage * over.0 as f64).round() };
        let (value, n) = view.value(&pieces, max_gap);
        (said.value, said.n) = (value, n);
        said.drops = view
            .records(&pieces)
            .map(|(_, record)| match record {
                Record::Invalid(_, count) => count,
                _ => 0,
            })
            .sum();
        if let (Some(by), true) = (by, said.value.is_some()) {
            // The sub-window of a piece: its start, rounded down to the slots of the window's tier.
            let cell = |piece: &Piece| {
                let floor = Timestamp(piece.start.0.div_euclid(length) * length);
                let floor = if piece.start >= clip.phase { floor.max(clip.phase) } else { floor };
                (floor.0 - clip.phase.0).div_euclid(by.0 as i64)
            };
            let values: Vec<(f64, f64, f64)> = pieces
                .chunk_by(|one, two| cell(one) == cell(two))
                .filter_map(|part| view.value(part, max_gap).0)
                .collect();
            if !values.is_empty() {
                let mean = |of: fn(&(f64, f64, f64)) -> f64| {
                    values.iter().map(of).sum::<f64>() / values.len() as f64
                };
                said.value = Some((mean(|v| v.0), mean(|v| v.1), mean(|v| v.2)));
            }
        }
        said
    }
}

struct View<'a> {
    model: &'a Model,
    metric: MetricId,
    stat: Stat,
    from: Timestamp,
    clip: Clip,
    coverage_ms: f64,
}

impl View<'_> {
    fn records<'b>(&'b self, pieces: &'b [Piece]) -> impl Iterator<Item = (Timestamp, Record)> + 'b {
        pieces
            .iter()
            .flat_map(|piece| self.model.records[piece.records.0..piece.records.1].iter().copied())
            .filter(|(_, record)| record.metric() == self.metric)
    }

    fn rate(&self, n: u64) -> f64 {
        match self.stat.per() {
            Some(unit) => n as f64 * unit.0 as f64 / self.coverage_ms.max(unit.0 as f64),
            None => n as f64,
        }
    }

    /// The statistic of some pieces, and how many samples they have.
    fn value(&self, pieces: &[Piece], max_gap: Span) -> (Option<(f64, f64, f64)>, u64) {
        let exact = |value: f64| Some((value, value, value));
        match self.metric {
            LATENCY => self.distribution(pieces),
            ERRORS => {
                let (mut trues, mut total) = (0, 0);
                for (_, record) in self.records(pieces) {
                    if let Record::Outcomes(more, of) = record {
                        (trues, total) = (trues + more, total + of);
                    }
                }
                let value =
                    if self.stat == Stat::Fraction { trues as f64 / total as f64 } else { self.rate(total) };
                (exact(value).filter(|_| total > 0), total)
            }
            HEAP => self.gauge(pieces, max_gap),
            CRASHES => self.events(),
            _ => self.score(pieces),
        }
    }

    fn distribution(&self, pieces: &[Piece]) -> (Option<(f64, f64, f64)>, u64) {
        let mut values: Vec<(f64, u64)> = self
            .records(pieces)
            .filter_map(|(_, record)| match record {
                Record::Value(value, count) => Some((value, count)),
                _ => None,
            })
            .collect();
        values.sort_by(|one, two| one.0.total_cmp(&two.0));
        let n: u64 = values.iter().map(|value| value.1).sum();
        if n == 0 {
            return (None, 0);
        }
        let ranked = |rank: u64| {
            let mut seen = 0;
            let found = values.iter().find(|(_, count)| {
                seen += count;
                seen >= rank
            });
            let bucket = Bucket::of(found.unwrap().0).unwrap();
            (bucket.low(), bucket.middle(), bucket.high())
        };
        let value = match self.stat {
            Stat::Quantile(q) => ranked(((q * 1e6).round() as u64 * n).div_ceil(1_000_000)),
            Stat::Min => ranked(1),
            Stat::Max => ranked(n),
            Stat::Mean => {
                let mean = values.iter().map(|(value, count)| value * *count as f64).sum::<f64>() / n as f64;
                (mean, mean, mean)
            }
            _ => (self.rate(n), self.rate(n), self.rate(n)),
        };
        (Some(value), n)
    }

    fn gauge(&self, pieces: &[Piece], max_gap: Span) -> (Option<(f64, f64, f64)>, u64) {
        let sets: Vec<(Timestamp, f64)> = self
            .records(pieces)
            .filter_map(|(at, record)| match record {
                Record::Level(value) => Some((at, value)),
                _ => None,
            })
            .collect();
        let mut levels: Vec<(f64, u64)> = sets.iter().map(|set| (set.1, 0)).collect();
        let holds = self.model.holds(max_gap);
        for piece in pieces {
            let first = holds.partition_point(|hold| hold.0 + max_gap < piece.start);
            for (start, end, value) in holds[first..].iter().copied().take_while(|hold| hold.0 < piece.end) {
                let held = end.min(piece.end).since(start.max(piece.start)).0;
                if held > 0 {
                    levels.push((value, held));
                }
            }
        }
        let held: u64 = levels.iter().map(|level| level.1).sum();
        let value = match self.stat {
            Stat::Last => {
                let last =
                    self.model.records.iter().enumerate().rev().find_map(
                        |(index, (at, record))| match record {
                            Record::Level(value) => Some((index, *at, *value)),
                            _ => None,
                        },
                    );
                let marked = |index| {
                    self.model.seals.iter().any(|seal| seal.2 && seal.0 == self.clip.from && seal.1 > index)
                };
                last.filter(|(index, at, _)| {
                    *at > self.from || (*at == self.from && !(self.from == self.clip.from && marked(*index)))
                })
                .map(|last| last.2)
            }
            _ if sets.is_empty() => None,
            Stat::Min => levels.iter().map(|level| level.0).min_by(f64::total_cmp),
            Stat::Max => levels.iter().map(|level| level.0).max_by(f64::total_cmp),
            _ if held > 0 => {
                Some(levels.iter().map(|(value, ms)| value * *ms as f64).sum::<f64>() / held as f64)
            }
            _ => sets.last().map(|set| set.1),
        };
        let n = if self.stat == Stat::Last && value.is_some() { sets.len().max(1) } else { sets.len() };
        (value.map(|value| (value, value, value)), n as u64)
    }

    fn events(&self) -> (Option<(f64, f64, f64)>, u64) {
        let is_before = |index: usize| {
            self.model.seals.iter().any(|seal| seal.2 && seal.0 == self.clip.from && seal.1 > index)
        };
        let mut n = 0;
        for (index, (at, record)) in self.model.records.iter().enumerate() {
            if let Record::Events(count) = record
                && *at >= self.from
                && !(*at == self.clip.from && self.from == self.clip.from && is_before(index))
            {
                n += count;
            }
        }
        let is_live = self.model.live.last().is_some_and(|last| last.1.is_none());
        let value = self.rate(n);
        let high = if is_live { value } else { f64::INFINITY };
        (Some((value, value, high)).filter(|_| is_live || n > 0), n)
    }

    fn score(&self, pieces: &[Piece]) -> (Option<(f64, f64, f64)>, u64) {
        let (mut ratings, mut points, mut balance) = (0, 0, 0.0);
        for (_, record) in self.records(pieces) {
            match record {
                Record::Rating(rating) => {
                    ratings += 1;
                    balance += if rating >= 9.0 {
                        1.0
                    } else if rating <= 6.0 {
                        -1.0
                    } else {
                        0.0
                    };
                }
                Record::Points(_) => points += 1,
                _ => {}
            }
        }
        if self.stat == Stat::Count {
            let n = ratings + points;
            return (Some((n as f64, n as f64, n as f64)).filter(|_| n > 0), n);
        }
        let marked =
            |index| self.model.seals.iter().any(|seal| seal.2 && seal.0 == self.clip.from && seal.1 > index);
        let latest =
            self.model.records.iter().enumerate().rev().find_map(|(index, (at, record))| match record {
                Record::Points(points) => Some((index, *at, *points)),
                _ => None,
            });
        let latest = latest.filter(|(index, at, _)| {
            *at > self.from || (*at == self.from && !(self.from == self.clip.from && marked(*index)))
        });
        let value =
            latest.map(|latest| latest.2).or_else(|| (ratings > 0).then(|| 100.0 * balance / ratings as f64));
        (value.map(|value| (value, value, value)), if latest.is_some() { points.max(1) } else { ratings })
    }
}
