//! `cargo +nightly fuzz run editor_settings`: checks `pennyworth_tests::fuzz::editor_settings` with any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pennyworth_tests::fuzz::editor_settings(bytes));
