//! Suggestions in the completion menu, for clients that show none inline: one item below those of other servers. It shows what is ready at
//! once, and waits for a model only if the client takes late items.
//! It leaves completing to `complete`.

use std::sync::Arc;

use pennyworth_core::gate::Trigger;
use pennyworth_core::lex;
use pennyworth_core::text::{self, Counting, Snapshot};
use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, CompletionList, CompletionOptions, CompletionParams,
    CompletionResponse, InsertTextFormat, InsertTextMode, TextEdit,
};

use super::inline::accepted;
use super::status::{Changes, tell_troubles};
use super::suggestions::Suggestions;
use crate::complete::flights::typed_since;
use crate::complete::stages::complete;
use crate::complete::{Completer, Completion, Request};
use crate::documents::session::AskedBy;
use crate::documents::{Documents, session};
use crate::settings::{Settings, TriggerMode};
use crate::wire::convert;
use crate::wire::editor::{Editor, MenuLines};

/// Sorts after the items of other servers.
const LAST: &str = "\u{7f}";
/// Most characters of an item's label.
const LABEL: usize = 80;
/// Characters after which clients ask although no word is being typed: a name, an argument or a line begins there.
const TRIGGERS: [&str; 8] = [".", ":", ">", "(", "=", ",", " ", "{"];

/// The options announced to a client: none if it shows suggestions inline, or if the user wants none in the menu.
pub fn options(settings: &Settings, editor: &Editor) -> Option<CompletionOptions> {
    let is_wanted = settings.completion_menu && !editor.inline;
    is_wanted.then(|| CompletionOptions {
        trigger_characters: Some(TRIGGERS.map(String::from).to_vec()),
        ..CompletionOptions::default()
    })
}

/// Answers `textDocument/completion`. The list is marked as incomplete, so that the client asks again as the user types.
pub async fn completion(
    client: &Client,
    editor: &Editor,
    documents: &Documents,
    completer: &Arc<Completer>,
    suggestions: &Suggestions,
    status: &Changes,
    params: CompletionParams,
) -> Option<CompletionResponse> {
    let place = params.text_document_position_params;
    let uri = place.text_document.uri;
    // Asked before the request begins, because a request ends the one before it.
    let path = documents.session().path(&uri)?;
    // Clients do not say whether a user asked for the menu, so with `trigger = "invoked"` it holds nothing of ours.
    let settings = Arc::clone(&completer.configuration.get().scope(&path).settings);
    if !settings.completion_menu || settings.trigger == TriggerMode::Invoked {
        return None;
    }
    let begun = documents.session().begin_request(&uri, AskedBy::Typing)?;
    let session::BegunRequest { snapshot, path, cells, number, counting, superseded, .. } = begun;
    let cursor = convert::cursor(&snapshot.text, place.position, counting)?;
    // Clients ask while words are typed and on a key, and do not say which. Some ask once per word and then filter the items.
    let request = Request {
        ready_only: !editor.habits.waits,
        outlives_edits: true,
        whole: true,
        cells,
        number: Some(number),
        ..Request::new(snapshot.clone(), path, cursor, Trigger::Typed)
    };
    let found = complete(completer, request.clone(), superseded).await;
    if editor.habits.waits {
        tell_troubles(client, &completer.providers.troubles);
        status.changed();
    }
    let now = documents.session().peek(&uri)?;
    let typed = typed_since(&snapshot.text, cursor, &now.text);
    let found = match (found, typed) {
        (Some(found), Some(typed)) if found.goes_on_behind(&typed) => Some((found, typed)),
        // The user typed on: show what is ready there now, because the client may not ask again before the next key.
        (_, Some(typed)) if !typed.is_empty() => {
            let (_keep, superseded) = oneshot::channel();
            let request = Request { snapshot: now, cursor: cursor + typed.len(), ready_only: true, ..request };
            let there = complete(completer, request, superseded).await;
            there.and_then(|there| there.seen_from(cursor, &typed)).map(|found| (found, typed))
        }
        _ => None,
    };
    let item = found.and_then(|(found, typed)| {
        let written = Completion { text: editor.written(&found.text).into_owned(), ..found.clone() };
        let mut item = item(&snapshot, counting, editor.lines, &written)?;
        let found = Completion { cursor: found.cursor + typed.len(), ..found };
        item.command = Some(accepted(suggestions.shown(&uri, &found)));
        status.changed();
        Some(item)
    });
    let items = item.into_iter().collect();
    Some(CompletionList { is_incomplete: true, item_defaults: None, apply_kind: None, items }.into())
}

