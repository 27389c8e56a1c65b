//! Log-linear buckets over the bits of a double: one shift finds a bucket, and no range has to be fixed beforehand.
//!
//! A bucket is named by the exponent and the upper 7 bits of the mantissa, so each octave has 128 buckets and a bucket's
//! edges lie within 1/128 of each other: its middle is at most 0.4 % off. The `histogram` crate counts integers and
//! wants its range fixed per unit; here every unit has the same error.

use super::codec::{Damage, Out, Reader};
use crate::limits::{OCTAVE_MAX, OCTAVE_MIN};

/// Buckets in an octave.
pub const OCTAVE: usize = 128;
/// Octaves that are told apart.
pub const OCTAVES: usize = (OCTAVE_MAX - OCTAVE_MIN) as usize;
/// Buckets in all.
const BUCKETS: u32 = 1 + (OCTAVES * OCTAVE) as u32;

/// A bucket of values: 0 holds zero (and what is too small to tell from it), the others are numbered upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u32);

/// The double of this exponent of two, and upper 7 bits of the mantissa.
const fn double(exponent: i32, place: usize) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52 | (place as u64) << 45)
}

impl Bucket {
    /// The bucket of zero.
    pub const ZERO: Self = Self(0);

    /// The bucket of a value; `None` for what cannot be measured: negative, NaN, infinite, or above 2^63.
    #[inline]
    pub fn of(value: f64) -> Option<Self> {
        // A negative value and a NaN fail the first comparison; minus zero does not.
        if !(value >= 0.0 && value < double(OCTAVE_MAX, 0)) {
            return None;
        }
        let bits = value.to_bits();
        if value < double(OCTAVE_MIN, 0) {
            return Some(Self::ZERO);
        }
        // Exponent and mantissa lie side by side, so that one shift numbers the buckets.
        const FIRST: u32 = ((OCTAVE_MIN + 1023) as u32) << 7;
        Some(Self(1 + (bits >> 45) as u32 - FIRST))
    }

    /// The bucket at this octave and place in it; bucket 0 has neither.
    pub const fn at(octave: usize, place: usize) -> Self {
        Self(1 + (octave * OCTAVE + place) as u32)
    }

    /// The octave and the place in it; `None` for zero.
    #[inline]
    pub const fn place(self) -> Option<(usize, usize)> {
        match self.0.checked_sub(1) {
            Some(index) => Some((index as usize / OCTAVE, index as usize % OCTAVE)),
            None => None,
        }
    }

    /// The lower edge, inclusive.
    pub const fn low(self) -> f64 {
        match self.place() {
            Some((octave, place)) => double(octave as i32 + OCTAVE_MIN, place),
            None => 0.0,
        }
    }

    /// The upper edge: every value of the bucket lies below it. That of zero is zero.
    pub const fn high(self) -> f64 {
        match self.place() {
            // The last place of an octave ends where the next octave begins.
            Some((octave, place)) => {
                double(octave as i32 + OCTAVE_MIN + ((place + 1) / OCTAVE) as i32, (place + 1) % OCTAVE)
            }
            None => 0.0,
        }
    }

    /// The value to show: the middle.
    pub const fn middle(self) -> f64 {
        f64::midpoint(self.low(), self.high())
    }

    pub(super) fn write(self, out: &mut Out) {
        out.whole(u64::from(self.0));
    }

    /// As its distance from another one, which is often near.
    pub(super) fn write_after(self, other: Self, out: &mut Out) {
        out.signed(i64::from(self.0) - i64::from(other.0));
    }

    pub(super) fn read_after(other: Self, reader: &mut Reader<'_>) -> Result<Self, Damage> {
        let bucket = reader.signed()?.checked_add(i64::from(other.0)).unwrap_or(-1);
        reader.require((0..i64::from(BUCKETS)).contains(&bucket), "no such bucket")?;
        Ok(Self(bucket as u32))
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Damage> {
        reader.whole_up_to(u64::from(BUCKETS) - 1).map(|bucket| Self(bucket as u32))
    }
}

/// A sealed histogram: sorted, half a word a bucket (14 bits of bucket, 18 of count), nothing for empty ones.
///
/// A count that does not fit is written as 0, and in the two halves of a word that follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed(Box<[u32]>);

const COUNT_BITS: u32 = 18;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

/// The buckets of a sealed histogram, upwards.
#[derive(Clone)]
struct Words<'a>(std::slice::Iter<'a, u32>);

