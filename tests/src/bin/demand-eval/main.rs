//! `demand-eval --repository PATH…`: what the prompts of tasks on demand cost, and what they explain, on real repositories. A review is of a commit of
//! moderate size, with the repository as that commit left it; the other tasks are about functions and types of the newest commit. The program itself
//! makes the prompts; no model is called.
//!
//! **Tokens** are those of all requests, against the files that the task is about, whole. **Names** are those that the added lines, or the item, use
//! and that the repository defines exactly once, elsewhere than in these lines: a name counts as explained if its definition or signature stands in
//! the same prompt. The evaluation finds definitions and uses by queries of its own. Fields and variants are counted apart.
//!
//! It leaves out whether answers are good, and resolves no types: a method counts by its name, as for the program. Names of modules, names of one or
//! two letters, and languages other than Rust, Python, TypeScript with JavaScript, Go and C are not measured.
//!
//! `cargo run --release -p pennyworth-tests --bin demand-eval -- --repository PATH…` prints the seed and the commits, so that a run can be repeated.

mod definitions;
mod prompts;
mod report;
mod repository;
mod uses;

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use pennyworth_core::task::Task;
use pennyworth_tests::random::Random;

use definitions::{Definition, Definitions, Kind};
use prompts::Program;
use report::Report;
use repository::Copy;

/// Measures the prompts of tasks on demand.
#[derive(Parser)]
struct Options {
    /// Repositories
    #[arg(long = "repository", required = true, num_args = 1.., value_name = "PATH")]
    repositories: Vec<PathBuf>,
    /// Commits of each repository to review
    #[arg(long, default_value_t = 10)]
    diffs: usize,
    /// Items of each repository for the other tasks
    #[arg(long, default_value_t = 10)]
    items: usize,
    /// Only these tasks
    #[arg(long, value_delimiter = ',')]
    task: Vec<Task>,
    /// Prints this many names of each row whose definition no prompt holds
    #[arg(long, default_value_t = 0)]
    missing: usize,
    /// Seed for the choice of commits and items
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The tasks about an item.
const ABOUT_ITEMS: [Task; 5] = [Task::Tests, Task::Document, Task::Explain, Task::Fix, Task::Edit];
/// The lines of an item.
const LINES: std::ops::RangeInclusive<usize> = 4..=80;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    let mut report = Report::default();
    writeln!(out, "seed {}", options.seed)?;
    for repository in &options.repositories {
        let copy = Copy::of(repository)?;
        let name = repository.file_name().unwrap_or_default().to_string_lossy();
        if options.wants(Task::Review) {
            write!(out, "{name}:")?;
            reviews(&options, &copy, &mut report, &mut out)?;
            writeln!(out)?;
        }
        items(&options, repository, &mut report)?;
    }
    report.print(options.missing, &mut out)
}

impl Options {
    fn wants(&self, task: Task) -> bool {
        self.task.is_empty() || self.task.contains(&task)
    }
}

/// Reviews commits of a repository.
fn reviews(options: &Options, copy: &Copy, report: &mut Report, out: &mut impl Write) -> anyhow::Result<()> {
    for commit in copy.commits(options.diffs, options.seed)? {
        copy.check_out(&commit.hash)?;
        write!(out, " {}", commit.hash.get(..9).unwrap_or_default())?;
        out.flush()?;
        let definitions = Definitions::read(&copy.path()?)?;
        // The rules of places are read anew for each commit.
        let program = Program::new(copy.path()?)?;
        if let Some(figures) = program.review(&format!("{}^", commit.hash), &definitions)? {
            report.add(commit.family, Task::Review, figures);
        }
    }
    Ok(())
}

/// Asks for the other tasks about items of a repository.
fn items(options: &Options, repository: &std::path::Path, report: &mut Report) -> anyhow::Result<()> {
    let copy = Copy::of(repository)?;
    let definitions = Definitions::read(&copy.path()?)?;
    let program = Program::new(copy.path()?)?;
    let all = definitions.all();
    let is_item = |definition: &Definition| {
        let is_test = definition.path.to_lowercase().contains("test");
        matches!(definition.kind, Kind::Callable | Kind::Type) && LINES.contains(&definition.lines.len()) && !is_test
    };
    let mut left: Vec<_> = all.into_iter().filter(|(_, _, definition)| is_item(definition)).collect();
    let mut random = Random::new(options.seed);
    for _ in 0..options.items.min(left.len()) {
        let (family, _, item) = left.swap_remove(random.below(left.len() as u64) as usize);
        for task in ABOUT_ITEMS.into_iter().filter(|task| options.wants(*task)) {
            if let Some(figures) = program.about(task, item, &definitions)? {
                report.add(family, task, figures);
            }
        }
    }
    Ok(())
}
