//! Writing down what happens to windows, and doing it again.

use super::merge::Exposure;
use super::{Op, Ops, Tape};
use crate::metrics::codec::{Damage, Out, check_of};
use crate::metrics::windows::Windows;

/// Whether windows write down what happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// They do not.
    Off,
    /// They do, until it is [taken](Windows::take_log): it is bounded by whoever takes it.
    On,
}

impl Windows {
    /// Begins or ends writing down what happens from here on. New and restored windows do not.
    ///
    /// Cost: one branch an operation while it is off. What was not taken when it ends is lost.
    pub fn log(&mut self, log: Log) {
        match log {
            Log::Off => self.tape = None,
            Log::On if self.tape.is_some() => {}
            Log::On => self.tape = Some(Box::new(Tape::of_shape(self.shape()))),
        }
    }

    /// What happened since it was last taken, as one piece of tape; nothing where nothing happened or the log is off.
    ///
    /// Pieces may be appended to each other. A redo log that begins at a [`save`](Self::save) is what is taken after
    /// it, so that what was logged before has to be taken before.
    pub fn take_log(&mut self) -> Vec<u8> {
        self.tape.as_mut().map_or_else(Vec::new, |tape| tape.take())
    }

    /// Bytes of the log that wait to be taken.
    pub fn log_bytes(&self) -> usize {
        self.tape.as_ref().map_or(0, |tape| tape.len())
    }

    /// Does again what a log says, at its own times, and logs none of it.
    ///
    /// Guarantees: windows that were as those were when the log began are then as those were when it was taken, to the
    /// bit. All is read before anything is done: on an error nothing has changed.
    ///
    /// # Errors
    /// [`Damage`] where the bytes are not whole, where they are of a plan with other metrics, arms or lengths of
    /// windows, and where they would turn time back behind the last slot of these windows.
    pub fn replay(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        let shape = Some(self.shape());
        let mut last = self.rollbacks.live_from();
        for op in Ops::new(bytes, shape) {
            match op? {
                Op::Advance { to: at } | Op::Mark { at } if at < last => {
                    return Err(Damage::damaged("time is turned back"));
                }
                Op::Advance { to: at } | Op::Mark { at } => last = at,
                Op::Merge { tape, .. } => self.check_samples(&tape)?,
                _ => {}
            }
        }
        let log = self.tape.take();
        // What could be read a moment ago can be read again.
        Ops::new(bytes, shape).map_while(Result::ok).for_each(|op| self.redo(op));
        self.tape = log;
        Ok(())
    }

    fn redo(&mut self, op: Op) {
        match op {
            Op::AddValues { metric, lane, bucket, count, at } => {
                self.add_values(metric, lane, bucket, count, at);
            }
            Op::AddOctave { metric, octave, counts, at } => {
                self.add_octave(metric, usize::from(octave), &counts, counts.iter().sum(), at);
            }
            Op::AddSum { metric, sum } => self.add_sum(metric, sum),
            Op::AddOutcomes { metric, lane, trues, total, at } => {
                self.add_outcomes(metric, lane, trues, total, at);
            }
            Op::RecordEvents { metric, count, at } => self.record_events(metric, count, at),
            Op::RecordGauge { metric, value, at } => self.record_gauge(metric, value, at),
            Op::RecordRatings { metric, rating, count, at } => self.record_ratings(metric, rating, count, at),
            Op::RecordRatingsIn { metric, rating, count, arms, cluster, at } => {
                self.record_ratings_in(metric, rating, count, (arms, cluster), at);
            }
            Op::RecordPoints { metric, points, at } => self.record_points(metric, points, at),
            Op::RecordRollback { at } => self.record_rollback(at),
            Op::OpenAlert { severity, id, at } => {
                self.open_alert(severity, &id, at);
            }
            Op::CloseAlert { id, at } => {
                self.close_alert(&id, at);
            }
            Op::OpenSource { source, at } => self.open_source(source, at),
            Op::CountInvalid { metric, count, at } => self.count_invalid(metric, count, at),
            Op::CountDropped { metric, count, at } => self.count_dropped(metric, count, at),
            Op::CountUnknown { name, count } => self.count_unknown(&name, count),
            Op::Advance { to } => self.advance(to),
            Op::Unwatched { from, to } => self.unwatched(from, to),
            Op::Restart { at } => self.restart(at),
            Op::Mark { at } => self.mark(at),
            Op::Merge { tape, at, side } => self.merge_checked(&tape, at, side),
        }
    }

    /// As [`merge`](Self::merge), and logged: for a log that is replayed where the tape itself is not at hand.
    ///
    /// # Errors
    /// As those of `merge`.
    pub fn merge_and_log(
        &mut self,
        bytes: &[u8],
        at: crate::time::Timestamp,
        side: Exposure,
    ) -> Result<(), Damage> {
        self.merge(bytes, at, side)?;
        if let Some(tape) = &mut self.tape {
            tape.push(&Op::Merge { tape: bytes.into(), at, side });
        }
        Ok(())
    }

    /// Names the metrics, arms and lengths of windows; never 0.
    pub(super) fn shape(&self) -> u32 {
        let mut out = Out::new();
        self.write_shape(&mut out);
        u32::from_le_bytes(check_of(&out.bytes, 1)).max(1)
    }
}