impl Iterator for Words<'_> {
    type Item = (Bucket, u64);
    #[inline]
    fn next(&mut self) -> Option<(Bucket, u64)> {
        let word = *self.0.next()?;
        let (bucket, count) = (Bucket(word >> COUNT_BITS), u64::from(word) & COUNT_MAX);
        if count > 0 {
            return Some((bucket, count));
        }
        let (low, high) = (*self.0.next()?, *self.0.next()?);
        Some((bucket, u64::from(low) | u64::from(high) << 32))
    }
}

impl Packed {
    pub(super) fn write(&self, out: &mut Out) {
        out.counts(self.iter().map(|(bucket, count)| (bucket.0, count)));
    }

    /// Reads at most so many samples.
    pub(super) fn read(reader: &mut Reader<'_>, most: u64) -> Result<Self, Damage> {
        let mut words = Vec::new();
        reader.counts(BUCKETS, most, |bucket, count| push_word(&mut words, Bucket(bucket), count))?;
        Ok(Self(words.into_boxed_slice()))
    }

    /// The buckets with their counts, upwards.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, u64)> + Clone + '_ {
        Words(self.0.iter())
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.0.len() * 4
    }
}

/// The counts of one octave.
#[derive(Clone, Debug)]
struct Octave {
    key: u16,
    n: u64,
    counts: Box<[u64; OCTAVE]>,
}

fn push_word(words: &mut Vec<u32>, bucket: Bucket, count: u64) {
    let word = bucket.0 << COUNT_BITS;
    match count {
        0 => {}
        1..=COUNT_MAX => words.push(word | count as u32),
        _ => words.extend([word, count as u32, (count >> 32) as u32]),
    }
}

/// A histogram that grows and shrinks: one array an octave that has been touched.
///
/// Counts are not checked for overflow: whoever adds keeps their sum within 64 bits.
#[derive(Clone, Debug, Default)]
pub struct Dense {
    zero: u64,
    n: u64,
    /// Upwards.
    octaves: Vec<Octave>,
}

impl Dense {
    pub(super) fn write(&self, out: &mut Out) {
        out.counts(self.iter().map(|(bucket, count)| (bucket.0, count)));
    }

    /// Reads at most so many samples.
    pub(super) fn read(reader: &mut Reader<'_>, most: u64) -> Result<Self, Damage> {
        let mut dense = Self::default();
        reader.counts(BUCKETS, most, |bucket, count| dense.add(Bucket(bucket), count))?;
        Ok(dense)
    }

    /// How many samples.
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    fn octave(&mut self, octave: usize) -> &mut Octave {
        let key = octave as u16;
        let at = match self.octaves.binary_search_by_key(&key, |octave| octave.key) {
            Ok(at) => at,
            Err(at) => {
                self.octaves.insert(at, Octave { key, n: 0, counts: Box::new([0; OCTAVE]) });
                at
            }
        };
        &mut self.octaves[at]
    }

    /// Adds samples of a bucket.
    pub fn add(&mut self, bucket: Bucket, count: u64) {
        self.n += count;
        match bucket.place() {
            Some((octave, place)) => {
                let octave = self.octave(octave);
                octave.n += count;
                octave.counts[place] += count;
            }
            None => self.zero += count,
        }
    }

