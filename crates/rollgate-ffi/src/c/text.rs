//! What comes in as `(ptr, len)` or NUL-terminated, and what goes out through buffers and pointers.

use std::ffi::{CStr, c_char};

use rollgate::core::error::{Error, ErrorKind};

fn invalid(what: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format_args!("{what}: {why}"))
}

/// The bytes at a pointer; `None` where it is NULL with a length, or the length cannot be one.
///
/// # Safety
/// `ptr` points to `len` readable bytes that nobody writes during the call, or is NULL.
#[inline]
pub(super) unsafe fn try_bytes<'a>(ptr: *const c_char, len: usize) -> Option<&'a [u8]> {
    if len == 0 {
        return Some(&[]);
    }
    if ptr.is_null() || len > isize::MAX as usize {
        return None;
    }
    // SAFETY: the caller's promise, and no null, and a length that a slice may have.
    Some(unsafe { std::slice::from_raw_parts(ptr.cast(), len) })
}

/// As [`try_bytes`], with an error that names the argument.
///
/// # Safety
/// As [`try_bytes`].
pub(super) unsafe fn bytes<'a>(what: &str, ptr: *const c_char, len: usize) -> Result<&'a [u8], Error> {
    // SAFETY: the caller's promise.
    unsafe { try_bytes(ptr, len) }
        .ok_or_else(|| invalid(what, "is NULL with a length, or longer than memory"))
}

/// Text of a length.
///
/// # Safety
/// As [`try_bytes`].
pub(super) unsafe fn text<'a>(what: &str, ptr: *const c_char, len: usize) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(what, ptr, len) }?;
    std::str::from_utf8(bytes).map_err(|error| invalid(what, &format!("is no UTF-8: {error}")))
}

/// The bytes before a NUL; `None` for NULL.
///
/// # Safety
/// `ptr` is a NUL-terminated string that nobody writes during the call, or NULL.
#[inline]
pub(super) unsafe fn try_until_nul<'a>(ptr: *const c_char) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise, and no null.
    (!ptr.is_null()).then(|| unsafe { CStr::from_ptr(ptr) }.to_bytes())
}

/// Text before a NUL; `None` for NULL.
///
/// # Safety
/// As [`try_until_nul`].
pub(super) unsafe fn try_text_until_nul<'a>(
    what: &str,
    ptr: *const c_char,
) -> Result<Option<&'a str>, Error> {
    // SAFETY: the caller's promise.
    let Some(bytes) = (unsafe { try_until_nul(ptr) }) else { return Ok(None) };
    std::str::from_utf8(bytes).map(Some).map_err(|error| invalid(what, &format!("is no UTF-8: {error}")))
}

/// Text before a NUL.
///
/// # Safety
/// As [`try_until_nul`].
pub(super) unsafe fn text_until_nul<'a>(what: &str, ptr: *const c_char) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    unsafe { try_text_until_nul(what, ptr) }?.ok_or_else(|| invalid(what, "is NULL"))
}

/// Refuses a NULL where a result is to be written, before anything is done.
pub(super) fn out<T>(what: &str, ptr: *mut T) -> Result<*mut T, Error> {
    if ptr.is_null() { Err(invalid(what, "is NULL")) } else { Ok(ptr) }
}

/// Writes text with its NUL as far as it fits, cut between characters; gives its whole length.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL.
pub(super) unsafe fn copy_text(text: &str, buf: *mut c_char, capacity: usize) -> usize {
    if let Some(room) = capacity.checked_sub(1).filter(|_| !buf.is_null()) {
        let fits = (0..=room.min(text.len())).rev().find_map(|end| text.get(..end)).unwrap_or_default();
        // SAFETY: `fits` and the NUL have at most `capacity` bytes.
        unsafe {
            std::ptr::copy_nonoverlapping(fits.as_ptr().cast(), buf, fits.len());
            *buf.add(fits.len()) = 0;
        }
    }
    text.len()
}

/// Fills a buffer whole or not at all. The length is written either way, so that the caller can come again with enough.
///
/// # Errors
/// [`ErrorKind::BufferTooSmall`] where the text and its NUL do not fit, [`ErrorKind::InvalidArgument`] without `len`.
///
/// # Safety
/// `buf` points to `capacity` writable bytes, or is NULL; `len` is writable, or NULL.
pub(super) unsafe fn fill(
    text: &str,
    buf: *mut c_char,
    capacity: usize,
    len: *mut usize,
) -> Result<(), Error> {
    let len = out("len", len)?;
    // SAFETY: no null, and the caller's promise.
    unsafe { len.write(text.len()) };
    if buf.is_null() || capacity <= text.len() {
        return Err(Error::new(
            ErrorKind::BufferTooSmall,
            format_args!("the buffer has {capacity} bytes, the text and its NUL need {}", text.len() + 1),
        ));
    }
    // SAFETY: it fits.
    unsafe { copy_text(text, buf, capacity) };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_ends_in_a_nul() {
        let mut buf = [b'#' as c_char; 8];
        for (capacity, kept) in [(1, ""), (2, "a"), (3, "a"), (4, "aé"), (8, "aéb")] {
            // SAFETY: the buffer has eight bytes.
            let len = unsafe { copy_text("aéb", buf.as_mut_ptr(), capacity) };
            // SAFETY: it was just terminated.
            let read = unsafe { CStr::from_ptr(buf.as_ptr()) };
            assert_eq!((len, read.to_str().unwrap()), (4, kept));
        }
        // SAFETY: nothing is written without a buffer or without room.
        let lens =
            unsafe { (copy_text("ab", std::ptr::null_mut(), 9), copy_text("ab", buf.as_mut_ptr(), 0)) };
        assert_eq!(lens, (2, 2));
    }
}
