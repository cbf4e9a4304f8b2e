//! Models that cost money, at fake providers, for servers that are processes of their own: their configuration, their prices, and the cost of a
//! provider's bill. It leaves starting the servers to others.

use std::path::{Path, PathBuf};

use pennyworth_core::money::Money;

use crate::fake_provider::Bill;

/// Price of a token, in picodollars.
pub const INPUT: u64 = 100_000_000;
/// The same for output.
pub const OUTPUT: u64 = 1_000_000_000;

/// Writes a configuration with one model and this cap, in US dollars, into a folder. `more` comes first.
pub fn configure(folder: &Path, base_url: &str, cap: f64, more: &str) -> std::io::Result<PathBuf> {
    let path = folder.join("config.toml");
    let text = format!(
        "cap_usd_per_day = {cap}\ncap_usd_per_month = {cap}\ndiscover = false\n{more}\n\
         [embedded]\nenabled = false\nindex = false\nmemory_mb = 1\n[log]\nlevel = \"off\"\nfile = false\n{}",
        row("fake", base_url)
    );
    std::fs::write(&path, text)?;
    Ok(path)
}

/// The table of a model with this name.
pub fn row(name: &str, base_url: &str) -> String {
    let (input, output) = (INPUT / 1_000_000, OUTPUT / 1_000_000);
    format!(
        "[model.{name}]\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\n\
         stop_limit = 4\nchars_per_token = 4.0\nabort_billed = \"no\"\n\
         price = {{ input = {input}, cached = {input}, output = {output}, as_of = \"2026-11-25\" }}\n"
    )
}

/// Where a server with this home keeps its ledger.
pub fn ledger(home: &Path) -> PathBuf {
    home.join(".local/state/pennyworth/ledger.sqlite")
}

/// The cost of a bill.
pub fn cost(bill: Bill) -> Money {
    Money::from_pico(INPUT as i64).times(bill.input) + Money::from_pico(OUTPUT as i64).times(bill.output)
}
