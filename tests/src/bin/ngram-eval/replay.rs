//! Types held-out files again, token by token or character by character, and counts what the model's suggestions saved.
//! It leaves the definition of the figures to `main`.

use std::fmt;
use std::path::Path;
use std::sync::RwLock;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use pennyworth_ngram::{Model, Query, Suggestion};

use crate::corpus::Source;

/// Bytes before the cursor that the model is shown.
const BEFORE: usize = 4096;

/// How a file is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// The model is asked after each token.
    Tokens,
    /// The model is asked after each character.
    Chars,
}

/// When a suggestion is shown.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) threshold: f32,
    pub(crate) min_chars: usize,
    pub(crate) max_tokens: usize,
    pub(crate) max_lines: usize,
    pub(crate) verbose: bool,
}

/// The figures of typing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    chars: usize,
    saved: usize,
    tokens: usize,
    shown: usize,
    accepted: usize,
    partly: usize,
    several_lines: usize,
    wrong_closer: usize,
    wrong_longer: usize,
    times: Times,
}

/// How long queries took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Does some work and records how long it took.
    pub(crate) fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = work();
        self.0.push(start.elapsed());
        result
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = |share: f64| {
            let index = (sorted.len() as f64 * share) as usize;
            sorted.get(index.min(sorted.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        write!(f, "p50 {:.3} ms, p99 {:.3} ms, p99.9 {:.3} ms, max {:.2} ms", at(0.5), at(0.99), at(0.999), at(1.0))
    }
}

impl Figures {
    /// One line of figures.
    pub(crate) fn row(&self, mode: Mode, threshold: f32) -> String {
        let percent = |part: usize, whole: usize| 100.0 * part as f64 / whole.max(1) as f64;
        format!(
            "{:<6} p≥{threshold:.2}: saved {:5.1} % ({:4.1} % net) at {:5.1} % accepted (+{:4.1} % partly); {} shown, {} wrong, {} of them end in a closer, {} lengthen a word; {:4.1} shown per 100 tokens, {:4.1} chars each, {} of several lines; query {}",
            format!("{mode:?}").to_lowercase(),
            percent(self.saved, self.chars),
            percent(self.saved.saturating_sub(self.accepted), self.chars),
            percent(self.accepted, self.shown),
            percent(self.partly, self.shown),
            self.shown,
            self.shown - self.accepted,
            self.wrong_closer,
            self.wrong_longer,
            percent(self.shown, self.tokens),
            self.saved as f64 / self.accepted.max(1) as f64,
            self.several_lines,
            self.times
        )
    }

    fn add(&mut self, other: &Figures) {
        self.chars += other.chars;
        self.saved += other.saved;
        self.tokens += other.tokens;
        self.shown += other.shown;
        self.accepted += other.accepted;
        self.partly += other.partly;
        self.several_lines += other.several_lines;
        self.wrong_closer += other.wrong_closer;
        self.wrong_longer += other.wrong_longer;
        self.times.0.extend(&other.times.0);
    }
}

/// Prints the sums over repositories, by mode and threshold.
pub(crate) fn print_sums(rows: &[(Mode, f32, Figures)]) {
    for mode in [Mode::Tokens, Mode::Chars] {
        let mut thresholds: Vec<f32> = rows.iter().filter(|row| row.0 == mode).map(|row| row.1).collect();
        thresholds.sort_by(f32::total_cmp);
        thresholds.dedup();
        for threshold in thresholds {
            let mut sum = Figures::default();
            rows.iter().filter(|row| row.0 == mode && row.1 == threshold).for_each(|row| sum.add(&row.2));
            println!("  {}", sum.row(mode, threshold));
        }
    }
}

/// A held-out file and how far it is typed; the model knows exactly that much of it.
pub(crate) struct Typist<'a> {
    source: &'a Source,
    indent: String,
    word_chars: &'static str,
    at: usize,
    line: usize,
}

impl<'a> Typist<'a> {
    /// Opens the file, empty.
    pub(crate) fn new(source: &'a Source, model: &mut Model) -> Typist<'a> {
        model.open(&source.path, &source.language, "");
        let language = pennyworth_grammars::by_path(Path::new(&source.path), "");
        let word_chars = language.map_or("", |language| language.facts().word_chars.as_str());
        Typist { source, indent: indent(&source.text), word_chars, at: 0, line: 0 }
    }

    /// What is still to be typed.
    pub(crate) fn rest(&self) -> &'a str {
        self.source.text.get(self.at..).unwrap_or_default()
    }

