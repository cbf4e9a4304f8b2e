//! The rules that hold for one document: the settings of its place, its kind, and what follows for its text. There is one predicate for all
//! uses of a text, so that what may not be completed is not learned, quoted or sent ahead either.
//! It leaves finding the rules to `rules`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use pennyworth_core::classify::guests::{guests, may_have_guests};
use pennyworth_core::gate::FileKind;
use pennyworth_core::route::Privacy;
use pennyworth_core::task::Tasks;
use pennyworth_core::text;
use pennyworth_grammars::Language;
use ropey::Rope;

use super::ignored::is_generated;
use super::types::Settings;

/// Bytes at the head of a file that are searched for a mark of generated code.
const HEAD: usize = 1024;

/// The rules for one document.
#[derive(Debug)]
pub struct Scope {
    /// The folder of the workspace that holds it. Documents outside of all share a root that no file has.
    pub root: PathBuf,
    /// The settings, tightened by the files of the folders above the document.
    pub settings: Arc<Settings>,
    /// The rows of the tasks under these settings.
    pub tasks: Arc<Tasks>,
    /// The document's path as prompts show it: relative to the root, with slashes. Outside the workspace, only its name.
    pub shown: String,
    /// Why the rules are not known, if they are not. Until they are, nothing is done with the text.
    pub unknown: Option<Arc<str>>,
    pub(super) kind: FileKind,
}

/// A use of a document's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To complete it. The gate may still stay silent, for reasons of its own.
    Complete,
    /// To learn it, so that it is suggested elsewhere.
    Learn,
    /// To send a model on ahead what its prompts will hold.
    Warm,
    /// To quote it in the prompts of other documents.
    Quote,
}

impl Scope {
    /// Whether the rules allow a use of the document's text, which is in this language.
    pub fn allows(&self, wanted: Use, language: &str) -> bool {
        let is_on = self.settings.enabled && self.settings.is_language_on(language);
        is_on
            && match wanted {
                // What is wrong with the file is the gate's affair, which names it.
                Use::Complete => true,
                Use::Learn => {
                    self.settings.embedded.enabled && matches!(self.kind, FileKind::Normal | FileKind::Generated)
                }
                Use::Quote => self.kind == FileKind::Normal,
                Use::Warm => self.kind == FileKind::Normal && self.settings.privacy() != Privacy::Embedded,
            }
    }

    /// Whether a part of a text in this language holds another language that is off.
    pub fn holds_off(&self, language: &'static Language, text: &Rope, part: Range<usize>) -> bool {
        self.may_hold_off(language)
            && guests(&text.to_string(), language)
                .iter()
                .any(|guest| guest.touches(&part) && !self.are_on(&guest.languages))
    }

    /// Whether texts in this language may hold another one that is off.
    pub fn may_hold_off(&self, language: &Language) -> bool {
        self.settings.languages.values().any(|is_on| !is_on) && may_have_guests(language)
    }

    /// Whether all of these languages are on.
    pub fn are_on(&self, languages: &[&str]) -> bool {
        languages.iter().all(|language| self.settings.is_language_on(language))
    }

    /// The document's kind by its place and name.
    pub fn kind(&self) -> FileKind {
        self.kind
    }

    /// The document's kind by its place, its name, the head of its text and its size.
    pub fn kind_of(&self, text: &Rope) -> FileKind {
        let bytes = text.len_bytes();
        self.kind_by(&text::slice(text, 0, HEAD.min(bytes)), bytes)
    }

    pub(super) fn kind_by(&self, head: &str, bytes: usize) -> FileKind {
        match self.kind {
            FileKind::Normal if is_generated(head) => FileKind::Generated,
            FileKind::Normal if bytes as u64 > self.settings.documents.max_complete_bytes => FileKind::TooLarge,
            kind => kind,
        }
    }
}
