//! `cargo +nightly fuzz run edits`: checks `pennyworth_tests::fuzz::edits` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::edits(bytes));
