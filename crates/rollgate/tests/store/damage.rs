//! Files that are not what they were.
