//! Holes of a public benchmark, from a file that the user has: a JSON object a line, in the form of HumanEval-Infilling (`prompt`, `suffix`,
//! `canonical_solution`, Bavarian et al. 2022) or of SAFIM (`eval_prompt`, `ground_truth`, `lang`, Gong et al. 2024). Answers are compared with the
//! solution; no code is run. It leaves asking to `planned`.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use pennyworth_core::prompt::normalised;
use pennyworth_core::task::Task;
use pennyworth_core::trial::{Hole, holes::rank, mixed};
use pennyworth_grammars::by_path;
use serde::Deserialize;

use super::place::Place;
use crate::complete::{Completer, alone};
use crate::settings::Configuration;

/// What stands in a prompt of SAFIM for the hole.
const MARK: &str = "{{completion}}";
/// The language of HumanEval, which its rows do not name.
const LANGUAGE: &str = "python";
/// The endings of files, by SAFIM's names of languages.
const ENDINGS: [(&str, &str); 4] = [("python", "py"), ("java", "java"), ("cpp", "cpp"), ("csharp", "cs")];

/// A row of a benchmark. Its other fields are for those who run code.
#[derive(Deserialize)]
struct Row {
    task_id: String,
    prompt: Option<String>,
    suffix: Option<String>,
    canonical_solution: Option<String>,
    eval_prompt: Option<String>,
    ground_truth: Option<String>,
    lang: Option<String>,
}

/// A row as the text before the hole, what is missing, and the text behind it.
type Parts = (String, String, String);

impl Row {
    fn parts(self) -> anyhow::Result<Parts> {
        match (self.prompt, self.suffix, self.canonical_solution, self.eval_prompt, self.ground_truth) {
            (Some(before), Some(after), Some(truth), _, _) => Ok((before, truth, after)),
            (_, _, _, Some(prompt), Some(truth)) => {
                let (before, after) =
                    prompt.split_once(MARK).with_context(|| format!("`eval_prompt` holds no `{MARK}`"))?;
                Ok((before.to_owned(), truth, after.to_owned()))
            }
            _ => bail!(
                "wanted: `prompt`, `suffix` and `canonical_solution`, as in HumanEval-Infilling, or `eval_prompt` and `ground_truth`, as in SAFIM"
            ),
        }
    }
}

/// Reads up to `count` holes of a file, chosen by a seed; the task of each is the one that the server would find. The error names file and line.
pub fn read(
    file: &Path,
    (completer, configuration): (&Completer, &Arc<Configuration>),
    (count, seed): (usize, u64),
) -> anyhow::Result<Vec<Place>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let folder = std::path::absolute(file)?;
    let mut places = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = serde_json::from_str(line).map_err(anyhow::Error::from);
        let place = row.and_then(|row| place(&folder, row));
        places.push(place.map_err(|error| anyhow!("{}, line {}: {error:#}", file.display(), number + 1))?);
    }
    places.sort_by_key(|place| rank(seed, place.hole.id));
    places.truncate(count);
    let classified = |place: Place| {
        let decision = alone::planned(completer, configuration, place.request(), None).ok()?;
        Some(Place { task: decision.context.task?, ..place })
    };
    Ok(places.into_iter().filter_map(classified).collect())
}

fn place(file: &Path, row: Row) -> anyhow::Result<Place> {
    let lang = row.lang.clone().unwrap_or_else(|| LANGUAGE.to_owned());
    let known: Vec<&str> = ENDINGS.iter().map(|(name, _)| *name).collect();
    let ending = ENDINGS.iter().find(|(name, _)| *name == lang).map(|(_, ending)| *ending);
    let ending = ending.with_context(|| format!("`lang` is `{lang}`; wanted: {}", known.join(", ")))?;
    let (id, name) = (row.task_id.clone(), format!("task.{ending}"));
    let path = file.with_file_name(name);
    let language = by_path(&path, "").context("no grammar for its language")?;
    let (before, solution, after) = row.parts()?;
    let (before, solution, after) = (normalised(&before), normalised(&solution), normalised(&after));
    // A person's cursor stands behind the indentation, and what follows begins with the line break.
    let truth = solution.trim();
    if truth.is_empty() {
        bail!("nothing is missing there");
    }
    let start = before.len() + (solution.len() - solution.trim_start().len());
    let hole = Hole { range: start..start + truth.len(), id: mixed(0, &[&id, &solution]), is_recent: false };
    let text = Arc::from(format!("{before}{solution}{after}"));
    Ok(Place { path, language, text, hole, task: Task::Line, truth: truth.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const HUMAN: &str = r#"{"task_id": "SingleLineInfilling/HumanEval/0/L0", "entry_point": "f", "prompt": "def f(numbers):\n    total = 0\n", "suffix": "    return total\n", "canonical_solution": "    for n in numbers: total += n\n", "test": "def check(f): pass"}"#;
    const SAFIM: &str = r#"{"task_id": "block_1", "lang": "java", "prompt": "class A { /* TODO: Your code here */ }", "eval_prompt": "class A {\n    int twice(int n) {\n        {{completion}}\n    }\n}\n", "ground_truth": "return 2 * n;", "unit_tests": "[]"}"#;

    fn read(text: &str) -> anyhow::Result<Vec<Place>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("holes.jsonl");
        std::fs::write(&file, text).unwrap();
        let completer = Completer::new(Settings::default());
        let (configuration, _) = Configuration::new(1, Settings::default(), &[folder.path().to_owned()]);
        super::read(&file, (&completer, &Arc::new(configuration)), (10, 1))
    }

    #[test]
    fn rows_of_both_benchmarks_are_holes() {
        let mut places = read(&format!("{HUMAN}\n\n{SAFIM}\n")).unwrap();
        places.sort_by_key(|place| place.language.name());
        let (java, python) = (&places[0], &places[1]);
        assert_eq!((java.language.name(), java.truth.as_str()), ("java", "return 2 * n;"));
        assert_eq!(java.with_hole(), "class A {\n    int twice(int n) {\n        \n    }\n}\n");
        assert_eq!((python.language.name(), python.truth.as_str()), ("python", "for n in numbers: total += n"));
        assert_eq!(python.with_hole(), "def f(numbers):\n    total = 0\n    \n    return total\n");
    }

    #[test]
    fn a_row_that_is_none_is_named() {
        for (row, said) in [
            ("{", "line 2: EOF"),
            (r#"{"task_id": "a"}"#, "line 2: wanted: `prompt`, `suffix` and `canonical_solution`"),
            (r#"{"task_id": "a", "eval_prompt": "x", "ground_truth": "y"}"#, "`eval_prompt` holds no `{{completion}}`"),
            (
                r#"{"task_id": "a", "lang": "cobol", "eval_prompt": "{{completion}}", "ground_truth": "y"}"#,
                "wanted: python, java",
            ),
            (r#"{"task_id": "a", "prompt": "x", "suffix": "", "canonical_solution": " "}"#, "nothing is missing there"),
        ] {
            let error = read(&format!("{HUMAN}\n{row}\n")).unwrap_err().to_string();
            assert!(error.contains("holes.jsonl, line 2") && error.contains(said), "{error}");
        }
    }
}
