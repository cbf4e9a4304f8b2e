//! `pennyworth check`: tests what a server would start with, in the order in which it would fail: settings, models, grammars, places to write.
//! It leaves what a setting may be to `settings`; only `--online` asks anybody elsewhere, and code is never sent.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use pennyworth_core::models::Model;
use pennyworth_core::syntax;
use pennyworth_providers::Client;

use crate::discover;
use crate::keys::Keys;
use crate::paths;
use crate::settings::{Notice, Settings, Severity};

/// `pennyworth check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The workspace whose `.pennyworth.toml` is tested as well
    #[arg(default_value = ".")]
    workspace: PathBuf,
    /// Ask the models' servers whether they are there and take the key
    #[arg(long)]
    online: bool,
}

/// Findings, counted.
#[derive(Default)]
struct Found {
    errors: usize,
    warnings: usize,
}

/// The report of a test of the configuration as the server reads it, and whether all is well. Waits: not for the task that serves.
pub(crate) fn checked(config: Option<&Path>, workspace: PathBuf) -> anyhow::Result<(String, bool)> {
    let mut out = Vec::new();
    let code = Check { workspace, online: false }.run(config, &mut out)?;
    Ok((String::from_utf8_lossy(&out).into_owned(), code == ExitCode::SUCCESS))
}

impl Check {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (settings, notices, here) = runtime.block_on(discover::gather(config));
        self.report(config, (settings, &notices), &here, out)
    }

    /// Tests settings, with what was found on this machine.
    fn report(
        &self,
        config: Option<&Path>,
        (settings, notices): (Settings, &[Notice]),
        here: &discover::Found,
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let mut found = Found::default();
        let settings = self.settings(config, (settings, notices), &mut found, out)?;
        self.models(&settings, &mut found, out)?;
        for model in &here.left_out {
            writeln!(out, "  {model} is on this machine, and left out: nobody knows how it fills in the middle")?;
        }
        grammars(&mut found, out)?;
        places(&mut found, out)?;
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
        found: &mut Found,
        out: &mut impl Write,
    ) -> anyhow::Result<Settings> {
        let (settings, more) = settings.tightened_in(&self.workspace);
        let default = paths::config_path();
        match config.or(default.as_deref()) {
            Some(path) if path.exists() => writeln!(out, "settings: {}", path.display())?,
            Some(path) => writeln!(out, "settings: defaults; `pennyworth init` writes {}", path.display())?,
            None => writeln!(out, "settings: defaults; there is no home for a configuration here")?,
        }
        for notice in notices.iter().chain(&more) {
            found.notice(notice, out)?;
        }
        Ok(settings)
    }

    fn models(&self, settings: &Settings, found: &mut Found, out: &mut impl Write) -> anyhow::Result<()> {
        let models = settings.models();
        let count = models.enabled().count();
        let embedded = if settings.embedded.enabled { "the embedded one" } else { "no embedded one" };
        writeln!(out, "models: {embedded}, {count} more switched on, {} known", models.all().count())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for model in models.enabled() {
            match runtime.block_on(self.probe(model)) {
                Ok(state) => writeln!(out, "  {}: {}, {state}", model.name, model.base_url)?,
                Err(message) => found.error(&format!("model.{}: {message}", model.name), out)?,
            }
        }
        Ok(())
    }

    async fn probe(&self, model: &Model) -> Result<&'static str, String> {
        let key = Keys::default().of(model).await.map_err(|error| error.to_string())?;
        if !self.online {
            return Ok(if key.is_some() { "with a key" } else { "without a key" });
        }
        let client = Client::new().map_err(|error| error.to_string())?;
        client
            .probe(model, key.as_ref())
            .await
            .map_err(|error| format!("{} does not serve it: {error}", model.base_url))?;
        Ok("answers")
    }
}

impl Found {
    fn notice(&mut self, notice: &Notice, out: &mut impl Write) -> anyhow::Result<()> {
        match notice.severity {
            Severity::Error => self.errors += 1,
            Severity::Warning => self.warnings += 1,
        }
        Ok(writeln!(out, "  {}: {notice}", notice.severity)?)
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

/// Every grammar loads and its queries compile.
fn grammars(found: &mut Found, out: &mut impl Write) -> anyhow::Result<()> {
    let languages = pennyworth_grammars::all();
    writeln!(out, "grammars: {} languages", languages.len())?;
    for fault in languages.iter().flat_map(syntax::faults) {
        found.error(&format!("grammars/{fault}"), out)?;
    }
    Ok(())
}

/// Without a place the server goes on, but the user should know what is missing.
fn places(found: &mut Found, out: &mut impl Write) -> anyhow::Result<()> {
    match paths::state_dir() {
        None => found.warning("no state directory, because there is no home: no log file, and the ledger forgets", out),
        Some(path) => match writable(&path) {
            Ok(()) => Ok(writeln!(out, "state: {}", path.display())?),
            Err(error) => {
                found.warning(&format!("{}: no log file, and the ledger forgets: {error}", path.display()), out)
            }
        },
    }
}

/// Whether a file can be made in a folder; what is made is gone again.
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
        fs::write(place.path().join(".pennyworth.toml"), workspace).unwrap();
        let mut out = Vec::new();
        let check = Check { workspace: place.path().to_owned(), online: false };
        // What servers happen to run where this is tested is left aside.
        let (settings, notices) = Settings::gather(Some(&path), &[]);
        let here = discover::Found::default();
        let code = check.report(Some(&path), (settings, &notices), &here, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap().replace(&place.path().display().to_string(), "HERE");
        (code == ExitCode::SUCCESS, text)
    }

    #[test]
    fn findings_are_printed_with_their_place_and_only_errors_fail() {
        let model = "[model.m]\nprotocol = \"openai\"\nbase_url = \"http://localhost:1/v1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n";
        for (config, workspace, is_well, expected) in [
            ("", "", true, "settings: HERE/config.toml\nmodels: the embedded one, 0 more"),
            (
                "debounce = 5",
                "",
                true,
                "  warning: HERE/config.toml:1: debounce: unknown key; did you mean `debounce_ms`?\n",
            ),
            ("\nenabled = 5", "", false, "  error: HERE/config.toml:2: enabled: is 5"),
            ("", "cap_usd_per_day = 99", false, "  error: HERE/.pennyworth.toml:1: cap_usd_per_day: is refused"),
            (model, "", true, "  m: http://localhost:1/v1, without a key\n"),
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
}
