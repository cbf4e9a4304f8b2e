//! `cargo +nightly fuzz run grammars`: checks `pennyworth_tests::fuzz::grammars` with any bytes. On stable, `grammar-fuzz` does.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::grammars(bytes));
