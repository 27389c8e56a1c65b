//! The operations and their bytes.

use super::{Exposure, Last, Tape};
use crate::id::MetricId;
use crate::limits::SAMPLES_MAX;
use crate::metrics::codec::{Damage, Out, Reader};
use crate::metrics::histogram::{Bucket, OCTAVE, OCTAVES};
use crate::metrics::{Arm, Arms, EventSource, Lane};
use crate::snapshot::Severity;
use crate::time::Timestamp;

/// One thing that happened to [`Windows`](crate::metrics::Windows): one of its methods, with what it was given.
///
/// All times are observed ones of the process that it happened in.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // The fields are the arguments of the methods.
pub enum Op {
    /// [`add_values`](crate::metrics::Windows::add_values).
    AddValues { metric: MetricId, lane: Lane, bucket: Bucket, count: u64, at: Timestamp },
    /// [`add_octave`](crate::metrics::Windows::add_octave), which is given the sum of the counts beside.
    AddOctave { metric: MetricId, octave: u8, counts: Box<[u64; OCTAVE]>, at: Timestamp },
    /// [`add_sum`](crate::metrics::Windows::add_sum).
    AddSum { metric: MetricId, sum: f64 },
    /// [`add_outcomes`](crate::metrics::Windows::add_outcomes).
    AddOutcomes { metric: MetricId, lane: Lane, trues: u64, total: u64, at: Timestamp },
    /// [`record_events`](crate::metrics::Windows::record_events).
    RecordEvents { metric: MetricId, count: u64, at: Timestamp },
    /// [`record_gauge`](crate::metrics::Windows::record_gauge).
    RecordGauge { metric: MetricId, value: f64, at: Timestamp },
    /// [`record_ratings`](crate::metrics::Windows::record_ratings).
    RecordRatings { metric: MetricId, rating: f64, count: u64, at: Timestamp },
    /// [`record_ratings_in`](crate::metrics::Windows::record_ratings_in).
    RecordRatingsIn {
        metric: MetricId,
        rating: f64,
        count: u64,
        arms: Arms,
        cluster: Option<u8>,
        at: Timestamp,
    },
    /// [`record_points`](crate::metrics::Windows::record_points).
    RecordPoints { metric: MetricId, points: f64, at: Timestamp },
    /// [`record_rollback`](crate::metrics::Windows::record_rollback).
    RecordRollback { at: Timestamp },
    /// [`open_alert`](crate::metrics::Windows::open_alert).
    OpenAlert { severity: Severity, id: Box<str>, at: Timestamp },
    /// [`close_alert`](crate::metrics::Windows::close_alert).
    CloseAlert { id: Box<str>, at: Timestamp },
    /// [`open_source`](crate::metrics::Windows::open_source).
    OpenSource { source: EventSource, at: Timestamp },
    /// [`count_invalid`](crate::metrics::Windows::count_invalid).
    CountInvalid { metric: MetricId, count: u64, at: Timestamp },
    /// [`count_dropped`](crate::metrics::Windows::count_dropped).
    CountDropped { metric: Option<MetricId>, count: u64, at: Timestamp },
    /// [`count_unknown`](crate::metrics::Windows::count_unknown).
    CountUnknown { name: Box<str>, count: u64 },
    /// [`advance`](crate::metrics::Windows::advance).
    Advance { to: Timestamp },
    /// [`unwatched`](crate::metrics::Windows::unwatched).
    Unwatched { from: Timestamp, to: Timestamp },
    /// [`restart`](crate::metrics::Windows::restart).
    Restart { at: Timestamp },
    /// [`mark`](crate::metrics::Windows::mark).
    Mark { at: Timestamp },
    /// [`merge_and_log`](crate::metrics::Windows::merge_and_log).
    Merge { tape: Box<[u8]>, at: Timestamp, side: Exposure },
}