    /// The query at the cursor.
    pub(crate) fn query(&self, rules: Rules) -> Query<'_> {
        let typed = self.source.text.get(..self.at).unwrap_or_default();
        let mut start = typed.len().saturating_sub(BEFORE);
        while !typed.is_char_boundary(start) {
            start += 1;
        }
        Query {
            path: &self.source.path,
            language: &self.source.language,
            before: typed.get(start..).unwrap_or_default(),
            after: "",
            line: self.line,
            min_probability: rules.threshold,
            min_chars: rules.min_chars,
            max_tokens: rules.max_tokens,
            max_lines: rules.max_lines,
            indent: &self.indent,
            word_chars: self.word_chars,
        }
    }

    /// Types this many bytes.
    pub(crate) fn type_on(&mut self, bytes: usize, model: &mut Model) {
        let end = (self.at + bytes).min(self.source.text.len());
        let text = &self.source.text;
        let start = text.get(..self.at).and_then(|typed| typed.rfind('\n')).map_or(0, |end| end + 1);
        let new = text.get(start..end).unwrap_or_default();
        model.edit(&self.source.path, self.line, 1, new.split('\n'));
        self.line += text.get(self.at..end).unwrap_or_default().matches('\n').count();
        self.at = end;
    }

    /// Bytes of the next piece to type: a line break with the indentation after it, or a token or character of the line.
    pub(crate) fn piece(&self, mode: Mode) -> usize {
        let rest = self.rest();
        let first = rest.chars().next().map_or(0, char::len_utf8);
        if rest.starts_with('\n') {
            return rest.len() - rest.trim_start_matches(['\n', ' ', '\t']).len();
        }
        let body = rest.strip_prefix(' ').unwrap_or(rest);
        let space = rest.len() - body.len();
        match mode {
            Mode::Chars => first,
            Mode::Tokens if body.starts_with(is_word) => space + body.len() - body.trim_start_matches(is_word).len(),
            Mode::Tokens => space + body.chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8),
        }
        .max(first)
    }

    /// True when the suggestion is what follows.
    pub(crate) fn is_right(&self, text: &str) -> bool {
        let follows = self.rest().strip_prefix(text).map(|rest| rest.starts_with(is_word));
        follows.is_some_and(|goes_on| !(goes_on && text.ends_with(is_word)))
    }

    /// True behind the last character of a word.
    fn is_behind_word(&self) -> bool {
        let before = self.source.text.get(..self.at).and_then(|text| text.chars().next_back());
        before.is_some_and(is_word) && !self.rest().starts_with(is_word)
    }

    /// Closes the file; the model forgets it.
    pub(crate) fn close(self, model: &mut Model) {
        model.close(&self.source.path);
        model.remove(&self.source.path);
        while model.advance() {}
    }
}

/// Types all files and counts.
pub(crate) fn replay(model: &mut Model, sources: &[Source], mode: Mode, rules: Rules) -> Figures {
    let mut figures = Figures::default();
    for source in sources {
        figures.chars += visible(&source.text);
        let mut typist = Typist::new(source, model);
        let mut display: Option<String> = None;
        while !typist.rest().is_empty() {
            if typist.rest().starts_with('\n') {
                typist.type_on(typist.piece(mode), model);
                display = None;
                continue;
            }
            let found = figures.times.time(|| model.suggest(&typist.query(rules)));
            figures.tokens += usize::from(starts_token(&typist));
            let typed = match &found {
                Some(found) if figures.count(&typist, found, &display, rules) => found.text.len(),
                _ => typist.piece(mode),
            };
            let gone = typist.rest().get(..typed).unwrap_or_default();
            display = found
                .and_then(|found| found.text.strip_prefix(gone).map(str::to_owned))
                .filter(|_| mode == Mode::Chars);
            typist.type_on(typed, model);
        }
        typist.close(model);
    }
    figures
}

/// True where a token of the file begins, to count tokens in either mode.
fn starts_token(typist: &Typist<'_>) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let before = typist.source.text.get(..typist.at).and_then(|text| text.chars().next_back());
    let next = typist.rest().chars().next();
    next.is_some_and(|c| !c.is_whitespace()) && !(before.is_some_and(is_word) && next.is_some_and(is_word))
        || next == Some(' ')
}

