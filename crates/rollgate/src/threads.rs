//! Cells that one thread writes and any thread reads: no lock, no read-modify-write, no shared cache line.
//!
//! A thread has a number for as long as it lives; the number of one that has ended goes to the next, and with it the
//! cells of that number. So cells have one writer at any time, and there are as many as threads ever ran at once.
//! Finding the own cells costs one thread-local without a destructor and one load; a list of owned cells behind a
//! `RefCell`, which was here before, cost six loads that wait for each other.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::ArcSwapOption;

/// Adds to a counter that this thread alone writes.
///
/// A load and a store are enough, and cheaper than a read-modify-write. The store releases, so that a reader that sees a
/// count sees what was written before it.
#[inline]
pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count), Ordering::Release);
}

/// Words of 64 numbers.
const WORDS: usize = 16;

/// Which numbers are in use: a bit each, in a list of pages.
///
/// There is no lock, since a thread that has it while another one forks has it for ever in the child. Numbers of threads
/// that are not in the child stay in use there.
struct Numbers {
    words: [AtomicU64; WORDS],
    more: ArcSwapOption<Numbers>,
}

static NUMBERS: Numbers = Numbers::new();

impl Numbers {
    const fn new() -> Self {
        Self { words: [const { AtomicU64::new(0) }; WORDS], more: ArcSwapOption::const_empty() }
    }

    /// The lowest number that is free, so that few cells serve many threads.
    fn take(&self) -> usize {
        for (place, word) in self.words.iter().enumerate() {
            let mut taken = word.load(Ordering::Relaxed);
            while taken != u64::MAX {
                let bit = taken.trailing_ones();
                // Acquires what the last one of this number wrote under it.
                match word.compare_exchange_weak(taken, taken | 1 << bit, Ordering::AcqRel, Ordering::Relaxed)
                {
                    Ok(_) => return place * 64 + bit as usize,
                    Err(now) => taken = now,
                }
            }
        }
        WORDS * 64 + self.next().take()
    }

    fn give_back(&self, number: usize) {
        match self.words.get(number / 64) {
            Some(word) => _ = word.fetch_and(!(1 << (number % 64)), Ordering::AcqRel),
            None => self.next().give_back(number - WORDS * 64),
        }
    }

    fn next(&self) -> Arc<Self> {
        if let Some(next) = self.more.load_full() {
            return next;
        }
        // Of threads that come here at once, one is first.
        let _ = self.more.compare_and_swap(&None::<Arc<Self>>, Some(Arc::new(Self::new())));
        self.next()
    }
}

/// No number: a thread that has not written anything, or one that is ending.
const NONE: usize = usize::MAX;

thread_local! {
    /// The thread's number. It has no destructor, so that it can be read without asking whether it is there.
    static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    /// Gives the number back when the thread ends.
    static LEASE: Lease = Lease::take();
}

/// A number in use. Whoever takes it next sees all that was written under it: its bit passes that on.
struct Lease(usize);

impl Lease {
    fn take() -> Self {
        Self(NUMBERS.take())
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // Before it is free: what a later destructor of this thread writes must not go where the next thread writes.
        NUMBER.set(NONE);
        NUMBERS.give_back(self.0);
    }
}

/// Blocks of places for more numbers, each twice as large as the one before it.
const BLOCKS: usize = 24;

type Block<S> = Box<[OnceLock<S>]>;

/// A place for each number, which is filled once; the `FIRST` ones are found without a search.
pub(crate) struct Places<S, const FIRST: usize> {
    first: [OnceLock<S>; FIRST],
    more: OnceLock<Box<[OnceLock<Block<S>>; BLOCKS]>>,
}

impl<S, const FIRST: usize> Places<S, FIRST> {
    pub(crate) const fn new() -> Self {
        Self { first: [const { OnceLock::new() }; FIRST], more: OnceLock::new() }
    }

    /// What lies at a number; `new` where nothing did.
    #[inline]
    pub(crate) fn at(&self, number: usize, new: impl FnOnce() -> S) -> &S {
        let slot = match self.first.get(number) {
            Some(slot) => slot,
            None => {
                let (block, place) = Self::place_of(number);
                let more = self.more.get_or_init(|| Box::new([const { OnceLock::new() }; BLOCKS]));
                &more[block].get_or_init(|| (0..FIRST << block).map(|_| OnceLock::new()).collect())[place]
            }
        };
        slot.get_or_init(new)
    }

    pub(crate) fn get(&self, number: usize) -> Option<&S> {
        let slot = self.first.get(number).or_else(|| {
            let (block, place) = Self::place_of(number);
            self.more.get()?[block].get()?.get(place)
        });
        slot.and_then(OnceLock::get)
    }

    /// Empties all places.
    pub(crate) fn each_taken(&mut self, mut take: impl FnMut(usize, S)) {
        let mut each = |from: usize, slots: &mut [OnceLock<S>]| {
            let filled = slots.iter_mut().enumerate();
            filled.for_each(|(place, slot)| _ = slot.take().map(|value| take(from + place, value)));
        };
        each(0, &mut self.first);
        // A block that nobody came to has no places, and its numbers pass all the same.
        for (block, slots) in self.more.get_mut().into_iter().flat_map(|blocks| blocks.iter_mut().enumerate())
        {
            if let Some(slots) = slots.get_mut() {
                each(FIRST << block, slots);
            }
        }
    }

