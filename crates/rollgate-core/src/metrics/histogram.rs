//! Log-linear buckets over the bits of a double: one shift finds a bucket, and no range has to be fixed beforehand.
//!
//! A bucket is named by the exponent and the upper 7 bits of the mantissa, so each octave has 128 buckets and a bucket's
//! edges lie within 1/128 of each other: its middle is at most 0.4 % off. The `histogram` crate counts integers and
//! wants its range fixed per unit; here every unit has the same error.

use crate::limits::{OCTAVE_MAX, OCTAVE_MIN};

/// Buckets in an octave.
pub const OCTAVE: usize = 128;
/// Octaves that are told apart.
pub const OCTAVES: usize = (OCTAVE_MAX - OCTAVE_MIN) as usize;

/// A bucket of values: 0 holds zero (and what is too small to tell from it), the others are numbered upwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket(u32);

impl Bucket {
    /// The bucket of zero.
    pub const ZERO: Self = Self(0);

    /// The bucket of a value; `None` for what cannot be measured: negative, NaN, infinite, or above 2^63.
    #[inline]
    pub fn of(value: f64) -> Option<Self> {
        // A negative value and a NaN fail the first comparison.
        if !(value >= 0.0 && value < f64::from(OCTAVE_MAX).exp2()) {
            return None;
        }
        let exponent = (value.to_bits() >> 52) as i32 - 1023;
        if exponent < OCTAVE_MIN {
            return Some(Self::ZERO);
        }
        let mantissa = (value.to_bits() >> 45) as u32 & 127;
        Some(Self(1 + (exponent - OCTAVE_MIN) as u32 * 128 + mantissa))
    }

    /// The bucket of this octave and place in it; bucket 0 has neither.
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
    pub fn low(self) -> f64 {
        match self.place() {
            Some((octave, place)) => {
                (1.0 + place as f64 / 128.0) * f64::from(octave as i32 + OCTAVE_MIN).exp2()
            }
            None => 0.0,
        }
    }

    /// The upper edge: every value of the bucket lies below it. That of zero is zero.
    pub fn high(self) -> f64 {
        match self.place() {
            Some((octave, place)) => {
                (1.0 + (place + 1) as f64 / 128.0) * f64::from(octave as i32 + OCTAVE_MIN).exp2()
            }
            None => 0.0,
        }
    }

    /// The value to show: the middle.
    pub fn middle(self) -> f64 {
        f64::midpoint(self.low(), self.high())
    }
}

/// A sealed histogram: sorted, one word a bucket (18 bits of bucket, 46 of count), nothing for empty ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed(Box<[u64]>);

const COUNT_BITS: u32 = 46;
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;

impl Packed {
    /// The buckets with their counts, upwards.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Bucket, u64)> + '_ {
        self.0.iter().map(|word| (Bucket((word >> COUNT_BITS) as u32), word & COUNT_MAX))
    }

    /// The sum of several.
    pub fn merged<'a>(parts: impl Iterator<Item = &'a Self>) -> Self {
        let mut dense = Dense::default();
        parts.for_each(|part| dense.add_packed(part));
        dense.packed()
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.0.len() * 8
    }
}

/// A histogram that grows and shrinks: one array an octave that has been touched.
#[derive(Clone, Debug, Default)]
pub struct Dense {
    zero: u64,
    n: u64,
    /// By octave, upwards.
    octaves: Vec<(u16, Box<[u64; OCTAVE]>)>,
}

impl Dense {
    /// How many samples.
    pub const fn n(&self) -> u64 {
        self.n
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.n == 0
    }

    fn octave(&mut self, octave: usize) -> &mut [u64; OCTAVE] {
        let key = octave as u16;
        let at = match self.octaves.binary_search_by_key(&key, |(octave, _)| *octave) {
            Ok(at) => at,
            Err(at) => {
                self.octaves.insert(at, (key, Box::new([0; OCTAVE])));
                at
            }
        };
        &mut self.octaves[at].1
    }

