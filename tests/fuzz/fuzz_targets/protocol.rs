//! `cargo +nightly fuzz run protocol`: what `pennyworth_tests::fuzz::protocol` says of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::protocol(bytes));
