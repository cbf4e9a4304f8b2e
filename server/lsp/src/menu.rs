//! Suggestions in the completion menu, for clients that show none inline, as one item below everybody else's: what is ready at once, and what
//! a model says where the client takes late items.
//! It leaves what is suggested to `complete`.

use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::lex;
use pennyworth_core::text::{self, Encoding, Snapshot};
use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, CompletionList, CompletionOptions, CompletionParams,
    CompletionResponse, InsertTextFormat, InsertTextMode, TextEdit,
};

use crate::complete::{Answer, Ask};
use crate::convert;
use crate::editor::{Editor, MenuLines};
use crate::engine::Engine;
use crate::flight::typed_since;
use crate::inline::accepted;
use crate::session;

/// Sorts after whatever other servers say.
const LAST: &str = "\u{7f}";
/// Characters of an item's label.
const LABEL: usize = 80;
/// Where clients may ask although no word is being typed: where a name, an argument or a line begins.
const TRIGGERS: [&str; 8] = [".", ":", ">", "(", "=", ",", " ", "{"];

/// What is offered to a client: nothing if it shows suggestions inline, or its user wants none in the menu.
pub fn options(engine: &Engine, editor: &Editor) -> Option<CompletionOptions> {
    let is_wanted = engine.current().settings().completion_menu && !editor.inline;
    is_wanted.then(|| CompletionOptions {
        trigger_characters: Some(TRIGGERS.map(String::from).to_vec()),
        ..CompletionOptions::default()
    })
}

/// Answers `textDocument/completion`. The list is never complete, so that the client asks again as the user types.
pub async fn menu(engine: &Arc<Engine>, params: CompletionParams) -> Option<CompletionResponse> {
    let place = params.text_document_position_params;
    let uri = place.text_document.uri;
    let (asked, encoding) = {
        let mut session = engine.session();
        (session.ask(&uri)?, session.encoding())
    };
    let session::Ask { snapshot, path, superseded, .. } = asked;
    let (current, editor) = (engine.current(), engine.editor()?);
    let cursor = convert::offset(&snapshot.text, place.position, encoding);
    if !current.scope(&path).settings.completion_menu {
        return None;
    }
    // Clients ask for the menu as words are typed and by a key, and do not say which. Some ask once for a word and go on filtering what came.
    let ask = Ask { trigger: Trigger::Typed, selected: None, ready_only: !editor.waits, outlives_edits: true };
    let answer = engine.complete(snapshot.clone(), path.clone(), cursor, ask.clone(), superseded).await;
    if editor.waits {
        engine.tell_troubles();
        engine.status.changed();
    }
    let now = engine.session().peek(&uri)?;
    let typed = typed_since(&snapshot.text, cursor, &now.text);
    let found = match (answer, typed) {
        (Some(answer), Some(typed)) if answer.goes_on_behind(&typed) => Some((answer, typed)),
        // Who typed on sees what is ready there now; the client may not ask again before the next key.
        (_, Some(typed)) if !typed.is_empty() => {
            let (_keep, superseded) = oneshot::channel();
            let ask = Ask { ready_only: true, ..ask };
            let there = engine.complete(now, path, cursor + typed.len(), ask, superseded).await;
            there.and_then(|there| there.seen_from(cursor, &typed)).map(|answer| (answer, typed))
        }
        _ => None,
    };
    let items = found.and_then(|(answer, typed)| {
        let mut item = item(&snapshot, encoding, editor.lines, &answer)?;
        let answer = Answer { cursor: answer.cursor + typed.len(), ..answer };
        item.command = Some(accepted(engine.shown(&uri, &answer)));
        Some(item)
    });
    let items = items.into_iter().collect();
    Some(CompletionList { is_incomplete: true, item_defaults: None, apply_kind: None, items }.into())
}

