//! Servers that are killed at random moments while they share a ledger. Afterwards every call that was sent has its row, and the cap held.
//! It leaves the number of kills to the test and the evaluation.

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use anyhow::Context as _;
use futures_util::future::join_all;
use pennyworth::ledger::Ledger;
use pennyworth_core::money::Money;
use serde_json::{Value, json};

use crate::editor::Editor;
use crate::fake_provider::{Answer, Bill, FakeProvider};
use crate::paid;
use crate::random::Random;

/// Servers that run at a time.
const SERVERS: usize = 3;
/// Latest moment of a kill after a request was sent.
const LATEST_MS: u64 = 60;

/// What is left after the kills.
#[derive(Debug)]
pub struct Left {
    /// The provider's bill.
    pub bill: Bill,
    /// Rows of the ledger, without those of calls that were never sent.
    pub rows: u64,
    /// What the ledger counts: spent, and reserved for the calls of killed servers.
    pub counted: Money,
    /// Requests that a cap refused, or that got nothing for another reason.
    pub silent: u64,
}

/// Kills one of three servers so many times, under a cap in US dollars.
pub async fn kill(binary: &Path, kills: u64, cap: f64, seed: u64) -> anyhow::Result<Left> {
    let (home, provider) = (tempfile::tempdir()?, FakeProvider::start().await?);
    let pace = Duration::from_millis(3);
    provider.always(Answer { pace, ..Answer::new(&["some", "_", "value"]) });
    let config = paid::configure(home.path(), &provider.base_url(), cap, "")?;
    let mut random = Random::new(seed);
    let place = Place { binary: binary.to_owned(), config, home: home.path().to_owned() };
    let mut servers = join_all((0..SERVERS).map(|_| place.start())).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let (mut documents, mut silent) = (0, 0);
    for _ in 0..kills {
        let victim = random.below(SERVERS as u64) as usize;
        let moment = Duration::from_millis(random.below(LATEST_MS));
        let asked = servers.iter_mut().enumerate().map(|(number, server)| {
            documents += 1;
            let name = format!("main_{documents}");
            async move {
                if number == victim {
                    // The others go on while it dies.
                    let _ = tokio::time::timeout(moment, server.shown_in(&name, 1)).await;
                    return true;
                }
                server.shown_in(&name, 1).await.is_some()
            }
        });
        silent += join_all(asked).await.into_iter().filter(|shown| !shown).count() as u64;
        let fresh = place.start().await?;
        let mut dead = std::mem::replace(servers.get_mut(victim).context("a server")?, fresh);
        dead.forgive();
        drop(dead);
    }
    for server in servers {
        anyhow::ensure!(server.shutdown().await == 0, "a server ended badly");
    }
    let (ledger, notice) = Ledger::open(Some(&paid::ledger(home.path())));
    anyhow::ensure!(notice.is_none(), "{}", notice.unwrap_or_default());
    let rows = ledger.report(UNIX_EPOCH).map_err(anyhow::Error::msg)?.total.calls;
    let spent = ledger.spent().await.context("the ledger counts")?;
    Ok(Left { bill: provider.bill(), rows, counted: spent.day + spent.reserved, silent })
}

impl Left {
    /// What must hold after any number of kills.
    pub fn check(&self, cap: f64) -> anyhow::Result<()> {
        let cost = paid::cost(self.bill);
        anyhow::ensure!(self.rows >= self.bill.calls, "a call that was sent has no row: {self:?}");
        anyhow::ensure!(self.counted >= cost.scaled(0.95), "{cost} were billed: {self:?}");
        anyhow::ensure!(self.counted <= Money::from_usd(cap), "the ledger counts more than the cap: {self:?}");
        anyhow::ensure!(cost <= Money::from_usd(cap), "the cap did not hold, {cost} were billed: {self:?}");
        Ok(())
    }
}

/// Where servers start.
struct Place {
    binary: PathBuf,
    config: PathBuf,
    home: PathBuf,
}

impl Place {
    async fn start(&self) -> anyhow::Result<Editor> {
        let (config, home) = (self.config.to_string_lossy(), self.home.to_string_lossy());
        let environment = [("HOME", &*home), ("TOKIO_WORKER_THREADS", "1")];
        let mut editor = Editor::spawn(&self.binary, &["--config", &config], &environment)?;
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        Ok(editor)
    }
}
