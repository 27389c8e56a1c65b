//! What is saved and restored, and what is logged and replayed, is what was there, to the bit.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::story::{Happening, Place, answers, happening, with_arms};
use super::{CRASHES, LATENCY, START, at};
use crate::id::FlagId;
use crate::limits::SLOTS_BESIDE_MAX;
use crate::metrics::codec::Cause;
use crate::metrics::{Bucket, Lane, Log, Op, Saved, SavedSlot, Windows, decode};
use crate::snapshot::{MetricKind, Ruleset};
use crate::time::{Span, Timestamp};
use crate::units::Unit;

/// What a store does with what it is given.
#[derive(Clone, Debug, Default)]
struct Store {
    head: Vec<u8>,
    slots: BTreeMap<(u16, u8, Timestamp, Timestamp), Vec<u8>>,
}

impl Store {
    fn apply(&mut self, saved: Saved) {
        if saved.is_whole {
            self.slots.clear();
        }
        let key = |slot: &SavedSlot| (slot.series, slot.tier, slot.start, slot.end);
        let keys: Vec<_> = saved.slots.iter().map(key).collect();
        assert!(keys.is_sorted_by(|one, two| one < two), "unique, and in order: {keys:?}");
        for slot in saved.slots {
            self.slots.insert(key(&slot), slot.bytes);
        }
        // After the new slots, so that none of them may be meant.
        for old in saved.oldest {
            self.slots.retain(|(series, tier, _, end), _| {
                (*series, *tier) != (old.series, old.tier) || *end > old.end
            });
        }
        for key in keys {
            assert!(self.slots.contains_key(&key), "a new slot is deleted: {key:?}");
        }
        self.head = saved.head;
    }

    fn slots(&self) -> Vec<SavedSlot> {
        let slot = |(key, bytes): (&(u16, u8, Timestamp, Timestamp), &Vec<u8>)| SavedSlot {
            series: key.0,
            tier: key.1,
            start: key.2,
            end: key.3,
            bytes: bytes.clone(),
        };
        self.slots.iter().map(slot).rev().collect()
    }

    fn restore(&self, every: Span) -> Windows {
        Windows::restore(with_arms(every), &self.head, &self.slots()).unwrap()
    }
}

/// Everything that is in windows.
fn whole(windows: &Windows) -> Saved {
    windows.clone().save_whole()
}

fn same(one: &Windows, two: &Windows, place: &Place) -> Result<(), TestCaseError> {
    prop_assert_eq!(whole(one), whole(two));
    for (one, two) in answers(one, place).iter().zip(&answers(two, place)) {
        prop_assert_eq!(one, two);
    }
    Ok(())
}

fn every() -> impl Strategy<Value = Span> {
    prop_oneof![Just(10), Just(7), Just(1), Just(60)].prop_map(Span::seconds)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_that_were_saved_and_restored_at_any_points_are_the_same_to_the_bit(
        story in prop::collection::vec(happening(), 1..300),
        every in every(),
        often in 3_usize..40,
    ) {
        let (mut place, mut other) = (Place::start(every), Place::start(every));
        let mut one = Windows::new(with_arms(every), START);
        let mut two = one.clone();
        let mut store = Store::default();
        for (index, happening) in story.iter().enumerate() {
            place.play(&mut one, happening);
            other.play(&mut two, happening);
            if index % often == 0 {
                let saved = two.save();
                prop_assert!(saved.is_whole == (index == 0));
                store.apply(saved);
                if index % (2 * often) == 0 {
                    two = store.restore(every);
                } else {
                    // It need not be the one that saved.
                    prop_assert_eq!(whole(&store.restore(every)), whole(&two));
                }
            }
            if index % (3 * often) == 0 {
                same(&one, &two, &place)?;
            }
        }
        same(&one, &two, &place)?;
    }

    #[test]
    fn windows_that_are_replayed_from_their_log_are_the_same_to_the_bit(
        story in prop::collection::vec(happening(), 1..300),
        every in every(),
        checkpoint in 0_usize..300,
        often in 1_usize..40,
    ) {
        let mut place = Place::start(every);
        let mut one = Windows::new(with_arms(every), START);
        one.log(Log::On);
        let (mut all, mut later, mut store) = (Vec::new(), Vec::new(), Store::default());
        store.apply(one.save());
        for (index, happening) in story.iter().enumerate() {
            place.play(&mut one, happening);
            if index % often == 0 || index == checkpoint {
                let log = one.take_log();
                prop_assert_eq!(one.log_bytes(), 0);
                all.extend_from_slice(&log);
                later.extend_from_slice(&log);
            }
            if index == checkpoint {
                later.clear();
                store.apply(one.save());
            }
        }
        let log = one.take_log();
        all.extend_from_slice(&log);
        later.extend_from_slice(&log);
        let mut two = Windows::new(with_arms(every), START);
        two.log(Log::On);
        two.replay(&all).unwrap();
        prop_assert_eq!(two.take_log(), Vec::<u8>::new(), "a replay logs nothing");
        same(&one, &two, &place)?;
        let mut three = store.restore(every);
        three.replay(&later).unwrap();
        same(&one, &three, &place)?;
        // Each operation alone is a tape, too.
        let ops: Vec<Op> = decode(&all).collect::<Result<_, _>>().unwrap();
        let mut alone = Vec::new();
        ops.iter().for_each(|op| op.encode(&mut alone));
        let again: Vec<Op> = decode(&alone).collect::<Result<_, _>>().unwrap();
        prop_assert_eq!(format!("{again:?}"), format!("{ops:?}"));
    }
}

