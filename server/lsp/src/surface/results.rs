//! What becomes of the result of a task on demand: an edit of the version that was read, marks, a document, or the answer of the command. What cannot be
//! applied is shown as a document, so that nothing is lost. It leaves running the task to `demand`.

use std::collections::{BTreeMap, HashMap};

use pennyworth_core::demand::{self, Edit as Replaced, Finding, Hunk};
use pennyworth_core::money::Money;
use pennyworth_core::present;
use pennyworth_core::prompt::{normalised, without_mark};
use pennyworth_core::task::Task;
use pennyworth_core::text::{self, Counting, Encoding, Snapshot};
use ropey::Rope;
use serde_json::{Value, json};
use tower_lsp::gen_lsp_types::{
    CreateFile, CreateFileOptions, Edit, OptionalVersionedTextDocumentIdentifier, Range, TextDocumentEdit,
    TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};

use super::desk::Desk;
use super::findings::{DismissedFindings, places};
use crate::demand::{Answer, Edited, Outcome};
use crate::wire::convert;
use crate::wire::editor::Editor;

/// The result of a task, with the document as it was read.
pub(super) struct Done {
    pub(super) outcome: Vec<Outcome>,
    pub(super) read: Option<Read>,
    /// What was reviewed, by the paths that prompts show.
    pub(super) reviewed: Vec<(String, Vec<Hunk>)>,
    pub(super) cost: Money,
}

/// A document as it was read.
#[derive(Clone)]
pub(super) struct Read {
    pub(super) uri: Uri,
    pub(super) snapshot: Snapshot,
    pub(super) counting: Counting,
}

impl Desk {
    /// Shows a result: edits are applied, findings marked, texts opened. What cannot be applied is opened, so that nothing is lost. Returns whether
    /// all edits were applied.
    pub(super) async fn present(&self, task: Task, done: Done) -> anyhow::Result<bool> {
        let tell = |message: String| self.tell(message);
        let mut is_applied = true;
        let mut findings = Vec::new();
        for outcome in &done.outcome {
            match &outcome.answer {
                None => tell(said(task, outcome)),
                Some(Answer::Prose(text)) => self.texts.show(&self.client, "explanation.md", text).await?,
                Some(Answer::Message(text)) => self.present_message(text, done.read.as_ref()).await?,
                Some(Answer::Findings(found)) => findings.extend(found.findings.iter().cloned()),
                Some(Answer::Edited(edited)) => {
                    let edit = self.edit(edited, done.read.as_ref());
                    let applied = match self.can(|editor| editor.applies_edits) && self.is_current(edited) {
                        true => self.client.apply_edit(edit).await.is_ok_and(|result| result.applied),
                        false => false,
                    };
                    is_applied &= applied;
                    let is_other = done.read.as_ref().is_some_and(|read| convert::document(&read.uri) != edited.path);
                    if applied && is_other {
                        // Not every client shows a file that it was not showing.
                        let name = edited.path.file_name().unwrap_or_default().to_string_lossy();
                        tell(format!("{task}: they are in {name}"));
                    }
                    if !applied {
                        self.texts.show(&self.client, "edited.txt", &edited.now).await?;
                        tell(match self.can(|editor| editor.applies_edits) {
                            true => "the document has changed, so the edit is shown beside it".into(),
                            false => {
                                "this editor applies no edits of servers, so it is shown beside the document".to_owned()
                            }
                        });
                    }
                }
            }
        }
        if task == Task::Review && done.outcome.iter().any(|outcome| outcome.answer.is_some()) {
            let all = findings.len();
            let kept = self.completer.ledger.get().and_then(DismissedFindings::beside);
            let dismissed = self.demands.findings.dismissed(kept).await;
            // From here on nothing is awaited until they are shown: an edit would leave them at lines of before.
            let findings = self.anchored(findings, &done.reviewed);
            let count = findings.len();
            if all > count {
                tell(format!("{} of what the review found is left out: its lines have changed", all - count));
            }
            let line = |uri: &Uri, line: u32| {
                let at = line.saturating_sub(1) as usize;
                let open = self.documents.session().peek(uri);
                match open {
                    Some(snapshot) => snapshot.text.get_line(at).map(|line| line.to_string()),
                    None => std::fs::read_to_string(convert::path(uri)?)
                        .ok()?
                        .lines()
                        .nth(at)
                        .map(|line| without_mark(line).to_owned()),
                }
            };
            let configuration = self.completer.configuration.get();
            let shown = self.demands.findings.show(&self.client, &configuration, (findings, &dismissed), line).await;
            if count > shown {
                tell(format!("{} of what the review found is left out: you dismissed it before", count - shown));
            }
            tell(match shown {
                0 => format!("the review found nothing ({})", done.cost),
                1 => format!("the review found one thing ({})", done.cost),
                count => format!("the review found {count} things ({})", done.cost),
            });
        }
        Ok(is_applied)
    }

