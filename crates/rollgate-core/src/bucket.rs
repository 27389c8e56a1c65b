//! Salt, key, hash, bucket.
