//! How often completions of a model are accepted before the ledger has seen any: by its kind, its size and the task, from `tables/priors.toml`. It
//! leaves learning the real share to the ledger.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::format::Shape;
use super::model::Model;
use super::table::Models;
use crate::task::Task;

/// A share that is expected, and what it comes from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prior {
    /// The share, 0 to 1.
    pub mean: f64,
    /// The facts that it rests on, in a few words.
    pub because: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    accepted: f64,
    kind: Kinds,
    size: Vec<Size>,
    task: BTreeMap<Task, f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    infill: f64,
    chat: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    up_to: f64,
    factor: f64,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the table is part of the binary and a test reads it")]
    toml::from_str(include_str!("../../tables/priors.toml")).expect("tables/priors.toml is valid")
});

impl Models {
    /// How often completions of a model are expected to be accepted for a task; of a task on demand, how often its answers are valid.
    pub fn prior(&self, model: &Model, task: Task) -> Prior {
        let is_chat = self.format(&model.format).is_some_and(|format| format.shape == Shape::Chat);
        let (kind, of_kind) = match is_chat {
            true if task.is_on_demand() => ("takes instructions", 1.0),
            true => ("not made to infill", TABLE.kind.chat),
            false => ("made to infill", TABLE.kind.infill),
        };
        let size = billions(&model.id);
        let of_size =
            size.and_then(|size| TABLE.size.iter().find(|row| size <= row.up_to)).map_or(1.0, |row| row.factor);
        let of_task = TABLE.task.get(&task).copied().unwrap_or(1.0);
        let size = size.map_or_else(String::new, |size| format!(", {size} B"));
        Prior { mean: TABLE.accepted * of_kind * of_size * of_task, because: format!("{kind}{size}") }
    }
}

/// The billions of parameters that a model's name tells, as in `qwen2.5-coder:1.5b-base`.
fn billions(id: &str) -> Option<f64> {
    let id = id.to_ascii_lowercase();
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    id.split(|c: char| !is_number(c) && c != 'b' && !c.is_alphabetic()).find_map(|word| {
        let number = word.strip_suffix('b')?;
        let whole = !number.is_empty() && number.chars().all(is_number);
        number.parse().ok().filter(|_| whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_from_names() {
        for (id, size) in [
            ("qwen2.5-coder:1.5b-base", Some(1.5)),
            ("Qwen/Qwen3-Coder-30B-A3B-Instruct", Some(30.0)),
            ("starcoder2-3b", Some(3.0)),
            ("gpt-oss-20b", Some(20.0)),
            ("gpt-6-luna", None),
            ("codestral-2508", None),
            ("b", None),
        ] {
            assert_eq!(billions(id), size, "{id}");
        }
    }

    #[test]
    fn a_model_made_to_infill_comes_before_a_larger_one_that_is_not() {
        let row = |name: &str, id: &str, format: &str| {
            format!(
                "[model.{name}]\nprotocol = 'openai'\nbase_url = 'https://example.com'\nmodel = '{id}'\nformat = '{format}'\ntier = 'cheap'\ncontext = 8000\nprice = {{ input = 1, output = 1, as_of = '2026-11-23' }}\n"
            )
        };
        let rows = row("small", "qwen2.5-coder-1.5b", "qwen") + &row("large", "gpt-oss-20b", "chat");
        let (models, problems) = Models::builtin().extended("c.toml", &rows);
        assert_eq!(problems, []);
        let prior = |name: &str, task| models.prior(models.get(name).unwrap(), task);
        let (small, large) = (prior("small", Task::Line), prior("large", Task::Line));
        assert!(small.mean > large.mean, "{small:?} {large:?}");
        assert_eq!(small.because, "made to infill, 1.5 B");
        assert!(prior("small", Task::Block).mean < small.mean);
        assert!(prior("large", Task::Review).mean > large.mean, "instructions are what a review needs");
    }
}