impl Figures {
    /// Counts a suggestion on display; true when it is accepted.
    fn count(&mut self, typist: &Typist<'_>, found: &Suggestion, display: &Option<String>, rules: Rules) -> bool {
        let right = typist.is_right(&found.text);
        if rules.verbose {
            let truth: String = typist.rest().chars().take(60).collect();
            println!("{} {:.2} {:?} | {truth:?}", if right { "+" } else { "-" }, found.probability, found.text);
        }
        self.shown += usize::from(display.as_ref() != Some(&found.text));
        if right {
            self.accepted += 1;
            self.saved += visible(&found.text);
            self.several_lines += usize::from(found.lines > 1);
            return true;
        }
        let first = found.tokens.first().and_then(|(end, _)| found.text.get(..*end)).unwrap_or_default();
        let again = display.as_ref() == Some(&found.text);
        self.partly += usize::from(!again && !first.is_empty() && typist.is_right(first));
        self.wrong_closer += usize::from(!again && found.text.trim_end().ends_with([')', ']', '}']));
        self.wrong_longer += usize::from(!again && typist.is_behind_word() && found.text.starts_with(is_word));
        false
    }
}

/// Predicted probabilities against the share that was right, in ten bins.
#[derive(Default)]
pub(crate) struct Bins([(usize, f64, usize); 10]);

impl Bins {
    /// Adds the counts of another measurement.
    pub(crate) fn add(&mut self, other: &Bins) {
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum = (sum.0 + more.0, sum.1 + more.1, sum.2 + more.2);
        }
    }
}

impl fmt::Display for Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: usize = self.0.iter().map(|bin| bin.0).sum();
        let mut error = 0.0;
        write!(f, "calibration, predicted/right %:")?;
        for (count, predicted, right) in self.0.iter().filter(|bin| bin.0 > 0) {
            let (predicted, right) = (predicted / *count as f64, *right as f64 / *count as f64);
            error += (predicted - right).abs() * *count as f64 / all.max(1) as f64;
            write!(f, " {:.0}/{:.0} ({count})", predicted * 100.0, right * 100.0)?;
        }
        write!(f, "; error {error:.3}")
    }
}

/// Asks without a threshold at every third token cursor.
pub(crate) fn calibrate(model: &mut Model, sources: &[Source], rules: Rules) -> Bins {
    let rules = Rules { threshold: 0.0, ..rules };
    let mut bins = Bins::default();
    let mut cursors = 0_usize;
    for source in sources {
        let mut typist = Typist::new(source, model);
        while !typist.rest().is_empty() {
            cursors += 1;
            let asked = cursors.is_multiple_of(3) && !typist.rest().starts_with('\n');
            if let Some(found) = asked.then(|| model.suggest(&typist.query(rules))).flatten() {
                let bin = (found.probability * 10.0) as usize;
                if let Some((count, predicted, right)) = bins.0.get_mut(bin.min(9)) {
                    *count += 1;
                    *predicted += f64::from(found.probability);
                    *right += usize::from(typist.is_right(&found.text));
                }
            }
            typist.type_on(typist.piece(Mode::Tokens), model);
        }
        typist.close(model);
    }
    bins
}

/// Types the files through a shared lock, and times the queries, including the wait.
pub(crate) fn ask_often(model: &RwLock<Model>, sources: &[Source], rules: Rules, queries: usize) -> Times {
    let mut times = Times::default();
    for source in sources {
        let Ok(mut locked) = model.write() else { break };
        let mut typist = Typist::new(source, &mut locked);
        drop(locked);
        while !typist.rest().is_empty() && times.0.len() < queries {
            times.time(|| model.read().ok().and_then(|model| model.suggest(&typist.query(rules))));
            let Ok(mut locked) = model.write() else { break };
            typist.type_on(typist.piece(Mode::Tokens), &mut locked);
        }
    }
    times
}

/// One step of indentation: that of the first indented line.
fn indent(text: &str) -> String {
    let first = text.lines().find(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty());
    let blanks = first.map_or("", |line| line.get(..line.len() - line.trim_start().len()).unwrap_or_default());
    match blanks {
        "" => "    ".to_owned(),
        blanks if blanks.starts_with('\t') => "\t".to_owned(),
        blanks => blanks.get(..blanks.len().min(4)).unwrap_or(blanks).to_owned(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Characters that are neither line breaks nor indentation.
fn visible(text: &str) -> usize {
    let own = |(index, line): (usize, &str)| {
        if index == 0 { line.chars().count() } else { line.trim_start().chars().count() }
    };
    text.split('\n').enumerate().map(own).sum()
}
