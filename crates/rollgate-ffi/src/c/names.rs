//! Which flag's handle a name has, in memory that a stale handle may still read.
//!
//! A block holds a table, which is probed in a row: a name of up to 16 bytes with its length and its flag's handle. Of a
//! longer name it holds the beginning, and where the name lies in a second block. Everything is an atomic word and every index is
//! checked, so that a reader whose block has gone to another engine finds nothing or nonsense, and then sees that its
//! handle is stale.

use std::sync::atomic::{AtomicU64, Ordering};

use super::block::{Link, Pool};

/// Two names of the table that share a cache line. It has four times as many entries as names, so that nearly all names
/// lie in the line that their hash chooses.
#[repr(align(64))]
#[derive(Default)]
pub(super) struct Pair([Entry; 2]);

/// A name of the table.
#[derive(Default)]
struct Entry {
    /// The name, as [`halves`] has it; of a long one its first half there, and the word at which it begins in the other block.
    name: [AtomicU64; 2],
    len: AtomicU64,
    /// The flag's handle. Zero: empty.
    flag: AtomicU64,
}

/// Four words: what [`Link`] needs for its alignment.
#[repr(align(32))]
#[derive(Default)]
pub(super) struct Line([AtomicU64; 4]);

/// What is lent to an engine.
pub(super) struct Names {
    pub(super) table: &'static [Pair],
    pub(super) long: &'static [Line],
}

/// The pools of both.
pub(super) struct Pools {
    tables: Pool<Pair>,
    lines: Pool<Line>,
}

/// The longest name that an entry holds.
const SHORT: usize = 16;

impl Pools {
    pub(super) const fn new() -> Self {
        Self { tables: Pool::new(), lines: Pool::new() }
    }

    /// Takes blocks for names, each with its flag's handle.
    pub(super) fn take(&mut self, names: &[(&str, u64)]) -> Names {
        let long: usize = names.iter().map(|(name, _)| words(name.as_bytes()).count()).sum();
        let (table, long) = (self.tables.take(2 * names.len()), self.lines.take(long.div_ceil(4)));
        table.iter().flat_map(|pair| &pair.0).for_each(|entry| entry.flag.store(0, Ordering::Relaxed));
        let mut end = 0;
        for (name, flag) in names {
            let begin = end;
            for part in words(name.as_bytes()) {
                if let Some(word) = word(long, end) {
                    word.store(part, Ordering::Relaxed);
                }
                end += 1;
            }
            put(table, name.as_bytes(), begin, *flag);
        }
        Names { table, long }
    }

    pub(super) fn give(&mut self, names: &Names) {
        self.tables.give(names.table);
        self.lines.give(names.long);
    }
}

/// Puts a name into a table, which has room.
fn put(table: &[Pair], name: &[u8], begin: usize, flag: u64) {
    let parts = halves(name);
    let hash = hash(parts);
    let second = if name.len() > SHORT { begin as u64 } else { parts[1] };
    let is_free = |entry: &&Entry| entry.flag.load(Ordering::Relaxed) == 0;
    if let Some(entry) = entries(table, hash).find(is_free) {
        entry.name[0].store(parts[0], Ordering::Relaxed);
        entry.name[1].store(second, Ordering::Relaxed);
        entry.len.store(name.len() as u64, Ordering::Relaxed);
        entry.flag.store(flag, Ordering::Relaxed);
    }
}

/// All entries, in the order in which a name of a hash looks for its own.
fn entries(table: &[Pair], hash: u32) -> impl Iterator<Item = &Entry> {
    let (before, behind) = table.split_at(Link::place(table, hash).min(table.len()));
    behind.iter().chain(before).flat_map(|pair| &pair.0)
}

/// A name of 8 to 16 bytes that lies in the line where it is looked for first, which nearly all do; `None`: [`find`] can tell.
#[inline(always)]
pub(super) fn find_usual(table: &Link<Pair>, name: &[u8]) -> Option<u64> {
    if name.len() > SHORT {
        return None;
    }
    let parts = [u64::from_ne_bytes(*name.first_chunk()?), u64::from_ne_bytes(*name.last_chunk()?)];
    let [first, second] = &table.at(hash(parts))?.0;
    if is_same(first, parts, name.len()) {
        return Some(first.flag.load(Ordering::Relaxed));
    }
    is_same(second, parts, name.len()).then(|| second.flag.load(Ordering::Relaxed))
}

/// The handle of the flag with a name.
pub(super) fn find(table: &Link<Pair>, long: &Link<Line>, name: &[u8]) -> Option<u64> {
    let (table, parts) = (table.get(), halves(name));
    let mut at = Link::place(table, hash(parts));
    // In a block that has gone to another engine there may be no empty entry.
    for _ in 0..table.len() {
        for entry in &table.get(at)?.0 {
            let flag = entry.flag.load(Ordering::Relaxed);
            if flag == 0 {
                return None;
            }
            let is_found = if name.len() <= SHORT {
                is_same(entry, parts, name.len())
            } else {
                let begin = entry.name[1].load(Ordering::Relaxed);
                is_same(entry, [parts[0], begin], name.len()) && is_at(long.get(), begin, name)
            };
            if is_found {
                return Some(flag);
            }
        }
        at = (at + 1) & (table.len() - 1);
    }
    None
}

#[inline(always)]
fn is_same(entry: &Entry, parts: [u64; 2], len: usize) -> bool {
    let [first, last] = [0, 1].map(|part| entry.name[part].load(Ordering::Relaxed) ^ parts[part]);
    first | last | (entry.len.load(Ordering::Relaxed) ^ len as u64) == 0
}

