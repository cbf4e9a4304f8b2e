//! `cut-eval DIR…`: what the cutter makes of right answers, on any sources. It cuts a hole into a real file. The reply is the missing text and
//! everything after it, as from a model that does not know where to stop. A result that is not a prefix of the missing text is wrong.
//!
//! `--true-stops` gives it the missing text up to any stop, whole and line by line, and counts what is shown besides the truth.
//!
//! `exact` fills the hole, `short` a part of it (an item of many, a line of several), `long` goes on into the text below the hole.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Parser;
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish, Progress, Rejection, Surroundings};
use pennyworth_core::models::Shape;
use pennyworth_core::syntax;
use pennyworth_core::task::{Task, Tasks};
use pennyworth_grammars::Language;
use pennyworth_tests::cuts::{self, Kind, Random};
use pennyworth_tests::sources;
use pennyworth_tests::stops::{self, Verdict as Shown};
use ropey::Rope;

/// Most characters of a reply, and of a piece of it.
const REPLY: usize = 1_200;
const PIECE: usize = 4;

/// Measures the cutter on directories of sources.
#[derive(Parser)]
struct Options {
    /// Directories or files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Only these languages.
    #[arg(long, value_delimiter = ',')]
    language: Vec<String>,
    /// Most files per language, spread evenly over those found.
    #[arg(long, default_value_t = 100)]
    files: usize,
    /// Most cuts per file.
    #[arg(long, default_value_t = 20)]
    cuts: usize,
    /// Prints this many wrong results per language.
    #[arg(long, default_value_t = 0)]
    wrong: usize,
    /// Prints only wrong results of this task.
    #[arg(long)]
    task: Option<Task>,
    /// Seed for the choice of cuts.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cuts the missing text itself, at any stop, and then line by line.
    #[arg(long)]
    true_stops: bool,
}

/// What became of a reply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Exact,
    Short,
    Long,
    Other,
    Rejected(Rejection),
}

#[derive(Default)]
struct Figures {
    verdicts: BTreeMap<Verdict, usize>,
    times: Vec<Duration>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut out = std::io::stdout().lock();
    if options.true_stops {
        return true_stops(&options, &mut out);
    }
    writeln!(
        out,
        "{:<11} {:>6} {:>7} {:>7} {:>7} {:>7} {:>9} {:>9} {:>9}",
        "language", "cuts", "exact", "short", "long", "other", "rejected", "p50 µs", "p99 µs"
    )?;
    for (language, files) in sources::by_language(&options.paths, &options.language, options.files)? {
        let mut figures = Figures::default();
        let mut shown = 0;
        for (number, (path, source)) in files.iter().enumerate() {
            for cut in cuts::cuts(source, language, options.cuts, options.seed + number as u64) {
                let (result, hole, time) = run(source, &cut, language);
                let verdict = judge(&result, hole, cut.kind);
                *figures.verdicts.entry(verdict).or_default() += 1;
                figures.times.push(time);
                let wrong = matches!(verdict, Verdict::Long | Verdict::Other | Verdict::Rejected(_));
                if wrong && shown < options.wrong && options.task.is_none_or(|task| task == cut.task) {
                    shown += 1;
                    writeln!(
                        out,
                        "--- {} {:?} {}\n{}",
                        path.display(),
                        cut.kind,
                        cut.task,
                        picture(&cut, hole, &result)
                    )?;
                }
            }
        }
        figures.print(language, &mut out)?;
    }
    Ok(())
}

/// Prints, for each language, the shares of the results of true replies: first line by line, then whole; last, the steps of chains of lines.
fn true_stops(options: &Options, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(
        out,
        "{:<11} {:<6} {:>7} {:>7} {:>7} {:>7} {:>8}",
        "language", "mode", "replies", "true", "closed", "wrong", "refused"
    )?;
    for (language, files) in sources::by_language(&options.paths, &options.language, options.files)? {
        let mut counts = [BTreeMap::<&str, usize>::new(), BTreeMap::new()];
        let (mut right, mut steps, mut shown) = (0, 0, 0);
        for (number, (path, text)) in files.iter().enumerate() {
            let text = text.replace("\r\n", "\n");
            let Some(source) = stops::Source::of(&text, language) else { continue };
            let mut random = Random::new(options.seed + number as u64);
            for hole in source.holes(options.cuts, options.seed + number as u64) {
                for trial in source.trials(hole, &mut random) {
                    let name = match trial.verdict {
                        Shown::True => "true",
                        Shown::Closed => "closed",
                        Shown::Wrong => "wrong",
                        // Too little of a line may be left.
                        Shown::Refused(_) if trial.stop == stops::Stop::Anywhere => continue,
                        Shown::Refused(_) => "refused",
                    };
                    if let Some(counts) = counts.get_mut(usize::from(!trial.by_line)) {
                        *counts.entry(name).or_default() += 1;
                    }
                    if matches!(name, "wrong" | "refused") && shown < options.wrong {
                        shown += 1;
                        writeln!(out, "--- {} {name}\n{}", path.display(), trial.picture)?;
                    }
                }
                let (shown_right, all, _) = source.chain(hole);
                (right, steps) = (right + shown_right, steps + all);
            }
        }
        for (mode, counts) in ["lines", "whole"].iter().zip(&counts) {
            let count = |name| counts.get(name).copied().unwrap_or(0);
            let shown = count("true") + count("closed") + count("wrong");
            let all = shown + count("refused");
            let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
            writeln!(
                out,
                "{:<11} {mode:<6} {all:>7} {:>6.1}% {:>6.1}% {:>6.1}% {:>7.1}%",
                language.name(),
                share(count("true"), shown),
                share(count("closed"), shown),
                share(count("wrong"), shown),
                share(count("refused"), all),
            )?;
        }
        let share = 100.0 * right as f64 / steps.max(1) as f64;
        writeln!(out, "{:<11} chain  {steps:>7} {share:>6.1}%", language.name())?;
    }
    Ok(())
}