    /// Adds samples of all buckets of one octave.
    pub fn add_octave(&mut self, octave: usize, counts: &[u64; OCTAVE]) {
        let n: u64 = counts.iter().sum();
        self.n += n;
        let octave = self.octave(octave);
        octave.n += n;
        octave.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// Adds a sealed histogram.
    pub fn add_packed(&mut self, packed: &Packed) {
        self.each(packed, |sum, count| *sum += count);
    }

    /// Takes a sealed histogram away that was added before.
    pub fn remove_packed(&mut self, packed: &Packed) {
        self.each(packed, |sum, count| *sum -= count);
    }

    /// Changes the counts of a sealed histogram's buckets; consecutive buckets of one octave find it once.
    #[inline]
    fn each(&mut self, packed: &Packed, change: impl Fn(&mut u64, u64)) {
        let mut words = packed.iter().peekable();
        while let Some((bucket, count)) = words.peek().copied() {
            let Some((key, _)) = bucket.place() else {
                change(&mut self.zero, count);
                change(&mut self.n, count);
                words.next();
                continue;
            };
            let octave = self.octave(key);
            let mut n = 0;
            while let Some((next, count)) = words.peek().copied() {
                match next.place() {
                    Some((of, place)) if of == key => change(&mut octave.counts[place], count),
                    _ => break,
                }
                n += count;
                words.next();
            }
            change(&mut octave.n, n);
            change(&mut self.n, n);
        }
    }

    /// Adds another one.
    pub fn add_dense(&mut self, other: &Self) {
        self.zero += other.zero;
        self.n += other.zero;
        for octave in other.octaves.iter().filter(|octave| octave.n > 0) {
            self.n += octave.n;
            let own = self.octave(usize::from(octave.key));
            own.n += octave.n;
            own.counts.iter_mut().zip(octave.counts.iter()).for_each(|(sum, count)| *sum += count);
        }
    }

    /// The buckets that have samples, upwards.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, u64)> + Clone + '_ {
        let zero = (self.zero > 0).then_some((Bucket::ZERO, self.zero));
        let rest = self.octaves.iter().filter(|octave| octave.n > 0).flat_map(|octave| {
            let filled = octave.counts.iter().enumerate().filter(|(_, count)| **count > 0);
            filled.map(|(place, count)| (Bucket::at(usize::from(octave.key), place), *count))
        });
        zero.into_iter().chain(rest)
    }

    /// How many samples lie in this bucket or above.
    pub fn count_from(&self, bucket: Bucket) -> u64 {
        let Some((key, place)) = bucket.place() else { return self.n };
        let first = self.octaves.partition_point(|octave| usize::from(octave.key) < key);
        let octaves = self.octaves[first..].iter();
        octaves
            .map(|octave| match usize::from(octave.key) == key {
                true => octave.counts[place..].iter().sum(),
                false => octave.n,
            })
            .sum()
    }

    /// Forgets all samples and keeps the arrays.
    pub fn clear(&mut self) {
        self.zero = 0;
        self.n = 0;
        for octave in self.octaves.iter_mut().filter(|octave| octave.n > 0) {
            octave.n = 0;
            octave.counts.fill(0);
        }
    }

    /// Sealed.
    pub fn packed(&self) -> Packed {
        let mut words = Vec::new();
        self.pack_into(&mut words);
        Packed(words.into_boxed_slice())
    }

    /// Sealed, by way of a buffer that is used again and again.
    pub fn packed_by(&self, words: &mut Vec<u32>) -> Packed {
        words.clear();
        self.pack_into(words);
        Packed(words.as_slice().into())
    }

    fn pack_into(&self, words: &mut Vec<u32>) {
        push_word(words, Bucket::ZERO, self.zero);
        for octave in self.octaves.iter().filter(|octave| octave.n > 0) {
            let key = usize::from(octave.key);
            if octave.n > COUNT_MAX {
                for (place, count) in octave.counts.iter().enumerate() {
                    push_word(words, Bucket::at(key, place), *count);
                }
                continue;
            }
            // Every word is written, and the next one over it where it was empty: no branch has to be guessed.
            let (mut filled, mut len) = ([0_u32; OCTAVE + 1], 0);
            let first = Bucket::at(key, 0).0;
            for (place, count) in octave.counts.iter().enumerate() {
                filled[len] = ((first + place as u32) << COUNT_BITS) | *count as u32;
                len += usize::from(*count > 0);
            }
            words.extend_from_slice(&filled[..len]);
        }
    }