impl Answer {
    /// Whether what was typed behind the cursor is the beginning of it.
    fn goes_on_behind(&self, typed: &str) -> bool {
        let own = self.cursor.saturating_sub(self.start);
        self.text.get(own..).is_some_and(|rest| rest.starts_with(typed))
    }

    /// An answer at a later place as one for where the cursor was before this was typed.
    fn seen_from(self, cursor: usize, typed: &str) -> Option<Answer> {
        let end = self.end.checked_sub(typed.len())?;
        (self.start == self.cursor).then(|| Answer {
            start: cursor,
            end,
            cursor,
            text: format!("{typed}{}", self.text),
            ..self
        })
    }
}

/// The item of an answer, written so that this client inserts what was suggested.
fn item(snapshot: &Snapshot, encoding: Encoding, lines: MenuLines, answer: &Answer) -> Option<CompletionItem> {
    let word = word_before(snapshot, answer.start.min(answer.cursor));
    let start = answer.start.min(answer.cursor) - word.len();
    // An edit of several lines is not allowed here, nor one that ends elsewhere than on the cursor's line.
    let end = answer.end.min(text::line_end(&snapshot.text, snapshot.text.byte_to_line(answer.cursor)));
    let whole = format!("{word}{}", answer.text);
    let first_line = whole.lines().next().filter(|line| !line.trim().is_empty() || lines != MenuLines::FirstLine)?;
    let is_long = whole.contains(['\n', '\r']);
    let (new_text, format, mode) = match lines {
        _ if !is_long => (whole.clone(), InsertTextFormat::PlainText, None),
        MenuLines::Plain => (whole.clone(), InsertTextFormat::PlainText, None),
        MenuLines::AsIs => (whole.clone(), InsertTextFormat::PlainText, Some(InsertTextMode::AsIs)),
        MenuLines::Snippet => (snippet(snapshot, answer.cursor, &whole), InsertTextFormat::Snippet, None),
        MenuLines::FirstLine => (first_line.to_owned(), InsertTextFormat::PlainText, None),
    };
    let range = convert::range(&snapshot.text, start, end, encoding);
    Some(CompletionItem {
        label: label(&whole),
        kind: Some(CompletionItemKind::Text),
        detail: Some("Pennyworth".into()),
        documentation: is_long.then(|| whole.clone().into()),
        sort_text: Some(LAST.into()),
        // What stands there already, so that the filter of the client lets it pass.
        filter_text: Some(typed(snapshot, start, answer.cursor)).filter(|typed| !typed.is_empty()),
        insert_text_format: Some(format),
        insert_text_mode: mode,
        text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text })),
        ..CompletionItem::default()
    })
}

/// The letters of the word that ends at a byte offset. Clients filter by it, so the item has to replace it.
fn word_before(snapshot: &Snapshot, offset: usize) -> String {
    let line = snapshot.text.line_to_byte(snapshot.text.byte_to_line(offset));
    let before = text::slice(&snapshot.text, line, offset);
    let is_word = |c: char| match snapshot.language {
        Some(language) => lex::is_word(language.facts(), c),
        None => c.is_alphanumeric() || c == '_',
    };
    let start = before.trim_end_matches(is_word).len();
    before.get(start..).unwrap_or_default().to_owned()
}

fn typed(snapshot: &Snapshot, start: usize, cursor: usize) -> String {
    text::slice(&snapshot.text, start, cursor)
}

/// The first line with something on it; three dots stand for more.
fn label(whole: &str) -> String {
    let mut lines = whole.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut label: String = first.chars().take(LABEL).collect();
    if lines.next().is_some() || label.len() < first.len() {
        label.push_str(" …");
    }
    label
}

