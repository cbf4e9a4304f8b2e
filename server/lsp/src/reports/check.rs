//! Tests what a server needs at its start, in the order in which it would fail: settings, models, grammars, folders to write to.
//! It leaves the rules for settings to `settings`. Only `--online` contacts providers; a proxy before a provider is always asked whether it
//! connects. Code and keys are never sent to test anything but a provider.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use pennyworth_core::models::Model;
use pennyworth_core::syntax;
use pennyworth_providers::{Client, Kind, ProviderError, Proxy, ProxyFault};

use crate::learn::read_rules;
use crate::ledger::{Ledger, NO_TELEMETRY};
use crate::models::discover::{self, Discovered};
use crate::models::keys::{KeyError, Keys};
use crate::paths;
use crate::settings::{Closed, Configuration, Notice, Settings, Severity};

/// What to test.
#[derive(Debug)]
pub struct Check {
    /// The workspace whose `.pennyworth.toml` is tested too.
    pub workspace: PathBuf,
    /// Whether to ask each model's server if it serves the model and accepts the key.
    pub online: bool,
}

/// Counts of the findings.
#[derive(Default)]
struct Findings {
    errors: usize,
    warnings: usize,
}

/// Tests the configuration as the server reads it. Returns the report and whether all is well. It blocks: not for the task that serves.
pub fn checked((config, ledger): (Option<&Path>, Option<&Path>), workspace: PathBuf) -> anyhow::Result<(String, bool)> {
    let mut out = Vec::new();
    let code = Check { workspace, online: false }.run((config, ledger), &mut out)?;
    Ok((String::from_utf8_lossy(&out).into_owned(), code == ExitCode::SUCCESS))
}

impl Check {
    /// Tests what a server needs at its start, and prints the findings.
    pub fn run(
        &self,
        (config, ledger): (Option<&Path>, Option<&Path>),
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (settings, notices, here) = runtime.block_on(discover::gather(config));
        self.report(config, (settings, &notices), (&here, ledger), out)
    }

    /// Tests settings, with the models found on this machine and the ledger.
    fn report(
        &self,
        config: Option<&Path>,
        (settings, notices): (Settings, &[Notice]),
        (here, ledger): (&Discovered, Option<&Path>),
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let mut found = Findings::default();
        let settings = self.settings(config, (settings, notices), &mut found, out)?;
        self.models(&settings, &mut found, out)?;
        for left_out in &here.left_out {
            writeln!(out, "  {left_out}")?;
        }
        grammars(&mut found, out)?;
        places(&mut found, out)?;
        let may_cost = settings.models().enabled().any(|model| !model.is_free());
        books(may_cost, ledger, &mut found, out)?;
        match (found.errors, found.warnings) {
            (0, 0) => writeln!(out, "all is well")?,
            (errors, warnings) => writeln!(out, "errors: {errors}, warnings: {warnings}")?,
        }
        Ok(ExitCode::from(u8::from(found.errors > 0)))
    }

    fn settings(
        &self,
        config: Option<&Path>,
        (settings, notices): (Settings, &[Notice]),
        found: &mut Findings,
        out: &mut impl Write,
    ) -> anyhow::Result<Settings> {
        // As for a document there: the files of all folders above hold, too.
        let workspace = std::path::absolute(&self.workspace)?;
        let (configuration, _) = Configuration::new(0, settings, std::slice::from_ref(&workspace));
        let settings = Settings::clone(&configuration.settings_in(&workspace));
        read_rules(&configuration);
        let more = configuration.found_notices();
        let default = paths::config_path();
        match config.or(default.as_deref()) {
            Some(path) if path.exists() => writeln!(out, "settings: {}", path.display())?,
            Some(path) => {
                let named = config.map_or_else(String::new, |path| format!(" --config {}", path.display()));
                writeln!(out, "settings: defaults; `pennyworth init{named}` writes {}", path.display())?;
            }
            None => writeln!(out, "settings: defaults; no home directory for a configuration")?,
        }
        for notice in notices.iter().chain(&more) {
            found.notice(notice, out)?;
        }
        if let (Some(_), Some(missing)) = (&settings.telemetry.endpoint, NO_TELEMETRY) {
            found.warning(missing, out)?;
        }
        Ok(settings)
    }