    /// The findings at their lines in the files of now. Those whose lines were rewritten meanwhile are left out.
    fn anchored(&self, findings: Vec<Finding>, reviewed: &[(String, Vec<Hunk>)]) -> Vec<Finding> {
        let configuration = self.completer.configuration.get();
        let now = |file: &str| {
            let texts = places(&configuration, file).into_iter().map(|path| {
                // Nobody waits for a document while a disk is read.
                let open = convert::uri(&path).and_then(|uri| self.documents.session().peek(&uri));
                open.map_or_else(|| std::fs::read_to_string(path).ok(), |snapshot| Some(snapshot.text.to_string()))
            });
            demand::as_shown(&texts.flatten().next().unwrap_or_default(), file)
        };
        let hunks = |file: &str| -> Vec<Hunk> {
            let own = reviewed.iter().filter(|(path, _)| path == file);
            own.flat_map(|(_, hunks)| hunks.iter().cloned()).collect()
        };
        let mut files = BTreeMap::<String, (Vec<Hunk>, String)>::new();
        let at_its_line = |finding: Finding| {
            let file = files.entry(finding.file.clone());
            let (hunks, now) = file.or_insert_with_key(|file| (hunks(file), now(file)));
            demand::anchored(finding, hunks, now)
        };
        findings.into_iter().filter_map(at_its_line).collect()
    }

    /// A message goes to the beginning of the document that it is for, else it is opened.
    async fn present_message(&self, text: &str, read: Option<&Read>) -> anyhow::Result<()> {
        if let Some(Read { uri, snapshot, .. }) = read.filter(|_| self.can(|editor| editor.applies_edits)) {
            let new_text = format!("{}\n", text.trim_end());
            let edit = TextEdit { range: Range::default(), new_text };
            let is_versioned = self.can(|editor| editor.versioned_edits);
            let edit = edit_of((uri.clone(), snapshot.version), vec![edit], is_versioned);
            if self.client.apply_edit(edit).await.is_ok_and(|result| result.applied) {
                return Ok(());
            }
        }
        self.texts.show(&self.client, "message.txt", text).await
    }

    /// The result as a client takes it that shows it itself.
    pub(super) fn told(&self, done: &Done) -> Value {
        let mut told = serde_json::Map::from_iter([("cost_usd".to_owned(), json!(done.cost.usd()))]);
        let mut findings = Vec::new();
        let mut tell = |key: &str, value: Value| told.insert(key.to_owned(), value);
        for outcome in &done.outcome {
            match &outcome.answer {
                None => _ = tell("why_nothing", json!(tried(outcome))),
                Some(Answer::Prose(text)) => _ = tell("markdown", json!(text)),
                Some(Answer::Message(text)) => _ = tell("message", json!(text)),
                Some(Answer::Findings(found)) => findings.extend(found.findings.iter().cloned()),
                Some(Answer::Edited(edited)) => {
                    tell("edit", json!(self.edit(edited, done.read.as_ref())));
                    tell("text", json!(edited.now));
                    tell("uri", json!(convert::uri(&edited.path)));
                }
            }
        }
        if !findings.is_empty() {
            tell("findings", json!(findings));
        }
        Value::Object(told)
    }

