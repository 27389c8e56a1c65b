//! What scenario tests are told with: traces that read like stories, and journals that do too.
#![forbid(unsafe_code)]