/// Whether a long name lies at a word of its block.
fn is_at(long: &[Line], begin: u64, name: &[u8]) -> bool {
    let Ok(begin) = usize::try_from(begin) else { return false };
    words(name).enumerate().all(|(at, part)| {
        let known = begin.checked_add(at).and_then(|at| word(long, at));
        known.is_some_and(|word| word.load(Ordering::Relaxed) == part)
    })
}

fn word(lines: &[Line], at: usize) -> Option<&AtomicU64> {
    Some(&lines.get(at / 4)?.0[at % 4])
}

/// A long name as words, of which the last two may overlap; a short one has none.
#[inline]
fn words(name: &[u8]) -> impl Iterator<Item = u64> {
    let name = if name.len() > SHORT { name } else { &[] };
    name.as_chunks().0.iter().chain(name.last_chunk()).map(|part| u64::from_ne_bytes(*part))
}

/// A name as two words: its first and its last eight bytes, which may overlap. With its length they are no other name's of
/// up to 16 bytes.
#[inline(always)]
fn halves(name: &[u8]) -> [u64; 2] {
    match (name.first_chunk(), name.last_chunk()) {
        (Some(first), Some(last)) => [u64::from_ne_bytes(*first), u64::from_ne_bytes(*last)],
        _ => halves_of_few(name),
    }
}

/// As [`halves`], for a name of less than eight bytes: its halves of four or two bytes, or what there is of it.
fn halves_of_few(name: &[u8]) -> [u64; 2] {
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u32::from_ne_bytes(*first).into(), u32::from_ne_bytes(*last).into()];
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return [u16::from_ne_bytes(*first).into(), u16::from_ne_bytes(*last).into()];
    }
    [name.first().copied().unwrap_or_default().into(), 0]
}

/// One multiplication, whose upper half every byte has a part in (Fibonacci hashing). Names are those of a plan, which
/// its author chose and no stranger; those that meet are found a place later.
#[inline(always)]
fn hash([first, last]: [u64; 2]) -> u32 {
    ((first.rotate_left(23) ^ last).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks with names, behind links.
    fn linked(pools: &mut Pools, all: &[(&str, u64)]) -> (Names, Link<Pair>, Link<Line>) {
        let names = pools.take(all);
        let (table, long) = (Link::none(), Link::none());
        table.set(names.table);
        long.set(names.long);
        (names, table, long)
    }

    #[test]
    fn every_name_is_found_and_no_other() {
        let mut pools = Pools::new();
        let names: Vec<String> = (0..1_000)
            .map(|place: usize| format!("{}{place}", "N".repeat(place % 23)))
            .chain(["", "12345678", "123456789abcdef0", "123456789abcdef01"].map(str::to_owned))
            .collect();
        let all: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
        for _ in 0..2 {
            let (names, table, long) = linked(&mut pools, &all);
            for (name, flag) in &all {
                assert_eq!(find(&table, &long, name.as_bytes()), Some(*flag), "{name}");
                let usual = find_usual(&table, name.as_bytes());
                assert!(usual.is_none_or(|found| found == *flag), "{name}");
            }
            for other in [
                "x",
                "N",
                "1234567",
                "123456789abcdef",
                "123456789abcdef0\0",
                "\0",
                "NNNNNNNNNNNNNNNNNNNNNNNN",
            ] {
                assert_eq!(find(&table, &long, other.as_bytes()), None, "{other}");
                assert_eq!(find_usual(&table, other.as_bytes()), None, "{other}");
            }
            pools.give(&names);
        }
    }

    #[test]
    fn most_names_lie_where_they_are_looked_for_first() {
        let families: [fn(usize) -> String; 5] = [
            |place| format!("bench_flag_{place:04}"),
            |place| format!("FLAG_{place:04}"),
            |place| format!("{place:04}_flag"),
            |place| format!("f{:03}-variant-{}", place / 4, place % 4),
            |place| format!("team_{}_{}", char::from(b'a' + (place % 26) as u8), place * 7_919 % 10_007),
        ];
        for name in families {
            let names: Vec<String> = (0..1_000).map(name).collect();
            let all: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(1..).collect();
            let (_, table, _) = linked(&mut Pools::new(), &all);
            let found = all.iter().filter(|(name, _)| find_usual(&table, name.as_bytes()).is_some()).count();
            assert!(found >= 950, "{}: {found}", names[7]);
        }
    }

    #[test]
    fn block_of_others_is_read_without_harm() {
        let name = b"a name that is longer than sixteen bytes";
        for begin in [0, 31, 32, 1 << 40, u64::MAX] {
            let mut pools = Pools::new();
            let (names, table, long) = linked(&mut pools, &[]);
            // Every entry leads nowhere, and none is empty.
            for entry in names.table.iter().flat_map(|pair| &pair.0) {
                entry.name[0].store(halves(name)[0], Ordering::Relaxed);
                entry.name[1].store(begin, Ordering::Relaxed);
                entry.len.store(name.len() as u64, Ordering::Relaxed);
                entry.flag.store(7, Ordering::Relaxed);
            }
            assert_eq!(find(&table, &long, name), None);
            assert_eq!(find(&table, &Link::none(), name), None);
        }
        assert_eq!(find(&Link::none(), &Link::none(), name), None);
        assert_eq!(find_usual(&Link::none(), b"12345678"), None);
    }

    #[test]
    fn no_flags_have_no_names() {
        let (_, table, long) = linked(&mut Pools::new(), &[]);
        assert_eq!(find(&table, &long, b""), None);
    }
}
