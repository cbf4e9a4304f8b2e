//! `cargo +nightly fuzz run ignore_file`: checks `pennyworth_tests::fuzz::ignore_file` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::ignore_file(bytes));