/// The first byte of each operation.
mod tag {
    pub(super) const ADD_VALUES: u8 = 1;
    /// Values of the same metric, lane and time as the last ones.
    pub(super) const MORE_VALUES: u8 = 2;
    pub(super) const ADD_OCTAVE: u8 = 3;
    pub(super) const ADD_SUM: u8 = 4;
    pub(super) const ADD_OUTCOMES: u8 = 5;
    pub(super) const RECORD_EVENTS: u8 = 6;
    pub(super) const RECORD_GAUGE: u8 = 7;
    pub(super) const RECORD_RATINGS: u8 = 8;
    pub(super) const RECORD_RATINGS_IN: u8 = 9;
    pub(super) const RECORD_POINTS: u8 = 10;
    pub(super) const RECORD_ROLLBACK: u8 = 11;
    pub(super) const OPEN_ALERT: u8 = 12;
    pub(super) const CLOSE_ALERT: u8 = 13;
    pub(super) const OPEN_SOURCE: u8 = 14;
    pub(super) const COUNT_INVALID: u8 = 15;
    pub(super) const COUNT_DROPPED: u8 = 16;
    pub(super) const COUNT_UNKNOWN: u8 = 17;
    pub(super) const ADVANCE: u8 = 18;
    pub(super) const UNWATCHED: u8 = 19;
    pub(super) const RESTART: u8 = 20;
    pub(super) const MARK: u8 = 21;
    pub(super) const MERGE: u8 = 22;
}

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Critical];

pub(super) fn write_octave(
    out: &mut Out,
    metric: MetricId,
    octave: usize,
    counts: &[u64; OCTAVE],
    at: Timestamp,
) {
    begin(out, tag::ADD_OCTAVE, metric);
    out.byte(octave as u8);
    out.counts((0..).zip(counts.iter().copied()).filter(|(_, count)| *count > 0));
    out.time(at);
}

fn begin(out: &mut Out, tag: u8, metric: MetricId) {
    out.byte(tag);
    out.whole(u64::from(metric.0));
}

fn write_lane(out: &mut Out, lane: Lane) {
    match lane {
        Lane::Total => out.byte(0),
        Lane::Arm { position, arm, cluster } => {
            let bits = 1 | u64::from(arm == Arm::Off) << 1 | u64::from(cluster.is_some()) << 2;
            out.whole(bits | u64::from(position) << 3);
            if let Some(cluster) = cluster {
                out.byte(cluster);
            }
        }
    }
}

fn read_lane(reader: &mut Reader<'_>) -> Result<Lane, Damage> {
    let bits = reader.whole_up_to(0x7ff)?;
    if bits == 0 {
        return Ok(Lane::Total);
    }
    reader.require(bits & 1 == 1, "no such arm")?;
    let arm = if bits & 2 > 0 { Arm::Off } else { Arm::On };
    let cluster = if bits & 4 > 0 { Some(reader.byte()?) } else { None };
    Ok(Lane::Arm { position: (bits >> 3) as u8, arm, cluster })
}

fn read_metric(reader: &mut Reader<'_>) -> Result<MetricId, Damage> {
    reader.whole_up_to(u64::from(u16::MAX)).map(|id| MetricId(id as u16))
}

/// 0 is none.
fn write_metric_or_none(out: &mut Out, metric: Option<MetricId>) {
    out.whole(metric.map_or(0, |metric| u64::from(metric.0) + 1));
}

fn read_metric_or_none(reader: &mut Reader<'_>) -> Result<Option<MetricId>, Damage> {
    let id = reader.whole_up_to(u64::from(u16::MAX) + 1)?;
    Ok(id.checked_sub(1).map(|id| MetricId(id as u16)))
}