    fn models(&self, settings: &Settings, found: &mut Findings, out: &mut impl Write) -> anyhow::Result<()> {
        let models = settings.models();
        let count = models.enabled().count();
        let switched_on = match settings.embedded.enabled {
            true => format!("embedded, {count} more switched on"),
            false => format!("{count} switched on, the embedded one off"),
        };
        writeln!(out, "models: {switched_on}, {} known", models.all().count())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for model in models.enabled() {
            let name = &model.name;
            match runtime.block_on(self.probe(model)) {
                Ok(state) => {
                    let code = if model.code_stays_here() { "code stays here" } else { "code leaves this machine" };
                    writeln!(out, "  {name}: {}, {code}, {state}", model.address())?;
                }
                // Without a network, the rest of the configuration may still be right.
                Err(Fault::Proxy(fault @ ProxyFault::Unreachable(_))) if !self.online => {
                    found.warning(&format!("model.{name}: {fault}"), out)?;
                }
                Err(fault) => found.error(&format!("model.{name}: {fault}"), out)?,
            }
        }
        Ok(())
    }

    async fn probe(&self, model: &Model) -> Result<String, Fault> {
        // A server on this machine is asked without the key that its row names, and refuses.
        let key = Keys::default().named(model).await?;
        let client = Client::new().map_err(Fault::Client)?;
        let elsewhere = |error| Fault::Provider { address: model.address(), error };
        if let Err(error) = client.runs_here(model).await
            && matches!(error.kind, Kind::Elsewhere | Kind::Unplaced)
        {
            return Err(elsewhere(error));
        }
        let proxy = Proxy::of(model);
        if let Some(proxy) = &proxy {
            proxy.check().await?;
        }
        let through = proxy.map_or_else(String::new, |proxy| format!(", through the proxy {proxy}"));
        if !self.online {
            let key = if key.is_some() { "with a key" } else { "without a key" };
            return Ok(format!("{key}{through}"));
        }
        client.probe(model, key.as_ref()).await.map_err(elsewhere)?;
        Ok(format!("answers{through}"))
    }
}

/// What keeps a model from being asked.
#[derive(Debug, thiserror::Error)]
enum Fault {
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The proxy does not connect.
    #[error(transparent)]
    Proxy(#[from] ProxyFault),
    /// The system allows no connections.
    #[error("{0}")]
    Client(ProviderError),
    /// The provider does not serve it.
    #[error("{address} does not serve it: {error}")]
    Provider {
        /// Its address.
        address: String,
        /// Why not.
        error: ProviderError,
    },
}

impl Findings {
    fn notice(&mut self, notice: &Notice, out: &mut impl Write) -> anyhow::Result<()> {
        match notice.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        writeln!(out, "  {}: {notice}", notice.severity)?;
        if notice.holds.closed() > Closed::No {
            writeln!(out, "    {}", notice.holds)?;
        }
        Ok(())
    }

    fn error(&mut self, message: &str, out: &mut impl Write) -> anyhow::Result<()> {
        self.errors += 1;
        Ok(writeln!(out, "  {}: {message}", Severity::Error)?)
    }

    fn warning(&mut self, message: &str, out: &mut impl Write) -> anyhow::Result<()> {
        self.warnings += 1;
        Ok(writeln!(out, "  {}: {message}", Severity::Warning)?)
    }
}

/// Tests that every grammar loads and its queries compile.
fn grammars(found: &mut Findings, out: &mut impl Write) -> anyhow::Result<()> {
    let languages = pennyworth_grammars::all();
    writeln!(out, "grammars: {} languages", languages.len())?;
    for fault in languages.iter().flat_map(syntax::faults) {
        found.error(&format!("grammars/{fault}"), out)?;
    }
    Ok(())
}

/// Tests the state directory. The server works without one, but the user should know what is missing.
fn places(found: &mut Findings, out: &mut impl Write) -> anyhow::Result<()> {
    match paths::state_dir() {
        None => found.warning("no home directory: no log file", out),
        Some(path) => match writable(&path) {
            Ok(()) => Ok(writeln!(out, "state: {}", path.display())?),
            Err(error) => found.warning(&format!("{}: no log file: {error}", path.display()), out),
        },
    }
}

/// Tests the ledger. Without it no model that costs money is asked: an error if the user named one.
fn books(may_cost: bool, path: Option<&Path>, found: &mut Findings, out: &mut impl Write) -> anyhow::Result<()> {
    let (ledger, notice) = Ledger::open(path);
    match (ledger.trouble(), notice, path) {
        (Some(trouble), ..) if may_cost => found.error(&trouble.to_string(), out),
        (Some(trouble), ..) => found.warning(&trouble.to_string(), out),
        (None, Some(notice), _) => found.warning(&notice, out),
        (None, None, Some(path)) => Ok(writeln!(out, "ledger: {}", path.display())?),
        (None, None, None) => Ok(()),
    }
}

/// Whether a file can be created in a folder. It is removed again.
fn writable(folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!(".writable-{}", std::process::id()));
    std::fs::write(&path, [])?;
    std::fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn check(config: &str, workspace: &str) -> (bool, String) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        fs::write(&path, config).unwrap();
        fs::create_dir(place.path().join("sub")).unwrap();
        // What stands behind a line of its own is the file of a folder below.
        let (workspace, below) = workspace.split_once("\n--\n").unwrap_or((workspace, ""));
        fs::write(place.path().join(".pennyworth.toml"), workspace).unwrap();
        fs::write(place.path().join("sub/.pennyworth.toml"), below).unwrap();
        let mut out = Vec::new();
        let check = Check { workspace: place.path().to_owned(), online: false };
        // Model servers and the ledger of the machine that runs this test are ignored.
        let (settings, notices) = Settings::gather(Some(&path), &[]);
        let (here, ledger) = (Discovered::default(), place.path().join("ledger.sqlite"));
        let code = check.report(Some(&path), (settings, &notices), (&here, Some(&ledger)), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap().replace(&place.path().display().to_string(), "HERE");
        (code == ExitCode::SUCCESS, text)
    }

