//! What a task on demand is about, by which its answer is read and judged. It holds all that this takes, so that it can be kept with a job whose
//! answer comes after the server has ended. It leaves the rules of each form of answer to `core::demand`.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use pennyworth_core::demand::{self, Edit, Form, Hunk, Joined, Joining, Reviewed, Scope, Source, Unfit};
use pennyworth_core::mask::Masks;
use pennyworth_core::present::{Target, detect_indent, reindent};
use pennyworth_core::task::Task;
use pennyworth_grammars::{Layout, by_name_or_text};
use serde::{Deserialize, Serialize};

use super::answers::{Answer, Edited, Findings};

/// What a task is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Code to explain.
    Code,
    /// A change to be described.
    Commit,
    /// Lines of a file to edit.
    Lines(Lines),
    /// A place in a file for new tests of an item.
    Tests(Tests),
    /// Hunks of files, each with its path as the prompt shows it.
    Hunks(Vec<(String, Vec<Hunk>)>),
}

/// Lines of a file to edit.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The file.
    pub path: PathBuf,
    /// Its path as prompts show it.
    pub shown: String,
    /// The name of its language.
    pub language: String,
    /// Its text when it was read, with line breaks `\n`.
    pub text: String,
    /// The bytes inside which an edit must stay.
    pub within: Range<usize>,
    /// The bytes of the diagnostic that must not stay as they are.
    pub wrong: Option<Range<usize>>,
    /// The form of the edit that was asked for.
    pub form: Form,
    /// The bytes of a comment that the model did not see, and that the edit takes away.
    #[serde(default)]
    pub comment: Option<Range<usize>>,
    /// What was masked in the prompt besides the file's text.
    #[serde(default)]
    pub hidden: Masks,
    /// What the edit may hold because the user's words do.
    #[serde(default)]
    pub known: String,
}

/// A place in a file for new tests.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tests {
    /// The file.
    pub path: PathBuf,
    /// The name of its language.
    pub language: String,
    /// Its text when it was read; empty for a new file.
    pub before: String,
    /// Where the tests are put.
    #[serde(flatten)]
    pub spot: Spot,
    /// The name of the class or module that they go into, if the file has its tests in one.
    #[serde(default)]
    pub holder: Option<String>,
    /// Where tests are put that do not go into it.
    #[serde(default)]
    pub outside: Option<Spot>,
    /// The name of what is tested, which they must hold.
    pub name: String,
    /// What was masked in the prompt.
    #[serde(default)]
    pub hidden: Masks,
    /// What they may hold because the file of what is tested does.
    #[serde(default)]
    pub known: String,
}

/// A place in a file, and what goes around new text there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The byte.
    pub at: usize,
    /// What is put before the text.
    pub lead: String,
    /// What is put behind it.
    pub tail: String,
    /// The indentation of the text; none at the top of a file.
    #[serde(default)]
    pub depth: String,
}

impl fmt::Debug for Lines {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("shown", &self.shown).field("within", &self.within).finish_non_exhaustive()
    }
}

impl fmt::Debug for Tests {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tests").field("path", &self.path).field("at", &self.spot.at).finish_non_exhaustive()
    }
}

impl About {
    /// What an answer says, if it is valid. `is_truncated` says that its ceiling ended it.
    pub fn judged(&self, task: Task, answer: &str, is_truncated: bool) -> Result<Answer, Unfit> {
        let answer = demand::said(answer)?;
        // A list of findings that was cut off is no JSON.
        if is_truncated && task != Task::Review {
            return Err(Unfit::CutOff);
        }
        // Words alone would be a text or a message, too; an edit or a list may follow them.
        let is_text = matches!(self, About::Code | About::Commit);
        match self.read(task, &answer) {
            read if !demand::is_refusal(&answer) || read.is_ok() && !is_text => read,
            _ => Err(Unfit::Refused),
        }
    }