    /// The bucket of the `rank`-th smallest sample, from 1.
    pub fn rank(&self, rank: u64) -> Option<Bucket> {
        if rank == 0 || rank > self.n {
            return None;
        }
        let mut seen = self.zero;
        if seen >= rank {
            return Some(Bucket::ZERO);
        }
        for octave in &self.octaves {
            if seen + octave.n < rank {
                seen += octave.n;
                continue;
            }
            for (place, count) in octave.counts.iter().enumerate() {
                seen += count;
                if seen >= rank {
                    return Some(Bucket::at(usize::from(octave.key), place));
                }
            }
        }
        None
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.octaves.capacity() * size_of::<Octave>() + self.octaves.len() * OCTAVE * 8
    }
}

/// The nearest rank of a quantile: ceil(q n), at least 1. The quantiles of plans have four decimals at most, so they are
/// rounded to a millionth before, and p95 of 20 is rank 19 and not 20.
pub fn nearest_rank(q: f64, n: u64) -> u64 {
    let millionths = (q * 1e6).round() as u128;
    (millionths * u128::from(n)).div_ceil(1_000_000).max(1).min(u128::from(n.max(1))) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_middle_is_within_four_tenths_of_a_percent(value in 1e-9_f64..1e18) {
            let bucket = Bucket::of(value).unwrap();
            prop_assert!(bucket.low() <= value && value < bucket.high());
            prop_assert!((bucket.middle() / value - 1.0).abs() <= 0.004);
        }

        #[test]
        fn adding_and_removing_leaves_nothing(values in prop::collection::vec(0.0_f64..1e6, 0..50)) {
            let mut part = Dense::default();
            values.iter().for_each(|value| part.add(Bucket::of(*value).unwrap(), 3));
            let packed = part.packed();
            let mut sum = Dense::default();
            sum.add_packed(&packed);
            sum.add_packed(&packed);
            prop_assert_eq!(sum.n(), values.len() as u64 * 6);
            sum.remove_packed(&packed);
            prop_assert_eq!(sum.packed(), packed.clone());
            let mut whole = Dense::default();
            whole.add_dense(&sum);
            prop_assert_eq!(whole.packed(), packed);
        }

        #[test]
        fn what_is_sealed_comes_back_whole(
            counts in prop::collection::vec((0.0_f64..1e9, prop_oneof![1_u64..300_000, 1_u64..1 << 50]), 0..50),
            split in 0.0_f64..1e9,
        ) {
            let mut dense = Dense::default();
            counts.iter().for_each(|(value, count)| dense.add(Bucket::of(*value).unwrap(), *count));
            let packed = dense.packed();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), dense.iter().collect::<Vec<_>>());
            let split = Bucket::of(split).unwrap();
            let above = dense.iter().filter(|(bucket, _)| *bucket >= split).map(|(_, count)| count);
            prop_assert_eq!(dense.count_from(split), above.sum::<u64>());
        }
    }

    #[test]
    fn ranks_are_nearest_ranks() {
        assert_eq!(nearest_rank(0.95, 20), 19);
        assert_eq!(nearest_rank(0.95, 200), 190);
        assert_eq!(nearest_rank(0.999, 1), 1);
        assert_eq!(nearest_rank(0.5, 3), 2);
        let mut dense = Dense::default();
        for value in 1..=100 {
            dense.add(Bucket::of(f64::from(value)).unwrap(), 1);
        }
        let bucket = dense.rank(nearest_rank(0.95, 100)).unwrap();
        assert!(bucket.low() <= 95.0 && 95.0 < bucket.high());
    }

    #[test]
    fn impossible_values_have_no_bucket() {
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300, 9_223_372_036_854_775_808.0] {
            assert_eq!(Bucket::of(value), None, "{value}");
        }
        for value in [0.0, -0.0, 1e-300] {
            assert_eq!(Bucket::of(value), Some(Bucket::ZERO), "{value}");
        }
        let largest = Bucket::of(9_223_372_036_854_774_784.0).unwrap();
        assert_eq!(largest, Bucket::at(OCTAVES - 1, OCTAVE - 1));
        assert_eq!(largest.high(), 63_f64.exp2());
        let smallest = Bucket::of((-32_f64).exp2()).unwrap();
        assert_eq!((smallest, smallest.low()), (Bucket::at(0, 0), (-32_f64).exp2()));
    }
}
