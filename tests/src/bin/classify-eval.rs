//! `classify-eval DIR…`: how often the class of a cut is right, on any sources. It cuts a hole into a real file, classifies the broken
//! text, and compares the answer with the class that the complete file's tree gives for the same place.
//!
//! The cuts: `tail` (all that follows is gone), `line` (the rest of the line), `node` (the rest of the syntax node that begins there),
//! and mid-edit states: the rest of the line is gone with the brackets it closed, and all that follows stays (`edit`); or a
//! word has just begun there (`word`).

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Parser;
use pennyworth_core::classify::classify;
use pennyworth_core::syntax;
use pennyworth_core::task::Task;
use pennyworth_grammars::Language;
use pennyworth_tests::cuts::{self, Cut, Kind};
use pennyworth_tests::sources;
use ropey::Rope;

/// Fewest occurrences of a task that counts in the mean.
const ENOUGH: usize = 5;

/// Measures classification on directories of sources.
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
    /// Most cuts per file.
    #[arg(long, default_value_t = 40)]
    cuts: usize,
    /// Prints the confusion table of each language.
    #[arg(long)]
    confusion: bool,
    /// Prints this many wrong answers per language, with the text around the cursor.
    #[arg(long, default_value_t = 0)]
    wrong: usize,
    /// Prints only wrong answers whose right task is this.
    #[arg(long)]
    task: Option<Task>,
    /// Classifies without a tree of the whole broken text, as right after opening a file.
    #[arg(long)]
    no_tree: bool,
    /// Seed for the choice of cuts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Counts of right and given answers.
#[derive(Default)]
struct Table(BTreeMap<(Task, Option<Task>), usize>);

impl Table {
    fn add(&mut self, right: Task, given: Option<Task>) {
        *self.0.entry((right, given)).or_default() += 1;
    }

    fn count(&self, test: impl Fn(Task, Option<Task>) -> bool) -> usize {
        self.0.iter().filter(|((right, given), _)| test(*right, *given)).map(|(_, count)| count).sum()
    }

    fn accuracy(&self) -> f64 {
        self.count(|right, given| given == Some(right)) as f64 / self.count(|_, _| true).max(1) as f64
    }

    /// The mean of F1 over the tasks that occur often enough.
    fn macro_f1(&self) -> f64 {
        let present = Task::ALL.into_iter().filter(|task| self.count(|right, _| right == *task) >= ENOUGH);
        let scores: Vec<f64> = present.map(|task| self.f1(task)).collect();
        scores.iter().sum::<f64>() / scores.len().max(1) as f64
    }

    fn f1(&self, task: Task) -> f64 {
        let both = self.count(|right, given| right == task && given == Some(task)) as f64;
        let either = self.count(|right, _| right == task) + self.count(|_, given| given == Some(task));
        2.0 * both / either.max(1) as f64
    }
}

#[derive(Default)]
struct Tally {
    files: usize,
    whole: Table,
    edit: Table,
    times: Vec<Duration>,
    wrong: usize,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    let mut total: BTreeMap<&'static str, Tally> = BTreeMap::new();
    for (language, files) in sources::by_language(&options.paths, &options.language, options.files)? {
        let tally = total.entry(language.name()).or_default();
        for (path, source) in files {
            tally.files += 1;
            for cut in cuts::cuts(&source, language, options.cuts, options.seed ^ source.len() as u64) {
                measure(tally, language, &cut, &options, &path, &mut out)?;
            }
        }
    }
    report(&total, &options, &mut out)
}

fn measure(
    tally: &mut Tally,
    language: &'static Language,
    cut: &Cut,
    options: &Options,
    path: &Path,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let rope = Rope::from_str(&cut.text);
    let tree = if options.no_tree { None } else { syntax::parse(&rope, language, None, &mut || true) };
    let start = Instant::now();
    let context = classify(&rope, language, tree.as_ref(), cut.offset);
    tally.times.push(start.elapsed());
    let table = if matches!(cut.kind, Kind::Edit | Kind::Word) { &mut tally.edit } else { &mut tally.whole };
    table.add(cut.task, context.task);
    let wanted = options.task.is_none_or(|task| task == cut.task);
    if context.task != Some(cut.task) && wanted && tally.wrong < options.wrong {
        tally.wrong += 1;
        let (before, after) = cut.text.split_at(cut.offset);
        let mut before: Vec<_> = before.lines().rev().take(6).collect();
        before.reverse();
        let after: Vec<_> = after.lines().take(3).collect();
        let given = context.task.map_or("none", Task::name);
        writeln!(
            out,
            "--- {:?} {}: right {}, given {given} {:?}",
            cut.kind,
            path.display(),
            cut.task,
            context.node_path
        )?;
        writeln!(out, "{}ˇ{}", before.join("\n"), after.join("\n"))?;
    }
    Ok(())
}

fn report(total: &BTreeMap<&'static str, Tally>, options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "language    files   cuts   accuracy  macro-F1 | mid-edit  accuracy  macro-F1 |  p50 µs  p99 µs")?;
    for (language, tally) in total {
        let mut times = tally.times.clone();
        times.sort();
        let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied().unwrap_or_default().as_micros();
        let (whole, edit) = (&tally.whole, &tally.edit);
        writeln!(
            out,
            "{language:<10} {:>6} {:>6}     {:>6.3}    {:>6.3} |  {:>6}    {:>6.3}    {:>6.3} | {:>7} {:>7}",
            tally.files,
            whole.count(|_, _| true),
            whole.accuracy(),
            whole.macro_f1(),
            edit.count(|_, _| true),
            edit.accuracy(),
            edit.macro_f1(),
            at(0.5),
            at(0.99)
        )?;
    }
    for (language, tally) in total.iter().filter(|_| options.confusion) {
        confusion(language, "whole", &tally.whole, out)?;
        confusion(language, "mid-edit", &tally.edit, out)?;
    }
    Ok(())
}

fn confusion(language: &str, name: &str, table: &Table, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "\n{language}, {name}: right task, F1, count, and what was given instead")?;
    for task in Task::ALL {
        let count = table.count(|right, _| right == task);
        if count == 0 {
            continue;
        }
        let wrong = |(right, given): &(Task, Option<Task>)| *right == task && *given != Some(task);
        let mut given: Vec<_> = table.0.iter().filter(|(pair, _)| wrong(pair)).collect();
        given.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let instead = given.iter().map(|((_, given), count)| format!("{} {count}", given.map_or("none", Task::name)));
        writeln!(out, "  {task:<12} {:>6.3} {count:>6}  {}", table.f1(task), instead.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}