impl Completion {
    /// Whether the text behind the cursor begins with what was typed meanwhile.
    fn goes_on_behind(&self, typed: &str) -> bool {
        let own = self.cursor.saturating_sub(self.start);
        self.text.get(own..).is_some_and(|rest| rest.starts_with(typed))
    }

    /// Turns a completion for the place after `typed` into one for the place before it.
    fn seen_from(self, cursor: usize, typed: &str) -> Option<Completion> {
        let end = self.end.checked_sub(typed.len())?;
        (self.start == self.cursor).then(|| Completion {
            start: cursor,
            end,
            cursor,
            text: format!("{typed}{}", self.text),
            ..self
        })
    }
}

/// The item of a completion, written so that this client inserts what was suggested.
fn item(snapshot: &Snapshot, counting: Counting, lines: MenuLines, completion: &Completion) -> Option<CompletionItem> {
    let word = word_before(snapshot, completion.start.min(completion.cursor));
    let start = completion.start.min(completion.cursor) - word.len();
    // The protocol allows no edit here that leaves the cursor's line.
    let end = completion.end.min(text::line_end(&snapshot.text, snapshot.text.byte_to_line(completion.cursor)));
    let whole = format!("{word}{}", completion.text);
    let first_line = whole.lines().next().filter(|line| !line.trim().is_empty() || lines != MenuLines::FirstLine)?;
    let is_long = whole.contains(['\n', '\r']);
    let (new_text, format, mode) = match lines {
        _ if !is_long => (whole.clone(), InsertTextFormat::PlainText, None),
        MenuLines::Plain => (whole.clone(), InsertTextFormat::PlainText, None),
        MenuLines::AsIs => (whole.clone(), InsertTextFormat::PlainText, Some(InsertTextMode::AsIs)),
        MenuLines::Snippet => (snippet(snapshot, completion.cursor, &whole), InsertTextFormat::Snippet, None),
        MenuLines::FirstLine => (first_line.to_owned(), InsertTextFormat::PlainText, None),
    };
    let range = convert::range(&snapshot.text, start, end, counting);
    Some(CompletionItem {
        label: label(&whole),
        kind: Some(CompletionItemKind::Text),
        detail: Some("Pennyworth".into()),
        documentation: is_long.then(|| whole.clone().into()),
        sort_text: Some(LAST.into()),
        // The text that is already there, so that the item passes the client's filter.
        filter_text: Some(typed(snapshot, start, completion.cursor)).filter(|typed| !typed.is_empty()),
        insert_text_format: Some(format),
        insert_text_mode: mode,
        text_edit: Some(CompletionItemTextEdit::TextEdit(TextEdit { range, new_text })),
        ..CompletionItem::default()
    })
}

/// The part of a word that ends at a byte offset. Clients filter by it, so the item has to replace it.
fn word_before(snapshot: &Snapshot, offset: usize) -> String {
    let line = snapshot.text.line_to_byte(snapshot.text.byte_to_line(offset));
    let before = text::slice(&snapshot.text, line, offset);
    let start = before.trim_end_matches(|c| lex::is_word(snapshot.language.facts(), c)).len();
    before.get(start..).unwrap_or_default().to_owned()
}

fn typed(snapshot: &Snapshot, start: usize, cursor: usize) -> String {
    text::slice(&snapshot.text, start, cursor)
}

/// The first line that is not blank; an ellipsis stands for more.
fn label(whole: &str) -> String {
    let mut lines = whole.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let mut label: String = first.chars().take(LABEL).collect();
    if lines.next().is_some() || label.len() < first.len() {
        label.push_str(" …");
    }
    label
}

/// The text as a snippet. The client indents it like the cursor's line, so that line's indentation is removed from the other lines.
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
    use pennyworth_core::text::Encoding;

    use super::*;

    fn completion(cursor: usize, text: &str) -> Completion {
        Completion::embedded(cursor, cursor, text)
    }

    /// Suggests a text at the cursor `ˇ` to a client that takes lines this way, and compares the replaced and the new text.
    fn check(source: &str, suggested: &str, lines: MenuLines, expected: Option<(&str, &str)>) {
        let cursor = source.find('ˇ').expect("a cursor");
        let snapshot = Snapshot::of(&source.replace('ˇ', ""), pennyworth_grammars::by_name("rust").unwrap());
        let found = item(&snapshot, Encoding::Utf8.into(), lines, &completion(cursor, suggested));
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
            assert_eq!(completion(5, "yz").goes_on_behind(typed), goes_on, "{typed}");
        }
        let there = Completion { end: 8, ..completion(7, "z") }.seen_from(5, "xy").expect("an answer");
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