    #[test]
    fn findings_are_printed_with_their_place_and_only_errors_fail() {
        let model = "[model.m]\nprotocol = \"openai\"\nbase_url = \"http://localhost:1/v1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n";
        for (config, workspace, is_well, expected) in [
            ("", "", true, "settings: HERE/config.toml\nmodels: embedded, 0 more switched on"),
            (
                "debounce = 5",
                "",
                false,
                "  error: HERE/config.toml:1: debounce: unknown key; did you mean `debounce_ms`?\n    until it is mended, only models on this machine",
            ),
            ("\nenabled = 5", "", false, "  error: HERE/config.toml:2: enabled: is 5"),
            ("", "enabled = no", false, "    until it is mended, only the embedded model answers in HERE\n"),
            ("", "cap_usd_per_day = 99", false, "  error: HERE/.pennyworth.toml:1: cap_usd_per_day: is refused"),
            ("", "\n--\nenabled = no", false, "only the embedded model answers in HERE/sub\n"),
            ("embedded.enabled = false", "", true, "models: 0 switched on, the embedded one off, "),
            (model, "", true, "  m: http://localhost:1/v1, code stays here, without a key\n"),
            (
                &model.replace("localhost", "me:pw@localhost"),
                "",
                false,
                "model.m.tier: is `local`, but http://localhost:1/v1 is not this machine",
            ),
            (
                &model.replace("\"local\"", "\"cheap\"\nprice = { input = 1, output = 1, as_of = \"2026-11-25\" }"),
                "",
                true,
                "  m: http://localhost:1/v1, code leaves this machine, without a key\n",
            ),
            (
                &format!("{model}api_key_env = \"PENNYWORTH_NO_SUCH_KEY\""),
                "",
                false,
                "  error: model.m: the environment variable PENNYWORTH_NO_SUCH_KEY is not set\n",
            ),
            (&format!("{model}api_key_env = \"\""), "", true, "code stays here, without a key\n"),
            (
                &format!("{model}api_key_cmd = \"exit 3\""),
                "",
                false,
                "  error: model.m: `api_key_cmd` ended with exit ",
            ),
        ] {
            let (was_well, text) = check(config, workspace);
            assert!(text.contains(expected), "{config}:\n{text}");
            assert_eq!(was_well, is_well, "{text}");
        }
    }

    #[test]
    fn a_named_file_that_is_not_there_is_named_in_the_advice() {
        let place = tempfile::tempdir().unwrap();
        let (path, mut out) = (place.path().join("none.toml"), Vec::new());
        let check = Check { workspace: place.path().to_owned(), online: false };
        let (settings, notices) = Settings::gather(Some(&path), &[]);
        check.report(Some(&path), (settings, &notices), (&Discovered::default(), None), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains(&format!("`pennyworth init --config {}`", path.display())), "{text}");
    }

    #[test]
    fn a_collector_that_this_build_cannot_send_to_is_a_warning() {
        let (is_well, text) = check("[telemetry]\nendpoint = \"http://localhost:4318\"\n", "");
        assert!(is_well, "{text}");
        assert_eq!(text.contains("built without telemetry"), NO_TELEMETRY.is_some(), "{text}");
    }
}