    fn read(&self, task: Task, answer: &str) -> Result<Answer, Unfit> {
        match self {
            About::Code => demand::prose(answer).map(Answer::Prose),
            About::Commit => demand::message(answer).map(Answer::Message),
            About::Hunks(files) => {
                let reviewed: Vec<Reviewed<'_>> = files.iter().map(|(path, hunks)| Reviewed { path, hunks }).collect();
                let read = demand::findings(answer, &reviewed)?;
                Ok(Answer::Findings(Findings { findings: read.findings, dropped: read.dropped }))
            }
            About::Lines(lines) => lines.read(task, answer).map(Answer::Edited),
            About::Tests(tests) => tests.read(answer).map(Answer::Edited),
        }
    }

    /// The files that it is about, as a person reads them.
    pub fn shown(&self) -> String {
        match self {
            About::Code => "the lines".to_owned(),
            About::Commit => "the change".to_owned(),
            About::Lines(lines) => lines.shown.clone(),
            About::Tests(tests) => tests.path.display().to_string(),
            About::Hunks(files) => files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>().join(", "),
        }
    }

    /// The file that it edits, and its text when it was read; `None` if it edits none.
    pub fn edits(&self) -> Option<(&Path, &str)> {
        match self {
            About::Lines(lines) => Some((&lines.path, &lines.text)),
            About::Tests(tests) => Some((&tests.path, &tests.before)),
            About::Code | About::Commit | About::Hunks(_) => None,
        }
    }

    /// Adds what was masked in the prompt, so that an edit which repeats it is known.
    pub(super) fn hide(&mut self, masks: &Masks) {
        match self {
            About::Lines(lines) => lines.hidden.extend(masks),
            About::Tests(tests) => tests.hidden.extend(masks),
            About::Code | About::Commit | About::Hunks(_) => {}
        }
    }

    /// The bytes of a file's text inside which its edits stay, and what else an edited file must be; `None` if it edits none.
    pub fn scope(&self, task: Task) -> Option<Scope<'_>> {
        match self {
            About::Lines(lines) => Some(lines.scope(task)),
            About::Tests(tests) => Some(tests.scope()),
            About::Code | About::Commit | About::Hunks(_) => None,
        }
    }
}

impl Lines {
    /// Has the edit also take a comment away. The lines are those of the same `text` without it.
    pub(super) fn take_away(&mut self, text: &str, comment: Range<usize>) {
        self.within = with_comment(&self.within, &comment);
        (self.text, self.comment) = (text.to_owned(), Some(comment));
    }

    fn read(&self, task: Task, answer: &str) -> Result<Edited, Unfit> {
        let (mut seen, mut within) = (self.text.clone(), self.within.clone());
        if let Some(comment) = &self.comment {
            seen.replace_range(comment.clone(), "");
            within.end -= comment.len().min(within.len());
        }
        let source = Source::new(&*self.shown, by_name_or_text(&self.language), seen);
        // The same text has the same masks, so they are not kept.
        let mut masks = Masks::default();
        let masked = masks.masked(&source.text, &self.shown).ok_or(Unfit::Masked)?;
        masks.extend(&self.hidden);
        let sent = Source::new(&*self.shown, source.language, masked);
        let last = within.end.saturating_sub(1).max(within.start);
        let lines = source.line(within.start)..source.line(last) + 1;
        let mut whole = source.lines(lines.clone());
        let shown = sent.text.get(sent.lines(lines)).unwrap_or_default();
        let mut edits = demand::edits(self.form, &source, whole.start, shown, answer)?;
        if task == Task::Document {
            edits = demand::styled(&source, edits);
        }
        if edits.iter().any(|edit| masks.find(&edit.text, true).is_some()) {
            return Err(Unfit::Masked);
        }
        if let Some(comment) = self.comment.as_ref().filter(|_| !edits.is_empty()) {
            (edits, whole) = (without_comment(edits, comment), with_comment(&whole, comment));
        }
        let now = demand::fits(&Scope { within: whole, ..self.scope(task) }, &edits)?;
        Ok(Edited { path: self.path.clone(), before: self.text.clone(), now, edits })
    }

    fn scope(&self, task: Task) -> Scope<'_> {
        Scope {
            task,
            language: by_name_or_text(&self.language),
            text: &self.text,
            within: self.within.clone(),
            wrong: self.wrong.clone(),
            names: None,
            known: &self.known,
        }
    }
}

