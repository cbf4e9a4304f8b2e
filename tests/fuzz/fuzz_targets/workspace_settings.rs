//! `cargo +nightly fuzz run workspace_settings`: checks `pennyworth_tests::fuzz::workspace_settings` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::workspace_settings(bytes));
