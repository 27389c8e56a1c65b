//! The cells of flags: what the handle of a flag names, and what its answer is read from.
//!
//! A cell is a [mirror](FlagMirror) in a static table. A flag's handle is the cell's number (32 bits) below the tag under
//! which the mirror was lent (32 bits). The mirror keeps that tag in the word that decides the flag, so that a reader
//! compares once, after it has read all that it needs, and has found a handle that is stale, foreign, null or of another
//! kind: tags have their highest bit set, which the generations of engines have not. Nothing of a cell is ever freed, and
//! a tag is given to a cell once.
//!
//! Cells are handed out in rows, one row to an engine, and go to later engines when it is closed.

use std::sync::atomic::{AtomicU64, Ordering};

use rollgate::core::error::{Error, ErrorKind};
use rollgate::core::limits::FLAGS_MAX;
use rollgate::mirror::{Answer, FlagMirror, Tag, Terms};

/// Flags that may be open at once, in all engines of a process. Pages of the table that no engine has take no memory.
const CELLS: usize = 1 << 20;

static MIRRORS: [FlagMirror; CELLS] = [const { FlagMirror::new() }; CELLS];

/// Whose each cell is: what names its engine and its place there.
static OWNERS: [AtomicU64; CELLS] = [const { AtomicU64::new(0) }; CELLS];

/// Rows have two to some power cells, up to this power.
const POWERS: usize = FLAGS_MAX.next_power_of_two().trailing_zeros() as usize + 1;

/// Cells that nobody has.
pub(super) struct Stock {
    /// Rows that were given back, by their power: the first cell, and the last generation.
    free: [Vec<(usize, u32)>; POWERS],
    /// The first cell that was never used.
    next: usize,
}

/// A row of cells that an engine has.
pub(super) struct Row {
    pub(super) mirrors: &'static [FlagMirror],
    first: usize,
    power: usize,
    generation: u32,
    pub(super) tag: Tag,
}

impl Stock {
    pub(super) const fn new() -> Self {
        Self { free: [const { Vec::new() }; POWERS], next: 0 }
    }

    /// A row of at least so many cells, under a tag that none of them had.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where there are not so many any more.
    pub(super) fn take(&mut self, count: usize) -> Result<Row, Error> {
        let why = || {
            let why = format_args!(
                "of {CELLS} flags that may be open at once, {count} are not left; close some engines"
            );
            Error::new(ErrorKind::InvalidArgument, why)
        };
        let power = count.next_power_of_two().trailing_zeros() as usize;
        let (power, first, last) = match self.free.get_mut(power).ok_or_else(why)?.pop() {
            Some((first, last)) => (power, first, last),
            None if CELLS - self.next >= 1 << power => {
                self.next += 1 << power;
                (power, self.next - (1 << power), 0)
            }
            // All have been used: a row that is longer than it need be.
            None => {
                let longer = power + 1..POWERS;
                let found = longer.into_iter().find_map(|power| Some((power, self.free[power].pop()?)));
                let (power, (first, last)) = found.ok_or_else(why)?;
                (power, first, last)
            }
        };
        let (generation, mirrors) = (last + 1, MIRRORS.get(first..first + count).ok_or_else(why)?);
        let tag = Tag::new(generation).ok_or_else(why)?;
        Ok(Row { mirrors, first, power, generation, tag })
    }

    /// Takes a row back that is [clear](Row::clear); no handle of it is valid again.
    pub(super) fn give(&mut self, row: &Row) {
        // Where its tags are used up it stays away.
        if row.generation < Tag::LAST {
            self.free[row.power].push((row.first, row.generation));
        }
    }
}

impl Row {
    /// The handle of the flag at a place of the row.
    pub(super) fn handle(&self, place: usize) -> u64 {
        u64::from(self.tag.number()) << 32 | (self.first + place) as u64
    }

