//! The condensed system messages of the tasks on demand, as data. It leaves what else stands in a prompt to `context`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::task::Task;

/// The system messages of all tasks on demand.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompts(BTreeMap<Task, Row>);

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Row {
    text: String,
    /// Other texts, by a part of the ids of the models that they are for.
    #[serde(flatten)]
    families: BTreeMap<String, Family>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    text: String,
}

impl Prompts {
    /// The shipped table.
    pub fn builtin() -> Prompts {
        #[expect(clippy::expect_used, reason = "the table is part of the binary and a test parses it")]
        Prompts::parse(include_str!("../../tables/prompts.toml")).expect("tables/prompts.toml is valid")
    }

    /// Reads a table. An error names the line, the key and the known values.
    pub fn parse(source: &str) -> Result<Prompts, String> {
        let rows: BTreeMap<Task, Row> = toml::from_str(source).map_err(|error| error.to_string())?;
        match Task::ON_DEMAND.iter().find(|task| !rows.contains_key(task)) {
            Some(missing) => Err(format!("prompts table: no row for `{missing}`")),
            None => Ok(Prompts(rows)),
        }
    }

    /// The system message of a task for the model with this id; empty for a task that is not on demand. The longest name of a family counts.
    pub fn of(&self, task: Task, id: &str) -> &str {
        let Some(row) = self.0.get(&task) else { return "" };
        let id = id.to_ascii_lowercase();
        let family =
            row.families.iter().filter(|(name, _)| id.contains(name.as_str())).max_by_key(|(name, _)| name.len());
        family.map_or(&row.text, |(_, family)| &family.text).trim()
    }

    /// The texts of a task: the family's name, empty for all others, and the text.
    pub fn all(&self, task: Task) -> Vec<(&str, &str)> {
        let Some(row) = self.0.get(&task) else { return Vec::new() };
        let families = row.families.iter().map(|(name, family)| (name.as_str(), family.text.trim()));
        std::iter::once(("", row.text.trim())).chain(families).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};

    #[test]
    fn each_text_has_at_most_120_tokens() {
        let prompts = Prompts::builtin();
        for task in Task::ON_DEMAND {
            for (family, text) in prompts.all(task) {
                let tokens = estimate(text, REFERENCE_CHARS_PER_TOKEN);
                assert!((20..=120).contains(&tokens), "{task} {family}: {tokens}");
            }
        }
    }

    #[test]
    fn a_family_has_its_own_text() {
        let rows = Task::ON_DEMAND.map(|task| format!("[{task}]\ntext = 'all'\n")).concat();
        let prompts =
            Prompts::parse(&format!("{rows}[review.claude]\ntext = 'c'\n[review.claude-haiku]\ntext = 'h'\n")).unwrap();
        let of = |id| prompts.of(Task::Review, id);
        assert_eq!((of("Claude-Sonnet-5"), of("claude-haiku-5-5"), of("gpt-6")), ("c", "h", "all"));
        assert_eq!(prompts.of(Task::Line, "gpt-6"), "");
        assert!(Prompts::parse("[review]\ntext = 'a'\n").unwrap_err().contains("no row"));
    }
}
