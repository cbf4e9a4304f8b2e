//! True stops: what the cutter makes of the true continuation of a real file, cut anywhere. A construct is cut out, and the reply is the text that
//! stood there, up to a random character, to a line's end, or on into the text below the hole. What is shown must be the truth, line by line.
//! `chain` accepts what is shown line by line, and cuts the rest of the truth at each place that results.

use pennyworth_core::classify::decide::{Beside, decide};
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish, Progress, Rejection, Surroundings};
use pennyworth_core::models::Shape;
use pennyworth_core::syntax;
use pennyworth_core::task::{Task, Tasks};
use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::Tree;

use super::cuts::{self, Random};

/// Most characters of a reply, and of one that is cut anywhere.
const REPLY: usize = 1_200;
const SHORT: usize = 400;
/// Lines that a hole of whole lines takes.
const LINES: usize = 6;
/// Lines that a chain accepts.
const STEPS: usize = 6;

/// A file with its tree.
pub struct Source<'a> {
    text: &'a str,
    language: &'static Language,
    tree: Tree,
}

/// A text cut out of a file: from here to there.
#[derive(Clone, Copy, Debug)]
pub struct Hole {
    start: usize,
    end: usize,
    task: Task,
}

/// How a reply ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// At a random character, by the ceiling.
    Anywhere,
    /// At the end of the first line that holds something.
    Line,
    /// At the hole's end.
    Hole,
    /// In the text below the hole.
    Beyond,
}

/// What became of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The truth's lines, the last perhaps in part.
    True,
    /// The truth's lines, and closers of what the reply had opened and filled.
    Closed,
    /// Something else.
    Wrong,
    /// Nothing.
    Refused(Rejection),
}

/// A reply, and what became of it.
pub struct Trial {
    /// Whether one line was wanted.
    pub by_line: bool,
    /// Where the reply ended.
    pub stop: Stop,
    /// What became of it.
    pub verdict: Verdict,
    /// The place, the truth and the result, for a reader.
    pub picture: String,
}

impl<'a> Source<'a> {
    /// A file that parses.
    pub fn of(text: &'a str, language: &'static Language) -> Option<Source<'a>> {
        let tree = syntax::parse_excerpt(text, language, None, &mut { usize::MAX })?;
        (!tree.root_node().has_error()).then_some(Source { text, language, tree })
    }

    /// Holes in the file: rests of lines and of nodes, and whole lines.
    pub fn holes(&self, limit: usize, seed: u64) -> Vec<Hole> {
        let mut random = Random::new(seed);
        let cut = cuts::cuts(self.text, self.language, limit, seed).into_iter().map(|cut| {
            let typed_end = cut.offset;
            Hole { start: typed_end, end: typed_end + self.text.len() - cut.text.len(), task: cut.task }
        });
        let mut holes: Vec<Hole> = cut.collect();
        let starts: Vec<usize> =
            std::iter::once(0).chain(self.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        for _ in 0..limit {
            let from = random.below(starts.len());
            let to = from + 1 + random.below(LINES);
            let Some(line) = starts.get(from).and_then(|start| self.text.get(*start..)) else { continue };
            let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
            let start = starts.get(from).map_or(0, |start| start + blanks);
            let end = starts.get(to).map_or(self.text.len(), |next| next - 1);
            if start < end {
                holes.extend(self.hole(start, end));
            }
        }
        holes
    }

    fn hole(&self, start: usize, end: usize) -> Option<Hole> {
        let text = self.text.get(start..end)?;
        // The first line must hold something, and not be what stands below: then nobody could tell which of the two is missing.
        let first = text.lines().next().unwrap_or_default().trim();
        let below = self.text.get(end..).unwrap_or_default().lines().find(|line| !line.trim().is_empty());
        if first.is_empty() || below.is_some_and(|below| below.trim() == first) {
            return None;
        }
        let task = decide(self.text, &self.tree, self.language, start..end, Beside::default())
            .map_or(Task::Line, |decision| decision.task);
        Some(Hole { start, end, task })
    }

    /// The result of each reply for a hole.
    pub fn trials(&self, hole: Hole, random: &mut Random) -> Vec<Trial> {
        let truth = self.text.get(hole.start..hole.end).unwrap_or_default();
        let rest = self.text.get(hole.start..).unwrap_or_default();
        if truth.trim().is_empty() {
            return Vec::new();
        }
        let line = end_of_line(truth);
        let anywhere = 1 + random.below(SHORT.min(truth.chars().count()));
        let replies = [
            (Stop::Anywhere, prefix(truth, anywhere), Finish::Length),
            (Stop::Line, truth.get(..line).unwrap_or_default(), Finish::Stop),
            (Stop::Hole, prefix(truth, REPLY), ended(truth)),
            (Stop::Beyond, prefix(rest, REPLY), ended(rest)),
        ];
        let mut trials = Vec::new();
        // Only where a line is wanted does a model stop at its end.
        let is_line = Tasks::builtin().row(hole.task).stop.contains(&pennyworth_core::task::Stop::Newline);
        for by_line in [true, false] {
            for (stop, reply, finish) in replies {
                let at_ceiling = stop == Stop::Line && !by_line && !is_line;
                let (reply, finish) =
                    if at_ceiling { (next_line(rest, reply), Finish::Length) } else { (reply, finish) };
                let text =
                    [self.text.get(..hole.start).unwrap_or_default(), self.text.get(hole.end..).unwrap_or_default()];
                let result = cut(&text.concat(), hole.start, hole.task, self.language, reply, finish, by_line);
                let verdict = judge(&result, truth, reply);
                let head = format!("{:?} {stop:?} by_line {by_line}", hole.task);
                trials.push(Trial { by_line, stop, verdict, picture: picture(&head, text, truth, &result) });
            }
        }
        trials
    }

    /// The steps that show exactly the next line of the truth, all steps, and a picture of the one that failed.
    pub fn chain(&self, hole: Hole) -> (usize, usize, Option<String>) {
        let below = self.text.get(hole.end..).unwrap_or_default();
        let (mut at, mut right) = (hole.start, 0);
        for step in 0..STEPS {
            let truth = self.text.get(at..hole.end).unwrap_or_default();
            if truth.trim().is_empty() {
                return (right, step, None);
            }
            let before = self.text.get(..at).unwrap_or_default();
            let decision = decide(self.text, &self.tree, self.language, at..hole.end, Beside::default());
            let task = decision.map_or(Task::Line, |decision| decision.task);
            let reply = prefix(self.text.get(at..).unwrap_or_default(), REPLY);
            let result = cut(&[before, below].concat(), at, task, self.language, reply, Finish::Length, true);
            let line = truth.get(..end_of_line(truth)).unwrap_or_default();
            let same = |cut: &Cut| cut.text.trim_end() == normal(line).trim_end();
            if !result.as_ref().is_ok_and(same) {
                return (
                    right,
                    step + 1,
                    Some(picture(&format!("chain {step} {task:?}"), [before, below], truth, &result)),
                );
            }
            right += 1;
            at += line.len();
        }
        (right, STEPS, None)
    }
}

