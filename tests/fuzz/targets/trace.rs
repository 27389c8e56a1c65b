//! The fuzz target `trace`; what it does stands in `tests/src/fuzzed/trace.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollgate_tests::fuzzed::trace(bytes));
