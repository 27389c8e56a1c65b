//! Bytes that are not what was written: cut short, flipped, random, and with a check that matches all the same.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::story::{Happening, Place, answers, with_arms};
use super::{START, at};
use crate::metrics::codec::check_of;
use crate::metrics::slot::owner;
use crate::metrics::{Arm, Arms, EventSource, Exposure, Log, SavedSlot, Windows, decode};
use crate::time::Span;

const EVERY: Span = Span::seconds(10);
/// An octave of a histogram takes a thousand bytes, and is written in three at least.
const BYTES_FOR_A_BYTE: usize = 1_024;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }

    /// One of the ways in which bytes go bad.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        match self.below(5) {
            0 => bytes.truncate(self.below(len)),
            1 => *bytes = (0..self.below(2 * len)).map(|_| self.below(256) as u8).collect(),
            2 => {
                // A piece of it, again or elsewhere.
                let (from, to) = (self.below(len), self.below(len));
                let piece = bytes[from..(from + 16).min(len)].to_vec();
                bytes.splice(to..to, piece);
            }
            3 => (0..1 + self.below(3)).for_each(|_| {
                // Where a number is, the largest one.
                let at = self.below(len);
                let end = (at + 9).min(len);
                bytes[at..end].fill(0xff);
            }),
            _ => (0..1 + self.below(4)).for_each(|_| {
                let at = self.below(len);
                bytes[at] ^= 1 << self.below(8);
            }),
        }
    }
}

/// Makes the check match.
fn reseal(bytes: &mut [u8], of: u64) {
    if let Some((body, check)) = bytes.split_last_chunk_mut::<4>() {
        *check = check_of(body, of);
    }
}

fn filled() -> (Windows, Place) {
    let mut windows = Windows::new(with_arms(EVERY), START);
    windows.log(Log::On);
    let mut place = Place::start(EVERY);
    for round in 0..30_u8 {
        for happening in [
            Happening::Value(f64::from(round) * 9.0, 5),
            Happening::Octave(40, 0x1234_5678_9abc_def0 ^ u64::from(round)),
            Happening::ArmValue(Arm::On, Some(round), 30.0),
            Happening::ArmValue(Arm::Off, None, 30.0),
            Happening::Outcomes(1, 9),
            Happening::ArmOutcomes(1, Arm::Off, Some(4), 3),
            Happening::Level(f64::from(round)),
            Happening::Events(2),
            Happening::Ratings(10.0, 1, Arms(2), None),
            Happening::Points(4.0),
            Happening::OpenAlert(round % 3, round % 4),
            Happening::CloseAlert(round % 5),
            Happening::Open(EventSource::Alerts),
            Happening::Invalid(1, 3),
            Happening::Unknown(round),
            Happening::Evaluate,
        ] {
            place.play(&mut windows, &happening);
        }
        if round % 7 == 0 {
            place.play(&mut windows, &Happening::Mark);
            place.play(&mut windows, &Happening::Merge(Exposure::Before, vec![Happening::Events(1)]));
        }
    }
    (windows, place)
}

/// That windows which came out of bad bytes can be used as any others, and hold no more than the bytes account for.
fn use_them(mut windows: Windows, place: &Place, bytes: usize, base: usize, is_asked: bool) {
    assert!(windows.memory_bytes() <= base + bytes * BYTES_FOR_A_BYTE, "{} bytes", windows.memory_bytes());
    let mut place = place.clone();
    if is_asked {
        answers(&windows, &place);
    }
    for happening in [
        Happening::Value(3.0, 2),
        Happening::ArmValue(Arm::On, None, 3.0),
        Happening::Level(3.0),
        Happening::Events(1),
        Happening::OpenAlert(1, 9),
        Happening::CloseAlert(2),
        Happening::Evaluate,
        Happening::Mark,
        Happening::Merge(Exposure::Before, vec![Happening::Events(1), Happening::Value(3.0, 2)]),
        Happening::Evaluate,
    ] {
        place.play(&mut windows, &happening);
    }
    if is_asked {
        answers(&windows, &place);
    }
    windows.save_whole();
}

#[test]
fn ten_thousand_damaged_heads_slots_and_tapes_never_panic_and_take_no_absurd_memory() {
    let (mut windows, place) = filled();
    let tape = windows.take_log();
    let saved = windows.save_whole();
    let rules = with_arms(EVERY);
    let empty = Windows::new(Arc::clone(&rules), START);
    let base = windows.memory_bytes() * 2;
    let mut random = Random(7);
    let (mut refused, mut taken) = (0, 0);
    for case in 0..10_000 {
        let is_asked = case % 16 == 0;
        let is_resealed = case / 4 % 2 == 0;
        let (mut head, mut slots, mut tape) = (saved.head.clone(), saved.slots.clone(), tape.clone());
        let run = || {
            let (result, len, is_same) = match case % 4 {
                0 | 1 => {
                    random.damage(&mut head);
                    if is_resealed {
                        reseal(&mut head, 0);
                    }
                    let len = head.len();
                    (Windows::restore(Arc::clone(&rules), &head, &slots), len, head == saved.head)
                }
                2 => {
                    let at = random.below(slots.len());
                    let SavedSlot { series, tier, start, end, bytes } = &mut slots[at];
                    random.damage(bytes);
                    if is_resealed {
                        reseal(bytes, owner(*series, *tier, *start, *end));
                    }
                    let (len, is_same) = (bytes.len(), *bytes == saved.slots[at].bytes);
                    (Windows::restore(Arc::clone(&rules), &head, &slots), len, is_same)
                }
                _ => {
                    let before = tape.clone();
                    random.damage(&mut tape);
                    if is_resealed {
                        reseal(&mut tape, 0);
                    }
                    let mut windows = empty.clone();
                    let _ = decode(&tape).count();
                    let _ = empty.clone().merge(&tape, at(400), Exposure::Before);
                    let _ = empty.clone().merge(&tape, at(400), Exposure::Current);
                    (windows.replay(&tape).map(|()| windows), tape.len(), tape == before)
                }
            };
            let is_taken = result.map(|windows| use_them(windows, &place, len, base, is_asked)).is_ok();
            (is_taken, is_same)
        };
        let Ok((is_taken, is_same)) = catch_unwind(AssertUnwindSafe(run)) else {
            panic!("case {case} panicked")
        };
        // A check of 32 bits lets nothing through that was not made to.
        assert!(!is_taken || is_same || is_resealed, "case {case}");
        if is_taken { taken += 1 } else { refused += 1 }
    }
    assert!(refused > 5_000 && taken > 100, "{refused} refused, {taken} taken");
}

#[test]
fn numbers_of_things_that_are_not_there_take_no_memory() {
    // A head of the right shape, and then every number as large as it can be.
    let rules = with_arms(EVERY);
    let saved = Windows::new(Arc::clone(&rules), START).save_whole();
    for from in 1..saved.head.len() - 4 {
        let mut head = saved.head[..from].to_vec();
        head.extend([0xff; 9]);
        head.push(1);
        head.extend(check_of(&head.clone(), 0));
        assert!(Windows::restore(Arc::clone(&rules), &head, &[]).is_err());
    }
}