#[test]
fn a_save_gives_only_what_has_changed() {
    let every = Span::seconds(10);
    let mut windows = Windows::new(with_arms(every), START);
    let mut store = Store::default();
    let mut most = 0;
    for second in (0..86_400).step_by(10) {
        windows.add_values(LATENCY, Lane::Total, Bucket::of(120.0).unwrap(), 3, at(second));
        windows.advance(at(second + 10));
        if second % 60 == 50 {
            let saved = windows.save();
            assert_eq!(saved.is_whole, second == 50);
            most = most.max(saved.slots.len());
            store.apply(saved);
        }
    }
    // Six slots of ten seconds, one of a minute, one of ten minutes, one of an hour.
    assert_eq!(most, 9);
    assert_eq!(whole(&store.restore(every)), whole(&windows));
    let mut restored = store.restore(every);
    let saved = restored.save();
    assert!(!saved.is_whole && saved.slots.is_empty() && saved.oldest.is_empty());
    assert_eq!(saved.head, store.head);
    assert!(restored.save_whole().is_whole);
}

#[test]
fn slots_that_marks_have_joined_are_saved_as_a_whole() {
    let every = Span::seconds(10);
    let mut windows = Windows::new(with_arms(every), START);
    let mut store = Store::default();
    store.apply(windows.save());
    let mut wholes = 0;
    for second in 0..2 * SLOTS_BESIDE_MAX as u64 {
        windows.record_events(CRASHES, 1, at(second));
        windows.mark(at(second));
        // Two slots of one instant, and of no length.
        windows.record_events(CRASHES, 1, at(second));
        windows.mark(at(second));
        windows.record_events(CRASHES, 1, at(second));
        windows.mark(at(second));
        let saved = windows.save();
        wholes += usize::from(saved.is_whole);
        store.apply(saved);
    }
    assert!(wholes > 0, "no slots were joined");
    assert_eq!(whole(&store.restore(every)), whole(&windows));
}

/// Windows with something in them, saved.
fn filled() -> Store {
    let every = Span::seconds(10);
    let mut windows = Windows::new(with_arms(every), START);
    let mut place = Place::start(every);
    for round in 0..20 {
        place.play(&mut windows, &Happening::Value(100.0 + f64::from(round), 5));
        place.play(&mut windows, &Happening::Evaluate);
    }
    let mut store = Store::default();
    store.apply(windows.save());
    store
}

#[test]
fn slots_that_are_not_those_of_the_head_are_refused() {
    let store = filled();
    let (rules, slots) = (with_arms(Span::seconds(10)), store.slots());
    let restore = |slots: &[SavedSlot]| Windows::restore(Arc::clone(&rules), &store.head, slots);
    assert!(restore(&slots).is_ok());
    for missing in 0..slots.len() {
        let mut slots = slots.clone();
        let slot = slots.remove(missing);
        assert_eq!(restore(&slots).unwrap_err().cause, Cause::Damaged);
        // Under another name.
        for other in [
            SavedSlot { series: slot.series + 1, ..slot.clone() },
            SavedSlot { tier: slot.tier + 1, ..slot.clone() },
            SavedSlot { start: slot.start + Span(1), ..slot.clone() },
            SavedSlot { end: slot.end + Span(1), ..slot.clone() },
            SavedSlot { series: 77, ..slot.clone() },
        ] {
            slots.push(other);
            assert!(restore(&slots).is_err());
            slots.pop();
        }
        slots.extend([slot.clone(), slot]);
        assert!(restore(&slots).is_err(), "a slot is there twice");
    }
}

#[test]
fn windows_of_another_plan_are_refused_with_the_reason() {
    let store = filled();
    let every = Span::seconds(10);
    type Change = fn(&mut Ruleset);
    let changes: [(&str, Change); 7] = [
        ("another number", |rules| {
            rules.metrics.pop();
        }),
        ("metrics are others", |rules| rules.metrics[1].key = "faults".into()),
        ("another kind", |rules| rules.metrics[0].kind = MetricKind::Gauge),
        ("another unit", |rules| rules.metrics[0].unit = Unit::S),
        ("other arms", |rules| rules.metrics[1].arms.clear()),
        ("other arms", |rules| rules.metrics[0].arms = vec![FlagId(1)]),
        ("longer or shorter", |rules| rules.evaluate_every = Span::seconds(20)),
    ];
    let mut log = Windows::new(with_arms(every), START);
    log.log(Log::On);
    log.advance(at(10));
    let log = log.take_log();
    for (what, change) in changes {
        let mut rules = Ruleset::clone(&with_arms(every));
        change(&mut rules);
        let rules = Arc::new(rules);
        let damage = Windows::restore(Arc::clone(&rules), &store.head, &store.slots()).unwrap_err();
        assert_eq!(damage.cause, Cause::OtherPlan);
        assert!(damage.to_string().contains(what), "{damage}, and not {what}");
        let damage = Windows::new(rules, START).replay(&log).unwrap_err();
        assert_eq!(damage.cause, Cause::OtherPlan);
    }
    let mut newer = store.head.clone();
    newer[0] += 1;
    let damage = Windows::restore(with_arms(every), &newer, &store.slots()).unwrap_err();
    assert_eq!(damage.cause, Cause::Newer);
}

#[test]
fn a_replay_that_turns_time_back_changes_nothing() {
    let every = Span::seconds(10);
    let mut one = Windows::new(with_arms(every), START);
    one.log(Log::On);
    one.record_events(CRASHES, 1, at(5));
    one.advance(at(10));
    let log = one.take_log();
    let before = whole(&one);
    one.advance(at(10));
    one.replay(&log).unwrap();
    one.advance(at(20));
    let after = whole(&one);
    assert_ne!(before, after);
    assert!(one.replay(&log).is_err());
    assert_eq!(whole(&one), after);
}