    /// Says whose the cells are; before the mirrors are lent.
    pub(super) fn own(&self, of: impl Fn(usize) -> u64) {
        for place in 0..self.mirrors.len() {
            // A reader that sees this in place of its own flag's sees that its tag is gone, which was cleared before.
            OWNERS[self.first + place].store(of(place), Ordering::Release);
        }
    }

    /// Makes every handle of the row stale. Nobody else writes to its mirrors any more.
    pub(super) fn clear(&self) {
        self.mirrors.iter().for_each(FlagMirror::clear);
    }
}

const fn number(flag: u64) -> u32 {
    (flag >> 32) as u32
}

fn mirror(flag: u64) -> Option<&'static FlagMirror> {
    MIRRORS.get(flag as u32 as usize)
}

/// The answer for a key of 9 to 16 bytes, where a threshold of at least `least` decides the flag: what nearly all calls
/// ask. `None`: the handle is no flag's, or [`answer`] can tell more. It cannot panic.
#[inline(always)]
pub(super) fn is_on_usual(flag: u64, least: u32, key: &[u8]) -> Option<bool> {
    MIRRORS.get(flag as u32 as usize)?.is_on_usual(number(flag), least, key)
}

/// The answer for any key, where the caller's default is `fallback`.
#[inline]
pub(super) fn answer(flag: u64, fallback: bool, key: &[u8]) -> Answer {
    mirror(flag).map_or(Answer::Stale, |mirror| mirror.answer(number(flag), fallback, key))
}

/// A flag's mirror and what it says; `None` where the handle is not one of an open engine's flags.
#[inline]
pub(super) fn terms(flag: u64) -> Option<(&'static FlagMirror, Terms)> {
    let mirror = mirror(flag)?;
    Some((mirror, mirror.terms(Tag::of(number(flag))?)?))
}

/// Whose flag it is: what [`Row::own`] was told.
#[inline]
pub(super) fn owner(flag: u64) -> Option<u64> {
    let owner = OWNERS.get(flag as u32 as usize)?.load(Ordering::Acquire);
    // A number without its highest bit is no tag, and that of a mirror that is lent to nobody.
    (number(flag) >> 31 == 1 && mirror(flag)?.is_lent(number(flag))).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_handed_on_under_new_tags() {
        let mut stock = Stock::new();
        let first = stock.take(3).unwrap();
        assert_eq!((first.mirrors.len(), first.power, stock.next), (3, 2, 4));
        stock.give(&first);
        assert_eq!(stock.take(5).unwrap().first, 4);
        let again = stock.take(4).unwrap();
        assert_eq!(again.first, first.first);
        assert!((0..3).all(|place| again.handle(place) != first.handle(place)));
        let empty = stock.take(0).unwrap();
        assert!(empty.mirrors.is_empty());
    }

    #[test]
    fn longer_rows_serve_when_all_are_used_and_then_there_are_none() {
        let mut stock = Stock::new();
        let rows: Vec<Row> = (0..CELLS / 4_096).map(|_| stock.take(4_096).unwrap()).collect();
        assert_eq!(stock.take(1).err().map(|error| error.kind()), Some(ErrorKind::InvalidArgument));
        stock.give(&rows[7]);
        let short = stock.take(1).unwrap();
        assert_eq!((short.first, short.mirrors.len()), (rows[7].first, 1));
        assert!(stock.take(1).is_err());
        stock.give(&short);
        assert_eq!(stock.take(4_096).unwrap().first, rows[7].first);
        assert!(stock.take(4_097).is_err());
    }

    #[test]
    fn row_whose_tags_are_used_up_stays_away() {
        let mut stock = Stock::new();
        stock.free[0].push((9, Tag::LAST - 1));
        let last = stock.take(1).unwrap();
        assert_eq!((last.first, last.generation), (9, Tag::LAST));
        stock.give(&last);
        assert_eq!(stock.take(1).unwrap().first, 0);
    }
}
