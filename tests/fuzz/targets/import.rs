//! The fuzz target `import`; what it does stands in `tests/src/fuzzed/import.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rollgate_tests::fuzzed::import_file(bytes));
