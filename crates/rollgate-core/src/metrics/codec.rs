//! The bytes of windows at rest: small whole numbers, doubles by their bits, times as differences, a check at the end.
//!
//! Every reader is total: whatever bytes it is given, it ends with a value or with [`Damage`], and it never takes more
//! memory than what it has read accounts for.

use std::fmt;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::time::Timestamp;

/// Why stored bytes are no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damage {
    /// What was wrong, in words.
    pub what: &'static str,
    /// What it means for whoever stored them.
    pub cause: Cause,
    /// Bytes that had been read by then, from the start of the piece that was being read.
    pub at: usize,
}

/// What bytes that cannot be read mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// They are not what was written.
    Damaged,
    /// They were written by a newer version.
    Newer,
    /// They are whole, and of a plan with other metrics, arms or windows.
    OtherPlan,
}

impl Damage {
    pub(super) const fn damaged(what: &'static str) -> Self {
        Self { what, cause: Cause::Damaged, at: 0 }
    }

    pub(super) const fn other_plan(what: &'static str) -> Self {
        Self { what, cause: Cause::OtherPlan, at: 0 }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Cause::Damaged => write!(f, "stored windows are damaged: {} (at byte {})", self.what, self.at),
            Cause::Newer => write!(f, "stored windows cannot be read: {}", self.what),
            Cause::OtherPlan => write!(f, "stored windows are of another plan: {}", self.what),
        }
    }
}

impl std::error::Error for Damage {}

/// How everything here is written. A change of any layout is a new number.
pub(super) const VERSION: u8 = 1;
/// Bytes of a check.
const CHECK: usize = 4;

/// Bytes being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Out {
    pub(super) bytes: Vec<u8>,
    /// The time that was written last; the next one is written as its distance from there.
    time: i64,
}

impl Out {
    /// With the version at the head.
    pub(super) fn new() -> Self {
        Self { bytes: vec![VERSION], time: 0 }
    }