    /// The block of a number above the first ones, and the place in it.
    ///
    /// The blocks hold 2^27 numbers and more, and no machine runs so many threads.
    fn place_of(number: usize) -> (usize, usize) {
        let block = (number / FIRST).ilog2() as usize;
        (block, number - (FIRST << block))
    }
}

/// Threads that find their cells without a search.
const FIRST: usize = 64;

/// One set of cells for each thread that has written any. `S` is a box: cells of two threads share no line.
pub(crate) struct PerThread<S> {
    cells: Places<S, FIRST>,
    /// Above every number that has cells here.
    used: AtomicUsize,
}

impl<S> PerThread<S> {
    pub(crate) fn new() -> Self {
        Self { cells: Places::new(), used: AtomicUsize::new(0) }
    }

    /// The calling thread's cells, where it has some and is one of the first; else ask [`find`](Self::find). They are to
    /// be written at once: the reference is no other thread's.
    #[inline]
    pub(crate) fn own(&self) -> Option<&S> {
        self.cells.first.get(NUMBER.get()).and_then(OnceLock::get)
    }

    /// Runs `write` on the calling thread's cells; they are made by `new` when the thread comes for the first time.
    #[inline(never)]
    pub(crate) fn find<R>(&self, new: impl FnOnce() -> S, write: impl FnOnce(&S) -> R) -> R {
        let number = match NUMBER.get() {
            NONE => LEASE.try_with(|lease| lease.0),
            number => Ok(number),
        };
        match number {
            Ok(number) => {
                // Kept where the next call finds it without the lease.
                NUMBER.set(number);
                write(self.at(number, new))
            }
            // The thread is ending and has given its number back: it takes one for this once.
            Err(_) => {
                let lease = Lease::take();
                write(self.at(lease.0, new))
            }
        }
    }

    fn at(&self, number: usize, new: impl FnOnce() -> S) -> &S {
        self.used.fetch_max(number + 1, Ordering::Release);
        self.cells.at(number, new)
    }

    /// All cells, each with the number of its thread.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &S)> {
        (0..self.used.load(Ordering::Acquire))
            .filter_map(|number| self.cells.get(number).map(|cells| (number, cells)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        let cells: PerThread<Box<usize>> = PerThread::new();
        for number in (0..1_000).rev() {
            assert_eq!(**cells.at(number, || Box::new(number)), number);
        }
        assert!(
            cells.iter().map(|(number, cell)| (number, **cell)).eq((0..1_000).map(|number| (number, number)))
        );
    }

    #[test]
    fn the_lowest_free_number_is_taken_on_every_page() {
        let numbers = Numbers::new();
        let many = 3 * WORDS * 64 + 5;
        assert!((0..many).all(|number| numbers.take() == number));
        for number in [7, 64, WORDS * 64, 2 * WORDS * 64 + 63] {
            numbers.give_back(number);
        }
        for number in [7, 64, WORDS * 64, 2 * WORDS * 64 + 63, many] {
            assert_eq!(numbers.take(), number);
        }
    }

    #[test]
    fn places_are_emptied_with_their_numbers() {
        let mut places: Places<usize, 8> = Places::new();
        let filled = [0, 3, 7, 8, 20, 100];
        for number in filled {
            places.at(number, || number);
        }
        let mut taken = Vec::new();
        places.each_taken(|number, value| taken.push((number, value)));
        assert_eq!(taken, filled.map(|number| (number, number)));
    }

    #[test]
    fn a_number_has_one_writer_at_a_time_and_nothing_is_lost_between_them() {
        const THREADS: usize = 80;
        let cells: PerThread<Box<AtomicU64>> = PerThread::new();
        let count = || match cells.own() {
            Some(cell) => add(cell, 1),
            None => cells.find(Box::default, |cell| add(cell, 1)),
        };
        for _ in 0..3 {
            // All of them are alive at once: more than find their cells without a search.
            let all = Barrier::new(THREADS);
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        count();
                        all.wait();
                        (0..1_000).for_each(|_| count());
                    });
                }
            });
        }
        let sum: u64 = cells.iter().map(|(_, cell)| cell.load(Ordering::Relaxed)).sum();
        assert_eq!(sum, 3 * THREADS as u64 * 1_001);
        // Threads of other tests hold a few of the low numbers.
        assert!((THREADS..2 * THREADS).contains(&cells.iter().count()));
    }

    #[test]
    fn a_thread_that_is_ending_still_writes() {
        struct Last(&'static PerThread<Box<AtomicU64>>);
        impl Drop for Last {
            fn drop(&mut self) {
                self.0.find(Box::default, |cell| add(cell, 1));
            }
        }
        thread_local!(static LAST: std::cell::OnceCell<Last> = const { std::cell::OnceCell::new() });
        let cells: &'static PerThread<Box<AtomicU64>> = Box::leak(Box::new(PerThread::new()));
        // Destructors run in some order: before that of the number, and after it.
        for is_kept_first in [true, false] {
            let thread = std::thread::spawn(move || {
                let keep = || LAST.with(|last| assert!(last.set(Last(cells)).is_ok()));
                let count = || cells.find(Box::default, |cell| add(cell, 1));
                if is_kept_first {
                    keep();
                    count();
                } else {
                    count();
                    keep();
                }
            });
            thread.join().unwrap();
        }
        assert_eq!(cells.iter().map(|(_, cell)| cell.load(Ordering::Relaxed)).sum::<u64>(), 4);
    }
}