    /// Adds samples of a bucket.
    pub fn add(&mut self, bucket: Bucket, count: u64) {
        self.n = self.n.saturating_add(count);
        let slot = match bucket.place() {
            Some((octave, place)) => &mut self.octave(octave)[place],
            None => &mut self.zero,
        };
        *slot = slot.saturating_add(count);
    }

    /// Adds a sealed histogram.
    pub fn add_packed(&mut self, packed: &Packed) {
        self.each(packed, |slot, count| *slot = slot.saturating_add(count));
        self.n = self.n.saturating_add(packed.iter().map(|(_, count)| count).sum());
    }

    /// Takes a sealed histogram away that was added before.
    pub fn remove_packed(&mut self, packed: &Packed) {
        self.each(packed, |slot, count| *slot = slot.saturating_sub(count));
        self.n = self.n.saturating_sub(packed.iter().map(|(_, count)| count).sum());
    }

    /// Visits the slots of a sealed histogram's buckets; consecutive buckets of one octave find it once.
    fn each(&mut self, packed: &Packed, visit: impl Fn(&mut u64, u64)) {
        let mut words = packed.iter().peekable();
        while let Some((bucket, count)) = words.next() {
            let Some((octave, place)) = bucket.place() else {
                visit(&mut self.zero, count);
                continue;
            };
            let slots = self.octave(octave);
            visit(&mut slots[place], count);
            while let Some((next, count)) =
                words.next_if(|(next, _)| next.place().is_some_and(|at| at.0 == octave))
            {
                if let Some((_, place)) = next.place() {
                    visit(&mut slots[place], count);
                }
            }
        }
    }

    /// Adds another one.
    pub fn add_dense(&mut self, other: &Self) {
        other.iter().for_each(|(bucket, count)| self.add(bucket, count));
    }

    /// The buckets that have samples, upwards.
    pub fn iter(&self) -> impl Iterator<Item = (Bucket, u64)> + '_ {
        let zero = (self.zero > 0).then_some((Bucket::ZERO, self.zero));
        let rest = self.octaves.iter().flat_map(|(octave, slots)| {
            let filled = slots.iter().enumerate().filter(|(_, count)| **count > 0);
            filled.map(move |(place, count)| (Bucket::at(usize::from(*octave), place), *count))
        });
        zero.into_iter().chain(rest)
    }

    /// Forgets all samples and keeps the arrays.
    pub fn clear(&mut self) {
        self.zero = 0;
        self.n = 0;
        self.octaves.iter_mut().for_each(|(_, slots)| slots.fill(0));
    }

    /// Sealed.
    pub fn packed(&self) -> Packed {
        Packed(
            self.iter()
                .map(|(bucket, count)| (u64::from(bucket.0) << COUNT_BITS) | count.min(COUNT_MAX))
                .collect(),
        )
    }

    /// The bucket of the `rank`-th smallest sample, from 1.
    pub fn rank(&self, rank: u64) -> Option<Bucket> {
        let mut seen = self.zero;
        if rank == 0 || rank > self.n {
            return None;
        }
        if seen >= rank {
            return Some(Bucket::ZERO);
        }
        for (octave, slots) in &self.octaves {
            let sum: u64 = slots.iter().sum();
            if seen + sum < rank {
                seen += sum;
                continue;
            }
            for (place, count) in slots.iter().enumerate() {
                seen += count;
                if seen >= rank {
                    return Some(Bucket::at(usize::from(*octave), place));
                }
            }
        }
        None
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.octaves.capacity() * 16 + self.octaves.len() * OCTAVE * 8
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
            prop_assert_eq!(Packed::merged([&packed].into_iter()), packed);
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
        for value in [f64::NAN, f64::INFINITY, -1.0, 1e300] {
            assert_eq!(Bucket::of(value), None);
        }
        assert_eq!(Bucket::of(0.0), Some(Bucket::ZERO));
        assert_eq!(Bucket::of(1e-300), Some(Bucket::ZERO));
    }
}
