//! The places that are measured: where they are, what is missing there, and what class the classifier gives.

use bpe_openai::o200k_base;
use pennyworth_core::classify::classify;
use pennyworth_core::gate::{FileKind, Gate, Moment, Trigger, gate};
use pennyworth_core::lex;
use pennyworth_core::syntax;
use pennyworth_core::task::{Stop, Task, Tasks};
use pennyworth_grammars::Language;
use pennyworth_tests::extent::{self, Body};
use pennyworth_tests::sources::Files;
use ropey::Rope;
use tree_sitter::Tree;

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Where a word or sign begins.
    Random,
    /// At the end of a line's text.
    LineEnd,
    /// Behind a line break and the indentation.
    NewLine,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Kind; 3] = [Kind::Random, Kind::LineEnd, Kind::NewLine];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Random => "random places",
            Kind::LineEnd => "line ends",
            Kind::NewLine => "new lines",
        }
    }
}

/// A place where a model is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// The language's name.
    pub(crate) language: &'static str,
    /// The kind of place.
    pub(crate) kind: Kind,
    /// The task in the complete file.
    pub(crate) right: Task,
    /// The task that decides the ceiling.
    pub(crate) given: Task,
    /// Tokens of the true continuation; 0 where nothing is missing, or an answer of this class cannot hold it.
    pub(crate) tokens: u32,
}

/// Up to `limit` samples of each kind from each file that parses.
pub(crate) fn samples(sources: &[(&'static Language, Files)], body: Body, limit: usize, seed: u64) -> Vec<Sample> {
    let tasks = Tasks::builtin();
    let mut samples = Vec::new();
    for (language, files) in sources {
        for (_, source) in files {
            let Some(tree) = syntax::parse_excerpt(source, language, None, &mut { usize::MAX }) else { continue };
            if tree.root_node().has_error() || is_data(source) {
                continue;
            }
            let file = File { source, rope: Rope::from_str(source), tree, language, tasks: &tasks };
            for kind in Kind::ALL {
                let chosen = choose(&file.places(kind), limit, seed ^ source.len() as u64);
                samples.extend(chosen.into_iter().filter_map(|offset| file.sample(kind, offset, body)));
            }
        }
    }
    samples
}

/// Whether a file is a table rather than code: most of its lines begin with a number, a quote or a bracket.
fn is_data(source: &str) -> bool {
    let (mut lines, mut values) = (0, 0);
    for line in source.lines().map(str::trim_start).filter(|line| !line.is_empty()) {
        lines += 1;
        values += usize::from(line.starts_with(|c: char| c.is_ascii_digit() || "\"'([{-".contains(c)));
    }
    values * 2 > lines
}

struct File<'a> {
    source: &'a str,
    rope: Rope,
    tree: Tree,
    language: &'static Language,
    tasks: &'a Tasks,
}

impl File<'_> {
    /// `None` where no call is made: the gate is silent, or there is no class.
    fn sample(&self, kind: Kind, offset: usize, body: Body) -> Option<Sample> {
        let extent = extent::extent(self.source, &self.tree, self.language, offset, body)?;
        let (text, suffix) = (self.source.get(extent.range.clone())?, self.source.get(extent.range.end..)?);
        let given = match body {
            Body::Rest => extent.task,
            Body::Parts => self.classify(offset, extent.range.end)?,
        };
        let row = self.tasks.row(given);
        let moment = Moment {
            trigger: Trigger::Typed,
            file: FileKind::Normal,
            enabled: row.enabled,
            paused: false,
            untaken: false,
            has_local_model: true,
            reads_on: false,
            prefix: self.source.get(..offset)?,
            suffix,
        };
        if gate(&moment) != Gate::Ask {
            return None;
        }
        // An answer that ends with the line cannot begin with a line break.
        let begins_below = text.get(..text.len() - text.trim_start().len())?.contains('\n');
        let in_vain = body == Body::Parts && begins_below && row.stop.contains(&Stop::Newline);
        let tokens = if in_vain { 0 } else { o200k_base().count(text) as u32 };
        Some(Sample { language: self.language.name(), kind, right: extent.task, given, tokens })
    }

    /// The class of a place without its continuation.
    fn classify(&self, offset: usize, end: usize) -> Option<Task> {
        let mut without = self.rope.clone();
        without.remove(without.byte_to_char(offset)..without.byte_to_char(end));
        let moved = syntax::moved(&self.tree, offset, end, offset);
        classify(&without, self.language, Some(&moved), offset).task
    }

    fn places(&self, kind: Kind) -> Vec<usize> {
        let starts = std::iter::once(0).chain(self.source.match_indices('\n').map(|(at, _)| at + 1));
        let lines = starts.filter_map(|start| Some((start, self.source.get(start..)?.lines().next()?)));
        let written = lines.filter(|(_, line)| !line.trim().is_empty());
        match kind {
            Kind::LineEnd => written.map(|(start, line)| start + line.trim_end().len()).collect(),
            Kind::NewLine => written.map(|(start, line)| start + (line.len() - line.trim_start().len())).collect(),
            Kind::Random => self.beginnings(),
        }
    }

    /// Where a word or sign begins: not inside a word, where no model is asked, nor inside an operator.
    fn beginnings(&self) -> Vec<usize> {
        let facts = self.language.facts();
        let mut places = Vec::new();
        let mut last = '\n';
        for (at, c) in self.source.char_indices() {
            let in_word = lex::is_word(facts, last) && lex::is_word(facts, c);
            if !c.is_whitespace() && !in_word && !self.splits_operator(at, c) {
                places.push(at);
            }
            last = c;
        }
        places
    }

    fn splits_operator(&self, at: usize, c: char) -> bool {
        let leaf = self.tree.root_node().descendant_for_byte_range(at, at + c.len_utf8());
        leaf.is_some_and(|leaf| leaf.start_byte() < at && leaf.child_count() == 0)
            && !lex::is_word(self.language.facts(), c)
    }
}

/// Some of the places, the same for the same seed.
fn choose(places: &[usize], limit: usize, mut seed: u64) -> Vec<usize> {
    let mut next = || {
        // SplitMix64.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as usize
    };
    (0..limit.min(places.len())).filter_map(|_| places.get(next() % places.len()).copied()).collect()
}