/// A line with its break.
fn next_line<'a>(text: &'a str, line: &str) -> &'a str {
    text.get(..line.len() + 1).unwrap_or(text)
}

/// The end of the first line that holds something.
fn end_of_line(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    let rest = text.get(blank..).unwrap_or_default();
    blank + rest.find('\n').unwrap_or(rest.len())
}

fn prefix(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).and_then(|(at, _)| text.get(..at)).unwrap_or(text)
}

fn ended(text: &str) -> Finish {
    if text.chars().count() > REPLY { Finish::Length } else { Finish::Stop }
}

fn cut(
    text: &str,
    offset: usize,
    task: Task,
    language: &'static Language,
    reply: &str,
    finish: Finish,
    by_line: bool,
) -> Result<Cut, Rejection> {
    let tree = syntax::parse_excerpt(text, language, None, &mut { usize::MAX });
    let input = CutInput {
        surroundings: Surroundings::of(&Rope::from_str(text), language, tree.as_ref(), offset),
        task,
        stops: Tasks::builtin().row(task).stop.clone(),
        shape: Shape::Raw,
        markers: Vec::new(),
        max_lines: 60,
        by_line,
    };
    let mut cutter = Cutter::new(input);
    let done = reply.split_inclusive([' ', '\n']).any(|piece| cutter.push(piece) == Progress::Done);
    cutter.finish(if done { Finish::Stop } else { finish })
}

/// The document decides its line breaks.
fn normal(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn judge(result: &Result<Cut, Rejection>, truth: &str, reply: &str) -> Verdict {
    let shown = match result {
        Ok(cut) => &cut.text,
        Err(reason) => return Verdict::Refused(*reason),
    };
    if is_prefix(shown, &normal(truth)) {
        return Verdict::True;
    }
    let closers: &[char] = &[')', ']', '}', ';', ',', '*', '/', '"', '\'', '`', ' ', '\n', '\t'];
    let filled = shown.trim_end_matches(closers);
    let closed = shown.get(filled.len()..).unwrap_or_default();
    match !reply.trim_end().ends_with(filled) && is_prefix(filled, &normal(truth)) && !closed.trim().is_empty() {
        true => Verdict::Closed,
        false => Verdict::Wrong,
    }
}

/// Whether the lines shown are the truth's, the last perhaps in part.
fn is_prefix(shown: &str, truth: &str) -> bool {
    let (shown, truth) = (shown.trim_end(), truth.trim_end());
    let mut lines = shown.split('\n').peekable();
    let mut true_lines = truth.split('\n');
    while let Some(line) = lines.next() {
        let Some(true_line) = true_lines.next() else { return false };
        let same = line.trim_end() == true_line.trim_end();
        let is_begun = lines.peek().is_none() && true_line.starts_with(line);
        if !(same || is_begun) {
            return false;
        }
    }
    true
}

fn picture(head: &str, [before, after]: [&str; 2], truth: &str, result: &Result<Cut, Rejection>) -> String {
    let above: Vec<&str> = before.split('\n').rev().take(5).collect();
    let above: Vec<&str> = above.into_iter().rev().collect();
    let below: Vec<&str> = after.split('\n').take(4).collect();
    let got = match result {
        Ok(cut) => format!("{}\u{2038} {:?}", cut.text, cut.ended),
        Err(reason) => format!("rejected: {reason}"),
    };
    let truth = prefix(truth, 300);
    format!("{head}\n{}\u{2c7}{}\n  truth: {truth}\n  got:   {got}", above.join("\n"), below.join("\n"))
}
