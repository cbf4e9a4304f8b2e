//! Opens reports as documents, for editors without another way to show them, and gives the paths of files that a user may want to open.
//! It leaves the text of reports to `reports`.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{MessageType, ShowDocumentParams};

use super::scratch::Scratch;
use crate::settings::Configuration;
use crate::wire::{convert, messages};
use crate::{logging, paths};

/// The files of this server.
pub struct Texts {
    /// The configuration to read instead of the user's own.
    pub(super) config: Option<PathBuf>,
    pub(super) ledger: Option<PathBuf>,
    scratch: OnceLock<Scratch>,
}

impl Texts {
    /// The files of a server that was started with this configuration and this ledger.
    pub fn new(config: Option<PathBuf>, ledger: Option<PathBuf>) -> Texts {
        Texts { config, ledger, scratch: OnceLock::new() }
    }

    /// The paths of configuration, log and ledger; the configuration need not exist yet.
    pub(super) fn files(&self, configuration: &Configuration) -> Value {
        let config = self.config.clone().or_else(paths::config_path);
        let has_log = configuration.settings().log.file;
        let log = has_log.then(|| logging::newest(paths::state_dir().as_deref())).flatten();
        json!({ "config": config, "log": log, "ledger": self.ledger })
    }

    /// Opens a text as a document in the editor.
    pub(super) async fn show(&self, client: &Client, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.scratch()?.write(name, text)?;
        let uri = convert::uri(&path).ok_or_else(|| anyhow::anyhow!("{} has no URI", path.display()))?;
        let shown = ShowDocumentParams { uri, external: None, take_focus: Some(true), selection: None };
        if !client.show_document(shown).await.is_ok_and(|is_shown| is_shown) {
            // What was paid for is not lost in a client that opens no documents.
            messages::show(client, MessageType::Info, format!("Pennyworth: {}\n{text}", path.display()));
        }
        Ok(())
    }

    fn scratch(&self) -> std::io::Result<&Scratch> {
        if let Some(scratch) = self.scratch.get() {
            return Ok(scratch);
        }
        // If two are made at once, one is removed again.
        let scratch = Scratch::new(self.ledger.as_deref())?;
        Ok(self.scratch.get_or_init(|| scratch))
    }
}
