//! What happens to windows, in bytes: for whoever must do it again after a crash, or in another process.

mod late;
mod merge;
mod op;
mod replay;

use super::arms::Lane;
use super::codec::{Cause, Damage, Out, Reader, VERSION, check_of};
use super::histogram::{Bucket, OCTAVE};
use crate::id::MetricId;
use crate::limits::SAMPLES_MAX;
use crate::time::Timestamp;

pub use merge::Exposure;
pub use op::Op;
pub use replay::Log;

/// Bytes that a piece of tape has beside what is on it, at most: version, length, shape, check.
const BESIDE: usize = 1 + 10 + 4 + 4;

/// What values were added last: the next ones often belong to the same metric, arm and time.
type Last = Option<(MetricId, Lane, Bucket, Timestamp)>;

/// A tape that is being written.
///
/// Guarantees: what [`take`](Self::take) gives may be appended to what it gave before; [`decode`] reads all of it. A
/// piece that was cut short or changed is told from a whole one.
#[derive(Clone, Debug, Default)]
pub struct Tape {
    out: Out,
    last: Last,
    /// Which plans it can be played under; 0: any.
    shape: u32,
}

impl Tape {
    /// An empty one, of no plan.
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn of_shape(shape: u32) -> Self {
        Self { shape, ..Self::default() }
    }

    /// Whether nothing is on it.
    pub const fn is_empty(&self) -> bool {
        self.out.bytes.is_empty()
    }

    /// Bytes that are on it.
    pub const fn len(&self) -> usize {
        self.out.bytes.len()
    }

    /// Appends one operation.
    pub fn push(&mut self, op: &Op) {
        op.write(&mut self.out, &mut self.last);
    }

    /// As pushing [`Op::AddOctave`], without making one.
    pub(super) fn add_octave(
        &mut self,
        metric: MetricId,
        octave: usize,
        counts: &[u64; OCTAVE],
        n: u64,
        at: Timestamp,
    ) {
        if n > SAMPLES_MAX {
            // There is no room for so many: they are dropped.
            self.push(&Op::CountDropped { metric: Some(metric), count: n, at });
        } else {
            op::write_octave(&mut self.out, metric, octave, counts, at);
        }
    }

    /// What is on it, as one piece, and begins anew; nothing where nothing is on it.
    pub fn take(&mut self) -> Vec<u8> {
        if self.is_empty() {
            return Vec::new();
        }
        let body = std::mem::take(&mut self.out).bytes;
        self.last = None;
        let mut piece = Out::default();
        piece.bytes.reserve_exact(body.len() + BESIDE);
        piece.byte(VERSION);
        piece.size(body.len());
        piece.bytes.extend_from_slice(&self.shape.to_le_bytes());
        piece.bytes.extend_from_slice(&body);
        piece.sealed(0)
    }
}

/// The operations on some pieces of tape, in order. It ends after the first damage.
///
/// # Errors
/// Each piece is checked as a whole before its first operation is given.
pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Result<Op, Damage>> + '_ {
    Ops::new(bytes, None)
}

/// The operations on some pieces of tape.
struct Ops<'a> {
    /// The pieces that are left.
    pieces: Reader<'a>,
    /// What is left of the one that is being read.
    piece: Reader<'a>,
    last: Last,
    /// Of which plan they must be.
    shape: Option<u32>,
    is_damaged: bool,
}

impl<'a> Ops<'a> {
    fn new(bytes: &'a [u8], shape: Option<u32>) -> Self {
        let (pieces, piece) = (Reader::plain(bytes), Reader::plain(&[]));
        Self { pieces, piece, last: None, shape, is_damaged: false }
    }

    fn next_piece(&mut self) -> Result<(), Damage> {
        let whole = self.pieces.rest();
        self.pieces.version()?;
        let len = self.pieces.size(usize::MAX)?;
        let shape = u32::from_le_bytes(self.pieces.array()?);
        let body = self.pieces.take(len)?;
        let (checked, _) = whole.split_at(whole.len() - self.pieces.rest().len());
        let check = self.pieces.array()?;
        self.pieces.require(check_of(checked, 0) == check, "the check does not match")?;
        if shape != 0 && self.shape.is_some_and(|own| own != shape) {
            let what = "its metrics, arms or windows are others";
            return Err(Damage { what, cause: Cause::OtherPlan, at: 0 });
        }
        self.piece = Reader::plain(body);
        self.last = None;
        Ok(())
    }

    fn read(&mut self) -> Result<Option<Op>, Damage> {
        while self.piece.is_empty() {
            if self.pieces.is_empty() {
                return Ok(None);
            }
            self.next_piece()?;
        }
        Op::read(&mut self.piece, &mut self.last).map(Some)
    }
}

impl Iterator for Ops<'_> {
    type Item = Result<Op, Damage>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.is_damaged {
            return None;
        }
        let next = self.read();
        self.is_damaged = next.is_err();
        next.transpose()
    }
}
