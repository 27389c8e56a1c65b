//! Buckets: the hash behind every split, for joins outside of the process.

use std::ffi::c_char;

use rollgate::core::bucket::{ROLLOUT, VARIANT, bucket, seed};

use super::error::Status;
use super::guard::status;
use super::text::{bytes, out, text};

/// The bucket of a key under a salt, of 2^32: hash version 1, which never changes. A subject is on at a share where its
/// bucket is below `share * 2^32`. `variant_bucket` chooses among variants, independently.
///
/// # Safety
/// `salt` points to `salt_len` readable bytes and `key` to `key_len`, or NULL with 0; both buckets are writable.
///
/// Ownership: borrows both. Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rollgate_bucket(
    salt: *const c_char,
    salt_len: usize,
    key: *const c_char,
    key_len: usize,
    rollout_bucket: *mut u32,
    variant_bucket: *mut u32,
) -> Status {
    status("rollgate_bucket", || {
        let (rollout, variant) =
            (out("rollout_bucket", rollout_bucket)?, out("variant_bucket", variant_bucket)?);
        // SAFETY: the caller's promises.
        let (salt, key) = unsafe { (text("salt", salt, salt_len)?, bytes("key", key, key_len)?) };
        // SAFETY: no null, and the caller's promise.
        unsafe {
            rollout.write(bucket(seed(ROLLOUT, salt), key));
            variant.write(bucket(seed(VARIANT, salt), key));
        }
        Ok(())
    })
}