    /// The document of an edit, if it is open: as it was read, else as it is.
    fn open(&self, edited: &Edited, read: Option<&Read>) -> Option<Read> {
        let own = read.filter(|read| convert::document(&read.uri) == edited.path).cloned();
        own.or_else(|| {
            let uri = convert::uri(&edited.path)?;
            let session = self.documents.session();
            let (snapshot, counting) = session.peek(&uri).zip(session.counting(&uri))?;
            Some(Read { uri, snapshot, counting })
        })
    }

    /// Whether the document of an edit is still what the edit was made for. A client that knows no versions would apply it anywhere.
    fn is_current(&self, edited: &Edited) -> bool {
        let now = convert::uri(&edited.path).and_then(|uri| self.documents.session().peek(&uri));
        now.is_none_or(|snapshot| normalised(without_mark(&snapshot.text.to_string())) == edited.before)
    }

    /// The edit of the version that was read; of another file, of whatever it is.
    fn edit(&self, edited: &Edited, read: Option<&Read>) -> WorkspaceEdit {
        let own = self.open(edited, read);
        let (uri, version, counting, line_break) = match &own {
            Some(read) => {
                (read.uri.clone(), read.snapshot.version, read.counting, text::line_break(&read.snapshot.text))
            }
            None => {
                let uri = convert::uri(&edited.path).unwrap_or(Uri(String::new()));
                let original = std::fs::read_to_string(&edited.path).unwrap_or_default();
                let line_break = text::line_break(&Rope::from_str(&original));
                (uri, None, self.editor.get().map_or_else(|| Encoding::Utf16.into(), Editor::counting), line_break)
            }
        };
        // Few clients send a byte order mark; positions behind it count it.
        let has_mark = own.as_ref().is_some_and(|read| read.snapshot.text.get_char(0) == Some('\u{feff}'));
        let mark = if has_mark { "\u{feff}" } else { "" };
        let before = Rope::from_str(&format!("{mark}{}", edited.before));
        let replaced = |edit: &Replaced| {
            let new_text = present::with_line_breaks(&edit.text, line_break);
            let (start, end) = (edit.range.start + mark.len(), edit.range.end + mark.len());
            TextEdit { range: convert::range(&before, start, end, counting), new_text }
        };
        let edits: Vec<TextEdit> = edited.edits.iter().map(replaced).collect();
        if own.is_none() && edited.before.is_empty() && self.can(|editor| editor.creates_files) {
            return new_file(uri, edits);
        }
        edit_of((uri, version), edits, own.is_some() && self.can(|editor| editor.versioned_edits))
    }
}

/// A file that is made, unless it is there, and its text.
fn new_file(uri: Uri, edits: Vec<TextEdit>) -> WorkspaceEdit {
    let options = Some(CreateFileOptions { ignore_if_exists: Some(true), ..CreateFileOptions::default() });
    let file = CreateFile::new(uri.clone(), options, None);
    let mut edit = edit_of((uri, None), edits, true);
    edit.document_changes.get_or_insert_default().insert(0, file.into());
    edit
}

/// Edits of one document, of a version of it where the client can tell.
pub(super) fn edit_of((uri, version): (Uri, Option<i32>), edits: Vec<TextEdit>, is_versioned: bool) -> WorkspaceEdit {
    if !is_versioned {
        return WorkspaceEdit { changes: Some(HashMap::from([(uri, edits)])), ..WorkspaceEdit::default() };
    }
    let text_document_identifier = TextDocumentIdentifier { uri };
    let text_document = OptionalVersionedTextDocumentIdentifier { version, text_document_identifier };
    let edit = TextDocumentEdit { text_document, edits: edits.into_iter().map(Edit::TextEdit).collect() };
    WorkspaceEdit { document_changes: Some(vec![edit.into()]), ..WorkspaceEdit::default() }
}

/// Why there is no result.
fn said(task: Task, outcome: &Outcome) -> String {
    format!("no {task}: {}", tried(outcome))
}

fn tried(outcome: &Outcome) -> String {
    let mut models = BTreeMap::new();
    for tried in &outcome.tried {
        models.insert(tried.model.as_str(), tried.outcome.as_str());
    }
    models.iter().map(|(model, outcome)| format!("{model}: {outcome}")).collect::<Vec<_>>().join("; ")
}
