//! `cargo +nightly fuzz run stream`: what `pennyworth_tests::fuzz::stream` says of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::stream(bytes));
