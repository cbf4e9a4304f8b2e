//! A repository whose second commit adds functions, and scripted models that know them: what the tests of trials share. It leaves what the models are
//! asked through to the fakes of providers.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

use pennyworth_core::trial::mixed;
use serde_json::Value;

use crate::project::Project;

/// A number from 0 to 1 by chance.
#[must_use]
pub fn chance(seed: u64, of: &[&str]) -> f64 {
    (mixed(seed, of) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The file that the second commit adds to.
#[must_use]
pub fn source() -> String {
    let name = |at: u64| ["total", "weight", "offset", "margin", "factor"][(mixed(at, &["name"]) % 5) as usize];
    let function = |at: u64| {
        format!(
            "\npub fn scaled_{at}(n: u32, rate: u32) -> u32 {{\n    let {one} = n.saturating_mul(rate + {at});\n    if {one} > {at} {{\n        return {one} - {at};\n    }}\n    {one}.max(n)\n}}\n",
            one = name(at)
        )
    };
    (10..40).map(function).fold("//! Scales.\n".to_owned(), |text, more| text + &more)
}

/// Makes the project a repository whose last commit adds the functions, and some in a file that is ignored.
pub async fn commit(project: &Project) {
    project.write("project/.gitignore", "ignored.rs\n");
    project.write("project/src/scales.rs", "//! Scales.\n");
    project.write("project/src/ignored.rs", &source());
    project.commit("scales: they are there").await;
    project.write("project/src/scales.rs", &source());
    project.write("project/src/ignored.rs", &source());
    project.git(&["add", "--force", "."]).await;
    project.git(&["commit", "-q", "-m", "scales: they scale"]).await;
}

/// What a scripted model says: with this probability what the source has in the hole of a request, else something wrong.
#[must_use]
pub fn said(body: &Value, quality: f64) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let asked = text(&body["messages"][1]["content"]);
    let (prompt, suffix) = match asked.split_once("<FILL/>") {
        None => (text(&body["prompt"]), text(&body["suffix"])),
        Some((prompt, rest)) => {
            let suffix = rest.rsplit_once("\n\nReplace <FILL/>").map_or(rest, |(suffix, _)| suffix);
            (prompt.to_owned(), suffix.to_owned())
        }
    };
    let right = chance(mixed(1, &[&prompt]), &[&text(&body["model"])]) < quality;
    if right { missing(&prompt, &suffix) } else { "panic_of_nothing()".to_owned() }
}

/// What the source has between the end of one text and the beginning of the other.
fn missing(prompt: &str, suffix: &str) -> String {
    let source = source();
    let start = source.len() - suffix.len().min(source.len());
    let end = source.rfind(suffix).filter(|_| suffix.len() > 8).unwrap_or(start);
    let last: String = prompt.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect();
    let begin = source.get(..end).and_then(|before| before.rfind(&last)).map_or(end, |at| at + last.len());
    source.get(begin..end).unwrap_or_default().to_owned()
}

/// A figure of a candidate in a trial as JSON.
#[must_use]
pub fn figure(trial: &Value, name: &str, path: &str) -> f64 {
    let of = trial["candidates"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
    of.pointer(path).unwrap_or_else(|| panic!("{path}: {of}")).as_f64().unwrap()
}