/// Cuts a reply that is the source from the cursor on. Returns the result, the text missing in the hole, and the cutter's total time.
fn run<'a>(
    source: &'a str,
    cut: &cuts::Cut,
    language: &'static Language,
) -> (Result<Cut, Rejection>, &'a str, Duration) {
    let rest = source.get(cut.offset..).unwrap_or_default();
    let hole = rest.get(..source.len().saturating_sub(cut.text.len())).unwrap_or_default();
    let reply: Vec<char> = rest.chars().take(REPLY).collect();
    let text = Rope::from_str(&cut.text);
    let tree = syntax::parse_excerpt(&cut.text, language, None, &mut { usize::MAX });
    let stops = Tasks::builtin().row(cut.task).stop.clone();
    let start = Instant::now();
    let surroundings = Surroundings::of(&text, language, tree.as_ref(), cut.offset);
    let input = CutInput {
        surroundings,
        task: cut.task,
        stops,
        shape: Shape::Raw,
        markers: Vec::new(),
        max_lines: 60,
        by_line: false,
    };
    let mut cutter = Cutter::new(input);
    let done = reply.chunks(PIECE).any(|piece| cutter.push(&piece.iter().collect::<String>()) == Progress::Done);
    let finish = if done || rest.chars().count() <= REPLY { Finish::Stop } else { Finish::Length };
    (cutter.finish(finish), hole, start.elapsed())
}

fn judge(result: &Result<Cut, Rejection>, hole: &str, kind: Kind) -> Verdict {
    // The document decides its line breaks.
    let hole = hole.replace("\r\n", "\n");
    let hole = hole.trim_end();
    match result {
        Err(Rejection::Empty | Rejection::Repeats) if hole.is_empty() => Verdict::Exact,
        Err(reason) => Verdict::Rejected(*reason),
        Ok(cut) if cut.text.trim_end() == hole => Verdict::Exact,
        Ok(cut) if hole.starts_with(cut.text.trim_end()) => Verdict::Short,
        Ok(cut) if cut.text.starts_with(hole) && kind != Kind::Tail => Verdict::Long,
        Ok(_) => Verdict::Other,
    }
}

fn picture(cut: &cuts::Cut, hole: &str, result: &Result<Cut, Rejection>) -> String {
    let (before, after) = cut.text.split_at(cut.offset);
    let above: Vec<&str> = before.lines().rev().take(4).collect();
    let above: Vec<&str> = above.into_iter().rev().collect();
    let below: Vec<&str> = after.split('\n').take(3).collect();
    let hole: String = hole.chars().take(300).collect();
    let got = match result {
        Ok(cut) => format!("{}\u{2038} {:?}", cut.text, cut.ended),
        Err(reason) => format!("rejected: {reason}"),
    };
    format!("{}ˇ{}\n  hole: {hole}\n  got:  {got}", above.join("\n"), below.join("\n"))
}

impl Figures {
    fn print(&mut self, language: &Language, out: &mut impl Write) -> anyhow::Result<()> {
        let all: usize = self.verdicts.values().sum();
        let share = |verdict: Verdict| 100.0 * *self.verdicts.get(&verdict).unwrap_or(&0) as f64 / all.max(1) as f64;
        let reasons = self.verdicts.iter().filter_map(|(verdict, count)| match verdict {
            Verdict::Rejected(reason) => Some((reason, count)),
            _ => None,
        });
        let rejected: usize = reasons.clone().map(|(_, count)| count).sum();
        let named: Vec<String> = reasons.map(|(reason, count)| format!("{reason} {count}")).collect();
        self.times.sort_unstable();
        let time = |share: usize| self.times.get(self.times.len() * share / 100).map_or(0, Duration::as_micros);
        writeln!(
            out,
            "{:<11} {all:>6} {:>6.1}% {:>6.1}% {:>6.1}% {:>6.1}% {:>8.1}% {:>9} {:>9}  {}",
            language.name(),
            share(Verdict::Exact),
            share(Verdict::Short),
            share(Verdict::Long),
            share(Verdict::Other),
            100.0 * rejected as f64 / all.max(1) as f64,
            time(50),
            time(99),
            named.join(", ")
        )?;
        Ok(())
    }
}
