//! Keeps the library in the process.
//!
//! Node unloads an addon when the last thread that loaded it ends. Threads of ours may outlive that by an evaluation, and
//! the runtime's own thread-locals end after it.

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

const RTLD_LAZY: c_int = 1;

#[repr(C)]
struct Found {
    file: *const c_char,
    base: *mut c_void,
    symbol: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, found: *mut Found) -> c_int;
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
}

/// Opens this library once more, and never closes it.
pub(super) fn pin() {
    static HERE: u8 = 0;
    let mut found = MaybeUninit::<Found>::uninit();
    // SAFETY: the address is of this library; `found` has room for the answer, which is read only where there is one. The
    // file's name is the loader's own and stays. A file that cannot be opened again changes nothing.
    unsafe {
        if dladdr((&raw const HERE).cast(), found.as_mut_ptr()) != 0 {
            let file = found.assume_init().file;
            if !file.is_null() {
                dlopen(file, RTLD_LAZY);
            }
        }
    }
}
