//! `cargo +nightly fuzz run edits`: what `pennyworth_tests::fuzz::edits` says of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::edits(bytes));
