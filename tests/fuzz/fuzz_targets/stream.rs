//! `cargo +nightly fuzz run stream`: checks `pennyworth_tests::fuzz::stream` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::stream(bytes));
