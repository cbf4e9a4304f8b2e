//! `cargo +nightly fuzz run protocol`: checks `pennyworth_tests::fuzz::protocol` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::protocol(bytes));