impl Op {
    /// Appends it as a piece of tape of its own; [`Tape`] is shorter for many.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut tape = Tape::new();
        tape.push(self);
        out.append(&mut tape.take());
    }

    pub(super) fn write(&self, out: &mut Out, last: &mut Last) {
        match self {
            Self::AddValues { metric, lane, bucket, count, at } => {
                match last {
                    Some((of, same, before, then)) if of == metric && same == lane && then == at => {
                        out.byte(tag::MORE_VALUES);
                        bucket.write_after(*before, out);
                    }
                    _ => {
                        begin(out, tag::ADD_VALUES, *metric);
                        write_lane(out, *lane);
                        out.time(*at);
                        bucket.write(out);
                    }
                }
                *last = Some((*metric, *lane, *bucket, *at));
                out.whole(*count);
            }
            Self::AddOctave { metric, octave, counts, at } => {
                write_octave(out, *metric, usize::from(*octave), counts, *at);
            }
            Self::AddSum { metric, sum } => {
                begin(out, tag::ADD_SUM, *metric);
                out.double(*sum);
            }
            Self::AddOutcomes { metric, lane, trues, total, at } => {
                begin(out, tag::ADD_OUTCOMES, *metric);
                write_lane(out, *lane);
                out.whole(*trues);
                out.whole(*total);
                out.time(*at);
            }
            Self::RecordEvents { metric, count, at } => {
                begin(out, tag::RECORD_EVENTS, *metric);
                out.whole(*count);
                out.time(*at);
            }
            Self::RecordGauge { metric, value, at } => {
                begin(out, tag::RECORD_GAUGE, *metric);
                out.double(*value);
                out.time(*at);
            }
            Self::RecordPoints { metric, points, at } => {
                begin(out, tag::RECORD_POINTS, *metric);
                out.double(*points);
                out.time(*at);
            }
            Self::RecordRatings { metric, rating, count, at } => {
                begin(out, tag::RECORD_RATINGS, *metric);
                out.double(*rating);
                out.whole(*count);
                out.time(*at);
            }
            Self::RecordRatingsIn { metric, rating, count, arms, cluster, at } => {
                begin(out, tag::RECORD_RATINGS_IN, *metric);
                out.double(*rating);
                out.whole(*count);
                out.whole(u64::from(arms.0));
                out.whole(cluster.map_or(0, |cluster| u64::from(cluster) + 1));
                out.time(*at);
            }
            _ => self.write_other(out),
        }
    }

    /// Those that carry no values.
    fn write_other(&self, out: &mut Out) {
        let at = |out: &mut Out, tag: u8, at: Timestamp| {
            out.byte(tag);
            out.time(at);
        };
        match self {
            Self::OpenAlert { severity, id, at } => {
                out.byte(tag::OPEN_ALERT);
                out.byte(*severity as u8);
                out.text(id);
                out.time(*at);
            }
            Self::CloseAlert { id, at } => {
                out.byte(tag::CLOSE_ALERT);
                out.text(id);
                out.time(*at);
            }
            Self::OpenSource { source, at } => {
                out.byte(tag::OPEN_SOURCE);
                let metric = match source {
                    EventSource::Metric(metric) => Some(*metric),
                    EventSource::Alerts => None,
                };
                write_metric_or_none(out, metric);
                out.time(*at);
            }
            Self::CountInvalid { metric, count, at } => {
                begin(out, tag::COUNT_INVALID, *metric);
                out.whole(*count);
                out.time(*at);
            }
            Self::CountDropped { metric, count, at } => {
                out.byte(tag::COUNT_DROPPED);
                write_metric_or_none(out, *metric);
                out.whole(*count);
                out.time(*at);
            }
            Self::CountUnknown { name, count } => {
                out.byte(tag::COUNT_UNKNOWN);
                out.text(name);
                out.whole(*count);
            }
            Self::Unwatched { from, to } => {
                at(out, tag::UNWATCHED, *from);
                out.time(*to);
            }
            Self::Merge { tape, at, side } => {
                out.byte(tag::MERGE);
                out.chunk(tape);
                out.byte(u8::from(*side == Exposure::Before));
                out.time(*at);
            }
            Self::RecordRollback { at: time } => at(out, tag::RECORD_ROLLBACK, *time),
            Self::Advance { to } => at(out, tag::ADVANCE, *to),
            Self::Restart { at: time } => at(out, tag::RESTART, *time),
            Self::Mark { at: time } => at(out, tag::MARK, *time),
            // The others are written above.
            _ => {}
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>, last: &mut Last) -> Result<Self, Damage> {
        let tag = reader.byte()?;
        Ok(match tag {
            tag::ADD_VALUES => {
                let (metric, lane, at) = (read_metric(reader)?, read_lane(reader)?, reader.time()?);
                let bucket = Bucket::read(reader)?;
                *last = Some((metric, lane, bucket, at));
                Self::AddValues { metric, lane, bucket, count: reader.whole()?, at }
            }
            tag::MORE_VALUES => {
                let (metric, lane, before, at) = last.ok_or(reader.damage("more values of nothing"))?;
                let bucket = Bucket::read_after(before, reader)?;
                *last = Some((metric, lane, bucket, at));
                Self::AddValues { metric, lane, bucket, count: reader.whole()?, at }
            }
            tag::ADD_OCTAVE => {
                let metric = read_metric(reader)?;
                let octave = reader.byte()?;
                reader.require(usize::from(octave) < OCTAVES, "no such octave")?;
                let mut counts = Box::new([0; OCTAVE]);
                reader.counts(OCTAVE as u32, SAMPLES_MAX, |place, count| counts[place as usize] = count)?;
                Self::AddOctave { metric, octave, counts, at: reader.time()? }
            }
            tag::ADD_SUM => Self::AddSum { metric: read_metric(reader)?, sum: reader.double()? },
            tag::ADD_OUTCOMES => Self::AddOutcomes {
                metric: read_metric(reader)?,
                lane: read_lane(reader)?,
                trues: reader.whole()?,
                total: reader.whole()?,
                at: reader.time()?,
            },
            tag::RECORD_EVENTS => Self::RecordEvents {
                metric: read_metric(reader)?,
                count: reader.whole()?,
                at: reader.time()?,
            },
            tag::RECORD_GAUGE => Self::RecordGauge {
                metric: read_metric(reader)?,
                value: reader.double()?,
                at: reader.time()?,
            },
            tag::RECORD_POINTS => Self::RecordPoints {
                metric: read_metric(reader)?,
                points: reader.double()?,
                at: reader.time()?,
            },
            tag::RECORD_RATINGS => Self::RecordRatings {
                metric: read_metric(reader)?,
                rating: reader.double()?,
                count: reader.whole()?,
                at: reader.time()?,
            },
            tag::RECORD_RATINGS_IN => Self::RecordRatingsIn {
                metric: read_metric(reader)?,
                rating: reader.double()?,
                count: reader.whole()?,
                arms: Arms(reader.whole_up_to(u64::from(u16::MAX))? as u16),
                cluster: reader.whole_up_to(256)?.checked_sub(1).map(|cluster| cluster as u8),
                at: reader.time()?,
            },
            _ => return Self::read_other(tag, reader),
        })
    }

    fn read_other(tag: u8, reader: &mut Reader<'_>) -> Result<Self, Damage> {
        Ok(match tag {
            tag::OPEN_ALERT => {
                let severity = SEVERITIES.get(usize::from(reader.byte()?)).copied();
                let severity = severity.ok_or(reader.damage("no such severity"))?;
                Self::OpenAlert { severity, id: reader.text()?.into(), at: reader.time()? }
            }
            tag::CLOSE_ALERT => Self::CloseAlert { id: reader.text()?.into(), at: reader.time()? },
            tag::OPEN_SOURCE => {
                let source = read_metric_or_none(reader)?.map_or(EventSource::Alerts, EventSource::Metric);
                Self::OpenSource { source, at: reader.time()? }
            }
            tag::COUNT_INVALID => Self::CountInvalid {
                metric: read_metric(reader)?,
                count: reader.whole()?,
                at: reader.time()?,
            },
            tag::COUNT_DROPPED => Self::CountDropped {
                metric: read_metric_or_none(reader)?,
                count: reader.whole()?,
                at: reader.time()?,
            },
            tag::COUNT_UNKNOWN => Self::CountUnknown { name: reader.text()?.into(), count: reader.whole()? },
            tag::UNWATCHED => Self::Unwatched { from: reader.time()?, to: reader.time()? },
            tag::MERGE => Self::Merge {
                tape: reader.chunk()?.into(),
                side: if reader.flag()? { Exposure::Before } else { Exposure::Current },
                at: reader.time()?,
            },
            tag::RECORD_ROLLBACK => Self::RecordRollback { at: reader.time()? },
            tag::ADVANCE => Self::Advance { to: reader.time()? },
            tag::RESTART => Self::Restart { at: reader.time()? },
            tag::MARK => Self::Mark { at: reader.time()? },
            _ => return Err(reader.damage("no such operation")),
        })
    }
}
