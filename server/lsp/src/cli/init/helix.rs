//! `pennyworth init helix`: prints the lines that Helix's `languages.toml` needs, for the named languages or those of the files in this folder.
//! Other servers stay: those of the user's own file, else Helix's defaults (`tables/helix.toml`). It leaves writing the file to the user.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use etcetera::BaseStrategy as _;
use ignore::WalkBuilder;
use serde::Deserialize;
use toml::{Table, Value};

/// Helix's languages.
const TABLE: &str = include_str!("../../../tables/helix.toml");
/// Our name among Helix's servers.
const SERVER: &str = "pennyworth";
/// What Helix asks the first server alone for, and we would answer: the language's own server must be asked instead.
const THEIRS: [&str; 1] = ["code-action"];
/// Most files to look at for the languages used here.
const FILES: usize = 20_000;

/// `pennyworth init helix`.
#[derive(Debug, Args)]
pub(super) struct Helix {
    /// Languages by Helix's names; without any, those of the files in this folder
    languages: Vec<String>,
}

/// A language of Helix.
#[derive(Deserialize)]
struct HelixLanguage {
    /// Its folder under `grammars/`.
    language: String,
    /// The servers Helix starts by default.
    servers: Vec<String>,
}

impl Helix {
    pub(super) fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let path = languages_path();
        let own = path.as_deref().map(own_languages).transpose()?.unwrap_or_default();
        let named = if self.languages.is_empty() { here(Path::new("."))? } else { self.languages.clone() };
        let shown = path.map_or_else(|| "languages.toml".to_owned(), |path| path.display().to_string());
        out.write_all(fragment(&named, &own, &command(), &shown)?.as_bytes())?;
        Ok(())
    }
}

/// The lines for the file. `own` holds the servers that the file has now, by language.
fn fragment(named: &[String], own: &BTreeMap<String, Vec<Value>>, command: &str, path: &str) -> anyhow::Result<String> {
    let rows: BTreeMap<String, HelixLanguage> = toml::from_str(TABLE).context("tables/helix.toml")?;
    let mut text = format!(
        "# For {path}\n\n[language-server.{SERVER}]\ncommand = {}\n\n\
         # Helix shows the items of the last server on top, so Pennyworth's stand below those of the language's own server. Its actions are left out,\n\
         # because Helix asks the first server alone for the actions on save; without `except-features`, `Space a` lists them too.\n",
        Value::from(command)
    );
    for name in named {
        let Some(row) = rows.get(name) else {
            bail!(
                "no language `{name}`; known, by Helix's names: {}",
                rows.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
            );
        };
        let there = own.get(name);
        if there.is_some() {
            text += "# Replaces this language's `language-servers` in that file:\n";
        }
        let others = there.cloned().unwrap_or_else(|| row.servers.iter().cloned().map(Value::from).collect());
        let others = others.into_iter().filter(|one| !is_ours(one));
        let servers: Vec<Value> = std::iter::once(ours()).chain(others).collect();
        text += &format!(
            "[[language]]\nname = {}\nlanguage-servers = {}\n\n",
            Value::from(name.as_str()),
            Value::Array(servers)
        );
    }
    Ok(text.trim_end().to_owned() + "\n")
}

/// Our server as an entry of `language-servers`.
fn ours() -> Value {
    let theirs = Value::Array(THEIRS.map(Value::from).to_vec());
    Value::Table(
        [("name".to_owned(), Value::from(SERVER)), ("except-features".to_owned(), theirs)].into_iter().collect(),
    )
}

/// A server is written as its name, or as a table with a name and features.
fn is_ours(server: &Value) -> bool {
    server.as_str().or_else(|| server.get("name")?.as_str()) == Some(SERVER)
}

/// The file from which Helix reads the user's languages.
fn languages_path() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("helix/languages.toml"))
}

