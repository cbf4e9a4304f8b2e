//! `pennyworth advise`: what the figures of the last month say to change, and with `--apply` the lines written into `config.toml`, whose comments and
//! other keys stay. It leaves the advice to `reports::advice`.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use serde_json::json;
use toml_edit::{DocumentMut, Item, Table, TableLike, value};

use super::file::replace;
use super::place::{ledger, say};
use crate::paths;
use crate::reports::advice::{self, Advice, Evidence, Lately, Line, Value};
use crate::settings::Settings;

/// Say what to change, by what the last 30 days cost and brought
#[derive(Debug, Args)]
pub struct Advise {
    /// Write the lines into config.toml; comments and other keys stay
    #[arg(long)]
    apply: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Advise {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (settings, notices) = Settings::gather(config, &[]);
        say(&notices);
        let ledger = paths::ledger_path().filter(|path| path.try_exists().unwrap_or(true)).map(|_| ledger());
        let lately = ledger.as_ref().map_or_else(|| Ok(Lately::default()), Lately::read);
        let lately = lately.map_err(|error| anyhow!("the ledger cannot be read: {error}"))?;
        let evidence = Evidence::new(&lately, &settings);
        let all = advice::advice(&evidence);
        if self.json {
            let told = json!({"days": evidence.days, "calls": lately.report.total.calls, "advice": all});
            writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
        } else {
            advice::print(&all, &evidence, out)?;
        }
        if self.apply {
            out.flush()?;
            apply(config, &all)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the lines of all advice into the user's file.
fn apply(config: Option<&Path>, all: &[Advice]) -> anyhow::Result<()> {
    let lines: Vec<&Line> = all.iter().flat_map(|advice| &advice.lines).collect();
    if lines.is_empty() {
        eprintln!("nothing to write");
        return Ok(());
    }
    let path: PathBuf =
        config.map(Path::to_owned).or_else(paths::config_path).context("no place for config.toml is known")?;
    // What a link leads to is the file.
    let path = path.canonicalize().unwrap_or(path);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let changed = with(&text, &lines).with_context(|| path.display().to_string())?;
    replace(&path, &changed).with_context(|| format!("{} cannot be written", path.display()))?;
    eprintln!("written: {}", path.display());
    Ok(())
}

/// A file with the lines; its comments, its order and its other keys stay.
fn with(text: &str, lines: &[&Line]) -> anyhow::Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let mut last = document.trailing().as_str().unwrap_or_default().to_owned();
    for line in lines {
        let is_new = !holds(&document, &line.tables);
        let table = inner(document.as_table_mut(), &line.tables)?;
        let new = match &line.value {
            Value::Text(text) => value(text.as_str()),
            Value::Whole(number) => value(*number),
            Value::Number(number) => value(*number),
        };
        set(table, &line.key, new);
        // What stands at the end of the file belongs to what is above it, not to a new table.
        if is_new
            && !last.is_empty()
            && let Some(table) = made(&mut document, &line.tables)
        {
            table.decor_mut().set_prefix(format!("{}\n", std::mem::take(&mut last)));
            document.set_trailing("");
        }
    }
    Ok(document.to_string())
}

/// Whether a file has these tables, one in the other.
fn holds(document: &DocumentMut, tables: &[String]) -> bool {
    let mut table: &dyn TableLike = document.as_table();
    tables.iter().all(|name| {
        let found = table.get(name).and_then(Item::as_table_like);
        found.inspect(|found| table = *found).is_some()
    })
}

/// The innermost of these tables, which are made where they are missing.
fn inner<'d>(document: &'d mut Table, tables: &[String]) -> anyhow::Result<&'d mut dyn TableLike> {
    let mut table: &mut dyn TableLike = document;
    for name in tables {
        let item = table.entry(name).or_insert_with(|| {
            let mut table = Table::new();
            // Only a table with keys of its own has a head.
            table.set_implicit(true);
            Item::Table(table)
        });
        let Some(next) = item.as_table_like_mut() else { bail!("`{name}` is no table there") };
        table = next;
    }
    Ok(table)
}

/// The innermost of these tables, if all have heads.
fn made<'d>(document: &'d mut DocumentMut, tables: &[String]) -> Option<&'d mut Table> {
    let mut table = document.as_table_mut();
    for name in tables {
        table = table.get_mut(name)?.as_table_mut()?;
    }
    Some(table).filter(|table| !table.is_dotted())
}

/// Sets a key. A comment behind the old value stays.
fn set(table: &mut dyn TableLike, key: &str, mut new: Item) {
    let old = table.get(key).and_then(Item::as_value);
    if let (Some(old), Some(new)) = (old, new.as_value_mut()) {
        *new.decor_mut() = old.decor().clone();
    }
    match table.get_mut(key) {
        Some(old) => *old = new,
        None => drop(table.insert(key, new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(tables: &[&str], key: &str, value: Value) -> Line {
        Line { tables: tables.iter().map(ToString::to_string).collect(), key: key.into(), value }
    }

    #[test]
    fn lines_are_written_where_they_belong_and_comments_stay() {
        let pin = line(&["tasks", "line"], "pin", Value::Text("cheap".into()));
        let cap = line(&[], "cap_usd_per_day", Value::Number(1.5));
        for (text, expected) in [
            ("", "cap_usd_per_day = 1.5\n\n[tasks.line]\npin = \"cheap\"\n"),
            (
                "# My caps\ncap_usd_per_day = 1 # a dollar\n\n[model.cheap]\n# the cheap one\n",
                "# My caps\ncap_usd_per_day = 1.5 # a dollar\n\n[model.cheap]\n# the cheap one\n\n[tasks.line]\npin = \"cheap\"\n",
            ),
            ("[tasks.line]\nshow = 0.6\n", "cap_usd_per_day = 1.5\n[tasks.line]\nshow = 0.6\npin = \"cheap\"\n"),
            ("tasks.line.show = 0.6\n", "tasks.line.show = 0.6\ntasks.line.pin = \"cheap\"\ncap_usd_per_day = 1.5\n"),
            (
                "tasks = { line = { show = 0.6 } }\n",
                "tasks = { line = { show = 0.6 , pin = \"cheap\" } }\ncap_usd_per_day = 1.5\n",
            ),
        ] {
            assert_eq!(with(text, &[&cap, &pin]).unwrap(), expected, "{text}");
        }
        assert!(with("tasks = 1\n", &[&pin]).is_err());
        assert!(with("tasks = \n", &[&pin]).is_err());
    }
}