    /// Times are written as distances from here on.
    pub(super) fn times_from(&mut self, time: Timestamp) {
        self.time = time.0;
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Seven bits a byte, the lowest first.
    pub(super) fn whole(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(super) fn size(&mut self, size: usize) {
        self.whole(size as u64);
    }

    /// The bits, exponent first: round numbers are short.
    pub(super) fn double(&mut self, value: f64) {
        self.whole(value.to_bits().swap_bytes());
    }

    pub(super) fn time(&mut self, time: Timestamp) {
        self.signed(time.0.wrapping_sub(self.time));
        self.time = time.0;
    }

    /// Small ones of either sign are short.
    pub(super) fn signed(&mut self, value: i64) {
        self.whole(((value << 1) ^ (value >> 63)) as u64);
    }

    pub(super) fn time_or_none(&mut self, time: Option<Timestamp>) {
        self.byte(u8::from(time.is_some()));
        if let Some(time) = time {
            self.time(time);
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.chunk(text.as_bytes());
    }

    /// Bytes with their number before them.
    pub(super) fn chunk(&mut self, bytes: &[u8]) {
        self.size(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Counts with their places, upwards; one byte for a small count beside the last one.
    pub(super) fn counts(&mut self, counts: impl Iterator<Item = (u32, u64)> + Clone) {
        self.size(counts.clone().count());
        let mut next = 0;
        for (place, count) in counts {
            let gap = place - next;
            self.whole((count.min(u64::MAX >> 1) << 1) | u64::from(gap > 0));
            if gap > 0 {
                self.whole(u64::from(gap));
            }
            next = place + 1;
        }
    }

    /// The bytes, with a check that also holds for `of`: what the bytes belong to.
    pub(super) fn sealed(mut self, of: u64) -> Vec<u8> {
        let check = check_of(&self.bytes, of);
        self.bytes.extend_from_slice(&check);
        self.bytes
    }
}

/// The check of some bytes.
pub(super) fn check_of(bytes: &[u8], of: u64) -> [u8; CHECK] {
    (xxh3_64_with_seed(bytes, of) as u32).to_le_bytes()
}

/// Bytes being read.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    len: usize,
    time: i64,
}

impl<'a> Reader<'a> {
    /// Bytes without a head or a check.
    pub(super) const fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, len: bytes.len(), time: 0 }
    }

    /// What [`Out::sealed`] wrote.
    pub(super) fn sealed(bytes: &'a [u8], of: u64) -> Result<Self, Damage> {
        let mut reader = Self::plain(bytes);
        reader.version()?;
        let Some((body, check)) = bytes.split_last_chunk::<CHECK>() else {
            return Err(reader.damage("too short"));
        };
        if check_of(body, of) != *check {
            return Err(reader.damage("the check does not match"));
        }
        let body = body.get(1..).ok_or(Damage::damaged("too short"))?;
        Ok(Self { bytes: body, len: bytes.len(), time: 0 })
    }

    /// Reads the version.
    pub(super) fn version(&mut self) -> Result<(), Damage> {
        match self.byte()? {
            VERSION => Ok(()),
            0 => Err(self.damage("no version")),
            _ => {
                let what = "they were written by a newer version";
                Err(Damage { what, cause: Cause::Newer, at: self.at() })
            }
        }
    }

    pub(super) fn times_from(&mut self, time: Timestamp) {
        self.time = time.0;
    }

    const fn at(&self) -> usize {
        self.len - self.bytes.len()
    }

    pub(super) const fn damage(&self, what: &'static str) -> Damage {
        Damage { what, cause: Cause::Damaged, at: self.at() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// That nothing is left.
    pub(super) const fn end(&self) -> Result<(), Damage> {
        if self.is_empty() { Ok(()) } else { Err(self.damage("more bytes than there should be")) }
    }

    pub(super) fn require(&self, is_so: bool, what: &'static str) -> Result<(), Damage> {
        if is_so { Ok(()) } else { Err(self.damage(what)) }
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        let (first, rest) = self.bytes.split_first().ok_or(self.damage("cut short"))?;
        self.bytes = rest;
        Ok(*first)
    }

    pub(super) fn whole(&mut self) -> Result<u64, Damage> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damage("a number that is too large"))
    }

    pub(super) fn whole_up_to(&mut self, most: u64) -> Result<u64, Damage> {
        let value = self.whole()?;
        self.require(value <= most, "a number that is too large")?;
        Ok(value)
    }

    /// How many things follow: each takes a byte or more.
    pub(super) fn size(&mut self, most: usize) -> Result<usize, Damage> {
        let most = most.min(self.bytes.len());
        self.whole_up_to(most as u64).map(|size| size as usize)
    }

    pub(super) fn flag(&mut self) -> Result<bool, Damage> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.damage("neither yes nor no")),
        }
    }

    pub(super) fn double(&mut self) -> Result<f64, Damage> {
        self.whole().map(|bits| f64::from_bits(bits.swap_bytes()))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Damage> {
        self.time = self.time.wrapping_add(self.signed()?);
        Ok(Timestamp(self.time))
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damage> {
        let folded = self.whole()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    pub(super) fn time_or_none(&mut self) -> Result<Option<Timestamp>, Damage> {
        if self.flag()? { self.time().map(Some) } else { Ok(None) }
    }

    pub(super) fn chunk(&mut self) -> Result<&'a [u8], Damage> {
        let len = self.size(usize::MAX)?;
        self.take(len)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Damage> {
        let (chunk, rest) = self.bytes.split_at_checked(len).ok_or(self.damage("cut short"))?;
        self.bytes = rest;
        Ok(chunk)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let (chunk, rest) = self.bytes.split_first_chunk::<N>().ok_or(self.damage("cut short"))?;
        self.bytes = rest;
        Ok(*chunk)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Damage> {
        let bytes = self.chunk()?;
        std::str::from_utf8(bytes).map_err(|_| self.damage("no text"))
    }

    /// What [`Out::counts`] wrote: calls `take` with each place, below `places`, and its count; gives their sum, which
    /// is at most `most`.
    pub(super) fn counts(
        &mut self,
        places: u32,
        most: u64,
        mut take: impl FnMut(u32, u64),
    ) -> Result<u64, Damage> {
        let (mut next, mut sum) = (0_u32, 0_u64);
        for _ in 0..self.size(places as usize)? {
            let word = self.whole()?;
            let gap = if word & 1 == 1 { self.whole_up_to(u64::from(places))? as u32 } else { 0 };
            let (place, count) = (next + gap, word >> 1);
            self.require(place < places && count > 0, "counts that cannot be")?;
            sum = sum.saturating_add(count);
            self.require(sum <= most, "more samples than there can be")?;
            take(place, count);
            next = place + 1;
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(
            wholes in prop::collection::vec(any::<u64>(), 0..8),
            doubles in prop::collection::vec(any::<u64>(), 0..8),
            times in prop::collection::vec(any::<i64>(), 0..8),
            text in ".{0,20}",
        ) {
            let mut out = Out::new();
            wholes.iter().for_each(|value| out.whole(*value));
            doubles.iter().for_each(|bits| out.double(f64::from_bits(*bits)));
            times.iter().for_each(|time| out.time(Timestamp(*time)));
            out.text(&text);
            let bytes = out.sealed(7);
            prop_assert!(Reader::sealed(&bytes, 8).is_err());
            let mut reader = Reader::sealed(&bytes, 7).unwrap();
            for value in wholes {
                prop_assert_eq!(reader.whole(), Ok(value));
            }
            for bits in doubles {
                prop_assert_eq!(reader.double().map(f64::to_bits), Ok(bits));
            }
            for time in times {
                prop_assert_eq!(reader.time(), Ok(Timestamp(time)));
            }
            prop_assert_eq!(reader.text(), Ok(text.as_str()));
            prop_assert!(reader.end().is_ok());
        }
    }

    #[test]
    fn a_number_of_too_many_bytes_is_damage() {
        assert!(Reader::plain(&[0xff; 11]).whole().is_err());
        assert!(Reader::plain(&[0x80; 9]).whole().is_err());
        assert_eq!(
            Reader::plain(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).whole(),
            Ok(u64::MAX)
        );
    }
}
