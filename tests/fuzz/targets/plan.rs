//! The fuzz target `plan`; what it does stands in `tests/src/fuzzed/plan.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollgate_tests::fuzzed::plan(bytes));
