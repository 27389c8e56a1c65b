//! Memory that is handed on, and never given back to the system: a stale handle may read it at any time.
//!
//! What it reads then is nonsense, but it is no crash: blocks never move, never shrink and never change their type. A
//! reader finds out by reading its slot's tag a second time. Closed engines' blocks go to the next engines, by size, so
//! that there is as much of it as was ever in use at once.

use std::sync::atomic::{AtomicPtr, Ordering};

/// Bits of a pointer that hold the size: blocks are aligned to 32 bytes.
const SIZE_BITS: usize = 31;

/// Blocks of two to some power elements.
pub(super) struct Pool<T: 'static> {
    /// Those that nobody has, by that power.
    free: [Vec<&'static [T]>; SIZE_BITS + 1],
}

impl<T: Default> Pool<T> {
    pub(super) const fn new() -> Self {
        Self { free: [const { Vec::new() }; SIZE_BITS + 1] }
    }

    /// A block of at least so many elements; what is in it is whatever the one before left.
    pub(super) fn take(&mut self, at_least: usize) -> &'static [T] {
        let size = at_least.next_power_of_two();
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
/// size.
pub(super) struct Link<T: 'static>(AtomicPtr<T>);

impl<T> Link<T> {
    const IS_ALIGNED: () = assert!(align_of::<T>() > SIZE_BITS, "the low bits of its address hold its size");

    pub(super) const fn none() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// Points at a block of a [`Pool`].
    pub(super) fn set(&self, block: &'static [T]) {
        const { Self::IS_ALIGNED };
        let size = block.len().trailing_zeros() as usize;
        self.0.store(block.as_ptr().cast_mut().map_addr(|address| address | size), Ordering::Release);
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
        unsafe { std::slice::from_raw_parts(block, 1 << (link.addr() & SIZE_BITS)) }
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
        assert!(link.get().is_empty());
        for size in [1, 2, 1_000] {
            let block = pool.take(size);
            link.set(block);
            assert!(std::ptr::eq(link.get(), block));
        }
    }
}
