//! The files of a repository: those that are learned and those that are held out and typed.
//! It leaves their use to `replay`, `contend` and `fit`.

use std::path::Path;
use std::time::Instant;

use ignore::WalkBuilder;
use pennyworth_ngram::{Limits, Model, Prepared};

/// Extensions of files that count as code.
const EXTENSIONS: [&str; 27] = [
    "rs", "py", "js", "mjs", "cjs", "jsx", "ts", "tsx", "go", "c", "h", "cc", "cpp", "hpp", "java", "cs", "rb", "php",
    "sh", "lua", "html", "css", "toml", "yaml", "yml", "kt", "swift",
];
/// Most lines of a held-out file to type, so that no file dominates.
const LONGEST: usize = 600;

/// A source file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) language: String,
    pub(crate) text: String,
}

/// A repository.
pub(crate) struct Corpus {
    pub(crate) indexed: Vec<Source>,
    pub(crate) held_out: Vec<Source>,
}

impl Corpus {
    /// Reads all code under a directory; one file in `every` is held out, up to `lines` lines in all.
    pub(crate) fn read(directory: &Path, every: u64, lines: usize) -> anyhow::Result<Corpus> {
        let mut sources: Vec<Source> = WalkBuilder::new(directory)
            .hidden(false)
            .build()
            .filter_map(Result::ok)
            .filter_map(|entry| read(directory, entry.path()))
            .collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        let mut corpus = Corpus { indexed: Vec::new(), held_out: Vec::new() };
        let (mut chosen, rest): (Vec<Source>, Vec<Source>) = sources
            .into_iter()
            .partition(|source| hash(&source.path).is_multiple_of(every) && source.text.lines().count() > 10);
        corpus.indexed = rest;
        if chosen.is_empty() && corpus.indexed.len() > 1 {
            chosen.extend(corpus.indexed.pop());
        }
        chosen.sort_by_key(|source| hash(&source.path));
        let mut left = lines;
        for mut source in chosen {
            if left == 0 {
                // Not typed, and not learned either: what is learned must not depend on how much is typed.
                continue;
            }
            let end =
                source.text.match_indices('\n').nth(LONGEST.min(left) - 1).map_or(source.text.len(), |(end, _)| end);
            source.text.truncate(end);
            left = left.saturating_sub(source.text.lines().count());
            corpus.held_out.push(source);
        }
        Ok(corpus)
    }

    /// Lines that are learned.
    pub(crate) fn lines(&self) -> usize {
        self.indexed.iter().map(|source| source.text.lines().count()).sum()
    }

    /// A model that has learned the repository, and how many lines per second it learned on one core.
    pub(crate) fn index(&self, limits: Limits) -> (Model, f64) {
        let start = Instant::now();
        let mut model = Model::new(limits);
        if let Some(first) = self.held_out.first() {
            model.open(&first.path, &first.language, "");
        }
        for source in &self.indexed {
            model.index(&source.path, &source.language, &source.text);
        }
        let speed = self.lines() as f64 / start.elapsed().as_secs_f64();
        if let Some(first) = self.held_out.first() {
            model.close(&first.path);
            model.remove(&first.path);
        }
        (model, speed)
    }
}

fn read(directory: &Path, path: &Path) -> Option<Source> {
    let extension = path.extension()?.to_str()?;
    if !EXTENSIONS.contains(&extension) || !path.is_file() {
        return None;
    }
    let text = std::fs::read_to_string(path).ok()?.replace("\r\n", "\n");
    let path = path.strip_prefix(directory).ok()?.to_str()?.to_owned();
    Prepared::new(&path, extension, &text).ok()?;
    Some(Source { path, language: extension.to_owned(), text })
}

/// A number that depends on the path alone, so that the same files are held out everywhere.
fn hash(path: &str) -> u64 {
    let mixed = path
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    (mixed ^ mixed >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}
