//! The fuzz target `rules`; what it does stands in `tests/src/fuzzed/rules.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollgate_tests::fuzzed::rules(bytes));