/// The text as a snippet that a client indents like the line it goes into: that line's indentation is taken off the others.
fn snippet(snapshot: &Snapshot, cursor: usize, whole: &str) -> String {
    let line = snapshot.text.byte_to_line(cursor);
    let start = snapshot.text.line_to_byte(line);
    let text = text::slice(&snapshot.text, start, text::line_end(&snapshot.text, line));
    let indent = text.get(..text.len() - text.trim_start().len()).unwrap_or_default();
    let mut lines = whole.split('\n');
    let mut snippet = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        snippet.push('\n');
        snippet.push_str(line.strip_prefix(indent).unwrap_or(line.trim_start()));
    }
    let mut escaped = String::with_capacity(snippet.len());
    for c in snippet.chars() {
        if matches!(c, '\\' | '$' | '}') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Source, Suggested};
    use pennyworth_core::task::Task;

    fn answer(cursor: usize, text: &str) -> Answer {
        let suggested = Suggested {
            source: Source::Embedded,
            model: "embedded".into(),
            call: None,
            task: Task::Line,
            language: "rust".into(),
            chars: 0,
            tokens: 0,
            truncated: false,
            probability: None,
        };
        Answer { start: cursor, end: cursor, cursor, text: text.into(), suggested }
    }

    /// The text around the cursor `ˇ`, the suggestion, how the client takes lines; what is replaced and by what.
    fn check(source: &str, suggested: &str, lines: MenuLines, expected: Option<(&str, &str)>) {
        let cursor = source.find('ˇ').expect("a cursor");
        let snapshot = Snapshot::of(&source.replace('ˇ', ""), pennyworth_grammars::by_name("rust"));
        let found = item(&snapshot, Encoding::Utf8, lines, &answer(cursor, suggested));
        let found = found.map(|item| {
            let Some(CompletionItemTextEdit::TextEdit(edit)) = item.text_edit else { panic!("no edit") };
            assert_eq!(edit.range.start.line, edit.range.end.line);
            let offset = |at| convert::offset(&snapshot.text, at, Encoding::Utf8);
            let replaced = text::slice(&snapshot.text, offset(edit.range.start), offset(edit.range.end));
            assert_eq!(item.filter_text.unwrap_or_default(), replaced, "the filter lets it pass");
            (replaced, edit.new_text)
        });
        let found = found.as_ref().map(|(replaced, new)| (replaced.as_str(), new.as_str()));
        assert_eq!(found, expected, "{source:?} {suggested:?} {lines:?}");
    }

    #[test]
    fn items_replace_the_word_and_suit_the_client() {
        use MenuLines::*;
        for lines in [Plain, AsIs, Snippet, FirstLine] {
            check("    le ˇ", "x = ${1};", lines, Some(("", "x = ${1};")));
            check("    foo.baˇ", "r(1)", lines, Some(("ba", "bar(1)")));
            check("ü éaˇ", "b", lines, Some(("éa", "éab")));
        }
        let block = " {\n        a$\n    }";
        check("    if xˇ", block, Plain, Some(("x", "x {\n        a$\n    }")));
        check("    if xˇ", block, AsIs, Some(("x", "x {\n        a$\n    }")));
        check("    if xˇ", block, Snippet, Some(("x", "x {\n    a\\$\n\\}")));
        check("    if xˇ", block, FirstLine, Some(("x", "x {")));
        check("    ˇ", "\n    a", FirstLine, None);
    }

    #[test]
    fn what_was_typed_meanwhile_is_the_users_own() {
        for (typed, goes_on) in [("", true), ("y", true), ("yz", true), ("q", false), ("é", false)] {
            assert_eq!(answer(5, "yz").goes_on_behind(typed), goes_on, "{typed}");
        }
        let there = Answer { end: 8, ..answer(7, "z") }.seen_from(5, "xy").expect("an answer");
        assert_eq!((there.start, there.end, there.cursor, there.text.as_str()), (5, 6, 5, "xyz"));
    }

    #[test]
    fn labels_are_one_line() {
        for (text, expected) in [("a", "a"), ("\n  a\n", "a"), ("a {\n}", "a { …"), ("", "")] {
            assert_eq!(label(text), expected);
        }
        assert_eq!(label(&"é".repeat(100)).chars().count(), LABEL + 2);
    }
}
