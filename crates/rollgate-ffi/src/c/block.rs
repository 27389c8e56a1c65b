//! Memory that is handed on, and never given back to the system: a stale handle may read it at any time.
//!
//! What it reads then is nonsense, but it is no crash: blocks never move, never shrink and never change their type. A
//! reader finds out by reading its slot's tag afterwards. Closed engines' blocks go to the next engines, by size, so
//! that there is as much of it as was ever in use at once.

use std::sync::atomic::{AtomicPtr, Ordering};

/// Bits of a pointer that hold the size: blocks are aligned to 32 bytes.
const SIZE_BITS: usize = 31;
/// Bits of the hashes that elements are found by.
const HASH_BITS: usize = 32;

/// Blocks of two to some power elements.
pub(super) struct Pool<T: 'static> {
    /// Those that nobody has, by that power.
    free: [Vec<&'static [T]>; SIZE_BITS + 1],
}

impl<T: Default> Pool<T> {
    pub(super) const fn new() -> Self {
        Self { free: [const { Vec::new() }; SIZE_BITS + 1] }
    }

    /// A block of at least so many elements, and of two; what is in it is whatever the one before left.
    pub(super) fn take(&mut self, at_least: usize) -> &'static [T] {
        let size = at_least.max(2).next_power_of_two();
        let free = self.free.get_mut(size.trailing_zeros() as usize);
        free.and_then(Vec::pop).unwrap_or_else(|| Vec::leak((0..size).map(|_| T::default()).collect()))
    }

    pub(super) fn give(&mut self, block: &'static [T]) {
        if let Some(free) = self.free.get_mut(block.len().trailing_zeros() as usize) {
            free.push(block);
        }
    }
}

/// Where a slot's block is. Address and size are one word, so that no reader gets one block's address with another's
/// size. The size, two to some power, is there as what shifts a hash down to a place: 32 less that power.
pub(super) struct Link<T: 'static>(AtomicPtr<T>);

impl<T> Link<T> {
    const IS_ALIGNED: () = assert!(align_of::<T>() > SIZE_BITS, "the low bits of its address hold its size");

    pub(super) const fn none() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Points at a block of a [`Pool`].
    pub(super) fn set(&self, block: &'static [T]) {
        const { Self::IS_ALIGNED };
        // A block has two elements at least, so this is 31 at most.
        let shift = HASH_BITS - block.len().trailing_zeros() as usize;
        self.0.store(block.as_ptr().cast_mut().map_addr(|address| address | shift), Ordering::Release);
    }

    /// The block; empty before the first one.
    #[inline(always)]
    pub(super) fn get(&self) -> &'static [T] {
        let link = self.0.load(Ordering::Acquire);
        let block = link.map_addr(|address| address & !SIZE_BITS);
        if block.is_null() {
            return &[];
        }
        // SAFETY: `set` stored the address of a leaked slice with its length; a pool never frees or shrinks one. `T` is
        // only shared: its elements are atomics, which readers and the writers of later engines may use at once.
        unsafe { std::slice::from_raw_parts(block, 1 << (HASH_BITS - (link.addr() & SIZE_BITS))) }
    }

    /// The element at the place of a hash: the upper bits of the hash choose it. `None` before the first
    /// block.
    #[inline(always)]
    pub(super) fn at(&self, hash: u32) -> Option<&'static T> {
        let link = self.0.load(Ordering::Acquire);
        let block = link.map_addr(|address| address & !SIZE_BITS);
        if block.is_null() {
            return None;
        }
        // The lowest five bits are what counts in a shift of 32 bits: no mask here, and no comparison below.
        let place = hash.wrapping_shr(link.addr() as u32) as usize;
        // SAFETY: as in `get`. The block has two to the power of 32 less the shift elements, and so many bits has `place`.
        Some(unsafe { &*block.add(place) })
    }

    /// The place that [`at`](Self::at) looks at. Before the first block there is none: any number, beyond its end.
    pub(super) fn place(block: &[T], hash: u32) -> usize {
        if block.is_empty() {
            return 0;
        }
        hash.wrapping_shr(32 - block.len().trailing_zeros()) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rollgate::mirror::FlagMirror;

    #[test]
    fn blocks_are_handed_on_by_size() {
        let mut pool: Pool<FlagMirror> = Pool::new();
        let first = pool.take(3);
        assert_eq!(first.len(), 4);
        pool.give(first);
        assert_eq!(pool.take(5).len(), 8);
        let again = pool.take(4);
        assert!(std::ptr::eq(first, again));
        assert!(!std::ptr::eq(first, pool.take(4)));
    }

    #[test]
    fn link_gives_what_was_set() {
        let mut pool: Pool<FlagMirror> = Pool::new();
        let link = Link::none();
        assert!(link.get().is_empty() && link.at(7).is_none());
        assert_eq!(Link::place(link.get(), u32::MAX), 0);
        for size in [1, 2, 1_000] {
            let block = pool.take(size);
            link.set(block);
            assert!(std::ptr::eq(link.get(), block));
            for hash in [0, 1, 1 << 31, u32::MAX] {
                let place = Link::place(block, hash);
                assert!(std::ptr::eq(link.at(hash).unwrap(), &block[place]));
            }
            assert_eq!(Link::place(block, u32::MAX), block.len() - 1);
        }
    }
}
