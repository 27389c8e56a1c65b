//! Finds a place by its name: a table that is made once and never changes.
//!
//! Every read of a flag by its name asks it. The standard table with the same hash took 9 ns more: it probes sixteen slots
//! at once and compares names through the C library, where one slot and two words are nearly always enough.

use rollgate_core::id::is_same;
use xxhash_rust::xxh3::xxh3_64;

/// The hash of a name, and its place; no place where the slot is empty.
#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    place: usize,
}

const EMPTY: usize = usize::MAX;

/// Names with their places.
pub(crate) struct Names {
    /// A power of two, and at least twice as many as names: a search ends at an empty one.
    slots: Box<[Slot]>,
}

impl Names {
    /// Names, each at its place in their order.
    pub(crate) fn new<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let size = (2 * names.len()).next_power_of_two().max(2);
        let mut slots = vec![Slot { hash: 0, place: EMPTY }; size];
        for (place, name) in names.enumerate() {
            let hash = hash(name.as_bytes());
            let mut at = hash as usize & (size - 1);
            while slots[at].place != EMPTY {
                at = (at + 1) & (size - 1);
            }
            slots[at] = Slot { hash, place };
        }
        Self { slots: slots.into() }
    }

    /// What lies at the place of a name; `of` gives it with its name.
    #[inline(always)]
    pub(crate) fn find<'a, T>(
        &self,
        name: &str,
        of: impl Fn(usize) -> Option<(&'a T, &'a str)>,
    ) -> Option<&'a T> {
        let hash = hash(name.as_bytes());
        let slot = self.slots.get(hash as usize & (self.slots.len() - 1))?;
        // Nearly always the first slot has it, or is empty.
        if slot.place == EMPTY {
            return None;
        }
        if slot.hash == hash
            && let Some((found, known)) = of(slot.place)
            && is_same(known, name)
        {
            return Some(found);
        }
        self.find_behind(hash, name, of)
    }

    /// By itself: a loop in the callers would cost them more than the first slot does.
    #[cold]
    #[inline(never)]
    fn find_behind<'a, T>(
        &self,
        hash: u64,
        name: &str,
        of: impl Fn(usize) -> Option<(&'a T, &'a str)>,
    ) -> Option<&'a T> {
        let last = self.slots.len() - 1;
        let mut at = hash as usize;
        loop {
            at = at.wrapping_add(1);
            let slot = self.slots[at & last];
            if slot.place == EMPTY {
                return None;
            }
            if slot.hash == hash
                && let Some((found, known)) = of(slot.place)
                && is_same(known, name)
            {
                return Some(found);
            }
        }
    }
}

/// As in [`bucket`](rollgate_core::bucket::bucket), that of a short name is compiled into the caller.
#[inline]
fn hash(name: &[u8]) -> u64 {
    #[inline(never)]
    fn of_long(name: &[u8]) -> u64 {
        xxh3_64(name)
    }
    if name.len() <= 16 { xxh3_64(name) } else { of_long(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn every_name_is_found_and_no_other(names in prop::collection::btree_set("[ab]{0,20}", 0..60), other in "[ab]{0,20}") {
            let all: Vec<String> = names.iter().cloned().collect();
            let table = Names::new(all.iter().map(String::as_str));
            let find = |name: &str| table.find(name, |place| Some((&all[place], all[place].as_str()))).cloned();
            for name in &all {
                prop_assert_eq!(find(name), Some(name.clone()));
            }
            prop_assert_eq!(find(&other).is_some(), names.contains(&other));
        }
    }

    #[test]
    fn names_of_one_slot_are_told_apart() {
        let all: Vec<String> = (0..4_096).map(|index| format!("FLAG_{index}")).collect();
        let table = Names::new(all.iter().map(String::as_str));
        let places: BTreeSet<&String> = all
            .iter()
            .filter_map(|name| table.find(name, |place| all.get(place).map(|found| (found, found.as_str()))))
            .collect();
        assert_eq!(places.len(), all.len());
    }
}