/// Bytes of a text without a comment, as those of the text with it; the comment is among them.
fn with_comment(range: &Range<usize>, comment: &Range<usize>) -> Range<usize> {
    let moved = |at: usize| if at > comment.start { at + comment.len() } else { at };
    moved(range.start).min(comment.start)..moved(range.end).max(comment.end)
}

/// Edits of a text without a comment, as those of the text with it that also take the comment away.
fn without_comment(edits: Vec<Edit>, comment: &Range<usize>) -> Vec<Edit> {
    let is_around = |range: &Range<usize>| range.start < comment.start && comment.start < range.end;
    let gone = (!edits.iter().any(|edit| is_around(&edit.range)))
        .then(|| Edit { range: comment.clone(), text: String::new() });
    let moved = |Edit { range, text }: Edit| {
        let start = if range.start >= comment.start { range.start + comment.len() } else { range.start };
        let end = if range.end > comment.start { range.end + comment.len() } else { range.end };
        Edit { range: start..end.max(start), text }
    };
    let mut edits: Vec<Edit> = edits.into_iter().map(moved).chain(gone).collect();
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits
}

/// Code without the indentation that all its lines have.
fn from_margin(code: &str) -> String {
    let code = code.trim_start_matches('\n');
    let own = code.get(..code.len() - code.trim_start().len()).unwrap_or_default();
    let lines: Option<Vec<&str>> =
        code.lines().map(|line| if line.trim().is_empty() { Some("") } else { line.strip_prefix(own) }).collect();
    lines.map_or_else(|| code.to_owned(), |lines| lines.join("\n"))
}

impl Tests {
    /// New tests at the depth of their spot; as they are at the top of a file.
    fn indented(&self, code: &str, spot: &Spot) -> String {
        let (depth, facts) = (&spot.depth, by_name_or_text(&self.language).facts());
        if depth.is_empty() {
            return code.to_owned();
        }
        let unit = detect_indent(self.before.lines(), &facts.indent);
        let above = self.before.get(..spot.at).unwrap_or_default();
        // Where indentation ends a body, the lines above say nothing of the depth.
        let (before, code) = match facts.layout {
            Layout::Indent => (depth.clone(), from_margin(code)),
            _ => (format!("{above}{}{depth}", spot.lead), code.to_owned()),
        };
        format!("{depth}{}", reindent(&code, &Target { before: &before, unit: &unit, facts }))
    }

    fn read(&self, answer: &str) -> Result<Edited, Unfit> {
        let language = by_name_or_text(&self.language);
        let code = demand::code_in(answer, language)?;
        if self.hidden.find(code, true).is_some() {
            return Err(Unfit::Masked);
        }
        let joined = match self.before.is_empty() {
            true => Joined { code: code.to_owned(), outside: false, imports: Vec::new() },
            false => {
                let (spot, holder) = (&self.spot, self.holder.as_deref());
                let file = Source::new("", language, &*self.before);
                demand::joined(code, &Joining { file: &file, at: spot.at, lead: &spot.lead, holder })?
            }
        };
        let spot = self.outside.as_ref().filter(|_| joined.outside).unwrap_or(&self.spot);
        let text = format!("{}{}\n{}", spot.lead, self.indented(joined.code.trim_end(), spot), spot.tail);
        let edits: Vec<Edit> = joined.imports.into_iter().chain([Edit { range: spot.at..spot.at, text }]).collect();
        let scope = self.scope();
        let first = edits.iter().map(|edit| edit.range.start).min().unwrap_or(spot.at);
        let now = demand::fits(&Scope { within: first.min(scope.within.start)..scope.within.end, ..scope }, &edits)?;
        Ok(Edited { path: self.path.clone(), before: self.before.clone(), now, edits })
    }

    fn scope(&self) -> Scope<'_> {
        let outside = self.outside.as_ref().map_or(self.spot.at, |outside| outside.at);
        Scope {
            task: Task::Tests,
            language: by_name_or_text(&self.language),
            text: &self.before,
            within: self.spot.at.min(outside)..self.spot.at.max(outside),
            wrong: None,
            names: Some(&self.name),
            known: &self.known,
        }
    }
}
