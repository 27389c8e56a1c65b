//! Samples that come too late for any slot, and those that nobody will ever hear of.

use super::{Op, Tape};
use crate::id::MetricId;
use crate::metrics::Lane;
use crate::metrics::codec::Damage;
use crate::metrics::windows::Windows;
use crate::time::Timestamp;

impl Windows {
    /// Counts the samples on another process's tape as dropped, `at` an observed time of this process: they were recorded
    /// so long ago that no open slot is theirs, and the windows that lack them must pass no gate. Alerts, sources and drops
    /// on it count as they are.
    ///
    /// # Errors
    /// As those of [`merge`](Self::merge).
    pub fn merge_late(&mut self, bytes: &[u8], at: Timestamp) -> Result<(), Damage> {
        self.check_samples(bytes)?;
        let log = self.tape.take();
        for op in self.ops_of_fleet(bytes) {
            match op.samples() {
                Some((metric, count)) => self.count_dropped(Some(metric), count, at),
                None => self.merge_op(op, at),
            }
        }
        self.tape = log;
        Ok(())
    }

    /// A log that says nothing but that samples of every metric were dropped.
    pub fn log_of_drops(&self, at: Timestamp) -> Vec<u8> {
        let mut tape = Tape::of_shape(self.shape());
        for (index, _) in self.series.iter().enumerate() {
            tape.push(&Op::CountDropped { metric: Some(MetricId(index as u16)), count: 1, at });
        }
        tape.take()
    }
}

impl Op {
    /// How many samples of which metric it adds to; nothing for what is no sample, or counts beside one.
    fn samples(&self) -> Option<(MetricId, u64)> {
        let (metric, count) = match self {
            Self::AddValues { metric, lane: Lane::Total, count, .. } => (metric, *count),
            Self::AddOutcomes { metric, lane: Lane::Total, total, .. } => (metric, *total),
            Self::AddOctave { metric, counts, .. } => (metric, counts.iter().sum()),
            Self::RecordEvents { metric, count, .. }
            | Self::RecordRatings { metric, count, .. }
            | Self::RecordRatingsIn { metric, count, .. } => (metric, *count),
            Self::RecordGauge { metric, .. } | Self::RecordPoints { metric, .. } => (metric, 1),
            // What they belong to is counted already.
            Self::AddSum { metric, .. }
            | Self::AddValues { metric, .. }
            | Self::AddOutcomes { metric, .. } => (metric, 0),
            _ => return None,
        };
        Some((*metric, count))
    }
}
