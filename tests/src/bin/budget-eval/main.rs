//! `budget-eval DIR…`: what output ceilings cost and cut off, on any sources. At many places of real files it removes the true
//! continuation, classifies the place, and compares the continuation's tokens (o200k) with ceilings: one for all, two tiers, and the table.
//!
//! Three kinds of places, equally many of each: **random** ones where a word or sign begins, **line ends**, and **new lines** (behind the
//! line break and the indentation). A place counts if a model would be asked there, even if nothing is missing. Where the gate is
//! silent there is no call and no ceiling.
//!
//! The missing text is counted in two ways. **As asked** (`extent.rs`): the next line of a body that is not empty, and members one by one;
//! the classifier gives the class, from the text without the continuation. **Innermost construct**: the rest of the body, whatever
//! it holds, as public measurements of ceilings count; the complete file's tree gives the class, since no request asks for that.
//!
//! It skips generated files, files that do not parse and files that are mostly data.
//!
//! `--fit` chooses each task's ceiling by equal marginal value: it minimises ceiling + λ × share cut off, with one λ for all tasks.
//! `--tokens` measures the estimate that replaces a tokenizer at run time.

mod policy;
mod sample;
mod tokens;

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use pennyworth_core::syntax::{self, Queries};
use pennyworth_core::task::{Task, Tasks};
use pennyworth_grammars::Language;
use pennyworth_tests::extent::Body;
use pennyworth_tests::sources;

use policy::{Ceilings, Figures};
use sample::{Kind, Sample};

/// Measures output ceilings on directories of sources.
#[derive(Parser)]
struct Options {
    /// Directories or files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only these languages.
    #[arg(long, value_delimiter = ',')]
    language: Vec<String>,
    /// Most files per language, spread evenly over those found.
    #[arg(long, default_value_t = 150)]
    files: usize,
    /// Most places of each kind per file.
    #[arg(long, default_value_t = 15)]
    places: usize,
    /// Prints how long the continuations of each task are.
    #[arg(long)]
    by_task: bool,
    /// Prints ceilings fitted to these sources; report the figures of others.
    #[arg(long)]
    fit: bool,
    /// Measures the token estimate instead.
    #[arg(long)]
    tokens: bool,
    /// Seed for the choice of places.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    let mut sources = sources::by_language(&options.paths, &options.language, options.files)?;
    if options.tokens {
        return tokens::report(&sources, &mut out);
    }
    sources.retain(|(language, _)| has_functions(language));
    for (title, body) in [("as asked", Body::Parts), ("innermost construct", Body::Rest)] {
        let samples = sample::samples(&sources, body, options.places, options.seed);
        let needless = samples.iter().filter(|sample| sample.tokens == 0).count();
        writeln!(out, "== {title}: {} calls, {needless} of them where the right answer is empty", samples.len())?;
        if options.fit {
            policy::fit(&samples, &mut out)?;
            continue;
        }
        curve(&samples, &mut out)?;
        goals(&samples, body, &mut out)?;
        if options.by_task {
            by_task(&samples, &mut out)?;
        }
    }
    Ok(())
}

/// Whether it is a programming language with a query for tasks.
fn has_functions(language: &'static Language) -> bool {
    let function = |marks: &Queries| marks.marks.iter().flatten().any(|mark| mark.task == Task::Function);
    syntax::queries(language).is_some_and(function)
}

/// Mean ceiling and share cut off: for each policy, then for the table by kind of place and by language.
fn curve(samples: &[Sample], out: &mut impl Write) -> anyhow::Result<()> {
    let tasks = Tasks::builtin();
    let table = Ceilings::table(&tasks);
    writeln!(out, "ceilings                      mean   cut off   tokens kept")?;
    for fixed in [64, 128, 200, 256] {
        line(out, &format!("fixed {fixed}"), &Ceilings::fixed(fixed), samples.iter())?;
    }
    line(out, "two tiers 20/200", &Ceilings::tiers(20, 200), samples.iter())?;
    line(out, "table", &table, samples.iter())?;
    line(out, "table, at its `max`", &Ceilings::most(&tasks), samples.iter())?;
    let right: Vec<_> = samples.iter().map(|sample| Sample { given: sample.right, ..*sample }).collect();
    line(out, "table, every class right", &table, right.iter())?;
    for kind in Kind::ALL {
        line(out, &format!("table, {}", kind.name()), &table, samples.iter().filter(|sample| sample.kind == kind))?;
    }
    let mut languages: Vec<_> = samples.iter().map(|sample| sample.language).collect();
    languages.sort_unstable();
    languages.dedup();
    for language in languages {
        line(out, &format!("table, {language}"), &table, samples.iter().filter(|sample| sample.language == language))?;
    }
    Ok(())
}

/// The goals: over all places; for the innermost construct over random ones only, as in public measurements.
fn goals(samples: &[Sample], body: Body, out: &mut impl Write) -> anyhow::Result<()> {
    let tasks = Tasks::builtin();
    let counts = |sample: &&Sample| body == Body::Parts || sample.kind == Kind::Random;
    let over = if body == Body::Parts { "all places" } else { "random places" };
    let goals =
        [("table", Ceilings::table(&tasks), 90.0, 0.09), ("table, at its `max`", Ceilings::most(&tasks), 150.0, 0.05)];
    for (name, ceilings, mean, cut_off) in goals {
        let Figures { mean: is, cut_off: share, .. } = ceilings.figures(samples.iter().filter(counts));
        let verdict = if is <= mean && share <= cut_off { "met" } else { "missed" };
        writeln!(
            out,
            "goal of mean ≤ {mean:.0} at ≤ {:.0} % over {over}: {verdict} by the {name}: {is:.0} at {:.1} %",
            cut_off * 100.0,
            share * 100.0
        )?;
    }
    Ok(())
}

fn line<'a>(
    out: &mut impl Write,
    name: &str,
    ceilings: &Ceilings,
    samples: impl Iterator<Item = &'a Sample>,
) -> anyhow::Result<()> {
    let figures = ceilings.figures(samples);
    writeln!(
        out,
        "{name:<28} {:>5.0}   {:>5.1} %       {:>5.1} %",
        figures.mean,
        figures.cut_off * 100.0,
        figures.kept * 100.0
    )?;
    Ok(())
}

fn by_task(samples: &[Sample], out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "task (by the tree)  places  given    p50    p90    p95    p99   ceiling  cut off")?;
    let tasks = Tasks::builtin();
    for task in Task::ALL {
        let of_task: Vec<_> = samples.iter().filter(|sample| sample.right == task).collect();
        let mut lengths: Vec<_> = of_task.iter().map(|sample| sample.tokens).collect();
        lengths.sort_unstable();
        let at = |share: f64| lengths.get((lengths.len() as f64 * share) as usize).copied().unwrap_or(0);
        let given = of_task.iter().filter(|sample| sample.given == task).count();
        let figures = Ceilings::table(&tasks).figures(of_task.into_iter());
        writeln!(
            out,
            "{task:<18} {:>7} {:>4.0} % {:>6} {:>6} {:>6} {:>6}   {:>7}  {:>5.1} %",
            lengths.len(),
            given as f64 / lengths.len().max(1) as f64 * 100.0,
            at(0.5),
            at(0.9),
            at(0.95),
            at(0.99),
            tasks.row(task).max_tokens,
            figures.cut_off * 100.0
        )?;
    }
    Ok(())
}
