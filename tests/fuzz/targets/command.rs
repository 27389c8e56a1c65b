//! The fuzz target `command`; what it does stands in `tests/src/fuzzed/command.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollgate_tests::fuzzed::command(bytes));