/// The servers of each language for which the user's file lists any; empty without a file.
fn own_languages(path: &Path) -> anyhow::Result<BTreeMap<String, Vec<Value>>> {
    let source = match fs::read_to_string(path) {
        Ok(source) => source,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let table: Table = toml::from_str(&source).with_context(|| format!("{} is not TOML", path.display()))?;
    let languages = table.get("language").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let servers = |language: &Value| {
        let name = language.get("name")?.as_str()?.to_owned();
        Some((name, language.get("language-servers")?.as_array()?.clone()))
    };
    Ok(languages.iter().filter_map(servers).collect())
}

/// The languages of the files in a folder, by Helix's names.
fn here(folder: &Path) -> anyhow::Result<Vec<String>> {
    let rows: BTreeMap<String, HelixLanguage> = toml::from_str(TABLE).context("tables/helix.toml")?;
    let files = WalkBuilder::new(folder).build().flatten().map(ignore::DirEntry::into_path).take(FILES);
    let found: BTreeSet<&str> =
        files.filter_map(|path| pennyworth_grammars::by_path(&path, "")).map(|language| language.name()).collect();
    let named: Vec<String> =
        rows.into_iter().filter(|(_, row)| found.contains(row.language.as_str())).map(|(name, _)| name).collect();
    if named.is_empty() {
        bail!("no files of a known language here; name the languages: pennyworth init helix rust python");
    }
    Ok(named)
}

/// The command for Helix: our name if it is on the `PATH`, else the path of this program.
fn command() -> String {
    let on_path = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .any(|folder| folder.join(SERVER).with_extension(std::env::consts::EXE_EXTENSION).is_file())
    });
    match std::env::current_exe() {
        Ok(path) if !on_path => path.display().to_string(),
        _ => SERVER.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(source: &str) -> BTreeMap<String, Vec<Value>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("languages.toml");
        fs::write(&path, source).unwrap();
        own_languages(&path).unwrap()
    }

    /// The servers of each language in a fragment.
    fn servers(named: &[&str], own: &BTreeMap<String, Vec<Value>>) -> Vec<(String, String)> {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let text = fragment(&named, own, "pennyworth", "languages.toml").unwrap();
        let table: Table = toml::from_str(&text).unwrap();
        assert_eq!(table["language-server"]["pennyworth"]["command"].as_str(), Some("pennyworth"));
        let languages = table["language"].as_array().unwrap();
        let pair =
            |language: &Value| (language["name"].as_str().unwrap().into(), language["language-servers"].to_string());
        languages.iter().map(pair).collect()
    }

    #[test]
    fn servers_that_are_there_stay_behind_ours_and_keep_the_actions_on_save() {
        let mine = own(
            "[[language]]\nname = 'python'\nlanguage-servers = [{ name = 'pylsp', except-features = ['format'] }, 'pennyworth', 'ruff']\n\
                        [[language]]\nname = 'go'\nauto-format = true\n",
        );
        let expected = [
            ("rust", r#""rust-analyzer""#),
            ("python", r#"{ except-features = ["format"], name = "pylsp" }, "ruff""#),
            ("go", r#""gopls", "golangci-lint-lsp""#),
        ];
        let first = r#"{ except-features = ["code-action"], name = "pennyworth" }"#;
        let found = servers(&["rust", "python", "go"], &mine);
        for ((name, servers), (language, others)) in found.iter().zip(expected) {
            assert_eq!((name.as_str(), servers.as_str()), (language, format!("[{first}, {others}]").as_str()));
        }
    }

    #[test]
    fn each_language_of_the_table_is_one_of_ours_and_each_of_ours_is_there() {
        let rows: BTreeMap<String, HelixLanguage> = toml::from_str(TABLE).unwrap();
        let known: BTreeSet<&str> = rows.values().map(|row| row.language.as_str()).collect();
        // Helix has no entry for plain text.
        let text = pennyworth_grammars::text();
        let others = pennyworth_grammars::all().iter().filter(|language| *language != text);
        assert_eq!(known, others.map(|language| language.name()).collect());
    }

    #[test]
    fn what_is_not_known_is_named_with_what_is() {
        let error = fragment(&["klingon".into()], &BTreeMap::new(), "pennyworth", "x").unwrap_err().to_string();
        assert!(error.contains("`klingon`") && error.contains("bash, c, c-sharp"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        assert!(here(folder.path()).unwrap_err().to_string().contains("name the languages"));
        fs::write(folder.path().join("a.tsx"), "").unwrap();
        assert_eq!(here(folder.path()).unwrap(), ["tsx"]);
        let faulty = folder.path().join("languages.toml");
        fs::write(&faulty, "[[language").unwrap();
        assert!(format!("{:#}", own_languages(&faulty).unwrap_err()).contains("is not TOML"));
    }
}
